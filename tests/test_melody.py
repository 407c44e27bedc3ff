"""Lines are leant to steps, and away from the note just heard."""

import numpy as np
import pytest

from cmt.music.chords import Chord, Quality, number_of
from cmt.music.words import FIELD_SIZES
from cmt.writing.melody import REPEAT, RESOLVE, STEP, WIDEST_STEP, interval_lean


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


def test_a_dissonance_is_led_into_the_chord():
    c_major, f = number_of(Chord(0, Quality.MAJOR)), 65
    lean = interval_lean(1 + f, c_major)
    assert lean[1 + f - 1] == np.float32(STEP + RESOLVE) and lean[1 + f + 2] == np.float32(STEP + RESOLVE)
    assert lean[1 + f + 1] == lean[1 + f - 2] == np.float32(STEP), "F sharp and E flat resolve nothing"
    assert lean[1 + f - 5] == 0, "no step"


def test_a_note_of_the_chord_is_as_free_as_without_one():
    c_major = number_of(Chord(0, Quality.MAJOR))
    assert (interval_lean(1 + 64, c_major) == interval_lean(1 + 64)).all()
