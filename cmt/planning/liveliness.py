"""What a song and a video have in common: density bar by bar, strength beat by beat.

Source: Di et al. (ACM MM 2021), section 3. Speed becomes density, and saliency strength, by
matching percentiles: the fastest 5 % of bars get the densities of the densest 5 % of LPD's bars.
The percentile is that among the bars of many videos, or that among the bars of this video alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.config import Dynamics
from cmt.music.profile import RhythmProfile, SimuNote
from cmt.planning.calibration import Calibration
from cmt.planning.mood import level_of, mood_of_video, moods_of_bars, motion_between
from cmt.planning.sheet import Sheet
from midi_io.song import POSITIONS_PER_BAR, Instrument

if TYPE_CHECKING:
    from video_rhythm import VideoRhythm

LEVELS_OF_PICTURES, CENTRES = (0.15, 0.3, 0.5, 0.7, 1.0), (0.02, 0.08, 0.45, 0.65, 1.0)
"""The liveliness of pictures, 0..1 (`cmt.planning.mood`), and the percentiles of real music that suit them."""
RELATIVE_CENTRE = (0.35, 0.65)
"""With relative dynamics a video's median visual beat lies between these percentiles; in a calm video lower."""
RELATIVE_ARC = 0.35
"""The video's own weakest and strongest visual beats lie this far, in percentiles 0..1, below and above its median."""
LEAST_SPREAD = 0.5
"""A video whose bars differ by fewer octaves than this has a smaller arc, not one made of nothing."""
LEVELS = (-1, 0, 1)
"""A bar of a piece can be calm, usual or lively beside the others."""
LEVEL_STEP = (1.0, 3.0)
"""A lively bar is denser than a usual one by this many positions: in the stillest video, and in one that is at least
half lively. Source of the latter: nine of ten bars of LPD lie within -3 and 2 of the median of their song, and a song
of 16 bars has 3.6 different densities. Songs differ much more from each other."""
LEVEL_ARC = 0.7
"""A bar is wholly lively or calm at this share of the arc, up or down."""
CHANGE_COST = 0.3
"""A bar must lie this far, on the arc, from the level of the bar before it to change the level twice, there and
back."""
_LEAST = 0.02
"""A bar of a still picture counts as lively as this, in percentiles 0..1, where the mean is asked for."""
_POWERS, _STEPS = (0.02, 50.0), 40
"""The mean is found by halving this range of powers so often."""
STILL = 0.001
"""Motion far below this many diagonals a second is none."""


class Liveliness(NamedTuple):
    """What is asked of a piece in percentiles of real music, before they become densities and strengths."""

    bars: tuple[float, ...]
    """The liveliness asked of each bar (n_bar,), 0..1."""
    accents: Mapping[int, float]
    """The accents: their positions, in sixteenths from the start of the first bar, and the strength asked of each,
    0..1."""


def profile_of_video(
    video: VideoRhythm,
    sheet: Sheet,
    calibration: Calibration,
    dynamics: Dynamics = "relative",
    markers: Sequence[float] = (),
) -> RhythmProfile:
    """What the picture asks of the music on a sheet.

    The densities and strengths of `liveliness_of_video`, by `profile_of_liveliness`.
    """
    asked = liveliness_of_video(video, sheet, calibration, dynamics, markers)
    return profile_of_liveliness(asked, sheet, calibration)


