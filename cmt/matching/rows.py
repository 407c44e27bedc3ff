"""A row of a match's result, and the reason that stands in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmt.matching.index import PieceDetails
from cmt.matching.moods import heard_in
from cmt.matching.score import Chance, Distances, PieceBlock, VideoDemand, distances, part_played


class Match(NamedTuple):
    """A row: a video and one of its best pieces, or why it has none. The columns of the tables."""

    video: str
    rank: int | None = None
    score: float | None = None
    rhythm_score: float | None = None
    """The score if density, strength and tempo were all."""
    mood_score: float | None = None
    """The score if mood were all; None where none is asked."""
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
    valence: float | None = None
    """The piece's, -1..1, where it is played."""
    valence_of_video: float | None = None
    certainty: float | None = None
    """How much the valence counts, 0..1."""
    arousal: float | None = None
    arousal_of_video: float | None = None
    scenes_fitting: int | None = None
    n_scene: int | None = None
    """The number of scenes, short ones joined, that are compared in mood."""
    genre: str | None = None
    key: str | None = None
    instruments: str | None = None
    reason: str = ""
    """A sentence on what fits and what does not."""
    rendered: str | None = None
    """The file of the film with this piece."""
    failure: str = ""
    """The reason why there is no match, or no film."""
    warnings: str = ""
    """What did not go as asked in making the film, a line for each thing."""


DENSITY_FITS = 2
"""A bar fits if its density differs by at most this many positions from what the picture asks."""


STRENGTH_FITS = 2
"""An accent fits if its strength differs by at most this many notes."""


MOOD_FITS = 0.5
"""A scene's mood fits if its distance is at most this: a quarter of the way from calm to excited."""


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


class _Moods(NamedTuple):
    """Asked and heard, as means over the scenes; None where nothing is asked."""

    valence: float | None = None
    valence_of_video: float | None = None
    certainty: float | None = None
    arousal: float | None = None
    arousal_of_video: float | None = None
    scenes_fitting: int | None = None
    n_scene: int | None = None


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
    moods = _moods(demand, played)
    return Match(
        video=video,
        rank=rank,
        score=round(found.score, 6),
        rhythm_score=round(1 / (1 + terms.of_rhythm), 6),
        mood_score=round(1 / (1 + terms.of_mood), 6) if demand.moods else None,
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
        **moods._asdict(),
        genre=details.genre,
        key=str(details.key),
        instruments=",".join(instrument.label for instrument in details.instruments),
        reason=_reason(demand, played, found, terms, chance, covered, moods),
    )


def _moods(demand: VideoDemand, played: PieceBlock) -> _Moods:
    if not demand.moods:
        return _Moods()
    starts = np.zeros(1, dtype=np.int32)
    heard = np.array([heard_in(played.offsets, played.mood, starts, stretch)[0] for stretch in demand.moods])
    asked = np.array([(stretch.valence, stretch.arousal) for stretch in demand.moods])
    certainties = np.array([stretch.certainty for stretch in demand.moods])
    off = np.square(heard - asked)
    weights = np.array([stretch.end - stretch.begin for stretch in demand.moods], dtype=float)
    sure = weights * certainties if certainties.any() else weights
    return _Moods(
        valence=round(float(np.average(heard[:, 0], weights=weights)), 3),
        valence_of_video=round(float(np.average(asked[:, 0], weights=sure)), 3),
        certainty=round(float(np.average(certainties, weights=weights)), 3),
        arousal=round(float(np.average(heard[:, 1], weights=weights)), 3),
        arousal_of_video=round(float(np.average(asked[:, 1], weights=weights)), 3),
        scenes_fitting=int(np.count_nonzero(off[:, 1] + certainties * off[:, 0] <= MOOD_FITS**2)),
        n_scene=len(demand.moods),
    )


def _mood_in_words(moods: _Moods) -> str:
    fits = "fits" if moods.scenes_fitting == moods.n_scene else "does not fit"
    if moods.n_scene and moods.n_scene > 1:
        fits = f"fits in {moods.scenes_fitting} of {moods.n_scene} scenes"
    sure = "" if moods.certainty == 1 else f" (sure {moods.certainty:.0%})"
    return (
        f"mood {fits}: arousal {moods.arousal:+.2f} for {moods.arousal_of_video:+.2f}, "
        f"valence {moods.valence:+.2f} for {moods.valence_of_video:+.2f}{sure}"
    )


def _reason(
    demand: VideoDemand,
    played: PieceBlock,
    found: Found,
    terms: Distances,
    chance: Chance,
    covered: int,
    moods: _Moods,
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
    if moods.n_scene:
        parts.append(_mood_in_words(moods))
    if chance.p_value > 0.05:
        parts.append("no better than with the video shifted")
    return "; ".join(parts)
