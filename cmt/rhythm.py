"""What a song and a video have in common: density bar by bar, strength beat by beat.

Source: Di et al. (ACM MM 2021), section 3. Speed becomes density, and saliency strength, by
matching percentiles: the fastest 5 % of bars get the densities of the densest 5 % of LPD's bars.
The percentile is that among the bars of many videos, or that among the bars of this video alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cmt.config import Dynamics
from cmt.errors import CmtError
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song, TempoMap

if TYPE_CHECKING:
    from video_rhythm import VideoRhythm

CALM_PERCENTILE = 0.02
"""A still picture gets the music of LPD's calmest bars, not silence."""
RELATIVE_CENTRE = (0.35, 0.65)
"""Percentiles between which a video's median lies with relative dynamics, however calm or lively it is."""
RELATIVE_ARC = 0.35
"""By so much of a percentile the video's own calmest and liveliest bars lie below and above its median."""
LEAST_SPREAD = 0.5
"""Octaves; a video whose bars differ by less than this has a smaller arc, not one made of nothing."""
STILL = 0.001
"""Diagonals a second; motion far below this is none."""


class SimuNote(NamedTuple):
    """The notes of one instrument that start together (eq. 6)."""

    bar: int
    position: int
    """Sixteenth of the bar, 0..15."""
    instrument: Instrument
    strength: int
    """Number of notes (eq. 9)."""


class RhythmProfile(NamedTuple):
    """Density and strengths of a piece, asked or obtained."""

    density: tuple[int, ...]
    """(n_bar,) positions of the bar on which at least one note starts, 0..16 (eq. 8)."""
    simu_notes: tuple[SimuNote, ...]
    """In order of bar, position, instrument."""


@dataclass(frozen=True)
class Calibration:
    """Distributions over many videos and over LPD, from which percentiles are read."""

    speed_quantiles: tuple[float, ...]
    """Motion speed of bars of videos at evenly spaced quantiles, 0 to 1, in diagonals a second."""
    saliency_quantiles: tuple[float, ...]
    """Saliency of visual beats likewise."""
    density_shares: tuple[tuple[float, ...], tuple[float, ...]]
    """Shares of the densities 0..16 among LPD's sounding bars: without drums, with drums."""
    strength_shares: tuple[tuple[float, ...], ...]
    """For each instrument, shares of the strengths 0..16 among its simu-notes."""

    def speed_percentile(self, speed: float) -> float:
        """How fast a bar is among those of all videos, 0..1."""
        return _percentile(speed, self.speed_quantiles)

    def density_at(self, percentile: float, *, with_drums: bool) -> int:
        """The density of music's bars at a percentile, 1..16."""
        return _class_at(max(CALM_PERCENTILE, percentile), self.density_shares[with_drums])

    def saliency_percentile(self, saliency: float) -> float:
        """How strong a visual beat is among those of all videos, 0..1."""
        return _percentile(saliency, self.saliency_quantiles)

    def strength_at(self, percentile: float, instrument: Instrument) -> int:
        """The strength of an instrument's simu-notes at a percentile, 1 or more."""
        return _class_at(percentile, self.strength_shares[instrument])


