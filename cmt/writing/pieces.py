"""The loop that writes a piece: state, grammar, control -> words -> song."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from cmt.config import PHRASE_BARS, GenerateConfig
from cmt.music.cues import NOTHING_TOLD, CueReader, Told
from cmt.music.encoding import Words, decode, timing_bin
from cmt.music.key import TONICS, Key, home_key, semitones_between
from cmt.music.lead_sheet import LeadSheet, empty_sheet
from cmt.music.words import BAR, FIELDS, FREE, CompoundWord, Genre, InitialWords, Mode, WordType, initial_words
from cmt.network.decoder import Decoder, DecoderState
from cmt.network.weights import Floats
from cmt.writing.closing import ENDLESS, THIN, Ending
from cmt.writing.draw import draw, tilted
from cmt.writing.grammar import Grammar
from cmt.writing.groove import drums_like, instruments_like
from cmt.writing.harmony import CHORD_LEAN, CHORD_LEAN_IF_ASKED, clash_lean, pitch_lean
from cmt.writing.holding import held
from cmt.writing.melody import interval_lean
from cmt.writing.orders import BarOrders, strength_lean
from cmt.writing.ranges import ranges_before
from cmt.writing.rewriting import Rewriting, RewritingGrammar, UnannouncedRewritingGrammar
from cmt.writing.unannounced import ANNOUNCEMENTS, UnannouncedGrammar
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song, Timeline

MOST_WORDS_PER_BAR = POSITIONS_PER_BAR * len(Instrument) * 17
"""No bar can hold more words than this: a bound for arrays and a guard against a loop without an end."""
HEARD_BARS = 4 * PHRASE_BARS
"""The network follows this many bars, about the longest of its training; it never learnt what comes later."""
KEPT_BARS = PHRASE_BARS // 2
"""The network still knows this many bars when it has forgotten those before."""


@dataclass(frozen=True)
class PieceRequest:
    """What a piece must be."""

    timeline: Timeline
    """Where its bars lie in seconds: a pickup shortens the first one, and the last one may be cut off."""
    genre: Genre | None = None
    instruments: tuple[Instrument, ...] | None = None
    """The instruments, every one of which plays; None leaves the choice to the model."""
    tonic: int | None = None
    """The tonic's pitch class, or None for one drawn by the seed and the origin."""
    mode: Mode | None = None
    ending: Ending = THIN
    """The way in which it ends, such as `draw_ending` draws."""
    origin: tuple[int, ...] = ()
    """Numbers, 0 or more, of what the piece is for: the same seed draws another key for something else."""
    thirds: tuple[int | None, int | None] = (None, None)
    """The third of all songs, 0..2, in which its valence and its arousal lie; None leaves one to the model."""
    has_chords: bool = False
    """Whether the chords are asked for: then notes lean to them more."""


@dataclass(frozen=True)
class WrittenPiece:
    """A piece and how it came about."""

    song: Song
    key: Key
    words: Words
    """The words as the model wrote them, in its home key."""
    notes: tuple[str, ...] = ()
    """The orders that were impossible, a line each."""


def write_piece(
    model: Decoder,
    request: PieceRequest,
    orders: Mapping[int, BarOrders],
    config: GenerateConfig,
    progress: Callable[[int, int], None] | None = None,
) -> WrittenPiece:
    """Write a piece from the beginning to exactly the end of `request.timeline` (Algorithm 1 of the paper).

    `progress` is called with the bars written and the bars of the piece.
    """
    return write_pieces(model, request, [orders], config, [config.seed], progress)[0]


