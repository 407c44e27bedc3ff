"""`cmt evaluate`: pieces measured one by one, then together, then against a reference.

Every piece is a row, a broken one a row with its reason. A report that lies beside a MIDI file (``clip.json``, as
`cmt generate` writes it) says what was asked; all that was obtained is measured in the MIDI file itself.
"""

from __future__ import annotations

import csv
import json
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.errors import CmtError
from cmt.key import parse_key
from cmt.metrics import control, synchrony
from cmt.metrics.audio import audio_onsets
from cmt.metrics.catalogue import BY_NAME, Measurement, measure_song, measured, notes_on
from cmt.metrics.degenerate import judge
from cmt.metrics.distribution import (
    Interval,
    SetComparison,
    compare_sets,
    frechet_distance,
    frechet_distance_of_reference,
    mean_interval,
)
from cmt.metrics.music import onsets
from cmt.metrics.synchrony import Synchrony
from cmt.metrics.validation import NOT_DEFINED, NothingToMeasure
from cmt.reference import Reference, SongMeasures, measure_reference, read_shipped_reference, shipped_classifier
from cmt.reference import measure_reference_song as measures_for_sets
from cmt.rhythm import SimuNote
from cmt.words import Genre
from cmt.workers import Workers
from midi_io import MIDI_SUFFIXES, MidiError, SynthesisError, has_fluidsynth, read_midi, render
from midi_io.song import POSITIONS_PER_BEAT, Instrument, Song
from video_rhythm import VideoError, VideoRhythm, analyze

SAMPLE_RATE = 22050
"""Hz, of the audio in which onsets are looked for."""
LONGEST_AUDIO = 20 * 60.0
"""Seconds of video up to which the music is rendered."""
SHORTEST_REFERENCE = 4
"""Bars of the shortest excerpts of a reference."""
SIGNIFICANT = 0.05

Progress = Callable[[str, float, float | None], None]


class Pair(NamedTuple):
    """A piece and the video it is for, if any."""

    midi: Path
    video: Path | None


class Curves(NamedTuple):
    """By bar, for the page's plots; None where unknown."""

    density: tuple[int, ...]
    asked: tuple[int | None, ...] = ()
    speed: tuple[float, ...] = ()


@dataclass(frozen=True)
class Piece:
    """What was found in one MIDI file, or why it could not be read."""

    midi: str
    video: str | None
    failure: str = ""
    """Why nothing was measured."""
    tempo: float = NOT_DEFINED
    seconds: float = NOT_DEFINED
    n_bar: int = 0
    n_note: int = 0
    values: dict[str, Measurement] = field(default_factory=dict)
    """By metric; synchrony's is the score."""
    chances: dict[str, Synchrony] = field(default_factory=dict)
    """Of the synchrony metrics that are defined."""
    lag: int | None = None
    """Bars by which the music follows the motion where they correlate best."""
    reasons: tuple[str, ...] = ()
    """Why the take is degenerate."""
    genre_heard: str | None = None
    genre_asked: str | None = None
    notes: tuple[str, ...] = ()
    """What a reader should know beside the values."""
    curves: Curves = Curves(())
    measures: SongMeasures | None = None
    """For the comparison of sets."""


class Row(NamedTuple):
    """A metric over all pieces."""

    name: str
    interval: Interval
    undefined: dict[str, int]
    """Reasons for which pieces have no value, with their numbers."""
    chance: float
    """Mean chance level; NaN where the metric has none."""
    above_chance: Interval | None
    n_significant: int
    """Pieces with p below 0.05."""
    n_reference: int
    reference_median: float
    reference_low: float
    """5th percentile of the reference's songs."""
    reference_high: float
    """95th percentile."""


@dataclass(frozen=True)
class Evaluation:
    """All that the terminal, the JSON, the CSV and the page show."""

    pieces: tuple[Piece, ...]
    rows: tuple[Row, ...]
    reference: Reference
    comparison: dict[str, SetComparison]
    comparison_reason: str
    """Why the sets are not compared; empty if they are."""
    frechet: float
    frechet_of_reference: float
    frechet_reason: str
    classifier: dict[str, Any]
    """How often the genre classifier is right on real songs."""
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
        raise CmtError("nothing to evaluate; name MIDI files or folders, or give --pairs pairs.csv")
    return pairs


