"""A loop plays on without a seam: its end sounds on at its beginning, and it has whole bars."""

from dataclasses import replace

import numpy as np
import pytest

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.grid.layout import in_whole_bars
from cmt.planning.plan import plan_music, with_length
from cmt.planning.wishes import Wishes, check_wishes, settled
from cmt.soundtrack.handing import check_fit
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import Instrument, Note, Song, has_fluidsynth, read_midi
from midi_io.mastering import loudness
from midi_io.rendering import Fades, sound_of
from midi_io.song import Knot, Timeline

needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
RATE = 48_000
TEMPO = 117.1875
"""At this tempo a bar lasts 98,304 samples, which FluidSynth's blocks of 64 divide: every round begins on one."""
WINDOW = 1024
"""The samples before and behind a place whose spectra are compared: 21 ms."""


def tune(n_round=1):
    """Two bars that end loudly, so many times."""
    notes = []
    for begin in range(0, 32 * n_round, 32):
        notes += [Note(begin + p, Instrument.DRUMS, 36 if p % 8 == 0 else 38, 1, 100) for p in range(0, 32, 4)]
        notes += [Note(begin + 30, Instrument.DRUMS, 49, 1, 110)]
        for position, chord in ((0, (60, 64, 67)), (16, (57, 62, 65))):
            for pitch in chord:
                notes += [Note(begin + position, Instrument.PIANO, pitch, 15, 80)]
                notes += [Note(begin + position, Instrument.STRINGS, pitch + 12, 16, 70)]
    return Song.steady(notes, TEMPO, 32 * n_round)


def jump(audio, sample):
    """How far apart the spectra right before and right behind a sample are, in dB; `audio` plays round and round."""

    def spectrum(first):
        part = audio[(first + np.arange(WINDOW)) % len(audio)].mean(axis=1) * np.hanning(WINDOW)
        return 20 * np.log10(np.abs(np.fft.rfft(part)) + 1e-4)

    return float(np.sqrt(np.mean(np.square(spectrum(sample - WINDOW) - spectrum(sample)))))


def step(audio, sample):
    return float(np.abs(audio[sample % len(audio)] - audio[sample - 1]).max())


@pytest.mark.slow
@needs_fluidsynth
class TestSound:
    def test_it_is_what_is_heard_after_many_rounds(self):
        """But for strokes on a pitch that still rings from the round before: there the room hears both."""
        loop = sound_of(tune(), sample_rate=RATE, loop=True, loudness=None).audio
        rounds = sound_of(tune(5), sample_rate=RATE, loudness=None).audio
        assert len(loop) == 2 * 98_304
        heard = rounds[3 * len(loop) : 4 * len(loop)]
        gain = np.sum(loop * heard) / np.sum(heard * heard)
        difference = loop - gain * heard
        assert np.sqrt(np.mean(difference**2)) < 0.01 * np.sqrt(np.mean(loop**2))
        assert np.abs(difference[-4800:]).max() < 1e-4

    @pytest.mark.parametrize("sample_rate", [44_100, 48_000])
    def test_the_seam_is_no_larger_than_a_border_of_bars(self, sample_rate):
        loop = sound_of(tune(2), sample_rate=sample_rate, loop=True).audio
        assert len(loop) == round(4 * 240 / TEMPO * sample_rate)
        borders = [round(bar * 240 / TEMPO * sample_rate) for bar in (1, 2, 3)]
        assert jump(loop, len(loop)) <= 1.1 * max(jump(loop, border) for border in borders)
        assert step(loop, 0) <= 1.1 * max(step(loop, border + late) for border in borders for late in range(-200, 200))
        # The same piece with an end falls silent there.
        ended = sound_of(tune(2), sample_rate=sample_rate).audio
        assert jump(ended, len(ended)) > 1.5 * max(jump(ended, border) for border in borders)

    def test_it_is_as_loud_as_asked_and_its_peaks_are_held_over_the_seam(self):
        loop = sound_of(tune(2), sample_rate=RATE, loop=True, loudness=-14.0).audio
        assert loudness(np.concatenate([loop] * 3), RATE) == pytest.approx(-14, abs=0.4)
        assert np.abs(loop).max() <= 10 ** (-1 / 20)

    def test_its_stems_add_up_to_it(self):
        stems = {}
        loop = sound_of(tune(), sample_rate=RATE, loop=True, on_stem=stems.__setitem__).audio
        assert sorted(stems) == ["drums", "piano", "strings"]
        assert np.abs(sum(stems.values()) - loop).max() < 1e-4

    def test_a_loop_that_is_shorter_than_what_rings_has_all_of_it(self):
        song = Song.steady([Note(0, Instrument.DRUMS, 49, 1, 120)], 240.0, 4)
        loop = sound_of(song, sample_rate=RATE, loop=True, loudness=None).audio
        assert len(loop) == RATE // 4 and np.sqrt(np.mean(loop**2)) > 0.05

    def test_silence_is_a_loop_too(self):
        assert not sound_of(Song.steady([], 120.0, 16), loop=True).audio.any()
        assert len(sound_of(Song.steady([], 120.0, 0), loop=True).audio) == 0


