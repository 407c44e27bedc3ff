"""From a video's rhythm to candidates for sounds: all that strikes, cuts, fades, sweeps, stops and lies in the picture.

How strong something is counts beside the strongest of the same video, and beside what is strong in any: in a calm
video nothing is an impact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.sounds.event import SoundEvent
from video_rhythm import FadeKind, VideoRhythm
from video_rhythm.flow import N_DIRECTION

STRONG_BEAT = 0.012
"""Diagonals a second: the saliency of a beat that is strong in any video; weaker videos have weaker sounds."""
AT_ANOTHER = 0.12
"""A visual beat this many seconds from a cut or a contact is that one."""
_LENGTHS = {"impact": 1.6, "hit": 0.6, "tick": 0.2}
IMPACT, HIT = 0.8, 0.4
"""The strengths from which a beat is an impact or a hit; below it is a tick."""
NEW_PLACE, SAME_PLACE = 0.85, 0.55
"""The strength of a cut into another scene, and of one inside a scene."""
BIG_CUT = 6.0
"""A cut into a scene that lasts this many seconds is led to by a reversed cymbal."""

CONTACT_REACH = 0.1
"""Seconds before and after an instant in which the motion down is compared, to see whether it was held up there."""
LEAST_FALL, LEAST_CONTACT = 0.003, 0.003
"""Diagonals a second: the motion down before a contact, and the change of it there, at least."""
CONTACT_SHARE = 0.95
"""The change is at least this share of all motion around, so that a camera's shaking is none..."""
DEEPEST, DEEPEST_SHARE, DEEPEST_STOP, DEEPEST_OUTSTANDING = 0.9, 0.24, 0.45, 3.0
"""...but for the end of the fastest fall of a video, or one almost as fast: there this share is enough, if so much of
the fall is over and the change is so many times the median one."""
AFTER_BEGIN = 0.3
"""Seconds from the first picture before which no fall is known."""
STRONG_CONTACT = 0.005
"""Diagonals a second: the change of a contact that is strong in any video."""
CONTACTS_APART = 0.2
STILL_LIFE = ("flower", "plants", "nature", "mushroom", "landscape", "mountains", "field", "coast", "lake")
"""What scenes show in which nothing lands, whatever moves there."""

SMOOTHING = 0.25
"""Seconds over which the flow is averaged in the search for sweeps."""
SWEEP_SPEED, SWEEP_COHERENCE = 0.12, 0.5
"""The diagonals a second of a sweep, and the least share of the motion that goes its way."""
SWEEP_SHORTEST, SWEEP_LONGEST = 0.35, 2.5
STRONG_SWEEP = 0.6
"""The diagonals a second of a sweep of full strength."""

MOTION, STILL = 0.08, 0.2
"""The speed, in diagonals a second, after which a stop is heard, and the share of it that still is stillness."""
BEFORE_STOP, AFTER_STOP, STOPPING = 0.6, 0.8, 0.25
"""Seconds of motion before a stop, of stillness after it, and that the stop takes."""
CELL = 0.05
"""Seconds from one instant at which a stop may be to the next."""

BED_OF: dict[str, tuple[str, float]] = {
    "coast": ("surf", 0.7), "lake": ("surf", 0.35), "boat": ("surf", 0.5), "under water": ("under water", 0.6),
    "mountains": ("wind", 0.6), "field": ("wind", 0.4), "landscape": ("wind", 0.5), "aircraft": ("wind", 0.6),
    "nature": ("air", 0.4), "bird": ("air", 0.4), "insect": ("air", 0.4), "flower": ("air", 0.3),
    "plants": ("air", 0.3), "animal": ("air", 0.3), "horse": ("air", 0.4), "reptile": ("air", 0.3),
    "wild animal": ("air", 0.4), "mushroom": ("air", 0.3), "road": ("traffic", 0.6), "vehicle": ("traffic", 0.5),
    "train": ("traffic", 0.6), "buildings": ("traffic", 0.35), "people": ("crowd", 0.3), "sport": ("crowd", 0.6),
    "concert": ("crowd", 0.5), "play": ("crowd", 0.3), "room": ("room", 0.4), "work": ("room", 0.4),
    "food": ("room", 0.3), "fire": ("fire", 0.6), "space": ("hum", 0.5),
}  # fmt: skip
"""The bed of what a scene shows, and its strength; what is not here has none."""


def find_candidates(rhythm: VideoRhythm) -> list[SoundEvent]:
    """All that may be heard of a video, in order of time, without a thought of how much that is."""
    flow = _Flow(rhythm)
    contacts = list(_contacts(rhythm, flow))
    found = [
        *contacts,
        *_beats(rhythm, flow, [contact.time for contact in contacts]),
        *_stops(rhythm),
        *_cuts(rhythm),
        *_fades(rhythm),
        *_sweeps(rhythm, flow),
    ]
    return sorted([*found, *_beds(rhythm)])


