"""Is the genre heard? For pieces of known genre, how often a listener that is not ours takes the sound for its genre.

    python benchmarks/genre_heard.py WHEEL PIECES [--reference FILE.npz] [--tags]
    python benchmarks/genre_heard.py WHEEL --make-reference FILE.npz --lpd LPD --labels LABELS --ids FILE
        --soundfont FONT [--most 16]

WHEEL is musicnn-0.1.0-py3-none-any.whl (`listener.py` says where it comes from). PIECES is a folder of WAV or MIDI
files whose names have their genre between underscores or alone, 004_pop_10.mid or metal3.wav; MIDI files are rendered
as `cmt render` does. `python benchmarks/pieces.py -o PIECES --pieces 60 --bars 10` writes such a folder.

**Reference.** Tags have very different base rates, so that each is measured from its mean, in its standard deviations,
over real songs: 12 s from the second third of LPD-cleansed's files, played by their own programs on a whole General
MIDI font, so many of each genre at most, each genre of the same weight. Nothing that is measured is among them.
Without a reference, means and deviations are those of the pieces themselves.

**tags** takes a piece for the genre whose tags lie highest on average; which tags mean which genre was settled before
anything was measured (`GENRE_TAGS`). **centroids** takes it for the genre whose mean over the reference is nearest,
in all 100 tags, whitened by the covariance within genres, half of it shrunk to the diagonal: a listener that has heard
General MIDI. Each is also asked about the reference itself (centroids without the song in question): no more can be
hoped for from pieces.

`chance` is the share when genres are dealt at random, and what 95 of 100 such deals stay below.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from listener import NAMES, Listener
from numpy.typing import NDArray

from cmt.music.words import Genre
from midi_io import MIDI_SUFFIXES, Instrument, read_midi, read_performance, render
from midi_io.synthesis import SAMPLE_RATE

sys.path.append(str(Path(__file__).parent.parent / "data"))
from programs import RawSong, read_songs  # what lies in LPD's raw files

GENRE_TAGS = {
    Genre.COUNTRY: ("MTT:country", "MSD:country", "MSD:folk"),
    Genre.DANCE: ("MTT:dance", "MSD:dance", "MSD:house", "MSD:party"),
    Genre.ELECTRONIC: ("MTT:electronic", "MTT:synth", "MSD:electronic", "MSD:electronica", "MSD:electro"),
    Genre.METAL: ("MTT:metal", "MSD:metal", "MSD:heavy metal"),
    Genre.POP: ("MTT:pop", "MSD:pop", "MSD:indie pop", "MSD:catchy"),
    Genre.ROCK: ("MTT:rock", "MSD:rock", "MSD:classic rock", "MSD:hard rock", "MSD:alternative rock"),
}
"""The tags that mean a genre."""
SECONDS = 12.0
SHRINKAGE = 0.5
N_DEAL = 2000
_GAIN, _REVERB_SEND, _REVERB, _DRUM_BANK = 0.2, 91, 40, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path, metavar="WHEEL")
    parser.add_argument("pieces", type=Path, metavar="PIECES", nargs="?")
    parser.add_argument("--reference", type=Path, help="what --make-reference wrote")
    parser.add_argument("--tags", action="store_true", help="print what each genre's pieces are in each tag")
    parser.add_argument("--solos", action="store_true", help="print which tags each instrument alone has")
    parser.add_argument("--make-reference", type=Path, metavar="FILE.npz")
    parser.add_argument("--lpd", type=Path, help="folder of LPD-cleansed, not merged to five tracks")
    parser.add_argument("--labels", type=Path, help="folder of LPD's genre lists")
    parser.add_argument("--ids", type=Path, help="LPD's cleansed_ids.txt")
    parser.add_argument("--soundfont", type=Path, help="a whole General MIDI font for the reference")
    parser.add_argument("--most", type=int, default=16, help="songs of a genre in the reference")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    listener = Listener(asked.wheel)
    if asked.make_reference:
        if not (asked.lpd and asked.labels and asked.soundfont):
            parser.error("--make-reference needs --lpd, --labels and --soundfont")
        songs = read_songs(asked.lpd, asked.labels, asked.ids)
        make_reference(asked.make_reference, songs, asked.soundfont, asked.most, listener)
    if asked.pieces is None:
        return
    paths = pieces_in(asked.pieces)
    if asked.solos:
        print_solos([path for path in paths if path.suffix in MIDI_SUFFIXES], listener)
        return
    heard = np.stack([listener.hear(*audio_of(path)) for path in paths])
    genres = np.array([genre_of(path) for path in paths])
    reference = load_reference(asked.reference) if asked.reference else None
    base, base_genres = reference or (heard, genres)
    print(f"{len(paths)} pieces, calibrated over {len(base)} {'songs of LPD' if reference else 'pieces, themselves'}")
    mean, deviation = balanced_moments(base, base_genres)
    scores = (heard - mean) / deviation
    if asked.tags:
        print_tags(scores, genres)
    print_listener("tags", by_tags(scores), genres)
    if reference:
        known = (base - mean) / deviation
        print_listener("centroids", by_centroids(scores, known, base_genres), genres)
        print("\nthe same listeners, asked about the reference")
        print_listener("tags", by_tags(known), base_genres)
        left_out = [by_centroids(known[[i]], *without(i, known, base_genres))[0] for i in range(len(known))]
        print_listener("centroids", np.array(left_out), base_genres)


def pieces_in(folder: Path) -> list[Path]:
    """The files of a folder that are sound or MIDI and whose name has a genre."""
    known = (".wav", *MIDI_SUFFIXES)
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in known and genre_of(path) is not None]
    if not paths:
        sys.exit(f"{folder}: has no .wav or .mid file with a genre in its name, such as 004_pop_10.mid")
    return paths


def genre_of(path: Path) -> Genre | None:
    """The genre in a file's name, else in its folder's."""
    for name in (path.stem, path.parent.name):
        for word in re.findall(r"[a-z]+", name.lower()):
            if word.upper() in Genre.__members__:
                return Genre[word.upper()]
    return None


def audio_of(path: Path) -> tuple[NDArray[np.floating], int]:
    """The samples of a WAV file of 16 bits, or of a MIDI file as we render it, and how many there are a second."""
    if path.suffix in MIDI_SUFFIXES:
        return render(read_performance(path)), SAMPLE_RATE
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            sys.exit(f"{path}: is not of 16 bits; write it anew")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return samples / 32768, file.getframerate()


def make_reference(target: Path, songs: Sequence[RawSong], font: Path, most: int, listener: Listener) -> None:
    """Write what the listener hears in real songs: `heard` (n_song, 100) and `genre` (n_song,)."""
    heard, genres = [], []
    for genre in Genre:
        for song in [song for song in songs if song.genre is genre][:most]:
            heard.append(listener.hear(play_excerpt(song, font), SAMPLE_RATE))
            genres.append(int(genre))
        print(f"{genre.label}: {genres.count(int(genre))} songs", flush=True)
    np.savez(target, heard=np.stack(heard), genre=np.array(genres), names=json.dumps(NAMES))


def load_reference(path: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    with np.load(path, allow_pickle=False) as archive:
        return archive["heard"], archive["genre"]


def play_excerpt(song: RawSong, font: Path) -> NDArray[np.float64]:
    """12 s of a raw song from its second third on, each track with its own program; shape (n_sample, 2)."""
    import fluidsynth

    with np.load(song.path, allow_pickle=False) as archive:
        tempo = np.ravel(archive["tempo"]).astype(float)
    last = max(int(track.end.max()) for track in song.tracks)
    tempo = np.r_[tempo, np.full(max(0, last + 1 - len(tempo)), tempo[-1])]
    seconds = np.r_[0.0, np.cumsum(60 / (24 * np.clip(tempo, 20, 400)))]
    begin = seconds[last] / 3
    synth = fluidsynth.Synth(
        gain=_GAIN, samplerate=SAMPLE_RATE, channels=64, **{"synth.chorus.active": 0, "synth.dynamic-sample-loading": 1}
    )
    number = synth.sfload(str(font))
    if number < 0:
        sys.exit(f"{font}: cannot be loaded; give a General MIDI SoundFont")
    events = []
    for channel, track in enumerate(song.tracks[:64]):
        bank = _DRUM_BANK if track.instrument is Instrument.DRUMS else 0
        if synth.program_select(channel, number, bank, track.program) != 0:
            synth.program_select(channel, number, bank, 0)
        synth.cc(channel, _REVERB_SEND, _REVERB)
        for start, end, pitch, velocity in zip(track.start, track.end, track.pitch, track.velocity, strict=True):
            on = seconds[start] - begin
            if 0 <= on < SECONDS:
                events.append((on, 1, channel, int(pitch), int(velocity)))
                events.append((seconds[end] - begin, 0, channel, int(pitch), 0))
    parts, done = [np.zeros(0, np.int16)], 0
    for when, is_on, channel, pitch, velocity in [*sorted(events), (SECONDS, 0, 0, 0, 0)]:
        sample = min(round(when * SAMPLE_RATE), round(SECONDS * SAMPLE_RATE))
        if sample > done:
            parts.append(synth.get_samples(sample - done))
            done = sample
        if is_on:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    synth.delete()
    return np.concatenate(parts).reshape(-1, 2) / 32768


def balanced_moments(
    heard: NDArray[np.float64], genres: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mean and the standard deviation of each tag, every genre of the same weight."""
    groups = [heard[genres == genre] for genre in np.unique(genres)]
    mean = np.mean([group.mean(axis=0) for group in groups], axis=0)
    return mean, np.sqrt(np.mean([((group - mean) ** 2).mean(axis=0) for group in groups], axis=0))


