"""The user's own say in the chords: a row of them, for the piece or for each of its sections."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from cmt.errors import CmtError
from cmt.machine.columns import shown
from cmt.music.chords import HALVES_PER_BAR, NO_CHORD, Chord, chord_of, names_of, number_of, parse_chord
from cmt.music.lead_sheet import UNKNOWN
from cmt.planning.form import LABELS_IN_WORDS, parse_label

Row: TypeAlias = tuple[tuple[int, ...], ...]
"""The number of each half bar's chord (`cmt.music.chords`), bar by bar; UNKNOWN leaves one to the model."""
OPEN = "?"
"""What a user writes for a chord that the model may choose."""
NONE = ("N", "NC", "N.C.")
"""What a user may write for no chord."""


@dataclass(frozen=True)
class Progression:
    """Rows of chords, in the order in which they were written."""

    rows: tuple[tuple[str | None, Row], ...]
    """Each row with the label of the sections that it is for; None is for all that have no row of their own."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of sections that have a row of their own."""
        return tuple(label for label, _ in self.rows if label is not None)

    def row(self, label: str | None) -> Row | None:
        """The row for sections of a label, or for what has none; None if there is no row for it."""
        rows = dict(self.rows)
        return rows.get(label, rows.get(None))

    def chords(self, labels: Iterable[str | None]) -> list[Chord]:
        """The chords of sections with these labels, each row once through; without those that are open or none."""
        numbers = [number for label in labels for bar in self.row(label) or () for number in bar if number != UNKNOWN]
        return [chord for chord in map(chord_of, numbers) if chord is not None]

    def __str__(self) -> str:
        """The chords as `parse_chords` reads them, such as ``A: C | G Am; B: F``."""
        return "; ".join(f"{label}: {_written(row)}" if label else _written(row) for label, row in self.rows)


def _written(row: Row) -> str:
    bars = [[OPEN if number == UNKNOWN else names_of([number])[0] for number in bar] for bar in row]
    if all(len(set(bar)) == 1 for bar in bars):
        return " ".join(bar[0] for bar in bars)
    # The line at the end marks a single bar as one.
    return " | ".join(" ".join(dict.fromkeys(bar)) for bar in bars) + (" |" if len(bars) == 1 else "")


def parse_chords(text: str) -> Progression:
    """Chords such as ``C G Am F``, one a bar, or ``C G | Am F``, two a bar, or ``A: C G Am F; B: F G | C C``.

    Bar lines, where a row has any, say what a bar is: one chord or two, half a bar each. ``-`` is the chord before once
    more, ``%`` the bar before, ``N`` no chord, ``?`` one that the model chooses.

    Raises
    ------
    CmtError
        If they cannot be read.
    """
    rows: dict[str | None, Row] = {}
    for part in re.split(r"[;\n]", text):
        if not part.strip():
            continue
        head, colon, body = part.partition(":")
        label = parse_label(head.strip()) if colon else None
        if colon and label is None:
            raise CmtError(f"no section {shown(head.strip())} for chords; write {LABELS_IN_WORDS}, e.g. A: C G; B: F G")
        if label in rows:
            raise CmtError(f"{label or 'the piece'} has two rows of chords; write one, and section A as A: C G Am F")
        rows[label] = _row(body if colon else part, label)
    if not rows:
        raise CmtError("no chords; write one for each bar, e.g. C G Am F")
    return Progression(tuple(rows.items()))


def _row(text: str, label: str | None) -> Row:
    groups = [group.replace(",", " ").split() for group in text.split("|")]
    written = [group for group in groups if group] if "|" in text else [[chord] for chord in groups[0]]
    if not written:
        where = f"for section {label}" if label else f"in {shown(text.strip())}"
        raise CmtError(f"no chords {where}; write one for each bar, e.g. C G Am F")
    row: list[tuple[int, ...]] = []
    for bar in written:
        if len(bar) > HALVES_PER_BAR:
            raise CmtError(
                f"{len(bar)} chords in the bar {shown(' '.join(bar))}; write {HALVES_PER_BAR} at most, half a bar "
                "each, and a bar line | behind each bar"
            )
        if bar == ["%"] and row:
            row.append(row[-1])
            continue
        numbers: list[int] = []
        for symbol in bar:
            before = numbers[-1] if numbers else row[-1][-1] if row else None
            numbers.append(_number(symbol, before))
        row.append(tuple(numbers) * (HALVES_PER_BAR // len(numbers)))
    return tuple(row)


def _number(symbol: str, before: int | None) -> int:
    """The number of a chord as written, after the chord `before` it."""
    if symbol in ("%", "-"):
        if before is None:
            raise CmtError(f"{symbol!r} repeats what stands before, and it stands first; write a chord")
        return before
    if symbol == OPEN:
        return UNKNOWN
    return NO_CHORD if symbol.upper() in NONE else number_of(parse_chord(symbol))
