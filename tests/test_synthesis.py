"""A song sounds for exactly its length, at its times, without clipping or clicks."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from midi_io import (
    Instrument,
    Note,
    Song,
    SynthesisError,
    WriteError,
    find_soundfont,
    has_fluidsynth,
    render,
    synthesis,
    write_wav,
)
from midi_io.general_midi import PROGRAM_NAMES
from midi_io.performance import STANDARD_BAND, exactly
from midi_io.rendering import sound_of

pytestmark = pytest.mark.slow

PIANO = Instrument.PIANO
TUNE = Song.steady(
    (
        Note(0, Instrument.DRUMS, 36, 1, 100),
        Note(0, Instrument.BASS, 36, 16, 90),
        Note(4, PIANO, 60, 12, 80),
        Note(8, Instrument.GUITAR, 64, 8, 80),
        Note(8, Instrument.STRINGS, 67, 8, 80),
    ),
    120.0,
    16,
)
FAKE_FONT = b"RIFF\x10\x00\x00\x00sfbk" + bytes(100)

needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


def font(path):
    path.write_bytes(FAKE_FONT)
    return path


def rms(audio):
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64))))


def test_the_font_asked_for_comes_first(tmp_path):
    asked = font(tmp_path / "asked.sf2")
    assert find_soundfont(asked) == asked


def test_our_own_font_plays_where_none_is_asked_for():
    found = find_soundfont()
    assert found == synthesis.OUR_SOUNDFONT
    assert found.parent.parent == Path(synthesis.__file__).parent


def test_our_own_font_missing_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(synthesis, "OUR_SOUNDFONT", tmp_path / "none.sf3")
    with pytest.raises(SynthesisError, match="no such file; install video-cmt anew, or name another font"):
        find_soundfont()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        (b"", "is empty"),
        (b"not a font", "not a SoundFont"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt " + bytes(100), "not a SoundFont"),
        (FAKE_FONT[:20], "is cut off, 20 bytes of 24"),
    ],
)
def test_a_font_that_is_none_is_an_error_and_not_passed_over(tmp_path, content, reason):
    path = tmp_path / "font.sf2"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SynthesisError, match=f"{reason}.*; correct `soundfont`"):
        find_soundfont(path)


def test_a_folder_is_no_font(tmp_path):
    with pytest.raises(SynthesisError, match="is a folder, not a file"):
        find_soundfont(tmp_path)


@needs_fluidsynth
@pytest.mark.parametrize(("tempo", "length", "rate"), [(120.0, 16, 44100), (97.3, 21.7, 44100), (133.0, 5, 22050)])
def test_the_sound_is_exactly_as_long_as_the_song(tempo, length, rate):
    song = Song.steady(TUNE.notes, tempo, length)
    audio = render(song, sample_rate=rate)
    assert audio.shape == (round(song.duration * rate), 2)
    assert audio.dtype == np.float32


@needs_fluidsynth
def test_the_loudest_sample_is_just_below_full_scale_and_rendering_repeats_itself():
    audio = render(TUNE)
    assert -3.0 <= 20 * np.log10(np.max(np.abs(audio))) <= -0.5
    assert np.array_equal(audio, render(TUNE))


@needs_fluidsynth
def test_a_dense_passage_is_not_clipped():
    notes = tuple(
        Note(position, instrument, 36 + 2 * i, 1, 127)
        for position in range(16)
        for instrument in Instrument
        for i in range(12)
    )
    audio = render(Song.steady(notes, 120.0, 16))
    peak = np.max(np.abs(audio))
    assert peak < 0.95
    assert np.count_nonzero(np.abs(audio) >= 0.999 * peak) < 10  # no flat tops


@needs_fluidsynth
def test_the_sound_ends_in_silence_without_a_click():
    audio = render(TUNE)
    assert np.max(np.abs(audio[-20:])) < 1e-3
    assert rms(audio[-44100 // 2 : -44100 // 4]) > 0.01


@needs_fluidsynth
@pytest.mark.parametrize("position", [0, 3, 9])
def test_a_note_starts_when_it_should(position):
    rate = 44100
    song = Song.steady((Note(position, Instrument.DRUMS, 38, 1, 127),), 100.0, 16)
    audio = np.abs(render(song, sample_rate=rate)).max(axis=1)
    onset = int(np.argmax(audio > 0.1)) / rate
    assert onset == pytest.approx(song.seconds(position), abs=0.012)


@needs_fluidsynth
def test_nothing_is_heard_before_the_first_note():
    audio = render(Song.steady((Note(8, PIANO, 60, 4),), 120.0, 16))
    assert rms(audio[: round(0.98 * 44100)]) < 1e-4


@needs_fluidsynth
def test_a_note_struck_again_sounds_its_full_length():
    once = render(Song.steady((Note(0, PIANO, 60, 2), Note(8, PIANO, 60, 8)), 120.0, 16))
    overlapped = render(Song.steady((Note(0, PIANO, 60, 16), Note(8, PIANO, 60, 8)), 120.0, 16))
    late = slice(round(1.3 * 44100), round(1.6 * 44100))
    assert rms(overlapped[late]) > 0.5 * rms(once[late])


@needs_fluidsynth
def test_a_telephone_with_one_speaker_loses_nothing():
    """Presets that send into FluidSynth's chorus would come in counter-phase and cancel out."""
    audio = render(Song.steady([Note(p, i, 48, 8) for p in (0, 8) for i in Instrument], 120.0, 16))
    lost = 20 * np.log10(rms(audio) / rms(audio.mean(axis=1)))
    assert 0 <= lost < 1


