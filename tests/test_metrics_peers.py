"""Our numbers beside those of others: the published definitions, worked out note by note, and mir_eval.

The definitions are those of Dong et al., MusPy (ISMIR 2020), over the same sixteenths. MusPy 0.5.0 itself gave the same
numbers as these on these songs. It is no test dependency: it has had no release since 2022 and needs music21.
"""

import math
from collections import Counter

import numpy as np
import pytest

from cmt.metrics import (
    adjacent_grooving_similarity,
    empty_bars,
    pitch_class_entropy,
    pitch_entropy,
    polyphony,
    scale_consistency,
)
from cmt.metrics.control import key_score
from cmt.metrics.synchrony import hits
from cmt.music.words import Mode
from midi_io.song import Instrument, Note, Song


def random_song(seed):
    """Whole bars, the last of which has a note, none sounding beyond the end."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers([0, 0, 30, 1], [8 * 16, 5, 90, 9], (60, 4)).tolist()
    notes = {(p, i, k): min(d, 128 - p) for p, i, k, d in drawn}
    notes[127, 1, 60] = 1
    return Song.steady(tuple(Note(p, Instrument(i), k, d) for (p, i, k), d in notes.items()), 120, 128)


def pitched(song):
    return [note for note in song.notes if note.instrument != Instrument.DRUMS]


def entropy(values):
    """Bits, of the distribution of `values`."""
    shares = [count / len(values) for count in Counter(values).values()]
    return -sum(share * math.log2(share) for share in shares)


@pytest.mark.parametrize("seed", range(5))
def test_entropies_are_those_of_the_notes_pitches(seed):
    song = random_song(seed)
    pitches = [note.pitch for note in pitched(song)]
    assert pitch_entropy(song).value == pytest.approx(entropy(pitches))
    # A window as long as the song is the only one.
    assert pitch_class_entropy(song, song.n_bar).value == pytest.approx(entropy([pitch % 12 for pitch in pitches]))


@pytest.mark.parametrize("seed", range(5))
def test_scale_consistency_is_the_share_in_the_best_scale(seed):
    song = random_song(seed)
    # The white keys: C major, and with it A minor.
    scales = [{(tonic + step) % 12 for step in (0, 2, 4, 5, 7, 9, 11)} for tonic in range(12)]
    notes = pitched(song)
    shares = [sum(note.pitch % 12 in scale for note in notes) / len(notes) for scale in scales]
    assert scale_consistency(song).value == pytest.approx(max(shares))


@pytest.mark.parametrize("seed", range(5))
def test_polyphony_counts_pitches_at_each_position(seed):
    song = random_song(seed)
    sounding = [
        len({note.pitch for note in pitched(song) if note.position <= position < note.position + note.duration})
        for position in range(song.length)
    ]
    assert polyphony(song).value == pytest.approx(sum(sounding) / sum(n_pitch > 0 for n_pitch in sounding))


@pytest.mark.parametrize("seed", range(5))
def test_neighbouring_grooves_are_compared_position_by_position(seed):
    song = random_song(seed)
    begun = {note.position for note in song.notes}
    same = [(position in begun) == (position + 16 in begun) for position in range(song.length - 16)]
    assert adjacent_grooving_similarity(song).value == pytest.approx(sum(same) / len(same))


@pytest.mark.parametrize("n_note", [3, 6, 60])
def test_a_bar_is_empty_if_no_position_in_it_sounds(n_note):
    song = random_song(0)
    song = Song.steady(song.notes[:n_note], song.tempo, song.length)
    sounding = {position for note in song.notes for position in range(note.position, note.position + note.duration)}
    n_empty = sum(not any(16 * bar + step in sounding for step in range(16)) for bar in range(song.n_bar))
    assert empty_bars(song).value == n_empty / song.n_bar
    assert (n_empty > 0) == (n_note < 60)


@pytest.mark.parametrize("asked", [(0, Mode.MAJOR), (9, Mode.MINOR), (6, Mode.MAJOR)])
def test_key_scores_are_mir_evals(asked):
    key = pytest.importorskip("mir_eval.key")
    names = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

    def name(tonic, mode):
        return f"{names[tonic]} {mode.label}"

    for tonic in range(12):
        for mode in Mode:
            assert key_score(asked, (tonic, mode)) == key.weighted_score(name(*asked), name(tonic, mode))


@pytest.mark.parametrize("seed", range(5))
def test_hits_are_mir_evals_recall_where_events_lie_apart(seed):
    """mir_eval pairs each onset once; with events farther apart than the window that is no difference."""
    onset = pytest.importorskip("mir_eval.onset")
    rng = np.random.default_rng(seed)
    picture = np.cumsum(rng.uniform(0.3, 1.0, 30))
    music = np.cumsum(rng.uniform(0.2, 0.5, 80))
    _, _, recall = onset.f_measure(picture, music, window=0.08)
    assert hits(picture, music, 100, 0.08).score == pytest.approx(recall)
