"""What agents may call, and the folders to which it is held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from cmt.app.seeing import seen_of
from cmt.app.telling import in_words_of_the_page, summary_of
from cmt.app.tools.folders import Folders
from cmt.app.tools.matching import best_pieces
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.machine.pictures import is_picture
from cmt.meaning.wishing import described_wishes
from cmt.meaning.words import read_words
from cmt.planning.redo import parse_redo
from cmt.planning.wishes import Wishes
from cmt.report.description import Told
from cmt.soundtrack.again import Changes, make_again
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from cmt.soundtrack.source import look_at
from video_rhythm import analyze as analyze_video

F = TypeVar("F", bound=Callable[..., Any])
INSTRUCTIONS = (
    "Background music for videos. describe a video first, then generate with words such as 'calm piano, no drums, "
    "builds up'; redo writes some bars of a result anew and keeps all other notes; match finds music that is there "
    "already. Paths lie in the folders that the user has named."
)


def tool_server(folders: Sequence[Path]) -> MCPServer[Any]:
    """A server of tools that are held to these folders; a relative path lies in the first."""
    within = Folders(folders)
    server: MCPServer[Any] = MCPServer("cmt", instructions=INSTRUCTIONS, log_level="ERROR")

    def tool(function: F) -> F:
        server.tool()(_in_one_line(function))
        return function

    @tool
    def analyze(video: str) -> dict[str, Any]:
        """Measure a video's rhythm: duration in seconds, cuts, visual beats, tempo of the picture."""
        rhythm = analyze_video(within.path(video))
        return {
            "duration": rhythm.duration,
            "fps": rhythm.fps,
            "cuts": list(rhythm.cuts),
            "visual_beats": [beat.time for beat in rhythm.visual_beats],
            "tempo": rhythm.tempo,
            "warnings": list(rhythm.warnings),
        }

    @tool
    def describe(video: str) -> dict[str, Any]:
        """Say what is understood of a video or a picture and what music would follow from it, with reasons."""
        file = within.path(video)
        return seen_of(look_at((file,), Wishes(), pictures=is_picture(file)))

    @tool
    def generate(
        video: str,
        folder: str,
        words: str = "",
        takes: int = 1,
        seed: int = 0,
        control: float = GenerateConfig.control,
        midi_only: bool = False,
    ) -> dict[str, Any]:
        """Write music for a video into a folder: MIDI, WAV, the video with it, a report.

        words: what the music shall be, such as "calm piano, no drums, 80 bpm, big ending". control: 0 free music, 1
        every beat of the picture. Another seed is another piece.
        """
        wishes, programs, told, understood = Wishes(takes=takes), {}, Told(), ""
        if words:
            read = read_words(words)
            its = described_wishes(read.description, wishes)
            wishes, programs, told, understood = its.wishes, dict(its.programs), its.told, str(read)
        made = make_soundtrack(
            within.path(video),
            within.path(folder),
            wishes,
            GenerateConfig(control=control, seed=seed),
            output=Output(midi_only=midi_only, programs=programs),
            told=told,
        )
        return summary_of(made, understood=understood)

    @tool
    def redo(report: str, folder: str, bars: list[str]) -> dict[str, Any]:
        """Write some bars of a result anew and keep every other note.

        report: the .json of the result. bars: such as "9-12", "piano@9-12" or "21s-30s".
        """
        if not bars:
            raise CmtError("no bars are to be written anew; say some, such as 9-12")
        parts = tuple(parse_redo(part) for part in bars)
        made = make_again(within.path(report), within.path(folder), Changes(redo=parts))
        return summary_of(made, redone=bars)

    @tool
    def match(video: str, library: str, top: int = 5) -> list[dict[str, Any]]:
        """Say which pieces of a library fit a video best, from which bar on, and why.

        library: a folder of MIDI files, or an index that cmt index made.
        """
        return best_pieces(within.path(video), within.path(library), top)

    return server


def _in_one_line(function: F) -> F:
    """The function with errors as an agent reads them."""

    @wraps(function)
    def called(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except CmtError as error:
            raise ToolError(in_words_of_the_page(str(error))) from None

    return called  # type: ignore[return-value]
