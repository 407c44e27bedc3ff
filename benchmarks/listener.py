"""A listener that is not ours: the taggers of musicnn (Pons & Serra 2019, ISC licence), in torch, from its wheel.

    pip download --no-deps musicnn==0.1.0

The wheel asks for TensorFlow and librosa; here only its weights are read, from TensorFlow's checkpoint files, whose
index is a table of LevelDB with a protocol buffer for each tensor. Two taggers of 50 tags each: MTT, of
MagnaTagATune, whose tags name instruments, and MSD, of the Million Song Dataset with tags of Last.fm.
"""

from __future__ import annotations

import math
import struct
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor
from torch.nn import functional

RATE = 16000
FFT, HOP, MELS = 512, 256, 96
WINDOW = 187
"""Frames that the network hears at once, 3 s."""
LEVEL = 0.15
"""Everything is brought to this root mean square, -16.5 dB of full scale, before it is heard."""
TAGS = {
    "MTT": (
        "guitar,classical,slow,techno,strings,drums,electronic,rock,fast,piano,ambient,beat,violin,vocal,synth,female,"
        "indian,opera,male,singing,vocals,no vocals,harpsichord,loud,quiet,flute,woman,male vocal,no vocal,pop,soft,"
        "sitar,solo,man,classic,choir,voice,new age,dance,male voice,female vocal,beats,harp,cello,no voice,weird,"
        "country,metal,female voice,choral"
    ).split(","),
    "MSD": (
        "rock,pop,alternative,indie,electronic,female vocalists,dance,00s,alternative rock,jazz,beautiful,metal,"
        "chillout,male vocalists,classic rock,soul,indie rock,mellow,electronica,80s,folk,90s,chill,instrumental,punk,"
        "oldies,blues,hard rock,ambient,acoustic,experimental,female vocalist,guitar,hip-hop,70s,party,country,"
        "easy listening,sexy,catchy,funk,electro,heavy metal,progressive rock,60s,rnb,indie pop,sad,house,happy"
    ).split(","),
}
"""What the outputs of the taggers mean, in order."""
NAMES = [f"{tagger}:{tag}" for tagger, tags in TAGS.items() for tag in tags]
"""The names of what `Listener.hear` returns."""

_MAGIC = bytes.fromhex("57fb808b247547db")
_FLOAT = 1
_EPSILON = 1e-3


