"""The layers of a network word by word in 8 bits, computed by onnxruntime as one graph.

Weights are whole numbers from -127 to 127 with a scale for each column, and so is each vector that they are multiplied
with, with a scale of its own: what a row gives does not depend on the rows beside it. Bytes without a sign hold them,
128 for 0: products of such are exact on every processor, those with signed bytes saturate on some.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cmt.config import EPSILON, ModelConfig
from cmt.errors import CmtError
from cmt.machine.extras import require
from cmt.network.arithmetic import NORM_EPSILON, centred
from cmt.network.layers import LayerStack
from cmt.network.onnx_graph import Graph
from cmt.network.weights import Floats

LARGEST, ZERO = 127, 128
"""The largest whole number, and the byte that stands for 0."""
_SMALLEST = np.float32(1e-12)
"""A column whose weights are all smaller counts as one of zeros."""
_OURS = "com.microsoft"
"""The domain of onnxruntime's own operators."""


def check_quantizing(what: str = "`int8`") -> None:
    """Raise a MissingLibraryError if layers cannot be computed in 8 bits, for want of onnxruntime; `what` needs it."""
    require("onnxruntime", "fast", what)


class QuantizedLayers:
    """The layers of `stack`, the norm behind the last one included, in 8 bits.

    Raises
    ------
    CmtError
        If onnxruntime is not installed, or the network does not normalise before its layers.
    """

    def __init__(self, stack: LayerStack) -> None:
        if not stack.config.pre_norm:
            raise CmtError(
                "`checkpoint`: it normalises behind its layers, and `int8` is for networks that normalise before them; "
                "leave one of the two out"
            )
        check_quantizing()
        self._config = stack.config
        self._session = _session(_Writer(stack.config).layers_of(stack))

    @property
    def n_bytes(self) -> int:
        """Bytes of the matrices."""
        config = self._config
        return config.n_layer * config.d_model * (4 * config.d_model + config.n_head + 2 * config.d_feed_forward)

    def new_state(self, n_row: int) -> QuantizedState:
        """The state of `n_row` pieces side by side that have heard nothing yet."""
        return QuantizedState(self._session, self._config, n_row)

    def through(self, x: Floats, state: QuantizedState) -> Floats:
        """(row, d_model) one more word in each row -> hidden vectors of the same shape; `state` changes in place."""
        return state.hear(centred(x))


