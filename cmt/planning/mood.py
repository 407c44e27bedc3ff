"""The mood of a picture by formula: valence and arousal, scene by scene and bar by bar, and how sure that is.

Valence is of colour: Valdez & Mehrabian (Effects of Color on Emotions, Journal of Experimental Psychology: General 123,
1994) found pleasure = 0.69 brightness + 0.22 saturation and arousal = -0.31 brightness + 0.60 saturation, all in
standard deviations. Arousal is above all of time: motion and the rhythm of cuts, as in Hanjalic & Xu (Affective Video
Content Representation and Modeling, IEEE Transactions on Multimedia 7, 2005) and in Wang & Cheong (Affective
Understanding in Film, IEEE Transactions on Circuits and Systems for Video Technology 16, 2006); visual beats stand
where they have the energy of sound, which nobody listens to here. The weights of these are our own: they are judged,
not fitted.

What a picture shows adds a little where it is known (`cmt.planning.sights`). What that means is not known: a bright
funeral is taken for a pleasant scene. So a mood has a certainty.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from cmt.planning.calibration import Calibration
from cmt.planning.sights import with_sight
from cmt.report.scenes import MoodSeen, SceneSeen
from video_rhythm import Scene, VideoRhythm

USUAL_LUMINANCE, USUAL_SATURATION = (0.42, 0.18), (0.12, 0.09)
"""Mean and standard deviation over scenes, about those of the sample videos: what the formulas of colour are in."""
PLEASURE = (0.69, 0.22)
"""Valence by brightness and saturation."""
EXCITEMENT = (-0.31, 0.60)
"""Arousal by brightness and saturation."""
MOTION, BEATS, CUTS, COLOUR = 0.55, 0.2, 0.15, 0.1
"""The shares of motion, visual beats, cuts and colour in the arousal."""
MOST_BEATS, MOST_CUTS = 1.0, 40.0
"""So many visual beats a second, and borders of shots a minute, are as exciting as more of them."""
WINDOW = 2.0
"""Motion is compared with that of other videos in parts of about this many seconds, as bars are."""
FEWEST_LOOKS = 4
"""Fewer pictures than this do not say all about a scene."""
PLAIN = (0.75, 0.95)
"""From the first of these shares of plain area on, a picture looks drawn; at the second its light is a matter of taste
and says nothing: a white page is not happy."""
UNLIKE = (0.3, 0.6)
"""From the first of these spreads on, a scene's pictures are too different to have one mood; at the second they have
none."""
COLOURLESS = 0.4
"""The certainty of a picture without colour, beside one with it: only light speaks."""
SLOWEST_TEMPO, FASTEST_TEMPO = 72.0, 144.0
"""The BPM that suit an arousal of -0.8 and of 0.6, between which it rises in proportion, in octaves."""
_CALMEST, _LIVELIEST = -0.8, 0.6


NEUTRAL = MoodSeen(0.0, 0.0, 0.0)


def moods_of_scenes(rhythm: VideoRhythm, calibration: Calibration) -> tuple[MoodSeen, ...]:
    """The mood of each scene of a video."""
    return tuple(
        with_sight(
            MoodSeen(
                valence_of(scene.luminance, scene.saturation),
                _arousal(scene, motion_between(rhythm, calibration, scene.begin, scene.end)),
                certainty_of(scene),
            ),
            scene.shows,
        )
        for scene in rhythm.scenes
    )


def scenes_seen(rhythm: VideoRhythm, calibration: Calibration) -> tuple[SceneSeen, ...]:
    """What was seen, scene by scene, as a report has it."""
    return tuple(
        SceneSeen(
            begin=scene.begin,
            end=scene.end,
            colour=scene.colour,
            mean_colour=scene.mean_colour,
            luminance=scene.luminance,
            contrast=scene.contrast,
            saturation=scene.saturation,
            warmth=scene.warmth,
            motion=motion_between(rhythm, calibration, scene.begin, scene.end),
            beats_per_second=scene.beats_per_second,
            cuts_per_minute=scene.cuts_per_minute,
            same_as=scene.same_as,
            mood=mood,
            shows=None if scene.shows is None else scene.shows.word,
            shows_certainty=None if scene.shows is None else scene.shows.certainty,
        )
        for scene, mood in zip(rhythm.scenes, moods_of_scenes(rhythm, calibration), strict=True)
    )


def mood_of_video(rhythm: VideoRhythm, calibration: Calibration) -> MoodSeen:
    """The mood of a whole video: its scenes' by their lengths, valences also by their certainties."""
    moods = moods_of_scenes(rhythm, calibration)
    if not moods:
        return NEUTRAL
    lengths = np.array([scene.duration for scene in rhythm.scenes], np.float64)
    lengths /= lengths.sum()
    valences, arousals, certainties = np.array(moods).T
    sure = lengths * certainties
    valence = float((sure * valences).sum() / max(sure.sum(), 1e-9))
    return MoodSeen(valence, float((lengths * arousals).sum()), float(sure.sum()))


