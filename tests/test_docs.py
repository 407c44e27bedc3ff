"""What the documents name is there: links, headings, files, names in the code, commands and their options."""

import configparser
import re
import shlex
import subprocess
import sys
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

import click
import pytest

from cmt.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(chain(ROOT.glob("*.md"), ROOT.glob("docs/*.md"), ROOT.glob("data/*.md")))
}
PROJECT_FILES = r"(?:cmt|midi_io|video_rhythm|tests|benchmarks|data|docs)/[\w/.*-]*\w"
"""The path of a file or folder of the repository, as the documents write it."""
GLOSSARY = PAGES["docs/glossary.md"]
STAND_INS = {"SOURCE...": "source", "CORPUS...": "corpus", "N": "1"}
"""Words in a command that stand for a value."""

each_page = pytest.mark.parametrize("page", PAGES)


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and docs/build.py make them."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def commands_in(text: str, program: str) -> set[str]:
    """The command lines of a program that a page shows, in blocks of code and between backticks."""
    quoted = re.findall(rf"`({program} [^`\n]+)`", prose(text))
    lines = [line.strip() for line in re.findall(rf"^(?:    )?({program} .+)$", text, re.MULTILINE)]
    return {re.split(r"\s#|\s\s", command)[0] for command in (*quoted, *lines)}


def defines(source: str, name: str) -> bool:
    return re.search(rf"^\s*(?:class|def) {name}\b|^{name}\b[^=\n]*=", source, re.MULTILINE) is not None


def test_there_is_something_to_hold():
    everything = "\n".join(PAGES.values())
    assert {"README.md", "CONTRIBUTING.md", "docs/guide.md", "data/MODEL_CARD.md"} <= set(PAGES)
    assert len(re.findall(r"\]\(([^)\s]+)\)", everything)) > 50
    assert len(set(re.findall(PROJECT_FILES, everything))) > 50
    assert all(len(commands_in(everything, program)) > 2 for program in ("cmt", "python", "make"))


@each_page
def test_links_lead_to_files_and_headings(page: str):
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(PAGES[page])):
        path, _, heading = link.partition("#")
        if ":" in link:
            continue
        target = (ROOT / page).parent / unquote(path) if path else ROOT / page
        assert target.exists(), link
        if heading:
            assert heading in headings(target.read_text(encoding="utf-8")), link


@each_page
def test_files_that_are_named_exist(page: str):
    for path in re.findall(rf"(?<![\w/.]){PROJECT_FILES}", prose(PAGES[page])):
        assert any(ROOT.glob(path)) or "out/" in path, path


@each_page
def test_commands_are_ones_that_cmt_knows(page: str):
    for command in commands_in(PAGES[page], "cmt"):
        name, *arguments = [STAND_INS.get(word, word) for word in shlex.split(command)][1:]
        if name == "COMMAND" or name.startswith("-"):
            continue
        if arguments == [] or "..." in arguments or any(word.startswith("[") for word in arguments):
            assert name in main.commands, command
            continue
        main.commands[name].make_context(name, arguments, resilient_parsing=not has_all(name, arguments))


def has_all(name: str, arguments: list[str]) -> bool:
    """Whether a command is shown with all that it needs; an option alone, as in `cmt train --resume`, is not."""
    has_arguments = any(isinstance(its, click.Argument) for its in main.commands[name].params)
    return not has_arguments or not arguments[0].startswith("-")


@each_page
def test_recipes_have_the_options_that_are_shown(page: str):
    for command in commands_in(PAGES[page], "python"):
        script, *arguments = shlex.split(command)[1:]
        if script.startswith("-"):
            continue
        source = (ROOT / script).read_text(encoding="utf-8")
        for option in (word.strip("[]") for word in arguments if word.strip("[").startswith("-")):
            assert f'"{option}"' in source, command


@each_page
def test_make_targets_exist(page: str):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in commands_in(PAGES[page], "make"):
        target = command.split()[1]
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), command


def test_the_glossary_says_where_each_word_is_defined():
    rows = [row.strip("| ").split(" | ") for row in re.findall(r"^\| .+$", GLOSSARY, re.MULTILINE)]
    words = [row for row in rows if row[0] != "word"]
    assert len(words) > 60
    for word, *_, where in words:
        place, *names = re.findall(r"`([^`]+)`", where)
        assert (ROOT / place).exists(), f"{word}: {place}"
        files = [ROOT / place] if (ROOT / place).is_file() else sorted((ROOT / place).rglob("*.py"))
        for name in names:
            assert any(defines(file.read_text(encoding="utf-8"), name) for file in files), f"{word}: {where}"


def test_the_names_in_the_architecture_are_in_the_code():
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "cmt").rglob("*.py")))
    section = PAGES["docs/architecture.md"].partition("## Where do I change what?")[2]
    for path, name in re.findall(r"`(\w+)` in\s+`([\w/]+\.py)`", section):
        assert defines((ROOT / name).read_text(encoding="utf-8"), path), f"{path} in {name}"
    for name in re.findall(r"`([A-Z]\w+)`", section):
        assert re.search(rf"\b{name}\b", sources) or name == "PACK", name


def test_every_room_and_page_has_its_row():
    rooms = {f"cmt/{path.parent.name}" for path in (ROOT / "cmt").glob("*/__init__.py")}
    rows = set(re.findall(r"^\| `([\w/]+)` \|", PAGES["docs/architecture.md"], re.MULTILINE))
    assert rooms | {"video_rhythm", "midi_io"} <= rows


def test_the_options_page_is_that_of_the_command_line(tmp_path):
    # In a process of its own, which has the default number of takes.
    command = [sys.executable, ROOT / "docs" / "options.py", "--output", tmp_path / "options.md"]
    subprocess.run(command, check=True)
    assert PAGES["docs/options.md"] == (tmp_path / "options.md").read_text(), "run: python docs/options.py"


def test_extras_that_are_named_exist():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    named = re.findall(r"(?:\.|video-cmt)\\?\[([a-z,-]+)\\?\]", "\n".join((*PAGES.values(), workflow)))
    assert named
    assert {extra for extras in named for extra in extras.split(",")} <= set(config["options.extras_require"])


def test_the_workflow_runs_the_oldest_and_the_newest_python():
    classifiers = (ROOT / "setup.cfg").read_text(encoding="utf-8")
    pythons = re.findall(r"Python :: (3\.\d+)", classifiers)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert f'python: ["{pythons[0]}", "{pythons[-1]}"]' in workflow


def test_every_page_is_in_the_menu_of_the_built_documentation():
    build = (ROOT / "docs" / "build.py").read_text(encoding="utf-8")
    for page in PAGES:
        assert f'"{page}": ' in build, page


@pytest.mark.slow
def test_the_documentation_builds_without_a_warning(tmp_path: Path):
    pytest.importorskip("pdoc")
    command = [sys.executable, "-W", "error", str(ROOT / "docs" / "build.py"), "--output", str(tmp_path / "docs")]
    done = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    public = (tmp_path / "docs" / "api" / "cmt.html").read_text(encoding="utf-8")
    assert all(f'id="{name}"' in public for name in ("make_soundtrack", "Wishes", "analyze"))
