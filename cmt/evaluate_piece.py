"""One piece under `cmt evaluate`: its music, its match with a video, and what was asked against what was obtained.

A report that lies beside a MIDI file (``clip.json``, as `cmt generate` writes it) says what was asked; all that was
obtained is measured in the MIDI file itself.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
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
from cmt.metrics.music import onsets
from cmt.metrics.synchrony import Synchrony
from cmt.metrics.validation import NOT_DEFINED, NothingToMeasure
from cmt.reference import SongMeasures, shipped_classifier
from cmt.reference import measure_reference_song as measures_for_sets
from cmt.rhythm import SimuNote
from cmt.words import Genre
from midi_io import SynthesisError, has_fluidsynth, render
from midi_io.song import POSITIONS_PER_BEAT, Instrument, Song
from video_rhythm import VideoRhythm

SAMPLE_RATE = 22050
"""Hz, of the audio in which onsets are looked for."""
LONGEST_AUDIO = 20 * 60.0
"""Seconds of video up to which the music is rendered."""


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
    curves: Curves = Curves(())  # noqa: RUF009 - a tuple, so it cannot be changed
    measures: SongMeasures | None = None
    """For the comparison of sets."""


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


def read_report(midi: Path) -> dict[str, Any] | None:
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


def other_metre(path: Path) -> tuple[str, ...]:
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
