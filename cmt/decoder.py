"""The network word by word: what `cmt.model` computes at once, with a state and without torch.

For one word after another NumPy's products of a vector and a matrix are several times faster than torch's,
and nothing has to be imported. Time and memory of a word do not depend on how many came before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.config import EPSILON, PHRASE_BARS, ModelConfig
from cmt.words import CHAIN, FIELD_SIZES, FIELDS, INITIAL_SIZES, N_TIMING, CompoundWord, InitialWords
from midi_io.song import POSITIONS_PER_BAR

Floats = NDArray[np.float32]

NORM_EPSILON = np.float32(1e-5)
"""torch's, under the root of a layer's normalisation."""


class Decoder:
    """A trained network, ready to be asked word by word.

    Parameters
    ----------
    config
        Its sizes.
    weights
        By the names that `MusicTransformer.state_dict` gives them.

    Raises
    ------
    ValueError
        If the weights are not those that the configuration calls for.
    """

    def __init__(self, config: ModelConfig, weights: Mapping[str, NDArray[np.floating]]) -> None:
        check_weights(config, weights)
        self.config = config
        self._weights = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self._words = self._embedding_of_words()
        self._timing = self._linear("embedding.timing_in", self._weights["embedding.timing.weight"])
        self._layers = [self._part(f"layers.{n}.") for n in range(config.n_layer)]
        self._heads = self._part("heads.")

    def new_state(self) -> Floats:
        """(layer, head, size, size + 1) of nothing heard yet."""
        size = self.config.d_model // self.config.n_head
        return np.zeros((self.config.n_layer, self.config.n_head, size, size + 1), np.float32)

    def start(self, initial: InitialWords, state: Floats) -> Floats:
        """Hidden vector (d_model,) after the initial words; `state` changes in place."""
        hidden = np.zeros(self.config.d_model, np.float32)
        for k, value in enumerate(initial):
            hidden = self._through_layers(self._weights[f"initial.{k}.weight"][value], state)
        return hidden

    def step(self, word: CompoundWord, position: int, timing: int, state: Floats) -> Floats:
        """Hidden vector (d_model,) after one more word; `state` changes in place.

        `position` is in sixteenths from the start of the piece, `timing` a bin of the beat timing.
        """
        x = self._timing[timing] + position_encoding(position, self.config.d_model)
        for table, value in zip(self._words, word, strict=True):
            x = x + table[value]
        if self.config.metre:
            x = x + self._weights["embedding.in_bar.weight"][position % POSITIONS_PER_BAR]
            x = x + self._weights["embedding.in_phrase.weight"][position // POSITIONS_PER_BAR % PHRASE_BARS]
        return self._through_layers(x, state)

    def logits(self, name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        """Logits of attribute `name`, given what of the word is `known` already."""
        heads = self._heads
        if name == "type":
            return heads["type_out.weight"] @ hidden + heads["type_out.bias"]
        if self.config.chained_heads:
            x = heads[f"hidden.{name}.weight"] @ hidden + heads[f"hidden.{name}.bias"]
            for earlier in CHAIN[name]:
                x = x + heads[f"seen.{name}_{earlier}.weight"][known[earlier]]
            x = gelu(x)
        else:
            seen = np.concatenate([hidden, heads["type_seen.weight"][known["type"]]])
            x = heads["joined.weight"] @ seen + heads["joined.bias"]
        return np.asarray(heads[f"out.{name}.weight"] @ x + heads[f"out.{name}.bias"])

    def _through_layers(self, x: Floats, state: Floats) -> Floats:
        for layer, sums in zip(self._layers, state, strict=True):
            if self.config.pre_norm:
                x = x + self._attend(layer, _normalised(x, layer, "norms.0"), sums)
                x = x + _feed_forward(layer, _normalised(x, layer, "norms.1"))
            else:
                x = _normalised(x + self._attend(layer, x, sums), layer, "norms.0")
                x = _normalised(x + _feed_forward(layer, x), layer, "norms.1")
        return _normalised(x, self._weights, "norm")

    def _attend(self, layer: Mapping[str, Floats], x: Floats, sums: Floats) -> Floats:
        joined = layer["attention_in.weight"] @ x + layer["attention_in.bias"]
        query, key, value = joined.reshape(3, self.config.n_head, -1)
        attended = attend_step(query, key, value, sums)
        return np.asarray(layer["attention_out.weight"] @ attended.ravel() + layer["attention_out.bias"])

    def _embedding_of_words(self) -> list[Floats]:
        """For each attribute (value, d_model): its embedding already multiplied by its part of W_in."""
        borders = np.cumsum(self.config.embedding_sizes)[:-1]
        parts = np.split(self._weights["embedding.w_in.weight"], borders, axis=1)
        tables = [self._weights[f"embedding.tables.{k}.weight"] @ part.T for k, part in enumerate(parts)]
        tables[0] = tables[0] + self._weights["embedding.w_in.bias"]
        return tables

    def _linear(self, name: str, x: Floats) -> Floats:
        return np.asarray(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"])

    def _part(self, prefix: str) -> dict[str, Floats]:
        return {name.removeprefix(prefix): w for name, w in self._weights.items() if name.startswith(prefix)}


def attend_step(query: Floats, key: Floats, value: Floats, state: Floats) -> Floats:
    """Causal linear attention of one more step; `state` is brought up to date in place.

    `query`, `key`, `value` are (head, size) before the feature map, `state` is (head, size, size + 1): the
    sums of keys times values, and of keys. Returns (head, size).
    """
    ones = np.ones((len(value), 1), np.float32)
    state += feature_map(key)[:, :, None] * np.concatenate([value, ones], axis=1)[:, None, :]
    total = (feature_map(query)[:, None, :] @ state)[:, 0]
    return np.asarray(total[:, :-1] / (total[:, -1:] + np.float32(EPSILON)))


def feature_map(x: Floats) -> Floats:
    """elu(x) + 1."""
    return np.asarray(np.where(x > 0, x + np.float32(1), np.exp(np.minimum(x, 0))))


def gelu(x: Floats) -> Floats:
    """x times the normal distribution function, by Abramowitz & Stegun 7.1.26: exact to 2e-7."""
    far = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * far)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = series * np.exp(-far * far)  # 1 - erf
    return np.asarray(np.float32(0.5) * x * np.where(x > 0, 2 - tail, tail))


def position_encoding(position: int, d_model: int) -> Floats:
    """(d_model,) sinusoids of the position in the piece (eq. 14, 15)."""
    angle = position * np.exp(-np.log(10000.0) * np.arange(0, d_model, 2) / d_model)
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).ravel().astype(np.float32)


def _normalised(x: Floats, weights: Mapping[str, Floats], name: str) -> Floats:
    centred = x - x.mean()
    spread = np.sqrt(centred @ centred / np.float32(len(x)) + NORM_EPSILON)
    return np.asarray(centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"])


def _feed_forward(layer: Mapping[str, Floats], x: Floats) -> Floats:
    inner = gelu(layer["feed_forward.0.weight"] @ x + layer["feed_forward.0.bias"])
    return np.asarray(layer["feed_forward.3.weight"] @ inner + layer["feed_forward.3.bias"])


def check_weights(config: ModelConfig, weights: Mapping[str, NDArray[np.floating]]) -> None:
    """Raise a ValueError that names the first weight that is missing, too many, or of another shape."""
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
