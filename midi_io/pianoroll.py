"""Songs to and from the pianorolls of the Lakh Pianoroll Dataset (Dong et al., MuseGAN, 2018)."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.errors import MidiError, MissingLibraryError

from .general_midi import PROGRAMS, instrument_of_program
from .input_file import content_of
from .quantize import quantize_span, without_overlaps
from .song import BEATS_PER_BAR, POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Note, Song
from .ticks import TickNotes, TickSong, joined, no_notes
from .whole_file import whole_file

if TYPE_CHECKING:
    import pypianoroll

RESOLUTION = 24
"""A quarter note has this many time steps, as in the dataset."""
STEPS_PER_POSITION = RESOLUTION // POSITIONS_PER_BEAT
_DEFAULT_TEMPO = 120.0
_TEMPI = 3.58, 60_000_000.0
"""The tempi that a MIDI file, from which a pianoroll is made, can hold; steps with others are passed over."""
_DEFAULT_VELOCITY = 80
_N_PITCH = 128
_MOST_STEPS = 400_000
"""A file has at most this many steps, well over an hour of music; the dataset's longest song has a tenth of it."""
_MOST_RESOLUTION = 2**15
_MOST_BYTES = 2**27
"""All arrays together have at most this many bytes, a hundred times what a file of the dataset unpacks to."""


def song_to_multitrack(song: Song) -> pypianoroll.Multitrack:
    """The five tracks of LPD-5, silent ones included, at 24 steps a beat.

    A note that is struck again the moment it ends is written one step short, for a
    pianoroll cannot tell two touching notes from one.

    Raises
    ------
    MissingLibraryError
        If pypianoroll, of the extra `pianoroll`, is not installed.
    """
    pypianoroll = _load_pypianoroll()
    n_step = round(song.length * STEPS_PER_POSITION)
    rolls = np.zeros((len(Instrument), n_step, _N_PITCH), np.uint8)  # (instrument, step, pitch)
    for note in without_overlaps(song.notes):
        roll = rolls[note.instrument]
        start = note.position * STEPS_PER_POSITION
        if start >= n_step:
            continue
        if start > 0:
            roll[start - 1, note.pitch] = 0
        roll[start : start + note.duration * STEPS_PER_POSITION, note.pitch] = note.velocity
    downbeat = np.zeros(n_step, bool)
    downbeat[:: POSITIONS_PER_BAR * STEPS_PER_POSITION] = True
    return pypianoroll.Multitrack(
        name="",
        resolution=RESOLUTION,
        tempo=np.full(n_step, song.tempo),
        downbeat=downbeat,
        tracks=[
            pypianoroll.StandardTrack(
                name=instrument.label.capitalize(),
                program=PROGRAMS[instrument],
                is_drum=instrument is Instrument.DRUMS,
                pianoroll=rolls[instrument],
            )
            for instrument in Instrument
        ],
    )


def song_from_multitrack(multitrack: pypianoroll.Multitrack) -> Song:
    """The notes of a multitrack pianoroll of any resolution, on the sixteenth grid.

    Where all tracks are named after LPD-5's, they are those (its empty tracks carry no
    meaningful program); else each is merged into its family by program, whatever its name,
    as LPD-5 was made. A run of sounding steps is one note with the velocity of its first step.

    Raises
    ------
    MidiError
        If the resolution is not a positive number or a roll is not `(n_step, 128)`.
    """
    resolution = multitrack.resolution
    if not isinstance(resolution, (int, np.integer)) or resolution < 1:
        raise MidiError(f"pianoroll: resolution {resolution!r} is not a number of steps a beat; write the file anew")
    resolution = int(resolution)
    notes: list[Note] = []
    n_step = 0
    tracks = [_Track(track.name, track.program, track.is_drum) for track in multitrack.tracks]
    for track, instrument in zip(multitrack.tracks, _instruments_of(tracks), strict=True):
        roll = np.asarray(track.pianoroll)
        if roll.ndim != 2 or roll.shape[1] != _N_PITCH:
            raise MidiError(f"pianoroll: track {track.name!r} has shape {roll.shape}, not (steps, 128); write it anew")
        n_step = max(n_step, len(roll))
        if instrument is not None:
            notes += _notes_of_roll(roll, instrument, resolution)
    notes = without_overlaps(notes)
    ends = (note.position + note.duration for note in notes)
    length = n_step * POSITIONS_PER_BEAT / resolution
    return Song.steady(notes, _tempo_of(multitrack.tempo), max([length, *ends]))


def read_pianoroll(path: str | os.PathLike[str]) -> Song:
    """Read an .npz of pypianoroll, of today or of LPD's time (`beat_resolution`), as `song_from_multitrack` does.

    Raises
    ------
    MidiError
        If the file is missing, malformed, or holds pickled objects, which could run code.
    """
    return song_of_roll(read_pianoroll_ticks(path))


