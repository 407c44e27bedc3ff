"""The options of cmt generate for editors: what they write, and what does not go together."""

import json
import wave

import pytest
from click.testing import CliRunner
from clips import draw_clip

from cmt.cli import main
from midi_io import has_fluidsynth

needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


def generate(*arguments):
    return CliRunner().invoke(main, ["generate", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--bars 4 --length 8", "--bars and --length say the same"),
        ("--bars 0", "--bars"),
        ("--bars 1.5", "'--bars': '1.5' is not a valid whole number."),
        ("--bars 1 --tempo 400", "--bars 1: at 400 BPM they last 0.6 s; music must last from 1 to 14400 seconds"),
        ("--length 0.5", "--length 0.5: must be from 1 to 14400 seconds"),
        ("--length 20s", "'--length': '20s' is not a valid number."),
        ("--bars 4 --name a/b", "--name 'a/b': cannot name files"),
        ("--bars 4 --like=", "'--like': '' is no path"),
        ("--bars 4 --section -1:calm", "no section '-1:calm'; write SECONDS:LEVEL"),
        ("--bars 4 --start 1", "--start and --end are a video's"),
        ("--bars 4 --original-audio mix", "there is none with --length and --bars"),
        ("--bars 4 --timecode 00:00:00:00", "add --markers"),
        ("--bars 4 --marker-kinds bars", "add --markers"),
        ("--bars 4 --markers --marker-kinds bars,nothing", "no kind of marker 'nothing'"),
        ("--bars 4 --markers --timecode 1:2", "--timecode '1:2'"),
        ("--bars 4 --midi-only --fade-in 1", "--fade-in is for sound"),
        ("--bars 4 --midi-only --sample-rate 48000", "--sample-rate is for sound"),
        ("--bars 4 --format mp3 --sample-rate 96000", "--sample-rate: mp3 has no 96000"),
        ("--bars 4 --format mp3 --bit-depth 24", "--bit-depth: mp3 has none"),
        ("--bars 4 --sample-rate 22050", "22050"),
        ("--bars 4 --fade-out 61", "--fade-out"),
        ("--bars 1 --tempo 240 --fade-in 3", "longer than the music, which lasts 1.00 s"),
        ("--bars 4 --loop --tempo-map", "--loop: it would end in another tempo"),
        ("--length 10 --loop --tempo 111", "4.62 bars"),
        ("--bars 4 --loop --fade-out 1", "--loop: it has no beginning and no end"),
        ("", "--length SECONDS or --bars N"),
        ("none.mp4 --start 3 --end 2", "--end 2: must come after --start"),
        ("none.mp4 --start -1", "--start -1"),
        ("a.mp4 b.mp4 --end 2", "--start and --end are for one video"),
    ],
)
def test_what_does_not_go_together_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = generate(*arguments.split())
    assert result.exit_code in (1, 2)
    assert message in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@needs_fluidsynth
def test_markers_and_finished_sound_beside_a_film(checkpoint, tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4", 3.0, fps=24)
    asked = "--markers --origin --start 0.5 --end 2.5 --sample-rate 48000 --bit-depth 24 --fade-in 0.5 --seed 1 -q"
    result = generate(clip, "-o", tmp_path / "out", "--checkpoint", checkpoint, *asked.split())
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *("clip.html", "clip.json", "clip.mid", "clip.mp4", "clip.png", "clip.wav", "clip.origin.json"),
        *("clip.markers.csv", "clip.markers.edl", "clip.fcpxml", "clip.otio"),
    }
    report = json.loads((tmp_path / "out" / "clip.json").read_text())
    assert (report["sample_rate"], report["bit_depth"], report["fade_in"]) == (48_000, 24, 0.5)
    assert report["part"] == pytest.approx([0.5, 2.5], abs=1e-3)
    with wave.open(str(tmp_path / "out" / "clip.wav")) as file:
        assert (file.getframerate(), file.getsampwidth()) == (48_000, 3)
        assert file.getnframes() == round(report["duration"] * 48_000)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_markers(checkpoint, tmp_path):
    def made(name):
        folder = tmp_path / name
        asked = "--bars 4 --tempo 100 --midi-only --markers --name song --seed 3 -q --overwrite"
        result = generate("-o", folder, "--checkpoint", checkpoint, *asked.split())
        assert result.exit_code == 0, result.output
        others = (
            path for path in sorted(folder.iterdir()) if path.suffix in (".mid", ".csv", ".edl", ".fcpxml", ".otio")
        )
        return {path.name: path.read_bytes() for path in others}

    assert made("once") == made("twice")
    assert len(made("once")) == 5
