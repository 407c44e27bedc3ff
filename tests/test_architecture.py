"""Who may know whom: read from the source, so that no import has to run."""

import ast
import configparser
import re
import sys
from collections.abc import Callable, Iterator, Set
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("cmt", "midi_io", "video_rhythm")

MAY_IMPORT = {
    "midi_io": {"midi_io", "cmt.errors"},
    "video_rhythm": {"video_rhythm", "cmt.errors"},
    "cmt": {"cmt", "midi_io", "video_rhythm"},
    "cmt.errors": set(),
}
OURS = {path.name for path in ROOT.iterdir() if path.is_dir()}
# Modules that run whatever is in the file they read.
UNSAFE_READERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def each_module(test: Callable[[str], None]) -> Callable[[], None]:
    """The test of every module, as one test: thousands of them would each take less time than pytest needs beside it.

    Where it fails, the traceback names the module.
    """

    def test_all() -> None:
        for module in SOURCES:
            test(module)

    test_all.__name__, test_all.__doc__ = test.__name__, test.__doc__
    return test_all


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(SOURCES[module].read_text(encoding="utf-8"), str(SOURCES[module]))


@cache
def nodes_of(module: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(tree_of(module)))


def dotted(node: ast.expr) -> str:
    """A name, or one with dots; what is no such thing, such as a call's result, is nothing."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def names_of(node: ast.AST, module: str) -> list[str]:
    """The full names that an import statement in `module` mentions; of `from a import b` both a and a.b."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        source = node.module or ""
        if node.level:
            is_package = SOURCES[module].name == "__init__.py"
            package = module.split(".")[: None if is_package else -1]
            package = package[: len(package) - node.level + 1]
            source = ".".join([*package, source] if source else package)
        return [source, *(f"{source}.{alias.name}" for alias in node.names)]
    if isinstance(node, ast.Call) and dotted(node.func) in ("__import__", "importlib.import_module"):
        return [str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)]
    return []


