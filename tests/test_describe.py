"""`cmt describe`, then `cmt generate --describe`, then the report: what is asked is obeyed, or a warning tells."""

import json
from dataclasses import replace

import mido
import pytest
from click.testing import CliRunner
from clips import draw_clip

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.meaning.description import Description
from cmt.meaning.file import read_description
from cmt.meaning.mood import mood_of_word
from cmt.meaning.seen import description_of_video, scenes_of_plan, with_looks
from cmt.meaning.wishing import described_wishes
from cmt.meaning.words import read_words
from cmt.planning.plan import plan_music
from cmt.planning.wished_scenes import WishedScene
from cmt.planning.wishes import Wishes, settled
from cmt.report.scenes import MoodSeen
from cmt.soundtrack.batch import Settings
from cmt.soundtrack.output import Output
from midi_io import read_midi
from midi_io.song import Instrument
from video_rhythm import Sight, analyze

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 8.0)


@pytest.fixture(scope="module")
def rhythm(clip):
    return analyze(clip)


def run(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result


def generate(folder, checkpoint, *arguments):
    """What is printed, the report, and the MIDI file."""
    result = run("generate", *arguments, "--midi-only", "--checkpoint", checkpoint, "-o", folder)
    (report,) = folder.glob("*.json")
    return result, json.loads(report.read_text()), report.with_suffix(".mid")


def programs_of(midi):
    """The programs of a MIDI file by the names of its tracks."""
    tracks = mido.MidiFile(midi).tracks
    return {track.name: {event.program for event in track if event.type == "program_change"} for track in tracks}


def test_a_description_that_nobody_changed_gives_the_same_music(clip, checkpoint, tmp_path):
    run("describe", clip, "-o", tmp_path / "clip.toml")
    _, _, plain = generate(tmp_path / "plain", checkpoint, clip)
    _, report, described = generate(tmp_path / "described", checkpoint, clip, "--describe", tmp_path / "clip.toml")
    assert plain.read_bytes() == described.read_bytes()
    assert [told["field"] for told in report["description"]] == ["scenes", "instruments", "tempo"]


def test_all_that_is_asked_in_words_is_done(clip, checkpoint, tmp_path):
    said = "calm pop, flute, distorted guitar, no bass, no drums until 0:02, 96 bpm, in D minor, hit at 5 s, fade out"
    result, report, midi = generate(tmp_path, checkpoint, clip, "--describe", said)
    assert result.output.startswith(
        "understood mood calm (valence 0.4, arousal -0.75), pop, flute, distorted guitar, no "
    )
    assert "\nmood     calm (valence 0.4, arousal -0.75) sets liveliness 0.28\n" in result.output
    song = read_midi(midi)
    drums = [song.seconds(note.position) for note in song.notes if note.instrument is Instrument.DRUMS]
    assert Instrument.BASS not in song.instruments and min(drums, default=2) >= 2
    assert song.tempo == pytest.approx(96, abs=0.01)
    assert (report["key"], report["genre"]) == ("D:minor", "pop")
    sounds = {voice["instrument"]: voice["program"] for voice in report["band"]}
    assert sounds["guitar"] == 30 and sounds["strings"] == 73
    assert {30, 73} <= set().union(*programs_of(midi).values())
    assert [marker["time"] for marker in report["markers"]] == [5.0]
    told = {one["field"]: (one["value"], one["source"]) for one in report["description"]}
    assert told["tempo"] == ("96", "user") and told["liveliness"] == ("0.28", "mood")


def test_a_file_is_obeyed_after_any_edit(clip, checkpoint, tmp_path):
    path = tmp_path / "clip.toml"
    run("describe", clip, "calm piano", "-o", path)
    text = path.read_text()
    assert 'instruments = ["piano"]  # user: piano' in text and "tempo = " in text
    path.write_text(
        "scenes = [{ begin = 0, end = 4 }, { begin = 4, end = 6 }, { begin = 6, end = 8, same_as = 1 }]\n"
        'mutes = ["piano@0-1"]\ntempo = 120\nkey = "A:minor"\narc = [[0, 1, 0.05, 0.95]]\n'
    )
    _, report, midi = generate(tmp_path / "out", checkpoint, clip, "--describe", path)
    assert [(section["name"], section["seconds"]) for section in report["form"]] == [("A", 0), ("B", 4), ("A", 6)]
    assert (
        report["energy_per_bar"] == sorted(report["energy_per_bar"]) and report["energy"]["source"] == "the description"
    )
    assert (report["tempo"], report["key"]) == (120, "A:minor")
    piano = [note for note in read_midi(midi).notes if note.instrument is Instrument.PIANO]
    assert min(note.position for note in piano) >= 8
    assert report["description"][0]["reason"] == f"{path}:1"


def test_options_win_over_a_file(clip, checkpoint, tmp_path):
    path = tmp_path / "clip.toml"
    path.write_text('tempo = 90\nkey = "A:minor"\ninstruments = ["piano", "bass"]\n')
    options = ["--describe", path, "--tempo", "120", "--instruments", "strings"]
    _, report, _ = generate(tmp_path / "out", checkpoint, clip, *options)
    assert (report["tempo"], report["key"], report["instruments"]) == (120, "A:minor", ["strings"])
    sources = {told["field"]: told["source"] for told in report["description"]}
    assert sources == {"instruments": "option", "tempo": "option", "key": "user"}


def test_a_mood_alone_changes_tempo_mode_and_drums(checkpoint, tmp_path):
    reports = {}
    for mood in ("sad", "very calm", "tense"):
        _, reports[mood], _ = generate(tmp_path / mood, checkpoint, "--length", "12", "--mood", mood)
    assert [reports[mood]["key"].partition(":")[2] for mood in reports] == ["minor", "major", "minor"]
    assert reports["very calm"]["tempo"] < reports["sad"]["tempo"] < reports["tense"]["tempo"]
    assert "drums" not in reports["very calm"]["instruments_asked"]
    assert "drums" in reports["tense"]["instruments_asked"]


def test_a_length_in_words_is_music_without_a_video(checkpoint, tmp_path, clip):
    _, report, _ = generate(tmp_path / "a", checkpoint, "--describe", "a 6 second long happy tune")
    assert report["duration"] == 6
    result, report, _ = generate(tmp_path / "b", checkpoint, clip, "--describe", "happy, 6 seconds long")
    assert report["duration"] == 8
    assert "warning: length 6 s: the music is as long as the video\n" in result.stderr
    assert report["warnings"] == ["length 6 s: the music is as long as the video"]


def test_a_range_that_no_number_of_bars_has_is_a_warning(checkpoint, tmp_path):
    result, report, _ = generate(tmp_path, checkpoint, "--length", "5", "--describe", "60-70 bpm")
    said = "the tempo is 48.0 BPM: no whole number of bars at 60 to 70 BPM lasts 5.00 s"
    assert report["warnings"] == [said] and f"warning: {said}\n" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--describe", "none.toml"], "none.toml: cannot be read (No such file or directory); check the path"),
        (["--describe", "xyzzy"], "nothing is understood of 'xyzzy'; write, for example, calm piano, no drums, 80 bpm"),
        (["--mood", "melancolly"], "no mood 'melancolly'; did you mean melancholy"),
        (["--mood", "calm piano"], "'calm piano' says more than a mood; say it with --describe, or leave the rest out"),
        (["--describe", "drop at 12 s"], "the description: 12 s lies outside the piece, which lasts 4.000 s; give an"),
        (["--describe", "5 bpm, happy", "--tempo-change", "3"], "--tempo-change says how far"),
    ],
)
def test_what_is_wrong_is_one_line(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["generate", "--length", "4", "--midi-only", *options])
    assert result.exit_code in (1, 2) and result.stderr.splitlines()[-1].startswith(f"cmt: {message}"), result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.mp4"], "none.mp4: no such file; check the path"),
        (["calm", "-o", "clip.txt"], "-o clip.txt: give it the suffix .toml, by which --describe knows a file"),
        (["xyzzy"], "nothing is understood of 'xyzzy'; write"),
    ],
)
def test_what_cannot_be_described_is_one_line(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["describe", *arguments])
    assert result.exit_code in (1, 2) and result.stderr.startswith(f"cmt: {message}")
    assert list(tmp_path.iterdir()) == []


