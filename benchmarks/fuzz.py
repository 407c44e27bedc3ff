"""Damaged input of every kind, and what becomes of it: tracebacks, hangs, memory, deaths.

    python -m benchmarks.fuzz [--cases 1000] [--seed 1] [--kind midi --kind json ...] [--jobs 2] [--keep FOLDER]

Cases are drawn by their number and the seed, so each can be made again. Small files made by the bench itself
(`fuzz_seeds.py`) are mutated: bits and bytes, words of 0 and of ones, cuts, doublings, swaps and splices; members of
zips and .xz files that stay valid, leaves of JSON, headers of checkpoints. The kind `command` runs whole commands
(`fuzz_commands.py`); they are slow, and one case in 45, unless `--kind` says otherwise. Readers run in processes that
are forked once for many cases, each with 1 GiB of memory more than at its beginning; a case of more than 30 s of
the processor, or waits for 300 s, is killed. Bugs that a run over many files catches count as tracebacks here. Prints a
table, and a line for each fault.
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import lzma
import math
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.fuzz_seeds import COMMAND, KINDS, Files
from cmt.errors import CmtError
from cmt.machine import bugs

SECONDS, MEMORY = 30.0, 2**30
LONGEST_WAIT = 300.0
"""Seconds of the clock after which a case hangs that has not had `SECONDS` of the processor: others may have it."""
OUTCOMES = ("ok", "clear", "traceback", "memory", "hang", "died")
"""What may become of a case: read, refused in one line, and four faults."""
ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 1, 2**31, 2**63, 10**30, 0.5, 1e308, -1e308, float("nan"), float("inf"), "", "a", "=1"),
    *("\x1b[0m", "\ud800", "\udcff", "..", "/", "a" * 5000, [], {}, [[]], [1, "a", None], {"a": 1}, [0] * 300),
)  # fmt: skip
WORDS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80")
Random = np.random.Generator


class Fault(NamedTuple):
    """A case that ended as none may."""

    kind: str
    number: int
    outcome: str
    detail: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", choices=list(KINDS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no case after so many")
    parser.add_argument("--keep", type=Path, help="a folder for the inputs of faults")
    arguments = parser.parse_args()
    kinds = arguments.kind or [*(4 * [kind for kind in KINDS if kind != "command"]), "command"]
    begin = time.monotonic()
    numbers = range(arguments.first, arguments.first + arguments.cases)
    counts, faults = run(kinds, numbers, arguments.seed, arguments.jobs, arguments.keep, arguments.minutes)
    print(f"| input | cases | {' | '.join(OUTCOMES)} |\n|---|---|{'---|' * len(OUTCOMES)}")
    for kind in [*dict.fromkeys(kinds), "all"]:
        its = counts[kind] if kind != "all" else sum(counts.values(), Counter())
        print(f"| {kind} | {its.total()} | {' | '.join(str(its[outcome]) for outcome in OUTCOMES)} |")
    for fault in faults:
        print(f"{fault.kind} {fault.number} {fault.outcome}: {fault.detail}")
    n_case = sum(counts.values(), Counter()).total()
    print(f"{n_case} cases, seed {arguments.seed}, {time.monotonic() - begin:.0f} s")


def run(
    kinds: Sequence[str],
    numbers: Sequence[int],
    seed: int,
    jobs: int = 1,
    keep: Path | None = None,
    minutes: float = math.inf,
) -> tuple[dict[str, Counter[str]], list[Fault]]:
    """The outcomes by kind, and the faults; the cases' numbers go round the kinds."""
    with tempfile.TemporaryDirectory(prefix="cmt-fuzz-") as name:
        home = Path(name)
        seeds = {}
        for kind in dict.fromkeys(kinds):
            (home / "seeds" / kind).mkdir(parents=True)
            seeds[kind] = KINDS[kind].seeds(home / "seeds" / kind)
        counts: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
        faults = []
        waiting = list(numbers)[::-1]
        readers: list[_Reader] = []

        def settle(reader: _Reader, outcome: str, detail: str) -> None:
            kind = kinds[reader.number % len(kinds)]
            counts[kind][outcome] += 1
            if outcome not in ("ok", "clear"):
                faults.append(Fault(kind, reader.number, outcome, detail))
                if keep is not None:
                    shutil.copytree(reader.folder, keep / f"{kind}-{seed}-{reader.number}", dirs_exist_ok=True)

        end = time.monotonic() + 60 * minutes
        while waiting or readers:
            if time.monotonic() > end:
                waiting.clear()
            while waiting and len(readers) < jobs:
                readers.append(_Reader(home, kinds, seeds, seed, waiting.pop()))
            for pipe in wait([reader.pipe for reader in readers], timeout=1.0):
                reader = next(one for one in readers if one.pipe is pipe)
                try:
                    settle(reader, *reader.pipe.recv())
                except (EOFError, OSError):
                    reader.end()
                    settle(reader, "died", f"exit {reader.process.exitcode}")
                    readers.remove(reader)
                    continue
                if waiting:
                    reader.begin(waiting.pop())
                else:
                    reader.end()
                    readers.remove(reader)
            for reader in [one for one in readers if one.hangs]:
                reader.end()
                settle(reader, "hang", f"more than {SECONDS:g} s")
                readers.remove(reader)
    return counts, faults


