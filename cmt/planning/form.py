"""The user's own say in a piece's form: its sections in order, with lengths or without."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cmt.config import MOST_SECTIONS, SECTION_LIMITS
from cmt.errors import CmtError
from cmt.machine.columns import shown
from cmt.machine.plural import count
from cmt.music.lead_sheet import LETTERS
from cmt.planning.energy import NAMES

PHRASES = (4, 2, 1)
"""Sections without a length last a multiple of so many bars: the first of these at which each has one."""
LABELS_IN_WORDS = f"letters from {LETTERS[0]} to {LETTERS[-1]}, or {', '.join(NAMES)}"
_PART = re.compile(r"([A-Za-z]+)(?::([0-9]{1,9}))?")


class WishedSection(NamedTuple):
    """A section of a form that the user asks for."""

    label: str
    """A letter, ``A`` to ``H``, or one of `cmt.planning.energy.NAMES`."""
    n_bar: int | None = None
    """Its bars; None leaves them open."""


@dataclass(frozen=True)
class WishedForm:
    """The sections of a piece in order; those of one label are alike."""

    sections: tuple[WishedSection, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each section."""
        return tuple(section.label for section in self.sections)

    def __str__(self) -> str:
        """The form as `parse_form` reads it, such as ``intro:4 A B A outro``."""
        return " ".join(label if n_bar is None else f"{label}:{n_bar}" for label, n_bar in self.sections)


def parse_label(text: str) -> str | None:
    """A letter, ``A`` to ``H``, or a name, in any case; None if the text is neither."""
    if text.lower() in NAMES:
        return text.lower()
    return text.upper() if len(text) == 1 and text.upper() in LETTERS else None


def parse_form(text: str) -> WishedForm:
    """A form such as ``AABA``, ``intro A A build drop outro`` or ``intro:4 A:8 B:8 outro:4``.

    Raises
    ------
    CmtError
        If it is none.
    """
    sections: list[WishedSection] = []
    for part in re.split(r"[\s,]+", text.strip(" \t\n,")):
        found = _PART.fullmatch(part)
        labels = _labels_of(found[1]) if found else []
        if found is None or not labels or (found[2] is not None and len(labels) > 1):
            raise CmtError(
                f"no form {shown(part)}; write sections in order, e.g. AABA, intro A B outro or intro:4 A:8 outro:4, "
                f"with {LABELS_IN_WORDS}, and bars behind a colon if you like"
            )
        n_bar = None if found[2] is None else int(found[2])
        if n_bar is not None and n_bar not in SECTION_LIMITS:
            raise CmtError(
                f"section {shown(part)}: must last from {SECTION_LIMITS.least:g} to {SECTION_LIMITS.most:g} bars"
            )
        sections += [WishedSection(label, n_bar) for label in labels]
    if len(sections) > MOST_SECTIONS:
        raise CmtError(f"a form of {len(sections)} sections: must be {MOST_SECTIONS} at most")
    return WishedForm(tuple(sections))


def _labels_of(word: str) -> list[str]:
    """The sections that a word means: a name is one, letters are one each; none if it is neither."""
    if (label := parse_label(word)) is not None:
        return [label]
    letters = [parse_label(letter) for letter in word]
    return [letter for letter in letters if letter is not None] if None not in letters else []


def section_lengths(form: WishedForm, n_bar: int) -> tuple[list[int], list[str]]:
    """The bars of each section in a piece of `n_bar` bars, and a warning where a given length cannot be.

    Sections without a length share what the others leave in whole phrases (see `PHRASES`); the last of them also takes
    the bars that make none. They differ by one phrase at most; where that comes out even, those that get one more are
    all of one label, so that they stay alike.

    Raises
    ------
    CmtError
        If the sections do not fit into the piece.
    """
    given = sum(section.n_bar or 0 for section in form.sections)
    left = n_bar - given
    still_open = [label for label, bars in form.sections if bars is None]
    if len(form.sections) > n_bar:
        n_section = count(len(form.sections), "section")
        raise CmtError(f"`form`: {n_section} do not fit into {count(n_bar, 'bar')}; name {n_bar} at most")
    if left < len(still_open):
        n_given, n_needed = count(given, "bar"), count(given + len(still_open), "bar")
        reason = f"its lengths make {n_given}" if not still_open else f"it needs {n_needed}"
        raise CmtError(f"`form`: {reason}, yet the piece has {n_bar}; make sections shorter, or leave lengths out")
    shares = iter(_shared(still_open, left))
    lengths = [next(shares) if bars is None else bars for _, bars in form.sections]
    missing = n_bar - sum(lengths)
    if missing == 0:
        return lengths, []
    lengths[-1] += missing
    last = form.sections[-1].label
    return lengths, [
        f"`form`: its lengths make {count(given, 'bar')}, yet the piece has {n_bar}; {last} at the end is "
        f"{count(missing, 'bar')} longer"
    ]


def _shared(labels: Sequence[str], n_bar: int) -> list[int]:
    """`n_bar` bars, at least one for each label, shared between sections of these labels."""
    if not labels:
        return []
    phrase = next(phrase for phrase in PHRASES if len(labels) * phrase <= n_bar)
    each, more = divmod(n_bar // phrase, len(labels))
    lengths = [each * phrase] * len(labels)
    longer: set[int] = set()
    for label in sorted(dict.fromkeys(labels), key=lambda one: -labels.count(one)):
        its = {index for index, other in enumerate(labels) if other == label}
        if len(longer) + len(its) <= more:
            longer |= its
    for index in reversed(range(len(labels))):
        if len(longer) < more:
            longer.add(index)
    for index in longer:
        lengths[index] += phrase
    lengths[-1] += n_bar - sum(lengths)
    return lengths
