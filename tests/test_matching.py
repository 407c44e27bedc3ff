"""The matching score: two forms of it, planted pieces, chance."""

import numpy as np
import pytest
from direct_match import score_directly
from hypothesis import given, settings
from hypothesis import strategies as st
from libraries import block_of, draw_demand, draw_rhythm, perfect_rhythm, song_of_rhythm
from strategies import songs
from synthetic import hop, moving_square, write_clip

from cmt.errors import CmtError
from cmt.matching import score as matching
from cmt.matching.score import (
    PieceBlock,
    chances,
    chosen_pieces,
    demand_of_video,
    distances,
    part_played,
    rhythm_of_song,
    score_pieces,
    shifted,
)
from cmt.music.profile import profile_of_song
from midi_io.song import Instrument, Note, Song
from video_rhythm import analyze

pytestmark = pytest.mark.slow

MOODLESS = np.full((6, 2), 127, np.uint8)


def some_songs(rng, lengths):
    return [song_of_rhythm(draw_rhythm(rng, n), tempo=float(rng.uniform(60, 180))) for n in lengths]


@settings(max_examples=20)
@given(st.lists(songs().filter(lambda song: song.notes), min_size=1, max_size=5), st.integers(0, 2**32 - 1))
def test_blocks_score_as_loops_over_words_do(pieces, seed):
    rng = np.random.default_rng(seed)
    demand = draw_demand(rng, n_bar=int(rng.integers(1, 5)), share_asked=float(rng.choice([0, 0.3])))
    scores, starts = score_pieces(block_of(pieces), demand)
    for song, score, start in zip(pieces, scores, starts, strict=True):
        assert (score, start) == (pytest.approx(score_directly(song, demand)[0], rel=1e-5), start)


def test_starts_are_those_of_the_loops():
    rng = np.random.default_rng(1)
    demand = draw_demand(rng)
    pieces = some_songs(rng, [3, 6, 7, 30, 12, 5, 6])
    scores, starts = score_pieces(block_of(pieces), demand)
    direct = [score_directly(song, demand) for song in pieces]
    assert scores.tolist() == pytest.approx([score for score, _ in direct], rel=1e-5)
    assert starts.tolist() == [start for _, start in direct]


def test_the_size_of_blocks_changes_nothing(monkeypatch):
    rng = np.random.default_rng(2)
    block, demand = block_of(some_songs(rng, rng.integers(2, 40, 50))), draw_demand(rng, n_bar=9)
    scores, starts = score_pieces(block, demand)
    for room in (1, 17, 100):
        monkeypatch.setattr(matching, "_PART_BARS", room)
        again, starts_again = score_pieces(block, demand)
        assert np.array_equal(scores, again) and np.array_equal(starts, starts_again)


def test_a_perfect_match_is_1_and_no_score_leaves_0_to_1():
    rng = np.random.default_rng(3)
    demand = draw_demand(rng)
    perfect = song_of_rhythm(perfect_rhythm(demand), demand.tempo)
    scores, _ = score_pieces(block_of([perfect, *some_songs(rng, [1, 2, 6, 50])]), demand)
    assert scores[0] == 1
    assert np.all((scores[1:] > 0) & (scores[1:] < 1))


def test_a_piece_in_the_middle_of_a_longer_one_is_found_at_its_bar():
    rng = np.random.default_rng(4)
    demand = draw_demand(rng, n_bar=8)
    for start in (0, 5, 40):
        around = draw_rhythm(rng, 48)
        around[start : start + 8] = perfect_rhythm(demand)
        scores, starts = score_pieces(block_of([song_of_rhythm(around, demand.tempo)]), demand)
        assert (scores[0], starts[0]) == (1, start)


def test_the_planted_piece_is_first_among_many():
    rng = np.random.default_rng(5)
    demand = draw_demand(rng)
    pieces = some_songs(rng, rng.integers(4, 40, 60))
    pieces[42] = song_of_rhythm(perfect_rhythm(demand), demand.tempo)
    assert np.argmax(score_pieces(block_of(pieces), demand)[0]) == 42


def test_what_a_short_piece_does_not_reach_is_silent():
    rng = np.random.default_rng(6)
    demand = draw_demand(rng)
    rhythm = perfect_rhythm(demand)
    silent = rhythm.copy()
    silent[4:] = 0
    longer = np.concatenate([silent, np.zeros_like(silent[:1]), rhythm[:1]])[:7]
    short, padded = (song_of_rhythm(part, demand.tempo) for part in (rhythm[:4], longer))
    scores, _ = score_pieces(block_of([short, song_of_rhythm(rhythm, demand.tempo), padded]), demand)
    assert scores[0] < scores[1]
    played = part_played(block_of([short]), 0, 0, 6)
    assert np.array_equal(played.strength, silent)
    assert distances(played, demand).score == pytest.approx(scores[0], rel=1e-6)


