"""The longest run of notes that two songs share, worked out by hand."""

import numpy as np
import pytest

from cmt.metrics.copying import SharedRun, longest_shared_run
from cmt.music.encoding import notes_of_song
from midi_io.song import Instrument, Note, Song

TUNE = [(0, 60), (4, 62), (6, 64), (8, 60), (12, 67), (14, 65), (16, 62), (20, 71), (22, 69), (26, 60)]


def notes_of(tune, instrument=Instrument.PIANO, moved=0, later=0):
    song = Song.steady([Note(at + later, instrument, pitch + moved, 1) for at, pitch in tune], 120.0, 640)
    return notes_of_song(song)


def test_a_tune_is_found_in_another_key_place_and_track():
    other = notes_of(TUNE, Instrument.STRINGS, moved=-5, later=37)
    assert longest_shared_run(notes_of(TUNE), other) == SharedRun(10, Instrument.PIANO, 0, 26)
    assert longest_shared_run(notes_of(TUNE[3:], moved=2), other) == SharedRun(7, Instrument.PIANO, 8, 26)


def test_another_rhythm_or_another_interval_ends_a_run():
    off = [(at + (at >= 12), pitch) for at, pitch in TUNE]
    assert longest_shared_run(notes_of(off), notes_of(TUNE)).n_note == 6
    bent = [(at, pitch + (at == 16)) for at, pitch in TUNE]
    assert longest_shared_run(notes_of(bent), notes_of(TUNE)).n_note == 6


def test_notes_of_a_loop_count_once():
    pulse = [(2 * k, 48) for k in range(64)]
    octaves = [(2 * k, 48 + 12 * (k % 2)) for k in range(64)]
    assert longest_shared_run(notes_of(pulse), notes_of(pulse)).n_note == 5
    assert longest_shared_run(notes_of(octaves), notes_of(octaves)).n_note == 6


def test_the_highest_and_the_lowest_line_of_chords_are_looked_at():
    chords = notes_of([note for at, pitch in TUNE for note in ((at, pitch), (at, 48 - pitch % 5))])
    assert longest_shared_run(chords, notes_of(TUNE)).n_note == 10
    assert longest_shared_run(notes_of(TUNE), chords).n_note == 10


@pytest.mark.parametrize("tune", [[], [(0, 60)]])
def test_what_has_no_two_notes_shares_nothing(tune):
    assert longest_shared_run(notes_of(tune), notes_of(TUNE)) == SharedRun()
    assert longest_shared_run(notes_of(TUNE), notes_of(tune)) == SharedRun()


def test_drums_are_no_tune():
    drums = notes_of(TUNE, Instrument.DRUMS)
    assert longest_shared_run(drums, drums) == SharedRun()


def test_no_longer_run_is_overlooked():
    """Against a search of all pairs of places, on lines without loops."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        one, other = ([(4 * k, int(pitch)) for k, pitch in enumerate(rng.integers(60, 63, 40))] for _ in range(2))
        found = longest_shared_run(notes_of(one), notes_of(other))
        steps, others = (np.diff([pitch for _, pitch in tune]).tolist() for tune in (one, other))
        runs = {tuple(steps[a:b]) for a in range(len(steps)) for b in range(a + 1, len(steps) + 1)}
        shared = runs & {tuple(others[a:b]) for a in range(len(others)) for b in range(a + 1, len(others) + 1)}
        counts = [min(len(run), 3) + 1 + max(0, len({run[k : k + 4] for k in range(len(run) - 3)})) for run in shared]
        assert found.n_note == max(
            count if len(run) > 3 else len(run) + 1 for run, count in zip(shared, counts, strict=True)
        )
