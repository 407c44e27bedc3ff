"""How much memory may be had, and whether so many takes fit into it."""

from __future__ import annotations

import os
from pathlib import Path

from cmt.errors import CmtError

SHARE_OF_MEMORY = 0.8
"""Takes may fill this share of the free memory."""

BYTES_PER_SECOND_OF_SOUND = 1_100_000
"""What a second of sound takes while it is made, at 44,100 samples a second."""


def check_memory(n_take: int, bytes_per_take: int, n_byte: int | None = None) -> None:
    """Raise a CmtError if so many takes are more than the free memory holds, `n_byte` where it is known."""
    n_byte = free_memory() if n_byte is None else n_byte
    most = int(SHARE_OF_MEMORY * n_byte / bytes_per_take)
    if n_take > max(1, most):
        raise CmtError(
            f"takes {n_take}: they need {n_take * bytes_per_take / 1e9:.1f} GB and {n_byte / 1e9:.1f} GB of memory are "
            f"free; ask for {max(1, most)} at most"
        )


def check_sound_memory(seconds: float, what: str, n_byte: int | None = None) -> None:
    """Raise a CmtError if sound of so many seconds is more than the free memory holds, `n_byte` where it is known."""
    n_byte = free_memory() if n_byte is None else n_byte
    needed = seconds * BYTES_PER_SECOND_OF_SOUND
    if needed > SHARE_OF_MEMORY * n_byte:
        raise CmtError(
            f"{what}: lasts {seconds / 60:,.0f} minutes, whose sound needs {needed / 1e9:.1f} GB of memory, and "
            f"{n_byte / 1e9:.1f} GB are free; cut it into parts"
        )


def free_memory() -> int:
    """Bytes that may be had: those that are free where the system says so, else all."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
