"""Takes that are no music: a verdict with its reasons.

The signs are those for which listeners and editors throw a take away: silence, one bar looped, one note repeated,
stuck notes, notes that no instrument has. The limits lie outside what real songs do: `docs/metrics.md` says how many
songs of LPD are wrongly accused.

Conventions
-----------
- Bars are 16 positions.
- A song of fewer than four bars, or of fewer than 16 notes, is too short to call it a loop or a repeated note.
- An empty song is a silent one. What is no song raises ValueError.

Metrics
-------
- `judge`: the verdict.

Source
------
Ours.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import numpy as np

from cmt.metrics.music import bar_contents
from cmt.metrics.validation import columns_of
from cmt.music.encoding import NoteArrays
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song

SILENT_SHARE = 0.5
"""A song with more than this share of its bars empty is silent."""
SILENT_BARS = 4
"""A gap of more bars than this between sounding ones is silence too, where it is more than a quarter of the song."""
LOOP_BARS = 4
"""Fewest equal bars of a loop, and fewest sounding bars of a song that may be one."""
LOOP_SHARE = 0.75
"""A song is a loop if one bar makes up this share of its sounding bars, or more."""
REPEATED_NOTES = 16
"""Fewest notes of a song that may be one note repeated."""
REPEATED_SHARE = 0.9
"""A song is one note repeated if one pitch or one drum makes up this share of its notes, or more."""
STUCK_BARS = 8
"""A note that sounds for more bars than this is stuck."""
PITCH_RANGE = (21, 108)
"""Lowest and highest MIDI pitch of the piano's keys: pitched notes outside are out of range."""
DRUM_RANGE = (27, 87)
"""Lowest and highest percussion key of General MIDI, with those that GM 2 adds: drums outside are out of range."""
OUT_OF_RANGE_SHARE = 0.02
"""A song with more than this share of its notes outside these ranges is out of range."""


class Verdict(NamedTuple):
    """Whether a take is degenerate, and why."""

    reasons: tuple[str, ...]
    """One for each sign, empty for a sound take."""

    @property
    def degenerate(self) -> bool:
        """Whether there is any reason."""
        return bool(self.reasons)


def judge(song: Song) -> Verdict:
    """The signs of a degenerate take that a song shows.

    Raises
    ------
    ValueError
        If `song` is no song.
    """
    notes = columns_of(song)
    if not len(notes.pitch):
        return Verdict(("silence: no notes",))
    signs = (_silence(song, notes), _loop(song), _repeated_note(notes), _stuck(notes), _out_of_range(notes))
    return Verdict(tuple(sign for sign in signs if sign))


def _silence(song: Song, notes: NoteArrays) -> str:
    n_bar = max(song.n_bar, int(notes.position.max()) // POSITIONS_PER_BAR + 1)
    sounding = np.zeros(n_bar + 1)
    np.add.at(sounding, notes.position // POSITIONS_PER_BAR, 1)
    ends = np.minimum((notes.position + notes.duration - 1) // POSITIONS_PER_BAR, n_bar - 1)
    np.add.at(sounding, ends + 1, -1)
    bars = np.flatnonzero(np.cumsum(sounding[:-1]) > 0)
    n_empty = n_bar - len(bars)
    if n_empty > SILENT_SHARE * n_bar:
        return f"silence: {n_empty} of {n_bar} bars are empty"
    gap = int(np.diff(bars).max(initial=1)) - 1
    if gap > SILENT_BARS and gap > n_bar / 4:
        return f"silence: {gap} bars on end"
    return ""


def _loop(song: Song) -> str:
    bars = [bar for bar in bar_contents(song) if bar]
    if len(bars) < LOOP_BARS:
        return ""
    n_same = Counter(bars).most_common(1)[0][1]
    if n_same >= LOOP_BARS and n_same >= LOOP_SHARE * len(bars):
        return f"one bar looped: {n_same} of {len(bars)} sounding bars are the same"
    return ""


def _repeated_note(notes: NoteArrays) -> str:
    if len(notes.pitch) < REPEATED_NOTES:
        return ""
    names = notes.pitch + 128 * (notes.instrument == Instrument.DRUMS)
    counts = np.bincount(names)
    if counts.max() >= REPEATED_SHARE * len(names):
        name = int(counts.argmax())
        what = f"drum key {name - 128}" if name >= 128 else f"pitch {name}"
        return f"one note repeated: {counts.max()} of {len(names)} notes are {what}"
    return ""


def _stuck(notes: NoteArrays) -> str:
    n_stuck = int((notes.duration > STUCK_BARS * POSITIONS_PER_BAR).sum())
    longest = int(notes.duration.max()) / POSITIONS_PER_BAR
    return f"stuck notes: {n_stuck}, the longest sounds {longest:.1f} bars" if n_stuck else ""


def _out_of_range(notes: NoteArrays) -> str:
    drums = notes.instrument == Instrument.DRUMS
    low = np.where(drums, DRUM_RANGE[0], PITCH_RANGE[0])
    high = np.where(drums, DRUM_RANGE[1], PITCH_RANGE[1])
    n_outside = int(((notes.pitch < low) | (notes.pitch > high)).sum())
    if n_outside > OUT_OF_RANGE_SHARE * len(notes.pitch):
        return f"out of range: {n_outside} of {len(notes.pitch)} notes"
    return ""
