"""A take made again that was written for a part of a film or for pictures, loops, fades, or is like a song."""

from __future__ import annotations

import json
import math
from dataclasses import fields, is_dataclass, replace

import pytest
from click.testing import CliRunner
from clips import draw_clip
from pictures import draw_pictures_files
from songs_to_be_like import POP, song_of_chords, write_song

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.part import Part
from cmt.grid.hits import Marker
from cmt.music.key import parse_key
from cmt.music.words import Genre
from cmt.planning.energy import Begin, Energy, MoodFrom, Stretch
from cmt.planning.form import parse_form
from cmt.planning.mutes import Mute
from cmt.planning.progression import parse_chords
from cmt.planning.redo import Redo
from cmt.planning.wished_scenes import WishedScene
from cmt.planning.wishes import Wishes
from cmt.planning.wishes_json import wishes_as_json, wishes_from_json
from cmt.report.values import Value
from cmt.sounds.event import SoundEvent
from cmt.soundtrack.again import Changes, make_again
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output, output_as_json, output_from_json
from midi_io import has_fluidsynth
from midi_io.song import Instrument

WISHES = Wishes(
    genre=Genre.POP,
    instruments=(Instrument.DRUMS, Instrument.BASS),
    key=parse_key("F#:minor"),
    tempo=120.0,
    length=12.0,
    markers=(Marker(1.5, 2.0, "--hit"),),
    tempo_map=True,
    tempo_change=5.0,
    energy=Energy(
        (Stretch(1.0, math.inf, 0.5, 0.25),),
        "--section",
        in_sections=True,
        begins=(Begin(1.0, "intro"),),
        arc=(Stretch(0.0, 1.0, 0.5, 0.75),),
        moods=(MoodFrom(1.0, (-0.5, 0.25)), MoodFrom(2.0, None)),
    ),
    mutes=(Mute(Instrument.BASS, 1.0, math.inf),),
    takes=3,
    chords=parse_chords("C G"),
    form=parse_form("intro:4 A B"),
    tempo_range=(80.0, 130.0),
    liveliness=0.5,
    ending="thin",
    scenes=(WishedScene(0.0), WishedScene(4.0, 0, 0.5, (-0.5, 0.25), "sea")),
    mood=(0.4, -0.2),
    seconds_per_picture=2.0,
    bars=8,
    loop=True,
    like="song.mid",
)
OUTPUT = Output(
    keep_takes=True,
    original_audio="mix",
    duck=None,
    midi_only=True,
    format="flac",
    stems=True,
    loudness=-20.0,
    programs={Instrument.PIANO: 4},
    quantized=True,
    sample_rate=48_000,
    bit_depth=24,
    fade_in=0.5,
    fade_out=2.0,
    marker_kinds=("bars", "sections"),
    timecode="02:00:00:00",
    sounds=0.5,
    sound_library="/sounds",
    sound_events=(SoundEvent(1.0, 0.5, 0.75, -0.5, "hit", "user", 3, "boom.wav"),),
    origin=True,
    page=False,
)


def unlike_the_default(given, default):
    """The names of the fields that have another value."""
    return {field.name for field in fields(given) if getattr(given, field.name) != getattr(default, field.name)}


def test_every_field_of_wishes_is_kept():
    names = {field.name for field in fields(Wishes)} - {"mode"}
    assert unlike_the_default(WISHES, Wishes()) == names, "give WISHES the new field"
    assert WISHES.energy is not None and is_dataclass(Energy)
    assert None not in WISHES.scenes[1], "give its last scene the new field"
    assert unlike_the_default(WISHES.energy, Energy(())) == {field.name for field in fields(Energy)}
    content = json.loads(json.dumps(wishes_as_json(WISHES)))
    assert wishes_from_json(Value(content, "clip.json", "kept.wishes")) == WISHES


def test_a_mode_is_kept_as_part_of_the_key():
    assert wishes_as_json(Wishes(mode="minor"))["key"] == ":minor"
    assert wishes_as_json(Wishes(key="D", mode="minor"))["key"] == "D:minor"


def test_every_field_of_an_output_is_kept_but_overwriting():
    names = {field.name for field in fields(Output)} - {"overwrite"}
    assert unlike_the_default(OUTPUT, Output()) == names, "give OUTPUT the new field"
    content = json.loads(json.dumps(output_as_json(replace(OUTPUT, overwrite=True))))
    assert output_from_json(Value(content, "clip.json", "kept.output")) == OUTPUT


def same_files(made, again, but=()):
    """Whether both folders have the same files, byte for byte, but for the times in reports."""
    assert sorted(file.name for file in again.iterdir()) == sorted(file.name for file in made.iterdir())
    for file in sorted(made.iterdir()):
        if file.name.endswith(but):
            continue
        if file.suffix == ".json":
            one, other = (json.loads((folder / file.name).read_text()) for folder in (made, again))
            del one["stages"], other["stages"]
            assert one == other
        else:
            assert (again / file.name).read_bytes() == file.read_bytes(), file.name


SILENT = {"midi_only": True, "bit_depth": None}
"""Without the sound, which takes most of the time."""


@pytest.fixture(scope="module")
def like(checkpoint, tmp_path_factory):
    """A loop of eight bars that is like a song, with all that editors get, and with sound where it can be made."""
    folder = tmp_path_factory.mktemp("like")
    song = write_song(folder / "song.mid", song_of_chords(POP * 4))
    has_sound = has_fluidsynth()
    output = Output(
        midi_only=not has_sound,
        sample_rate=48_000,
        bit_depth=24 if has_sound else None,
        marker_kinds=("sections", "bars"),
        origin=True,
    )
    wishes = Wishes(bars=8, tempo=120.0, loop=True, like=str(song))
    make_soundtrack(None, folder / "made", wishes, output=output, name="loop")
    return folder