def liveliness_of_video(
    video: VideoRhythm,
    sheet: Sheet,
    calibration: Calibration,
    dynamics: Dynamics = "relative",
    markers: Sequence[float] = (),
) -> Liveliness:
    """The liveliness of the picture bar by bar, and the strength of its visual beats on the nearest sixteenths.

    A marker, in seconds, is as strong as the strongest beat.

    With absolute `dynamics` a bar's percentile is that of its own liveliness among many videos, and a beat's that
    of its saliency. With relative ones the usual bar of this video is as lively as the video is among many, and a bar
    is calm, usual or lively beside it, see `relative_percentiles` and `phrased`; a beat's percentile depends on how
    much stronger than the median it is. Where the music has come to rest, in the closing bar, only markers ask.
    """
    borders = np.array(sheet.timeline.bar_borders)
    speeds = [float(speed) for speed in video.flow.mean_speed(borders)]
    saliencies = [beat.saliency for beat in video.visual_beats]
    paces = paces_of_bars(video, sheet, calibration)
    forces = [calibration.saliency_percentile(saliency) for saliency in saliencies]
    if dynamics == "relative" and max(speeds) > STILL:
        level = level_of_video(video, calibration)
        centre = percentile_of_level(level)
        arcs = np.array(relative_percentiles(speeds, 0.5)) / RELATIVE_ARC
        usual = calibration.density_at(centre, with_drums=True)
        step = float(np.interp(level, (LEVELS_OF_PICTURES[0], 0.5), LEVEL_STEP))
        paces = [
            calibration.percentile_of_density(round(usual + step * own)) for own in phrased(arcs - np.median(arcs))
        ]
        least, most = RELATIVE_CENTRE
        forces = relative_percentiles(saliencies, float(np.clip(np.median(forces or [0]), min(least, centre), most)))
    else:
        paces = [percentile_of_level(pace) for pace in paces]
    closing = sheet.closing
    strongest: dict[int, float] = {}
    for beat, percentile in zip(video.visual_beats, forces, strict=True):
        position = sheet.nearest(beat.time)
        if position < sheet.timeline.length and not (closing and closing.rings_at(position)):
            strongest[position] = max(strongest.get(position, 0.0), percentile)
    return Liveliness(tuple(paces), strongest | _accents_of_markers(markers, sheet))


def with_mean(asked: Liveliness, mean: float, some: range | None = None) -> Liveliness:
    """The same with bars, all or some, that are as lively as `mean`, 0..1, on average; livelier ones stay livelier.

    Their percentiles are raised to one power, those of their accents too. Bars without any motion count as nearly
    still: no power would lift them.
    """
    some = range(len(asked.bars)) if some is None else some
    bars = _LEAST + (1 - _LEAST) * np.array(asked.bars)[some.start : some.stop]
    low, high = _POWERS
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if float((bars**middle).mean()) > mean else (low, middle)
    power = (low * high) ** 0.5
    accents = {
        place: strength**power if place // POSITIONS_PER_BAR in some else strength
        for place, strength in asked.accents.items()
    }
    changed = (*asked.bars[: some.start], *(bars**power).tolist(), *asked.bars[some.stop :])
    return Liveliness(changed, accents)


def paces_of_bars(video: VideoRhythm, sheet: Sheet, calibration: Calibration) -> list[float]:
    """How lively each bar of a video is among many videos (n_bar,), 0..1."""
    borders = sheet.timeline.bar_borders
    if not video.scenes:  # nothing is known but the motion
        return [calibration.speed_percentile(float(speed)) for speed in video.flow.mean_speed(np.array(borders))]
    return [level_of(mood.arousal) for mood in moods_of_bars(video, calibration, borders)]


def level_of_video(video: VideoRhythm, calibration: Calibration) -> float:
    """How lively a whole video is among many, 0..1."""
    if not video.scenes:
        return motion_between(video, calibration, 0.0, video.duration)
    return level_of(mood_of_video(video, calibration).arousal)


def percentile_of_level(level: float) -> float:
    """The percentile of real music, 0..1, that suits a picture as lively as `level`, 0..1."""
    return float(np.interp(level, LEVELS_OF_PICTURES, CENTRES))


def liveliness_of_markers(markers: Sequence[float], sheet: Sheet) -> Liveliness:
    """What is asked where there is no video: accents at the markers, in seconds; of bars nothing but calm."""
    return Liveliness((0.0,) * sheet.timeline.n_bar, _accents_of_markers(markers, sheet))


