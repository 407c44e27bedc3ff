"""Examples side by side, as tensors that the network reads."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cmt.config import ModelConfig
from cmt.music.cues import cues_of_words
from cmt.music.lead_sheet import empty_sheet
from cmt.music.words import FIELDS
from cmt.network.echo import agreement, echoes, planned_echoes
from cmt.training.dataset import Example
from cmt.training.model import Batch
from midi_io.song import POSITIONS_PER_BAR


def collate(drawn: list[Example], config: ModelConfig, device: torch.device | str = "cpu") -> Batch:
    """Examples as tensors, padded at their ends; what the network shall not know of is 0."""
    for name in config.left_out:
        drawn = [_without(name, example) for example in drawn]
    longest = max(len(example.timing) for example in drawn)

    def padded(arrays: list[np.ndarray], dtype: type = np.int64) -> Tensor:
        out = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), dtype)
        for row, array in zip(out, arrays, strict=True):
            row[: len(array)] = array
        return torch.from_numpy(out).to(device)

    echo = [echoes(example.fields, example.positions, config.echo_bars) for example in drawn]
    planned, cues, sounding = zip(*map(_told, drawn), strict=True) if config.cues else ((), (), ())
    lengths = torch.tensor([len(example.timing) for example in drawn])
    return Batch(
        torch.tensor([example.initial for example in drawn], device=device),
        padded([example.fields for example in drawn]),
        padded([example.positions for example in drawn]),
        padded([example.timing for example in drawn]),
        padded(echo),
        padded([agreement(example.fields, e) for example, e in zip(drawn, echo, strict=True)], np.float32),
        (torch.arange(longest)[None] < lengths[:, None]).to(device),
        *(
            (
                padded([its.astype(np.int64) for its in planned]),
                padded([agreement(example.fields, e) for example, e in zip(drawn, planned, strict=True)], np.float32),
                padded(list(cues)),
                padded(list(sounding), np.float32),
            )
            if config.cues
            else ()
        ),
    )


def _told(example: Example) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Planned echoes (n_word, 1), cues (n_word, cue) and what sounds (n_word, 12)."""
    n_bar = int(example.positions.max(initial=0)) // POSITIONS_PER_BAR + 1
    sheet = example.sheet or empty_sheet(n_bar)
    cues, sounding = cues_of_words(example.fields, example.positions, sheet)
    return planned_echoes(example.fields, example.positions, sheet.lags), cues, sounding


def _without(name: str, example: Example) -> Example:
    if name == "timing":
        return example._replace(timing=np.zeros_like(example.timing))
    fields = example.fields.copy()
    fields[:, FIELDS.index(name)] = 0
    return example._replace(fields=fields)
