"""Music under speech: it goes down before a word, comes back after it, and the words are left as they are.

How far it goes down is measured. In each passage, words with only short gaps between them, the loudness of the
original while words sound is put against the loudness of the music in the same time, and the music's gain is what
puts it as many decibels under the voice as is asked for. Between passages it lies a little under the voice. In
decibels the gain is straight lines. Original and music are then added and raised together by one constant gain: to
the loudness asked for, or as far as no peak passes the ceiling. No limiter touches the words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmt.film.sound import MUSIC_BACK
from cmt.film.speech import Span, find_speech
from midi_io.mastering import CEILING, loudness, mastering_gain, true_peak
from midi_io.samples import ComputedSound, Samples, apply_gain, folder_of, multiply, silence_beside, spans_of

DISTANCE = 10.0
"""dB that the music lies under the voice while words sound, unless another distance is asked for."""
BETWEEN = 3.0
"""dB that it lies under the voice between passages, at least: it steps forward, and does not jump at the listener."""
MOST_DOWN = -24.0
"""dB below which its gain never goes, from where it is without speech: of a voice that soft nobody waits for words."""
MOST_DOWN_BETWEEN = -12.0
"""The same, between passages."""
AHEAD, DOWN = 0.1, 0.25
"""Seconds before the first word at which the music is down, and that it takes to get there."""
HOLD, UP = 0.4, 0.8
"""Seconds after the last word for which it stays down, and that it takes to come back."""
GAP = AHEAD + DOWN + HOLD + UP
"""Words with a shorter gap between them belong to one passage: the music would come back only to go down again."""


class GainPoint(NamedTuple):
    """A bend of the music's gain, which goes straight, in decibels, from one to the next."""

    time: float
    """Seconds from the first picture."""
    gain: float
    """dB of the music as it was before it was mixed."""


class Mix(NamedTuple):
    """Music and original sound as one, and how they were brought together."""

    audio: Samples
    """(n_sample, 2)"""
    curve: tuple[GainPoint, ...]
    """The gain of the music; constant where there is one knot only."""
    gain: float
    """dB by which both were then raised; of the original this is all that was changed, where there are words."""
    loudness: float
    """LUFS of the result."""
    notes: tuple[str, ...]
    """A line for each thing that did not go as asked."""


class Mixer:
    """Puts music under the speech of a video; called with both sounds, as `cmt.film.mux.write_video` does."""

    def __init__(self, spans: Sequence[Span], distance: float, target: float) -> None:
        """`spans` of speech, none to mix as if nobody spoke; `distance` in dB, the loudness `target` in LUFS."""
        self.spans = tuple(spans)
        self.made: Mix | None = None
        """What was made of the sounds, once they were mixed."""
        self.distance = distance
        self._target = target

    def __call__(self, music: Samples, original: Samples, sample_rate: int) -> tuple[Samples, list[str]]:
        """Both sounds, each (n_sample, 2), as one, and a line for each thing that did not go as asked."""
        self.made = mix_under_speech(music, original, sample_rate, self.spans, self.distance, self._target)
        return self.made.audio, list(self.made.notes)


def mixer_for(video: Path, distance: float | None, target: float) -> Mixer:
    """The mixer for a video's own speech, which is looked for unless `distance` is None."""
    return Mixer((), DISTANCE, target) if distance is None else Mixer(find_speech(video), distance, target)


def mix_under_speech(
    music: Samples, original: Samples, sample_rate: int, spans: Sequence[Span], distance: float, target: float
) -> Mix:
    """Music under original sound, both (n_sample, 2), at the loudness `target` in LUFS.

    Without `spans`, or where the words are silence, the music lies `MUSIC_BACK` dB under what it was, and a limiter
    holds the peaks of both. With them the original is multiplied by one number and nothing else.
    """
    curve = gain_curve(music, original, sample_rate, spans, distance)
    if not curve:
        both = silence_beside(original)
        for span in spans_of(len(both)):
            both[span] = original[span] + np.float32(_linear(MUSIC_BACK)) * music[span]
        before = loudness(both, sample_rate)
        apply_gain(both, mastering_gain(both, sample_rate, target))
        after = loudness(both, sample_rate)
        return Mix(both, (GainPoint(0.0, MUSIC_BACK),), after - before if math.isfinite(before) else 0.0, after, ())
    both = silence_beside(original)
    for span in spans_of(len(both)):
        gains = gains_of(curve, span.stop, sample_rate, span.start)
        both[span] = original[span] + gains[:, np.newaxis] * music[span]
    before = loudness(both, sample_rate)
    room = CEILING - true_peak(both, sample_rate)
    gain = min(target - before, room)
    notes: tuple[str, ...] = ()
    if gain < target - before - 0.5:
        notes = (
            f"the video has {before + gain:.1f} LUFS, not {target:g}: louder, its own sound would have to be limited",
        )
    multiply(both, np.float32(_linear(gain)))
    return Mix(both, curve, gain, before + gain, notes)


