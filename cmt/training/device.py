"""What torch computes on, and how exactly: the device that is asked for, and bf16 where it can multiply that."""

from __future__ import annotations

from pathlib import Path

import torch

from cmt.errors import CmtError

AUTO = "auto"


def device_of(asked: str = AUTO, local_rank: int = 0, size: int = 1) -> torch.device:
    """The device that `asked` names: `auto`, `cpu`, `cuda`, or one of several such as `cuda:1`.

    `auto` is a GPU where there is one. Of `size` processes that train together, the one with `local_rank` gets the GPU
    of that number.

    Raises
    ------
    CmtError
        If it names no device of torch, or one that is not there.
    """
    n_gpu = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "cpu" or (asked == AUTO and not n_gpu):
        return torch.device("cpu")
    kind, _, number = asked.partition(":")
    if kind not in (AUTO, "cuda") or (number and not number.isdecimal()) or (kind == AUTO and number):
        raise CmtError(f"`device` {asked}: choose cpu, cuda, cuda:1 for the second GPU, or auto")
    if not n_gpu:
        raise CmtError(f"`device` {asked}: this torch finds no GPU; choose cpu or auto, or install torch with CUDA")
    if number and size > 1:
        raise CmtError(f"`device` {asked}: {size} processes train together, each on a GPU of its own; choose cuda")
    index = int(number) if number else local_rank
    if index >= n_gpu:
        raise CmtError(f"`device` {asked}: there is no GPU {index}, the last one is {n_gpu - 1}; choose another")
    return torch.device("cuda", index)


def check_precision(precision: str, device: torch.device) -> str:
    """What there is to warn of where a `precision` is asked for on a device; empty if nothing.

    Raises
    ------
    CmtError
        If it is bf16 and the GPU has none.
    """
    if precision != "bf16" or multiplies_bf16(device.type):
        return ""
    if device.type == "cuda":
        raise CmtError("`precision` bf16: this GPU does not multiply it; choose fp32")
    return "`precision` bf16: this processor has no instructions for it, torch does the same in software and slowly"


def autocast(device_type: str, precision: str) -> torch.autocast:
    """Let torch multiply in bf16 where that is asked for, or is `auto` and the hardware does it."""
    wanted = precision == "bf16" or (precision == AUTO and multiplies_bf16(device_type))
    return torch.autocast(device_type, dtype=torch.bfloat16, enabled=wanted)


def multiplies_bf16(device_type: str) -> bool:
    """Whether the hardware itself multiplies bf16."""
    if device_type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.backends.cpu.get_cpu_capability()
    cpu_flags = Path("/proc/cpuinfo")
    return "AVX512" in capabilities and cpu_flags.is_file() and "avx512_bf16" in cpu_flags.read_text()
