"""Songs to and from the pianorolls of the Lakh Pianoroll Dataset (Dong et al., MuseGAN, 2018)."""

from __future__ import annotations

import io
import os
import zipfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import MidiError
from .general_midi import PROGRAMS, instrument_of_program
from .quantize import quantize_span, without_overlaps
from .song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Note, Song
from .whole_file import whole_file

if TYPE_CHECKING:
    import pypianoroll

RESOLUTION = 24
"""Time steps of a quarter note, as in the dataset."""
STEPS_PER_POSITION = RESOLUTION // POSITIONS_PER_BEAT
_DEFAULT_TEMPO = 120.0
_DEFAULT_VELOCITY = 80
_N_PITCH = 128
_MOST_STEPS = 400_000
"""Well over an hour of music; the longest song of the dataset has a tenth of it."""


def song_to_multitrack(song: Song) -> pypianoroll.Multitrack:
    """The five tracks of LPD-5, silent ones included, at 24 steps a beat.

    A note that is struck again the moment it ends is written one step short, for a
    pianoroll cannot tell two touching notes from one.
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

    A track named after one of LPD-5's is that instrument (its empty tracks carry no
    meaningful program); any other track is merged into its family by program. A run of
    sounding steps is one note with the velocity of its first step.

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
    for track in multitrack.tracks:
        roll = np.asarray(track.pianoroll)
        if roll.ndim != 2 or roll.shape[1] != _N_PITCH:
            raise MidiError(f"pianoroll: track {track.name!r} has shape {roll.shape}, not (steps, 128); write it anew")
        n_step = max(n_step, len(roll))
        instrument = _instrument_of_track(track)
        if instrument is not None:
            notes += _notes_of_roll(roll, instrument, resolution)
    notes = without_overlaps(notes)
    ends = (note.position + note.duration for note in notes)
    length = n_step * POSITIONS_PER_BEAT / resolution
    return Song(tuple(notes), _tempo_of(multitrack.tempo), max([length, *ends]))


def read_pianoroll(path: str | os.PathLike[str]) -> Song:
    """Read an .npz of pypianoroll, of today or of LPD's time (`beat_resolution`).

    Raises
    ------
    MidiError
        If the file is missing, malformed, or holds pickled objects, which could run code.
    """
    pypianoroll = _load_pypianoroll()
    path = Path(path)
    _check_archive(path)
    try:
        return song_from_multitrack(pypianoroll.load(path))
    except MidiError as error:
        raise MidiError(f"{path}: {error}") from error
    except Exception as error:
        raise MidiError(f"{path}: not a pianoroll of pypianoroll ({error}); write it with pypianoroll.save") from error


def write_pianoroll(song: Song, path: str | os.PathLike[str]) -> None:
    """Write `song` as an LPD-5 .npz that pypianoroll loads.

    Raises
    ------
    MidiError
        If the file cannot be written or is not called .npz.
    """
    pypianoroll = _load_pypianoroll()
    if Path(path).suffix != ".npz":
        raise MidiError(f"{path}: pianorolls are .npz files; give it that ending")
    with whole_file(path) as unfinished:
        pypianoroll.save(unfinished, song_to_multitrack(song))


def _instrument_of_track(track: pypianoroll.Track) -> Instrument | None:
    name = (track.name or "").strip().upper()
    if name in Instrument.__members__:
        return Instrument[name]
    return instrument_of_program(int(track.program or 0), bool(track.is_drum))


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


def _tempo_of(tempo: NDArray[np.floating] | None) -> float:
    """The steady tempo that lasts as long as the tempi of all steps; 120 if there are none.

    pypianoroll makes the array `(n_step,)` or `(n_step, 1)`, depending on how it was read.
    """
    if tempo is None:
        return _DEFAULT_TEMPO
    tempi = np.ravel(tempo).astype(float)
    tempi = tempi[np.isfinite(tempi) & (tempi > 0)]
    if not tempi.size:
        return _DEFAULT_TEMPO
    if np.all(tempi == tempi[0]):
        return float(tempi[0])
    return float(tempi.size / np.sum(1.0 / tempi))


def _check_archive(path: Path) -> None:
    try:
        with np.load(path, allow_pickle=False) as archive:
            # Each array is read once: a pickled one raises ValueError here.
            shapes = [archive[name] for name in archive.files if name.endswith("_csc_shape")]
            for name in archive.files:
                archive[name]
    except OSError as error:
        raise MidiError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    except (ValueError, TypeError, AttributeError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise MidiError(f"{path}: not an .npz of plain arrays ({error}); write it with pypianoroll.save") from error
    for shape in shapes:
        if shape.shape != (2,) or not 0 <= shape[0] <= _MOST_STEPS or shape[1] != _N_PITCH:
            raise MidiError(f"{path}: a pianoroll of shape {shape.tolist()}, not (steps, 128); write it anew")


def _load_pypianoroll() -> Any:
    with redirect_stdout(io.StringIO()):  # it loads pyfluidsynth, which says so where $CI is set
        import pypianoroll
    return pypianoroll
