"""A song of a library that a new piece is to be like: looked for broadly, by what the picture is, and by what is named.

Two ways go together, as in the dual-track retrieval of VMB (Wang et al., *Multimodal Music Generation with Explicit
Bridges and Retrieval Augmentation*, 2024). *Targeted*: what the user named, genre, mode, instruments, tempo, is a
condition; where no piece of the library meets one, it is left out and said. *Broad*: of the pieces that are left, the
one with the smallest sum of distances is taken. Each of `TERMS` is such a distance: 0 is as asked, and 1 weighs the
same in each.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.corpus.songs import Corpus
from cmt.errors import CmtError
from cmt.machine.plural import count
from cmt.matching.index import PieceDetails, PieceFilter, PieceTable, is_index, open_index, read_pieces
from cmt.matching.library import DEFAULT_TEMPO, corpora_of_pack, is_pack
from cmt.matching.score import DENSITY_SCALE, TEMPO_SCALE, Scorer, VideoDemand
from cmt.music.template import template_of
from cmt.music.words import Genre, Mode
from cmt.planning.like import Reference, read_reference
from cmt.planning.plan import Plan, major_probability
from cmt.planning.wishes import Settled
from cmt.report.like import Distance
from midi_io.song import POSITIONS_PER_BAR, Instrument, Timeline

MOST_TRIED = 24
"""So many of the nearest pieces are tried until one can be used."""
NEAR_TEMPO = 0.08
"""A piece has a tempo that was named if it is at most this share faster or slower."""
OTHER_GENRE, UNKNOWN_GENRE = 1.0, 0.5
"""The distances of a piece of another genre, and of one whose genre is not known, where one is wanted."""


class Demand(NamedTuple):
    """What is asked of a song."""

    timeline: Timeline
    """The grid of the piece."""
    density: NDArray[np.float32] | None
    """(n_bar,) positions of each bar on which notes should start; None where nobody asks."""
    major: float
    """The probability of major, 0..1."""
    genre: Genre | None
    named: PieceFilter
    """What the user named."""

    @property
    def tempo(self) -> float:
        """The BPM of the piece."""
        return self.timeline.tempo


class Term(NamedTuple):
    """A respect in which pieces are compared with what is asked."""

    name: str
    distances: Callable[[PieceTable, Demand], NDArray[np.float64] | None]
    """(n_piece,) distances; None where nothing is asked in this respect."""
    in_words: Callable[[float, PieceDetails, Demand], str]
    """A distance in words."""


def _tempo_distances(pieces: PieceTable, demand: Demand) -> NDArray[np.float64]:
    octaves = np.log2(pieces.block.tempo.astype(np.float64) / demand.tempo)
    return np.asarray((octaves / TEMPO_SCALE) ** 2)


def _tempo_in_words(distance: float, piece: PieceDetails, demand: Demand) -> str:
    return f"{piece.tempo:.0f} BPM, asked {demand.tempo:.0f}"


def _energy_distances(pieces: PieceTable, demand: Demand) -> NDArray[np.float64] | None:
    """The mean squared difference of density from the bar on that suits best, as in `cmt.matching.score`."""
    if demand.density is None:
        return None
    nothing = np.zeros((len(demand.density), POSITIONS_PER_BAR), np.float32)
    asked = VideoDemand(demand.timeline, demand.density, nothing, 0)
    same_tempo = pieces.block._replace(tempo=np.full_like(pieces.block.tempo, asked.tempo))
    scores, _ = Scorer(asked).score(same_tempo)
    return np.asarray(1 / scores.astype(np.float64) - 1)


def _energy_in_words(distance: float, piece: PieceDetails, demand: Demand) -> str:
    return f"{DENSITY_SCALE * max(0.0, distance) ** 0.5:.1f} onsets a bar from the arc asked"


def _mood_distances(pieces: PieceTable, demand: Demand) -> NDArray[np.float64]:
    """How much rarer, in nats, a piece's mode is than the likelier one, for the picture's valence and the genre."""
    is_major = np.array([mode == Mode.MAJOR.label for mode in pieces.rows["mode"].to_pylist()])
    likely = np.where(is_major, demand.major, 1 - demand.major)
    return np.asarray(np.log(max(demand.major, 1 - demand.major) / np.maximum(likely, 1e-6)))


def _mood_in_words(distance: float, piece: PieceDetails, demand: Demand) -> str:
    share = demand.major if piece.key.mode is Mode.MAJOR else 1 - demand.major
    return f"{piece.key.mode.label}, {share:.0%} likely for this"


def _genre_distances(pieces: PieceTable, demand: Demand) -> NDArray[np.float64] | None:
    if demand.genre is None:
        return None
    wanted = demand.genre.label
    by_genre = {wanted: 0.0, None: UNKNOWN_GENRE}
    return np.array([by_genre.get(genre, OTHER_GENRE) for genre in pieces.rows["genre"].to_pylist()])


def _genre_in_words(distance: float, piece: PieceDetails, demand: Demand) -> str:
    return piece.genre or "unknown"


TERMS = (
    Term("tempo", _tempo_distances, _tempo_in_words),
    Term("energy", _energy_distances, _energy_in_words),
    Term("mood", _mood_distances, _mood_in_words),
    Term("genre", _genre_distances, _genre_in_words),
)
"""The respects of the broad search; one more is one line more."""


class _Candidate(NamedTuple):
    total: float
    order: int
    """What decides between equals; it depends on names and the seed, not on the order of the index."""
    source: str
    name: str
    distances: tuple[tuple[str, float], ...]
    details: PieceDetails


def search(index: Path, plan: Plan, seed: int, *, broad: bool = True, targeted: bool = True) -> Reference:
    """The piece of an index that suits a plan best and can be used.

    Parameters
    ----------
    plan
        The plan of the piece without any song that it is like.
    broad, targeted
        Whether distances count, and whether what the user named is a condition. With neither, the seed chooses.

    Raises
    ------
    CmtError
        If the folder is no index, or none of its pieces can be used.
    """
    if not is_index(index):
        raise CmtError(f"{index}: not an index; make one: cmt index {index} -o INDEX, and name that behind `like`")
    shards = open_index(index)
    demand = demand_of_plan(plan)
    wanted, warnings = _met(shards, demand.named) if targeted else (PieceFilter(), [])
    terms = TERMS if broad else ()
    n_piece = sum(table.block.tempo.size for shard in shards for table in read_pieces(shard))
    candidates = heapq.nsmallest(MOST_TRIED, _candidates(shards, wanted, demand, terms, seed))
    failures = []
    for candidate in candidates:
        try:
            reference = _read(candidate)
        except CmtError as error:
            failures.append(str(error))
            continue
        told = {term.name: term.in_words for term in TERMS}
        distances = (
            Distance(name, round(value, 4), told[name](value, candidate.details, demand))
            for name, value in candidate.distances
        )
        return replace(reference, n_piece=n_piece, distances=tuple(distances), warnings=tuple(warnings))
    reason = f"; {failures[0]}" if failures else ""
    raise CmtError(f"{index}: none of its {count(n_piece, 'piece')} can be used{reason}")


def demand_of_plan(plan: Plan) -> Demand:
    """What a plan asks of the song that its piece is to be like."""
    density = [value for value in plan.density if value is not None]
    return Demand(
        timeline=plan.timeline,
        density=np.array(plan.density, np.float32) if len(density) == plan.timeline.n_bar else None,
        major=major_probability(plan.wishes.genre, plan.mood),
        genre=plan.wishes.genre,
        named=_named(plan.wishes),
    )


def _named(wishes: Settled) -> PieceFilter:
    """What the user named; all instruments, the default, are no name."""
    tempo = wishes.tempo_range
    if wishes.tempo is not None:
        tempo = (wishes.tempo * (1 - NEAR_TEMPO), wishes.tempo * (1 + NEAR_TEMPO))
    return PieceFilter(wishes.genre, wishes.instruments, tempo, mode=wishes.key.mode)


def _met(shards: Sequence[Path], named: PieceFilter) -> tuple[PieceFilter, list[str]]:
    """As many of the conditions as some piece meets together, and a line for each that is left out."""
    wanted, warnings = PieceFilter(), []
    for name in ("mode", "genre", "instruments", "tempo"):
        value = getattr(named, name)
        if value is None:
            continue
        stricter = wanted._replace(**{name: value})
        if any(True for shard in shards for _ in read_pieces(shard, stricter)):
            wanted = stricter
        else:
            warnings.append(
                f"`like`: no piece of the library has {_condition_in_words(name, value)} besides what else is asked; "
                "one without it was chosen"
            )
    return wanted, warnings


def _condition_in_words(name: str, value: object) -> str:
    if isinstance(value, Genre | Mode):
        return f"the {name} {value.label}"
    if isinstance(value, tuple) and name == "tempo":
        return f"a tempo of {value[0]:.0f} to {value[1]:.0f} BPM"
    instruments = value if isinstance(value, tuple) else ()
    return ", ".join(one.label for one in instruments if isinstance(one, Instrument))


def _candidates(
    shards: Sequence[Path], wanted: PieceFilter, demand: Demand, terms: Sequence[Term], seed: int
) -> Iterator[_Candidate]:
    for shard in shards:
        for pieces in read_pieces(shard, wanted):
            columns = {term.name: term.distances(pieces, demand) for term in terms}
            known = {name: column for name, column in columns.items() if column is not None}
            n_piece = pieces.block.tempo.size
            totals = np.sum(list(known.values()), axis=0) if known else np.zeros(n_piece)
            for piece in np.argsort(totals, kind="stable")[: 2 * MOST_TRIED].tolist() if known else range(n_piece):
                details = pieces.details(piece)
                order = zlib.crc32(f"{seed} {Path(details.source).name} {details.name}".encode())
                distances = tuple((name, float(column[piece])) for name, column in known.items())
                total = round(float(totals[piece]), 6)
                yield _Candidate(total, order, details.source, details.name, distances, details)


def _read(candidate: _Candidate) -> Reference:
    """The piece as a reference.

    Raises
    ------
    CmtError
        If it cannot be used.
    """
    path, details = Path(candidate.source), candidate.details
    genre = next((genre for genre in Genre if genre.label == details.genre), None)
    if not is_pack(path):
        reference = read_reference(path)
        if reference.warnings:
            raise CmtError(f"{path}: is not in 4/4")
        return replace(reference, template=replace(reference.template, genre=genre))
    corpus, number = _in_pack(path, candidate.name)
    notes = corpus.notes_of(number)
    tempo = corpus.songs[number].tempo or DEFAULT_TEMPO
    return Reference(template_of(candidate.name, notes, tempo, genre), str(path))


def _in_pack(path: Path, name: str) -> tuple[Corpus, int]:
    for corpus in corpora_of_pack(path):
        for number, info in enumerate(corpus.songs):
            if info.name == name:
                return corpus, number
    raise CmtError(f"{path}: has no song {name!r} any more; run cmt index again")