def test_tempo_counts_by_octaves_and_either_way():
    rng = np.random.default_rng(7)
    demand = draw_demand(rng, tempo=100.0)
    rhythm = perfect_rhythm(demand)
    scores, _ = score_pieces(block_of([song_of_rhythm(rhythm, t) for t in (100.0, 50.0, 200.0)]), demand)
    assert scores.tolist() == pytest.approx([1, 1 / 5, 1 / 5])


def test_instruments_at_a_position_are_counted_together():
    notes = [Note(4, Instrument.DRUMS, 36, 1), Note(4, Instrument.DRUMS, 42, 1), Note(4, Instrument.BASS, 40, 4)]
    density, strength = rhythm_of_song(Song.steady((*notes, Note(17, Instrument.PIANO, 60, 1)), 120.0, 48))
    assert density.tolist() == [1, 1] and strength[0, 4] == 3 and strength[1, 1] == 1


@settings(max_examples=20)
@given(songs().filter(lambda song: song.notes))
def test_densities_are_those_of_the_rhythm_profile(song):
    density = rhythm_of_song(song)[0].tolist()
    assert density == list(profile_of_song(song).density)[: len(density)]


def test_chance_is_low_for_a_piece_made_for_the_video_and_not_for_another():
    rng = np.random.default_rng(8)
    demand = draw_demand(rng, n_bar=8)
    block = block_of([song_of_rhythm(perfect_rhythm(demand), demand.tempo), *some_songs(rng, [30, 8, 12, 20])])
    made, *others = chances(block, demand)
    assert made.p_value < 0.02 and made.z > 4 and made.score < 0.7
    assert np.mean([other.p_value for other in others]) > 0.2


def test_a_piece_that_is_the_same_all_along_is_no_better_than_chance():
    demand = draw_demand(np.random.default_rng(9), share_asked=0)
    even = PieceBlock(
        np.array([0, 6]), np.full(6, 8, np.uint8), np.full((6, 16), 2, np.uint8), MOODLESS, np.array([110.0])
    )
    flat = demand._replace(density=np.full(6, 8, np.float32))
    assert chances(even, flat)[0] == (1, 0, 1)


def test_shifting_goes_round():
    demand = draw_demand(np.random.default_rng(10))
    there = shifted(demand, 16)
    assert np.array_equal(there.density, np.roll(demand.density, -1))
    assert np.array_equal(there.strength, np.roll(demand.strength, -1, axis=0))
    half = shifted(demand, 8)
    assert np.allclose(half.density, (demand.density + np.roll(demand.density, -1)) / 2)
    assert half.strength.sum() == demand.strength.sum()


def test_chosen_pieces_are_the_pieces():
    block = block_of(some_songs(np.random.default_rng(11), [3, 5, 2, 9]))
    chosen = chosen_pieces(block, np.array([False, True, False, True]))
    assert np.diff(chosen.offsets).tolist() == [5, 9]
    assert np.array_equal(chosen.density, np.r_[block.density[3:8], block.density[10:]])


def test_a_video_asks_for_its_whole_bars(tmp_path):
    clip = write_clip(tmp_path / "hop.mp4", moving_square(hop(120), 7.0, 25), 25)
    demand = demand_of_video(analyze(clip))
    n_bar = len(demand.density)
    end = demand.timeline.seconds((demand.first_bar + n_bar) * 16)
    assert n_bar >= 1 and demand.strength.shape == (n_bar, 16) and end <= 7.0 + 1e-6
    assert demand.timeline.seconds(demand.first_bar * 16) >= 0 and demand.strength.sum() > 0
    assert np.all(np.count_nonzero(demand.strength, axis=1) <= demand.density)


def test_a_video_of_less_than_a_bar_is_said(tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "hop.mp4", moving_square(hop(120), 1.0, 25), 25)
    rhythm = analyze(clip)
    slow = matching.grid_of_video(rhythm, tempo=60.0)
    monkeypatch.setattr(matching, "grid_of_video", lambda _, suited_tempo: slow)
    with pytest.raises(CmtError, match=r"hop.mp4: 1.00 s are less than one whole bar at 60 BPM"):
        demand_of_video(rhythm)