@pytest.mark.slow
def test_a_loop_that_is_like_a_song_comes_again_without_the_song(like, tmp_path):
    song = (like / "song.mid").rename(like / "away.mid")
    try:
        again = make_again(like / "made" / "loop.json", tmp_path / "again")
        same_files(like / "made", tmp_path / "again", but=(".origin.json",))
        origin = json.loads((tmp_path / "again" / "loop.origin.json").read_text())
        assert origin["model"]["comes_with_the_program"] is True
        assert again.report.loop and again.report.like is not None

        redo = Changes(redo=(Redo(None, 3, 4),), output=SILENT)
        redone = make_again(like / "made" / "loop.json", tmp_path / "redone", redo)
        assert any("was written anew copies the song was not looked at" in line for line in redone.report.warnings)
    finally:
        song.rename(like / "song.mid")
    looked = make_again(like / "made" / "loop.json", tmp_path / "looked", redo)
    assert not any("copies" in line for line in looked.report.warnings)
    assert looked.report.kept.lead_sheet.grooves is not None
    assert (tmp_path / "looked" / "loop.mid").read_bytes() == (tmp_path / "redone" / "loop.mid").read_bytes()
    assert (tmp_path / "looked" / "loop.mid").read_bytes() != (like / "made" / "loop.mid").read_bytes()

    slower = make_again(like / "made" / "loop.json", tmp_path / "slower", Changes(tempo=100.0, output=SILENT)).report
    assert slower.duration == pytest.approx(8 * 240 / 100) and slower.grid.n_bar == 8
    assert not any(line.startswith("tempo") for line in slower.like.taken)


@pytest.mark.slow
def test_a_loop_has_no_fades_either_when_it_is_made_again(like, tmp_path):
    with pytest.raises(CmtError, match="`loop`: it has no beginning and no end to fade"):
        make_again(like / "made" / "loop.json", tmp_path / "out", Changes(output={"fade_in": 1.0}))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_number_stands_in_all_names_of_a_second_run(like, tmp_path):
    made = like / "made"
    (tmp_path / "loop.otio").write_text("mine")
    make_again(made / "loop.json", tmp_path, Changes(output=SILENT))
    names = {file.name for file in tmp_path.iterdir()} - {"loop.otio"}
    suffixes = ("html", "mid", "json", "png", "markers.csv", "markers.edl", "fcpxml", "otio", "origin.json")
    assert names == {f"loop-2.{suffix}" for suffix in suffixes}
    assert (tmp_path / "loop.otio").read_text() == "mine"
    told = {file["name"] for file in json.loads((tmp_path / "loop-2.origin.json").read_text())["files"]}
    assert told == names - {"loop-2.origin.json"}


@pytest.mark.slow
def test_pictures_come_again_and_are_missed(checkpoint, tmp_path):
    pictures = draw_pictures_files(tmp_path / "trip", 3)
    output = Output(midi_only=not has_fluidsynth(), sample_rate=48_000)
    wishes = Wishes(seconds_per_picture=1.5)
    made = make_soundtrack(pictures, tmp_path / "made", wishes, output=output, checkpoint=checkpoint)
    again = make_again(tmp_path / "made" / "trip.json", tmp_path / "again")
    same_files(tmp_path / "made", tmp_path / "again")
    assert again.report.pictures == made.report.pictures

    pictures[1].rename(tmp_path / "away.png")
    with pytest.raises(CmtError, match=r"img2\.png: a picture of the take is not there any more; name all its picture"):
        make_again(tmp_path / "made" / "trip.json", tmp_path / "out")
    with pytest.raises(CmtError, match=r"img1\.png: 2 pictures, where the take in .*trip\.json shows 3; name as many"):
        make_again(tmp_path / "made" / "trip.json", tmp_path / "out", video=[pictures[0], pictures[2]])
    others = [pictures[0], tmp_path / "away.png", pictures[0]]
    changed = make_again(tmp_path / "made" / "trip.json", tmp_path / "changed", video=others)
    assert any(line.startswith("the pictures have changed since") for line in changed.report.warnings)
    assert (tmp_path / "changed" / "trip.mid").read_bytes() == (tmp_path / "made" / "trip.mid").read_bytes()
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_part_of_a_film_with_fades_comes_again(checkpoint, tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4", 4.0)
    sound = {"fade_in": 0.25, "fade_out": 0.5, "bit_depth": 24} if has_fluidsynth() else {"midi_only": True}
    make_soundtrack(
        clip,
        tmp_path / "made",
        config=GenerateConfig(seed=4),
        output=Output(**sound),
        part=Part(1.0, 3.0),
        checkpoint=checkpoint,
    )
    again = make_again(tmp_path / "made" / "clip.json", tmp_path / "again")
    same_files(tmp_path / "made", tmp_path / "again")
    assert again.report.part == (1.0, 3.0) and again.report.picture.video == str(clip)


@pytest.mark.slow
def test_the_command_gives_a_finished_take_what_editors_want(like, tmp_path):
    arguments = ["--from", like / "made" / "loop.json", "-o", tmp_path, "--midi-only", "--markers", "--timecode"]
    result = CliRunner().invoke(main, ["generate", *map(str, arguments), "02:00:00:00", "-q"])
    assert result.exit_code == 0, result.output
    kept = json.loads((tmp_path / "loop.json").read_text())["kept"]["output"]
    assert (kept["timecode"], kept["sample_rate"], "cuts" in kept["marker_kinds"]) == ("02:00:00:00", 48_000, True)
