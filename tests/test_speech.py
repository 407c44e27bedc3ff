"""Speech in a video's own sound: where it is found, and what of a sound is no obstacle."""

import importlib.util
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import draw_clip
from hypothesis import given
from hypothesis import strategies as st
from voices import voice

from cmt.errors import CmtError
from cmt.film import speech
from cmt.film.mux import write_video
from cmt.film.speech import CHUNK, SAMPLE_RATE, Span, find_speech, speech_probabilities, speech_spans

ROOT = Path(__file__).resolve().parent.parent
RATE = 44_100
SECONDS = 6.0


def spoken(rate: int = RATE, begin: float = 1.5, seconds: float = 3.0, whole: float = SECONDS) -> np.ndarray:
    """(n_sample,) a voice between silences."""
    sound = np.zeros(round(whole * rate), np.float32)
    said = voice(seconds, rate)
    sound[round(begin * rate) : round(begin * rate) + len(said)] = said
    return sound


def add_sounds(
    clip: Path, target: Path, *sounds: np.ndarray, rate: int = RATE, layout: str = "mono", codec: str = "aac"
) -> Path:
    """`clip` with sounds, each (n_sample,) in all channels of a track of its own."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as container:
        picture = container.add_stream_from_template(source.streams.video[0])
        streams = [container.add_stream(codec, rate=rate, layout=layout) for _ in sounds]
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = picture
                container.mux(packet)
        for stream, sound in zip(streams, sounds, strict=True):
            n_channel = stream.codec_context.layout.nb_channels
            planes = np.ascontiguousarray(np.tile(sound[None], (n_channel, 1)))
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return target


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", SECONDS)


def near(spans, *expected):
    assert len(spans) == len(expected), spans
    for span, (begin, end) in zip(spans, expected, strict=True):
        assert span == pytest.approx((begin, end), abs=0.15)


def test_the_network_answers_as_it_does_elsewhere():
    """The numbers are those of onnxruntime 1.32 with the wheel's own file."""
    sound = np.concatenate([np.zeros(CHUNK * 2, np.float32), voice(0.5, SAMPLE_RATE)])
    expected = [
        *(0.0017, 0.0069, 0.9288, 0.9785, 0.984, 0.9856, 0.9827, 0.9717, 0.9583),
        *(0.9915, 0.9953, 0.998, 0.9989, 0.9976, 0.9977, 0.9986, 0.9983, 0.9993),
    ]
    assert speech_probabilities(sound) == pytest.approx(expected, abs=2e-4)
    assert speech_probabilities(np.zeros(0)).shape == (0,)


def test_a_sound_is_heard_alike_however_it_is_cut_into_blocks(monkeypatch):
    sound = voice(2.0, SAMPLE_RATE)
    whole = speech_probabilities(sound)
    monkeypatch.setattr(speech, "_CHUNKS_AT_ONCE", 7)
    assert speech_probabilities(sound) == pytest.approx(whole, abs=1e-5)


def test_a_voice_is_speech_and_tones_noise_and_silence_are_not():
    times = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    noise = np.random.default_rng(0).standard_normal(len(times))
    for sound in (np.sin(2 * np.pi * 440 * times), 0.1 * noise, 0 * times, np.sign(np.sin(2 * np.pi * 110 * times))):
        assert speech_spans(speech_probabilities(0.5 * sound), 3.0) == ()
    for level in (0.05, 1.0):
        sound = level * spoken(SAMPLE_RATE)
        near(speech_spans(speech_probabilities(sound), SECONDS), (1.5, 4.5))


def test_spans_have_hysteresis_a_shortest_length_and_padding():
    def spans(*runs: tuple[float, int]):
        probabilities = [probability for probability, n_chunk in runs for _ in range(n_chunk)]
        return speech_spans(probabilities, len(probabilities) * CHUNK / SAMPLE_RATE)

    chunk = CHUNK / SAMPLE_RATE
    assert spans((0.4, 20)) == ()
    assert spans((0.9, 10)) == (Span(0.0, 0.32),)
    assert spans((0.1, 10), (0.9, 7), (0.1, 10)) == ()  # 224 ms
    found = spans((0.1, 10), (0.9, 10), (0.4, 10), (0.1, 10))  # what is not quite speech goes on with it
    assert found == (pytest.approx((10 * chunk - 0.03, 30 * chunk + 0.03)),)
    assert len(spans((0.9, 10), (0.1, 4), (0.9, 10))) == 1  # the first chunk after a silence of 96 ms speaks again
    assert len(spans((0.9, 10), (0.1, 5), (0.9, 10))) == 2


