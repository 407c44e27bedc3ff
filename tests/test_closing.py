"""In which bar a piece comes to rest, and on what."""

import pytest

from cmt.music.words import Mode
from cmt.writing.closing import closing_of, closing_pitch_classes
from midi_io.song import Instrument, Timeline


@pytest.mark.parametrize(
    ("length", "start", "bar"),
    [
        *((64, 0, 3), (56, 0, 3), (55.9, 0, 2), (32, 0, 1), (24, 0, 1), (23, 0, None), (16, 0, None), (3, 0, None)),
        *((32, 12, None), (48, 12, 2), (38, 12, None)),
    ],
)
def test_a_piece_closes_in_its_last_bar_that_is_long_enough(length, start, bar):
    closing = closing_of(Timeline.steady(120, length, start))
    assert (closing and closing.bar) == bar


def test_what_starts_on_the_third_beat_rings():
    assert [position for position in range(64) if closing_of(Timeline.steady(120, 64)).rings_at(position)] == list(
        range(57, 64)
    )


def test_the_bass_has_the_tonic_and_the_others_its_triad():
    assert closing_pitch_classes(Instrument.BASS, Mode.MINOR) == {9}
    assert closing_pitch_classes(Instrument.PIANO, Mode.MINOR) == {9, 0, 4}
    assert closing_pitch_classes(Instrument.STRINGS, Mode.MAJOR) == {0, 4, 7}
