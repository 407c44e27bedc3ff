"""Songs to compound words and back, and words to readable text."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.music.words import BAR, FIELDS, MAX_DURATION, MAX_STRENGTH, N_TIMING, CompoundWord, WordType
from midi_io.song import POSITIONS_PER_BAR, Instrument, Note, Song, Timeline

_TYPE, _POSITION, _DENSITY, _STRENGTH, _INSTRUMENT, _PITCH, _DURATION = range(len(FIELDS))


class Words(NamedTuple):
    """A piece as the model reads it."""

    fields: np.ndarray
    """The attributes of each word, (n_word, 7) uint8, with the columns of CompoundWord."""
    positions: np.ndarray
    """The position of each word, (n_word,) int32, in sixteenths from the start of the piece."""


class NoteArrays(NamedTuple):
    """Notes as columns, each (n_note,): what the corpus holds, the encoder reads and the metrics measure."""

    position: NDArray[np.integer[Any]]
    """Onset in sixteenths from the start of the piece."""
    instrument: NDArray[np.integer[Any]]
    """Numbers of `Instrument`."""
    pitch: NDArray[np.integer[Any]]
    """MIDI pitch, 0..127; for drums the General MIDI percussion key."""
    duration: NDArray[np.integer[Any]]
    """Length in sixteenths."""

    def chosen(self, mask: NDArray[np.bool_]) -> NoteArrays:
        """The notes where `mask`, (n_note,), is true."""
        return NoteArrays(*(column[mask] for column in self))

    def pitched(self) -> NoteArrays:
        """The notes of all instruments but the drums."""
        return self.chosen(self.instrument != Instrument.DRUMS)


def notes_of_song(song: Song) -> NoteArrays:
    """The notes of a song in its order, as read-only columns of int64."""
    table = np.array([note[:4] for note in song.notes], dtype=np.int64).reshape(-1, 4)
    columns = np.ascontiguousarray(table.T)
    columns.flags.writeable = False
    return NoteArrays(*columns)


def encode(song: Song) -> Words:
    """The words of a song, END included.

    A simu-note keeps its MAX_STRENGTH lowest notes, a note at most MAX_DURATION sixteenths; of
    notes that are equal in position, instrument and pitch the longest stays.
    """
    return encode_notes(notes_of_song(song), song.n_bar)


def encode_notes(notes: NoteArrays, n_bar: int) -> Words:
    """The words of `n_bar` bars, END included; notes must start inside them."""
    position, instrument, pitch, duration = sorted_without_doubles(notes)
    duration = np.minimum(duration, np.minimum(MAX_DURATION, n_bar * POSITIONS_PER_BAR - position))

    group = position * len(Instrument) + instrument
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]) if len(group) else np.zeros(0, dtype=np.int64)
    rank = np.arange(len(group)) - np.repeat(starts, np.diff(np.r_[starts, len(group)]))
    kept = rank < MAX_STRENGTH
    strength = np.minimum(np.diff(np.r_[starts, len(group)]), MAX_STRENGTH)

    beat_position, beat_instrument = position[starts], instrument[starts]
    onsets = np.unique(beat_position)
    bar_density = np.bincount(onsets // POSITIONS_PER_BAR, minlength=n_bar)[:n_bar]
    bars = np.arange(n_bar)
    # How many positions of the bar come after this one: the countdown of section 4.1.
    last_of_bar = np.cumsum(bar_density)[beat_position // POSITIONS_PER_BAR]
    left = last_of_bar - 1 - np.searchsorted(onsets, beat_position)

    bar_words = _word_rows(n_bar, WordType.RHYTHM, position=BAR, density=bar_density + 1)
    beat_words = _word_rows(
        len(starts),
        WordType.RHYTHM,
        position=beat_position % POSITIONS_PER_BAR + 1,
        density=left + 1,
        strength=strength,
        instrument=beat_instrument + 1,
    )
    note_words = _word_rows(
        int(kept.sum()),
        WordType.NOTE,
        instrument=instrument[kept] + 1,
        pitch=pitch[kept] + 1,
        duration=duration[kept],
    )
    end_word = _word_rows(1, WordType.END)

    end = np.array([n_bar * POSITIONS_PER_BAR])
    stands = (bars * POSITIONS_PER_BAR, beat_position, position[kept], end)
    turn = (np.zeros(n_bar, dtype=np.int64), beat_instrument + 1, instrument[kept] + 1, np.zeros(1, dtype=np.int64))
    # A stable sort keeps a beat before its notes and the notes in order of pitch.
    positions = np.concatenate(stands).astype(np.int32)
    order = np.lexsort((np.concatenate(turn), positions))
    fields = np.concatenate([bar_words, beat_words, note_words, end_word])
    return Words(fields[order], positions[order])


def decode(words: Words, timeline: Timeline) -> Song:
    """The song that words stand for, on a timeline; the inverse of `encode`.

    Notes go to the bar, position and instrument announced last. A note that would sound over
    an equal pitch of its own track ends the earlier one.

    Raises
    ------
    ValueError
        If the words break the grammar (a beat before the first bar, a note before a beat).
    """
    notes: list[Note] = []
    sounding: dict[tuple[Instrument, int], int] = {}
    bar = -1
    position = instrument = None
    for row in words.fields.tolist():
        word = CompoundWord(*row)
        if word.type == WordType.END:
            break
        if word.type == WordType.RHYTHM and word.position == BAR:
            bar, position = bar + 1, None
        elif word.type == WordType.RHYTHM:
            if bar < 0:
                raise ValueError("a beat before the first bar")
            position = bar * POSITIONS_PER_BAR + word.position - 1
            instrument = Instrument(word.instrument - 1)
        else:
            if position is None or instrument is None:
                raise ValueError("a note before a beat")
            key = (instrument, word.pitch - 1)
            earlier = sounding.get(key)
            if earlier is not None and notes[earlier].position + notes[earlier].duration > position:
                notes[earlier] = notes[earlier]._replace(duration=position - notes[earlier].position)
            sounding[key] = len(notes)
            notes.append(Note(position, instrument, word.pitch - 1, word.duration))
    return Song(tuple(notes), timeline)


def dump(words: Words) -> str:
    """The words as text, one a line, for reading and for bug reports."""
    lines = []
    for row, position in zip(words.fields.tolist(), words.positions.tolist(), strict=True):
        word = CompoundWord(*row)
        if word.type == WordType.END:
            lines.append("end")
        elif word.type == WordType.NOTE:
            lines.append(f"    note pitch={word.pitch - 1} duration={word.duration}")
        elif word.position == BAR:
            lines.append(f"bar {position // POSITIONS_PER_BAR} density={word.density - 1}")
        else:
            label = Instrument(word.instrument - 1).label
            lines.append(f"  {word.position - 1:2d} {label} strength={word.strength} left={word.density - 1}")
    return "\n".join(lines)


def timing_bins(positions: np.ndarray, n_position: float) -> np.ndarray:
    """Beat timing (n_word,) of words at `positions` (n_word,) (eq. 12): round(M * position / n_position), 0..M."""
    return np.clip(np.rint(N_TIMING * positions / n_position), 0, N_TIMING).astype(np.int64)


def timing_bin(position: int, n_position: float) -> int:
    """The same of one word."""
    return min(max(round(N_TIMING * position / n_position), 0), N_TIMING)


def sorted_without_doubles(notes: NoteArrays) -> NoteArrays:
    """The notes sorted by position, instrument, pitch; of notes equal in all three the longest stays. All int64."""
    # The longest of equal notes comes first, so that it is the one that stays.
    order = np.lexsort((-notes.duration, notes.pitch, notes.instrument, notes.position))
    ordered = NoteArrays(*(column[order].astype(np.int64) for column in notes))
    double = np.zeros(len(order), dtype=bool)
    double[1:] = (np.diff(ordered.position) == 0) & (np.diff(ordered.instrument) == 0) & (np.diff(ordered.pitch) == 0)
    return ordered.chosen(~double)


def _word_rows(
    n: int,
    word_type: WordType,
    *,
    position: np.ndarray | int = 0,
    density: np.ndarray | int = 0,
    strength: np.ndarray | int = 0,
    instrument: np.ndarray | int = 0,
    pitch: np.ndarray | int = 0,
    duration: np.ndarray | int = 0,
) -> np.ndarray:
    rows = np.empty((n, len(FIELDS)), dtype=np.uint8)
    rows[:, _TYPE] = word_type
    rows[:, _POSITION] = position
    rows[:, _DENSITY] = density
    rows[:, _STRENGTH] = strength
    rows[:, _INSTRUMENT] = instrument
    rows[:, _PITCH] = pitch
    rows[:, _DURATION] = duration
    return rows
