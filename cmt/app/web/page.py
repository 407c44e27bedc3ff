"""The page that the browser is shown, and the files that it loads."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from cmt.app.limits import AppLimits
from cmt.config import GenerateConfig
from cmt.meaning.mood import MOODS
from cmt.music.words import GENRES
from cmt.planning.energy import LEVELS, NAMES
from cmt.writing.closing import ENDINGS
from midi_io.song import INSTRUMENTS

_FOLDER = Path(str(files("cmt") / "assets" / "app"))
_KINDS = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
STATIC: Mapping[str, tuple[Path, str]] = {
    name: (_FOLDER / name, _KINDS[name.rpartition(".")[2]])
    for name in ("app.css", "app.js", "server.js", "timeline.js", "result.js")
}
"""The files that the page loads, by their names, and what they are."""
ENDING_WORDS: Mapping[str, str] = {
    "full": "one last chord that rings",
    "thin": "it thins out",
    "stop": "it stops on the beat",
    "third beat": "a stroke in the middle of the last bar",
    "fourth beat": "a stroke at the end of the last bar",
}
"""The ways to end, as the page calls them."""


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string((_FOLDER / "page.html").read_text(encoding="utf-8"))


def page(token: str, boot: str, limits: AppLimits) -> str:
    """The page for a user.

    Parameters
    ----------
    token
        What each request that changes something must name.
    boot
        The word by which the page knows that the app was started anew.
    """
    return _template().render(
        token=token,
        boot=boot,
        limits=limits,
        genres=list(GENRES),
        moods=list(MOODS),
        instruments=list(INSTRUMENTS),
        levels=list(LEVELS),
        names=list(NAMES),
        endings={name: ENDING_WORDS.get(name, name) for name in ENDINGS},
        control=GenerateConfig.control,
    )
