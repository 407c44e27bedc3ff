"""The tempo/phase solver: a musical grid exactly as long as the video, on which the picture's accents fall.

Music is in bars of 4/4 with sixteenths as the finest step. A grid may begin with a pickup (a first bar cut off
at its beginning) and may end inside a bar; it always begins with the first picture and ends with the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.grid.agreement import TOLERANCE, Floats, misses, positions_at
from cmt.grid.hits import Hit
from midi_io.song import BEATS_PER_BAR, POSITIONS_PER_BAR, Knot, Timeline

MUSIC_RANGE = (70.0, 160.0)
"""The lowest and the highest BPM that music for a video may have unless another is asked for."""
HIT_WIDTH = 0.025
"""The reward for a hit close to the grid has this standard deviation, in seconds."""
REWARDS = {1: 1.0, 4: 0.8, 8: 0.4, 16: 0.2}
"""A hit on the grid is worth this, by how many points the grid has in a bar: downbeat, beat, eighth, sixteenth."""

COMFORTABLE_TEMPO = 110.0
"""The musical tempo leans towards this many BPM if nothing speaks for another."""
COMFORTABLE_SPREAD = 0.5
"""That leaning has this standard deviation, in octaves; a prior tempo is held to with `PRIOR_SPREAD`."""
SUITED_SPREAD = 0.15
"""The leaning to a tempo that suits the picture has this standard deviation, in octaves."""
PRIOR_SPREAD = 0.1
"""The leaning to a prior tempo has this standard deviation, in octaves: about 7 per cent, so that neighbouring tempi
can still be weighed."""
PRIOR_TRUST = 5.0
"""A prior tempo of full confidence weighs this many times as much as one of none: music at another tempo than a plain
pulse of the picture is worse than music that keeps its tempo and misses its phase."""

SURE_OF_DOWNBEAT = 4.0
"""Hits on beats must prefer another beat by this many deviations of chance before that one becomes the downbeat."""
SURE_OF_NUDGE = 2.5
"""Whole bars must gain this many deviations of chance by being moved a little, for their ends to be given up."""
PICKUP_COST = 0.3
"""A pickup must gain this many deviations of chance to be worth its while."""
OPEN_END_COST = 0.3
"""An end inside a bar must gain this many deviations of chance to be worth its while."""
SURE_OF_GRID = 3.0
"""Whole bars are given up for a grid of free tempo and phase only if that grid beats them by this many deviations of
chance, beyond what its larger choice gains by chance alone. `docs/eye.md` says how often random hits do."""
FEWEST_HITS = 5
"""Fewer hits than this cannot speak for a tempo and a phase: any three lie on some grid, and four nearly."""
MARKER_TRUST = 40.0
"""All markers on downbeats count this many deviations of chance: a marker is no evidence to be weighed against chance,
it is a wish."""
PHASE_STEPS = 256
"""This many phases of a bar are tried before the best is refined."""
MOST_HITS = 500
"""This many of the heaviest hits decide on the tempo; more would not change it."""
DRIFT = 0.02
"""Neighbouring tempi that are tried drift apart by at most this many seconds from the middle of the video to its ends.
In a video of over a quarter of an hour they drift more, lest there are more than `MOST_TEMPI`."""
MOST_TEMPI = 20_000
TEMPI_AT_ONCE = 256
MOST_PLACES = 2**19
"""Fewer tempi at once where a film of hours has so many hits that their places under all would be more than this."""


def fit_grid(
    duration: float,
    hits: Sequence[Hit] = (),
    *,
    tempo: float | None = None,
    tempo_range: tuple[float, float] = MUSIC_RANGE,
    prior_tempo: float | None = None,
    prior_confidence: float = 0.0,
    suited_tempo: float | None = None,
) -> Timeline:
    """The grid on which the hits of a video of `duration` seconds fall best.

    Three kinds of grid are weighed. *Whole bars*: a whole number of them from the first picture to the last, so
    that only their number is free; without hits, the most comfortable of these it is. *Nudged*: the best of
    these, moved and stretched a little. *Free*: any tempo and any phase; the video begins with a pickup and may
    end inside a bar, unless a pickup of whole sixteenths and whole bars are as good.

    Each is judged by how far the hits are rewarded above chance (a fast tempo has a denser grid and so meets more
    by chance), in standard deviations of chance, less a mild penalty for being far from the usual or the prior
    tempo. So many free grids are tried that hits at random fall well on one of them: a free grid must
    win by what the best of so many gains by chance, and by 3 deviations more. Markers are wishes, not evidence:
    what they gain on any grid counts in full. Last, another beat becomes the downbeat if the hits prefer it clearly.

    Parameters
    ----------
    duration
        The seconds that the video lasts, above 0.
    hits
        The hits in any order, inside the video.
    tempo
        The exact BPM: just the phase is free then.
    tempo_range
        The lowest and the highest tempo in BPM. If no whole number of bars fits in, as in a very short video, the
        number whose tempo is nearest to the range in octaves is taken.
    prior_tempo
        A tempo in BPM, such as the visual tempo: it, or an octave of it, is preferred. 110 if left out.
    prior_confidence
        The confidence in the prior tempo, 0..1, and so its weight against the hits.
    suited_tempo
        A tempo in BPM that suits what the music is for: of tempi that meet the hits alike the one nearest to it is
        taken. If left out, the one nearest to a comfortable tempo of 110, which is held to less.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    _check(duration, hits, tempo, tempo_range, prior_tempo, prior_confidence, suited_tempo)
    hits = sorted(hit for hit in hits if hit.weight > 0)
    judge = _Judge(duration, hits, prior_tempo, prior_confidence, suited_tempo)
    if tempo is None:
        numbers = _numbers_of_bars(duration, *tempo_range)
        plain = [_steady_grid(duration, 240.0 * n_bar / duration, 0.0) for n_bar in numbers]
    else:
        plain = [_steady_grid(duration, tempo, 0.0)]
    grid = max(plain, key=judge.merit)
    if len(hits) >= FEWEST_HITS or any(hit.kind == "marker" for hit in hits):
        tempi = _tempi(duration, tempo_range) if tempo is None else np.array([tempo])
        free = _best_free_grid(judge, tempi, is_exact=tempo is not None)
        nudged = _nudged(judge, grid, is_exact=tempo is not None)
        merits = [
            judge.merit(grid),
            judge.merit(nudged) - SURE_OF_NUDGE,
            judge.merit(free) - _surcharge(len(tempi), len(plain)),
        ]
        grid = _turned((grid, nudged, free)[int(np.argmax(merits))], judge)
    return grid


