"""A network's weights: their names and shapes, and how a checkpoint's are checked and folded for speed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cmt.config import PHRASE_BARS, ModelConfig
from cmt.music.cues import CUE_SIZES, N_SOUNDING
from cmt.music.words import CHAIN, FIELD_SIZES, INITIAL_SIZES, N_TIMING
from cmt.network.echo import AGREEMENT_WORDS
from cmt.network.relative import N_DEGREE_ROW, N_INTERVAL
from midi_io.song import POSITIONS_PER_BAR, Instrument

Floats = NDArray[np.float32]


Weights = Mapping[str, Floats]


def linear_map(weights: Weights, name: str) -> Floats:
    """A linear map as (n_in + 1, n_out), the bias its last row."""
    return np.ascontiguousarray(np.vstack([weights[f"{name}.weight"].T, weights[f"{name}.bias"]]))


def rows_centred(matrix: Floats) -> Floats:
    """(row, n) the matrix with each row less its mean."""
    return np.asarray(matrix - matrix.mean(axis=1, keepdims=True))


def with_values_of_one(matrix: Floats, config: ModelConfig) -> Floats:
    """The map with one more value for each head that is always 1; its weighted sum is the attention's normaliser."""
    values = matrix[:, 2 * config.d_model :].reshape(len(matrix), config.n_head, -1)
    values = np.pad(values, ((0, 0), (0, 0), (0, 1)))
    values[-1, :, -1] = 1
    return np.hstack([matrix[:, : 2 * config.d_model], values.reshape(len(matrix), -1)])


def embedding_tables(config: ModelConfig, weights: Weights) -> list[Floats]:
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
    if config.cues:
        tables += [table @ weights["embedding.planned_in.weight"].T for table in of_word]
        tables += [weights[f"embedding.cues.{k}.weight"] for k in range(len(CUE_SIZES))]
        tables.append(np.ascontiguousarray(weights["embedding.sounding_in.weight"].T))
    return tables


def agreement_map(config: ModelConfig, weights: Weights) -> Floats:
    """(share, d_model) how much of each echo was right, by window, then echo, the planned one last."""
    n_window = len(AGREEMENT_WORDS)
    names = ["embedding.agreement_in"] * bool(config.echo_bars) + ["embedding.planned_agreement_in"] * config.cues
    parts = [weights[f"{name}.weight"].T.reshape(n_window, -1, config.d_model) for name in names]
    return np.ascontiguousarray(np.concatenate(parts, axis=1).reshape(-1, config.d_model))


def weights_below(weights: Weights, prefix: str) -> dict[str, Floats]:
    """The weights whose names begin with `prefix`, under the rest of their names."""
    return {name.removeprefix(prefix): w for name, w in weights.items() if name.startswith(prefix)}


Shapes = dict[str, tuple[int, ...]]


def check_weights(wanted: Shapes, weights: Mapping[str, NDArray[np.floating]]) -> None:
    """Raise a ValueError naming the first weight that is missing, too many, not of the shape, or not finite."""
    for name, shape in wanted.items():
        if name not in weights:
            raise ValueError(f"{name} is missing")
        if weights[name].shape != shape:
            raise ValueError(f"{name} is {weights[name].shape}, not {shape}")
        if weights[name].dtype.kind != "f":
            raise ValueError(f"{name} holds {weights[name].dtype}, not numbers with a point")
        if not np.isfinite(weights[name]).all():
            raise ValueError(f"{name} holds values that are no numbers, or infinite")
    for name in weights:
        if name not in wanted:
            raise ValueError(f"{name} is not known")


def weight_shapes(config: ModelConfig) -> Shapes:
    """The shape of every weight that a configuration calls for, by name."""
    initial = {f"initial.{k}.weight": (size, config.d_model) for k, size in enumerate(INITIAL_SIZES)}
    return {**_shapes_of_embedding(config), **initial, **shapes_of_layers(config), **_shapes_of_heads(config)}


def _shapes_of_embedding(config: ModelConfig) -> Shapes:
    d, n_window = config.d_model, len(AGREEMENT_WORDS)
    tables = enumerate(zip(FIELD_SIZES, config.embedding_sizes, strict=True))
    shapes: Shapes = {
        **{f"embedding.tables.{k}.weight": size_and_width for k, size_and_width in tables},
        **shapes_of_linear("embedding.w_in", sum(config.embedding_sizes), d),
        "embedding.timing.weight": (N_TIMING + 1, config.d_timing),
        **shapes_of_linear("embedding.timing_in", config.d_timing, d),
    }
    if config.metre:
        shapes["embedding.in_bar.weight"] = (POSITIONS_PER_BAR, d)
        shapes["embedding.in_phrase.weight"] = (PHRASE_BARS, d)
    if config.echo_bars:
        n_echo = len(config.echo_bars)
        shapes["embedding.echo_in.weight"] = (d, n_echo * d)
        shapes["embedding.agreement_in.weight"] = (d, n_echo * n_window)
    if config.cues:
        shapes |= {f"embedding.cues.{k}.weight": (size, d) for k, size in enumerate(CUE_SIZES)}
        shapes["embedding.sounding_in.weight"] = (d, N_SOUNDING)
        shapes["embedding.planned_in.weight"] = (d, d)
        shapes["embedding.planned_agreement_in.weight"] = (d, n_window)
    return shapes


def shapes_of_layers(config: ModelConfig) -> Shapes:
    """The shapes of the weights between embedding and heads, the norm behind the last layer included."""
    d, shapes = config.d_model, _shapes_of_norm("norm", config.d_model)
    for n in range(config.n_layer):
        shapes |= {
            **shapes_of_linear(f"layers.{n}.attention_in", d, 3 * d),
            **shapes_of_linear(f"layers.{n}.attention_out", d, d),
            **shapes_of_linear(f"layers.{n}.feed_forward.0", d, config.d_feed_forward),
            **shapes_of_linear(f"layers.{n}.feed_forward.3", config.d_feed_forward, d),
            **_shapes_of_norm(f"layers.{n}.norms.0", d),
            **_shapes_of_norm(f"layers.{n}.norms.1", d),
        }
    return shapes


def _shapes_of_heads(config: ModelConfig) -> Shapes:
    d, size_of = config.d_model, FIELD_SIZES._asdict()
    shapes = shapes_of_linear("heads.type_out", d, FIELD_SIZES.type)
    if not config.chained_heads:
        width = config.embedding_sizes.type
        shapes["heads.type_seen.weight"] = (FIELD_SIZES.type, width)
        shapes |= shapes_of_linear("heads.joined", d + width, d)
    for name, before in CHAIN.items():
        shapes |= shapes_of_linear(f"heads.out.{name}", d, size_of[name])
        if config.chained_heads:
            shapes |= shapes_of_linear(f"heads.hidden.{name}", d, d)
            shapes |= {f"heads.seen.{name}_{earlier}.weight": (size_of[earlier], d) for earlier in before}
    if config.cues:
        shapes["relative.degrees.weight"] = (N_DEGREE_ROW, 12)
        shapes["relative.intervals.weight"] = (len(Instrument), N_INTERVAL)
    return shapes


def shapes_of_linear(name: str, n_in: int, n_out: int) -> Shapes:
    """The shapes of a linear map's weight and bias."""
    return {f"{name}.weight": (n_out, n_in), f"{name}.bias": (n_out,)}


def _shapes_of_norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}
