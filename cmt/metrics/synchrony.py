"""Do picture and music strike together? Each score with the level that chance reaches.

Chance: every score of coincidence rises with the number of notes, whatever they have to do with the picture. So the
picture's events are shifted round the piece, 1,000 times by a random time, and scored against the same music.
The mean is the chance level, its 2.5th and 97.5th percentiles the band of chance, and the score above chance is
(score - chance) / (1 - chance): 0 is chance, 1 perfect, below 0 worse than chance. Where chance alone reaches 0.9
the score is saturated: what is left above is too little to tell anything, and the score above chance is NaN.

Conventions
-----------
- Instants are seconds from the first picture, in order, where the music starts too.
- The picture's events are shifted and the music stays, modulo `duration`.
- p is (1 + shifts that score as high or higher) / (1 + shifts).
- Without an event on either side no number of a `Synchrony` is defined, and its reason says why; malformed input raises
  ValueError.

Metrics
-------
- `beat_coverage`, `beat_hits`: seconds of the piece with a beat of both.
- `hits`: events of the picture with an onset of the music nearby.
- `av_align`: peaks of both, paired.
- `motion_correlation`: speed of the picture and density of the music, bar by bar.
- `flow_peaks`: the picture's peaks for `av_align`.

Source
------
Zhu et al., *Quantized GAN for Complex Music Generation from Dance Videos* (ECCV 2022) for beat coverage and beat hits;
Yariv et al., *Diverse and Aligned Audio-to-Video Generation via Text-to-Video Model Adaptation* (AAAI 2024) for
AV-Align; the rest is plain counting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmt.metrics.control import MIN_RANKED, ranks
from cmt.metrics.validation import NOT_DEFINED, Floats, checked_times

N_SHIFT = 1000
"""Random times by which the picture's events are shifted to find the chance level."""
MAX_LAG = 4
"""Most bars by which the music may lead or follow the motion."""
FLOW_THRESHOLD = 0.1
"""Slowest motion, in pixels a frame, whose peaks AV-Align takes."""
SATURATED = 0.9
"""Chance level from which on a score says nothing."""
_EXACT = 1e-9
_Score = Callable[[Floats, Floats], Floats]
"""Takes the picture's times, (n, event), and the music's, (onset,), and gives (n,) scores."""


class Synchrony(NamedTuple):
    """A score and what chance makes of it; where there is a reason, all but the numbers of events are NaN."""

    score: float
    chance: float
    """Mean score of the shifted picture."""
    low: float
    """2.5th percentile of the shifted scores."""
    high: float
    """97.5th percentile."""
    above_chance: float
    """(score - chance) / (1 - chance), NaN where chance reaches 0.9; for the beat coverage, which has no best value,
    score - chance."""
    p_value: float
    """(1 + shifts that score as high or higher) / (1 + shifts)."""
    n_picture: int
    """Events of the picture."""
    n_music: int
    """Events of the music."""
    reason: str = ""
    """Why there is no score; empty where there is one."""

    @classmethod
    def undefined(cls, reason: str, n_picture: int = 0, n_music: int = 0) -> Synchrony:
        """No score, and why."""
        none = NOT_DEFINED
        return cls(none, none, none, none, none, none, n_picture, n_music, reason)


class MotionCorrelation(NamedTuple):
    """How the music's density goes with the motion, bar by bar."""

    together: Synchrony
    """Rank correlation of the two in the same bars; its reason is that of all three."""
    best: float
    """The largest correlation at any lag."""
    lag: int
    """Bars by which the music follows the motion there; below 0 it leads."""


def beat_coverage(picture: ArrayLike, music: ArrayLike, duration: float, seed: int = 0) -> Synchrony:
    """Seconds of the piece with a musical beat, over the seconds with a visual beat; may exceed 1.

    The beat coverage score (BCS) of Zhu et al. 2022. `picture` and `music` are (n,) and (m,) seconds of beats, in
    order; `duration` is that of the piece in seconds; `seed` draws the shifts.

    Raises
    ------
    ValueError
        If the times are not finite seconds from 0 on in order, or the duration is not above 0.
    """

    def score(shifted: Floats, beats: Floats) -> Floats:
        scores: Floats = len(np.unique(np.floor(beats))) / _in_new_second(shifted).sum(axis=1)
        return scores

    measured = _against_chance(score, picture, music, duration, seed)
    return measured._replace(above_chance=measured.score - measured.chance)


def beat_hits(picture: ArrayLike, music: ArrayLike, duration: float, seed: int = 0) -> Synchrony:
    """Share of the seconds with a visual beat in which the music has a beat as well, 0 to 1.

    The beat hit score (BHS) of Zhu et al. 2022, of times and errors as in `beat_coverage`. At 60 BPM and
    above every second has a beat, and the score is 1 for any picture: chance shows it.
    """

    def score(shifted: Floats, beats: Floats) -> Floats:
        has_beat = np.zeros(int(duration) + 2, dtype=bool)
        has_beat[np.floor(beats).astype(int)] = True
        new = _in_new_second(shifted)
        scores: Floats = (has_beat[np.floor(shifted).astype(int)] & new).sum(axis=1) / new.sum(axis=1)
        return scores

    return _against_chance(score, picture, music, duration, seed)


