"""A lead sheet, bar by bar: the planner's odds, the masks that keep the orders, and the draws between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import HALVES_PER_BAR, N_CHORD, NO_CHORD, Chord, Quality, number_of
from cmt.music.key import home_key
from cmt.music.lead_sheet import N_PLAYERS, UNKNOWN, LeadSheet, SheetOrders
from cmt.music.plan_words import PAST_CUES, PLAN_FIELDS, PLAN_SIZES, PlanWord, plan_cues, recalls, sheet_of_words
from cmt.music.plan_words import past_cues as past_cues_of
from cmt.music.words import FREE, InitialWords, Mode
from cmt.network.planner import Planner
from cmt.writing.draw import draw
from midi_io.song import Instrument

TEMPERATURE = 1.0
NUCLEUS: Mapping[str, float] = {
    "begins": 0.97,
    "letter": 0.97,
    "lag": 0.97,
    "players": 0.99,
    "exact": 0.97,
    "kit": 0.95,
    "energy": 0.98,
    "chord": 0.96,
    "second_chord": 0.96,
}
"""The nucleus of each attribute: what a song may rarely do comes rarely, but chords come with more care."""

GENRE_GUIDANCE = 2.0
"""How many times as loud the genre speaks in a sheet: 1 is as the planner heard it in songs.

A second planner hears all but the genre, and what tells the two apart counts so many times (classifier-free guidance:
Ho and Salimans, 2022). A sheet is one word a bar, so that this costs next to nothing.
"""

LONGEST_CHORD = 4
"""The bars after which a chord changes, unless it is ordered or the piece ends. In three of four of the held-out songs'
excerpts none lasts longer; left alone, the planner writes twice as many long ones."""
LEAST_CHORDS = 3
"""In a short piece a chord lasts no more than one part in so many of it, or two bars: ten seconds are no excerpt."""
NEW_BAR = -0.1
"""What is added to the logit of a bar that repeats none, in nats."""
EXACT = 0.2
"""What is added to the logit of an exact repeat for each instrument that repeats, in nats.

Left alone the planner writes fewer repeats than songs have, by a little in every bar: a bar that it wrote itself is
less like a song's, and so less worth repeating. `benchmarks/planner.py` counts them beside those of held-out songs.
"""

SHORTEST_TO_ENTER = 4
"""In a piece of so many bars or more everybody who may play does at some time."""
LATEST_ENTRY = 0.7
"""Who has not entered when this share of the bars in which they may play is over does so with the next phrase."""
_EARLIEST_ENTRY = 0.6
"""From a share on that is drawn below this one, whoever is missing enters where a section begins."""
_PHRASE = 4

_DRUMS = 1 << Instrument.DRUMS
_PITCHED = N_PLAYERS - 1 - _DRUMS
_SETS = np.arange(N_PLAYERS)
_EXACT_LEAN = EXACT * np.array([bin(players).count("1") for players in range(N_PLAYERS)])
_LAG_LEAN = np.where(np.arange(PLAN_SIZES.lag) == 0, NEW_BAR, 0.0)
_LEAN: Mapping[str, NDArray[np.float64]] = {"exact": _EXACT_LEAN, "lag": _LAG_LEAN}
"""What is added to an attribute's logits (value,), in nats."""
_HOME_QUALITIES = {
    Mode.MAJOR: (Quality.MAJOR, Quality.MAJOR_SEVENTH, Quality.POWER),
    Mode.MINOR: (Quality.MINOR, Quality.MINOR_SEVENTH, Quality.POWER),
}
"""The tonic chords with which a piece may end."""

Allowed = NDArray[np.bool_]


