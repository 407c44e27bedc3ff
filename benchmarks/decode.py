"""What a word costs: ours beside the ways of others, and what it does to the cost when there are more takes or minutes.

    python benchmarks/decode.py [--checkpoint FILE] [--what ways,bandwidth,takes,minutes] [--minutes 1 10]

    ways       one more word after 500 and after 1500 others: by our state, by running the whole prefix again as the
               paper's release does (`cmt.training.model`, torch), and by fast-transformers' recurrent form where it is
               installed (untrained: only its sizes count)
    bandwidth  bytes of weights that go through the processor in a second, beside what it can read in a second
    takes      1, 2, 4, 8, 16 takes side by side, guidance and rules included
    minutes    seconds and memory by minutes of music, each length in a process of its own; density and pitch entropy
               by minute

All on one thread, in seconds of the processor. What is compared goes by turns in one process and the lower quartile
counts, for the sake of machines that do other things beside; 16 words make a turn.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from cmt.config import GenerateConfig
from cmt.metrics import onsets, pitch_class_entropy
from cmt.music.words import BAR, CompoundWord, Genre, InitialWords, WordType
from cmt.network.checkpoint import default_checkpoint, load_checkpoint, load_tensors
from cmt.network.decoder import Decoder
from cmt.network.planner import load_planner
from cmt.soundtrack.composing import Take, write_songs
from cmt.soundtrack.sampling import SampleWishes, plan_of_song
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

TEMPO = 120.0
BARS_PER_MINUTE = 30
PREFIXES = (500, 1500)
TURN = 16
MIXED_WORD = CompoundWord(WordType.RHYTHM, BAR, 9, 0, 0, 0, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--what", default="ways,bandwidth,takes,minutes")
    parser.add_argument("--minutes", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--guidance", type=float, default=GenerateConfig.guidance)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--in-this-process", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    model = load_checkpoint(arguments.checkpoint).decoder
    if arguments.in_this_process:
        write_minutes(model, arguments.in_this_process, arguments.guidance)
        return
    with threadpool_limits(1):
        for what in arguments.what.split(","):
            if what == "ways":
                compare_ways(model, arguments.checkpoint, arguments.rounds)
            elif what == "bandwidth":
                compare_with_bandwidth(model, arguments.rounds)
            elif what == "takes":
                compare_takes(model, arguments.guidance)
            elif what == "minutes":
                compare_minutes(arguments)
            else:
                parser.error(f"{what}: choose from ways, bandwidth, takes, minutes")


def compare_ways(model: Decoder, checkpoint: Path | None, rounds: int) -> None:
    for n_word in PREFIXES:
        ways: dict[str, Callable[[], int]] = {"ours": one_more_word(model, n_word, 1)}
        ways["the prefix again"] = prefix_again(model, checkpoint, n_word)
        try:
            ways["fast-transformers"] = fast_transformers_step(model, n_word)
        except ImportError:
            print("fast-transformers is not installed")
        seconds = by_turns(ways, rounds)
        for way, its in seconds.items():
            print(
                f"after {n_word:4} words  {way:18} {1 / its:8.1f} words a second, "
                f"{its / seconds['ours']:6.2f} times as long as ours"
            )


def one_more_word(model: Decoder, n_word: int, n_row: int) -> Callable[[], int]:
    state = model.new_state(n_row)
    model.start([InitialWords()] * n_row, state)

    def steps() -> int:
        for _ in range(TURN):
            model.step([MIXED_WORD] * n_row, [16] * n_row, [50] * n_row, state)
        return TURN

    for _ in range(n_word // TURN):
        steps()
    return steps


def prefix_again(model: Decoder, checkpoint: Path | None, n_word: int) -> Callable[[], int]:
    import torch

    from cmt.training.collate import collate
    from cmt.training.dataset import Example
    from cmt.training.model import MusicTransformer

    torch.set_num_threads(1)
    network = MusicTransformer(model.config).eval()
    tensors, _ = load_tensors(checkpoint or default_checkpoint())
    network.load_state_dict({name: torch.from_numpy(weight.astype(np.float32)) for name, weight in tensors.items()})
    words = np.full(n_word + 1, 1)[:, None] * np.array(MIXED_WORD)
    example = Example(InitialWords(), words, np.full(n_word + 1, 16), np.full(n_word + 1, 50))
    batch = collate([example], model.config)

    def run() -> int:
        with torch.inference_mode():
            network.hidden(batch)
        return 1

    return run


def fast_transformers_step(model: Decoder, n_word: int) -> Callable[[], int]:
    import torch
    from fast_transformers.builders import RecurrentEncoderBuilder

    config = model.config
    size = config.d_model // config.n_head
    encoder = RecurrentEncoderBuilder.from_kwargs(
        n_layers=config.n_layer,
        n_heads=config.n_head,
        query_dimensions=size,
        value_dimensions=size,
        feed_forward_dimensions=config.d_feed_forward,
        activation="gelu",
        attention_type="causal-linear",
    ).get()
    encoder.eval()
    x = torch.randn(1, config.d_model)
    state = None

    def steps() -> int:
        nonlocal state
        with torch.inference_mode():
            for _ in range(TURN):
                _, state = encoder(x, state)
        return TURN

    for _ in range(n_word // TURN):
        steps()
    return steps


def compare_with_bandwidth(model: Decoder, rounds: int) -> None:
    """The reading is a scalar product, the fastest reader that NumPy has."""
    same_size = np.ones(model.n_bytes // 8, np.float32), np.ones(model.n_bytes // 8, np.float32)
    large = np.ones(2**25, np.float32), np.ones(2**25, np.float32)
    ways = {
        "one row": one_more_word(model, 0, 1),
        "two rows": one_more_word(model, 0, 2),
        "as many bytes": lambda: read(*same_size),
    }
    seconds = by_turns(ways, rounds)
    seconds["memory"] = by_turns({"memory": lambda: read(*large)}, 9)["memory"] * model.n_bytes / 2**28
    speeds = {way: model.n_bytes / its / 1e9 for way, its in seconds.items()}
    print(f"{model.n_bytes / 1e6:.1f} MB of weights a word")
    print(f"read from memory          {speeds['memory']:6.1f} GB/s (256 MiB)")
    print(f"read again and again      {speeds['as many bytes']:6.1f} GB/s (as many bytes as the weights)")
    for way in ("one row", "two rows"):
        print(
            f"decoding, {way:15} {speeds[way]:6.1f} GB/s, {speeds[way] / speeds['memory']:.0%} of memory's, "
            f"{speeds[way] / speeds['as many bytes']:.0%} of that again and again; "
            f"{1 / seconds[way]:.0f} words a second"
        )


def read(first: np.ndarray, second: np.ndarray) -> int:
    np.dot(first, second)
    return 1


def compare_takes(model: Decoder, guidance: float) -> None:
    ways = {str(n): takes_writer(model, guidance, n) for n in (1, 2, 4, 8, 16)}
    seconds = by_turns(ways, 3)
    for n, its in seconds.items():
        print(f"{n:>2} takes  {1 / its:6.0f} words a second, {its / seconds['1']:.2f} of the time of one take by word")


def takes_writer(model: Decoder, guidance: float, n: int) -> Callable[[], int]:
    return lambda: sum(len(take.piece.words.fields) for take in takes(model, guidance, 2, range(n)))


def takes(model: Decoder, guidance: float, n_bar: int, seeds: Sequence[int]) -> list[Take]:
    """Pieces without a video, side by side, under lead sheets of the shipped planner's."""
    config = GenerateConfig(guidance=guidance, control=0.0)
    plan = plan_of_song(SampleWishes((Genre.POP,), tempo=TEMPO, bars=n_bar, instruments=tuple(Instrument)), config)
    return write_songs(model, load_planner().planner, [plan] * len(seeds), config, seeds)