def _read_pairs(path: Path) -> list[Pair]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines = [[cell.strip() for cell in line] for line in csv.reader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CmtError(f"{path}: not a list of pairs ({getattr(error, 'strerror', None) or error})") from None
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
    seed: int = 0,
    progress: Progress = lambda stage, done, total: None,
) -> Evaluation:
    """Measure pieces and hold them against a reference: a folder of MIDI files, a pack, or the shipped one.

    Raises
    ------
    CmtError
        If the reference is of no use. A bad piece is a row with its reason.
    """
    with Workers(max(1, min(jobs, len(pairs)))) as workers:
        videos = _analyzed({pair.video for pair in pairs if pair.video is not None}, workers, progress)
        tasks = [(pair, videos.get(pair.video)) for pair in pairs]
        pieces = []
        for piece in workers.map(partial(_measure, audio=audio, seed=seed), tasks, _lost):
            pieces.append(piece)
            progress("measure", len(pieces), len(pairs))
        sounding = [piece for piece in pieces if piece.n_note]
        bars = int(np.median([piece.n_bar for piece in sounding])) if sounding else SHORTEST_REFERENCE
        if reference is None:
            real = read_shipped_reference(bars, genre.label if genre is not None else "all")
        else:
            real = measure_reference(reference, max(SHORTEST_REFERENCE, bars), workers, progress)
    return _together(pieces, real, seed)


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


def _not_analyzed(path: Path, reason: str) -> str:
    return reason


def _measure(task: tuple[Pair, VideoRhythm | str | None], *, audio: bool, seed: int) -> Piece:
    pair, video = task
    names = _names(pair)
    try:
        song = read_midi(pair.midi)
        report = _read_report(pair.midi)
        time_signature = _other_metre(pair.midi)
    except (MidiError, CmtError) as error:
        return Piece(*names, failure=str(error))
    if isinstance(video, str):
        return Piece(*names, failure=video)
    return measure_piece(song, video, report, names=names, audio=audio, seed=seed, notes=time_signature)


def _lost(task: tuple[Pair, VideoRhythm | str | None], reason: str) -> Piece:
    return Piece(*_names(task[0]), failure="whoever measured it died; is the memory short?")


def _names(pair: Pair) -> tuple[str, str | None]:
    return str(pair.midi), str(pair.video) if pair.video is not None else None


def measure_piece(
    song: Song,
    video: VideoRhythm | None = None,
    report: dict[str, Any] | None = None,
    *,
    names: tuple[str, str | None] = ("", None),
    audio: bool = True,
    seed: int = 0,
    notes: tuple[str, ...] = (),
) -> Piece:
    """All that can be said of a song, of its video where there is one, of what was asked where a report says it."""
    values = measure_song(song)
    heard = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingToMeasure)
        verdict = judge(song)
        guess = shipped_classifier()[0].classify(song)
        measures = measures_for_sets(song)
    if guess is not None:
        heard = guess.genre.label
    asked_genre = None
    asked: tuple[int | None, ...] = ()
    if report is not None:
        asked = tuple(report.get("density_asked") or ())
        asked_genre = report.get("genre")
        values |= _control(song, report)
        if asked_genre in {genre.label for genre in Genre} and guess is not None:
            values["genre_hit"] = Measurement(float(heard == asked_genre))
            values["genre_probability"] = Measurement(guess.probabilities[Genre[asked_genre.upper()]])
    chances: dict[str, Synchrony] = {}
    lag = None
    speed: tuple[float, ...] = ()
    if video is not None:
        values["length_error"] = measured(partial(control.length_error, song, video.duration))
        values["time_error"] = measured(partial(control.time_error, song, video.duration))
        scores, reasons, lag = measure_synchrony(song, video, audio=audio, seed=seed)
        for name, score in scores.items():
            values[name] = Measurement(score.score, reasons.get(name, ""))
            if name not in reasons:
                chances[name] = score
        if song.n_bar:
            borders = np.array(song.timing.bar_borders(song.length))
            speed = tuple(float(value) for value in video.flow.mean_speed(borders))
    return Piece(
        midi=names[0],
        video=names[1],
        tempo=song.tempo,
        seconds=song.duration,
        n_bar=song.n_bar,
        n_note=len(song.notes),
        values=values,
        chances=chances,
        lag=lag,
        reasons=verdict.reasons,
        genre_heard=heard,
        genre_asked=asked_genre,
        notes=(*notes, *notes_on(song), *(() if song.notes else ("no notes",))),
        curves=Curves(tuple(int(n) for n in onsets(song).sum(axis=1)), asked, speed),
        measures=measures,
    )


