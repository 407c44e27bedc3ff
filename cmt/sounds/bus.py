"""All sounds of a video as one track beside the music: as loud as the music there asks for, any part of it at any time.

A strong hit lies `LEAST` to `MOST` LU over the music of its 400 ms, which goes down a little to let it through; weaker
ones lie lower, in a line. What the music plays is told by `settle`; without that, the track stands alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cmt.sounds.beds import SLOPE, Bed, bed_loops
from cmt.sounds.event import KINDS, SoundEvent, Stroke
from cmt.sounds.library import Library
from cmt.sounds.signals import Samples, fast_length, smooth_ends
from cmt.sounds.strokes import Movement, stroke_loop, stroke_shape
from cmt.sounds.struck import struck_sound
from midi_io.mastering import response_of_the_ear

LEAST, MOST = 3.0, 6.0
"""LU that a sound of full strength lies over the music, where the dial is just above 0 and where it is 1."""
SOFTER = 10.0
"""LU by which a sound of no strength would lie under that."""
BED_UNDER = 21.0
"""LU by which a bed of no strength lies under the music; its strength brings it up by `BED_STRENGTH`."""
BED_STRENGTH, BED_DIAL = 10.0, 4.0
STROKE_UNDER, STROKE_SOFTER = 8.0, 6.0
"""LU by which a stroke of movement of full strength lies under such a hit; one of no strength lies so much lower."""
FLOOR = 12.0
"""dB under the whole piece: where the music is softer than this, sounds do not follow it further."""
ALONE = 0.02
"""The mean power that stands for the music where there is none."""
BED_ALONE = 8.0
"""dB by which beds are louder without music."""
MOST_PEAK = 19.0
"""dB over the mean power of the piece above which no sample of a sound lies."""
EAR = 1.0
"""dB by which music is heard louder than its plain power says, beside a sound that is measured as it is heard."""
WINDOW = 0.4
"""Seconds in which loudness is momentary."""
DOWN, HOLD, UP = 0.03, 0.1, 0.3
"""Seconds in which music goes down before a sound strikes, stays down, and comes back."""
MOST_KEPT = 120.0
"""Seconds of sounds that are kept for the next time that they are asked for; of a longer film they are made anew."""
_GATE = 0.1


class Bus:
    """The track of sounds."""

    def __init__(
        self,
        events: Sequence[SoundEvent],
        duration: float,
        sample_rate: int,
        *,
        dial: float = 0.5,
        tonic: int = 0,
        seed: int = 0,
        library: Library | None = None,
    ) -> None:
        """A track of `duration` seconds.

        Parameters
        ----------
        events
            The sounds, in any order.
        dial
            How loud, 0 to 1.
        tonic
            The pitch class of the music's key, 0 to 11.
        library
            The user's own sounds, which the events name.
        """
        self.n_sample = round(duration * sample_rate)
        self.sample_rate = sample_rate
        self.events = tuple(sorted(events))
        self._dial, self._tonic, self._seed, self._library = dial, tonic, seed, library
        self._powers: NDArray[np.float64] | None = None
        self._hop = 0.05
        self._whole = ALONE
        self._made: dict[int, Samples | Bed | Movement | _Repeated] = {}
        self._all_fit = sum(event.length for event in self.events if not event.is_bed) <= MOST_KEPT
        self._loops: dict[str, list[Samples]] = {}

    def settle(self, powers: NDArray[np.floating], hop: float) -> None:
        """Be as loud as music asks for whose mean power, of both channels, in each `hop` seconds is (n,) `powers`."""
        self._powers, self._hop = np.asarray(powers, np.float64), hop
        loud = self._powers[self._powers > _GATE * self._powers.mean()] if len(self._powers) else self._powers
        self._whole = max(float(loud.mean()), 1e-8) if len(loud) else ALONE
        self._made.clear()

    def block(self, begin: int, end: int) -> Samples:
        """(end - begin, 2) the samples of the track from `begin` to `end`."""
        made = np.zeros((end - begin, 2), np.float32)
        for number, event in enumerate(self.events):
            first = round(event.begin * self.sample_rate)
            if first >= end or first + round(event.length * self.sample_rate) + 1 <= begin:
                if not self._all_fit and event.end * self.sample_rate < begin:
                    self._made.pop(number, None)
                continue
            sound = self._made.get(number)
            if sound is None:
                sound = self._made[number] = self._sound(event)
            if isinstance(sound, np.ndarray):
                a, b = max(begin, first), min(end, first + len(sound))
                if b > a:
                    made[a - begin : b - begin] += sound[a - first : b - first]
            else:
                a, b = max(begin, first), end
                gain = 1.0 if isinstance(sound, Movement) else self._bed_gain(event)
                made[a - begin :] += np.float32(gain) * sound.block(a - first, b - first)
        return made

    def dips(self, begin: int, end: int) -> Samples:
        """(end - begin,) the factor of the music's samples from `begin` to `end`: below 1 under a sound."""
        factors = np.ones(end - begin, np.float32)
        for event in self.events:
            depth = KINDS[event.kind].dip * event.strength * (0.5 + 0.5 * self._dial)
            if depth <= 0:
                continue
            into = max(DOWN, min(0.4 * event.length, 0.5) if KINDS[event.kind].before else DOWN)
            knots = np.array([event.time - into, event.time, event.time + HOLD, event.time + HOLD + UP])
            a, b = max(begin, int(knots[0] * self.sample_rate)), min(end, int(knots[-1] * self.sample_rate) + 1)
            if b > a:
                curve = np.interp(np.arange(a, b) / self.sample_rate, knots, [0, -depth, -depth, 0])
                part = factors[a - begin : b - begin]
                np.minimum(part, np.exp2(curve.astype(np.float32) * np.float32(np.log2(10) / 20)), out=part)
        return factors

    def _music_at(self, time: float) -> float:
        """The mean power of the music from an instant on, not far below that of the piece."""
        if self._powers is None or not len(self._powers):
            return self._whole
        first = int(max(time, 0) / self._hop)
        around = self._powers[first : first + round(WINDOW / self._hop)]
        here = float(around.mean()) if len(around) else 0.0
        return max(here, self._whole * 10 ** (-FLOOR / 10))

    def _sound(self, event: SoundEvent) -> Samples | Bed | Movement | _Repeated:
        if KINDS[event.kind].is_movement:
            return self._movement(event)
        if event.is_bed:
            if event.file is not None and self._library is not None:
                return _Repeated(self._library.bed(event, self.sample_rate), event, self.sample_rate)
            if event.kind not in self._loops:
                self._loops[event.kind] = bed_loops(event.kind, self.sample_rate, self._seed)
            return Bed(event, self._loops[event.kind], self.sample_rate, self._seed)
        if event.file is not None and self._library is not None:
            sound = self._library.sound(event, self.sample_rate)
        else:
            sound = struck_sound(event, self.sample_rate, self._tonic, self._seed)
        over = self._over() - SOFTER * (1 - event.strength)
        dip = KINDS[event.kind].dip * event.strength * (0.5 + 0.5 * self._dial) if self._powers is not None else 0.0
        wanted = self._music_at(event.time) * 10 ** ((over - dip) / 10)
        gain = np.sqrt(wanted / max(loudest_power(sound, self.sample_rate), 1e-9))
        gain = min(gain, np.sqrt(self._whole) * 10 ** (MOST_PEAK / 20))
        sound = sound * np.float32(gain)
        # What the end of the film cuts off goes softly.
        over_the_end = round(event.begin * self.sample_rate) + len(sound) - self.n_sample
        if over_the_end > 0:
            sound = sound[: max(0, len(sound) - over_the_end)]
            sound = smooth_ends(sound, self.sample_rate, 0.0, 0.05)
        if event.begin < 0:
            n = min(len(sound), round(-event.begin * self.sample_rate))
            smooth_ends(sound[n:], self.sample_rate, 0.005, 0.0)
        return sound

    def _over(self) -> float:
        """LU that a hit of full strength lies over the music."""
        return EAR + LEAST + (MOST - LEAST) * self._dial

    def _movement(self, event: SoundEvent) -> Movement:
        if event.file is not None and self._library is not None:
            loop = self._library.bed(event, self.sample_rate)
        else:
            if event.kind not in self._loops:
                self._loops[event.kind] = [stroke_loop(event.kind, self.sample_rate, self._seed)]
            loop = self._loops[event.kind][0]
        shape = stroke_shape(event.kind, self.sample_rate)
        one = np.take(loop, np.arange(len(shape)), axis=0, mode="wrap") * shape[:, None]
        loud = max(loudest_power(one, self.sample_rate), 1e-9)

        def gain(stroke: Stroke, time: float) -> float:
            under = STROKE_UNDER + STROKE_SOFTER * (1 - stroke.strength)
            return float(np.sqrt(self._music_at(time) * 10 ** ((self._over() - under) / 10) / loud))

        return Movement(event, loop, self.sample_rate, gain, self._seed)

    def _bed_gain(self, event: SoundEvent) -> float:
        under = BED_UNDER - BED_STRENGTH * event.strength - BED_DIAL * self._dial
        if self._powers is None:
            under -= BED_ALONE
        return float(np.sqrt(self._whole) * 10 ** (-under / 20))


