"""What the main job needs, looked at one thing at a time: what is found, what is missing, and what mends it.

Everything is imported where it is looked at, so that what is missing does not stop the rest.
"""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Literal

from cmt.errors import CmtError
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.memory import free_memory

State = Literal["ok", "warning", "missing"]

LIBRARIES = {
    "cv2": "opencv-python-headless",
    "av": "av",
    "PIL": "pillow",
    "matplotlib": "matplotlib",
    "jinja2": "jinja2",
    "miditoolkit": "miditoolkit",
    "mido": "mido",
    "safetensors": "safetensors",
    "threadpoolctl": "threadpoolctl",
}
"""What the main job imports beside what the command line does itself, and the packages of these names."""
EXTRAS = {
    "torch": ("train", "cmt train"),
    "fastapi": ("app", "cmt app"),
    "mcp": ("tools", "cmt tools"),
    "pyarrow": ("match", "cmt index and cmt match"),
    "distributed": ("cluster", "work on many machines"),
    "pypianoroll": ("pianoroll", "midi_io.write_pianoroll, from Python"),
    "onnxruntime": ("fast", "`int8` of cmt generate and cmt sample"),
    "tensorboard": ("tensorboard", "`tensorboard` of cmt train"),
}
"""What single commands import, the extra that brings it, and who needs it."""

LEAST_MEMORY = 1e9
LEAST_SPACE = 1e9
"""Bytes under which a warning is given: a video of some minutes and its music need less."""
SILENCE = 1e-4
"""A peak that nobody hears, -80 dB of full scale: samples that cannot be decoded leave FluidSynth's dither."""
_OPENGL = "apt-get install libgl1 libglib2.0-0, or pip install opencv-python-headless in place of opencv-python"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: State
    """`missing` stops the main job; `warning` does not."""
    text: str
    """What was found, or what is wrong and the command that mends it."""


def examine(output: Path, soundfont: Path | None = None, checkpoint: Path | None = None) -> Iterator[Finding]:
    """Look at everything that `make_soundtrack` needs, and at the extras.

    Parameters
    ----------
    output
        The folder for the results. It is tried, and left as it was.
    soundfont, checkpoint
        As `make_soundtrack` takes them.
    """
    yield from _try("Python", _python)
    yield from _try("video-cmt", _version)
    for library, package in LIBRARIES.items():
        yield from _try(package, partial(_library, library, package))
    yield from _try("FluidSynth", _fluidsynth)
    yield from _try("SoundFont", partial(_soundfont, soundfont))
    yield from _try("trial note", partial(_trial_note, soundfont))
    yield from _try("sound encoder", _sound_encoder)
    yield from _try("video encoder", _video_encoder, "warning")
    yield from _try("model", partial(_model, checkpoint))
    yield from _try("planner", _planner)
    yield from _try("output folder", partial(_output_folder, output))
    yield from _try("temporary folder", _temporary_folder, "warning")
    yield from _try("disk", partial(_disk, output), "warning")
    yield from _try("memory", _memory, "warning")
    for library, (extra, purpose) in EXTRAS.items():
        yield from _try(library, partial(_extra, library, extra, purpose), "warning")


class _LackError(CmtError):
    """What a check found wrong."""


def _try(subject: str, check: Callable[[], str], failing: State = "missing") -> Iterator[Finding]:
    """The finding of a check, which returns what is there or raises what is wrong."""
    try:
        yield Finding(subject, "ok", check())
    except ImportError as error:
        yield Finding(subject, failing, f"cannot be looked at without {error.name or error}, see above")
    except (CmtError, OSError) as error:
        yield Finding(subject, failing, " ".join(str(error).split()))


def _python() -> str:
    return f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.executable}"


def _version() -> str:
    try:
        return metadata.version("video-cmt")
    except metadata.PackageNotFoundError:
        raise _LackError("not installed; pip install video-cmt") from None