@pytest.mark.slow
@needs_fluidsynth
class TestFades:
    def test_they_take_as_long_as_they_are_asked_to(self):
        usual = sound_of(tune(), sample_rate=RATE, loudness=None, fades=Fades(0.0, 0.0)).audio
        faded = sound_of(tune(), sample_rate=RATE, loudness=None, fades=Fades(0.5, 1.0)).audio
        n_in, n_out = RATE // 2, RATE
        inside = slice(n_in, -n_out)
        gain = np.abs(faded[inside]).sum() / np.abs(usual[inside]).sum()
        assert np.abs(faded[inside] - gain * usual[inside]).max() < 1e-4
        assert not faded[0].any() and np.abs(faded[-1]).max() < 1e-3
        assert np.abs(faded[: n_in // 10]).max() < 0.1 * gain * np.abs(usual[: n_in // 10]).max()
        assert np.abs(faded[-n_out // 10 :]).max() < 0.1 * gain * np.abs(usual[-n_out // 10 :]).max()

    def test_left_out_they_are_as_they_were(self):
        assert np.array_equal(sound_of(tune()).audio, sound_of(tune(), fades=Fades(0.0, 0.4)).audio)


class TestBars:
    @pytest.mark.parametrize("bars", [1, 4, 7, 100])
    @pytest.mark.parametrize("tempo", [None, 93.7])
    @pytest.mark.parametrize("loop", [False, True])
    def test_so_many_bars_are_what_is_asked_for(self, bars, tempo, loop):
        wishes = with_length(Wishes(bars=bars, tempo=tempo, loop=loop, genre="rock"), seed=1)
        check_wishes(wishes)
        plan = plan_music(None, settled(wishes, wishes.length), GenerateConfig(control=0, seed=1))
        assert (plan.timeline.n_bar, plan.timeline.length, plan.timeline.start) == (bars, 16 * bars, 0)
        assert tempo is None or plan.timeline.tempo == pytest.approx(tempo)

    def test_another_seed_draws_another_tempo(self):
        assert len({with_length(Wishes(bars=4), seed).tempo for seed in range(5)}) == 5

    @pytest.mark.parametrize(
        "timeline",
        [
            Timeline.steady(120, 100),
            Timeline((Knot(12, 0.0), Knot(64, 6.5)), 64),
            Timeline((Knot(0, 0.0), Knot(32, 4.0), Knot(64, 7.0)), 64),
            Timeline.steady(120, 3),
        ],
    )
    def test_a_grid_becomes_whole_bars_as_long(self, timeline):
        whole = in_whole_bars(timeline)
        assert whole.duration == pytest.approx(timeline.duration)
        assert whole.start == 0 and whole.length % 16 == 0 and whole.length > 0 and whole.is_steady
        assert in_whole_bars(whole) == whole

    @pytest.mark.parametrize(
        ("wishes", "message"),
        [
            (Wishes(length=8, loop=True, tempo_map=True), "tempo"),
            (Wishes(length=8, loop=True, ending="full"), "no end"),
            (Wishes(length=8, loop=True, tempo=100), "3.33 bars"),
            (Wishes(length=8, bars=4), "two ways"),
            (Wishes(bars=0), "bars 0"),
        ],
    )
    def test_what_cannot_be_is_said(self, wishes, message):
        with pytest.raises(CmtError, match=message):
            check_wishes(wishes)

    @pytest.mark.parametrize(
        ("output", "loop", "message"),
        [
            (Output(fade_in=1), True, "no beginning"),
            (Output(fade_out=0), True, "no end"),
            (Output(fade_in=3, fade_out=3), False, "longer than the music"),
            (Output(timecode="00:00:00:25"), False, "timecode"),
        ],
    )
    def test_fades_and_timecode_must_fit(self, output, loop, message):
        with pytest.raises(CmtError, match=message):
            check_fit(output, 5.0, None, loop=loop)


@pytest.mark.slow
@needs_fluidsynth
def test_a_loop_that_is_written_has_no_end(checkpoint, tmp_path):
    """It goes on as it went: its last bar has as many onsets as are asked, and its sound no fade."""
    wishes = Wishes(bars=4, tempo=120, genre="rock", loop=True)
    made = make_soundtrack(None, tmp_path, wishes, GenerateConfig(seed=2), name="loop", checkpoint=checkpoint)
    report = made.report
    assert report.loop and report.grid.n_bar == 4 and report.duration == 8
    assert read_midi(tmp_path / "loop.mid").length == 64
    once = make_soundtrack(
        None, tmp_path, replace(wishes, loop=False), GenerateConfig(seed=2), name="once", checkpoint=checkpoint
    )
    assert not once.report.loop
