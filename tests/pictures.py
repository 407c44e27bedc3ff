"""Small picture files for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def draw_pictures_files(folder: Path, n: int, size: tuple[int, int] = (160, 120), suffix: str = ".png") -> list[Path]:
    """Pictures ``img1`` to ``img<n>`` in a folder, each of other blots; `size` is (width, height)."""
    folder.mkdir(exist_ok=True)
    files = [folder / f"img{number + 1}{suffix}" for number in range(n)]
    for number, file in enumerate(files):
        blots(number, size).save(file)
    return files


def blots(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Large soft blots of colour."""
    cells = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)
