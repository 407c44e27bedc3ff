"""A soundtrack that is to be like a song: which song, that its notes are not copied, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.film.speech import Span
from cmt.machine.plural import count
from cmt.metrics.copying import SharedRun, longest_shared_run
from cmt.music.chords import HALVES_PER_BAR
from cmt.music.degrees import roman
from cmt.music.encoding import notes_of_song
from cmt.music.lead_sheet import LETTERS, UNKNOWN, LeadSheet
from cmt.planning.like import Likeness, Reference, read_reference
from cmt.planning.plan import Plan
from cmt.planning.plan_like import plan_like
from cmt.planning.wishes import Settled
from cmt.report.like import LikeTold, Shared
from midi_io.song import Instrument, Song, Timeline
from video_rhythm import VideoRhythm

if TYPE_CHECKING:
    from cmt.music.encoding import NoteArrays
    from cmt.report.report import Report

MOST_SHARED = 10
"""A take that shares a longer run of notes than this with its song is written anew. Of 300 pairs of songs of LPD that
have nothing to do with each other, 99 in a hundred share no more (16 bars of one, all of the other; docs/like.md)."""
MOST_TRIES = 3
"""A take is written anew at most so often."""
CHORDS_TOLD = 8
"""The chords of so many bars are told."""
_TEMPO = "tempo: "

T = TypeVar("T", bound="_HasSong")


class _HasSong(Protocol):
    @property
    def song(self) -> Song: ...


def plan_of_like(
    like: str,
    plan: Plan,
    rhythm: VideoRhythm | None,
    wishes: Settled,
    config: GenerateConfig,
    speech: Sequence[Span] = (),
    grid: Timeline | None = None,
) -> Plan:
    """The plan of a piece that is to be like the song, or like one of the library, at the path `like`.

    `plan` is that of the piece that is to be like none: a song that suits it is looked for.

    Raises
    ------
    CmtError
        If there is no song there that can be used.
    """
    return plan_like(find_reference(Path(like), plan, config.seed), rhythm, wishes, config, speech, grid)


def find_reference(path: Path, plan: Plan, seed: int) -> Reference:
    """The song at a path, or the one of an index that suits a plan best.

    Raises
    ------
    CmtError
        If there is no song there that can be used.
    """
    if not path.is_dir():
        return read_reference(path)
    # Late: an index needs a library that a song does not.
    from cmt.matching.like import search

    return search(path, plan, seed)


class CopyGuard(Generic[T]):
    """Takes that do not copy a song: those that share too much with it are written anew with other seeds.

    Parameters
    ----------
    write
        Gives a take for each of several seeds.
    notes
        The notes of the song.
    first_seed
        The first of the seeds for further takes.
    """

    def __init__(self, write: Callable[[Sequence[int]], list[T]], notes: NoteArrays, first_seed: int) -> None:
        self.rejected = 0
        """The number of takes that were written anew."""
        self._write = write
        self._notes = notes
        self._next_seed = first_seed

    def shared(self, song: Song) -> SharedRun:
        """The longest run that a piece shares with the song."""
        return longest_shared_run(notes_of_song(song), self._notes)

    def guarded(self, takes: Sequence[T]) -> list[T]:
        """The takes, each that shares more than `MOST_SHARED` replaced by one that does not, or shares less."""
        kept = list(takes)
        shared = [self.shared(take.song).n_note for take in kept]
        for _ in range(MOST_TRIES):
            copied = [k for k, n_note in enumerate(shared) if n_note > MOST_SHARED]
            if not copied:
                break
            self.rejected += len(copied)
            seeds = range(self._next_seed, self._next_seed + len(copied))
            self._next_seed += len(copied)
            for k, take in zip(copied, self._write(seeds), strict=True):
                n_note = self.shared(take.song).n_note
                if n_note < shared[k]:
                    kept[k], shared[k] = take, n_note
        return kept


def told_of(like: Likeness, sheet: LeadSheet, song: Song, rejected: int) -> LikeTold:
    """What a report says of the song that a piece is like.

    Parameters
    ----------
    sheet
        The piece's lead sheet in its home key.
    rejected
        The number of takes that were written anew.
    """
    reference = like.reference
    return LikeTold(
        song=reference.template.name,
        source=reference.source,
        n_piece=reference.n_piece,
        distances=reference.distances,
        taken=tuple(_taken(like, sheet, song.timeline)),
        bars=tuple(None if bar == UNKNOWN else bar for bar in like.form.bars.tolist()),
        shared=_shared(song, reference.template.notes),
        rejected=rejected,
    )


def _shared(song: Song, notes: NoteArrays) -> Shared:
    run = longest_shared_run(notes_of_song(song), notes)
    return Shared(run.n_note, run.instrument, round(song.seconds(run.begin), 3) if run.n_note else 0.0)


def like_again(
    report: Report, song: Song, slower: float, *, is_written_anew: bool
) -> tuple[LikeTold | None, tuple[str, ...]]:
    """What is said of the song that a take is like, now that the take is made again as `song`; and what is to say.

    Where notes were written anew, what it shares with that song is looked for once more. `slower` is how many times as
    long as before the take lasts; a tempo of its own is not the song's.
    """
    like = report.like
    if like is None:
        return None, ()
    if slower != 1:
        taken = tuple(line for line in like.taken if not line.startswith(_TEMPO))
        seconds = round(slower * like.shared.seconds, 3)
        like = replace(like, taken=taken, shared=like.shared._replace(seconds=seconds))
    if not is_written_anew:
        return like, ()
    try:
        reference = read_reference(Path(like.source))
    except CmtError as error:
        return like, (f"{error}; whether what was written anew copies the song was not looked at",)
    return replace(like, shared=_shared(song, reference.template.notes)), ()


def warnings_of_like(told: LikeTold) -> list[str]:
    """What is to say of a piece that shares too much with its song, however often it was written."""
    if told.shared.n_note <= MOST_SHARED:
        return []
    return [
        f"`like`: {count(told.shared.n_note, 'note')} in a row, from {told.shared.seconds:g} s on, are those of "
        f"{told.song}, though it was written {MOST_TRIES + 1} times; songs that have nothing to do with each other "
        f"share {MOST_SHARED} at most; try another `seed`"
    ]


def _taken(like: Likeness, sheet: LeadSheet, timeline: Timeline) -> list[str]:
    """What was taken of the song, a line each, as it stands in the piece."""
    template, bars = like.reference.template, like.form.bars
    lines = []
    begins = [*np.flatnonzero(like.form.begins).tolist(), len(bars)]
    if np.array_equal(sheet.begins[begins[:-1]], like.form.begins[begins[:-1]]) and len(begins) > 1:
        sections = (
            f"{LETTERS[int(like.letters[a])]} {b - a} (its bar {int(bars[a]) + 1})" for a, b in pairwise(begins)
        )
        lines.append(f"form: {', '.join(sections)}")
    if like.takes_chords and sheet.mode is not None:
        halves = sheet.chords.reshape(-1, HALVES_PER_BAR)[bars != UNKNOWN][:CHORDS_TOLD]
        numerals = [" ".join(dict.fromkeys(roman(int(one), sheet.mode) for one in bar)) for bar in halves]
        more = " ..." if len(numerals) < int((bars != UNKNOWN).sum()) else ""
        moved = "" if sheet.mode is template.key.mode else f", moved into {sheet.mode.label}"
        lines.append(f"chords: {' | '.join(numerals)}{more} (it is in {template.key}{moved})")
    lines.append(f"players, bar by bar: {', '.join(one.label for one in like.instruments)}")
    if Instrument.DRUMS in like.instruments:
        lines.append(f"kit and groove of its drums: {count(int((like.players & 1 > 0).sum()), 'bar')}")
    lines.append(f"{_TEMPO}{timeline.tempo:.0f} BPM, where it has {template.tempo:.0f}")
    return lines
