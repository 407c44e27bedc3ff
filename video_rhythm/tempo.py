"""Visual tempo, and the musical tempo that makes a whole number of bars last as long as the video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .impacts import Impact

ENVELOPE_RATE = 100.0
"""Values a second of the envelope in which a pulse is looked for."""
IMPACT_WIDTH = 0.03
"""Seconds, the standard deviation: how exactly an impact must meet the pulse."""
SLOWEST, FASTEST = 40.0, 240.0
"""BPM between which a visual tempo is looked for."""
USUAL_TEMPO = 120.0
"""BPM; of tempi that explain the impacts equally well, the one nearest to this in octaves wins."""
USUAL_SPREAD = 1.0
"""Octaves, the standard deviation of the preference for `USUAL_TEMPO`."""
FEWEST_IMPACTS = 4
"""Three intervals; fewer can be regular by chance."""
FEWEST_BEATS = 3.0
"""A pulse must go on for so many beats."""
LEAST_CONFIDENCE = 0.15
"""Below this there is no visual tempo."""
CHANCE_SECONDS = 2.5
"""Impacts at random look as regular as this over the seconds they span (99th percentile of simulated ones), so
in a short video a pulse must be plainer."""
MULTIPLES = 4
"""How many beats ahead a pulse is followed."""

MUSIC_RANGE = (70.0, 160.0)
"""BPM that music for a video may have unless it is asked for otherwise."""
TOLERANCE = 0.04
"""Seconds by which a hit may miss the grid unnoticed."""
HIT_WIDTH = 0.025
"""Seconds, the standard deviation of the reward for a hit close to the grid."""
REWARDS = {1: 1.0, 4: 0.8, 8: 0.4, 16: 0.2}
"""What a hit on the grid is worth, by how many points the grid has in a bar: downbeat, beat, eighth, sixteenth."""
COMFORTABLE_TEMPO = 110.0
"""BPM towards which the musical tempo leans if nothing speaks for another."""
COMFORTABLE_SPREAD = 0.5
"""Octaves, the standard deviation of that leaning; a prior tempo is held to with `PRIOR_SPREAD`."""
PRIOR_SPREAD = 0.1
"""Octaves, about 7 per cent, so that neighbouring numbers of bars can still be weighed."""
PRIOR_TRUST = 5.0
"""How many times heavier a prior tempo of full confidence weighs than one of none: music at another tempo than a
plain pulse of the picture is worse than music that keeps its tempo and misses its phase."""


class VisualTempo(NamedTuple):
    """The pulse of the picture."""

    tempo: float | None
    """Beats a minute, 40..240; None if the picture has no pulse."""
    confidence: float
    """0 (no pulse) .. 1 (every impact is followed by others at exactly the beat's distance)."""


class TempoFit(NamedTuple):
    """A musical tempo for a video."""

    tempo: float
    """Quarter notes a minute; exactly `240 * n_bar / duration`, not rounded."""
    n_bar: int
    """Bars of 4/4 in the video, 1 or more."""
    share_on_grid: float
    """0..1: weighted share of the hits within 40 ms of a sixteenth; 0 if there are no hits. At 120 BPM chance
    alone gives 0.64: two sixteenths are only 125 ms apart."""


def visual_tempo(duration: float, impacts: Sequence[Impact]) -> VisualTempo:
    """The tempo at which the impacts of a video of `duration` seconds come again.

    The impacts, the strong ones levelled (square root), make an envelope; its autocorrelation, averaged over
    the first four multiples of the beat, is weighed by a log-normal preference for 120 BPM (Ellis 2007).
    Only neighbouring beats are compared, so the phase may drift, and a pause costs nothing.

    Octave rule: a tempo is never doubled, because at the double nothing would move on every second beat. A
    fast pulse that its half or third would explain as well is reported as that part of it which is nearest
    to 120 BPM in octaves: impacts at 90 BPM give 90, at 45 give 45, at 180 give 90, at 160 give 160.
    """
    if len(impacts) < FEWEST_IMPACTS:
        return VisualTempo(None, 0.0)
    lags, similarity = _pulse(duration, impacts)
    if not len(lags):
        return VisualTempo(None, 0.0)
    octaves = np.log2(60.0 / lags / USUAL_TEMPO) / USUAL_SPREAD
    best = int((np.maximum(similarity, 0.0) * np.exp(-0.5 * octaves**2)).argmax())
    confidence = float(np.clip(similarity[best], 0.0, 1.0))
    if confidence < max(LEAST_CONFIDENCE, CHANCE_SECONDS / (impacts[-1].time - impacts[0].time)):
        return VisualTempo(None, confidence)
    return VisualTempo(60.0 / _refine(float(lags[best]), impacts), confidence)


def envelope(duration: float, impacts: Sequence[Impact]) -> NDArray[np.float64]:
    """(n,) the impacts as bumps 30 ms wide, 100 values a second, strong ones levelled, the strongest 1 high."""
    values = np.zeros(int(np.ceil(duration * ENVELOPE_RATE)) + 1)
    if not impacts:
        return values
    strength = np.sqrt([impact.saliency for impact in impacts])
    for impact, height in zip(impacts, strength / strength.max(), strict=True):
        place = int(round(impact.time * ENVELOPE_RATE))
        if 0 <= place < len(values):
            values[place] += height
    width = IMPACT_WIDTH * ENVELOPE_RATE
    reach = np.arange(-int(4 * width), int(4 * width) + 1)
    return np.convolve(values, np.exp(-0.5 * (reach / width) ** 2))[reach[-1] : reach[-1] + len(values)]


def autocorrelation(values: NDArray[np.float64], n_lag: int) -> NDArray[np.float64]:
    """(n_lag,) likeness of the envelope to itself so many values later.

    1 at lag 0; 0 is what impacts scattered at random would give.
    """
    n_lag = min(n_lag, len(values))
    # Padded, so that the end does not meet the beginning.
    spectrum = np.fft.rfft(values, len(values) + n_lag)
    products = np.fft.irfft(np.abs(spectrum) ** 2, len(values) + n_lag)[:n_lag]
    # Longer lags have fewer pairs; without this a pulse would seem to fade.
    products = products * (len(values) / (len(values) - np.arange(n_lag)))
    by_chance = values.sum() ** 2 / len(values)
    return np.asarray((products - by_chance) / max(products[0] - by_chance, 1e-12))


def _pulse(duration: float, impacts: Sequence[Impact]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Beat lengths in seconds, (n,), and how regularly the impacts come again after each, (n,)."""
    span = impacts[-1].time - impacts[0].time
    shortest = 60.0 / FASTEST
    longest = min(60.0 / SLOWEST, span / FEWEST_BEATS)
    lags = np.arange(np.ceil(shortest * ENVELOPE_RATE), np.floor(longest * ENVELOPE_RATE) + 1) / ENVELOPE_RATE
    if not len(lags):
        return np.zeros(0), np.zeros(0)
    first = max(impacts[0].time - 0.1, 0.0)
    shifted = [Impact(impact.time - first, impact.saliency) for impact in impacts]
    n_lag = int(MULTIPLES * longest * ENVELOPE_RATE) + 2
    likeness = autocorrelation(envelope(min(span + 0.2, duration), shifted), n_lag)
    far = np.arange(len(likeness)) / ENVELOPE_RATE
    ahead = np.array([np.interp(lags * k, far, likeness, right=np.nan) for k in range(1, MULTIPLES + 1)])
    # A multiple that two thirds of the span do not hold has too few pairs to be heard.
    ahead[lags * np.arange(1, MULTIPLES + 1)[:, None] > span * 2 / 3] = np.nan
    ahead[0] = np.nan_to_num(ahead[0])
    # Where nothing follows after one beat, later beats do not make up for it: it is the double of a slow pulse.
    return lags, np.minimum(np.nanmean(ahead, axis=0), 2 * ahead[0])


def _refine(period: float, impacts: Sequence[Impact]) -> float:
    """The beat length near `period` (seconds) at which the distances between impacts fit best.

    The median, weighted, over pairs up to four beats apart of the distance per beat.
    """
    times = np.array([impact.time for impact in impacts])
    weights = np.sqrt([impact.saliency for impact in impacts])
    estimates, trust = [], []
    for k in range(1, len(times)):
        distance = times[k:] - times[:-k]
        beats = np.round(distance / period)
        fits = (beats >= 1) & (beats <= MULTIPLES) & (np.abs(distance - beats * period) < 2 * TOLERANCE)
        if distance.min() > (MULTIPLES + 1) * period:
            break
        estimates.append(distance[fits] / beats[fits])
        trust.append((weights[k:] * weights[:-k] * beats)[fits])
    values, shares = np.concatenate(estimates), np.concatenate(trust)
    if not len(values) or not shares.sum():
        return period
    order = values.argsort()
    middle = np.searchsorted(np.cumsum(shares[order]), shares.sum() / 2)
    return float(np.clip(values[order][middle], 60.0 / FASTEST, 60.0 / SLOWEST))


def fit_tempo(
    duration: float,
    hits: Sequence[float] = (),
    weights: Sequence[float] | None = None,
    *,
    tempo_range: tuple[float, float] = MUSIC_RANGE,
    prior_tempo: float | None = None,
    prior_confidence: float = 0.0,
) -> TempoFit:
    """The tempo at which a whole number of 4/4 bars lasts exactly `duration`, and the hits fall on its grid.

    The music begins with the video, so the grid's phase is 0 and only the number of bars is free. Each number
    that keeps the tempo in range is judged by how far the hits are rewarded above chance (a fast tempo has a
    denser grid and so meets more by chance), in standard deviations of chance, less a mild penalty for being
    far from the usual or the prior tempo.

    Parameters
    ----------
    duration
        Seconds, above 0.
    hits
        Seconds at which the picture wants something to happen: cuts, visual beats.
    weights
        How much each matters, 0 or more; all alike if left out.
    tempo_range
        Lowest and highest tempo in BPM. If no whole number of bars fits in, as in a very short video, the
        number whose tempo is nearest to the range in octaves is taken.
    prior_tempo
        BPM, such as the visual tempo: it, or an octave of it, is preferred. 110 if left out.
    prior_confidence
        0..1: how sure the prior tempo is, and so how much it weighs against the hits.

    Raises
    ------
    ValueError
        If a number is out of range or `hits` and `weights` differ in length.
    """
    lowest, highest = tempo_range
    times = np.asarray(hits, dtype=float).reshape(-1)
    trust = np.ones(len(times)) if weights is None else np.asarray(weights, dtype=float).reshape(-1)
    if not (np.isfinite(duration) and duration > 0 and 0 < lowest <= highest):
        raise ValueError(f"duration {duration} and tempo range {tempo_range} must be above 0 and in order")
    if prior_tempo is not None and not prior_tempo > 0:
        raise ValueError(f"prior tempo must be above 0, got {prior_tempo}")
    if not 0 <= prior_confidence <= 1:
        raise ValueError(f"prior confidence must be from 0 to 1, got {prior_confidence}")
    if len(times) != len(trust) or (trust < 0).any() or not np.isfinite(trust).all():
        raise ValueError("each hit needs one weight of 0 or more")
    numbers = _numbers_of_bars(duration, lowest, highest)
    merits = [
        _grid_merit(times, trust, duration / n) + _leaning(240.0 * n / duration, prior_tempo, prior_confidence)
        for n in numbers
    ]
    n_bar = numbers[int(np.argmax(merits))]
    return TempoFit(240.0 * n_bar / duration, n_bar, _share_on_grid(times, trust, duration / n_bar))


def _numbers_of_bars(duration: float, lowest: float, highest: float) -> list[int]:
    """All numbers of bars that keep the tempo in range, or the one number that comes nearest."""
    hair = 1e-9
    first = max(1, int(np.ceil(duration * lowest / 240.0 - hair)))
    last = int(np.floor(duration * highest / 240.0 + hair))
    if first <= last:
        return list(range(first, last + 1))

    def octaves_outside(n_bar: int) -> float:
        tempo = 240.0 * n_bar / duration
        return max(np.log2(lowest / tempo), np.log2(tempo / highest))

    return [min((max(1, last), first), key=octaves_outside)]


def _grid_merit(times: NDArray[np.float64], trust: NDArray[np.float64], bar: float) -> float:
    """How far the hits are rewarded above chance on a grid whose bars last `bar` seconds, in deviations of chance."""
    if not trust.sum():
        return 0.0
    anywhere = _reward(np.arange(0.0, bar, HIT_WIDTH / 5), bar)
    effective_number = trust.sum() ** 2 / (trust**2).sum()
    above_chance = np.average(_reward(times, bar), weights=trust) - anywhere.mean()
    return float(above_chance / max(anywhere.std(), 1e-6) * np.sqrt(effective_number))


def _reward(times: NDArray[np.float64], bar: float) -> NDArray[np.float64]:
    """(n,) what a hit at each time is worth, 0..1."""
    rewards = [
        worth * np.exp(-0.5 * (_miss(times, bar / points) / HIT_WIDTH) ** 2) for points, worth in REWARDS.items()
    ]
    return np.asarray(np.max(rewards, axis=0))


def _miss(times: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """(n,) seconds to the nearest multiple of `step`."""
    return np.asarray(np.abs(times - np.round(times / step) * step))


def _leaning(tempo: float, prior_tempo: float | None, prior_confidence: float) -> float:
    """Minus the penalty for a tempo far from the usual and, octaves aside, from the prior one."""
    usual = -0.5 * (np.log2(tempo / COMFORTABLE_TEMPO) / COMFORTABLE_SPREAD) ** 2
    if prior_tempo is None:
        return float(usual)
    octaves = np.log2(tempo / prior_tempo)
    far = min(0.5 * ((octaves - np.round(octaves)) / PRIOR_SPREAD) ** 2, 3.0)
    return float(usual - far * (1 + (PRIOR_TRUST - 1) * prior_confidence))


def _share_on_grid(times: NDArray[np.float64], trust: NDArray[np.float64], bar: float) -> float:
    if not trust.sum():
        return 0.0
    return float(trust[_miss(times, bar / 16) <= TOLERANCE + 1e-9].sum() / trust.sum())
