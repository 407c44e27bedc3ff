"""Pitches by what they are relative to: the degree of the chord, and the interval from the part's last pitch.

A fifth above the root is a fifth in every chord, a step is a step from every note. Tables of such relations hold few
numbers and are learnt from few songs; the network adds what depends on more. What they say is added to the logits of
a pitch. Rows of the degrees are numbered by instrument, place in the half bar and quality; those of the intervals by
instrument.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import HALF_BAR, Quality
from cmt.music.words import FIELD_SIZES
from midi_io.song import POSITIONS_PER_BEAT, Instrument

N_QUALITY = 1 + len(Quality)
"""No chord, or unknown; and the qualities."""
N_PLACE = 3
"""Where a half bar begins, on its other beat, between beats."""
N_DEGREE_ROW = len(Instrument) * N_PLACE * N_QUALITY
WIDEST = 24
"""Wider intervals count as this many semitones."""
N_INTERVAL = 2 * WIDEST + 2
"""The intervals from -WIDEST to WIDEST, and none, where the part has no last pitch."""
_PITCHES = np.arange(FIELD_SIZES.pitch)

Numbers = NDArray[np.int64]


def degree_rows(instrument: Numbers, position: Numbers, chord: Numbers) -> Numbers:
    """(...) the rows of the table of degrees.

    Parameters
    ----------
    instrument, chord
        (...) values of the instrument attribute and of the cue of the chord.
    position
        (...) sixteenths of the bar.
    """
    place = np.where(position % HALF_BAR == 0, 0, np.where(position % POSITIONS_PER_BEAT == 0, 1, 2))
    quality = np.where(chord > 1, 1 + (chord - 2) // 12, 0)
    return np.asarray(((instrument - 1) * N_PLACE + place) * N_QUALITY + quality, np.int64)


def degrees(chord: Numbers) -> Numbers:
    """(..., 129) the degree, in semitones above the root 0..11, of each value of the pitch attribute."""
    root = np.where(chord > 1, (chord - 2) % 12, 0)
    return np.asarray((_PITCHES - 1 - root[..., None]) % 12, np.int64)


def intervals(last_pitch: Numbers) -> Numbers:
    """(..., 129) the columns of the table of intervals for each value of the pitch attribute."""
    interval = np.clip(_PITCHES - last_pitch[..., None], -WIDEST, WIDEST) + WIDEST
    return np.asarray(np.where(last_pitch[..., None] > 0, interval, N_INTERVAL - 1), np.int64)