def _check(
    duration: float,
    hits: Sequence[Hit],
    tempo: float | None,
    tempo_range: tuple[float, float],
    prior_tempo: float | None,
    prior_confidence: float,
    suited_tempo: float | None,
) -> None:
    lowest, highest = tempo_range
    if not (np.isfinite(duration) and duration > 0 and 0 < lowest <= highest):
        raise ValueError(f"duration {duration} and tempo range {tempo_range} must be above 0 and in order")
    for name, value in (("tempo", tempo), ("prior tempo", prior_tempo), ("suited tempo", suited_tempo)):
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be above 0, got {value}")
    if not 0 <= prior_confidence <= 1:
        raise ValueError(f"prior confidence must be from 0 to 1, got {prior_confidence}")
    for hit in hits:
        if not (0 <= hit.time <= duration and hit.weight >= 0 and np.isfinite(hit.weight)):
            raise ValueError(f"a hit must lie in the video and weigh 0 or more, got {hit}")


class _Judge:
    """A judge of grids: the worth of a grid to the hits of one video."""

    def __init__(
        self,
        duration: float,
        hits: Sequence[Hit],
        prior_tempo: float | None,
        prior_confidence: float,
        suited_tempo: float | None,
    ) -> None:
        self.duration = duration
        self.hits = sorted(hits, key=lambda hit: -hit.weight)[:MOST_HITS]
        self.times = np.array([hit.time for hit in self.hits])
        self.trust = np.array([hit.weight for hit in self.hits])
        self.wished = self.trust * [hit.kind == "marker" for hit in self.hits]
        self.prior_tempo, self.prior_confidence = prior_tempo, prior_confidence
        self.usual_tempo = COMFORTABLE_TEMPO if suited_tempo is None else suited_tempo
        self.usual_spread = COMFORTABLE_SPREAD if suited_tempo is None else SUITED_SPREAD

    def merit(self, grid: Timeline) -> float:
        """Deviations of chance, and the costs."""
        n_whole_bar = grid.length / POSITIONS_PER_BAR
        is_open = abs(n_whole_bar - round(n_whole_bar)) > 1e-6
        costs = PICKUP_COST * (grid.start > 0) + OPEN_END_COST * is_open
        rewards = reward(lambda points: misses(grid, self.times, points))
        anywhere = _reward_by_phase(240.0 / grid.tempo)
        if not len(self.hits):
            return float(self.leaning(grid.tempo) - costs)
        gain = self.gain(rewards @ self.trust, rewards @ self.wished, anywhere)
        return float(gain + self.leaning(grid.tempo) - costs)

    def gain(self, rewarded: Floats, granted: Floats, anywhere: Floats) -> Floats:
        """How far the sum of the hits' rewards is above what they would get `anywhere` in a bar, last axis.

        `granted` is the sum of the rewards of the markers.
        """
        effective_number = self.trust.sum() ** 2 / (self.trust**2).sum()
        above_chance = rewarded / self.trust.sum() - anywhere.mean(axis=-1)
        wish = MARKER_TRUST * granted / max(self.wished.sum(), 1e-9)
        gain: Floats = above_chance / np.maximum(anywhere.std(axis=-1), 1e-6) * np.sqrt(effective_number) + wish
        return gain

    def leaning(self, tempo: Floats | float) -> Floats:
        """Minus the penalty for a tempo far from the suited or usual and, octaves aside, from the prior one."""
        usual = -0.5 * (np.log2(tempo / self.usual_tempo) / self.usual_spread) ** 2
        if self.prior_tempo is None:
            return np.asarray(usual)
        octaves = np.log2(tempo / self.prior_tempo)
        far = np.minimum(0.5 * ((octaves - np.round(octaves)) / PRIOR_SPREAD) ** 2, 3.0)
        return np.asarray(usual - far * (1 + (PRIOR_TRUST - 1) * self.prior_confidence))


