"""One piece under `cmt evaluate`: its music, its match with a video, and what was asked against what was obtained.

A report that lies beside a MIDI file (``clip.json``, as `cmt generate` writes it) says what was asked; all that was
obtained is measured in the MIDI file itself.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import CmtError
from cmt.evaluation.reference import SongMeasures, shipped_classifier
from cmt.evaluation.reference import measure_reference_song as measures_for_sets
from cmt.metrics import control, synchrony
from cmt.metrics.audio import audio_onsets
from cmt.metrics.catalogue import BY_NAME, measure_song, notes_on
from cmt.metrics.degenerate import judge
from cmt.metrics.music import onsets
from cmt.metrics.synchrony import Synchrony
from cmt.metrics.validation import NOT_DEFINED, Measurement, undefined
from cmt.music.key import Key
from cmt.report.report import Report, looks_like_report
from midi_io import SynthesisError, has_fluidsynth, render
from midi_io.input_file import json_of
from midi_io.limits import MOST_REPORT_BYTES
from midi_io.midi_file import read_midi_ticks
from midi_io.song import POSITIONS_PER_BEAT, Song
from video_rhythm import VideoRhythm

ONSET_SAMPLE_RATE = 22050
"""The sample rate, in Hz, of the audio in which onsets are looked for."""
LONGEST_AUDIO = 20 * 60.0
"""The music for a video of more seconds than this is not rendered."""


class Curves(NamedTuple):
    """The curves by bar for the page's plots; None where unknown."""

    density: tuple[int, ...]
    asked: tuple[int | None, ...] = ()
    speed: tuple[float, ...] = ()


@dataclass(frozen=True)
class Piece:
    """What was found in one MIDI file, or why it could not be read."""

    midi: str
    video: str | None
    failure: str = ""
    """The reason why nothing was measured; empty if something was."""
    tempo: float = NOT_DEFINED
    seconds: float = NOT_DEFINED
    n_bar: int = 0
    n_note: int = 0
    values: dict[str, Measurement] = field(default_factory=dict)
    """The value of each metric, by its name; a synchrony metric's value is its score."""
    chances: dict[str, Synchrony] = field(default_factory=dict)
    """The score and the chance level of each synchrony metric that is defined, by its name."""
    lag: int | None = None
    """The number of bars by which the music follows the motion where they correlate best."""
    reasons: tuple[str, ...] = ()
    """The reasons why the take is degenerate; empty if it is not."""
    genre_heard: str | None = None
    genre_asked: str | None = None
    notes: tuple[str, ...] = ()
    """Remarks that a reader should know beside the values."""
    curves: Curves = Curves(())  # noqa: RUF009 - a tuple, so it cannot be changed
    measures: SongMeasures | None = None
    """The measures for the comparison of sets."""


def measure_piece(
    song: Song,
    video: VideoRhythm | None = None,
    report: Report | None = None,
    *,
    names: tuple[str, str | None] = ("", None),
    audio: bool = True,
    soundfont: str | os.PathLike[str] | None = None,
    seed: int = 0,
    notes: tuple[str, ...] = (),
) -> Piece:
    """All that can be said of a song, of its video where there is one, of what was asked where a report says it."""
    values = measure_song(song)
    heard = None
    verdict = judge(song)
    guess = shipped_classifier()[0].classify(song)
    measures = measures_for_sets(song)
    if guess is not None:
        heard = guess.genre.label
    asked_genre = None
    asked: tuple[int | None, ...] = ()
    if report is not None:
        asked = report.asked.density
        values |= _control(song, report)
        if report.genre is not None:
            asked_genre = report.genre.label
            if guess is not None:
                values["genre_hit"] = Measurement(float(guess.genre == report.genre))
                values["genre_probability"] = Measurement(guess.probabilities[report.genre])
    chances: dict[str, Synchrony] = {}
    lag = None
    speed: tuple[float, ...] = ()
    if video is not None:
        values["length_error"] = Measurement(control.length_error(song, video.duration))
        values["time_error"] = Measurement(control.time_error(song, video.duration))
        scores, lag = measure_synchrony(song, video, audio=audio, soundfont=soundfont, seed=seed)
        values |= {name: Measurement(score.score, score.reason) for name, score in scores.items()}
        chances = {name: score for name, score in scores.items() if not score.reason}
        if song.n_bar:
            borders = np.array(song.timeline.bar_borders)
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


def _control(song: Song, report: Report) -> dict[str, Measurement]:
    """The control metrics that the report allows."""
    values = {
        "density_error": control.density_error(report.asked.density, song),
        "density_rank_correlation": control.density_rank_correlation(report.asked.density, song),
        "strength_error": control.strength_error(report.asked.simu_notes, song),
        "time_error": Measurement(control.time_error(song, report.duration)),
        "length_error": Measurement(control.length_error(song, report.duration)),
        "tempo_error": Measurement(control.tempo_error(song, report.grid.tempo)),
    }
    if report.instruments_asked:
        score = control.instrument_score(song, report.instruments_asked)
        values["instrument_precision"], values["instrument_recall"] = score.precision, score.recall
    values["key_score"] = _key_score(song, report.key)
    return values


