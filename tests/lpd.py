"""Little songs in the layout of the Lakh Pianoroll Dataset, with a known answer."""

from __future__ import annotations

import json
import os
import signal
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from midi_io.general_midi import PROGRAMS
from midi_io.song import Instrument, Note

STEPS_PER_POSITION = 6


def save_arrays(path, info, arrays):
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("info.json", json.dumps(info))


def sparse_arrays(name, roll):
    """The column-wise sparse layout that LPD's files use."""
    columns = [np.nonzero(column)[0] for column in roll.T]
    return {
        f"{name}_csc_data": np.concatenate([roll[rows, pitch] for pitch, rows in enumerate(columns)]),
        f"{name}_csc_indices": np.concatenate(columns).astype(np.int32),
        f"{name}_csc_indptr": np.cumsum([0, *(len(rows) for rows in columns)]).astype(np.int32),
        f"{name}_csc_shape": np.array(roll.shape),
    }


class Track(NamedTuple):
    """A track of a pianoroll; its notes are (start, end, pitch) in steps, 24 a beat."""

    notes: Sequence[tuple[int, int, int]]
    program: int = 0
    is_drum: bool = False


def write_pianoroll_of(path: Path, tracks: Sequence[Track], *, tempo: float = 100.0, bar: int = 0) -> Path:
    """An .npz as LPD has it, downbeats every `bar` steps or only the first one."""
    n_step = max((end for track in tracks for _, end, _ in track.notes), default=0) + 24
    downbeat = np.zeros(n_step, bool)
    downbeat[:: bar or n_step] = True
    arrays = {"tempo": np.full(n_step, tempo), "downbeat": downbeat}
    info: dict = {"beat_resolution": 24, "name": path.stem}
    for index, track in enumerate(tracks):
        roll = np.zeros((n_step, 128), np.uint8)
        for start, end, pitch in track.notes:
            roll[max(0, start - 1), pitch] = 0  # a note struck again as it ends stays two
            roll[start:end, pitch] = 80
        arrays |= sparse_arrays(f"pianoroll_{index}", roll)
        info[str(index)] = {"name": "", "program": track.program, "is_drum": track.is_drum}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_arrays(path, info, arrays)
    return path


def tune(seed: int, n_bar: int = 12) -> list[Note]:
    """A song that is like no other: drums, piano and bass."""
    rng = np.random.default_rng(seed)
    notes = []
    for bar in range(n_bar):
        for position in sorted({0, *rng.integers(0, 16, 6).tolist()}):
            pitches = set(rng.integers(48, 84, 2).tolist())
            notes += [Note(16 * bar + position, Instrument.PIANO, pitch, 1) for pitch in pitches]
        notes += [Note(16 * bar + 4 * beat, Instrument.BASS, int(rng.integers(30, 50)), 2) for beat in range(4)]
        notes += [Note(16 * bar + 4 * beat, Instrument.DRUMS, 36 + 2 * (beat % 2), 1) for beat in range(4)]
    return sorted(notes)


def tracks_of(notes: Sequence[Note], *, transpose: int = 0, delay: int = 0) -> list[Track]:
    """A track for each instrument, moved by semitones and by steps."""
    tracks = []
    for instrument in sorted({note.instrument for note in notes}):
        is_drum = instrument is Instrument.DRUMS
        steps = [
            (
                note.position * STEPS_PER_POSITION + delay,
                (note.position + note.duration) * STEPS_PER_POSITION + delay,
                note.pitch + (0 if is_drum else transpose),
            )
            for note in notes
            if note.instrument is instrument
        ]
        tracks.append(Track(steps, PROGRAMS[instrument], is_drum))
    return tracks


def lpd_path(root: Path, number: int) -> Path:
    """Where LPD would put song `number`: its folder is called after the Million Song Dataset's id."""
    msd_id = f"TRABCDE{number:011X}"
    return root / msd_id[2] / msd_id[3] / msd_id[4] / msd_id / f"{number:032x}.npz"


MSD_IDS = [f"TRABCDE{number:011X}" for number in range(9)]


def write_lists(folder: Path, lists: dict[str, list[int]], ids: Sequence[tuple[str, int]] = ()) -> Path:
    """Genre lists as LPD has them, and its list of all ids; songs by number."""
    for name, members in lists.items():
        path = folder / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{MSD_IDS[i]}\n" for i in members))
    if ids:
        (folder / "cleansed_ids.txt").write_text("".join(f"{md5}    {MSD_IDS[i]}\n" for md5, i in ids))
    return folder


def take_and_die(task: Any, config: Any) -> Any:
    """Reads songs as `cmt.corpus.prepare` does, but one of them, $DEADLY, kills the process."""
    from cmt.corpus.prepare import _take

    if any(str(task.source / song) == os.environ["DEADLY"] for song in task.songs):
        os.kill(os.getpid(), signal.SIGKILL)
    return _take(task, config)