def compare_minutes(arguments: argparse.Namespace) -> None:
    for minutes in arguments.minutes:
        command = [sys.executable, __file__, "--in-this-process", str(minutes), "--guidance", str(arguments.guidance)]
        command += ["--checkpoint", str(arguments.checkpoint)] if arguments.checkpoint else []
        subprocess.run(command, check=True)


def write_minutes(model: Decoder, minutes: int, guidance: float) -> None:
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    piece = takes(model, guidance, minutes * BARS_PER_MINUTE, [1])[0].piece
    seconds = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    n_word = len(piece.words.fields)
    print(
        f"{minutes:3} minutes  {seconds:7.1f} s, {1e3 * seconds / n_word:.2f} ms a word, {n_word} words; "
        f"{after / 1024:.0f} MiB at the peak, {(after - before) / 1024:.0f} MiB of them for the piece"
    )
    if minutes > 1:
        by_minute = [minute_of(piece.song, minute) for minute in range(minutes)]
        print(
            "  positions played a bar, by minute: " + " ".join(f"{onsets(m).sum(axis=1).mean():.1f}" for m in by_minute)
        )
        print(
            "  pitch-class entropy in bits:       "
            + " ".join(f"{pitch_class_entropy(m, 1).value:.2f}" for m in by_minute)
        )


def minute_of(song: Song, minute: int) -> Song:
    begin = minute * BARS_PER_MINUTE * POSITIONS_PER_BAR
    length = BARS_PER_MINUTE * POSITIONS_PER_BAR
    notes = [note._replace(position=note.position - begin) for note in song.notes]
    return Song.steady(tuple(note for note in notes if 0 <= note.position < length), TEMPO, length)


def by_turns(ways: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, float]:
    """Seconds for each of the things that a way says it has done: the lower quartile of as many turns."""
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, run in ways.items():
            start = time.thread_time()
            n = run()
            seconds[way].append((time.thread_time() - start) / n)
    return {way: float(np.quantile(its, 0.25)) for way, its in seconds.items()}


if __name__ == "__main__":
    main()
