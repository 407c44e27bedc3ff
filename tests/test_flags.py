"""Messages name settings as Python does; a terminal shows the flags instead."""

import ast
import re
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.cli.flags import FLAGS, SOUNDFONT_VARIABLE, with_flags

ROOT = Path(__file__).resolve().parent.parent


def options_of_commands():
    return {
        name
        for command in main.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }


def settings_named_in_messages():
    """What stands between backticks in the strings below the command line that are no docstrings."""
    for package in ("cmt", "midi_io", "video_rhythm"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.is_relative_to(ROOT / "cmt" / "cli"):
                continue
            tree = ast.parse(path.read_text(encoding="utf-8"))
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                    yield from re.findall(r"`(\w+)`", node.value)


def test_every_setting_that_a_message_names_has_a_flag_and_no_other_has_one():
    assert set(settings_named_in_messages()) == set(FLAGS)


@pytest.mark.parametrize("name", FLAGS)
def test_the_flags_are_options_of_the_commands(name):
    flags = set(re.findall(r"(?<!\w)--?[a-z][\w-]*", FLAGS[name]))
    assert flags and flags <= options_of_commands()


def test_other_words_between_backticks_stay():
    assert with_flags("`take5.mid` and `grid`: give `markers`, or `tempo_map`") == (
        "`take5.mid` and `grid`: give --hit, or --tempo-map"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--section", "9:calm"], "--section: 9 s lies outside the piece, which lasts 4.000 s; give an earlier time"),
        (["--section", "1:calm", "--section", "1:0.7"], "--section: two sections begin at 1 s; leave one of them out"),
        (["--mute", "bass@5-"], "--mute bass@5- lies outside the piece, which lasts 4.000 s; give an earlier time"),
        (
            ["--mute", "bass@0-1", "--instruments", "piano"],
            "--mute bass@0-1: bass is not among --instruments; leave one of them out",
        ),
        (
            ["--chords", "C", "--instruments", "drums"],
            "--chords need an instrument with pitches, and drums play alone; add one to --instruments",
        ),
        (
            ["--form", "AB", "--section", "0:drop"],
            "--form and the names in --section say the same in two ways; leave one of them out",
        ),
        (["--chords", "B: C"], "--chords: there is no section B; name it in --form, or leave its chords out"),
        (
            ["--form", "A:40", "--tempo", "120"],
            "--form: its lengths make 40 bars, yet the piece has 2; make sections shorter, or leave lengths out",
        ),
        (["--checkpoint", "none"], "none: no such checkpoint; check the name, or leave --checkpoint out"),
    ],
)
def test_an_error_in_a_shell_names_the_flag(options, message, tmp_path):
    result = CliRunner().invoke(main, ["generate", "--length", "4", "--midi-only", "-o", str(tmp_path), *options])
    assert (result.exit_code, result.stderr) == (1, f"cmt: {message}\n")


def test_a_warning_in_a_shell_names_the_flag(checkpoint, tmp_path):
    mutes = [f"--mute={name}@1-5" for name in ("drums", "piano", "guitar", "bass", "strings")]
    options = ["--length", "6", "--tempo", "120", "--midi-only", "--hit", "2.5", "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(main, ["generate", "-o", str(tmp_path), *options, *mutes])
    assert result.exit_code == 0, result.output
    assert "warning: --hit: 2.5 s is muted in all instruments and has no accent\n" in result.stderr
    assert re.search(r"^warning: --mute: nobody is left to play in bar \d.*; it is silent there$", result.stderr, re.M)


@pytest.mark.parametrize("asked", [True, False])
def test_the_environment_names_a_soundfont_where_the_option_is_left_out(asked, tmp_path, monkeypatch):
    monkeypatch.setattr("midi_io.synthesis._load_fluidsynth", lambda: None)
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "environment.sf2"))
    options = ["--soundfont", str(tmp_path / "asked.sf2")] if asked else []
    result = CliRunner().invoke(main, ["generate", "--length", "4", "-o", str(tmp_path / "out"), *options])
    name = tmp_path / ("asked.sf2" if asked else "environment.sf2")
    expected = f"cmt: {name}: no such file; correct --soundfont or $CMT_SOUNDFONT\n"
    assert (result.exit_code, result.stderr) == (1, expected)


@pytest.mark.parametrize(
    ("command", "way_out"),
    [
        (["generate", "--length", "4"], "choose --midi-only"),
        (["match", "a.mp4", "--library", "b"], "leave out --render"),
    ],
)
def test_without_fluidsynth_every_command_says_the_same_and_its_own_way_out(command, way_out, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)  # makes the import fail
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    output = "-o" if command[0] == "generate" else "--render"
    result = CliRunner().invoke(main, [*command, output, str(tmp_path / "out")])
    said = r"cmt: the FluidSynth library cannot be loaded \(.*\); install it: apt-get .* libfluidsynth3, .*; or "
    assert result.exit_code == 1 and re.fullmatch(said + way_out + "\n", result.stderr)
    assert not (tmp_path / "out").exists()