def _accents_of_markers(markers: Sequence[float], sheet: Sheet) -> dict[int, float]:
    positions = [sheet.nearest(time) for time in markers]
    return {position: 1.0 for position in positions if position < sheet.timeline.length}


def profile_of_liveliness(
    asked: Liveliness,
    sheet: Sheet,
    calibration: Calibration,
) -> RhythmProfile:
    """Densities and strengths for percentiles: those that real music has there.

    Every bar gets the density of its liveliness; a bar of which only some sixteenths may sound, its share of it; the
    closing bar, no more than its ending has.
    Every accent asks for simu-notes of the instruments: of the first of them where it is weak, of all where it is
    strong. Where the sheet lets nobody play nothing is asked.
    """
    simu_notes: list[SimuNote] = []
    for position, percentile in sorted(asked.accents.items()):
        bar, in_bar = divmod(position, POSITIONS_PER_BAR)
        instruments = sheet.playing(position)
        n_asked = max(1, int(np.ceil(percentile * len(instruments))))
        simu_notes.extend(
            SimuNote(bar, in_bar, instrument, calibration.strength_at(percentile, instrument))
            for instrument in instruments[:n_asked]
        )
    density = []
    closing = sheet.closing
    for bar, percentile in enumerate(asked.bars):
        n_accent = len({note.position for note in simu_notes if note.bar == bar})
        wanted = density_of_bar(percentile, bar, sheet, calibration)
        if closing is not None and bar >= closing.bar:
            wanted = closing.density_of(wanted) if bar == closing.bar else 0
        density.append(min(max(wanted, n_accent), len(sheet.positions(bar))))
    return RhythmProfile(tuple(density), tuple(simu_notes))


def density_of_bar(percentile: float, bar: int, sheet: Sheet, calibration: Calibration) -> int:
    """The density at a percentile; of a bar in which only some sixteenths may sound its share, 1 or more."""
    sounding = sheet.positions(bar)
    if not sounding:
        return 0
    with_drums = any(Instrument.DRUMS in sheet.playing(position) for position in sounding)
    whole = calibration.density_at(percentile, with_drums=with_drums)
    return max(1, round(whole * len(sounding) / POSITIONS_PER_BAR))


def relative_percentiles(values: Sequence[float], centre: float) -> list[float]:
    """Percentiles of speeds or saliencies measured against each other.

    The median of the values lies at `centre`, 0..1. From there the others rise and fall by up to 0.35: in proportion to
    the octaves between them and the median, the tenth that is farthest from it at the ends; none falls below 0. So a
    talking head has an arc as a car chase has. Where less than half an octave makes up the whole difference, the arc is
    smaller in proportion.
    """
    if not values:
        return []
    octaves = np.log2(np.asarray(values) + STILL)
    octaves -= np.median(octaves)
    spread = max(float(np.quantile(np.abs(octaves), 0.9)), LEAST_SPREAD)
    return [max(0.0, float(centre + RELATIVE_ARC * np.clip(octave / spread, -1, 1))) for octave in octaves]


def phrased(arcs: Sequence[float] | NDArray[np.float64]) -> list[int]:
    """The level, of `LEVELS`, for which each bar's place on the arc (n_bar,), -1..1, speaks.

    Music does not change its texture for every bar: a level is left only where the picture has moved far enough or for
    long enough. The list of levels whose distances to the arc and whose changes cost least (Viterbi).
    """
    distance = np.abs(np.asarray(arcs, dtype=float)[:, None] - LEVEL_ARC * np.array(LEVELS))
    change = CHANGE_COST * np.abs(np.subtract.outer(LEVELS, LEVELS))
    total, came_from = distance[0], []
    for here in distance[1:]:
        ways = total[:, None] + change
        came_from.append(ways.argmin(axis=0))
        total = ways.min(axis=0) + here
    chosen = [int(total.argmin())]
    for origin in reversed(came_from):
        chosen.append(int(origin[chosen[-1]]))
    return [LEVELS[index] for index in reversed(chosen)]
