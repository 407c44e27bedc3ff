"""From a video to its music: the main job from end to end, and the files it leaves."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from cmt.checkpoint import load_checkpoint
from cmt.config import MOST_TEMPO_CHANGE, TEMPO_CHANGE, GenerateConfig
from cmt.control import draw_orders
from cmt.decoder import Decoder
from cmt.errors import CmtError
from cmt.generate import PieceRequest, WrittenPiece, write_piece
from cmt.key import parse_key
from cmt.rhythm import nearest_position, profile_of_song, profile_of_video, read_calibration
from cmt.sampling import BarOrders
from cmt.timing import (
    Marker,
    checked_markers,
    describe_grid,
    hits_of,
    length_of,
    music_grid,
    tempo_map_of,
    warnings_of,
)
from cmt.words import Genre
from midi_io import close_ending, find_soundfont, has_fluidsynth, perform, render, write_midi, write_wav
from midi_io.song import POSITIONS_PER_BAR, POSITIONS_PER_BEAT, Instrument, Song
from midi_io.video_file import OriginalAudio, write_video
from video_rhythm import Grid, VideoRhythm, analyze

SAMPLE_RATE = 44100
"""Of the rendered audio, in Hz."""
TEMPO_LIMITS = (20.0, 400.0)
"""Tempi, in BPM, that a user may ask for."""
ALL_INSTRUMENTS = tuple(Instrument)


@dataclass(frozen=True)
class Wishes:
    """What the user asks of the music; None leaves it open."""

    genre: Genre | None = None
    instruments: tuple[Instrument, ...] | None = ALL_INSTRUMENTS
    key: str | None = None
    """``F#:minor``, ``C``, ``:major``."""
    tempo: float | None = None
    """Exact BPM; None chooses one at which the picture's hits fall on the grid."""
    markers: tuple[Marker, ...] = ()
    """Times that the music meets before all others."""
    tempo_map: bool = False
    """Let the tempo change at cuts and markers, so that they fall on the grid exactly."""
    tempo_change: float = TEMPO_CHANGE
    """Per cent by which a tempo map may leave the tempo."""
    original_audio: OriginalAudio = "drop"
    midi_only: bool = False
    """Write no audio and no video: no FluidSynth is needed."""


class Soundtrack(NamedTuple):
    """What was written, and everything that was decided."""

    files: tuple[Path, ...]
    report: dict[str, Any]
    """The content of the .json file."""


class StageProgress(Protocol):
    """Called as a stage goes on."""

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        """`done` of `total` units of `stage`; a total of None is unknown."""


class _Stages:
    """Seconds that each stage took."""

    def __init__(self, progress: StageProgress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        self.progress(name, 0.0, None)
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)

    def progress(self, name: str, done: float, total: float | None) -> None:
        if self._progress is not None:
            self._progress(name, done, total)


