"""From packs of songs to examples: the corpus in memory, and pieces cut out of its songs."""

from __future__ import annotations

import io
import json
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.config import TrainConfig
from cmt.encoding import NoteArrays, encode_notes, timing_bins
from cmt.errors import CmtError
from cmt.key import estimate_key, semitones_to_home
from cmt.words import FREE, Genre, InitialWords, Mode, initial_words
from midi_io.song import POSITIONS_PER_BAR, Instrument

_PACK_ARRAYS = ("offsets", "dt", "track", "pitch", "dur")


class SongInfo(NamedTuple):
    """What is known of a song beside its notes."""

    name: str
    """md5 of the file it came from."""
    genre: Genre | None
    mode: Mode
    tempo: float | None
    """BPM, or None where unknown."""
    semitones_home: int
    """The move, -6..5, that brings it to C major or A minor."""
    n_bar: int


class Example(NamedTuple):
    """A piece, or a window of one, ready for the model; all (n_word, ...) arrays in step."""

    initial: InitialWords
    fields: np.ndarray
    positions: np.ndarray
    timing: np.ndarray


@dataclass(frozen=True)
class Corpus:
    """Songs of one split, their notes joined into columns."""

    songs: tuple[SongInfo, ...]
    offsets: np.ndarray
    """(n_song + 1,) song i has the notes offsets[i]:offsets[i + 1]."""
    notes: NoteArrays
    """Positions count from each song's own start."""

    def notes_of(self, index: int) -> NoteArrays:
        """The notes of one song."""
        a, b = self.offsets[index], self.offsets[index + 1]
        return NoteArrays(*(column[a:b] for column in self.notes))


def read_packs(paths: list[Path], split: str) -> Corpus:
    """The songs of a split (`train`, `val`) of packs such as ``lpd5_16th_labelled.npz.xz``.

    Each pack has its list of songs beside it, ``songs_labelled.json.xz``.

    Raises
    ------
    CmtError
        If a file is missing or is no such pack, or if no song is in the split.
    """
    parts = [_read_pack(path, split) for path in paths]
    songs = tuple(song for part in parts for song in part.songs)
    if not songs:
        raise CmtError(f"no song of split {split!r} in {', '.join(map(str, paths))}")
    counts = np.concatenate([np.diff(part.offsets) for part in parts])
    notes = NoteArrays(*(np.concatenate(columns) for columns in zip(*(part.notes for part in parts), strict=True)))
    return Corpus(songs, np.r_[0, np.cumsum(counts)], notes)


def _read_pack(path: Path, split: str) -> Corpus:
    infos = _read_song_list(path)
    arrays = _read_arrays(path)
    offsets = arrays["offsets"]
    if len(infos) != len(offsets) - 1:
        raise CmtError(
            f"{path}: {len(offsets) - 1} songs, but {len(infos)} in its song list; they do not belong together"
        )
    chosen = [i for i, info in enumerate(infos) if info["split"] == split]
    songs, counts, columns = [], [0], []
    for i in chosen:
        a, b = offsets[i], offsets[i + 1]
        notes = NoteArrays(
            np.cumsum(arrays["dt"][a:b], dtype=np.int32), arrays["track"][a:b], arrays["pitch"][a:b], arrays["dur"][a:b]
        )
        songs.append(_song_info(infos[i], notes))
        columns.append(notes)
        counts.append(b - a)
    empty = NoteArrays(*(np.zeros(0, dtype=np.uint8) for _ in NoteArrays._fields))
    joined = NoteArrays(*(np.concatenate(c) for c in zip(*(columns or [empty]), strict=True)))
    return Corpus(tuple(songs), np.cumsum(counts), joined)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with lzma.open(path) as file:
            pack = np.load(io.BytesIO(file.read()), allow_pickle=False)
        return {name: pack[name] for name in _PACK_ARRAYS}
    except FileNotFoundError:
        raise CmtError(f"{path}: no such file") from None
    except (OSError, lzma.LZMAError, ValueError, KeyError, EOFError) as error:
        raise CmtError(f"{path}: not a pack of songs ({error})") from None