def _library(library: str, package: str) -> str:
    if util.find_spec(library) is None:
        raise _LackError(f"not installed; pip install {package}")
    try:
        import_module(library)
    except Exception as error:
        cure = _OPENGL if library == "cv2" else f"pip uninstall {package}; pip install {package}"
        raise _LackError(f"cannot be imported ({error}); {cure}") from error
    return _version_of(package, library)


def _version_of(package: str, library: str) -> str:
    """The version of an installed package; another one may bring the same library, as opencv-python does."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        names = metadata.packages_distributions().get(library, [])  # reads all that is installed: not at once
        return f"{metadata.version(names[0])} of {names[0]}" if names else "of unknown version"


def _fluidsynth() -> str:
    from midi_io.synthesis import fluidsynth_version

    return fluidsynth_version()


def _soundfont(soundfont: Path | None) -> str:
    from midi_io import find_soundfont

    path = find_soundfont(soundfont)
    return f"{path}, {path.stat().st_size / 1e6:.1f} MB"


def _trial_note(soundfont: Path | None) -> str:
    from midi_io import Instrument, Note, Song, find_soundfont
    from midi_io.rendering import play

    path = find_soundfont(soundfont)
    silent, peak = [], 0.0
    for instrument in Instrument:
        audio = play(Song.steady([Note(0, instrument, 40, 2, 100)], 120.0, 4), soundfont=path)
        loudest = float(abs(audio).max())
        peak = max(peak, loudest)
        if loudest < SILENCE:
            silent.append(instrument.label)
    if silent:
        raise _LackError(f"{path}: {', '.join(silent)} cannot be heard; choose another SoundFont with `soundfont`")
    return f"each instrument is heard, the loudest at {peak:.2f} of full scale"


def _sound_encoder() -> str:
    import av

    try:
        return av.codec.Codec("aac", "w").long_name
    except av.codec.codec.UnknownCodecError:
        raise _LackError("this build of PyAV has no AAC encoder; pip uninstall av; pip install av") from None


def _video_encoder() -> str:
    from cmt.film.encoding import video_encoder

    return f"{video_encoder()}, for pictures that an mp4 cannot carry as they are"


def _model(checkpoint: Path | None) -> str:
    from cmt.network.checkpoint import default_checkpoint, load_checkpoint

    path = default_checkpoint() if checkpoint is None else checkpoint
    return f"{path}, SHA-256 {load_checkpoint(path).sha256[:16]}"


def _planner() -> str:
    from cmt.network.planner import default_planner, load_planner

    load_planner()
    return str(default_planner())


def _output_folder(output: Path) -> str:
    with folder_for_all_or_nothing(output) as unfinished:
        _write_trial(unfinished)
    return f"{output.absolute()} can be written to"


def _temporary_folder() -> str:
    try:
        with tempfile.TemporaryDirectory(prefix="cmt-") as folder:
            _write_trial(Path(folder))
    except OSError as error:
        raise _LackError(
            f"cannot be written to ({error.strerror or error}); set TMPDIR to a folder that can"
        ) from error
    return f"{tempfile.gettempdir()} can be written to"


def _write_trial(folder: Path) -> None:
    trial = folder / "trial"
    trial.write_bytes(bytes(4096))
    trial.unlink()


def _disk(output: Path) -> str:
    place = next(path for path in (output.absolute(), *output.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if free < LEAST_SPACE:
        raise _LackError(f"only {free / 1e9:.1f} GB are free at {place}; make room or choose another `folder`")
    return f"{free / 1e9:.1f} GB are free at {place}"


def _memory() -> str:
    free = free_memory()
    if free < LEAST_MEMORY:
        raise _LackError(f"only {free / 1e9:.1f} GB are free; close other programs")
    return f"{free / 1e9:.1f} GB are free"


def _extra(library: str, extra: str, purpose: str) -> str:
    if util.find_spec(library) is None:
        raise _LackError(f"not installed, needed only for {purpose}; pip install 'video-cmt[{extra}]'")
    return _version_of(library, library)
