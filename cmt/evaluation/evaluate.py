"""`cmt evaluate`: pieces measured one by one, then together, then against a reference.

Every piece is a row, a broken one a row with its reason.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.errors import CmtError
from cmt.evaluation.piece import Piece, measure_piece, other_metre, read_report
from cmt.evaluation.reference import HeldOut, Reference, measure_reference, read_shipped_reference, shipped_classifier
from cmt.machine.bugs import unexpected
from cmt.machine.cells import as_written
from cmt.machine.progress import Progress, no_progress
from cmt.machine.workers import Workers
from cmt.metrics.catalogue import BY_NAME
from cmt.metrics.distribution import (
    Interval,
    SetComparison,
    compare_sets,
    frechet_distance,
    frechet_distance_of_reference,
    mean_interval,
)
from cmt.metrics.validation import NOT_DEFINED
from cmt.music.words import Genre
from midi_io import MIDI_SUFFIXES, read_midi
from midi_io.input_file import text_of
from midi_io.limits import MOST_TEXT_BYTES
from video_rhythm import VideoError, VideoRhythm, analyze

SHORTEST_REFERENCE = 4
"""A reference's excerpts have at least this many bars."""
SIGNIFICANT = 0.05


class Pair(NamedTuple):
    """A piece and the video it is for, if any."""

    midi: Path
    video: Path | None


class Row(NamedTuple):
    """A metric over all pieces."""

    name: str
    interval: Interval
    undefined: dict[str, int]
    """The reasons why pieces have no value, each with the number of its pieces."""
    chance: float
    """The mean chance level; NaN where the metric has none."""
    above_chance: Interval | None
    n_significant: int
    """The number of pieces with p below 0.05."""
    n_reference: int
    reference_median: float
    reference_low: float
    """The 5th percentile of the reference's songs."""
    reference_high: float
    """The 95th percentile of the reference's songs."""


@dataclass(frozen=True)
class Evaluation:
    """All that the terminal, the JSON, the CSV and the page show."""

    pieces: tuple[Piece, ...]
    rows: tuple[Row, ...]
    reference: Reference
    comparison: dict[str, SetComparison]
    comparison_reason: str
    """The reason why the sets are not compared; empty if they are."""
    frechet: float
    frechet_of_reference: float
    frechet_reason: str
    classifier: HeldOut
    """The accuracy of the genre classifier on real songs."""
    seed: int

    @property
    def measured(self) -> tuple[Piece, ...]:
        """The pieces that could be read."""
        return tuple(piece for piece in self.pieces if not piece.failure)


def pairs_of(midis: Sequence[Path], video: Path | None = None, pair_list: Path | None = None) -> list[Pair]:
    """The pieces to evaluate: files, all files of folders, and the lines of a CSV file ``midi,video``.

    Raises
    ------
    CmtError
        If there are none, or the CSV file is none.
    """
    pairs = []
    for path in midis:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix.lower() in MIDI_SUFFIXES)
            if not files:
                raise CmtError(f"{path}: no .mid file in this folder")
            pairs += [Pair(file, video) for file in files]
        else:
            pairs.append(Pair(path, video))
    if pair_list is not None:
        pairs += _read_pairs(pair_list)
    if not pairs:
        raise CmtError("nothing to evaluate; name MIDI files or folders, or give `pair_list`, a CSV file")
    return pairs


def _read_pairs(path: Path) -> list[Pair]:
    text = text_of(path, MOST_TEXT_BYTES, cure="write one line for each piece, MIDI,VIDEO")
    try:
        lines = [[as_written(cell.strip()) for cell in line] for line in csv.reader(io.StringIO(text))]
    except csv.Error as error:
        raise CmtError(f"{path}: not a list of pairs ({error}); write one line for each piece, MIDI,VIDEO") from None
    lines = [line for line in lines if any(line)]
    if lines and [cell.lower() for cell in lines[0][:2]] == ["midi", "video"]:
        lines = lines[1:]
    if not lines or any(len(line) not in (1, 2) or not line[0] for line in lines):
        raise CmtError(f"{path}: write one line for each piece, MIDI,VIDEO; paths from the folder of this file")
    here = path.parent
    return [Pair(here / line[0], here / line[1] if len(line) == 2 and line[1] else None) for line in lines]


