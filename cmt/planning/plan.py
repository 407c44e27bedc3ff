"""From the picture and the wishes to what is ordered of a piece: the grid, how lively each bar, who rests when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cmt.config import LENGTH_LIMITS, GenerateConfig
from cmt.errors import CmtError
from cmt.film.speech import Span
from cmt.grid.hits import Hit, hits_of
from cmt.grid.layout import SECONDS_OF_A_BAR, grid_of_video, in_whole_bars, music_grid, warnings_of
from cmt.music.key import Key
from cmt.music.lead_sheet import LeadSheet, SheetOrders
from cmt.music.profile import RhythmProfile
from cmt.music.words import Genre, Mode
from cmt.planning.calibration import read_calibration
from cmt.planning.control import draw_orders
from cmt.planning.energy import with_energy
from cmt.planning.like import Likeness, orders_like, with_energy_like
from cmt.planning.liveliness import (
    Liveliness,
    level_of_video,
    liveliness_of_markers,
    liveliness_of_video,
    paces_of_bars,
    profile_of_liveliness,
    with_mean,
)
from cmt.planning.mood import mood_of_video, moods_of_bars, suited_tempo_of
from cmt.planning.mutes import rests_by_bar, rests_of
from cmt.planning.outline import (
    PlacedSection,
    at_home,
    energies_of_wishes,
    orders_of_wishes,
    sections_of_wishes,
    with_breaks,
    with_usual_energy,
)
from cmt.planning.players import players_of
from cmt.planning.scenes import Scene, orders_of_picture, scenes_of
from cmt.planning.sheet import Sheet
from cmt.planning.speech import bars_of_speech, calm_sheet, calm_under_speech
from cmt.planning.telling import Thirds, ToldOfBar, thirds_of, told_of_bars
from cmt.planning.wished_scenes import scenes_on_bars, with_lively_scenes, with_words
from cmt.planning.wishes import Settled, Wishes, genre_of
from cmt.report.scenes import MoodSeen
from cmt.writing.closing import ENDINGS, ENDLESS, Ending, draw_ending
from cmt.writing.orders import BarOrders
from cmt.writing.pieces import PieceRequest
from midi_io.song import Instrument, Timeline
from video_rhythm import VideoRhythm

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
MAJOR_SHARE: Mapping[Genre | None, float] = {
    None: 0.64,
    Genre.COUNTRY: 0.92,
    Genre.DANCE: 0.54,
    Genre.ELECTRONIC: 0.44,
    Genre.METAL: 0.29,
    Genre.POP: 0.65,
    Genre.ROCK: 0.68,
}
"""The share of LPD's training songs of a genre, or of all, that are in major by our key estimator (`data/tempi.py`)."""
RANGE_TOLERANCE = 0.01
"""A grid that is stretched to meet its hits may leave the range of its tempo by this share."""
VALENCE_WEIGHT = 3.0
"""A picture of valence 1 that is sure of it multiplies the odds of major by e to this power, one of -1 divides them."""
MOST_NAMED = 8
"""A warning names at most this many bars or times."""