def by_tags(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The genre of each piece (n,) whose tags have the highest mean score."""
    columns = [[NAMES.index(tag) for tag in GENRE_TAGS[genre]] for genre in Genre]
    return np.argmax([scores[:, column].mean(axis=1) for column in columns], axis=0)


def by_centroids(
    scores: NDArray[np.float64], known: NDArray[np.float64], genres: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The genre of each piece (n,) whose mean in the reference is nearest, whitened by the spread within genres."""
    centres = np.stack([known[genres == genre].mean(axis=0) for genre in Genre])
    inner = known - centres[genres]
    covariance = inner.T @ inner / (len(known) - len(Genre))
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
    offsets = scores[:, np.newaxis] - centres
    distances = np.einsum("pgi,ij,pgj->pg", offsets, np.linalg.inv(covariance), offsets)
    return np.argmin(distances, axis=1)


def without(
    index: int, known: NDArray[np.float64], genres: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return np.delete(known, index, axis=0), np.delete(genres, index)


def print_listener(name: str, taken: NDArray[np.int64], genres: NDArray[np.int64]) -> None:
    """The share that is taken for its genre, chance, and what is taken for what in percent of each genre's pieces."""
    right = taken == genres
    shares = [right[genres == genre].mean() for genre in Genre if (genres == genre).any()]
    dealer = np.random.default_rng(0)
    deals = []
    for _ in range(N_DEAL):
        dealt = dealer.permutation(genres)
        deals.append(np.mean([(taken == dealt)[dealt == genre].mean() for genre in Genre if (dealt == genre).any()]))
    print(
        f"\n{name}: {np.mean(shares):.0%} taken for their genre, every genre of the same weight; "
        f"chance {np.mean(deals):.0%}, 95 of 100 deals below {np.quantile(deals, 0.95):.0%}"
    )
    print(f"{'% taken for':14}" + "".join(f"{genre.label:>11}" for genre in Genre) + "   pieces")
    for genre in Genre:
        own = taken[genres == genre]
        if len(own):
            cells = "".join(f"{100 * np.mean(own == other):11.0f}" for other in Genre)
            print(f"{genre.label:14}{cells}{len(own):9}")


def print_tags(scores: NDArray[np.float64], genres: NDArray[np.int64]) -> None:
    """The mean score of each genre's pieces in each tag that means a genre."""
    print(f"{'mean score':24}" + "".join(f"{genre.label:>11}" for genre in Genre))
    for tags in GENRE_TAGS.values():
        for tag in tags:
            column = scores[:, NAMES.index(tag)]
            print(f"{tag:24}" + "".join(f"{column[genres == genre].mean():11.1f}" for genre in Genre))


def print_solos(paths: Sequence[Path], listener: Listener) -> None:
    """For each instrument, over the pieces in which it has 16 notes, the tags with the highest mean probability."""
    for instrument in Instrument:
        solos = []
        for path in paths:
            song = read_midi(path)
            notes = [note for note in song.notes if note.instrument is instrument]
            if len(notes) >= 16:
                logits = listener.hear(render(song.with_notes(notes)), SAMPLE_RATE)
                solos.append(1 / (1 + np.exp(-logits)))
        if solos:
            mean = np.mean(solos, axis=0)
            highest = ", ".join(f"{NAMES[i]} {mean[i]:.2f}" for i in np.argsort(-mean)[:8])
            print(f"{instrument.label} ({len(solos)}): {highest}")


if __name__ == "__main__":
    main()
