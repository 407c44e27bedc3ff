"""The work of one job, in a process of its own: it reads what to do from its input and tells how far it is.

``python -m cmt.app.work`` reads a line of JSON and writes lines of JSON. It ends when its input does, so that it never
outlives the app.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from cmt.errors import CmtError

Tell: TypeAlias = Callable[[Mapping[str, object]], None]
STEP = 0.1
"""Progress is told at most every so many seconds."""
SEEN, STRIP = "seen.json", "strip.png"
"""The files that a look at a film leaves."""
SOUNDS_OF_PAGE = "the sounds of the page"
"""Where they come from, for messages."""


class Teller:
    """Writes lines of JSON; progress not too often."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._last: tuple[str, float] = ("", 0.0)

    def __call__(self, message: Mapping[str, object]) -> None:
        """Write a message."""
        self._write(json.dumps(message) + "\n")

    def progress(self, stage: str, done: float, total: float | None, /) -> None:
        """Hear how far a stage is."""
        now = time.monotonic()
        name, told = self._last
        if name != stage or now - told >= STEP:
            self._last = stage, now
            self({"stage": stage, "share": min(1.0, done / total) if total else None})


def look(task: Mapping[str, Any], teller: Teller) -> dict[str, object]:
    """Look at a film, and leave what was seen in the job's folder."""
    from cmt.app.seeing import seen_of, strip_of
    from cmt.machine.pictures import is_picture
    from cmt.planning.wishes import Wishes
    from cmt.soundtrack.source import look_at

    film, folder, most = Path(task["film"]), Path(task["folder"]), float(task["seconds"])
    pictures = is_picture(film)

    def progress(done: float, total: float | None) -> None:
        # The file says how long it is before all of it was seen; what is too long is not looked at.
        if not pictures and max(done, total or 0.0) > most:
            raise CmtError(f"{film}: lasts longer than {most / 60:g} minutes, the longest film that is taken; cut it")
        teller.progress("look", done, total)

    source = look_at((film,), Wishes(), progress, pictures=pictures)
    if not pictures and source.duration > most:
        raise CmtError(f"{film}: lasts longer than {most / 60:g} minutes, the longest film that is taken; cut it")
    teller.progress("describe", 0.0, None)
    seen = {**seen_of(source), "picture": pictures}
    assert source.rhythm is not None  # there is a film
    (folder / STRIP).write_bytes(strip_of(source.rhythm))
    (folder / SEEN).write_text(json.dumps(seen), encoding="utf-8")
    return {"duration": source.duration, "picture": pictures}


def compose(task: Mapping[str, Any], teller: Teller) -> dict[str, object]:
    """Write music for a film into the job's folder."""
    from cmt.app.asking import asked_of
    from cmt.app.telling import summary_of
    from cmt.soundtrack.make import make_soundtrack

    asked = asked_of(task["asked"], is_picture=task["picture"])
    made = make_soundtrack(
        task["film"],
        task["folder"],
        asked.wishes,
        asked.config,
        output=asked.output,
        name=task["title"],
        part=asked.part,
        checkpoint=task["checkpoint"],
        soundfont=task["soundfont"],
        told=asked.told,
        progress=teller.progress,
    )
    return summary_of(made, understood=asked.understood)


def again(task: Mapping[str, Any], teller: Teller) -> dict[str, object]:
    """Make a finished take again from its report, with the bars anew and the sounds that are named, if any are."""
    from cmt.app.telling import summary_of
    from cmt.planning.redo import parse_redo
    from cmt.report.sounds import events_from_json
    from cmt.soundtrack.again import Changes, make_again

    parts = tuple(parse_redo(part) for part in task["redo"])
    output = {} if task["sounds"] is None else {"sound_events": events_from_json(task["sounds"], SOUNDS_OF_PAGE)}
    made = make_again(
        task["report"],
        task["folder"],
        Changes(redo=parts, output=output),
        video=task["film"],
        name=task["title"],
        checkpoint=task["checkpoint"],
        soundfont=task["soundfont"],
        progress=teller.progress,
    )
    return summary_of(made, redone=task["redo"])


TASKS: Mapping[str, Callable[[Mapping[str, Any], Teller], dict[str, object]]] = {
    "look": look,
    "compose": compose,
    "redo": again,
    "take": again,
}


def run(line: str, tell: Callable[[str], object]) -> None:
    """Do what a line of JSON says, and tell how it went."""
    teller = Teller(tell)
    task = json.loads(line)
    try:
        teller({"result": TASKS[task["task"]](task, teller)})
    except CmtError as error:
        teller({"error": str(error)})


def _end_with_input() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


def main() -> None:
    """Work on the task that standard input names."""
    # What libraries print must not come between the messages.
    told = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline().decode("utf-8")
    threading.Thread(target=_end_with_input, daemon=True).start()
    run(line, told.write)
    told.flush()


if __name__ == "__main__":
    main()
