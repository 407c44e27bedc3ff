"""When the pictures of a slideshow change: on the bar lines of its music, whose tempo is chosen for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cmt.config import PICTURE_LIMITS, SECONDS_ALONE, SECONDS_PER_PICTURE
from cmt.errors import CmtError
from cmt.grid.hits import Hit, hits_of
from cmt.grid.layout import music_grid
from cmt.grid.solver import MUSIC_RANGE
from cmt.machine.plural import count
from cmt.planning.calibration import read_calibration
from cmt.planning.mood import suited_tempo_of
from cmt.planning.wishes import Settled, Wishes, settled
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Timeline
from video_rhythm import VideoRhythm
from video_rhythm.slideshow import FRAME_RATE, Album

UNITS = {POSITIONS_PER_BAR: "bar lines", POSITIONS_PER_BAR // 2: "half bars", POSITIONS_PER_BEAT: "beats"}
"""Where pictures may change, by the sixteenths from one place to the next, what is wished most first."""
GLANCE = 2.0
"""The pictures are looked at so often a second to learn which tempo suits them, before it is known when they change."""
SECONDS_SPREAD, TEMPO_SPREAD = 0.25, 0.15
"""The usual seconds a picture and the tempo that suits the pictures have these standard deviations, in octaves, where
both are open."""
MOST_BARS = 512
"""At most so many bars for a picture are tried."""


class Placed(NamedTuple):
    """A slideshow in time."""

    rhythm: VideoRhythm
    borders: tuple[float, ...]
    """The seconds (n + 1,) at which the pictures come, and the end."""
    grid: Timeline
    """The grid of the music, on which the pictures change."""
    warnings: tuple[str, ...]
    """A line for each thing that was asked and cannot be."""

    @property
    def duration(self) -> float:
        """The seconds that the film lasts."""
        return self.borders[-1]


class _Fit(NamedTuple):
    """A tempo at which a picture lasts a whole number of units."""

    seconds: float
    tempo: float


def place_slides(album: Album, wishes: Wishes) -> Placed:
    """When each picture of an album is shown.

    All last the same whole number of bars, of a tempo that suits how lively they are. What is asked for is kept: the
    length, or else the seconds a picture, to the frame; with neither, a picture lasts about `SECONDS_PER_PICTURE`,
    more or less as the tempo that suits the pictures needs. Where a tempo is asked for as well as a length, some may
    last a bar more than others. Pictures that follow each other faster than bars change on half bars or on beats.

    Raises
    ------
    CmtError
        If there are more pictures than beats, a picture would be shown too shortly, or a wish cannot be.
    """
    n = len(album.files)
    asked = wishes.seconds_per_picture
    if asked is None and wishes.length is not None:
        asked = wishes.length / n
    elif asked is None and n == 1:
        asked = SECONDS_ALONE
    guess = asked or SECONDS_PER_PICTURE
    if guess < PICTURE_LIMITS.least:
        raise CmtError(
            f"{count(n, 'picture')} in {guess * n:g} s: each would be shown for {guess:.2f} s, less than "
            f"{PICTURE_LIMITS.least:g} s; give a longer `length`, or fewer pictures"
        )
    glance = album.rhythm(np.linspace(0.0, guess * n, n + 1).tolist(), GLANCE)
    fit = _fit(asked, wishes, suited_tempo_of(glance, read_calibration()) or sum(MUSIC_RANGE) / 2)
    length = wishes.length
    if length is None:
        length = (fit.seconds if fit is not None else guess) * n
    its = settled(wishes, length)
    grid = _grid(its, None if fit is None else fit.tempo)
    borders, unit = _borders(grid, n)
    return Placed(album.rhythm(borders), borders, grid, _warnings(grid, borders, unit, wishes))


def _fit(seconds: float | None, wishes: Wishes, suited: float) -> _Fit | None:
    """The seconds that each picture lasts and the tempo; None where no tempo within the range fits."""
    low, high = (wishes.tempo, wishes.tempo) if wishes.tempo is not None else wishes.tempo_range or MUSIC_RANGE
    suited = float(np.clip(suited, low, high))
    bars = np.arange(1, MOST_BARS)
    if seconds is not None and (wishes.length is not None or wishes.tempo is None):
        for unit in UNITS:
            tempi = 15.0 * unit * bars / seconds
            tempi = tempi[(tempi >= low * (1 - 1e-9)) & (tempi <= high * (1 + 1e-9))]
            if len(tempi):
                return _Fit(seconds, float(tempi[np.abs(np.log2(tempi / suited)).argmin()]))
        return None
    if wishes.tempo is not None:
        wanted = seconds or SECONDS_PER_PICTURE
        unit = next((u for u in UNITS if wanted >= 0.75 * 15.0 * u / wishes.tempo), POSITIONS_PER_BEAT)
        step = 15.0 * unit / wishes.tempo
        return _Fit(max(1, round(wanted / step)) * step, wishes.tempo)
    # Neither is known: between the usual seconds and the suited tempo, each by how much it is held to.
    usual = 240.0 * bars / SECONDS_PER_PICTURE
    trust = SECONDS_SPREAD**-2, TEMPO_SPREAD**-2
    tempi = np.clip(np.exp2(np.average([np.log2(usual), np.full(len(bars), np.log2(suited))], 0, trust)), low, high)
    costs = (np.log2(tempi / usual) / SECONDS_SPREAD) ** 2 + (np.log2(tempi / suited) / TEMPO_SPREAD) ** 2
    best = int(costs.argmin())
    lasts = round(240.0 * bars[best] / tempi[best] * FRAME_RATE) / FRAME_RATE
    return _Fit(lasts, float(240.0 * bars[best] / lasts))


def _grid(wishes: Settled, tempo: float | None) -> Timeline:
    """The grid for a slideshow: at the tempo that fits, else within the range asked for."""
    hits: tuple[Hit, ...] = hits_of(None, wishes.markers)
    prior = None if wishes.tempo_range is None else float(np.sqrt(np.prod(wishes.tempo_range)))
    return music_grid(
        wishes.duration,
        hits,
        prior_tempo=prior,
        tempo=wishes.tempo if tempo is None else tempo,
        tempo_change=wishes.tempo_change,
        tempo_range=wishes.tempo_range,
    )


def _borders(grid: Timeline, n: int) -> tuple[tuple[float, ...], int]:
    """When `n` pictures come, and the end, all lasting about the same; and the unit that they keep to, in sixteenths.

    Raises
    ------
    CmtError
        If there are fewer beats than pictures.
    """
    for unit in UNITS:
        lines = [grid.seconds(k * unit) for k in range(int(grid.start // unit) + 1, int(np.ceil(grid.length / unit)))]
        if len(lines) >= n - 1:
            return (0.0, *_spread(lines, n, grid.duration), grid.duration), unit
    raise CmtError(
        f"{n} pictures in {grid.duration:g} s of music at {grid.tempo:.4g} BPM: more than its beats; "
        "give a longer `length`, or fewer pictures"
    )


def _spread(lines: Sequence[float], n: int, end: float) -> list[float]:
    """Of the `lines` those nearest to where `n` pictures of equal lengths would change, each once."""
    chosen: list[int] = []
    for k in range(1, n):
        nearest = int(np.abs(np.array(lines) - end * k / n).argmin())
        first = chosen[-1] + 1 if chosen else 0
        chosen.append(int(np.clip(nearest, first, len(lines) - n + k)))
    return [lines[index] for index in chosen]


def _warnings(grid: Timeline, borders: Sequence[float], unit: int, wishes: Wishes) -> tuple[str, ...]:
    n = len(borders) - 1
    warnings = []
    if unit != POSITIONS_PER_BAR:
        warnings.append(
            f"{n} pictures in {count(grid.n_bar, 'bar')}: they change on {UNITS[unit]}, not on bar lines only"
        )
    lasts = np.diff(borders)
    asked = wishes.seconds_per_picture
    if asked is not None and np.abs(lasts - asked).max() > 1 / FRAME_RATE:
        shown = f"{lasts.min():.2f}" if np.ptp(lasts) < 0.01 else f"{lasts.min():.2f} to {lasts.max():.2f}"
        warnings.append(
            f"`seconds_per_picture`: each picture is shown for {shown} s, not {asked:g}, so that it changes with the "
            "music"
        )
    elif asked is None and not wishes.markers and np.ptp(lasts) > 2 / FRAME_RATE:
        warnings.append(
            f"pictures are shown for {lasts.min():.2f} to {lasts.max():.2f} s: {n} do not share "
            f"{count(grid.n_bar, 'bar')} alike; with another `length`, or with no tempo asked for, they do"
        )
    return tuple(warnings)