def _read_song_list(path: Path) -> list[dict]:
    list_path = path.with_name(path.name.replace("lpd5_16th_", "songs_").replace(".npz.xz", ".json.xz"))
    try:
        with lzma.open(list_path, "rt", encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        if not path.exists():
            raise CmtError(f"{path}: no such file; check the name") from None
        raise CmtError(f"{path}: its song list {list_path.name} is not beside it") from None
    except (OSError, lzma.LZMAError, ValueError, EOFError) as error:
        raise CmtError(f"{list_path}: not a list of songs ({error})") from None


def _song_info(info: dict, notes: NoteArrays) -> SongInfo:
    pitched = notes.instrument != Instrument.DRUMS
    histogram = np.bincount(notes.pitch[pitched] % 12, weights=notes.duration[pitched], minlength=12)
    key = estimate_key(histogram)
    return SongInfo(
        name=info["md5"],
        genre=Genre[info["genre"].upper()] if info.get("genre") else None,
        mode=key.mode,
        tempo=info.get("bpm"),
        semitones_home=semitones_to_home(key),
        n_bar=int(notes.position.max(initial=0)) // POSITIONS_PER_BAR + 1,
    )


def examples(corpus: Corpus, config: TrainConfig, rng: np.random.Generator) -> Iterator[Example]:
    """Endless examples, balanced over the genres, most of them short pieces.

    Videos last 5 to 120 seconds while songs last four minutes, so most examples are pieces cut
    out of a song, their timing and positions counted anew.
    """
    by_genre = [
        np.array([i for i, song in enumerate(corpus.songs) if song.genre == genre], dtype=np.int64) for genre in Genre
    ]
    by_genre = [indices for indices in by_genre if len(indices)]
    unlabelled = np.array([i for i, song in enumerate(corpus.songs) if song.genre is None], dtype=np.int64)
    while True:
        use_unlabelled = len(unlabelled) and (not by_genre or rng.random() < config.unlabelled_share)
        indices = unlabelled if use_unlabelled else by_genre[rng.integers(len(by_genre))]
        example = draw_example(corpus, int(rng.choice(indices)), config, rng)
        if example is not None:
            yield example


def draw_example(corpus: Corpus, index: int, config: TrainConfig, rng: np.random.Generator) -> Example | None:
    """A piece of song `index`, or a window of the whole song; None where it is mostly silent."""
    song = corpus.songs[index]
    if rng.random() < config.whole_song_share:
        return _example(corpus, index, 0, song.n_bar, config, rng)
    longest = min(config.max_bars, song.n_bar)
    shortest = min(config.min_bars, longest)
    n_bar = int(round(np.exp(rng.uniform(np.log(shortest), np.log(longest)))))
    place = rng.random()
    if place < 0.25:
        begin = 0
    elif place < 0.5:
        begin = song.n_bar - n_bar
    else:
        # Phrases begin every four bars more often than not.
        begin = int(rng.integers(song.n_bar - n_bar + 1)) // 4 * 4
    return _example(corpus, index, begin, n_bar, config, rng)


def _example(
    corpus: Corpus, index: int, begin: int, n_bar: int, config: TrainConfig, rng: np.random.Generator
) -> Example | None:
    song = corpus.songs[index]
    semitones = song.semitones_home if config.transpose == "home" else int(rng.integers(-6, 6))
    notes = cut_notes(corpus.notes_of(index), begin, n_bar, semitones)
    if len(np.unique(notes.position // POSITIONS_PER_BAR)) < 0.75 * n_bar:
        return None
    words = encode_notes(notes, n_bar)
    timing = timing_bins(words.positions, n_bar * POSITIONS_PER_BAR)
    present = tuple(Instrument(i) for i in np.unique(notes.instrument))
    mode = song.mode if config.transpose == "home" else None
    initial = _some_left_free(initial_words(song.genre, mode, song.tempo, present), config.free_share, rng)
    window = _window(words.positions, config.max_words, rng)
    return Example(initial, words.fields[window], words.positions[window], timing[window])


def cut_notes(notes: NoteArrays, begin: int, n_bar: int, semitones: int = 0) -> NoteArrays:
    """The notes that start in `n_bar` bars from bar `begin`, counted anew, all but the drums transposed."""
    a, b = np.searchsorted(notes.position, [begin * POSITIONS_PER_BAR, (begin + n_bar) * POSITIONS_PER_BAR])
    position, instrument, pitch, duration = (column[a:b].astype(np.int64) for column in notes)
    moved = pitch + semitones
    moved = np.where(moved < 0, moved + 12, np.where(moved > 127, moved - 12, moved))
    return NoteArrays(
        position - begin * POSITIONS_PER_BAR,
        instrument,
        np.where(instrument == Instrument.DRUMS, pitch, moved),
        duration,
    )


def _window(positions: np.ndarray, max_words: int, rng: np.random.Generator) -> slice:
    """All words, or where they are too many the first or the last of them, from a bar on."""
    if len(positions) <= max_words:
        return slice(None)
    if rng.random() < 0.5:
        return slice(max_words)
    bar = positions[len(positions) - max_words] // POSITIONS_PER_BAR + 1
    return slice(int(np.searchsorted(positions, bar * POSITIONS_PER_BAR)), None)


def _some_left_free(words: InitialWords, share: float, rng: np.random.Generator) -> InitialWords:
    freed = rng.random(len(words)) < share
    if rng.random() < share:
        freed[3:] = True  # all instruments at once: the user asked for none
    return InitialWords(*(FREE if free else word for word, free in zip(words, freed, strict=True)))


def batches(examples: Iterator[Example], words_per_step: int) -> Iterator[list[Example]]:
    """Examples of like length together, so that little of a batch is padding."""
    while True:
        pool: list[Example] = []
        while sum(len(example.timing) for example in pool) < 8 * words_per_step:
            pool.append(next(examples))
        pool.sort(key=lambda example: len(example.timing))
        groups = [[pool.pop()]]
        while pool:
            if len(groups[-1][0].timing) * (len(groups[-1]) + 1) > words_per_step:
                groups.append([])
            groups[-1].append(pool.pop())
        # Long batches must not always come first: shuffled by the words they hold, repeatably.
        order = np.random.default_rng(sum(len(group) * len(group[0].timing) for group in groups)).permutation(
            len(groups)
        )
        yield from (groups[i] for i in order)


def validation_examples(corpus: Corpus, config: TrainConfig) -> list[Example]:
    """The same pieces of the validation songs at every call, up to `validation_words` words."""
    rng = np.random.default_rng(12345)
    drawn: list[Example] = []
    n_word = 0
    while n_word < config.validation_words:
        for index in rng.permutation(len(corpus.songs)):
            example = draw_example(corpus, int(index), config, rng)
            if example is not None:
                drawn.append(example)
                n_word += len(example.timing)
            if n_word >= config.validation_words:
                break
    return drawn
