"""How well a piece fits a video, from which of its bars on, and whether that is more than chance.

Source: Di et al. (ACM MM 2021), eq. 16, a matching score from the distances of density and of strength. Here

    score = 1 / (1 + density + strength + tempo + mood)

    density    mean over the video's bars of (asked - played)^2, in units of DENSITY_SCALE^2
    strength   mean over the positions of its visual beats of (asked - played)^2, in units of STRENGTH_SCALE^2
    tempo      (octaves between the piece's tempo and the video's)^2, in units of TEMPO_SCALE^2
    mood       mean over the video's scenes of (asked - heard)^2, in units of MOOD_SCALE^2; `cmt.matching.moods`

so that a perfect match is 1, nothing is divided by zero, and 0 is never reached. The units of rhythm are about the
standard deviations over LPD's songs: 3.8 positions, 3.3 notes, 0.38 octaves; that of mood is larger, for the mood of
notes is heard badly. What the picture asks is what `cmt generate` would
be asked at control 1 with all instruments: a density for each bar, strengths at visual beats.

Conventions
-----------
- Strength at a position is that of all instruments together, 16 at most.
- The means are over the video, never over the piece: a bar of the video that the piece does not reach is silent, with
  density 0, and counts. So long and short pieces are measured alike. Nothing is looped.
- A piece as long as the video or longer begins at any of its bars from which it lasts to the end; the rest is cut off.
  A shorter one begins at its first bar. Of equally good bars the first is taken. Rhythm alone chooses the bar.
- Only whole bars of the video count: a pickup and a last bar that is cut off do not.
- Half and double tempo are an octave away: their bars are others.
- All sums of rhythm are of whole numbers in float32, exact below 2^24: the same on any machine, in blocks of any size.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from cmt.config import Dynamics
from cmt.errors import CmtError
from cmt.grid.layout import grid_of_video
from cmt.matching.moods import AVERAGE, MOOD_SCALE, mood_distances
from cmt.music.profile import SimuNote
from cmt.planning.calibration import read_calibration
from cmt.planning.liveliness import profile_of_video
from cmt.planning.mood import moods_of_bars, suited_tempo_of
from cmt.planning.mood_asked import Stretch, mood_of_all, stretches_of
from cmt.planning.sheet import Sheet
from midi_io.song import POSITIONS_PER_BAR, Instrument, Song, Timeline
from video_rhythm import VideoRhythm

SEEN: Literal["seen"] = "seen"
AskedMood: TypeAlias = tuple[float, float] | Literal["seen"]
DENSITY_SCALE = 4.0
"""A difference in density of this many positions a bar alone halves the score."""
STRENGTH_SCALE = 4.0
"""A difference in strength of this many notes at a visual beat alone halves the score."""
TEMPO_SCALE = 0.5
"""A change of tempo of this many octaves alone halves the score."""
MOST_STRENGTH = 16
"""All positions with this many notes or more are equally strong."""
FREE_STRENGTH = (1.68, 0.46, 1.08, 0.47, 0.84)
"""Notes that each instrument starts, on average, where anything starts: so it is in the songs of LPD's labelled pack.
An instrument that a weak visual beat leaves free does as much there."""
N_SHIFT = 240
"""Chance is measured with at most this many circular shifts of the video."""
_PART_BARS = 8192
"""The products of this many bars are made at a time; those of more leave the processor's cache."""
_PART_PRODUCTS = 1 << 19
"""At most this many bars times video bars are multiplied at a time."""


class VideoDemand(NamedTuple):
    """The density and strengths that a video asks of any piece, in whole bars."""

    timeline: Timeline
    """The video's grid."""
    density: NDArray[np.float32]
    """The number of positions of each bar (n_bar,) on which notes start, 0..16."""
    strength: NDArray[np.float32]
    """The number of notes (n_bar, 16) that start at each position, 0 where nothing is asked."""
    first_bar: int
    """The bar of `timeline` with which `density` begins: 0, or 1 where the video begins with a pickup."""
    moods: tuple[Stretch, ...] = ()
    """The mood asked of each stretch of these bars; none where nothing is known of it."""

    @property
    def tempo(self) -> float:
        """The BPM of the video's grid."""
        return self.timeline.tempo


