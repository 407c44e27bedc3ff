"""WAV files of other depths, and the places that they name."""

import struct
import wave

import av
import numpy as np
import pytest

from cmt.errors import WriteError
from midi_io.audio_file import check_samples, write_audio
from midi_io.riff import CuePoint

RATE = 48_000
CUES = (CuePoint(0.0, "section A / bar 1"), CuePoint(0.25, "bar 2"), CuePoint(99.0, "behind the end"))


def noise(n=RATE, channels=2):
    return np.random.default_rng(0).uniform(-1, 1, (n, channels)).astype(np.float32)


def chunks_of(data):
    """(name, content) of each chunk of a RIFF file, or of a list in one; sizes must be what they say."""
    at = 0
    while at < len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        assert at + 8 + size <= len(data)
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    assert at == len(data)


def cues_of(path):
    """The samples and labels of a WAV file's cue points."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF" and data[8:12] == b"WAVE" and struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    chunks = dict(chunks_of(data[12:]))
    if b"cue " not in chunks:
        return None
    content = chunks[b"cue "]
    (count,) = struct.unpack_from("<I", content)
    assert len(content) == 4 + 24 * count
    points = {}
    for number in range(count):
        name, position, chunk, start, block, sample = struct.unpack_from("<II4sIII", content, 4 + 24 * number)
        assert (position, chunk, start, block) == (sample, b"data", 0, 0)
        points[name] = sample
    labels = {}
    assert chunks[b"LIST"][:4] == b"adtl"
    for name, label in chunks_of(chunks[b"LIST"][4:]):
        assert name == b"labl" and label.endswith(b"\0")
        labels[struct.unpack_from("<I", label)[0]] = label[4:-1].decode()
    assert points.keys() == labels.keys()
    return [(points[name], labels[name]) for name in sorted(points)]


@pytest.mark.parametrize("bit_depth", [16, 24])
@pytest.mark.parametrize(("n", "channels"), [(RATE, 2), (RATE + 1, 1), (2**18 + 3, 1)])
def test_cue_points_are_read_back_and_the_sound_is_the_same(tmp_path, bit_depth, n, channels):
    audio = noise(n, channels)
    path, plain = tmp_path / "sound.wav", tmp_path / "plain.wav"
    write_audio(audio, path, RATE, bit_depth=bit_depth, cues=CUES)
    write_audio(audio, plain, RATE, bit_depth=bit_depth)
    assert cues_of(path) == [(0, "section A / bar 1"), (12_000, "bar 2"), (n - 1, "behind the end")]
    assert cues_of(plain) is None
    with wave.open(str(path)) as file, wave.open(str(plain)) as other:
        assert file.getparams() == other.getparams()
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, bit_depth // 8, channels)
        assert file.getnframes() == n and file.readframes(n) == other.readframes(n)
    with av.open(str(path)) as file:
        heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)])
    step = 2.0 ** (15 if bit_depth == 16 else 31)  # FFmpeg gives 24 bits in 32
    assert np.abs(heard.reshape(-1, channels) / step - audio).max() < 1.6 * 2.0 ** (1 - bit_depth)


@pytest.mark.parametrize("bit_depth", [16, 24])
def test_flac_has_the_depth_that_is_asked_for(tmp_path, bit_depth):
    audio = noise()
    write_audio(audio, tmp_path / "sound.flac", RATE, bit_depth=bit_depth)
    with av.open(str(tmp_path / "sound.flac")) as file:
        assert file.streams.audio[0].format.name == {16: "s16", 24: "s32"}[bit_depth]
        heard = np.concatenate([frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)]).reshape(-1, 2)
    step = 2.0 ** (15 if bit_depth == 16 else 31)
    assert np.abs(heard / step - audio).max() < 2.1 * 2.0 ** (1 - bit_depth)


@pytest.mark.parametrize(
    ("name", "rate", "bits", "message"),
    [
        ("mp3", 96_000, None, "96000"),
        ("mp3", 48_000, 16, "bit_depth"),
        ("ogg", 48_000, 24, "bit_depth"),
        ("wav", 48_000, 20, "20"),
    ],
)
def test_what_a_format_cannot_have_is_refused(name, rate, bits, message):
    with pytest.raises(WriteError, match=message):
        check_samples(name, rate, bits)
