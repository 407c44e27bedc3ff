"""From the picture and the wishes to what is ordered of a piece: the grid, how lively each bar, who rests when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from cmt.config import GenerateConfig
from cmt.grid.grid import Grid
from cmt.grid.hits import hits_of
from cmt.grid.layout import length_of, music_grid, tempo_map_of, warnings_of
from cmt.music.key import parse_key
from cmt.music.profile import RhythmProfile
from cmt.music.words import Genre
from cmt.planning.calibration import read_calibration
from cmt.planning.control import draw_orders
from cmt.planning.energy import with_energy
from cmt.planning.liveliness import liveliness_of_video, nearest_position, positions_of_bar, profile_of_liveliness
from cmt.planning.mutes import Rests, playing_in, rests_of
from cmt.planning.wishes import ALL_INSTRUMENTS, Wishes
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import PieceRequest
from midi_io.song import POSITIONS_PER_BAR, Instrument, TempoMap
from video_rhythm import VideoRhythm
from video_rhythm.flow import N_DIRECTION, FlowSeries

TEMPO_QUARTILES: Mapping[Genre | None, tuple[float, float]] = {
    None: (93, 130),
    Genre.COUNTRY: (88.5, 128),
    Genre.DANCE: (100.5, 129.5),
    Genre.ELECTRONIC: (115, 135),
    Genre.METAL: (101, 144),
    Genre.POP: (88, 127),
    Genre.ROCK: (90, 130),
}
"""The BPM between which the middle half of LPD's training songs of a genre, or of all, lies (`data/tempi.py`)."""
MOST_NAMED = 8
"""A warning names at most this many bars or times."""


class Plan(NamedTuple):
    """All that is known of a piece before its first word."""

    rhythm: VideoRhythm
    """The rhythm of the video; without one, of a picture on which nothing moves."""
    wishes: Wishes
    grid: Grid
    timing: TempoMap
    length: float
    """The position at which the piece ends."""
    asked: RhythmProfile
    """The density of every bar and the strength of every accent, as the picture and the user ask for them."""
    energies: tuple[float | None, ...]
    """The user's energy for each bar (n_bar,), 0..1, or None where the picture decides."""
    marked: frozenset[int]
    """The positions of the user's markers."""
    rests: Rests
    warnings: tuple[str, ...]
    """A line for each thing that was asked and cannot be."""

    @property
    def request(self) -> PieceRequest:
        """The request for a piece as planned."""
        tonic, mode = parse_key(self.wishes.key) if self.wishes.key else (None, None)
        return PieceRequest(
            self.length, self.grid.tempo, self.wishes.genre, self.wishes.instruments, tonic, mode, self.timing
        )

    @property
    def density(self) -> tuple[int | None, ...]:
        """(n_bar,) what is asked, ordered or not; None where neither a picture nor the user asks."""
        if has_picture(self.rhythm):
            return self.asked.density
        bars = zip(self.asked.density, self.energies, strict=True)
        return tuple(None if energy is None else density for density, energy in bars)

    @property
    def accents(self) -> frozenset[tuple[int, int]]:
        """Bar and position of the bar of each accent that is asked, ordered or not."""
        return frozenset((note.bar, note.position) for note in self.asked.simu_notes)

    def orders(self, control: float, seed: int) -> dict[int, BarOrders]:
        """The orders of a take: the picture's wishes with probability `control`, the user's always."""
        orders = draw_orders(self.asked, control, seed, self.marked)
        for bar, energy in enumerate(self.energies):
            if energy is not None:
                orders.setdefault(bar, BarOrders()).density = self.asked.density[bar]
        rests: dict[int, set[tuple[int, Instrument]]] = {}
        for instrument, positions in self.rests.items():
            for position in positions:
                bar, in_bar = divmod(position, POSITIONS_PER_BAR)
                rests.setdefault(bar, set()).add((in_bar, instrument))
        for bar, places in rests.items():
            orders.setdefault(bar, BarOrders()).rests = frozenset(places)
        return orders


def plan_music(rhythm: VideoRhythm, wishes: Wishes, config: GenerateConfig) -> Plan:
    """The plan of music for `rhythm`, exactly as long; `wishes` are settled for its duration."""
    grid = wished_grid(rhythm, wishes)
    timing, length = tempo_map_of(grid), length_of(grid)
    markers = [marker.time for marker in wishes.markers]
    marked = frozenset(nearest_position(timing, marker) for marker in markers)
    calibration = read_calibration()
    rests = rests_of(wishes.mutes, timing, length)
    playing = playing_in(wishes.instruments or ALL_INSTRUMENTS, rests)
    asked = liveliness_of_video(rhythm, timing, length, calibration, config.dynamics, markers)
    energies: list[float | None] = [None] * len(asked.bars)
    if wishes.energy is not None:
        energies = wishes.energy.by_bar(timing.bar_borders(length))
        asked = with_energy(asked, energies, timing, length, playing, calibration, marked)
    profile = profile_of_liveliness(asked, timing, length, playing, calibration)
    warnings = [
        *warnings_of(grid, hits_of(rhythm, wishes.markers), tempo_map=wishes.tempo_map),
        *(
            f"`markers`: {marker:g} s is muted in all instruments and has no accent"
            for marker in markers[:MOST_NAMED]
            if not playing(nearest_position(timing, marker))
        ),
    ]
    silent = [bar for bar in range(len(energies)) if not positions_of_bar(bar, timing, length, playing)]
    if silent:
        bars = ", ".join(str(bar + 1) for bar in silent[:MOST_NAMED]) + (" ..." if len(silent) > MOST_NAMED else "")
        warnings.append(f"`mutes`: nobody is left to play in bar {bars}; it is silent there")
    return Plan(rhythm, wishes, grid, timing, length, profile, tuple(energies), marked, rests, tuple(warnings))


def wished_grid(rhythm: VideoRhythm, wishes: Wishes) -> Grid:
    """The grid of music exactly as long as the picture, as the user wants it."""
    return music_grid(rhythm, wishes.markers, wishes.tempo, wishes.tempo_change if wishes.tempo_map else 0.0)


def no_picture(duration: float, genre: Genre | None, seed: int) -> VideoRhythm:
    """What stands for a video where there is none: nothing moves, nothing is cut.

    Its pulse is a tempo drawn from the middle half of the genre's: the grid leans to it.
    """
    tempo = float(np.random.default_rng([seed, 2]).uniform(*TEMPO_QUARTILES[genre]))
    nothing = np.zeros(0)
    flow = FlowSeries(nothing, nothing, np.zeros((0, N_DIRECTION), np.float32), duration)
    return VideoRhythm("", duration, 0.0, 0, 0, 0, flow, nothing, (), (), tempo, 1.0, ())


def has_picture(rhythm: VideoRhythm) -> bool:
    """Whether there is a video behind it."""
    return rhythm.n_frame > 0
