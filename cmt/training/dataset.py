"""From a corpus to batches: pieces cut out of its songs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from cmt.config import SheetKind, TrainConfig
from cmt.corpus.songs import Corpus, SongInfo, cut_notes
from cmt.metrics.mood import shipped_estimator
from cmt.music.encoding import NoteArrays, encode_notes, timing_bins
from cmt.music.lead_sheet import LeadSheet, empty_sheet, sheet_of
from cmt.music.words import FREE, INSTRUMENT_WORDS, Genre, InitialWords, initial_words
from midi_io.song import POSITIONS_PER_BAR, Instrument

BARS_OF_PHRASE = 4
LEAST_SOUNDING = 0.75
"""Something must start in at least this share of a piece's bars; other pieces are no examples."""
_TWO_PHRASES = 2 * BARS_OF_PHRASE
_POOL_BATCHES = 32
_TRIES = 8
_LIKE_TEMPO = 0.1


class Example(NamedTuple):
    """A piece, or a window of one, ready for the model; all (n_word, ...) arrays in step."""

    initial: InitialWords
    fields: np.ndarray
    positions: np.ndarray
    timing: np.ndarray
    sheet: LeadSheet | None = None
    """The sheet of the whole piece; None tells nothing."""


AnyExample = TypeVar("AnyExample")


class Piece(NamedTuple):
    """What an example is made of, all of it known."""

    notes: NoteArrays
    n_bar: int
    initial: InitialWords


class Place(NamedTuple):
    """A process's place in its endless examples: enough to go on with the very next batch."""

    pool: int = 0
    """The number of pools of examples that were used up."""
    batch: int = 0
    """The number of batches of the present pool that were used up."""


START = Place()


def batches(
    corpus: Corpus, config: TrainConfig, place: Place = START, rank: int = 0
) -> Iterator[tuple[list[Example], Place]]:
    """Endless batches, each with the place to go on from behind it.

    A pool of examples is drawn by a generator of its own, seeded by seed, rank and number, so that what comes
    after a place is the same in an unbroken training and in a resumed one. Examples of like length go
    together: little of a batch is padding.
    """
    songs = Songs(corpus)

    def groups_of_pool(rng: np.random.Generator) -> list[list[Example]]:
        return groups_of_like_length(_pool(songs, config, rng), config.words_per_step, _n_word)

    return endless(groups_of_pool, config, place, rank)


def endless(
    groups_of_pool: Callable[[np.random.Generator], list[list[AnyExample]]],
    config: TrainConfig,
    place: Place,
    rank: int,
) -> Iterator[tuple[list[AnyExample], Place]]:
    """The batches of one pool after the other, each with the place to go on from behind it."""
    pool, first = place
    while True:
        rng = np.random.default_rng([config.seed, rank, pool])
        groups = groups_of_pool(rng)
        order = rng.permutation(len(groups))  # the long ones must not always come first
        for k in range(first, len(groups)):
            yield groups[order[k]], Place(pool, k + 1) if k + 1 < len(groups) else Place(pool + 1)
        pool, first = pool + 1, 0


def _pool(songs: Songs, config: TrainConfig, rng: np.random.Generator) -> list[Example]:
    drawn: list[Example] = []
    n_word = 0
    while n_word < _POOL_BATCHES * config.words_per_step:
        example = draw_example(songs, songs.draw(config, rng), config, rng)
        if example is not None:
            drawn.append(example)
            n_word += len(example.timing)
    return drawn


def _n_word(example: Example) -> int:
    return len(example.timing)


def groups_of_like_length(
    drawn: Iterable[AnyExample], words_per_step: int, length: Callable[[AnyExample], int]
) -> list[list[AnyExample]]:
    """Examples in batches of at most so many words, padding included, or of one example; `length` counts its words."""
    groups: list[list[AnyExample]] = []
    for example in sorted(drawn, key=lambda example: -length(example)):
        if not groups or length(groups[-1][0]) * (len(groups[-1]) + 1) > words_per_step:
            groups.append([])
        groups[-1].append(example)
    return groups