def gain_curve(
    music: Samples, original: Samples, sample_rate: int, spans: Sequence[Span], distance: float
) -> tuple[GainPoint, ...]:
    """The gain of the music under the words of `spans`; no knots where there are none, or they are silence."""
    voice = loudness(_under(spans, original, sample_rate), sample_rate)
    whole = loudness(music, sample_rate)
    if not math.isfinite(voice) or not math.isfinite(whole):
        return ()
    between = float(np.clip(voice - BETWEEN - whole, MUSIC_BACK + MOST_DOWN_BETWEEN, MUSIC_BACK))
    knots: list[GainPoint] = []
    duration = len(music) / sample_rate
    for passage in passages_of(spans):
        theirs = loudness(_under(passage, original, sample_rate), sample_rate)
        ours = loudness(_under(passage, music, sample_rate), sample_rate)
        wanted = theirs - distance - ours
        # Where one of them is silent there is nothing to make room for.
        down = float(np.clip(wanted, MUSIC_BACK + MOST_DOWN, between)) if math.isfinite(wanted) else between
        begin, end = passage[0].begin, passage[-1].end
        knots += [
            GainPoint(begin - AHEAD - DOWN, between),
            GainPoint(begin - AHEAD, down),
            GainPoint(end + HOLD, down),
            GainPoint(end + HOLD + UP, between),
        ]
    return _within(knots, duration)


def passages_of(spans: Sequence[Span]) -> list[tuple[Span, ...]]:
    """Spans, in order, by passage: those with gaps shorter than `GAP` together."""
    passages: list[tuple[Span, ...]] = []
    for span in spans:
        if passages and span.begin - passages[-1][-1].end < GAP:
            passages[-1] = (*passages[-1], span)
        else:
            passages.append((span,))
    return passages


def gains_of(curve: Sequence[GainPoint], end: int, sample_rate: int, begin: int = 0) -> NDArray[np.float32]:
    """(end - begin,) the factor of each sample from `begin` to `end`."""
    times = np.arange(begin, end) / sample_rate
    decibels = np.interp(times, [knot.time for knot in curve], [knot.gain for knot in curve])
    return np.asarray(10 ** (decibels / 20), np.float32)


def gain_under(curve: Sequence[GainPoint], spans: Sequence[Span]) -> float:
    """The mean gain of the music, in dB, while words sound."""
    times = np.concatenate([np.arange(span.begin, span.end, 0.01) for span in spans])
    return float(np.interp(times, [knot.time for knot in curve], [knot.gain for knot in curve]).mean())


def _under(spans: Sequence[Span], sound: Samples, sample_rate: int) -> Samples:
    """What sounds in the spans, joined, (n_sample, 2)."""
    parts = [slice(round(span.begin * sample_rate), round(span.end * sample_rate)) for span in spans]
    parts = [slice(*part.indices(len(sound))) for part in parts]
    ends = np.cumsum([max(0, part.stop - part.start) for part in parts], dtype=np.int64)

    def joined(begin: int, end: int) -> NDArray[np.float32]:
        blocks = [sound[:0]]
        first = int(np.searchsorted(ends, begin, side="right"))
        for part, its_end in zip(parts[first:], ends[first:], strict=True):
            shift = part.stop - int(its_end)
            blocks.append(sound[max(part.start, begin + shift) : min(part.stop, end + shift)])
            if its_end >= end:
                break
        return np.concatenate(blocks)

    n_sample = int(ends[-1]) if parts else 0
    return ComputedSound((n_sample, *sound.shape[1:]), folder_of(sound), joined)


def _within(knots: Sequence[GainPoint], duration: float) -> tuple[GainPoint, ...]:
    """The knots in 0..duration, with what the curve is at its two ends."""
    inner = [knot for knot in knots if 0 < knot.time < duration]
    times = [0.0, *(knot.time for knot in inner), duration]
    gains = np.interp(times, [knot.time for knot in knots], [knot.gain for knot in knots])
    return tuple(GainPoint(round(time, 3), round(float(gain), 2)) for time, gain in zip(times, gains, strict=True))


def _linear(decibels: float) -> float:
    return float(10 ** (decibels / 20))
