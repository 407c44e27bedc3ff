"""MIDI files as they are found are read and played as what they are, and hostile ones are refused in a line."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
from click.testing import CliRunner

from cmt.cli import main
from midi_io import MidiError, has_fluidsynth, read_midi
from midi_io.file_playing import FilePlaying, read_to_play
from midi_io.midi_content import read_content
from midi_io.midi_file import read_midi_ticks
from midi_io.rendering import play

END = b"\x00\xff\x2f\x00"
BEAT = 96
"""Ticks."""
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="needs FluidSynth")


def number(value: int) -> bytes:
    """A number as waits and lengths are written."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.insert(0, value & 0x7F | 0x80)
    return bytes(digits)


def meta(kind: int, data: bytes, wait: int = 0) -> bytes:
    return number(wait) + bytes((0xFF, kind)) + number(len(data)) + data


def notes(*pitches: int, wait: int = 0, ticks: int = BEAT, channel: int = 0) -> bytes:
    """Notes one after the other."""
    return b"".join(
        number(wait) + bytes((0x90 | channel, pitch, 80)) + number(ticks) + bytes((0x80 | channel, pitch, 0))
        for pitch in pitches
    )


def chunk(kind: bytes, content: bytes, length: int | None = None) -> bytes:
    return kind + struct.pack(">I", len(content) if length is None else length) + content


def midi(*tracks: bytes, kind: int = 1, division: int = BEAT) -> bytes:
    """A file of whole chunks."""
    return chunk(b"MThd", struct.pack(">HHH", kind, len(tracks), division & 0xFFFF)) + b"".join(tracks)


def track(content: bytes, length: int | None = None) -> bytes:
    return chunk(b"MTrk", content + END, length)


FOUR = notes(60, 62, 64, 65)
PLAIN = midi(track(FOUR))


def riff(content: bytes) -> bytes:
    data = b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", 4 + len(data)) + b"RMID" + data


def pitches_of(content: bytes, tmp_path, warnings=None) -> list[int]:
    (tmp_path / "found.mid").write_bytes(content)
    heard = [] if warnings is None else warnings
    return [note.pitch for note in read_midi(tmp_path / "found.mid", heard.append).notes]


SILENTLY_READ = {
    "bad SMPTE offset": midi(track(meta(0x54, b"\xff\xff\xff\xff\xff") + FOUR)),
    "bad key": midi(track(meta(0x59, b"\x7f\xff") + FOUR)),
    "empty port, key and channel prefix": midi(track(meta(0x21, b"") + meta(0x59, b"") + meta(0x20, b"") + FOUR)),
    "half a tempo": midi(track(meta(0x51, b"\x07") + FOUR)),
    "a tempo of four bytes": midi(track(meta(0x51, b"\x00\x07\xa1\x20") + FOUR)),
    "metre of nothing": midi(track(meta(0x58, b"\x00\x09\x00\x00") + FOUR)),
    "RIFF": riff(PLAIN),
    "MacBinary": b"\0\x09found.mid" + bytes(117) + PLAIN + bytes(33) + b"resources",
    "text in front": b"HTTP/1.1 200 OK\r\n\r\n" + PLAIN,
    "vendor chunk": PLAIN[:14] + chunk(b"XFIH", b"\x01\x02\x03") + track(FOUR),
    "vendor chunk behind": PLAIN + chunk(b"XFKM", b"MTrk??"),
    "long header": chunk(b"MThd", struct.pack(">HHH", 0, 1, BEAT) + b"more") + track(FOUR),
    "no end of track": midi(chunk(b"MTrk", FOUR)),
    "junk behind": PLAIN + b"\xff\xf0junk" * 9,
    "system messages between": midi(track(b"\x00\xf8\x00\xf2\x01\x02\x00\xf0\x03\x01\x02\xf7" + FOUR)),
    "running status over a meta event": midi(track(b"\x00\x90\x3c\x50" + meta(1, b"x") + b"\x60\x3c\x00" + FOUR[8:])),
}


@pytest.mark.parametrize("name", sorted(SILENTLY_READ))
def test_what_costs_no_notes_is_read_without_a_word(name, tmp_path):
    warnings: list[str] = []
    assert pitches_of(SILENTLY_READ[name], tmp_path, warnings) == [60, 62, 64, 65]
    assert warnings == []


