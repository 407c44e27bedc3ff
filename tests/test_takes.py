"""Several takes: which are music, which fits best, how many there is room for."""

import subprocess
import sys

import pytest

from cmt.errors import CmtError
from cmt.machine.memory import check_memory, free_memory
from cmt.music.key import Key
from cmt.music.words import Genre, Mode
from cmt.report.parts import Replaced
from cmt.soundtrack.takes import LIKENESS, UNLIKE, Judgement, in_place_of, judge_take, leaving, match, ranked
from midi_io.song import Instrument, Note, Song

pytestmark = pytest.mark.slow

C_MAJOR = Key(0, Mode.MAJOR)
MAJOR = (0, 2, 4, 5, 7, 9, 11)


def melody(degrees, n_bar, duration=2, pitch=60):
    """Eighth notes that go through the degrees, bar after bar."""
    notes = (
        Note(position, Instrument.PIANO, pitch + degrees[index % len(degrees)], duration)
        for index, position in enumerate(range(0, 16 * n_bar, 2))
    )
    return Song.steady(tuple(notes), 120, 16 * n_bar)


def test_a_song_that_does_what_was_asked_matches_fully():
    song = melody(MAJOR, 4)
    assert match(song, [8, 8, 8, 8], {(0, 0), (3, 14)}) == 1.0
    assert match(song, [8, None, None, 8], ()) == 1.0
    assert match(song, [None] * 4, ()) is None


def test_the_match_falls_with_every_bar_and_accent_that_is_missed():
    song = melody(MAJOR, 4)
    assert match(song, [8, 8, 8, 8], {(0, 0), (3, 15)}) == pytest.approx(0.75)
    assert match(song, [8 + 10.9] * 4, {(0, 0)}) == pytest.approx(0.5)
    assert match(song, [16, 8, 8, 8], ()) > match(song, [16, 16, 8, 8], ()) > 0


def test_a_song_in_its_key_does_not_leave_it_and_one_beside_it_does():
    assert leaving(melody(MAJOR, 8), C_MAJOR) == ()
    assert leaving(melody((0, 2, 3, 7, 8, 11), 8, pitch=57), Key(9, Mode.MINOR)) == ()
    (reason,) = leaving(melody(MAJOR, 8), Key(6, Mode.MAJOR))
    assert reason.startswith("leaves its key: ") and reason.endswith("of the time in F#:major")


def test_a_song_that_goes_elsewhere_for_eight_bars_is_told_where():
    here, there = melody(MAJOR, 32), melody((1, 3, 6, 8, 10), 8)
    notes = [note for note in here.notes if not 128 <= note.position < 256]
    notes += [note._replace(position=note.position + 128) for note in there.notes]
    assert leaving(Song.steady(tuple(notes), 120, 512), C_MAJOR) == (
        "leaves its key: 0% of the time in C:major in bars 9 to 16",
    )


def test_drums_have_no_key():
    drums = [Note(4 * k, Instrument.DRUMS, 37, 1) for k in range(16)]
    assert leaving(Song.steady(tuple(drums), 120, 64), C_MAJOR) == ()


def test_a_loop_and_silence_are_rejected_and_music_is_not():
    judge = lambda song: judge_take(song, C_MAJOR, [8] * song.n_bar, (), None, 0)  # noqa: E731
    bar = melody((0, 4, 7), 1)
    loop = Song.steady(tuple(n._replace(position=n.position + 16 * k) for k in range(8) for n in bar.notes), 120, 128)
    assert any("looped" in reason for reason in judge(loop).reasons)
    assert any("silence" in reason for reason in judge(Song.steady((), 120, 128)).reasons)
    music = judge(melody(MAJOR, 8))
    assert music.reasons == () and 0 <= music.likeness <= 1


def judgement(seed, score, *reasons):
    return Judgement(seed, reasons, score, score, ())


