"""How fast training is: the attention by itself, the whole step beside the processor's matrix peak, and the loader.

    python benchmarks/train.py [--pack lpd5_16th_labelled.npz.xz] [--threads 1] [--rounds 3] [--longest 8192]

Three ways to multiply out causal attention, forward and backward, at lengths from 512: ours in chunks, the compiled
kernel of fast-transformers (where it is installed), and torch's causal softmax attention. They take turns within a
round, and the medians of the rounds are shown, so that a busy machine slows all alike. The matrix peak is what torch
reaches with large matrices in the same run. Without a pack the loader is left out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn import functional

from cmt.config import PRESETS, TrainConfig
from cmt.corpus.reading import read_corpus
from cmt.music.encoding import encode, timing_bins
from cmt.music.words import initial_words
from cmt.training.attention import attend_sequence
from cmt.training.collate import collate
from cmt.training.dataset import Example, batches
from cmt.training.model import MusicTransformer
from midi_io.song import Instrument, Note, Song

WORDS = 8192
"""Words multiplied out at once, whatever the length of the pieces."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--longest", type=int, default=8192)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.threads} thread(s) of {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}")
    attention(arguments.rounds, arguments.longest)
    whole_step(arguments.rounds)
    if arguments.pack is not None:
        loader(arguments.pack)


def attention(rounds: int, longest: int) -> None:
    """Thousand words a second, forward and backward, of one layer's attention: 3 heads of 64."""
    ways: dict[str, Callable] = {"ours, in chunks": lambda q, k, v: attend_sequence(q, k, v)[0]}
    if find_spec("fast_transformers"):
        ways["fast-transformers"] = lambda q, k, v: attend_sequence(q, k, v, "fast-transformers")[0]
    ways["torch, softmax"] = lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    print("\nattention, thousand words a second, forward and backward")
    print(f"{'length':>8}" + "".join(f"{name:>20}" for name in ways) + f"{'ours : best other':>20}")
    length = 512
    while length <= longest:
        tensors = [torch.randn(WORDS // length, 3, length, 64, requires_grad=True) for _ in range(3)]
        works = {name: partial(forward_and_backward, way, tensors) for name, way in ways.items()}
        seconds = in_turns(works, rounds)
        ours, *others = seconds.values()
        cells = "".join(f"{WORDS / each / 1000:20.1f}" for each in seconds.values())
        print(f"{length:8}{cells}{min(others) / ours:20.2f}")
        length *= 2


def forward_and_backward(way: Callable, tensors: list[torch.Tensor]) -> None:
    way(*tensors).sum().backward()


def whole_step(rounds: int) -> None:
    """The share of the matrix peak that a step of the small preset reaches."""
    torch.manual_seed(0)
    config = PRESETS["small"]
    model = MusicTransformer(config)
    batch = collate([piece(seed) for seed in range(3)], config)
    a, b = torch.randn(1536, 1536), torch.randn(1536, 1536)

    def step() -> None:
        model.zero_grad()
        torch.stack(list(model.losses(batch).values())).sum().backward()

    seconds = in_turns({"step": step, "matrices": lambda: a @ b}, rounds)
    n_word = int(batch.mask.sum())
    operations = 6 * n_word * weights_multiplied(model)
    peak = 2 * 1536**3 / seconds["matrices"]
    reached = operations / seconds["step"]
    print(f"\na step of {n_word} words: {n_word / seconds['step']:.0f} words a second")
    print(f"matrix peak {peak / 1e9:.0f} GFLOP/s, the step's matrices {reached / 1e9:.0f}: {reached / peak:.0%}")


def weights_multiplied(model: MusicTransformer) -> int:
    """Weights that each word is multiplied with; tables that are looked up are none."""
    return sum(m.weight.numel() for m in model.modules() if isinstance(m, torch.nn.Linear))


def loader(pack: Path) -> None:
    """Words a second from songs to batches, and how much of them is padding."""
    config = TrainConfig()
    stream = batches(read_corpus([pack], "train"), config)
    next(stream)
    start, n_word, n_cell = time.process_time(), 0, 0
    for _ in range(40):
        mask = collate(next(stream)[0], PRESETS["small"]).mask
        n_word += int(mask.sum())
        n_cell += mask.numel()
    seconds = time.process_time() - start
    print(f"loader: {n_word / seconds:.0f} words a second, {1 - n_word / n_cell:.1%} padding")


def in_turns(works: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """Median seconds of each, one after the other in every round; a first round warms up."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - start)
    return {name: median(seconds[1:]) for name, seconds in taken.items()}


def piece(seed: int, n_bar: int = 40) -> Example:
    """Notes at random, as many as songs have."""
    drawn = np.random.default_rng(seed).integers([0, 0, 40], [16 * n_bar, 5, 80], (15 * n_bar, 3)).tolist()
    notes = {(position, Instrument(track), pitch) for position, track, pitch in drawn}
    words = encode(Song.steady(tuple(Note(*note, 2) for note in notes), 120, 16 * n_bar))
    return Example(initial_words(tempo=120.0), words.fields, words.positions, timing_bins(words.positions, 16 * n_bar))


if __name__ == "__main__":
    main()