def write_pieces(
    model: Decoder,
    request: PieceRequest | Sequence[PieceRequest],
    orders: Sequence[Mapping[int, BarOrders]],
    config: GenerateConfig,
    seeds: Sequence[int],
    progress: Callable[[int, int], None] | None = None,
    sheets: Sequence[LeadSheet] | None = None,
    rewriting: Rewriting | None = None,
) -> list[WrittenPiece]:
    """Write takes of a piece side by side: for each seed, with its own orders, the piece that `write_piece` writes.

    They may be takes of different pieces, each with a request of its own; guidance then needs all to be told genre,
    mode or mood, or none.
    `sheets` are the takes' lead sheets in the home key; None leaves everything to the model. With `rewriting`, which is
    for one take, only some bars of a piece are written, and the others heard as they are.

    However long the piece, the network never hears more than HEARD_BARS: then, at the border of a phrase, it begins
    anew with the last KEPT_BARS, counting from the phrase before. Its beat timing remains that of the whole piece.

    `progress` is called with the bars written and the bars of all takes.
    """
    left_out = model.config.left_out
    requests = [request] * len(seeds) if isinstance(request, PieceRequest) else request
    plans = sheets or [empty_sheet(its.timeline.n_bar) for its in requests]
    takes = [
        _Take(wanted, its, replace(config, seed=seed), left_out, plan, rewriting)
        for wanted, its, seed, plan in zip(requests, orders, seeds, plans, strict=True)
    ]
    initials = [_initials_of_listeners(take.request, config) for take in takes]
    n_listener = len(initials[0])
    if any(len(its) != n_listener for its in initials):
        raise ValueError("with guidance, pieces that are told something cannot be written beside others that are not")
    with threadpool_limits(limits=1, user_api="blas"):  # products so small that two threads wait for each other
        state = model.new_state(n_listener * len(takes))
        hidden = model.start([words for its in initials for words in its], state)
        writing = list(takes)
        n_written, n_bar = 0, sum(take.grammar.n_bar for take in takes)
        while writing:
            for k, take in enumerate(writing):
                take.write_word(model, hidden[n_listener * k : n_listener * (k + 1)])
            kept = [k for k, take in enumerate(writing) if not take.grammar.finished]
            if len(kept) < len(writing):
                state.keep([n_listener * k + listener for k in kept for listener in range(n_listener)])
                writing = [writing[k] for k in kept]
            for k, take in enumerate(writing):
                if take.is_too_long_to_follow:
                    bars, known = take.forget()
                    rows = range(n_listener * k, n_listener * (k + 1))
                    its = _initials_of_listeners(take.request, config)
                    state.put(rows, _heard_anew(model, its, known), bars * POSITIONS_PER_BAR)
            n_now = sum(take.grammar.bar + 1 for take in takes)
            if progress and n_now != n_written:
                progress(n_now, n_bar)
            n_written = n_now
            if writing:
                heard = [heard for take in writing for heard in [take.last_word()] * n_listener]
                words, positions, timings, told = zip(*heard, strict=True)
                hidden = model.step(words, positions, timings, state, told)
    return [take.piece() for take in takes]


def _heard_anew(model: Decoder, initials: list[InitialWords], words: Iterable[_PlacedWord]) -> DecoderState:
    """The state of listeners who have heard just these words."""
    state = model.new_state(len(initials))
    model.start(initials, state)
    n = len(initials)
    for word, position, timing, told in words:
        model.step([word] * n, [position] * n, [timing] * n, state, [told] * n)
    return state


def _initials_of_listeners(request: PieceRequest, config: GenerateConfig) -> list[InitialWords]:
    """One listener hears all that is asked; for guidance a second one hears all but genre, mode and mood."""
    asked = initial_words(request.genre, request.mode, request.timeline.tempo, request.instruments, request.thirds)
    left_open = asked._replace(genre=FREE, mode=FREE, valence=FREE, arousal=FREE)
    return [asked] if config.guidance == 1 or asked == left_open else [asked, left_open]


class _PlacedWord(NamedTuple):
    """A word as the network hears it."""

    word: CompoundWord
    position: int
    """The position in sixteenths from where the network began to count."""
    timing: int
    """The bin of the beat timing."""
    told: Told