def test_sound_takes_come_first_then_the_better_then_the_earlier():
    takes = [
        judgement(1, 0.9, "looped"),
        judgement(2, 0.3),
        judgement(3, 0.6),
        judgement(4, 0.6),
        judgement(5, 0.1, "x"),
    ]
    assert [take.seed for take in ranked(takes)] == [3, 4, 2, 1, 5]
    assert Judgement(0, (), None, 0.5, ()).score == 0.5 and Judgement(0, (), None, None, ()).score == 0.0


def test_the_genre_that_is_heard_counts_half():
    shares = {genre: judge_take(melody(MAJOR, 8), C_MAJOR, [8] * 8, (), genre, 0).genre for genre in Genre}
    assert max(shares.values()) == 1.0 and 0 < min(shares.values()) < 1.0
    assert judge_take(melody(MAJOR, 8), C_MAJOR, [8] * 8, (), None, 0).genre is None
    assert judge_take(Song.steady((), 120, 128), C_MAJOR, [8] * 8, (), Genre.ROCK, 0).genre is None
    assert Judgement(0, (), 0.5, 0.5, (), realism=0.5, genre=1.0).score == pytest.approx(2.0 / 3.5)


def test_more_takes_than_memory_holds_are_refused_with_the_number_that_it_holds():
    check_memory(80, 1_000_000, 100_000_000)
    with pytest.raises(CmtError, match=r"takes 81: they need 0.1 GB and 0.1 GB of memory are free; ask for 80 at most"):
        check_memory(81, 1_000_000, 100_000_000)
    check_memory(1, 10**12, 1)  # one take is written anyhow
    assert free_memory() > 10**7


def test_what_speaks_for_a_take_is_said_in_words():
    def said(match, likeness, mood, unlike=(), reasons=()):
        return Judgement(1, reasons, match, likeness, unlike, mood, unlike).in_words

    assert said(0.94, 1.0, 0.8) == "keeps 94% of what was asked; like real songs; mood near"
    assert said(None, 0.86, 0.6, ("a",)) == "like real songs, but for a; mood not far"
    assert said(None, 0.4, 0.3, ("a", "b", "c", "d")) == "unlike real songs: a, b and 2 more; mood far off"
    for genre, words in ((1.0, "like its genre"), (0.7, "a little like its genre"), (0.3, "more like another genre")):
        assert Judgement(1, (), 0.94, None, (), 0.8, genre=genre).in_words == (
            f"keeps 94% of what was asked; {words}; mood near"
        )
    assert said(1.0, None, None, reasons=("one bar looped",)) == (
        "rejected: one bar looped; keeps 100% of what was asked"
    )
    assert set(UNLIKE) == set(LIKENESS)


def test_a_song_that_is_unlike_real_ones_is_told_how():
    judged = judge_take(melody((0,), 8), C_MAJOR, [8] * 8, (), None, 0)
    assert "few notes at a time" not in judged.unlike or judged.outside
    assert len(judged.unlike) == len(judged.outside) and judged.unlike[0] in UNLIKE["pitch_class_entropy_1"]


def test_what_was_rejected_is_remembered_by_what_stands_in_its_place():
    first, second, third = judgement(0, 0.2, "x", "y"), judgement(3, 0.1, "x"), judgement(6, 0.05)
    then = in_place_of(first, second)
    assert then.seed == 3 and then.replaced == (Replaced(0, ("x", "y")),)
    at_last = in_place_of(then, third)
    assert at_last.seed == 6 and at_last.replaced == (Replaced(0, ("x", "y")), Replaced(3, ("x",)))
    assert in_place_of(second, judgement(6, 0.9, "x", "y")).replaced == (Replaced(6, ("x", "y")),)


def test_three_takes_are_the_default_of_python_and_of_the_command_line():
    """In a process of its own: tests have one take."""
    code = (
        "from cmt import Wishes; from cmt.cli.generate import generate;"
        "print(Wishes().takes, *[option.default for option in generate.params if option.name == 'takes'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["3", "3"]