class _Repeated:
    """A user's bed, over and over."""

    def __init__(self, loop: Samples, event: SoundEvent, sample_rate: int) -> None:
        self._loop, self._n, self._slope = loop, round(event.length * sample_rate), SLOPE * sample_rate

    def block(self, begin: int, end: int) -> Samples:
        """(end - begin, 2) its samples."""
        index = np.arange(begin, end)
        ends = np.clip(np.minimum(index + 1, self._n - index) / self._slope, 0.0, 1.0)
        made = self._loop[index % len(self._loop)]
        return made * (np.sin(ends * np.pi / 2) ** 2).astype(np.float32)[:, None]


def loudest_power(sound: Samples, sample_rate: int) -> float:
    """The mean power, of both channels and as the ear hears it, of the loudest 400 ms of (n, 2) a sound."""
    n = min(round(WINDOW * sample_rate), len(sound))
    hop = max(1, sample_rate // 200)
    hops = len(sound) // hop
    squares = np.square(sound[: hops * hop]).reshape(hops, -1).sum(axis=1, dtype=np.float64)
    total = np.concatenate([[0.0], np.cumsum(squares)])
    first = int((total[n // hop :] - total[: len(total) - n // hop]).argmax()) * hop
    part = sound[first : first + n]
    fast = fast_length(n + n // 8)
    spectrum = np.fft.rfft(part, fast, axis=0) * response_of_the_ear(fast, sample_rate)[:, np.newaxis]
    return 2 * float(np.square(np.abs(spectrum)).sum(dtype=np.float64)) / (2 * fast * round(WINDOW * sample_rate))
