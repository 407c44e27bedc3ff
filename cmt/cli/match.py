"""`cmt match`."""

from __future__ import annotations

import re
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmt.cli.flags import with_flags
from cmt.cli.options import (
    DYNAMICS_OPTION,
    FILE,
    FREE,
    JOBS_OPTION,
    Bars,
    GenreType,
    InstrumentsType,
    KeyType,
    ParamType,
    chosen_genre,
    duck_option,
    is_verbose,
    scheduler_option,
    soundfont_option,
    verbose_option,
)
from cmt.cli.saying import say, say_left_out
from cmt.cli.stopping import Stopped
from cmt.errors import CmtError
from cmt.machine.files import check_folder, real_path
from cmt.machine.plural import count
from cmt.music.key import ANY_KEY, WishedKey
from midi_io.hidden_folder import hidden_folder
from midi_io.song import Instrument

if TYPE_CHECKING:
    from cmt.machine.workers import Workers
    from cmt.matching.ranking import Results
    from cmt.matching.rows import Match
    from cmt.matching.score import AskedMood


class TempoRangeType(ParamType):
    """Two tempi, such as ``90-130``."""

    name = "from-to"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, float]:
        """The two tempi."""
        if not isinstance(value, str):
            converted: tuple[float, float] = value
            return converted
        numbers = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*-\s*(\d+(?:\.\d*)?)\s*", value)
        if numbers is None or not float(numbers[1]) <= float(numbers[2]):
            self.fail(f"{value!r} is no range of tempi; write the slowest and the fastest in BPM, such as 90-130")
        return float(numbers[1]), float(numbers[2])


