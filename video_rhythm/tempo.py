"""Visual tempo: the pulse of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .impacts import Impact

_AT_ONCE = 2**16
"""Values of the envelope that are compared together, 11 minutes; those of a longer video are compared part by part."""
ENVELOPE_RATE = 100.0
"""The envelope in which a pulse is looked for has this many values a second."""
IMPACT_WIDTH = 0.03
"""An impact meets the pulse with this standard deviation, in seconds."""
SLOWEST, FASTEST = 40.0, 240.0
"""A visual tempo is looked for between these BPM."""
USUAL_TEMPO = 120.0
"""Of tempi that explain the impacts equally well, the one nearest to this many BPM in octaves wins."""
USUAL_SPREAD = 1.0
"""The preference for `USUAL_TEMPO` has this standard deviation, in octaves."""
FEWEST_IMPACTS = 4
"""A pulse needs this many impacts, which make three intervals; fewer can be regular by chance."""
FEWEST_BEATS = 3.0
"""A pulse must go on for at least this many beats."""
LEAST_CONFIDENCE = 0.15
"""There is no visual tempo below this confidence."""
CHANCE_SECONDS = 2.5
"""Impacts at random look as regular as this over the seconds they span (99th percentile of simulated ones), so
in a short video a pulse must be plainer."""
MULTIPLES = 4
"""A pulse is followed this many beats ahead."""

TOLERANCE = 0.04
"""An impact may miss the pulse by this many seconds unnoticed."""


class VisualTempo(NamedTuple):
    """The pulse of the picture."""

    tempo: float | None
    """The beats a minute, 40..240; None if the picture has no pulse."""
    confidence: float
    """The confidence, from 0 (no pulse) to 1 (every impact is followed by others at exactly the beat's distance)."""


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
        place = round(impact.time * ENVELOPE_RATE)
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
    at_once = max(_AT_ONCE, 2 * n_lag)
    if len(values) <= at_once:
        # Padded, so that the end does not meet the beginning.
        spectrum = np.fft.rfft(values, len(values) + n_lag)
        products = np.fft.irfft(np.abs(spectrum) ** 2, len(values) + n_lag)[:n_lag]
    else:
        products = np.zeros(n_lag)
        for begin in range(0, len(values), at_once):
            n = at_once + n_lag
            earlier = np.fft.rfft(values[begin : begin + at_once], n)
            later = np.fft.rfft(values[begin : begin + n], n)
            products += np.fft.irfft(np.conj(earlier) * later, n)[:n_lag]
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
