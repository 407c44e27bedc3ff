"""Music under speech: how far it goes down and when, and that the words stay as they are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from voices import voice

from cmt.film.ducking import (
    AHEAD,
    BETWEEN,
    DOWN,
    GAP,
    HOLD,
    MOST_DOWN,
    UP,
    GainPoint,
    Mixer,
    gain_curve,
    gain_under,
    gains_of,
    mix_under_speech,
    mixer_for,
    passages_of,
)
from cmt.film.sound import MUSIC_BACK
from cmt.film.speech import Span
from midi_io.mastering import CEILING, loudness, true_peak

RATE = 44_100
SECONDS = 12.0
SPANS = (Span(4.0, 6.0), Span(6.5, 8.0))


def music(level: float = 0.2) -> np.ndarray:
    """(n_sample, 2) noise, as loud from end to end."""
    rng = np.random.default_rng(0)
    return (level * rng.standard_normal((round(SECONDS * RATE), 2))).astype(np.float32)


def words(level: float = 1.0, spans=SPANS) -> np.ndarray:
    """(n_sample, 2) a voice in spans of silence."""
    sound = np.zeros((round(SECONDS * RATE), 2), np.float32)
    for begin, end in spans:
        said = voice(end - begin, RATE)
        sound[round(begin * RATE) : round(begin * RATE) + len(said)] = level * said[:, None]
    return sound


def under(sound: np.ndarray, spans=SPANS) -> float:
    """LUFS while words sound."""
    return loudness(np.concatenate([sound[round(a * RATE) : round(b * RATE)] for a, b in spans]), RATE)


def music_in(mix, original):
    """The music as it is in a mix, raised as the mix was."""
    return mix.audio - np.float32(10 ** (mix.gain / 20)) * original


@pytest.mark.parametrize("distance", [6.0, 10.0, 15.0])
def test_the_music_lies_as_far_under_the_words_as_is_asked(distance):
    original = words()
    mix = mix_under_speech(music(), original, RATE, SPANS, distance, -14.0)
    raised = np.float32(10 ** (mix.gain / 20)) * original
    assert under(raised) - under(music_in(mix, original)) == pytest.approx(distance, abs=0.3)


@pytest.mark.parametrize("target", [-14.0, -23.0, -40.0])
def test_the_words_are_multiplied_by_one_number_and_no_peak_passes_the_ceiling(target):
    ours, original = music(), words()
    mix = mix_under_speech(ours, original, RATE, SPANS, 10.0, target)
    gain = np.float32(10 ** (mix.gain / 20))
    rest = mix.audio - gain * gains_of(mix.curve, len(ours), RATE)[:, None] * ours - gain * original
    assert np.abs(rest).max() < 1e-6
    assert true_peak(mix.audio, RATE) <= CEILING + 0.01
    assert loudness(mix.audio, RATE) == pytest.approx(mix.loudness, abs=0.05)
    assert mix.loudness <= target + 0.05
    assert bool(mix.notes) == (mix.loudness < target - 0.5)


def test_peaks_of_the_original_keep_the_whole_softer_and_a_note_says_so():
    original = words()
    original[RATE] = 1.0
    mix = mix_under_speech(music(), original, RATE, SPANS, 10.0, -14.0)
    assert mix.loudness < -15
    (note,) = mix.notes
    assert note == (f"the video has {mix.loudness:.1f} LUFS, not -14: louder, its own sound would have to be limited")


def test_the_curve_is_down_before_the_first_word_and_comes_back_after_the_last():
    curve = gain_curve(music(), words(), RATE, SPANS, 10.0)
    times = [knot.time for knot in curve]
    assert times == pytest.approx([0, 4 - AHEAD - DOWN, 4 - AHEAD, 8 + HOLD, 8 + HOLD + UP, SECONDS])
    gains = [knot.gain for knot in curve]
    assert gains[0] == gains[1] == gains[4] == gains[5] > gains[2] == gains[3]
    assert gain_under(curve, SPANS) == pytest.approx(gains[2])
    factors = gains_of(curve, round(SECONDS * RATE), RATE)
    assert np.abs(np.diff(20 * np.log10(factors))).max() * RATE < 60  # dB a second: no step


def test_between_passages_the_music_lies_a_little_under_the_voice_and_never_above_the_usual():
    quiet, loud = words(0.3), words(2.0)
    for original in (quiet, loud):
        first = gain_curve(music(), original, RATE, SPANS, 10.0)[0].gain
        expected = under(original) - BETWEEN - loudness(music(), RATE)
        assert first == pytest.approx(np.clip(expected, MUSIC_BACK - 12, MUSIC_BACK), abs=0.1)


def test_short_gaps_are_bridged():
    assert passages_of(SPANS) == [SPANS]
    apart = (Span(0.0, 1.0), Span(1.0 + GAP + 0.01, 4.0), Span(4.1, 5.0))
    assert passages_of(apart) == [apart[:1], apart[1:]]
    assert passages_of(()) == []


def test_each_passage_has_the_depth_that_its_own_voice_and_music_need():
    spans = (Span(1.0, 3.0), Span(8.0, 10.0))
    original = words(1.0, spans)
    original[round(5 * RATE) :] *= 0.25
    mix = mix_under_speech(music(), original, RATE, spans, 10.0, -20.0)
    assert len(mix.curve) == 10
    for span in spans:
        raised = np.float32(10 ** (mix.gain / 20)) * original
        assert under(raised, [span]) - under(music_in(mix, original), [span]) == pytest.approx(10, abs=0.3)


@given(
    level=st.floats(1e-4, 2),
    ours=st.floats(1e-4, 0.3),
    begins=st.lists(st.floats(0, 11), min_size=1, max_size=4, unique=True),
)
def test_the_gain_stays_within_its_bounds(level, ours, begins):
    begins = sorted(begins)
    ends = [*begins[1:], SECONDS]
    spans = tuple(Span(a, a + 0.9 * (b - a)) for a, b in zip(begins, ends, strict=True) if b - a > 0.1)
    rng = np.random.default_rng(1)
    sounds = rng.standard_normal((2, 12 * 8000, 2)).astype(np.float32)
    curve = gain_curve(ours * sounds[0], level * sounds[1], 8000, spans, 10.0)
    assert all(MUSIC_BACK + MOST_DOWN <= knot.gain <= MUSIC_BACK for knot in curve)
    times = [knot.time for knot in curve]
    assert times == sorted(times) and (not times or (times[0], times[-1]) == (0.0, SECONDS))


def test_without_speech_both_are_mixed_as_ever_and_mastered():
    ours, original = music(0.05), words(0.5)
    mix = mix_under_speech(ours, original, RATE, (), 10.0, -20.0)
    assert mix.curve == (GainPoint(0.0, MUSIC_BACK),) and mix.notes == ()
    assert loudness(mix.audio, RATE) == pytest.approx(-20.0, abs=0.5)
    assert mix.loudness == pytest.approx(-20.0, abs=0.5)


def test_silence_is_no_reason_to_go_down():
    silent = np.zeros((round(SECONDS * RATE), 2), np.float32)
    assert gain_curve(music(), silent, RATE, SPANS, 10.0) == ()
    assert gain_curve(silent, words(), RATE, SPANS, 10.0) == ()
    mix = mix_under_speech(silent, silent, RATE, SPANS, 10.0, -14.0)
    assert not mix.audio.any() and math.isinf(mix.loudness)
    resting = music()
    resting[round(3 * RATE) : round(9 * RATE)] = 0
    assert len({knot.gain for knot in gain_curve(resting, words(), RATE, SPANS, 10.0)}) == 1


def test_a_mixer_keeps_what_it_made(tmp_path):
    mixer = Mixer(SPANS, 10.0, -14.0)
    assert mixer.made is None
    audio, notes = mixer(music(), words(), RATE)
    assert mixer.made is not None and mixer.made.audio is audio and list(mixer.made.notes) == notes
    assert mixer_for(tmp_path / "no.mp4", None, -14.0).spans == ()  # nothing is looked for