class _Reader:
    """A process that reads one case after another."""

    def __init__(self, home: Path, kinds: Sequence[str], seeds: dict[str, list[Files]], seed: int, number: int) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.folder = home / f"case-{os.urandom(4).hex()}"
        self.process = context.Process(target=_serve, args=(theirs, self.folder, kinds, seeds, seed), daemon=True)
        self.process.start()
        theirs.close()
        self.begin(number)

    def begin(self, number: int) -> None:
        """Hand over a case."""
        self.number, self._since, self._busy = number, time.monotonic(), _busy_seconds(self.process.pid)
        self.pipe.send(number)

    @property
    def hangs(self) -> bool:
        """Whether it has worked on its case for too long, or waited where it does nothing."""
        if time.monotonic() - self._since < SECONDS:
            return False
        busy = _busy_seconds(self.process.pid)
        waited = SECONDS if math.isnan(busy) else LONGEST_WAIT
        return busy - self._busy > SECONDS or time.monotonic() - self._since > waited

    def end(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.join()


def _busy_seconds(process: int | None) -> float:
    """What a process has had of the processors; nan where the system does not tell it as Linux does."""
    with suppress(OSError, ValueError):
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return math.nan


def _serve(pipe: Connection, folder: Path, kinds: Sequence[str], seeds: dict[str, list[Files]], seed: int) -> None:
    # What the process that forked this one left behind stays: a scaler of FFmpeg's waits for its threads when it is
    # freed, and they are not here.
    gc.freeze()
    _limit_memory()
    _no_bug_is_caught()
    while True:
        number = pipe.recv()
        kind = kinds[number % len(kinds)]
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write(case(kind, seeds[kind], seed, number), folder)
        pipe.send(outcome_of(KINDS[kind].read, folder))


def write(files: Files, folder: Path) -> None:
    """Lay the files of a case into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _no_bug_is_caught() -> None:
    """Let what is caught in a run over many files, so that the others are read, be a traceback here."""

    def raise_it(error: Exception) -> str:
        raise AssertionError(f"caught: {error!r}") from error

    for module in [module for name, module in sys.modules.items() if name.startswith("cmt.")]:
        if getattr(module, "unforeseen", None) is bugs.unforeseen is not raise_it and module is not bugs:
            vars(module)["unforeseen"] = raise_it
    bugs.unforeseen = raise_it


def _limit_memory() -> None:
    """Let this process have so much more than it has; what a library's threads reserve and never use counts too."""
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        kib = next(int(line.split()[1]) for line in lines if line.startswith("VmData"))
        resource.setrlimit(resource.RLIMIT_DATA, (kib * 1024 + MEMORY, -1))


def outcome_of(read: Callable[[Path], None], folder: Path) -> tuple[str, str]:
    """What becomes of a case, and where a traceback ends."""
    try:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            read(folder)
    except CmtError as error:
        return ("clear", "") if "\n" not in str(error) else ("traceback", f"{error!r}: of several lines")
    except MemoryError:
        return "memory", f"more than {MEMORY / 2**30:g} GiB"
    except BaseException as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "benchmarks" not in frame.filename]
        place = frames[-1] if frames else None
        own = [
            frame for frame in frames if "site-packages" not in frame.filename and "/lib/python" not in frame.filename
        ]
        place = own[-1] if own else place
        where = "" if place is None else f"{Path(place.filename).name}:{place.lineno} {place.name}: "
        return "traceback", f"{where}{type(error).__name__}: {str(error)[:120]}"
    return "ok", ""


def case(kind: str, seeds: Sequence[Files], seed: int, number: int) -> Files:
    """The files of a case: a seed's, of which one or, of text, some are mutated."""
    rng = np.random.default_rng([seed, number])
    files = dict(seeds[int(rng.integers(len(seeds)))])
    names = sorted(json.loads(files[COMMAND])["damaged"] if COMMAND in files else files)
    n_changed = len(names) if kind in ("text", "json") else 1
    for name in [names[i] for i in rng.permutation(len(names))[:n_changed]]:
        others = [other[name] for other in seeds if name in other]
        files[name] = mutated(name, files[name], others, rng)
    return files


