"""The network word by word: what `cmt.training.model` computes at once, with a state and without torch.

Pieces go side by side, a row each, so that the weights, which no core's own cache holds, are fetched once a word
for all of them. Time and memory of a word do not depend on how many came before. At this size a NumPy call costs
about as much as what it computes: what does not depend on the music is folded into the weights beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import add

import numpy as np
from numpy.typing import NDArray

from cmt.config import EPSILON, PHRASE_BARS, ModelConfig
from cmt.music.chords import HALF_BAR
from cmt.music.cues import CUE_SIZES, N_SOUNDING, NOTHING_TOLD, Cues, Told
from cmt.music.words import CHAIN, FIELDS, INITIAL_SIZES, MOOD_STEP, N_INITIAL_STEP, CompoundWord, InitialWords
from cmt.network.arithmetic import centred, feature_map, gelu, position_encoding, product_by_rows, scaled, with_bias
from cmt.network.echo import EchoMemory
from cmt.network.relative import degree_rows, degrees, intervals
from cmt.network.weights import (
    Floats,
    Weights,
    agreement_map,
    check_weights,
    embedding_tables,
    linear_map,
    rows_centred,
    weight_shapes,
    weights_below,
    with_values_of_one,
)
from midi_io.song import POSITIONS_PER_BAR, Instrument

RECENT = 8
"""The keys and values of this many words are kept as they are, then added to the sums all at once: that is cheaper."""


class DecoderState:
    """What pieces side by side have heard, and room to work in.

    The inputs of products, (row, 1, n + 1), end in a one, which the bias is multiplied with: NumPy then multiplies
    row by row (see `product_by_rows`).
    """

    def __init__(self, config: ModelConfig, n_row: int) -> None:
        size = config.d_model // config.n_head
        self._sums = np.zeros((config.n_layer, n_row, config.n_head, size + RECENT, size + 1), np.float32)
        """The sums of keys times values, and of keys; below them the values of recent words."""
        self._keys = np.zeros((config.n_layer, n_row, config.n_head, size, RECENT), np.float32)
        """The keys of recent words; 0 where there is none."""
        self._n_recent = 0
        has_echoes = bool(config.echo_bars) or config.cues
        self.echoes = [EchoMemory(config.echo_bars, config.cues) for _ in range(n_row if has_echoes else 0)]
        self._make_room(config.d_model, config.d_feed_forward)

    def attend(self, layer: int) -> None:
        """Causal linear attention of one more word in each row: from `joined` to `attended`."""
        sums, keys, n = self._sums[layer], self._keys[layer], self._n_recent
        feature_map(self._queries_keys, out=(self._queries, keys[..., n]))
        sums[:, :, len(keys[0, 0]) + n] = self._values
        np.matmul(self._as_rows, keys, out=self._weights)
        np.matmul(self._queries_and_weights, sums, out=self._total)
        np.add(self._normaliser, np.float32(EPSILON), out=self._normaliser)
        np.divide(self._unnormalised, self._normaliser, out=self._attended_heads)

    def next_word(self) -> None:
        """Go on to the next word, once all layers have attended."""
        self._n_recent += 1
        if self._n_recent == RECENT:
            self._add_recent()

    def _add_recent(self) -> None:
        size = self._keys.shape[-2]
        self._sums[..., :size, :] += self._keys @ self._sums[..., size:, :]
        self._keys[:] = 0
        self._n_recent = 0

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all rows but these; they take their places in this order."""
        self._sums, self._keys = (np.ascontiguousarray(x[:, list(rows)]) for x in (self._sums, self._keys))
        self.echoes = [self.echoes[row] for row in rows if self.echoes]
        self._make_room(self.heard.shape[-1] - 1, self.inner.shape[-1] - 1)

    def put(self, rows: Sequence[int], other: DecoderState, earlier: int) -> None:
        """From now on let these rows know what the rows of `other` know, where positions count `earlier` less.

        Only the echoes stay theirs: no more than their last bars is ever kept.
        """
        other._add_recent()
        self._sums[:, list(rows)] = other._sums
        self._keys[:, list(rows)] = 0
        for row in rows if self.echoes else ():
            self.echoes[row].move(-earlier)

    def _make_room(self, d_model: int, d_feed_forward: int) -> None:
        """Arrays that every word is worked out in, and views of them: to make views takes longer than to fill them."""
        n_row, n_head, size = self._keys.shape[1:4]
        self.heard = np.ones((n_row, 1, d_model + 1), np.float32)
        self.heard_words = self.heard[:, 0, :-1]
        """The words heard (row, d_model), a view without the last column."""
        self.inner = np.ones((n_row, 1, d_feed_forward + 1), np.float32)
        self.joined = np.empty((n_row, 1, 3 * d_model + n_head), np.float32)
        """(row, 1, ...) queries and keys, (2, head, size), before the feature map, and values, (head, size + 1), the
        last of each a one."""
        self.attended = np.ones((n_row, 1, d_model + 1), np.float32)
        self._queries_keys = self.joined[:, 0, : 2 * d_model].reshape(n_row, 2, n_head, size)
        self._values = self.joined[:, 0, 2 * d_model :].reshape(n_row, n_head, size + 1)
        self._queries_and_weights = np.empty((n_row, n_head, 1, size + RECENT), np.float32)
        self._as_rows, self._weights = np.split(self._queries_and_weights, [size], axis=-1)
        self._queries = self._as_rows[:, :, 0]
        self._total = np.empty((n_row, n_head, 1, size + 1), np.float32)
        self._unnormalised, self._normaliser = np.split(self._total[:, :, 0], [size], axis=-1)
        self._attended_heads = self.attended[:, 0, :-1].reshape(n_row, n_head, size)


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
        self._layers = LayerStack(config, named)
        self._heads = (_ChainedHeads if config.chained_heads else _IndependentHeads)(weights_below(named, "heads."))
        self._relative = _RelativePitch(weights_below(named, "relative.")) if config.cues else None

    def new_state(self, n_row: int = 1) -> DecoderState:
        """The state of `n_row` pieces side by side that have heard nothing yet."""
        return DecoderState(self.config, n_row)

    def start(self, initials: Sequence[InitialWords], state: DecoderState) -> Floats:
        """Hidden vectors (row, d_model) after each row's initial words; `state` changes in place."""
        words = [table[list(values)] for table, values in zip(self._initial, zip(*initials, strict=True), strict=True)]
        words[MOOD_STEP] = np.add.reduce([words[MOOD_STEP], *words[N_INITIAL_STEP:]])
        for word in words[:N_INITIAL_STEP]:
            hidden = self._layers.through(word, state)
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
        return self._layers.through(x, state)

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


