"""Which pieces of a library fit a video best, for an agent."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from cmt.errors import CmtError
from cmt.machine.workers import Workers
from midi_io.hidden_folder import hidden_folder

MOST_TOLD = 50
"""The pieces that are told of at most."""


def best_pieces(video: Path, library: Path, top: int) -> list[dict[str, Any]]:
    """The best pieces for a video, the best first, each with its score, the bar from which it is played, and why.

    `library` is an index, or music that is indexed for this one time.

    Raises
    ------
    CmtError
        If the video, the library or the number is of no use, or the extra `match` is missing.
    """
    # Late: they need a library that other tools do not.
    from cmt.matching.index import is_index, open_index
    from cmt.matching.indexing import update_index
    from cmt.matching.ranking import MatchWishes, match

    if not 1 <= top <= MOST_TOLD:
        raise CmtError(f"top {top}: must be from 1 to {MOST_TOLD}")
    if not library.exists():
        raise CmtError(f"{library}: no such library; name a folder of MIDI files, or an index of cmt index")
    with hidden_folder(Path(tempfile.gettempdir())) as folder, Workers(1) as workers:
        index = library
        if not is_index(library):
            index = folder
            update_index([library], folder, workers)
        (rows,) = match([video], open_index(index), MatchWishes(top=top), workers).rows
    if rows[0].failure:
        raise CmtError(rows[0].failure)
    told = ("source", "name", "score", "chance", "start_bar", "tempo", "tempo_change", "genre", "key", "reason")
    return [{name: getattr(row, name) for name in told} for row in rows]
