"""How much the app takes, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class AppLimits:
    """What a user of the app may ask for, and when what is left behind goes."""

    megabytes: int = 2000
    """The size of a film that is put up."""
    minutes: float = 30.0
    """The length of a film."""
    waiting: int = 8
    """The jobs that may wait, those of all users together."""
    films: int = 20
    """The films that one user may have at a time."""
    left_after: float = 15.0
    """The seconds after which the jobs of a user whose browser is gone are cancelled."""
    forgotten_after: float = 6 * 3600.0
    """The seconds after which all that belongs to a user whose browser is gone is removed."""
    sessions: int = 200
    """The users at a time; beyond them the one who was away longest is forgotten."""

    @property
    def bytes(self) -> int:
        """The size of a film in bytes."""
        return self.megabytes * MEGABYTE


LIMITS = AppLimits()
ASKED_BYTES = 900_000
"""What a page asks has no more bytes than this; a list of sounds is the longest."""
