"""Takes that are not the best: each has a report, by which it is made and changed as the best is."""

import json
import shutil

import pytest
from clips import draw_clip

from cmt.config import GenerateConfig
from cmt.planning.redo import parse_redo
from cmt.planning.wishes import Wishes
from cmt.report.parts import Take
from cmt.soundtrack.again import Changes, make_again
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from cmt.soundtrack.report import warnings_of_takes
from midi_io import has_fluidsynth, read_midi


@pytest.fixture(scope="module")
def made(checkpoint, tmp_path_factory):
    """Three takes for a clip; nobody says who plays, in which key, or how it ends."""
    folder = tmp_path_factory.mktemp("made")
    clip = draw_clip(folder / "clip.mp4", 6.0)
    output = Output(midi_only=True, keep_takes=True, page=False)
    make_soundtrack(clip, folder / "out", Wishes(takes=3), GenerateConfig(seed=5), output=output, checkpoint=checkpoint)
    return folder / "out"


def content_of(path):
    """A report but for the seconds that it took."""
    content = json.loads(path.read_text())
    del content["stages"]
    return content


@pytest.mark.parametrize("number", [2, 3])
def test_a_take_comes_again_from_its_report(made, tmp_path, number):
    again = make_again(made / f"clip.take{number}.json", tmp_path)
    assert again.name == "clip"
    assert (tmp_path / "clip.mid").read_bytes() == (made / f"clip.take{number}.mid").read_bytes()
    first, second = content_of(made / f"clip.take{number}.json"), content_of(tmp_path / "clip.json")
    (judged,) = first["takes"]
    assert judged.pop("file") == f"clip.take{number}.mid" and second["takes"][0].pop("file") == "clip.mid"
    assert judged["seed"] == first["seed"] == content_of(made / "clip.json")["takes"][number - 1]["seed"]
    assert first == second


def test_beside_the_others_it_has_a_number(made, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    for file in made.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    assert make_again(folder / "clip.take2.json").name == "clip-2"
    assert (folder / "clip-2.mid").read_bytes() == (made / "clip.take2.mid").read_bytes()


def test_overwriting_removes_the_takes_and_stems_that_are_no_more(made, checkpoint, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(made, folder)
    (folder / "clip.take7.json").write_text("{}")
    again = json.loads((folder / "clip.take2.json").read_text())
    again["kept"]["name"] = "clip.take8"
    (folder / "clip.take8.json").write_text(json.dumps(again))
    with_stems = json.loads((folder / "clip.json").read_text()) | {"stems": True, "format": "flac"}
    (folder / "clip.json").write_text(json.dumps(with_stems))
    for name in ("clip.bass.flac", "clip.drums.flac", "clip.drums.wav"):
        (folder / name).write_bytes(b"")
    output = Output(midi_only=True, page=False, overwrite=True)
    config, clip = GenerateConfig(seed=5), made.parent / "clip.mp4"
    written = make_soundtrack(clip, folder, Wishes(takes=1), config, output=output, checkpoint=checkpoint)
    names = sorted(file.name for file in folder.iterdir())
    assert names == ["clip.drums.wav", "clip.json", "clip.mid", "clip.png", "clip.take7.json", "clip.take8.json"]
    takes, stems, others = written.notes[1:]
    assert takes.startswith("removed") and takes.endswith("clip.take2.json and 3 more")
    assert stems.startswith("removed") and stems.endswith("clip.drums.flac and 1 more")
    assert others.startswith("stays") and others.endswith("clip.drums.wav")


def test_bars_of_another_take_are_written_anew(made, checkpoint, tmp_path):
    changes = Changes(redo=(parse_redo("2"),))
    report = make_again(made / "clip.take2.json", tmp_path, changes, checkpoint=checkpoint).report
    bar = range(16, 32)

    def outside(path):
        return [note for note in read_midi(path).notes if note.position not in bar]

    assert report.kept.redone[0].before
    assert outside(tmp_path / "clip.mid") == outside(made / "clip.take2.mid")
    again = make_again(tmp_path / "clip.json", tmp_path / "again")
    assert (tmp_path / "again" / "clip.mid").read_bytes() == (tmp_path / "clip.mid").read_bytes()
    assert again.report.kept == report.kept


@pytest.mark.slow
@pytest.mark.skipif(not has_fluidsynth(), reason="FluidSynth is not installed")
def test_sounds_belong_to_the_film_whichever_take_is_chosen(checkpoint, tmp_path):
    clip = draw_clip(tmp_path / "clip.mp4", 6.0)
    output = Output(sounds=0.8, page=False)
    made = make_soundtrack(
        clip, tmp_path / "out", Wishes(takes=2), GenerateConfig(seed=5), output=output, checkpoint=checkpoint
    )
    again = make_again(tmp_path / "out" / "clip.take2.json", tmp_path / "two")
    assert made.report.sounds is not None and made.report.sounds.events
    assert again.report.sounds == made.report.sounds


def test_a_take_that_was_rejected_says_so():
    take = Take(1, None, ("one bar looped",), 0.5, None, None, ())
    assert warnings_of_takes([take]) == ("the take was rejected: one bar looped",)
