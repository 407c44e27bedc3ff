"""Cues: what the network is told beside each word: of the lead sheet, of its own part's last notes, of what sounds.

All of it is known before the word that it helps to foretell; nothing of the future leaks but what the sheet says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import HALF_BAR, N_CHORD
from cmt.music.form import N_LETTER
from cmt.music.lead_sheet import N_ENERGY, N_KIT, N_PLAYERS, LeadSheet
from cmt.music.words import BAR, FIELD_SIZES, FIELDS, CompoundWord, WordType
from midi_io.song import POSITIONS_PER_BAR, Instrument

MOST_BARS = 16
"""Bars since a section's begin, or until the next one, are counted up to here."""
MOST_SIXTEENTHS = 16
"""Sixteenths until the next accent are counted up to here."""
N_SOUNDING = 12
"""The pitch classes that may sound in the other parts."""


class Cues(NamedTuple):
    """What a word is told, or one value for each cue; 0 is unknown, or none."""

    chord: int
    """The chord of its half bar, 1 + its number."""
    next_chord: int
    """The chord of the half bar after it."""
    letter: int
    """The section's letter, 1 + 0..7."""
    since: int
    """1 + bars since the section began, at most MOST_BARS."""
    until: int
    """Bars until the next section or the end, 1..MOST_BARS."""
    players: int
    """1 + the instruments of the bar, as bits."""
    kit: int
    """1 + what the drums do in the bar, as bits."""
    energy: int
    """1 + the bar's energy."""
    next_energy: int
    """1 + the energy of the next bar."""
    exact: int
    """1 + the instruments that repeat the bar's source note for note, as bits; 0 where it has none."""
    next_density: int
    """1 + the density of the source of the next bar; 0 where that is none."""
    accent: int
    """1 + sixteenths to the next accent, here or later; MOST_SIXTEENTHS + 1 if it is farther away or none comes."""
    last_pitch: int
    """1 + the highest pitch of the last simu-note of the word's instrument before this position."""
    pitch_before: int
    """1 + the highest pitch of the simu-note before that one."""


CUE_SIZES = Cues(
    chord=1 + N_CHORD,
    next_chord=1 + N_CHORD,
    letter=1 + N_LETTER,
    since=1 + MOST_BARS,
    until=1 + MOST_BARS,
    players=1 + N_PLAYERS,
    kit=1 + N_KIT,
    energy=1 + N_ENERGY,
    next_energy=1 + N_ENERGY,
    exact=1 + N_PLAYERS,
    next_density=FIELD_SIZES.density,
    accent=2 + MOST_SIXTEENTHS,
    last_pitch=FIELD_SIZES.pitch,
    pitch_before=FIELD_SIZES.pitch,
)
"""The number of values of each cue."""


class Told(NamedTuple):
    """All that the network is told beside one word."""

    cues: Cues
    sounding: tuple[int, ...] = ()
    """The pitch classes that sound in the other parts."""
    lag: int = 0
    """How many bars earlier the bar lies that this bar repeats; 0 for none."""


NOTHING_TOLD = Told(Cues(*[0] * len(CUE_SIZES)))
"""Nothing is known."""


class BarCues(NamedTuple):
    """The cues that depend on a word's place alone, ready to be looked up."""

    by_half: NDArray[np.int64]
    """(n_bar * 2, 2) chord and next chord."""
    by_bar: NDArray[np.int64]
    """(n_bar, 7) letter, since, until, players, kit, energy, next energy; then exact."""
    by_position: NDArray[np.int64]
    """(n_bar * 16,) accent."""


