"""The genre classifier learns what it is shown."""

import numpy as np
import pytest

from cmt.metrics.genre import genre_features, learn_classifier, read_classifier
from cmt.music.words import Genre
from midi_io.song import Instrument, Note, Song

DRUMS, PIANO = Instrument.DRUMS, Instrument.PIANO


def song_of_genre(genre, seed):
    """Each genre has its own bass drum and register."""
    rng = np.random.default_rng([genre, seed])
    notes = {(16 * bar + 2 * genre, DRUMS, 36): 1 for bar in range(4)}
    notes |= {(int(p), PIANO, 40 + 8 * genre + int(k)): 2 for p, k in rng.integers(0, [64, 12], (20, 2))}
    return Song.steady(tuple(Note(*place, duration) for place, duration in notes.items()), 120, 64)


def table(seeds):
    songs = [(song_of_genre(genre, seed), genre) for genre in Genre for seed in seeds]
    return np.stack([genre_features(song) for song, _ in songs]), np.array([genre for _, genre in songs])


def test_what_was_learnt_holds_for_songs_not_seen():
    classifier = learn_classifier(*table(range(8)))
    for genre in Genre:
        guess = classifier.classify(song_of_genre(genre, 100))
        assert guess.genre == genre
        assert sum(guess.probabilities) == pytest.approx(1) and len(guess.probabilities) == len(Genre)


def test_labels_drawn_by_lot_teach_nothing():
    features, genres = table(range(8))
    rng = np.random.default_rng(0)
    classifier = learn_classifier(features, rng.permutation(genres), decay=1.0)
    held_out, true = table(range(100, 120))
    assert (classifier.probabilities(held_out).argmax(axis=1) == true).mean() < 0.5


def test_learning_twice_gives_the_same_weights():
    assert np.array_equal(learn_classifier(*table(range(3))).weights, learn_classifier(*table(range(3))).weights)


def test_a_classifier_survives_json():
    classifier = learn_classifier(*table(range(3)))
    content = {name: getattr(classifier, name).tolist() for name in classifier._fields}
    song = song_of_genre(Genre.POP, 9)
    assert read_classifier(content).classify(song) == classifier.classify(song)


def test_an_empty_song_has_no_genre():
    assert learn_classifier(*table(range(2))).classify(Song.steady((), 120, 64)) is None


def test_features_do_not_depend_on_the_tempo():
    song = song_of_genre(Genre.ROCK, 1)
    faster = Song.steady(song.notes, 200, song.length)
    assert np.array_equal(genre_features(song), genre_features(faster), equal_nan=True)
    with pytest.raises(ValueError, match="Song"):
        genre_features(None)
