"""Words: fifteen sentences and what they ask, negations among them; what is not understood is said."""

import random

import pytest

from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.meaning.file import read_description, write_description
from cmt.meaning.lexicon import (
    ARC_WORDS,
    ENSEMBLES,
    GENRE_WORDS,
    LEVEL_WORDS,
    MOOD_WORDS,
    N_PHRASES,
    NEGATIONS,
    SOUND_WORDS,
    TEMPO_WORDS,
    Stretch,
)
from cmt.meaning.mood import MOODS, Mood, mixture, mood_of_word, nearest_word
from cmt.meaning.tokens import MOST_CHARACTERS, folded
from cmt.meaning.wishing import described_wishes
from cmt.meaning.words import read_mood, read_words
from cmt.music.key import parse_key
from cmt.music.words import Genre
from cmt.planning.energy import Section
from cmt.planning.form import parse_form
from cmt.planning.mutes import parse_mute
from cmt.planning.progression import parse_chords
from cmt.planning.wishes import Wishes, settled
from midi_io.song import Instrument

DRUMS, PIANO, GUITAR, BASS, STRINGS = Instrument
ALL = tuple(Instrument)


def asked(text):
    return read_words(text).description.values


def test_the_sentence_of_the_guide_is_told_as_it_was_understood():
    said = "melancholic piano for a rainy street, no drums, 80 bpm, in D minor, big ending"
    understood = read_words(said)
    assert str(understood) == (
        "understood mood melancholic (valence -0.6, arousal -0.4), piano, no drums, 80 BPM, D:minor, big ending; "
        "not understood: rainy street"
    )
    assert understood.description.values == {
        "mood": Mood(-0.6, -0.4),
        "arc": (Stretch(0.75, 1, 0.9, 0.9),),
        "instruments": (PIANO,),
        "tempo": 80.0,
        "key": parse_key("D:minor"),
    }
    assert understood.description.origin("tempo") == ("user", "80 bpm")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "happy pop with drums and acoustic guitar, around 120, in C major",
            {
                "mood": Mood(0.8, 0.4),
                "genre": Genre.POP,
                "instruments": ALL,
                "programs": {GUITAR: 25},
                "tempo_range": (112.8, 127.2),
                "key": parse_key("C:major"),
            },
        ),
        (
            "epic orchestral music, quiet beginning, big ending",
            {
                "mood": Mood(0.35, 0.85),
                "arc": (Stretch(0, 0.25, 0.1, 0.1), Stretch(0.75, 1, 0.9, 0.9)),
                "instruments": (PIANO, STRINGS),
                "programs": {PIANO: 0, STRINGS: 48},
            },
        ),
        (
            "techno, fast, drop at 12 s, hit at 3.5 s",
            {
                "genre": Genre.ELECTRONIC,
                "tempo_range": (126, 165),
                "sections": (Section(12, 0.9, "drop"),),
                "hits": (Marker(3.5),),
            },
        ),
        (
            "sad, a little hopeful, flute and piano",
            {"mood": Mood(-0.36, -0.28), "instruments": (PIANO, STRINGS), "programs": {STRINGS: 73}},
        ),
        (
            "heavy metal with distorted guitar, very fast, drums from 0:10",
            {
                "genre": Genre.METAL,
                "instruments": ALL,
                "programs": {GUITAR: 30},
                "tempo_range": (132, 187),
                "mutes": (parse_mute("drums@0-10"),),
            },
        ),
        (
            "form AABA, chords C G Am F, jazz",
            {
                "form": parse_form("AABA"),
                "chords": parse_chords("C G Am F"),
                "instruments": (DRUMS, PIANO, BASS),
                "programs": {DRUMS: 32, PIANO: 0, BASS: 32},
            },
        ),
        (
            "a 30 second long playful tune, builds up to a fade out",
            {
                "length": 30.0,
                "mood": Mood(0.6, 0.45),
                "arc": (Stretch(0, 1, 0.15, 0.9),),
                "ending": "thin",
            },
        ),
        (
            "calm until 0:10, intense from 0:20 to 0:30, between 80 and 100 bpm",
            {
                "sections": (Section(0, 0.1), Section(10, None), Section(20, 0.9), Section(30, None)),
                "tempo_range": (80.0, 100.0),
            },
        ),
        (
            "verse chorus verse chorus, F# minor, at least 120 bpm",
            {
                "form": parse_form("verse chorus verse chorus"),
                "key": parse_key("F#:minor"),
                "tempo_range": (120.0, 180.0),
            },
        ),
        (
            "ruhige Klaviermusik ohne Schlagzeug, langsam, in a-Moll",
            {
                "mood": Mood(0.4, -0.75),
                "instruments": (PIANO,),
                "tempo_range": (60, 84),
                "key": parse_key("A:minor"),
            },
        ),
    ],
)
def test_what_sentences_ask(text, values):
    understood = read_words(text)
    found = understood.description.values
    if "hits" in found:
        found["hits"] = tuple(Marker(hit.time) for hit in found["hits"])
    assert found == values
    assert understood.passed_over == ()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (
            "not happy, no guitar, never loud, nothing too fast",
            {
                "mood": Mood(-0.4, -0.2),
                "liveliness": 0.3,
                "instruments": (DRUMS, PIANO, BASS, STRINGS),
                "tempo_range": (70.0, 113),
            },
        ),
        (
            "tense, dark strings without drums or bass, not slow",
            {"mood": Mood(-0.55, 0.35), "instruments": (STRINGS,), "tempo_range": (90, 180.0)},
        ),
        ("rock without piano, bass or strings", {"genre": Genre.ROCK, "instruments": (DRUMS, GUITAR)}),
        ("not in minor, no drums until 0:08", {"key": parse_key(":major"), "mutes": (parse_mute("drums@0-8"),)}),
        (
            "música triste con guitarra, sin batería, pas trop vite, no distorted guitar",
            {
                "mood": Mood(-0.7, -0.45),
                "instruments": (GUITAR,),
                "programs": {GUITAR: 24},
                "tempo_range": (70.0, 113),
            },
        ),
        ("no drums, piano and strings", {"instruments": (PIANO, STRINGS)}),
        ("dreamy, but not sad, no fade out", {"mood": Mood(0.42, -0.44), "ending": "full"}),
    ],
)
def test_what_is_negated(text, values):
    understood = read_words(text)
    assert understood.description.values == values
    assert understood.passed_over == ()


