"""Songs survive a MIDI file; other people's MIDI files become songs; broken ones say so."""

from __future__ import annotations

import io
import re
import struct

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midi_io import (
    Instrument,
    Knot,
    MidiError,
    Note,
    Song,
    Timeline,
    WriteError,
    read_midi,
    read_performance,
    write_midi,
)
from midi_io.midi_file import read_midi_ticks
from midi_io.quantize import without_overlaps

PIANO = Instrument.PIANO
TUNE = Song.steady(
    (
        Note(0, Instrument.DRUMS, 36, 1, 100),
        Note(0, Instrument.BASS, 36, 8, 90),
        Note(0, PIANO, 60, 4, 80),
        Note(4, PIANO, 60, 4, 70),
        Note(8, Instrument.GUITAR, 64, 2, 60),
        Note(12, Instrument.STRINGS, 67, 4, 50),
    ),
    90.0,
    32,
)


@st.composite
def songs(draw):
    note = st.builds(
        Note,
        st.integers(0, 63),
        st.sampled_from(Instrument),
        st.integers(0, 127),
        st.integers(1, 32),
        st.integers(1, 127),
    )
    notes = without_overlaps(draw(st.lists(note, max_size=40)))
    length = max((n.position + n.duration for n in notes), default=0) + draw(st.integers(0, 20))
    return Song.steady(tuple(notes), float(draw(st.integers(40, 240))), length)


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content)) + content


def midi_bytes(track: bytes, *, division: int = 480) -> bytes:
    return chunk(b"MThd", struct.pack(">HHH", 0, 1, division)) + chunk(b"MTrk", track)


def saved(path, *tracks, ticks_per_beat=480):
    file = mido.MidiFile(ticks_per_beat=ticks_per_beat)
    file.tracks.extend(mido.MidiTrack(track) for track in tracks)
    file.save(path)
    return path


def note_messages(pitch, wait, ticks, channel=0):
    return [
        mido.Message("note_on", note=pitch, velocity=64, time=wait, channel=channel),
        mido.Message("note_off", note=pitch, velocity=0, time=ticks, channel=channel),
    ]


