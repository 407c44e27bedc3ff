"""Print what plays in the songs of LPD-cleansed, by genre: programs, kits, roles, registers, velocities, doublings.

    python data/programs.py LPD --labels LABELS [--ids FILE] [--least 0.08]

LPD is a folder of pianorolls of LPD-cleansed in its own layout (A/B/C/TRABC.../md5.npz), whose tracks are still those
of the MIDI files, each with a program. LABELS holds the genre lists, tagtraum/id_list_Rock.txt and so on, FILE is
cleansed_ids.txt, the songs that each file was matched to. A file that lies there twice counts once. The tables are
those of docs/bands.md; it defines their columns.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmt.corpus.labels import read_labels
from cmt.music.words import Genre
from midi_io import Instrument
from midi_io.general_midi import instrument_of_program

FEWEST_NOTES = 16
"""A track of fewer notes, and a program with fewer in a song, is not counted."""
CHORDS_FROM = 1.5
"""A track plays chords if at least so many of its notes sound together on average while it sounds, else a line."""
DOUBLED_FROM = 0.7
"""Two tracks double each other if so many of the smaller one's onsets are the other's too, an octave off or not."""
N_PITCH = 128


@dataclass(frozen=True)
class Track:
    """A track of a file, one program, and the LPD-5 track that it is merged into."""

    instrument: Instrument
    program: int
    start: NDArray[np.int64]
    """The steps at which its notes begin (n_note,), a 24th of a beat each; they are sorted by pitch."""
    end: NDArray[np.int64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    together: float
    """How many of its notes sound at once, the mean over the steps at which any does."""

    @property
    def role(self) -> str:
        return "chords" if self.together >= CHORDS_FROM else "line"

    @property
    def onsets(self) -> set[tuple[int, int]]:
        """Steps and pitch classes."""
        return set(zip(self.start.tolist(), (self.pitch % 12).tolist(), strict=True))


@dataclass(frozen=True)
class RawSong:
    """What plays in one file."""

    path: Path
    genre: Genre | None
    tracks: tuple[Track, ...]

    def of(self, instrument: Instrument) -> list[Track]:
        return [track for track in self.tracks if track.instrument is instrument]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lpd", type=Path, metavar="LPD", help="folder of pianorolls of LPD-cleansed")
    parser.add_argument("--labels", type=Path, required=True, help="folder of genre lists")
    parser.add_argument("--ids", type=Path, help="cleansed_ids.txt")
    parser.add_argument("--least", type=float, default=0.08, help="leave out programs of a smaller share of the songs")
    asked = parser.parse_args()
    songs = read_songs(asked.lpd, asked.labels, asked.ids)
    print(f"{len(songs)} files, with a genre {sum(song.genre is not None for song in songs)}")
    groups: dict[str, list[RawSong]] = {genre.label: [song for song in songs if song.genre is genre] for genre in Genre}
    groups["all"] = songs
    print_programs(groups, asked.least)
    print_roles(groups)
    print_doublings(groups)


def read_songs(folder: Path, labels: Path, ids: Path | None) -> list[RawSong]:
    """Every file below the folder once, by its name, which is the md5 of its MIDI file."""
    lists = read_labels(labels)
    msd_ids: dict[str, list[str]] = defaultdict(list)
    for line in ids.read_text(encoding="ascii").splitlines() if ids else ():
        md5, _, msd_id = line.partition(" ")
        msd_ids[md5].append(msd_id.strip())
    paths: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(folder.rglob("*.npz")):
        paths[path.stem].append(path)
        msd_ids[path.stem].append(path.parent.name)
    if not paths:
        raise SystemExit(f"{folder}: has no .npz file; give the folder of LPD-cleansed")
    return [
        RawSong(same[0], lists.genre_of(name, msd_ids[name]), read_tracks(same[0]))
        for name, same in sorted(paths.items())
    ]


def read_tracks(path: Path) -> tuple[Track, ...]:
    """The tracks of a file that LPD-5 has a place for and that have notes enough."""
    tracks = []
    with np.load(path, allow_pickle=False) as archive:
        info = json.loads(archive["info.json"])
        for index in range(sum(key.isdigit() for key in info)):
            program, is_drum = int(info[str(index)]["program"]), bool(info[str(index)]["is_drum"])
            instrument = instrument_of_program(program, is_drum)
            if instrument is None:
                continue
            shape, indptr, indices, data = (
                archive[f"pianoroll_{index}_csc_{part}"] for part in ("shape", "indptr", "indices", "data")
            )
            roll = np.zeros((N_PITCH, int(shape[0]) + 2), np.int64)  # a silent step on either side
            roll[np.repeat(np.arange(N_PITCH), np.diff(indptr)), indices + 1] = data
            change = np.diff((roll > 0).astype(np.int8), axis=1)
            pitch, start = np.nonzero(change > 0)
            end = np.nonzero(change < 0)[1]  # the same order: pitch by pitch, run by run
            if len(start) < FEWEST_NOTES:
                continue
            sounding = (roll > 0).sum(axis=0)
            together = float(sounding[sounding > 0].mean())
            tracks.append(Track(instrument, program, start, end, pitch, roll[pitch, start + 1], together))
    return tuple(tracks)


def print_programs(groups: dict[str, list[RawSong]], least: float) -> None:
    """By genre and instrument: the share of songs that a program leads, plays in, and its share of the notes."""
    for instrument in Instrument:
        print(f"\n{instrument.label}: program, percent of the songs that it leads / plays in / of the notes")
        for label, songs in groups.items():
            playing = [song.of(instrument) for song in songs if song.of(instrument)]
            leads: Counter[int] = Counter()
            present: Counter[int] = Counter()
            share: dict[int, float] = defaultdict(float)
            for tracks in playing:
                notes = notes_by_program(tracks)
                leads[notes.most_common(1)[0][0]] += 1
                present.update(notes.keys())
                for program, count in notes.items():
                    share[program] += count / notes.total() / len(playing)  # every song weighs the same
            shown = [program for program, count in present.most_common() if count >= least * len(playing)]
            shown.sort(key=lambda program: -share[program])
            cells = [
                f"{program}: {percent(leads[program], playing)}/{percent(present[program], playing)}"
                f"/{100 * share[program]:.0f}"
                for program in shown
            ]
            print(f"{label:10} {len(playing):3} of {len(songs):3} songs  {'  '.join(cells)}")


def print_roles(groups: dict[str, list[RawSong]]) -> None:
    """By instrument, role and genre: how often, which programs, registers, velocities."""
    for instrument in (Instrument.STRINGS, Instrument.PIANO, Instrument.GUITAR, Instrument.BASS):
        for role in ("line", "chords"):
            print(
                f"\n{instrument.label}, {role}: % of its notes, pitch 10 % / median / 90 %, velocity, at once, programs"
            )
            for label, songs in groups.items():
                everything = [track for song in songs for track in song.of(instrument)]
                tracks = [track for track in everything if track.role == role]
                if not tracks:
                    print(f"{label:10} never")
                    continue
                share = sum(len(track.start) for track in tracks) / sum(len(track.start) for track in everything)
                pitch = np.concatenate([track.pitch for track in tracks])
                low, middle, high = np.quantile(pitch, [0.1, 0.5, 0.9])
                velocity = np.mean([track.velocity.mean() for track in tracks])
                together = np.mean([track.together for track in tracks])
                programs = Counter(track.program for track in tracks).most_common(8)
                names = " ".join(f"{program}:{percent(count, tracks)}" for program, count in programs)
                print(
                    f"{label:10} {100 * share:3.0f} %  {low:.0f} / {middle:.0f} / {high:.0f}  vel {velocity:.0f}  "
                    f"{together:.1f}  {len(tracks):3} tracks  {names}"
                )


def print_doublings(groups: dict[str, list[RawSong]]) -> None:
    """By genre and instrument: songs with several programs, and songs in which two tracks play the same."""
    print("\nof the songs in which it plays, % with two programs or more that have a tenth of its notes each /")
    print("% in which two of its tracks double each other / the pairs of programs that do so most")
    for instrument in Instrument:
        if instrument is Instrument.DRUMS:
            continue
        print(instrument.label)
        for label, songs in groups.items():
            playing = [song.of(instrument) for song in songs if song.of(instrument)]
            several = 0
            doubled = []
            for tracks in playing:
                notes = notes_by_program(tracks)
                several += sum(count >= 0.1 * notes.total() for count in notes.values()) > 1
                doubled.append(doublings(tracks))
            pairs = Counter(pair for found in doubled for pair in found).most_common(4)
            names = " ".join(f"{a}+{b}:{count}" for (a, b), count in pairs)
            print(f"{label:10} {percent(several, playing)} / {percent(sum(map(bool, doubled)), playing)}   {names}")


def doublings(tracks: Sequence[Track]) -> set[tuple[int, int]]:
    """The pairs of programs, the lower first, of tracks that double each other."""
    found = set()
    onsets = [track.onsets for track in tracks]
    for i, one in enumerate(onsets):
        for j, other in enumerate(onsets[:i]):
            if len(one & other) >= DOUBLED_FROM * min(len(one), len(other)):
                a, b = sorted((tracks[i].program, tracks[j].program))
                found.add((a, b))
    return found


def notes_by_program(tracks: Iterable[Track]) -> Counter[int]:
    notes: Counter[int] = Counter()
    for track in tracks:
        notes[track.program] += len(track.start)
    return notes


def percent(count: int, among: Sequence[object]) -> str:
    return f"{100 * count / max(len(among), 1):.0f}"


if __name__ == "__main__":
    main()
