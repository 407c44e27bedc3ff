"""Sound longer than the memory: the same samples from a file as from memory, and memory that does not grow with it."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from clips import draw_clip

from cmt.errors import CmtError, WriteError
from cmt.film.ducking import mix_under_speech
from cmt.film.embedded import embedded_sound, sound_of_file
from cmt.film.mux import write_video
from cmt.film.sound import film_sound, fitted, mixed
from cmt.film.speech import Span, speech_probabilities
from cmt.machine.memory import BYTES_PER_SAMPLE, check_disk
from midi_io import Instrument, Note, Song, has_fluidsynth
from midi_io.audio_file import AUDIO_FORMATS, check_length, write_audio
from midi_io.mastering import loudness, mastering_gain, true_peak
from midi_io.performance import STANDARD_BAND, exactly
from midi_io.rendering import Fades, long_sound_of, sound_of
from midi_io.samples import SoundInFile, first_of, peak_of, silence
from video_rhythm.tempo import autocorrelation

needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
RATE = 16_000


def tune(n_bar: int = 8) -> Song:
    notes = [Note(bar * 16 + k * 4, Instrument.PIANO, 60 + k, 4) for bar in range(n_bar) for k in range(4)]
    notes += [Note(bar * 16, Instrument.BASS, 36, 8) for bar in range(n_bar)]
    return Song.steady(notes, 120.0, 16 * n_bar)


def noise(seconds: float, seed: int = 0, rate: int = RATE) -> np.ndarray:
    return (0.2 * np.random.default_rng(seed).standard_normal((round(seconds * rate), 2))).astype(np.float32)


def in_file(samples: np.ndarray, folder) -> SoundInFile:
    sound = SoundInFile(samples.shape, folder)
    sound[:] = samples
    return sound


@pytest.fixture
def all_in_files(monkeypatch):
    monkeypatch.setattr("midi_io.samples._IN_MEMORY", 0)


@needs_fluidsynth
@pytest.mark.parametrize(
    "wishes",
    [{}, {"loudness": -9.0}, {"loop": True}, {"fades": Fades(3.3, 9.7), "loudness": None}],
    ids=["usual", "loud", "loop", "fades"],
)
def test_sound_in_a_file_is_that_in_memory(tmp_path, all_in_files, wishes):
    stems, long_stems = {}, {}
    short = sound_of(tune(), sample_rate=RATE, on_stem=stems.__setitem__, **wishes)
    sound = long_sound_of(
        tune(), tmp_path, sample_rate=RATE, on_stem=lambda name, stem: long_stems.update({name: stem[:]}), **wishes
    )
    assert isinstance(sound.audio, SoundInFile) and isinstance(short.audio, np.ndarray)
    assert np.array_equal(sound.audio[:], short.audio)
    assert stems.keys() == long_stems.keys() == {"piano", "bass"}
    assert all(np.array_equal(long_stems[name], stem) for name, stem in stems.items())
    assert list(tmp_path.iterdir()) == []


@needs_fluidsynth
def test_memory_does_not_grow_with_the_music(tmp_path, all_in_files):
    def peak_for(minutes: int) -> int:
        notes = (Note(0, Instrument.PIANO, 60, 4), Note(minutes * 480 - 16, Instrument.PIANO, 64, 4))
        music = exactly(Song.steady(notes, 120.0, minutes * 480), STANDARD_BAND)
        tracemalloc.start()
        try:
            sound = long_sound_of(music, tmp_path, sample_rate=8000)
            assert len(sound.audio) == minutes * 60 * 8000
            write_audio(sound.audio, tmp_path / "sound.wav", 8000)
            write_audio(sound.audio, tmp_path / "sound.flac", 8000)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak_for(1)  # what is imported and kept is there now
    one, four = peak_for(1), peak_for(4)
    assert four < one + 2**20  # a minute of samples has 3.7 MiB


@pytest.mark.parametrize("name", sorted(AUDIO_FORMATS))
def test_a_file_is_written_of_a_file_as_of_an_array(tmp_path, name):
    samples = noise(1.3)
    write_audio(samples, tmp_path / f"array.{name}", RATE)
    write_audio(in_file(samples, tmp_path), tmp_path / f"file.{name}", RATE)
    assert (tmp_path / f"array.{name}").read_bytes() == (tmp_path / f"file.{name}").read_bytes()


@pytest.mark.parametrize("original_audio", ["drop", "keep", "mix"])
def test_a_film_is_written_of_a_file_as_of_an_array(tmp_path, all_in_files, original_audio):
    draw_clip(tmp_path / "clip.mp4", seconds=2)
    write_video(tmp_path / "clip.mp4", noise(2.0), RATE, tmp_path / "sounding.mp4")
    for name, audio in (("array", noise(1.5, 1)), ("file", in_file(noise(1.5, 1), tmp_path))):
        write_video(tmp_path / "sounding.mp4", audio, RATE, tmp_path / f"{name}.mp4", original_audio=original_audio)
    assert (tmp_path / "array.mp4").read_bytes() == (tmp_path / "file.mp4").read_bytes()


def test_sound_for_a_page_is_read_into_files_as_into_memory(tmp_path, monkeypatch):
    draw_clip(tmp_path / "clip.mp4", seconds=2)
    write_video(tmp_path / "clip.mp4", noise(2.0), RATE, tmp_path / "film.mp4")
    made = []
    for most in (2**25, 0):
        monkeypatch.setattr("midi_io.samples._IN_MEMORY", most)
        read = sound_of_file(tmp_path / "film.mp4", 3 * RATE, RATE, tmp_path)
        own = film_sound(tmp_path / "film.mp4", RATE, scratch=tmp_path)
        assert isinstance(read, np.ndarray) == isinstance(own, np.ndarray) == bool(most)
        made.append((read[:].tobytes(), own[:].tobytes(), embedded_sound(read, RATE)))
    assert made[0] == made[1]


@pytest.mark.parametrize("spans", [(), (Span(0.4, 0.9), Span(1.0, 1.2), Span(3.5, 4.4))], ids=["none", "words"])
def test_both_sounds_are_mixed_in_files_as_in_memory(tmp_path, all_in_files, spans):
    music, original = noise(4.0), noise(4.0, 1)
    here = mix_under_speech(music, original, RATE, spans, 10.0, -14.0)
    there = mix_under_speech(in_file(music, tmp_path), in_file(original, tmp_path), RATE, spans, 10.0, -14.0)
    assert np.array_equal(here.audio, there.audio[:]) and here[1:] == there[1:]
    both = mixed(in_file(4 * music, tmp_path), in_file(4 * original, tmp_path))
    assert np.array_equal(mixed(4 * music, 4 * original), both[:])


def test_sound_in_a_file_is_read_and_written_like_an_array(tmp_path):
    sound, array = SoundInFile((1000, 2), tmp_path), np.zeros((1000, 2), np.float32)
    for span in (slice(10, 400), slice(990, 1200), slice(5, 5)):
        block = noise(0.1)[: len(array[span])]
        sound[span] = array[span] = block
    assert sound.shape == array.shape and sound.ndim == 2 and len(sound) == 1000
    for span in (slice(None), slice(-20, None), slice(300, 700), slice(900, 5000), slice(7, 3)):
        assert np.array_equal(sound[span], array[span])
    assert np.array_equal(np.asarray(sound), array) and peak_of(sound) == np.abs(array).max()
    assert np.array_equal(first_of(sound, 300)[:], array[:300]) and len(first_of(array, 300)) == 300
    assert isinstance(silence((10**8, 2), tmp_path), SoundInFile)  # 0.8 GB of nothing take no time
    assert isinstance(silence((10**5, 2), tmp_path), np.ndarray)


def test_a_folder_that_is_gone_is_one_line(tmp_path):
    with pytest.raises(WriteError, match="cannot hold the sound until it is finished"):
        SoundInFile((1000, 2), tmp_path / "gone")


@pytest.mark.parametrize("n_sample", [0, 1, 17, 4097, 65_537, 300_001])
def test_the_mean_power_has_the_digits_of_numpy(n_sample):
    from midi_io.mastering import _mean_square

    audio, gain = noise(n_sample / RATE), np.linspace(0.5, 2, n_sample, dtype=np.float32)
    expected = (np.mean(np.square(audio)), np.mean(np.square(audio * gain[:, None]))) if n_sample else (0, 0)
    assert (_mean_square(audio), _mean_square(audio, gain)) == expected


def test_meters_hear_files(tmp_path):
    audio = noise(3.0)
    sound = in_file(audio, tmp_path)
    assert loudness(sound, RATE) == loudness(audio, RATE) and true_peak(sound, RATE) == true_peak(audio, RATE)
    assert np.array_equal(mastering_gain(sound, RATE)[:], mastering_gain(audio, RATE))


@pytest.mark.parametrize("n_sample", [0, 100, 20_000, 40_000])
@pytest.mark.parametrize("shape", ["mono", "column", "stereo"])
def test_music_is_fitted_to_the_picture_where_it_is_read(tmp_path, shape, n_sample):
    audio = noise(1.0)
    audio = {"mono": audio[:, 0], "column": audio[:, :1], "stereo": audio}[shape]
    whole = fitted(audio, n_sample)
    assert whole.shape == (n_sample, 2)
    assert np.array_equal(fitted(in_file(audio, tmp_path), n_sample)[:], whole)


def test_speech_is_heard_in_files(tmp_path):
    sound = noise(20.0)[:, :1]
    assert np.array_equal(speech_probabilities(in_file(sound, tmp_path)), speech_probabilities(sound[:, 0]))


@pytest.mark.parametrize("n_value", [1, 999, 5000, 12_345])
def test_a_long_pulse_is_compared_part_by_part_as_at_once(monkeypatch, n_value):
    values = np.abs(np.random.default_rng(0).standard_normal(n_value)) + 2 * (np.arange(n_value) % 50 == 0)
    at_once = autocorrelation(values, 300)
    monkeypatch.setattr("video_rhythm.tempo._AT_ONCE", 700)
    assert autocorrelation(values, 300) == pytest.approx(at_once, abs=1e-9)


def test_what_no_file_and_no_disk_holds_is_said_before_the_work(tmp_path):
    hours = 4 * 3600.0
    check_length("wav", hours, 44_100, None)
    check_length("flac", hours, 96_000, 24)
    with pytest.raises(WriteError, match=r"`format`: a wav file holds 248 minutes of such sound, and this lasts 480"):
        check_length("wav", 2 * hours, 48_000, 24)
    check_disk(60.0, RATE, 0, tmp_path, 60 * RATE * BYTES_PER_SAMPLE)
    with pytest.raises(CmtError, match=r"has 1\.0 GB free, and sound of 240 minutes needs 76\.2 GB while it is made"):
        check_disk(hours, 44_100, 5, tmp_path, 10**9)
    with pytest.raises(CmtError, match=r"has 0\.1 MB free, and sound of 3 seconds needs 2\.6 MB while it is made"):
        check_disk(3.0, 44_100, 0, tmp_path, 10**5)