class _Take:
    """A piece that is being written: its dice, its rules and its words."""

    def __init__(
        self,
        request: PieceRequest,
        orders: Mapping[int, BarOrders],
        config: GenerateConfig,
        left_out: Collection[str],
        sheet: LeadSheet,
        rewriting: Rewriting | None,
    ) -> None:
        self._rewriting = rewriting
        sheet = sheet if rewriting is None else rewriting.sheet(sheet)
        self.request = _with_tonic(request, config.seed)
        if self.request.mode is None:
            self.request = replace(self.request, mode=sheet.mode)
        self._config = config
        self._rng = np.random.default_rng([config.seed, 0])
        self.grammar = _grammar_of(self.request, orders, left_out, sheet, rewriting)
        self._knows_timing = "timing" not in left_out
        self._words: list[CompoundWord] = []
        self._positions: list[int] = []
        self._cues = CueReader(sheet)
        self._told: list[Told] = []
        self._bars: list[int] = []
        """The number of each bar's first word."""
        self._forgotten = 0
        """The number of bars before the one from which the network counts."""

    def write_word(self, model: Decoder, hidden: Floats) -> None:
        """One more word; `hidden` (listener, d_model) is what the listeners have heard.

        Words that stay are taken as they are; behind the last bar that is written anew, all at once.
        """
        grammar, rewriting = self.grammar, self._rewriting
        word = None if rewriting is None else rewriting.next_word(grammar.bar)
        if word is None:
            told = self._told[-1] if self._told else NOTHING_TOLD
            lean = CHORD_LEAN_IF_ASKED if self.request.has_chords else CHORD_LEAN
            word = _draw_word(model, hidden, told, grammar, self._config, self._rng, lean)
            word = word if rewriting is None else rewriting.in_place_of(word, grammar.bar)
        self._add(word)
        while rewriting is not None and rewriting.is_written(grammar.bar) and not grammar.finished:
            word = rewriting.next_word(grammar.bar)
            assert word is not None  # all that comes is kept
            self._add(word)

    def _add(self, word: CompoundWord) -> None:
        grammar = self.grammar
        grammar.accept(word)
        if word.position == BAR:
            self._bars.append(len(self._words))
        self._words.append(word)
        self._positions.append(grammar.piece_position if word.type != WordType.END else grammar.length)
        self._told.append(self._cues.hear(word, self._positions[-1]))
        if len(self._words) > MOST_WORDS_PER_BAR * grammar.n_bar:
            raise RuntimeError("the grammar let a piece run on")  # a bug, not a user's mistake

    def last_word(self) -> _PlacedWord:
        return self._placed(-1)

    @property
    def is_too_long_to_follow(self) -> bool:
        """Whether a phrase begins before which the network should forget."""
        bar = self.grammar.bar
        opens = self._words[-1].position == BAR
        return opens and bar % PHRASE_BARS == 0 and bar - self._forgotten >= HEARD_BARS

    def forget(self) -> tuple[int, list[_PlacedWord]]:
        """The number of bars forgotten now, and the words still known: those of the last KEPT_BARS."""
        bar, forgotten = self.grammar.bar, self._forgotten
        self._forgotten = bar - PHRASE_BARS
        words = [self._placed(i) for i in range(self._bars[bar - KEPT_BARS], self._bars[bar])]
        return self._forgotten - forgotten, words

    def _placed(self, i: int) -> _PlacedWord:
        position = self._positions[i]
        heard, length = position, self.grammar.n_bar * POSITIONS_PER_BAR
        if self.request.ending == ENDLESS:  # the middle of a piece that is twice as long: it neither begins nor ends
            heard, length = position + length // 2, 2 * length
        timing = timing_bin(heard, length) if self._knows_timing else 0
        return _PlacedWord(self._words[i], position - self._forgotten * POSITIONS_PER_BAR, timing, self._told[i])

    def piece(self) -> WrittenPiece:
        """The piece that has been written, in the key asked for."""
        request = self.request
        words = Words(
            np.array(self._words, dtype=np.uint8).reshape(-1, len(FIELDS)), np.array(self._positions, dtype=np.int32)
        )
        anew = None if self._rewriting is None else self._rewriting.anew
        words = held(words, request.timeline, self.grammar.orders, anew)
        song = decode(words, request.timeline)
        return _in_key(song, words, request, self.grammar)


