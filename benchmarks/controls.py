"""Does the music do what it is told? Every control, asked against obtained, measured in the written MIDI files.

    python benchmarks/controls.py CLIP [CLIP ...] -o FOLDER [--jobs 2] [--pack lpd5_16th_labelled.npz.xz]

For each clip and genre, pieces are written at each C, in a key that changes from piece to piece, and one more at the
highest C for some of the instruments at a tempo that nobody would choose. What was asked lies beside each MIDI file as
JSON, in the form that `cmt evaluate` reads. What is there already is not written again: a run can be stopped and gone
on with. Then Markdown tables are printed. `--pack` adds what held-out real songs score.

Errors are those of the paper's table 4, against all that the picture asks, whether it was ordered or not: at C = 0 they
say how far music is from a picture that it knows nothing of. Grooving and structureness are those of its table 3.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.config import GenerateConfig
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import cut_notes, song_of_pack
from cmt.errors import CmtError
from cmt.evaluation.piece import measure_piece
from cmt.evaluation.reference import shipped_classifier
from cmt.machine.workers import Workers
from cmt.metrics.control import guess_key, key_score
from cmt.metrics.distribution import mean_interval
from cmt.metrics.ending import ending_of
from cmt.metrics.music import grooving_similarity
from cmt.metrics.structure import SCALES, structureness_at_scales
from cmt.music.encoding import decode, encode_notes
from cmt.music.key import TONICS, key_of_song
from cmt.music.words import Genre, Mode
from cmt.network.checkpoint import load_checkpoint
from cmt.planning.plan import Plan, plan_music
from cmt.planning.wishes import Wishes, settled
from cmt.report.parts import Asked, StrengthAsked
from cmt.report.report import Report
from cmt.soundtrack.composing import write_takes
from cmt.soundtrack.networks import Networks, load_networks
from cmt.soundtrack.report import report_of
from midi_io import read_midi, write_midi
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song, Timeline
from midi_io.whole_file import whole_file
from video_rhythm import VideoRhythm, analyze

CONTROLS = (0.0, 0.3, 0.7, 1.0)
BANDS = (
    (Instrument.DRUMS, Instrument.BASS),
    (Instrument.PIANO,),
    (Instrument.GUITAR, Instrument.BASS, Instrument.STRINGS),
    (Instrument.PIANO, Instrument.STRINGS),
    (Instrument.DRUMS, Instrument.PIANO, Instrument.BASS),
    (Instrument.DRUMS, Instrument.GUITAR, Instrument.BASS),
)
"""Those that are asked for in the pieces for some of the instruments, in turn."""
ODD_TEMPO = 97.3
"""BPM, of the same pieces."""
REAL_SONGS = 200
"""Of a pack, that are measured for comparison."""
KEY_CHANCE = (1 / 24, (1 + 0.5 + 0.3 + 0.2) / 24)
"""Of a key drawn from all: that it is right, and its weighted score."""


@dataclass(frozen=True)
class Settings:
    """What is the same for all pieces of a run."""

    controls: tuple[float, ...]
    seed: int
    guidance: float
    checkpoint: str | None

    @property
    def config(self) -> GenerateConfig:
        """How pieces are written, at a control that is still to be set."""
        return GenerateConfig(seed=self.seed, guidance=self.guidance)


class Job(NamedTuple):
    """All pieces for one clip."""

    clip: Path
    number: int
    folder: Path
    genres: tuple[Genre, ...]
    settings: Settings


class Measured(NamedTuple):
    """A piece: which it is, and its values by name."""

    clip: str
    genre: Genre
    control: float
    is_odd: bool
    values: dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the pieces")
    parser.add_argument("--jobs", type=int, help="processes; all processors if left out")
    parser.add_argument("--genres", nargs="+", default=[genre.label for genre in Genre])
    parser.add_argument("--controls", nargs="+", type=float, default=CONTROLS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=GenerateConfig.guidance)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--pack", type=Path, help="what real songs score")
    arguments = parser.parse_args()
    genres = tuple(Genre[name.upper()] for name in arguments.genres)
    sha256 = load_checkpoint(arguments.checkpoint).sha256
    settings = Settings(tuple(sorted(arguments.controls)), arguments.seed, arguments.guidance, sha256)
    arguments.output.mkdir(parents=True, exist_ok=True)
    jobs = [Job(clip, n, arguments.output, genres, settings) for n, clip in enumerate(arguments.clips)]
    pieces: list[Measured] = []
    with Workers(arguments.jobs) as workers:
        for found in workers.map(partial(write_and_measure, checkpoint=arguments.checkpoint), jobs):
            if isinstance(found, str):
                print(f"left out: {found}", flush=True)
            else:
                pieces += found
    if not pieces:
        raise SystemExit("no clip could be read")
    lengths = [int(piece.values["bars"]) for piece in pieces]
    real = real_songs(arguments.pack, lengths) if arguments.pack else []
    print("\n".join(tables(pieces, settings, real)))


def write_and_measure(job: Job, checkpoint: Path | None) -> list[Measured] | str:
    """The pieces for a clip, those that are missing written first; or why there are none."""
    writer = Writer(job, checkpoint)
    try:
        for genre in job.genres:
            writer.write(genre)
    except CmtError as error:
        return f"{job.clip}: {error}"
    return [
        measured(job, genre, control, is_odd)
        for genre in job.genres
        for control, is_odd in [*((c, False) for c in job.settings.controls), (job.settings.controls[-1], True)]
    ]


class Writer:
    """Writes what is missing for a clip; looks at the clip once, and only if something is missing."""

    def __init__(self, job: Job, checkpoint: Path | None) -> None:
        self.job = job
        self._path = checkpoint
        self._rhythm: VideoRhythm | None = None
        self._networks: Networks | None = None

    def write(self, genre: Genre) -> None:
        """The pieces of a genre."""
        settings = self.job.settings
        number = self.job.number * len(Genre) + genre
        key = f"{TONICS[7 * number % 12]}:{Mode(number // 12 % 2).label}"  # all 24 keys in turn
        self._write(Wishes(genre, key=key), settings.controls, is_odd=False)
        odd = Wishes(genre, BANDS[number % len(BANDS)], key, ODD_TEMPO)
        self._write(odd, settings.controls[-1:], is_odd=True)

    def _write(self, wishes: Wishes, controls: Sequence[float], *, is_odd: bool) -> None:
        assert wishes.genre is not None
        missing = [c for c in controls if not is_done(path_of(self.job, wishes.genre, c, is_odd), self.job.settings)]
        if not missing:
            return
        self._rhythm = self._rhythm or analyze(self.job.clip)
        self._networks = self._networks or load_networks(self._path)
        config = self.job.settings.config
        plan = plan_music(self._rhythm, settled(wishes, self._rhythm.duration), config)
        decoder, planner = self._networks.decoder, self._networks.planner
        for control in missing:
            path = path_of(self.job, wishes.genre, control, is_odd)
            its = replace(config, control=control)
            (take,) = write_takes(decoder, planner, plan, its, [config.seed])
            report = report_of(plan, take.piece, take.song, take.orders, take.sheet, its)
            content = replace(report, asked=asked_of(plan)).as_json() | {"settings": asdict(self.job.settings)}
            content["tempo_asked"] = plan.wishes.tempo or plan.timeline.tempo
            with whole_file(path) as unfinished:
                write_midi(take.song, unfinished, title=path.stem)
            with whole_file(path.with_suffix(".json")) as unfinished:
                unfinished.write_text(json.dumps(content) + "\n", encoding="utf-8")


def path_of(job: Job, genre: Genre, control: float, is_odd: bool) -> Path:
    """Where a piece lies."""
    kind = "odd" if is_odd else f"C{control:g}"
    return job.folder / f"{job.number:02}-{job.clip.stem}-{genre.label}-{kind}.mid"


def is_done(path: Path, settings: Settings) -> bool:
    """Whether a piece has been written with the same settings."""
    report = path.with_suffix(".json")
    if not (path.is_file() and report.is_file()):
        return False
    return bool(json.loads(report.read_text(encoding="utf-8"))["settings"] == json.loads(json.dumps(asdict(settings))))


def asked_of(plan: Plan) -> Asked:
    """All that the picture asks, ordered or not."""
    return Asked(plan.asked.density, tuple(StrengthAsked(*note) for note in plan.asked.simu_notes))


def measured(job: Job, genre: Genre, control: float, is_odd: bool) -> Measured:
    """A piece, measured in its MIDI file against the JSON beside it."""
    path = path_of(job, genre, control, is_odd)
    song = read_midi(path)
    content = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    report = Report.from_json(content | {"tempo": content["tempo_asked"]}, str(path.with_suffix(".json")))
    assert report.picture is not None
    found = measure_piece(song, None, report, audio=False)
    values = {name: measurement.value for name, measurement in found.values.items()}
    values |= values_of_song(song) | {"bars": song.n_bar}
    values["frames off"] = values["length_error"] * report.picture.fps
    values["right key"] = float(values["key_score"] == 1) if not math.isnan(values["key_score"]) else math.nan
    return Measured(job.clip.name, genre, control, is_odd, values)


def values_of_song(song: Song) -> dict[str, float]:
    """What is measured in real songs as well."""
    ending = ending_of(song)
    structure = structureness_at_scales(song)
    return {
        "grooving": grooving_similarity(song).value,
        **{f"structureness, {name}": structure[name].value for name in SCALES},
        "last bar's activity": ending.activity.value,
        "last bar rings": ending.rings.value,
        "ends on the tonic": ending.tonic.value,
        "endings that close": ending.closes.value,
    }


def real_songs(pack: Path, lengths: Sequence[int]) -> list[dict[str, float]]:
    """The last bars of held-out songs, as many as pieces have; for the key, two estimators on the whole song."""
    corpus = read_corpus([pack], "val")
    rows = []
    for k, index in enumerate(np.random.default_rng(0).permutation(len(corpus.songs))[:REAL_SONGS]):
        song = song_of_pack(corpus, int(index))
        other, guess = key_of_song(song), guess_key(song)
        score = key_score(other, (guess.tonic, guess.mode)) if guess is not None else math.nan
        n_bar = min(lengths[k % len(lengths)], song.n_bar)
        notes = cut_notes(corpus.notes_of(int(index)), song.n_bar - n_bar, n_bar)
        last_bars = decode(encode_notes(notes, n_bar), Timeline.steady(song.tempo, n_bar * POSITIONS_PER_BAR))
        rows.append(values_of_song(last_bars) | {"key_score": score, "right key": float(score == 1)})
    return rows


class Row(NamedTuple):
    """A line of the table of all C."""

    title: str
    name: str
    digits: int = 3
    chance: float | None = None


ROWS = (
    Row("density error (paper at full control: 0.107)", "density_error"),
    Row("strength error (paper: 0.001)", "strength_error"),
    Row("time error (paper: 0.028)", "time_error", 6),
    Row("length, frames off", "frames off", 4),
    Row("tempo, BPM off", "tempo_error", 4),
    Row("key: weighted score", "key_score", 3, KEY_CHANCE[1]),
    Row("key: right", "right key", 3, KEY_CHANCE[0]),
    Row("grooving similarity", "grooving"),
    *(
        Row(f"structureness, {name} ({low:g} to {high:g} s)" if math.isfinite(high) else f"structureness, {name}",
            f"structureness, {name}")
        for name, (low, high) in SCALES.items()
    ),
    Row("last bar's activity beside inner bars", "last bar's activity"),
    Row("last bar rings", "last bar rings"),
    Row("the lowest note of the end is the tonic", "ends on the tonic"),
    Row("endings that close", "endings that close"),
)  # fmt: skip


def tables(pieces: Sequence[Measured], settings: Settings, real: Sequence[dict[str, float]]) -> Iterable[str]:
    """The Markdown, line by line."""
    grid = [piece for piece in pieces if not piece.is_odd]
    odd = [piece for piece in pieces if piece.is_odd]
    controls = settings.controls
    clips, genres = {piece.clip for piece in pieces}, {piece.genre for piece in pieces}
    yield f"{len(grid)} pieces: {len(clips)} clips, {len(genres)} genres, guidance {settings.guidance:g}; means.\n"
    yield "| asked against obtained | " + " | ".join(f"C = {c:g}" for c in controls) + " | chance | real songs |"
    yield "|---|" + "---|" * (len(controls) + 2)
    at = {control: [piece for piece in grid if piece.control == control] for control in controls}
    for row in ROWS:
        cells = [number(mean(values_at(at[c], row.name)), row.digits) for c in controls]
        songs = mean([song[row.name] for song in real if row.name in song])
        yield f"| {row.title} | {' | '.join(cells)} | {number(row.chance, 3)} | {number(songs, 3)} |"
    held_out, chance = shipped_classifier()[1].validation.balanced_accuracy, 1 / len(Genre)
    cells = [number(balanced_accuracy(at[c]), 3) for c in controls]
    yield f"| genre: balanced accuracy | {' | '.join(cells)} | {chance:.3f} | {held_out:.3f} |"
    worst = {name: max(values_at(at[controls[-1]], name), default=math.nan) for name in ("density_error", "frames off")}
    worst["strength_error"] = max(values_at(at[controls[-1]], "strength_error"), default=math.nan)
    yield (
        f"\nThe worst piece at C = {controls[-1]:g}: density error {worst['density_error']:.3f}, strength error "
        f"{worst['strength_error']:.3f}, {worst['frames off']:.4f} frames off.\n"
    )
    yield from kept_structure(at[controls[0]], at[controls[-1]])
    yield f"\n{len(odd)} pieces for some of the instruments at {ODD_TEMPO:g} BPM, C = {controls[-1]:g}:\n"
    yield "| asked against obtained | mean | worst |\n|---|---|---|"
    for title, name, worse in (
        ("instruments: precision", "instrument_precision", min),
        ("instruments: recall", "instrument_recall", min),
        ("tempo, BPM off", "tempo_error", max),
        ("length, frames off", "frames off", max),
        ("density error", "density_error", max),
        ("strength error", "strength_error", max),
    ):
        values = values_at(odd, name)
        yield f"| {title} | {number(mean(values), 4)} | {number(worse(values, default=math.nan), 4)} |"


def kept_structure(free: Sequence[Measured], led: Sequence[Measured]) -> Iterable[str]:
    """What full control leaves of grooving and structureness: the ratio of the means, and pair by pair."""
    yield "| full control beside none, piece by piece | ratio of means | mean difference, 95 % |\n|---|---|---|"
    others = {(piece.clip, piece.genre): piece.values for piece in free}
    for name in ("grooving", *(f"structureness, {scale}" for scale in SCALES)):
        pairs = np.array([(piece.values[name], others[piece.clip, piece.genre][name]) for piece in led])
        pairs = pairs[~np.isnan(pairs).any(axis=1)]
        if not len(pairs) or not pairs[:, 1].mean():
            yield f"| {name} | - | - |"
            continue
        ratio = pairs[:, 0].mean() / pairs[:, 1].mean()
        gap = mean_interval((pairs[:, 0] - pairs[:, 1]).tolist(), 0)
        yield f"| {name} (n = {len(pairs)}) | {ratio:.3f} | {gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] |"


def values_at(pieces: Iterable[Measured], name: str) -> list[float]:
    """The values that are defined."""
    return [piece.values[name] for piece in pieces if not math.isnan(piece.values.get(name, math.nan))]


def mean(values: Sequence[float]) -> float:
    """The mean of the values that are defined; NaN without any."""
    defined = [value for value in values if not math.isnan(value)]
    return float(np.mean(defined)) if defined else math.nan


def balanced_accuracy(pieces: Sequence[Measured]) -> float:
    """How often the classifier hears the genre asked for, the mean over genres."""
    hits: dict[Genre, list[float]] = {}
    for piece in pieces:
        hits.setdefault(piece.genre, []).append(piece.values["genre_hit"])
    return mean([mean(values) for values in hits.values()])


def number(value: float | None, digits: int) -> str:
    """A cell."""
    return "" if value is None or math.isnan(value) else f"{value:.{digits}f}"


if __name__ == "__main__":
    main()
