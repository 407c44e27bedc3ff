"""Sound in each format is read back as long, as early and as loud as it was, and stems add up to the mix."""

import errno
import json
import subprocess
import sys

import av
import numpy as np
import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.errors import WriteError
from cmt.film.film import write_sound
from midi_io import Instrument, Note, Song, has_fluidsynth, write_midi
from midi_io.audio_file import AUDIO_FORMATS, check_format, stem_path, write_audio

RATE = 44100
LOSSLESS = {"wav": 2**-14, "flac": 2**-23}
"""The largest error of a sample."""
SONG = Song.steady([Note(p, i, 40 + 5 * i, 8) for p in (0, 8, 16) for i in Instrument], 120.0, 32)
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


def strokes(seconds=3.0, peak=0.7):
    """Tones that are struck and die away, other ones left and right, and some silence at both ends."""
    n = round(seconds * RATE)
    time = np.arange(n) / RATE
    envelope = np.exp(-6 * (time % 0.5)) * (time > 0.2) * (time < seconds - 0.2)
    left, right = (envelope * np.sin(2 * np.pi * hertz * time) for hertz in (440, 660))
    return (peak * np.stack([left, right], axis=1)).astype(np.float32)


def read(path):
    """The samples (n_sample, n_channel) that a player plays, and their rate."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        resampler = av.AudioResampler("fltp", stream.layout, stream.rate)
        frames = [resampled for frame in file.decode(stream) for resampled in resampler.resample(frame)]
        frames += resampler.resample(None)
        return np.concatenate([frame.to_ndarray() for frame in frames], axis=1).T, stream.rate


def at_rate(audio, rate):
    """`audio` at another rate, by its spectrum."""
    n = round(len(audio) * rate / RATE)
    return np.fft.irfft(np.fft.rfft(audio, axis=0), n, axis=0) * n / len(audio)


def decibels(error, signal):
    return 10 * np.log10(np.mean(np.square(error)) / np.mean(np.square(signal)))


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_what_is_written_is_read_back_without_delay_and_as_long(tmp_path, name):
    audio = strokes()
    path = tmp_path / f"sound.{name}"
    write_audio(audio, path, RATE)
    heard, rate = read(path)
    expected = at_rate(audio, rate) if rate != RATE else audio
    more = len(heard) - len(expected)
    # AAC comes in frames of 1024 samples: FFmpeg plays the last one whole.
    assert 0 <= more < 1024 if name == "m4a" else more == 0
    heard = heard[: len(expected)]
    if name in LOSSLESS:
        assert np.abs(heard - expected).max() <= LOSSLESS[name]
    else:
        reach = range(-60, 61)
        middle = slice(100, -100)
        errors = [decibels(np.roll(heard, -lag, axis=0)[middle] - expected[middle], expected) for lag in reach]
        assert reach[int(np.argmin(errors))] == 0 and min(errors) < -15
        assert np.abs(heard).max() == pytest.approx(np.abs(expected).max(), rel=0.1)


def test_the_length_of_an_m4a_is_marked_in_it(tmp_path):
    write_audio(strokes(1.2345), tmp_path / "sound.m4a", RATE)
    with av.open(str(tmp_path / "sound.m4a")) as file:
        assert file.duration / av.time_base == pytest.approx(round(1.2345 * RATE) / RATE, abs=2e-5)


@pytest.mark.parametrize("name", AUDIO_FORMATS)
def test_the_same_sound_gives_the_same_bytes(tmp_path, name):
    for copy in ("a", "b"):
        write_audio(strokes(1.0), tmp_path / f"{copy}.{name}", RATE)
    assert (tmp_path / f"a.{name}").read_bytes() == (tmp_path / f"b.{name}").read_bytes()


@pytest.mark.parametrize("name", AUDIO_FORMATS)
@pytest.mark.parametrize("shape", [(0, 2), (1, 2), (RATE, 1), (RATE,)])
def test_sounds_of_odd_shapes_are_written(tmp_path, name, shape):
    write_audio(np.zeros(shape, np.float32), tmp_path / f"sound.{name}", RATE)
    if shape[0] == RATE:
        assert read(tmp_path / f"sound.{name}")[0].shape[1] == 1


@pytest.mark.parametrize(
    ("file", "message"),
    [("sound.wma", r"sound\.wma: \.wma is no format of sound; .* \.wav, \.flac, \.mp3"), ("sound", "no suffix is no")],
)
def test_another_suffix_is_an_error_that_names_those_that_are_known(tmp_path, file, message):
    with pytest.raises(WriteError, match=message):
        write_audio(strokes(), tmp_path / file, RATE)
    assert list(tmp_path.iterdir()) == []


def test_the_suffix_may_be_in_capitals(tmp_path):
    write_audio(strokes(), tmp_path / "SOUND.FLAC", RATE)
    assert read(tmp_path / "SOUND.FLAC")[0].shape == (3 * RATE, 2)


@pytest.mark.parametrize("name", sorted(set(AUDIO_FORMATS) - {"wav"}))
def test_an_encoder_that_is_missing_is_told(monkeypatch, name):
    def missing(encoder, mode):
        raise av.codec.codec.UnknownCodecError(encoder)

    monkeypatch.setattr("av.codec.Codec", missing)
    with pytest.raises(WriteError, match=rf"{name}: this PyAV has no encoder \w+; choose another `format`"):
        check_format(name)


def test_a_rate_that_an_encoder_lacks_is_one_line_and_no_file(tmp_path):
    with pytest.raises(WriteError, match=r"sound\.mp3: cannot be encoded by libmp3lame at 96000 samples a second"):
        write_audio(strokes(), tmp_path / "sound.mp3", 96000)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@needs_fluidsynth
@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("target", [-23.0, -10.0])
def test_stems_add_up_to_the_mix(tmp_path, name, target):
    path = tmp_path / f"song.{name}"
    write_sound(SONG, path, stems=True, loudness=target)
    stems = [stem_path(path, instrument.label) for instrument in Instrument]
    assert sorted(tmp_path.iterdir()) == sorted([path, *stems])
    mix = read(path)[0]
    together = np.sum([read(stem)[0] for stem in stems], axis=0)
    assert decibels(together - mix, mix) < -60


FULL = """
import contextlib, io, json, resource, sys
import midi_io.samples
from cmt.cli import main
sys.argv[0] = "cmt"
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))
for in_memory, arguments in json.loads(sys.argv[1]):
    midi_io.samples._IN_MEMORY = in_memory
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
    print(json.dumps([code, printed.getvalue(), said.getvalue()]))