@settings(max_examples=60, deadline=None)
@given(song=songs())
def test_read_midi_inverts_write_midi(song, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "inverse.mid"
    write_midi(song, path)
    assert read_midi(path) == song


@settings(max_examples=30, deadline=None)
@given(tempo=st.floats(10.0, 400.0))
def test_the_tempo_is_kept_to_a_microsecond_a_beat(tempo, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "tempo.mid"
    write_midi(Song.steady((), tempo, 16), path)
    assert 60e6 / read_midi(path).tempo == pytest.approx(60e6 / tempo, abs=1.01)


def test_the_same_song_gives_the_same_bytes(tmp_path):
    write_midi(TUNE, tmp_path / "a.mid", title="Tune")
    write_midi(TUNE, tmp_path / "b.mid", title="Tune")
    assert (tmp_path / "a.mid").read_bytes() == (tmp_path / "b.mid").read_bytes()


def test_tracks_carry_the_names_programs_and_channels_of_lpd5(tmp_path):
    write_midi(TUNE, tmp_path / "tune.mid")
    tracks = mido.MidiFile(tmp_path / "tune.mid").tracks[1:]
    assert [track.name for track in tracks] == ["Drums", "Piano", "Guitar", "Bass", "Strings"]
    changes = [next(message for message in track if message.type == "program_change") for track in tracks]
    assert [change.program for change in changes] == [0, 0, 24, 33, 48]
    channels = [change.channel for change in changes]
    assert channels[0] == 9
    assert len(set(channels)) == 5


def test_silent_instruments_get_no_track(tmp_path):
    write_midi(Song.steady((Note(0, Instrument.BASS, 40, 4),), 120.0, 16), tmp_path / "bass.mid")
    assert [track.name for track in mido.MidiFile(tmp_path / "bass.mid").tracks[1:]] == ["Bass"]


def test_the_file_says_its_tempo_time_signature_and_title(tmp_path):
    write_midi(TUNE, tmp_path / "tune.mid", title="Grüße aus 東京")
    conductor = mido.MidiFile(tmp_path / "tune.mid", charset="utf-8").tracks[0]
    said = {message.type: message for message in conductor}
    assert said["set_tempo"].tempo == 666667
    assert (said["time_signature"].numerator, said["time_signature"].denominator) == (4, 4)
    assert said["track_name"].name == "Grüße aus 東京"


@pytest.mark.parametrize("length", [32, 20, 17.3, 100.71])
def test_the_file_ends_where_the_piece_does(tmp_path, length):
    import miditoolkit
    import pretty_midi

    song = Song.steady(TUNE.notes, 128.0, length)
    write_midi(song, tmp_path / "tune.mid")
    assert pretty_midi.PrettyMIDI(str(tmp_path / "tune.mid")).get_end_time() == pytest.approx(song.duration, abs=1e-3)
    max_tick = miditoolkit.MidiFile(tmp_path / "tune.mid").max_tick
    assert max_tick - 1 == round(length * 120)  # miditoolkit counts the last tick in


def test_notes_are_cut_at_the_length_of_the_piece(tmp_path):
    inside = Note(0, PIANO, 60, 4)
    ringing = Note(4, PIANO, 64, 12)
    behind = Note(11, PIANO, 67, 1)
    write_midi(Song.steady((inside, ringing, behind), 120.0, 10.5), tmp_path / "cut.mid")
    song = read_midi(tmp_path / "cut.mid")
    assert song.length == 10.5 or song.length == 11  # the cut note is rounded up to the grid
    assert [(note.position, note.duration) for note in song.notes] == [(0, 4), (4, 7)]
    assert mido.MidiFile(tmp_path / "cut.mid").length == pytest.approx(10.5 * 0.125, abs=1e-3)


def test_the_piece_is_as_long_as_its_silence(tmp_path):
    write_midi(Song.steady((), 120.0, 37), tmp_path / "silence.mid")
    assert read_midi(tmp_path / "silence.mid") == Song.steady((), 120.0, 37)


@pytest.mark.parametrize("tempo", [3.0, 1e9])
def test_a_tempo_that_midi_cannot_store_is_refused(tmp_path, tempo):
    with pytest.raises(ValueError, match="tempi"):
        write_midi(Song.steady((), tempo, 16), tmp_path / "odd.mid")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_is_replaced_whole(tmp_path):
    path = tmp_path / "tune.mid"
    path.write_bytes(b"x" * 100_000)
    write_midi(TUNE, path)
    assert read_midi(path) == TUNE
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(WriteError, match=r"folder .*nowhere does not exist"):
        write_midi(TUNE, tmp_path / "nowhere" / "tune.mid")


@pytest.mark.parametrize(
    ("program", "instrument"),
    [
        (0, PIANO),
        (7, PIANO),
        (8, Instrument.STRINGS),
        (24, Instrument.GUITAR),
        (31, Instrument.GUITAR),
        (39, Instrument.BASS),
        (56, Instrument.STRINGS),
        (95, Instrument.STRINGS),
        (104, Instrument.STRINGS),
        (111, Instrument.STRINGS),
    ],
)
def test_programs_are_merged_by_family(tmp_path, program, instrument):
    track = [mido.Message("program_change", program=program, time=0), *note_messages(60, 0, 120)]
    song = read_midi(saved(tmp_path / "one.mid", track))
    assert [note.instrument for note in song.notes] == [instrument]


@pytest.mark.parametrize("program", [96, 103, 112, 127])
def test_effects_and_percussive_programs_are_left_out(tmp_path, program):
    track = [mido.Message("program_change", program=program, time=0), *note_messages(60, 0, 120)]
    assert read_midi(saved(tmp_path / "one.mid", track)).notes == ()


def test_channel_ten_is_drums_whatever_its_program(tmp_path):
    track = [mido.Message("program_change", program=48, channel=9, time=0), *note_messages(36, 0, 120, channel=9)]
    assert [note.instrument for note in read_midi(saved(tmp_path / "one.mid", track)).notes] == [Instrument.DRUMS]


def test_positions_come_from_the_files_own_ticks(tmp_path):
    path = saved(tmp_path / "coarse.mid", note_messages(60, 25, 47), ticks_per_beat=96)
    assert read_midi(path).notes == (Note(1, PIANO, 60, 2, 64),)


def test_a_pitch_that_two_tracks_play_at_once_is_merged(tmp_path):
    path = saved(tmp_path / "unison.mid", note_messages(60, 0, 480), note_messages(60, 0, 960))
    assert read_midi(path).notes == (Note(0, PIANO, 60, 8, 64),)


def test_several_tempi_become_the_one_that_lasts_as_long(tmp_path):
    fast, slow = mido.bpm2tempo(120), mido.bpm2tempo(60)
    conductor = [mido.MetaMessage("set_tempo", tempo=fast, time=0), mido.MetaMessage("set_tempo", tempo=slow, time=960)]
    path = saved(tmp_path / "two.mid", conductor, note_messages(60, 0, 1920))
    # Two beats at 120 and two at 60 last 3 s; four beats in 3 s are 80 a minute.
    song = read_midi(path)
    assert song.tempo == pytest.approx(80.0)
    assert [song.seconds(position) for position in (0, 4, 8, 12, 16)] == pytest.approx([0.0, 0.5, 1.0, 2.0, 3.0])


@st.composite
def songs_with_tempo_maps(draw):
    """With a pickup of 0..15 sixteenths and a tempo that changes at some of the following sixteenths."""
    start = draw(st.integers(0, 15))
    knots = [Knot(start, 0.0)]
    for number in range(draw(st.integers(1, 12))):
        stretch, tempo = draw(st.integers(1 if number else 18, 40)), draw(st.floats(50, 200))
        knots.append(Knot(knots[-1].position + stretch, knots[-1].seconds + stretch * 15 / tempo))
    end = int(knots[-1].position)
    length = end - draw(st.floats(0, 0.9))
    onsets = draw(st.lists(st.integers(start, end - 2), max_size=20, unique=True))
    notes = tuple(Note(onset, PIANO, 60, 1) for onset in sorted(onsets))
    return Song(notes, Timeline(tuple(knots), length))


@settings(max_examples=40, deadline=None)
@given(song=songs_with_tempo_maps())
def test_a_tempo_map_is_read_back_in_seconds_by_others_and_by_us(song, tmp_path_factory):
    import pretty_midi

    path = tmp_path_factory.getbasetemp() / "map.mid"
    write_midi(song, path)
    midi = pretty_midi.PrettyMIDI(str(path))
    read = [note.start for track in midi.instruments for note in track.notes]
    assert read == pytest.approx([song.seconds(note.position) for note in song.notes], abs=1e-4)
    assert midi.get_end_time() == pytest.approx(song.duration, abs=2e-3)  # a tick, at the slowest
    downbeats = [song.seconds(bar * 16) for bar in range(song.n_bar + 1) if song.start <= bar * 16 < song.length - 0.1]
    written = [time for time in midi.get_downbeats() if time > 0 or song.start == 0]
    assert written[: len(downbeats)] == pytest.approx(downbeats, abs=1e-4)
    again = read_midi(path)
    assert again.start == song.start
    assert [note.position for note in again.notes] == [note.position for note in song.notes]
    assert [again.seconds(n.position) for n in again.notes] == pytest.approx(read, abs=1e-4)


def test_many_tempi_do_not_drift(tmp_path):
    bar = 240 / 117.3
    knots = tuple(Knot(16 * n, n * bar + (0.1 * bar if n % 2 else 0.0)) for n in range(401))
    song = Song((Note(6384, PIANO, 60, 1),), Timeline(knots, 6400))
    write_midi(song, tmp_path / "long.mid")
    assert read_midi(tmp_path / "long.mid").seconds(6384) == pytest.approx(399 * bar + 0.1 * bar, abs=4e-6)


NOT_MIDI = {
    "empty": b"",
    "text": b"These are not the notes you are looking for.\n" * 20,
    "riff": b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(64),
    "half a header": b"MThd\x00\x00",
    "header only": chunk(b"MThd", struct.pack(">HHH", 1, 3, 480)),
    "no tracks": chunk(b"MThd", struct.pack(">HHH", 1, 0, 480)),
    "endless delta": midi_bytes(b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    "event without status": midi_bytes(b"\x00\x3c\x40\x00\xff\x2f\x00"),
    "ticks of zero": midi_bytes(b"\x00\x90\x3c\x40\x60\x80\x3c\x40\x00\xff\x2f\x00", division=0),
}


@pytest.mark.parametrize("content", NOT_MIDI.values(), ids=NOT_MIDI.keys())
def test_malformed_bytes_are_a_midi_error_of_one_line(tmp_path, content):
    path = tmp_path / "bad.mid"
    path.write_bytes(content)
    with pytest.raises(MidiError, match=rf"^{re.escape(str(path))}: [^\n]+\Z"):
        read_midi(path)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_lets_another_error_escape(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.mid"
    write_midi(TUNE, path)
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        song = read_midi(path)
    except MidiError as error:
        message = str(error)
    else:
        message = f"{path}: "
        assert all(0 <= note.pitch < 128 and note.duration >= 1 for note in song.notes)
    assert message.startswith(f"{path}: ") and "\n" not in message


def test_an_impossible_key_signature_does_not_matter(tmp_path):
    key = b"\x00\xff\x59\x02\x7f\xff"
    (tmp_path / "key.mid").write_bytes(midi_bytes(key + b"\x00\x90\x3c\x40\x83\x60\x80\x3c\x40\x00\xff\x2f\x00"))
    assert read_midi(tmp_path / "key.mid").notes == (Note(0, PIANO, 60, 4, 64),)


def test_a_missing_file_is_a_midi_error(tmp_path):
    with pytest.raises(MidiError, match="cannot be read"):
        read_midi(tmp_path / "none.mid")


def test_a_file_without_notes_is_an_empty_song(tmp_path):
    buffer = io.BytesIO()
    file = mido.MidiFile()
    file.tracks.append(mido.MidiTrack())
    file.save(file=buffer)
    (tmp_path / "empty.mid").write_bytes(buffer.getvalue())
    assert read_midi(tmp_path / "empty.mid").notes == ()


def test_ticks_are_those_of_the_file(tmp_path):
    path = saved(tmp_path / "any.mid", note_messages(60, 7, 11), note_messages(38, 3, 5, channel=9), ticks_per_beat=96)
    ticks = read_midi_ticks(path)
    found = sorted(zip(*(column.tolist() for column in ticks.notes), strict=True))
    assert [note[:4] for note in found] == [(3, 8, Instrument.DRUMS, 38), (7, 18, Instrument.PIANO, 60)]
    assert ticks.ticks_per_beat == 96


@pytest.mark.parametrize(
    ("signatures", "is_common_time", "first_bar"),
    [
        ([], True, 0),
        ([(0, 4, 4)], True, 0),
        ([(0, 4, 4), (4 * 480, 4, 4)], True, 0),
        ([(0, 4, 4), (3 * 480, 4, 4)], False, 0),
        ([(0, 3, 4)], False, 0),
        ([(0, 4, 4), (8 * 480, 7, 8)], False, 0),
        ([(0, 4, 16), (480, 4, 4)], True, 3 * 480),
    ],
)
def test_time_signatures_tell_the_metre(tmp_path, signatures, is_common_time, first_bar):
    messages, now = [], 0
    for tick, numerator, denominator in signatures:
        message = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator, time=tick - now)
        messages.append(message)
        now = tick
    ticks = read_midi_ticks(saved(tmp_path / "any.mid", messages, note_messages(60, 0, 9000)))
    assert (ticks.is_common_time, ticks.first_bar) == (is_common_time, first_bar)


def test_the_median_tempo_is_that_of_most_beats(tmp_path):
    tempi = [(0, 60.0), (480, 150.0), (6 * 480, 90.0)]
    messages, now = [], 0
    for tick, tempo in tempi:
        messages.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo), time=tick - now))
        now = tick
    path = saved(tmp_path / "any.mid", messages, note_messages(60, 0, 8 * 480))
    assert read_midi_ticks(path).median_tempo == pytest.approx(150.0, abs=0.01)


def test_a_performance_has_the_instrument_of_each_track(tmp_path):
    write_midi(Song.steady([Note(0, i, 48, 4) for i in Instrument], 120.0, 16), tmp_path / "song.mid")
    voices = read_performance(tmp_path / "song.mid").band.voices
    assert [voice.instrument for voice in voices] == list(Instrument)
