"""Small files of every kind that is read, made for the fuzzing bench, and what reads them.

A kind's seeds are folders in small: the content of each file by its name. What reads one gets the folder.
"""

from __future__ import annotations

import io
import json
import lzma
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np

from benchmarks.fuzz_commands import COMMAND, commands, run_command, train_a_step
from cmt.cli.train_file import use_file
from cmt.config import PRESETS, GenerateConfig, PrepareConfig
from cmt.corpus.folder import COLUMN_TYPES, Entry, read_folder, write_folder
from cmt.corpus.intake import take_file
from cmt.corpus.packs import read_pack
from cmt.corpus.songs import SongInfo
from cmt.errors import CmtError
from cmt.evaluation.evaluate import Pair, evaluate, pairs_of
from cmt.grid.hits import read_markers
from cmt.machine.workers import Workers
from cmt.matching.index import open_index, read_pieces
from cmt.matching.indexing import update_index
from cmt.matching.journal import MatchJournal
from cmt.matching.library import find_sources, read_sources
from cmt.meaning.file import read_description
from cmt.meaning.words import read_words
from cmt.music.words import Mode, initial_words
from cmt.network.checkpoint import load_checkpoint, save_checkpoint
from cmt.network.weights import weight_shapes
from cmt.planning.energy import parse_section, read_energy
from cmt.planning.form import parse_form
from cmt.planning.mutes import parse_mute
from cmt.planning.progression import parse_chords
from cmt.planning.redo import parse_redo, read_comments
from cmt.planning.wishes import Wishes
from cmt.report.sounds import read_events
from cmt.sounds.event import SoundEvent
from cmt.sounds.library import read_library
from cmt.soundtrack.again import make_again
from cmt.soundtrack.batch import read_log
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import has_fluidsynth, read_midi, render, write_midi
from midi_io.audio_file import write_audio
from midi_io.file_playing import read_to_play
from midi_io.midi_file import read_midi_ticks
from midi_io.pianoroll import read_pianoroll
from midi_io.song import Instrument, Note, Song
from video_rhythm import analyze

Files = dict[str, bytes]


class Kind(NamedTuple):
    """A kind of input: its seeds, and all that reads it. What `read` raises but a CmtError is a fault."""

    seeds: Callable[[Path], list[Files]]
    read: Callable[[Path], None]