def bar_cues(sheet: LeadSheet) -> BarCues:
    """The cues of a sheet by half bar, bar and position."""
    chords = sheet.chords + 1
    n_bar = sheet.n_bar
    bars = np.arange(n_bar)
    starts = np.flatnonzero(sheet.begins)
    section = np.maximum(np.cumsum(sheet.begins) - 1, 0)
    begin = starts[section] if len(starts) else np.zeros(n_bar, np.int64)
    end = np.append(starts[1:], n_bar)[section] if len(starts) else np.full(n_bar, n_bar)
    known = sheet.letters >= 0
    since = np.where(known, 1 + np.minimum(bars - begin, MOST_BARS - 1), 0)
    until = np.where(known, np.minimum(end - bars, MOST_BARS), 0)
    exact = np.where((sheet.lags > 0) & (sheet.lags <= bars), sheet.exact + 1, 0)
    columns = (
        sheet.letters + 1,
        since,
        until,
        sheet.players + 1,
        sheet.kit + 1,
        sheet.energy + 1,
        np.append(sheet.energy[1:] + 1, 0),
        exact,
    )
    return BarCues(
        np.stack([chords, np.append(chords[1:], chords[-1:])], axis=1), np.stack(columns, axis=1), _accent_cues(sheet)
    )


def _accent_cues(sheet: LeadSheet) -> NDArray[np.int64]:
    n_position = sheet.n_bar * POSITIONS_PER_BAR
    if sheet.accents is None:
        return np.zeros(n_position, np.int64)
    places = np.array(sorted(sheet.accents), np.int64)
    following = np.searchsorted(places, np.arange(n_position))
    distance = np.append(places, n_position + MOST_SIXTEENTHS)[following] - np.arange(n_position)
    return np.asarray(1 + np.minimum(distance, MOST_SIXTEENTHS), np.int64)


_INSTRUMENT, _PITCH, _DURATION = (FIELDS.index(name) for name in ("instrument", "pitch", "duration"))


