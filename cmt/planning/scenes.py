"""What the picture says of a piece's form: sections begin where scenes do, and are calm or lively as they are.

A border of scenes is a bar line near a cut or a fade behind which the picture looks, or moves, otherwise than before
it. Of the bar lines that qualify a dynamic program takes those that are the strongest borders and leave sections of
musical lengths. A scene that looks like an earlier one takes up that one's letter, and so its music. A short film has
more scenes than a piece of its length has ideas: then those that look most alike share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.music.form import N_LETTER, lag_of_return
from cmt.music.lead_sheet import UNKNOWN, SheetOrders, energy_at
from cmt.planning.control import even_draws
from cmt.planning.sheet import Sheet
from midi_io.song import Instrument
from video_rhythm import VideoRhythm

GRID = 4
"""Pictures are compared by the mean colours of so many parts each way: where something moves in them counts little."""
NEAR_BAR_LINE = 0.5
"""A cut or a fade belongs to a bar line that lies at most this share of a bar away."""
SAME_LOOK = 0.08
"""Scenes whose mean thumbnails differ by less than this, in root mean square of 0..1, are the same place again."""
CALM, LIVELY = 0.3, 0.65
"""Below this liveliness of a section the drums rest, above this one everyone plays."""
SHORTEST = 2
"""No section between borders of scenes has fewer bars."""
FEWEST_LETTERS, BARS_PER_LETTER = 2, 16
"""So many letters a film may have, and one more for so many bars: 2 of 12 bars, 3 of 28, 4 of 40. By our estimator
excerpts of 28 bars of LPD have 2.1, those of 19 bars 1.7."""
_LENGTH_COST = {4: 0.1, 8: 0.0, 16: 0.1, 12: 0.1, 6: 0.2, 2: 0.3}
_ODD_COST = 0.2
"""What a section of another length costs, where the strongest border gains 1."""
_BORDER_COST = 0.1
"""What every border costs: weak ones are none."""
_LONGEST_WITHOUT = 16
"""A scene of more bars than this may have sections that the picture does not ask for, of 8 bars or a multiple."""


class Scene(NamedTuple):
    """Bars that belong together for the eye."""

    bar: int
    """The first bar."""
    letter: int
    """Scenes that look alike have the same, 0..N_LETTER - 1."""
    liveliness: float
    """The mean liveliness of its bars, 0..1."""


def scenes_of(rhythm: VideoRhythm, sheet: Sheet, liveliness: tuple[float, ...]) -> list[Scene]:
    """The scenes of a video, on the bars of its music; `liveliness` (n_bar,) is what each bar asks for, 0..1."""
    looks = _looks(rhythm, sheet)
    gain = _border_gains(rhythm, sheet, looks, np.array(liveliness))
    starts = _best_borders(gain)
    ends = [*starts[1:], sheet.timeline.n_bar]
    means = [looks[a:b].mean(axis=0) for a, b in zip(starts, ends, strict=True)]
    letters = _letters(means, min(N_LETTER, FEWEST_LETTERS + sheet.timeline.n_bar // BARS_PER_LETTER))
    return [
        Scene(a, letter, float(np.mean(liveliness[a:b]))) for a, b, letter in zip(starts, ends, letters, strict=True)
    ]


def _letters(means: Sequence[NDArray[np.float64]], most: int) -> list[int]:
    """The letter of each scene by its mean look, at most `most` of them, 2 or more.

    The same look has the same letter. Once all are taken a new look has that of the most similar scene of those whose
    letter is not that of the scene before: a border stays one.
    """
    letters: list[int] = []
    for k, mean in enumerate(means):
        distances = [_distance(mean, means[j]) for j in range(k)]
        alike = [j for j in range(k) if distances[j] < SAME_LOOK]
        if alike:
            letters.append(letters[alike[0]])
        elif len(set(letters)) < most:
            letters.append(max(letters, default=-1) + 1)
        else:
            others = [j for j in range(k) if letters[j] != letters[-1]]
            letters.append(letters[min(others, key=distances.__getitem__)])
    return letters


def _looks(rhythm: VideoRhythm, sheet: Sheet) -> NDArray[np.float64]:
    """(n_bar, value) the thumbnail nearest to the middle of each bar, 0..1; nothing where there are none."""
    borders = np.array(sheet.timeline.bar_borders)
    middles = (borders[:-1] + borders[1:]) / 2
    if not rhythm.thumbnails:
        return np.zeros((len(middles), 1))
    times = np.array([thumbnail.time for thumbnail in rhythm.thumbnails])
    nearest = np.abs(times[None] - middles[:, None]).argmin(axis=1)
    looks = np.asarray([_coarse(thumbnail.colours) for thumbnail in rhythm.thumbnails], np.float64)
    return np.asarray(looks[nearest])


def _coarse(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(rows, columns, 3) -> (GRID * GRID * 3,) the mean colours of its parts, 0..1."""
    rows, columns = (np.linspace(0, size, GRID + 1).astype(int)[:-1] for size in colours.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(colours.astype(float), rows, axis=0), columns, axis=1)
    heights, widths = (np.diff(np.append(x, size)) for x, size in zip((rows, columns), colours.shape[:2], strict=True))
    return np.asarray((sums / (heights[:, None] * widths[None])[..., None]).ravel() / 255)


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((a - b) ** 2)))


