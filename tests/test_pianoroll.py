"""Songs survive a pianoroll; LPD's pianorolls, old and new, become songs; unsafe files do not load."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lpd import save_arrays, sparse_arrays

from midi_io import (
    Instrument,
    MidiError,
    Note,
    Song,
    read_pianoroll,
    song_from_multitrack,
    song_to_multitrack,
    write_pianoroll,
)
from midi_io.pianoroll import read_pianoroll_ticks
from midi_io.quantize import without_overlaps

pypianoroll = pytest.importorskip("pypianoroll")
PIANO = Instrument.PIANO
TUNE = Song.steady(
    (Note(0, Instrument.DRUMS, 36, 1, 100), Note(2, PIANO, 60, 4, 70), Note(6, PIANO, 60, 2, 50)), 96.0, 32
)
TEMPI = st.floats(30.0, 300.0).filter(lambda tempo: Song.steady((), tempo, 1).tempo == tempo)
"""A song's tempo lies in a knot, which rounds one of a hundred tempi in the last binary digit."""


@st.composite
def songs(draw):
    note = st.builds(
        Note,
        st.integers(0, 40),
        st.sampled_from(Instrument),
        st.integers(0, 127),
        st.integers(1, 20),
        st.integers(1, 127),
    )
    notes = without_overlaps(draw(st.lists(note, max_size=20)))
    length = max((n.position + n.duration for n in notes), default=0) + draw(st.integers(1, 10))
    return Song.steady(tuple(notes), draw(TEMPI), length)


def track(name="", program=0, is_drum=False, steps=(), n_step=96, velocity=80):
    roll = np.zeros((n_step, 128), np.uint8)
    for start, end, pitch in steps:
        roll[start:end, pitch] = velocity
    return pypianoroll.StandardTrack(name=name, program=program, is_drum=is_drum, pianoroll=roll)


@settings(max_examples=40, deadline=None)
@given(song=songs())
def test_song_from_multitrack_inverts_song_to_multitrack(song):
    assert song_from_multitrack(song_to_multitrack(song)) == song


def test_read_pianoroll_inverts_write_pianoroll(tmp_path):
    write_pianoroll(TUNE, tmp_path / "tune.npz")
    assert read_pianoroll(tmp_path / "tune.npz") == TUNE
    assert [path.name for path in tmp_path.iterdir()] == ["tune.npz"]


def test_a_multitrack_has_the_five_tracks_of_lpd5_and_validates():
    multitrack = song_to_multitrack(TUNE)
    multitrack.validate()
    assert [each.name for each in multitrack.tracks] == ["Drums", "Piano", "Guitar", "Bass", "Strings"]
    assert [each.is_drum for each in multitrack.tracks] == [True, False, False, False, False]
    assert multitrack.resolution == 24
    assert np.flatnonzero(multitrack.downbeat).tolist() == [0, 96]


def test_pypianoroll_can_write_our_multitrack_as_midi(tmp_path):
    song_to_multitrack(TUNE).write(str(tmp_path / "tune.mid"))
    assert (tmp_path / "tune.mid").stat().st_size > 0


def test_a_struck_again_note_stays_two_notes():
    repeated = Song.steady((Note(0, PIANO, 60, 1), Note(1, PIANO, 60, 1), Note(2, PIANO, 60, 2)), 120.0, 4)
    assert song_from_multitrack(song_to_multitrack(repeated)) == repeated


def test_a_piece_may_end_between_two_sixteenths():
    song = Song.steady((Note(0, PIANO, 60, 4),), 120.0, 10.5)
    assert song_from_multitrack(song_to_multitrack(song)).length == 10.5