@click.command()
@click.argument("videos", metavar="VIDEO...", type=FILE, nargs=-1, required=True)
@click.option("--library", type=FILE, required=True, help="Index from cmt index, or the music itself: slower.")
@click.option(
    "--top", type=click.IntRange(1, 1000), default=5, show_default=True, help="Pieces told of for each video."
)
@click.option("--out", type=FILE, multiple=True, help="Table: .csv, .json or .parquet; as often as you like.")
@click.option("--matrix", type=FILE, help="Folder for the scores of all pieces, a Parquet file for each video.")
@click.option("--render", type=FILE, metavar="FOLDER", help="Make films there: each video with its best piece.")
@click.option("--genre", type=GenreType(), default=FREE, show_default=True, help="Only pieces known to be of it.")
@click.option(
    "--instruments", type=InstrumentsType(), default=FREE, show_default=True, help="Only pieces with all these."
)
@click.option("--piece-tempo", type=TempoRangeType(), help="Only pieces of such a tempo, in BPM: 90-130.")
@click.option("--key", type=KeyType(), help="Only pieces in it: TONIC:MODE; either may be left out (C, :minor).")
@DYNAMICS_OPTION
@click.option(
    "--mood",
    metavar="WORDS",
    help=f"The mood wanted in place of the picture's: calm; tense, a little sad. Or {FREE}: mood counts for nothing.",
)
@click.option(
    "--original-audio",
    is_eager=True,  # --duck looks at it
    type=click.Choice(["drop", "keep", "mix"]),
    help="With --render: the video's own sound left out, a second track, or mixed with the music.  [default: mixed, if "
    "it has any]",
)
@duck_option("With --render and mix: how far the music goes down under speech in the original, or off.")
@soundfont_option("With --render. Else $CMT_SOUNDFONT, or the one that comes with cmt.")
@JOBS_OPTION
@scheduler_option("Of a dask cluster that works instead, tcp://host:8786.")
@verbose_option("The score that chance would give, and the rate, too.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, no summary.")
def match(
    videos: tuple[Path, ...],
    library: Path,
    top: int,
    out: tuple[Path, ...],
    matrix: Path | None,
    render: Path | None,
    genre: str,
    instruments: tuple[Instrument, ...] | None,
    piece_tempo: tuple[float, float] | None,
    key: WishedKey | None,
    dynamics: Any,
    mood: str | None,
    original_audio: Any,
    duck: float | None,
    soundfont: Path | None,
    jobs: int | None,
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Say which pieces of a library fit each VIDEO best, from which bar on, and why.

    VIDEO is a file or a folder. A run that was stopped goes on where it was when it is started again.
    """
    from cmt.machine.videos import find_videos
    from cmt.machine.workers import Workers
    from cmt.matching.index import PieceFilter
    from cmt.matching.ranking import MatchWishes
    from cmt.matching.ranking import match as match_videos
    from cmt.matching.render import RenderWishes
    from cmt.matching.tables import check_table, write_table
    from midi_io import ready_soundfont
    from midi_io.whole_file import check_writable

    for folder in filter(None, (matrix, render)):
        check_folder(folder, "choose another one")
    for path in out:
        check_table(path)
        check_writable(path)
    films = None
    if render is not None:
        font = ready_soundfont(soundfont, "leave out --render")
        films = RenderWishes(real_path(render), font, original_audio, duck)
    found, _, left_out = find_videos(videos)
    say_left_out(left_out)
    tonic, mode = key or ANY_KEY
    wishes = MatchWishes(
        top=top,
        dynamics=dynamics,
        mood=_asked_mood(mood),
        pieces=PieceFilter(
            genre=chosen_genre(genre), instruments=instruments, tempo=piece_tempo, tonic=tonic, mode=mode
        ),
        matrix=real_path(matrix) if matrix is not None else None,
        render=films,
    )
    journal = out[0].with_name(f"{out[0].name}.unfinished") if out else None
    bars = Bars(quiet)
    start = time.perf_counter()
    try:
        with Workers(jobs, scheduler) as workers, _shards(library, workers, bars) as shards:
            results = match_videos(found, shards, wishes, workers, journal, bars)
    except KeyboardInterrupt:
        if journal is None:
            raise
        bars.close()
        raise Stopped(f"what is done is kept in {journal}, start again to go on") from None
    finally:
        bars.close()
    for path in out:
        write_table(results.rows, path)
    if journal is not None:
        journal.unlink(missing_ok=True)
    _print(results, quiet, time.perf_counter() - start, None if scheduler else workers.jobs)
    for path in (*out, *filter(None, (matrix, render))):
        if not quiet:
            say(f"wrote    {path}")
    _check_all_made(results, with_films=films is not None)


def _check_all_made(results: Results, *, with_films: bool) -> None:
    """Raise a CmtError if no video has a match, or a film that was asked for is missing."""
    matched = [rows[0] for rows in results.rows if rows[0].rank is not None]
    if not matched:
        raise CmtError(f"none of {count(len(results.rows), 'video')} has a match; see above")
    n_lost = sum(row.rendered is None for row in matched)
    if with_films and n_lost:
        raise CmtError(f"{n_lost} of {count(len(matched), 'film')} could not be made; see above")


def _asked_mood(words: str | None) -> AskedMood | None:
    from cmt.matching.score import SEEN
    from cmt.meaning.words import read_mood

    if words is None:
        return SEEN
    if words == FREE:
        return None
    mood = read_mood(words)
    return mood.valence, mood.arousal


@contextmanager
def _shards(library: Path, workers: Workers, bars: Bars) -> Iterator[list[Path]]:
    """An index's shards; music is indexed for this run alone."""
    from cmt.matching.index import is_index, open_index
    from cmt.matching.indexing import update_index

    if is_index(library):
        yield open_index(library)
        return
    if workers.scheduler is not None:
        raise CmtError(f"{library}: a cluster needs an index that all can read; make one: cmt index {library} -o INDEX")
    with hidden_folder(Path(tempfile.gettempdir())) as folder:
        update = update_index([library], folder, workers, bars)
        bars.close()
        for failure in update.failures:
            say(f"left out: {with_flags(failure)}", err=True)
        if update.failures and not update.n_here:
            raise CmtError(f"{library}: none of {count(len(update.failures), 'file')} could be read; see above")
        say(f"indexed {library} for this run; cmt index keeps it for the next", err=True)
        yield open_index(folder)


def _print(results: Results, quiet: bool, seconds: float, jobs: int | None) -> None:
    for rows in results.rows:
        for row in rows:
            if row.failure:
                say(f"left out: {with_flags(_with_name(row.video, row.failure))}", err=True)
            for line in row.warnings.splitlines():
                say(f"warning  {with_flags(_with_name(row.video, line))}", err=True)
        if not quiet and rows[0].rank is not None:
            say(f"video    {rows[0].video}")
            for row in rows:
                say(f"{row.rank:>5}  {row.score:.3f}{_parts_in_words(row)}  {_piece_in_words(row)}")
                say(f"       {row.reason}")
    if quiet:
        return
    matched = sum(rows[0].rank is not None for rows in results.rows)
    say(f"match    {count(matched, 'video')} of {len(results.rows)} against {count(results.n_piece, 'piece')}")
    if results.n_scored and is_verbose():
        rate = results.n_scored / results.seconds_scoring
        each = f" ({rate / jobs:,.0f} for each of {count(jobs, 'worker')})" if jobs else ""
        say(f"rate     {rate:,.0f} pieces a second against a video{each}; {_peak_mib():.0f} MiB in a process at most")
    say(f"took     {seconds:.1f} s, of which {results.seconds_scoring:.1f} s scoring")


def _parts_in_words(row: Match) -> str:
    """What the score is made of, and with --verbose that of chance."""
    mood = "" if row.mood_score is None else f"rhythm {row.rhythm_score:.3f}, mood {row.mood_score:.3f}"
    chance = f"chance {row.chance:.3f}" if is_verbose() else ""
    parts = "; ".join(filter(None, (mood, chance)))
    return f" ({parts})" if parts else ""


def _with_name(video: str, failure: str) -> str:
    return failure if Path(video).name in failure else f"{video}: {failure}"


def _piece_in_words(row: Match) -> str:
    name = f"{Path(row.source or '').name}{' ' + row.name if row.name else ''}"
    about = ", ".join(filter(None, (row.genre, row.key, row.instruments)))
    return f"{name} from bar {row.start_bar}  ({about})"


def _peak_mib() -> float:
    """The peak memory, in MiB, of this process or of the largest that it has begun."""
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(peaks) / (2**20 if sys.platform == "darwin" else 1024)
