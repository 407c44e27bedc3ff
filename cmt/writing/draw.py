"""One choice of several by chance: temperature, nucleus, guidance."""

from __future__ import annotations

import numpy as np


def draw(logits: np.ndarray, allowed: np.ndarray, temperature: float, nucleus: float, rng: np.random.Generator) -> int:
    """One of the allowed values, at random by the logits (n_value,).

    Only the likeliest values that together hold `nucleus` of the probability are drawn from, the
    one that crosses the border included.
    """
    (values,) = allowed.nonzero()
    if len(values) == 1:
        return int(values[0])
    scaled = logits.take(values).astype(np.float64) / temperature
    probability = np.exp(scaled - scaled.max())
    probability /= probability.sum()
    order = (-probability).argsort(kind="stable")
    cumulative = probability.take(order).cumsum()
    last = min(int(cumulative.searchsorted(nucleus)), len(order) - 1)
    chosen = min(int(cumulative.searchsorted(rng.random() * cumulative[last])), last)
    return int(values[order[chosen]])


def tilted(logits: np.ndarray, allowed: np.ndarray, lean: np.ndarray) -> np.ndarray:
    """Logits (n_value,) multiplied by what a lean holds likely, among the allowed values that it speaks of.

    `lean` is (n_value,) probabilities, NaN for values that it says nothing of. Those keep their probabilities, and the
    others keep the sum of theirs.
    """
    spoken_of = allowed & ~np.isnan(lean)
    likely = np.exp(logits[spoken_of] - logits[spoken_of].max(initial=-np.inf)).astype(np.float64)
    tilted_likely = likely * lean[spoken_of]
    if not tilted_likely.sum():
        return logits
    moved = logits.astype(np.float64)
    with np.errstate(divide="ignore"):
        moved[spoken_of] += np.log(lean[spoken_of]) + np.log(likely.sum() / tilted_likely.sum())
    return moved
