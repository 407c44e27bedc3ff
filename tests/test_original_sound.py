"""The film's own sound stays unless it is said otherwise, and the terminal says what became of it."""

import json

import av
import numpy as np
import pytest
from click.testing import CliRunner
from clips import draw_clip
from networks import write_untrained

from cmt.cli import main
from cmt.film.mux import write_video
from cmt.film.sound import has_sound
from midi_io import has_fluidsynth

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed"),
]
RATE = 44100


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A silent film, and one with a tone of 440 Hz."""
    folder = tmp_path_factory.mktemp("films")
    silent = draw_clip(folder / "silent.mp4", 2.0)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    write_video(silent, tone, RATE, folder / "tone.mp4")
    write_untrained(folder / "model.safetensors")
    return folder


def generated(place, name, output, *options):
    arguments = ["generate", place / name, "-o", output, "--checkpoint", place / "model.safetensors", *options]
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def share_of_tone(path):
    """How much of the energy of a film's first sound lies within 2 Hz of 440 Hz, and the number of its sounds."""
    with av.open(str(path)) as film:
        n_sound = len(film.streams.audio)
        sound = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in film.decode(audio=0)])
    power = np.abs(np.fft.rfft(sound)) ** 2
    at = np.abs(np.fft.rfftfreq(len(sound), 1 / RATE) - 440) < 2
    return power[at].sum() / power.sum(), n_sound


def test_a_film_says_whether_it_has_sound(place):
    assert has_sound(place / "tone.mp4") and not has_sound(place / "silent.mp4")
    assert not has_sound(place / "model.safetensors")


@pytest.mark.parametrize(
    ("options", "is_heard", "n_sound", "words"),
    [
        ((), True, 1, "is kept, with the music"),
        (("--original-audio", "keep"), False, 2, "as a second track"),
        (("--original-audio", "drop"), False, 1, "is left out"),
    ],
)
def test_the_sound_is_where_the_summary_says(options, is_heard, n_sound, words, place, tmp_path):
    printed = generated(place, "tone.mp4", tmp_path, *options).output
    assert [words in line for line in printed.splitlines() if line.startswith("sound ")] == [True]
    share, n = share_of_tone(tmp_path / "tone.mp4")
    assert n == n_sound and (share > 0.3) == is_heard


def test_a_silent_film_changes_nothing(place, tmp_path):
    for name, options in (("usual", ()), ("dropped", ("--original-audio", "drop"))):
        printed = generated(place, "silent.mp4", tmp_path / name, *options)
        assert printed.stderr == "" and ("sound  " in printed.output) == bool(options)
    for suffix in (".mid", ".wav", ".mp4"):
        usual, dropped = ((tmp_path / name / f"silent{suffix}").read_bytes() for name in ("usual", "dropped"))
        assert usual == dropped
    assert json.loads((tmp_path / "usual" / "silent.json").read_text())["original_audio"] == "drop"
    wanted = generated(place, "silent.mp4", tmp_path / "wanted", "--original-audio", "mix")
    assert "no sound to mix: only the music is heard" in wanted.stderr and wanted.stderr.count("\n") == 1


def test_chance_is_told_of_on_asking(place, tmp_path):
    plain = generated(place, "silent.mp4", tmp_path / "a", "--midi-only").output
    full = generated(place, "silent.mp4", tmp_path / "b", "--midi-only", "-v").output
    assert "(chance " not in plain and "exact)" not in plain
    assert "(chance " in full and "exact)" in full
