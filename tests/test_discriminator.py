"""What tells real songs from written ones: its features, its learning, its file, and how it ranks takes."""

import json
import math
from importlib import resources

import numpy as np
import pytest

from cmt.errors import CmtError
from cmt.metrics.discriminator import (
    VERSION,
    Discriminator,
    as_json,
    independent_discriminator,
    learn_discriminator,
    read_discriminator,
    shipped_discriminator,
)
from cmt.metrics.window_features import alike, feature_names, features_of_windows, named_features
from cmt.music.encoding import NoteArrays, notes_of_song
from cmt.soundtrack.takes import EQUALLY_OBEDIENT, Judgement, ranked
from midi_io.song import Instrument, Note, Song

DRUMS, PIANO, BASS = Instrument.DRUMS, Instrument.PIANO, Instrument.BASS


def band(n_bar=8, semitones=0, velocity=80):
    """Kick, snare and hats, a bass on roots, chords of the piano: I vi IV V."""
    notes = []
    for bar in range(n_bar):
        root = (0, 9, 5, 7)[bar % 4] + semitones
        third = 3 if bar % 4 == 1 else 4
        at = 16 * bar
        notes += [Note(at + k, DRUMS, key, 1, velocity) for k, key in ((0, 36), (4, 38), (8, 36), (12, 38))]
        notes += [Note(at + k, DRUMS, 42, 1, velocity) for k in range(0, 16, 2)]
        notes += [Note(at + k, BASS, 36 + root, 8, velocity) for k in (0, 8)]
        notes += [Note(at, PIANO, 60 + root + step, 16, velocity) for step in (0, third, 7)]
    return Song.steady(tuple(notes), 120, 16 * n_bar)


def features(song):
    return named_features(notes_of_song(song), song.n_bar)


def test_features_say_what_is_heard():
    found = features(band())
    assert found["bass: notes on the root"] == 1 and found["bass: onsets with the bass drum"] == 1
    assert found["drums: bars that are the bar before"] == 1 and found["piano: likeness to 4 bars before"] == 1
    assert found["piano: likeness to 1 bars before"] < 0.2 and found["piano: notes an onset"] == 3
    assert found["notes in the chord"] == found["notes in the scale"] == 1 and found["is minor"] == 0
    assert found["instruments"] == 3 and found["changes of chord a bar"] == 7 / 8
    assert math.isnan(found["guitar: mean pitch"]) and found["guitar: bars in which it plays"] == 0


def test_no_key_no_velocity_and_no_doubled_note_is_looked_at():
    plain, higher, softer = features(band()), features(band(semitones=2)), features(band(velocity=30))
    assert softer == pytest.approx(plain, nan_ok=True)
    differing = {name for name in plain if higher[name] != pytest.approx(plain[name], nan_ok=True)}
    assert differing == {"bass: mean pitch", "piano: mean pitch"}
    song = band()
    doubled = song.with_notes((*song.notes, *(note._replace(duration=1) for note in song.notes[::3])))
    assert features(doubled) == pytest.approx(plain, nan_ok=True)


def test_notes_are_made_alike_whoever_wrote_them():
    columns = ([0, 0, 4, 60], [1, 1, 1, 0], [60, 60, 60, 36], [2, 9, 200, 7])
    made = alike(NoteArrays(*(np.array(column) for column in columns)), 4)
    assert made.duration.tolist() == [4, 60, 1], "the longer double, cut where it is struck again; to the end; a stroke"


@pytest.mark.parametrize("kept", [(DRUMS,), (PIANO,), (BASS,)])
def test_what_is_missing_is_not_a_number_and_counts_as_average(kept):
    song = band()
    some = song.with_notes(tuple(note for note in song.notes if note.instrument in kept))
    assert tuple(features(some)) == feature_names()
    assert math.isfinite(shipped_discriminator().log_odds(some))


def test_a_song_is_heard_in_windows_of_eight_bars():
    assert [len(features_of_windows(notes_of_song(band(n)), n)) for n in (1, 8, 11, 12, 16, 27)] == [1, 1, 1, 2, 2, 3]
    assert shipped_discriminator().log_odds(Song.steady((), 120, 128)) is None
    one_note = Song.steady((Note(0, PIANO, 60, 1),), 120, 16)
    assert math.isfinite(shipped_discriminator().log_odds(one_note))
    parts = [shipped_discriminator().log_odds(band(8))] * 2
    assert shipped_discriminator().log_odds(band(16)) == pytest.approx(np.mean(parts))


