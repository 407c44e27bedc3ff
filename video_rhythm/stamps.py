"""The one clock of a video: time stamps put right, so that what is measured and what is shown have the same times.

A file stamps its packets as it likes: two recordings joined end to end start again, a broadcast jumps, a slip of the
muxer repeats a time. `Stamps` puts the stamps of packets right, in the order of the file; `Clock` makes seconds of
those of decoded pictures. Whoever reads a video uses both.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from .limits import LONGEST_GAP, LONGEST_STILL, MOST_REORDERING

RESTART = 0.25
"""Time stamps that run back by more seconds than this have started anew (recordings joined end to end); smaller steps
back are a muxer's slip."""
DEEPEST_REORDERING = 17
"""Without times of decoding, stamps run back by so many pictures at most only because pictures are reordered."""
SEGMENT_MARGIN = 1.0
"""Sound begins and ends up to this many seconds before or after the picture of the same recording."""


class Segment(NamedTuple):
    """A part of a file within which the stamps go on as they should."""

    begin: Fraction
    """The lowest stamp in seconds, as it stands in the file."""
    end: Fraction
    """The highest stamp in seconds, as it stands in the file."""
    offset: Fraction
    """The seconds to add, so that the parts follow each other."""


class Stamps:
    """Puts the time stamps of a stream's packets right, one after the other.

    Parameters
    ----------
    time_base
        The seconds of a tick of the stream.
    step
        The seconds that a packet lasts if it does not say so itself.
    broadcast
        Whether the format's clock may start anew anywhere (FFmpeg's flag `ts_discont`).
    guide
        The segments of the picture, for the packets of its sound: they jump where the picture did.
    """

    def __init__(
        self, time_base: Fraction, step: Fraction, *, broadcast: bool = False, guide: tuple[Segment, ...] = ()
    ) -> None:
        self._time_base, self._step = time_base, step
        self._longest_step = LONGEST_GAP if broadcast else LONGEST_STILL
        self._guide, self._guided_by = guide, 0
        self._offset = Fraction(0)
        self._last: Fraction | None = None
        self._last_length = step
        self._by_decoding = False
        self._segments: list[Segment] = []
        self.n_restart = 0
        """How often the stamps started again or jumped."""
        self.first_restart: Fraction | None = None
        """The time of the first of these, in seconds of the clock that goes on."""

    def put_right(self, packet: Any) -> None:
        """Change `pts` and `dts` of the next packet of the file; what has neither stays without."""
        raw = packet.dts if packet.dts is not None else packet.pts
        if raw is None:
            return
        stamp = raw * self._time_base
        # What an edit list hides lies where it likes; it is decoded and never shown.
        if not packet.is_discard:
            self._follow(stamp, packet.dts is not None)
            length = (packet.duration or 0) * self._time_base
            self._last_length = length if 0 < length <= self._longest_step else self._step
        ticks = round(self._offset / self._time_base)
        both = packet.pts is not None and packet.dts is not None
        lead = abs(packet.pts - packet.dts) * self._time_base if both else Fraction(0)
        if lead > max(Fraction(MOST_REORDERING), 32 * self._step):
            packet.pts = None
        if ticks:
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The parts of the file so far."""
        return tuple(self._segments)

    def _follow(self, stamp: Fraction, by_decoding: bool) -> None:
        """Change the offset if `stamp`, as it stands in the file, does not follow the one before."""
        if self._last is not None and by_decoding == self._by_decoding:
            backwards = self._last - stamp
            slip = Fraction(RESTART) if by_decoding else max(Fraction(RESTART), DEEPEST_REORDERING * self._step)
            if backwards > slip or (
                -backwards > self._longest_step + self._last_length and not self._is_guided(self._guided_by, stamp)
            ):
                self._start_again(stamp)
        if not self._segments or self._segments[-1].offset != self._offset:
            self._segments.append(Segment(stamp, stamp, self._offset))
        begin, end, offset = self._segments[-1]
        self._segments[-1] = Segment(min(begin, stamp), max(end, stamp), offset)
        self._last, self._by_decoding = stamp, by_decoding

    def _is_guided(self, number: int, stamp: Fraction) -> bool:
        """Whether the picture has such stamps in that segment."""
        if number >= len(self._guide):
            return False
        begin, end, _ = self._guide[number]
        return begin - Fraction(SEGMENT_MARGIN) <= stamp <= end + Fraction(SEGMENT_MARGIN)

    def _start_again(self, stamp: Fraction) -> None:
        assert self._last is not None
        now = self._last + self._offset + self._last_length
        self._offset = now - stamp
        for number in range(self._guided_by + 1, len(self._guide)):
            if self._is_guided(number, stamp):
                self._guided_by, self._offset = number, self._guide[number].offset
                break
        self.n_restart += 1
        self.first_restart = now if self.first_restart is None else self.first_restart


class Clock:
    """Turns the stamps of decoded pictures, which may be missing or repeated, into seconds that only grow.

    Where packets were put right, a picture whose time falls is damage, and not another recording.
    """

    def __init__(self) -> None:
        self.now = -1.0
        """The time of the last picture in seconds; negative before the first."""
        self.start = Fraction(0)
        """The stamp of the first picture in seconds."""

    def time(self, pts: int | None, time_base: Fraction, step: float, start: Fraction | None = None) -> float | None:
        """Seconds from the first picture, or None for a picture whose time does not advance.

        `step` is how many seconds a picture lasts if nothing better is known. `start` is the stamp in seconds at which
        the first picture is shown, if that is known; it cannot be decoded then if another one comes first.
        """
        started = self.now >= 0.0
        if pts is None:
            self.start = self.start if started or start is None else start
            self.now = self.now + step if started else 0.0
            return self.now
        stamp = pts * time_base
        if not started:
            self.start = stamp if start is None else min(start, stamp)
        time = float(stamp) - float(self.start)
        if time <= self.now:
            return None
        self.now = time
        return time