class LayerStack:
    """All layers, the norm behind the last one included.

    `config` gives their sizes, `weights` holds theirs among others, of the shapes (...) of `shapes_of_layers`.
    """

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        self._pre_norm = config.pre_norm
        self._layers = [_Layer(n, config, weights_below(weights, f"layers.{n}.")) for n in range(config.n_layer)]
        self._put_side_by_side()
        self._norm = _Norm(weights, "norm")

    @property
    def n_bytes(self) -> int:
        """Bytes of the matrices."""
        return sum(matrix.nbytes for layer in self._layers for matrix in layer.matrices)

    def through(self, x: Floats, state: DecoderState) -> Floats:
        """(row, d_model) one more word in each row -> hidden vectors of the same shape; `state` changes in place."""
        if self._pre_norm:
            x = centred(x)
            for layer in self._layers:
                x = layer.through(x, state)
        else:
            for layer in self._layers:
                x = layer.through_as_published(x, state)
        state.next_word()
        return self._norm.of(scaled(centred(x)))

    def _put_side_by_side(self) -> None:
        """The layers' weights into one block: one so large comes in large pages, which takes fewer look-ups to read."""
        block = np.concatenate([matrix.ravel() for layer in self._layers for matrix in layer.matrices])
        for layer in self._layers:
            sizes = [matrix.size for matrix in layer.matrices]
            *parts, block = np.split(block, np.cumsum(sizes))
            layer.matrices = [part.reshape(m.shape) for part, m in zip(parts, layer.matrices, strict=True)]


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


class _Norm:
    """The gain and the bias of a norm; `scaled` leaves the root of the width to the gain."""

    def __init__(self, weights: Weights, name: str) -> None:
        gain, self.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        self.gain = gain * np.float32(math.sqrt(len(gain)))

    def of(self, scaled: Floats) -> Floats:
        return np.asarray(scaled * self.gain + self.bias)

    def folded_into(self, matrix: Floats) -> Floats:
        """The matrix, its bias the last row, that makes of scaled vectors what `matrix` makes of normalised ones."""
        return np.vstack([matrix[:-1] * self.gain[:, None], matrix[-1] + self.bias @ matrix[:-1]])


class _Layer:
    """A layer's weights as (n_in + 1, n_out) matrices, their last rows the biases."""

    def __init__(self, number: int, config: ModelConfig, weights: Weights) -> None:
        self.number, self.n_head = number, config.n_head
        self.norms = [_Norm(weights, "norms.0"), _Norm(weights, "norms.1")]
        attention_in = with_values_of_one(linear_map(weights, "attention_in"), config)
        feed_in = linear_map(weights, "feed_forward.0")
        if config.pre_norm:
            attention_in, feed_in = self.norms[0].folded_into(attention_in), self.norms[1].folded_into(feed_in)
        # What is added to the residual stream has mean zero: the norms need not subtract it, nothing else sees it.
        attention_out = rows_centred(linear_map(weights, "attention_out"))
        feed_out = rows_centred(linear_map(weights, "feed_forward.3"))
        self.matrices = [attention_in, attention_out, feed_in, feed_out]

    def through(self, x: Floats, state: DecoderState) -> Floats:
        """(row, d_model), each of mean 0 -> the same, normalised before each half; `x` is changed."""
        scaled(x, out=state.heard_words)
        x += self._attend(state)
        scaled(x, out=state.heard_words)
        x += self._feed_forward(state)
        return x

    def through_as_published(self, x: Floats, state: DecoderState) -> Floats:
        """(row, d_model) -> the same, normalised after each half."""
        heard = state.heard_words
        heard[:] = x
        heard[:] = self.norms[0].of(scaled(centred(x + self._attend(state))))
        return self.norms[1].of(scaled(centred(heard + self._feed_forward(state))))

    def _attend(self, state: DecoderState) -> Floats:
        matrix_in, matrix_out, _, _ = self.matrices
        np.matmul(state.heard, matrix_in, out=state.joined)
        state.attend(self.number)
        return np.asarray(np.matmul(state.attended, matrix_out)[:, 0])

    def _feed_forward(self, state: DecoderState) -> Floats:
        _, _, matrix_in, matrix_out = self.matrices
        gelu(np.matmul(state.heard, matrix_in), out=state.inner[..., :-1])
        return np.asarray(np.matmul(state.inner, matrix_out)[:, 0])


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