def cues_of_words(
    fields: NDArray[np.integer], positions: NDArray[np.integer], sheet: LeadSheet
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The cues of all words of a piece, or of its words from a bar on, at once: what `CueReader` tells one by one.

    Parameters
    ----------
    fields, positions
        (n_word, 7) and (n_word,), of which positions count from the start of the sheet.

    Returns
    -------
    cues
        (n_word, 14), the columns of `Cues`.
    sounding
        (n_word, 12) 1 where a pitch class sounds in another part, as far as it has been written.
    """
    place = bar_cues(sheet)
    position = np.minimum(positions.astype(np.int64), sheet.n_bar * POSITIONS_PER_BAR - 1)
    bar = position // POSITIONS_PER_BAR
    cues = np.zeros((len(fields), len(CUE_SIZES)), np.int64)
    cues[:, :2] = place.by_half[position // HALF_BAR]
    cues[:, 2:10] = place.by_bar[bar]
    cues[:, 10] = _next_densities(fields, bar, sheet)
    cues[:, 11] = place.by_position[position]
    cues[:, 12:14] = _last_pitches(fields, position)
    return cues, _sounding(fields, position)


def _next_densities(fields: NDArray[np.integer], bar: NDArray[np.int64], sheet: LeadSheet) -> NDArray[np.int64]:
    densities = np.zeros(sheet.n_bar + 1, np.int64)
    opens = fields[:, FIELDS.index("position")] == BAR
    densities[bar[opens]] = fields[opens, FIELDS.index("density")]
    following = np.minimum(bar + 1, sheet.n_bar - 1)
    lag = sheet.lags[following]
    found = (lag > 0) & (lag <= following) & (bar + 1 < sheet.n_bar)
    return np.where(found, densities[np.maximum(following - lag, 0)], 0)


def _last_pitches(fields: NDArray[np.integer], position: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n_word, 2) 1 + the top pitches of the last two simu-notes of a word's instrument; 0 where there is none."""
    found = np.zeros((len(fields), 2), np.int64)
    instrument = fields[:, _INSTRUMENT]
    is_note = fields[:, 0] == WordType.NOTE
    for number in Instrument:
        if number is Instrument.DRUMS:
            continue
        words = np.flatnonzero(instrument == number + 1)
        notes = words[is_note[words]]
        if not len(notes):
            continue
        # Of the notes of a simu-note, which rise, the last is the highest.
        last = np.append(np.flatnonzero(np.diff(position[notes])), len(notes) - 1)
        tops, places = fields[notes[last], _PITCH].astype(np.int64), position[notes[last]]
        before = np.searchsorted(places, position[words])  # simu-notes at earlier positions
        padded = np.concatenate([[0, 0], tops])
        found[words, 0], found[words, 1] = padded[before + 1], padded[before]
    return found


def _sounding(fields: NDArray[np.integer], position: NDArray[np.int64]) -> NDArray[np.float32]:
    sounding = np.zeros((len(fields), N_SOUNDING), np.float32)
    instrument = fields[:, _INSTRUMENT].astype(np.int64)
    notes = np.flatnonzero((fields[:, 0] == WordType.NOTE) & (instrument > 1 + Instrument.DRUMS))
    if not len(notes):
        return sounding
    first = int(position[0])
    n_position = int(position[-1]) - first + 1
    part = instrument[notes] - 1
    begin = position[notes] - first
    end = np.minimum(begin + fields[notes, _DURATION], n_position)
    pitch_class = (fields[notes, _PITCH].astype(np.int64) - 1) % 12
    starts = np.zeros((n_position + 1, len(Instrument), 12), np.int64)
    stops = np.zeros_like(starts)
    np.add.at(starts, (begin, part, pitch_class), 1)
    np.add.at(stops, (end, part, pitch_class), 1)
    total = np.cumsum(starts - stops, axis=0)
    here = starts > 0
    earlier = total - starts > 0  # begun before, and not yet over
    words = np.flatnonzero(instrument > 0)
    its, at = instrument[words] - 1, position[words] - first
    others = np.arange(len(Instrument))[None] != its[:, None]
    spoken = np.arange(len(Instrument))[None] < its[:, None]
    heard = (earlier[at] & others[..., None]) | (here[at] & spoken[..., None])
    sounding[words] = heard.any(axis=1)
    return sounding


class CueReader:
    """The cues word by word, while a piece is being written."""

    def __init__(self, sheet: LeadSheet) -> None:
        self._by_half, self._by_bar, self._by_position = (column.tolist() for column in bar_cues(sheet))
        self._sources = [*map(sheet.source, range(sheet.n_bar)), None]
        """The bar that each bar repeats, and the one behind the last."""
        self._densities: dict[int, int] = {}
        self._tops: dict[int, list[tuple[int, int]]] = {1 + i: [] for i in Instrument if i is not Instrument.DRUMS}
        """By instrument, position and value of the highest pitch of its last simu-notes, three at most."""
        self._sounding: list[tuple[int, int, int]] = []
        """The end, the instrument and the pitch class of each note that may still sound."""

    def hear(self, word: CompoundWord, position: int) -> Told:
        """What is told beside one more word at `position`, sixteenths from the start of the sheet."""
        position = min(position, len(self._by_position) - 1)
        bar = position // POSITIONS_PER_BAR
        if word.position == BAR:
            self._densities[bar] = word.density
        at_place = (*self._by_half[position // HALF_BAR], *self._by_bar[bar], self._next_density(bar))
        cues = Cues._make((*at_place, self._by_position[position], *self._last_pitches(word.instrument, position)))
        sounding = self._heard_by(word.instrument, position)
        if word.type == WordType.NOTE and word.instrument in self._tops:
            self._remember(word, position)
        source = self._sources[bar]
        return Told(cues, sounding, 0 if source is None else bar - source)

    def _next_density(self, bar: int) -> int:
        source = self._sources[bar + 1]
        return 0 if source is None else self._densities.get(source, 0)

    def _last_pitches(self, instrument: int, position: int) -> tuple[int, int]:
        earlier = [top for place, top in self._tops.get(instrument, ()) if place < position]
        last, before = [0, 0, *earlier][-1:-3:-1]
        return last, before

    def _heard_by(self, instrument: int, position: int) -> tuple[int, ...]:
        if not instrument:
            return ()
        self._sounding = [note for note in self._sounding if note[0] > position]
        return tuple(sorted({pitch_class for _, other, pitch_class in self._sounding if other != instrument}))

    def _remember(self, word: CompoundWord, position: int) -> None:
        tops = self._tops[word.instrument]
        if tops and tops[-1][0] == position:
            tops[-1] = (position, word.pitch)
        else:
            tops.append((position, word.pitch))
            del tops[:-3]
        self._sounding.append((position + word.duration, word.instrument, (word.pitch - 1) % 12))
