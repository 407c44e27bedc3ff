"""The command line: options and printing only."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
from tqdm import tqdm

from cmt.config import MOST_TEMPO_CHANGE, PRESETS, TEMPO_CHANGE, Dynamics, GenerateConfig, TrainConfig
from cmt.errors import CmtError
from cmt.key import parse_key
from cmt.words import Genre
from midi_io.errors import MidiError
from midi_io.song import Instrument
from video_rhythm.errors import VideoError

if TYPE_CHECKING:
    from cmt.soundtrack import Soundtrack, Wishes
    from video_rhythm import VideoRhythm

Labelled = TypeVar("Labelled", Genre, Instrument)

FILE = click.Path(path_type=Path)
FREE = "free"


class Commands(click.Group):
    """Translates what goes wrong for a user: one line on stderr, exit 1 (usage: 2). A bug keeps its traceback."""

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the command line and exit."""
        options["standalone_mode"] = False
        try:
            result = super().main(*args, **options)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            sys.exit(error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except (CmtError, VideoError, MidiError) as error:
            _fail(str(error), 1)
        except (KeyboardInterrupt, click.Abort):
            _fail("stopped; nothing was written", 130)
        except BrokenPipeError:
            sys.exit(1)
        sys.exit(result if isinstance(result, int) else 0)


def _fail(message: str, exit_code: int) -> None:
    click.echo(f"cmt: {' '.join(message.split())}", err=True)
    sys.exit(exit_code)


class InstrumentsType(click.ParamType):
    """``drums,piano`` or ``free``."""

    name = "list"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[Instrument, ...] | None:
        """The instruments named, or None for `free`."""
        if not isinstance(value, str):
            return value
        if value == FREE:
            return None
        by_label = {instrument.label: instrument for instrument in Instrument}
        names = [name.strip().lower() for name in value.split(",")]
        for name in names:
            if name not in by_label:
                self.fail(f"no instrument {name!r}; choose from {', '.join(by_label)}, with commas, or {FREE}")
        return tuple(sorted({by_label[name] for name in names}))


class KeyType(click.ParamType):
    """``F#:minor``."""

    name = "key"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The key as typed, if there is such a one."""
        try:
            parse_key(value)
        except CmtError as error:
            self.fail(str(error))
        return value


class GenreType(click.Choice):
    """One of the six genres, or ``free``."""

    def __init__(self) -> None:
        super().__init__([*(genre.label for genre in Genre), FREE], case_sensitive=False)


class Bars:
    """A progress bar for each stage, on a terminal only."""

    UNITS = {"analyze": "s of video", "compose": "bars"}

    def __init__(self, quiet: bool) -> None:
        self.shown = not quiet and sys.stderr.isatty()
        self.stage = ""
        self.bar: tqdm | None = None

    def __call__(self, stage: str, done: float, total: float | None) -> None:
        """Bring the bar of `stage` to `done` of `total`."""
        if not self.shown:
            return
        if stage != self.stage:
            self.close()
            self.stage = stage
            unit = self.UNITS.get(stage, "")
            self.bar = tqdm(desc=f"{stage:10}", unit=f" {unit}" if unit else "", leave=False, total=None)
        if self.bar is not None and total:
            self.bar.total = round(total, 1)
            self.bar.n = round(min(done, total), 1)
            self.bar.refresh()

    def close(self) -> None:
        """Wipe the bar that is shown."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def timing_options(command: Callable) -> Callable:
    """The options that say where the music's grid shall lie, the same for every command that has them."""
    for option in reversed(
        (
            click.option(
                "--tempo",
                type=click.FloatRange(20, 400),
                help="Exact BPM. Left out, the tempo is chosen so that cuts and visual beats fall on the grid.",
            ),
            click.option(
                "--hit",
                "hit_times",
                type=float,
                multiple=True,
                metavar="SECONDS",
                help="A time that the music must meet; as often as you like.",
            ),
            click.option(
                "--hits",
                "hit_files",
                type=FILE,
                multiple=True,
                help="Such times from a CSV file: seconds, and a weight if you like.",
            ),
            click.option(
                "--tempo-map",
                is_flag=True,
                help="Let the tempo change at cuts and hits, so that they fall on the grid exactly.",
            ),
            click.option(
                "--tempo-change",
                type=click.FloatRange(0, MOST_TEMPO_CHANGE, min_open=True),
                metavar="PERCENT",
                help=f"How far a tempo map may leave the tempo.  [default: {TEMPO_CHANGE:g}]",
            ),
        )
    ):
        command = option(command)
    return command


def _timing_wishes(
    tempo: float | None,
    hit_times: tuple[float, ...],
    hit_files: tuple[Path, ...],
    tempo_map: bool,
    tempo_change: float | None,
) -> Wishes:
    from cmt.soundtrack import Wishes
    from cmt.timing import Marker, read_markers

    if tempo_change is not None and not tempo_map:
        raise click.UsageError("--tempo-change says how far a tempo map may go; add --tempo-map")
    markers = [Marker(time, source="--hit") for time in hit_times]
    for file in hit_files:
        markers += read_markers(file)
    wishes = Wishes(tempo=tempo, markers=tuple(markers), tempo_map=tempo_map)
    return wishes if tempo_change is None else replace(wishes, tempo_change=tempo_change)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="video-cmt", prog_name="cmt")
