"""Music under a video: the picture untouched, both starting at 0 and ending together."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest

from cmt.film.mux import write_video
from midi_io import MidiError, WriteError

pytestmark = pytest.mark.slow

RATE = 44100
SILENCE = np.zeros((RATE, 2), np.float32)


class Stream(NamedTuple):
    kind: str
    codec: str
    start: float
    end: float


def grey_frame(index, width=64, height=48, format="yuv420p"):
    picture = np.full((height, width, 3), 40, np.uint8)
    left = 2 * index % (width - 8)
    picture[height // 4 : height // 2, left : left + 8] = 220
    return av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=format)


def clicks(seconds, times, level=0.9, rate=RATE):
    """Stereo silence with 3 ms of a 3 kHz tone at each of `times`."""
    sound = np.zeros((round(seconds * rate), 2), np.float32)
    tone = level * np.sin(2 * np.pi * 3000 * np.arange(round(0.003 * rate)) / rate)
    for time in times:
        start = round(time * rate)
        sound[start : start + len(tone)] += tone[:, np.newaxis].astype(np.float32)
    return sound


def draw_clip(
    path: Path,
    codec: str = "libx264",
    *,
    sound: np.ndarray | None = None,
    sound_codec: str = "aac",
    times: list[Fraction] | None = None,
    rate: int = 25,
    n_frame: int = 25,
    size: tuple[int, int] = (64, 48),
    format: str = "yuv420p",
    shift: Fraction = Fraction(0),
    rotation: int | None = None,
    tag: str | None = None,
) -> Path:
    """A clip of a square that moves right; `shift` moves all timestamps of the picture."""
    times = times or [Fraction(index, rate) for index in range(n_frame)]
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(codec, rate=rate, width=size[0], height=size[1])
        video.pix_fmt = format
        video.codec_context.time_base = Fraction(1, rate) if path.suffix == ".avi" else Fraction(1, 1000)
        if tag is not None:
            video.codec_context.codec_tag = tag
        if rotation is not None:
            if not hasattr(video, "set_display_rotation"):
                pytest.skip("this PyAV cannot write a rotation")
            video.set_display_rotation(rotation)
        audio: Any = None
        if sound is not None:
            audio = container.add_stream(sound_codec, rate=RATE)
        packets = []
        for index, time in enumerate(times):
            frame = grey_frame(index, *size, format)
            frame.time_base = video.codec_context.time_base
            frame.pts = round(time / frame.time_base)
            packets += video.encode(frame)
        packets += video.encode(None)
        for packet in packets:
            offset = round(shift / packet.time_base)
            packet.pts += offset
            packet.dts += offset
            packet.duration = packet.duration or round(Fraction(1, rate) / packet.time_base)
        if audio is not None:
            packets += sound_packets(audio, sound)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def sound_packets(stream, sound):
    packets = []
    for start in range(0, len(sound), 1024):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[start : start + 1024].T), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        for converted in av.AudioResampler(stream.codec_context.format, "stereo", RATE).resample(frame):
            converted.pts, converted.time_base = start, Fraction(1, RATE)
            packets += stream.encode(converted)
    return packets + stream.encode(None)


def streams_of(path):
    with av.open(str(path)) as container:
        return [
            Stream(
                stream.type,
                stream.codec_context.codec.canonical_name,
                float(stream.start_time * stream.time_base),
                float((stream.start_time + stream.duration) * stream.time_base),
            )
            for stream in container.streams
        ]


def frame_times(path, stream=0):
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=stream)]


def packet_bytes(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def heard_sound(path, stream=0):
    """Samples of a sound stream, `(n_sample,)`, placed by their timestamps."""
    with av.open(str(path)) as container:
        frames = [
            (frame.time, converted.to_ndarray()[0])
            for frame in container.decode(audio=stream)
            for converted in av.AudioResampler("fltp", "stereo", RATE).resample(frame)
        ]
    sound = np.zeros(max(round(time * RATE) + len(samples) for time, samples in frames))
    for time, samples in frames:
        sound[round(time * RATE) : round(time * RATE) + len(samples)] = samples
    return sound


def click_times(sound, threshold=0.2):
    loud = np.flatnonzero(np.abs(sound) > threshold)
    starts = loud[np.insert(np.diff(loud) > RATE // 50, 0, True)] if len(loud) else loud
    return (starts / RATE).tolist()


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.mp4", "libx264"),
        ("clip.mov", "libx264"),
        ("clip.mkv", "libx264"),
        ("clip.ts", "libx264"),
        ("clip.webm", "libvpx-vp9"),
        ("clip.avi", "mpeg4"),
        ("clip.mkv", "libx265"),
    ],
)
def test_a_picture_that_fits_an_mp4_is_copied_and_as_long_as_the_music(tmp_path, name, codec):
    if codec not in av.codec.codecs_available:
        pytest.skip(f"this PyAV lacks {codec}")
    clip = draw_clip(tmp_path / name, codec)
    written = write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert written.notes == ()
    assert written.duration == pytest.approx(1.0, abs=0.002)
    video, audio = streams_of(tmp_path / "out.mp4")
    assert (video.kind, audio.kind, audio.codec) == ("video", "audio", "aac")
    assert (video.start, audio.start) == (0.0, 0.0)
    assert video.end == pytest.approx(1.0, abs=0.002)
    assert audio.end == pytest.approx(video.end, abs=0.002)
    assert np.diff(frame_times(tmp_path / "out.mp4")) == pytest.approx(0.04, abs=0.0011)
    assert len(frame_times(tmp_path / "out.mp4")) == 25


def test_the_pictures_packets_are_the_same_bytes(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4")
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert packet_bytes(tmp_path / "out.mp4") == packet_bytes(clip)


@pytest.mark.parametrize(
    ("name", "codec", "format"),
    [("clip.webm", "libvpx", "yuv420p"), ("clip.avi", "mjpeg", "yuvj420p"), ("clip.gif", "gif", "rgb8")],
)
def test_a_picture_that_does_not_fit_is_encoded_again_and_said_to_be(tmp_path, name, codec, format):
    clip = draw_clip(tmp_path / name, codec, format=format)
    written = write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    (note,) = written.notes
    assert "encoded again" in note and "does not fit into an mp4" in note
    video, audio = streams_of(tmp_path / "out.mp4")
    assert video.codec in ("h264", "mpeg4")
    assert video.end == pytest.approx(1.0, abs=0.011)
    assert audio.end == pytest.approx(video.end, abs=0.002)
    assert len(frame_times(tmp_path / "out.mp4")) == 25
    assert frame_times(tmp_path / "out.mp4") == pytest.approx(frame_times(clip), abs=0.002)


def test_an_odd_size_is_made_even(tmp_path):
    clip = draw_clip(tmp_path / "odd.gif", "gif", format="rgb8", size=(63, 47))
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (64, 48)


def test_colours_survive_encoding_again(tmp_path):
    clip = draw_clip(tmp_path / "clip.gif", "gif", format="rgb8")
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    with av.open(str(clip)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        old, new = (
            next(container.decode(video=0)).to_ndarray(format="rgb24").mean(axis=(0, 1))
            for container in (before, after)
        )
    assert new == pytest.approx(old, abs=4)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_rotation_is_kept_when_the_picture_is_copied(tmp_path, rotation):
    clip = draw_clip(tmp_path / "clip.mp4", rotation=rotation)
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    with av.open(str(clip)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        expected = next(before.decode(video=0)).rotation
        assert abs(expected) == abs(rotation)
        assert next(after.decode(video=0)).rotation == expected


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_rotated_picture_is_upright_after_encoding_again(tmp_path, rotation):
    clip = draw_clip(tmp_path / "clip.mov", "mjpeg", format="yuvj420p", rotation=rotation)
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    with av.open(str(clip)) as before, av.open(str(tmp_path / "out.mp4")) as after:
        raw, upright = next(before.decode(video=0)), next(after.decode(video=0))
        # FFmpeg counts counter-clockwise, and so does numpy.
        expected = np.rot90(raw.to_ndarray(format="gray"), raw.rotation // 90)
        assert upright.rotation == 0
        assert upright.to_ndarray(format="gray").shape == expected.shape
        assert np.mean(np.abs(upright.to_ndarray(format="gray").astype(int) - expected)) < 8


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_frames_keep_their_own_times(tmp_path, name):
    times = [Fraction(index * index, 100) for index in range(11)]
    clip = draw_clip(tmp_path / name, times=times)
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == pytest.approx([float(time) for time in times], abs=0.002)


def test_frames_keep_their_own_times_when_encoded_again(tmp_path):
    times = [Fraction(index * index, 100) for index in range(11)]
    clip = draw_clip(tmp_path / "clip.webm", "libvpx", times=times)
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == pytest.approx([float(time) for time in times], abs=0.002)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts", "clip.mkv"])
def test_the_music_is_not_late(tmp_path, name):
    clip = draw_clip(tmp_path / name)
    write_video(clip, clicks(1, [0.0, 0.5, 0.9]), RATE, tmp_path / "out.mp4")
    assert click_times(heard_sound(tmp_path / "out.mp4")) == pytest.approx([0.0, 0.5, 0.9], abs=0.0015)


def test_a_picture_that_starts_late_starts_at_zero_and_its_sound_moves_along(tmp_path):
    clip = draw_clip(tmp_path / "late.mkv", shift=Fraction(2, 5), sound=clicks(1.4, [0.9]))
    assert frame_times(clip)[0] == pytest.approx(0.4, abs=0.002)
    for mode in ("keep", "mix"):
        written = write_video(clip, SILENCE, RATE, tmp_path / "out.mp4", original_audio=mode)
        assert written.duration == pytest.approx(1.0, abs=0.002)
        assert frame_times(tmp_path / "out.mp4")[0] == 0.0
        last_sound = 1 if mode == "keep" else 0
        heard = click_times(heard_sound(tmp_path / "out.mp4", last_sound))
        assert heard == pytest.approx([0.5], abs=0.004)


def test_frames_before_zero_stay_hidden(tmp_path):
    clip = draw_clip(tmp_path / "trimmed.mp4", shift=Fraction(-2, 5))
    with av.open(str(clip)) as container:
        hidden = [packet.is_discard for packet in container.demux(video=0) if packet.size]
    assert any(hidden), "the clip was to have an edit list"
    shown = frame_times(clip)
    written = write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert written.duration == pytest.approx(0.6, abs=0.002)
    assert frame_times(tmp_path / "out.mp4") == pytest.approx(shown, abs=0.001)
    video, audio = streams_of(tmp_path / "out.mp4")
    assert audio.end == pytest.approx(video.end, abs=0.002)


@pytest.mark.parametrize("seconds", [0.0, 0.3, 5.0])
def test_music_too_short_or_too_long_is_fitted(tmp_path, seconds):
    clip = draw_clip(tmp_path / "clip.mp4")
    write_video(clip, clicks(seconds, []), RATE, tmp_path / "out.mp4")
    video, audio = streams_of(tmp_path / "out.mp4")
    assert audio.end == pytest.approx(video.end, abs=0.002)


@pytest.mark.parametrize("shape", [(RATE,), (RATE, 1)])
def test_mono_music_is_heard_on_both_sides(tmp_path, shape):
    clip = draw_clip(tmp_path / "clip.mp4")
    write_video(clip, clicks(1, [0.5])[:, 0].reshape(shape), RATE, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        both = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert len(both) == 2
    assert np.max(np.abs(both), axis=1).tolist() == pytest.approx([0.9, 0.9], abs=0.2)


def test_dropping_leaves_only_the_music(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4", sound=clicks(1, [0.25]))
    write_video(clip, clicks(1, [0.75]), RATE, tmp_path / "out.mp4")
    assert [stream.kind for stream in streams_of(tmp_path / "out.mp4")] == ["video", "audio"]
    assert click_times(heard_sound(tmp_path / "out.mp4")) == pytest.approx([0.75], abs=0.002)


@pytest.mark.parametrize(
    ("name", "sound_codec", "kept_as"),
    [
        ("clip.mp4", "aac", "aac"),
        ("clip.ts", "aac", "aac"),
        ("clip.mkv", "libmp3lame", "mp3"),
        ("clip.mkv", "pcm_s16le", "aac"),
    ],
)
def test_keeping_puts_the_original_second(tmp_path, name, sound_codec, kept_as):
    clip = draw_clip(tmp_path / name, sound=clicks(1, [0.25]), sound_codec=sound_codec)
    written = write_video(clip, clicks(1, [0.75]), RATE, tmp_path / "out.mp4", original_audio="keep")
    assert len(written.notes) == (1 if sound_codec == "pcm_s16le" else 0)
    assert [stream.codec for stream in streams_of(tmp_path / "out.mp4")] == ["h264", "aac", kept_as]
    assert click_times(heard_sound(tmp_path / "out.mp4", 0)) == pytest.approx([0.75], abs=0.002)
    expected = click_times(heard_sound(clip))[0] - frame_times(clip)[0]
    assert click_times(heard_sound(tmp_path / "out.mp4", 1)) == pytest.approx([expected], abs=0.002)
    with av.open(str(tmp_path / "out.mp4")) as container:
        music, original = container.streams.audio
        default = av.stream.Disposition.default
        assert music.disposition & default and not original.disposition & default


def test_sound_longer_than_the_picture_is_cut(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4", sound=clicks(3, [0.25, 2.5]))
    for mode in ("keep", "mix"):
        write_video(clip, SILENCE, RATE, tmp_path / "out.mp4", original_audio=mode)
        assert max(stream.end for stream in streams_of(tmp_path / "out.mp4")) < 1.04


def test_mixing_lets_both_be_heard_and_the_music_steps_back(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4", sound=clicks(1, [0.25], level=0.8))
    written = write_video(clip, clicks(1, [0.75], level=0.8), RATE, tmp_path / "out.mp4", original_audio="mix")
    assert written.notes == ()
    sound = heard_sound(tmp_path / "out.mp4")
    assert click_times(sound) == pytest.approx([0.25, 0.75], abs=0.002)
    original, music = np.max(np.abs(sound[: RATE // 2])), np.max(np.abs(sound[RATE // 2 :]))
    assert music / original == pytest.approx(0.5, abs=0.1)


def test_a_loud_mix_is_not_clipped(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    clip = draw_clip(tmp_path / "clip.mp4", sound=np.stack([tone, tone], axis=1))
    write_video(clip, tone, RATE, tmp_path / "out.mp4", original_audio="mix")
    sound = heard_sound(tmp_path / "out.mp4")[2048 : RATE - 2048]
    assert 0.9 < np.max(np.abs(sound)) < 1.02
    crest = np.max(np.abs(sound)) / np.sqrt(np.mean(sound**2))
    assert crest == pytest.approx(np.sqrt(2), abs=0.1)  # still a sine, no flat tops


@pytest.mark.parametrize("mode", ["keep", "mix"])
def test_a_silent_video_has_nothing_to_keep_and_says_so(tmp_path, mode):
    clip = draw_clip(tmp_path / "clip.mp4")
    written = write_video(clip, SILENCE, RATE, tmp_path / "out.mp4", original_audio=mode)
    assert written.notes == (f"clip.mp4 has no sound to {mode}: only the music is heard",)
    assert len(streams_of(tmp_path / "out.mp4")) == 2


def test_a_file_that_breaks_off_gives_what_can_be_read(tmp_path):
    clip = draw_clip(tmp_path / "clip.mkv", n_frame=100)
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) // 2])
    written = write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert 0.5 < written.duration < 3.5
    video, audio = streams_of(tmp_path / "out.mp4")
    assert audio.end == pytest.approx(video.end, abs=0.002)


def test_what_is_missing_from_a_file_that_breaks_off_is_said(tmp_path):
    """An mp4 whose index comes first still lists the packets that are gone."""
    whole = draw_clip(tmp_path / "clip.mp4", n_frame=100, sound=clicks(4, []))
    write_video(whole, clicks(4, []), RATE, tmp_path / "indexed.mp4")
    content = (tmp_path / "indexed.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(content[: len(content) * 3 // 4])
    for mode in ("drop", "keep", "mix"):
        written = write_video(tmp_path / "half.mp4", SILENCE, RATE, tmp_path / "out.mp4", original_audio=mode)
        video, *sounds = streams_of(tmp_path / "out.mp4")
        assert 0 < written.duration < 4
        assert written.notes[0].startswith("half.mp4 breaks off: only its first")
        # Frames that were to be shown before the last one read may be missing.
        assert sounds[0].end == pytest.approx(video.end, abs=0.2)


def test_apples_name_for_hevc_is_kept(tmp_path):
    if "libx265" not in av.codec.codecs_available:
        pytest.skip("this PyAV lacks libx265")
    clip = draw_clip(tmp_path / "clip.mov", "libx265", tag="hvc1")
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


def test_progress_rises_to_one(tmp_path):
    shares: list[float] = []
    write_video(draw_clip(tmp_path / "clip.mp4"), SILENCE, RATE, tmp_path / "out.mp4", progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_the_same_input_gives_the_same_bytes(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4", sound=clicks(1, [0.25]))
    for name in ("a.mp4", "b.mp4"):
        write_video(clip, clicks(1, [0.5]), RATE, tmp_path / name, original_audio="mix")
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_an_earlier_output_is_replaced(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4")
    (tmp_path / "out.mp4").write_bytes(b"old")
    write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert len(streams_of(tmp_path / "out.mp4")) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]


@pytest.mark.parametrize(
    "content", [b"", b"no video at all\n" * 100, bytes(5000), b"\x00\x00\x00\x18ftypmp42" + bytes(400)]
)
def test_bytes_that_are_no_video_are_a_midi_error_and_leave_nothing(tmp_path, content):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(content)
    with pytest.raises(MidiError, match="ffprobe") as caught:
        write_video(clip, SILENCE, RATE, tmp_path / "out.mp4")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == [clip]


def test_a_file_of_sound_only_has_no_video_stream(tmp_path):
    with av.open(str(tmp_path / "sound.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=RATE)
        for packet in sound_packets(stream, SILENCE):
            container.mux(packet)
    with pytest.raises(MidiError, match="no video stream"):
        write_video(tmp_path / "sound.m4a", SILENCE, RATE, tmp_path / "out.mp4")


def test_a_missing_video_is_a_midi_error(tmp_path):
    with pytest.raises(MidiError, match="cannot be opened"):
        write_video(tmp_path / "none.mp4", SILENCE, RATE, tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_output_folder_is_named(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4")
    with pytest.raises(WriteError, match=r"folder .*nowhere does not exist"):
        write_video(clip, SILENCE, RATE, tmp_path / "nowhere" / "out.mp4")


def test_the_video_itself_is_never_overwritten(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4")
    content = clip.read_bytes()
    with pytest.raises(MidiError, match="is the video itself"):
        write_video(clip, SILENCE, RATE, tmp_path / "." / "clip.mp4")
    assert clip.read_bytes() == content


def test_a_failure_half_way_leaves_nothing_behind(tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4")
    (tmp_path / "out.mp4").write_bytes(b"earlier")

    def stop(share):
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(clip, SILENCE, RATE, tmp_path / "out.mp4", progress=stop)
    assert (tmp_path / "out.mp4").read_bytes() == b"earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]


@pytest.mark.parametrize(
    ("audio", "rate", "mode", "message"),
    [
        (np.zeros((10, 3)), RATE, "drop", r"^audio must have shape .* got \(10, 3\)$"),
        (np.zeros((2, 2, 2)), RATE, "drop", r"^audio must have shape .* got \(2, 2, 2\)$"),
        (SILENCE, 12345, "drop", "^sample_rate must be .* got 12345$"),
        (SILENCE, RATE, "loud", "^original_audio must be drop, keep or mix, got 'loud'$"),
    ],
)
def test_arguments_out_of_range_are_refused(tmp_path, audio, rate, mode, message):
    clip = draw_clip(tmp_path / "clip.mp4")
    with pytest.raises(ValueError, match=message):
        write_video(clip, audio, rate, tmp_path / "out.mp4", original_audio=mode)
    assert list(tmp_path.iterdir()) == [clip]