def test_words_become_a_file_that_says_the_same(tmp_path):
    said = "sad, a little hopeful, strings, 80-90 bpm, verse chorus verse"
    result = run("describe", said, "-o", tmp_path / "a.toml")
    assert result.output.splitlines()[0].startswith("understood mood sad, a little hopeful")
    assert read_description(tmp_path / "a.toml") == read_words(said).description
    printed = run("describe", said, "-q").stdout
    assert printed.startswith("# Music for ") and 'mood = "sad, a little hopeful"' in printed


def test_a_video_is_described_with_reasons(rhythm):
    plan = plan_music(rhythm, settled(Wishes(), rhythm.duration), GenerateConfig())
    seen = description_of_video(rhythm, plan)
    assert seen.tempo == plan.timeline.tempo and seen.mood is None
    assert seen.scenes[0].begin == 0 and seen.scenes[-1].end == pytest.approx(8, abs=1e-3)
    assert seen.origin("tempo").source == "picture" and "speaks" in seen.origin("genre").reason


def test_what_a_scene_shows_is_told_with_its_percent(rhythm):
    plan = plan_music(rhythm, settled(Wishes(), rhythm.duration), GenerateConfig())
    seen = replace(rhythm, scenes=tuple(scene._replace(shows=Sight("coast", 0.77)) for scene in rhythm.scenes))
    unknown = replace(rhythm, scenes=tuple(scene._replace(shows=None) for scene in rhythm.scenes))
    told, silent = (description_of_video(one, plan) for one in (seen, unknown))
    assert {scene.shows for scene in told.scenes} == {"coast"} and {scene.shows for scene in silent.scenes} == {None}
    assert "shows coast (77% sure)" in told.origin("scenes").reason
    assert "not sure" in silent.origin("scenes").reason


