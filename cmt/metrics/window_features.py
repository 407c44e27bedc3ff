"""What a discriminator looks at: plain features of a few bars of notes, each with its name.

Conventions
-----------
- Notes are on the grid of sixteenths. Tempo, velocities, names and programs are not looked at, nor is the key: only
  intervals, chords and the share of notes inside a scale are.
- Notes are first made alike (`alike`): whoever wrote them, of equal notes one stays, a note ends where its pitch is
  struck again and where the window ends, a stroke of the drums is one sixteenth long.
- A feature that has nothing to measure is NaN.

Source
------
Ours. Figures that return: after the pattern counts of Conklin and Witten. Chords are those of `cmt.music.chords`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmt.metrics.genre import DRUM_KINDS
from cmt.metrics.validation import Floats
from cmt.music.chords import INTERVALS, Quality, estimate_chords
from cmt.music.encoding import NoteArrays, sorted_without_doubles
from cmt.music.key import estimate_key
from cmt.music.words import Mode
from midi_io.song import POSITIONS_PER_BAR, Instrument

WINDOW = 8
"""The bars that are looked at at once."""
LAGS = (1, 2, 4)
"""A bar is compared with those so many bars before it."""
STEPS = {"repeated": (0, 0), "step": (1, 2), "third": (3, 4), "leap": (5, 11), "octave": (12, 127)}
"""Kinds of intervals of a top line, in semitones."""
FIGURE = 4
"""A figure is so many notes of a top line: their intervals and distances."""
_SCALES = {Mode.MAJOR: (0, 2, 4, 5, 7, 9, 11), Mode.MINOR: (0, 2, 3, 5, 7, 8, 10, 11)}
_CRASHES = (49, 52, 55, 57)
_HALF = POSITIONS_PER_BAR // 2
_CHORD_NOTES = np.array(
    [[(p - root) % 12 in INTERVALS[quality] for p in range(12)] for quality in Quality for root in range(12)]
)
"""(chord, 12) whether a pitch class belongs to a chord, by its number less one."""

Column = NDArray[np.integer[Any]]


def features_of_windows(notes: NoteArrays, n_bar: int) -> Floats:
    """(window, feature) of the windows of `n_bar` bars that have notes; a shorter last one counts from half on."""
    ordered = NoteArrays(*(np.asarray(column, np.int64) for column in notes))
    rows = []
    for first in range(0, max(1, n_bar), WINDOW):
        length = min(WINDOW, max(1, n_bar) - first)
        if first and length < WINDOW / 2:
            break
        begin, end = first * POSITIONS_PER_BAR, (first + length) * POSITIONS_PER_BAR
        window = ordered.chosen((ordered.position >= begin) & (ordered.position < end))
        if len(window.pitch):
            moved = window._replace(position=window.position - begin)
            rows.append(list(named_features(moved, length).values()))
    return np.array(rows, float)


def alike(notes: NoteArrays, n_bar: int) -> NoteArrays:
    """The notes of `n_bar` bars as any source has them, see the conventions; sorted."""
    notes = sorted_without_doubles(notes)
    line = np.lexsort((notes.position, notes.pitch, notes.instrument))
    same = (np.diff(notes.instrument[line]) == 0) & (np.diff(notes.pitch[line]) == 0)
    until = np.full(len(line), n_bar * POSITIONS_PER_BAR)
    until[line[:-1][same]] = notes.position[line[1:]][same]
    length = np.maximum(1, np.minimum(notes.duration, until - notes.position))
    return notes._replace(duration=np.where(notes.instrument == Instrument.DRUMS, 1, length))


def named_features(notes: NoteArrays, n_bar: int) -> dict[str, float]:
    """The features of `n_bar` bars of notes by name, always the same names in the same order.

    Parameters
    ----------
    notes
        At least one note; positions from the first bar on.
    """
    notes = alike(notes, n_bar)
    chords = estimate_chords(notes, n_bar)
    features: dict[str, float] = {}
    for instrument in Instrument:
        own = notes.chosen(notes.instrument == instrument)
        its = _of_drums(own, n_bar) if instrument is Instrument.DRUMS else _of_pitched(own, n_bar, chords)
        its |= _of_rhythm(own, n_bar)
        if instrument is Instrument.BASS:
            its |= _of_bass(own, notes, n_bar, chords)
        features |= {f"{instrument.label}: {name}": value for name, value in its.items()}
    return features | _of_harmony(notes, n_bar, chords) | _of_all(notes, n_bar)


def _of_rhythm(own: NoteArrays, n_bar: int) -> dict[str, float]:
    """When an instrument plays, and how its bars return."""
    n = len(own.pitch)
    onsets = np.unique(own.position)
    bars = np.unique(onsets // POSITIONS_PER_BAR)
    bar_notes = _sets_by_bar(own.position, own.pitch, n_bar)
    bar_onsets = _sets_by_bar(own.position, np.zeros_like(own.pitch), n_bar)
    per_bar = np.bincount(own.position // POSITIONS_PER_BAR, minlength=n_bar)[bars] if n else np.zeros(0)
    return {
        "bars in which it plays": len(bars) / n_bar,
        "onsets a bar, log": math.log(len(onsets) / len(bars)) if n else math.nan,
        "notes an onset": n / len(onsets) if n else math.nan,
        "notes a bar, variation": float(per_bar.std() / per_bar.mean()) if n else math.nan,
        "onsets off the beat": _share(onsets % 4 != 0),
        "onsets on odd sixteenths": _share(onsets % 2 != 0),
        **{f"likeness to {lag} bars before": _likeness(bar_notes, lag) for lag in LAGS},
        **{f"likeness of rhythm to {lag} bars before": _likeness(bar_onsets, lag) for lag in LAGS},
        "bars that are the bar before": _share([a == b for a, b in itertools.pairwise(bar_notes) if a or b]),
    }


def _of_pitched(own: NoteArrays, n_bar: int, chords: Column) -> dict[str, float]:
    """Register, lengths, the top line, and how notes fit the chords."""
    n = len(own.pitch)
    onsets, first = np.unique(own.position, return_index=True)
    top = np.maximum.reduceat(own.pitch, first) if n else own.pitch
    steps = np.diff(top)
    moves = steps[steps != 0]
    fits = _in_chords(own, chords)
    off_chord = ~fits[np.r_[first[1:] - 1, n - 1]][:-1] if n > 1 else np.zeros(0, bool)
    figures = list(zip(*(column[k:] for k in range(FIGURE - 1) for column in (steps, np.diff(onsets))), strict=False))
    filled = np.zeros(n_bar * POSITIONS_PER_BAR + 1, np.int64)
    np.add.at(filled, own.position, 1)
    np.add.at(filled, np.minimum(own.position + own.duration, len(filled) - 1), -1)
    return {
        "mean pitch": float(own.pitch.mean()) if n else math.nan,
        "spread of pitches": float(own.pitch.std()) if n else math.nan,
        "range of the top line": float(np.ptp(top)) if n else math.nan,
        "mean length, log": float(np.log2(own.duration).mean()) if n else math.nan,
        "spread of lengths, log": float(np.log2(own.duration).std()) if n else math.nan,
        "notes of a sixteenth": _share(own.duration == 1),
        "notes of half a bar or more": _share(own.duration >= _HALF),
        "time in which it sounds": float((np.cumsum(filled)[:-1] > 0).mean()),
        **{f"{name} in the top line": _share(_between(np.abs(steps), limits)) for name, limits in STEPS.items()},
        "turns of the top line": _share(np.sign(moves[1:]) != np.sign(moves[:-1])),
        "figures that return": _returning(figures),
        "variety of pitches": _entropy(np.unique(top, return_counts=True)[1]),
        "notes in the chord": _share(fits, own.duration),
        "notes off the chord left by step": _share(np.abs(steps[off_chord]) <= 2),
    }


def _of_drums(own: NoteArrays, n_bar: int) -> dict[str, float]:
    """Which parts of the kit play where."""
    values: dict[str, float] = {"kinds of strokes": len(np.unique(own.pitch)) / n_bar}
    by_kind = {kind: np.unique(own.position[np.isin(own.pitch, keys)]) for kind, keys in DRUM_KINDS.items()}
    for kind, strokes in by_kind.items():
        values[f"{kind} a bar"] = len(strokes) / n_bar
        values[f"bars with {kind}"] = len(np.unique(strokes // POSITIONS_PER_BAR)) / n_bar
    kick, snare = by_kind["bass drum"] % POSITIONS_PER_BAR, by_kind["snare"] % POSITIONS_PER_BAR
    values["bars with bass drum on 1"] = float((kick == 0).sum() / n_bar) if len(kick) else math.nan
    values["bars with bass drum on 3"] = float((kick == _HALF).sum() / n_bar) if len(kick) else math.nan
    values["snare on 2 and 4"] = _share(np.isin(snare, (4, 12)))
    crashes = own.position[np.isin(own.pitch, _CRASHES)]
    values["crashes on a first beat"] = _share(crashes % POSITIONS_PER_BAR == 0)
    values["crashes a bar"] = len(crashes) / n_bar
    bars = own.position // POSITIONS_PER_BAR
    fourth, others = (np.count_nonzero((bars % 4 == 3) == is_it) for is_it in (True, False))
    n_fourth = max(1, len(range(3, n_bar, 4)))
    usual = others / max(1, n_bar - n_fourth)
    values["notes of each fourth bar beside others'"] = min(4.0, fourth / n_fourth / usual) if usual else math.nan
    return values


def _of_bass(own: NoteArrays, notes: NoteArrays, n_bar: int, chords: Column) -> dict[str, float]:
    """How the bass holds to chords and bass drum."""
    halves = np.minimum(own.position // _HALF, len(chords) - 1)
    known = chords[halves] > 0
    first = own.position % POSITIONS_PER_BAR == 0
    kicks = np.unique(notes.position[(notes.instrument == Instrument.DRUMS) & np.isin(notes.pitch, (35, 36))])
    onsets = np.unique(own.position)
    return {
        "notes on the root": _share(((chords[halves] - 1) % 12 == own.pitch % 12)[known], own.duration[known]),
        "bars with it on 1": float(len(np.unique(own.position[first])) / n_bar) if len(own.pitch) else math.nan,
        "onsets with the bass drum": _share(np.isin(onsets, kicks)) if len(kicks) else math.nan,
        "pitch classes a bar": len(np.unique(own.position // POSITIONS_PER_BAR * 12 + own.pitch % 12)) / n_bar,
    }


def _of_harmony(notes: NoteArrays, n_bar: int, chords: Column) -> dict[str, float]:
    """Chords, scale and clashes of all pitched instruments together."""
    pitched = notes.pitched()
    heard = chords[chords > 0] - 1
    sounding = np.bincount(pitched.pitch % 12, weights=pitched.duration, minlength=12)
    key = estimate_key(sounding)
    n = max(1, len(heard))
    classes = np.zeros((n_bar * POSITIONS_PER_BAR, 12), bool)
    for position, pitch, duration in zip(*(c.tolist() for c in (pitched[0], pitched[2] % 12, pitched[3])), strict=True):
        classes[position : position + duration, pitch] = True
    at_once = classes.sum(axis=1)
    struck = np.zeros((n_bar * POSITIONS_PER_BAR, 12), bool)
    struck[pitched.position, pitched.pitch % 12] = True
    clashes = (classes & np.roll(classes, 1, axis=1)).any(axis=1)
    by_bar = [_entropy(row) for row in classes.reshape(n_bar, POSITIONS_PER_BAR, 12).sum(axis=1) if row.any()]
    qualities = np.bincount(heard // 12, minlength=len(Quality)) / n
    return {
        **{f"chords that are {quality.name.lower().replace('_', ' ')}": qualities[quality] for quality in Quality},
        "chords on the tonic": _share((heard - key.tonic) % 12 == 0),
        "chords on fourth and fifth": _share(np.isin((heard - key.tonic) % 12, (5, 7))),
        "is minor": float(key.mode is Mode.MINOR),
        "changes of chord a bar": float(np.count_nonzero(np.diff(chords)) / n_bar),
        "changes of chord on bar lines": _share(np.flatnonzero(np.diff(chords)) % 2 == 1),
        "different chords a bar": len(np.unique(heard)) / n_bar,
        **{
            f"same chord {lag} bars before": _share(chords[2 * lag :] == chords[: -2 * lag])
            if n_bar > lag
            else math.nan
            for lag in LAGS
        },
        "notes in the scale": _share(np.isin((pitched.pitch - key.tonic) % 12, _SCALES[key.mode]), pitched.duration),
        "notes in the chord": _share(_in_chords(pitched, chords), pitched.duration),
        "pitch classes at once": float(at_once.mean()),
        "time with three pitch classes or more": float((at_once >= 3).mean()),
        "time with a semitone": float(clashes.mean()),
        "semitones struck a bar": float((struck & np.roll(struck, 1, axis=1)).sum() / n_bar),
        "variety of pitch classes in a bar": float(np.mean(by_bar)) if by_bar else math.nan,
    }


def _of_all(notes: NoteArrays, n_bar: int) -> dict[str, float]:
    """How full bars are, who plays together, how bars return."""
    bars = notes.position // POSITIONS_PER_BAR
    onsets = np.unique(notes.position)
    plays = np.zeros((n_bar, len(Instrument)), bool)
    plays[bars, notes.instrument] = True
    per_bar = np.bincount(bars, minlength=n_bar)
    onsets_per_bar = np.bincount(onsets // POSITIONS_PER_BAR, minlength=n_bar)
    strikes = np.unique(notes.position * len(Instrument) + notes.instrument) // len(Instrument)
    together = np.unique(strikes, return_counts=True)[1]
    bar_notes = _sets_by_bar(notes.position, notes.instrument * 128 + notes.pitch, n_bar)
    best = [max((_jaccard(bar_notes[k], other) for other in bar_notes[:k]), default=0.0) for k in range(1, n_bar)]
    return {
        "instruments": float(plays.any(axis=0).sum()),
        "instruments a bar": float(plays.sum(axis=1).mean()),
        "entries and exits a bar": float(np.count_nonzero(np.diff(plays, axis=0)) / n_bar),
        "notes a bar, log": math.log(len(bars) / n_bar),
        "notes a bar, variation": float(per_bar.std() / per_bar.mean()),
        "onsets a bar": float(onsets_per_bar.mean()),
        "onsets a bar, variation": float(onsets_per_bar.std() / onsets_per_bar.mean()),
        "onsets on odd sixteenths": _share(onsets % 2 != 0),
        "instruments an onset": float(together.mean()),
        "bars without an onset": float((onsets_per_bar == 0).mean()),
        **{f"likeness to {lag} bars before": _likeness(bar_notes, lag) for lag in LAGS},
        "likeness to the nearest bar before": float(np.mean(best)) if best else math.nan,
        "bars unlike all before": _share(np.array(best) < 0.3),
    }


def _in_chords(notes: NoteArrays, chords: Column) -> NDArray[np.bool_]:
    """(n_note,) whether a note belongs to the chord of the half bar in which it begins."""
    heard = chords[np.minimum(notes.position // _HALF, len(chords) - 1)]
    return np.asarray(_CHORD_NOTES[np.maximum(heard, 1) - 1, notes.pitch % 12] & (heard > 0))


def _sets_by_bar(position: Column, what: Column, n_bar: int) -> list[frozenset[int]]:
    """What begins in each bar, with its place in it."""
    bars, places = np.divmod(position, POSITIONS_PER_BAR)
    keys = what * POSITIONS_PER_BAR + places
    order = np.argsort(bars, kind="stable")
    cuts = np.searchsorted(bars[order], np.arange(n_bar + 1))
    sorted_keys = keys[order].tolist()
    return [frozenset(sorted_keys[a:b]) for a, b in itertools.pairwise(cuts)]


def _jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0


def _likeness(bars: list[frozenset[int]], lag: int) -> float:
    """The mean likeness of a bar to the one `lag` bars before, over pairs of which one has notes."""
    pairs = [(a, b) for a, b in zip(bars, bars[lag:], strict=False) if a or b]
    return sum(_jaccard(a, b) for a, b in pairs) / len(pairs) if pairs else math.nan


def _returning(figures: list[tuple[int, ...]]) -> float:
    """The share of figures that came before."""
    return 1 - len(set(figures)) / len(figures) if figures else math.nan


def _between(values: Column, limits: tuple[int, int]) -> NDArray[np.bool_]:
    low, high = limits
    return (values >= low) & (values <= high)


def _share(flags: Iterable[bool] | NDArray[np.bool_], weights: Column | None = None) -> float:
    """The share of true ones, by weight; NaN where there is none."""
    array = np.asarray(flags, bool)
    if not len(array):
        return math.nan
    return float(array.mean()) if weights is None else float((array * weights).sum() / weights.sum())


def _entropy(counts: Column) -> float:
    """In bits; NaN of nothing."""
    some = counts[counts > 0] / max(1, counts.sum())
    return float(-(some * np.log2(some)).sum()) if len(some) else math.nan


@cache
def feature_names() -> tuple[str, ...]:
    """The names of all features, in order."""
    one_note = NoteArrays(*(np.array([value]) for value in (0, int(Instrument.PIANO), 60, 1)))
    return tuple(named_features(one_note, WINDOW))
