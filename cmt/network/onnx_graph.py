"""A graph of ONNX and its bytes, as onnxruntime reads them, without the library onnx.

The bytes are protocol buffers: fields one after another, each a number, a kind of value and the value. The numbers and
names are those of onnx.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

IR_VERSION = 10
"""The version of the form, which onnxruntime reads from 1.18 on."""
OPERATORS = {"": 21, "com.microsoft": 1}
"""The version of the operators by their domain; the second is onnxruntime's own."""
_WHOLE, _BYTES, _FLOAT = 0, 2, 5
"""The kinds of value."""
_TYPES = {np.dtype(np.float32): 1, np.dtype(np.uint8): 2, np.dtype(np.int64): 7}
"""The numbers of the types of tensors' elements."""
_OF_FLOAT, _OF_INT = 1, 2
"""The numbers of the types of attributes."""


class Graph:
    """Nodes, numbers, inputs and outputs, in the order in which they are added; tensors go by their names."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._numbers: dict[str, bytes] = {}
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []

    def input(self, name: str, shape: Sequence[int | str]) -> str:
        """A tensor of 32-bit floats that is given; a name in its shape stands for any length."""
        self._inputs.append(_value(name, shape))
        return name

    def output(self, name: str, shape: Sequence[int | str]) -> None:
        """Let the tensor of this name, of 32-bit floats, come out."""
        self._outputs.append(_value(name, shape))

    def number(self, name: str, values: NDArray[np.generic]) -> str:
        """A tensor (...) that is known: floats of 32 bits, bytes without a sign or whole numbers of 64 bits."""
        dims = b"".join(_whole(1, length) for length in values.shape)
        self._numbers[name] = dims + _whole(2, _TYPES[values.dtype]) + _text(8, name) + _bytes(9, values.tobytes())
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        domain: str = "",
        attributes: Mapping[str, int | float] | None = None,
    ) -> None:
        """What an operator makes of the inputs; an empty name is an input or output that is left out."""
        parts = [_text(1, name) for name in inputs] + [_text(2, name) for name in outputs] + [_text(4, operator)]
        parts += [_bytes(5, _attribute(name, value)) for name, value in (attributes or {}).items()]
        self._nodes.append(b"".join([*parts, _text(7, domain)]))

    def as_bytes(self) -> bytes:
        """The whole model."""
        parts = [_bytes(1, node) for node in self._nodes] + [_text(2, "graph")]
        parts += [_bytes(5, number) for number in self._numbers.values()]
        parts += [_bytes(11, value) for value in self._inputs] + [_bytes(12, value) for value in self._outputs]
        versions = [_bytes(8, _text(1, domain) + _whole(2, version)) for domain, version in OPERATORS.items()]
        return b"".join([_whole(1, IR_VERSION), _bytes(7, b"".join(parts)), *versions])


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = [_whole(1, length) if isinstance(length, int) else _text(2, length) for length in shape]
    tensor = _whole(1, _TYPES[np.dtype(np.float32)]) + _bytes(2, b"".join(_bytes(1, dim) for dim in dims))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, value: int | float) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _whole(3, value) + _whole(20, _OF_INT)
    return _text(1, name) + _varint(2 << 3 | _FLOAT) + struct.pack("<f", value) + _whole(20, _OF_FLOAT)


def _whole(field: int, value: int) -> bytes:
    return _varint(field << 3 | _WHOLE) + _varint(value % 2**64)


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that more come."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
