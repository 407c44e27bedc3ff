"""From words to a description: what a text asks, and which of its words were not understood.

Phrases are looked up in the lexicon, the longest first, clause by clause. A negation holds for what it stands before,
and for more of the same kind behind *or* and *and*; a degree for the next word that has one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from cmt.errors import CmtError
from cmt.machine.columns import shown
from cmt.meaning.description import Description
from cmt.meaning.events import Event
from cmt.meaning.filling import description_of_events
from cmt.meaning.lexicon import (
    ALONE,
    ARC_WORDS,
    BEGINNINGS,
    BEGINS,
    DEGREE_WORDS,
    ENDING_WORDS,
    ENDINGS,
    ENDS,
    ENSEMBLES,
    FILLERS,
    GENRE_WORDS,
    HIT_WORDS,
    LEVEL_WORDS,
    LOUDNESS_WORDS,
    MODE_WORDS,
    MOOD_WORDS,
    NEGATIONS,
    OPTIONAL,
    SILENCE,
    SOUND_WORDS,
    TEMPO_WORDS,
    THROUGHOUT,
    VOICES,
    Stretch,
)
from cmt.meaning.mood import Mood, no_such_mood
from cmt.meaning.patterns import Found, Length, Tempo, Time, found_in
from cmt.meaning.tokens import MOST_CHARACTERS, Token, longest_phrase, tokens_of
from cmt.music.key import WishedKey
from cmt.planning.energy import NAMES
from cmt.planning.form import WishedForm

_TABLES: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("negation", dict.fromkeys(NEGATIONS)),
    ("arc", ARC_WORDS),
    ("ending", ENDING_WORDS),
    ("sound", SOUND_WORDS),
    ("ensemble", ENSEMBLES),
    ("genre", GENRE_WORDS),
    ("tempo word", TEMPO_WORDS),
    ("name", {name: name for name in NAMES}),
    ("hit", dict.fromkeys(HIT_WORDS)),
    ("silence", dict.fromkeys(SILENCE)),
    ("voice", dict.fromkeys(VOICES)),
    ("mood", MOOD_WORDS),
    ("loudness", LOUDNESS_WORDS),
    ("mode", MODE_WORDS),
    ("alone", dict.fromkeys(ALONE)),
    ("degree", DEGREE_WORDS),
)
"""The kinds of phrases; of phrases of one length the one in the first table counts."""
_CONJUNCTIONS = frozenset("or nor and oder und noch y o ni et ou".split())
_ALTERNATIVES = frozenset("or nor oder noch o ni ou".split())
_SKIPPED = frozenset("the a an at in of with by and is very really quite rather am im mit am al un una le la".split())
"""What may stand between a level and the part of the piece that has it."""
_FEWEST, _MOST = 0.02, 0.98
_QUARTER = 0.25
"""A beginning and an ending last for this share of the piece."""
_INFLECTED = ("sound", "genre", "tempo word", "mood", "loudness")
_INFLECTIONS = (
    *((ending, "") for ending in ("s", "e", "er", "es", "en", "em", "ly", "ness", "x")),
    *(("a", "o"), ("as", "o"), ("os", "o"), ("musik", ""), ("nmusik", ""), ("iness", "y"), ("ily", "y"), ("ier", "y")),
)
"""The endings that words have in English, German, Spanish and French, and what stands in their place."""
_EXAMPLE = "write, for example, calm piano, no drums, 80 bpm, in D minor, big ending"


class Understood(NamedTuple):
    """What a text says."""

    description: Description
    phrases: tuple[str, ...]
    """What was understood, phrase by phrase."""
    passed_over: tuple[str, ...]
    """What was not, though it carries a meaning."""

    def __str__(self) -> str:
        """The line for a terminal: what was understood, and what not."""
        said = f"understood {', '.join(self.phrases) or 'nothing'}"
        return f"{said}; not understood: {', '.join(self.passed_over)}" if self.passed_over else said


def read_words(text: str) -> Understood:
    """What a text asks of the music.

    Raises
    ------
    CmtError
        If the text is too long, or nothing in it is understood.
    """
    if len(text) > MOST_CHARACTERS:
        raise CmtError(
            f"a text of {len(text)} characters: must have {MOST_CHARACTERS} at most; say less, or use a file"
        )
    tokens, founds = _with_founds(text)
    scan = _Scan(tokens, founds)
    description, phrases, left = description_of_events(scan.events())
    passed = sorted({*scan.passed, *(place for event in left for place in _places(event))})
    told = tuple(_grouped(text, [tokens[place] for place in passed]))
    if not description.values:
        unknown = ", ".join(told) or text.strip()
        raise CmtError(f"nothing is understood of {unknown[:80]!r}; {_EXAMPLE}")
    return Understood(description, tuple(phrases), told)


def read_mood(text: str) -> Mood:
    """A mood such as ``tense`` or ``sad, a little hopeful``.

    Raises
    ------
    CmtError
        If one of its words names none.
    """
    tokens, founds = _with_founds(text)
    scan = _Scan(tokens, founds)
    description, _, left = description_of_events(scan.events())
    passed = [*scan.passed, *(place for event in left for place in _places(event))]
    others = [name for name in description.values if name != "mood"]
    if description.mood is not None and others and not passed:
        raise CmtError(f"{shown(text.strip())} says more than a mood; say it with `describe`, or leave the rest out")
    if description.mood is None or passed:
        wrong = " ".join(tokens[place].written for place in passed) or text.strip()
        raise no_such_mood(wrong, MOOD_WORDS)
    return description.mood


def _places(event: Event) -> range:
    return range(event.place, event.place + event.n_word)


def _with_founds(text: str) -> tuple[list[Token], dict[int, Found]]:
    """The words of a text, with a blank one in place of each thing that is said in numbers, and those by place."""
    found = found_in(text)
    words = [token for token in tokens_of(text) if not any(one.begin <= token.begin < one.end for one in found)]
    clauses = {token.begin: token.clause for token in tokens_of(text)}
    for one in found:
        clause = next((clauses[begin] for begin in sorted(clauses) if begin >= one.begin), 0)
        words.append(Token("", text[one.begin : one.end].strip(), one.begin, clause))
    words.sort(key=lambda token: token.begin)
    by_begin = {one.begin: one for one in found}
    return words, {place: by_begin[token.begin] for place, token in enumerate(words) if not token.text}


def _grouped(text: str, passed: list[Token]) -> list[str]:
    """The words that were passed over; those that stand together as one."""
    groups: list[str] = []
    end = -1
    for token in passed:
        if groups and text[end : token.begin].strip() == "":
            groups[-1] += f" {token.written}"
        else:
            groups.append(token.written)
        end = token.begin + len(token.written)
    return list(dict.fromkeys(groups))


def _stems(word: str) -> list[str]:
    """What a word may be an inflection of."""
    return [word[: -len(ending)] + put for ending, put in _INFLECTIONS if word.endswith(ending) and len(word) > 4]


class _Scan:
    """A walk over the words of a text."""

    def __init__(self, tokens: list[Token], founds: Mapping[int, Found]) -> None:
        self.tokens = tokens
        self.founds = founds
        self.passed: list[int] = []
        self.found_events: list[Event] = []
        self.timed = {tokens[place].clause for place, one in founds.items() if isinstance(one.value, Time)}
        self._reset()

    def _reset(self) -> None:
        self.negated, self.degree, self.unknown, self.linked = False, 1.0, 0, False

    def events(self) -> list[Event]:
        """All that is understood, in order."""
        place, clause = 0, -1
        while place < len(self.tokens):
            if self.tokens[place].clause != clause:
                clause = self.tokens[place].clause
                self._reset()
            place += self._step(place)
        return self.found_events

    def _step(self, place: int) -> int:
        """Read what stands at a place; the number of its words."""
        if place in self.founds:
            self._add(place, 1, *_of_found(self.founds[place]))
            return 1
        if n_word := self._part_of_piece(place):
            return n_word
        if self.tokens[place].clause in self.timed and (n_word := self._longest(place, LEVEL_WORDS)):
            self._add(place, n_word, "level", LEVEL_WORDS[self._phrase(place, n_word)])
            return n_word
        n_word, kind, value = self._entry(place)
        if not n_word:
            self._pass_over(place)
            return 1
        if kind == "negation":
            self.negated, self.unknown = True, 0
        elif kind == "degree":
            self.degree = value
        else:
            self._add(place, n_word, kind, value)
        return n_word

    def _entry(self, place: int) -> tuple[int, str, Any]:
        """The longest phrase at a place, its kind and its value; 0 words if there is none."""
        best: tuple[int, str, Any] = (0, "", None)
        for kind, table in _TABLES:
            if kind == "mode" and not self.negated and self._phrase(place, 1) in ("min", "maj"):
                continue
            n_word = self._longest(place, table)
            if n_word > best[0]:
                best = n_word, kind, table[self._phrase(place, n_word)]
        word = self.tokens[place].text
        if best[0] or word in FILLERS or word in OPTIONAL:
            return best
        for stem in _stems(word):
            for kind, table in _TABLES:
                if kind in _INFLECTED and stem in table:
                    return 1, kind, table[stem]
        return best

    def _pass_over(self, place: int) -> None:
        word = self.tokens[place].text
        self.linked = word in _CONJUNCTIONS
        if word in FILLERS or word in OPTIONAL:
            return
        self.passed.append(place)
        self.degree = 1.0
        self.unknown += 1
        if self.unknown > 1:
            self.negated = False

    def _add(self, place: int, n_word: int, kind: str, value: Any) -> None:
        before = self.found_events[-1] if self.found_events else None
        same = before is not None and before.negated and before.kind == kind
        if same and before is not None:
            linked = self.linked and before.clause == self.tokens[place].clause
            after = place + n_word
            listed = after < len(self.tokens) and self.tokens[after].text in _ALTERNATIVES
            self.negated |= linked or (listed and before.clause == self.tokens[place].clause - 1)
        said = " ".join(token.written for token in self.tokens[place : place + n_word])
        negated = self.negated and kind not in ("alone", "time")
        event = Event(kind, value, said, place, n_word, self.tokens[place].clause, negated, self.degree)
        self.found_events.append(event)
        if kind != "time":
            self._reset()

    def _part_of_piece(self, place: int) -> int:
        """Read a level and the part of the piece that has it, in either order; the number of words."""
        n_level = self._longest(place, LEVEL_WORDS)
        parts = {"begin": BEGINNINGS, "end": ENDINGS, "whole": THROUGHOUT}
        first, second = (parts, None) if n_level else ({"begin": BEGINS, "end": ENDS, "whole": THROUGHOUT}, LEVEL_WORDS)
        if second is None:
            after = self._skipped(place + n_level)
            for part, words in first.items():
                if after is not None and (n_part := self._longest(after, words)):
                    self._add_part(place, after + n_part, part, LEVEL_WORDS[self._phrase(place, n_level)])
                    return after + n_part - place
            return 0
        for part, words in first.items():
            n_part = self._longest(place, words)
            after = self._skipped(place + n_part) if n_part else None
            if after is not None and (n_level := self._longest(after, second)):
                self._add_part(place, after + n_level, part, LEVEL_WORDS[self._phrase(after, n_level)])
                return after + n_level - place
        return 0

    def _add_part(self, place: int, end: int, part: str, level: float) -> None:
        degree = -0.5 if self.negated else self.degree
        level = round(min(_MOST, max(_FEWEST, 0.5 + degree * (level - 0.5))), 2)
        begin, until = {"begin": (0.0, _QUARTER), "end": (1 - _QUARTER, 1.0), "whole": (0.0, 1.0)}[part]
        negated, self.negated = self.negated, False
        self._add(place, end - place, "arc", (Stretch(begin, until, level, level),))
        if negated:
            self.found_events[-1].said = f"no {self.found_events[-1].said}"

    def _skipped(self, place: int) -> int | None:
        """The first place from there on that is none of the small words between; None if the clause ends."""
        for after in range(place, min(place + 3, len(self.tokens))):
            if self.tokens[after].clause != self.tokens[place - 1].clause:
                return None
            if self.tokens[after].text not in _SKIPPED:
                return after
        return None

    def _longest(self, place: int, phrases: Collection[str]) -> int:
        return longest_phrase(self.tokens, place, phrases)

    def _phrase(self, place: int, n_word: int) -> str:
        return " ".join(token.text for token in self.tokens[place : place + n_word])


def _of_found(found: Found) -> tuple[str, Any]:
    """The kind and the value of what is said in numbers."""
    value = found.value
    kinds = {Tempo: "tempo", Time: "time", Length: "length", WishedKey: "key", WishedForm: "form"}
    return kinds.get(type(value), "chords"), value
