"""One song on its way into a corpus: read from its file, put on the grid, looked at, and taken or left out.

The rule of the grid is that of LPD's packs: a note starts at the sixteenth nearest to its start, half-way at the later
one, and is as long as the whole number of sixteenths nearest to its own length, from 1 to MAX_DURATION; drums last 1.
Of notes that fall together the longest stays; of notes of one pitch a later one does not end an earlier. The piece
begins with the bar of its first note.
"""

from __future__ import annotations

import os
import stat
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cmt.config import PrepareConfig
from cmt.corpus.duplicates import fingerprint, shingles
from cmt.corpus.packs import genre_of_pack
from cmt.corpus.songs import song_info
from cmt.errors import MidiError
from cmt.machine.bugs import unforeseen
from cmt.machine.files import LINKED
from cmt.music.encoding import NoteArrays, encode_notes, sorted_without_doubles
from cmt.music.words import BAR, MAX_DURATION, MAX_STRENGTH, WordType
from midi_io.midi_file import read_midi_ticks
from midi_io.pianoroll import read_pianoroll_ticks
from midi_io.quantize import nearest_position
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument
from midi_io.ticks import TickSong

INTAKE_VERSION = 2
"""The number goes up when the same file would be taken in otherwise: songs read by another version are read anew."""
PIANOROLLS = (".npz",)
MOST_BARS = 4096
"""A song has at most this many bars, two hours of music; a longer one has a stray note at the end of time."""
_MOST_BYTES = 2**26
_TOLERANCE = 24
"""A note is on the grid if it starts within 1/24 of a beat of a sixteenth; that is one step of LPD's pianorolls."""


class Reason(str, Enum):
    """Why a song is not in the corpus. The values are those of the report."""

    UNREADABLE = "unreadable"
    METRE = "not 4/4 throughout"
    EMPTY = "no notes"
    SHORT = "too few bars"
    LONG = "too many bars"
    THIN = "too few tracks"
    OFF_GRID = "off the sixteenth grid"
    DUPLICATE = "duplicate"


class LeftOut(Exception):  # noqa: N818 - an outcome that ends the taking of a song, not an error
    """Raised inside this module for a song that is not taken."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason.value)
        self.reason, self.detail = reason, detail


class Rhythm(NamedTuple):
    """Counts of a song's words, for the statistics."""

    n_word: int
    density: np.ndarray
    """The number of bars of each density (17,)."""
    strength: np.ndarray
    """The number of simu-notes of each instrument and strength (5, 17)."""


class TakenSong(NamedTuple):
    """A song that may come into the corpus, unless it is a duplicate."""

    file: str
    """The name by which the report calls it."""
    name: str
    """The song's name: the md5 in LPD, else the file's name without its ending."""
    msd_id: str
    """The Million Song Dataset's id of the song, from LPD's folder; else empty."""
    split: str
    """The split that the song itself says; else empty."""
    genre: str
    """The genre that the song itself says; else empty."""
    mode: str
    tempo: float | None
    semitones_home: int
    n_bar: int
    fingerprint: str
    notes: NoteArrays
    shingles: np.ndarray
    rhythm: Rhythm


class LeftOutSong(NamedTuple):
    """A song that does not come into the corpus."""

    file: str
    reason: str
    detail: str


def take_file(root: Path, relative: str, config: PrepareConfig) -> TakenSong | LeftOutSong:
    """A pianoroll or a MIDI file below `root`, taken or left out; nothing is raised, whatever is in it."""
    file = printable(f"{root.name}/{relative}")
    try:
        ticks = _read_ticks(root / relative)
        if not ticks.is_common_time:
            raise LeftOut(Reason.METRE)
        if not len(ticks.notes.start):
            raise LeftOut(Reason.EMPTY)
        on_grid = share_on_grid(ticks)
        if on_grid < config.min_on_grid:
            raise LeftOut(Reason.OFF_GRID, f"{on_grid:.0%} of the notes are on it")
        tempo = ticks.median_tempo
        folder, stem = Path(relative).parent.name, Path(relative).stem
        is_lpd = len(stem) == 32 and set(stem) <= set("0123456789abcdef")
        return _taken(
            file,
            stem if is_lpd else printable(relative.removesuffix(Path(relative).suffix)),
            notes_of_ticks(ticks),
            config,
            msd_id=folder if folder.startswith("TR") and len(folder) == 18 else "",
            tempo=None if tempo is None else round(tempo, 2),
        )
    except LeftOut as left_out:
        return LeftOutSong(file, left_out.reason.value, left_out.detail)
    except MidiError as error:
        # The path is another on each machine, and the report has it from the source on.
        detail = str(error).replace(f"{root / relative}: ", "")
        return LeftOutSong(file, Reason.UNREADABLE.value, printable(" ".join(detail.split())))
    except OSError as error:
        return LeftOutSong(file, Reason.UNREADABLE.value, error.strerror or type(error).__name__)
    except Exception as error:  # a bug or a lack of memory on one song out of thousands must not cost the others
        return LeftOutSong(file, Reason.UNREADABLE.value, printable(unforeseen(error)))


