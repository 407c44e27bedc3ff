"""H.264 tells by its first bytes whether pictures may be shown in another order than they are decoded in."""

import av
import pytest
from clips import draw_pictures, moving_square

from video_rhythm.slices import may_be_shown_early


def packets_of(path, bframes: int):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=160, height=96, options={"bf": str(bframes)})
        stream.pix_fmt = "yuv420p"
        for picture in moving_square(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        kinds = [picture.pict_type for packet in packets for picture in packet.decode()]
        kinds += [picture.pict_type for picture in stream.decode(None)]
        return stream.codec_context.extradata, [bytes(packet) for packet in packets], kinds


@pytest.mark.parametrize("name", ["a.h264", "a.mkv", "a.mp4", "a.ts"])
@pytest.mark.parametrize("bframes", [0, 3])
def test_b_pictures_are_told_without_decoding(tmp_path, name, bframes):
    extradata, packets, kinds = packets_of(tmp_path / name, bframes)
    early = [may_be_shown_early(packet, extradata) for packet in packets]
    b_pictures = sum(kind == av.video.frame.PictureType.B for kind in kinds)
    assert sum(early) == b_pictures
    assert bool(b_pictures) == bool(bframes)


@pytest.mark.parametrize(
    "packet", [b"", b"\0\0\1", b"\0\0\0\1\x65", b"\0\0\0\x09\x65", b"\0\0\0\0" * 9, bytes(range(256))]
)
@pytest.mark.parametrize("extradata", [None, b"", b"\1\x64\0\x1f\xff\xe1"])
def test_what_cannot_be_read_may_be_anything(packet, extradata):
    assert may_be_shown_early(packet, extradata)


def test_a_stream_without_b_pictures_is_not_decoded_twice(tmp_path, monkeypatch):
    from video_rhythm.frames import Video

    path = draw_pictures(tmp_path / "a.mp4", moving_square(30), 25, codec="libx264")
    with Video(path) as video:
        expected = [frame.time for frame in video.frames()]
    packets_of(tmp_path / "b.mp4", 0)
    monkeypatch.setattr(av.CodecContext, "create", None)
    with Video(tmp_path / "b.mp4") as video:
        assert [frame.time for frame in video.frames()] == expected