def test_tracks_of_lpd_cleansed_are_merged_by_family():
    multitrack = pypianoroll.Multitrack(
        resolution=24,
        tempo=np.full(96, 100.0),
        tracks=[
            track("", 0, True, [(0, 1, 36)]),
            track("Lead", 81, False, [(0, 12, 72)]),
            track("Pad", 89, False, [(12, 24, 67)]),
            track("Slap", 36, False, [(24, 48, 40)]),
            track("Steel", 25, False, [(24, 48, 52)]),
            track("Rhodes", 4, False, [(48, 96, 60)]),
            track("Rain", 96, False, [(0, 96, 50)]),
        ],
    )
    assert song_from_multitrack(multitrack).notes == (
        Note(0, Instrument.DRUMS, 36, 1),
        Note(0, Instrument.STRINGS, 72, 2),
        Note(2, Instrument.STRINGS, 67, 2),
        Note(4, Instrument.GUITAR, 52, 4),
        Note(4, Instrument.BASS, 40, 4),
        Note(8, PIANO, 60, 8),
    )


def test_a_track_named_after_lpd5_needs_no_program():
    multitrack = pypianoroll.Multitrack(resolution=24, tracks=[track("Bass", 0, False, [(0, 6, 40)])])
    assert [note.instrument for note in song_from_multitrack(multitrack).notes] == [Instrument.BASS]


def test_other_resolutions_and_binary_rolls_are_read():
    roll = np.zeros((16, 128), bool)
    roll[4:12, 60] = True
    multitrack = pypianoroll.Multitrack(resolution=8, tracks=[pypianoroll.BinaryTrack(program=0, pianoroll=roll)])
    song = song_from_multitrack(multitrack)
    assert [(note.position, note.duration) for note in song.notes] == [(2, 4)]
    assert song.length == 8


@pytest.mark.parametrize("shape", [(96,), (96, 1)])
def test_the_tempo_is_read_whether_flat_or_a_column(shape):
    multitrack = pypianoroll.Multitrack(resolution=24, tempo=np.full(shape, 87.5), tracks=[track()])
    assert song_from_multitrack(multitrack).tempo == 87.5


def test_several_tempi_become_the_one_that_lasts_as_long():
    tempo = np.repeat([120.0, 60.0], 48)
    multitrack = pypianoroll.Multitrack(resolution=24, tempo=tempo, tracks=[track()])
    assert song_from_multitrack(multitrack).tempo == pytest.approx(80.0)


def test_steps_with_a_tempo_that_nothing_has_are_passed_over():
    tempo = np.full(96, 80.0)
    tempo[:4] = 3.5e-310, -1.0, np.nan, 1e300
    multitrack = pypianoroll.Multitrack(resolution=24, tempo=tempo, tracks=[track()])
    assert song_from_multitrack(multitrack).tempo == 80.0


def test_a_multitrack_without_tempo_is_at_120():
    assert song_from_multitrack(pypianoroll.Multitrack(resolution=24, tracks=[track()])).tempo == 120.0


def test_the_old_layout_of_lpd_is_read(tmp_path):
    roll = np.zeros((192, 128), np.uint8)
    roll[96:120, 64] = 90
    arrays = {"tempo": np.full(192, 110.0), "downbeat": np.zeros(192, bool), **sparse_arrays("pianoroll_0", roll)}
    info = {"beat_resolution": 24, "name": "old", "0": {"name": "Guitar", "program": 24, "is_drum": False}}
    save_arrays(tmp_path / "old.npz", info, arrays)
    assert read_pianoroll(tmp_path / "old.npz") == Song.steady((Note(16, Instrument.GUITAR, 64, 4, 90),), 110.0, 32)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    np.savez(tmp_path / "trap.npz", tempo=np.array([Trap()], dtype=object))
    before = set(tmp_path.iterdir())
    with pytest.raises(MidiError, match="plain arrays"):
        read_pianoroll(tmp_path / "trap.npz")
    assert set(tmp_path.iterdir()) == before


def test_a_pickle_in_an_unused_member_is_refused_too(tmp_path):
    write_pianoroll(TUNE, tmp_path / "tune.npz")
    pickled = io.BytesIO()
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "tune.npz", "a") as archive:
        archive.writestr("extra.npy", pickled.getvalue())
    with pytest.raises(MidiError, match="plain arrays"):
        read_pianoroll(tmp_path / "tune.npz")


