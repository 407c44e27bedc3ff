"""What whole numbers of eight bits would do to the model: to its loss, to its music, to its speed.

    python benchmarks/int8.py --pack lpd5_16th_labelled.npz.xz [--checkpoint FILE] [--words 60000] [--pieces 20]

Every matrix is rounded to 8 bits with one scale for each of its rows; biases and norms stay as they are. Loss is
that of validation songs in nats a word. Speed is that of the layers' products of a word on one thread, in seconds of
the processor: NumPy multiplies no 8-bit matrices, so the rounded weights must either become 32 bits again, which is
what we have, or go through torch's, or through onnxruntime's where it and onnx are installed. There the scale of a
word's numbers is one for all rows, so that pieces written side by side would no longer be those written alone.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from music import METRICS, write
from threadpoolctl import threadpool_limits

from cmt.config import ModelConfig, TrainConfig
from cmt.corpus.reading import read_corpus
from cmt.music.words import Genre
from cmt.network.checkpoint import config_from, default_checkpoint, load_tensors
from cmt.network.decoder import Decoder
from cmt.network.planner import load_planner
from cmt.training.dataset import Example, validation_batches
from cmt.training.loop import validate
from cmt.training.model import MusicTransformer

Weights = Mapping[str, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--words", type=int, default=TrainConfig.validation_words)
    parser.add_argument("--pieces", type=int, default=20)
    parser.add_argument("--bars", type=int, default=16)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    tensors, description = load_tensors(arguments.checkpoint or default_checkpoint())
    config = config_from(description["model"])
    exact = {name: weight.astype(np.float32) for name, weight in tensors.items()}
    sets = {"fp32": exact, "int8": {name: rounded(weight) for name, weight in exact.items()}}

    with threadpool_limits(1):
        print_speed(config)
        corpus = read_corpus(arguments.pack, "val")
        held_out = validation_batches(corpus, TrainConfig(validation_words=arguments.words, precision="fp32"))
        losses = {label: loss(config, weights, held_out) for label, weights in sets.items()}
        more = losses["int8"] / losses["fp32"] - 1
        print(f"loss      fp32 {losses['fp32']:.4f}, int8 {losses['int8']:.4f}: {more:+.2%}")
        if arguments.pieces:
            print_music(config, sets, arguments.pieces, arguments.bars)


def rounded(weight: np.ndarray) -> np.ndarray:
    """A matrix as 8 bits would hold it: each row its scale times -127..127."""
    if weight.ndim < 2:
        return weight
    scale = np.abs(weight).max(axis=1, keepdims=True) / np.float32(127) + np.float32(1e-12)
    return np.asarray(np.rint(weight / scale).astype(np.int8) * scale)


def loss(config: ModelConfig, weights: Weights, held_out: list[list[Example]]) -> float:
    network = MusicTransformer(config)
    network.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
    return validate(network, held_out, TrainConfig(precision="fp32"))["total"]


def print_speed(config: ModelConfig) -> None:
    d, inner = config.d_model, config.d_feed_forward
    shapes = [(d, 3 * d), (d, d), (d, inner), (inner, d)] * config.n_layer
    rng = np.random.default_rng(0)
    matrices = [rng.standard_normal(shape, dtype=np.float32) for shape in shapes]
    inputs = {d: np.ones((1, d), np.float32), inner: np.ones((1, inner), np.float32)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that its quantisation will go
        network = torch.nn.ModuleList(torch.nn.Linear(*shape) for shape in shapes)
        eight = torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, torch.qint8)
    tensors = {n: torch.from_numpy(x) for n, x in inputs.items()}

    def numpy_products() -> None:
        for matrix in matrices:
            np.matmul(inputs[len(matrix)], matrix)

    def torch_products(layers: torch.nn.ModuleList) -> Callable[[], None]:
        def multiply() -> None:
            with torch.inference_mode():
                for layer, (n_in, _) in zip(layers, shapes, strict=True):
                    layer(tensors[n_in])

        return multiply

    ways = {"NumPy, fp32": numpy_products, "torch, fp32": torch_products(network), "torch, int8": torch_products(eight)}
    if find_spec("onnx") and find_spec("onnxruntime"):
        ways |= {f"onnx, {kind}": onnx_products(matrices, kind == "int8") for kind in ("fp32", "int8")}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(100):
        for way, multiply in ways.items():
            multiply()  # the cache is warm, as it is from word to word
            start = time.thread_time()
            for _ in range(4):
                multiply()
            seconds[way].append((time.thread_time() - start) / 4)
    for way, its in seconds.items():
        print(f"products  {way:12} {1e6 * np.quantile(its, 0.25):6.0f} us a word")


def onnx_products(matrices: list[np.ndarray], as_int8: bool) -> Callable[[], None]:
    """All products as one graph of onnxruntime's, on one thread."""
    import onnx
    import onnxruntime

    kind, make, array = onnx.TensorProto.FLOAT, onnx.helper.make_node, onnx.numpy_helper.from_array
    nodes, weights, outputs = [], [], []
    for n, matrix in enumerate(matrices):
        heard, out = f"x{len(matrix)}", f"out{n}"
        if as_int8:
            scale = np.abs(matrix).max(axis=0) / np.float32(127)
            weights += [array(np.rint(matrix / scale).astype(np.int8), f"w{n}"), array(scale, f"scale{n}")]
            nodes += [
                make("DynamicQuantizeLinear", [heard], [f"x{n}_8", f"x{n}_scale", f"x{n}_zero"]),
                make("MatMulInteger", [f"x{n}_8", f"w{n}", f"x{n}_zero"], [f"sum{n}"]),
                make("Cast", [f"sum{n}"], [f"float{n}"], to=kind),
                make("Mul", [f"x{n}_scale", f"scale{n}"], [f"scales{n}"]),
                make("Mul", [f"float{n}", f"scales{n}"], [out]),
            ]
        else:
            weights.append(array(matrix, f"w{n}"))
            nodes.append(make("MatMul", [heard, f"w{n}"], [out]))
        outputs.append(onnx.helper.make_tensor_value_info(out, kind, [1, matrix.shape[1]]))
    values = {f"x{size}": np.ones((1, size), np.float32) for size in {len(matrix) for matrix in matrices}}
    inputs = [onnx.helper.make_tensor_value_info(name, kind, value.shape) for name, value in values.items()]
    graph = onnx.helper.make_graph(nodes, "products", inputs, outputs, weights)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, values)


def print_music(config: ModelConfig, sets: Mapping[str, Weights], n_piece: int, n_bar: int) -> None:
    planner, genres = load_planner().planner, [list(Genre)[seed % len(Genre)] for seed in range(n_piece)]
    songs = {
        label: [write(Decoder(config, weights), planner, seed, genre, n_bar) for seed, genre in enumerate(genres)]
        for label, weights in sets.items()
    }
    print(f"{n_piece} pieces of {n_bar} bars, mean and standard error")
    for name, metric in METRICS.items():
        values = {label: np.array([metric(song) for song in its]) for label, its in songs.items()}
        cells = (f"{v.mean():.3f} +- {v.std() / np.sqrt(n_piece):.3f}" for v in values.values())
        error = np.hypot(*(v.std() / np.sqrt(n_piece) for v in values.values()))
        apart = (values["int8"].mean() - values["fp32"].mean()) / error
        print(f"{name:36}" + "".join(f"{cell:>20}" for cell in cells) + f"  {apart:+.1f} standard errors apart")


if __name__ == "__main__":
    main()
