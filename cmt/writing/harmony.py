"""The sheet's chords in the odds of pitches: leans to the chord's notes, of the bass to its root, away from clashes.

The network is told the chord and mostly keeps to it by itself. The lean makes up for what it has not learnt yet, most
where a chord is heard best: on beats, and where a half bar begins in the bass. Passing notes remain possible. It is
told what the other parts sound, too, and still strikes a semitone beside it more often than songs do.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import chord_of
from cmt.music.words import FIELD_SIZES
from midi_io.song import POSITIONS_PER_BEAT, Instrument

CHORD_LEAN, CHORD_LEAN_IF_ASKED = 0.1, 0.3
"""What a note of the chord gains on a beat, in nats: of a planned chord, and of one that the user asks for."""
ON_BEAT, OFF_BEAT, ON_ACCENT = 1.0, 0.3, 8.0
"""How much of the lean holds on a beat, between beats, and on an accent that is ordered: what stands out is in tune."""

ROOT = 4.0
"""How much of it the root gains besides, in the bass where a half bar or its middle begins."""
CLASH = -0.3
"""What a note gains, in nats, that lies a semitone from what another part sounds and is none of the chord's: it becomes
less likely."""


def pitch_lean(
    chord: int, instrument: Instrument, position: int, strength: float | None = None, *, is_accent: bool = False
) -> NDArray[np.float32] | None:
    """(129,) what is added to the logits of a pitch, in nats; None where no chord is known, and for drums.

    Parameters
    ----------
    chord
        The number of the chord (`cmt.music.chords`), or UNKNOWN.
    position
        The sixteenth of the bar.
    strength
        The lean on beats, CHORD_LEAN if left out; 0 is none.
    is_accent
        Whether the note is ordered where it stands.
    """
    strength = CHORD_LEAN if strength is None else strength
    if instrument is Instrument.DRUMS or strength == 0:
        return None
    is_beat = position % POSITIONS_PER_BEAT == 0
    is_root = instrument is Instrument.BASS and position % (2 * POSITIONS_PER_BEAT) == 0
    return _lean(chord, is_root, strength * (ON_ACCENT if is_accent else ON_BEAT if is_beat else OFF_BEAT))


@lru_cache(maxsize=1024)
def _lean(chord: int, is_root: bool, strength: float) -> NDArray[np.float32] | None:
    known = chord_of(chord)
    if known is None:
        return None
    classes = (np.arange(FIELD_SIZES.pitch) - 1) % 12
    lean = np.isin(classes, list(known.pitch_classes)) + ROOT * is_root * (classes == known.root)
    lean[0] = 0
    lean = (strength * lean).astype(np.float32)
    lean.flags.writeable = False
    return np.asarray(lean)


@lru_cache(maxsize=4096)
def clash_lean(sounding: tuple[int, ...], chord: int) -> NDArray[np.float32] | None:
    """(129,) what is added to the logits of a pitch, in nats, so that parts clash less; None where nothing is added.

    Parameters
    ----------
    sounding
        The pitch classes that sound in the other parts.
    chord
        The number of the chord (`cmt.music.chords`), or UNKNOWN.
    """
    known = chord_of(chord)
    at_home = {*sounding, *(known.pitch_classes if known is not None else ())}
    clashing = {(one + side) % 12 for one in sounding for side in (-1, 1)} - at_home
    if not clashing:
        return None
    lean = CLASH * np.isin((np.arange(FIELD_SIZES.pitch) - 1) % 12, sorted(clashing)).astype(np.float32)
    lean[0] = 0
    lean.flags.writeable = False
    return np.asarray(lean)
