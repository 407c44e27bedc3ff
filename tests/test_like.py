"""What a piece takes of a song that it is to be like: degrees, the template, the fitted form, the orders."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from songs_to_be_like import BASS, DRUMS, PIANO, POP, STRINGS, song_of_chords, write_song

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.music.chords import NO_CHORD, names_of, number_of, parse_chord
from cmt.music.degrees import in_mode, roman
from cmt.music.encoding import notes_of_song
from cmt.music.lead_sheet import UNKNOWN
from cmt.music.template import template_of
from cmt.music.words import Genre, Mode
from cmt.planning.fitting import Span, fitted_form
from cmt.planning.like import Reference, read_reference
from cmt.planning.mutes import parse_mute
from cmt.planning.plan import plan_music
from cmt.planning.plan_like import plan_like
from cmt.planning.wishes import Wishes, settled
from cmt.writing.groove import LIKE_A_SONG, drums_like, instruments_like
from midi_io.song import Instrument, Note, Song

VERSE = ("Am", "F", "Dm", "E")


def template(song, name="song.mid"):
    return template_of(name, notes_of_song(song), song.tempo)


def plan(song, length=38.4, **wishes):
    """A plan for bars of 2.4 seconds."""
    given = settled(Wishes(length=length, **wishes), length)
    return plan_like(Reference(template(song), "song.mid"), None, given, GenerateConfig(control=0.0))


def names(orders):
    return ["?" if one == UNKNOWN else names_of([one])[0] for one in orders.chords.tolist()]


def number(name):
    return number_of(parse_chord(name))


@pytest.mark.parametrize(
    ("chord", "mode", "numeral"),
    [
        ("C", Mode.MAJOR, "I"),
        ("Am7", Mode.MAJOR, "vi7"),
        ("Bb", Mode.MAJOR, "bVII"),
        ("F#dim", Mode.MAJOR, "bv\N{DEGREE SIGN}"),
        ("Am", Mode.MINOR, "i"),
        ("E7", Mode.MINOR, "V7"),
        ("G", Mode.MINOR, "VII"),
        ("G#dim", Mode.MINOR, "#vii\N{DEGREE SIGN}"),
        ("Asus4", Mode.MINOR, "Isus4"),
    ],
)
def test_chords_have_numerals(chord, mode, numeral):
    assert roman(number(chord), mode) == numeral
    assert roman(NO_CHORD, mode) == "N"


@pytest.mark.parametrize(
    ("here", "there", "chords", "moved"),
    [
        (Mode.MAJOR, Mode.MINOR, "C Am F G Dm Em", "Am F Dm E Bdim C"),
        (Mode.MAJOR, Mode.MINOR, "Cmaj7 G7 D Bb C5", "Am7 E7 B G A5"),
        (Mode.MINOR, Mode.MAJOR, "Am F G C Em E", "C Am Bdim Em G G"),
    ],
)
def test_chords_move_to_the_same_degree_of_the_other_mode(here, there, chords, moved):
    numbers = np.array([number(name) for name in chords.split()] + [NO_CHORD, UNKNOWN])
    assert names_of(in_mode(numbers, here, there)[:-2].tolist()) == moved.split()
    assert in_mode(numbers, here, there)[-2:].tolist() == [NO_CHORD, UNKNOWN]
    assert in_mode(numbers, here, here).tolist() == numbers.tolist()


def test_a_template_stands_in_the_home_key_and_has_the_grooves():
    song = song_of_chords(POP * 4, semitones=3)
    its = template(song)
    assert str(its.key) == "Eb:major" and its.n_bar == 16
    assert names_of(its.sheet.chords[:8].tolist()) == ["C", "C", "G", "G", "Am", "Am", "F", "F"]
    struck = {(stroke.position, stroke.drum) for stroke in its.grooves[0] if stroke.instrument is DRUMS}
    assert {(0, 36), (6, 36), (8, 36), (4, 38)} <= struck
    assert {stroke.position for stroke in its.grooves[0] if stroke.instrument is BASS} == {0, 8}


def test_a_song_begins_with_the_bar_of_its_first_note():
    song = song_of_chords(POP * 2)
    later = song.with_notes(note._replace(position=note.position + 64) for note in song.notes)
    later = Song.steady(later.notes, 100.0, 192)
    assert template(later).sheet.chords.tolist() == template(song).sheet.chords.tolist()


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ([], "song.mid: holds no notes, so there is nothing to be like; name another song"),
        ([Note(0, DRUMS, 36, 1)], "song.mid: only drums play in it, so it has no chords to lend; name a song with"),
        ([Note(0, PIANO, 60, 4)], "song.mid: has only one bar, so it has no form to lend; name a longer song"),
    ],
)
def test_what_has_nothing_to_lend_is_one_line(notes, message):
    with pytest.raises(CmtError, match=message):
        template(Song.steady(notes, 120.0, 64))


def test_files_that_are_no_song_are_one_line(tmp_path):
    text = tmp_path / "song.txt"
    text.write_text("la la la")
    broken = tmp_path / "song.mid"
    broken.write_bytes(b"MThd nothing")
    for path, message in (
        (tmp_path / "none.mid", r"none\.mid: no such file or folder; check the path behind `like`"),
        (text, r"song\.txt: is no song; `like` takes a MIDI file \(\.mid\) or the folder of an index \(cmt index\)"),
        (broken, r"song\.mid: not a readable MIDI file .*; export it again"),
    ):
        with pytest.raises(CmtError, match=message) as raised:
            read_reference(path)
        assert "\n" not in str(raised.value)


def test_another_metre_is_said(tmp_path):
    path = write_song(tmp_path / "waltz.mid", song_of_chords(POP * 4))
    assert read_reference(path).warnings == ()
    content = path.read_bytes()
    signature = b"\xff\x58\x04\x04\x02"
    assert signature in content
    path.write_bytes(content.replace(signature, b"\xff\x58\x04\x03\x02"))
    (warning,) = read_reference(path).warnings
    assert warning.startswith("`like` waltz.mid: is not in 4/4 throughout; its bars are counted as if it were")


def fitted(lengths, n_bar, spans=None, energies=None):
    """The bars of a song of sections with these lengths, for a piece."""
    total = sum(lengths)
    begins = np.zeros(total, bool)
    begins[np.cumsum([0, *lengths[:-1]])] = True
    song = song_of_chords(["C"] * total, quiet_from=total // 2)
    its = template(song)
    its = replace(its, sheet=replace(its.sheet, begins=begins))
    form = fitted_form(its, spans or [Span(0, n_bar, 0)], n_bar, energies)
    return form.bars.tolist(), np.flatnonzero(form.begins).tolist()


@pytest.mark.parametrize(
    ("lengths", "n_bar", "bars", "begins"),
    [
        ((8,), 8, [*range(8)], [0]),
        ((8,), 12, [0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7], [0, 4]),
        ((16,), 20, [*range(12), 0, 1, 2, 3, 12, 13, 14, 15], [0]),
        ((16,), 12, [0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15], [0]),
        ((8,), 6, [*range(6)], [0]),
        ((8, 8), 16, [*range(16)], [0, 8]),
        ((4, 4), 16, [0, 1, 2, 3, 4, 5, 6, 7] * 2, [0, 4, 8, 12]),
        ((8, 16, 8), 8, [*range(8)], [0]),
        ((2,), 7, [0, 1, 0, 1, 0, 1, 0], [0, 2, 4, 6]),
    ],
)
def test_sections_are_taken_whole_and_stretched_by_phrases(lengths, n_bar, bars, begins):
    assert fitted(lengths, n_bar) == (bars, begins)


def test_the_part_of_the_song_is_taken_that_is_as_lively_as_asked():
    assert fitted((8, 8, 8, 8), 8, energies=[0.9] * 8)[0] == [*range(8)]
    assert fitted((8, 8, 8, 8), 8, energies=[0.0] * 8)[0] == [*range(16, 24)]


def test_stretches_that_are_alike_are_like_the_same_bars_and_others_are_not():
    spans = [Span(0, 8, "A"), Span(8, 16, "B"), Span(16, 24, "A")]
    bars, begins = fitted((8, 8, 8), 24, spans)
    assert bars[:8] == bars[16:] and not set(bars[:8]) & set(bars[8:16])
    assert begins == [0, 8, 16]


@pytest.mark.parametrize("n_bar", [1, 2, 3, 5, 17, 40, 63])
@pytest.mark.parametrize("lengths", [(2,), (4, 5), (16, 16, 16), (1, 1, 1, 1, 1), (7, 9, 3)])
def test_every_length_can_be_fitted(lengths, n_bar):
    bars, begins = fitted(lengths, n_bar)
    assert len(bars) == n_bar and begins[0] == 0
    assert sum(bar == UNKNOWN for bar in bars) < 4 and max(bars) < sum(lengths)


def test_form_chords_players_and_kit_become_orders():
    piece = plan(song_of_chords((*POP * 2, *VERSE * 2), quiet_from=8), instruments=None)
    assert piece.timeline.n_bar == 16 and piece.timeline.tempo == pytest.approx(100.0)
    orders = piece.orders_of_sheet(0.0, 0)
    assert names(orders)[:8] == ["C", "C", "G", "G", "Am", "Am", "F", "F"]
    assert names(orders)[-2:] == ["?", "?"]
    assert orders.lags[0] == 0 and orders.lags[-1] == UNKNOWN
    assert orders.lags[:-1].tolist() == piece.like.reference.template.sheet.lags[:-1].tolist()
    drums = orders.may_play >> DRUMS & 1
    assert drums.tolist() == [1] * 8 + [0] * 8
    assert (orders.kit[:8] > 0).all() and (orders.kit[8:] == UNKNOWN).all()
    assert (orders.must_play >> BASS & 1).all()
    assert (orders.energy[:-1] != UNKNOWN).all()
    assert piece.wishes.instruments == (DRUMS, PIANO, BASS, STRINGS)


def test_what_the_user_says_wins():
    song = song_of_chords(POP * 4)
    orders = plan(song, key="D:minor").orders_of_sheet(0.0, 0)
    assert names(orders)[:8] == ["Am", "Am", "E", "E", "F", "F", "Dm", "Dm"]
    assert set(names(plan(song, chords="C F").orders_of_sheet(0.0, 0))) == {"C", "F"}
    formed = plan(song, form="A:4 B:8 A:4").orders_of_sheet(0.0, 0)
    assert (
        np.flatnonzero(formed.begins == 1).tolist() == [0, 4, 12]
        and formed.letters.tolist() == [0] * 4 + [1] * 8 + [0] * 4
    )
    assert plan(song, tempo=120.0).timeline.tempo == 120.0
    piece = plan(song, instruments=("drums", "piano", "guitar"))
    assert piece.wishes.instruments == (DRUMS, PIANO, Instrument.GUITAR)
    asked = piece.orders_of_sheet(0.0, 0)
    assert (asked.may_play == 0b111).all() and (asked.must_play >> PIANO & 1).all()
    assert not (asked.must_play >> Instrument.GUITAR & 1).any()
    muted = plan(song, mutes=(parse_mute("drums@0-12"),)).orders_of_sheet(0.0, 0)
    assert not (muted.may_play[:5] >> DRUMS & 1).any() and (muted.may_play[5:] >> DRUMS & 1).all()


def test_mode_and_genre_are_those_of_the_song_where_they_are_open():
    song = song_of_chords(VERSE * 4)
    assert plan(song).wishes.key.mode is Mode.MINOR and plan(song).wishes.key.tonic is None
    assert plan(song, key=":major").wishes.key.mode is Mode.MAJOR
    known = replace(template(song), genre=Genre.ROCK)
    given = settled(Wishes(length=20.0), 20.0)
    assert plan_like(Reference(known, ""), None, given, GenerateConfig()).wishes.genre is Genre.ROCK


def test_a_piece_that_is_like_no_song_is_planned_as_before():
    piece = plan_music(None, settled(Wishes(length=20.0), 20.0), GenerateConfig())
    assert piece.like is None and piece.wishes.suited_tempo is None


def test_the_groove_leans_to_drums_and_bass_of_the_song():
    groove = template(song_of_chords(POP)).grooves[0]
    assert instruments_like(groove, 0)[[1 + DRUMS, 1 + BASS]].tolist() == [LIKE_A_SONG, LIKE_A_SONG]
    assert instruments_like(groove, 3)[[1 + DRUMS, 1 + BASS]].tolist() == [-LIKE_A_SONG, -LIKE_A_SONG]
    assert instruments_like(groove, 3)[1 + PIANO] == 0
    drums = drums_like(groove, 4)
    assert drums[1 + 38] == LIKE_A_SONG == drums[1 + 42] and drums[1 + 36] == -LIKE_A_SONG
    assert drums_like(groove, 3) is None
    for nothing in (None, frozenset()):
        assert instruments_like(nothing, 0) is None and drums_like(nothing, 0) is None


def test_the_guard_writes_anew_what_copies_and_gives_up_in_the_end():
    from cmt.soundtrack.like import MOST_TRIES, CopyGuard

    song = song_of_chords((*POP, *VERSE, *POP[::-1]))
    other = Song.steady([Note(16 * k, PIANO, 60 + 7 * (k % 2), 4) for k in range(8)], 100.0, 128)
    copied, new = SimpleNamespace(song=song), SimpleNamespace(song=other)
    asked = []

    def write(seeds, then=new):
        asked.extend(seeds)
        return [then for _ in seeds]

    guard = CopyGuard(write, notes_of_song(song), 7)
    assert guard.guarded([copied, new]) == [new, new] and asked == [7] and guard.rejected == 1
    asked.clear()
    guard = CopyGuard(lambda seeds: write(seeds, copied), notes_of_song(song), 7)
    assert guard.guarded([copied]) == [copied] and len(asked) == MOST_TRIES
