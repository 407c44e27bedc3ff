"""The command line: options and printing only."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from tqdm import tqdm

from cmt.config import PRESETS, GenerateConfig, TrainConfig
from cmt.errors import CmtError
from cmt.key import parse_key
from cmt.words import Genre
from midi_io.errors import MidiError
from midi_io.song import Instrument
from video_rhythm.errors import VideoError

if TYPE_CHECKING:
    from cmt.soundtrack import Soundtrack
    from video_rhythm import TempoFit, VideoRhythm

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
@click.option(
    "--tempo",
    type=click.FloatRange(20, 400),
    help="Exact BPM. Left out, a tempo is chosen at which whole bars are as long as the video.",
)
@click.option(
    "--control",
    type=click.FloatRange(0, 1),
    default=GenerateConfig.control,
    show_default=True,
    help="How much the picture decides: 0 free music, 1 every bar and visual beat.",
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
    control: float,
    seed: int,
    temperature: float,
    original_audio: Any,
    midi_only: bool,
    soundfont: Path | None,
    checkpoint: Path | None,
    quiet: bool,
) -> None:
    """Write music for VIDEO: MIDI, audio, the video with it, a picture and a report.

    The files are named after the video: clip.mp4 gives clip.mid, clip.wav, clip.mp4, clip.png, clip.json.
    """
    from cmt.soundtrack import Wishes, make_soundtrack

    wishes = Wishes(
        genre=None if genre == FREE else Genre[genre.upper()],
        instruments=instruments,
        key=key,
        tempo=tempo,
        original_audio=original_audio,
        midi_only=midi_only,
    )
    config = GenerateConfig(control=control, temperature=temperature, seed=seed)
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
        f"music    {_count(report['n_bar'], 'bar')} at {report['tempo']:.2f} BPM, {report['key']}, "
        f"{report['genre'] or 'any genre'}, {', '.join(report['instruments'])}"
    )
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


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


@main.command()
@click.argument("video", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON on stdout.")
@click.option("--plot", type=FILE, help="Write a picture; the suffix says its format (.png, .svg, .pdf).")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def analyze(video: Path, as_json: bool, plot: Path | None, quiet: bool) -> None:
    """Say what VIDEO's rhythm is: motion speed, visual beats, cuts, tempo."""
    from cmt.soundtrack import music_tempo
    from video_rhythm import analyze as analyze_video

    bars = Bars(quiet)
    try:
        rhythm = analyze_video(video, progress=lambda done, total: bars("analyze", done, total))
    finally:
        bars.close()
    fit = music_tempo(rhythm)
    for warning in rhythm.warnings:
        click.echo(f"warning: {warning}", err=True)
    if plot is not None:
        _plot(rhythm, fit, plot)
    if as_json:
        click.echo(json.dumps(_rhythm_as_json(rhythm, fit), indent=1))
    else:
        _print_rhythm(rhythm, fit, plot)


def _plot(rhythm: VideoRhythm, fit: TempoFit, path: Path) -> None:
    from cmt.picture import draw_rhythm
    from midi_io.whole_file import whole_file

    with whole_file(path) as unfinished:
        try:
            draw_rhythm(rhythm, fit.tempo, fit.n_bar, unfinished)
        except ValueError as error:
            raise CmtError(f"{path}: cannot be drawn ({error})") from None


def _rhythm_as_json(rhythm: VideoRhythm, fit: TempoFit) -> dict[str, Any]:
    return {
        "video": rhythm.path,
        "duration": rhythm.duration,
        "fps": rhythm.fps,
        "n_frame": rhythm.n_frame,
        "width": rhythm.width,
        "height": rhythm.height,
        "tempo": fit.tempo,
        "n_bar": fit.n_bar,
        "visual_tempo": rhythm.tempo,
        "visual_tempo_confidence": rhythm.tempo_confidence,
        "speed_per_bar": [float(speed) for speed in rhythm.speed_per_bar(fit.tempo, fit.n_bar)],
        "visual_beats": [{"time": beat.time, "saliency": beat.saliency} for beat in rhythm.visual_beats],
        "cuts": list(rhythm.cuts),
        "warnings": list(rhythm.warnings),
    }


def _print_rhythm(rhythm: VideoRhythm, fit: TempoFit, plot: Path | None) -> None:
    visual = "none" if rhythm.tempo is None else f"{rhythm.tempo:.1f} BPM (confidence {rhythm.tempo_confidence:.2f})"
    click.echo(f"picture  {rhythm.width}x{rhythm.height}, {rhythm.fps:.3f} fps, {rhythm.duration:.3f} s")
    click.echo(f"tempo    visual: {visual}; music that fits: {fit.tempo:.2f} BPM, {_count(fit.n_bar, 'bar')}")
    click.echo(f"speed    {_numbers(rhythm.speed_per_bar(fit.tempo, fit.n_bar), '.3f')}  (diagonals/s, by bar)")
    click.echo(f"beats    {len(rhythm.visual_beats)}: {_numbers((b.time for b in rhythm.visual_beats), '.2f')} s")
    click.echo(f"cuts     {len(rhythm.cuts)}: {_numbers(rhythm.cuts, '.3f')} s")
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
    from dataclasses import replace

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
