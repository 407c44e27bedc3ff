"""Small packs of songs in the layout that `cmt.corpus.songs` reads."""

from __future__ import annotations

import io
import json
import lzma
from pathlib import Path

import numpy as np

GENRES = ("pop", "metal", None)


def write_pack(folder: Path, n_song: int = 9, n_bar: int = 12) -> Path:
    """Songs that repeat one bar each; every third is held out. Returns the pack's path."""
    rng = np.random.default_rng(0)
    columns: dict[str, list[np.ndarray]] = {"dt": [], "track": [], "pitch": [], "dur": [], "vel": []}
    offsets, infos = [0], []
    for index in range(n_song):
        drawn = rng.integers([0, 0, 40], [16, 5, 80], (9, 3))  # position, track, pitch
        bar = sorted({tuple(note) for note in drawn.tolist()})
        notes = np.array([(16 * b + p, t, k) for b in range(n_bar) for p, t, k in bar])
        columns["dt"].append(np.diff(notes[:, 0], prepend=0).astype(np.uint16))
        columns["track"].append(notes[:, 1].astype(np.uint8))
        columns["pitch"].append(notes[:, 2].astype(np.uint8))
        columns["dur"].append(np.full(len(notes), 2, dtype=np.uint8))
        columns["vel"].append(np.full(len(notes), 10, dtype=np.uint8))
        offsets.append(offsets[-1] + len(notes))
        split = "val" if index % 3 == 2 else "train"
        infos.append({"md5": f"song{index}", "genre": GENRES[index % 3], "bpm": 100.0 + index, "split": split})
    path = folder / "lpd5_16th_test.npz.xz"
    with io.BytesIO() as buffer:
        np.savez(buffer, offsets=np.array(offsets), **{name: np.concatenate(part) for name, part in columns.items()})
        path.write_bytes(lzma.compress(buffer.getvalue(), preset=0))
    with lzma.open(folder / "songs_test.json.xz", "wt", encoding="utf-8") as file:
        json.dump(infos, file)
    return path
