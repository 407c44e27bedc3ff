"""A take's lead sheet: from the user's chords and the seed to what is written and reported."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.music.chords import names_of, number_of, parse_chord
from cmt.music.key import KEYS
from cmt.music.lead_sheet import UNKNOWN, empty_sheet
from cmt.music.words import Genre, Mode
from cmt.planning.plan import MAJOR_SHARE, plan_music
from cmt.planning.wishes import Wishes, settled
from cmt.soundtrack.composing import in_key
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import read_midi

MIDI_ONLY = Output(midi_only=True)


def plan(**wishes):
    return plan_music(None, settled(Wishes(length=8.0, tempo=120.0, **wishes), 8.0), GenerateConfig())


def names(chords):
    return ["?" if number == UNKNOWN else names_of([number])[0] for number in chords.tolist()]


def test_a_mode_that_is_asked_for_is_that_of_every_take():
    assert {plan(key=":minor").mode(seed) for seed in range(20)} == {Mode.MINOR}
    assert {plan(chords="Am F C G").mode(seed) for seed in range(20)} == {Mode.MINOR}
    assert {plan(chords="C G Am F").mode(seed) for seed in range(20)} == {Mode.MAJOR}


@pytest.mark.parametrize("genre", [None, Genre.COUNTRY, Genre.METAL])
def test_a_mode_that_is_left_open_is_drawn_as_songs_of_the_genre_have_it(genre):
    piece = plan(genre=genre)
    drawn = [piece.mode(seed) for seed in range(400)]
    assert drawn == [piece.mode(seed) for seed in range(400)]
    assert np.mean([mode is Mode.MAJOR for mode in drawn]) == pytest.approx(MAJOR_SHARE[genre], abs=0.08)


@pytest.mark.parametrize("key", KEYS)
def test_chords_go_home_to_be_planned_and_come_back_into_the_key(key):
    piece = plan(key=key, chords="Bb F#m7 ? Edim")
    ordered = piece.orders_of_sheet(0.0, 0).chords
    tonic = "C" if KEYS[key].mode is Mode.MAJOR else "A"
    assert names(plan(key=key, chords=key.partition(":")[0]).orders_of_sheet(0.0, 0).chords) == [tonic] * 8
    home = replace(empty_sheet(4), chords=ordered, mode=KEYS[key].mode)
    assert names(in_key(home, KEYS[key]).chords) == ["Bb", "Bb", "F#m7", "F#m7", "?", "?", "Edim", "Edim"]
    assert in_key(home, KEYS[key]).mode is KEYS[key].mode


def test_a_sheet_at_home_is_not_moved():
    chords = np.array([number_of(parse_chord(name)) for name in ("C", "Am")])
    sheet = replace(empty_sheet(1), chords=chords)
    for key in ("C:major", "A:minor"):
        assert in_key(sheet, KEYS[key]).chords.tolist() == chords.tolist()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "key"),
    [
        ([], "C:major"),
        (["--key", "G"], "G:major"),
        (["--key", ":minor", "--takes", "2"], "A:minor"),
        (["--key", "F#:major", "--instruments", "drums,bass"], "F#:major"),
        (["--tempo-map", "--hit", "3.1", "--form", "AB"], "C:major"),
    ],
)
def test_chords_that_are_asked_for_are_those_of_the_report(options, key, checkpoint, tmp_path):
    asked = [*"--instruments bass --length 8 --tempo 120 --chords".split(), "C G Am F", "--checkpoint", checkpoint]
    result = CliRunner().invoke(main, ["generate", "--midi-only", "-o", str(tmp_path), *map(str, asked), *options])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "music.json").read_text())
    assert report["key"] == key
    bars = ["C", "G", "Am", "F"] if "--form" not in options else report["n_bar"] // 2 * ["C", "G"]
    assert len(report["chords"]) == report["n_bar"]
    downbeats = report["chords"][1:] if report["phase"] else report["chords"]
    assert downbeats == [[chord] for chord in bars]


@pytest.mark.slow
def test_the_same_seed_plans_the_same_sheet_and_another_another(checkpoint, tmp_path):
    def report(seed, folder):
        wishes = Wishes(length=12.0, tempo=120.0, key="C:major", instruments=("bass",))
        config = GenerateConfig(seed=seed)
        return make_soundtrack(
            None, tmp_path / folder, wishes, config, output=MIDI_ONLY, name="song", checkpoint=checkpoint
        ).report

    first, again, other = report(1, "first"), report(1, "again"), report(2, "other")
    assert len(first.chords) == 6 and all("?" not in bar and "N" not in bar for bar in first.chords)
    assert (first.chords, first.form) == (again.chords, again.form)
    assert (tmp_path / "first" / "song.mid").read_bytes() == (tmp_path / "again" / "song.mid").read_bytes()
    assert first.chords != other.chords


@pytest.mark.slow
def test_an_untrained_model_plays_the_users_chords_more_than_others(checkpoint, tmp_path, monkeypatch):
    """Its odds are even, so that what the lean brings is seen alone."""
    monkeypatch.setattr("cmt.writing.pieces.CHORD_LEAN_IF_ASKED", 2.0)
    wishes = Wishes(length=16.0, tempo=120.0, chords="C F#", instruments=("piano",))
    make_soundtrack(None, tmp_path, wishes, output=MIDI_ONLY, name="song", checkpoint=checkpoint)
    # The closing bar has a chord of its own.
    notes = [note for note in read_midi(tmp_path / "song.mid").notes if note.position < 7 * 16]
    classes = [parse_chord(name).pitch_classes for name in ("C", "F#")]
    here = np.mean([note.pitch % 12 in classes[note.position // 16 % 2] for note in notes])
    there = np.mean([note.pitch % 12 in classes[1 - note.position // 16 % 2] for note in notes])
    assert here > there + 0.1
