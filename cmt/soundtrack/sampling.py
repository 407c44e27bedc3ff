"""Songs without videos, many at once, for whoever studies a model: `cmt sample`."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cmt.config import MOST_SAMPLED, GenerateConfig
from cmt.errors import CmtError
from cmt.handover.signs import signs_of
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.progress import Progress, no_progress
from cmt.music.key import WishedKey
from cmt.music.words import Genre, Mode
from cmt.planning.plan import Plan, plan_music, with_length
from cmt.planning.wishes import Wishes, check_config, check_wishes, settled
from cmt.soundtrack.composing import TAKES_AT_ONCE, Take, write_songs
from cmt.soundtrack.networks import check_arithmetic, load_networks
from cmt.soundtrack.output import Output
from cmt.soundtrack.playing import performance_of
from cmt.soundtrack.report import report_of, versions
from midi_io import write_midi
from midi_io.song import Instrument

USUAL_BARS = (8, 16, 32, 64)
"""A song has one of these numbers of bars, each as likely as the others, unless it is said."""
SONGS, SETTINGS = "songs.csv", "sample.json"
"""The files beside the songs: a line for each, and how all were written."""
_COLUMNS = ("file", "seed", "genre", "key", "tempo", "bars", "seconds", "notes", "instruments")


@dataclass(frozen=True)
class SampleWishes:
    """What is asked of songs; what is left out is drawn by the seed of each."""

    genres: Sequence[Genre | None] = tuple(Genre)
    """The genres, one song after the other; None leaves the genre of a song to the model."""
    mode: Mode | None = None
    """None draws it as often as songs of the genre have it."""
    tempo: float | None = None
    """BPM; None draws it from the middle half of the genre's songs."""
    bars: int | None = None
    """None draws one of `USUAL_BARS`."""
    instruments: Sequence[Instrument] | None = None
    """The instruments, every one of which plays; None draws them as songs of the genre have them."""


class Sampled(NamedTuple):
    """The songs that were written."""

    files: tuple[Path, ...]
    """The MIDI files, in order; `SONGS` and `SETTINGS` lie beside them."""
    n_note: int
    seconds: float
    """How long they last together."""


def sample_songs(
    n_song: int,
    folder: Path,
    wishes: SampleWishes | None = None,
    config: GenerateConfig | None = None,
    *,
    checkpoint: Path | None = None,
    reports: bool = False,
    progress: Progress = no_progress,
) -> Sampled:
    """Write `n_song` songs into a folder as ``0000.mid`` and so on; all files appear together at the end, or none does.

    Song number k has the seed ``config.seed + k`` and is what `make_soundtrack` writes of its genre, mode, tempo and
    bars with that seed, however many are written. `TAKES_AT_ONCE` songs are written side by side.

    Parameters
    ----------
    checkpoint
        The model; the shipped one if left out.
    reports
        Whether the report of each song lies beside it: `cmt.evaluation` reads there which genre was asked.
    progress
        A function that is called with ``compose``, and with the bars that are written and all bars.

    Raises
    ------
    CmtError
        If a wish cannot be, the checkpoint is of no use, or the folder holds such files or cannot be written to.
    """
    if not 1 <= n_song <= MOST_SAMPLED:
        raise CmtError(f"{n_song} songs: must be 1 to {MOST_SAMPLED}")
    wishes, config = wishes or SampleWishes(), replace(config or GenerateConfig(), control=0.0)
    names = [f"{number:0{max(4, len(str(n_song - 1)))}d}" for number in range(n_song)]
    taken = [name for name in (SONGS, *(f"{name}.mid" for name in names)) if (folder / name).exists()]
    if taken:
        raise CmtError(f"{folder / taken[0]}: is there already; choose another `folder`")
    check_config(config)
    check_arithmetic(config)
    seeds = [config.seed + number for number in range(n_song)]
    with folder_for_all_or_nothing(folder, overwrite=False) as unfinished:
        plans = [plan_of_song(wishes, config, number) for number in range(n_song)]
        networks = load_networks(checkpoint)
        decoder = networks.decoder_for(config)
        n_bar, n_done, n_note = sum(plan.timeline.n_bar for plan in plans), 0, 0
        rows = []
        for first in range(0, n_song, TAKES_AT_ONCE):
            chunk = slice(first, first + TAKES_AT_ONCE)

            def so_far(n_written: float, _: float, done: int = n_done) -> None:
                progress("compose", done + n_written, n_bar)

            takes = write_songs(decoder, networks.planner, plans[chunk], config, seeds[chunk], so_far)
            for plan, take, name in zip(plans[chunk], takes, names[chunk], strict=True):
                rows.append(_write(plan, take, config, unfinished / f"{name}.mid", reports=reports))
            n_done += sum(plan.timeline.n_bar for plan in plans[chunk])
            n_note += sum(len(take.song.notes) for take in takes)
        with open(unfinished / SONGS, "w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
        settings = {
            "songs": n_song,
            "seed": config.seed,
            "temperature": config.temperature,
            "guidance": config.guidance,
            "int8": config.int8,
            "checkpoint": {"sha256": networks.checkpoint.sha256, **networks.checkpoint.provenance},
            "versions": versions(config.int8),
        }
        (unfinished / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    files = tuple(folder / f"{name}.mid" for name in names)
    return Sampled(files, n_note, sum(plan.timeline.duration for plan in plans))


def plan_of_song(asked: SampleWishes, config: GenerateConfig, number: int = 0) -> Plan:
    """The plan of song `number`, whose seed is ``config.seed + number``, for `cmt.soundtrack.composing.write_songs`."""
    seed = config.seed + number
    bars = asked.bars or int(np.random.default_rng([seed, 11]).choice(USUAL_BARS))
    wishes = Wishes(
        genre=asked.genres[number % len(asked.genres)],
        key=None if asked.mode is None else WishedKey(None, asked.mode),
        tempo=asked.tempo,
        bars=bars,
        instruments=asked.instruments,
        takes=1,
    )
    check_wishes(wishes)
    wishes = with_length(wishes, seed)
    assert wishes.length is not None  # of the bars
    return plan_music(None, settled(wishes, wishes.length), replace(config, seed=seed))


def _write(plan: Plan, take: Take, config: GenerateConfig, path: Path, *, reports: bool) -> dict[str, object]:
    """Write a song, and its report if it is wanted; its line of the table."""
    performance = performance_of(take.song, take.orders, plan, take.sheet, Output(), take.seed)
    report = report_of(plan, take.piece, take.song, take.orders, take.sheet, replace(config, seed=take.seed))
    write_midi(performance, path, title=path.stem, signs=signs_of(report, plan.timeline))
    if reports:
        path.with_suffix(".json").write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
    genre = plan.wishes.genre
    return {
        "file": path.name,
        "seed": take.seed,
        "genre": "" if genre is None else genre.label,
        "key": str(take.piece.key),
        "tempo": round(plan.timeline.tempo, 2),
        "bars": plan.timeline.n_bar,
        "seconds": round(plan.timeline.duration, 3),
        "notes": len(take.song.notes),
        "instruments": " ".join(instrument.label for instrument in take.song.instruments),
    }
