"""Genres, modes and instruments by their names, as users and programs write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from cmt.errors import CmtError
from cmt.music.words import GENRES, Genre, Mode
from midi_io.song import INSTRUMENTS, Instrument

T = TypeVar("T", Genre, Mode, Instrument)

MODES: Mapping[str, Mode] = {mode.label: mode for mode in Mode}
"""The modes by their labels."""


def genre_named(genre: Genre | str) -> Genre:
    """A genre, given as itself or by its name, in upper or lower case.

    Raises
    ------
    CmtError
        If there is none of the name; the message lists those that there are, as do those of the functions below.
    """
    return genre if isinstance(genre, Genre) else _named(genre, GENRES, "genre")


def mode_named(mode: Mode | str) -> Mode:
    """A mode, given as itself or by its name."""
    return mode if isinstance(mode, Mode) else _named(mode, MODES, "mode")


def instrument_named(instrument: Instrument | str) -> Instrument:
    """An instrument, given as itself or by its name."""
    return instrument if isinstance(instrument, Instrument) else _named(instrument, INSTRUMENTS, "instrument")


def _named(name: object, choices: Mapping[str, T], kind: str) -> T:
    choice = choices.get(name.strip().lower()) if isinstance(name, str) else None
    if choice is None:
        raise CmtError(f"no {kind} {name!r}; choose from {', '.join(choices)}")
    return choice
