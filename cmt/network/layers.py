"""The layers of a network word by word, in NumPy, with what they know of the words before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from cmt.config import EPSILON, ModelConfig
from cmt.network.arithmetic import centred, feature_map, gelu, scaled
from cmt.network.weights import Floats, Weights, linear_map, rows_centred, weights_below, with_values_of_one

RECENT = 8
"""The keys and values of this many words are kept as they are, then added to the sums all at once: that is cheaper."""


class LayersState(Protocol):
    """What layers know of the words that pieces side by side have heard."""

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all rows but these; they take their places in this order."""

    def put(self, rows: Sequence[int], other: Any) -> None:
        """From now on let these rows know what the rows of `other`, a state of the same layers, know."""


class Layers(Protocol):
    """All layers of a network, the norm behind the last one included, in whatever arithmetic."""

    @property
    def n_bytes(self) -> int:
        """Bytes of the matrices."""

    def new_state(self, n_row: int) -> LayersState:
        """The state of `n_row` pieces side by side that have heard nothing yet."""

    def through(self, x: Floats, state: Any) -> Floats:
        """(row, d_model) one more word in each row -> hidden vectors of the same shape; `state` changes in place."""


class StackState:
    """What a `LayerStack` knows of the words that pieces side by side have heard, and room to work in.

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
        self._make_room(self.heard.shape[-1] - 1, self.inner.shape[-1] - 1)

    def put(self, rows: Sequence[int], other: StackState) -> None:
        """From now on let these rows know what the rows of `other` know."""
        other._add_recent()
        self._sums[:, list(rows)] = other._sums
        self._keys[:, list(rows)] = 0

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


class LayerStack:
    """All layers, the norm behind the last one included.

    `config` gives their sizes, `weights` holds theirs among others, of the shapes (...) of `shapes_of_layers`.
    """

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        self.config = config
        self.layers = [_Layer(n, config, weights_below(weights, f"layers.{n}.")) for n in range(config.n_layer)]
        self._put_side_by_side()
        self.norm = _Norm(weights, "norm")

    @property
    def n_bytes(self) -> int:
        """Bytes of the matrices."""
        return sum(matrix.nbytes for layer in self.layers for matrix in layer.matrices)

    def new_state(self, n_row: int) -> StackState:
        """The state of `n_row` pieces side by side that have heard nothing yet."""
        return StackState(self.config, n_row)

    def through(self, x: Floats, state: StackState) -> Floats:
        """(row, d_model) one more word in each row -> hidden vectors of the same shape; `state` changes in place."""
        if self.config.pre_norm:
            x = centred(x)
            for layer in self.layers:
                x = layer.through(x, state)
        else:
            for layer in self.layers:
                x = layer.through_as_published(x, state)
        state.next_word()
        return self.norm.of(scaled(centred(x)))

    def _put_side_by_side(self) -> None:
        """The layers' weights into one block: one so large comes in large pages, which takes fewer look-ups to read."""
        block = np.concatenate([matrix.ravel() for layer in self.layers for matrix in layer.matrices])
        for layer in self.layers:
            sizes = [matrix.size for matrix in layer.matrices]
            *parts, block = np.split(block, np.cumsum(sizes))
            layer.matrices = [part.reshape(m.shape) for part, m in zip(parts, layer.matrices, strict=True)]


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

    def through(self, x: Floats, state: StackState) -> Floats:
        """(row, d_model), each of mean 0 -> the same, normalised before each half; `x` is changed."""
        scaled(x, out=state.heard_words)
        x += self._attend(state)
        scaled(x, out=state.heard_words)
        x += self._feed_forward(state)
        return x

    def through_as_published(self, x: Floats, state: StackState) -> Floats:
        """(row, d_model) -> the same, normalised after each half."""
        heard = state.heard_words
        heard[:] = x
        heard[:] = self.norms[0].of(scaled(centred(x + self._attend(state))))
        return self.norms[1].of(scaled(centred(heard + self._feed_forward(state))))

    def _attend(self, state: StackState) -> Floats:
        matrix_in, matrix_out, _, _ = self.matrices
        np.matmul(state.heard, matrix_in, out=state.joined)
        state.attend(self.number)
        return np.asarray(np.matmul(state.attended, matrix_out)[:, 0])

    def _feed_forward(self, state: StackState) -> Floats:
        _, _, matrix_in, matrix_out = self.matrices
        gelu(np.matmul(state.heard, matrix_in), out=state.inner[..., :-1])
        return np.asarray(np.matmul(state.inner, matrix_out)[:, 0])