REPAIRED = {
    "length too long": (midi(track(FOUR, len(FOUR) + 11)), "track 1 says a wrong length"),
    "length of gigabytes": (midi(track(FOUR, 2**32 - 1)), "track 1 says a wrong length"),
    "length too short": (midi(track(FOUR, 9)), "track 1 says a wrong length"),
    "length too long before another track": (
        midi(track(FOUR, len(FOUR) + 11), track(b"")),
        "track 1 says a wrong length",
    ),
    "cut off": (midi(chunk(b"MTrk", FOUR + b"\x00\x90\x3c")), "track 1 is cut off"),
    "a wait of five bytes": (midi(track(FOUR + b"\xff\xff\xff\xff\x7f")), "track 1 has a wait of more than four bytes"),
    "text of gigabytes": (midi(chunk(b"MTrk", FOUR + b"\x00\xff\x01\x8f\xff\xff\x7f")), "track 1 is cut off"),
    "a track that is not there": (
        chunk(b"MThd", struct.pack(">HHH", 1, 3, BEAT)) + track(FOUR),
        "1 of 3 tracks are there",
    ),
    "tempo of almost nothing": (midi(track(meta(0x51, b"\0\0\1") + FOUR)), "a tempo of 1 microseconds"),
    "two files in one": (PLAIN + midi(track(notes(70, 72))), "another MIDI file stands behind the first one"),
    "tempo of nothing": (midi(track(meta(0x51, bytes(3)) + FOUR)), "a tempo of 0 microseconds"),
}


@pytest.mark.parametrize("name", sorted(REPAIRED))
def test_what_may_have_cost_notes_is_read_with_a_word(name, tmp_path):
    content, word = REPAIRED[name]
    warnings: list[str] = []
    assert pitches_of(content, tmp_path, warnings) == [60, 62, 64, 65]
    [line] = warnings
    assert f"found.mid: {word}" in line or f"found.mid: has {word}" in line


REFUSED = {
    "no tracks": (midi(), "no tracks in it"),
    "zip": (b"PK\x03\x04" + bytes(40), "zip archive"),
    "wave": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), "a RIFF file without MIDI"),
    "nothing": (b"", "it is empty"),
    "a wait of days": (midi(track(notes(60, wait=2**28 - 1))), r"lasts 388\.4 hours"),
    "a tempo of nothing at all": (
        midi(track(meta(0x51, b"\0\x27\x10") + notes(60, wait=2**26))),
        "has [0-9,]+ beats",
    ),
    "a silence of an hour": (midi(track(FOUR + notes(60, wait=BEAT * 7200))), "is silent for 60 minutes"),
    "nothing but damage": (midi(track(b"\x00\x3c\x40")), "no note can be read"),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_be_read_is_refused_in_one_line(name, tmp_path):
    content, word = REFUSED[name]
    (tmp_path / "bad.mid").write_bytes(content)
    with pytest.raises(MidiError, match=word) as error:
        read_midi(tmp_path / "bad.mid")
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("command", ["render", "evaluate"])
def test_a_pipe_is_refused_at_once(command, tmp_path):
    os.mkfifo(tmp_path / "pipe.mid")
    result = CliRunner().invoke(main, [command, str(tmp_path / "pipe.mid"), "-o", str(tmp_path / "out.wav")])
    assert result.exit_code in (1, 2)
    assert "pipe" in result.output


