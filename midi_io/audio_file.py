"""Finished sound as a file."""

from __future__ import annotations

import os
import wave

import numpy as np
from numpy.typing import NDArray

from .whole_file import whole_file


def write_wav(audio: NDArray[np.floating], path: str | os.PathLike[str], sample_rate: int) -> None:
    """Write `audio`, shape `(n_sample,)` or `(n_sample, n_channel)` in -1..1, as 16-bit PCM.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    samples = np.rint(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    with whole_file(path) as unfinished, wave.open(str(unfinished), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(samples.tobytes())
