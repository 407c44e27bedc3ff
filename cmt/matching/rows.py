"""A row of a match's result, and the reason that stands in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmt.matching.index import PieceDetails
from cmt.matching.score import Chance, Distances, PieceBlock, VideoDemand, distances, part_played


class Match(NamedTuple):
    """A row: a video and one of its best pieces, or why it has none. The columns of the tables."""

    video: str
    rank: int | None = None
    score: float | None = None
    chance: float | None = None
    """The mean score of the same piece against the video shifted."""
    z: float | None = None
    p_value: float | None = None
    source: str | None = None
    name: str | None = None
    """The name of the song in a pack."""
    start_bar: int | None = None
    """The piece's bar, from 1, with which the video's first whole bar begins."""
    n_bar: int | None = None
    """The number of whole bars of the video."""
    n_bar_covered: int | None = None
    """The number of those bars that the piece reaches."""
    tempo: float | None = None
    """The piece's BPM."""
    tempo_of_video: float | None = None
    tempo_change: float | None = None
    """The per cent by which the piece is sped up."""
    density_error: float | None = None
    """The root of the mean squared difference in density, in positions a bar."""
    strength_error: float | None = None
    """The root of the mean squared difference in strength, in notes at a visual beat."""
    bars_fitting: int | None = None
    beats_fitting: int | None = None
    n_beat: int | None = None
    """The number of positions with a visual beat."""
    genre: str | None = None
    key: str | None = None
    instruments: str | None = None
    reason: str = ""
    """A sentence on what fits and what does not."""
    rendered: str | None = None
    """The file of the film with this piece."""
    failure: str = ""
    """The reason why there is no match, or no film."""


DENSITY_FITS = 2
"""A bar fits if its density differs by at most this many positions from what the picture asks."""


STRENGTH_FITS = 2
"""An accent fits if its strength differs by at most this many notes."""


_MOST_NAMED = 4
"""A reason names at most this many bars."""


class Found(NamedTuple):
    """A piece that is among the best for a video."""

    score: float
    start: int
    """The bar of the piece, from 0, with which the video's first whole bar begins."""
    details: PieceDetails
    block: PieceBlock
    """A block with this piece alone."""


def row(video: str, demand: VideoDemand, rank: int, found: Found, chance: Chance) -> Match:
    """The row of a piece that was found for a video."""
    n_bar = len(demand.density)
    played = part_played(found.block, 0, found.start, n_bar)
    terms = distances(played, demand)
    is_asked = demand.strength > 0
    bars_fitting = np.abs(played.density - demand.density) <= DENSITY_FITS
    beats_fitting = (np.abs(played.strength - demand.strength) <= STRENGTH_FITS)[is_asked]
    covered = min(n_bar, found.details.n_bar - found.start)
    details = found.details
    return Match(
        video=video,
        rank=rank,
        score=round(found.score, 6),
        chance=round(chance.score, 6),
        z=round(chance.z, 3),
        p_value=round(chance.p_value, 6),
        source=details.source,
        name=details.name,
        start_bar=found.start + 1,
        n_bar=n_bar,
        n_bar_covered=covered,
        tempo=round(details.tempo, 3),
        tempo_of_video=round(demand.tempo, 3),
        tempo_change=round(100 * (2**terms.tempo - 1), 2),
        density_error=round(terms.density**0.5, 3),
        strength_error=round(terms.strength**0.5, 3),
        bars_fitting=int(bars_fitting.sum()),
        beats_fitting=int(beats_fitting.sum()),
        n_beat=len(beats_fitting),
        genre=details.genre,
        key=str(details.key),
        instruments=",".join(instrument.label for instrument in details.instruments),
        reason=_reason(demand, played, found, terms, chance, covered),
    )


def _reason(
    demand: VideoDemand, played: PieceBlock, found: Found, terms: Distances, chance: Chance, covered: int
) -> str:
    """A sentence on what fits and what does not, its parts joined by semicolons."""
    n_bar = len(demand.density)
    off = played.density.astype(int) - demand.density.astype(int)
    fits = np.abs(off) <= DENSITY_FITS
    first, last = found.start + 1, found.start + covered
    parts = [f"bars {first} to {last} of {found.details.n_bar}" if last > first else f"bar {first}"]
    if covered < n_bar:
        parts.append(f"silent from the video's bar {covered + 1} on")
    parts.append(f"density fits in {fits.sum()} of {n_bar} bars")
    worst = [int(bar) for bar in np.argsort(-np.abs(off), kind="stable") if not fits[bar]]
    if worst:
        named = ", ".join(
            f"{bar + 1} ({played.density[bar]} for {demand.density[bar]:.0f})" for bar in sorted(worst[:_MOST_NAMED])
        )
        parts.append(f"not in {named}" + (" ..." if len(worst) > _MOST_NAMED else ""))
    is_asked = demand.strength > 0
    if is_asked.any():
        accents = played.strength.astype(int)[is_asked] - demand.strength.astype(int)[is_asked]
        parts.append(
            f"accents fit at {np.count_nonzero(np.abs(accents) <= STRENGTH_FITS)} of {len(accents)} visual beats"
        )
        silent = np.count_nonzero(played.strength[is_asked] == 0)
        if silent:
            parts.append(f"nothing is struck at {silent}")
    else:
        parts.append("the picture has no visual beats")
    parts.append(f"tempo {found.details.tempo:.0f} to {demand.tempo:.0f} BPM ({100 * (2**terms.tempo - 1):+.0f} %)")
    if chance.p_value > 0.05:
        parts.append("no better than with the video shifted")
    return "; ".join(parts)