def _control(song: Song, report: dict[str, Any]) -> dict[str, Measurement]:
    """The control metrics that the report allows."""
    values: dict[str, Measurement] = {}
    asked = list(report.get("density_asked") or ())
    strengths = [
        SimuNote(note["bar"], note["position"], Instrument[note["instrument"].upper()], note["strength"])
        for note in report.get("strength_asked") or ()
    ]
    if "density_asked" in report:
        values["density_error"] = measured(partial(control.density_error, asked, song))
        values["density_rank_correlation"] = measured(partial(control.density_rank_correlation, asked, song))
    if "strength_asked" in report:
        values["strength_error"] = measured(partial(control.strength_error, strengths, song))
    if report.get("duration"):
        values["time_error"] = measured(partial(control.time_error, song, report["duration"]))
        values["length_error"] = measured(partial(control.length_error, song, report["duration"]))
    if report.get("tempo"):
        values["tempo_error"] = measured(partial(control.tempo_error, song, report["tempo"]))
    if report.get("instruments_asked"):
        wanted = [Instrument[name.upper()] for name in report["instruments_asked"]]
        values["instrument_precision"] = measured(lambda: control.instrument_score(song, wanted).precision)
        values["instrument_recall"] = measured(lambda: control.instrument_score(song, wanted).recall)
    if report.get("key"):
        values["key_score"] = measured(partial(_key_score, song, report["key"]))
    return values


def _key_score(song: Song, key: str) -> float:
    tonic, mode = parse_key(key)
    guess = control.guess_key(song)
    if tonic is None or mode is None or guess is None:
        return NOT_DEFINED
    return control.key_score((tonic, mode), (guess.tonic, guess.mode))


def _read_report(midi: Path) -> dict[str, Any] | None:
    """The report beside a MIDI file; None without one, or if the JSON beside it is something else."""
    path = midi.with_suffix(".json")
    if not path.is_file():
        return None
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(report, dict) or "density_asked" not in report:
            return None
        # Whatever is of no use is found here, not half-way through the measuring.
        empty = Song((), 120.0, 0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NothingToMeasure)
            _control(empty, report)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, CmtError) as error:
        raise CmtError(f"{path}: not a report of cmt generate ({error}); remove it to evaluate without it") from None
    return report


def _other_metre(path: Path) -> tuple[str, ...]:
    """A note where the file says another time signature than 4/4."""
    content = path.read_bytes()
    place, signatures = content.find(b"\xff\x58\x04"), set()
    while place >= 0 and place + 5 <= len(content):
        if content[place + 4] <= 6 and content[place + 3]:
            signatures.add(f"{content[place + 3]}/{2 ** content[place + 4]}")
        place = content.find(b"\xff\x58\x04", place + 3)
    others = sorted(signatures - {"4/4"})
    return (f"time signature {', '.join(others)}: bars are counted as 16 sixteenths all the same",) if others else ()