class Songs:
    """A corpus and who its songs' likes are."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        members: dict[Genre | None, list[int]] = {}
        for index, song in enumerate(corpus.songs):
            members.setdefault(song.genre, []).append(index)
        self.by_genre = {genre: np.array(indices, np.int64) for genre, indices in members.items()}
        self.genres = [genre for genre in Genre if genre in self.by_genre]
        self._moods: dict[int, tuple[int | None, int | None]] = {}

    def draw(self, config: TrainConfig, rng: np.random.Generator) -> int:
        """A song, each genre as likely as the other, those without one by `unlabelled_share`."""
        unlabelled = None in self.by_genre and (not self.genres or rng.random() < config.unlabelled_share)
        genre = None if unlabelled else self.genres[rng.integers(len(self.genres))]
        return int(rng.choice(self.by_genre[genre]))

    def thirds(self, index: int) -> tuple[int | None, int | None]:
        """The thirds of all songs in which a song's valence and its arousal lie, as the estimator hears them."""
        if index not in self._moods:
            song, estimator = self.corpus.songs[index], shipped_estimator()
            heard = estimator.estimate(self.corpus.notes_of(index), song.n_bar, song.tempo)
            self._moods[index] = (None, None) if heard is None else estimator.third(heard)
        return self._moods[index]

    def draw_alike(self, index: int, rng: np.random.Generator) -> int | None:
        """Another song of its genre, its mode and like tempo, or None where a few tries find none."""
        song = self.corpus.songs[index]
        for other in rng.choice(self.by_genre[song.genre], _TRIES):
            candidate = self.corpus.songs[other]
            if other != index and candidate.mode == song.mode and _like_tempi(candidate.tempo, song.tempo):
                return int(other)
        return None


def _like_tempi(a: float | None, b: float | None) -> bool:
    return a is None or b is None or abs(a - b) <= _LIKE_TEMPO * b


class _Passage(NamedTuple):
    """Bars of a song that go into an example."""

    song: int
    begin: int
    n_bar: int


def draw_example(songs: Songs, index: int, config: TrainConfig, rng: np.random.Generator) -> Example | None:
    """An example made of song `index`; None where it is mostly silent."""
    piece = draw_piece(songs, index, config, rng)
    if piece is None:
        return None
    words = encode_notes(piece.notes, piece.n_bar)
    timing = timing_bins(words.positions, piece.n_bar * POSITIONS_PER_BAR)
    initial = some_left_free(piece.initial, config.free_share, rng)
    window = _window(words.positions, config.max_words, rng)
    sheet = partly_unknown(sheet_of(piece.notes, piece.n_bar), config, rng)
    return Example(initial, words.fields[window], words.positions[window], timing[window], sheet)


def draw_piece(songs: Songs, index: int, config: TrainConfig, rng: np.random.Generator) -> Piece | None:
    """A piece made of song `index`; None where it is mostly silent.

    It is the whole song; or a piece of the length that videos have, its timing counted anew:
    the song's opening joined to its ending, an excerpt spliced to one of a song like it, or an excerpt.
    """
    song = songs.corpus.songs[index]
    kind = rng.random()
    if kind < config.whole_song_share:
        return _piece(songs, [_Passage(index, 0, song.n_bar)], config, rng)
    longest = min(config.max_bars, song.n_bar)
    shortest = min(config.min_bars, longest)
    n_bar = round(np.exp(rng.uniform(np.log(shortest), np.log(longest))))
    kind -= config.whole_song_share
    if kind < config.joined_share:
        return _piece(songs, _opening_and_ending(song, index, n_bar, rng), config, rng)
    kind -= config.joined_share
    partner = songs.draw_alike(index, rng) if kind < config.splice_share and n_bar > 1 else None
    if partner is None:
        return _piece(songs, [_excerpt(song, index, n_bar, rng)], config, rng)
    border = _phrase_border(n_bar, rng)
    rest = min(n_bar - border, songs.corpus.songs[partner].n_bar)
    halves = [
        _excerpt(song, index, border, rng),
        _excerpt(songs.corpus.songs[partner], partner, rest, rng),
    ]
    return _piece(songs, halves, config, rng)


def _opening_and_ending(song: SongInfo, index: int, n_bar: int, rng: np.random.Generator) -> list[_Passage]:
    if n_bar >= _TWO_PHRASES:
        n_bar = min(song.n_bar, n_bar + (song.n_bar - n_bar) % BARS_OF_PHRASE)  # both sides of the join lie on a border
    if n_bar >= song.n_bar or n_bar < 2:
        return [_Passage(index, song.n_bar - n_bar, n_bar)]
    border = _phrase_border(n_bar, rng)
    return [_Passage(index, 0, border), _Passage(index, song.n_bar - (n_bar - border), n_bar - border)]