def test_a_roll_too_large_for_any_song_is_refused_before_it_is_unpacked(tmp_path):
    roll = np.zeros((96, 128), np.uint8)
    arrays = sparse_arrays("pianoroll_0", roll) | {"pianoroll_0_csc_shape": np.array([10**12, 128])}
    info = {"resolution": 24, "name": "", "0": {"name": "", "program": 0, "is_drum": False}}
    save_arrays(tmp_path / "huge.npz", info, arrays)
    with pytest.raises(MidiError, match="shape"):
        read_pianoroll(tmp_path / "huge.npz")


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04" + bytes(40), b"\x80\x04K\x01."])
def test_bytes_that_are_no_archive_are_a_midi_error(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(MidiError, match=r"bad\.npz"):
        read_pianoroll(tmp_path / "bad.npz")


def test_a_bare_array_is_a_midi_error(tmp_path):
    with open(tmp_path / "array.npz", "wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(MidiError, match=r"array\.npz"):
        read_pianoroll(tmp_path / "array.npz")


def test_an_archive_without_rolls_is_a_midi_error(tmp_path):
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    with pytest.raises(MidiError, match="pypianoroll"):
        read_pianoroll(tmp_path / "other.npz")


def test_an_archive_with_a_roll_missing_is_a_midi_error(tmp_path):
    save_arrays(tmp_path / "half.npz", {"resolution": 24, "name": "", "0": {"name": "", "program": 0}}, {})
    with pytest.raises(MidiError, match=r"half\.npz"):
        read_pianoroll(tmp_path / "half.npz")


def test_a_missing_file_is_a_midi_error(tmp_path):
    with pytest.raises(MidiError, match="cannot be read"):
        read_pianoroll(tmp_path / "none.npz")


def test_a_resolution_of_nothing_is_a_midi_error():
    with pytest.raises(MidiError, match="resolution"):
        song_from_multitrack(pypianoroll.Multitrack(resolution=0, tracks=[track()]))


def test_a_name_without_npz_is_refused(tmp_path):
    with pytest.raises(MidiError, match="npz"):
        write_pianoroll(TUNE, tmp_path / "tune.mid")


@st.composite
def multitracks(draw):
    """Any tracks at all, as files of others have them."""
    n_step = draw(st.integers(1, 60))
    tracks = []
    for _ in range(draw(st.integers(0, 3))):
        steps = draw(
            st.lists(st.tuples(st.integers(0, n_step - 1), st.integers(0, 127), st.integers(0, 127)), max_size=40)
        )
        roll = np.zeros((n_step, 128), np.uint8)
        for step, pitch, velocity in steps:
            roll[step : step + 3, pitch] = velocity
        name, program = draw(st.sampled_from(["", "Bass", "Lead"])), draw(st.integers(0, 127))
        if draw(st.booleans()):
            tracks.append(pypianoroll.BinaryTrack(name, program, draw(st.booleans()), roll > 0))
        else:
            tracks.append(pypianoroll.StandardTrack(name, program, draw(st.booleans()), roll))
    tempo = draw(st.none() | st.just(np.linspace(60.0, 90.0, n_step)))
    return pypianoroll.Multitrack("any", draw(st.sampled_from([4, 12, 24])), tempo, None, tracks)


@given(multitrack=multitracks())
def test_files_are_read_as_pypianoroll_reads_them(multitrack, tmp_path_factory):
    path = tmp_path_factory.mktemp("roll") / "any.npz"
    pypianoroll.save(path, multitrack)
    assert read_pianoroll(path) == song_from_multitrack(pypianoroll.load(path))


def test_steps_may_be_stored_in_any_order(tmp_path):
    roll = np.zeros((96, 128), np.uint8)
    roll[12:36, 60] = 90
    arrays = sparse_arrays("pianoroll_0", roll)
    arrays["pianoroll_0_csc_indices"] = arrays["pianoroll_0_csc_indices"][::-1]
    save_arrays(tmp_path / "any.npz", {"resolution": 24, "0": {"name": "", "program": 0}}, arrays)
    assert read_pianoroll(tmp_path / "any.npz").notes == (Note(2, PIANO, 60, 4, 90),)


def test_names_count_only_where_all_are_those_of_lpd5():
    lead, bass = track("Lead", 81, False, [(0, 6, 70)]), track("Bass", 81, False, [(0, 6, 40)])
    of_lpd_cleansed = pypianoroll.Multitrack(resolution=24, tracks=[lead, bass])
    assert song_from_multitrack(of_lpd_cleansed).instruments == (Instrument.STRINGS,)
    of_lpd5 = pypianoroll.Multitrack(resolution=24, tracks=[track("Strings"), bass])
    assert song_from_multitrack(of_lpd5).instruments == (Instrument.BASS,)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("shape", np.array([96, 88])),
        ("shape", np.array([[96, 128]])),
        ("shape", np.array([-1, 128])),
        ("indptr", np.arange(129)),
        ("indptr", np.zeros(5, np.int32)),
        ("indices", np.array([0, 96], np.int32)),
        ("indices", np.array([0, -1], np.int32)),
        ("indices", np.array([0.0, 1.0])),
        ("data", np.array([90], np.uint8)),
        ("data", np.array(["loud", "soft"])),
    ],
)
def test_rolls_of_odd_shapes_are_named_and_not_read(tmp_path, part, value):
    roll = np.zeros((96, 128), np.uint8)
    roll[:2, 60] = 90
    arrays = sparse_arrays("pianoroll_0", roll) | {f"pianoroll_0_csc_{part}": value}
    save_arrays(tmp_path / "odd.npz", {"resolution": 24, "0": {"name": "", "program": 0}}, arrays)
    with pytest.raises(MidiError, match=r"odd\.npz: a pianoroll"):
        read_pianoroll(tmp_path / "odd.npz")


