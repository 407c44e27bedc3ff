"""The planner: a small network that writes a lead sheet, a plan word a bar; in NumPy, bar by bar.

Its layers are those of the network that writes notes. Before each bar it is told the bar's place, the orders on it and
ahead of it, and the words of earlier bars; the attributes of the word are drawn in a chain, and those behind the lag
see the bar that is repeated, so that what returns is looked up, not remembered. `cmt.training.planner` computes the
same for whole pieces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmt.config import ModelConfig
from cmt.errors import CmtError
from cmt.music.form import MAX_LAG
from cmt.music.plan_words import (
    N_ECHO,
    PLAN_CUE_SIZES,
    PLAN_FIELDS,
    PLAN_SIZES,
    PLAN_VERSION,
    SEES_SOURCE,
    PlanWord,
    echo_bars,
)
from cmt.music.words import INITIAL_SIZES, InitialWords
from cmt.network.arithmetic import gelu, product_by_rows, with_bias
from cmt.network.checkpoint import Tensors, config_from, load_tensors, save_tensors, sha256_of_file
from cmt.network.layers import LayerStack, StackState
from cmt.network.weights import Floats, Shapes, check_weights, linear_map, shapes_of_layers, shapes_of_linear


def planner_shapes(config: ModelConfig) -> Shapes:
    """The shape of every weight of a planner, by the names that `PlannerNetwork.state_dict` gives them."""
    d = config.d_model
    shapes: Shapes = {f"words.{k}.weight": (size, d) for k, size in enumerate(PLAN_SIZES)}
    shapes |= {f"cues.{k}.weight": (size, d) for k, size in enumerate(PLAN_CUE_SIZES)}
    shapes |= {f"initial.{k}.weight": (size, d) for k, size in enumerate(INITIAL_SIZES)}
    shapes["echo_in.weight"] = (d, N_ECHO * d)
    shapes |= shapes_of_layers(config)
    shapes["heads.recall.weight"] = (MAX_LAG + 1, d)
    for number, (name, size) in enumerate(PLAN_SIZES._asdict().items()):
        shapes |= shapes_of_linear(f"heads.hidden.{name}", d, d)
        if name in SEES_SOURCE:
            shapes[f"heads.source.{name}.weight"] = (d, d)
        for earlier in PLAN_FIELDS[:number]:
            shapes[f"heads.seen.{name}_{earlier}.weight"] = (getattr(PLAN_SIZES, earlier), d)
        shapes |= shapes_of_linear(f"heads.out.{name}", d, size)
    return shapes


@dataclass
class PlannerState:
    """What a planner knows of the sheet that it writes."""

    layers: StackState
    initial: Floats
    """(d_model,) the sum of the initial words' vectors."""
    bars: list[Floats] = field(default_factory=list)
    """The vector (d_model,) of each bar so far."""
    lags: list[int] = field(default_factory=list)


