"""Make cmt/assets/silero_vad_16k.safetensors, the network that finds speech, and the licence beside it.

    pip download --no-deps silero-vad==6.2.3
    python data/make_speech_model.py silero_vad-6.2.3-py3-none-any.whl [-o cmt/assets]

It needs torch, which `cmt[train]` brings. The weights are those of the wheel's `silero_vad.jit` (MIT licence) for
16 kHz, unchanged; the SHA-256 of what is read and of what is written are checked. The wheel has a safetensors file
too, but with the weights of an older network: its answers differ from those of all the others by up to 0.6.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch
from safetensors.torch import save

from midi_io.whole_file import whole_file

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "cmt" / "assets"
MODEL, NOTICE = "silero_vad/data/silero_vad.jit", "silero_vad-6.2.3.dist-info/licenses/LICENSE"
MODEL_SHA256 = "e1122837f4154c511485fe0b9c64455f7b929c96fbb8d79fbdb336383ebd3720"
MADE_SHA256 = "e0379275ef934005f9155659a0c0ceb53367876c6d2a7f9cf7900615c58fd4a8"
NAMES = {
    "stft": "_model.stft.forward_basis_buffer",
    **{
        f"convolution{number}.{part}": f"_model.encoder.{number}.reparam_conv.{part}"
        for number in range(4)
        for part in ("weight", "bias")
    },
    **{f"lstm.{part}": f"_model.decoder.rnn.{part}" for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")},
    "last.weight": "_model.decoder.decoder.2.weight",
    "last.bias": "_model.decoder.decoder.2.bias",
}
"""What the tensors are called here and there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, metavar="WHEEL", help="silero_vad-6.2.3-py3-none-any.whl")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="the folder of the two files")
    options = parser.parse_args()
    try:
        with ZipFile(options.wheel) as wheel:
            model, notice = wheel.read(MODEL), wheel.read(NOTICE)
    except OSError as error:
        sys.exit(f"{options.wheel}: cannot be read: {error.strerror}")
    except (BadZipFile, KeyError):
        sys.exit(f"{options.wheel}: not the wheel of silero-vad 6.2.3")
    if hashlib.sha256(model).hexdigest() != MODEL_SHA256:
        sys.exit(f"{options.wheel}: its {MODEL} is not that of silero-vad 6.2.3")
    theirs = torch.jit.load(io.BytesIO(model)).state_dict()
    made = save({name: theirs[their_name].contiguous() for name, their_name in NAMES.items()})
    found = hashlib.sha256(made).hexdigest()
    for name, content in {"silero_vad_16k.safetensors": made, "silero_vad_LICENSE.txt": notice}.items():
        with whole_file(options.output / name) as unfinished:
            unfinished.write_bytes(content)
        print(f"wrote {options.output / name}: {len(content):,} bytes")
    if found != MADE_SHA256:
        sys.exit(f"the network's SHA-256 is {found}, not that of the one that ships")


if __name__ == "__main__":
    main()
