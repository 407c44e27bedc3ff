"""The report: what is written is read back the same, and what is damaged is one line that names the place."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.ducking import GainPoint
from cmt.film.speech import Span
from cmt.grid.hits import Hit, Marker
from cmt.music.chords import number_of, parse_chord
from cmt.music.key import KEYS, Key
from cmt.music.lead_sheet import empty_sheet
from cmt.music.profile import RhythmProfile, SimuNote
from cmt.music.words import Genre, Mode
from cmt.report.description import FieldTold
from cmt.report.kept import Kept, Redone
from cmt.report.like import Distance, LikeTold, Shared
from cmt.report.parts import (
    Asked,
    EnergyAsked,
    EnergyStretch,
    Model,
    MuteAsked,
    Picture,
    SectionWritten,
    StrengthAsked,
    Take,
    chords_of,
    grid_of,
    sections_of,
)
from cmt.report.report import SCHEMA, Report, looks_like_report
from cmt.report.scenes import MoodSeen, SceneSeen
from cmt.report.sounds import SoundsTold
from cmt.report.speech import Speech
from cmt.report.values import Value
from cmt.sounds.event import SoundEvent
from midi_io.performance import Voice
from midi_io.song import Instrument, Knot, Timeline
from video_rhythm import VisualBeat

ADDED = frozenset(
    "phase bar_borders tempo_map hits markers energy energy_per_bar mutes dynamics guidance note_nucleus int8 takes"
    " picture_stream loudness chords form band quantized speech format stems description scenes mood_per_bar like"
    " pictures sample_rate bit_depth fade_in fade_out loop part kept sounds".split()
)
"""The keys that the first reports lack."""


SHEET = "section=A begins chords=Am,? players=drums,bass kit=kick,tick energy=?"


def full_report():
    """A report in which every part says something."""
    timeline = Timeline((Knot(0.0, 0.0), Knot(16.0, 2.0), Knot(32.0, 4.1)), length=32)
    return Report(
        picture=Picture(
            video="/videos/clip.mp4",
            stream=0,
            fps=24.0,
            visual_tempo=None,
            visual_beats=(VisualBeat(1.25, 0.5),),
            cuts=(2.0,),
            speed_per_bar=(0.1, 0.25),
        ),
        duration=4.1,
        grid=grid_of(timeline, [Hit(2.0, 1.0, "cut"), Hit(3.0, 3.0, "marker")]),
        length_in_beats=8.0,
        markers=(Marker(3.0, 2.0),),
        energy=EnergyAsked("curve.csv", (EnergyStretch(0, 4.1, 0.1, 0.9),)),
        energy_per_bar=(0.3, None),
        mutes=(MuteAsked(Instrument.DRUMS, 0.0, 1.0),),
        genre=Genre.POP,
        instruments=(Instrument.DRUMS, Instrument.BASS),
        instruments_asked=(Instrument.DRUMS, Instrument.BASS),
        key=Key(6, Mode.MINOR),
        config=GenerateConfig(control=1.0, seed=7),
        n_word=120,
        asked=Asked((4, None), (StrengthAsked(0, 8, Instrument.BASS, 2), StrengthAsked(1, 0, Instrument.DRUMS, None))),
        obtained=RhythmProfile((4, 6), (SimuNote(0, 8, Instrument.BASS, 2),)),
        versions={"numpy": "2.0", "av": None},
        original_audio="mix",
        speech=Speech(10.0, (Span(0.5, 1.5),), (0,), (GainPoint(0.0, -6.0), GainPoint(4.1, -20.0)), 1.5, -15.0),
        chords=(("C",), ("Am", "F")),
        form=(SectionWritten("A", 0, 0.0), SectionWritten("drop", 1, 2.0)),
        scenes=(
            SceneSeen(
                0.0,
                4.1,
                "blue",
                (0.1, 0.2, 0.5),
                0.2,
                0.1,
                0.4,
                -1.0,
                0.5,
                1.5,
                12.0,
                None,
                MoodSeen(-0.5, 0.25, 0.75),
                "coast",
                0.75,
            ),
        ),
        mood_per_bar=(MoodSeen(-0.5, 0.0, 1.0), MoodSeen(0.5, 0.25, 0.0)),
        takes=(Take(7, "clip.mid", (), 0.5, None, 0.5, ("polyphony 9.00 (real songs 1.00 to 4.00)",), 0.7),),
        warnings=("a line",),
        checkpoint=Model("abc", {"words": 5, "data": {"pack": "lpd"}}),
        soundfont="font.sf2",
        band=(Voice(Instrument.DRUMS, 0, "standard kit"), Voice(Instrument.PIANO, 4, "electric piano 1", doubled=True)),
        quantized=False,
        format="flac",
        sounds=SoundsTold(0.5, (SoundEvent(1.0, 0.5, 0.75, -0.5, "hit", "user", 3, "boom.wav"),)),
        stems=True,
        sample_rate=48_000,
        bit_depth=24,
        fade_in=0.5,
        fade_out=2.0,
        loop=True,
        part=(10.0, 14.1),
        loudness=-14.0,
        description=(FieldTold("tempo", "80", "user", "80 bpm"),),
        like=LikeTold(
            "song.mid",
            "/music/song.mid",
            7,
            (Distance("tempo", 0.25, "90 BPM, asked 100"),),
            ("chords: I | V",),
            (4, None),
            Shared(5, Instrument.BASS, 2.0),
            1,
        ),
        kept=Kept(
            name="clip",
            seed=6,
            wishes={"genre": "pop"},
            output={"format": "flac"},
            video_sha256="abc",
            part=(10.0, None),
            timeline=timeline,
            ending="thin",
            rests={Instrument.DRUMS: frozenset({0, 1, 5})},
            liveliness=(0.25, 0.5),
            paces=(0.5, None),
            calm_bars=(1,),
            key=Key(9, Mode.MINOR),
            sheet=(SHEET, f"{SHEET} repeats=1 exactly=bass"),
            sheet_mode=Mode.MINOR,
            left_out=(),
            bars=("0 drums 36 42; 8 bass 40:4", ""),
            told=("a warning",),
            warned=("another",),
            impossible=("an order",),
            redone=(Redone(("1", "bass@2"), 8, 1.0, 1.0, "def", {0: "0 drums 36"}),),
            moved=-3,
            tempo=90.0,
            muted=({"instrument": "drums", "begin": 0.0, "end": None},),
        ),
        stages={"analyze": 0.5},
    )


def reports():
    full = full_report()
    bare = replace(
        full,
        picture=None,
        energy=None,
        genre=None,
        instruments_asked=None,
        soundfont=None,
        takes=(),
        speech=None,
        like=None,
        kept=None,
        sounds=None,
    )
    return [full, bare]


def as_json(report):
    """As it is read from a file."""
    return json.loads(json.dumps(report.as_json()))


@pytest.mark.parametrize("report", reports(), ids=["full", "bare"])
def test_what_is_written_is_read_back_the_same(report):
    content = as_json(report)
    assert next(iter(content.items())) == ("schema", SCHEMA)
    assert Report.from_json(content, "clip.json") == report
    assert Report.from_json({"a key of": ["another", "version"], **content}, "clip.json") == report


def test_reports_without_a_picture_have_the_same_keys():
    full, bare = map(as_json, reports())
    assert list(full) == list(bare)
    assert (bare["video"], bare["visual_beats"], bare["speed_per_bar"]) == (None, [], None)


def test_files_from_before_the_form_had_a_number_are_read():
    content = as_json(full_report())
    del content["schema"]
    assert Report.from_json(content, "clip.json") == full_report()
    for key in ADDED:
        del content[key]
    old = Report.from_json(content, "clip.json")
    assert (old.asked, old.obtained, old.duration) == (full_report().asked, full_report().obtained, 4.1)
    assert (old.takes, old.markers, old.energy, old.grid.bar_borders, old.grid.hits.all.n_hit) == ((), (), None, (), 0)
    assert (old.chords, old.form, old.speech) == ((), (), None)
    assert (old.scenes, old.mood_per_bar, old.like) == ((), (), None)
    assert (old.config.dynamics, old.config.guidance, old.config.note_nucleus) == ("absolute", 1.0, old.config.nucleus)


def test_a_scene_of_an_older_report_shows_nothing():
    content = as_json(full_report())
    for key in ("shows", "shows_certainty"):
        del content["scenes"][0][key]
    (scene,) = Report.from_json(content, "clip.json").scenes
    assert (scene.shows, scene.shows_certainty, scene.colour) == (None, None, "blue")


def test_a_report_of_a_newer_form_says_what_to_do():
    with pytest.raises(CmtError, match=r"^clip\.json: is a report of form 2, .* up to 1; install a newer one \(pip"):
        Report.from_json(as_json(full_report()) | {"schema": 2}, "clip.json")


@pytest.mark.parametrize("key", [key for key in full_report().as_json() if key not in ADDED | {"schema"}])
def test_every_missing_key_is_named(key):
    content = as_json(full_report())
    del content[key]
    with pytest.raises(CmtError, match=rf"^clip\.json: {key} is missing; make it anew, or remove it to do without$"):
        Report.from_json(content, "clip.json")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("schema", "1", "schema must be a whole number from 0 on, not '1'"),
        ("density_asked", [99], r"density_asked\[0\] must be a whole number from 0 to 16, not 99"),
        ("density_asked", [1.5], r"density_asked\[0\] must be a whole number from 0 to 16, not 1.5"),
        ("density_asked", 4, "density_asked must be a list, not 4"),
        ("strength_asked", [{"bar": 0}], r"strength_asked\[0\].position is missing"),
        ("strength_asked", [7], r"strength_asked\[0\] must be an object, not 7"),
        ("duration", 0, "duration must be a number above 0, not 0"),
        ("duration", float("nan"), "duration must be a finite number, not nan"),
        ("tempo", True, "tempo must be a number, not True"),
        ("genre", "jazz", "genre must be one of country, dance, .*, not 'jazz'"),
        ("genre", ["pop"], r"genre must be one of .*, not \['pop'\]"),
        ("instruments_asked", ["drums", "flute"], r"instruments_asked\[1\] must be one of drums, .*, not 'flute'"),
        ("key", "C", "key must be a key, such as F#:minor, not 'C'"),
        ("key", None, "key must be a text, not None"),
        ("hits", {}, "hits.all is missing"),
        ("chords", [["C"], [7]], r"chords\[1\]\[0\] must be a text, not 7"),
        ("form", [{"name": "A", "bar": 0}], r"form\[0\].seconds is missing"),
        ("warnings", ["a" * 100, 3], r"warnings\[1\] must be a text, not 3"),
        ("warnings", "a" * 100, r"warnings must be a list, not 'a{36}\.\.\."),
    ],
)
def test_every_damaged_value_is_named(key, value, message):
    with pytest.raises(CmtError, match=rf"^clip\.json: {message}; make it anew, or remove it to do without$"):
        Report.from_json(as_json(full_report()) | {key: value}, "clip.json")


@pytest.mark.parametrize("content", [None, 7, [], "density_asked"])
def test_what_is_no_object_is_no_report(content):
    assert not looks_like_report(content)
    with pytest.raises(CmtError, match=r"^clip\.json: the content must be an object, not"):
        Report.from_json(content, "clip.json")


def test_other_json_does_not_look_like_a_report():
    assert not looks_like_report({"schema": "https://example.org", "name": "something else"})
    assert looks_like_report({"schema": 2}) and looks_like_report({"density_asked": [99]})


def test_a_lead_sheet_is_told_in_the_key_and_the_names_of_the_piece():
    timeline = Timeline.steady(120.0, 48)
    numbers = [number_of(parse_chord(name)) for name in ("C", "C", "Am", "F")]
    sheet = replace(
        empty_sheet(3),
        chords=np.array([*numbers, 0, -1]),
        begins=np.array([True, True, True]),
        letters=np.array([0, 1, -1]),
    )
    assert chords_of(sheet, KEYS["C:major"]) == (("C",), ("Am", "F"), ("N", "?"))
    assert chords_of(sheet.transposed(-3), KEYS["A:major"]) == (("A",), ("F#m", "D"), ("N", "?"))
    assert sections_of(sheet, timeline) == (("A", 0, 0.0), ("B", 1, 2.0), ("?", 2, 4.0))
    assert [section.name for section in sections_of(sheet, timeline, {1: "drop"})] == ["A", "drop", "?"]


def test_a_whole_number_that_no_float_holds_is_a_fault():
    with pytest.raises(CmtError, match="must be a finite number"):
        Value(10**400, "clip.json", "grid.tempo").number()


def test_whole_numbers_that_numpy_cannot_hold_are_floats():
    for content, type_ in ((3, int), (2**53 - 1, int), (2**63, float), (-(2**100), float)):
        number = Value(content, "clip.json", "duration").number()
        assert number == content and type(number) is type_
