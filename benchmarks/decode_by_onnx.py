"""The layers of one word: NumPy beside graphs of onnxruntime, with float32 weights and with 8-bit ones.

    python benchmarks/decode_by_onnx.py [--checkpoint FILE] [--sizes tiny,small,larger] [--rows 1 3] [--rounds 60]
        [--check]

    NumPy            `LayerStack.through`
    float32          the same as one graph
    integer          MatMulInteger, inputs quantised row by row with nodes of the graph, weights by column
    dynamic          DynamicQuantizeMatMul, one node, which has one scale for all rows: so a run for each row
    blocks           MatMulNBits, weights and inputs quantised in blocks of 32
    int8             `QuantizedLayers`, what `cmt generate --int8` computes with: as integer, in fewer nodes

`small` is the checkpoint's, the others have random weights. On one thread, by turns, microseconds of the processor a
word. --check compares the hidden vectors after 500 words of a piece with those of NumPy, and looks whether a row's are
the same beside other rows; and it compares the products of integers with NumPy's where saturation is likeliest.

It needs onnx and onnxruntime.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import onnx
import onnxruntime
from decode import TURN, by_turns, takes
from onnx import TensorProto, helper, numpy_helper
from sizes import SIZES
from threadpoolctl import threadpool_limits

from cmt.config import EPSILON, ModelConfig
from cmt.network.arithmetic import NORM_EPSILON
from cmt.network.checkpoint import load_checkpoint
from cmt.network.decoder import Decoder
from cmt.network.layers import Layers, LayerStack, StackState
from cmt.network.quantized import QuantizedLayers
from cmt.network.weights import Floats, shapes_of_layers

KINDS = ("float32", "integer", "dynamic", "blocks")
BLOCK = 32
MIDDLE = 128
"""What stands for 0 in 8 bits without a sign."""
SMALLEST = np.float32(1e-12)
N_WORD = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    with threadpool_limits(1):
        if arguments.check:
            check_products()
        for name in arguments.sizes.split(","):
            config, stack = sized(name, arguments.checkpoint)
            graphs = {kind: Graph(stack, config, kind) for kind in KINDS} | {"int8": QuantizedLayers(stack)}
            for n_row in arguments.rows:
                compare_times(f"{name:7} {n_row} rows", config, stack, graphs, n_row, arguments.rounds)
            if arguments.check and name == "small":
                check_vectors(graphs, arguments.checkpoint)


def sized(name: str, checkpoint: Path | None) -> tuple[ModelConfig, LayerStack]:
    if name == "small":
        model = load_checkpoint(checkpoint).decoder
        return model.config, model._layers
    rng, config = np.random.default_rng(0), SIZES[name]
    weights = {
        name: (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
        for name, shape in shapes_of_layers(config).items()
    }
    return config, LayerStack(config, weights)


def compare_times(
    label: str, config: ModelConfig, stack: LayerStack, graphs: Mapping[str, Layers], n_row: int, rounds: int
) -> None:
    x = np.random.default_rng(1).standard_normal((n_row, config.d_model), dtype=np.float32)
    ways = {"NumPy": words_of_stack(stack, config, x)}
    ways |= {kind: words_of_graph(graph, x) for kind, graph in graphs.items()}
    seconds = by_turns(ways, rounds)
    for way, its in seconds.items():
        size = graphs[way].n_bytes if way in graphs else stack.n_bytes
        print(
            f"{label}  {way:10} {1e6 * its:7.0f} us a word, {its / seconds['NumPy']:5.2f} of NumPy's time, "
            f"{size / 1e6:5.1f} MB",
            flush=True,
        )


def words_of_stack(stack: LayerStack, config: ModelConfig, x: Floats) -> Callable[[], int]:
    state = StackState(config, len(x))

    def words() -> int:
        for _ in range(TURN):
            stack.through(x, state)
        return TURN

    return words


def words_of_graph(graph: Layers, x: Floats) -> Callable[[], int]:
    state = graph.new_state(len(x))

    def words() -> int:
        for _ in range(TURN):
            graph.through(x, state)
        return TURN

    return words


class Graph:
    """All layers and the norm behind them as one graph of onnxruntime's."""

    def __init__(self, stack: LayerStack, config: ModelConfig, kind: str) -> None:
        self.config, self._by_row = config, kind == "dynamic"
        model = _Nodes(kind).model_of(stack, config)
        self.n_bytes = len(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def new_state(self, n_row: int) -> list[GraphState]:
        """A state for all rows, or one for each where the graph takes one row."""
        n_state, n_row = (n_row, 1) if self._by_row else (1, n_row)
        return [GraphState(self.session, self.config, n_row) for _ in range(n_state)]

    def through(self, x: Floats, states: Sequence[GraphState]) -> Floats:
        """(row, d_model) one more word in each row -> hidden vectors of the same shape; the states change."""
        rows = np.split(x, len(states)) if len(states) > 1 else [x]
        hidden = [state.through(row) for row, state in zip(rows, states, strict=True)]
        return np.concatenate(hidden) if len(hidden) > 1 else hidden[0]


class GraphState:
    """What rows have heard: sums of keys times values, twice, for a run reads the one and writes the other."""

    def __init__(self, session: Any, config: ModelConfig, n_row: int) -> None:
        size, value = config.d_model // config.n_head, onnxruntime.OrtValue.ortvalue_from_numpy
        shape = (n_row, config.n_head, size, size + 1)
        self._session = session
        self._heard = np.zeros((n_row, 1, config.d_model), np.float32)
        self._hidden = np.zeros((n_row, 1, config.d_model), np.float32)
        self._sums = [[value(np.zeros(shape, np.float32)) for _ in range(config.n_layer)] for _ in range(2)]
        self._values = value(self._heard), value(self._hidden)  # they share the memory
        self._bindings = [self._binding(*self._sums), self._binding(*self._sums[::-1])]

    def _binding(self, earlier: Sequence[Any], later: Sequence[Any]) -> Any:
        binding = self._session.io_binding()
        binding.bind_ortvalue_input("x", self._values[0])
        binding.bind_ortvalue_output("hidden", self._values[1])
        for n, (before, after) in enumerate(zip(earlier, later, strict=True)):
            binding.bind_ortvalue_input(f"sums{n}", before)
            binding.bind_ortvalue_output(f"new_sums{n}", after)
        return binding

    def through(self, x: Floats) -> Floats:
        self._heard[:, 0] = x
        self._session.run_with_iobinding(self._bindings[0])
        self._bindings.reverse()
        return self._hidden[:, 0].copy()


@dataclass
class _Nodes:
    """The nodes of a graph and its numbers, as they are added."""

    kind: str
    nodes: list[Any] = field(default_factory=list)
    numbers: list[Any] = field(default_factory=list)

    def model_of(self, stack: LayerStack, config: ModelConfig) -> bytes:
        size, d, n_head = config.d_model // config.n_head, config.d_model, config.n_head
        rows: list[Any] = ["row", 1, d]
        x, gain = self.centred("x"), self.number("gain", np.full(d, 1 / np.sqrt(d), np.float32))
        added = ""
        for layer in stack.layers:
            attention_in, attention_out, feed_in, feed_out = layer.matrices
            heard, x = self.normalised(x, added, gain)
            joined = self.product(heard, attention_in)
            mapped, values = self.split(joined, [2 * d, d + n_head])
            queries, keys = self.split(self.feature_map(mapped), [d, d])
            total = self.attend(queries, keys, values, layer.number, n_head)
            heads = self.node("Reshape", [total, self.number("heads", np.array([-1, n_head, size + 1]))])
            sums, normaliser = self.split(heads, [size, 1])
            normaliser = self.node("Add", [normaliser, self.number("epsilon", np.float32(EPSILON))])
            attended = self.node("Div", [sums, normaliser])
            attended = self.node("Reshape", [attended, self.number("rows", np.array([-1, 1, d]))])
            added = self.product(attended, attention_out)
            heard, x = self.normalised(x, added, gain)
            inner = self.node("Gelu", [self.product(heard, feed_in)], domain="com.microsoft")
            added = self.product(inner, feed_out)
        norm = stack.norm
        gain = self.number("last_gain", norm.gain / np.float32(np.sqrt(d)))
        last, bias = self.normalised(x, added, gain)[0], self.number("last_bias", norm.bias)
        self.nodes.append(helper.make_node("Add", [last, bias], ["hidden"]))
        shape: list[Any] = ["row", n_head, size, size + 1]
        value = helper.make_tensor_value_info
        numbers = range(config.n_layer)
        graph = helper.make_graph(
            self.nodes,
            "layers",
            [value("x", TensorProto.FLOAT, rows), *(value(f"sums{n}", TensorProto.FLOAT, shape) for n in numbers)],
            [
                value("hidden", TensorProto.FLOAT, rows),
                *(value(f"new_sums{n}", TensorProto.FLOAT, shape) for n in numbers),
            ],
            self.numbers,
        )
        imports = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=imports, ir_version=10)
        return model.SerializeToString()

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        out = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def number(self, name: str, values: Any) -> str:
        if name not in {number.name for number in self.numbers}:
            self.numbers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def split(self, x: str, sizes: Sequence[int]) -> list[str]:
        outs = [f"v{len(self.nodes)}_{k}" for k in range(len(sizes))]
        by = self.number("split_" + "_".join(map(str, sizes)), np.array(sizes))
        self.nodes.append(helper.make_node("Split", [x, by], outs, axis=-1))
        return outs

    def feature_map(self, x: str) -> str:
        """elu(x) + 1; as these words say it, it would lose the digits of small numbers."""
        zero = self.number("zero", np.float32(0))
        return self.node("Add", [self.node("Relu", [x]), self.node("Exp", [self.node("Min", [x, zero])])])

    def centred(self, x: str) -> str:
        axis = self.number("last_axis", np.array([-1]))
        return self.node("Sub", [x, self.node("ReduceMean", [x, axis], keepdims=1)])

    def normalised(self, x: str, added: str, gain: str) -> tuple[str, str]:
        """The sum of the two, normalised, and the sum."""
        if not added:
            return self.node("SimplifiedLayerNormalization", [x, gain], epsilon=NORM_EPSILON, axis=-1), x
        outs = [f"v{len(self.nodes)}", f"v{len(self.nodes)}_sum"]
        node = helper.make_node(
            "SkipSimplifiedLayerNormalization",
            [x, added, gain],
            [outs[0], "", "", outs[1]],
            domain="com.microsoft",
            epsilon=NORM_EPSILON,
        )
        self.nodes.append(node)
        return outs[0], outs[1]

    def attend(self, queries: str, keys: str, values: str, number: int, n_head: int) -> str:
        node = helper.make_node(
            "LinearAttention",
            [queries, keys, values, f"sums{number}"],
            [f"total{number}", f"new_sums{number}"],
            domain="com.microsoft",
            q_num_heads=n_head,
            kv_num_heads=n_head,
            scale=1.0,
            update_rule="linear",
        )
        self.nodes.append(node)
        return f"total{number}"

    def product(self, x: str, matrix: Floats) -> str:
        """A product with a matrix (n_in + 1, n_out), whose last row is the bias."""
        name = f"w{len(self.nodes)}"
        weights, bias = matrix[:-1], self.number(f"{name}_bias", matrix[-1])
        if self.kind == "float32":
            return self.node("Add", [self.node("MatMul", [x, self.number(name, weights)]), bias])
        if self.kind == "blocks":
            return self._product_in_blocks(x, weights, bias, name)
        scale = np.maximum(np.abs(weights).max(axis=0), SMALLEST) / np.float32(MIDDLE - 1)
        eight = self.number(name, (np.rint(weights / scale) + MIDDLE).astype(np.uint8))
        zero, scales = self.number("middle", np.uint8(MIDDLE)), self.number(f"{name}_scale", scale)
        if self.kind == "dynamic":
            return self.node("DynamicQuantizeMatMul", [x, eight, scales, zero, bias], domain="com.microsoft")
        largest = self.node("ReduceMax", [self.node("Abs", [x]), self.number("last_axis", np.array([-1]))], keepdims=1)
        step = self.node("Mul", [largest, self.number("step", np.float32(1 / (MIDDLE - 1)))])
        step = self.node("Max", [step, self.number("smallest", SMALLEST)])
        steps = self.node("QuantizeLinear", [self.node("Div", [x, step]), self.number("one", np.float32(1)), zero])
        total = self.node(
            "MatMulIntegerToFloat",
            [steps, eight, self.number("one", np.float32(1)), scales, zero, zero],
            domain="com.microsoft",
        )
        return self.node("Add", [self.node("Mul", [total, step]), bias])

    def _product_in_blocks(self, x: str, weights: Floats, bias: str, name: str) -> str:
        n_in, n_out = weights.shape
        blocks = weights.T.reshape(n_out, n_in // BLOCK, BLOCK)
        scale = np.maximum(np.abs(blocks).max(axis=-1), SMALLEST) / np.float32(MIDDLE - 1)
        eight = self.number(name, (np.rint(blocks / scale[..., None]) + MIDDLE).astype(np.uint8))
        return self.node(
            "MatMulNBits",
            [x, eight, self.number(f"{name}_scale", scale.ravel()), "", "", bias],
            domain="com.microsoft",
            K=n_in,
            N=n_out,
            bits=8,
            block_size=BLOCK,
            accuracy_level=4,
        )


class Question(NamedTuple):
    """An attribute that was drawn: after how many words of those the layers heard, and by what of the word."""

    n_word: int
    name: str
    known: dict[str, int]


def written(checkpoint: Path | None) -> tuple[Decoder, list[Floats], list[Question]]:
    """What the layers hear, (1, d_model) a word, and what is drawn, while a piece is written."""
    model, heard, questions = load_checkpoint(checkpoint).decoder, [], []
    through, logits = model._layers.through, model.logits

    def listening(x: Floats, state: StackState) -> Floats:
        heard.append(x.copy())
        return through(x, state)

    def asked(name: str, hidden: Floats, known: Mapping[str, int]) -> Floats:
        questions.append(Question(len(heard), name, dict(known)))
        return logits(name, hidden, known)

    with patch.multiple(model, logits=asked), patch.multiple(model._layers, through=listening):
        takes(model, 1.0, 10, [1])
    return model, heard[:N_WORD], [question for question in questions if question.n_word <= N_WORD]


def check_vectors(graphs: Mapping[str, Layers], checkpoint: Path | None) -> None:
    model, words, questions = written(checkpoint)
    exact = hidden_after(model._layers.through, model._layers.new_state(1), words)
    for kind, graph in graphs.items():
        one = hidden_after(graph.through, graph.new_state(1), words)
        three = hidden_after(graph.through, graph.new_state(3), [three_rows(x) for x in words])
        far = [float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in zip(one, exact, strict=True)]
        alike = all(np.array_equal(a[0], b[1]) for a, b in zip(one, three, strict=True))
        lost = sum(divergence(model, question, exact, one) for question in questions) / len(words)
        print(
            f"{kind:10} relative error after {len(words)} words {far[-1]:.2e}, median {np.median(far):.2e}, "
            f"worst {max(far):.2e}; {lost:.5f} nats a word from NumPy's odds; "
            f"a row is {'the same' if alike else 'another'} beside two others"
        )


def divergence(model: Decoder, question: Question, exact: Sequence[Floats], other: Sequence[Floats]) -> float:
    """How far the odds of an attribute are from the exact ones: the Kullback-Leibler divergence in nats."""
    n_word, name, known = question
    first, second = (log_odds(model.logits(name, hidden[n_word - 1], known)[0]) for hidden in (exact, other))
    return float(np.sum(np.exp(first) * (first - second)))


def log_odds(logits: Floats) -> np.ndarray:
    wide = logits.astype(np.float64)
    return np.asarray(wide - np.logaddexp.reduce(wide))


def three_rows(x: Floats) -> Floats:
    return np.concatenate([x * np.float32(3), x, x[:, ::-1]])


def hidden_after(through: Callable[[Floats, Any], Floats], state: Any, words: Sequence[Floats]) -> list[Floats]:
    return [np.array(through(x, state)) for x in words]


def check_products() -> None:
    """How far products of 8-bit integers are from NumPy's, with numbers that make 16-bit sums overflow."""
    rng, n_in, n_out = np.random.default_rng(0), 192, 768
    for first, second in (("uint8", "int8"), ("int8", "int8"), ("uint8", "uint8")):
        a = np.full((1, n_in), np.iinfo(first).max, first)
        ends = np.array([np.iinfo(second).min, np.iinfo(second).max])
        b = rng.choice(ends, (n_in, n_out)).astype(second)
        b[:, 0] = ends[1]
        zeros = [np.array(MIDDLE if kind == "uint8" else 0, kind) for kind in (first, second)]
        session = product_session(a, b, zeros)
        product = session.run(None, {"a": a})[0]
        exact = (a.astype(np.int64) - int(zeros[0])) @ (b.astype(np.int64) - int(zeros[1]))
        start = time.thread_time()
        for _ in range(1000):
            session.run(None, {"a": a})
        print(
            f"{first:5} by {second:5}  {'exact' if np.array_equal(product, exact) else 'SATURATES'}, "
            f"{1e3 * (time.thread_time() - start):.0f} us for {n_in} x {n_out}"
        )


def product_session(a: np.ndarray, b: np.ndarray, zeros: Sequence[np.ndarray]) -> Any:
    kind = helper.np_dtype_to_tensor_dtype(a.dtype)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b", "zero_a", "zero_b"], ["product"])],
        "product",
        [helper.make_tensor_value_info("a", kind, list(a.shape))],
        [helper.make_tensor_value_info("product", TensorProto.INT32, [len(a), b.shape[1]])],
        [numpy_helper.from_array(x, name) for x, name in zip((b, *zeros), ("b", "zero_a", "zero_b"), strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