def song_of_roll(ticks: TickSong) -> Song:
    """What `read_pianoroll` makes of a file's notes."""
    notes = []
    for start, end, instrument, pitch, velocity in zip(*(column.tolist() for column in ticks.notes), strict=True):
        position, duration = quantize_span(start, end, ticks.ticks_per_beat)
        notes.append(Note(position, Instrument(instrument), pitch, duration, velocity))
    notes = without_overlaps(notes)
    ends = (note.position + note.duration for note in notes)
    length = ticks.n_tick * POSITIONS_PER_BEAT / ticks.ticks_per_beat
    return Song.steady(notes, _tempo_of(ticks.tempi), max([length, *ends]))


def read_pianoroll_ticks(path: str | os.PathLike[str]) -> TickSong:
    """The notes of such a file as they are in it, in steps; only its sounding steps are ever unpacked.

    Raises
    ------
    MidiError
        As `read_pianoroll`.
    """
    path = Path(path)
    try:
        content = content_of(path, _MOST_BYTES, MidiError)
        if not content.startswith(b"PK"):  # numpy would say that it might be a pickle, and how to load one
            raise ValueError("it is no zip archive")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            if sum(member.file_size for member in archive.zip.infolist()) > _MOST_BYTES:
                raise MidiError(f"{path}: unpacked it is larger than any song; write it anew")
            # All are read, and once: a pickled one raises ValueError here, needed or not.
            arrays = {name: archive[name] for name in archive.files}
    except MidiError:
        raise
    except Exception as error:
        # Whatever the first wrong byte leads zipfile, zlib and numpy to; for the user all mean the same.
        reason = str(error) or type(error).__name__
        raise MidiError(f"{path}: not an .npz of plain arrays ({reason}); write it with pypianoroll.save") from error
    try:
        return _ticks_of(arrays)
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise MidiError(
            f"{path}: not a pianoroll of pypianoroll ({type(error).__name__}: {error}); write it with pypianoroll.save"
        ) from error


def write_pianoroll(song: Song, path: str | os.PathLike[str]) -> None:
    """Write `song` as an LPD-5 .npz that pypianoroll loads.

    Raises
    ------
    MidiError
        If the file is not called .npz.
    WriteError
        If it cannot be written.
    MissingLibraryError
        If pypianoroll, of the extra `pianoroll`, is not installed.
    """
    pypianoroll = _load_pypianoroll()
    if Path(path).suffix != ".npz":
        raise MidiError(f"{path}: pianorolls are .npz files; give it that ending")
    with whole_file(path) as unfinished:
        pypianoroll.save(unfinished, song_to_multitrack(song))


class _SparseRoll(NamedTuple):
    """A track in SciPy's compressed sparse columns, one for each pitch."""

    shape: NDArray[Any]
    indptr: NDArray[Any]
    """The offsets (129,): pitch p has the entries indptr[p]:indptr[p + 1]."""
    indices: NDArray[Any]
    """The steps at which the pitch sounds."""
    data: NDArray[Any]
    """The velocities."""


class _Track(NamedTuple):
    """A track of a file, without its notes."""

    name: str | None
    program: int | None
    is_drum: bool | None


def _instruments_of(tracks: Sequence[_Track]) -> list[Instrument | None]:
    """The instruments that tracks are merged into; None are left out."""
    labels = [str(track.name or "").strip().upper() for track in tracks]
    if all(label in Instrument.__members__ for label in labels):
        return [Instrument[label] for label in labels]
    return [instrument_of_program(int(track.program or 0), bool(track.is_drum)) for track in tracks]


def _ticks_of(arrays: dict[str, Any]) -> TickSong:
    """The song in the arrays of an archive; `info.json` is among them, as bytes."""
    if "info.json" not in arrays:
        raise MidiError("no info.json in it, so not a pianoroll of pypianoroll; write it with pypianoroll.save")
    info = json.loads(arrays["info.json"])
    resolution = info["resolution"] if info.get("resolution") is not None else info["beat_resolution"]
    if not isinstance(resolution, int) or not 1 <= resolution <= _MOST_RESOLUTION:
        raise MidiError(f"resolution {resolution!r} is not a number of steps a beat; write the file anew")
    infos = itertools.takewhile(lambda track: track is not None, (info.get(str(index)) for index in itertools.count()))
    tracks = [_Track(track.get("name"), track.get("program"), track.get("is_drum")) for track in infos]
    parts, n_step = [], 0
    for index, instrument in enumerate(_instruments_of(tracks)):
        roll = _SparseRoll(*(np.asarray(arrays[f"pianoroll_{index}_csc_{part}"]) for part in _SparseRoll._fields))
        n_step = max(n_step, _checked_length(roll))
        if instrument is not None:
            parts.append(_notes_of_sparse_roll(roll, instrument))
    tempi = _possible(arrays.get("tempo", np.empty(0)))
    downbeats = np.flatnonzero(np.ravel(arrays.get("downbeat", [])))
    bar = resolution * BEATS_PER_BAR
    return TickSong(
        joined(parts),
        resolution,
        n_step,
        tempi,
        np.ones(len(tempi), np.int64),
        int(downbeats[0]) % bar if len(downbeats) else 0,
        bool((np.diff(downbeats) == bar).all()),
    )


