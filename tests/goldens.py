"""Hashes of what twelve commands write, to prove that a change of the code changes no music.

    python tests/goldens.py                   compare the MIDI files with the committed hashes (tests/goldens.json)
    python tests/goldens.py --keep before     and write the hashes of everything into the file `before`
    python tests/goldens.py --against before  compare everything with such a file, made earlier on the same machine
    python tests/goldens.py --commit          write tests/goldens.json anew: say in the commit why the music changed

MIDI files were the same on every processor tried, so their hashes are committed. Audio, pictures, measurements and
weights differ in last digits from one processor to another, so they are compared on one machine only. It is a command
and no test because nobody promises that the next processor rounds as these did.

Left out of the hashes: how long the stages took, and the name of the temporary folder.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = ROOT / "tests" / "goldens.json"
TIMES = frozenset({"stages", "seconds", "minutes", "modified", "source_changed", "report_sha256"})
"""Names of fields and columns that tell how long something took or when a file was made, or that are a hash of such."""

COMMANDS: Mapping[str, str] = {
    "plain": "generate sample.mp4 --genre pop --control 0.7 --seed 1 -o plain",
    "bent": "generate sample.mp4 --tempo-map --hit 7.3 --seed 2 -o bent",
    "sections": "generate sample.mp4 --section 0:calm --section 8:intense --mute drums@2-6 --key D:minor --midi-only "
    "--seed 3 -o sections",
    "takes": "generate sample.mp4 --takes 3 --keep-takes --midi-only --control 1 --seed 4 -o takes",
    "length": "generate --length 25 --genre metal --midi-only --name song --seed 5 -o length",
    "folder": "generate clips --jobs 2 --midi-only --seed 6 -o folder",
    "analyze": "analyze sample.mp4 --json --hit 7.3 --tempo-map",
    "prepare": "prepare songs pack/lpd5_16th_test.npz.xz --jobs 1 --validation 0.3 --min-tracks 1 -o corpus",
    "train": "train pack/lpd5_16th_test.npz.xz --preset tiny --steps 3 --validation-steps 2 --threads 1 -o run",
    "index": "index songs library pack/lpd5_16th_test.npz.xz --jobs 1 -o index",
    "match": "match sample.mp4 --library index --jobs 1 --top 3 --out rows.csv --out rows.json --render films",
    "evaluate": "evaluate plain takes --video sample.mp4 --jobs 1 -o measured",
}
"""The commands by name, in order: later ones read what earlier ones wrote."""


def main() -> int:
    """Run the commands and compare; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the hashes of everything")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare everything with FILE")
    parser.add_argument("--commit", action="store_true", help=f"write {COMMITTED.relative_to(ROOT)} anew")
    parser.add_argument("--folder", type=Path, help="keep the files themselves there, to look at differences")
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True)
        hashes = hashes_of_all(options.folder.resolve())
    else:
        with tempfile.TemporaryDirectory() as folder:
            hashes = hashes_of_all(Path(folder).resolve())
    if options.keep:
        write(options.keep, hashes)
    of_midi = {file: value for file, value in hashes.items() if file.endswith(".mid")}
    if options.commit:
        write(COMMITTED, of_midi)
    agree = same(json.loads(COMMITTED.read_text()), of_midi, "committed MIDI files")
    if options.against:
        agree &= same(json.loads(options.against.read_text()), hashes, f"files of {options.against}")
    return 0 if agree else 1


def write(path: Path, hashes: Mapping[str, str]) -> None:
    """Write hashes as JSON, a line each."""
    path.write_text(json.dumps(hashes, indent=1, sort_keys=True) + "\n")


def same(expected: Mapping[str, str], found: Mapping[str, str], what: str) -> bool:
    """True if the hashes agree; prints each file that differs."""
    differing = sorted(file for file in expected.keys() | found.keys() if expected.get(file) != found.get(file))
    for file in differing:
        print(f"differs: {file}")
    print(f"{len(expected) - len([f for f in differing if f in expected])} of {len(expected)} {what} are the same")
    return not differing


def hashes_of_all(folder: Path) -> dict[str, str]:
    """Run every command in `folder`, which is empty; the hash of each file, and of what is printed by `analyze`."""
    make_inputs(folder)
    inputs = files_of(folder)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    printed = {}
    for name, command in COMMANDS.items():
        print(f"cmt {command}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "cmt", *command.split()],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"goldens: this command failed: cmt {command}\n{done.stderr}")
        if name == "analyze":
            printed["analyze.stdout"] = sha256(done.stdout.encode())
    written = files_of(folder) - inputs
    return printed | {str(path.relative_to(folder)): hash_of(path, folder) for path in sorted(written)}


def files_of(folder: Path) -> set[Path]:
    """All files below `folder`."""
    return {path for path in folder.rglob("*") if path.is_file()}


def make_inputs(folder: Path) -> None:
    """The clip, a folder of two short clips, and small songs in each form that is read."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    from clips import draw_clip
    from lpd import lpd_path, tracks_of, tune, write_pianoroll_of
    from packs import write_pack

    from midi_io import Song, write_midi

    subprocess.run([sys.executable, str(ROOT / "data" / "draw_sample_clip.py"), str(folder / "sample.mp4")], check=True)
    for name in ("clips", "songs", "library", "pack"):
        (folder / name).mkdir()
    draw_clip(folder / "clips" / "moving.mp4", seconds=6)
    draw_clip(folder / "clips" / "still.mp4", seconds=5, still=True)
    for number in range(6):
        write_pianoroll_of(lpd_path(folder / "songs", number), tracks_of(tune(number)), tempo=90.0 + number)
    for number in range(6, 10):
        write_midi(Song.steady(tuple(tune(number)), 100 + number, 16 * 12), folder / "library" / f"{number}.mid")
    write_pack(folder / "pack")


def hash_of(path: Path, folder: Path) -> str:
    """The hash of a file's content without times and without the name of `folder`."""
    clean = CLEANERS.get(path.suffix, bytes)
    return sha256(clean(path.read_bytes()).replace(os.fsencode(folder), b"."))


def sha256(content: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def without_times(value: Any) -> Any:
    """JSON's objects without their times."""
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def as_bytes(value: Any) -> bytes:
    """JSON without times, keys in order."""
    return json.dumps(without_times(value), sort_keys=True, default=bytes.hex).encode()


def clean_json(content: bytes) -> bytes:
    """A JSON file."""
    return as_bytes(json.loads(content))


def clean_json_lines(content: bytes) -> bytes:
    """A file of JSON lines, sorted, since it depends on the processes which is done first."""
    return b"\n".join(sorted(map(clean_json, content.splitlines())))


def clean_csv(content: bytes) -> bytes:
    """A CSV file."""
    return as_bytes(list(csv.DictReader(content.decode().splitlines())))


def clean_parquet(content: bytes) -> bytes:
    """A table's rows."""
    import pyarrow.parquet

    return as_bytes(pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist())


def clean_safetensors(content: bytes) -> bytes:
    """Weights, with a header whose fields may hold JSON in strings."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    metadata = {key: json.loads(text) for key, text in header.pop("__metadata__", {}).items()}
    return as_bytes([header, metadata]) + content[end:]


CLEANERS: Mapping[str, Callable[[bytes], bytes]] = {
    ".json": clean_json,
    ".jsonl": clean_json_lines,
    ".csv": clean_csv,
    ".parquet": clean_parquet,
    ".safetensors": clean_safetensors,
}
"""How a file of each kind is freed of times, by its suffix."""


if __name__ == "__main__":
    sys.exit(main())
