"""The term of mood: asked by stretches, heard in pieces, one term of the score and a part of a take's."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner
from libraries import block_of, draw_demand, draw_rhythm, song_of_rhythm
from synthetic import hop, moving_square, write_clip

from cmt.cli import main
from cmt.matching.index import PieceDetails
from cmt.matching.moods import AVERAGE, MOOD_SCALE, curve_in_bytes, mood_distances
from cmt.matching.rows import Found, row
from cmt.matching.score import Chance, demand_of_video, distances, part_played, score_pieces
from cmt.metrics.mood import MoodHeard, shipped_estimator
from cmt.metrics.mood_curve import mood_curve, mood_of_bars, shipped_scale, windows_of
from cmt.music.encoding import notes_of_song
from cmt.music.key import Key
from cmt.music.words import Mode
from cmt.planning.mood_asked import Stretch, likeness_of_moods, mood_of_all, stretches_of
from cmt.report.parts import Take
from cmt.report.scenes import MoodSeen
from cmt.report.values import Value
from cmt.soundtrack.takes import Judgement, ranked
from midi_io.song import Instrument, Note, Song
from video_rhythm import analyze

pytestmark = pytest.mark.slow

PIECE = PieceDetails("a.mid", "", None, Key(0, Mode.MAJOR), 110.0, 9, ())
CALM, LIVELY = MoodSeen(0.5, -0.8, 0.5), MoodSeen(-0.5, 0.6, 1.0)


def coloured(song, valence, arousal):
    """A piece whose mood is said to be this all along."""
    block = block_of([song])
    mood = np.tile(np.rint(AVERAGE * (1 + np.array([valence, arousal]))).astype(np.uint8), (len(block.density), 1))
    return block._replace(mood=mood)


def joined(*blocks):
    """Pieces in one block."""
    lengths = [len(block.density) for block in blocks]
    columns = [np.concatenate(column) for column in list(zip(*blocks, strict=True))[1:]]
    return type(blocks[0])(np.r_[0, np.cumsum(lengths)], *columns)


def test_scenes_are_stretches_and_short_ones_are_joined():
    moods = [CALM] * 6 + [LIVELY] * 8
    first, second = stretches_of(moods, [0, 6])
    assert first == pytest.approx((0, 6, *CALM)) and second == pytest.approx((6, 14, *LIVELY))
    assert [stretch[:2] for stretch in stretches_of(moods, [2, 6, 8, 12])] == [(0, 6), (6, 14)]
    (whole,) = stretches_of(moods[4:8], [2])
    assert whole == pytest.approx((0, 4, -1 / 6, -0.1, 0.75))  # valence by the certainties 0.5 and 1


def test_the_distance_is_of_each_stretch_by_its_bars_and_valence_by_its_certainty():
    mood = np.full((10, 2), AVERAGE, np.uint8)
    mood[4:] = 254
    asked = [Stretch(0, 4, 0.5, 0.5, 0.2), Stretch(4, 8, 1.0, 0.5, 1.0)]
    offsets, start = np.array([0, 10]), np.zeros(1, np.int32)
    expected = (4 * (0.25 + 0.2 * 0.25) + 4 * 0.25) / 8
    assert mood_distances(offsets, mood, start, asked)[0] == pytest.approx(expected)
    # Begun four bars later, the second stretch has two bars of the piece, and two that count as average.
    later = (4 * (0.25 + 0.2 * 0.25) + 4 * (0 + 0.25)) / 8
    assert mood_distances(offsets, mood, start + 4, asked)[0] == pytest.approx(later)
    assert mood_distances(offsets, mood, start, ())[0] == 0


def test_of_two_pieces_of_one_rhythm_that_of_the_mood_asked_is_better_and_from_the_same_bar():
    rng = np.random.default_rng(0)
    song = song_of_rhythm(draw_rhythm(rng, 12))
    block = joined(coloured(song, -0.6, 0.8), coloured(song, 0.4, -0.8))
    demand = draw_demand(rng)
    calm = demand._replace(moods=mood_of_all(0.4, -0.8, len(demand.density)))
    without, starts = score_pieces(block, demand)
    scores, again = score_pieces(block, calm)
    assert without[0] == without[1] and np.array_equal(starts, again)
    assert scores[1] == pytest.approx(without[1], rel=1e-3) and scores[0] < scores[1]
    for piece in (0, 1):
        played = part_played(block, piece, int(starts[piece]), len(demand.density))
        terms = distances(played, calm)
        assert terms.score == pytest.approx(scores[piece], rel=1e-5)
        assert 1 / (1 + terms.of_rhythm) == pytest.approx(without[piece], rel=1e-5)
    assert distances(part_played(block, 0, 0, 6), calm).of_mood == pytest.approx(3.56 / MOOD_SCALE**2, rel=0.01)


def test_a_row_tells_rhythm_and_mood_apart():
    rng = np.random.default_rng(1)
    demand = draw_demand(rng, n_bar=8)
    demand = demand._replace(moods=(Stretch(0, 4, 0.5, -0.5, 0.4), Stretch(4, 8, 0.5, 0.5, 0.4)))
    block = coloured(song_of_rhythm(draw_rhythm(rng, 9)), 0.5, 0.5)
    (score,), (start,) = score_pieces(block, demand)
    found = Found(float(score), int(start), PIECE, block)
    match = row("a.mp4", demand, 1, found, Chance(0.1, 2.0, 0.01))
    together = 1 / (1 / match.rhythm_score + 1 / match.mood_score - 1)
    assert match.score == pytest.approx(together, abs=1e-5) and match.mood_score < 1
    assert (match.scenes_fitting, match.n_scene, match.certainty) == (1, 2, 0.4)
    assert "mood fits in 1 of 2 scenes: arousal +0.50 for +0.00, valence +0.50 for +0.50 (sure 40%)" in match.reason
    moodless = row("a.mp4", demand._replace(moods=()), 1, found, Chance(0.1, 2.0, 0.01))
    assert moodless.mood_score is moodless.arousal is moodless.n_scene is None and "mood" not in moodless.reason


def test_the_mood_asked_is_the_pictures_or_that_of_the_words_or_none(tmp_path):
    rhythm = analyze(write_clip(tmp_path / "hop.mp4", moving_square(hop(120), 7.0, 25), 25))
    seen, asked, none = (demand_of_video(rhythm, mood=mood) for mood in ("seen", (0.1, -0.2), None))
    n_bar = len(seen.density)
    assert seen.moods[0].begin == 0 and seen.moods[-1].end == n_bar
    assert asked.moods == (Stretch(0, n_bar, 0.1, -0.2, 1.0),) and none.moods == ()
    assert demand_of_video(dataclasses.replace(rhythm, scenes=())).moods == ()


@pytest.mark.parametrize("n_bar", [0, 1, 7, 8, 11, 12, 16, 20])
def test_windows_cover_a_piece_and_the_last_is_not_too_short(n_bar):
    windows = windows_of(n_bar)
    assert windows[0][0] == 0 and windows[-1][1] == n_bar
    assert all(end == begin for (_, end), (begin, _) in pairwise(windows))
    assert len(windows) == 1 or windows[-1][1] - windows[-1][0] >= 4


def test_a_curve_hears_each_window_by_itself_and_silence_as_average():
    notes = [Note(position, Instrument.PIANO, 60 + position % 12, 2) for position in range(0, 128, 4)]
    song = Song.steady(tuple(notes), 120.0, 20 * 16)
    curve = mood_curve(notes_of_song(song), 20, 120.0)
    alone = shipped_scale().place(shipped_estimator().of_song(Song.steady(tuple(notes), 120.0, 128)))
    assert curve[:8].tolist() == [list(alone)] * 8 and not curve[8:].any()
    assert mood_of_bars(notes_of_song(song), 0, 8, 120.0) == alone
    assert mood_of_bars(notes_of_song(song), 8, 20, 120.0) == (0, 0)
    in_bytes = curve_in_bytes(notes_of_song(song), 20, 120.0)
    assert in_bytes.dtype == np.uint8 and np.all(in_bytes[8:] == AVERAGE)


def test_the_scale_has_its_middle_at_lpds_mean_and_stays_within_its_ends():
    scale = shipped_scale()
    assert scale.place(MoodHeard(*scale.mean)) == (0, 0)
    low, high = (scale.place(MoodHeard(*(scale.mean + k * scale.spread))) for k in (-9, 1))
    assert low == pytest.approx((-1, -1)) and high == pytest.approx((0.683, 0.683), abs=1e-3)


def test_a_takes_mood_is_a_share_and_only_orders():
    asked = mood_of_all(1.0, -1.0, 8)
    near, far = likeness_of_moods(asked, [MoodHeard(1, -1)]), likeness_of_moods(asked, [MoodHeard(-1, 1)])
    assert (near, far, likeness_of_moods((), ())) == (1, 0, None)
    unsure = (Stretch(0, 8, 1.0, -1.0, 0.0),)
    assert likeness_of_moods(unsure, [MoodHeard(-1, -1)]) == 1
    takes = [
        Judgement(1, (), 0.5, 0.5, (), 0.2),
        Judgement(2, (), 0.5, 0.5, (), 0.8),
        Judgement(3, (), 0.7, 0.6, (), 0),
    ]
    assert [take.seed for take in ranked(takes)] == [3, 2, 1]
    assert takes[0].score == pytest.approx((0.5 + 0.5 + 0.25 * 0.2) / 2.25) and not takes[2].reasons
    assert Judgement(1, (), 0.4, 0.6, ()).score == 0.5


def test_reports_from_before_moods_are_read():
    take = Take(7, None, (), 0.5, None, 0.5, (), 0.7)
    content = take.as_json()
    assert Take.from_json(Value(content, "clip.json")) == take
    del content["mood"]
    assert Take.from_json(Value(content, "clip.json")).mood is None


def test_a_word_that_is_no_mood_is_one_line(tmp_path):
    write_clip(tmp_path / "hop.mp4", moving_square(hop(120), 2.0, 25), 25)
    arguments = ["match", str(tmp_path / "hop.mp4"), "--library", str(tmp_path), "--mood", "purplish"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1 and "no mood 'purplish'" in result.stderr and len(result.stderr.splitlines()) == 1
