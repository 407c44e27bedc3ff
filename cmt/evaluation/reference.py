"""What real songs score: the reference that evaluated pieces are held against.

A reference is measured on a pack of songs or a folder of MIDI files, on excerpts as long as the pieces, for most
values depend on the length. Without either there is the one that comes with the package: values of LPD's songs,
by genre, for excerpts of 16 bars and for whole songs, made by `data/reference.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import song_of_pack
from cmt.errors import CmtError
from cmt.machine.files import files_below
from cmt.machine.progress import Progress
from cmt.machine.workers import Workers
from cmt.metrics.catalogue import measure_song
from cmt.metrics.distribution import SongFeatures, frechet_features, song_features
from cmt.metrics.genre import GenreClassifier, read_classifier
from midi_io import MIDI_SUFFIXES, MidiError, read_midi
from midi_io.song import POSITIONS_PER_BAR, Song

QUANTILES = tuple(round(0.05 * i, 2) for i in range(21))
"""A distribution is kept as its quantiles at these shares of the songs."""
SHIPPED_BARS = 16
"""The excerpts of the reference that comes with the package have this many bars."""
SHIPPED_NAME = "LPD, as shipped"


class Distribution(NamedTuple):
    """How a metric lies over the reference's songs."""

    n: int
    """The number of songs for which the metric is defined."""
    mean: float
    quantiles: tuple[float, ...]
    """The quantiles at the shares `QUANTILES`."""

    @property
    def median(self) -> float:
        """The value of the middle song."""
        return self.quantiles[10]

    @property
    def middle_90(self) -> tuple[float, float]:
        """The two values between which 90 % of the songs lie."""
        return self.quantiles[1], self.quantiles[19]


class SongMeasures(NamedTuple):
    """All that a reference needs to know of a song."""

    values: dict[str, float]
    features: SongFeatures | None
    frechet: NDArray[np.float64] | None


@dataclass(frozen=True)
class Reference:
    """Distributions over real songs."""

    name: str
    n_bar: int | None
    """The number of bars of the excerpts; None for whole songs."""
    n_song: int
    distributions: dict[str, Distribution]
    features: tuple[SongFeatures, ...] = ()
    """The features of songs, for the comparison of distances."""
    frechet: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 12)))
    """The features (n_song, n_feature) for the Frechet distance."""
    notes: tuple[str, ...] = ()
    """Remarks on what was left out."""

    @property
    def length(self) -> str:
        """The length of its songs, in words."""
        return "whole songs" if self.n_bar is None else f"excerpts of {self.n_bar} bars"


def measure_reference_song(song: Song) -> SongMeasures:
    """The music metrics and features of a song."""
    values = {name: measurement.value for name, measurement in measure_song(song).items()}
    return SongMeasures(values, song_features(song), frechet_features(song))


def distributions_of(songs: Iterable[Mapping[str, float]]) -> dict[str, Distribution]:
    """The distribution of each metric over songs; metrics that are defined for none are left out."""
    table: dict[str, list[float]] = {}
    for values in songs:
        for name, value in values.items():
            if math.isfinite(value):
                table.setdefault(name, []).append(value)
    return {
        name: Distribution(len(values), float(np.mean(values)), tuple(map(float, np.quantile(values, QUANTILES))))
        for name, values in table.items()
    }


def excerpt(song: Song, n_bar: int) -> Song:
    """`n_bar` bars from the middle of a song, or all of a shorter one."""
    if song.n_bar <= n_bar:
        return song
    begin = (song.n_bar - n_bar) // 2 * POSITIONS_PER_BAR
    length = n_bar * POSITIONS_PER_BAR
    notes = [
        note._replace(position=note.position - begin, duration=min(note.duration, length - note.position + begin))
        for note in song.notes
        if begin <= note.position < begin + length
    ]
    return Song.steady(notes, song.tempo, length)


def measure_reference(path: Path, n_bar: int, workers: Workers, progress: Progress) -> Reference:
    """Measure the validation songs of a pack, or the MIDI files of a folder, on excerpts of `n_bar` bars.

    Raises
    ------
    CmtError
        If there is nothing to measure.
    """
    songs, notes = _songs_of_folder(path) if path.is_dir() else _songs_of_pack(path)
    excerpts = [excerpt(song, n_bar) for song in songs]
    measures = []
    for measured in workers.map(measure_reference_song, excerpts):
        measures.append(measured)
        progress("reference", len(measures), len(excerpts))
    frechet = [m.frechet for m in measures if m.frechet is not None]
    return Reference(
        name=path.name,
        n_bar=n_bar,
        n_song=len(songs),
        distributions=distributions_of(m.values for m in measures),
        features=tuple(m.features for m in measures if m.features is not None),
        frechet=np.array(frechet).reshape(len(frechet), -1) if frechet else np.zeros((0, 12)),
        notes=notes,
    )