def evaluate(
    pairs: Sequence[Pair],
    reference: Path | None = None,
    *,
    genre: Genre | None = None,
    jobs: int = 1,
    audio: bool = True,
    soundfont: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Evaluation:
    """Measure pieces and hold them against a reference: a folder of MIDI files, a pack, or the shipped one.

    Parameters
    ----------
    audio
        Whether the pieces are rendered, which AV-Align needs.
    soundfont
        The SoundFont that they are rendered with; if None, the one that `midi_io.find_soundfont` finds.

    Raises
    ------
    CmtError
        If the reference is of no use. A bad piece is a row with its reason.
    """
    (evaluation,) = evaluate_sets(
        [pairs],
        reference,
        genre=genre,
        jobs=jobs,
        audio=audio,
        soundfont=soundfont,
        seed=seed,
        progress=progress,
    )
    return evaluation


def evaluate_sets(
    sets: Sequence[Sequence[Pair]],
    reference: Path | None = None,
    *,
    genre: Genre | None = None,
    jobs: int = 1,
    audio: bool = True,
    soundfont: str | os.PathLike[str] | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> list[Evaluation]:
    """Evaluate sets of pieces as `evaluate` does, all against one reference, whose excerpts are as long as the pieces.

    Raises
    ------
    CmtError
        If the reference is of no use.
    """
    pairs = [pair for its in sets for pair in its]
    with Workers(max(1, min(jobs, len(pairs)))) as workers:
        videos = _analyzed({pair.video for pair in pairs if pair.video is not None}, workers, progress)
        tasks = [(pair, videos.get(pair.video)) for pair in pairs]
        pieces = []
        for piece in workers.map(partial(_measure, audio=audio, soundfont=soundfont, seed=seed), tasks, _lost):
            pieces.append(piece)
            progress("measure", len(pieces), len(pairs))
        sounding = [piece for piece in pieces if piece.n_note]
        bars = int(np.median([piece.n_bar for piece in sounding])) if sounding else SHORTEST_REFERENCE
        if reference is None:
            real = read_shipped_reference(bars, genre.label if genre is not None else "all")
        else:
            real = measure_reference(reference, max(SHORTEST_REFERENCE, bars), workers, progress)
    ends = np.cumsum([len(its) for its in sets])
    return [_together(pieces[end - len(its) : end], real, seed) for its, end in zip(sets, ends, strict=True)]


def _analyzed(paths: set[Path], workers: Workers, progress: Progress) -> dict[Path | None, VideoRhythm | str]:
    """The rhythm of each video, or why there is none."""
    ordered = sorted(paths)
    videos: dict[Path | None, VideoRhythm | str] = {}
    for path, rhythm in zip(ordered, workers.map(_analyze, ordered, _not_analyzed), strict=True):
        videos[path] = rhythm
        progress("videos", len(videos), len(ordered))
    return videos


def _analyze(path: Path) -> VideoRhythm | str:
    try:
        return analyze(path)
    except VideoError as error:
        return str(error)
    except Exception as error:  # one video's bug must not end the others' run
        return unexpected(path, error)


def _not_analyzed(path: Path, reason: str) -> str:
    return reason


def _measure(
    task: tuple[Pair, VideoRhythm | str | None],
    *,
    audio: bool,
    soundfont: str | os.PathLike[str] | None,
    seed: int,
) -> Piece:
    pair, video = task
    names = _names(pair)
    try:
        repairs: list[str] = []
        song = read_midi(pair.midi, repairs.append)
        report = read_report(pair.midi)
        time_signature = other_metre(pair.midi)
    except CmtError as error:
        return Piece(*names, failure=str(error))
    except Exception as error:  # one piece's bug must not end the others' run
        return Piece(*names, failure=unexpected(pair.midi, error))
    if isinstance(video, str):
        return Piece(*names, failure=video)
    notes = (*repairs, *time_signature)
    try:
        return measure_piece(song, video, report, names=names, audio=audio, soundfont=soundfont, seed=seed, notes=notes)
    except CmtError as error:
        return Piece(*names, failure=str(error))
    except Exception as error:
        return Piece(*names, failure=unexpected(pair.midi, error))


def _lost(task: tuple[Pair, VideoRhythm | str | None], reason: str) -> Piece:
    return Piece(*_names(task[0]), failure="whoever measured it died; is the memory short?")


def _names(pair: Pair) -> tuple[str, str | None]:
    return str(pair.midi), str(pair.video) if pair.video is not None else None


def _together(pieces: Sequence[Piece], reference: Reference, seed: int) -> Evaluation:
    measured_pieces = [piece for piece in pieces if not piece.failure]
    names = [name for name in BY_NAME if any(name in piece.values for piece in measured_pieces)]
    sounding = [piece.measures for piece in measured_pieces if piece.measures is not None]
    ours = [measures.features for measures in sounding if measures.features is not None]
    tables = [measures.frechet for measures in sounding if measures.frechet is not None]
    table = np.array(tables).reshape(len(tables), -1) if tables else np.zeros((0, reference.frechet.shape[1]))
    comparison = compare_sets(ours, reference.features, seed)
    distance = frechet_distance(table, reference.frechet)
    level = frechet_distance_of_reference(reference.frechet, len(table), seed)
    return Evaluation(
        pieces=tuple(pieces),
        rows=tuple(_row(name, measured_pieces, reference, seed) for name in names),
        reference=reference,
        comparison=comparison,
        # The reason is the size of the sets, which is the same for all features.
        comparison_reason=next(iter(comparison.values())).reason,
        frechet=distance.value,
        frechet_of_reference=level.value,
        frechet_reason=distance.reason or level.reason,
        classifier=shipped_classifier()[1],
        seed=seed,
    )


def _row(name: str, pieces: Sequence[Piece], reference: Reference, seed: int) -> Row:
    found = [piece.values[name] for piece in pieces if name in piece.values]
    undefined: dict[str, int] = {}
    for measurement in found:
        if math.isnan(measurement.value):
            reason = measurement.reason or "not defined"
            undefined[reason] = undefined.get(reason, 0) + 1
    chances = [piece.chances[name] for piece in pieces if name in piece.chances]
    distribution = reference.distributions.get(name)
    above = mean_interval([chance.above_chance for chance in chances], seed) if chances else None
    return Row(
        name=name,
        interval=mean_interval([measurement.value for measurement in found], seed),
        undefined=undefined,
        chance=float(np.mean([chance.chance for chance in chances])) if chances else NOT_DEFINED,
        above_chance=above,
        n_significant=sum(chance.p_value < SIGNIFICANT for chance in chances),
        n_reference=distribution.n if distribution else 0,
        reference_median=distribution.median if distribution else NOT_DEFINED,
        reference_low=distribution.middle_90[0] if distribution else NOT_DEFINED,
        reference_high=distribution.middle_90[1] if distribution else NOT_DEFINED,
    )
