"""Pages for tests: of a small clip, with two takes and sounds, whose sound is made here and not by FluidSynth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import draw_clip

from cmt.config import GenerateConfig
from cmt.film.embedded import embedded_picture, embedded_sound
from cmt.page.content import Shown
from cmt.page.page import Media
from cmt.planning.wishes import Wishes
from cmt.report.sounds import SoundsTold
from cmt.sounds.event import SoundEvent
from cmt.soundtrack import paging
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io.song import Instrument

SECONDS = 4.0
RATE = 44_100
HOSTILE = "</script><img src=x onerror=\"document.title='hit'\">"
"""A title that would run, were it ever read as markup."""

EVENTS = (
    SoundEvent(0.0, 4.0, 0.5, 0.0, "wind", "scene", 2),
    SoundEvent(1.0, 0.6, 0.8, -0.5, "hit", "contact", 1),
    SoundEvent(2.0, 1.1, 0.123456789, 0.3, "whoosh", "cut", 4),
)
"""The sounds of the page."""


def shown_of_clip(folder: Path, checkpoint: Path, *, title: str | None = None) -> tuple[Shown, Path]:
    """What a page shows of two takes for a small clip, and the clip; the folder gets all but sound and film."""
    clip = draw_clip(folder / "clip.mp4", SECONDS, 24, (320, 192), codec="libx264")
    kept: list[Shown] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "write_page", lambda shown, media, path: kept.append(shown))
        wishes = Wishes(takes=2, instruments=tuple(Instrument))
        output = Output(midi_only=True)
        config = GenerateConfig(seed=1, control=1.0)
        make_soundtrack(clip, folder / "out", wishes, config, output=output, checkpoint=checkpoint)
    (shown,) = kept
    report = replace(shown.report, sounds=SoundsTold(0.5, EVENTS))
    return replace(shown, title=title or shown.title, report=report), clip


def media_of_clip(clip: Path, *, stems: bool = True) -> Media:
    """The clip's picture, and for each take and stem a tone of its own."""
    return Media(
        picture=embedded_picture(clip, 10**7),
        sounds=[tone(220), tone(330)],
        stems={"piano": tone(440), "drums": tone(550)} if stems else {},
    )


def tone(pitch: float, seconds: float = SECONDS) -> bytes:
    """A tone as a sound for a page."""
    times = np.arange(round(seconds * RATE)) / RATE
    wave = 0.1 * np.sin(2 * np.pi * pitch * times).astype(np.float32)
    return embedded_sound(np.column_stack([wave, wave]), RATE)
