"""Would another layer learn more in the same time than plain linear attention?

    python benchmarks/layers.py --pack lpd5_16th_labelled.npz.xz -o out/layers [--minutes 2] [--preset tiny] [--seeds 3]
        [--layer gated ...]

Networks that differ in their layer, each trained for the same time of one processor core. A `gated` head forgets: each
word says by what factor the head's sums so far shrink (a scalar gate, as in Mamba-2: Dao and Gu, ICML 2024; of the
kind of gated linear attention: Yang et al., ICML 2024). In a `window` network every second head is softmax attention
over the last 64 words, the others are plain (as in Based: Arora et al., ICML 2024). Both can be run word by word in
constant memory. They are here to be measured, and can only be trained: the decoder knows the plain layer alone.

Rows are layers; columns are the words that were read and nats per word on held-out excerpts, mean and range over
seeds. What is in the output folder already, trained as now, is not trained again.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import torch
from choices import of_seeds
from equal_time import Trial, base_config, final_losses, n_word_of, train_all
from torch import Tensor, nn
from torch.nn import functional

import cmt.training.model
from cmt.config import PRESETS, ModelConfig
from cmt.training.attention import CHUNK, attend_sequence, feature_map, normalised, with_ones

SLOWEST = 512.0
"""Words after which half is left of what the slowest gated head has heard, before it has learnt anything."""
FASTEST = 32.0
PLAIN = cmt.training.model.Layer


class GatedLayer(PLAIN):
    """Linear attention whose sums shrink at each word, by a factor that the word says for each head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.gate = nn.Parameter(torch.zeros(config.n_head, config.d_model))
        half_life = torch.logspace(math.log10(SLOWEST), math.log10(FASTEST), config.n_head)
        kept = torch.exp(-math.log(2.0) / half_life)
        self.gate_bias = nn.Parameter(torch.log(kept / (1 - kept)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, step, d_model) -> the same."""
        normed = self.norms[0](x) if self.pre_norm else x
        q, k, v = (part.transpose(1, 2).float() for part in self._heads(normed))
        log_kept = functional.logsigmoid(normed @ self.gate.T + self.gate_bias).transpose(1, 2)
        attended = normalised(gated_sums(feature_map(q), feature_map(k), with_ones(v), log_kept))
        return self._rest(x, attended.transpose(1, 2))


def gated_sums(queries: Tensor, keys: Tensor, values: Tensor, log_kept: Tensor) -> Tensor:
    """Sums of values weighted by queries times keys, (batch, head, step, size + 1).

    What step j adds counts at step i times the product of what is kept at j + 1 ... i; `log_kept` is (batch, head,
    step).
    """
    n_step = queries.shape[2]
    rest = -n_step % CHUNK
    q, k, v = (torch.unflatten(functional.pad(x, (0, 0, 0, rest)), 2, (-1, CHUNK)) for x in (queries, keys, values))
    kept = torch.unflatten(functional.pad(log_kept, (0, rest)), 2, (-1, CHUNK)).cumsum(-1)  # since the chunk began
    later = torch.ones(CHUNK, CHUNK, dtype=torch.bool, device=q.device).triu(1)
    decay = (kept.unsqueeze(-1) - kept.unsqueeze(-2)).masked_fill(later, -math.inf).exp()
    within = (q @ k.transpose(-1, -2) * decay) @ v
    per_chunk = (k * (kept[..., -1:] - kept).exp().unsqueeze(-1)).transpose(-1, -2) @ v
    of_chunk = kept[..., -1].cumsum(-1)  # (batch, head, chunk): since the piece began, to the end of each chunk
    n_chunk = of_chunk.shape[-1]
    not_before = torch.ones(n_chunk, n_chunk, dtype=torch.bool, device=q.device).triu(0)
    until_start = of_chunk - kept[..., -1]
    carried = (until_start.unsqueeze(-1) - of_chunk.unsqueeze(-2)).masked_fill(not_before, -math.inf).exp()
    state = (carried @ per_chunk.flatten(-2)).unflatten(-1, per_chunk.shape[-2:])
    before = (q * kept.exp().unsqueeze(-1)) @ state
    return (within + before).flatten(2, 3)[:, :, :n_step]


class WindowLayer(PLAIN):
    """Every second head is softmax attention over the last CHUNK words."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, step, d_model) -> the same."""
        parts = self._heads(self.norms[0](x) if self.pre_norm else x)
        plain = attend_sequence(*(part[:, :, ::2].transpose(1, 2) for part in parts))[0]
        window = window_attention(*(part[:, :, 1::2].transpose(1, 2) for part in parts))
        return self._rest(x, torch.cat([plain, window], dim=1).transpose(1, 2))


def window_attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Softmax attention (batch, head, step, size) of each step to itself and the CHUNK - 1 steps before it."""
    n_step = queries.shape[2]
    rest = -n_step % CHUNK
    q, k, v = (torch.unflatten(functional.pad(x, (0, 0, 0, rest)), 2, (-1, CHUNK)) for x in (queries, keys, values))
    both = [torch.cat([functional.pad(x, (0, 0, 0, 0, 1, 0))[:, :, :-1], x], dim=-2) for x in (k, v)]
    here = torch.arange(CHUNK, device=q.device).unsqueeze(1) + CHUNK
    there = torch.arange(2 * CHUNK, device=q.device)
    near = (there <= here) & (there > here - CHUNK)
    first = torch.arange(q.shape[2], device=q.device).view(-1, 1, 1) == 0
    seen = near & ~(first & (there < CHUNK))  # nothing lies before the first chunk
    attended = functional.scaled_dot_product_attention(q, both[0], both[1], attn_mask=seen)
    return attended.flatten(2, 3)[:, :, :n_step]


LAYERS = {"plain": PLAIN, "gated": GatedLayer, "window": WindowLayer}


def main() -> None:
    """Train the networks and print a row for each layer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, action="append", required=True)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--preset", choices=list(PRESETS), default="tiny")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--layer", action="append", choices=list(LAYERS))
    arguments = parser.parse_args()
    print("| | words | excerpts | of it, per note | worse than plain, by seed |")
    print("|---|---|---|---|---|")
    of_plain: list[float] = []
    for name in arguments.layer or LAYERS:
        cmt.training.model.Layer = LAYERS[name]  # type: ignore[misc]
        trials = [
            Trial(
                f"{name} {seed}",
                PRESETS[arguments.preset],
                replace(base_config(arguments.minutes), seed=seed),
            )
            for seed in range(arguments.seeds)
        ]
        train_all(trials, arguments.pack, arguments.output, arguments.minutes, jobs=1)
        losses = [final_losses(trial, arguments.pack, arguments.output) for trial in trials]
        words = [n_word_of(arguments.output / trial.folder) / 1e6 for trial in trials]
        totals = [loss["total"] for loss in losses]
        of_plain = of_plain or totals
        worse = ", ".join(f"{total - plain:+.3f}" for total, plain in zip(totals, of_plain, strict=True))
        cells = [of_seeds(words, 2) + " M", of_seeds(totals, 3), of_seeds([loss["note"] for loss in losses], 3), worse]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
