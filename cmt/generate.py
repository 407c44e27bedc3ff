"""The loop that writes a piece: state, grammar, control -> words -> song."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from cmt.config import GenerateConfig
from cmt.decoder import Decoder, Floats
from cmt.encoding import Words, decode, timing_bins
from cmt.key import TONICS, Key, home_key, key_of_song, semitones_between
from cmt.sampling import BarOrders, Grammar, draw
from cmt.words import BAR, FIELDS, FREE, CompoundWord, Genre, InitialWords, Mode, WordType, initial_words
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song, TempoMap

MOST_WORDS_PER_BAR = POSITIONS_PER_BAR * len(Instrument) * 17
"""No bar can hold more; a bound for arrays and a guard against a loop without an end."""


@dataclass(frozen=True)
class PieceRequest:
    """What a piece must be."""

    length: float
    """Position at which it ends; the last bar is shortened where this is no whole number of bars."""
    tempo: float
    """BPM; the mean where a tempo map says more."""
    genre: Genre | None = None
    instruments: tuple[Instrument, ...] | None = None
    """Those that play, all of them; None leaves the choice to the model."""
    tonic: int | None = None
    """Pitch class, or None for one drawn by the seed."""
    mode: Mode | None = None
    tempo_map: TempoMap | None = None
    """Where positions lie in seconds; its start shortens the first bar. None is the steady tempo."""

    @property
    def start(self) -> float:
        """Position with which the piece begins."""
        return 0 if self.tempo_map is None else self.tempo_map.start


@dataclass(frozen=True)
class WrittenPiece:
    """A piece and how it came about."""

    song: Song
    key: Key
    words: Words
    """As the model wrote them, in its home key."""


@threadpool_limits.wrap(limits=1, user_api="blas")  # products so small that two threads wait for each other
def write_piece(
    model: Decoder,
    request: PieceRequest,
    orders: Mapping[int, BarOrders],
    config: GenerateConfig,
    progress: Callable[[int, int], None] | None = None,
) -> WrittenPiece:
    """Write a piece from `request.start` to exactly `request.length` (Algorithm 1 of the paper).

    `progress` is called with the bars written and the bars of the piece.
    """
    rng = np.random.default_rng([config.seed, 0])
    orders = {bar: replace(bar_orders, strengths=dict(bar_orders.strengths)) for bar, bar_orders in orders.items()}
    grammar = Grammar(request.length, request.instruments or tuple(Instrument), orders, request.start)
    initial = initial_words(request.genre, request.mode, request.tempo, request.instruments)
    listeners = [_Listener(model, initial)]
    if request.genre is not None and config.guidance != 1:
        listeners.append(_Listener(model, initial._replace(genre=FREE)))
    rows: list[CompoundWord] = []
    positions: list[int] = []
    heard: set[Instrument] = set()
    entrances = _latest_entrances(grammar, request.instruments or ())
    while not grammar.finished:
        if grammar.bar + 1 in entrances and grammar.bar_is_complete:
            _order_entrances(orders, grammar, [i for i in entrances[grammar.bar + 1] if i not in heard])
        word = _draw_word(listeners, grammar, config, rng)
        grammar.accept(word)
        rows.append(word)
        positions.append(grammar.piece_position if word.type != WordType.END else grammar.length)
        if word.type == WordType.NOTE:
            heard.add(Instrument(word.instrument - 1))
        elif word.position == BAR and progress:
            progress(grammar.bar, grammar.n_bar)
        if len(rows) > MOST_WORDS_PER_BAR * grammar.n_bar:
            raise RuntimeError("the grammar let a piece run on")  # a bug, not a user's mistake
        timing = timing_bins(np.array(positions[-1:]), grammar.n_bar * POSITIONS_PER_BAR)
        for listener in listeners:
            listener.hear(word, positions[-1], int(timing[0]))
    words = Words(np.array(rows, dtype=np.uint8).reshape(-1, len(FIELDS)), np.array(positions, dtype=np.int32))
    song = decode(words, request.tempo, request.length, request.tempo_map)
    return _in_key(song, words, request, rng)


class _Listener:
    """The network that has heard the piece so far, after initial words of its own."""

    def __init__(self, model: Decoder, initial: InitialWords) -> None:
        self.model = model
        self.state = model.new_state()
        self.hidden = model.start(initial, self.state)

    def hear(self, word: CompoundWord, position: int, timing: int) -> None:
        self.hidden = self.model.step(word, position, timing, self.state)

    def logits(self, name: str, known: Mapping[str, int]) -> Floats:
        return self.model.logits(name, self.hidden, known)


def _draw_word(
    listeners: Sequence[_Listener], grammar: Grammar, config: GenerateConfig, rng: np.random.Generator
) -> CompoundWord:
    known = dict.fromkeys(FIELDS, 0)

    def choose(name: str, allowed: np.ndarray) -> int:
        if np.count_nonzero(allowed) == 1:
            known[name] = int(np.argmax(allowed))
            return known[name]
        logits = listeners[0].logits(name, known)
        for free in listeners[1:]:  # classifier-free guidance
            without = free.logits(name, known)
            logits = without + np.float32(config.guidance) * (logits - without)
        known[name] = draw(logits, allowed, config.temperature, config.nucleus, rng)
        return known[name]

    word_type = choose("type", grammar.types())
    if word_type == WordType.NOTE:
        known["instrument"] = 1 + grammar.instrument
        choose("pitch", grammar.pitches())
        choose("duration", grammar.durations())
    elif word_type == WordType.RHYTHM:
        position = choose("position", grammar.positions())
        if position == BAR:
            choose("density", grammar.densities())
        else:
            instrument = choose("instrument", grammar.instruments_at(position - 1))
            choose("strength", grammar.strengths(position - 1, Instrument(instrument - 1)))
            known["density"] = grammar.beat_density(position - 1)
    return CompoundWord(**known)


def _latest_entrances(grammar: Grammar, instruments: Sequence[Instrument]) -> dict[int, list[Instrument]]:
    """By bar the instruments that must have entered by then: half of the piece, or as near as their rests allow."""
    half = grammar.n_bar // 2
    entrances: dict[int, list[Instrument]] = {}
    for instrument in instruments:
        bars = [bar for bar in range(grammar.n_bar) if grammar.free_positions(bar, instrument)]
        if bars:
            bar = next((bar for bar in bars if bar >= half), bars[-1])
            entrances.setdefault(bar, []).append(instrument)
    return entrances


def _order_entrances(orders: dict[int, BarOrders], grammar: Grammar, missing: list[Instrument]) -> None:
    """Instruments that were asked for and have not played enter in the bar that now opens."""
    if not missing:
        return
    bar_orders = orders.setdefault(grammar.bar + 1, BarOrders())
    for instrument in missing:
        free = grammar.free_positions(grammar.bar + 1, instrument)
        position = next((p for p in bar_orders.positions() if p in free), free[0])
        bar_orders.strengths.setdefault((position, instrument), None)
    if bar_orders.density is not None:
        bar_orders.density = max(bar_orders.density, len(bar_orders.positions()))


def _in_key(song: Song, words: Words, request: PieceRequest, rng: np.random.Generator) -> WrittenPiece:
    """The piece moved from C major or A minor, where the model lives, to the key asked for."""
    mode = request.mode if request.mode is not None else key_of_song(song).mode
    tonic = request.tonic if request.tonic is not None else int(rng.integers(len(TONICS)))
    moved = song.transposed(semitones_between(home_key(mode).tonic, tonic))
    return WrittenPiece(moved, Key(tonic, mode), words)
