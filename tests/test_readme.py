"""The README and the guide tell the truth: their commands, their Python and the output shown run as they stand."""

import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from clips import draw_clip
from libraries import write_index
from lpd import lpd_path, tracks_of, tune, write_lists, write_pianoroll_of
from networks import write_untrained
from PIL import Image

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.corpus.prepare import prepare
from cmt.network.checkpoint import default_checkpoint
from cmt.planning.wishes import Wishes
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import Instrument, Note, Song, has_fluidsynth, read_midi, write_midi
from midi_io.audio_file import write_audio

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
MOST_WORDS = 900
POINTS = 2
"""Per cent by which a chance level may differ on another processor, whose sums end in other digits."""


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def commands_of(text):
    lines = [line.split("#")[0].strip() for block in blocks(text, "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("cmt ")]


SHOWN_RUN = commands_of(README)[0]
LONG = re.compile(r"video\.mp4 .*(--form|--section [\d.]+:drop|--like|--start|--fade-out)")
"""Commands whose video has a form, parts or fades."""
SHORT_TRAINING = "--minutes 0.01 --validation-words 500 --words-per-step 500"
AGAIN = re.compile(r"--from ")
"""Commands for a finished take."""
COMMANDS = [command for command in commands_of(README) + commands_of(GUIDE) if command != SHOWN_RUN]
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


@pytest.fixture(scope="module")
def quick_model(tmp_path_factory):
    """An untrained model in the place of the one that comes with the package, which writes some times as slowly.

    The commands are the same with it. What the real one writes is told by the run that the README shows.
    """
    path = write_untrained(tmp_path_factory.mktemp("model") / "model.safetensors")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("cmt.network.checkpoint.default_checkpoint", lambda: path)
        yield path


@pytest.fixture(scope="module")
def workplace(quick_model, tmp_path_factory):
    """A folder with the files that the commands name."""
    folder = tmp_path_factory.mktemp("readme")
    clip = draw_clip(folder / "video.mp4", 2.0)
    files = make_soundtrack(clip, folder / "made", output=Output(midi_only=True)).files
    shutil.copy(next(file for file in files if file.suffix == ".mid"), folder / "song.mid")
    (folder / "clips").mkdir()
    shutil.copy(clip, folder / "clips" / "clip.mp4")
    (folder / "curve.csv").write_text("time,energy\n0,0.1\n2,0.9\n")
    (folder / "clip.toml").write_text('mood = "calm"\ntempo = 120\n')
    for name in ("before", "after"):
        (folder / name).mkdir()
        shutil.copy(folder / "song.mid", folder / name)
    shutil.copy(quick_model, folder / "model.safetensors")
    (folder / "my-sounds").mkdir()
    write_audio(np.sin(np.arange(8000) / 9) * 0.5, folder / "my-sounds" / "hit.wav", 44_100)
    (folder / "library").mkdir()
    shutil.copy(folder / "song.mid", folder / "library")
    write_index(folder / "index", folder / "library")
    (folder / "markers.csv").write_text("time,weight\n0.7,1\n1.4,2\n")
    for number in range(4):
        write_pianoroll_of(lpd_path(folder / "lpd_cleansed", number), tracks_of(tune(number)))
    write_lists(folder / "labels", {"tagtraum/id_list_Rock": [0, 1], "lastfm/id_list_pop": [2]})
    prepare([folder / "lpd_cleansed"], folder / "corpus")
    # The other commands are quicker with a short video, and these need one that has room for their sections.
    (folder / "long").mkdir()
    draw_clip(folder / "long" / "video.mp4", 14.0, 6)
    (folder / "long" / "library").mkdir()
    tune_of_bars(folder / "long" / "library" / "song.mid")
    shutil.copy(folder / "long" / "library" / "song.mid", folder / "long")
    write_index(folder / "long" / "index", folder / "long" / "library")
    (folder / "holiday").mkdir()
    for number, grey in enumerate((60, 120, 200)):
        picture = np.full((90, 160, 3), grey, np.uint8)
        picture[20:60, 30 * number : 30 * number + 50] = (200, 90, 30)
        Image.fromarray(picture).save(folder / "holiday" / f"{number}.jpg")
    shutil.copy(folder / "holiday" / "0.jpg", folder / "photo.jpg")
    return folder


def tune_of_bars(path):
    """A song that another one can be like."""
    notes = [Note(p, Instrument.PIANO, 60 + (p // 8) % 5, 8) for p in range(0, 256, 8)]
    notes += [Note(p, Instrument.BASS, 36 + (p // 16) % 3, 16) for p in range(0, 256, 16)]
    write_midi(Song.steady(notes, 120.0, 256), path)


@pytest.fixture(scope="module")
def finished(quick_model, tmp_path_factory):
    """A folder with a finished take, out/clip.json."""
    folder = tmp_path_factory.mktemp("finished")
    wishes = Wishes(length=32.0, tempo=120.0, instruments=("drums", "piano"))  # those that the guide names
    make_soundtrack(None, folder / "out", wishes, output=Output(page=False), name="clip")
    return folder


SERVERS = {"app", "tools"}
"""Commands that go on until somebody stops them: no test runs them from the guide."""


def test_the_guide_shows_every_command():
    names = {shlex.split(command)[1] for command in commands_of(GUIDE)}
    assert names | SERVERS == set(main.commands) and all(f"cmt {name}" in GUIDE for name in SERVERS)


@needs_fluidsynth
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs_as_it_stands(command, workplace, request, monkeypatch):
    folder = workplace / "long" if LONG.search(command) else workplace
    monkeypatch.chdir(request.getfixturevalue("finished") if AGAIN.search(command) else folder)
    if " prepare " in command:
        shutil.rmtree("corpus")  # that of the other commands, which may run without this one
    # Two hours of training are not for a test.
    words = shlex.split(command.replace("--minutes 120", SHORT_TRAINING))[1:]
    arguments = [one for word in words for one in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output


@needs_fluidsynth
def test_the_python_runs_as_it_stands(workplace, tmp_path, monkeypatch, capsys):
    shutil.copy(workplace / "video.mp4", tmp_path)
    monkeypatch.chdir(tmp_path)
    for block in blocks(README, "python") + blocks(GUIDE, "python"):
        exec(compile(block, "README.md or guide.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "visual beats" in printed and "out/video.mid" in printed and "notes in" in printed
    assert Path("out/higher.mid").is_file() and Path("out/pop.mp4").is_file()


@pytest.fixture(scope="module")
def shown_run(tmp_path_factory):
    """What the README's first command prints, and the folder that it writes."""
    folder, arguments = tmp_path_factory.mktemp("demo"), shlex.split(SHOWN_RUN)[1:]
    arguments = [*arguments[:2], "--takes", "3", *arguments[2:]]  # the default, but for tests
    draw = runpy.run_path(str(ROOT / "data" / "draw_sample_clip.py"))["draw_sample_clip"]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        monkeypatch.setattr("cmt.network.checkpoint.default_checkpoint", default_checkpoint)
        draw(Path(arguments[1]))
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output, folder / arguments[-1]


@needs_fluidsynth
def test_the_run_shown_is_what_the_command_prints(shown_run):
    (shown,) = blocks(README, "text")
    # Seconds are those of a machine.
    shown, printed = (re.sub("^took .*", "took", text, flags=re.MULTILINE) for text in (shown, shown_run[0]))
    assert re.sub(r"\d+%", "%", printed) == re.sub(r"\d+%", "%", shown)
    per_cents = zip(re.findall(r"(\d+)%", printed), re.findall(r"(\d+)%", shown), strict=True)
    assert all(abs(int(a) - int(b)) <= POINTS for a, b in per_cents), printed


@needs_fluidsynth
def test_the_beat_that_the_architecture_follows_is_one_of_that_run(shown_run):
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    report = json.loads((shown_run[1] / "sample.json").read_text())
    song = read_midi(shown_run[1] / "sample.mid")
    bar, position = 6, 12
    times = [beat["time"] for beat in report["visual_beats"]]
    assert min(abs(time - 13.477) for time in times) < 0.005 and "13.477 s" in text
    assert report["density_asked"][bar] == 13 and "density 13" in text
    strengths = {
        order["instrument"]: order["strength"]
        for order in report["strength_asked"]
        if (order["bar"], order["position"]) == (bar, position)
    }
    assert ", ".join(f"{name} {strength}" for name, strength in strengths.items()) in text
    piano = [n for n in song.notes if n.position == 16 * bar + position and n.instrument is Instrument.PIANO]
    assert strengths and piano, "the table follows a beat that is ordered, and on which the piano plays"
    assert f"pitches {', '.join(str(note.pitch) for note in piano)}" in text
    assert f"velocity {', '.join(str(note.velocity) for note in piano)}" in text


def test_the_readme_stays_short():
    assert len(README.split()) <= MOST_WORDS


def test_every_option_of_generate_and_analyze_is_told_of_in_the_guide():
    common = {"--output", "--quiet", "--checkpoint"}
    for command in ("generate", "analyze"):
        for parameter in main.commands[command].params:
            for name in parameter.opts:
                if name.startswith("--") and name not in common:
                    assert name in GUIDE, name


def test_values_in_the_text_are_those_of_the_code():
    assert f"`--dynamics {GenerateConfig.dynamics}`" in GUIDE
    assert f"`--tempo-change {Wishes.tempo_change:g}`" in GUIDE
    assert f"`--control {GenerateConfig.control:g}`" in GUIDE
    assert f"`--control {GenerateConfig.control:g}`" in README


def test_make_demo_says_what_one_should_see():
    (shown,) = blocks(README, "text")
    (told,) = re.findall(r"you should see (.*?) above", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert re.findall('"(.*?)"', told)
    assert all(words in shown for words in re.findall('"(.*?)"', told))