@pytest.mark.parametrize("text", ["a dog runs along the beach", "xyzzy plugh", "photosynthesis of ferns, 4k", "", "!?"])
def test_where_nothing_is_understood_it_says_so_and_what_would_be(text):
    with pytest.raises(CmtError, match=r"^nothing is understood of '.*'; write, for example, calm piano, no drums"):
        read_words(text)


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("sad piano for a rainy street", ("rainy street",)),
        ("house at 124 bpm, slow, with vocals", ("slow", "vocals")),
        ("pop, not rock", ("rock",)),
        ("calm, with a drop", ("drop",)),
        ("choir and flute", ("flute",)),
        ("no drums, loud drums", ("loud drums",)),
        ("happy, tempo 5000 bpm", ("5000",)),
        ("G minor, D minor", ()),
    ],
)
def test_what_is_passed_over_is_told(text, passed):
    assert read_words(text).passed_over == passed


@pytest.mark.parametrize("text", ["solo piano", "only piano, pop", "just a piano"])
def test_who_plays_alone(text):
    assert asked(text)["instruments"] == (PIANO,)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("in D minor", "D:minor"),
        ("Bb major", "Bb:major"),
        ("in f sharp minor", "F#:minor"),
        ("E-flat major", "Eb:major"),
        ("in a minor key", ":minor"),
        ("in a minor", "A:minor"),
        ("h-Moll", "B:minor"),
        ("B-Dur", "Bb:major"),
        ("Es-Dur", "Eb:major"),
        ("fis-Moll", "F#:minor"),
        ("re menor", "D:minor"),
        ("en la mineur", "A:minor"),
        ("key of G", "G"),
        ("A:minor", "A:minor"),
        ("major", ":major"),
    ],
)
def test_keys_as_people_write_them(text, key):
    assert asked(text) == {"key": parse_key(key)}


@pytest.mark.parametrize(
    ("text", "tempi"),
    [
        ("80-100 bpm", (80, 100)),
        ("at 100 to 90 bpm", (90, 100)),
        ("about 100", (94, 106)),
        ("under 100 bpm", (60, 100)),
        ("no faster than 70 bpm", (56, 70)),
        ("very slow", (50, 78)),
        ("a bit fast", (115, 128)),
        ("adagio", (60, 84)),
    ],
)
def test_ranges_of_tempi(text, tempi):
    assert asked(text)["tempo_range"] == pytest.approx(tempi)


