"""Random songs and lead sheets for the tests that hold for all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from cmt.music.chords import HALVES_PER_BAR
from cmt.music.lead_sheet import N_PLAYERS, UNKNOWN, LeadSheet, empty_sheet
from midi_io.song import POSITIONS_PER_BAR, Instrument, Note, Song


@st.composite
def songs(draw: st.DrawFn, max_bars: int = 6) -> Song:
    """Songs of whole bars in which no pitch sounds twice at once in a track, drums last one sixteenth."""
    n_bar = draw(st.integers(1, max_bars))
    length = n_bar * POSITIONS_PER_BAR
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(0, length - 1),
                st.sampled_from(Instrument),
                st.integers(0, 127),
                st.integers(1, 64),
            ),
            max_size=60,
            unique_by=lambda note: note[:3],
        )
    )
    ends: dict[tuple[Instrument, int], int] = {}
    notes = []
    for position, instrument, pitch, drawn_duration in sorted(drawn, reverse=True):
        duration = 1 if instrument is Instrument.DRUMS else drawn_duration
        limit = ends.get((instrument, pitch), length)
        notes.append(Note(position, instrument, pitch, min(duration, limit - position)))
        ends[instrument, pitch] = position
    by_place: dict[tuple[int, Instrument], int] = {}
    kept = []
    for note in sorted(notes):
        place = (note.position, note.instrument)
        by_place[place] = by_place.get(place, 0) + 1
        if by_place[place] <= 16:
            kept.append(note)
    return Song.steady(tuple(kept), draw(st.floats(40, 240)), length)


@st.composite
def lead_sheets(draw: st.DrawFn, n_bar: int) -> LeadSheet:
    """Sheets that say who plays in some bars and which instruments repeat some earlier bar note for note."""

    def column(values: st.SearchStrategy[int]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n_bar, max_size=n_bar)), dtype=np.int64)

    sets = st.integers(0, N_PLAYERS - 1)
    return replace(
        empty_sheet(n_bar),
        lags=np.minimum(column(st.integers(0, 4)), np.arange(n_bar)),
        chords=np.repeat(column(st.sampled_from([UNKNOWN, 0, 7])), HALVES_PER_BAR),
        letters=column(st.integers(0, 1)),
        kit=column(st.sampled_from([UNKNOWN, 7, 15])),
        exact=column(st.just(N_PLAYERS - 1) | sets | st.just(UNKNOWN)),
        players=column(st.just(UNKNOWN) | sets),
    )
