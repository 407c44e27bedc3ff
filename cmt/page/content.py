"""What a page shows, as JSON: all of a piece that has a place in time, and what is said of its takes."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from cmt.music.colours import COLOURS, ON_DARK
from cmt.page.wording import key_in_words, label_of_take, mood_in_words, reasons_of_take, scene_in_words, shares_of_take
from cmt.report.parts import OPEN
from cmt.report.report import Report
from cmt.report.sounds import SCHEMA
from cmt.sounds.event import KINDS, LONGEST
from midi_io.performance import Performance
from midi_io.song import POSITIONS_PER_BAR, Instrument

if TYPE_CHECKING:
    from video_rhythm import VideoRhythm

MOST_THUMBNAILS = 32
"""So many small pictures of a film at most are in a page."""
MOST_SPEEDS = 1200
"""So many values of the motion at most are in it."""
_JPEG_QUALITY = 78
_NO_CHORD = "N"


@dataclass(frozen=True)
class ShownTake:
    """A take of a piece, as it is played, and what is reported of it."""

    performance: Performance
    report: Report


@dataclass(frozen=True)
class Shown:
    """All that a page is made from but sound and film."""

    name: str
    """What the files beside it are called, without a suffix."""
    title: str
    """What the music is for."""
    rhythm: VideoRhythm | None
    """What is seen; None where there is nothing to see."""
    report: Report
    """The report of the best take, with the judgements of all."""
    takes: Sequence[ShownTake]
    """The takes whose notes are known, the best first."""
    files: Sequence[str] = field(default_factory=tuple)
    """The names of the files beside it."""
    mixed: bool = False
    """Whether the best take sounds together with the film's own sound."""
    anew: Mapping[int, Collection[Instrument]] = field(default_factory=dict)
    """Who was written anew in which bars, from 0, when some were last."""


def content_of(shown: Shown) -> dict[str, Any]:
    """The content for the page's own program; times are seconds, bars count from 0."""
    report, rhythm = shown.report, shown.rhythm
    return {
        "name": shown.name,
        "title": shown.title,
        "files": list(shown.files),
        "duration": round(report.duration, 4),
        "tempo": round(report.grid.tempo, 2),
        "genre": None if report.genre is None else report.genre.label,
        "borders": _rounded(report.grid.bar_borders),
        "beats_per_bar": 4,
        "instruments": [
            {"name": one.label, "colour": COLOURS[one], "dark": ON_DARK[one]} for one in sorted(Instrument)
        ],
        "mixed": shown.mixed,
        "steps": POSITIONS_PER_BAR,
        "takes": [_take(shown, number) for number in range(len(shown.takes))],
        "anew": [[bar, sorted(int(one) for one in players)] for bar, players in sorted(shown.anew.items())],
        "sounds": _sounds(report),
        "hits": _rounded(marker.time for marker in report.markers),
        "mutes": [[int(mute.instrument), round(mute.begin, 3), round(mute.end, 3)] for mute in report.mutes],
        "speech": [_rounded((span.begin, span.end)) for span in report.speech.spans] if report.speech else [],
        "warnings": list(report.warnings),
        "picture": None if rhythm is None else _picture(rhythm, report),
    }


def _sounds(report: Report) -> dict[str, Any] | None:
    """The sounds beside the music, with all that is needed to write a file of them that `read_events` reads."""
    if report.sounds is None:
        return None
    return {
        "schema": SCHEMA,
        "events": [event.as_json() for event in report.sounds.events],
        "kinds": {name: {"before": kind.before, "bed": kind.is_bed} for name, kind in KINDS.items()},
        "longest": LONGEST,
    }


def _picture(rhythm: VideoRhythm, report: Report) -> dict[str, Any]:
    n = max(1, min(MOST_SPEEDS, len(rhythm.flow)))
    speeds = rhythm.flow.mean_speed(np.linspace(0.0, rhythm.duration, n + 1)) if len(rhythm.flow) else np.zeros(n)
    strongest = max((beat.saliency for beat in rhythm.visual_beats), default=0.0) or 1.0
    # One wild instant, such as a flash, must not flatten the rest.
    usual = max(float(np.quantile(speeds, 0.995)), 1e-6)
    return {
        "size": [rhythm.width, rhythm.height],
        "fps": round(float(rhythm.fps), 3),
        "speed": _rounded(np.minimum(1.0, speeds / usual)),
        "beats": [[round(beat.time, 3), round(beat.saliency / strongest, 3)] for beat in rhythm.visual_beats],
        "cuts": _rounded(rhythm.cuts),
        "fades": [[fade.kind.value, round(fade.begin, 3), round(fade.end, 3)] for fade in rhythm.fades],
        "scenes": [
            {
                "begin": round(scene.begin, 3),
                "end": round(scene.end, 3),
                "colour": "#" + "".join(f"{round(255 * min(1, max(0, part))):02x}" for part in scene.mean_colour[:3]),
                "words": scene_in_words(scene),
                "mood": mood_in_words(scene.mood),
                "same_as": scene.same_as,
            }
            for scene in report.scenes
        ],
        "thumbnails": _thumbnails(rhythm),
    }


def _thumbnails(rhythm: VideoRhythm) -> list[dict[str, Any]]:
    from PIL import Image

    every = -(-len(rhythm.thumbnails) // MOST_THUMBNAILS) or 1
    shown = []
    for thumbnail in rhythm.thumbnails[::every]:
        file = BytesIO()
        Image.fromarray(thumbnail.colours).save(file, "JPEG", quality=_JPEG_QUALITY)
        shown.append({"time": round(thumbnail.time, 3), "jpeg": b64encode(file.getvalue()).decode("ascii")})
    return shown


def _take(shown: Shown, number: int) -> dict[str, Any]:
    take, judged = shown.takes[number], shown.report.takes
    report, timeline = take.report, take.performance.timeline
    voices, end = take.performance.band.voices, report.duration
    is_judged = number < len(judged)
    notes = [
        [
            int(voices[note.voice].instrument),
            round(max(0.0, timeline.seconds(note.start)), 3),
            round(min(end, timeline.seconds(note.end)), 3),
            note.pitch,
            note.velocity,
        ]
        for note in take.performance.notes
    ]
    return {
        "label": label_of_take(number),
        "seed": judged[number].seed if is_judged else report.config.seed,
        "report": f"{shown.name}.json" if number == 0 else f"{shown.name}.take{number + 1}.json",
        "key": key_in_words(report.key),
        "reasons": reasons_of_take(judged, number) if is_judged else [],
        "shares": [[words, round(share, 6)] for words, share in shares_of_take(judged[number])] if is_judged else [],
        "notes": notes,
        "sounds": [
            {"instrument": int(voice.instrument), "name": voice.name} for voice in take.performance.playing_voices
        ],
        "chords": [["" if chord in (_NO_CHORD, OPEN) else _sharp(chord) for chord in bar] for bar in report.chords],
        "sections": [{"name": "" if part.name == OPEN else part.name, "bar": part.bar} for part in report.form],
        "asked": list(report.asked.density),
        "obtained": list(report.obtained.density),
    }


def _sharp(chord: str) -> str:
    root, rest = chord[:1], chord[1:]
    if rest[:1] in ("#", "b"):
        root, rest = root + ("♯" if rest[0] == "#" else "♭"), rest[1:]
    return root + rest


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 4) for value in values]
