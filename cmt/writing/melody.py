"""How lines move: a lean to steps, and away from the note just heard.

A network that hears its own notes repeats them more often, and steps less often, than songs do, though it foretells
songs' notes well: what it has just written makes the same likelier. The lean gives back what is lost that way.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cmt.music.words import FIELD_SIZES

STEP = 0.3
"""What a pitch one or two semitones from the part's last one gains, in nats."""
REPEAT = -0.4
"""What the last pitch itself gains, in nats: it becomes less likely."""
WIDEST_STEP = 2
"""Steps are intervals of at most so many semitones."""


@lru_cache(maxsize=FIELD_SIZES.pitch)
def interval_lean(last_pitch: int) -> NDArray[np.float32] | None:
    """(129,) what is added to the logits of a single note's pitch, in nats; None where the part has no last pitch.

    `last_pitch` is the cue of that name (`cmt.music.cues`): 1 + the highest pitch of the part's last simu-note, or 0.
    """
    if last_pitch == 0:
        return None
    distance = np.abs(np.arange(FIELD_SIZES.pitch) - last_pitch)
    lean = np.where(distance == 0, REPEAT, np.where(distance <= WIDEST_STEP, STEP, 0.0)).astype(np.float32)
    lean[0] = 0
    lean.flags.writeable = False
    return lean
