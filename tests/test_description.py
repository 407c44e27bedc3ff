"""Descriptions: files are written and read back the same, damage is one line that names its line, options win."""

import re
import sys
from dataclasses import replace

import pytest

from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.meaning.description import FIELDS, Description, Origin, SceneSeen
from cmt.meaning.fields import FORMS
from cmt.meaning.file import VERSION, as_toml, line_of, read_description, write_description
from cmt.meaning.lexicon import Stretch
from cmt.meaning.mood import MOODS, Mood, mood_of_word
from cmt.meaning.wishing import described_wishes, liveliness_of, tempi_of
from cmt.meaning.words import read_words
from cmt.music.key import parse_key
from cmt.music.words import Genre
from cmt.planning.energy import Section, parse_section
from cmt.planning.form import parse_form
from cmt.planning.mutes import parse_mute
from cmt.planning.progression import parse_chords
from cmt.planning.wishes import Wishes, settled
from midi_io.song import Instrument

FULL = Description(
    scenes=(
        SceneSeen(0, 4.25, mood=Mood(0.123, -0.4), pace=0.25, colours=("teal", "sand"), shows='a "shore"\x7f'),
        SceneSeen(4.25, 9, mood=mood_of_word("tense")),
        SceneSeen(9, 12.5, same_as=1),
    ),
    mood=Mood(-0.36, -0.28, "sad, a little hopeful"),
    arc=(Stretch(0, 0.25, 0.1, 0.1), Stretch(0.75, 1, 0.5, 0.9)),
    sections=(Section(0, 0.123456789), parse_section("4:drop"), parse_section("8:free")),
    liveliness=0.4,
    genre=Genre.ROCK,
    instruments=(Instrument.DRUMS, Instrument.GUITAR, Instrument.BASS),
    programs={Instrument.GUITAR: 30, Instrument.DRUMS: 32},
    mutes=(parse_mute("drums@0-4.123456789"), parse_mute("bass@8-")),
    tempo=96.123456789,
    tempo_range=(80.0, 100.5),
    key=parse_key("F#:minor"),
    chords=parse_chords("drop: C G | Am F; Dm"),
    hits=(Marker(3.5), Marker(7.0, 2.5)),
    ending="thin",
    length=30.0,
)


def written(tmp_path, text):
    path = tmp_path / "clip.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "description",
    [
        FULL,
        replace(FULL, sections=None, chords=None, form=parse_form("intro:4 A B A")),
        Description(instruments=()),
        Description(mood=Mood(0.0, 0.0)),
        read_words("calm flute, no drums, 80 bpm, in D minor, big ending, hit at 2 s").description,
    ],
    ids=["full", "form", "free", "neutral", "words"],
)
def test_what_is_written_is_read_back_the_same(description, tmp_path):
    path = tmp_path / "clip.toml"
    write_description(description, path, "a head\nof two lines")
    read = read_description(path)
    assert read.values == {
        name: tuple(replace(hit, source="the description") for hit in value) if name == "hits" else value
        for name, value in description.values.items()
    }
    write_description(read, path, "a head\nof two lines")
    assert read_description(path) == read


@pytest.mark.parametrize("word", MOODS)
def test_moods_are_written_as_words(word):
    assert FORMS["mood"].write(mood_of_word(word)) == f'"{word}"'


def test_every_field_stands_in_the_file_in_order_with_its_reason():
    text = as_toml(Description(tempo=96.0, origins={"tempo": Origin("picture", "3 of 3 cuts\nmet")}))
    assert tuple(FORMS) == FIELDS
    assert "tempo = 96  # picture: 3 of 3 cuts met\n" in text
    places = [text.index(f"{name} = ") for name in FIELDS]
    assert places == sorted(places)
    assert len(text.splitlines()) < 40, "a page"


def test_the_examples_in_the_file_are_valid(tmp_path):
    for name, form in FORMS.items():
        assert read_description(written(tmp_path, f"{name} = {form.example}\n")).values.keys() == {name}


