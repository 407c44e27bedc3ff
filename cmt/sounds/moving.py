"""Movement as it is heard: where the motion is fastest for a moment, and of what material it sounds.

A movement is a bed: a stretch of motion, softly heard, whose *strokes* lie on the pictures on which the motion is
faster than just before and just after. Still stretches, calm still lives and screens have none.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.film.speech import Span
from cmt.sounds.event import KINDS, LEAD, TAIL, SoundEvent, Stroke
from cmt.sounds.watching import STILL_LIFE
from video_rhythm import FlowSeries, VideoRhythm
from video_rhythm.flow import N_DIRECTION

SILENT = ("screen", "print", "space")
"""What scenes show whose movement makes no sound; in a still life only what is strong in any video makes one."""
MATERIALS: Mapping[str, str] = {
    "animal": "leaves", "bird": "leaves", "insect": "leaves", "flower": "leaves", "plants": "leaves",
    "nature": "leaves", "mushroom": "leaves", "field": "leaves", "reptile": "gravel", "horse": "gravel",
    "wild animal": "gravel", "coast": "water", "lake": "water", "boat": "water", "under water": "water",
    "train": "metal", "work": "metal", "weapons": "metal", "people": "cloth", "sport": "cloth", "play": "cloth",
    "room": "cloth", "concert": "cloth", "dog": "cloth", "cat": "cloth", "food": "cloth",
}  # fmt: skip
"""What moves where a scene shows this; elsewhere it is air."""
ANY = "gust"

REACH = 0.35
"""Seconds before and after a peak in which the motion is compared with it."""
LEAST_MOST, LEAST_FEWEST = 0.05, 0.15
"""The share of a peak's speed that it stands above the motion around, at least, at a dial of 1 and just above 0."""
APART_MOST, APART_FEWEST = 0.2, 0.32
"""Seconds from one stroke to the next, at least, at a dial of 1 and just above 0."""
SLOWEST = 0.003
"""Diagonals a second that count as nothing beside a peak..."""
LEAST_SPEED = 0.005
"""...and that a peak has at least."""
STRONG = 0.03
"""Diagonals a second: how far a peak stands out that is strong in any video."""
WEAKEST = 0.15
"""The strength of the weakest stroke."""
AT_A_HIT = 0.12
"""Seconds around a hit in which no stroke sounds: the hit is there."""
LONGEST_REST = 2.0
"""Seconds without a stroke that a movement goes on for."""
FEWEST = 3
"""A movement has so many strokes at least, or a strong one: less is chance."""


def find_movements(
    rhythm: VideoRhythm, dial: float, struck: Collection[SoundEvent] = (), spans: Sequence[Span] = ()
) -> list[SoundEvent]:
    """The movements of a video, in order of time.

    Parameters
    ----------
    dial
        How many strokes, and how small: above 0 up to 1.
    struck
        What is heard besides: no stroke lies on a hit.
    spans
        The times in which somebody speaks: no stroke lies there.
    """
    flow = rhythm.flow
    places, standing = peaks_of(flow)
    if not len(places):
        return []
    ends = np.append(flow.times, flow.end)
    times = ends[places + 1]  # a step's motion is seen when its second picture appears
    hits = np.sort([-np.inf, *(event.time for event in struck if not KINDS[event.kind].is_bed), np.inf])
    after = np.searchsorted(hits, times)
    is_free = np.minimum(hits[after] - times, times - hits[after - 1]) > AT_A_HIT
    for span in spans:
        is_free &= (times < span.begin - TAIL) | (times > span.end + LEAD)
    is_free &= (times > LEAD) & (times < rhythm.duration - TAIL / 2)
    least = LEAST_FEWEST + (LEAST_MOST - LEAST_FEWEST) * dial
    is_free &= flow.speed[places] >= LEAST_SPEED
    is_free &= standing / (flow.speed[places] + SLOWEST) >= least
    materials = [
        _material(rhythm, time, stands) for time, stands in zip(times.tolist(), standing.tolist(), strict=True)
    ]
    is_free &= np.array([material is not None for material in materials])
    kept = _apart(times, standing, is_free, APART_FEWEST + (APART_MOST - APART_FEWEST) * dial)
    if not len(kept):
        return []
    strong = max(float(np.quantile(standing[kept], 0.9)), STRONG)
    angles = 2 * np.pi * np.arange(N_DIRECTION) / N_DIRECTION
    across = flow.directogram[places] @ np.cos(angles) / np.maximum(flow.speed[places], 1e-9)
    movements = []
    for part in _stretches(kept.tolist(), times, materials):
        if len(part) >= FEWEST or standing[part].max() >= STRONG:
            begin = round(float(times[part[0]]) - LEAD, 3)
            strokes = tuple(
                Stroke(
                    round(float(times[k]) - begin, 3),
                    round(float(np.clip(np.sqrt(standing[k] / strong), WEAKEST, 1.0)), 3),
                    round(float(np.clip(across[k], -1, 1)), 3),
                )
                for k in part
            )
            strength = max(stroke.strength for stroke in strokes)
            length = round(strokes[-1].at + TAIL, 3)
            kind = materials[part[0]] or ANY
            movements.append(SoundEvent(begin, length, strength, 0.0, kind, "movement", strokes=strokes))
    return movements


def peaks_of(flow: FlowSeries) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """(n,) steps whose motion is faster than just before and after, and (n,) how far each stands above both sides.

    The second are diagonals a second.
    """
    speed = flow.speed
    if len(speed) < 5:
        return np.zeros(0, np.intp), np.zeros(0)
    width = max(1, round(REACH / max(float(np.median(np.diff(flow.times))), 1e-3)))
    places = np.flatnonzero((speed[1:-1] > speed[:-2]) & (speed[1:-1] > speed[2:])) + 1
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(speed, width, mode="edge"), width + 1)
    lowest = windows.min(axis=1)
    return places, speed[places] - np.maximum(lowest[places], lowest[places + width])


def _apart(
    times: NDArray[np.float64], standing: NDArray[np.float64], is_free: NDArray[np.bool_], apart: float
) -> NDArray[np.intp]:
    """(n,) the places, in order, of the peaks that stand out furthest, each so many seconds from the others."""
    kept: list[int] = []
    taken = [-np.inf, np.inf]
    for place in np.argsort(-standing, kind="stable").tolist():
        time = float(times[place])
        if is_free[place]:
            after = bisect_left(taken, time)
            if taken[after] - time >= apart and time - taken[after - 1] >= apart:
                insort(taken, time)
                kept.append(place)
    return np.sort(np.array(kept, np.intp))


def _stretches(places: Sequence[int], times: NDArray[np.float64], materials: Sequence[str | None]) -> list[list[int]]:
    """The peaks in stretches of one material without long rests."""
    stretches: list[list[int]] = []
    for place in places:
        last = stretches[-1][-1] if stretches else None
        if last is not None and materials[last] == materials[place] and times[place] - times[last] <= LONGEST_REST:
            stretches[-1].append(place)
        else:
            stretches.append([place])
    return stretches


def _material(rhythm: VideoRhythm, time: float, standing: float) -> str | None:
    """What a peak is heard of; None where it is not."""
    for scene in rhythm.scenes:
        if scene.begin <= time < scene.end and scene.shows is not None:
            word = scene.shows.word
            is_silent = word in SILENT or (word in STILL_LIFE and standing < STRONG)
            return None if is_silent else MATERIALS.get(word, ANY)
    return ANY
