"""What goes wrong for a user of these packages, as opposed to a programmer's mistake (ValueError).

The message of each is one line: what, where, and the cure. The tree:

    CmtError                 anything the user can mend; catch this one
    ├── VideoError           a video that cannot be read, or is of no use
    ├── MidiError            a song, a pianoroll or a film that cannot be read or made
    ├── SynthesisError       no sound can be made: FluidSynth or its SoundFont is missing or unusable
    ├── WriteError           a file that cannot be written, whatever is in it
    ├── MissingLibraryError  a library of an extra is not installed; an ImportError as well
    └── Cancelled            the caller's own progress function asked to stop

This module imports nothing, so that `midi_io` and `video_rhythm` may know it, and it alone, of `cmt`.
"""


class CmtError(Exception):
    """Something the user can mend; the root of all errors below."""


class VideoError(CmtError):
    """A video that cannot be read, or is of no use."""


class MidiError(CmtError):
    """A song, a pianoroll or a film that cannot be read or made."""


class SynthesisError(CmtError):
    """No sound can be made: FluidSynth or its SoundFont is missing or unusable."""


class WriteError(CmtError):
    """A file that cannot be written: its folder is missing, it is a folder itself, or the system refuses."""


class MissingLibraryError(CmtError, ImportError):
    """A library is not installed that only an extra brings; for Python an import that failed, as any other."""


class Cancelled(CmtError):  # noqa: N818 - it says what happened, as asyncio.CancelledError does
    """A caller's progress function raises it to stop the work: no file is left, and it comes out of what was called."""

    def __init__(self, message: str = "cancelled") -> None:
        super().__init__(message)
