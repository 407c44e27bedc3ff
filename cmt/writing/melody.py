"""How lines move: a lean to steps, away from the note just heard, and from a dissonance into the chord.

A network that hears its own notes repeats them more often, and steps less often, than songs do, though it foretells
songs' notes well: what it has just written makes the same likelier. The lean gives back what is lost that way. A note
that is none of the chord's asks for the chord's note beside it (its resolution), which songs give it more often.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmt.music.chords import chord_of
from cmt.music.lead_sheet import UNKNOWN
from cmt.music.words import FIELD_SIZES

STEP = 0.3
"""What a pitch one or two semitones from the part's last one gains, in nats."""
REPEAT = -0.4
"""What the last pitch itself gains, in nats: it becomes less likely."""
RESOLVE = 0.7
"""What a step into the chord gains besides, in nats, where the last pitch is none of the chord's."""
WIDEST_STEP = 2
"""Steps are intervals of at most so many semitones."""


@lru_cache(maxsize=4096)
def interval_lean(last_pitch: int, chord: int = UNKNOWN) -> NDArray[np.float32] | None:
    """(129,) what is added to the logits of a single note's pitch, in nats; None where the part has no last pitch.

    Parameters
    ----------
    last_pitch
        The cue of that name (`cmt.music.cues`): 1 + the highest pitch of the part's last simu-note, or 0.
    chord
        The number of the chord that sounds now (`cmt.music.chords`), or UNKNOWN.
    """
    if last_pitch == 0:
        return None
    pitches = np.arange(FIELD_SIZES.pitch)
    distance = np.abs(pitches - last_pitch)
    is_step = (distance > 0) & (distance <= WIDEST_STEP)
    lean = np.where(distance == 0, REPEAT, np.where(is_step, STEP, 0.0)).astype(np.float32)
    known = chord_of(chord)
    if known is not None and (last_pitch - 1) % 12 not in known.pitch_classes:
        lean += RESOLVE * (is_step & np.isin((pitches - 1) % 12, list(known.pitch_classes)))
    lean[0] = 0
    lean.flags.writeable = False
    return lean