def read_calibration(path: Path | None = None) -> Calibration:
    """The calibration in a JSON file, or the one that comes with the package.

    Raises
    ------
    CmtError
        If the file is missing or is no calibration.
    """
    path = Path(str(resources.files("cmt") / "assets" / "calibration.json")) if path is None else path
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Calibration(
            tuple(content["speed_quantiles"]),
            tuple(content["saliency_quantiles"]),
            (tuple(content["density_shares"]["without_drums"]), tuple(content["density_shares"]["with_drums"])),
            tuple(tuple(content["strength_shares"][instrument.label]) for instrument in Instrument),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CmtError(f"{path}: not a calibration ({error}); make one with data/calibrate.py") from None


def profile_of_song(song: Song) -> RhythmProfile:
    """Density of each bar and strength of each simu-note (eq. 8, 9)."""
    n_bar = max(song.n_bar, 1 + max((note.position // POSITIONS_PER_BAR for note in song.notes), default=-1))
    onsets: list[set[int]] = [set() for _ in range(n_bar)]
    strengths: dict[tuple[int, int, Instrument], int] = {}
    for note in song.notes:
        bar, position = divmod(note.position, POSITIONS_PER_BAR)
        onsets[bar].add(position)
        key = (bar, position, Instrument(note.instrument))
        strengths[key] = strengths.get(key, 0) + 1
    return RhythmProfile(
        tuple(len(bar) for bar in onsets), tuple(SimuNote(*key, strengths[key]) for key in sorted(strengths))
    )


class Liveliness(NamedTuple):
    """What is asked of a piece in percentiles of real music, before they become densities and strengths."""

    bars: tuple[float, ...]
    """(n_bar,) how lively each bar shall be, 0..1."""
    accents: Mapping[int, float]
    """Position of each accent, in sixteenths from the start of the first bar, and how strong it shall be, 0..1."""


def profile_of_video(
    video: VideoRhythm,
    timing: TempoMap,
    length: float,
    instruments: Sequence[Instrument],
    calibration: Calibration,
    dynamics: Dynamics = "relative",
    markers: Sequence[float] = (),
) -> RhythmProfile:
    """What the picture asks of music that lies at `timing` and ends at the position `length`.

    The densities and strengths of `liveliness_of_video`, by `profile_of_liveliness`.
    """
    asked = liveliness_of_video(video, timing, length, calibration, dynamics, markers)
    return profile_of_liveliness(asked, timing, length, lambda position: instruments, calibration)


def liveliness_of_video(
    video: VideoRhythm,
    timing: TempoMap,
    length: float,
    calibration: Calibration,
    dynamics: Dynamics = "relative",
    markers: Sequence[float] = (),
) -> Liveliness:
    """How lively the picture is, bar by bar, and how strong its visual beats are on the nearest sixteenths.

    A marker, in seconds, is as strong as the strongest beat.

    With absolute `dynamics` a bar's percentile is that of its speed among the bars of many videos, and a beat's that
    of its saliency. With relative ones it depends on how many octaves the bar is faster or slower than this
    video's median bar, and the beat stronger than its median beat: see `relative_percentiles`.
    """
    borders = np.array(timing.bar_borders(length))
    speeds = [float(speed) for speed in video.flow.mean_speed(borders)]
    saliencies = [beat.saliency for beat in video.visual_beats]
    paces = [calibration.speed_percentile(speed) for speed in speeds]
    forces = [calibration.saliency_percentile(saliency) for saliency in saliencies]
    if dynamics == "relative" and max(speeds) > STILL:
        paces, forces = relative_percentiles(speeds, paces), relative_percentiles(saliencies, forces)
    strongest: dict[int, float] = {}
    accents = [(beat.time, force) for beat, force in zip(video.visual_beats, forces, strict=True)]
    for time, percentile in [*accents, *((marker, 1.0) for marker in markers)]:
        position = nearest_position(timing, time)
        if position < length:
            strongest[position] = max(strongest.get(position, 0.0), percentile)
    return Liveliness(tuple(paces), strongest)


def profile_of_liveliness(
    asked: Liveliness,
    timing: TempoMap,
    length: float,
    playing: Callable[[int], Sequence[Instrument]],
    calibration: Calibration,
) -> RhythmProfile:
    """Densities and strengths for percentiles: those that real music has there.

    Every bar gets the density of its liveliness; a bar of which only some sixteenths may sound, its share of it.
    Every accent asks for simu-notes of the instruments: of the first of them where it is weak, of all where it is
    strong.

    Parameters
    ----------
    playing
        The instruments that may play at a position; where there are none nothing is asked.
    """
    simu_notes = []
    for position, percentile in sorted(asked.accents.items()):
        bar, in_bar = divmod(position, POSITIONS_PER_BAR)
        instruments = sorted(playing(position))
        n_asked = max(1, int(np.ceil(percentile * len(instruments))))
        for instrument in instruments[:n_asked]:
            simu_notes.append(SimuNote(bar, in_bar, instrument, calibration.strength_at(percentile, instrument)))
    density = []
    for bar, percentile in enumerate(asked.bars):
        n_accent = len({note.position for note in simu_notes if note.bar == bar})
        sounding = positions_of_bar(bar, timing, length, playing)
        density.append(min(max(density_of_bar(percentile, sounding, playing, calibration), n_accent), len(sounding)))
    return RhythmProfile(tuple(density), tuple(simu_notes))


def positions_of_bar(
    bar: int, timing: TempoMap, length: float, playing: Callable[[int], Sequence[Instrument]]
) -> list[int]:
    """Positions, from the start of the first bar, on which something may play in a bar."""
    first = max(int(np.ceil(timing.start)), bar * POSITIONS_PER_BAR)
    end = int(np.ceil(min((bar + 1) * POSITIONS_PER_BAR, length)))
    return [position for position in range(first, end) if playing(position)]


def density_of_bar(
    percentile: float,
    sounding: Sequence[int],
    playing: Callable[[int], Sequence[Instrument]],
    calibration: Calibration,
) -> int:
    """The density at a percentile of a bar in which notes may start on `sounding` only: its share, 1 or more."""
    if not sounding:
        return 0
    with_drums = any(Instrument.DRUMS in playing(position) for position in sounding)
    whole = calibration.density_at(percentile, with_drums=with_drums)
    return max(1, round(whole * len(sounding) / POSITIONS_PER_BAR))


def nearest_position(timing: TempoMap, seconds: float) -> int:
    """The sixteenth nearest to a time, the first of the piece or a later one."""
    return max(round(timing.position(seconds)), int(np.ceil(timing.start)))


def relative_percentiles(values: Sequence[float], absolute: Sequence[float]) -> list[float]:
    """Percentiles of speeds or saliencies measured against each other, 0..1.

    The median of the values lies at its percentile among many videos, `absolute`, but at 0.35 at least and 0.65 at
    most. From there the others rise and fall by up to 0.35: in proportion to the octaves between them and the median,
    the tenth that is farthest from it at the ends. So a talking head has an arc as wide as a car chase's. Where less
    than half an octave makes up the whole difference, the arc is smaller in proportion.
    """
    if not values:
        return []
    octaves = np.log2(np.asarray(values) + STILL)
    octaves -= np.median(octaves)
    spread = max(float(np.quantile(np.abs(octaves), 0.9)), LEAST_SPREAD)
    centre = float(np.clip(np.median(absolute), *RELATIVE_CENTRE))
    return [float(centre + RELATIVE_ARC * np.clip(octave / spread, -1, 1)) for octave in octaves]


def _percentile(value: float, quantiles: Sequence[float]) -> float:
    """The share of values below, by interpolation between evenly spaced quantiles."""
    grid = np.asarray(quantiles)
    return float(np.interp(value, grid, np.linspace(0.0, 1.0, len(grid))))


def _class_at(percentile: float, shares: Sequence[float]) -> int:
    """The smallest class, 1 or more, below or at which `percentile` of all lie."""
    cumulative = np.cumsum(shares) / np.sum(shares)
    return max(1, min(int(np.searchsorted(cumulative, percentile - 1e-9)), len(shares) - 1))