def mutated(name: str, content: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """The content of a file with some damage, of its own kind in half of the cases."""
    changes = [_of_its_kind(name)] if rng.random() < 0.5 else []
    for change in changes:
        if change is not None:
            with suppress(ValueError, KeyError, zipfile.BadZipFile, lzma.LZMAError):
                return change(content, rng)
    for _ in range(int(rng.integers(1, 4))):
        content = _bytes_mutated(content, others, rng)
    return content


def _of_its_kind(name: str) -> Callable[[bytes, Random], bytes] | None:
    if name.endswith(".xz"):
        inner = name.removesuffix(".xz")
        return lambda content, rng: lzma.compress(mutated(inner, lzma.decompress(content), [], rng))
    endings = {
        ".json": _json_mutated,
        ".jsonl": _lines_mutated,
        ".npz": _zip_mutated,
        ".safetensors": _tensors_mutated,
        ".csv": _text_mutated,
        ".toml": _text_mutated,
        ".txt": _text_mutated,
    }
    return endings.get(Path(name).suffix)


def _bytes_mutated(content: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    data = bytearray(content or b"\0")
    place = int(rng.integers(len(data)))
    # The beginning, where heads are, is met more often than chance would.
    place = min(place, int(rng.integers(64))) if rng.random() < 0.4 else place
    size = int(rng.integers(1, 40))
    how = int(rng.integers(8))
    if how == 0:
        data[place] ^= 1 << int(rng.integers(8))
    elif how == 1:
        data[place] = (0, 255, 127, 128)[int(rng.integers(4))]
    elif how == 2:
        data[place : place + 4] = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80")[
            int(rng.integers(4))
        ]
    elif how == 3:
        del data[place:]
    elif how == 4:
        del data[place : place + size]
    elif how == 5:
        data[place:place] = data[place : place + size]
    elif how == 6:
        other = int(rng.integers(len(data)))
        data[place : place + size], data[other : other + size] = data[other : other + size], data[place : place + size]
    else:
        donor = others[int(rng.integers(len(others)))] if others else content
        data = data[:place] + donor[int(rng.integers(len(donor) + 1)) :]
    return bytes(data)


def _json_mutated(content: bytes, rng: Random) -> bytes:
    said = json.loads(content)
    if rng.random() < 0.05:
        return b"[" * 100_000 if rng.random() < 0.5 else b'{"a":' * 50_000
    for _ in range(int(rng.integers(1, 4))):
        said = _leaf_changed(said, rng)
    return json.dumps(said).encode()


def _leaf_changed(said: Any, rng: Random) -> Any:
    """The content with one value, at any depth, replaced, removed or doubled."""
    if not isinstance(said, dict | list) or not said or rng.random() < 0.1:
        return ODD[int(rng.integers(len(ODD)))]
    changed: Any = dict(said) if isinstance(said, dict) else list(said)
    keys = list(said) if isinstance(said, dict) else range(len(said))
    key = keys[int(rng.integers(len(keys)))]
    if rng.random() < 0.1:
        del changed[key]
    elif rng.random() < 0.1 and isinstance(changed, list):
        changed.insert(key, changed[key])
    else:
        changed[key] = _leaf_changed(said[key], rng)
    return changed


def _lines_mutated(content: bytes, rng: Random) -> bytes:
    lines = content.splitlines()
    which = int(rng.integers(len(lines)))
    lines[which] = _json_mutated(lines[which], rng)
    return b"\n".join(lines) + b"\n"


def _text_mutated(content: bytes, rng: Random) -> bytes:
    odd = (
        b"nan",
        b"inf",
        b"-1",
        b"1e400",
        b"9" * 400,
        b"\0",
        b"\xff",
        b"=1",
        b"'",
        b'"',
        b"[[[[",
        b"\r",
        b"\t",
        b";;",
        b"[",
    )
    parts = content.replace(b"\n", b" \n ").split(b" ")
    place = int(rng.integers(len(parts)))
    if rng.random() < 0.1:
        parts[place] = parts[place] * 2000
    else:
        parts[place] = odd[int(rng.integers(len(odd)))]
    return b" ".join(parts).replace(b" \n ", b"\n")


def _zip_mutated(content: bytes, rng: Random) -> bytes:
    """A valid zip, one of its arrays changed: bytes, shape, type, or another one's content."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    names = sorted(members)
    name = names[int(rng.integers(len(names)))]
    how = int(rng.integers(5))
    if how == 0:
        del members[name]
    elif how == 1:
        members[name] = members[names[int(rng.integers(len(names)))]]
    elif how == 2:
        members[name] = _bytes_mutated(members[name], [], rng)
    else:
        if name.startswith("info"):
            members[name] = _json_mutated(members[name], rng)
            return _zipped(members)
        array = np.load(io.BytesIO(members[name]), allow_pickle=False)
        if how == 3 and array.size:
            array = array.copy()
            array.flat[int(rng.integers(array.size))] = (0, -1, 255, 127, 2**15)[int(rng.integers(5))] % 2**15
        else:
            kinds = (np.float64, np.int64, np.uint64, bool, np.complex128, "U3")
            array = array.astype(kinds[int(rng.integers(len(kinds)))])
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        members[name] = file.getvalue()
    return _zipped(members)


def _zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return file.getvalue()


def _tensors_mutated(content: bytes, rng: Random) -> bytes:
    """A checkpoint with another header, of the right length, or with values that are no numbers."""
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    how = int(rng.integers(4))
    if how == 0:
        place = 2 * int(rng.integers(len(data) // 2))
        data[place : place + 2] = (b"\x00\x7c", b"\x00\x7e", b"\xff\x7b")[int(rng.integers(3))]
    elif how == 1:
        header = _leaf_changed(header, rng)
    else:
        about = json.loads(header["__metadata__"]["cmt"])
        header["__metadata__"]["cmt"] = json.dumps(_leaf_changed(about, rng)) if how == 2 else "[" * 50_000
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


if __name__ == "__main__":
    main()
