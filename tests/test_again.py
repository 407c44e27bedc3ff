"""A take made again from its report, and with one thing changed."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import mido
import pytest
from click.testing import CliRunner
from clips import draw_clip
from hypothesis import given
from hypothesis import strategies as st

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.music.key import parse_key
from cmt.music.words import Genre
from cmt.planning.energy import energy_of_sections, parse_section
from cmt.planning.mutes import Mute, parse_mute
from cmt.planning.redo import Redo, anew_as_text, bars_anew, parse_redo
from cmt.planning.wished_scenes import WishedScene
from cmt.planning.wishes import Wishes
from cmt.planning.wishes_json import wishes_as_json, wishes_from_json
from cmt.report.report import Report
from cmt.report.values import Value
from cmt.soundtrack.again import Changes, make_again
from cmt.soundtrack.keeping import read_kept
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output, output_as_json, output_from_json
from midi_io import has_fluidsynth, read_midi
from midi_io.song import Instrument, Timeline

MIDI_ONLY = Output(midi_only=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 4.0)


@pytest.fixture(scope="module")
def made(clip, checkpoint, tmp_path_factory):
    """A take for a clip, its sound and its film too where there is FluidSynth."""
    folder = tmp_path_factory.mktemp("made")
    wishes = Wishes(genre=Genre.POP, key="Eb", mutes=(Mute(Instrument.DRUMS, 0.5, 1.0),), markers=(Marker(2.5),))
    output = Output(midi_only=not has_fluidsynth())
    make_soundtrack(clip, folder, wishes, GenerateConfig(seed=3), output=output, checkpoint=checkpoint)
    return folder


@pytest.fixture(scope="module")
def song(checkpoint, tmp_path_factory):
    """A take without a video, of eight bars."""
    folder = tmp_path_factory.mktemp("song")
    wishes = Wishes(length=16.0, tempo=120.0, genre=Genre.ROCK, key=":major", instruments=tuple(Instrument))
    make_soundtrack(None, folder, wishes, GenerateConfig(seed=2), output=MIDI_ONLY, name="song", checkpoint=checkpoint)
    return folder


def notes_of(path):
    return read_midi(path).notes


def messages(path):
    """Every message of a MIDI file with the tick at which it comes, by track."""
    tracks = []
    for track in mido.MidiFile(path).tracks:
        tick, events = 0, []
        for message in track:
            tick += message.time
            events.append((tick, str(message.copy(time=0))))
        tracks.append(events)
    return tracks


def struck(path):
    """Tick, sound, key and velocity of every stroke; voices are numbered anew where one more is needed."""
    sounds, strokes = {}, set()
    for track in mido.MidiFile(path).tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "program_change":
                sounds[message.channel] = message.program
            elif message.type == "note_on" and message.velocity:
                strokes.add((tick, sounds.get(message.channel), message.note, message.velocity))
    return strokes


def without_times(path):
    content = json.loads(path.read_text())
    del content["stages"]
    return content


@pytest.mark.slow
def test_the_same_files_come_again_byte_for_byte(made, tmp_path):
    soundtrack = make_again(made / "clip.json", tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(file.name for file in made.iterdir())
    assert soundtrack.notes == () and soundtrack.name == "clip"
    for file in sorted(made.iterdir()):
        if file.suffix != ".json":
            assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name
    assert without_times(tmp_path / "clip.json") == without_times(made / "clip.json")


@pytest.mark.slow
def test_beside_the_first_take_the_second_has_a_number_and_nothing_is_overwritten(made, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(made, folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    second = make_again(folder / "clip.json", changes=Changes(output={"midi_only": True}))
    assert second.name == "clip-2" and {file.name for file in second.files} == {
        f"clip-2.{s}" for s in ("html", "json", "mid", "png")
    }
    assert second.notes[0].startswith("this run is called clip-2, what was there stays (`overwrite` replaces): ")
    third = make_again(folder / "clip-2.json")
    assert third.name == "clip-3"
    assert {name: (folder / name).read_bytes() for name in before} == before
    assert (folder / "clip-3.mid").read_bytes() == before["clip.mid"]
    replaced = make_again(folder / "clip.json", changes=Changes(output={"midi_only": True, "overwrite": True}))
    assert replaced.name == "clip" and replaced.notes[0].startswith("replaced, as `overwrite` asks: ")


@pytest.mark.slow
def test_a_video_that_is_missing_or_changed_is_told(made, clip, checkpoint, tmp_path):
    content = json.loads((made / "clip.json").read_text())
    (tmp_path / "clip.json").write_text(json.dumps(content | {"video": str(tmp_path / "gone.mp4")}))
    midi_only = Changes(output={"midi_only": True})
    with pytest.raises(
        CmtError, match=r"gone\.mp4: the video of the take is not there any more; name it beside `report`"
    ):
        make_again(tmp_path / "clip.json", tmp_path / "out", midi_only)
    there = make_again(tmp_path / "clip.json", tmp_path / "out", midi_only, video=clip)
    assert not there.report.warnings
    assert (tmp_path / "out" / "clip.mid").read_bytes() == (made / "clip.mid").read_bytes()
    other = draw_clip(tmp_path / "other.mp4", 4.0, still=True)
    changed = make_again(made / "clip.json", tmp_path / "changed", midi_only, video=other)
    assert any("the video has changed since the take was written" in warning for warning in changed.report.warnings)
    assert struck(tmp_path / "changed" / "clip.mid") == struck(made / "clip.mid")
    longer = draw_clip(tmp_path / "longer.mp4", 5.0)
    with pytest.raises(
        CmtError, match=r"longer\.mp4: lasts 5\.000 s, the video of the take lasted 4\.000 s; give that one"
    ):
        make_again(made / "clip.json", tmp_path / "out", midi_only, video=longer)


@pytest.mark.slow
def test_redone_bars_are_new_and_every_other_stroke_is_the_same_to_the_tick(song, checkpoint, tmp_path):
    before, struck_before = notes_of(song / "song.mid"), struck(song / "song.mid")
    ticks = 16 * mido.MidiFile(song / "song.mid").ticks_per_beat // 4

    def outside(strokes):
        # Who plays early on the first beat behind the border still plays that beat.
        return {stroke for stroke in strokes if not 2.98 <= stroke[0] / ticks < 4.98}

    once = make_again(song / "song.json", tmp_path, Changes(redo=(Redo(None, 4, 5),)), checkpoint=checkpoint)
    after = notes_of(tmp_path / "song.mid")
    assert {n for n in before if n.position // 16 not in (3, 4)} == {n for n in after if n.position // 16 not in (3, 4)}
    assert {n for n in before if n.position // 16 in (3, 4)} != {n for n in after if n.position // 16 in (3, 4)}
    assert outside(struck(tmp_path / "song.mid")) == outside(struck_before)
    assert once.report.kept.redone[0].parts == ("4-5",) and once.report.kept.redone[0].seed == 3
    assert once.report.asked == Report.from_json(json.loads((song / "song.json").read_text()), "").asked

    # A second change keeps the first, and both come again byte for byte.
    one = next(n.instrument for n in after if n.position < 32 and n.instrument)
    part = Changes(redo=(Redo(one, 1, 2),))
    twice = make_again(tmp_path / "song.json", tmp_path, part, checkpoint=checkpoint)
    assert (twice.name, twice.report.kept.redone[1].seed) == ("song-2", 4)
    last = notes_of(tmp_path / "song-2.mid")
    assert {n for n in after if n.instrument is not one or n.position >= 32} == {
        n for n in last if n.instrument is not one or n.position >= 32
    }
    make_again(tmp_path / "song-2.json", tmp_path / "again")
    assert (tmp_path / "again" / "song.mid").read_bytes() == (tmp_path / "song-2.mid").read_bytes()
    assert without_times(tmp_path / "again" / "song.json") == without_times(tmp_path / "song-2.json")


@pytest.mark.slow
def test_what_is_changed_changes_nothing_else(song, tmp_path):
    before = notes_of(song / "song.mid")
    key = read_kept(song / "song.json")[0].key

    def changed(name, **changes):
        soundtrack = make_again(song / "song.json", tmp_path, Changes(**changes), name=name)
        return soundtrack.report, notes_of(tmp_path / f"{name}.mid")

    report, after = changed("muted", mutes=(parse_mute("drums@4-8"), parse_mute("bass@12-")))
    gone = {
        n
        for n in before
        if (n.instrument == 0 and 2 <= n.position / 16 < 4) or (n.instrument == 3 and n.position >= 96)
    }
    assert {n for n in before if n not in gone and n.instrument != 3} == {n for n in after if n.instrument != 3}
    assert [n[:3] for n in before if n not in gone] == [n[:3] for n in after]
    assert [(mute.instrument.label, mute.begin) for mute in report.mutes] == [("drums", 4.0), ("bass", 12.0)]
    assert all(n.position + n.duration <= 96 for n in after if n.instrument == 3)

    report, after = changed("moved", key=parse_key("F#"))
    assert str(report.key) == "F#:major"
    (move,) = {b.pitch - a.pitch for a, b in zip(before, after, strict=True) if a.instrument}
    assert (key.tonic + move) % 12 == 6
    assert [n[:2] + n[3:] for n in before] == [n[:2] + n[3:] for n in after]

    report, after = changed("faster", tempo=150.0)
    assert report.duration == pytest.approx(16.0 * 120 / 150) and report.grid.tempo == 150.0
    assert after == before

    report, after = changed("played", output={"programs": {Instrument.PIANO: 4}})
    assert after == before
    assert [voice.program for voice in report.band if voice.instrument is Instrument.PIANO] == [4]

    # Changes add up, and what was changed comes again.
    both = make_again(
        tmp_path / "moved.json", tmp_path, Changes(tempo=90.0, mutes=(parse_mute("piano@0-"),)), name="both"
    )
    assert not any(n.instrument == 1 for n in notes_of(tmp_path / "both.mid")) and both.report.grid.tempo == 90.0
    faster = make_again(tmp_path / "both.json", tmp_path, Changes(tempo=150.0), name="faster still")
    assert faster.report.mutes[0].end == pytest.approx(faster.report.duration)
    make_again(tmp_path / "both.json", tmp_path / "again")
    assert (tmp_path / "again" / "both.mid").read_bytes() == (tmp_path / "both.mid").read_bytes()


@pytest.mark.slow
def test_another_genre_keeps_grid_plan_and_orders(song, checkpoint, tmp_path):
    report = make_again(song / "song.json", tmp_path, Changes(genre=Genre.METAL), checkpoint=checkpoint).report
    before = read_kept(song / "song.json")[0]
    assert report.genre is Genre.METAL and report.asked == before.asked and report.grid == before.grid
    assert (report.chords, report.form, report.key) == (before.chords, before.form, before.key)
    assert notes_of(tmp_path / "song.mid") != notes_of(song / "song.mid")
    make_again(tmp_path / "song.json", tmp_path / "again")
    assert (tmp_path / "again" / "song.mid").read_bytes() == (tmp_path / "song.mid").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (Changes(redo=(Redo(None, 9, 12),)), r"`redo` 9-12: the take has 8 bars; count them from 1 to 8"),
        (Changes(redo=(parse_redo("30s-40s"),)), r"`redo` 30s-40s: the take lasts 16\.000 s; give an earlier time"),
        (Changes(redo=(Redo(None, 1, 2),), genre=Genre.POP), r"`genre` writes all bars of a take anew and `redo` some"),
        (
            Changes(seed=4),
            r"`seed`, `temperature`, `guidance` and `int8` are for what is written anew; add `redo`, such as 9-12, or "
            "`genre`",
        ),
        (Changes(genre=Genre.ROCK), r"the take is rock already; give a `seed` for other notes"),
        (Changes(key=parse_key("A:minor")), r"can be moved to another tonic, not to another mode"),
        (Changes(tempo=3.0), r"tempo 3: must be from 20 to 400 BPM"),
        (Changes(mutes=(parse_mute("drums@90-"),)), r"`mutes` drums@90- lies outside the piece"),
        (
            Changes(mutes=tuple(Mute(one, 0.0, math.inf) for one in Instrument)),
            r"`mutes`: nothing is left to play; leave one out",
        ),
        (Changes(output={"loudness": 3.0}), r"loudness 3: must be from -40 to -8 LUFS"),
    ],
)
def test_changes_that_cannot_be_are_one_line_and_leave_nothing(changes, message, song, checkpoint, tmp_path):
    with pytest.raises(CmtError, match=message) as error:
        make_again(song / "song.json", tmp_path / "out", changes, checkpoint=checkpoint)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_tempo_cannot_be_changed_under_a_video(made, tmp_path):
    with pytest.raises(CmtError, match=r"tempo 100: the bars of the take lie where its video had them lie"):
        make_again(made / "clip.json", tmp_path, Changes(tempo=100.0))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no report of cmt generate"),
        (b"[" * 100_000, "is no report of cmt generate"),
        (b"\xff\xfe", "is no report of cmt generate"),
        (b"{}", "seed|is missing"),
        (b'{"schema": 99}', "is a report of form 99, this version of cmt reads forms up to"),
    ],
)
def test_what_is_no_report_is_one_line(content, message, tmp_path):
    (tmp_path / "clip.json").write_bytes(content)
    with pytest.raises(CmtError, match=message) as error:
        make_again(tmp_path / "clip.json")
    assert "\n" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["clip.json"]


def test_a_huge_report_is_not_read(tmp_path):
    with (tmp_path / "clip.json").open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(CmtError, match=r"is larger than 42.9 MiB, the most that is read"):
        make_again(tmp_path / "clip.json")


def damaged(content, place, value):
    *path, key = place.split(".")
    part = content
    for name in path:
        part = part[name]
    part[key] = value
    return content


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            "kept",
            None,
            r"an earlier version of cmt wrote it and kept no notes; write the piece once more, with its seed 2",
        ),
        ("kept.bars", ["0 bass 40"], r"kept\.bars must be a list of 8 bars"),
        ("kept.bars", ["0 bass 400"] * 8, r"kept\.bars must be words that can be read \(bar 1: '400' must be a whole"),
        ("kept.bars", ["0 bass 41 40"] * 8, r"pitches must rise"),
        ("kept.bars", ["0 kazoo 41"] * 8, r"no stroke '0 kazoo 41'"),
        ("kept.bars", [7] * 8, r"kept\.bars\[0\] must be a text, not 7"),
        (
            "kept.sheet",
            ["section=A"] * 8,
            r"kept\.sheet must be a lead sheet that can be read \(bar 1 of the lead sheet",
        ),
        ("kept.sheet", [], r"kept\.sheet must be a list of 8 bars"),
        ("kept.knots", [], r"kept\.knots must be two knots or more"),
        ("kept.length", 1e12, r"kept\.length must be 1600000 sixteenths at most"),
        ("kept.key", "H", r"kept\.key must be one of"),
        ("kept.ending", "bang", r"kept\.ending must be one of stop"),
        ("kept.wishes", {}, r"kept\.wishes\.genre is missing"),
        ("kept.output", {}, r"kept\.output\.programs is missing"),
        ("kept.muted", [{"instrument": "drums", "begin": 2, "end": 1}], r"kept\.muted must be a time that ends behind"),
        ("density_asked", [], r"its parts speak of different numbers of bars"),
    ],
)
def test_a_damaged_report_is_one_line_that_names_the_place(place, value, message, song, tmp_path):
    content = json.loads((song / "song.json").read_text())
    (tmp_path / "song.json").write_text(json.dumps(damaged(content, place, value)))
    with pytest.raises(CmtError, match=message) as error:
        make_again(tmp_path / "song.json", tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def run(*arguments):
    return CliRunner().invoke(main, ["generate", *map(str, arguments)])


@pytest.mark.slow
def test_the_command_says_what_it_made_and_what_it_left(song, checkpoint, tmp_path):
    shutil.copy(song / "song.json", tmp_path)
    result = run("--from", tmp_path / "song.json", "--redo", "3", "--redo", "piano@5-6", "--checkpoint", checkpoint)
    assert result.exit_code == 0, result.output
    note = "note: this run is called song-2, what was there stays (--overwrite replaces): "
    assert result.stderr == f"{note}{tmp_path / 'song.json'}\n"
    assert f"wrote    {tmp_path}/song-2.mid" in result.stdout
    parts = json.loads((tmp_path / "song-2.json").read_text())["kept"]["redone"][0]["parts"]
    assert parts == ["3", "piano@5-6"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--redo", "9-12", "--length", "5"], "--redo writes parts of a finished take anew; add --from clip.json, its"),
        (
            ["--from", "x.json", "--chords", "C G"],
            "--chords says what a new piece is to be, and --from keeps one that is",
        ),
        (
            ["--from", "x.json", "--mood", "sad"],
            "--mood decides key, tempo, form and players before a note is written, and --from keeps them",
        ),
        (["--from", "x.json", "--takes", "3"], "--takes says what a new piece is to be, and --from keeps one that is"),
        (
            ["--from", "x.json", "--jobs", "2"],
            "--jobs is for many videos, and --from keeps one that is finished; leave",
        ),
        (["--from", "x.json", "a.mp4", "b.mp4"], "--from makes one take again; name the one VIDEO that it is for, or"),
        (["--from", "x.json", "--genre", "free"], "--genre free leaves the genre open; name the one in which the take"),
        (["--from", "x.json", "--redo", "0-3"], "Invalid value for '--redo': no part '0-3' to write anew; write bars"),
    ],
)
def test_options_that_a_finished_take_cannot_have_are_one_line(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*options)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"cmt: {message}") and result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_is_not_there_is_one_line(tmp_path):
    result = run("--from", tmp_path / "none.json")
    assert (result.exit_code, result.stderr) == (
        1,
        f"cmt: {tmp_path}/none.json: cannot be read (No such file or directory); check the path\n",
    )


@pytest.mark.parametrize(
    ("text", "redo"),
    [
        ("9-12", Redo(None, 9, 12)),
        ("9", Redo(None, 9, 9)),
        ("9-", Redo(None, 9, math.inf)),
        ("21s-30.5s", Redo(None, 21, 30.5, True)),
        ("21-30s", Redo(None, 21, 30, True)),
        ("21s-", Redo(None, 21, math.inf, True)),
        (" Piano @ 9 - 12 ", Redo(Instrument.PIANO, 9, 12)),
    ],
)
def test_parts_are_read_as_they_are_written(text, redo):
    assert parse_redo(text) == redo
    assert parse_redo(str(redo)) == redo


@pytest.mark.parametrize(
    "text", ["", "a", "12-9", "0", "1.5", "21s", "@3", "kazoo@3", "-3", "3--4", "9s-8s", "nan-4", "1e400"]
)
def test_what_is_no_part_is_told_how_to_write_one(text):
    with pytest.raises(CmtError, match=r"to write anew; write bars, e.g. 9-12, or seconds, e.g. 21s-30s"):
        parse_redo(text)


@given(st.dictionaries(st.integers(0, 9), st.frozensets(st.sampled_from(Instrument), min_size=1), min_size=1))
def test_bars_are_the_same_when_they_are_written_and_read(anew):
    anew = dict(sorted(anew.items()))
    parts = [parse_redo(text) for text in anew_as_text(anew, tuple(Instrument))]
    assert bars_anew(parts, Timeline.steady(120.0, 160), tuple(Instrument)) == anew


def test_seconds_are_the_bars_that_they_touch():
    timeline = Timeline.steady(120.0, 64)
    assert list(bars_anew([parse_redo("2s-4s")], timeline, tuple(Instrument))) == [1]
    assert list(bars_anew([parse_redo("1.9s-4.1s")], timeline, tuple(Instrument))) == [0, 1, 2]
    with pytest.raises(CmtError, match=r"`redo` piano@1: piano does not play in this take; drums, bass do"):
        bars_anew([parse_redo("piano@1")], timeline, (Instrument.BASS, Instrument.DRUMS))


def all_wishes():
    named = energy_of_sections(
        [parse_section("0:intro"), parse_section("4:drop"), parse_section("9:free")], "--section"
    )
    return [
        Wishes(),
        Wishes("pop", ("drums", "Bass"), "F#:minor", 120.0, 12.0, (Marker(1.5, 2.0, "--hit"),), True, 5.0, named),
        Wishes(Genre.ROCK, None, parse_key(":minor"), mutes=(Mute(Instrument.BASS, 1.0, math.inf),), takes=3),
        Wishes(
            chords="A: C G | Am F; B: F", form="intro:4 A B", tempo_range=(80.0, 90.0), liveliness=0.5, ending="thin"
        ),
        Wishes(scenes=(WishedScene(0.0), WishedScene(4.0, 0, 0.5)), energy=replace(named, arc=named.stretches[:1])),
    ]


@pytest.mark.parametrize("wishes", all_wishes())
def test_wishes_are_read_as_they_were_written(wishes):
    content = json.loads(json.dumps(wishes_as_json(wishes)))
    read = wishes_from_json(Value(content, "clip.json", "kept.wishes"))
    assert wishes_as_json(read) == content
    assert (read.energy, read.mutes, read.markers, read.scenes) == (
        wishes.energy,
        wishes.mutes,
        wishes.markers,
        wishes.scenes,
    )


def test_outputs_are_read_as_they_were_written():
    output = Output(original_audio="mix", duck=None, format="flac", programs={Instrument.PIANO: 4}, quantized=True)
    content = json.loads(json.dumps(output_as_json(output)))
    assert output_from_json(Value(content, "clip.json")) == output
