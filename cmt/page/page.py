"""The page itself: a template, its style and its program, with the content and the media put into it."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined, Template

from cmt.page.content import Shown, content_of

_PROGRAM = ("base.js", "player.js", "timeline.js", "comments.js", "sounds.js", "main.js")
_IN_SCRIPTS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
"""What could end a script, or begin a comment in it, as JSON writes it otherwise."""


@dataclass(frozen=True)
class Media:
    """Film and sound, each in the page or beside it."""

    picture: bytes | None = None
    """The film's picture, an mp4."""
    film: str | None = None
    """The name of the film beside the page, where its picture is not in it."""
    sounds: Sequence[bytes | None] = ()
    """The sound of each take, m4a; None where it is not in the page."""
    sound: str | None = None
    """The name of the sound of the best take beside the page, where it is not in it."""
    stems: Mapping[str, bytes] = field(default_factory=dict)
    """The sound of each instrument of the best take, m4a."""


def page_of(shown: Shown, media: Media) -> str:
    """The page's HTML: it loads nothing but what `media` says lies beside it."""
    return _template().render(_values(shown, media))


def write_page(shown: Shown, media: Media, path: Path) -> None:
    """Write the page to `path`, part by part: film and sound in it are large. Names need not be UTF-8."""
    with path.open("wb") as file:
        _template().stream(_values(shown, media)).dump(file, encoding="utf-8", errors="replace")


def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_asset("page.html"))


def _values(shown: Shown, media: Media) -> dict[str, Any]:
    """What is put into the template."""
    content = content_of(shown)
    content["film"] = _film(media)
    content["sound"] = None if media.sound is None else _address(media.sound)
    content["heard"] = [sound is not None for sound in media.sounds]
    content["stems"] = list(media.stems)
    embedded = {"picture": media.picture}
    embedded |= {f"sound-{number}": sound for number, sound in enumerate(media.sounds)}
    embedded |= {f"stem-{name}": stem for name, stem in media.stems.items()}
    # Comments are kept in the browser by what they are about.
    content["id"] = hashlib.sha256(as_json(content).encode()).hexdigest()[:16]
    script = "".join(_asset(name) for name in _PROGRAM)
    return dict(
        title=shown.title,
        has_picture=content["picture"] is not None,
        has_sounds=content["sounds"] is not None,
        files=[{"name": name, "address": _address(name)} for name in shown.files],
        warnings=content["warnings"],
        instruments=content["instruments"],
        takes=content["takes"],
        style=_asset("page.css"),
        script=script,
        script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        content=as_json(content),
        media={key: b64encode(data).decode("ascii") for key, data in embedded.items() if data is not None},
    )


def as_json(content: Any) -> str:
    """JSON that can stand in a script element, whatever its texts are."""
    return json.dumps(content, ensure_ascii=True, separators=(",", ":")).translate(_IN_SCRIPTS)


def _film(media: Media) -> dict[str, str] | None:
    if media.picture is not None:
        return {"kind": "embedded"}
    return None if media.film is None else {"kind": "beside", "name": media.film, "address": _address(media.film)}


def _address(name: str) -> str:
    """A file beside the page as a relative address, which nothing in its name can make another kind of."""
    return f"./{quote(os.fsencode(name))}"


def _asset(name: str) -> str:
    return (resources.files("cmt") / "assets" / "page" / name).read_text(encoding="utf-8")