def test_the_mood_and_the_colours_of_a_picture_are_told_and_change_nothing(rhythm):
    plan = plan_music(rhythm, settled(Wishes(), rhythm.duration), GenerateConfig())
    assert with_looks(scenes_of_plan(plan), rhythm)[0].colours == (rhythm.scenes[0].colour,)
    sure, unsure = (
        description_of_video(rhythm, replace(plan, mood=MoodSeen(-0.6, -0.5, certainty))) for certainty in (0.9, 0.2)
    )
    assert "the picture's is nearest to" in sure.origin("mood").reason and "90% sure" in sure.origin("mood").reason
    assert "does not say" in unsure.origin("mood").reason
    assert sure.mood is unsure.mood is None


def test_scenes_with_moods_are_calmer_or_livelier_and_keep_their_arc(rhythm):
    plain = plan_music(rhythm, settled(Wishes(tempo=120.0), 8.0), GenerateConfig())
    asked = Wishes(tempo=120.0, scenes=(WishedScene(0, None, 0.8), WishedScene(4.0, None, 0.2)))
    led = plan_music(rhythm, settled(asked, 8.0), GenerateConfig())
    assert [scene.bar for scene in led.scenes] == [0, 2] and [scene.letter for scene in led.scenes] == [0, 1]
    assert sum(led.liveliness[:2]) / 2 == pytest.approx(0.8, abs=0.01)
    assert sum(led.liveliness[2:]) / 2 == pytest.approx(0.2, abs=0.01)
    whole = plan_music(rhythm, settled(Wishes(tempo=120.0, liveliness=0.3), 8.0), GenerateConfig())
    assert sum(whole.liveliness) / 4 == pytest.approx(0.3, abs=0.01)
    order = sorted(range(4), key=lambda bar: plain.liveliness[bar])
    assert [whole.liveliness[bar] for bar in order] == sorted(whole.liveliness)


def test_the_fingerprint_of_a_run_knows_what_is_described_and_stays_where_nothing_is(tmp_path):
    def fingerprint(wishes):
        return Settings(tmp_path, wishes, GenerateConfig(), output=Output()).fingerprint("abc", None)

    described = [described_wishes(Description(mood=mood_of_word(word)), Wishes()).wishes for word in ("calm", "tense")]
    arcs = [described_wishes(read_words(text).description, Wishes()).wishes for text in ("builds up", "big ending")]
    prints = [fingerprint(wishes) for wishes in (Wishes(), *described, *arcs)]
    assert len(set(prints)) == len(prints)
