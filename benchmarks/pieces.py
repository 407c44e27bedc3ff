"""Write many pieces into a folder, the genres in turn, to be measured or heard by whatever reads MIDI.

    python benchmarks/pieces.py -o FOLDER [--pieces 120] [--bars 8 16 32 64] [--video FILE ...] [--control 0.7]
        [--checkpoint FILE] [--guidance G] [--seed 5000]

Without a video a piece lasts so many bars of 2 s. With videos each of them is scored in turn; it is looked at once, and
nobody listens to what is said in it. Every piece has a seed of its own. Beside it lies its report.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from cmt import Composer, GenerateConfig, Wishes, analyze
from cmt.music.words import Genre

SECONDS_PER_BAR = 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=120)
    parser.add_argument("--bars", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--video", type=Path, nargs="+", default=[])
    parser.add_argument("--control", type=float, default=GenerateConfig.control)
    parser.add_argument("--guidance", type=float, default=GenerateConfig.guidance)
    parser.add_argument("--nucleus", type=float, default=GenerateConfig.nucleus)
    parser.add_argument("--note-nucleus", type=float, default=GenerateConfig.note_nucleus)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--seed", type=int, default=5000)
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    composer = Composer(asked.checkpoint)
    rhythms = [analyze(video) for video in asked.video]
    for number in range(asked.pieces):
        genre = list(Genre)[number % len(Genre)]
        turn = number // len(Genre)
        rhythm = rhythms[turn % len(rhythms)] if rhythms else None
        bars = asked.bars[turn % len(asked.bars)]
        name = f"{number:03d}_{genre.label}_{asked.video[turn % len(rhythms)].stem if rhythms else bars}"
        if (asked.output / f"{name}.json").exists():
            continue
        config = GenerateConfig(
            control=asked.control,
            guidance=asked.guidance,
            nucleus=asked.nucleus,
            note_nucleus=asked.note_nucleus,
            seed=asked.seed + number,
        )
        wishes = Wishes(genre=genre, length=None if rhythm else bars * SECONDS_PER_BAR)
        piece = composer.compose(rhythm, wishes, config)
        piece.write_midi(asked.output / f"{name}.mid")
        report = json.dumps(piece.report.as_json(), indent=1)
        (asked.output / f"{name}.json").write_text(report, encoding="utf-8")
        print(name, flush=True)


if __name__ == "__main__":
    main()
