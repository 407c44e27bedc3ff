"""Our numbers beside those of muspy and mir_eval, where they define the same thing.

Where they differ: muspy counts one bar more where the last note ends with a bar. Its `groove_consistency` then has a
pair more, of the last bar and an empty one, and its `empty_measure_rate` takes a note that ends with a bar to sound in
the next. The first is put right here before comparing.
"""

import numpy as np
import pytest

from cmt.metrics import (
    adjacent_grooving_similarity,
    empty_bars,
    onsets,
    pitch_class_entropy,
    pitch_entropy,
    polyphony,
    scale_consistency,
)
from cmt.metrics.control import key_score
from cmt.metrics.synchrony import hits
from cmt.words import Mode
from midi_io.song import Instrument, Note, Song


def random_song(seed):
    """Whole bars, the last of which has a note, none sounding beyond the end."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers([0, 0, 30, 1], [8 * 16, 5, 90, 9], (60, 4)).tolist()
    notes = {(p, i, k): min(d, 128 - p) for p, i, k, d in drawn}
    notes[127, 1, 60] = 1
    return Song(tuple(Note(p, Instrument(i), k, d) for (p, i, k), d in notes.items()), 120, 128)


def as_muspy(song):
    muspy = pytest.importorskip("muspy")
    tracks = [
        muspy.Track(
            is_drum=instrument == Instrument.DRUMS,
            notes=[muspy.Note(n.position, n.pitch, n.duration) for n in song.notes if n.instrument == instrument],
        )
        for instrument in song.instruments
    ]
    return muspy, muspy.Music(resolution=4, tracks=tracks)


@pytest.mark.parametrize("seed", range(5))
def test_muspy_agrees(seed):
    song = random_song(seed)
    muspy, music = as_muspy(song)
    assert pitch_entropy(song).value == pytest.approx(muspy.pitch_entropy(music))
    assert scale_consistency(song).value == pytest.approx(muspy.scale_consistency(music))
    assert polyphony(song).value == pytest.approx(muspy.polyphony(music))
    # One window over the whole song is muspy's.
    assert pitch_class_entropy(song, song.n_bar).value == pytest.approx(muspy.pitch_class_entropy(music))


@pytest.mark.parametrize("seed", range(5))
def test_muspy_agrees_once_its_bars_are_counted_as_ours(seed):
    song = random_song(seed)
    muspy, music = as_muspy(song)
    # muspy's ninth bar is empty, so its last pair differs wherever the eighth has an onset.
    n_bar = song.n_bar
    grooves = onsets(song)
    last_pair = (grooves[-1]).sum()
    theirs = (1 - muspy.groove_consistency(music, 16)) * 16 * n_bar
    assert adjacent_grooving_similarity(song).value == pytest.approx(1 - (theirs - last_pair) / (16 * (n_bar - 1)))
    assert empty_bars(song).value == 0 and muspy.empty_measure_rate(music, 16) == 0


def test_muspys_drum_consistency_cannot_tell_songs_on_sixteenths_apart():
    muspy, music = as_muspy(random_song(0))
    assert muspy.drum_pattern_consistency(music) == 1


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
