"""The network word by word: what `cmt.training.model` computes at once, with a state and without torch.

Pieces go side by side, a row each, so that the weights, which no core's own cache holds, are fetched once a word
for all of them. Time and memory of a word do not depend on how many came before. At this size a NumPy call costs
about as much as what it computes: what does not depend on the music is folded into the weights beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmt.config import EPSILON, PHRASE_BARS, ModelConfig
from cmt.echo import AGREEMENT_WORDS, EchoMemory
from cmt.music.words import CHAIN, FIELD_SIZES, FIELDS, INITIAL_SIZES, N_TIMING, CompoundWord, InitialWords
from midi_io.song import POSITIONS_PER_BAR

Floats = NDArray[np.float32]
Weights = Mapping[str, Floats]

NORM_EPSILON = 1e-5
"""This is added under the root of a layer's normalisation, as torch does."""


RECENT = 8
"""The keys and values of this many words are kept as they are, then added to the sums all at once: that is cheaper."""


class DecoderState:
    """What pieces side by side have heard, and room to work in.

    The inputs of products, (row, 1, n + 1), end in a one, which the bias is multiplied with: NumPy then multiplies
    row by row (see `_times`).
    """

    def __init__(self, config: ModelConfig, n_row: int) -> None:
        size = config.d_model // config.n_head
        self._sums = np.zeros((config.n_layer, n_row, config.n_head, size + RECENT, size + 1), np.float32)
        """The sums of keys times values, and of keys; below them the values of recent words."""
        self._keys = np.zeros((config.n_layer, n_row, config.n_head, size, RECENT), np.float32)
        """The keys of recent words; 0 where there is none."""
        self._n_recent = 0
        self.echoes = [EchoMemory(config.echo_bars) for _ in range(n_row if config.echo_bars else 0)]
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
        check_weights(config, weights)
        self.config = config
        named = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self._initial = [named[f"initial.{k}.weight"] for k in range(len(INITIAL_SIZES))]
        tables = _embedding_tables(config, named)
        self._first_rows = np.cumsum([0, *(len(table) for table in tables[:-1])]).tolist()
        silence = np.zeros((1, config.d_model), np.float32)
        self._tables = np.concatenate([*tables, silence])
        self._no_word = [len(self._tables) - 1] * len(FIELDS)
        if config.echo_bars:
            self._agreement = np.ascontiguousarray(named["embedding.agreement_in.weight"].T)
        self._layers = [_Layer(n, config, _part(named, f"layers.{n}.")) for n in range(config.n_layer)]
        self._put_side_by_side()
        self._norm = _Norm(named, "norm")
        self._heads = (_ChainedHeads if config.chained_heads else _IndependentHeads)(_part(named, "heads."))

    def new_state(self, n_row: int = 1) -> DecoderState:
        """The state of `n_row` pieces side by side that have heard nothing yet."""
        return DecoderState(self.config, n_row)

    def start(self, initials: Sequence[InitialWords], state: DecoderState) -> Floats:
        """Hidden vectors (row, d_model) after each row's initial words; `state` changes in place."""
        for table, values in zip(self._initial, zip(*initials, strict=True), strict=True):
            hidden = self._through_layers(table[list(values)], state)
        return hidden

    def step(
        self, words: Sequence[CompoundWord], positions: Sequence[int], timings: Sequence[int], state: DecoderState
    ) -> Floats:
        """Hidden vectors (row, d_model) after one more word in each row; `state` changes in place.

        `positions` are in sixteenths from the start of the piece, `timings` bins of the beat timing.
        """
        rows = []
        for word, position, timing in zip(words, positions, timings, strict=True):
            values = [*word, timing]
            if self.config.metre:
                values += [position % POSITIONS_PER_BAR, position // POSITIONS_PER_BAR % PHRASE_BARS]
            rows.append([first + value for first, value in zip(self._first_rows[: len(values)], values, strict=True)])
        if state.echoes:
            for row, memory, word, position in zip(rows, state.echoes, words, positions, strict=True):
                self._add_echoes(row, memory.hear(word, position))
        x = np.add.reduce(self._tables[rows], axis=1)
        if state.echoes:
            x += _times(np.array([memory.agreement() for memory in state.echoes], np.float32), self._agreement)
        for row, position in zip(x, positions, strict=True):
            np.add(row, position_encoding(position, self.config.d_model), out=row)
        return self._through_layers(x, state)

    def _add_echoes(self, row: list[int], echoes: Sequence[CompoundWord | None]) -> None:
        """The rows of the tables for each field of each echo; their tables come behind those of a word."""
        next_table = len(row)
        for echo in echoes:
            if echo is None:
                row += self._no_word
            else:
                firsts = self._first_rows[next_table : next_table + len(FIELDS)]
                row += [first + value for first, value in zip(firsts, echo, strict=True)]
            next_table += len(FIELDS)

    def logits(self, name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        """Logits (row, value) of attribute `name`, given what of the word is `known` already."""
        return self._heads.logits(name, hidden, known)

    @property
    def n_bytes(self) -> int:
        """Bytes of the weights that every word is multiplied with, those of the layers."""
        return sum(matrix.nbytes for layer in self._layers for matrix in layer.matrices)

    def _put_side_by_side(self) -> None:
        """The layers' weights into one block: one so large comes in large pages, which takes fewer look-ups to read."""
        block = np.concatenate([matrix.ravel() for layer in self._layers for matrix in layer.matrices])
        for layer in self._layers:
            sizes = [matrix.size for matrix in layer.matrices]
            *parts, block = np.split(block, np.cumsum(sizes))
            layer.matrices = [part.reshape(m.shape) for part, m in zip(parts, layer.matrices, strict=True)]

    def _through_layers(self, x: Floats, state: DecoderState) -> Floats:
        if self.config.pre_norm:
            x = _centred(x)
            for layer in self._layers:
                x = layer.through(x, state)
        else:
            for layer in self._layers:
                x = layer.through_as_published(x, state)
        state.next_word()
        return self._norm.of(_scaled(_centred(x)))


class _Norm:
    """The gain and the bias of a norm; `_scaled` leaves the root of the width to the gain."""

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
        attention_in = _with_values_of_one(_matrix(weights, "attention_in"), config)
        feed_in = _matrix(weights, "feed_forward.0")
        if config.pre_norm:
            attention_in, feed_in = self.norms[0].folded_into(attention_in), self.norms[1].folded_into(feed_in)
        # What is added to the residual stream has mean zero: the norms need not subtract it, nothing else sees it.
        attention_out = _rows_centred(_matrix(weights, "attention_out"))
        feed_out = _rows_centred(_matrix(weights, "feed_forward.3"))
        self.matrices = [attention_in, attention_out, feed_in, feed_out]

    def through(self, x: Floats, state: DecoderState) -> Floats:
        """(row, d_model), each of mean 0 -> the same, normalised before each half; `x` is changed."""
        _scaled(x, out=state.heard_words)
        x += self._attend(state)
        _scaled(x, out=state.heard_words)
        x += self._feed_forward(state)
        return x

    def through_as_published(self, x: Floats, state: DecoderState) -> Floats:
        """(row, d_model) -> the same, normalised after each half."""
        heard = state.heard_words
        heard[:] = x
        heard[:] = self.norms[0].of(_scaled(_centred(x + self._attend(state))))
        return self.norms[1].of(_scaled(_centred(heard + self._feed_forward(state))))

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
        self._type = _matrix(weights, "type_out")
        self._hidden = {name: _matrix(weights, f"hidden.{name}") for name in CHAIN}
        self._seen = {
            (name, earlier): weights[f"seen.{name}_{earlier}.weight"] for name in CHAIN for earlier in CHAIN[name]
        }
        self._out = {name: _matrix(weights, f"out.{name}") for name in CHAIN}

    def logits(self, name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        if name == "type":
            return _with_bias(hidden, self._type)
        x = _with_bias(hidden, self._hidden[name])
        for earlier in CHAIN[name]:
            x += self._seen[name, earlier][known[earlier]]
        return _with_bias(gelu(x, out=x), self._out[name])


class _IndependentHeads:
    """The type, then each attribute by the type alone: two products without anything between them, folded into one."""

    def __init__(self, weights: Weights) -> None:
        joined, seen = _matrix(weights, "joined"), weights["type_seen.weight"]
        d_model = len(joined) - 1 - seen.shape[1]
        of_type = seen @ joined[d_model:-1] + joined[-1]  # (type, d_model)
        self._type = _matrix(weights, "type_out")
        out = {name: _matrix(weights, f"out.{name}") for name in CHAIN}
        self._out = {name: joined[:d_model] @ matrix[:-1] for name, matrix in out.items()}
        self._of_type = {name: of_type @ matrix[:-1] + matrix[-1] for name, matrix in out.items()}

    def logits(self, name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        if name == "type":
            return _with_bias(hidden, self._type)
        logits: Floats = _times(hidden, self._out[name]) + self._of_type[name][known["type"]]
        return logits


def _with_bias(rows: Floats, matrix: Floats) -> Floats:
    """(row, n_in) through (n_in + 1, n_out), whose last row is the bias."""
    mapped: Floats = _times(rows, matrix[:-1]) + matrix[-1]
    return mapped


def feature_map(x: Floats, out: tuple[Floats, Floats]) -> None:
    """elu(x) + 1 of the two halves of (row, 2, ...); `x` is changed."""
    below = np.minimum(x, 0)
    np.exp(below, out=below)
    np.maximum(x, 0, out=x)
    for half in (0, 1):
        np.add(x[:, half], below[:, half], out=out[half])


def gelu(x: Floats, out: Floats) -> Floats:
    """`x` times the normal distribution function, by straight lines between 256 points a unit: exact to 2e-6."""
    place = x * np.float32(_GELU_POINTS)
    place += np.float32(_GELU_LIMIT * _GELU_POINTS + 1)
    piece = place.astype(np.intp)  # below the first piece 0 or negative
    slope = _GELU_SLOPES.take(piece, mode="clip")
    np.multiply(x, slope, out=out)
    np.add(out, _GELU_HEIGHTS.take(piece, mode="clip"), out=out)
    return out


_GELU_POINTS, _GELU_LIMIT = 256, 6


def _gelu_pieces() -> tuple[Floats, Floats]:
    """Slopes and heights at 0 of the lines: from -6 to 6 gelu's, before it 0, behind it x."""
    x = np.arange(-_GELU_LIMIT * _GELU_POINTS, _GELU_LIMIT * _GELU_POINTS + 1) / _GELU_POINTS
    y = np.array([value * math.erfc(-value / math.sqrt(2)) / 2 for value in x.tolist()])
    slopes = np.diff(y) * _GELU_POINTS
    heights = y[:-1] - slopes * x[:-1]
    return np.r_[0, slopes, 1].astype(np.float32), np.r_[0, heights, 0].astype(np.float32)


_GELU_SLOPES, _GELU_HEIGHTS = _gelu_pieces()


@lru_cache(maxsize=64)  # the words of a position share one
def position_encoding(position: int, d_model: int) -> Floats:
    """(d_model,) sinusoids of the position in the piece (eq. 14, 15); not to be changed."""
    angle = position * np.exp(-np.log(10000.0) * np.arange(0, d_model, 2) / d_model)
    encoding = np.stack([np.sin(angle), np.cos(angle)], axis=-1).ravel().astype(np.float32)
    encoding.flags.writeable = False
    return encoding


def _times(rows: Floats, matrix: Floats) -> Floats:
    """The product of (row, n_in) and (n_in, n_out), row by row: later rows find the matrix in the cache.

    At once, BLAS would first copy the matrix into another order, which costs more than the product of a few rows;
    and a row's numbers would depend on how many others there are.
    """
    return np.asarray(np.matmul(rows[:, None, :], matrix)[:, 0])


def _centred(x: Floats) -> Floats:
    return np.asarray(x - np.add.reduce(x, axis=1, keepdims=True) / np.float32(x.shape[1]))


def _scaled(x: Floats, out: Floats | None = None) -> Floats:
    """Rows of mean 0 to length 1, where a norm would make it the root of the width."""
    square = np.matmul(x[:, None, :], x[:, :, None])[:, 0]
    square += np.float32(NORM_EPSILON * x.shape[1])
    np.sqrt(square, out=square)
    return np.asarray(np.divide(x, square, out=out))


def _matrix(weights: Weights, name: str) -> Floats:
    """A linear map as (n_in + 1, n_out), the bias its last row."""
    return np.ascontiguousarray(np.vstack([weights[f"{name}.weight"].T, weights[f"{name}.bias"]]))


def _rows_centred(matrix: Floats) -> Floats:
    return np.asarray(matrix - matrix.mean(axis=1, keepdims=True))


def _with_values_of_one(matrix: Floats, config: ModelConfig) -> Floats:
    """The map with one more value for each head that is always 1; its weighted sum is the attention's normaliser."""
    values = matrix[:, 2 * config.d_model :].reshape(len(matrix), config.n_head, -1)
    values = np.pad(values, ((0, 0), (0, 0), (0, 1)))
    values[-1, :, -1] = 1
    return np.hstack([matrix[:, : 2 * config.d_model], values.reshape(len(matrix), -1)])


def _embedding_tables(config: ModelConfig, weights: Weights) -> list[Floats]:
    """For each thing that a word tells (value, d_model): its embedding already multiplied by its part of W_in."""
    borders = np.cumsum(config.embedding_sizes)[:-1]
    parts = np.split(weights["embedding.w_in.weight"], borders, axis=1)
    tables = [weights[f"embedding.tables.{k}.weight"] @ part.T for k, part in enumerate(parts)]
    tables[0] = tables[0] + weights["embedding.w_in.bias"]
    of_word = list(tables)
    tables.append(
        weights["embedding.timing.weight"] @ weights["embedding.timing_in.weight"].T
        + weights["embedding.timing_in.bias"]
    )
    if config.metre:
        tables += [weights["embedding.in_bar.weight"], weights["embedding.in_phrase.weight"]]
    if config.echo_bars:
        for of_echo in np.split(weights["embedding.echo_in.weight"], len(config.echo_bars), axis=1):
            tables += [table @ of_echo.T for table in of_word]
    return tables


def _part(weights: Weights, prefix: str) -> dict[str, Floats]:
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}


def check_weights(config: ModelConfig, weights: Mapping[str, NDArray[np.floating]]) -> None:
    """Raise a ValueError naming the first weight that is missing, too many, or not of its shape (`weight_shapes`)."""
    wanted = weight_shapes(config)
    for name, shape in wanted.items():
        if name not in weights:
            raise ValueError(f"{name} is missing")
        if weights[name].shape != shape:
            raise ValueError(f"{name} is {weights[name].shape}, not {shape}")
    for name in weights:
        if name not in wanted:
            raise ValueError(f"{name} is not known")


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shape of every weight that a configuration calls for, by name."""
    d = config.d_model
    shapes: dict[str, tuple[int, ...]] = {}

    def linear(name: str, n_in: int, n_out: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (n_out, n_in), (n_out,)

    def tables(name: str, sizes: Sequence[int], widths: Sequence[int]) -> None:
        for k, (size, width) in enumerate(zip(sizes, widths, strict=True)):
            shapes[f"{name}.{k}.weight"] = (size, width)

    def norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (d,)

    tables("embedding.tables", FIELD_SIZES, config.embedding_sizes)
    linear("embedding.w_in", sum(config.embedding_sizes), d)
    shapes["embedding.timing.weight"] = (N_TIMING + 1, config.d_timing)
    linear("embedding.timing_in", config.d_timing, d)
    if config.metre:
        shapes["embedding.in_bar.weight"] = (POSITIONS_PER_BAR, d)
        shapes["embedding.in_phrase.weight"] = (PHRASE_BARS, d)
    if config.echo_bars:
        n_echo = len(config.echo_bars)
        shapes["embedding.echo_in.weight"] = (d, n_echo * d)
        shapes["embedding.agreement_in.weight"] = (d, n_echo * len(AGREEMENT_WORDS))
    tables("initial", INITIAL_SIZES, [d] * len(INITIAL_SIZES))
    for n in range(config.n_layer):
        linear(f"layers.{n}.attention_in", d, 3 * d)
        linear(f"layers.{n}.attention_out", d, d)
        linear(f"layers.{n}.feed_forward.0", d, config.d_feed_forward)
        linear(f"layers.{n}.feed_forward.3", config.d_feed_forward, d)
        norm(f"layers.{n}.norms.0")
        norm(f"layers.{n}.norms.1")
    norm("norm")
    linear("heads.type_out", d, FIELD_SIZES.type)
    if not config.chained_heads:
        width = config.embedding_sizes.type
        shapes["heads.type_seen.weight"] = (FIELD_SIZES.type, width)
        linear("heads.joined", d + width, d)
    for name, before in CHAIN.items():
        linear(f"heads.out.{name}", d, FIELD_SIZES[FIELDS.index(name)])
        if config.chained_heads:
            linear(f"heads.hidden.{name}", d, d)
            for earlier in before:
                shapes[f"heads.seen.{name}_{earlier}.weight"] = (FIELD_SIZES[FIELDS.index(earlier)], d)
    return shapes
