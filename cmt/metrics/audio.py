"""Onsets of sound, for what is defined on audio.

Conventions
-----------
- Frames are 1,024 samples, a hundredth of a second apart; magnitudes are compressed by log(1 + 100 x).
- A peak is the largest value within 30 ms, stands out from the mean of 100 ms on both sides by a twentieth of the
  piece's largest value, and comes 30 ms or more after the last.
- Silence, and audio shorter than a frame, has no onsets. What is no audio raises ValueError.

Metrics
-------
- `audio_onsets`: where sound begins. It is no score: `cmt.metrics.synchrony` scores onsets.

Source
------
Spectral flux as in Bello et al., *A Tutorial on Onset Detection in Music Signals* (IEEE TSAP 13(5), 2005), with the
peak picking of Böck, Krebs & Schedl (ISMIR 2012).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FRAME = 1024
_HOP_SECONDS = 0.01
_COMPRESSION = 100.0
_NEIGHBOURS, _SURROUNDINGS = 3, 10
_THRESHOLD = 0.05
_BLOCK = 4096


def audio_onsets(audio: NDArray[Any], sample_rate: int) -> NDArray[np.float64]:
    """(n_onset,) seconds at which sound begins in `audio`, (n_sample,) or (n_sample, n_channel) from -1 to 1.

    Raises
    ------
    ValueError
        If the samples are not finite or of another shape, or the sample rate, in Hz, is not above 0.
    """
    signal = np.asarray(audio, dtype=np.float32)
    if signal.ndim == 2:
        signal = signal.mean(axis=1)
    if signal.ndim != 1 or not np.isfinite(signal).all() or sample_rate <= 0:
        raise ValueError("finite samples, (n,) or (n, channel), and a sample rate are needed")
    if len(signal) < _FRAME or not np.abs(signal).max() > 1e-4:
        return np.zeros(0)
    flux = _spectral_flux(signal, sample_rate)
    return _peaks(flux) * _HOP_SECONDS


def _spectral_flux(signal: NDArray[np.float32], sample_rate: int) -> NDArray[np.floating[Any]]:
    """(n_frame,) growth of the spectrum at each hundredth of a second, 0 to 1."""
    padded = np.concatenate([np.zeros(_FRAME // 2, np.float32), signal, np.zeros(_FRAME, np.float32)])
    starts = np.round(np.arange(int(len(signal) / sample_rate / _HOP_SECONDS)) * sample_rate * _HOP_SECONDS).astype(int)
    window = np.hanning(_FRAME).astype(np.float32)
    # The window is centred on the instant: half of it has already passed when it rings loudest.
    flux, last = [], np.zeros((1, _FRAME // 2 + 1), np.float32)
    for begin in range(0, len(starts), _BLOCK):
        frames = padded[starts[begin : begin + _BLOCK, None] + np.arange(_FRAME)] * window
        spectra = np.log1p(_COMPRESSION * np.abs(np.fft.rfft(frames, axis=1)).astype(np.float32) / (_FRAME / 4))
        flux.append(np.maximum(np.diff(spectra, axis=0, prepend=last), 0).sum(axis=1))
        last = spectra[-1:]
    joined = np.concatenate(flux)
    scaled: NDArray[np.float32] = np.divide(joined, max(float(joined.max()), 1e-9), dtype=np.float32)
    return scaled


def _peaks(flux: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """(n_peak,) frames that are peaks, of (n_frame,) flux."""
    near = np.lib.stride_tricks.sliding_window_view(np.pad(flux, _NEIGHBOURS), 2 * _NEIGHBOURS + 1)
    wide = np.lib.stride_tricks.sliding_window_view(np.pad(flux, _SURROUNDINGS, mode="edge"), 2 * _SURROUNDINGS + 1)
    frames = np.flatnonzero((flux == near.max(axis=1)) & (flux >= wide.mean(axis=1) + _THRESHOLD))
    kept: list[int] = []
    for frame in frames:
        if not kept or frame - kept[-1] >= _NEIGHBOURS:
            kept.append(int(frame))
    return np.array(kept, dtype=np.float64)
