"""What the terminal says of a song that the music is like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmt.cli.saying import say
from cmt.machine.plural import count

if TYPE_CHECKING:
    from cmt.report.report import Report


def print_like(report: Report) -> None:
    """The song, why it is this one, what was taken, and how much of its notes the music has."""
    like = report.like
    if like is None:
        return
    chosen = "" if like.n_piece is None else f", chosen from {count(like.n_piece, 'piece')}"
    say(f"like     {like.song}{chosen}")
    for distance in like.distances:
        say(f"           {distance.name} {distance.value:.2f} away: {distance.reason}")
    for line in like.taken:
        say(f"taken    {line}")
    again = f"; {count(like.rejected, 'take')} that shared more written anew" if like.rejected else ""
    say(f"shared   longest run shared with {like.song}: {count(like.shared.n_note, 'note')}{again}")
