"""Loudness as the standard measures it, peaks below the ceiling, nothing moved in time."""

import numpy as np
import pytest

from midi_io.mastering import CEILING, MOST_LIMITING, loudness, mastered

pytestmark = pytest.mark.slow

RATE = 44100


def sine(dbfs, seconds, hertz=1000.0, rate=RATE):
    """(n, 2) the same tone left and right, its peak at `dbfs`."""
    tone = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.stack([tone, tone], axis=1).astype(np.float32)


def strokes(seconds=12.0, seed=0):
    """Noise that is struck twice a second and dies away: peaks far above the mean."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    envelope = np.exp(-8 * (np.arange(n) / RATE % 0.5))
    return (0.5 * envelope[:, None] * rng.uniform(-1, 1, (n, 2))).astype(np.float32)


def true_peak(audio):
    """dBTP by four times the samples, from the spectrum."""
    n = len(audio)
    spectrum = np.fft.rfft(audio, axis=0)
    finer = np.fft.irfft(spectrum, 4 * n, axis=0) * 4
    return 20 * np.log10(np.abs(finer).max())


# The signals 1, 2 and 3 of EBU Tech 3341, with what a meter must show, within 0.1 LU.
@pytest.mark.parametrize("rate", [44100, 48000, 22050])
@pytest.mark.parametrize(
    ("parts", "expected"),
    [([(-23, 20)], -23.0), ([(-33, 20)], -33.0), ([(-36, 10), (-23, 60), (-36, 10)], -23.0)],
    ids=["tone", "soft tone", "gate"],
)
def test_the_meter_shows_what_the_standard_asks(parts, expected, rate):
    audio = np.concatenate([sine(dbfs, seconds, rate=rate) for dbfs, seconds in parts])
    assert loudness(audio, rate) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_another_meter_agrees(seed):
    pyloudnorm = pytest.importorskip("pyloudnorm")
    audio = strokes(seed=seed) * np.linspace(0.01, 1, round(12 * RATE), dtype=np.float32)[:, None]
    assert loudness(audio, RATE) == pytest.approx(pyloudnorm.Meter(RATE).integrated_loudness(audio), abs=0.05)


def test_a_long_piece_is_heard_in_parts_as_at_once(monkeypatch):
    audio = strokes(20.0)
    at_once = loudness(audio, RATE)
    monkeypatch.setattr("midi_io.mastering._CHUNK", 3.0)
    assert loudness(audio, RATE) == pytest.approx(at_once, abs=1e-3)


@pytest.mark.parametrize("n_sample", [0, 1, 100, 5000, 20_000])
def test_what_is_shorter_than_a_block_has_a_loudness_or_none(n_sample):
    assert loudness(np.zeros((n_sample, 2), np.float32), RATE) == -np.inf
    if n_sample > 1000:
        assert -10 < loudness(sine(-3, 1.0)[:n_sample], RATE) < 0
    assert mastered(sine(-30, 1.0)[:n_sample], RATE).shape == (n_sample, 2)


@pytest.mark.parametrize("target", [-14.0, -16.0, -23.0])
@pytest.mark.parametrize("gain", [0.02, 1.0])
def test_the_target_is_met_and_no_peak_clips(target, gain):
    audio = mastered(strokes() * np.float32(gain), RATE, target)
    assert loudness(audio, RATE) == pytest.approx(target, abs=0.3)
    assert true_peak(audio) < -1.0


def test_the_limiter_moves_nothing_in_time():
    audio = strokes()
    after = mastered(audio, RATE)
    place, reach = 5 * RATE, 400
    part = audio[place : place + RATE, 0]
    moved = [np.dot(part, after[place + lag : place + lag + RATE, 0]) for lag in range(-reach, reach + 1)]
    assert int(np.argmax(moved)) - reach == 0


def test_a_lone_stroke_is_not_torn_up():
    audio = np.zeros((10 * RATE, 2), np.float32)
    audio[RATE : RATE + 2000] = 0.9 * np.exp(-np.arange(2000) / 300)[:, None] * sine(0, 2000 / RATE)
    after = mastered(audio, RATE)
    gain = 20 * np.log10(np.abs(after[RATE + 1500]).max() / np.abs(audio[RATE + 1500]).max())
    assert gain <= CEILING - 20 * np.log10(0.9) + MOST_LIMITING + 0.5


def test_silence_stays_silence():
    silence = np.zeros((RATE, 2), np.float32)
    assert not mastered(silence, RATE).any()