"""


@pytest.mark.slow
@needs_fluidsynth
def test_a_disk_that_takes_no_more_is_one_line_and_leaves_nothing(tmp_path):
    """A file may have 20,000 bytes: the system refuses more, as a full disk does, also from within FFmpeg."""
    (tmp_path / "out").mkdir()
    write_midi(SONG, tmp_path / "song.mid")
    # The sound is refused when it is encoded, or before, where memory does not hold it.
    cases = [(2**25, name, ()) for name in AUDIO_FORMATS] + [(0, "wav", ()), (0, "wav", ("--stems",))]
    render, out = ("render", str(tmp_path / "song.mid"), "-o"), tmp_path / "out"
    runs = [(in_memory, (*render, str(out / f"song.{name}"), *stems)) for in_memory, name, stems in cases]
    command = [sys.executable, "-c", FULL, json.dumps(runs)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    results = map(json.loads, run.stdout.splitlines())
    for (in_memory, name, _), (code, printed, said) in zip(cases, results, strict=True):
        assert (code, printed, said.count("\n")) == (1, "", 1), f"{name}: {said}"
        what = "cannot be written" if in_memory else "cannot hold the sound until it is finished"
        assert what in said and "File too large" in said, name
    assert list(out.iterdir()) == []


@pytest.mark.slow
@needs_fluidsynth
def test_a_disk_that_is_full_after_some_stems_leaves_none_of_them(tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    write_midi(SONG, tmp_path / "song.mid")
    written = []

    def one_more(audio, path, sample_rate, **options):
        if len(written) == 2:
            raise WriteError(f"{path}: cannot be written ({errno.errorcode[errno.ENOSPC]})")
        write_audio(audio, path, sample_rate, **options)
        written.append(path)

    monkeypatch.setattr("cmt.film.film.write_audio", one_more)
    command = ["render", str(tmp_path / "song.mid"), "-o", str(tmp_path / "out" / "song.wav"), "--stems"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert result.output == f"cmt: {tmp_path / 'out' / 'song.guitar.wav'}: cannot be written (ENOSPC)\n"
    assert list((tmp_path / "out").iterdir()) == []


@needs_fluidsynth
@pytest.mark.parametrize("options", [["--stems"], ["--format", "mp3"]])
def test_midi_only_with_what_is_sounds_is_a_usage_error(tmp_path, options):
    command = ["generate", "--length", "4", "--midi-only", "-o", str(tmp_path / "out"), *options]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "--midi-only writes no sound" in result.output
    assert not (tmp_path / "out").exists()