def song(seed: int, n_bar: int = 6) -> Song:
    """A song of all instruments."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers([0, 0, 40, 1, 40], [16 * n_bar, 5, 80, 6, 120], (60, 5)).tolist()
    notes = {(a, b, c): Note(a, Instrument(b), c, d, e) for a, b, c, d, e in drawn}
    return Song.steady(tuple(notes.values()), float(rng.integers(70, 160)), 16 * n_bar)


def _midi(folder: Path) -> list[Files]:
    seeds = []
    for seed in range(4):
        write_midi(song(seed), folder / "a.mid", title="a")
        seeds.append({"a.mid": (folder / "a.mid").read_bytes()})
    return seeds


def _read_midi(folder: Path) -> None:
    path = folder / "a.mid"
    _all(
        partial(_read_library, folder),
        partial(take_file, folder, path.name, PrepareConfig()),
        partial(read_midi_ticks, path),
        partial(read_to_play, path, lambda _: None),
        partial(evaluate, [Pair(path, None)], audio=False),
        partial(_write_again, path),
    )


def _write_again(path: Path) -> None:
    again = path.with_name("again.mid")
    write_midi(read_midi(path), again)
    read_midi(again)


def _read_library(folder: Path) -> None:
    read_sources(find_sources([folder]))


def _all(*readers: Callable[[], object]) -> None:
    """Let all read; the first refusal is raised at the end."""
    refused = []
    for read in readers:
        try:
            read()
        except CmtError as error:
            refused.append(error)
    if refused:
        raise refused[0]


def pianoroll(seed: int) -> bytes:
    """An .npz as pypianoroll writes it."""
    rng = np.random.default_rng(seed)
    n_step = 96 * 4
    arrays: dict[str, Any] = {"tempo": np.full(n_step, 120.0), "downbeat": np.arange(n_step) % 96 == 0}
    info: dict[str, Any] = {"resolution": 24, "name": "a"}
    for track, instrument in enumerate(Instrument):
        info[str(track)] = {"program": 0, "is_drum": track == 0, "name": instrument.label.capitalize()}
        steps = [
            np.unique(rng.integers(0, n_step, 8)) if 40 <= pitch < 50 else np.zeros(0, int) for pitch in range(128)
        ]
        n_cell = sum(map(len, steps))
        arrays[f"pianoroll_{track}_csc_data"] = np.full(n_cell, 90, np.uint8)
        arrays[f"pianoroll_{track}_csc_indices"] = np.concatenate(steps).astype(np.int32)
        arrays[f"pianoroll_{track}_csc_indptr"] = np.cumsum([0, *map(len, steps)]).astype(np.int32)
        arrays[f"pianoroll_{track}_csc_shape"] = np.array([n_step, 128])
    file = io.BytesIO()
    np.savez(file, **arrays)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("info.json", json.dumps(info))
    return file.getvalue()


def _read_npz(folder: Path) -> None:
    path = folder / "a.npz"
    take = partial(take_file, folder, path.name, PrepareConfig())
    _all(partial(_read_library, folder), take, partial(read_pianoroll, path))


def _pack(folder: Path) -> list[Files]:
    rng = np.random.default_rng(5)
    n_note = np.array([140, 160, 150])
    n = int(n_note.sum())
    file = io.BytesIO()
    np.savez(
        file,
        offsets=np.cumsum([0, *n_note]),
        dt=rng.integers(0, 4, n).astype(np.uint16),
        track=rng.integers(0, 5, n).astype(np.uint8),
        pitch=rng.integers(40, 80, n).astype(np.uint8),
        dur=rng.integers(1, 8, n).astype(np.uint8),
    )
    infos = [{"md5": "a" * 32, "genre": "pop", "bpm": 120, "split": split} for split in ("train", "val", "train")]
    packed = lzma.compress(json.dumps(infos).encode())
    return [{"lpd5_16th_a.npz.xz": lzma.compress(file.getvalue()), "songs_a.json.xz": packed}]


def _read_pack(folder: Path) -> None:
    _all(partial(_read_library, folder), partial(read_pack, folder / "lpd5_16th_a.npz.xz", "train"))


def _corpus(folder: Path) -> list[Files]:
    rng = np.random.default_rng(6)
    n_note = (40, 60)
    columns = [
        ("position", np.concatenate([np.sort(rng.integers(0, 128, n)) for n in n_note])),
        ("instrument", rng.integers(0, 5, sum(n_note))),
        ("pitch", rng.integers(40, 80, sum(n_note))),
        ("duration", rng.integers(1, 8, sum(n_note))),
    ]
    entries = [Entry(SongInfo("a", None, Mode.MAJOR, 120.0, 0, 8), "train", n) for n in n_note]
    typed = [(name, column.astype(getattr(COLUMN_TYPES, name))) for name, column in columns]
    write_folder(folder, entries, typed)
    return [{path.name: path.read_bytes() for path in sorted(folder.iterdir())}]


def _read_corpus(folder: Path) -> None:
    _all(partial(_read_library, folder), partial(read_folder, folder, "train"))


def _index(folder: Path) -> list[Files]:
    library = folder / "library"
    library.mkdir()
    for number in range(6):
        write_midi(song(number), library / f"{number}.mid")
    (library / "bad.mid").write_bytes(b"bad")
    update_index([library], folder / "index", Workers(1))
    return [{path.name: path.read_bytes() for path in sorted((folder / "index").iterdir())}]


def _read_index(folder: Path) -> None:
    library = folder.with_name(f"{folder.name}.library")
    library.mkdir(exist_ok=True)
    (library / "a.mid").write_bytes(b"bad")
    _all(partial(_read_pieces, folder), partial(update_index, [library], folder, Workers(1)))


def _read_pieces(folder: Path) -> None:
    for shard in open_index(folder):
        for table in read_pieces(shard):
            for piece in range(len(table.block.tempo)):
                table.details(piece)


def _checkpoint(folder: Path) -> list[Files]:
    config = replace(PRESETS["tiny"], d_model=32, d_feed_forward=32, n_layer=1, n_head=2, d_timing=4)
    rng = np.random.default_rng(7)
    weights = {name: 0.02 * rng.standard_normal(shape) for name, shape in weight_shapes(config).items()}
    save_checkpoint(config, weights, folder / "a.safetensors", {"step": 1})
    return [{"a.safetensors": (folder / "a.safetensors").read_bytes()}]


def _read_checkpoint(folder: Path) -> None:
    decoder = load_checkpoint(folder / "a.safetensors").decoder
    decoder.start([initial_words(tempo=120.0)], decoder.new_state(1))


def font() -> bytes:
    """A SoundFont of one sound, a sine."""
    samples = (8000 * np.sin(np.arange(400) * 2 * np.pi / 50)).astype("<i2").tobytes() + bytes(92)

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    def name(text: bytes) -> bytes:
        return text.ljust(20, b"\0")

    generators = struct.pack("<HHHH", 54, 1, 53, 0)  # looped; sample 0
    presets = ((b"a", 0, 0), (b"drums", 128, 1), (b"EOP", 0, 2))  # bank, first of pbag
    sample = name(b"a") + struct.pack("<IIIIIBbHH", 0, 400, 50, 350, 22050, 60, 0, 0, 1)
    parts = [
        (b"phdr", b"".join(name(text) + struct.pack("<HHHIII", 0, *its, 0, 0, 0) for text, *its in presets)),
        (b"pbag", struct.pack("<HHHHHH", 0, 0, 1, 0, 2, 0)),
        (b"pmod", bytes(10)),
        (b"pgen", struct.pack("<HHHHHH", 41, 0, 41, 0, 0, 0)),
        (b"inst", name(b"a") + struct.pack("<H", 0) + name(b"EOI") + struct.pack("<H", 1)),
        (b"ibag", struct.pack("<HHHH", 0, 0, 2, 0)),
        (b"imod", bytes(10)),
        (b"igen", generators + bytes(4)),
        (b"shdr", sample + name(b"EOS") + bytes(26)),
    ]
    info = chunk(b"ifil", struct.pack("<HH", 2, 1)) + chunk(b"isng", b"EMU8000\0") + chunk(b"INAM", b"a\0")
    lists = [
        chunk(b"LIST", b"INFO" + info),
        chunk(b"LIST", b"sdta" + chunk(b"smpl", samples)),
        chunk(b"LIST", b"pdta" + b"".join(chunk(*part) for part in parts)),
    ]
    return chunk(b"RIFF", b"sfbk" + b"".join(lists))


def _read_font(folder: Path) -> None:
    if has_fluidsynth():
        notes = (Note(0, Instrument.PIANO, 60, 2, 90),)
        render(Song.steady(notes, 240.0, 4), soundfont=folder / "a.sf2", sample_rate=22050, loudness=None)


def _video(folder: Path) -> list[Files]:
    seeds = []
    for name, codec, form in (("mp4", "mpeg4", "yuv420p"), ("mkv", "libx264", "yuv420p"), ("gif", "gif", "rgb8")):
        path = folder / f"a.{name}"
        with av.open(str(path), "w") as file:
            stream: Any = file.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = 64, 48, form
            for number in range(20):
                picture = np.full((48, 64, 3), 60 if number < 10 else 200, np.uint8)
                picture[10:30, 2 * number : 2 * number + 20] = 255 - 10 * number
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")):
                    file.mux(packet)
            for packet in stream.encode():
                file.mux(packet)
        seeds.append({path.name: path.read_bytes()})
    return seeds


def _read_video(folder: Path) -> None:
    analyze(next(iter(folder.iterdir())))


TEXTS: Files = {
    "hits.csv": b"time,weight\n0.5,1\n1.2;0.5\n# a\n1.8\t2\n",
    "energy.csv": b"0,0.2\n3,0.6\n5.5,0.9\n",
    "words.toml": b'version = 1\nmood = "calm"\ngenre = "pop"\ntempo = 100\n',
    "train.toml": b'minutes = 60\npreset = "tiny"\nseed = 3\nresume = true\n',
    "pairs.csv": b"midi,video\na.mid,b.mp4\n'=1.mid,\n",
    "options.txt": b"AABA\nA: C G; B: F G\ndrums@0-4\npiano@9-12\n12.5:intense\ncalm, a little sad, then faster\n",
}


def _texts(folder: Path) -> list[Files]:
    return [TEXTS]


def _read_texts(folder: Path) -> None:
    import click

    from cmt.cli.train import train

    option = next(param for param in train.params if param.name == "config")
    readers: list[Callable[[], object]] = [
        partial(read_markers, folder / "hits.csv"),
        partial(read_energy, folder / "energy.csv"),
        partial(read_description, folder / "words.toml"),
        partial(use_file, click.Context(train), option, folder / "train.toml"),
        partial(pairs_of, (), None, folder / "pairs.csv"),
    ]
    lines = (folder / "options.txt").read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    parsers = (parse_form, parse_chords, parse_mute, parse_redo, parse_section, read_words)
    readers += [partial(parse, line) for parse, line in zip(parsers, lines, strict=False)]
    _all(*readers)


EVENTS = {"schema": 1, "events": [{"time": 0.5, "kind": "hit"}, {"time": 0.2, "kind": "whoosh", "length": 0.6}]}
COMMENTS = {
    "schema": 1,
    "comments": [{"begin": 2.5, "end": 4.0, "instrument": "drums", "text": "softer"}, {"begin": 5.0, "text": "a"}],
}


def _json(folder: Path) -> list[Files]:
    wishes = Wishes(length=6.0, tempo=90.0, takes=1)
    make_soundtrack(None, folder, wishes, GenerateConfig(seed=1), output=Output(midi_only=True), name="clip")
    report, midi = ((folder / f"clip{suffix}").read_bytes() for suffix in (".json", ".mid"))
    outcome = {
        "video": "/a/b.mp4",
        "name": "b",
        "status": "done",
        "settings": "0123456789abcdef",
        "size": 3,
        "modified": 4,
        "error": "",
        "trace": "",
        "files": ["b.mid", "b.json"],
        "report_sha256": "",
        "summary": {"duration": 3.0, "n_bar": 2, "tempo": 120.0, "key": "C major", "genre": None, "seed": 1},
        "warnings": ["a"],
        "seconds": 1.5,
    }
    row = {"video": "a", "rank": 1, "score": 0.5}
    demand = {
        "density": [3, 4],
        "strength": [1] * 32,
        "first_bar": 0,
        "knots": [[0, 0.0], [32, 4.0]],
        "length": 32,
        "moods": [],
    }
    lines = [
        {"run": "a"},
        {"video": 0, "demand": demand},
        {"video": 0, "rows": [row], "pieces": 3},
        {"video": 0, "film": ["a.mp4", "", []]},
    ]
    journal = "".join(json.dumps(line) + "\n" for line in lines).encode()
    log = (json.dumps(outcome) + "\n").encode()
    more = {"events.json": json.dumps(EVENTS).encode(), "clip.comments.json": json.dumps(COMMENTS).encode()}
    return [{"clip.json": report, "clip.mid": midi, "generate.jsonl": log, "match.jsonl": journal, **more}]


def _read_json(folder: Path) -> None:
    _all(
        partial(read_log, folder / "generate.jsonl"),
        partial(MatchJournal, folder / "match.jsonl", "a"),
        partial(evaluate, [Pair(folder / "clip.mid", None)], audio=False),
        partial(read_events, folder / "events.json"),
        partial(read_comments, folder / "clip.comments.json"),
        partial(_read_again, folder / "clip.json"),
    )


def _read_again(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as again:
        make_again(path, again)


def _sounds(folder: Path) -> list[Files]:
    times = np.arange(4000) / 8000
    wave = np.column_stack([np.sin(900 * times), np.sin(700 * times)]) * np.exp(-4 * times)[:, np.newaxis]
    seeds = []
    for suffix in ("wav", "flac", "ogg", "mp3", "m4a"):
        write_audio(wave, folder / f"whoosh 1.{suffix}", 8000 if suffix != "ogg" else 48000)
        list_ = f"hit.{suffix},hit\n'=1.wav,rain\nwhoosh 1.{suffix},whoosh\n".encode()
        content = (folder / f"whoosh 1.{suffix}").read_bytes()
        seeds.append({f"whoosh 1.{suffix}": content, f"hit.{suffix}": content, "rain.wav": content})
        seeds.append({**seeds[-1], "=1.wav": content, "sounds.csv": list_})
    return seeds


def _read_sounds(folder: Path) -> None:
    library = read_library(folder)
    kinds = {kind: SoundEvent(0.0, 1.0, 0.5, 0.0, kind, "user", 0, None) for kind in ("hit", "whoosh", "rain")}
    for event in library.fitted(tuple(kinds.values())):
        if event.file is not None:
            (library.bed if event.is_bed else library.sound)(event, 22050)


def _commands(folder: Path) -> list[Files]:
    """Each command with the files that it is given."""
    made: Files = {**TEXTS, **_json(folder / "json")[0], **_checkpoint(folder)[0], **_pack(folder)[0]}
    made |= {"a.mp4": _video(folder)[0]["a.mp4"], "a.sf2": font(), "pairs.csv": b"midi,video\nsongs/1.mid,a.mp4\n"}
    for number, name in enumerate(("songs/1.mid", "songs/2.mid", "more/3.mid")):
        write_midi(song(number), folder / "a.mid")
        made[name] = (folder / "a.mid").read_bytes()
    sound = next(files["hit.wav"] for files in _sounds(folder) if "hit.wav" in files)
    made |= {"sounds/hit.wav": sound, "sounds/boom.wav": sound, "sounds/sounds.csv": b"hit.wav,hit\nboom.wav,impact\n"}
    run: Files = {}
    if find_spec("torch"):
        for name in ("lpd5_16th_a.npz.xz", "songs_a.json.xz"):
            (folder / name).write_bytes(made[name])
        train_a_step(folder)
        run = {f"run/{path.name}": path.read_bytes() for path in sorted((folder / "run").iterdir()) if path.is_file()}
        made |= {"before/model.safetensors": run["run/model.safetensors"]}
        made |= {"train.toml": b'preset = "tiny"\nseed = 3\nvalidation-words = 64\nminutes = 60\n'}
    seeds = []
    for arguments, damaged in commands():
        said = {"arguments": list(arguments), "damaged": list(damaged)}
        more = run if "--resume" in arguments else {}
        seeds.append({COMMAND: json.dumps(said).encode(), **made, **more})
    return seeds


KINDS: dict[str, Kind] = {
    "midi": Kind(_midi, _read_midi),
    "npz": Kind(lambda folder: [{"a.npz": pianoroll(seed)} for seed in range(3)], _read_npz),
    "pack": Kind(_pack, _read_pack),
    "corpus": Kind(_corpus, _read_corpus),
    "index": Kind(_index, _read_index),
    "checkpoint": Kind(_checkpoint, _read_checkpoint),
    "font": Kind(lambda folder: [{"a.sf2": font()}], _read_font),
    "video": Kind(_video, _read_video),
    "sounds": Kind(_sounds, _read_sounds),
    "text": Kind(_texts, _read_texts),
    "json": Kind(_json, _read_json),
    "command": Kind(_commands, run_command),
}