def _in_new_second(times: Floats) -> NDArray[np.bool_]:
    """(n, event) whether each of as many times, in order along each row, is the first of its second."""
    seconds = np.floor(times)
    return np.concatenate([np.ones((len(times), 1), dtype=bool), seconds[:, 1:] != seconds[:, :-1]], axis=1)


def hits(picture: ArrayLike, music: ArrayLike, duration: float, tolerance: float, seed: int = 0) -> Synchrony:
    """Share of the picture's events (cuts, visual beats) with an onset of the music within `tolerance` seconds, 0 to 1.

    Times and errors as in `beat_coverage`; a tolerance that is not above 0 raises ValueError too.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance must be above 0, got {tolerance}")

    def score(shifted: Floats, onsets: Floats) -> Floats:
        scores: Floats = (_distance_to_nearest(shifted, onsets) <= tolerance + _EXACT).mean(axis=1)
        return scores

    return _against_chance(score, picture, music, duration, seed)


def _distance_to_nearest(times: Floats, onsets: Floats) -> Floats:
    after = np.searchsorted(onsets, times)
    padded = np.concatenate([[-np.inf], onsets, [np.inf]])
    distances: Floats = np.minimum(times - padded[after], padded[after + 1] - times)
    return distances


def av_align(picture: ArrayLike, music: ArrayLike, duration: float, fps: float, seed: int = 0) -> Synchrony:
    """Intersection over union of the peaks of picture and music, 0 to 1 (AV-Align, Yariv et al. 2024).

    Peaks less than a frame apart are paired, each once, the earliest first; pairs over all peaks less pairs. The first
    release of the metric lets several peaks of the music claim one of the picture, which can give more than 1. Times
    and errors as in `beat_coverage`; `fps`, pictures a second, that is not above 0 raises ValueError too.
    """
    if not fps > 0:
        raise ValueError(f"fps must be above 0, got {fps}")

    def score(shifted: Floats, onsets: Floats) -> Floats:
        n_pair = _pairs(shifted, onsets, 1 / fps)
        scores: Floats = n_pair / (shifted.shape[1] + len(onsets) - n_pair)
        return scores

    return _against_chance(score, picture, music, duration, seed)


def _pairs(times: Floats, onsets: Floats, width: float) -> NDArray[np.int64]:
    """(n,) pairs closer than `width` in each row of (n, event) times: two fingers run along both lists."""
    n_row, n_time = times.shape
    rows, i, j = np.arange(n_row), np.zeros(n_row, dtype=int), np.zeros(n_row, dtype=int)
    paired = np.zeros(n_row, dtype=int)
    for _ in range(n_time + len(onsets)):
        running = (i < n_time) & (j < len(onsets))
        if not running.any():
            break
        gap = times[rows, np.minimum(i, n_time - 1)] - onsets[np.minimum(j, len(onsets) - 1)]
        near = running & (np.abs(gap) < width - _EXACT)
        paired += near
        i += near | (running & ~near & (gap < 0))
        j += near | (running & ~near & (gap >= 0))
    return paired


def _against_chance(score: _Score, picture: ArrayLike, music: ArrayLike, duration: float, seed: int) -> Synchrony:
    events, onsets = checked_times(picture, "the picture's events"), checked_times(music, "the music's events")
    if not (duration > 0 and np.isfinite(duration)):
        raise ValueError(f"duration must be above 0, got {duration}")
    # What ends with the piece does not belong to it: a shift would bring it to the start.
    events, onsets = events[events < duration - _EXACT], onsets[onsets < duration - _EXACT]
    if not len(events) or not len(onsets):
        reason = "the picture has no such event" if not len(events) else "the music has no onset"
        return Synchrony.undefined(reason, len(events), len(onsets))
    shifts = np.random.default_rng(seed).uniform(0, duration, (N_SHIFT, 1))
    scores = score(np.sort((events + shifts) % duration, axis=1), onsets)
    return _summary(float(score(events[None], onsets)[0]), scores, len(events), len(onsets))


def _summary(observed: float, scores: Floats, n_picture: int, n_music: int) -> Synchrony:
    chance = float(scores.mean())
    low, high = np.quantile(scores, [0.025, 0.975])
    above = (observed - chance) / (1 - chance) if chance < SATURATED else NOT_DEFINED
    p_value = (1 + int((scores >= observed - _EXACT).sum())) / (1 + len(scores))
    return Synchrony(
        score=observed,
        chance=chance,
        low=float(low),
        high=float(high),
        above_chance=above,
        p_value=p_value,
        n_picture=n_picture,
        n_music=n_music,
    )


def motion_correlation(
    edges: ArrayLike, speed: ArrayLike, density: ArrayLike, bars: ArrayLike, seed: int = 0
) -> MotionCorrelation:
    """Spearman's rank correlation of the motion's mean speed and the music's density, bar by bar.

    Parameters
    ----------
    edges
        (n + 1,) seconds between which each speed holds, from 0 on.
    speed
        (n,) in any unit.
    density
        (n_bar,) simu-notes in each bar.
    bars
        (n_bar + 1,) seconds at which each bar begins, the first with the picture, and the last ends. Bars that the
        picture does not fill to the half are left out.

    Raises
    ------
    ValueError
        If the lengths do not fit each other, or a number is not finite, or the times are not in order.
    """
    borders, downbeats = checked_times(edges, "edges"), checked_times(bars, "bars")
    speeds, densities = np.asarray(speed, dtype=float), np.asarray(density, dtype=float)
    if speeds.shape != (len(borders) - 1,) or downbeats.shape != (len(densities) + 1,):
        raise ValueError("one speed between each two edges and one density between each two bars' borders are needed")
    if not (np.isfinite(speeds).all() and np.isfinite(densities).all()):
        raise ValueError("all numbers must be finite")
    middles = (downbeats[:-1] + downbeats[1:]) / 2
    n_bar = int((middles <= borders[-1] + 1e-9).sum()) if len(borders) else 0
    densities = densities[:n_bar]
    reason = ""
    if n_bar < MIN_RANKED:
        reason = f"the picture lasts {n_bar} bars; {MIN_RANKED} are needed"
    elif speeds.max() - speeds.min() < 1e-12:
        reason = "the picture does not move, or moves evenly"
    elif densities.max() == densities.min():
        reason = "all bars are equally dense"
    if reason:
        return MotionCorrelation(Synchrony.undefined(reason, n_bar, n_bar), NOT_DEFINED, 0)
    moved = np.concatenate([[0.0], np.cumsum(speeds * np.diff(borders))])
    duration = borders[-1] - borders[0]

    def speed_per_bar(shift: float) -> Floats:
        ends = np.minimum(downbeats[: n_bar + 1], duration)
        turns, rest = np.divmod(ends + shift, duration)
        distance = turns * moved[-1] + np.interp(rest + borders[0], borders, moved)
        speeds: Floats = np.diff(distance) / np.diff(ends)
        return speeds

    dense = ranks(densities)
    in_step = speed_per_bar(0.0)
    shifts = np.random.default_rng(seed).uniform(0, duration, N_SHIFT)
    scores = np.array([_correlation(ranks(speed_per_bar(shift).round(9)), dense) for shift in shifts])
    together = _summary(_correlation(ranks(in_step.round(9)), dense), scores, n_bar, n_bar)
    lags = [lag for lag in range(-MAX_LAG, MAX_LAG + 1) if n_bar - abs(lag) >= MIN_RANKED]
    by_lag = {lag: _lagged(in_step, densities, lag) for lag in lags}
    lag = max(lags, key=lambda lag: (by_lag[lag], -abs(lag)))
    return MotionCorrelation(together, by_lag[lag], lag)


def _lagged(speeds: Floats, densities: Floats, lag: int) -> float:
    """Correlation of the density of each bar with the speed `lag` bars before."""
    n = len(speeds)
    return _correlation(
        ranks(speeds[max(0, -lag) : n - max(0, lag)].round(9)), ranks(densities[max(0, lag) : n + min(0, lag)])
    )


def _correlation(one: Floats, other: Floats) -> float:
    """Pearson's; 0 where one side is constant."""
    a, b = one - one.mean(), other - other.mean()
    size = np.sqrt((a**2).sum() * (b**2).sum())
    return float((a * b).sum() / size) if size > 0 else 0.0


def flow_peaks(edges: ArrayLike, speed: ArrayLike, threshold: float = 0.0) -> Floats:
    """(n_peak,) seconds at which the motion is faster than just before and just after, and not slower than `threshold`.

    (n,) speeds between (n + 1,) edges, as in `motion_correlation`; the threshold is in the speeds' unit. A step's
    motion is seen when its second picture appears: at the step's end.

    Raises
    ------
    ValueError
        If there is not one speed between each two edges, or the edges are not in order.
    """
    borders, speeds = checked_times(edges, "edges"), np.asarray(speed, dtype=float)
    if speeds.shape != (max(0, len(borders) - 1),):
        raise ValueError("one speed between each two edges is needed")
    inner = speeds[1:-1]
    peaks = (inner > speeds[:-2]) & (inner > speeds[2:]) & (inner >= threshold)
    return borders[2:-1][peaks]