def _key_score(song: Song, key: Key) -> Measurement:
    guess = control.guess_key(song)
    if guess is None:
        return undefined(control.why_no_key(song))
    return Measurement(control.key_score(key, (guess.tonic, guess.mode)))


def read_report(midi: Path) -> Report | None:
    """The report beside a MIDI file; None without one, or if the JSON beside it is something else.

    Raises
    ------
    CmtError
        If it is a damaged report, or one that a newer version wrote.
    """
    path = midi.with_suffix(".json")
    if not os.path.lexists(path) or path.is_dir():
        return None
    try:
        content = json_of(path, MOST_REPORT_BYTES)
    except ValueError as error:
        raise CmtError(f"{path}: not a report of cmt generate ({error}); remove it to evaluate without it") from None
    return Report.from_json(content, str(path)) if looks_like_report(content) else None


def other_metre(path: Path) -> tuple[str, ...]:
    """A note where the file says another time signature than 4/4 while there is music."""
    others = read_midi_ticks(path).other_metres
    return (f"time signature {others}: bars are counted as 16 sixteenths all the same",) if others else ()


def measure_synchrony(
    song: Song,
    video: VideoRhythm,
    *,
    audio: bool = True,
    soundfont: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> tuple[dict[str, Synchrony], int | None]:
    """The synchrony of a song with a video: its scores by the metrics' names, and the best lag in bars where one is.

    Used by benchmarks/metrics.py.
    """
    positions = sorted({note.position for note in song.notes})
    notes = np.array([song.seconds(position) for position in positions])
    beats = np.array([song.seconds(position) for position in positions if position % POSITIONS_PER_BEAT == 0])
    visual = [beat.time for beat in video.visual_beats]
    edges = np.append(video.flow.times, video.flow.end) if len(video.flow) else np.zeros(0)
    frame = 1 / video.fps
    # AV-Align's threshold is in pixels a frame, our speeds in diagonals a second.
    slowest = synchrony.FLOW_THRESHOLD * video.fps / math.hypot(video.width, video.height)
    scores = {
        "beat_coverage": synchrony.beat_coverage(visual, beats, video.duration, seed),
        "beat_hits": synchrony.beat_hits(visual, beats, video.duration, seed),
    }
    for name, tolerance in (("frame", frame), ("40ms", 0.040), ("80ms", 0.080)):
        scores[f"cut_hits_{name}"] = synchrony.hits(video.cuts, notes, video.duration, tolerance, seed)
    for name, tolerance in (("40ms", 0.040), ("80ms", 0.080)):
        scores[f"visual_beat_hits_{name}"] = synchrony.hits(visual, notes, video.duration, tolerance, seed)
    peaks = synchrony.flow_peaks(edges, video.flow.speed, slowest) if len(video.flow) else np.zeros(0)
    try:
        heard = _heard_onsets(song, video.duration, audio, soundfont)
        scores["av_align"] = synchrony.av_align(peaks, heard, video.duration, video.fps, seed)
    except SynthesisError as error:
        scores["av_align"] = Synchrony.undefined(str(error))
    density = onsets(song).sum(axis=1)
    bars = song.timeline.bar_borders
    motion = synchrony.motion_correlation(edges, video.flow.speed, density[: len(bars) - 1], bars, seed)
    scores["motion_correlation"] = motion.together
    lag = None if motion.together.reason else motion.lag
    return {name: scores[name] for name in BY_NAME if name in scores}, lag


def _heard_onsets(
    song: Song, seconds: float, audio: bool, soundfont: str | os.PathLike[str] | None
) -> NDArray[np.float64]:
    """(n_onset,) seconds of the onsets in the rendered audio, as long as the video is."""
    if not audio:
        raise SynthesisError("not rendered, as was asked")
    if not has_fluidsynth():
        raise SynthesisError("FluidSynth is not installed, so nothing can be rendered")
    if seconds > LONGEST_AUDIO:
        raise SynthesisError(f"the video is longer than {LONGEST_AUDIO / 60:.0f} minutes, which are not rendered")
    length = min(song.length, math.ceil(song.timeline.position(seconds)))
    kept = tuple(note for note in song.notes if note.position < length)
    rendered = render(
        Song(kept, replace(song.timeline, length=length)),
        soundfont=soundfont,
        sample_rate=ONSET_SAMPLE_RATE,
        loudness=None,
    )
    return audio_onsets(rendered, ONSET_SAMPLE_RATE)