def test_a_device_and_an_endless_file_are_refused(tmp_path):
    with pytest.raises(MidiError, match="is a device, not a file"):
        read_midi("/dev/zero")
    with open(tmp_path / "large.mid", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(MidiError, match="larger than 16 MiB"):
        read_midi(tmp_path / "large.mid")


def test_too_many_events_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("midi_io.smf.MOST_EVENTS", 5)
    (tmp_path / "many.mid").write_bytes(PLAIN)
    with pytest.raises(MidiError, match="more than 5 events"):
        read_midi(tmp_path / "many.mid")


def content_of_bytes(content: bytes, tmp_path):
    (tmp_path / "found.mid").write_bytes(content)
    return read_content(tmp_path / "found.mid")


def test_sequences_of_type_2_follow_each_other_with_their_own_tempi(tmp_path):
    second = track(meta(0x51, (1_000_000).to_bytes(3, "big")) + FOUR)
    found = content_of_bytes(midi(track(FOUR), second, track(FOUR), kind=2), tmp_path)
    starts = sorted(found.seconds(note.start) for part in found.parts for note in part.notes)
    assert starts == pytest.approx([0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 6.5, 7, 7.5])
    assert found.duration == pytest.approx(8.0)


def test_the_music_ends_with_its_notes_not_with_tempi_or_controllers(tmp_path):
    tail = b"".join(meta(0x51, (500_000 + i).to_bytes(3, "big"), wait=BEAT * 10) for i in range(50))
    fade = b"".join(number(BEAT * 10) + bytes((0xB0, 7, i)) for i in range(50))
    for behind in (tail, fade):
        assert content_of_bytes(midi(track(FOUR), track(behind)), tmp_path).duration == pytest.approx(2.0)
        assert content_of_bytes(midi(track(FOUR + behind)), tmp_path).duration == pytest.approx(2.0)
    assert read_midi(tmp_path / "found.mid").duration == pytest.approx(2.0)


def test_a_note_that_is_never_released_sounds_to_the_end_of_its_track(tmp_path):
    held = track(b"\x00\x90\x3c\x50\x60\x90\x40\x50" + meta(1, b"rest", wait=3 * BEAT))
    found = content_of_bytes(midi(held), tmp_path)
    assert sorted((n.start, n.end) for part in found.parts for n in part.notes) == [(0, 4 * BEAT), (BEAT, 4 * BEAT)]


def test_a_note_ends_by_its_next_stroke_by_another_track_or_by_all_notes_off(tmp_path):
    strokes = track(b"\x00\x90\x3c\x50\x60\x90\x3c\x50" + meta(1, b"", wait=BEAT))
    assert [n[:2] for n in sorted(content_of_bytes(midi(strokes), tmp_path).parts[0].notes)] == [(0, 96), (96, 192)]
    other = midi(track(b"\x00\x90\x3c\x50" + meta(1, b"", wait=5 * BEAT)), track(b"\x60\x80\x3c\x00"))
    assert content_of_bytes(other, tmp_path).parts[0].notes[0][:2] == (0, 96)
    off = midi(track(b"\x00\x90\x3c\x50\x60\xb0\x7b\x00" + meta(1, b"", wait=5 * BEAT)))
    assert content_of_bytes(off, tmp_path).parts[0].notes[0][:2] == (0, 96)


@pytest.mark.parametrize(("frames", "seconds"), [(24, 1.0), (25, 1.0), (29, 1.001), (30, 1.0)])
def test_time_in_frames_is_kept(frames, seconds, tmp_path):
    ticks_of_second = (30 if frames == 29 else frames) * 4
    content = midi(track(notes(60, 62, ticks=ticks_of_second)), division=(256 - frames) << 8 | 4)
    found = content_of_bytes(content, tmp_path)
    assert found.seconds(found.parts[0].notes[1].start) == pytest.approx(seconds)
    assert found.repairs == ("counts time in frames: its beats are taken to last half a second",)


def test_a_program_that_another_track_sets_counts(tmp_path):
    setup = track(b"\x00\xc0\x21")
    assert [part.program for part in content_of_bytes(midi(setup, track(FOUR)), tmp_path).parts] == [33]


def test_drums_of_gs_and_xg_parts_are_drums(tmp_path):
    gs = track(b"\x00\xf0\x0a\x41\x10\x42\x12\x40\x1b\x15\x02\x0e\xf7" + notes(36, channel=11))
    assert [part.is_drum for part in content_of_bytes(midi(gs), tmp_path).parts] == [True]
    xg = track(b"\x00\xf0\x08\x43\x10\x4c\x00\x00\x7e\x00\xf7\x00\xb3\x00\x7f\x00\xc3\x00" + notes(36, channel=3))
    assert [part.is_drum for part in content_of_bytes(midi(xg), tmp_path).parts] == [True]


@pytest.mark.parametrize(("wait", "is_told"), [(b"\x00", False), (b"\x60", True)], ids=["throughout", "on its way"])
def test_a_master_volume_that_changes_as_a_file_plays_is_told(wait, is_told, tmp_path):
    low = b"\xf0\x07\x7f\x7f\x04\x01\x00\x20\xf7"
    (tmp_path / "low.mid").write_bytes(midi(track(wait + low), track(FOUR)))
    lines: list[str] = []
    read_to_play(tmp_path / "low.mid", lines.append)
    assert any("changes its master volume" in line for line in lines) == is_told


def test_another_metre_is_known(tmp_path):
    (tmp_path / "waltz.mid").write_bytes(midi(track(meta(0x58, b"\x03\x02\x18\x08") + FOUR)))
    ticks = read_midi_ticks(tmp_path / "waltz.mid")
    assert (ticks.is_common_time, ticks.other_metres) == (False, "3/4")


def test_a_waltz_is_left_out_of_an_index_with_its_metre(tmp_path):
    library = tmp_path / "music"
    library.mkdir()
    (library / "waltz.mid").write_bytes(midi(track(meta(0x58, b"\x03\x02\x18\x08") + FOUR)))
    (library / "march.kar").write_bytes(PLAIN)
    result = CliRunner().invoke(main, ["index", str(library), "-o", str(tmp_path / "index"), "--jobs", "1"])
    assert "waltz.mid: is in 3/4; only pieces in 4/4 throughout are matched" in result.output
    assert "march" not in result.output


@pytest.mark.parametrize("content", [midi(track(b"")), midi(track(meta(0x51, b"\x07\xa1\x20")))])
def test_nothing_to_play_is_said(content, tmp_path):
    (tmp_path / "silent.mid").write_bytes(content)
    result = CliRunner().invoke(main, ["render", str(tmp_path / "silent.mid"), "-o", str(tmp_path / "x.wav")])
    assert result.exit_code == 1
    assert "silent.mid: no notes to play" in result.output
    assert not (tmp_path / "x.wav").exists()


def played(content: bytes, tmp_path) -> np.ndarray:
    """The sound of a file, (n_sample,), at 22,050 samples a second."""
    (tmp_path / "played.mid").write_bytes(content)
    music = read_to_play(tmp_path / "played.mid", lambda line: None)
    return play(music, sample_rate=22_050)


def level(audio: np.ndarray, begin: float, end: float) -> float:
    return float(np.sqrt(np.mean(np.square(audio[round(begin * 22_050) : round(end * 22_050)]))))


@needs_fluidsynth
def test_volume_pedal_and_times_are_the_files(tmp_path):
    loud = played(midi(track(FOUR)), tmp_path)
    assert level(played(midi(track(b"\x00\xb0\x07\x00" + FOUR)), tmp_path), 0, 2) < 1e-3 * level(loud, 0, 2)
    short = b"\x00\x90\x3c\x50\x30\x80\x3c\x00" + meta(1, b"", wait=4 * BEAT)
    dry, held = played(midi(track(short)), tmp_path), played(midi(track(b"\x00\xb0\x40\x7f" + short)), tmp_path)
    assert level(held, 1, 2) > 10 * level(dry, 1, 2)
    late = played(midi(track(notes(60, wait=BEAT // 3))), tmp_path)
    assert np.flatnonzero(np.abs(late).max(axis=1) > 1e-3)[0] / 22_050 == pytest.approx(1 / 6, abs=0.01)


@needs_fluidsynth
def test_a_program_that_changes_is_heard_and_the_same_file_gives_the_same_samples(tmp_path):
    plain, changed = notes(60, 60), notes(60) + b"\x00\xc0\x21" + notes(60)
    first, other, again = (played(midi(track(content)), tmp_path) for content in (plain, changed, changed))
    assert np.array_equal(other, again)
    assert np.allclose(first[:10_000], other[:10_000])
    assert not np.allclose(first[12_000:16_000], other[12_000:16_000], atol=1e-3)


@needs_fluidsynth
def test_a_program_that_the_font_lacks_is_named_with_what_plays(tmp_path):
    (tmp_path / "bell.mid").write_bytes(midi(track(b"\x00\xc0\x70" + FOUR + b"\x00\xb0\x00\x08\x00\xc0\x00" + FOUR)))
    playing = FilePlaying(read_content(tmp_path / "bell.mid"), sample_rate=8000)
    for _ in playing.blocks():
        pass
    lacking, bank = playing.fallbacks
    assert "has no tinkle bell: vibraphone plays its notes (4)" in lacking
    assert "has no bank 8: bank 0 plays" in bank


@needs_fluidsynth
def test_a_file_that_is_turned_down_is_said_to_be_silent(tmp_path):
    (tmp_path / "mute.mid").write_bytes(midi(track(b"\x00\xb0\x07\x00" + FOUR)))
    result = CliRunner().invoke(main, ["render", str(tmp_path / "mute.mid"), "-o", str(tmp_path / "x.wav"), "-q"])
    assert result.exit_code == 0
    assert "nothing is heard" in result.output