class _Flow:
    """The motion as an arrow for each step."""

    def __init__(self, rhythm: VideoRhythm) -> None:
        flow = rhythm.flow
        self.times = flow.times
        angles = 2 * np.pi * np.arange(N_DIRECTION) / N_DIRECTION
        self.across = flow.directogram @ np.cos(angles)
        """(n,) diagonals a second to the right."""
        self.down = flow.directogram @ np.sin(angles)
        """(n,) diagonals a second downwards."""
        self.speed = flow.speed

    def pan(self, time: float) -> float:
        """Which way things go just after `time`: -1 all to the left, 1 all to the right."""
        first, last = np.searchsorted(self.times, [time - 0.02, time + 0.15])
        part = slice(int(first), max(int(last), int(first) + 1))
        speed = float(self.speed[part].sum())
        return float(np.clip(self.across[part].sum() / speed, -1, 1)) if speed > 0 else 0.0


def _contacts(rhythm: VideoRhythm, flow: _Flow) -> Iterator[SoundEvent]:
    """What falls is held up: a foot lands, a ball meets a foot. The motion down ends, or turns, from one picture on.

    The instant is that of the picture on which both touch.
    """
    n, times = len(flow.times), flow.times
    if n < 6:
        return
    reach = max(1, round(CONTACT_REACH / max(float(np.median(np.diff(times))), 1e-3) - 0.5))
    total = np.concatenate([[0.0], np.cumsum(flow.down)])
    index = np.arange(reach, n - reach + 1)
    before, after = (total[index] - total[index - reach]) / reach, (total[index + reach] - total[index]) / reach
    drop = before - after
    around = _smooth(flow.speed, max(1, round(0.5 * n / max(rhythm.duration, 0.1))))[np.minimum(index, n - 1)]
    is_fall = (before >= LEAST_FALL) & (drop >= LEAST_CONTACT) & (times[np.minimum(index, n - 1)] >= AFTER_BEGIN)
    deepest = float(before[is_fall].max()) if is_fall.any() else np.inf
    is_deepest = (before >= DEEPEST * deepest) & (drop >= DEEPEST_STOP * before) & (drop >= DEEPEST_SHARE * around)
    is_deepest &= drop >= DEEPEST_OUTSTANDING * np.median(np.abs(drop))
    is_contact = is_fall & (is_deepest | (drop >= CONTACT_SHARE * around))
    fades = [time for fade in rhythm.fades for time in (fade.begin, fade.end)]
    borders = np.array([*rhythm.cuts, *fades])
    chosen: list[int] = []
    for place in sorted(np.flatnonzero(is_contact).tolist(), key=lambda k: -drop[k]):
        time = times[min(index[place], n - 1)]
        if any(abs(time - times[index[other]]) < CONTACTS_APART for other in chosen):
            continue
        if len(borders) and np.abs(borders - time).min() <= 2 * CONTACT_REACH:
            continue
        if any(s.begin <= time < s.end and s.shows is not None and s.shows.word in STILL_LIFE for s in rhythm.scenes):
            continue
        chosen.append(place)
    if not chosen:
        return
    strong = max(float(np.quantile(drop[chosen], 0.9)), STRONG_CONTACT)
    for place in chosen:
        time = float(times[min(index[place], n - 1)])
        yield strike(time, float(np.sqrt(drop[place] / strong)), 0.6 * flow.pan(time), "contact")


def strike(time: float, strength: float, pan: float, cause: str) -> SoundEvent:
    """What is struck so strongly: an impact, a hit or a tick."""
    strength = _rounded(np.clip(strength, 0.05, 1.0))
    kind = "impact" if strength >= IMPACT else "hit" if strength >= HIT else "tick"
    return SoundEvent(_rounded(time), _LENGTHS[kind], strength, _rounded(pan), kind, cause)


def _beats(rhythm: VideoRhythm, flow: _Flow, contacts: Sequence[float]) -> Iterator[SoundEvent]:
    """Visual beats that are neither cuts nor contacts, each at the first picture that shows the new motion."""
    beats = rhythm.visual_beats
    if not beats:
        return
    step = float(np.median(np.diff(flow.times))) if len(flow.times) > 1 else 0.0
    strong = max(float(np.quantile([beat.saliency for beat in beats], 0.9)), STRONG_BEAT)
    others = np.array([*rhythm.cuts, *contacts, np.inf])
    for time, saliency in beats:
        if np.abs(others - time).min() <= AT_ANOTHER or time + step >= rhythm.duration:
            continue
        yield strike(time + step, float(np.sqrt(saliency / strong)), 0.6 * flow.pan(time), "visual beat")


