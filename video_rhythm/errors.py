"""The one error a user's video can cause."""

from __future__ import annotations


class VideoError(Exception):
    """A video that cannot be read or is no use; the message is one line: where, what, the cure."""
