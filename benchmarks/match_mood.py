"""Is the clip for which music was made found among others, by rhythm, by mood, by both? Validation by shuffling.

    cmt generate CLIPS -o MADE --midi-only --control 0.7 --seed 1
    python benchmarks/match_mood.py CLIPS MADE [--values FILE]

CLIPS is a folder of short videos, MADE one with a MIDI file of the same name for each. Each piece is held against
every clip; the rank of its own is 1 where no other fits better (equal ones count half). Printed for each score: the
mean and the median of the ranks, how often the own clip is first, and p: the share of 10,000 shufflings of which piece
belongs to which clip whose mean rank is as low or lower. `no tempo` leaves out the term of tempo, which tells the clip
by its grid; a library's pieces have no such tempo. The scales are those of the mood's term beside rhythm.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.matching.moods import curve_in_bytes, mood_distances
from cmt.matching.score import (
    TEMPO_SCALE,
    PieceBlock,
    VideoDemand,
    demand_of_video,
    rhythm_of_song,
    score_pieces,
)
from cmt.music.encoding import notes_of_song
from midi_io import read_midi
from midi_io.song import Song
from video_rhythm import analyze

SCALES = (4.0, 3.0, 2.0, 1.5, 1.0, 0.7, 0.5)
N_SHUFFLE = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("made", type=Path)
    parser.add_argument("--values", type=Path, help="keep the terms in this .npz file, or take them from there")
    options = parser.parse_args()
    if options.values and options.values.exists():
        terms = dict(np.load(options.values))
    else:
        terms = terms_of(options.clips, options.made)
        if options.values:
            np.savez(options.values, **terms)
    rhythm, tempo, arousal, valence = (terms[name] for name in ("rhythm", "tempo", "arousal", "valence"))
    mood, n_clip = arousal + valence, len(rhythm)
    for name, asked, heard in zip(terms["names"], terms["asked"], terms["heard"], strict=True):
        print(f"{name:40} arousal {asked[0]:+.2f} heard {heard[0]:+.2f}, valence {asked[1]:+.2f} heard {heard[1]:+.2f}")
    print(f"{n_clip} clips, a piece for each: the own clip among {n_clip - 1} others; chance {(n_clip + 1) / 2:.1f}")
    print(f"{'by':24} {'mean':>5} {'median':>6} {'first':>5} {'p':>6}")
    told("rhythm", rhythm)
    told("rhythm, no tempo", rhythm - tempo)
    told("mood", mood)
    told("arousal", arousal)
    told("valence", valence)
    for scale in SCALES:
        told(f"both, scale {scale:g}", rhythm + mood / scale**2)
    for scale in SCALES:
        told(f"no tempo, scale {scale:g}", rhythm - tempo + mood / scale**2)


def terms_of(clips: Path, made: Path) -> dict[str, NDArray]:
    """(clip, piece) terms of rhythm and the mood's distances, and (clip, 2) means of arousal and valence."""
    names, demands, songs = [], [], []
    for clip in sorted(clips.iterdir()):
        midi = made / f"{clip.stem}.mid"
        if not midi.exists():
            continue
        try:
            demand = demand_of_video(analyze(clip))
        except CmtError as error:
            print(f"left out: {error}")
            continue
        names.append(clip.stem)
        demands.append(demand)
        songs.append(read_midi(midi))
    blocks = [block_of(song) for song in songs]
    shape = len(names), len(names)
    rhythm, tempo, arousal, valence = (np.zeros(shape) for _ in range(4))
    for row, demand in enumerate(demands):
        for column, block in enumerate(blocks):
            score, start = score_pieces(block, demand._replace(moods=()))
            rhythm[row, column] = 1 / score[0] - 1
            tempo[row, column] = (np.log2(demand.tempo / block.tempo[0]) / TEMPO_SCALE) ** 2
            arousal[row, column] = distance(block, start, demand, certainty=0.0)
            valence[row, column] = distance(block, start, demand) - arousal[row, column]
    asked = [np.mean([(s.arousal, s.valence) for s in demand.moods], axis=0) for demand in demands]
    heard = [(block.mood[:, ::-1].mean(axis=0) - 127) / 127 for block in blocks]
    return {
        "names": np.array(names),
        "rhythm": rhythm,
        "tempo": tempo,
        "arousal": arousal,
        "valence": valence,
        "asked": np.array(asked),
        "heard": np.array(heard),
    }


def block_of(song: Song) -> PieceBlock:
    """One piece."""
    density, strength = rhythm_of_song(song)
    mood = curve_in_bytes(notes_of_song(song), len(density), song.tempo)
    return PieceBlock(np.array([0, len(density)]), density, strength, mood, np.array([song.tempo], np.float32))


def distance(block: PieceBlock, start: NDArray, demand: VideoDemand, certainty: float | None = None) -> float:
    """The mood's, with the demand's own certainties or with another one."""
    moods = [s if certainty is None else s._replace(certainty=certainty) for s in demand.moods]
    return float(mood_distances(block.offsets, block.mood, start, moods)[0])


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