class Listener:
    """Both taggers, from the path of musicnn's wheel."""

    def __init__(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            self._weights = {
                tagger: read_checkpoint(
                    archive.read(f"musicnn/{tagger}_musicnn/.index"),
                    archive.read(f"musicnn/{tagger}_musicnn/.data-00000-of-00001"),
                )
                for tagger in TAGS
            }

    def hear(self, audio: NDArray[np.floating], rate: int) -> NDArray[np.float64]:
        """The log odds of all tags (100,), the mean over windows of 3 s that do not overlap; shape (n_sample[, 2])."""
        frames = mel_frames(audio, rate)
        n_window = max(1, len(frames) // WINDOW)
        repeated = frames[np.arange(n_window * WINDOW) % len(frames)]  # what is shorter than a window begins anew
        windows = torch.from_numpy(repeated.reshape(n_window, WINDOW, MELS))
        with torch.inference_mode():
            heard = [tag_logits(windows, weights).mean(0).double().numpy() for weights in self._weights.values()]
        return np.concatenate(heard)


def mel_frames(audio: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    """What the network hears: log10(10000 x + 1) of the power in 96 mel bands, shape (n_frame, 96)."""
    mono = audio.mean(axis=1) if audio.ndim == 2 else audio
    common = math.gcd(RATE, rate)
    mono = resample_poly(mono.astype(np.float64), RATE // common, rate // common)
    mono *= LEVEL / max(float(np.sqrt(np.mean(mono**2))), 1e-9)
    padded = np.pad(mono, FFT // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    power = np.abs(np.fft.rfft(windows * hann, axis=1)) ** 2
    return np.log10(10000 * power @ mel_bands().T + 1).astype(np.float32)


@cache
def mel_bands() -> NDArray[np.float64]:
    """Slaney's triangles of equal area up to half the rate, as librosa makes them by default, (96, 257)."""
    # Slaney's scale: linear up to 1 kHz, 15 mels, from there 27 mels for a factor of 6.4.
    mels = np.linspace(0, 15 + 27 * math.log(RATE / 2 / 1000) / math.log(6.4), MELS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * math.log(6.4) / 27))
    frequencies = np.arange(FFT // 2 + 1) * RATE / FFT
    low, centre, high = (edges[i : MELS + i, np.newaxis] for i in range(3))
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling)) * 2 / (high - low)


def tag_logits(windows: Tensor, weights: dict[str, Tensor]) -> Tensor:
    """The network of musicnn: windows (n, 187, 96) to the log odds of 50 tags (n, 50)."""

    def normalised(x: Tensor, number: int) -> Tensor:  # channels are the second axis
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        mean, variance, gamma, beta = (
            weights[f"{name}/{part}"] for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, eps=_EPSILON)

    def convolved(x: Tensor, number: int) -> Tensor:  # (n, 1, time, band) to (n, filter, time, band)
        name = f"conv2d_{number}" if number else "conv2d"
        kernel = weights[f"{name}/kernel"].permute(3, 2, 0, 1)  # TensorFlow: height, width, in, out
        n_time = kernel.shape[2]
        before = (n_time - 1) // 2
        padded = functional.pad(x, (0, 0, before, n_time - 1 - before))
        return normalised(functional.relu(functional.conv2d(padded, kernel, weights[f"{name}/bias"])), number + 1)

    def dense(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    sound = normalised(windows.unsqueeze(1), 0)
    # Two kinds of timbre and three of rhythm, each the strongest over the bands: (n, 561, time).
    front = torch.cat([convolved(sound, number).amax(3) for number in range(5)], 1)
    first = convolved(front.transpose(1, 2).unsqueeze(1), 5).squeeze(3)  # (n, 64, time)
    second = convolved(first.transpose(1, 2).unsqueeze(1), 6).squeeze(3) + first
    third = convolved(second.transpose(1, 2).unsqueeze(1), 7).squeeze(3) + second
    features = torch.cat([front, first, second, third], 1)
    pooled = torch.stack([features.amax(2), features.mean(2)], 2).flatten(1)
    hidden = normalised(functional.relu(dense(normalised(pooled, 9), "dense")), 10)
    return dense(hidden, "dense_1")


def read_checkpoint(index: bytes, data: bytes) -> dict[str, Tensor]:
    """The tensors of float32 of a TensorFlow checkpoint of one shard, by name; those of the optimiser too."""
    if index[-8:] != _MAGIC:
        sys.exit("the wheel's .index is no checkpoint of TensorFlow; give musicnn-0.1.0-py3-none-any.whl")
    at = len(index) - 48
    for _ in range(2):  # place and size of the meta index are passed over
        _, at = _varint(index, at)
    place, at = _varint(index, at)
    size, _ = _varint(index, at)
    tensors = {}
    for _, handle in _block(index, place, size):
        place, at = _varint(handle, 0)
        size, _ = _varint(handle, at)
        for name, entry in _block(index, place, size):
            fields = dict(_fields(entry))
            if not name or fields.get(1) != _FLOAT:  # the entry without a name is the header
                continue
            shape = [
                dict(_fields(dimension)).get(1, 0) for number, dimension in _fields(fields.get(2, b"")) if number == 2
            ]
            start = fields.get(4, 0)
            values = np.frombuffer(data, "<f4", offset=start, count=fields[5] // 4)
            tensors[name.decode()] = torch.from_numpy(values.reshape(shape).copy())
    return tensors


def _block(table: bytes, place: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of a block of a LevelDB table; a key keeps the beginning of the one before it."""
    if table[place + size] != 0:
        sys.exit("the checkpoint's index is compressed, which this reader does not know")
    block = table[place : place + size]
    end = size - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        yield key, block[at + fresh : at + fresh + length]
        at += fresh + length


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """The numbers and values of a protocol buffer's fields."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
        else:
            length, at = _varint(message, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
            yield tag >> 3, message[at : at + length]
            at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where the next thing begins."""
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