def moods_of_bars(rhythm: VideoRhythm, calibration: Calibration, borders: Sequence[float]) -> tuple[MoodSeen, ...]:
    """The curve of the mood: one for each bar between `borders`, (n_bar + 1,) seconds.

    A bar has the valence of the scenes that it lies in and the motion of its own, smoothed with its neighbours'.
    """
    scenes, moods = rhythm.scenes, moods_of_scenes(rhythm, calibration)
    speeds = rhythm.flow.mean_speed(np.array(borders))
    motion = np.array([calibration.speed_percentile(float(speed)) for speed in speeds])
    motion = np.convolve(np.pad(motion, 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    bars: list[MoodSeen] = []
    for bar, (begin, end) in enumerate(pairwise(borders)):
        shares = np.array([max(0.0, min(end, scene.end) - max(begin, scene.begin)) for scene in scenes])
        if not shares.sum():
            bars.append(bars[-1] if bars else NEUTRAL)
            continue
        shares /= shares.sum()
        valence, _, certainty = shares @ np.array(moods)
        arousals = [
            with_sight(MoodSeen(0.0, _arousal(scene, float(motion[bar])), 0.0), scene.shows).arousal for scene in scenes
        ]
        arousal = shares @ np.array(arousals)
        bars.append(MoodSeen(float(valence), float(arousal), float(certainty)))
    return tuple(bars)


def motion_between(rhythm: VideoRhythm, calibration: Calibration, begin: float, end: float) -> float:
    """The mean percentile, 0..1, of the motion from `begin` to `end` (seconds) among that of many videos."""
    n_window = max(1, round((end - begin) / WINDOW))
    speeds = rhythm.flow.mean_speed(np.linspace(begin, end, n_window + 1))
    return float(np.mean([calibration.speed_percentile(float(speed)) for speed in speeds]))


def valence_of(luminance: float, saturation: float) -> float:
    """How pleasant colours of this light and chroma are, -1..1: 0 is usual, and one deviation of the sum an end."""
    return _of_colour(luminance, saturation, PLEASURE)


def certainty_of(scene: Scene) -> float:
    """How much the valence of a scene is worth, 0..1.

    Little where it looks drawn, has no colour, was hardly seen, or changes its looks. What it shows comes on top.
    """
    seen = min(1.0, scene.n_look / FEWEST_LOOKS)
    natural = 1 - _share_of_way(scene.flatness, *PLAIN)
    alike = 1 - _share_of_way(scene.spread, *UNLIKE)
    coloured = COLOURLESS + (1 - COLOURLESS) * min(1.0, 2 * scene.saturation / USUAL_SATURATION[0])
    return seen * natural * alike * coloured


def level_of(arousal: float) -> float:
    """An arousal, -1..1, as a liveliness, 0..1."""
    return (arousal + 1) / 2


def suited_tempo(arousal: float) -> float:
    """The BPM that suit an arousal."""
    return float(SLOWEST_TEMPO * (FASTEST_TEMPO / SLOWEST_TEMPO) ** _share_of_way(arousal, _CALMEST, _LIVELIEST))


def suited_tempo_of(rhythm: VideoRhythm, calibration: Calibration) -> float | None:
    """The BPM that suit a video; None where nothing of it was looked at."""
    return suited_tempo(mood_of_video(rhythm, calibration).arousal) if rhythm.scenes else None


def _arousal(scene: Scene, motion: float) -> float:
    """The arousal of a scene, -1..1, for a percentile of its motion, 0..1."""
    beats, cuts = min(1.0, scene.beats_per_second / MOST_BEATS), min(1.0, scene.cuts_per_minute / MOST_CUTS)
    colour = level_of(_of_colour(scene.luminance, scene.saturation, EXCITEMENT))
    return 2 * (MOTION * motion + BEATS * beats + CUTS * cuts + COLOUR * colour) - 1


def _of_colour(luminance: float, saturation: float, weights: tuple[float, float]) -> float:
    """The weighted sum of light and chroma in their standard deviations, within -1..1."""
    values = zip((luminance, saturation), (USUAL_LUMINANCE, USUAL_SATURATION), weights, strict=True)
    return float(np.clip(sum(weight * (value - mean) / spread for value, (mean, spread), weight in values), -1, 1))


def _share_of_way(value: float, begin: float, end: float) -> float:
    return float(np.clip((value - begin) / (end - begin), 0, 1))