@dataclass(frozen=True)
class Plan:
    """All that is known of a piece before its first word."""

    rhythm: VideoRhythm | None
    """The rhythm of the video, if there is one."""
    wishes: Settled
    hits: tuple[Hit, ...]
    """The times that the music should meet."""
    sheet: Sheet
    """The bars of the piece, and who may play where."""
    asked: RhythmProfile
    """The density of every bar and the strength of every accent, as the picture and the user ask for them."""
    liveliness: tuple[float, ...]
    """What each bar is asked to be in percentiles of real music (n_bar,), 0..1."""
    scenes: tuple[Scene, ...]
    """The scenes of the video, on bars; none without a video."""
    mood: MoodSeen | None
    """The mood of the video; None without one."""
    thirds: Thirds
    """What the networks are told of the mood of the whole."""
    told: tuple[ToldOfBar, ...]
    """What the planner is told of the mood of each bar (n_bar,)."""
    moods: tuple[MoodSeen, ...]
    """The mood of the picture in each bar (n_bar,); none without a video."""
    paces: tuple[float | None, ...]
    """How lively each bar is (n_bar,), 0..1, as the user says, or as its picture is among those of many videos; None
    where there is neither."""
    energies: tuple[float | None, ...]
    """The energy ordered for each bar (n_bar,), 0..1: the user's, or a low one under speech; None where the picture
    decides."""
    calm_bars: frozenset[int]
    """The bars that are mostly speech and of which the user said nothing: the music is calm there."""
    marked: frozenset[int]
    """The positions of the user's markers."""
    sections: tuple[PlacedSection, ...]
    """The sections that the user asks for; none where the form is left open."""
    sheet_orders: SheetOrders
    """What the user orders of the lead sheet, chords in the key of the piece."""
    warnings: tuple[str, ...]
    """A line for each thing that was asked and cannot be."""
    like: Likeness | None = None
    """What it takes of a song; None where it is to be like none."""

    @property
    def timeline(self) -> Timeline:
        """Where the bars of the piece lie in seconds."""
        return self.sheet.timeline

    @property
    def players(self) -> tuple[Instrument, ...]:
        """Who plays, every one of them."""
        return tuple(self.sheet.instruments)

    @property
    def request(self) -> PieceRequest:
        """The request for a piece as planned."""
        wishes = self.wishes
        return PieceRequest(
            timeline=self.timeline,
            genre=wishes.genre,
            instruments=self.players,
            tonic=wishes.key.tonic,
            mode=wishes.key.mode,
            thirds=self.thirds,
            has_chords=wishes.chords is not None,
            ending=self.sheet.ending,
            origin=(round(1000 * wishes.duration),) if self.rhythm is None else origin_of(self.rhythm),
        )

    @property
    def density(self) -> tuple[int | None, ...]:
        """(n_bar,) what is asked, ordered or not; None where neither a picture nor the user asks."""
        if self.rhythm is not None:
            return self.asked.density
        bars = zip(self.asked.density, self.energies, strict=True)
        return tuple(None if energy is None else density for density, energy in bars)

    @property
    def accents(self) -> frozenset[tuple[int, int]]:
        """Bar and position of the bar of each accent that is asked, ordered or not."""
        return frozenset((note.bar, note.position) for note in self.asked.simu_notes)

    def orders(self, control: float, seed: int, sheet: LeadSheet | None = None) -> dict[int, BarOrders]:
        """The orders of a take: the picture's wishes with probability `control`, the user's always.

        `sheet` is the take's lead sheet, if it has one; see `draw_orders`.
        """
        orders = draw_orders(self.asked, control, seed, self.marked, sheet)
        for bar, energy in enumerate(self.energies):
            if energy is not None:
                orders[bar] = replace(orders.get(bar, BarOrders()), density=self.asked.density[bar], slack=0)
        for bar, places in rests_by_bar(self.sheet.rests).items():
            orders[bar] = replace(orders.get(bar, BarOrders()), rests=places)
        return orders

    def orders_of_sheet(self, control: float, seed: int) -> SheetOrders:
        """The orders of a take's lead sheet, in its home key: the picture's by `control`, the user's always."""
        orders, tonic = self.sheet_orders, self.wishes.key.tonic
        if tonic is not None:
            orders = at_home(orders, Key(tonic, self.mode(seed)))
        if self.like is not None:
            orders = orders_like(orders, self.like, self.mode(seed))
        orders = orders_of_picture(self.scenes, orders, self.liveliness, control, seed)
        return orders if self.like is None else with_energy_like(orders, self.like)

    def mode(self, seed: int) -> Mode:
        """The mode of a take: the one asked for, or one drawn by the seed, see `major_probability`."""
        if self.wishes.key.mode is not None:
            return self.wishes.key.mode
        is_major = np.random.default_rng([seed, 5]).random() < major_probability(self.wishes.genre, self.mood)
        return Mode.MAJOR if is_major else Mode.MINOR


def major_probability(genre: Genre | None, mood: MoodSeen | None) -> float:
    """The probability of major: that of the genre's songs, more for a bright picture and less for a dark one."""
    share = MAJOR_SHARE[genre]
    if mood is None:
        return share
    odds = share / (1 - share) * np.exp(VALENCE_WEIGHT * mood.valence * mood.certainty)
    return float(odds / (1 + odds))


