"""The names of `cmt`: one list for who runs, one for who checks types, and they agree."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cmt
import midi_io
import video_rhythm

ROOT = Path(__file__).resolve().parent.parent

USER = """
from cmt import GenerateConfig, Soundtrack, Wishes, make_soundtrack

made: Soundtrack = make_soundtrack("clip.mp4", "out", Wishes(tempo=120.0), GenerateConfig(seed=1))
make_soundtrack(1, "out")
from cmt import no_such_name
"""


def seen_by_type_checkers() -> dict[str, str]:
    """Where the imports under `if TYPE_CHECKING:` take each name from."""
    tree = ast.parse(Path(cmt.__file__).read_text(encoding="utf-8"))
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: str(node.module) for node in imports for alias in node.names}


def test_type_checkers_see_the_names_that_there_are():
    assert seen_by_type_checkers() == cmt._HOMES


def test_every_name_is_public_and_there():
    assert set(cmt._HOMES) <= set(cmt.__all__)
    assert cmt.__all__ == sorted(cmt.__all__)
    for name in cmt.__all__:
        assert getattr(cmt, name) is not None


def test_another_name_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        cmt.no_such_name  # noqa: B018


@pytest.mark.parametrize("package", [cmt, midi_io, video_rhythm], ids=lambda package: package.__name__)
def test_packages_say_that_they_are_typed(package):
    assert (Path(package.__file__).parent / "py.typed").is_file()


@pytest.mark.slow
def test_a_user_gets_types(tmp_path: Path):
    """Without the libraries beside, whose types are nothing to these errors and take mypy most of its time."""
    script = tmp_path / "user.py"
    script.write_text(USER, encoding="utf-8")
    # From elsewhere, so that the settings are the user's, and with our packages where they would be installed.
    run = subprocess.run(
        [*(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--no-site-packages"), script.name],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line.split(": ", 1) for line in run.stdout.splitlines() if line.startswith("user.py:")]
    places = [(place, text.rsplit("[", 1)[-1]) for place, text in errors]
    assert places == [("user.py:5", "arg-type]"), ("user.py:6", "attr-defined]")], run.stdout + run.stderr