@given(st.lists(st.floats(0, 1), max_size=120))
def test_spans_are_in_order_and_apart(probabilities):
    duration = len(probabilities) * CHUNK / SAMPLE_RATE
    spans = speech_spans(probabilities, duration)
    borders = [border for span in spans for border in span]
    assert borders == sorted(borders)
    assert all(0 <= border <= duration + 1e-3 for border in borders)


@pytest.mark.parametrize(
    ("rate", "layout"), [(RATE, "mono"), (48_000, "stereo"), (48_000, "5.1"), (8_000, "mono")], ids=str
)
def test_speech_is_found_in_every_kind_of_sound(clip, tmp_path, rate, layout):
    video = add_sounds(clip, tmp_path / "clip.mp4", spoken(rate), rate=rate, layout=layout)
    near(find_speech(video), (1.5, 4.5))


def test_sound_and_picture_of_other_lengths(clip, tmp_path):
    music = np.zeros((RATE, 2), np.float32)
    short = add_sounds(clip, tmp_path / "short.mp4", spoken(whole=4.5))
    near(find_speech(short), (1.5, 4.5))
    notes = write_video(short, music, RATE, tmp_path / "out.mp4", original_audio="mix").notes
    assert len(notes) == 1
    assert notes[0].startswith("the sound of short.mp4 ends at 4.") and notes[0].endswith("heard after it")
    long = add_sounds(clip, tmp_path / "long.mp4", spoken(begin=4.0, seconds=5.0, whole=10.0))
    near(find_speech(long), (4.0, 6.0))
    notes = write_video(long, music, RATE, tmp_path / "out.mp4", original_audio="mix").notes
    assert len(notes) == 1
    assert notes[0].startswith("the sound of long.mp4 goes on for 4.") and notes[0].endswith("it is cut there")


def test_of_several_sound_tracks_one_is_mixed_and_named_and_all_are_kept(clip, tmp_path):
    video = add_sounds(clip, tmp_path / "two.mp4", spoken(), np.zeros(round(SECONDS * RATE), np.float32))
    near(find_speech(video), (1.5, 4.5))
    music = np.zeros((RATE, 2), np.float32)
    for mode, n_track in (("mix", 1), ("keep", 3), ("drop", 1)):
        written = write_video(video, music, RATE, tmp_path / "out.mp4", original_audio=mode)
        assert written.notes == (("two.mp4 has 2 sound tracks: number 1 is mixed",) if mode == "mix" else ())
        with av.open(str(written.path)) as container:
            assert len(container.streams.audio) == n_track


def test_a_video_without_sound_has_no_speech(clip):
    assert find_speech(clip) == ()


def test_sound_that_cannot_be_decoded_is_no_speech_and_is_named(clip, tmp_path):
    whole = add_sounds(clip, tmp_path / "whole.mp4", spoken())
    with av.open(str(whole)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(audio=0) if packet.size]
    content = bytearray(whole.read_bytes())
    for position, size in packets:
        content[position : position + size] = b"\xff" * size
    video = tmp_path / "broken.mp4"
    video.write_bytes(content)
    assert find_speech(video) == ()
    written = write_video(video, np.zeros((RATE, 2)), RATE, tmp_path / "out.mp4", original_audio="mix")
    assert written.notes == ("the sound of broken.mp4 cannot be decoded: only the music is heard",)


def test_a_damaged_network_is_one_line(monkeypatch, tmp_path):
    speech._network.cache_clear()
    monkeypatch.setattr(speech.resources, "files", lambda package: tmp_path)
    with pytest.raises(CmtError, match=r"silero_vad_16k\.safetensors: missing or damaged; install cmt again$"):
        speech_probabilities(np.zeros(CHUNK))
    speech._network.cache_clear()


def test_the_recipe_takes_no_other_wheel(monkeypatch, tmp_path):
    pytest.importorskip("torch")
    path = ROOT / "data" / "make_speech_model.py"
    spec = importlib.util.spec_from_file_location("make_speech_model", path)
    make_speech_model = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_speech_model)
    other = tmp_path / "other.whl"
    monkeypatch.setattr(sys, "argv", ["make_speech_model.py", str(other), "-o", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"other\.whl: cannot be read: No such file"):
        make_speech_model.main()
    other.write_bytes(b"no wheel")
    with pytest.raises(SystemExit, match=r"other\.whl: not the wheel of silero-vad 6\.2\.3"):
        make_speech_model.main()