def _border_gains(
    rhythm: VideoRhythm, sheet: Sheet, looks: NDArray[np.float64], liveliness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n_bar,) how much speaks for a border at each bar line, 0..1; nothing where no cut and no fade is near."""
    n_bar = sheet.timeline.n_bar
    gain = np.zeros(n_bar)
    changes = [*rhythm.cuts, *((fade.begin + fade.end) / 2 for fade in rhythm.fades)]
    positions = np.array([sheet.timeline.position(time) for time in changes]) / 16
    for bar in range(1, n_bar):
        near = np.abs(positions - bar).min(initial=np.inf)
        if near > NEAR_BAR_LINE:
            continue
        before, behind = slice(max(0, bar - SHORTEST), bar), slice(bar, bar + SHORTEST)
        look = _distance(looks[before].mean(axis=0), looks[behind].mean(axis=0))
        pace = abs(float(liveliness[behind].mean() - liveliness[before].mean()))
        gain[bar] = (1 - near) * (min(1.0, look / (3 * SAME_LOOK)) + min(1.0, 2 * pace)) / 2
    return gain


def _best_borders(gain: NDArray[np.float64]) -> list[int]:
    """The first bars of the sections whose borders gain most, less what lengths and borders cost."""
    n_bar = len(gain)
    best, begin = np.full(n_bar + 1, -np.inf), [0] * (n_bar + 1)
    best[0] = 0.0
    for end in range(1, n_bar + 1):
        for start in range(end):
            length = end - start
            if (start and gain[start] == 0) or (length < min(SHORTEST, n_bar)):
                continue
            cost = _LENGTH_COST.get(length, _ODD_COST) if start or end < n_bar else 0.0
            value = best[start] + (gain[start] - _BORDER_COST if start else 0.0) - cost * (length < _LONGEST_WITHOUT)
            if value > best[end]:
                best[end], begin[end] = value, start
    starts = []
    end = n_bar
    while end > 0:
        end = begin[end]
        starts.append(end)
    return starts[::-1]


def orders_of_picture(
    scenes: Sequence[Scene], orders: SheetOrders, liveliness: tuple[float, ...], control: float, seed: int
) -> SheetOrders:
    """The orders with what the scenes ask added, where nothing is ordered yet.

    Sections begin where scenes do, and a scene that comes again has the letter that it had and repeats its bars, but
    for the piece's last one, which comes to rest. With probability `control` a scene also says how lively its bars are
    and who plays: a calm one rests the drums, if another one does not, and everyone plays in a lively one. The draws
    do not depend on `control`, as those of `draw_orders`.
    """
    if not scenes:
        return orders
    begins, letters, lags = orders.begins.copy(), orders.letters.copy(), orders.lags.copy()
    energy, may_play, must_play = orders.energy.copy(), orders.may_play.copy(), orders.must_play.copy()
    n_bar = orders.n_bar
    draws = even_draws(np.random.default_rng([seed, 4]), len(scenes))
    starts = [scene.bar for scene in scenes]
    drums = 1 << Instrument.DRUMS
    so_far: list[tuple[int, range]] = []
    for scene, end, draw in zip(scenes, [*starts[1:], n_bar], draws, strict=True):
        bars = np.arange(scene.bar, end)
        asked = np.where((bars - scene.bar) % 8 == 0, UNKNOWN, 0) if len(bars) > _LONGEST_WITHOUT else 0 * bars
        asked[0] = 1
        begins[bars] = np.where(begins[bars] == UNKNOWN, asked, begins[bars])
        earlier = [there for letter, there in so_far if letter == scene.letter]
        for bar in range(scene.bar, min(end, n_bar - 1)):
            if letters[bar] == lags[bar] == UNKNOWN:
                lag = lag_of_return(bar, bar - scene.bar, earlier)
                lags[bar] = UNKNOWN if lag is None else lag
        so_far.append((scene.letter, range(scene.bar, end)))
        letters[bars] = np.where(letters[bars] == UNKNOWN, scene.letter, letters[bars])
        if draw >= control:
            continue
        levels = [energy_at(liveliness[bar]) for bar in bars]
        energy[bars] = np.where(energy[bars] == UNKNOWN, levels, energy[bars])
        others = [other.liveliness for other in scenes if other is not scene]
        if scene.liveliness < CALM and max(others, default=0.0) >= CALM:
            may_rest = (may_play[bars] != drums) & (orders.must_play[bars] & drums == 0)
            may_play[bars] = np.where(may_rest, may_play[bars] & ~drums, may_play[bars])
        elif scene.liveliness >= LIVELY:
            must_play[bars] |= may_play[bars]
    return replace(
        orders,
        begins=begins,
        letters=letters,
        lags=lags,
        energy=energy,
        may_play=may_play,
        must_play=must_play & may_play,
    )