def plan_music(
    rhythm: VideoRhythm | None,
    wishes: Settled,
    config: GenerateConfig,
    speech: Sequence[Span] = (),
    grid: Timeline | None = None,
) -> Plan:
    """The plan of music for `rhythm`, or without a video if it is None, exactly `wishes.duration` long.

    In bars that are mostly `speech` it is calm. It is on `grid`, as a slideshow is; without one the grid that suits the
    picture is found.
    """
    rhythm = with_words(rhythm, wishes.scenes) if rhythm is not None else None
    hits = hits_of(rhythm, wishes.markers)
    calibration = read_calibration()
    if rhythm is not None and config.control > 0:
        level: float | None = level_of_video(rhythm, calibration)
    else:
        level = None
    players = players_of(wishes, level, config.seed, origin_of(rhythm) if rhythm is not None else ())
    grid = _planned_grid(rhythm, wishes, hits, config.seed) if grid is None else grid
    sections, form_warnings = sections_of_wishes(wishes, grid)
    ending = _ending(wishes, config.seed)
    sheet = Sheet(grid, players, rests_of(wishes.mutes, grid), ending)
    sheet = with_breaks(sheet, sections)
    markers = [marker.time for marker in wishes.markers]
    marked = frozenset(sheet.nearest(marker) for marker in markers)
    if rhythm is not None:
        asked = liveliness_of_video(rhythm, sheet, calibration, config.dynamics, markers)
    else:
        asked = liveliness_of_markers(markers, sheet)
    sheet_orders, chord_warnings = orders_of_wishes(wishes, sheet, sections)
    if wishes.liveliness is not None:
        if rhythm is not None:
            asked = with_mean(asked, wishes.liveliness)
        else:
            sheet_orders = with_usual_energy(sheet_orders, wishes.liveliness)
    if rhythm is not None:
        asked = with_lively_scenes(asked, wishes.scenes, sheet)
    energies = energies_of_wishes(wishes, sections, grid)
    if rhythm is None and wishes.liveliness is not None:
        # Without a picture there is no arc that it could be the mean of: it is every bar's.
        energies = [wishes.liveliness if own is None else own for own in energies]
    calm_bars = frozenset(bar for bar in bars_of_speech(speech, grid) if energies[bar] is None)
    energies = calm_under_speech(energies, asked.bars, calm_bars)
    if wishes.energy is not None or any(energy is not None for energy in energies):
        asked = with_energy(asked, energies, sheet, calibration, marked)
    profile = profile_of_liveliness(asked, sheet, calibration)
    paces: list[float | None] = list(energies)
    if rhythm is not None:
        among_many = Liveliness(tuple(paces_of_bars(rhythm, sheet, calibration)), {})
        if wishes.liveliness is not None:
            among_many = with_mean(among_many, wishes.liveliness)
        among_many = with_lively_scenes(among_many, wishes.scenes, sheet)
        paces = [pace if own is None else own for own, pace in zip(energies, among_many.bars, strict=True)]
    scenes, scene_warnings = _scenes(rhythm, wishes, sheet, asked.bars)
    warnings = (
        *warnings_of(grid, hits, tempo_map=wishes.tempo_map),
        *_range_warnings(grid, wishes),
        *scene_warnings,
        *_mute_warnings(sheet, markers),
        *form_warnings,
        *chord_warnings,
    )
    mood = mood_of_video(rhythm, calibration) if rhythm is not None else None
    moods = moods_of_bars(rhythm, calibration, grid.bar_borders) if rhythm is not None else ()
    thirds = thirds_of(wishes.mood, mood if config.control > 0 else None)
    return Plan(
        rhythm=rhythm,
        wishes=wishes,
        hits=hits,
        sheet=sheet,
        asked=profile,
        liveliness=asked.bars,
        scenes=tuple(scenes),
        mood=mood,
        thirds=thirds,
        told=told_of_bars(wishes, sheet, thirds, scenes, moods if config.control > 0 else ()),
        moods=moods,
        paces=tuple(paces),
        energies=tuple(energies),
        calm_bars=calm_bars,
        marked=marked,
        sections=sections,
        sheet_orders=calm_sheet(sheet_orders, energies, calm_bars),
        warnings=warnings,
    )


def _scenes(
    rhythm: VideoRhythm | None, wishes: Settled, sheet: Sheet, liveliness: tuple[float, ...]
) -> tuple[list[Scene], list[str]]:
    """The scenes as the user says them, else as the picture has them, and what is to say of them."""
    if wishes.scenes:
        return scenes_on_bars(wishes.scenes, sheet, liveliness)
    return (scenes_of(rhythm, sheet, liveliness), []) if rhythm is not None else ([], [])


def origin_of(rhythm: VideoRhythm) -> tuple[int, ...]:
    """What stands for a video in draws: the same in all copies of it, whatever they are called."""
    return rhythm.n_frame, rhythm.width, rhythm.height


def _planned_grid(rhythm: VideoRhythm | None, wishes: Settled, hits: Sequence[Hit], seed: int) -> Timeline:
    grid = wished_grid(rhythm, wishes) if rhythm is not None else _grid_without_picture(hits, wishes, seed)
    return _grid_of_loop(grid, wishes) if wishes.loop else grid


