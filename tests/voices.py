"""A voice for tests: vowels of a glottal pulse behind three resonances, four syllables a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240))
"""The first three formants, in Hz, of ah, ee, aw, eh, oo (Peterson & Barney, 1952)."""


def voice(seconds: float, sample_rate: int) -> NDArray[np.float32]:
    """(n_sample,) somebody who says vowels, in -0.5..0.5."""
    n = round(seconds * sample_rate)
    times = np.arange(n) / sample_rate
    pitch = 125 + 20 * np.sin(2 * np.pi * 0.7 * times) + 8 * np.sin(2 * np.pi * 2.9 * times)
    phase = 2 * np.pi * np.cumsum(pitch) / sample_rate
    syllable = np.floor(times * 4).astype(int)
    sound = np.zeros(n)
    for harmonic in range(1, 30):
        frequency = harmonic * pitch
        gain = np.zeros(n)
        for number, formants in enumerate(VOWELS):
            said = syllable % len(VOWELS) == number
            for formant, width in zip(formants, (80, 100, 140), strict=True):
                gain += said / (1 + ((frequency - formant) / width) ** 2)
        sound += gain / harmonic * np.sin(harmonic * phase)
    sound *= np.sin(np.pi * (times * 4 % 1)) ** 0.5
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)
