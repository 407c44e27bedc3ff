"""A model in one safetensors file: weights, configuration and where it came from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from cmt.config import ModelConfig
from cmt.errors import CmtError
from cmt.music.words import VOCABULARY_VERSION, CompoundWord
from cmt.network.decoder import Decoder
from midi_io.input_file import json_in, opened
from midi_io.limits import MOST_CHECKPOINT_BYTES, MOST_HEADER_BYTES
from midi_io.whole_file import whole_file

_METADATA = "cmt"


Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Checkpoint:
    """A network and what is known about it."""

    decoder: Decoder
    sha256: str
    """The file's hash."""
    provenance: Mapping[str, object] = field(default_factory=dict)
    """Facts about its training: words seen, losses, data."""


def default_checkpoint() -> Path:
    """The checkpoint that comes with the package."""
    return Path(str(resources.files("cmt") / "assets" / "small.safetensors"))


def save_checkpoint(config: ModelConfig, weights: Tensors, path: Path, provenance: Mapping[str, object]) -> None:
    """Write the configuration and the weights, in half precision; never half a file.

    `weights` are arrays by name, of the shapes that `cmt.network.weights.weight_shapes` gives.

    Raises
    ------
    CmtError
        If the file cannot be written.
    """
    description = {"vocabulary": VOCABULARY_VERSION, "model": asdict(config), "provenance": provenance}
    save_tensors({name: weight.astype(np.float16) for name, weight in weights.items()}, description, path)


def save_tensors(tensors: Tensors, description: Mapping[str, object], path: Path) -> None:
    """Write tensors, arrays (...) by name, and a description as JSON into one safetensors file, renamed into place.

    Raises
    ------
    CmtError
        If the file cannot be written.
    """
    with whole_file(path) as unfinished:
        # Not by save_file, whose files only their owner may read, whatever the umask.
        unfinished.write_bytes(save(tensors, metadata={_METADATA: json.dumps(description)}))


def load_tensors(path: Path, otherwise: str = "leave `checkpoint` out") -> tuple[Tensors, dict[str, Any]]:
    """The tensors, arrays (...) by name, and the description that `save_tensors` wrote.

    Parameters
    ----------
    otherwise
        What to do where it cannot be read, other than to give another one; the message ends with it.

    Raises
    ------
    CmtError
        If the file is missing, damaged, or no checkpoint of ours.
    """
    if not path.exists():
        raise CmtError(f"{path}: no such checkpoint; check the name, or {otherwise}")
    _check_header(path, otherwise)
    try:
        with safe_open(path, framework="numpy") as file:
            description = json_in((file.metadata() or {})[_METADATA])
            if not isinstance(description, dict) or not isinstance(description.get("provenance", {}), dict):
                raise ValueError("no description")
            return {name: file.get_tensor(name) for name in file.keys()}, description  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError):  # bfloat16 is a TypeError
        raise _damaged(path, otherwise) from None


def _damaged(path: Path, otherwise: str) -> CmtError:
    return CmtError(f"{path}: damaged, or not a checkpoint of cmt; train one or {otherwise}")


def _check_header(path: Path, otherwise: str) -> None:
    """Raise a CmtError for a file, or a header, that asks for more memory than any of ours."""
    with opened(path) as file:
        size = int.from_bytes(file.read(8), "little")
        whole = file.seek(0, os.SEEK_END)  # a file may claim gigabytes that no disk holds
    if whole > MOST_CHECKPOINT_BYTES:
        raise CmtError(f"{path}: is larger than {MOST_CHECKPOINT_BYTES / 2**30:g} GiB, the most that is read; check it")
    if size > MOST_HEADER_BYTES:
        raise _damaged(path, otherwise)


def sha256_of_file(path: Path) -> str:
    """The hash of a file, however large."""
    digest = hashlib.sha256()
    with opened(path) as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def load_checkpoint(path: Path | None = None) -> Checkpoint:
    """The model in `path`, or the one that comes with the package, ready to generate.

    Raises
    ------
    CmtError
        If the file is missing, damaged, or was trained on other words.
    """
    path = default_checkpoint() if path is None else path
    tensors, description = load_tensors(path)
    if "planner" in description:
        raise CmtError(f"{path}: a planner, which writes lead sheets; give a checkpoint that writes notes")
    version = description.get("vocabulary")
    if version != VOCABULARY_VERSION:
        raise CmtError(f"{path}: made for vocabulary {version}, this is vocabulary {VOCABULARY_VERSION}; train it anew")
    try:
        decoder = Decoder(config_from(description["model"]), tensors)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, ArithmeticError) as error:
        raise CmtError(f"{path}: its weights do not fit its configuration ({error})") from None
    return Checkpoint(decoder, sha256_of_file(path), description.get("provenance", {}))


def config_from(description: dict[str, Any]) -> ModelConfig:
    """The configuration that was written as JSON.

    Raises
    ------
    TypeError, ValueError, KeyError
        If it is none.
    """
    sequences = {
        "embedding_sizes": CompoundWord(*description["embedding_sizes"]),
        "echo_bars": tuple(description.get("echo_bars", ())),
        "left_out": tuple(description.get("left_out", ())),
    }
    config = ModelConfig(**{**description, **sequences})
    for name, value in vars(config).items():
        kinds: tuple[type, ...] = (type(getattr(ModelConfig, name)), int)
        if name in sequences:
            kinds = (str,) if name == "left_out" else (int,)
        if not all(isinstance(one, kinds) for one in (value if name in sequences else [value])):
            raise TypeError(f"{name} is {value!r}")
    return config
