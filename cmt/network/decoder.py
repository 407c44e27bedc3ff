"""The network word by word: what `cmt.training.model` computes at once, with a state and without torch.

Pieces go side by side, a row each, so that the weights, which no core's own cache holds, are fetched once a word
for all of them. Time and memory of a word do not depend on how many came before. At this size a NumPy call costs
about as much as what it computes: what does not depend on the music is folded into the weights beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from operator import add

import numpy as np
from numpy.typing import NDArray

from cmt.config import PHRASE_BARS, ModelConfig
from cmt.music.chords import HALF_BAR
from cmt.music.cues import CUE_SIZES, N_SOUNDING, NOTHING_TOLD, Cues, Told
from cmt.music.words import CHAIN, FIELDS, INITIAL_SIZES, MOOD_STEP, N_INITIAL_STEP, CompoundWord, InitialWords
from cmt.network.arithmetic import gelu, position_encoding, product_by_rows, with_bias
from cmt.network.echo import EchoMemory
from cmt.network.layers import Layers, LayersState, LayerStack
from cmt.network.quantized import QuantizedLayers
from cmt.network.relative import degree_rows, degrees, intervals
from cmt.network.weights import (
    Floats,
    Weights,
    agreement_map,
    check_weights,
    embedding_tables,
    linear_map,
    weight_shapes,
    weights_below,
)
from midi_io.song import POSITIONS_PER_BAR, Instrument


class DecoderState:
    """What pieces side by side have heard: what the layers know of it, and the echoes."""

    def __init__(self, layers: LayersState, echoes: Sequence[EchoMemory]) -> None:
        self.layers = layers
        self.echoes = list(echoes)
        """The memory of each row, for a network that knows echoes."""

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all rows but these; they take their places in this order."""
        self.layers.keep(rows)
        self.echoes = [self.echoes[row] for row in rows if self.echoes]

    def put(self, rows: Sequence[int], other: DecoderState, earlier: int) -> None:
        """From now on let these rows know what the rows of `other` know, where positions count `earlier` less.

        Only the echoes stay theirs: no more than their last bars is ever kept.
        """
        self.layers.put(rows, other.layers)
        for row in rows if self.echoes else ():
            self.echoes[row].move(-earlier)