def learnt(decay=0.01):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, len(feature_names())))
    is_real = np.arange(300) < 200
    rows[:, 3] += np.where(is_real, 1.0, -1.0)
    rows[::7, 5] = np.nan
    rows[:, 9] = np.nan
    return learn_discriminator(rows, is_real, decay), rows, is_real


def test_it_learns_what_differs():
    found, rows, is_real = learnt()
    assert int(np.abs(found.weights).argmax()) == 3 and found.weights[3] > 0
    odds = found.of_features(rows)
    assert odds[is_real].min() > -3 and (odds[is_real, None] > odds[~is_real]).mean() > 0.95
    assert abs((odds > 0).mean() - 2 / 3) < 0.1, "both kinds weigh the same"
    assert np.abs(learnt(decay=10.0)[0].weights).max() < np.abs(found.weights).max()
    with pytest.raises(ValueError, match="real songs and of written ones"):
        learn_discriminator(rows, np.ones(300, bool), 0.01)


def test_its_file_gives_it_back():
    found = learnt()[0]._replace(written=(-1.5, 2.0))
    again = read_discriminator(json.loads(json.dumps(as_json(found))))
    assert again.written == (-1.5, 2.0) and again.bias == pytest.approx(found.bias, abs=1e-5)
    assert np.allclose(again.weights, found.weights, atol=1e-5)
    assert [found.rank(value) for value in (-1.5, -90, 90)] == pytest.approx([0.5, 0, 1])


def as_other(content, name):
    first = feature_names()[0]
    features = content["features"]
    changes = {
        "a feature is missing": {"features": {k: v for k, v in features.items() if k != first}},
        "a feature more": {"features": features | {"x": [0, 1, 0]}},
        "other order": {"features": dict(reversed(features.items()))},
        "no number": {"features": features | {first: [math.nan, 1, 0]}},
        "two numbers": {"features": features | {first: [0, 1]}},
        "no spread": {"features": features | {first: [0, 0, 0]}},
        "features are a list": {"features": [1]},
        "no bias": {"bias": None},
        "infinite bias": {"bias": math.inf},
        "written is one number": {"written": 3},
        "written has no spread": {"written": [0, 0]},
    }
    return changes if name is None else content | changes[name]


@pytest.mark.parametrize("change", list(as_other({"features": dict.fromkeys(feature_names())}, None)))
def test_a_file_that_is_no_discriminator_is_one_line(change):
    content = as_json(learnt()[0]._replace(written=(0.0, 1.0)))
    read_discriminator(content)
    with pytest.raises(CmtError, match=r"^x.json: no discriminator that can be used \(.+\); install") as caught:
        read_discriminator(as_other(content, change), "x.json")
    assert "\n" not in str(caught.value)


def test_two_come_with_the_package_and_learnt_from_different_pieces():
    file = resources.files("cmt") / "assets" / "discriminator.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["version"] == VERSION and file.stat().st_size < 60_000
    assert all(0.5 < area <= 1 for area in (*content["auc"]["windows"], *content["auc"]["pieces"]))
    ours, other = shipped_discriminator(), independent_discriminator()
    assert isinstance(ours, Discriminator) and not np.array_equal(ours.weights, other.weights)
    assert ours.log_odds(band()) == ours.log_odds(band())


def take(seed, match, likeness=0.8, realism=None, reasons=()):
    return Judgement(seed, tuple(reasons), match, likeness, (), realism=realism)


def test_the_obedient_come_first_and_among_them_the_real():
    best = take(1, 0.99, realism=0.1)
    near = take(2, 0.99 - EQUALLY_OBEDIENT + 0.001, realism=0.9)
    away = take(3, 0.99 - EQUALLY_OBEDIENT - 0.001, realism=1.0)
    assert [one.seed for one in ranked([away, best, near])] == [2, 1, 3]
    rejected = take(4, 1.0, realism=1.0, reasons=("one bar looped",))
    assert [one.seed for one in ranked([rejected, away, best, near])] == [2, 1, 3, 4], "what is rejected sets no mark"
    assert [one.seed for one in ranked([away, best, near], control=0.9)] == [3, 2, 1], (
        "a weaker control leaves more room"
    )
    unasked = [take(seed, None, realism=realism) for seed, realism in ((1, 0.2), (2, 0.7), (3, None))]
    assert [one.seed for one in ranked(unasked)][-1] == 1
    assert "nearer to real songs than 90% of pieces" in near.in_words
