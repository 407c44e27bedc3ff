"""Visual tempo, and the musical tempo that fits a video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .impacts import Impact

ENVELOPE_RATE = 100.0
"""Samples a second of the envelope that is searched for a period."""
IMPACT_WIDTH = 0.03
"""Seconds (standard deviation) over which an impact is spread, as its time is known no better."""
TEMPO_RANGE = (40.0, 240.0)
"""BPM in which a visual tempo is looked for."""
FAVOURITE_TEMPO = 120.0
"""BPM at the middle of the prior; half and double are one standard deviation away."""
LEAST_CONFIDENCE = 0.25
"""Below this there is no visual rhythm."""
FEWEST_IMPACTS = 4
MUSIC_RANGE = (70.0, 160.0)
"""BPM that music for a video may have unless it is asked for otherwise."""
HIT_WIDTH = 0.03
"""Seconds (standard deviation) by which a hit may miss a line of the grid and still count for much."""
ON_GRID = 0.04
"""Seconds within which a hit is said to lie on the grid."""
_GRID = ((4.0, 0.25), (1.0, 0.45), (0.5, 0.2), (0.25, 0.1))
"""Lines of the grid: every so many beats, and what a hit on one is worth."""


class VisualTempo(NamedTuple):
    """The period in which motion strikes."""

    tempo: float | None
    """BPM, or None where there is no visual rhythm."""
    confidence: float
    """0..1: how much of the impacts' energy comes again after one period."""


class TempoFit(NamedTuple):
    """A musical tempo for a video."""

    tempo: float
    """BPM, not rounded: `n_bar` bars are exactly as long as the video."""
    n_bar: int
    """Bars of four beats."""
    share_on_grid: float
    """Share of the hits, 0..1, within 40 ms of a sixteenth; NaN without hits. By chance it would be 0.08 s * tempo / 15."""