def reward(misses: Callable[[int], Floats], rewards: Mapping[int, float] = REWARDS) -> Floats:
    """What hits are worth, 0..1, from how far they miss the points of each level."""
    best: Floats = np.max([worth * np.exp(-0.5 * (misses(n) / HIT_WIDTH) ** 2) for n, worth in rewards.items()], axis=0)
    return best


def _reward_by_phase(bars: Floats | float) -> Floats:
    """(..., PHASE_STEPS) what a hit is worth so far into a bar that lasts so many seconds."""
    share = np.arange(PHASE_STEPS) / PHASE_STEPS
    length = np.asarray(bars)[..., None]
    return reward(lambda n: np.abs(share - np.round(share * n) / n) * length)


def _numbers_of_bars(duration: float, lowest: float, highest: float) -> list[int]:
    """All numbers of bars that keep the tempo in range, or the one number that comes nearest."""
    hair = 1e-9
    first = max(1, int(np.ceil(duration * lowest / 240.0 - hair)))
    last = int(np.floor(duration * highest / 240.0 + hair))
    if first <= last:
        return list(range(first, last + 1))

    def octaves_outside(n_bar: int) -> float:
        tempo = 240.0 * n_bar / duration
        return float(max(np.log2(lowest / tempo), np.log2(tempo / highest)))

    return [min((max(1, last), first), key=octaves_outside)]


def _tempi(duration: float, tempo_range: tuple[float, float]) -> Floats:
    """Tempi so close that between two of them no hit is lost."""
    octaves = np.log(tempo_range[1] / tempo_range[0])
    return np.geomspace(*tempo_range, min(MOST_TEMPI, 2 + int(octaves * duration / (2 * DRIFT))))


def _surcharge(n_tempo: int, n_plain: int) -> float:
    """The deviations of chance that a free grid must gain over whole bars, as it is chosen among so many."""
    # Tempi and phases that are tried lie closer than those that differ.
    n_free = n_tempo / 2 * PHASE_STEPS / 8
    return float(np.sqrt(2 * np.log(n_free)) - np.sqrt(2 * np.log(n_plain))) + SURE_OF_GRID


