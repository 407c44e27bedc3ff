"""What MIDI files say beside the notes: key, sections, chords, cuts; and the notes stay what they were."""

import mido
import pretty_midi
import pytest
from test_report import full_report

from cmt.handover.signs import cue_points_of, signs_of
from cmt.music.key import KEYS, Key
from cmt.music.words import Mode
from midi_io import Note, Song, read_midi, write_midi
from midi_io.midi_writer import Sign, Signs
from midi_io.song import Instrument, Knot, Timeline

BENT = Timeline((Knot(12.0, 0.0), Knot(32.0, 2.5), Knot(64.0, 6.0)), 60.5)
SONG = Song((Note(12, Instrument.PIANO, 60, 4), Note(16, Instrument.BASS, 40, 40)), BENT)
SIGNS = Signs(
    "F#m",
    sections=(Sign(12, "A"), Sign(32, "B")),
    chords=(Sign(12, "Am"), Sign(40, "F")),
    cues=(Sign(20.3, "cut"), Sign(99, "behind the end")),
)
TICKS = 120
"""Of a sixteenth."""


def conductor(path):
    """(tick, kind, content) of each event of the first track."""
    tick, events = 0, []
    for message in mido.MidiFile(path).tracks[0]:
        tick += message.time
        content = {name: value for name, value in message.dict().items() if name not in ("type", "time")}
        events.append((tick, message.type, content))
    return events


def test_signs_stand_at_their_ticks(tmp_path):
    write_midi(SONG, tmp_path / "song.mid", title="x", signs=SIGNS)
    events = conductor(tmp_path / "song.mid")
    assert [tick for tick, _, _ in events] == sorted(tick for tick, _, _ in events)
    said = [(tick, kind, next(iter(content.values()), None)) for tick, kind, content in events]
    end = round(48.5 * TICKS)
    for expected in [
        (0, "key_signature", "F#m"),
        (0, "marker", "A"),
        (20 * TICKS, "marker", "B"),
        (28 * TICKS, "text", "F"),
        (round(8.3 * TICKS), "cue_marker", "cut"),
        (end, "cue_marker", "behind the end"),
    ]:
        assert expected in said
    assert [kind for _, kind, _ in events[-2:]] == ["text", "end_of_track"] and events[-1][0] == end


def test_everything_else_is_as_it_is_without_them(tmp_path):
    write_midi(SONG, tmp_path / "plain.mid", title="x")
    write_midi(SONG, tmp_path / "song.mid", title="x", signs=SIGNS)
    plain, signed = (conductor(tmp_path / name) for name in ("plain.mid", "song.mid"))
    kinds = ("key_signature", "marker", "cue_marker", "text")
    assert [event for event in plain if event[1] != "text"] == [event for event in signed if event[1] not in kinds]
    tracks = [mido.MidiFile(tmp_path / name).tracks[1:] for name in ("plain.mid", "song.mid")]
    assert tracks[0] == tracks[1]
    assert read_midi(tmp_path / "song.mid") == read_midi(tmp_path / "plain.mid")


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_has_a_signature_that_others_read(key, tmp_path):
    write_midi(SONG, tmp_path / "song.mid", signs=Signs(KEYS[key].signature))
    (change,) = pretty_midi.PrettyMIDI(str(tmp_path / "song.mid")).key_signature_changes
    assert change.key_number == KEYS[key].tonic + (12 if KEYS[key].mode is Mode.MINOR else 0)


def test_signatures_have_few_sharps_and_flats():
    assert [str(Key(tonic, Mode.MAJOR).signature) for tonic in (1, 6, 8)] == ["Db", "F#", "Ab"]
    assert [str(Key(tonic, Mode.MINOR).signature) for tonic in (1, 3, 8)] == ["C#m", "Ebm", "G#m"]


def test_the_signs_of_a_piece_are_those_of_its_report():
    timeline = Timeline((Knot(0.0, 0.0), Knot(16.0, 2.0), Knot(32.0, 4.1)), length=32)
    signs = signs_of(full_report(), timeline)
    assert signs.key == "F#m"
    assert signs.sections == (Sign(0.0, "section A"), Sign(16.0, "section drop"))
    assert [(sign.position, sign.text) for sign in signs.chords] == [(0.0, "C"), (16.0, "Am"), (24.0, "F")]
    assert [sign.text for sign in signs.cues] == ["cut on a downbeat", "hit missed by 50 ms"]
    assert [(cue.seconds, cue.label) for cue in cue_points_of(full_report(), timeline)] == [
        (0.0, "section A / bar 1"),
        (2.0, "section drop / bar 2"),
    ]
