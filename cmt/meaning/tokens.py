"""A text as words that can be looked up: lower case, without accents, clause by clause."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import NamedTuple

_WORD = re.compile(r"[^\W_]+(?:['&/:.-][^\W_]+)*", re.UNICODE)
_BORDER = re.compile(r"[,;.!?()\n]|(?<!\w)-(?!\w)|\bbut\b|\baber\b|\bpero\b|\bmais\b", re.IGNORECASE)
MOST_CHARACTERS = 2_000
"""A text may have this many characters."""


class Token(NamedTuple):
    """A word of a text."""

    text: str
    """As it is looked up."""
    written: str
    """As it was written."""
    begin: int
    """Its first character in the text."""
    clause: int
    """The number of its clause."""


def folded(text: str) -> str:
    """Lower case without accents, characters for characters; what would become more than one stays."""
    return "".join(_folded(character) for character in text)


def _folded(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character.casefold()).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    kept = "".join(one for one in plain if not unicodedata.combining(one))
    return kept if len(kept) == 1 else character


def tokens_of(text: str) -> list[Token]:
    """The words of a text in order."""
    borders = [match.start() for match in _BORDER.finditer(text)]
    lookup = folded(text)
    return [
        Token(lookup[found.start() : found.end()], found[0], found.start(), sum(b < found.start() for b in borders))
        for found in _WORD.finditer(text)
    ]


def longest_phrase(tokens: list[Token], begin: int, phrases: Collection[str], most: int = 6) -> int:
    """How many tokens from `begin` on, within their clause, make the longest of the phrases; 0 if none does."""
    clause = tokens[begin].clause
    for n in range(min(most, len(tokens) - begin), 0, -1):
        part = tokens[begin : begin + n]
        if part[-1].clause == clause and " ".join(token.text for token in part) in phrases:
            return n
    return 0