def _phrase_border(n_bar: int, rng: np.random.Generator) -> int:
    """A bar inside a piece, 1..n_bar - 1, where a phrase of four begins if the piece is long enough."""
    if n_bar < _TWO_PHRASES:
        return int(rng.integers(1, n_bar))
    return BARS_OF_PHRASE * int(rng.integers(1, (n_bar - 1) // BARS_OF_PHRASE + 1))


def _excerpt(song: SongInfo, index: int, n_bar: int, rng: np.random.Generator) -> _Passage:
    """The opening, the ending, or bars from anywhere; phrases begin every four bars more often than not."""
    place = rng.random()
    if place < 0.25:
        begin = 0
    elif place < 0.5:
        begin = song.n_bar - n_bar
    else:
        begin = int(rng.integers(song.n_bar - n_bar + 1)) // BARS_OF_PHRASE * BARS_OF_PHRASE
    return _Passage(index, begin, n_bar)


def _piece(songs: Songs, passages: list[_Passage], config: TrainConfig, rng: np.random.Generator) -> Piece | None:
    corpus = songs.corpus
    song = corpus.songs[passages[0].song]
    at_home = config.transpose == "home"
    semitones = int(rng.integers(-6, 6))
    parts, n_bar = [], 0
    for passage in passages:
        move = corpus.songs[passage.song].semitones_home if at_home else semitones
        part = cut_notes(corpus.notes_of(passage.song), passage.begin, passage.n_bar, move)
        ends = passage.n_bar * POSITIONS_PER_BAR - part.position  # nothing rings on into the next passage
        parts.append(
            part._replace(position=part.position + n_bar * POSITIONS_PER_BAR, duration=np.minimum(part.duration, ends))
        )
        n_bar += passage.n_bar
    notes = NoteArrays(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    if len(np.unique(notes.position // POSITIONS_PER_BAR)) < LEAST_SOUNDING * n_bar:
        return None
    present = tuple(Instrument(i) for i in np.unique(notes.instrument))
    mode = song.mode if at_home else None
    thirds = songs.thirds(passages[0].song)
    return Piece(notes, n_bar, initial_words(song.genre, mode, song.tempo, present, thirds))


def partly_unknown(sheet: LeadSheet, config: TrainConfig, rng: np.random.Generator) -> LeadSheet:
    """A song's sheet without what the user of the network may leave open, by chance."""
    whole = empty_sheet(sheet.n_bar)
    unknown = rng.random(len(_FIELDS_OF)) < config.unknown_share
    if rng.random() < config.unknown_share / 2:
        unknown[:] = True
    left = {
        name: getattr(whole, name)
        for (kind, names), is_unknown in zip(_FIELDS_OF.items(), unknown, strict=True)
        if is_unknown or kind in config.never_told
        for name in names
    }
    accents = sorted(sheet.accents or ())
    told = frozenset(
        place for place, draw in zip(accents, rng.random(len(accents)), strict=True) if draw < config.accent_share
    )
    return replace(sheet, **{"accents": told, **left})


_FIELDS_OF: dict[SheetKind, tuple[str, ...]] = {
    "chords": ("chords",),
    "repeats": ("lags", "exact"),
    "sections": ("begins", "letters"),
    "players": ("players",),
    "kit": ("kit",),
    "energy": ("energy",),
    "accents": ("accents",),
}
"""What of a sheet is known or unknown together."""


def _window(positions: np.ndarray, max_words: int, rng: np.random.Generator) -> slice:
    """All words, or where they are too many the first or the last of them, from a bar on."""
    if len(positions) <= max_words:
        return slice(None)
    if rng.random() < 0.5:
        return slice(max_words)
    bar = positions[len(positions) - max_words] // POSITIONS_PER_BAR + 1
    return slice(int(np.searchsorted(positions, bar * POSITIONS_PER_BAR)), None)


def some_left_free(words: InitialWords, share: float, rng: np.random.Generator) -> InitialWords:
    """The initial words, each left FREE with probability `share`."""
    freed = rng.random(len(words)) < share
    if rng.random() < share:
        freed[INSTRUMENT_WORDS] = True  # all instruments at once: the user asked for none
    return InitialWords(*(FREE if free else word for word, free in zip(words, freed, strict=True)))


def without_augmentation(config: TrainConfig) -> TrainConfig:
    """Excerpts and whole songs only: what runs are validated on, whatever they learn from."""
    return replace(config, joined_share=0.0, splice_share=0.0, min_bars=4, unknown_share=0.0)


def validation_batches(corpus: Corpus, config: TrainConfig) -> list[list[Example]]:
    """The same pieces of the validation songs at every call, `validation_words` words or more."""
    songs = Songs(corpus)
    rng = np.random.default_rng(12345)
    drawn: list[Example] = []
    n_word = 0
    while n_word < config.validation_words:
        for index in rng.permutation(len(corpus.songs)):
            example = draw_example(songs, int(index), config, rng)
            if example is not None:
                drawn.append(example)
                n_word += len(example.timing)
            if n_word >= config.validation_words:
                break
    return groups_of_like_length(drawn, config.words_per_step, _n_word)