def take_packed(pack: str, info: dict[str, Any], notes: NoteArrays, config: PrepareConfig) -> TakenSong | LeftOutSong:
    """A song of a pack, taken or left out; nothing is raised."""
    file = printable(f"{pack}/{info['md5']}")
    tempo = info.get("bpm")
    try:
        if not len(notes.position):
            raise LeftOut(Reason.EMPTY)
        genre = genre_of_pack(info)
        return _taken(
            file,
            printable(str(info["md5"])),
            _in_range(notes),
            config,
            split=str(info["split"]),
            genre="" if genre is None else genre.label,
            tempo=None if tempo is None else float(tempo),
        )
    except LeftOut as left_out:
        return LeftOutSong(file, left_out.reason.value, left_out.detail)
    except Exception as error:
        return LeftOutSong(file, Reason.UNREADABLE.value, printable(unforeseen(error)))


def notes_of_ticks(ticks: TickSong) -> NoteArrays:
    """The notes on the grid, by the rule above."""
    notes = ticks.notes
    position = nearest_position(notes.start + ticks.first_bar, ticks.ticks_per_beat)
    duration = nearest_position(notes.end - notes.start, ticks.ticks_per_beat)
    duration = np.where(notes.instrument == Instrument.DRUMS, 1, np.clip(duration, 1, MAX_DURATION))
    start = position.min(initial=2**62) // POSITIONS_PER_BAR * POSITIONS_PER_BAR
    return sorted_without_doubles(NoteArrays(position - start, notes.instrument, notes.pitch, duration))


def share_on_grid(ticks: TickSong) -> float:
    """The share of notes that start near enough to a sixteenth, 0..1."""
    # In parts of a sixteenth, of which there are ticks_per_beat.
    beyond = (ticks.notes.start + ticks.first_bar) * POSITIONS_PER_BEAT % ticks.ticks_per_beat
    nearest = np.minimum(beyond, ticks.ticks_per_beat - beyond)
    return float((nearest * (_TOLERANCE // POSITIONS_PER_BEAT) <= ticks.ticks_per_beat).mean())


def printable(name: str) -> str:
    """A file's name, which may be any bytes, as text that can be printed and stored."""
    text = os.fsencode(name).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)


def _taken(
    file: str,
    name: str,
    notes: NoteArrays,
    config: PrepareConfig,
    *,
    msd_id: str = "",
    split: str = "",
    genre: str = "",
    tempo: float | None,
) -> TakenSong:
    bars = notes.position // POSITIONS_PER_BAR
    n_sounding = len(np.unique(bars))
    if n_sounding < config.min_bars:
        raise LeftOut(Reason.SHORT, str(n_sounding))
    if bars.max() >= MOST_BARS:
        raise LeftOut(Reason.LONG, str(bars.max() + 1))
    n_track = int((np.bincount(notes.instrument, minlength=len(Instrument)) >= config.min_track_notes).sum())
    if n_track < config.min_tracks:
        raise LeftOut(Reason.THIN, str(n_track))
    info = song_info(name, None, tempo, notes)
    return TakenSong(
        file,
        name,
        msd_id,
        split,
        genre,
        info.mode.label,
        tempo,
        info.semitones_home,
        info.n_bar,
        fingerprint(notes),
        notes,
        shingles(notes),
        _rhythm(notes, info.n_bar),
    )


def _rhythm(notes: NoteArrays, n_bar: int) -> Rhythm:
    kind, position, density, strength, instrument = encode_notes(notes, n_bar).fields.T[:5].astype(np.int64)
    is_bar = position == BAR
    is_beat = (kind == WordType.RHYTHM) & ~is_bar
    shape = (len(Instrument), MAX_STRENGTH + 1)
    cells = (instrument[is_beat] - 1) * shape[1] + strength[is_beat]
    return Rhythm(
        len(kind),
        np.bincount(density[is_bar] - 1, minlength=POSITIONS_PER_BAR + 1),
        np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape),
    )


def _read_ticks(path: Path) -> TickSong:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise LeftOut(Reason.UNREADABLE, LINKED if path.is_dir() else "not an ordinary file")
    if status.st_size > _MOST_BYTES:
        raise LeftOut(Reason.UNREADABLE, f"{status.st_size >> 20} MiB are more than any song has")
    return read_pianoroll_ticks(path) if path.suffix.lower() in PIANOROLLS else read_midi_ticks(path)


def _in_range(notes: NoteArrays) -> NoteArrays:
    position, instrument, pitch, duration = sorted_without_doubles(notes)
    if instrument.max() >= len(Instrument) or pitch.max() > 127:
        raise LeftOut(Reason.UNREADABLE, "an instrument or a pitch that there is not")
    return NoteArrays(position, instrument, pitch, np.clip(duration, 1, MAX_DURATION))