def write_sheet(
    planner: Planner,
    initial: InitialWords,
    orders: SheetOrders,
    mode: Mode,
    seed_rng: np.random.Generator,
    by_bar: Sequence[InitialWords] | None = None,
) -> LeadSheet:
    """A lead sheet of `orders.n_bar` bars in the home key, in which every order is kept.

    A bar in which somebody may play has somebody playing, with pitch if anybody with pitch may play; in a piece of
    SHORTEST_TO_ENTER bars or more everybody who may play somewhere does at some time; the last chord is the tonic's,
    unless it is ordered. Where orders contradict each other, who may play is kept first: an order of drums means
    nothing where they may not play. A kit ordered to be 0 keeps the drums silent.

    Parameters
    ----------
    initial
        What is known of the piece; instruments that it says are absent should not be among those that may play.
    mode
        The mode of the home key, C major or A minor.
    seed_rng
        The source of chance; the same seed gives the same sheet.
    by_bar
        What is known of the piece as it holds for each bar (n_bar,); None is `initial` throughout.

    Raises
    ------
    ValueError
        If an order is out of its range, or orders a bar to repeat one before the piece.
    """
    _check(orders)
    rules = _Rules(orders, mode, seed_rng)
    states = [planner.start(words) for words in _listeners(initial)]
    for bar in range(orders.n_bar):
        if by_bar is not None:
            for words, state in zip(_listeners(by_bar[bar]), states, strict=True):
                planner.retell(words, state)
        hidden = [planner.hear(rules.cues(bar), state) for state in states]
        known: dict[str, int] = {}
        for name in PLAN_FIELDS:
            allowed = rules.allowed(name, bar, known)
            if isinstance(allowed, int):
                known[name] = allowed
                continue
            source, recall = rules.source(bar, known), rules.recall(bar, known) if name == "lag" else 0
            logits, *free = (
                planner.logits(name, heard, known, source, recall, state)
                for heard, state in zip(hidden, states, strict=True)
            )
            if free:
                logits = free[0] + np.float32(GENRE_GUIDANCE) * (logits - free[0])
            known[name] = draw(logits + _LEAN.get(name, 0.0), allowed, TEMPERATURE, NUCLEUS[name], seed_rng)
        word = PlanWord(**known)
        rules.words.append(word)
        for state in states:
            planner.write(word, state)
    return sheet_of_words(np.array(rules.words, np.int64).reshape(-1, len(PLAN_FIELDS)))


def _listeners(initial: InitialWords) -> list[InitialWords]:
    """What is told to a planner, and to a second one that is not told the genre, if there is one."""
    return [initial] if initial.genre == FREE else [initial, initial._replace(genre=FREE)]


def _check(orders: SheetOrders) -> None:
    n_bar = orders.n_bar
    most = {"begins": 1, "letters": PLAN_SIZES.letter - 1, "kit": PLAN_SIZES.kit - 1, "energy": PLAN_SIZES.energy - 1}
    most |= {"chords": N_CHORD - 1, "may_play": N_PLAYERS - 1, "must_play": N_PLAYERS - 1, "lags": n_bar}
    for name, limit in most.items():
        column, least = getattr(orders, name), 0 if name.endswith("_play") else UNKNOWN
        if len(column) != n_bar * (HALVES_PER_BAR if name == "chords" else 1):
            raise ValueError(f"{name}: {len(column)} orders for {n_bar} bars")
        if ((column < least) | (column > limit)).any():
            raise ValueError(f"{name}: an order outside {least}..{limit}")
    too_early = np.flatnonzero(orders.lags > np.arange(n_bar))
    if len(too_early):
        bar = int(too_early[0])
        raise ValueError(f"lags: bar {bar} cannot repeat the bar {orders.lags[bar]} bars before it")


