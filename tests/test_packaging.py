"""setup.cfg, constraints.txt and CHANGELOG.md agree with each other and with the source."""

import configparser
import importlib.metadata
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from setuptools import find_packages

import cmt

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("3.10", "3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def setup_cfg() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    return config


def requirements(text: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line]


def required_by(config: configparser.ConfigParser, extra: str) -> list[Requirement]:
    """What an extra asks for, the extras that it names included."""
    required = []
    for requirement in requirements(config["options.extras_require"][extra]):
        if requirement.name == config["metadata"]["name"]:
            required += [inner for name in sorted(requirement.extras) for inner in required_by(config, name)]
        else:
            required.append(requirement)
    return required


def constraints() -> list[Requirement]:
    return requirements((ROOT / "constraints.txt").read_text(encoding="utf-8"))


def test_the_changelog_begins_with_the_version(setup_cfg: configparser.ConfigParser):
    headings = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == setup_cfg["metadata"]["version"]


def test_the_citation_names_the_version(setup_cfg: configparser.ConfigParser):
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert set(re.findall(r"^\s*version: (.+)$", citation, re.MULTILINE)) == {setup_cfg["metadata"]["version"]}


def test_the_installed_version_is_this_one(setup_cfg: configparser.ConfigParser):
    try:
        installed = importlib.metadata.version("video-cmt")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("video-cmt is not installed: make setup")
    assert cmt.__version__ == installed == setup_cfg["metadata"]["version"]


def test_the_version_is_that_of_the_installation(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"the version of {name}")
    assert cmt.__version__ == "the version of video-cmt"
    assert "__version__" in dir(cmt)


def test_what_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch):
    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    with pytest.raises(AttributeError, match=r"^cmt has no __version__: video-cmt is not installed; pip install"):
        _ = cmt.__version__


def test_only_our_packages_are_installed(setup_cfg: configparser.ConfigParser):
    include = setup_cfg["options.packages.find"]["include"].split()
    found = set(find_packages(str(ROOT), include=include))
    assert {package.split(".")[0] for package in found} == {"cmt", "midi_io", "video_rhythm"}
    folders = {path.parent for name in ("cmt", "midi_io", "video_rhythm") for path in (ROOT / name).rglob("*.py")}
    assert found == {".".join(folder.relative_to(ROOT).parts) for folder in folders}


def test_the_command_exists(setup_cfg: configparser.ConfigParser):
    name, target = setup_cfg["options.entry_points"]["console_scripts"].strip().split(" = ")
    module, function = target.split(":")
    assert name == "cmt"
    assert callable(getattr(importlib.import_module(module), function))


def test_constraints_are_exact_versions():
    for requirement in constraints():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {"=="}, str(requirement)
        version = next(iter(requirement.specifier)).version
        # A local version such as 2.13.0+cpu exists on few indexes.
        assert Version(version).local is None, str(requirement)


@pytest.mark.parametrize("python", PYTHONS)
def test_what_is_required_is_constrained_once_and_within_its_range(setup_cfg: configparser.ConfigParser, python: str):
    required = requirements(setup_cfg["options"]["install_requires"]) + required_by(setup_cfg, "test")
    chosen: dict[str, str] = {}
    for requirement in constraints():
        if requirement.marker is None or requirement.marker.evaluate({"python_version": python}):
            assert requirement.name not in chosen, f"{requirement.name} is given twice for Python {python}"
            chosen[requirement.name] = next(iter(requirement.specifier)).version
    for requirement in required:
        if requirement.marker is not None and not requirement.marker.evaluate({"python_version": python}):
            continue
        assert requirement.name in chosen, f"{requirement.name} has no version in constraints.txt"
        assert chosen[requirement.name] in requirement.specifier, str(requirement)


def test_all_is_every_extra_of_a_user_that_needs_no_compiler(setup_cfg: configparser.ConfigParser):
    (itself,) = requirements(setup_cfg["options.extras_require"]["all"])
    assert itself.name == setup_cfg["metadata"]["name"]
    assert itself.extras == set(setup_cfg["options.extras_require"]) - {"all", "docs", "test", "fast-transformers"}


def test_the_plain_installation_has_no_torch_no_pyarrow_and_nothing_that_brings_scipy(
    setup_cfg: configparser.ConfigParser,
):
    names = {requirement.name for requirement in requirements(setup_cfg["options"]["install_requires"])}
    assert not names & {"torch", "pyarrow", "scipy", "pypianoroll", "mir_eval"}


def test_the_pythons_promised_are_the_pythons_named(setup_cfg: configparser.ConfigParser):
    allowed = SpecifierSet(setup_cfg["options"]["python_requires"])
    assert all(python in allowed for python in PYTHONS) and "3.9" not in allowed
    named = re.findall(r"Python :: (3\.\d+)", setup_cfg["metadata"]["classifiers"])
    assert tuple(named) == PYTHONS


def test_the_build_needs_no_torch():
    # In pip's isolated build it would be fetched anew, in the newest version, however it is constrained outside.
    assert "torch" not in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