def _checked_length(roll: _SparseRoll) -> int:
    """The number of a roll's steps, if its arrays make one; else a MidiError is raised."""
    shape, indptr, indices, data = roll
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or not 0 <= shape[0] <= _MOST_STEPS or shape[1] != _N_PITCH:
        raise MidiError(f"a pianoroll of shape {shape.tolist()}, not (steps, 128); write it anew")
    whole = indptr.shape == (_N_PITCH + 1,) and indices.ndim == 1 and indices.shape == data.shape
    whole = whole and indptr.dtype.kind in "iu" and indices.dtype.kind in "iu" and data.dtype.kind in "biuf"
    whole = (
        whole and indptr[0] == 0 and indptr[-1] == len(indices) and bool((np.diff(indptr.astype(np.int64)) >= 0).all())
    )
    if not whole or (len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < shape[0]):
        raise MidiError("a pianoroll whose arrays do not fit each other; write it anew")
    return int(shape[0])


def _notes_of_sparse_roll(roll: _SparseRoll, instrument: Instrument) -> TickNotes:
    """A note for each run of sounding steps, without unpacking the silent ones."""
    shape, indptr, indices, data = roll
    stride = int(shape[0]) + 1  # a step that no pitch has keeps the runs of two pitches apart
    cells = np.repeat(np.arange(_N_PITCH), np.diff(indptr)) * stride + indices.astype(np.int64)
    sounding = data > 0
    if not sounding.all():
        cells, data = cells[sounding], data[sounding]
    if (np.diff(cells) < 1).any():  # the steps of a column may be stored in any order
        cells, first = np.unique(cells, return_index=True)
        data = data[first]
    if not len(cells):
        return no_notes()
    begins = np.flatnonzero(np.r_[True, np.diff(cells) != 1])
    ends = np.r_[begins[1:], len(cells)] - 1
    pitch, start = np.divmod(cells[begins], stride)
    if data.dtype == np.bool_:
        velocity = np.full(len(begins), _DEFAULT_VELOCITY)
    else:
        velocity = np.clip(data[begins], 1, 127).astype(np.int64)
    return TickNotes(start, cells[ends] % stride + 1, np.full(len(begins), int(instrument)), pitch, velocity)


def _notes_of_roll(roll: NDArray[Any], instrument: Instrument, resolution: int) -> list[Note]:
    sounding = np.zeros((_N_PITCH, len(roll) + 2), np.int8)  # a silent step on either side
    sounding[:, 1:-1] = (roll > 0).T
    change = np.diff(sounding, axis=1)
    pitches, starts = np.nonzero(change > 0)
    _, ends = np.nonzero(change < 0)  # the same order: pitch by pitch, run by run
    if roll.dtype == np.bool_:
        velocities = np.full(len(starts), _DEFAULT_VELOCITY)
    else:
        velocities = np.clip(roll[starts, pitches], 1, 127)
    notes = []
    for pitch, start, end, velocity in zip(
        pitches.tolist(), starts.tolist(), ends.tolist(), velocities.tolist(), strict=True
    ):
        position, duration = quantize_span(start, end, resolution)
        notes.append(Note(position, instrument, pitch, duration, int(velocity)))
    return notes


def _possible(tempi: NDArray[np.floating]) -> NDArray[np.float64]:
    """The tempi, in BPM, among those of the steps that can be one."""
    if np.asarray(tempi).dtype.kind not in "biuf":
        raise MidiError("tempi that are no numbers; write it anew")
    slowest, fastest = _TEMPI
    flat = np.ravel(tempi).astype(float)
    return flat[(flat >= slowest) & (flat <= fastest)]


def _tempo_of(tempo: NDArray[np.floating] | None) -> float:
    """The steady tempo that lasts as long as the tempi of all steps; 120 if there are none.

    pypianoroll makes the array `(n_step,)` or `(n_step, 1)`, depending on how it was read.
    """
    if tempo is None:
        return _DEFAULT_TEMPO
    tempi = _possible(tempo)
    if not tempi.size:
        return _DEFAULT_TEMPO
    if np.all(tempi == tempi[0]):
        return float(tempi[0])
    return float(tempi.size / np.sum(1.0 / tempi))


def _load_pypianoroll() -> Any:
    try:
        with redirect_stdout(io.StringIO()):  # it loads pyfluidsynth, which says so where $CI is set
            import pypianoroll
    except ModuleNotFoundError as error:
        if error.name != "pypianoroll":
            raise
        raise MissingLibraryError(
            "writing a pianoroll needs pypianoroll, which is not installed; type: pip install 'video-cmt[pianoroll]'",
            name=error.name,
        ) from None
    return pypianoroll