@cache
def imports(module: str) -> frozenset[str]:
    return frozenset(name for node in nodes_of(module) for name in names_of(node, module))


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """All of a module that runs when it is imported: not its functions' bodies, nor what only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        yield child
        yield from run_at_import(child)


@cache
def imports_at_once(module: str) -> frozenset[str]:
    return frozenset(name for node in run_at_import(tree_of(module)) for name in names_of(node, module))


def top_level(names: Set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def test_there_is_something_to_hold():
    assert {module.split(".")[0] for module in SOURCES} == set(PACKAGES)


@each_module
def test_packages_know_only_whom_they_may(module: str):
    allowed = MAY_IMPORT.get(module, MAY_IMPORT[module.split(".")[0]])
    for name in imports(module):
        if name.split(".")[0] in OURS:
            assert any(f"{name}.".startswith(f"{known}.") for known in allowed), name


@each_module
def test_nothing_reads_a_file_that_could_run_code(module: str):
    assert not top_level(imports(module)) & UNSAFE_READERS
    assert not {"torch.load", "numpy.lib.format"} & imports(module)
    for call in (node for node in nodes_of(module) if isinstance(node, ast.Call)):
        assert dotted(call.func) not in ("torch.load", "eval", "exec"), f"line {call.lineno}"
        for argument in call.keywords:
            if argument.arg == "allow_pickle":
                assert ast.unparse(argument.value) == "False", f"line {call.lineno}"


@each_module
def test_no_command_passes_through_a_shell(module: str):
    assert not {"os.system", "os.popen"} & imports(module)
    for call in (node for node in nodes_of(module) if isinstance(node, ast.Call)):
        assert dotted(call.func) not in ("os.system", "os.popen", "subprocess.getoutput"), f"line {call.lineno}"
        for argument in call.keywords:
            if argument.arg == "shell":
                assert ast.unparse(argument.value) == "False", f"line {call.lineno}"


# Programs of others whose options a message may name.
FOREIGN_FLAGS = re.compile(r"--no-install-recommends|--standalone")


@each_module
def test_below_the_command_line_nobody_speaks_its_language(module: str):
    if module == "cmt.cli" or module.startswith("cmt.cli."):
        return
    for node in nodes_of(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = FOREIGN_FLAGS.sub("", node.value)
            assert not re.search(r"(?<![\w-])--[a-z]|CMT_", text), f"line {node.lineno}: name the setting instead"


# Where the import's name is not the distribution's.
DISTRIBUTION_OF = {
    "cv2": "opencv-python-headless",
    "PIL": "pillow",
    "fluidsynth": "pyfluidsynth",
    "fast_transformers": "pytorch-fast-transformers",
    "torch.utils.tensorboard": "tensorboard",
}
# The libraries of extras, and who alone may import them.
EXTRA_OF = {
    "torch": "train",
    "torch.utils.tensorboard": "tensorboard",
    "fast_transformers": "fast-transformers",
    "pyarrow": "match",
    "fastapi": "app",
    "uvicorn": "app",
    "mcp": "tools",
    "distributed": "cluster",
    "pypianoroll": "pianoroll",
    "onnxruntime": "fast",
}
KNOWN_TO = {
    "torch": {"cmt.training"},
    "torch.utils.tensorboard": {"cmt.training.loop"},
    "fast_transformers": {"cmt.training.attention"},
    "pyarrow": {"cmt.matching"},
    "fastapi": {"cmt.app.web"},
    "uvicorn": {"cmt.app.web.serving"},
    "mcp": {"cmt.app.tools"},
    "distributed": {"cmt.machine.workers"},
    "pypianoroll": {"midi_io.pianoroll"},
    "onnxruntime": {"cmt.network.quantized"},
    "matplotlib": {
        "cmt.soundtrack.picture",
        "cmt.soundtrack.lettering",
        "cmt.corpus.statistics",
        "cmt.training.picture",
    },
    "click": {"cmt.cli"},
    "tqdm": {"cmt.cli", "cmt.training.loop"},
    "safetensors": {"cmt.network.checkpoint", "cmt.film.speech"},
    "threadpoolctl": {"cmt.machine.workers", "cmt.writing.pieces"},
    "av": {"video_rhythm", "cmt.film", "midi_io.mastering", "midi_io.audio_file", "cmt.soundtrack.checkup"},
    "cv2": {"video_rhythm"},
    "PIL": {"video_rhythm.stills", "cmt.page.content"},
    "jinja2": {"cmt.page.page", "cmt.app.web.page"},
    "miditoolkit": {"midi_io.midi_writer"},
    "mido": {"midi_io.midi_file", "midi_io.midi_writer"},
    "fluidsynth": {"midi_io.synthesis"},
    "tomli": {"cmt.meaning.file", "cmt.cli.train_file"},
}
# What runs without any extra: their imports are followed, as far as they run at once.
LEAN_ENTRIES = (
    "cmt",
    "cmt.cli",
    "cmt.soundtrack.make",
    "cmt.soundtrack.batch",
    "cmt.metrics",
    "cmt.evaluation.files",
    "cmt.corpus.prepare",
    "video_rhythm",
    "midi_io",
)


def libraries_of(names: Set[str]) -> set[str]:
    """The libraries that the imported names belong to; what an extra of its own brings stands by its full name."""
    # tomllib is Python's own from 3.11 on; before, tomli stands for it.
    foreign = top_level(names) - set(sys.stdlib_module_names) - set(PACKAGES) - {"tomllib"}
    return foreign | names & {library for library in EXTRA_OF if "." in library}


@cache
def requirements_of(extra: str | None) -> set[str]:
    """The distributions that the plain installation, or one extra by itself, asks for."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    text = config["options"]["install_requires"] if extra is None else config["options.extras_require"][extra]
    return {Requirement(line).name for line in text.splitlines() if line.strip() and not line.startswith("#")}


@each_module
def test_libraries_are_declared(module: str):
    for library in libraries_of(imports(module)):
        assert DISTRIBUTION_OF.get(library, library) in requirements_of(EXTRA_OF.get(library)), library


@each_module
def test_libraries_are_known_to_few(module: str):
    for library in libraries_of(imports(module)) & set(KNOWN_TO):
        assert any(f"{module}.".startswith(f"{known}.") for known in KNOWN_TO[library]), library


def test_nothing_is_required_that_nobody_imports():
    used = set().union(*(libraries_of(imports(module)) for module in SOURCES))
    assert set(KNOWN_TO) <= used
    assert requirements_of(None) == {DISTRIBUTION_OF.get(name, name) for name in used - set(EXTRA_OF)}
    for extra in sorted(set(EXTRA_OF.values())):
        libraries = [library for library, its in EXTRA_OF.items() if its == extra]
        assert requirements_of(extra) == {DISTRIBUTION_OF.get(library, library) for library in libraries}


@pytest.mark.parametrize("entry", LEAN_ENTRIES)
def test_starting_needs_no_library_of_an_extra(entry: str):
    """Follows the imports that run at once, through our own modules."""
    waiting, seen = [entry], set[str]()
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        names = imports_at_once(module)
        assert not libraries_of(names) & set(EXTRA_OF), f"{entry} imports it by way of {module}"
        # Importing a.b runs a as well.
        parents = {name.rsplit(".", depth)[0] for name in names for depth in range(1, name.count(".") + 1)}
        waiting.extend((names | parents) & set(SOURCES))