def make_soundtrack(
    video: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    wishes: Wishes | None = None,
    config: GenerateConfig | None = None,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    soundfont: str | os.PathLike[str] | None = None,
    progress: StageProgress | None = None,
) -> Soundtrack:
    """Write music for `video` into `folder` as ``<stem>.mid``, ``.wav``, ``.mp4``, ``.json`` and ``.png``.

    All files appear together at the end, or none does.

    Raises
    ------
    VideoError, MidiError, CmtError
        If the video, the SoundFont, the checkpoint, a wish or the folder is of no use.
    """
    video, folder = Path(video), Path(folder)
    wishes, config = wishes or Wishes(), config or GenerateConfig()
    _check(wishes, config)
    font = None if wishes.midi_only else _ready_soundfont(soundfont)
    stages = _Stages(progress)
    with _folder_for_all_or_nothing(folder) as unfinished, ThreadPoolExecutor(1) as beside:
        with stages.stage("analyze"):
            rhythm = analyze(video, progress=lambda done, total: stages.progress("analyze", done, total))
            wishes = replace(wishes, markers=checked_markers(wishes.markers, rhythm.duration))
            grid = wished_grid(rhythm, wishes)
        with stages.stage("load model"):
            loaded = load_checkpoint(Path(checkpoint) if checkpoint is not None else None)
        with stages.stage("compose"):
            orders, piece = _compose(
                loaded.decoder, rhythm, grid, wishes, config, lambda a, b: stages.progress("compose", a, b)
            )
            song = _performed(piece.song, orders)
        stem = unfinished / video.stem
        with stages.stage("midi"):
            write_midi(song, stem.with_name(f"{video.stem}.mid"), title=f"Music for {video.stem}")
        picture = beside.submit(_draw, rhythm, song, stem.with_name(f"{video.stem}.png"))
        notes: tuple[str, ...] = ()
        if not wishes.midi_only:
            with stages.stage("render"):
                audio = render(
                    song,
                    soundfont=font,
                    sample_rate=SAMPLE_RATE,
                    progress=lambda share: stages.progress("render", share, 1.0),
                )
                write_wav(audio, stem.with_name(f"{video.stem}.wav"), SAMPLE_RATE)
            with stages.stage("mux"):
                written = write_video(
                    video,
                    audio,
                    SAMPLE_RATE,
                    stem.with_name(f"{video.stem}.mp4"),
                    original_audio=wishes.original_audio,
                    progress=lambda share: stages.progress("mux", share, 1.0),
                )
                notes = written.notes
        with stages.stage("picture"):  # what is left of it: it is drawn while FluidSynth plays
            picture.result()
        report = _report(rhythm, grid, piece, song, orders, wishes, config)
        missed = warnings_of(grid, hits_of(rhythm, wishes.markers), tempo_map=wishes.tempo_map)
        report["warnings"] = [*rhythm.warnings, *missed, *notes]
        report["checkpoint"] = {"sha256": loaded.sha256, **loaded.provenance}
        report["soundfont"] = font.name if font else None
        report["stages"] = stages.seconds
        stem.with_name(f"{video.stem}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        _refuse_to_overwrite_the_video(video, unfinished, folder)
    files = tuple(sorted(folder / f"{video.stem}{suffix}" for suffix in _suffixes(wishes)))
    return Soundtrack(files, report)


def _draw(rhythm: VideoRhythm, song: Song, path: Path) -> None:
    # Late: matplotlib takes most of a second to import.
    from cmt.picture import draw_soundtrack

    draw_soundtrack(rhythm, song, path)


def _suffixes(wishes: Wishes) -> tuple[str, ...]:
    return (".mid", ".json", ".png") if wishes.midi_only else (".mid", ".wav", ".mp4", ".json", ".png")


def _check(wishes: Wishes, config: GenerateConfig) -> None:
    if not 0 <= config.control <= 1:
        raise CmtError(f"control {config.control:g}: must be from 0 (free music) to 1 (the video decides)")
    if not 0 < config.temperature <= 5:
        raise CmtError(f"temperature {config.temperature:g}: must be above 0 and at most 5")
    if not 0 <= config.guidance <= 10:
        raise CmtError(f"guidance {config.guidance:g}: must be from 0 (no genre) to 10")
    if wishes.tempo is not None and not TEMPO_LIMITS[0] <= wishes.tempo <= TEMPO_LIMITS[1]:
        raise CmtError(f"tempo {wishes.tempo:g}: must be from {TEMPO_LIMITS[0]:g} to {TEMPO_LIMITS[1]:g} BPM")
    if wishes.tempo_map and not 0 < wishes.tempo_change <= MOST_TEMPO_CHANGE:
        raise CmtError(
            f"tempo change {wishes.tempo_change:g}: must be above 0 and at most {MOST_TEMPO_CHANGE:g} per cent"
        )
    if wishes.key is not None:
        parse_key(wishes.key)


def _ready_soundfont(soundfont: str | os.PathLike[str] | None) -> Path:
    """Before minutes of work, so that they are not lost."""
    if not has_fluidsynth():
        raise CmtError(
            "the FluidSynth library is missing, no audio can be made; install it "
            "(apt-get install --no-install-recommends libfluidsynth3; brew install fluid-synth) or add --midi-only"
        )
    return find_soundfont(soundfont)


@contextmanager
def _folder_for_all_or_nothing(folder: Path) -> Iterator[Path]:
    """A hidden folder inside `folder`; its files move up when the block ends well, else they go."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = tempfile.TemporaryDirectory(prefix=".cmt-", dir=folder)
    except OSError as error:
        raise CmtError(f"{folder}: cannot be written to ({error.strerror}); choose another folder with -o") from None
    try:
        with unfinished as name:
            yield Path(name)
            for file in sorted(Path(name).iterdir()):
                os.replace(file, folder / file.name)
    except OSError as error:
        raise CmtError(f"{folder}: cannot be written to ({error.strerror}); check its space and rights") from None
    finally:
        for path in made:  # the innermost first; what holds files stays
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def _refuse_to_overwrite_the_video(video: Path, unfinished: Path, folder: Path) -> None:
    for file in unfinished.iterdir():
        target = folder / file.name
        if target.exists() and target.samefile(video):
            raise CmtError(f"{target}: is the video itself; choose another folder with -o")


def wished_grid(rhythm: VideoRhythm, wishes: Wishes) -> Grid:
    """The grid of music exactly as long as the picture, as the user wants it."""
    return music_grid(rhythm, wishes.markers, wishes.tempo, wishes.tempo_change if wishes.tempo_map else 0.0)


def _compose(
    decoder: Decoder,
    rhythm: VideoRhythm,
    grid: Grid,
    wishes: Wishes,
    config: GenerateConfig,
    progress: Any,
) -> tuple[dict[int, BarOrders], WrittenPiece]:
    tonic, mode = parse_key(wishes.key) if wishes.key else (None, None)
    timing, length = tempo_map_of(grid), length_of(grid)
    markers = [marker.time for marker in wishes.markers]
    instruments = wishes.instruments or ALL_INSTRUMENTS
    asked = profile_of_video(rhythm, timing, length, instruments, read_calibration(), config.dynamics, markers)
    marked = {nearest_position(timing, marker) for marker in markers}
    orders = draw_orders(asked, config.control, config.seed, marked)
    request = PieceRequest(length, grid.tempo, wishes.genre, wishes.instruments, tonic, mode, timing)
    return orders, write_piece(decoder, request, orders, config, progress)


def _performed(song: Song, orders: dict[int, BarOrders]) -> Song:
    accents = {bar * POSITIONS_PER_BAR + position for bar, order in orders.items() for position in order.positions()}
    return close_ending(perform(song, accents=accents))


def _report(
    rhythm: VideoRhythm,
    grid: Grid,
    piece: WrittenPiece,
    song: Song,
    orders: dict[int, BarOrders],
    wishes: Wishes,
    config: GenerateConfig,
) -> dict[str, Any]:
    obtained = profile_of_song(song)
    n_bar = song.n_bar
    borders = song.timing.bar_borders(song.length)
    return {
        "video": rhythm.path,
        "duration": rhythm.duration,
        "fps": rhythm.fps,
        **describe_grid(grid, hits_of(rhythm, wishes.markers)),
        "length_in_beats": (song.length - song.start) / POSITIONS_PER_BEAT,
        "markers": [{"time": marker.time, "weight": marker.weight} for marker in wishes.markers],
        "seed": config.seed,
        "genre": wishes.genre.label if wishes.genre is not None else None,
        "instruments": [instrument.label for instrument in song.instruments],
        "instruments_asked": [i.label for i in wishes.instruments] if wishes.instruments else None,
        "key": str(piece.key),
        "control": config.control,
        "dynamics": config.dynamics,
        "temperature": config.temperature,
        "guidance": config.guidance,
        "nucleus": config.nucleus,
        "original_audio": wishes.original_audio,
        "n_word": len(piece.words.fields),
        "density_asked": [orders[bar].density if bar in orders else None for bar in range(n_bar)],
        "density_obtained": (list(obtained.density) + [0] * n_bar)[:n_bar],
        "strength_asked": [
            {"bar": bar, "position": position, "instrument": instrument.label, "strength": strength}
            for bar, order in sorted(orders.items())
            for (position, instrument), strength in sorted(order.strengths.items())
        ],
        "strength_obtained": [
            {"bar": note.bar, "position": note.position, "instrument": note.instrument.label, "strength": note.strength}
            for note in obtained.simu_notes
        ],
        "visual_tempo": rhythm.tempo,
        "visual_beats": [{"time": beat.time, "saliency": beat.saliency} for beat in rhythm.visual_beats],
        "cuts": list(rhythm.cuts),
        "speed_per_bar": [float(speed) for speed in rhythm.flow.mean_speed(np.array(borders))],
        "versions": {name: _version(name) for name in ("video-cmt", "numpy", "av")},
    }


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