class Decoder:
    """A trained network, ready to be asked word by word.

    Parameters
    ----------
    config
        The network's sizes.
    weights
        The weights by the names that `MusicTransformer.state_dict` gives them, of the shapes (...) of `weight_shapes`.

    Raises
    ------
    ValueError
        If the weights are not those that the configuration calls for.
    """

    def __init__(self, config: ModelConfig, weights: Mapping[str, NDArray[np.floating]]) -> None:
        check_weights(weight_shapes(config), weights)
        self.config = config
        named = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self._initial = [named[f"initial.{k}.weight"] for k in range(len(INITIAL_SIZES))]
        tables = embedding_tables(config, named)
        self._first_rows = np.cumsum([0, *(len(table) for table in tables[:-1])]).tolist()
        silence = np.zeros((1, config.d_model), np.float32)
        self._tables = np.concatenate([*tables, silence])
        self._no_word = [len(self._tables) - 1] * len(FIELDS)
        if config.echo_bars or config.cues:
            self._agreement = agreement_map(config, named)
        self._stack = LayerStack(config, named)
        self._layers: Layers = self._stack
        self._heads = (_ChainedHeads if config.chained_heads else _IndependentHeads)(weights_below(named, "heads."))
        self._relative = _RelativePitch(weights_below(named, "relative.")) if config.cues else None

    def quantized(self) -> Decoder:
        """The same network, its layers computed in 8 bits by onnxruntime: quicker, and nearly the same numbers.

        Raises
        ------
        CmtError
            If onnxruntime is not installed, or the network does not normalise before its layers.
        """
        other = copy(self)
        other._layers = QuantizedLayers(self._stack)
        return other

    def new_state(self, n_row: int = 1) -> DecoderState:
        """The state of `n_row` pieces side by side that have heard nothing yet."""
        config = self.config
        n_echoing = n_row if config.echo_bars or config.cues else 0
        echoes = [EchoMemory(config.echo_bars, config.cues) for _ in range(n_echoing)]
        return DecoderState(self._layers.new_state(n_row), echoes)

    def start(self, initials: Sequence[InitialWords], state: DecoderState) -> Floats:
        """Hidden vectors (row, d_model) after each row's initial words; `state` changes in place."""
        words = [table[list(values)] for table, values in zip(self._initial, zip(*initials, strict=True), strict=True)]
        words[MOOD_STEP] = np.add.reduce([words[MOOD_STEP], *words[N_INITIAL_STEP:]])
        for word in words[:N_INITIAL_STEP]:
            hidden = self._layers.through(word, state.layers)
        return hidden

    def step(
        self,
        words: Sequence[CompoundWord],
        positions: Sequence[int],
        timings: Sequence[int],
        state: DecoderState,
        told: Sequence[Told] | None = None,
    ) -> Floats:
        """Hidden vectors (row, d_model) after one more word in each row; `state` changes in place.

        `positions` are in sixteenths from the start of the piece, `timings` bins of the beat timing; `told` are the
        cues of each row's word, for a network that knows cues. None tells nothing.
        """
        told = told or [NOTHING_TOLD] * len(words)
        rows = []
        for word, position, timing in zip(words, positions, timings, strict=True):
            values = [*word, timing]
            if self.config.metre:
                values += [position % POSITIONS_PER_BAR, position // POSITIONS_PER_BAR % PHRASE_BARS]
            rows.append([*map(add, self._first_rows, values)])
        if state.echoes:
            for row, memory, word, position, its in zip(rows, state.echoes, words, positions, told, strict=True):
                self._add_echoes(row, memory.hear(word, position, its.lag))
        if self.config.cues:
            for row, its in zip(rows, told, strict=True):
                self._add_cues(row, its)
        x = np.add.reduce(self._tables.take(rows, axis=0), axis=1)
        if state.echoes:
            x += product_by_rows(np.array([memory.agreement() for memory in state.echoes], np.float32), self._agreement)
        for row, position in zip(x, positions, strict=True):
            np.add(row, position_encoding(position, self.config.d_model), out=row)
        return self._layers.through(x, state.layers)

    def _add_echoes(self, row: list[int], echoes: Sequence[CompoundWord | None]) -> None:
        """The rows of the tables for each field of each echo; their tables come behind those of a word."""
        next_table = len(row)
        for echo in echoes:
            if echo is None:
                row += self._no_word
            else:
                row += map(add, self._first_rows[next_table:], echo)
            next_table += len(FIELDS)

    def _add_cues(self, row: list[int], told: Told) -> None:
        """The rows of the tables for each cue and each pitch class that sounds; as many for every word."""
        firsts = self._first_rows[-1 - len(told.cues) :]
        row += map(add, firsts, told.cues)
        row += [firsts[-1] + pitch_class for pitch_class in told.sounding]
        row += self._no_word[:1] * (N_SOUNDING - len(told.sounding))

    def logits(self, name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        """Logits (row, value) of attribute `name`, given what of the word is `known` already."""
        return self._heads.logits(name, hidden, known)

    def relative_to(self, told: Told, instrument: int, position: int) -> Floats | None:
        """(129,) what chord and last pitch add to the logits of a note's pitch; None for a network without cues.

        `told` is what the word before the note was told, `instrument` the value of the note's attribute, `position`
        its sixteenth of the bar.
        """
        return None if self._relative is None else self._relative.of(told.cues, instrument, position)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights that every word is multiplied with, those of the layers."""
        return self._layers.n_bytes


class _RelativePitch:
    """The tables of `cmt.network.relative`, looked up for one note at a time."""

    def __init__(self, weights: Weights) -> None:
        self._degrees, self._intervals = weights["degrees.weight"], weights["intervals.weight"]
        instruments, chords = np.arange(1, 1 + len(Instrument)), np.arange(CUE_SIZES.chord)
        self._rows = degree_rows(instruments[:, None, None], np.arange(HALF_BAR)[:, None], chords).tolist()
        """The row of the degrees by instrument, sixteenth of the half bar and chord."""
        self._degrees_above = degrees(chords)
        self._intervals_from = intervals(np.arange(CUE_SIZES.last_pitch))

    def of(self, cues: Cues, instrument: int, position: int) -> Floats:
        row = self._rows[instrument - 1][position % HALF_BAR][cues.chord]
        by_degree = self._degrees[row].take(self._degrees_above[cues.chord])
        return np.asarray(by_degree + self._intervals[instrument - 1].take(self._intervals_from[cues.last_pitch]))


class _ChainedHeads:
    """The type, then each attribute by what was drawn before it."""

    def __init__(self, weights: Weights) -> None:
        self._type = linear_map(weights, "type_out")
        self._hidden = {name: linear_map(weights, f"hidden.{name}") for name in CHAIN}
        self._seen = {
            (name, earlier): weights[f"seen.{name}_{earlier}.weight"] for name in CHAIN for earlier in CHAIN[name]
        }
        self._out = {name: linear_map(weights, f"out.{name}") for name in CHAIN}

    def logits(self, name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        if name == "type":
            return with_bias(hidden, self._type)
        x = with_bias(hidden, self._hidden[name])
        for earlier in CHAIN[name]:
            x += self._seen[name, earlier][known[earlier]]
        return with_bias(gelu(x, out=x), self._out[name])


class _IndependentHeads:
    """The type, then each attribute by the type alone: two products without anything between them, folded into one."""

    def __init__(self, weights: Weights) -> None:
        joined, seen = linear_map(weights, "joined"), weights["type_seen.weight"]
        d_model = len(joined) - 1 - seen.shape[1]
        of_type = seen @ joined[d_model:-1] + joined[-1]  # (type, d_model)
        self._type = linear_map(weights, "type_out")
        out = {name: linear_map(weights, f"out.{name}") for name in CHAIN}
        self._out = {name: joined[:d_model] @ matrix[:-1] for name, matrix in out.items()}
        self._of_type = {name: of_type @ matrix[:-1] + matrix[-1] for name, matrix in out.items()}

    def logits(self, name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        if name == "type":
            return with_bias(hidden, self._type)
        logits: Floats = product_by_rows(hidden, self._out[name]) + self._of_type[name][known["type"]]
        return logits
