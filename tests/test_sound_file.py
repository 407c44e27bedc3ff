"""A user's own sounds: what is no sound, or claims what no sound has, is refused in one line."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
from clips import draw_clip

from cmt.errors import CmtError
from cmt.film.sound import has_sound
from cmt.film.sound_file import read_sound_file
from midi_io.audio_file import write_audio

RATE = 8000


def wav(samples: np.ndarray, sample_rate: int, code: int) -> bytes:
    """A WAV file of one channel; `code` 1 is PCM, 3 floats, and others are what nobody knows."""
    data = samples.tobytes()
    size = samples.itemsize
    head = struct.pack("<HHIIHH", code, 1, sample_rate, sample_rate * size, size, 8 * size)
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


TONE = (8000 * np.sin(np.arange(RATE) / 5)).astype("<i2")
REFUSED = {
    "text": b"no sound at all",
    "empty": b"",
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
    "one sample a second": wav(TONE, 1, 1),
    "unknown codec": wav(TONE, RATE, 0x7777),
    "no numbers": wav(np.full(RATE, np.nan, "<f4"), RATE, 3),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_what_is_no_sound_is_refused_in_one_line(tmp_path, what):
    (tmp_path / "secret.wav").write_bytes(wav(TONE, RATE, 1))
    (tmp_path / "hit.wav").write_bytes(REFUSED[what])
    with pytest.raises(CmtError, match=r"hit\.wav") as caught:
        read_sound_file(tmp_path / "hit.wav", RATE, 3.0)
    assert "\n" not in str(caught.value)


def test_a_sound_is_read(tmp_path):
    (tmp_path / "hit.wav").write_bytes(wav(TONE, RATE, 1))
    assert read_sound_file(tmp_path / "hit.wav", RATE, 3.0).shape == (RATE, 2)
    with pytest.raises(CmtError, match=r"more than 0\.5 s"):
        read_sound_file(tmp_path / "hit.wav", RATE, 0.5)


def test_names_that_ffmpeg_would_take_for_addresses_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("concat:a")
    write_audio(np.zeros((RATE, 2), np.float32), "concat:a/b|c.wav", RATE)
    assert len(read_sound_file(tmp_path / "concat:a" / "b|c.wav", RATE, 3.0)) == RATE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "hit.wav")
    with pytest.raises(CmtError, match=r"hit\.wav"):
        read_sound_file(tmp_path / "hit.wav", RATE, 3.0)


def test_sound_of_one_sample_a_second_is_none_of_a_video(tmp_path):
    import av

    draw_clip(tmp_path / "clip.mp4", seconds=1)
    for rate in (1, RATE):
        with av.open(str(tmp_path / "clip.mp4")) as source, av.open(str(tmp_path / f"{rate}.mkv"), "w") as target:
            picture = target.add_stream_from_template(source.streams.video[0])
            sound = target.add_stream("pcm_s16le", rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(TONE[np.newaxis, :100], "s16", "mono")
            frame.sample_rate = rate
            target.mux(sound.encode(frame))
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = picture
                    target.mux(packet)
        assert has_sound(tmp_path / f"{rate}.mkv") == (rate == RATE)
