"""What was seen in a film, as the page shows it: a timeline, a strip of pictures, and decisions with their reasons."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cmt.config import GenerateConfig
from cmt.machine.plural import count
from cmt.meaning.description import Description, SceneSeen
from cmt.meaning.file import as_toml
from cmt.meaning.mood import Mood, nearest_word
from cmt.meaning.seen import UNSURE, description_of_video
from cmt.music.lead_sheet import LETTERS
from cmt.planning.plan import Plan, plan_music
from cmt.planning.wishes import Wishes, settled
from cmt.report.parts import grid_of
from cmt.soundtrack.source import Source
from video_rhythm import VideoRhythm
from video_rhythm.thumbnails import Thumbnail

MOST_PICTURES = 12
"""The strip has at most so many pictures: on a timeline some 800 pixels wide each keeps about its shape."""
STRIP_HEIGHT = 90
HEAD = (
    "A line with a value is obeyed to the letter; what stands behind a # is decided anew.\n"
    "What you choose elsewhere on the page wins over this."
)


def seen_of(source: Source) -> dict[str, object]:
    """What was seen in a film, and what would be decided of its music if nobody asked for anything; JSON."""
    rhythm = source.rhythm
    assert rhythm is not None  # there is a film
    plan = plan_music(rhythm, settled(Wishes(), source.duration), GenerateConfig(), grid=source.grid)
    description = description_of_video(rhythm, plan)
    strongest = max((beat.saliency for beat in rhythm.visual_beats), default=1.0) or 1.0
    return {
        "duration": source.duration,
        "fps": rhythm.fps,
        "width": rhythm.width,
        "height": rhythm.height,
        "cuts": list(rhythm.cuts),
        "beats": [[beat.time, round(beat.saliency / strongest, 3)] for beat in rhythm.visual_beats],
        "fades": [[fade.begin, fade.end] for fade in rhythm.fades],
        "borders": [round(border, 4) for border in plan.timeline.bar_borders],
        "energy": [round(float(bar), 3) for bar in plan.liveliness],
        "tempo": plan.timeline.tempo,
        "scenes": [_scene(scene) for scene in description.scenes or ()],
        "told": _told(description, rhythm, plan),
        "toml": as_toml(replace(description, tempo_range=None), HEAD),
        "warnings": [*source.warnings, *plan.warnings],
    }


def _scene(scene: SceneSeen) -> dict[str, object]:
    words = [scene.shows] if scene.shows else []
    return {**scene._asdict(), "mood": None, "label": ", ".join([*words, *scene.colours[:1]])}


def _told(description: Description, rhythm: VideoRhythm, plan: Plan) -> list[dict[str, str]]:
    """A row for each decision: what it is about, what was decided, why."""
    n_scene, n_cut, n_beat = len(description.scenes or ()), len(rhythm.cuts), len(rhythm.visual_beats)
    letters = " ".join(LETTERS[scene.letter] for scene in plan.scenes)
    rows = {
        "Scenes": (str(n_scene), description.origin("scenes").reason),
        "Mood": _mood(plan),
        "Energy": ("as in the film", "how much it moves says it, bar by bar; the timeline shows it"),
        "Tempo": (f"{plan.timeline.tempo:.0f} BPM", _why_tempo(plan)),
        "Moments": (
            f"{count(n_cut, 'cut')}, {count(n_beat, 'beat')} of the picture",
            "the music meets them where its own beat allows; what you mark on the timeline it must meet",
        ),
        "Sections": (letters, "one begins where a scene does; the same letter is the same music"),
        "Genre": ("any", "nothing in the picture speaks for one; choose it beside"),
        "Instruments": ("drawn", "each idea has the players that suit its genre, unless you choose"),
        "Key and ending": ("drawn", "each idea has its own, unless you choose"),
    }
    return [{"name": name, "value": value, "reason": reason} for name, (value, reason) in rows.items()]


def _why_tempo(plan: Plan) -> str:
    hits = grid_of(plan.timeline, plan.hits).hits
    met = [
        f"{round(its.on_grid * its.n_hit)} of {count(its.n_hit, noun)}"
        for noun, its in (("cut", hits.cuts), ("beat", hits.visual_beats))
        if its.n_hit
    ]
    return f"on it fall {' and '.join(met)} of the picture" if met else "nothing in the picture speaks for a tempo"


def _mood(plan: Plan) -> tuple[str, str]:
    if plan.mood is None or plan.mood.certainty < UNSURE:
        return "not sure", "the picture does not say; tempo and energy follow how much it moves"
    word = nearest_word(Mood(plan.mood.valence, plan.mood.arousal))
    return f"nearest to {word}", f"{plan.mood.certainty:.0%} sure; tempo, major or minor, and energy follow it"


def strip_of(rhythm: VideoRhythm) -> bytes:
    """Pictures from all over a film, side by side, as a PNG of `STRIP_HEIGHT` rows; empty without any."""
    pictures = rhythm.thumbnails
    if not pictures:
        return b""
    n = min(MOST_PICTURES, max(1, len(pictures)))
    times = (np.arange(n) + 0.5) * rhythm.duration / n
    chosen = [min(pictures, key=lambda picture: abs(picture.time - time)) for time in times]
    return png_of(np.concatenate([_of_height(picture, STRIP_HEIGHT) for picture in chosen], axis=1))


def _of_height(picture: Thumbnail, height: int) -> NDArray[np.uint8]:
    """The nearest pixels: it is small, and a browser draws it smaller."""
    rows, columns, _ = picture.colours.shape
    width = max(1, round(columns * height / rows))
    y, x = np.arange(height) * rows // height, np.arange(width) * columns // width
    return np.asarray(picture.colours[y][:, x], dtype=np.uint8)


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """A picture (rows, columns, 3) as a PNG file (ISO/IEC 15948): eight bits a channel, no filter."""
    rows, columns, _ = picture.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), picture.reshape(rows, -1)], axis=1)
    chunks: Sequence[tuple[bytes, bytes]] = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines.tobytes(), 6)),
        (b"IEND", b""),
    )
    written = (
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)
