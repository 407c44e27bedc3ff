"""Cue points of WAV files: places with names that editing programs show in the sound.

Source: Microsoft, *Multimedia Programming Interface and Data Specifications 1.0* (1991), chapter 3: the chunk ``cue``
has the samples, the list ``adtl`` a label for each.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from typing import NamedTuple


class CuePoint(NamedTuple):
    """A place in a sound."""

    seconds: float
    label: str


def append_cues(path: str | os.PathLike[str], cues: Sequence[CuePoint], sample_rate: int, n_sample: int) -> None:
    """Add cue points, those beyond the last of `n_sample` samples on it, to a WAV file that has none.

    Its sound is filled up to an even number of bytes, which Python's own writer does not do.
    """
    points, labels = bytearray(), bytearray(b"adtl")
    for number, cue in enumerate(cues, start=1):
        sample = max(0, min(round(cue.seconds * sample_rate), n_sample - 1))
        points += struct.pack("<II4sIII", number, sample, b"data", 0, 0, sample)
        labels += _chunk(b"labl", struct.pack("<I", number) + cue.label.encode() + b"\0")
    chunks = _chunk(b"cue ", struct.pack("<I", len(cues)) + points) + _chunk(b"LIST", bytes(labels)) if cues else b""
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.write(b"\0" * (size % 2) + chunks)
        size = file.tell()
        file.seek(4)
        file.write(struct.pack("<I", size - 8))


def _chunk(name: bytes, content: bytes) -> bytes:
    """A chunk, which takes an even number of bytes."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
