"""Where a piece comes from, for whoever is told that it is somebody else's: facts that are known, and no others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from cmt.errors import CmtError
from cmt.report.report import Report
from midi_io.whole_file import whole_file

SCHEMA = 1
STATEMENT = (
    "The notes of this music were written by the program and the model named here, by chance under the plan given "
    "here. The same program, model, video, settings and seed write the same MIDI file again; the report, which is "
    "among the files, has all settings."
)
OF_OUR_MODEL = (
    "The model was trained on LPD-cleansed (Dong, Hsiao, Yang, Yang; CC BY 4.0), a dataset derived from the Lakh MIDI "
    "Dataset (Raffel; CC BY 4.0), whose files are mostly transcriptions of commercial songs. data/MODEL_CARD.md of the "
    "project tells how it was trained and what is not settled about such models."
)
OF_ANOTHER_MODEL = (
    "The model is not the one that comes with the program. What it was trained on is known to whoever trained it; what "
    "its file says of that stands under model."
)
NOT_COMPARED = (
    "The piece was not compared with the songs that the model was trained on: they do not come with the program. No "
    "claim is made about what it has in common with them or with any other song."
)
_AT_ONCE = 2**20


@dataclass(frozen=True)
class Making:
    """What is known of how the files were made, beside their report."""

    name: str
    files: Iterable[Path]
    """The files that were made."""
    video: Path | None
    """The video that the music is for."""
    is_our_model: bool
    """Whether the model is the one that comes with the program."""
    soundfont: Path | None
    """The SoundFont that played."""


def write_origin(report: Report, making: Making, path: Path, now: datetime | None = None) -> None:
    """Write the statement of origin as JSON; `now` is the time that it tells, by default that of the clock.

    Raises
    ------
    CmtError
        If a file cannot be read or written.
    """
    content = origin_of(report, making, now or datetime.now(timezone.utc))
    with whole_file(path) as unfinished:
        text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        unfinished.write_text(text, encoding="utf-8", errors="replace")


def origin_of(report: Report, making: Making, now: datetime) -> dict[str, object]:
    """The statement of origin as JSON, keys in order.

    The plan is what was decided before the first note. Hashes are SHA-256.
    """
    config = report.config
    return {
        "schema": SCHEMA,
        "title": making.name,
        "statement": STATEMENT,
        "made": now.astimezone(timezone.utc).isoformat(timespec="seconds"),
        "program": dict(report.versions),
        "model": {**report.checkpoint.as_json(), "comes_with_the_program": making.is_our_model},
        "training_data": OF_OUR_MODEL if making.is_our_model else OF_ANOTHER_MODEL,
        "longest_run_shared_with_training_songs": None,
        "comparison": NOT_COMPARED,
        "seed": config.seed,
        "settings": {
            "control": config.control,
            "dynamics": config.dynamics,
            "temperature": config.temperature,
            "guidance": config.guidance,
            "nucleus": config.nucleus,
            "note_nucleus": config.note_nucleus,
            "int8": config.int8,
        },
        "plan": {
            "genre": None if report.genre is None else report.genre.label,
            "key": str(report.key),
            "tempo": report.grid.tempo,
            "n_bar": report.grid.n_bar,
            "duration": report.duration,
            "instruments": [instrument.label for instrument in report.instruments],
            "form": [section._asdict() for section in report.form],
            "chords": [list(bar) for bar in report.chords],
        },
        "video": None if making.video is None else _hashed(making.video),
        "soundfont": None if making.soundfont is None else _hashed(making.soundfont),
        "files": [_hashed(file) for file in sorted(making.files)],
    }


def _hashed(file: Path) -> Mapping[str, str]:
    """A file's name, without its folder, and its hash."""
    try:
        digest = hashlib.sha256()
        with file.open("rb") as content:
            while block := content.read(_AT_ONCE):
                digest.update(block)
    except OSError as error:
        raise CmtError(f"{file}: cannot be read for its hash ({error.strerror or error}); try again") from error
    return {"name": file.name, "sha256": digest.hexdigest()}