def main() -> None:
    """Background music for a video, led by the picture's rhythm."""


@main.command()
@click.argument("video", type=FILE)
@click.option("-o", "--output", type=FILE, default=Path("out"), show_default=True, help="Folder for the results.")
@click.option("--genre", type=GenreType(), default=FREE, show_default=True, help="Style of the music.")
@click.option(
    "--instruments",
    type=InstrumentsType(),
    default=",".join(instrument.label for instrument in Instrument),
    show_default=True,
    help=f"Tracks that play, all of them, with commas; {FREE} lets the model choose.",
)
@click.option("--key", type=KeyType(), help="TONIC:MODE, e.g. F#:minor; either may be left out (C, :minor).")
@timing_options
@click.option(
    "--control",
    type=click.FloatRange(0, 1),
    default=GenerateConfig.control,
    show_default=True,
    help="How much the picture decides: 0 free music, 1 every bar and visual beat.",
)
@click.option(
    "--dynamics",
    type=click.Choice(get_args(Dynamics)),
    default=GenerateConfig.dynamics,
    show_default=True,
    help="Motion measured against the video itself, or against many videos: then a calm one stays calm.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=GenerateConfig.seed,
    show_default=True,
    help="Another number, another piece.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 5, min_open=True),
    default=GenerateConfig.temperature,
    show_default=True,
    help="Below 1 safer, above 1 wilder.",
)
@click.option(
    "--guidance",
    type=click.FloatRange(0, 10),
    default=GenerateConfig.guidance,
    show_default=True,
    help="How far the genre is driven: 1 as learnt, more is plainer.",
)
@click.option(
    "--original-audio",
    type=click.Choice(["drop", "keep", "mix"]),
    default="drop",
    show_default=True,
    help="The video's own sound: left out, a second track, or mixed with the music.",
)
@click.option("--midi-only", is_flag=True, help="No audio and no video; needs no FluidSynth.")
@click.option(
    "--soundfont", type=FILE, help="SoundFont (.sf2, .sf3). Else $CMT_SOUNDFONT, the system's, or a small one."
)
@click.option("--checkpoint", type=FILE, help="Model of your own, from cmt train.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def generate(
    video: Path,
    output: Path,
    genre: str,
    instruments: tuple[Instrument, ...] | None,
    key: str | None,
    tempo: float | None,
    hit_times: tuple[float, ...],
    hit_files: tuple[Path, ...],
    tempo_map: bool,
    tempo_change: float | None,
    control: float,
    dynamics: Any,
    seed: int,
    temperature: float,
    guidance: float,
    original_audio: Any,
    midi_only: bool,
    soundfont: Path | None,
    checkpoint: Path | None,
    quiet: bool,
) -> None:
    """Write music for VIDEO: MIDI, audio, the video with it, a picture and a report.

    The files are named after the video: clip.mp4 gives clip.mid, clip.wav, clip.mp4, clip.png, clip.json.
    """
    from cmt.soundtrack import make_soundtrack

    wishes = replace(
        _timing_wishes(tempo, hit_times, hit_files, tempo_map, tempo_change),
        genre=None if genre == FREE else Genre[genre.upper()],
        instruments=instruments,
        key=key,
        original_audio=original_audio,
        midi_only=midi_only,
    )
    config = GenerateConfig(control=control, dynamics=dynamics, temperature=temperature, guidance=guidance, seed=seed)
    bars = Bars(quiet)
    try:
        soundtrack = make_soundtrack(
            video, output, wishes, config, checkpoint=checkpoint, soundfont=soundfont, progress=bars
        )
    finally:
        bars.close()
    for warning in soundtrack.report["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    if not quiet:
        _print_soundtrack(soundtrack)


def _print_soundtrack(soundtrack: Soundtrack) -> None:
    report = soundtrack.report
    beats, cuts = len(report["visual_beats"]), len(report["cuts"])
    click.echo(f"video    {report['duration']:.2f} s, {_count(beats, 'visual beat')}, {_count(cuts, 'cut')}")
    click.echo(
        f"music    {_grid_in_words(report)}, {report['key']}, "
        f"{report['genre'] or 'any genre'}, {', '.join(report['instruments'])}"
    )
    _print_hits(report["hits"])
    asked = [(a, b) for a, b in zip(report["density_asked"], report["density_obtained"], strict=True) if a is not None]
    kept = sum(a == b for a, b in asked)
    click.echo(
        f"control  {report['control']:g}: {len(asked)} of {_count(report['n_bar'], 'bar')} with the picture's density "
        f"({kept} exact), {_count(len(report['strength_asked']), 'accent')} on visual beats"
    )
    stages = {name: seconds for name, seconds in report["stages"].items() if seconds >= 0.05}
    total = sum(report["stages"].values())
    click.echo(f"took     {total:.1f} s: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items()))
    for file in soundtrack.files:
        click.echo(f"wrote    {file}")


def _grid_in_words(music: dict[str, Any]) -> str:
    """``19 bars at 120.00 BPM, first downbeat at 0.50 s``."""
    tempo_map = music["tempo_map"]
    if len(tempo_map) > 1 and tempo_map[1]["position"] - tempo_map[0]["position"] == 1:
        tempo_map = tempo_map[1:]  # the first sixteenth alone, stretched to begin with the picture
    tempi = [stretch["tempo"] for stretch in tempo_map]
    lowest, highest = min(tempi), max(tempi)
    span = f"{music['tempo']:.2f} BPM" if highest - lowest < 0.005 else f"{lowest:.2f} to {highest:.2f} BPM"
    pickup = f", first downbeat at {music['phase']:.2f} s" if music["phase"] else ""
    return f"{_count(music['n_bar'], 'bar')} at {span}{pickup}"


def _print_hits(hits: dict[str, Any]) -> None:
    """How many of each kind the music meets, beside what chance would give."""
    kinds = {"markers": "marker", "cuts": "cut", "visual_beats": "visual beat"}
    for name, noun in kinds.items():
        met = hits[name]
        if met["n_hit"]:
            click.echo(
                f"hits     {round(met['on_grid'] * met['n_hit'])} of {_count(met['n_hit'], noun)} on the grid "
                f"(chance {met['on_grid_by_chance']:.0%} of them), {round(met['on_downbeats'] * met['n_hit'])} "
                f"on downbeats (chance {met['on_downbeats_by_chance']:.0%})"
            )
    if not hits["all"]["n_hit"]:
        click.echo("hits     none: nothing in the picture speaks for a grid")


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


@main.command()
@click.argument("video", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on stdout.")
@click.option("--plot", type=FILE, help="Write a picture; the suffix says its format (.png, .svg, .pdf).")
@timing_options
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def analyze(
    video: Path,
    as_json: bool,
    plot: Path | None,
    tempo: float | None,
    hit_times: tuple[float, ...],
    hit_files: tuple[Path, ...],
    tempo_map: bool,
    tempo_change: float | None,
    quiet: bool,
) -> None:
    """Say what VIDEO's rhythm is: motion speed, visual beats, cuts, fades, tempo, and where music's grid would lie."""
    from cmt.soundtrack import wished_grid
    from cmt.timing import checked_markers, describe_grid, hits_of, warnings_of
    from video_rhythm import analyze as analyze_video

    wishes = _timing_wishes(tempo, hit_times, hit_files, tempo_map, tempo_change)
    bars = Bars(quiet)
    try:
        rhythm = analyze_video(video, progress=lambda done, total: bars("analyze", done, total))
    finally:
        bars.close()
    wishes = replace(wishes, markers=checked_markers(wishes.markers, rhythm.duration))
    grid, hits = wished_grid(rhythm, wishes), hits_of(rhythm, wishes.markers)
    music = describe_grid(grid, hits)
    for warning in (*rhythm.warnings, *warnings_of(grid, hits, tempo_map=wishes.tempo_map)):
        click.echo(f"warning: {warning}", err=True)
    if plot is not None:
        _plot(rhythm, music["bar_borders"], plot)
    if as_json:
        click.echo(json.dumps(_rhythm_as_json(rhythm, music), indent=1))
    else:
        _print_rhythm(rhythm, music, plot)


def _plot(rhythm: VideoRhythm, borders: list[float], path: Path) -> None:
    from cmt.picture import draw_rhythm
    from midi_io.whole_file import whole_file

    with whole_file(path) as unfinished:
        try:
            draw_rhythm(rhythm, borders, unfinished)
        except ValueError as error:
            raise CmtError(f"{path}: cannot be drawn ({error})") from None


def _rhythm_as_json(rhythm: VideoRhythm, music: dict[str, Any]) -> dict[str, Any]:
    return {
        "video": rhythm.path,
        "duration": rhythm.duration,
        "fps": rhythm.fps,
        "n_frame": rhythm.n_frame,
        "width": rhythm.width,
        "height": rhythm.height,
        **music,
        "visual_tempo": rhythm.tempo,
        "visual_tempo_confidence": rhythm.tempo_confidence,
        "speed_per_bar": _speed_by_bar(rhythm, music),
        "visual_beats": [{"time": beat.time, "saliency": beat.saliency} for beat in rhythm.visual_beats],
        "cuts": list(rhythm.cuts),
        "fades": [{"kind": fade.kind.value, "begin": fade.begin, "end": fade.end} for fade in rhythm.fades],
        "warnings": list(rhythm.warnings),
    }


def _speed_by_bar(rhythm: VideoRhythm, music: dict[str, Any]) -> list[float]:
    return [float(speed) for speed in rhythm.flow.mean_speed(music["bar_borders"])]


def _print_rhythm(rhythm: VideoRhythm, music: dict[str, Any], plot: Path | None) -> None:
    visual = "none" if rhythm.tempo is None else f"{rhythm.tempo:.1f} BPM (confidence {rhythm.tempo_confidence:.2f})"
    click.echo(f"picture  {rhythm.width}x{rhythm.height}, {rhythm.fps:.3f} fps, {rhythm.duration:.3f} s")
    click.echo(f"tempo    visual: {visual}; music that fits: {_grid_in_words(music)}")
    _print_hits(music["hits"])
    click.echo(f"speed    {_numbers(_speed_by_bar(rhythm, music), '.3f')}  (diagonals/s, by bar)")
    click.echo(f"beats    {len(rhythm.visual_beats)}: {_numbers((b.time for b in rhythm.visual_beats), '.2f')} s")
    click.echo(f"cuts     {len(rhythm.cuts)}: {_numbers(rhythm.cuts, '.3f')} s")
    fades = ", ".join(f"{fade.kind.value} {fade.begin:.2f}-{fade.end:.2f}" for fade in rhythm.fades[:8])
    more = f" ... ({len(rhythm.fades) - 8} more)" if len(rhythm.fades) > 8 else ""
    click.echo(f"fades    {len(rhythm.fades)}: {fades}{more}{' s' if fades else ''}")
    if plot is not None:
        click.echo(f"wrote    {plot}")


def _numbers(values: Iterable[float], spec: str, most: int = 16) -> str:
    texts = [format(value, spec) for value in values]
    return " ".join(texts[:most]) + (f" ... ({len(texts) - most} more)" if len(texts) > most else "")


@main.command()
@click.argument("midi", type=FILE)
@click.option("-o", "--output", type=FILE, help="WAV file. Left out, the MIDI file's name with .wav.")
@click.option(
    "--soundfont", type=FILE, help="SoundFont (.sf2, .sf3). Else $CMT_SOUNDFONT, the system's, or a small one."
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def render(midi: Path, output: Path | None, soundfont: Path | None, quiet: bool) -> None:
    """Play MIDI into a WAV file by FluidSynth."""
    from cmt.soundtrack import SAMPLE_RATE
    from midi_io import read_midi, write_wav
    from midi_io import render as render_song

    target = midi.with_suffix(".wav") if output is None else output
    song = read_midi(midi)
    bars = Bars(quiet)
    try:
        audio = render_song(
            song, soundfont=soundfont, sample_rate=SAMPLE_RATE, progress=lambda share: bars("render", share, 1.0)
        )
    finally:
        bars.close()
    write_wav(audio, target, SAMPLE_RATE)
    click.echo(f"wrote    {target} ({len(audio) / SAMPLE_RATE:.2f} s)")


@main.command()
@click.argument("packs", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", "run", type=FILE, required=True, help="Folder of the run: checkpoints and losses.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="small", show_default=True)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="How long to train, over all sessions of the run.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in the folder.")
@click.option(
    "--transpose",
    type=click.Choice(["home", "random"]),
    default=TrainConfig.transpose,
    show_default=True,
    help="Bring songs to C major / A minor, or move them at random.",
)
@click.option(
    "--learning-rate", type=click.FloatRange(0, min_open=True), default=TrainConfig.learning_rate, show_default=True
)
@click.option(
    "--heads",
    type=click.Choice(["preset", "chained", "independent"]),
    default="preset",
    show_default=True,
    help="How a word's attributes are drawn.",
)
@click.option(
    "--kernel",
    type=click.Choice(["chunked", "fast-transformers"]),
    default=TrainConfig.kernel,
    show_default=True,
    help="Who multiplies out the attention; the numbers are the same.",
)
@click.option("--threads", type=click.IntRange(1), help="Threads of torch. Left out, torch decides.")
@click.option("--seed", type=click.IntRange(0), default=TrainConfig.seed, show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def train(
    packs: tuple[Path, ...],
    run: Path,
    preset: str,
    minutes: float,
    resume: bool,
    transpose: str,
    learning_rate: float,
    heads: str,
    kernel: str,
    threads: int | None,
    seed: int,
    quiet: bool,
) -> None:
    """Train a model on PACKS of songs, e.g. lpd5_16th_labelled.npz.xz.

    The folder always holds the newest model.safetensors (for cmt generate --checkpoint),
    state.safetensors (for --resume) and losses.jsonl.
    """
    import torch

    from cmt.dataset import read_packs
    from cmt.train import train as train_model

    if threads:
        torch.set_num_threads(threads)
    model_config = PRESETS[preset]
    if heads != "preset":
        model_config = replace(model_config, chained_heads=heads == "chained")
    config = TrainConfig(transpose=transpose, learning_rate=learning_rate, seed=seed, kernel=kernel)
    corpus, validation = read_packs(list(packs), "train"), read_packs(list(packs), "val")
    if not quiet:
        click.echo(f"{len(corpus.songs)} songs to learn from, {len(validation.songs)} held out")
    progress = train_model(
        corpus,
        validation,
        run,
        model_config,
        config,
        minutes=minutes,
        resume=resume,
        show_progress=not quiet and sys.stderr.isatty(),
    )
    losses = progress.losses
    click.echo(
        f"{progress.step} steps, {progress.n_word / 1e6:.2f} M words, validation {losses['total']:.3f} nats a word "
        f"({losses['note']:.3f} a note); wrote {run / 'model.safetensors'}"
    )


@main.command()
@click.argument("midis", metavar="MIDI...", type=FILE, nargs=-1)
@click.option("-o", "--output", type=FILE, required=True, help="Folder for the page, the JSON and the CSV files.")
@click.option("--video", type=FILE, help="The video that all the pieces are for.")
@click.option("--pairs", "pair_list", type=FILE, help="CSV file of lines MIDI,VIDEO, paths from its own folder.")
@click.option("--reference", type=FILE, help="Folder of MIDI files or pack of songs. Else LPD's values, as shipped.")
@click.option(
    "--reference-genre", type=click.Choice([genre.label for genre in Genre]), help="Shipped values of one genre."
)
@click.option("--no-audio", is_flag=True, help="Render nothing: AV-Align is left out.")
@click.option("--jobs", type=click.IntRange(1), help="Processes. Left out, one for each processor.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of chance levels and intervals.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no table.")
def evaluate(
    midis: tuple[Path, ...],
    output: Path,
    video: Path | None,
    pair_list: Path | None,
    reference: Path | None,
    reference_genre: str | None,
    no_audio: bool,
    jobs: int | None,
    seed: int,
    quiet: bool,
) -> None:
    """Measure MIDI files (or folders of them): music, control, synchrony with their videos, each beside its chance.

    What was asked is read from the report that cmt generate leaves beside a MIDI file.
    """
    from cmt.evaluate import default_jobs, pairs_of
    from cmt.evaluate import evaluate as evaluate_pairs
    from cmt.evaluate_files import table_of, write_evaluation

    if pair_list is not None and video is not None:
        raise click.UsageError("--video and --pairs exclude each other")
    if reference is not None and reference_genre is not None:
        raise click.UsageError("--reference and --reference-genre exclude each other")
    bars = Bars(quiet)
    try:
        evaluation = evaluate_pairs(
            pairs_of(midis, video, pair_list),
            reference,
            genre=Genre[reference_genre.upper()] if reference_genre else None,
            jobs=jobs or default_jobs(),
            audio=not no_audio,
            seed=seed,
            progress=bars,
        )
    finally:
        bars.close()
    files = write_evaluation(evaluation, output)
    if not quiet:
        for line in table_of(evaluation):
            click.echo(line)
        for file in files:
            click.echo(f"wrote    {file}")
    if not evaluation.measured:
        raise CmtError(f"none of {_count(len(evaluation.pieces), 'piece')} could be measured; {output} says why")