def test_what_a_file_says_comes_from_its_line(tmp_path):
    path = written(tmp_path, 'version = 1\n\nmood = "calm"  # a comment\n')
    assert read_description(path).origin("mood") == ("user", f"{path}:3")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("tempo = 80\nmoood = 3\n", 2, "no key 'moood'; did you mean mood"),
        ("[drums]\nkit = 3\n", 1, "no key 'drums'; choose from scenes, mood, .*, length"),
        ("# a\n\ntempo = 'fast'\n", 3, "tempo must be a number, not 'fast'; correct it, or remove the line"),
        ("tempo = 5\n", 1, "tempo must be a number from 20 to 400, not 5"),
        ("tempo = nan\n", 1, "tempo must be a finite number, not nan"),
        ("tempo = true\n", 1, "tempo must be a number, not True"),
        ("tempo_range = [\n  100,\n  80,\n]\n", 1, "tempo_range must be the lowest and the highest BPM"),
        ('genre = "jazz"\n', 1, "genre must be one of country, .*, not 'jazz'"),
        ('instruments = ["drums", "flute"]\n', 1, r"instruments\[1\] must be one of drums, .*, not 'flute'"),
        ("instruments = []\n", 1, 'instruments must be one instrument or more, or "free"'),
        ('mood = "melancolly"\n', 1, "no mood 'melancolly'; did you mean melancholy"),
        ("mood = [2, 0]\n", 1, r"mood\[0\] must be a number from -1 to 1, not 2"),
        ("mood = [0]\n", 1, 'mood must be a word such as "calm"'),
        ('\nkey = "H:minor"\n', 2, "no key 'H:minor'; write TONIC:MODE"),
        ('chords = "C Q"\n', 1, "no chord 'Q'"),
        ('sections = ["x:calm"]\n', 1, "no section 'x:calm'"),
        ('mutes = ["flute@0-1"]\n', 1, "no mute 'flute@0-1'"),
        ('programs = ["guitar=30", "guitar=29"]\n', 1, "programs must be one sound for each instrument"),
        ('programs = ["guitar=zither"]\n', 1, "no program 'zither'; the nearest are"),
        ("hits = [[1, 0]]\n", 1, r"hits\[0\] must be seconds, or seconds and a weight above 0"),
        ("arc = [[0, 0.6, 0.1, 0.1], [0.5, 1, 0.9, 0.9]]\n", 1, "arc must be stretches in order"),
        ("arc = [[0.5, 0.5, 0.1, 0.1]]\n", 1, r"arc\[0\] must be four numbers"),
        ("scenes = [\n  { begin = 0 },\n]\n", 1, r"scenes\[0\].end is missing"),
        ("scenes = [{ begin = 1, end = 1 }]\n", 1, r"scenes\[0\].end must be after the begin, 1, not 1"),
        ("scenes = [{ begin = 0, end = 1, place = 3 }]\n", 1, r"no key 'place' in scenes\[0\]; choose from begin"),
        ('ending = "bang"\n', 1, "ending must be one of stop, "),
        ("length = 0\n", 1, "length must be a number from 1 to 14400, not 0"),
        (
            "\n\nversion = 0\n",
            3,
            "is a description of version 0, .* reads 1; write a new one with cmt describe, and carry",
        ),
        ("version = 2\n", 1, r"is a description of version 2, .* reads 1; install a newer one \(pip install -U"),
        ("version = '1'\n", 1, "version must be a whole number from 0 on, not '1'"),
        ("tempo = 80\ntempo = 90\n", 2, r"is no TOML \(Cannot overwrite a value\); correct it"),
        ("tempo = \n", 1, r"is no TOML \(Invalid value\)"),
        ("tempo = 80\nmood = 'calm", 2, "is no TOML"),
    ],
)
def test_every_damage_is_named_with_its_line(text, line, message, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(CmtError) as caught:
        read_description(path)
    said = str(caught.value)
    assert said.startswith(f"{path}:{line}: ") and "\n" not in said
    assert re.match(message, said.removeprefix(f"{path}:{line}: ")), said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tempo = 80\ntempo_range = [90, 100]\n", r"line 1 \(tempo\) and line 2 \(tempo_range\): 80 BPM is not within"),
        (
            'instruments = ["piano"]\n\nmutes = ["drums@0-1"]\n',
            r"line 1 \(instruments\) and line 3 \(mutes\): drums is muted, yet does not play at all",
        ),
        (
            'instruments = ["piano"]\nprograms = ["guitar=30"]\n',
            r"line 1 \(instruments\) and line 2 \(programs\): guitar has a sound, yet does not play",
        ),
        ('sections = ["0:drop"]\nform = "AB"\n', r"line 2 \(form\) and line 1 \(sections\): the form and the section"),
        ('sections = ["1:calm", "1:0.5"]\n', r"line 1 \(sections\): two sections begin at 1 s"),
        ('chords = "B: C"\n', r"line 1 \(chords\): there is no section B"),
        ('instruments = ["drums"]\nchords = "C"\n', r"line 1 \(instruments\) and line 2 \(chords\): drums alone"),
        ("scenes = [{ begin = 0, end = 2 }, { begin = 1, end = 3 }]\n", r"line 1 \(scenes\): scene 2 begins before"),
        ("scenes = [{ begin = 0, end = 2, same_as = 1 }]\n", r"line 1 \(scenes\): scene 1 is the same as scene 1"),
    ],
)
def test_contradictions_are_named_with_their_lines(text, message, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(CmtError, match=message):
        read_description(path)


def test_files_that_are_none_say_so(tmp_path):
    with pytest.raises(CmtError, match=r"none.toml: cannot be read \(No such file or directory\); check the path"):
        read_description(tmp_path / "none.toml")
    with pytest.raises(CmtError, match="says nothing; write a line such as mood = "):
        read_description(written(tmp_path, f"# all open\nversion = {VERSION}\n"))
    path = tmp_path / "picture.toml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(CmtError, match="is no text; give a description"):
        read_description(path)
    path.write_bytes(b"#" * 200_001)
    with pytest.raises(CmtError, match="is larger than"):
        read_description(path)


def test_lines_are_those_of_keys_not_of_what_looks_like_them():
    text = '# tempo = 3\nmood = """\ntempo = 4\n"""\nscenes = [\n  # tempo = 5\n]\ntempo = 6\n'
    assert [line_of(text, name) for name in ("mood", "scenes", "tempo")] == [2, 5, 8]


def test_a_nest_of_brackets_is_an_error_of_one_line(tmp_path):
    depth = sys.getrecursionlimit() * 2
    with pytest.raises(CmtError, match=r"nested too deeply|is no TOML"):
        read_description(written(tmp_path, f"hits = {'[' * depth}{']' * depth}\n"))


def test_options_win_over_a_description_and_it_over_the_mood():
    description = read_words("tense rock, 100 bpm, in D minor, piano, no bass").description
    options = Wishes(tempo=80.0, key=parse_key("C:major"))
    result = described_wishes(description, options, {Instrument.GUITAR: 30}, {"tempo", "key", "programs"})
    assert (result.wishes.tempo, str(result.wishes.key), result.wishes.genre) == (80.0, "C:major", Genre.ROCK)
    assert Instrument.BASS not in result.wishes.instruments and result.programs == {Instrument.GUITAR: 30}
    sources = {told.field: told.source for told in result.told.fields}
    assert sources["tempo"] == sources["key"] == "option" and sources["genre"] == "user"
    assert sources["liveliness"] == "mood" and "tempo_range" not in sources


def test_without_options_the_defaults_stay_where_a_description_is_silent():
    result = described_wishes(read_words("80 bpm").description, Wishes())
    assert result.wishes == Wishes(tempo=80.0) and result.by_mood == ()


def test_a_mood_acts_where_nobody_says_otherwise():
    result = described_wishes(Description(mood=mood_of_word("calm")), Wishes())
    wishes = result.wishes
    assert wishes.tempo_range == tempi_of(mood_of_word("calm")) and wishes.liveliness == 0.28
    assert str(wishes.key) == ":major" and Instrument.DRUMS not in wishes.instruments
    said = described_wishes(
        Description(mood=mood_of_word("calm"), genre=Genre.POP, key=parse_key("A:minor"), tempo=140.0, liveliness=0.9),
        Wishes(),
    ).wishes
    assert (said.tempo, said.tempo_range, str(said.key), said.liveliness) == (140.0, None, "A:minor", 0.9)
    assert said.instruments is None


def test_livelier_moods_are_faster():
    arousals = [mood_of_word(word) for word in ("calm", "tender", "neutral", "hopeful", "tense", "epic")]
    assert [liveliness_of(mood) for mood in arousals] == sorted(liveliness_of(mood) for mood in arousals)
    assert [tempi_of(mood) for mood in arousals] == sorted(tempi_of(mood) for mood in arousals)
    for mood in (Mood(0, -1), Mood(0, 1)):
        low, high = tempi_of(mood)
        assert 20 < low < high < 400


def test_an_option_that_leaves_an_instrument_out_drops_its_mutes_and_says_so():
    description = read_words("no drums until 0:02").description
    result = described_wishes(description, Wishes(instruments=(Instrument.PIANO,)), {}, {"instruments"})
    assert result.wishes.mutes == () and result.told.warnings == ("`mutes` drums@0-2: drums does not play at all",)


def test_an_arc_lies_on_the_piece_whatever_it_lasts_and_under_sections():
    description = read_words("quiet beginning, big ending, intense from 0:04 to 0:05").description
    wishes = described_wishes(description, Wishes()).wishes
    energy = settled(wishes, 12.0).energy
    assert [part[:2] for part in energy.stretches] == [(0.0, 3.0), (4.0, 5.0), (9.0, 12.0)]
    rising = described_wishes(read_words("builds up").description, Wishes()).wishes
    bars = settled(rising, 8.0).energy.by_bar([0, 2, 4, 6, 8])
    assert bars == sorted(bars) and bars[0] < 0.3 < 0.7 < bars[-1]
