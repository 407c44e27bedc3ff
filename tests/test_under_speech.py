"""Music for a video in which somebody speaks, from end to end."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from click.testing import CliRunner
from clips import draw_clip
from voices import voice

from cmt.cli import main
from cmt.errors import CmtError
from cmt.report.report import Report
from cmt.soundtrack.output import Output, check_output
from midi_io import has_fluidsynth

pytestmark = pytest.mark.slow
RATE = 44_100


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """8 s of picture, a voice from 3 s to 6 s."""
    folder = tmp_path_factory.mktemp("talk")
    sound = np.zeros((1, 8 * RATE), np.float32)
    sound[0, 3 * RATE : 6 * RATE] = voice(3.0, RATE)
    with (
        av.open(str(draw_clip(folder / "silent.mp4", 8.0))) as source,
        av.open(str(folder / "talk.mp4"), "w") as target,
    ):
        picture = target.add_stream_from_template(source.streams.video[0])
        stream = target.add_stream("aac", rate=RATE, layout="mono")
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = picture
                target.mux(packet)
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return folder / "talk.mp4"


def generate(*arguments):
    result = CliRunner().invoke(main, ["generate", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def report_in(folder) -> Report:
    return Report.from_json(json.loads((folder / "talk.json").read_text()), "talk.json")


@pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
def test_the_music_makes_room_and_the_report_and_the_picture_say_how(talk, checkpoint, tmp_path):
    usual = ("--tempo", 120, "--checkpoint", checkpoint, "--original-audio", "mix")
    printed = generate(talk, "-o", tmp_path / "a", *usual)
    speech = report_in(tmp_path / "a").speech
    (span,) = speech.spans
    assert span == pytest.approx((3.0, 6.0), abs=0.15)
    assert speech.distance == 10 and speech.calm_bars == (1, 2)
    assert min(point.gain for point in speech.curve) < max(point.gain for point in speech.curve) <= -6
    assert "speech   1 span, " in printed and "dB down under them, calm in 2 bars, " in printed
    assert (tmp_path / "a" / "talk.png").stat().st_size > 10_000

    printed = generate(talk, "-o", tmp_path / "b", *usual, "--duck", "off", "--midi-only")
    assert report_in(tmp_path / "b").speech is None and "speech" not in printed


def test_without_audio_the_arrangement_is_calm_all_the_same(talk, checkpoint, tmp_path):
    usual = ("--tempo", 120, "--checkpoint", checkpoint, "--original-audio", "mix", "--midi-only")
    printed = generate(talk, "-o", tmp_path, *usual)
    speech = report_in(tmp_path).speech
    assert (speech.calm_bars, speech.curve, speech.loudness) == ((1, 2), (), None)
    assert "of 8.0 s; music calm in 2 bars\n" in printed


def test_a_video_without_sound_has_no_speech_to_tell_of(checkpoint, tmp_path):
    clip = draw_clip(tmp_path / "talk.mp4", 4.0)
    usual = ("--checkpoint", checkpoint, "--original-audio", "mix", "--midi-only")
    printed = generate(clip, "-o", tmp_path / "out", *usual)
    assert report_in(tmp_path / "out").speech is None and report_in(tmp_path / "out").original_audio == "drop"
    assert not any(line.startswith(("speech", "sound")) for line in printed.splitlines())


@pytest.mark.parametrize("duck", [-1.0, 21.0])
def test_distances_out_of_range_are_one_line(duck):
    with pytest.raises(CmtError, match=rf"^duck {duck:g}: must be from 0 to 20 dB, or off$"):
        check_output(Output(duck=duck))
    check_output(Output(duck=None))


@pytest.mark.parametrize("text", ["loud", "-3", "21"])
def test_what_is_no_distance_is_refused(text):
    result = CliRunner().invoke(main, ["generate", "a.mp4", "--original-audio", "mix", "--duck", text])
    assert result.exit_code == 2 and "--duck" in result.output