def test_moods_lie_where_they_should():
    assert len(MOODS) >= 40
    assert all(nearest_word(Mood(*place)) == word for word, place in MOODS.items())
    assert mood_of_word("happy", 5) == Mood(1, 1) and mood_of_word("sad", 0.4) == Mood(-0.28, -0.18)
    quadrants = {"happy": (1, 1), "calm": (1, -1), "sad": (-1, -1), "tense": (-1, 1)}
    for word, (valence, arousal) in quadrants.items():
        assert MOODS[word][0] * valence > 0 < MOODS[word][1] * arousal


def test_a_mixture_lies_between_its_words_and_away_from_what_it_is_not():
    sad, hopeful = Mood(*MOODS["sad"]), Mood(*MOODS["hopeful"])
    mixed = mixture([("sad", 1.0), ("hopeful", 0.4)])
    assert sad.valence < mixed.valence < hopeful.valence and sad.arousal < mixed.arousal < hopeful.arousal
    assert mixture([], ["sad"]).valence > 0
    assert mixture([("dreamy", 1.0)], ["sad"]).valence > MOODS["dreamy"][0]


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("tense", Mood(-0.5, 0.6)),
        ("Melancholic", Mood(-0.6, -0.4)),
        ("sad, a little hopeful", Mood(-0.36, -0.28)),
        ("very calm", Mood(0.52, -0.97)),
        ("not happy", Mood(-0.4, -0.2)),
        ("traurig", Mood(-0.7, -0.45)),
    ],
)
def test_moods_in_words(text, mood):
    assert read_mood(text) == mood
    assert read_mood(read_mood(text).words) == mood, "what it is called is read as the same"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("melancolly", r"^no mood 'melancolly'; did you mean melancholy"),
        ("zzz", r"^no mood 'zzz'; choose from happy, joyful, .*, neutral$"),
        ("calm piano", r"^'calm piano' says more than a mood; say it with `describe`, or leave the rest out$"),
        ("happy street", r"^no mood 'street'; "),
    ],
)
def test_what_is_no_mood_is_said_with_what_is_near(text, message):
    with pytest.raises(CmtError, match=message):
        read_mood(text)


def test_the_lexicon_is_written_as_texts_are_looked_up():
    assert N_PHRASES >= 600
    for table in (MOOD_WORDS, SOUND_WORDS, LEVEL_WORDS):
        assert [phrase for phrase in table if folded(phrase) != phrase or not phrase] == []


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(CmtError, match=r"^a text of 2001 characters: must have 2000 at most"):
        read_words("a" * (MOST_CHARACTERS + 1))


def test_who_is_silent_for_a_time_plays_at_others():
    assert asked("piano, no drums until 0:10")["instruments"] == (DRUMS, PIANO)
    values = asked("acoustic piano, flute from 0:10")
    assert values["instruments"] == (PIANO, STRINGS) and values["programs"] == {PIANO: 0, STRINGS: 73}


@pytest.mark.parametrize("text", ["happy until 0:00", "calm from 0:20 until 0:10, pop", "pop for 0 s", "pop, 5-20 bpm"])
def test_times_and_numbers_that_cannot_be_are_passed_over(text):
    try:
        understood = read_words(text)
    except CmtError as error:
        assert str(error).startswith("nothing is understood")  # noqa: PT017
    else:
        assert understood.passed_over and set(understood.description.values) == {"genre"}


def test_every_sentence_makes_a_description_that_its_own_file_can_hold(tmp_path):
    phrases = [*MOOD_WORDS, *SOUND_WORDS, *LEVEL_WORDS, *GENRE_WORDS, *TEMPO_WORDS, *ARC_WORDS, *NEGATIONS, *ENSEMBLES]
    phrases += ["at 12 s", "from 0:10", "until 3 s", "in D minor", "AABA", "chords C G", "about 100", "or", ",", "drop"]
    rng = random.Random(0)
    for _ in range(200):
        text = " ".join(rng.choice(phrases) for _ in range(rng.randint(1, 12)))
        try:
            description = read_words(text).description
        except CmtError as error:
            assert str(error).startswith("nothing is understood")  # noqa: PT017
            continue
        write_description(description, tmp_path / "a.toml")
        assert read_description(tmp_path / "a.toml").values.keys() == description.values.keys(), text
        settled(described_wishes(description, Wishes()).wishes, 60.0)
