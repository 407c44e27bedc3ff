"""From a corpus to batches: pieces cut out of its songs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cmt.config import TrainConfig
from cmt.corpus import Corpus, cut_notes
from cmt.encoding import encode_notes, timing_bins
from cmt.words import FREE, Genre, InitialWords, initial_words
from midi_io.song import POSITIONS_PER_BAR, Instrument


class Example(NamedTuple):
    """A piece, or a window of one, ready for the model; all (n_word, ...) arrays in step."""

    initial: InitialWords
    fields: np.ndarray
    positions: np.ndarray
    timing: np.ndarray


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