class QuantizedState:
    """What `QuantizedLayers` know of the words that pieces side by side have heard, and where they read and write.

    They read the sums and write new ones into other arrays, which change places with each word.
    """

    def __init__(self, session: Any, config: ModelConfig, n_row: int) -> None:
        size = config.d_model // config.n_head
        self._session, self._d_model = session, config.d_model
        self._make_room(np.zeros((config.n_layer, n_row, config.n_head, size, size + 1), np.float32))

    def hear(self, x: Floats) -> Floats:
        """(row, d_model) one more word in each row, of mean 0 -> hidden vectors of the same shape."""
        self._heard[:] = x
        self._session.run_with_iobinding(self._bindings[0])
        self._sums.reverse()
        self._bindings.reverse()
        return self._hidden.copy()

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all rows but these; they take their places in this order."""
        self._make_room(np.ascontiguousarray(self._sums[0][:, list(rows)]))

    def put(self, rows: Sequence[int], other: QuantizedState) -> None:
        """From now on let these rows know what the rows of `other` know."""
        self._sums[0][:, list(rows)] = other._sums[0]

    def _make_room(self, sums: Floats) -> None:
        """Arrays to read and write, the first of the sums as they are."""
        self._heard = np.empty((sums.shape[1], self._d_model), np.float32)
        self._hidden = np.empty_like(self._heard)
        self._sums = [sums, np.empty_like(sums)]
        """The sums of keys times values, and of keys."""
        self._bindings = [self._bound(*self._sums), self._bound(*self._sums[::-1])]

    def _bound(self, sums: Floats, new_sums: Floats) -> Any:
        """A binding, by which the graph reads and writes our own arrays."""
        from onnxruntime import OrtValue

        binding = self._session.io_binding()
        binding.bind_ortvalue_input("heard", OrtValue.ortvalue_from_numpy(self._heard))
        binding.bind_ortvalue_output("hidden", OrtValue.ortvalue_from_numpy(self._hidden))
        for number, (its, new) in enumerate(zip(sums, new_sums, strict=True)):
            binding.bind_ortvalue_input(f"sums{number}", OrtValue.ortvalue_from_numpy(its))
            binding.bind_ortvalue_output(f"new_sums{number}", OrtValue.ortvalue_from_numpy(new))
        return binding


def _session(model: bytes) -> Any:
    """The graph, ready to run on one thread, computed as it is written."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.use_deterministic_compute = True
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class _Writer:
    """Writes the graph of a stack of layers; vectors are named by the nodes that they come from."""

    def __init__(self, config: ModelConfig) -> None:
        self._config, self._graph, self._n_node = config, Graph(), 0

    def layers_of(self, stack: LayerStack) -> bytes:
        """The graph from ``heard``, (row, d_model), and ``sums0`` ... to ``hidden`` and ``new_sums0`` ..."""
        config, graph = self._config, self._graph
        d = config.d_model
        self._add_numbers()
        x = graph.input("heard", ["row", d])
        added, bias = self._node("Sub", x, x), "no_bias"  # nothing yet
        for number, layer in enumerate(stack.layers):
            attention_in, attention_out, feed_in, feed_out = layer.matrices
            heard, x = self._normalised(x, added, bias, "gain")
            attended = self._attended(self._node("Add", *self._product(heard, attention_in)), number)
            added, bias = self._product(attended, attention_out)
            heard, x = self._normalised(x, added, bias, "gain")
            inner = self._node("BiasGelu", *self._product(heard, feed_in), domain=_OURS)
            added, bias = self._product(inner, feed_out)
        graph.number("last_gain", stack.norm.gain / np.float32(np.sqrt(d)))
        graph.number("last_bias", stack.norm.bias)
        last, _ = self._normalised(x, added, bias, "last_gain")
        graph.node("Add", [last, "last_bias"], ["hidden"])
        graph.output("hidden", ["row", d])
        return graph.as_bytes()

    def _add_numbers(self) -> None:
        config, graph = self._config, self._graph
        d, n_head = config.d_model, config.n_head
        size = d // n_head
        for name, value in {"zero": 0.0, "epsilon": EPSILON, "step": 1 / LARGEST}.items():
            graph.number(name, np.array(value, np.float32))
        wholes = {
            "last_axis": [-1],
            "joined_sizes": [2 * d, d + n_head],
            "halves": [d, d],
            "total_sizes": [size, 1],
            "as_rows": [-1, n_head, 1, size],
            "as_columns": [-1, n_head, size, 1],
            "as_rows_of_values": [-1, n_head, 1, size + 1],
            "as_vectors": [-1, d],
        }
        for name, values in wholes.items():
            graph.number(name, np.array(values, np.int64))
        graph.number("byte_of_zero", np.array(ZERO, np.uint8))
        graph.number("no_bias", np.zeros(d, np.float32))
        graph.number("gain", np.full(d, 1 / np.sqrt(d), np.float32))

    def _normalised(self, x: str, added: str, bias: str, gain: str) -> tuple[str, str]:
        """The sum of the three, of mean 0, scaled to the length that `gain` gives it; and the sum itself."""
        scaled, total = self._name(), self._name()
        outputs = [scaled, "", "", total]
        self._graph.node(
            "SkipSimplifiedLayerNormalization", [x, added, gain, bias], outputs, _OURS, {"epsilon": NORM_EPSILON}
        )
        return scaled, total

    def _product(self, x: str, matrix: Floats) -> tuple[str, str]:
        """The product of vectors with a matrix (n_in + 1, n_out), and the bias, its last row, still to be added.

        Where all of a vector is 0, so is its largest number, and then the product, whatever the bytes are.
        """
        name = self._name()
        scale = np.maximum(np.abs(matrix[:-1]).max(axis=0), _SMALLEST) / np.float32(LARGEST)
        weights = self._graph.number(name, (np.rint(matrix[:-1] / scale) + ZERO).astype(np.uint8))
        scales = self._graph.number(f"{name}_scales", scale)
        bias = self._graph.number(f"{name}_bias", matrix[-1])
        largest = self._node("ReduceMax", self._node("Abs", x), "last_axis")
        in_bytes = self._node("QuantizeLinear", self._node("Div", x, largest), "step", "byte_of_zero")
        inputs = (in_bytes, weights, "step", scales, "byte_of_zero", "byte_of_zero")
        return self._node("Mul", self._node("MatMulIntegerToFloat", *inputs, domain=_OURS), largest), bias

    def _attended(self, joined: str, number: int) -> str:
        """Causal linear attention of one more word, from what `StackState.joined` holds; the sums go on."""
        config, graph = self._config, self._graph
        size = config.d_model // config.n_head
        shape: list[int | str] = ["row", config.n_head, size, size + 1]
        queries_keys, values = self._split(joined, "joined_sizes")
        queries, keys = self._split(self._feature_map(queries_keys), "halves")
        queries = self._node("Reshape", queries, "as_rows")
        keys = self._node("Reshape", keys, "as_columns")
        values = self._node("Reshape", values, "as_rows_of_values")
        sums, new_sums = graph.input(f"sums{number}", shape), f"new_sums{number}"
        graph.node("Add", [sums, self._node("Mul", keys, values)], [new_sums])
        graph.output(new_sums, shape)
        total, normaliser = self._split(self._node("MatMul", queries, new_sums), "total_sizes")
        attended = self._node("Div", total, self._node("Add", normaliser, "epsilon"))
        return self._node("Reshape", attended, "as_vectors")

    def _feature_map(self, x: str) -> str:
        """elu(x) + 1; written like that, it would lose the digits of small numbers."""
        return self._node("Add", self._node("Relu", x), self._node("Exp", self._node("Min", x, "zero")))

    def _split(self, x: str, sizes: str) -> tuple[str, str]:
        first, second = self._name(), self._name()
        self._graph.node("Split", [x, sizes], [first, second], attributes={"axis": -1})
        return first, second

    def _node(self, operator: str, *inputs: str, domain: str = "") -> str:
        output = self._name()
        self._graph.node(operator, inputs, [output], domain)
        return output

    def _name(self) -> str:
        self._n_node += 1
        return f"v{self._n_node}"
