"""How the mood of a song goes along: valence and arousal of each of its stretches, beside those of other songs.

The estimator of `cmt.metrics.mood` listens to some bars at a time. Its estimates are told by where they lie among those
of stretches of LPD's songs, so that they can be held against what is asked on a scale from -1 to 1: -1 is below all
stretches, 0 the median of a normal distribution with LPD's mean and deviation, 1 above all.

Conventions
-----------
- A stretch is `WINDOW` bars; a rest of fewer than `FEWEST` belongs to the stretch before it.
- Bars without a note count as average: 0.
- Only notes that start in a stretch are heard in it.

Metrics
-------
- `mood_curve`: valence and arousal bar by bar.
- `mood_of_bars`: those of some bars.

Source
------
Ours; `data/mood.py` measures mean and deviation.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib import resources
from typing import NamedTuple

import numpy as np

from cmt.metrics.mood import MoodEstimator, MoodHeard, shipped_estimator
from cmt.metrics.validation import Floats
from cmt.music.encoding import NoteArrays
from midi_io.song import POSITIONS_PER_BAR

WINDOW = 8
FEWEST = 4


class MoodScale(NamedTuple):
    """What the shipped estimator hears in stretches of LPD's songs."""

    mean: Floats
    """(2,) of valence and arousal."""
    spread: Floats
    """(2,) standard deviations."""

    def place(self, heard: MoodHeard) -> MoodHeard:
        """Where an estimate lies among those stretches, -1..1."""
        shares = [math.erf(z / math.sqrt(2)) for z in (np.array(heard) - self.mean) / self.spread]
        return MoodHeard(*shares)


def windows_of(n_bar: int) -> list[tuple[int, int]]:
    """The stretches, begin and end, of a song of `n_bar` bars."""
    begins = list(range(0, max(n_bar, 1), WINDOW))
    if len(begins) > 1 and n_bar - begins[-1] < FEWEST:
        del begins[-1]
    return list(zip(begins, [*begins[1:], n_bar], strict=True))


def heard_in_windows(
    estimator: MoodEstimator, notes: NoteArrays, n_bar: int, tempo: float | None
) -> list[MoodHeard | None]:
    """The estimates of a song's stretches; None for one without a note."""
    notes = _sorted(notes)
    return [_estimate(estimator, notes, begin, end, tempo) for begin, end in windows_of(n_bar)]


def mood_curve(notes: NoteArrays, n_bar: int, tempo: float | None) -> Floats:
    """(n_bar, 2) valence and arousal, -1..1, of the stretch that each bar lies in."""
    scale, curve = shipped_scale(), np.zeros((n_bar, 2))
    heard = heard_in_windows(shipped_estimator(), notes, n_bar, tempo)
    for (begin, end), its in zip(windows_of(n_bar), heard, strict=True):
        if its is not None:
            curve[begin:end] = scale.place(its)
    return curve


def mood_of_bars(notes: NoteArrays, begin: int, end: int, tempo: float | None) -> MoodHeard:
    """Valence and arousal, -1..1, of the bars from `begin` to before `end`."""
    heard = _estimate(shipped_estimator(), _sorted(notes), begin, end, tempo)
    return MoodHeard(0.0, 0.0) if heard is None else shipped_scale().place(heard)


@cache
def shipped_scale() -> MoodScale:
    """The scale that comes with the package; see `data/mood.py`."""
    text = (resources.files("cmt") / "assets" / "mood.json").read_text(encoding="utf-8")
    windows = json.loads(text)["windows"]
    return MoodScale(np.array(windows["mean"]), np.array(windows["spread"]))


def _sorted(notes: NoteArrays) -> NoteArrays:
    notes = NoteArrays(*(np.asarray(column, np.int64) for column in notes))
    order = np.argsort(notes.position, kind="stable")
    return NoteArrays(*(column[order] for column in notes))


def _estimate(
    estimator: MoodEstimator, notes: NoteArrays, begin: int, end: int, tempo: float | None
) -> MoodHeard | None:
    first, last = np.searchsorted(notes.position, [begin * POSITIONS_PER_BAR, end * POSITIONS_PER_BAR])
    some = NoteArrays(*(column[first:last] for column in notes))
    return estimator.estimate(some._replace(position=some.position - begin * POSITIONS_PER_BAR), end - begin, tempo)