def _draw_word(
    model: Decoder,
    hidden: Floats,
    told: Told,
    grammar: Grammar,
    config: GenerateConfig,
    rng: np.random.Generator,
    chord_lean: float,
) -> CompoundWord:
    known = dict.fromkeys(FIELDS, 0)

    def choose(
        name: str,
        allowed: np.ndarray,
        lean: np.ndarray | None = None,
        added: np.ndarray | None = None,
        raised: int = 0,
    ) -> int:
        if np.count_nonzero(allowed) == 1:
            known[name] = int(np.argmax(allowed))
            return known[name]
        logits = model.logits(name, hidden, known)
        asked = logits[0]
        for free in logits[1:]:  # classifier-free guidance
            asked = free + np.float32(config.guidance) * (asked - free)
        if raised:  # what the network would give one value, a higher one gets
            asked = np.concatenate([np.full(raised, asked.min(), asked.dtype), asked[:-raised]])
        if lean is not None:
            asked = tilted(asked, allowed, lean)
        if added is not None:
            asked = asked + added
        nucleus = config.nucleus if name in ("type", "position") else config.note_nucleus
        known[name] = draw(asked, allowed, config.temperature, nucleus, rng)
        return known[name]

    word_type = choose("type", grammar.types())
    if word_type == WordType.NOTE:
        instrument = Instrument(grammar.instrument)
        known["instrument"] = 1 + instrument
        relative = model.relative_to(told, 1 + instrument, grammar.position)
        is_drum = instrument is Instrument.DRUMS
        in_chord = pitch_lean(grammar.chord, instrument, grammar.position, chord_lean, is_accent=grammar.is_accent)
        lean = drums_like(grammar.song_groove, grammar.position) if is_drum else in_chord
        is_single = grammar.strength_left == 1 and grammar.lowest_pitch == 0 and not is_drum
        line = interval_lean(told.cues.last_pitch, grammar.chord) if is_single else None
        clash = None if is_drum else clash_lean(told.sounding, grammar.chord)
        choose("pitch", grammar.pitches(), added=_sum_of(relative, lean, line, clash))
        choose("duration", grammar.durations(known["pitch"]))
    elif word_type == WordType.RHYTHM:
        position = choose("position", grammar.positions(), grammar.position_lean())
        if position == BAR:
            its = grammar.orders_to_come()
            choose("density", grammar.densities(), added=its.density_lean(), raised=its.n_ornament)
        else:
            like = instruments_like(grammar.song_groove, position - 1)
            instrument = Instrument(choose("instrument", grammar.instruments_at(position - 1), added=like) - 1)
            choose("strength", grammar.strengths(position - 1, instrument), added=strength_lean(instrument))
            known["density"] = grammar.beat_density(position - 1)
    return CompoundWord(**known)


def _sum_of(*leans: np.ndarray | None) -> np.ndarray | None:
    """The sum of those that there are."""
    given = [lean for lean in leans if lean is not None]
    return sum(given[1:], start=given[0]) if given else None


def _with_tonic(request: PieceRequest, seed: int) -> PieceRequest:
    """The request with a tonic, drawn by the seed and the origin where it left that open."""
    if request.tonic is not None:
        return request
    return replace(request, tonic=int(np.random.default_rng([seed, 3, *request.origin]).integers(len(TONICS))))


def _grammar_of(
    request: PieceRequest,
    orders: Mapping[int, BarOrders],
    left_out: Collection[str],
    sheet: LeadSheet,
    rewriting: Rewriting | None,
) -> Grammar:
    """The rules of the piece, in the model's home key; `left_out` is what the model never knew of."""
    grammar: Callable[..., Grammar] = Grammar if rewriting is None else RewritingGrammar
    if set(ANNOUNCEMENTS) & set(left_out):
        unannounced = UnannouncedGrammar if rewriting is None else UnannouncedRewritingGrammar
        grammar = partial(unannounced, left_out=left_out)
    if rewriting is not None:
        grammar = partial(grammar, rewriting=rewriting)
    return grammar(
        request.timeline,
        request.instruments or tuple(Instrument),
        orders,
        must_play=request.instruments or (),
        mode=request.mode,
        ranges=ranges_before([_semitones(request, mode) for mode in Mode if request.mode in (mode, None)]),
        ending=request.ending,
        sheet=sheet,
    )


def _semitones(request: PieceRequest, mode: Mode) -> int:
    """By how much a piece is moved from C major or A minor, where the model lives, to the tonic asked for."""
    assert request.tonic is not None
    return semitones_between(home_key(mode).tonic, request.tonic)


def _in_key(song: Song, words: Words, request: PieceRequest, grammar: Grammar) -> WrittenPiece:
    """The piece in the key asked for."""
    assert request.tonic is not None
    moved = song.transposed(_semitones(request, grammar.mode))
    return WrittenPiece(moved, Key(request.tonic, grammar.mode), words, grammar.notes)
