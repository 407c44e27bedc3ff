"""AV-Align as its first public release defines it: every picture's flow, no threshold, onsets of a mel spectrum.

`cmt.metrics.synchrony.av_align` takes the peaks of our own flow, which is smoothed, above a tenth of a pixel a picture,
and pairs each once. The first release takes every local maximum of Farneback's flow and lets several onsets claim one.
This file is written after that description, so that a number can stand beside those of papers.

Onsets: at 22,050 Hz, 128 mel bands of 2,048 samples every 512, in decibels down to 80 below the loudest; the mean
growth of the bands, scaled to 0..1; a peak is the largest of 3 frames and 0.07 above the mean of 9. On two pieces of
music the onsets were those of librosa 0.11, 60 of 60, 42 in the same frame. Flow: of pictures 480 wide at most, for
time's sake. Chance: 1,000 circular shifts of the picture's peaks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

RATE = 22_050
FRAME, HOP, BANDS = 2048, 512, 128
RANGE, DELTA = 80.0, 0.07
WIDEST = 480
N_SHIFT = 1000


class Aligned(NamedTuple):
    """AV-Align and its chance."""

    score: float
    chance: float


def picture_peaks(video: Path) -> tuple[NDArray[np.float64], float]:
    """(n,) seconds at which the mean flow is larger than one picture before and after, and the pictures a second."""
    capture = cv2.VideoCapture(str(video))
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    before, speeds = None, []
    while True:
        is_read, picture = capture.read()
        if not is_read:
            break
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        if grey.shape[1] > WIDEST:
            size = (WIDEST, round(grey.shape[0] * WIDEST / grey.shape[1]))
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        if before is not None:
            flow = cv2.calcOpticalFlowFarneback(before, grey, None, 0.5, 3, 15, 3, 5, 1.2, 0)  # type: ignore[call-overload]
            speeds.append(float(np.hypot(flow[..., 0], flow[..., 1]).mean()))
        before = grey
    capture.release()
    speed = np.array([*speeds[:1], *speeds])
    peaks = np.flatnonzero((speed[1:-1] > speed[:-2]) & (speed[1:-1] > speed[2:])) + 1
    return peaks / fps, fps


def sound_peaks(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """(n,) seconds of the onsets of (n_sample, 2) audio whose rate is a multiple of 22,050 Hz."""
    signal = audio.mean(axis=1)
    factor = sample_rate // RATE
    if factor > 1:  # its upper half goes in the spectrum, then every second sample does
        spectrum = np.fft.rfft(signal)
        spectrum[int(len(spectrum) / factor) :] = 0
        signal = np.fft.irfft(spectrum, len(signal))[::factor]
    padded = np.pad(signal, FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    power = np.concatenate([np.square(np.abs(np.fft.rfft(part * window))) for part in np.array_split(frames, 20)])
    decibels = 10 * np.log10(np.maximum(power @ _mel().T, 1e-10))
    decibels = np.maximum(decibels, decibels.max() - RANGE)
    growth = np.maximum(np.diff(decibels, axis=0), 0).mean(axis=1)
    # A frame hears what comes up to half of its length later: growth is told so many frames later.
    growth = np.concatenate([np.zeros(1 + FRAME // (2 * HOP)), growth])[: len(decibels)]
    growth -= growth.min()
    if not growth.max() > 0:
        return np.zeros(0)
    growth /= growth.max()
    near = np.lib.stride_tricks.sliding_window_view(np.pad(growth, 1), 3).max(axis=1)
    total, index = np.concatenate([[0.0], np.cumsum(growth)]), np.arange(len(growth))
    first, last = np.maximum(index - 4, 0), np.minimum(index + 5, len(growth))
    around = (total[last] - total[first]) / (last - first)
    kept: list[int] = []
    for frame in np.flatnonzero((growth == near) & (growth >= around + DELTA)).tolist():
        if not kept or frame - kept[-1] > 1:
            kept.append(frame)
    return np.array(kept, dtype=np.float64) * HOP / RATE


def aligned(picture: NDArray[np.float64], sound: NDArray[np.float64], duration: float, fps: float) -> Aligned:
    """AV-Align of picture and sound; not a number where one has no peak."""
    if not len(picture) or not len(sound):
        return Aligned(np.nan, np.nan)
    shifts = np.random.default_rng(0).uniform(0, duration, N_SHIFT)
    scores = [_score(np.sort((picture + shift) % duration), sound, fps) for shift in shifts]
    return Aligned(_score(picture, sound, fps), float(np.mean(scores)))


def _score(picture: NDArray[np.float64], sound: NDArray[np.float64], fps: float) -> float:
    padded = np.concatenate([[-np.inf], picture, [np.inf]])
    after = np.searchsorted(picture, sound)
    n_pair = int((np.minimum(sound - padded[after], padded[after + 1] - sound) < 1 / fps).sum())
    return n_pair / (len(picture) + len(sound) - n_pair)


def _mel() -> NDArray[np.float64]:
    """(128, 1025) triangles of equal area, as wide as the mel scale of Slaney's Auditory Toolbox has it."""
    highest = 15 + np.log(RATE / 2 / 1000) / (np.log(6.4) / 27)
    mels = np.linspace(0, highest, BANDS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    frequencies = np.linspace(0, RATE / 2, FRAME // 2 + 1)
    rise = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rise, fall)) * (2 / (edges[2:] - edges[:-2]))[:, None]
