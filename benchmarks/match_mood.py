"""Is the clip for which music was made found among others, by rhythm, by mood, by both? Validation by shuffling.

    cmt generate CLIPS -o MADE --midi-only --control 0.7 --seed 1
    python benchmarks/match_mood.py MADE

CLIPS is a folder of short videos, MADE has a MIDI file and a report of each. Each piece is held against every clip; the
rank of its own is 1 where no other fits better (equal ones count half). Printed for each score: the mean and the median
of the ranks, how often the own clip is first, and p: the share of 10,000 shufflings of which piece belongs to which
clip whose mean rank is as low or lower.

What a clip asks is read from its report, so that no video is looked at again. Of rhythm a report has what was ordered
of the music, which at control 0.7 is seven tenths of what the picture asks; so rhythm does better here than it may.
`no tempo` leaves out the term of tempo, which tells the clip by its grid: a library's pieces have no such tempo. The
scales are those of the mood's term beside rhythm.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.matching.moods import curve_in_bytes, mood_distances
from cmt.matching.score import (
    DENSITY_SCALE,
    STRENGTH_SCALE,
    TEMPO_SCALE,
    PieceBlock,
    part_played,
    rhythm_of_song,
    strength_asked,
)
from cmt.music.encoding import notes_of_song
from cmt.planning.mood_asked import Stretch, stretches_of
from cmt.report.report import Report
from midi_io import read_midi
from midi_io.song import Song

SCALES = (4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5)
N_SHUFFLE = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("made", type=Path)
    clips = [clip for path in sorted(parser.parse_args().made.glob("*.json")) if (clip := read_made(path))]
    shape = len(clips), len(clips)
    tempo, rhythm, arousal, valence = (np.zeros(shape) for _ in range(4))
    for row, clip in enumerate(clips):
        for column, piece in enumerate(clips):
            tempo[row, column] = (np.log2(clip.tempo / piece.block.tempo[0]) / TEMPO_SCALE) ** 2
            rhythm[row, column] = rhythm_distance(clip, piece.block)
            arousal[row, column], valence[row, column] = mood_distance(clip, piece.block)
    mood = arousal + valence
    print(f"{len(clips)} clips: the own one among {len(clips) - 1} others; chance {(len(clips) + 1) / 2:.1f}")
    print(f"{'by':24} {'mean':>5} {'median':>6} {'first':>5} {'p':>6}")
    told("tempo", tempo)
    told("rhythm", tempo + rhythm)
    told("rhythm, no tempo", rhythm)
    told("mood", mood)
    told("arousal", arousal)
    told("valence", valence)
    for scale in SCALES:
        told(f"both, scale {scale:g}", tempo + rhythm + mood / scale**2)
    for scale in SCALES:
        told(f"no tempo, scale {scale:g}", rhythm + mood / scale**2)


class Made(NamedTuple):
    """A clip, and the music that was made for it."""

    name: str
    tempo: float
    density: list[int | None]
    """The density that was ordered of each whole bar; None where it was left to the model."""
    strength: NDArray
    """(n_bar, 16) the strengths that were ordered, 0 where none was."""
    moods: tuple[Stretch, ...]
    block: PieceBlock


def read_made(path: Path) -> Made | None:
    """What a report says of a clip; None where it has no whole bar."""
    report = Report.from_json(json.loads(path.read_text(encoding="utf-8")), str(path))
    borders, tempo = np.array(report.grid.bar_borders), report.grid.tempo
    whole = np.flatnonzero(np.abs(np.diff(borders) - 240 / tempo) < 2.4 / tempo)
    if not len(whole) or not report.scenes:
        return None
    first, n_bar = int(whole[0]), len(whole)
    begins = [int(np.argmin(np.abs(borders[first : first + n_bar + 1] - scene.begin))) for scene in report.scenes]
    return Made(
        path.stem,
        tempo,
        list(report.asked.density[first : first + n_bar]),
        strength_asked(report.asked.simu_notes, first, n_bar),
        stretches_of(report.mood_per_bar[first : first + n_bar], begins),
        block_of(read_midi(path.with_suffix(".mid"))),
    )


def rhythm_distance(clip: Made, block: PieceBlock) -> float:
    """The terms of density and strength of a piece from its first bar on, where something was ordered of the clip's."""
    played = part_played(block, 0, 0, len(clip.density))
    off = [
        (own - asked) ** 2
        for own, asked in zip(played.density.astype(int), clip.density, strict=True)
        if asked is not None
    ]
    accents = np.square(played.strength - clip.strength)[clip.strength > 0]
    terms = (np.mean(off) / DENSITY_SCALE**2 if off else 0.0), (accents.mean() if len(accents) else 0.0)
    return float(terms[0] + terms[1] / STRENGTH_SCALE**2)


def block_of(song: Song) -> PieceBlock:
    """One piece."""
    density, strength = rhythm_of_song(song)
    mood = curve_in_bytes(notes_of_song(song), len(density), song.tempo)
    return PieceBlock(np.array([0, len(density)]), density, strength, mood, np.array([song.tempo], np.float32))


def mood_distance(clip: Made, block: PieceBlock) -> tuple[float, float]:
    """That of arousal, and that of valence by the clip's certainty."""
    start = np.zeros(1, dtype=np.int32)
    both = float(mood_distances(block.offsets, block.mood, start, clip.moods)[0])
    sure_of_none = [stretch._replace(certainty=0.0) for stretch in clip.moods]
    arousal = float(mood_distances(block.offsets, block.mood, start, sure_of_none)[0])
    return arousal, both - arousal


def told(name: str, table: NDArray) -> None:
    """Print one line for (clip, piece) distances."""
    own = ranks_if(table)
    ranks = own.diagonal()
    rng = np.random.default_rng(0)
    places = np.arange(len(table))
    shuffled = np.array([own[rng.permutation(places), places].mean() for _ in range(N_SHUFFLE)])
    p = (1 + np.count_nonzero(shuffled <= ranks.mean() + 1e-9)) / (1 + N_SHUFFLE)
    print(f"{name:24} {ranks.mean():5.2f} {np.median(ranks):6.1f} {np.count_nonzero(ranks == 1):5} {p:6.4f}")


def ranks_if(table: NDArray) -> NDArray:
    """(clip, piece) the rank of each clip among all for a piece."""
    below = (table[None] < table[:, None]).sum(axis=1)
    equal = (table[None] == table[:, None]).sum(axis=1) - 1
    return 1 + below + equal / 2


if __name__ == "__main__":
    main()