class PieceBlock(NamedTuple):
    """Pieces, their bars joined into columns."""

    offsets: NDArray[np.int64]
    """The offsets (n_piece + 1,): piece i has the bars offsets[i]:offsets[i + 1]; none is without bars."""
    density: NDArray[np.uint8]
    """The density of each bar (n_bar,), 0..16."""
    strength: NDArray[np.uint8]
    """The number of notes (n_bar, 16) of all instruments that start at each position."""
    mood: NDArray[np.uint8]
    """Valence and arousal (n_bar, 2) of each bar, as `cmt.matching.moods` has them in bytes."""
    tempo: NDArray[np.float32]
    """The BPM of each piece (n_piece,)."""


class Distances(NamedTuple):
    """The distances of one piece at one place, in the terms of the score."""

    density: float
    """The mean squared difference in density, positions^2."""
    strength: float
    """The mean squared difference in strength, notes^2; 0 where the video has no visual beat."""
    tempo: float
    """The change of tempo in octaves, below 0 where the piece is slowed down for the video."""
    mood: float
    """The mean squared difference in mood, see `cmt.matching.moods`; 0 where none is asked."""

    @property
    def of_rhythm(self) -> float:
        """The terms of density, strength and tempo together."""
        return self.density / DENSITY_SCALE**2 + self.strength / STRENGTH_SCALE**2 + (self.tempo / TEMPO_SCALE) ** 2

    @property
    def of_mood(self) -> float:
        """The term of mood."""
        return self.mood / MOOD_SCALE**2

    @property
    def score(self) -> float:
        """1 for a perfect match, towards 0 for none."""
        return 1.0 / (1.0 + self.of_rhythm + self.of_mood)


class Chance(NamedTuple):
    """What the same piece scores against the same video, shifted circularly."""

    score: float
    """The mean score over the shifts, each with the bar that suits it best."""
    z: float
    """The number of standard deviations of the shifted scores by which the score lies above their mean."""
    p_value: float
    """The p-value: (1 + shifts that score as high or higher) / (1 + shifts)."""