class _Rules:
    """What each attribute of the next bar may be: orders, what the words so far say, and what follows from both."""

    def __init__(self, orders: SheetOrders, mode: Mode, rng: np.random.Generator) -> None:
        self.words: list[PlanWord] = []
        self._n_bar = orders.n_bar
        self._cues = plan_cues(orders)
        names = ("begins", "letters", "lags", "kit", "energy")
        self._begins, self._letters, self._lags, self._kit, self._energy = (
            getattr(orders, name).tolist() for name in names
        )
        silent_drums = (orders.kit == 0) & (orders.must_play & _DRUMS == 0)
        self._may_play = np.where(silent_drums, orders.may_play & _PITCHED, orders.may_play).tolist()
        must_play = orders.must_play | np.where(orders.kit > 0, _DRUMS, 0)
        self._must_play = (must_play & orders.may_play).tolist()
        self._chords = _allowed_chords(orders, mode)
        self._entries = {1 << i: self._entry(1 << i, rng.random()) for i in Instrument}

    def _entry(self, bit: int, share: float) -> tuple[int, int, int]:
        """The bars from which an instrument enters with a section, and at any phrase, and its last chance; -1: none."""
        places = [bar for bar, may_play in enumerate(self._may_play) if may_play & bit]
        if not places or self._n_bar < SHORTEST_TO_ENTER:
            return -1, -1, -1
        first, latest = (int(part * len(places)) for part in (_EARLIEST_ENTRY * share, LATEST_ENTRY))
        return places[first], places[latest], places[-1]

    def cues(self, bar: int) -> list[int]:
        """What is told before a bar."""
        words = np.array(self.words, np.int64).reshape(-1, len(PLAN_FIELDS))
        self._cues[bar, PAST_CUES] = past_cues_of(words)[-1]
        row: list[int] = self._cues[bar].tolist()
        return row

    def source(self, bar: int, known: Mapping[str, int]) -> int | None:
        """The bar that is repeated, once the lag is known."""
        lag = known.get("lag", 0)
        return bar - lag if lag else None

    def recall(self, bar: int, known: Mapping[str, int]) -> int:
        """The lag of a section that returns as it was."""
        so_far = [word[:2] for word in self.words] + [(known["begins"], known["letter"])]
        return int(recalls(np.array(so_far, np.int64))[bar])

    def allowed(self, name: str, bar: int, known: Mapping[str, int]) -> int | Allowed:
        """The one value that an attribute has, or (value,) which it may have."""
        rule = getattr(self, f"_allowed_{name}")
        allowed: int | Allowed = rule(bar, known)
        if not isinstance(allowed, int) and np.count_nonzero(allowed) == 1:
            return int(np.argmax(allowed))
        return allowed

    def _allowed_begins(self, bar: int, known: Mapping[str, int]) -> int | Allowed:
        if bar == 0:
            return 1
        if self._begins[bar] != UNKNOWN:
            return int(self._begins[bar])
        if self._letters[bar] not in (UNKNOWN, self.words[-1].letter):
            return 1
        return _anything(PLAN_SIZES.begins)

    def _allowed_letter(self, bar: int, known: Mapping[str, int]) -> int | Allowed:
        if self._letters[bar] != UNKNOWN:
            return int(self._letters[bar])
        if not self.words:
            return 0
        if not known["begins"]:
            return self.words[-1].letter
        letters = np.arange(PLAN_SIZES.letter)
        return np.asarray(letters <= 1 + max(word.letter for word in self.words))

    def _allowed_lag(self, bar: int, known: Mapping[str, int]) -> int | Allowed:
        if self._lags[bar] != UNKNOWN:
            return int(self._lags[bar])
        allowed = np.zeros(PLAN_SIZES.lag, bool)
        allowed[0] = True
        if self._may_play[bar]:
            for lag in range(1, min(bar, PLAN_SIZES.lag - 1) + 1):
                allowed[lag] = self.words[bar - lag].players > 0
        return allowed

    def _allowed_players(self, bar: int, known: Mapping[str, int]) -> int | Allowed:
        may_play = self._may_play[bar]
        must_play = self._must_play[bar] | self._entering(bar, known)
        allowed = ((_SETS & ~may_play) == 0) & ((_SETS & must_play) == must_play)
        least = may_play & _PITCHED or may_play
        return np.asarray(allowed & ((_SETS & least) > 0)) if least else allowed

    def _entering(self, bar: int, known: Mapping[str, int]) -> int:
        """Those whom this bar must bring in."""
        heard = 0
        for word in self.words:
            heard |= word.players
        since = 0 if known["begins"] else 1 + next(k for k, word in enumerate(reversed(self.words)) if word.begins)
        entering = 0
        for bit, (with_section, with_phrase, last) in self._entries.items():
            if heard & bit or not self._may_play[bar] & bit or last < 0:
                continue
            at_phrase = since % _PHRASE == 0 or bar >= with_phrase + _PHRASE - 1
            if (known["begins"] and bar >= with_section) or (at_phrase and bar >= with_phrase) or bar == last:
                entering |= bit
        return entering

    def _allowed_exact(self, bar: int, known: Mapping[str, int]) -> int | Allowed:
        source = self.source(bar, known)
        if source is None:
            return 0
        there, players = self.words[source], known["players"]
        bits = players & there.players
        if self._kit[bar] not in (UNKNOWN, there.kit):
            bits &= ~_DRUMS
        if not self._allowed_chord(bar, known)[there.chord]:
            bits &= ~_PITCHED
        if not self._allowed_second_chord(bar, {**known, "chord": there.chord})[there.second_chord]:
            bits &= ~_PITCHED
        allowed = (_SETS & ~bits) == 0
        if players == there.players and self._energy[bar] not in (UNKNOWN, there.energy):
            allowed[players] &= players == 0  # the same notes are as many notes
        return np.asarray(allowed)

    def _allowed_kit(self, bar: int, known: Mapping[str, int]) -> int | Allowed:
        if not known["players"] & _DRUMS:
            return 0
        if self._kit[bar] != UNKNOWN:
            return int(self._kit[bar])
        source = self.source(bar, known)
        if source is not None and known["exact"] & _DRUMS:
            return self.words[source].kit
        return _anything(PLAN_SIZES.kit)

    def _allowed_energy(self, bar: int, known: Mapping[str, int]) -> int | Allowed:
        if self._energy[bar] != UNKNOWN:
            return int(self._energy[bar])
        if not known["players"]:
            return 0
        source = self.source(bar, known)
        if source is not None and known["exact"] == known["players"] == self.words[source].players:
            return self.words[source].energy
        return _anything(PLAN_SIZES.energy)

    def _allowed_chord(self, bar: int, known: Mapping[str, int]) -> Allowed:
        return self._without_the_worn(self._chords[HALVES_PER_BAR * bar], [])

    def _allowed_second_chord(self, bar: int, known: Mapping[str, int]) -> Allowed:
        return self._without_the_worn(self._chords[HALVES_PER_BAR * bar + 1], [known["chord"]])

    def _without_the_worn(self, allowed: Allowed, latest: list[int]) -> Allowed:
        """The chords that may come, without one that has sounded for as long as it may, if there are others."""
        if len(self.words) == self._n_bar - 1:
            return allowed
        longest = min(LONGEST_CHORD, max(2, self._n_bar // LEAST_CHORDS))
        halves = [chord for word in self.words[-longest:] for chord in (word.chord, word.second_chord)] + latest
        last = halves[-longest * HALVES_PER_BAR :]
        if len(last) < longest * HALVES_PER_BAR or len(set(last)) > 1 or last[0] == NO_CHORD:
            return allowed
        others = allowed.copy()
        others[last[0]] = False
        return others if others[NO_CHORD + 1 :].any() else allowed


@lru_cache(maxsize=16)
def _anything(n_value: int) -> Allowed:
    allowed = np.ones(n_value, bool)
    allowed.flags.writeable = False
    return allowed


def _allowed_chords(orders: SheetOrders, mode: Mode) -> NDArray[np.bool_]:
    """(n_bar * 2, chord) the chords that each half bar may have."""
    pitched = bool((orders.may_play & _PITCHED).any())
    allowed = np.zeros((len(orders.chords), N_CHORD), bool)
    allowed[:, NO_CHORD] = not pitched
    allowed[:, NO_CHORD + 1 :] = pitched
    if pitched:
        tonic = home_key(mode).tonic
        allowed[-1:] = False
        allowed[-1:, [number_of(Chord(tonic, quality)) for quality in _HOME_QUALITIES[mode]]] = True
    ordered = np.flatnonzero(orders.chords != UNKNOWN)
    allowed[ordered] = False
    allowed[ordered, orders.chords[ordered]] = True
    return allowed