def _songs_of_pack(path: Path) -> tuple[list[Song], tuple[str, ...]]:
    corpus = read_corpus([path], "val")
    return [song_of_pack(corpus, index) for index in range(len(corpus.songs))], ()


def _songs_of_folder(folder: Path) -> tuple[list[Song], tuple[str, ...]]:
    left_out: list[str] = []
    files = sorted(file for file in files_below(folder, left_out) if file.suffix.lower() in MIDI_SUFFIXES)
    songs, notes = [], [f"left out: {line}" for line in left_out]
    for file in files:
        try:
            song = read_midi(file)
        except MidiError as error:
            notes.append(f"left out: {error}")
            continue
        if song.notes:
            songs.append(song)
        else:
            notes.append(f"left out: {file}: no notes")
    if not songs:
        lines = "".join(f"; {note}" for note in notes[:1])
        raise CmtError(f"{folder}: no MIDI file with notes; give a folder of .mid files or a pack of songs{lines}")
    return songs, tuple(notes)


def read_shipped_reference(n_bar: int, genre: str = "all") -> Reference:
    """The reference that comes with the package: excerpts of 16 bars or whole songs, whichever is nearer to `n_bar`."""
    content = _shipped()
    songs = content["genres"][genre]
    whole = songs["whole"]
    use_whole = abs(math.log(n_bar / whole["median_bars"])) < abs(math.log(n_bar / SHIPPED_BARS))
    part = whole if use_whole else songs[str(SHIPPED_BARS)]
    distributions = {
        name: Distribution(value["n"], value["mean"], tuple(value["quantiles"]))
        for name, value in part["metrics"].items()
    }
    sample = content["sample"]
    return Reference(
        name=SHIPPED_NAME if genre == "all" else f"{SHIPPED_NAME}, {genre}",
        n_bar=None if use_whole else SHIPPED_BARS,
        n_song=part["songs"],
        distributions=distributions,
        features=tuple(unpacked_features(song) for song in sample["features"]),
        frechet=np.array(sample["frechet"]),
    )


@dataclass(frozen=True)
class Accuracy:
    """How often the genre classifier is right on songs that it has not learnt from."""

    songs: int
    excerpts: int
    accuracy: float
    """The share, 0..1, of the excerpts."""
    balanced_accuracy: float
    """The mean of the genres' shares."""
    recall: dict[str, float]
    """The share of each genre's excerpts."""
    excerpts_by_genre: dict[str, int]


@dataclass(frozen=True)
class HeldOut:
    """How well the genre classifier does on real songs."""

    excerpt_bars: int
    chance: float
    """The share of excerpts on which a guess is right."""
    cross_validation: Accuracy
    """On songs of the training split, each left out in turn."""
    validation: Accuracy
    """On songs of the validation split."""


def shipped_classifier() -> tuple[GenreClassifier, HeldOut]:
    """The genre classifier that comes with the package, and how well it does on songs it has not learnt from."""
    content = _shipped()["genre_classifier"]
    held_out = content["held_out"]
    return read_classifier(content), HeldOut(
        excerpt_bars=held_out["excerpt_bars"],
        chance=held_out["chance"],
        cross_validation=Accuracy(**held_out["cross_validation"]),
        validation=Accuracy(**held_out["validation"]),
    )


@cache
def _shipped() -> dict[str, Any]:
    path = resources.files("cmt") / "assets" / "reference.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


_PACKED_UNIT = 1000
_HISTOGRAMS = ("pitch_classes", "pitch_class_transitions", "note_lengths", "note_length_transitions")


def packed_features(features: SongFeatures) -> list[Any]:
    """Features as short lists: shares in thousandths, zeros left out. Used by data/reference.py."""
    packed: list[Any] = []
    for name, values in zip(SongFeatures._fields, features, strict=True):
        if name in _HISTOGRAMS:
            thousandths = np.rint(values * _PACKED_UNIT).astype(int)
            filled = np.flatnonzero(thousandths)
            packed.append([len(values), filled.tolist(), thousandths[filled].tolist()])
        else:
            packed.append(round(float(values[0]), 3))
    return packed


def unpacked_features(packed: Sequence[Any]) -> SongFeatures:
    """The inverse of `packed_features`, to a thousandth."""
    features = []
    for value in packed:
        if isinstance(value, list):
            n, filled, thousandths = value
            values = np.zeros(n)
            values[filled] = np.array(thousandths) / _PACKED_UNIT
            features.append(values)
        else:
            features.append(np.array([value]))
    return SongFeatures(*features)
