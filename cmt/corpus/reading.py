"""A corpus to train on, read from folders and packs alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cmt.corpus.folder import read_folder
from cmt.corpus.packs import read_pack
from cmt.corpus.songs import Corpus
from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays

SPLITS = ("train", "val")


def read_corpus(paths: Sequence[Path], split: str) -> Corpus:
    """The songs of a split (`train`, `val`) of folders that ``cmt prepare`` made, and of packs.

    A pack is a file such as ``lpd5_16th_labelled.npz.xz``. The notes of one folder stay on disk, mapped into memory;
    those of several paths are read and joined.

    Raises
    ------
    CmtError
        If a path is missing, is neither, is of another version, or if no song is in the split.
    """
    parts = [read_folder(path, split) if path.is_dir() else read_pack(path, split) for path in paths]
    if not any(part.songs for part in parts):
        raise CmtError(f"no song of split {split!r} in {', '.join(map(str, paths))}")
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: list[Corpus]) -> Corpus:
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    notes = NoteArrays(*(np.concatenate(columns) for columns in zip(*(part.notes for part in parts), strict=True)))
    return Corpus(tuple(song for part in parts for song in part.songs), np.r_[0, np.cumsum(counts)], notes)