def visual_tempo(impacts: Sequence[Impact], duration: float) -> VisualTempo:
    """The tempo of the impacts, from the autocorrelation of their envelope.

    Octave rule: of the periods that fit, the one is taken whose correlation times a log-normal prior
    around 120 BPM (half and double at one standard deviation) is largest. What strikes at 60 and could be
    heard at 120 stays 60 unless something happens in between.
    """
    if len(impacts) < FEWEST_IMPACTS:
        return VisualTempo(None, 0.0)
    envelope = _envelope(impacts, duration)
    n_lag = int(ENVELOPE_RATE * 60 / TEMPO_RANGE[0]) + 2
    energy = float(envelope @ envelope)
    n_lag = min(n_lag, len(envelope) // 2)
    correlation = np.array([envelope[lag:] @ envelope[: len(envelope) - lag] for lag in range(n_lag)]) / energy
    # Fewer pairs overlap at longer lags; undone so that a regular beat correlates equally at any period.
    correlation *= len(envelope) / (len(envelope) - np.arange(n_lag))
    first = int(ENVELOPE_RATE * 60 / TEMPO_RANGE[1])
    if n_lag <= first + 2:
        return VisualTempo(None, 0.0)
    lags = np.arange(first, n_lag - 1)
    peaks = lags[(correlation[lags] >= correlation[lags - 1]) & (correlation[lags] >= correlation[lags + 1])]
    if not len(peaks):
        return VisualTempo(None, 0.0)
    octaves = np.log2(60 * ENVELOPE_RATE / peaks / FAVOURITE_TEMPO)
    best = int(peaks[np.argmax(correlation[peaks] * np.exp(-0.5 * octaves**2))])
    confidence = float(np.clip(correlation[best], 0.0, 1.0))
    if confidence < LEAST_CONFIDENCE:
        return VisualTempo(None, confidence)
    return VisualTempo(60 * ENVELOPE_RATE / (best + _vertex(correlation[best - 1 : best + 2])), confidence)


def fit_tempo(
    duration: float,
    hits: Sequence[float] = (),
    weights: Sequence[float] | None = None,
    *,
    tempo_range: tuple[float, float] = MUSIC_RANGE,
    prior_tempo: float | None = None,
) -> TempoFit:
    """The tempo at which whole bars are exactly as long as the video and hits fall on the grid.

    The first beat is at 0. Every number of bars whose tempo lies in `tempo_range` is tried; where there is
    none, as in very short videos, the number that comes nearest. Hits count for more on downbeats and
    beats than on what lies between; what hits at random times would score is taken off, as a fast
    grid is fine enough for anything.

    Parameters
    ----------
    duration
        Of the video, in seconds, above 0.
    hits
        (n,) seconds at which music should mark something: cuts, visual beats.
    weights
        (n,) 0 or more; equal if left out.
    prior_tempo
        BPM to stay near, up to octaves, such as the visual tempo.

    Raises
    ------
    ValueError
        If an argument is out of range.
    """
    if not duration > 0:
        raise ValueError(f"duration must be above 0, got {duration}")
    if not 0 < tempo_range[0] <= tempo_range[1]:
        raise ValueError(f"tempo_range must rise and be above 0, got {tempo_range}")
    times = np.asarray(hits, dtype=float)
    shares = np.ones(len(times)) if weights is None else np.asarray(weights, dtype=float)
    fewest = int(np.ceil(tempo_range[0] * duration / 240 - 1e-9))
    most = int(np.floor(tempo_range[1] * duration / 240 + 1e-9))
    if most < max(fewest, 1):
        middle = float(np.sqrt(tempo_range[0] * tempo_range[1]))
        candidates = [max(1, round(middle * duration / 240))]
    else:
        candidates = list(range(max(fewest, 1), most + 1))
    scores = [_fit_score(240 * n_bar / duration, times, shares, prior_tempo) for n_bar in candidates]
    n_bar = candidates[int(np.argmax(scores))]
    tempo = 240 * n_bar / duration
    on_grid = _distance(times, 15 / tempo) <= ON_GRID
    return TempoFit(tempo, n_bar, float(on_grid.mean()) if len(times) else float("nan"))


def _fit_score(
    tempo: float, times: NDArray[np.float64], weights: NDArray[np.float64], prior_tempo: float | None
) -> float:
    """How well hits lie on the grid of `tempo`, less chance, less the distance from a usual tempo."""
    score = -0.05 * float(np.log2(tempo / 110.0)) ** 2
    if prior_tempo is not None:
        octaves = float(np.log2(tempo / prior_tempo))
        score -= 0.3 * abs(octaves - round(octaves))
    if not len(times) or weights.sum() <= 0:
        return score
    for beats, worth in _GRID:
        spacing = beats * 60 / tempo
        near = np.exp(-0.5 * (_distance(times, spacing) / HIT_WIDTH) ** 2)
        chance = min(1.0, HIT_WIDTH * np.sqrt(2 * np.pi) / spacing)
        score += worth * float((weights * (near - chance)).sum() / weights.sum())
    return score


def _distance(times: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Seconds to the nearest multiple of `spacing`."""
    return np.abs(times - np.round(times / spacing) * spacing)


def _envelope(impacts: Sequence[Impact], duration: float) -> NDArray[np.float64]:
    """Impacts as bumps on an even grid; the root of their saliency, so that one cut does not outweigh all."""
    envelope = np.zeros(int(np.ceil(duration * ENVELOPE_RATE)) + 1)
    reach = int(4 * IMPACT_WIDTH * ENVELOPE_RATE)
    for impact in impacts:
        centre = round(impact.time * ENVELOPE_RATE)
        span = np.arange(max(0, centre - reach), min(len(envelope), centre + reach + 1))
        distance = span / ENVELOPE_RATE - impact.time
        envelope[span] += np.sqrt(impact.saliency) * np.exp(-0.5 * (distance / IMPACT_WIDTH) ** 2)
    return envelope


def _vertex(values: NDArray[np.float64]) -> float:
    """Where the parabola through three values has its top, counted from the middle one."""
    bend = float(values[0] - 2 * values[1] + values[2])
    return 0.0 if bend >= 0 else float(0.5 * (values[0] - values[2]) / bend)
