"""The rooms of the house (docs/architecture.md): who stands on which floor, and that nobody looks up."""

import ast

import pytest
from test_architecture import ROOT, SOURCES, each_module, imports, nodes_of, tree_of

FLOORS = (
    {"errors"},
    {"midi_io", "video_rhythm"},
    {"film", "machine", "music"},
    {"band", "config", "grid", "metrics", "sounds"},
    {"corpus", "network", "report"},
    {"evaluation", "handover", "training", "writing"},
    {"planning"},
    {"meaning"},
    {"matching", "page"},
    {"soundtrack"},
    {"app"},
    {"cli"},
)
"""From the ground up: a room knows the floors below its own, and nobody beside it."""
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
FLAT_FILES = {"__init__.py", "__main__.py", "config.py", "errors.py"}
"""All that may lie in `cmt` itself."""
MOST_LINES = 500
"""A longer module is two rooms that share a door."""


def room_of(module: str) -> str | None:
    """The room of a module; None for what is none of ours, and for the door of `cmt` itself."""
    first, *rest = module.split(".")
    if first in ("midi_io", "video_rhythm"):
        return first
    return rest[0] if first == "cmt" and rest and rest[0] != "__main__" else None


def known(module: str) -> set[str]:
    """Our modules that a module imports, anywhere in it."""
    return {name for name in imports(module) if name in SOURCES and name != module}


def test_cmt_holds_rooms_and_four_files():
    entries = [path for path in (ROOT / "cmt").iterdir() if path.name not in ("__pycache__", "assets", "py.typed")]
    assert {path.name for path in entries if path.is_file()} == FLAT_FILES
    assert {path.name for path in entries if path.is_dir()} <= FLOOR_OF.keys()


@each_module
def test_every_module_has_a_floor(module: str):
    assert module in ("cmt", "cmt.__main__") or room_of(module) in FLOOR_OF


@each_module
def test_a_room_knows_lower_floors_only(module: str):
    room = room_of(module)
    if room is None:
        return  # the door of the house opens to all
    for other in map(room_of, known(module)):
        assert other in (None, room) or FLOOR_OF[other] < FLOOR_OF[room], f"{module} ({room}) looks up to {other}"


@pytest.mark.parametrize("room", sorted(FLOOR_OF))
def test_no_room_has_a_circle(room: str):
    arrows = {module: {m for m in known(module) if room_of(m) == room} for module in SOURCES if room_of(module) == room}
    while leaves := {module for module, targets in arrows.items() if not targets}:
        arrows = {module: targets - leaves for module, targets in arrows.items() if module not in leaves}
    assert not arrows, f"these know each other: {sorted(arrows)}"


@each_module
def test_what_begins_with_an_underscore_stays_in_its_module(module: str):
    for node in nodes_of(module):
        if isinstance(node, ast.ImportFrom):
            assert not [alias.name for alias in node.names if alias.name.startswith("_")], f"line {node.lineno}"


@each_module
def test_a_room_says_what_it_is(module: str):
    assert ast.get_docstring(tree_of(module)), "the first line of a module says what it is for"
    if SOURCES[module].name == "__init__.py" and module.startswith("cmt.") and module != "cmt.cli":
        imported = [node for node in tree_of(module).body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert len(imported) <= 1 or module == "cmt.metrics", "a name has one address: its module"


@each_module
def test_no_module_is_two(module: str):
    assert len(SOURCES[module].read_text(encoding="utf-8").splitlines()) <= MOST_LINES


@each_module
def test_time_has_one_shape(module: str):
    """Where something lies in time is a Timeline, never a pair of a timing and a length."""
    for node in nodes_of(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            names = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
            assert not {"timing", "length"} <= names, f"line {node.lineno}"