def demand_of_video(rhythm: VideoRhythm, dynamics: Dynamics = "relative", mood: AskedMood | None = SEEN) -> VideoDemand:
    """What the picture asks, on the grid on which `cmt generate` would compose.

    `mood` is a valence and an arousal, -1..1, `SEEN` for the picture's own, scene by scene, or None for none.

    Raises
    ------
    CmtError
        If the video has no whole bar.
    """
    calibration = read_calibration()
    grid = grid_of_video(rhythm, suited_tempo=suited_tempo_of(rhythm, calibration))
    profile = profile_of_video(rhythm, Sheet(grid, tuple(Instrument)), calibration, dynamics)
    first_bar = -int(-grid.start // POSITIONS_PER_BAR)
    n_bar = int(grid.length // POSITIONS_PER_BAR) - first_bar
    if n_bar < 1:
        raise CmtError(
            f"{rhythm.path}: {rhythm.duration:.2f} s are less than one whole bar at {grid.tempo:.0f} BPM; "
            "a match needs a longer video"
        )
    density = np.array(profile.density[first_bar : first_bar + n_bar], dtype=np.float32)
    strength = strength_asked(profile.simu_notes, first_bar, n_bar)
    moods = _moods_asked(rhythm, grid.bar_borders[first_bar : first_bar + n_bar + 1], mood)
    return VideoDemand(grid, density, strength, first_bar, moods)


def _moods_asked(rhythm: VideoRhythm, borders: Sequence[float], mood: AskedMood | None) -> tuple[Stretch, ...]:
    """What is asked between bar lines, (n_bar + 1,) seconds."""
    if mood is None or (mood == SEEN and not rhythm.scenes):
        return ()
    if not isinstance(mood, str):
        return mood_of_all(*mood, len(borders) - 1)
    begins = [int(np.argmin(np.abs(np.array(borders) - scene.begin))) for scene in rhythm.scenes]
    return stretches_of(moods_of_bars(rhythm, read_calibration(), borders), begins)


def strength_asked(notes: Sequence[SimuNote], first_bar: int, n_bar: int) -> NDArray[np.float32]:
    """(n_bar, 16) what is asked of the instruments, and what those of which nothing is asked do anyway."""
    by_instrument = np.zeros((n_bar, POSITIONS_PER_BAR, len(Instrument)))
    for note in notes:
        if first_bar <= note.bar < first_bar + n_bar:
            by_instrument[note.bar - first_bar, note.position, note.instrument] = note.strength
    is_asked = by_instrument.any(axis=2, keepdims=True)
    complete = np.where((by_instrument == 0) & is_asked, FREE_STRENGTH, by_instrument)
    strength: NDArray[np.float32] = np.minimum(np.rint(complete.sum(axis=2)), MOST_STRENGTH).astype(np.float32)
    return strength


def rhythm_of_song(song: Song) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(n_bar,) density and (n_bar, 16) strength of all instruments together, up to the last bar with an onset."""
    return rhythm_of_onsets(np.array([note.position for note in song.notes], dtype=np.int64))


def rhythm_of_onsets(positions: NDArray[np.integer]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(n_bar,) density and (n_bar, 16) strength, from the positions (n_note,) at which notes start."""
    n_bar = int(positions.max(initial=-1)) // POSITIONS_PER_BAR + 1
    counts = np.bincount(positions, minlength=n_bar * POSITIONS_PER_BAR).reshape(n_bar, POSITIONS_PER_BAR)
    return np.count_nonzero(counts, axis=1).astype(np.uint8), np.minimum(counts, MOST_STRENGTH).astype(np.uint8)


def score_pieces(block: PieceBlock, demand: VideoDemand) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """(n_piece,) scores, each at the piece's best bar, and (n_piece,) those bars."""
    return Scorer(demand).score(block)


class Scorer:
    """Scores block after block against one video.

    Tables of some megabytes are needed for each part of a block. They are made once: on a busy machine to get fresh
    memory takes longer than to fill it.
    """

    def __init__(self, demand: VideoDemand) -> None:
        self.demand = demand
        n_bar = len(demand.density)
        self._room = max(n_bar, min(_PART_BARS, _PART_PRODUCTS // n_bar))
        # (a - b)^2 = a^2 - 2ab + b^2 where b is asked: -2b for the strengths, 1 for their squares, 0 where nothing is.
        self._weights = np.stack([-2 * demand.strength, (demand.strength > 0).astype(np.float32)])
        self._features = np.empty((2, self._room, POSITIONS_PER_BAR), dtype=np.float32)
        self._products = np.empty(2 * n_bar * self._room, dtype=np.float32)
        self._bars_asked = np.flatnonzero(demand.strength.any(axis=1))
        """The bars of the video with visual beats."""
        self._n_beat = np.count_nonzero(demand.strength)
        self._density_of_silence = np.float32(np.square(demand.density).sum())
        self._strength_of_silence = np.float32(np.square(demand.strength).sum())

    def score(self, block: PieceBlock) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """(n_piece,) scores, each at the piece's best bar, and (n_piece,) those bars."""
        lengths = np.diff(block.offsets)
        is_short = lengths < len(self.demand.density)
        if 2 * lengths[is_short].sum() > lengths.sum():
            distance = np.empty(len(lengths), dtype=np.float32)
            start = np.zeros(len(lengths), dtype=np.int32)
            distance[~is_short], start[~is_short] = self._best_starts(chosen_pieces(block, ~is_short))
        else:
            distance, start = self._best_starts(block)
        if is_short.any():
            distance[is_short], start[is_short] = self._at_first_bar(chosen_pieces(block, is_short)), 0
        octaves = np.log2(block.tempo / np.float32(self.demand.tempo))
        rhythm = distance + np.square(octaves / np.float32(TEMPO_SCALE))
        if not self.demand.moods:
            return 1 / (1 + rhythm), start
        mood = mood_distances(block.offsets, block.mood, start, self.demand.moods) / np.float32(MOOD_SCALE**2)
        return 1 / (1 + rhythm + mood), start

    def _best_starts(self, block: PieceBlock) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Least distance of density and strength together, and the bar at which it is reached, of each piece.

        What it says of pieces that are shorter than the video means nothing.
        """
        parts = [self._best_of_part(_part(block, *part)) for part in _parts(block.offsets, self._room)]
        if not parts:
            return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int32)
        return np.concatenate([best for best, _ in parts]), np.concatenate([start for _, start in parts])

    def _best_of_part(self, block: PieceBlock) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        n_bar, n_played = len(self.demand.density), len(block.density)
        if n_played < n_bar:
            return np.zeros(len(block.tempo), dtype=np.float32), np.zeros(len(block.tempo), dtype=np.int32)
        # What each bar of the video asks beside what each bar of the pieces plays: for the strengths two products of
        # matrices. A starting bar is a diagonal.
        n_start = n_played - n_bar + 1
        strength = np.full(n_start, self._strength_of_silence)
        products = self._table(2, len(self._bars_asked), n_played)
        np.matmul(self._weights[:, self._bars_asked], self._strengths(block).transpose(0, 2, 1), out=products)
        for row, bar in enumerate(self._bars_asked):
            strength += products[0, row, bar : bar + n_start]
            strength += products[1, row, bar : bar + n_start]
        differences = self._table(1, n_bar, n_played)[0]
        np.subtract(self.demand.density[:, None], block.density.astype(np.float32), out=differences)
        density = _diagonal_sums(np.square(differences, out=differences))
        distance = np.empty(n_played, dtype=np.float32)
        distance[: len(density)] = self._together(density, strength)
        # From a piece's last bars it would run into the next one. Where it is short, so would the bars before it.
        distance[np.maximum(block.offsets[1:, None] - np.arange(1, n_bar), 0)] = np.inf
        begins = block.offsets[:-1]
        best = np.minimum.reduceat(distance, begins)
        reached = np.flatnonzero(distance == np.repeat(best, np.diff(block.offsets)))
        return best, (reached[np.searchsorted(reached, begins)] - begins).astype(np.int32)

    def _at_first_bar(self, block: PieceBlock) -> NDArray[np.float32]:
        """The distances (n_piece,) of pieces shorter than the video, which are silent after their end."""
        begins = block.offsets[:-1]
        bars = np.arange(len(block.density)) - np.repeat(begins, np.diff(block.offsets))
        asked = self.demand.density[bars]
        # Against silence every bar costs what is asked, squared; each bar that is played changes that.
        density = np.square(block.density - asked) - np.square(asked)
        strength = np.einsum("kij,kij->i", self._weights[:, bars], self._strengths(block))
        return self._together(
            np.add.reduceat(density, begins) + self._density_of_silence,
            np.add.reduceat(strength, begins) + self._strength_of_silence,
        )

    def _strengths(self, block: PieceBlock) -> NDArray[np.float32]:
        """(2, n_bar, 16) strengths and their squares."""
        n_played = len(block.strength)
        is_small = n_played <= self._room
        features = self._features[:, :n_played] if is_small else np.empty((2, *block.strength.shape), dtype=np.float32)
        features[0] = block.strength
        np.square(features[0], out=features[1])
        return features

    def _table(self, *shape: int) -> NDArray[np.float32]:
        """A table of this shape, filled with anything; the table given out before is lost."""
        size = math.prod(shape)
        if size > len(self._products):
            return np.empty(shape, dtype=np.float32)
        return self._products[:size].reshape(shape)

    def _together(
        self, density: NDArray[np.float32], strength: NDArray[np.float32] | np.float32
    ) -> NDArray[np.float32]:
        """The means, each in its unit, made from sums."""
        together: NDArray[np.float32] = density * np.float32(1 / (len(self.demand.density) * DENSITY_SCALE**2))
        if self._n_beat:
            together += strength * np.float32(1 / (self._n_beat * STRENGTH_SCALE**2))
        return together


def _parts(offsets: NDArray[np.int64], room: int) -> Iterator[tuple[int, int]]:
    """Neighbouring pieces of `room` bars or less, or a longer one alone."""
    begin, n_piece = 0, len(offsets) - 1
    while begin < n_piece:
        end = max(begin + 1, int(np.searchsorted(offsets, offsets[begin] + room, side="right")) - 1)
        yield begin, end
        begin = end


def _part(block: PieceBlock, begin: int, end: int) -> PieceBlock:
    a, b = block.offsets[begin], block.offsets[end]
    return PieceBlock(
        block.offsets[begin : end + 1] - a,
        block.density[a:b],
        block.strength[a:b],
        block.mood[a:b],
        block.tempo[begin:end],
    )


def chosen_pieces(block: PieceBlock, chosen: NDArray[np.bool_]) -> PieceBlock:
    """The pieces for which `chosen`, (n_piece,), is true."""
    lengths = np.diff(block.offsets)
    bars = np.repeat(chosen, lengths)
    return PieceBlock(
        np.r_[0, np.cumsum(lengths[chosen])],
        block.density[bars],
        block.strength[bars],
        block.mood[bars],
        block.tempo[chosen],
    )


def _diagonal_sums(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sums of ``table[i, start + i]`` of a table (n, m), for each start from 0 to m - n."""
    n, m = table.shape
    row, column = table.strides
    diagonals = as_strided(table, (n, m - n + 1), (row + column, column), writeable=False)
    sums: NDArray[np.float32] = diagonals.sum(axis=0)
    return sums


def part_played(block: PieceBlock, piece: int, start: int, n_bar: int) -> PieceBlock:
    """The bars of one piece that a video of `n_bar` bars gets, silent where the piece has ended."""
    a, b = int(block.offsets[piece]) + start, int(block.offsets[piece + 1])
    density = np.zeros(n_bar, dtype=np.uint8)
    strength = np.zeros((n_bar, POSITIONS_PER_BAR), dtype=np.uint8)
    mood = np.full((n_bar, 2), AVERAGE, dtype=np.uint8)
    n = min(n_bar, b - a)
    density[:n], strength[:n], mood[:n] = (column[a : a + n] for column in (block.density, block.strength, block.mood))
    return PieceBlock(np.array([0, n_bar]), density, strength, mood, block.tempo[piece : piece + 1])


def distances(played: PieceBlock, demand: VideoDemand) -> Distances:
    """The terms of the score of the bars that a video gets."""
    is_asked = demand.strength > 0
    off = (played.strength - demand.strength)[is_asked]
    return Distances(
        float(np.mean(np.square(played.density - demand.density))),
        float(np.mean(np.square(off))) if len(off) else 0.0,
        float(np.log2(demand.tempo / played.tempo[0])),
        float(mood_distances(played.offsets, played.mood, np.zeros(1, dtype=np.int32), demand.moods)[0]),
    )


def shifted(demand: VideoDemand, n_position: int) -> VideoDemand:
    """The video's whole bars, begun `n_position` sixteenths later and gone round; the moods stay where they are.

    A bar that then lies across two of the old ones asks for their mean, by their shares.
    """
    by_position = np.repeat(demand.density, POSITIONS_PER_BAR)
    return demand._replace(
        density=np.roll(by_position, -n_position).reshape(-1, POSITIONS_PER_BAR).mean(axis=1, dtype=np.float32),
        strength=np.roll(demand.strength.ravel(), -n_position).reshape(-1, POSITIONS_PER_BAR),
    )


def chances(block: PieceBlock, demand: VideoDemand) -> list[Chance]:
    """For each piece what it scores against the same video shifted, the best bar chosen anew for each shift."""
    n_position = demand.strength.size
    n_shift = min(N_SHIFT, n_position - 1)
    shifts = np.unique(np.linspace(1, n_position - 1, n_shift).astype(int))
    scores = np.array([score_pieces(block, shifted(demand, int(shift)))[0] for shift in shifts], dtype=np.float64)
    own = score_pieces(block, demand)[0].astype(np.float64)
    mean, spread = scores.mean(axis=0), scores.std(axis=0)
    p_values = (1 + np.count_nonzero(scores >= own - 1e-6, axis=0)) / (1 + len(shifts))
    z = np.divide(own - mean, spread, out=np.zeros_like(own), where=spread > 1e-9)
    return [Chance(*map(float, values)) for values in zip(mean, z, p_values, strict=True)]