def _best_free_grid(judge: _Judge, tempi: Floats, *, is_exact: bool) -> Timeline:
    """The best of all tempi and phases, refined; a clean one if that is hardly worse."""
    best, best_gain = (float(tempi[0]), 0.0), -np.inf
    at_once = max(1, min(TEMPI_AT_ONCE, MOST_PLACES // max(1, len(judge.times))))
    for some in np.array_split(tempi, -(-len(tempi) // at_once)):
        bars = 240.0 / some
        anywhere = _reward_by_phase(bars)
        spectra = np.fft.rfft(anywhere)
        places = np.floor(judge.times % bars[:, None] * (PHASE_STEPS / bars[:, None])).astype(int) % PHASE_STEPS
        rewarded = _by_phase(places, judge.trust, spectra)
        granted = _by_phase(places, judge.wished, spectra)
        total = rewarded / judge.trust.sum() + granted / max(judge.wished.sum(), 1e-9)
        phases = total.argmax(axis=1)
        rows = np.arange(len(some))
        gains = judge.gain(rewarded[rows, phases], granted[rows, phases], anywhere) + judge.leaning(some)
        row = int(gains.argmax())
        if gains[row] > best_gain:
            best_gain = float(gains[row])
            best = float(some[row]), float((phases[row] + 0.5) * bars[row] / PHASE_STEPS)
    tempo, phase_seconds = _refined(judge, *best, is_exact)
    candidates = [_steady_grid(judge.duration, *best), _steady_grid(judge.duration, tempo, phase_seconds)]
    if not is_exact:
        candidates += _clean_grids(judge.duration, tempo, phase_seconds)
    return max(candidates, key=judge.merit)


def _by_phase(places: NDArray[np.int_], weights: Floats, spectra: NDArray[np.complex128]) -> Floats:
    """(n_tempo, PHASE_STEPS) what hits are worth in sum on a grid that begins with each phase.

    `places` is (n_tempo, n_hit), in which step of its bar each hit lies.
    """
    n_tempo = len(places)
    rows = np.arange(n_tempo)[:, None] * PHASE_STEPS
    histograms = np.bincount((rows + places).ravel(), np.tile(weights, n_tempo), n_tempo * PHASE_STEPS)
    # The reward is even, so that convolution and correlation are one.
    return np.fft.irfft(np.fft.rfft(histograms.reshape(n_tempo, PHASE_STEPS)) * spectra, PHASE_STEPS)


def _turned(grid: Timeline, judge: _Judge) -> Timeline:
    """The same beats, another of them the downbeat, if the hits on beats prefer that one clearly."""
    near = misses(grid, judge.times, BEATS_PER_BAR) <= TOLERANCE
    trust = judge.trust[near]
    if not trust.sum():
        return grid
    beats = np.round(positions_at(grid, judge.times[near]) / 4).astype(int) % 4
    shares = np.bincount(beats, trust, 4) / trust.sum()
    effective_number = trust.sum() ** 2 / (trust**2).sum()
    # One in four would fall on each by chance.
    lead = (shares - shares[0]) / np.sqrt(3 / 16) * np.sqrt(effective_number)
    turn = int(lead.argmax())
    is_evidence = effective_number >= FEWEST_HITS or judge.wished[near].any()
    if lead[turn] < SURE_OF_DOWNBEAT or not is_evidence:
        return grid
    bar = 240.0 / grid.tempo
    # Where the video begins, in bars, without the first sixteenth's stretch.
    before = grid.length / POSITIONS_PER_BAR - grid.duration / bar
    return _steady_grid(grid.duration, grid.tempo, (turn / 4 - before) % 1.0 * bar)


def _refined(judge: _Judge, tempo: float, phase: float, is_exact: bool) -> tuple[float, float]:
    """Tempo and phase by least squares from the hits that fall on eighths, again and again."""
    step = 240.0 / tempo / 8
    for _ in range(4):
        numbers = np.round((judge.times - phase) / step)
        missed = judge.times - phase - numbers * step
        near = np.abs(missed) <= 1.5 * TOLERANCE
        if not near.any():
            break
        if near.sum() < 3 or is_exact or np.ptp(numbers[near]) == 0:
            phase += np.average(missed[near], weights=judge.trust[near])
        else:
            step, phase = np.polyfit(numbers[near], judge.times[near], 1, w=np.sqrt(judge.trust[near]))
    return (tempo if is_exact else float(30.0 / step)), float(phase % (8 * step))


def _nudged(judge: _Judge, grid: Timeline, *, is_exact: bool) -> Timeline:
    """The grid moved and stretched by no more than what its hits miss it by."""
    tempo, phase = _refined(judge, grid.tempo, grid.phase, is_exact)
    return _steady_grid(judge.duration, tempo, phase)


def _clean_grids(duration: float, tempo: float, phase: float) -> list[Timeline]:
    """Grids near `tempo` and `phase` with a pickup of whole sixteenths, that end with a whole bar."""
    bar = 240.0 / tempo
    pickup = round(phase / bar * POSITIONS_PER_BAR)
    n_whole = (duration - phase) / bar
    grids = []
    for n in {int(np.floor(n_whole)), int(np.ceil(n_whole))} - {0, -1}:
        length = duration / (n + pickup / POSITIONS_PER_BAR)
        if abs(length / bar - 1) < 0.01:
            grids.append(_steady_grid(duration, 240.0 / length, pickup / POSITIONS_PER_BAR * length))
    return grids


def _steady_grid(duration: float, tempo: float, phase: float) -> Timeline:
    """The grid of one tempo whose first downbeat comes at `phase` seconds, 0 to a bar.

    Where the video begins between two sixteenths, the first one of the pickup lasts half as long to half as long
    again, so that the music begins with the picture.
    """
    bar = 240.0 / tempo
    before = -phase / bar  # where the video begins, in bars from the first downbeat, -1..0
    sixteenth = round(before * POSITIONS_PER_BAR)
    offset = 1 if sixteenth < 0 else 0
    first = sixteenth + POSITIONS_PER_BAR * offset
    end = (duration / bar + before + offset) * POSITIONS_PER_BAR
    if abs(end - round(end)) < 1e-3:
        end = round(end)
    knots = [Knot(first, 0.0), Knot(end, duration)]
    if abs(before * POSITIONS_PER_BAR - sixteenth) > 1e-6 and end > first + 2:
        second = first + 1
        knots.insert(1, Knot(second, (second / POSITIONS_PER_BAR - offset - before) * bar))
    return Timeline.through(knots)
