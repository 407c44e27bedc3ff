"""How much memory and disk may be had, and whether so many takes and so much sound fit into them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cmt.errors import CmtError

SHARE_OF_MEMORY = 0.8
"""Takes may fill this share of the free memory."""

BYTES_PER_SAMPLE = 20
"""What a sample of sound takes on the disk while it is made: 12 bytes of what is played, and the file that it becomes,
8 at most."""


def check_memory(n_take: int, bytes_per_take: int, n_byte: int | None = None) -> None:
    """Raise a CmtError if so many takes are more than the free memory holds, `n_byte` where it is known."""
    n_byte = free_memory() if n_byte is None else n_byte
    most = int(SHARE_OF_MEMORY * n_byte / bytes_per_take)
    if n_take > max(1, most):
        raise CmtError(
            f"takes {n_take}: they need {n_take * bytes_per_take / 1e9:.1f} GB and {n_byte / 1e9:.1f} GB of memory are "
            f"free; ask for {max(1, most)} at most"
        )


def check_disk(seconds: float, sample_rate: int, n_stem: int, folder: Path, n_byte: int | None = None) -> None:
    """Raise a CmtError if sound of so many seconds is more than the disk of `folder` holds, `n_byte` if that is known.

    A stem takes as much as the mix.
    """
    try:
        n_byte = shutil.disk_usage(folder).free if n_byte is None else n_byte
    except OSError:  # what the disk does not say shows when it is written
        return
    needed = seconds * sample_rate * BYTES_PER_SAMPLE * (1 + n_stem)
    if needed > n_byte:
        raise CmtError(
            f"{folder}: has {_size(n_byte)} free, and sound of {_length(seconds)} needs {_size(needed)} while it is "
            "made; choose a folder on another disk"
        )


def _size(n_byte: float) -> str:
    return f"{n_byte / 1e9:.1f} GB" if n_byte >= 1e9 else f"{n_byte / 1e6:.1f} MB"


def _length(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def free_memory() -> int:
    """Bytes that may be had: those that are free where the system says so, else all."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
