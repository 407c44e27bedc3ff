"""Background music for a video, led by the picture's rhythm.

The main job is `make_soundtrack`, which writes files; `Composer` does it in memory, for many pieces. `analyze`,
`write_piece`, `render` and the rest are its steps.
Each is imported when it is first used; torch is not needed for any of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors, what _HOMES says at run time
    from cmt.config import GenerateConfig
    from cmt.errors import (
        Cancelled,
        CmtError,
        MidiError,
        MissingLibraryError,
        SynthesisError,
        VideoError,
        WriteError,
    )
    from cmt.film.part import Part
    from cmt.grid.hits import Marker, read_markers
    from cmt.music.encoding import decode, encode
    from cmt.music.words import Genre, Mode
    from cmt.network.checkpoint import load_checkpoint
    from cmt.planning.mutes import Mute
    from cmt.planning.wishes import Wishes
    from cmt.report.report import Report
    from cmt.soundtrack.composer import Composer
    from cmt.soundtrack.delivering import Soundtrack
    from cmt.soundtrack.make import make_soundtrack
    from cmt.soundtrack.output import Output
    from cmt.soundtrack.piece import Piece
    from cmt.writing.pieces import PieceRequest, write_piece
    from midi_io import Instrument, Note, Song, read_midi, render, write_midi
    from video_rhythm import Frames, VideoRhythm, analyze

_HOMES = {
    "analyze": "video_rhythm",
    "Frames": "video_rhythm",
    "VideoRhythm": "video_rhythm",
    "Composer": "cmt.soundtrack.composer",
    "Piece": "cmt.soundtrack.piece",
    "make_soundtrack": "cmt.soundtrack.make",
    "Soundtrack": "cmt.soundtrack.delivering",
    "Wishes": "cmt.planning.wishes",
    "Mute": "cmt.planning.mutes",
    "Part": "cmt.film.part",
    "Output": "cmt.soundtrack.output",
    "Report": "cmt.report.report",
    "GenerateConfig": "cmt.config",
    "Marker": "cmt.grid.hits",
    "read_markers": "cmt.grid.hits",
    "Cancelled": "cmt.errors",
    "CmtError": "cmt.errors",
    "MidiError": "cmt.errors",
    "MissingLibraryError": "cmt.errors",
    "SynthesisError": "cmt.errors",
    "VideoError": "cmt.errors",
    "WriteError": "cmt.errors",
    "Genre": "cmt.music.words",
    "Mode": "cmt.music.words",
    "encode": "cmt.music.encoding",
    "decode": "cmt.music.encoding",
    "load_checkpoint": "cmt.network.checkpoint",
    "PieceRequest": "cmt.writing.pieces",
    "write_piece": "cmt.writing.pieces",
    "Instrument": "midi_io",
    "Note": "midi_io",
    "Song": "midi_io",
    "read_midi": "midi_io",
    "write_midi": "midi_io",
    "render": "midi_io",
}

__all__ = [
    "Cancelled",
    "CmtError",
    "Composer",
    "Frames",
    "GenerateConfig",
    "Genre",
    "Instrument",
    "Marker",
    "MidiError",
    "MissingLibraryError",
    "Mode",
    "Mute",
    "Note",
    "Output",
    "Part",
    "Piece",
    "PieceRequest",
    "Report",
    "Song",
    "Soundtrack",
    "SynthesisError",
    "VideoError",
    "VideoRhythm",
    "Wishes",
    "WriteError",
    "analyze",
    "decode",
    "encode",
    "load_checkpoint",
    "make_soundtrack",
    "read_markers",
    "read_midi",
    "render",
    "write_midi",
    "write_piece",
]


if not TYPE_CHECKING:  # or type checkers would take any name to be here

    def __getattr__(name: str) -> Any:
        if name == "__version__":
            return _installed_version()
        if name not in _HOMES:
            raise AttributeError(f"module 'cmt' has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def _installed_version() -> str:
    """The version that pip installed: setup.cfg holds it, and nothing else does."""
    from importlib import metadata

    try:
        return metadata.version("video-cmt")
    except metadata.PackageNotFoundError:
        raise AttributeError(
            "cmt has no __version__: video-cmt is not installed; pip install video-cmt, or make setup in a clone"
        ) from None