def _ending(wishes: Settled, seed: int) -> Ending:
    if wishes.loop:
        return ENDLESS
    return draw_ending(seed) if wishes.ending is None else ENDINGS[wishes.ending]


def wished_grid(rhythm: VideoRhythm, wishes: Settled) -> Timeline:
    """The grid of music exactly as long as the picture, as the user wants it, else as its arousal does."""
    suited = wishes.suited_tempo or suited_tempo_of(rhythm, read_calibration())
    return grid_of_video(
        rhythm, wishes.markers, wishes.tempo, wishes.tempo_change, wishes.tempo_range, suited_tempo=suited
    )


def _grid_without_picture(hits: Sequence[Hit], wishes: Settled, seed: int) -> Timeline:
    """The grid of music without a video: it leans to a tempo drawn from the range asked for, else the genre's usual."""
    usual = wishes.tempo_range or TEMPO_QUARTILES[wishes.genre]
    if wishes.suited_tempo is not None and wishes.tempo_range is None:
        usual = (wishes.suited_tempo, wishes.suited_tempo)
    return music_grid(
        wishes.duration,
        hits,
        prior_tempo=float(np.random.default_rng([seed, 2]).uniform(*usual)),
        prior_confidence=1.0,
        tempo=wishes.tempo,
        tempo_change=wishes.tempo_change,
        tempo_range=wishes.tempo_range,
    )


def with_length(wishes: Wishes, seed: int) -> Wishes:
    """The wishes with the length of the bars that are asked for, at the tempo asked for or one drawn from the usual.

    Raises
    ------
    CmtError
        If that is longer or shorter than music may be.
    """
    if wishes.bars is None:
        return wishes
    tempo = wishes.tempo
    if tempo is None:
        usual = wishes.tempo_range or TEMPO_QUARTILES[genre_of(wishes)]
        tempo = round(float(np.random.default_rng([seed, 2]).uniform(*usual)), 2)
    length = wishes.bars * SECONDS_OF_A_BAR / tempo
    if length not in LENGTH_LIMITS:
        least, most = LENGTH_LIMITS.least, LENGTH_LIMITS.most
        raise CmtError(
            f"`bars` {wishes.bars}: at {tempo:g} BPM they last {length:g} s; music must last from {least:g} to "
            f"{most:g} seconds"
        )
    return replace(wishes, bars=None, tempo=tempo, tempo_range=None, length=length)


def _grid_of_loop(grid: Timeline, wishes: Settled) -> Timeline:
    """Whole bars from the beginning to the end."""
    whole = in_whole_bars(grid)
    if wishes.tempo is not None and abs(whole.tempo - wishes.tempo) > 1e-6 * wishes.tempo:
        raise CmtError(
            f"`loop`: {wishes.duration:.3f} s at {wishes.tempo:g} BPM are no whole number of bars; leave `tempo` out"
        )
    return whole


def _range_warnings(grid: Timeline, wishes: Settled) -> list[str]:
    """What is to say where no whole number of bars has a tempo within the range that is asked for."""
    if wishes.tempo_range is None or wishes.tempo is not None:
        return []
    low, high = wishes.tempo_range
    if low * (1 - RANGE_TOLERANCE) <= grid.tempo <= high * (1 + RANGE_TOLERANCE):
        return []
    return [
        f"the tempo is {grid.tempo:.1f} BPM: no whole number of bars at {low:g} to {high:g} BPM lasts "
        f"{wishes.duration:.2f} s"
    ]


def _mute_warnings(sheet: Sheet, markers: Sequence[float]) -> list[str]:
    """What mutes leave without anyone to play it; a CmtError if that is the whole piece."""
    warnings = [
        f"`markers`: {marker:g} s is muted in all instruments and has no accent"
        for marker in markers[:MOST_NAMED]
        if not sheet.playing(sheet.nearest(marker))
    ]
    silent = [bar for bar in range(sheet.timeline.n_bar) if not sheet.positions(bar)]
    if len(silent) == sheet.timeline.n_bar:
        raise CmtError("`mutes`: nothing is left to play; leave one out")
    if silent:
        bars = ", ".join(str(bar + 1) for bar in silent[:MOST_NAMED]) + (" ..." if len(silent) > MOST_NAMED else "")
        warnings.append(f"`mutes`: nobody is left to play in bar {bars}; it is silent there")
    return warnings
