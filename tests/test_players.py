"""Who plays where the user does not say it."""

from collections import Counter

import pytest

from cmt.music.words import Genre
from cmt.planning.mutes import parse_mute
from cmt.planning.players import SITTING_OUT, USUAL_ABSENCES, players_of
from cmt.planning.wishes import ALL_INSTRUMENTS, Wishes, settled

DRUMS, PIANO, GUITAR, BASS, STRINGS = ALL_INSTRUMENTS


def players(seed, level=None, **wishes):
    return players_of(settled(Wishes(**wishes), 20.0), level, seed)


@pytest.mark.parametrize("genre", [None, *Genre])
def test_instruments_are_absent_as_often_as_in_songs_of_the_genre(genre):
    drawn = [players(seed, genre=genre) for seed in range(400)]
    shares = USUAL_ABSENCES[genre]
    assert sum(shares) == pytest.approx(1, abs=0.005)
    assert all({DRUMS, BASS} < set(its) for its in drawn)
    for one, share in zip(
        SITTING_OUT, (shares[1] + shares[4] + shares[5], shares[2] + shares[4] + shares[6]), strict=False
    ):
        assert sum(one not in its for its in drawn) / len(drawn) == pytest.approx(share, abs=0.08)


def test_the_same_seed_draws_the_same_and_others_draw_others():
    assert players(3) == players(3)
    assert len(Counter(players(seed) for seed in range(60))) >= 4


def test_a_still_video_has_no_drums_and_somebody_sits_out():
    for seed in range(40):
        its = players(seed, 0.0)
        assert DRUMS not in its and BASS in its and 1 <= len(set(its) & set(SITTING_OUT)) <= 2


def test_what_the_user_names_plays():
    for seed in range(40):
        assert players(seed, 0.0, instruments=ALL_INSTRUMENTS) == ALL_INSTRUMENTS
        assert players(seed, 0.0, instruments=("bass",)) == (BASS,)
        assert {PIANO, DRUMS} <= set(players(seed, 0.0, mutes=(parse_mute("piano@2-6"),)))


def test_somebody_with_pitch_is_left_whoever_is_silent_throughout():
    mutes = tuple(parse_mute(f"{name}@0-") for name in ("bass", "guitar", "strings"))
    assert {players(seed, mutes=mutes) for seed in range(40)} == {(DRUMS, PIANO)}