@pytest.mark.parametrize("info", [b"[]", b"{", b'{"resolution": "24"}', b'{"resolution": 24, "0": 5}', b"[" * 100_000])
def test_an_odd_info_is_a_midi_error(tmp_path, info):
    np.savez(tmp_path / "odd.npz", tempo=np.zeros(1))
    with zipfile.ZipFile(tmp_path / "odd.npz", "a") as archive:
        archive.writestr("info.json", info)
    with pytest.raises(MidiError, match=r"odd\.npz"):
        read_pianoroll(tmp_path / "odd.npz")


def test_an_archive_that_would_fill_the_memory_is_refused(tmp_path):
    arrays = sparse_arrays("pianoroll_0", np.zeros((96, 128), np.uint8)) | {"tempo": np.zeros(2**24 + 1)}
    save_arrays(tmp_path / "bomb.npz", {"resolution": 24, "0": {"name": "", "program": 0}}, arrays)
    assert (tmp_path / "bomb.npz").stat().st_size < 2**20
    with pytest.raises(MidiError, match="larger than any song"):
        read_pianoroll(tmp_path / "bomb.npz")


@pytest.mark.parametrize(
    ("downbeats", "pickup", "is_common_time"), [((0, 96), 0, True), ((24, 120), 24, True), ((0, 72), 0, False)]
)
def test_downbeats_tell_pickup_and_metre(tmp_path, downbeats, pickup, is_common_time):
    downbeat = np.zeros(192, bool)
    downbeat[list(downbeats)] = True
    arrays = sparse_arrays("pianoroll_0", np.zeros((192, 128), np.uint8)) | {"downbeat": downbeat}
    save_arrays(tmp_path / "any.npz", {"beat_resolution": 24, "0": {"name": "", "program": 0}}, arrays)
    ticks = read_pianoroll_ticks(tmp_path / "any.npz")
    assert (ticks.pickup, ticks.first_bar, ticks.is_common_time) == (pickup, -pickup % 96, is_common_time)