class Planner:
    """A trained planner, ready to be asked bar by bar.

    Parameters
    ----------
    config
        The network's sizes.
    weights
        The weights by name, of the shapes (...) of `planner_shapes`.

    Raises
    ------
    ValueError
        If the weights are not those that the configuration calls for.
    """

    def __init__(self, config: ModelConfig, weights: Mapping[str, NDArray[np.floating]]) -> None:
        check_weights(planner_shapes(config), weights)
        self.config = config
        named = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self._words = [named[f"words.{k}.weight"] for k in range(len(PLAN_SIZES))]
        self._cues = [named[f"cues.{k}.weight"] for k in range(len(PLAN_CUE_SIZES))]
        self._initial = [named[f"initial.{k}.weight"] for k in range(len(INITIAL_SIZES))]
        self._echo_in = np.ascontiguousarray(named["echo_in.weight"].T)
        self._layers = LayerStack(config, named)
        self._hidden = {name: linear_map(named, f"heads.hidden.{name}") for name in PLAN_FIELDS}
        self._source = {name: np.ascontiguousarray(named[f"heads.source.{name}.weight"].T) for name in SEES_SOURCE}
        self._recall = named["heads.recall.weight"]
        self._seen = {
            (name, earlier): named[f"heads.seen.{name}_{earlier}.weight"]
            for number, name in enumerate(PLAN_FIELDS)
            for earlier in PLAN_FIELDS[:number]
        }
        self._out = {name: linear_map(named, f"heads.out.{name}") for name in PLAN_FIELDS}

    def start(self, initial: InitialWords) -> PlannerState:
        """The state before the first bar of a piece."""
        rows = [table[value] for table, value in zip(self._initial, initial, strict=True)]
        return PlannerState(self._layers.new_state(1), np.add.reduce(rows))

    def retell(self, initial: InitialWords, state: PlannerState) -> None:
        """Tell of the piece anew before a bar: what holds from there on; `state` changes."""
        state.initial = np.add.reduce([table[value] for table, value in zip(self._initial, initial, strict=True)])

    def hear(self, cues: Sequence[int], state: PlannerState) -> Floats:
        """The hidden vector (1, d_model) before the next bar, of which `cues` (cue,) are told; `state` changes."""
        told = [table[value] for table, value in zip(self._cues, cues, strict=True)]
        nothing = np.zeros(self.config.d_model, np.float32)
        bars = echo_bars(np.array(state.lags, np.int64))[-1].tolist()
        echoes = np.concatenate([nothing if bar < 0 else state.bars[bar] for bar in bars])
        x = np.add.reduce([state.initial, *told])[None] + product_by_rows(echoes[None], self._echo_in)
        return self._layers.through(x, state.layers)

    def logits(
        self, name: str, hidden: Floats, known: Mapping[str, int], source: int | None, recall: int, state: PlannerState
    ) -> Floats:
        """Logits (value,) of attribute `name` of the next bar.

        Parameters
        ----------
        hidden
            (1, d_model), what `hear` gave.
        known
            The attributes before it.
        source
            The bar that is repeated, for attributes behind the lag; None for none.
        recall
            See `cmt.music.plan_words.recalls`.
        """
        x = with_bias(hidden, self._hidden[name])
        for earlier in PLAN_FIELDS[: PLAN_FIELDS.index(name)]:
            x += self._seen[name, earlier][min(known[earlier], getattr(PLAN_SIZES, earlier) - 1)]
        if name == "lag":
            x += self._recall[recall]
        if name in SEES_SOURCE and source is not None:
            x += product_by_rows(state.bars[source][None], self._source[name])
        logits: Floats = with_bias(gelu(x, out=x), self._out[name])[0]
        return logits

    def write(self, word: PlanWord, state: PlannerState) -> None:
        """Add a bar to the sheet; `state` changes. A lag may be longer than the planner's own."""
        values = word._replace(lag=min(word.lag, MAX_LAG))
        state.bars.append(np.add.reduce([table[value] for table, value in zip(self._words, values, strict=True)]))
        state.lags.append(word.lag)


@dataclass(frozen=True)
class PlannerCheckpoint:
    """A planner and what is known about it."""

    planner: Planner
    sha256: str
    """The file's hash."""
    provenance: Mapping[str, object] = field(default_factory=dict)
    """Facts about its training: bars seen, losses, data."""


def default_planner() -> Path:
    """The planner that comes with the package."""
    return Path(str(resources.files("cmt") / "assets" / "planner.safetensors"))


def save_planner(config: ModelConfig, weights: Tensors, path: Path, provenance: Mapping[str, object]) -> None:
    """Write the configuration and the weights, arrays (...) by name, in half precision; never half a file.

    Raises
    ------
    CmtError
        If the file cannot be written.
    """
    description = {"planner": PLAN_VERSION, "model": asdict(config), "provenance": provenance}
    save_tensors({name: weight.astype(np.float16) for name, weight in weights.items()}, description, path)


def load_planner(path: Path | None = None) -> PlannerCheckpoint:
    """The planner in `path`, or the one that comes with the package.

    Raises
    ------
    CmtError
        If the file is missing, damaged, no planner, or was trained on other plan words.
    """
    path = default_planner() if path is None else path
    tensors, description = load_tensors(path)
    if "planner" not in description:
        raise CmtError(f"{path}: holds no planner; train one with the preset planner, or leave it out")
    version = description["planner"]
    if version != PLAN_VERSION:
        raise CmtError(f"{path}: made for plan words {version}, these are plan words {PLAN_VERSION}; train it anew")
    try:
        planner = Planner(config_from(description["model"]), tensors)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, ArithmeticError) as error:
        raise CmtError(f"{path}: its weights do not fit its configuration ({error})") from None
    return PlannerCheckpoint(planner, sha256_of_file(path), description.get("provenance", {}))