def measure_synchrony(
    song: Song, video: VideoRhythm, *, audio: bool = True, seed: int = 0
) -> tuple[dict[str, Synchrony], dict[str, str], int | None]:
    """The synchrony of a song with a video: scores, the reasons of those not defined, the best lag in bars."""
    positions = sorted({note.position for note in song.notes})
    notes = np.array([song.seconds(position) for position in positions])
    beats = np.array([song.seconds(position) for position in positions if position % POSITIONS_PER_BEAT == 0])
    visual = [beat.time for beat in video.visual_beats]
    edges = np.append(video.flow.times, video.flow.end) if len(video.flow) else np.zeros(0)
    frame = 1 / video.fps
    # AV-Align's threshold is in pixels a frame, our speeds in diagonals a second.
    slowest = synchrony.FLOW_THRESHOLD * video.fps / math.hypot(video.width, video.height)
    scores: dict[str, Synchrony] = {}
    reasons: dict[str, str] = {}

    def score(name: str, measure: Callable[[], Synchrony]) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", NothingToMeasure)
            scores[name] = measure()
        if math.isnan(scores[name].score):
            reasons[name] = str(caught[0].message) if caught else "not defined"

    score("beat_coverage", lambda: synchrony.beat_coverage(visual, beats, video.duration, seed))
    score("beat_hits", lambda: synchrony.beat_hits(visual, beats, video.duration, seed))
    for name, tolerance in (("frame", frame), ("40ms", 0.040), ("80ms", 0.080)):
        score(f"cut_hits_{name}", partial(synchrony.hits, video.cuts, notes, video.duration, tolerance, seed))
    for name, tolerance in (("40ms", 0.040), ("80ms", 0.080)):
        score(f"visual_beat_hits_{name}", partial(synchrony.hits, visual, notes, video.duration, tolerance, seed))
    peaks = synchrony.flow_peaks(edges, video.flow.speed, slowest) if len(video.flow) else np.zeros(0)
    try:
        heard = _heard_onsets(song, video.duration, audio)
        score("av_align", lambda: synchrony.av_align(peaks, heard, video.duration, video.fps, seed))
    except SynthesisError as error:
        scores["av_align"], reasons["av_align"] = synchrony.UNDEFINED, str(error)
    lag: int | None = None

    def correlation() -> Synchrony:
        nonlocal lag
        density = onsets(song).sum(axis=1)
        bars = song.timing.bar_borders(song.length)
        found = synchrony.motion_correlation(edges, video.flow.speed, density[: len(bars) - 1], bars, seed)
        if not math.isnan(found.best):
            lag = found.lag
        return found.together

    score("motion_correlation", correlation)
    return {name: scores[name] for name in BY_NAME if name in scores}, reasons, lag


def _heard_onsets(song: Song, seconds: float, audio: bool) -> np.ndarray:
    """Onsets in the rendered audio, as long as the video is."""
    if not audio:
        raise SynthesisError("not rendered: --no-audio")
    if not has_fluidsynth():
        raise SynthesisError("FluidSynth is not installed, so nothing can be rendered")
    if seconds > LONGEST_AUDIO:
        raise SynthesisError(f"the video is longer than {LONGEST_AUDIO / 60:.0f} minutes, which are not rendered")
    length = min(song.length, math.ceil(song.timing.position(seconds)))
    kept = tuple(note for note in song.notes if note.position < length)
    rendered = render(Song(kept, song.tempo, length, song.tempo_map), sample_rate=SAMPLE_RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingToMeasure)
        return audio_onsets(rendered, SAMPLE_RATE)


def _together(pieces: Sequence[Piece], reference: Reference, seed: int) -> Evaluation:
    measured_pieces = [piece for piece in pieces if not piece.failure]
    names = [name for name in BY_NAME if any(name in piece.values for piece in measured_pieces)]
    sounding = [piece.measures for piece in measured_pieces if piece.measures is not None]
    ours = [measures.features for measures in sounding if measures.features is not None]
    tables = [measures.frechet for measures in sounding if measures.frechet is not None]
    table = np.array(tables).reshape(len(tables), -1) if tables else np.zeros((0, reference.frechet.shape[1]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NothingToMeasure)
        comparison = compare_sets(ours, reference.features, seed)
    comparison_reason = str(caught[0].message) if caught else ""
    distance = measured(lambda: frechet_distance(table, reference.frechet))
    level = measured(lambda: frechet_distance_of_reference(reference.frechet, len(table), seed))
    return Evaluation(
        pieces=tuple(pieces),
        rows=tuple(_row(name, measured_pieces, reference, seed) for name in names),
        reference=reference,
        comparison=comparison,
        comparison_reason=comparison_reason,
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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingToMeasure)
        interval = mean_interval([measurement.value for measurement in found], seed)
        above = mean_interval([chance.above_chance for chance in chances], seed) if chances else None
    return Row(
        name=name,
        interval=interval,
        undefined=undefined,
        chance=float(np.mean([chance.chance for chance in chances])) if chances else NOT_DEFINED,
        above_chance=above,
        n_significant=sum(chance.p_value < SIGNIFICANT for chance in chances),
        n_reference=distribution.n if distribution else 0,
        reference_median=distribution.median if distribution else NOT_DEFINED,
        reference_low=distribution.middle_90[0] if distribution else NOT_DEFINED,
        reference_high=distribution.middle_90[1] if distribution else NOT_DEFINED,
    )
