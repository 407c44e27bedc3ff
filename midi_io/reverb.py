"""The room that a band plays in: its echoes, as one filter of some seconds.

The filter is noise that dies away, sooner in the high octaves and in the lowest, after a moment without any. Left and
right have noise of their own, so that the room is wide. Sound is filtered in the frequency domain, block by block.

Source: J. A. Moorer, *About This Reverberation Business* (Computer Music Journal 3(2), 1979): a good hall's response is
much like white noise under a falling exponential.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .performance import Room
from .samples import Samples

LEVEL = 0.7
"""The amplitude of a room's echoes beside that of the sound that is sent into it."""
_DELAY = 0.018
"""Seconds before the first echo: the nearest wall is three metres behind the band."""
_RISE = 0.006
"""Seconds in which the echoes grow dense."""
_LOWEST, _MIDDLE, _OCTAVES = 150.0, 800.0, 10
"""Hz below which a room hardly answers, Hz up to which echoes last as long as the room says, octaves from 20 Hz on."""
_DARKEST = 0.25
"""The share of their time that the highest octaves last where a room's brightness is 0."""
_DECAY = 6.91
"""The natural logarithm of a thousand: 60 dB."""
_SEED = 20
_BLOCK = 2**17


def echoes(sent: Samples, room: Room, sample_rate: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """What is heard of a room when `sent`, (n_sample,), is played in it.

    It comes block by block: the number of the first sample, and samples (n, 2), which are valid until the next ones.
    """
    responses = response(room, sample_rate)
    n_response = len(responses)
    n_fft = _BLOCK * 2 ** max(0, int(np.ceil(np.log2(2 * n_response / _BLOCK))))
    n_block = n_fft - n_response + 1
    spectra = np.fft.rfft(responses.T, n_fft).astype(np.complex64)
    heard = np.zeros((n_fft, 2), np.float32)
    for begin in range(0, len(sent), n_block):
        block = np.fft.rfft(sent[begin : begin + n_block], n_fft).astype(np.complex64)
        for side in (0, 1):
            heard[:, side] += np.fft.irfft(block * spectra[side], n_fft).astype(np.float32)
        yield begin, heard[: len(sent) - begin][:n_block]
        heard[:-n_block] = heard[n_block:]
        heard[-n_block:] = 0


def reach(room: Room) -> float:
    """The seconds for which a room answers."""
    return _DELAY + 1.1 * room.seconds


@lru_cache(maxsize=4)
def response(room: Room, sample_rate: int) -> NDArray[np.float32]:
    """(n_sample, 2) what is heard of a click at time 0; the sum of squares of each side is `LEVEL` squared."""
    n_sample = round(reach(room) * sample_rate)
    since = np.arange(n_sample) / sample_rate - _DELAY
    noise = np.random.default_rng(_SEED).standard_normal((2, n_sample)).astype(np.float32)
    spectra = np.fft.rfft(noise)
    frequencies = np.fft.rfftfreq(n_sample, 1 / sample_rate)
    octaves = np.log2(np.maximum(frequencies, 1.0) / 20)
    heard = np.zeros((2, n_sample))
    for octave in range(_OCTAVES):
        # Octaves overlap by raised cosines that add up to one.
        share = 0.5 + 0.5 * np.cos(np.pi * np.clip(octaves - octave, -1, 1))
        middle = 20 * 2.0**octave
        above = np.clip(np.log2(middle / _MIDDLE) / np.log2(16_000 / _MIDDLE), 0, 1)
        seconds = room.seconds * (1 - above * (1 - _DARKEST) * (1 - room.brightness))
        low = min(1.0, (middle / _LOWEST) ** 2)
        decay = np.exp(-_DECAY * np.maximum(since, 0) / seconds) * np.clip(since / _RISE, 0, 1)
        heard += low * decay * np.fft.irfft(spectra * share, n_sample)
    heard *= LEVEL / np.sqrt(np.square(heard).sum(axis=1, keepdims=True))
    return np.ascontiguousarray(heard.T, dtype=np.float32)
