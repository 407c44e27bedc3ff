"""What the page tells of a soundtrack that was made, and how it says what went wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cmt.machine.plural import count
from cmt.page.wording import key_in_words
from cmt.report.report import Report
from cmt.soundtrack.delivering import Soundtrack

SETTINGS: Mapping[str, str] = {
    "end": "“to”",
    "fade_in": "the fade in",
    "fade_out": "the fade out",
    "folder": "folder",
    "instruments": "the instruments",
    "length": "the length",
    "markers": "moments to meet",
    "original_audio": "the film's own sound",
    "redo": "writing anew",
    "sounds": "the sounds of what is seen",
    "start": "“from”",
}
"""What the page calls the settings that messages name between backticks."""


def in_words_of_the_page(message: str) -> str:
    """A message on one line, with the page's words in place of the settings' names."""
    told = re.sub(r"`(\w+)`", lambda found: SETTINGS.get(found[1], found[1].replace("_", " ")), message)
    return " ".join(told.split())


def summary_of(made: Soundtrack, *, understood: str = "", redone: Sequence[str] = ()) -> dict[str, object]:
    """What the page shows of it beside its files; JSON."""
    report = made.report
    grid = report.grid
    genre = "any genre" if report.genre is None else report.genre.label
    return {
        "files": [file.name for file in made.files],
        "name": made.name,
        "duration": report.duration,
        "tempo": grid.tempo,
        "key": key_in_words(report.key),
        "genre": genre,
        "instruments": [one.label for one in report.instruments],
        "borders": [round(border, 4) for border in grid.bar_borders],
        "start": 0.0 if report.part is None else report.part[0],
        "sections": [{"bar": section.bar, "name": section.name} for section in report.form],
        "lines": _lines(report),
        "warnings": [in_words_of_the_page(warning) for warning in report.warnings],
        "understood": understood,
        "redone": list(redone),
        "takes": [{"seed": take.seed, "score": take.score, "rejected": list(take.rejected)} for take in report.takes],
    }


def _lines(report: Report) -> list[str]:
    """A few sentences on what was met."""
    hits = report.grid.hits
    lines = []
    for noun, whose, met in (
        ("moment", "of yours ", hits.markers),
        ("cut", "", hits.cuts),
        ("beat", "of the picture ", hits.visual_beats),
    ):
        if met.n_hit:
            lines.append(f"{round(met.on_grid * met.n_hit)} of {count(met.n_hit, noun)} {whose}on a beat of the music")
    return lines