@needs_fluidsynth
def test_bass_is_in_the_middle_and_guitar_to_the_right():
    def balance(instrument):
        audio = render(Song.steady((Note(0, instrument, 48, 12),), 120.0, 16))
        return rms(audio[:, 1]) / rms(audio[:, 0])

    assert balance(Instrument.BASS) == pytest.approx(1.0, abs=0.1)
    assert 1.1 < balance(Instrument.GUITAR) < 3.0
    assert balance(PIANO) < 0.95


@pytest.mark.parametrize(
    "song", [Song.steady((), 120.0, 16), Song.steady((), 120.0, 0), Song.steady((Note(20, PIANO, 60, 1),), 120.0, 0)]
)
def test_a_song_without_notes_is_silence_of_its_length(song):
    audio = render(song)
    assert audio.shape == (round(song.duration * 44100), 2)
    assert not audio.any()


@needs_fluidsynth
def test_silence_is_not_made_louder():
    audio = render(Song.steady((Note(20, PIANO, 60, 1),), 120.0, 16))
    assert np.max(np.abs(audio)) < 1e-3


@needs_fluidsynth
def test_progress_rises_to_one():
    shares = []
    render(TUNE, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@needs_fluidsynth
def test_a_damaged_font_is_one_line_and_nothing_on_the_terminal(tmp_path):
    font(tmp_path / "damaged.sf2")
    code = (
        "import sys; from midi_io import *\n"
        "song = Song.steady((Note(0, Instrument.PIANO, 60, 4),), 120.0, 4)\n"
        "try: render(song, soundfont=sys.argv[1])\n"
        "except SynthesisError as error: print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "damaged.sf2")], capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    assert result.stdout.count("\n") == 1
    assert "cannot load it; choose" in result.stdout


@needs_fluidsynth
def test_a_compressed_font_that_does_not_load_says_what_may_be_missing(tmp_path):
    """A library without libsndfile refuses every .sf3, as this one does one without presets."""
    path = tmp_path / "font.sf3"
    path.write_bytes(b"RIFF\x1c\x00\x00\x00sfbkLIST\x10\x00\x00\x00INFOifil\x04\x00\x00\x00\3\0\1\0")
    with pytest.raises(SynthesisError, match=r"font\.sf3: FluidSynth cannot load it: .* without libsndfile"):
        render(TUNE, soundfont=path)


@needs_fluidsynth
def test_instruments_play_the_programs_given():
    solo = Song.steady((Note(0, PIANO, 60, 8),), 120.0, 16)
    grand, rhodes = (sound_of(exactly(solo, STANDARD_BAND.with_programs({PIANO: program}))) for program in (0, 4))
    assert np.array_equal(render(solo), grand.audio)
    assert not np.array_equal(grand.audio, rhodes.audio)
    assert grand.fallbacks == rhodes.fallbacks == ()


@needs_fluidsynth
@pytest.mark.parametrize(("program", "plays"), [(7, "electric piano 2"), (127, "acoustic grand piano")])
def test_a_program_that_the_font_lacks_is_the_nearest_of_its_family_or_the_usual_one_and_is_told(program, plays):
    solo = Song.steady((Note(0, PIANO, 60, 8),), 120.0, 16)
    sound = sound_of(exactly(solo, STANDARD_BAND.with_programs({PIANO: program})))
    there = PROGRAM_NAMES.index(plays)
    assert np.array_equal(sound.audio, render(exactly(solo, STANDARD_BAND.with_programs({PIANO: there}))))
    assert sound.fallbacks == (
        f"the SoundFont FluidR3Mono_band.sf3 has no {PROGRAM_NAMES[program]}: piano sounds as {plays}",
    )


@needs_fluidsynth
def test_rendering_prints_nothing():
    code = (
        "from midi_io import *\n"
        "render(Song.steady((Note(0, Instrument.DRUMS, 3, 4), Note(0, Instrument.PIANO, 127, 4)), 120.0, 4))"
    )
    with_ci = {**os.environ, "CI": "true"}  # where pyfluidsynth says what it loads
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=with_ci)
    assert result.stdout + result.stderr == b""


def test_a_missing_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)  # makes the import fail
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(SynthesisError, match=r"apt-get install --no-install-recommends libfluidsynth3.*brew"):
        synthesis._load_fluidsynth()
    assert not has_fluidsynth()


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SynthesisError, match="pip install pyfluidsynth"):
        synthesis._load_fluidsynth()


@pytest.mark.parametrize("rate", [0, 4000, 192000])
def test_a_sample_rate_that_fluidsynth_lacks_is_refused(rate):
    with pytest.raises(ValueError, match="sample_rate"):
        render(TUNE, sample_rate=rate)


def test_a_wav_holds_the_samples_in_sixteen_bits(tmp_path):
    audio = np.array([[0.0, 1.0], [-1.0, 0.5], [2.0, -2.0]], np.float32)
    write_wav(audio, tmp_path / "a.wav", 22050)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 22050)
        samples = np.frombuffer(file.readframes(3), "<i2").reshape(3, 2)
    assert samples.tolist() == [[0, 32767], [-32767, 16384], [32767, -32767]]


def test_a_mono_wav_has_one_channel(tmp_path):
    write_wav(np.zeros(10), tmp_path / "mono.wav", 44100)
    with wave.open(str(tmp_path / "mono.wav")) as file:
        assert (file.getnchannels(), file.getnframes()) == (1, 10)


def test_a_wav_into_a_missing_folder_is_a_midi_error(tmp_path):
    with pytest.raises(WriteError, match="does not exist"):
        write_wav(np.zeros(10), tmp_path / "nowhere" / "a.wav", 44100)
    assert list(tmp_path.iterdir()) == []
