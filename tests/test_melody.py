"""Lines are leant to steps, and away from the note just heard."""

import numpy as np
import pytest

from cmt.music.words import FIELD_SIZES
from cmt.writing.melody import REPEAT, STEP, WIDEST_STEP, interval_lean


@pytest.mark.parametrize("pitch", [0, 1, 60, 127])
def test_steps_gain_and_the_same_note_loses(pitch):
    lean = interval_lean(1 + pitch)
    assert lean.shape == (FIELD_SIZES.pitch,)
    assert lean[1 + pitch] == np.float32(REPEAT) < 0
    near = [1 + other for other in range(128) if 1 <= abs(other - pitch) <= WIDEST_STEP]
    assert (lean[near] == np.float32(STEP)).all() and STEP > 0
    others = np.setdiff1d(np.arange(FIELD_SIZES.pitch), [1 + pitch, *near])
    assert not lean[others].any()


def test_the_value_that_is_no_pitch_gains_nothing_beside_the_lowest_one():
    assert interval_lean(1)[0] == 0


def test_a_part_without_a_last_pitch_is_not_leant():
    assert interval_lean(0) is None


def test_nobody_can_change_what_all_share():
    with pytest.raises(ValueError, match="read-only"):
        interval_lean(60)[3] = 1