def _stops(rhythm: VideoRhythm) -> Iterator[SoundEvent]:
    """Where motion ends and stillness lasts."""
    flow = rhythm.flow
    if len(flow) < 3:
        return
    last_end = -np.inf
    n_before, n_stopping, n_after = (round(seconds / CELL) for seconds in (BEFORE_STOP, STOPPING, AFTER_STOP))
    n_cell = int((rhythm.duration + 1e-9) / CELL)
    moved = np.concatenate([[0.0], np.cumsum(flow.mean_speed(np.arange(n_cell + 1, dtype=np.float64) * CELL))])
    for cell in range(n_before, n_cell - n_stopping - n_after):
        rest = cell + n_stopping
        time, before = cell * CELL, float(moved[cell] - moved[cell - n_before]) / n_before
        after = float(moved[rest + n_after] - moved[rest]) / n_after
        if before >= MOTION and after <= STILL * before and time - last_end > BEFORE_STOP:
            strength = _rounded(np.clip(np.sqrt(before / STRONG_SWEEP), 0.3, 1.0))
            yield SoundEvent(_rounded(time + STOPPING / 2), 1.8, strength, 0.0, "sub drop", "stillness")
            last_end = time + STOPPING


def _cuts(rhythm: VideoRhythm) -> Iterator[SoundEvent]:
    scenes = {round(scene.begin, 2): scene for scene in rhythm.scenes}
    for number, cut in enumerate(rhythm.cuts):
        scene = scenes.get(round(cut, 2))
        strength = SAME_PLACE if scene is None else NEW_PLACE
        pan = 0.4 if number % 2 else -0.4
        yield SoundEvent(_rounded(cut), 0.8 if scene is None else 1.1, strength, pan, "swish", "cut")
        if scene is not None and scene.duration >= BIG_CUT and cut > 2.0:
            yield SoundEvent(_rounded(cut), 1.5, 0.7, 0.0, "reverse cymbal", "cut")
            yield SoundEvent(_rounded(cut), 1.8, 0.75, 0.0, "sub drop", "cut")


def _fades(rhythm: VideoRhythm) -> Iterator[SoundEvent]:
    for kind, begin, end in rhythm.fades:
        length = float(np.clip(end - begin, 0.4, 6.0))
        if kind is FadeKind.FADE_IN:
            yield SoundEvent(_rounded(end), _rounded(length), 0.5, 0.0, "riser", "fade")
        elif kind is FadeKind.FADE_OUT:
            yield SoundEvent(_rounded(begin), _rounded(length + 0.5), 0.5, 0.0, "downlifter", "fade")
        else:
            middle = (begin + end) / 2
            yield SoundEvent(_rounded(middle), _rounded(max(length, 1.0)), 0.4, 0.3, "whoosh", "fade")


def _sweeps(rhythm: VideoRhythm, flow: _Flow) -> Iterator[SoundEvent]:
    """Where much of the picture goes one way for a while, faster than before and after."""
    if len(flow.times) < 5:
        return
    step = 0.05
    times = np.arange(0.0, rhythm.duration, step)
    width = max(1, round(SMOOTHING / step))
    across, down, speed = (
        _smooth(np.interp(times, flow.times, values), width) for values in (flow.across, flow.down, flow.speed)
    )
    arrow = np.hypot(across, down)
    is_sweep = (arrow >= SWEEP_SPEED) & (arrow >= SWEEP_COHERENCE * speed)
    around = _smooth(arrow, round(4.0 / step))
    is_sweep &= arrow >= 1.3 * around
    edges = np.flatnonzero(np.diff(np.concatenate([[0], is_sweep.astype(int), [0]])))
    for first, last in edges.reshape(-1, 2).tolist():
        length = (last - first) * step
        if length < SWEEP_SHORTEST:
            continue
        peak = first + int(arrow[first:last].argmax())
        length = _rounded(np.clip(1.6 * length, 0.7, SWEEP_LONGEST))
        strength = _rounded(np.clip(np.sqrt(arrow[peak] / STRONG_SWEEP), 0.2, 0.9))
        pan = _rounded(0.9 * across[peak] / max(arrow[peak], 1e-9))
        yield SoundEvent(_rounded(times[peak]), length, strength, pan, "whoosh", "sweep")


def _beds(rhythm: VideoRhythm) -> Iterator[SoundEvent]:
    """A bed for each scene that shows what has one; scenes side by side with the same bed have one."""
    last: SoundEvent | None = None
    for scene in rhythm.scenes:
        bed = None if scene.shows is None else BED_OF.get(scene.shows.word)
        if bed is None:
            continue
        kind, strength = bed
        if last is not None and last.kind == kind and abs(last.end - scene.begin) < 1e-3:
            last = last._replace(length=_rounded(scene.end - last.time))
            continue
        if last is not None:
            yield last
        last = SoundEvent(_rounded(scene.begin), _rounded(scene.duration), strength, 0.0, kind, "scene")
    if last is not None:
        yield last


def _smooth(values: NDArray[np.floating], width: int) -> NDArray[np.float64]:
    """(n,) the running mean; at the ends of what there is."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    first, last = np.maximum(index - width // 2, 0), np.minimum(index + width - width // 2, len(values))
    smooth: NDArray[np.float64] = (total[last] - total[first]) / (last - first)
    return smooth


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 3)
