"""Frame rates as editing programs have them, and timecode, with dropped numbers where video of NTSC's rates has them.

At 29.97 pictures a second, counting thirty for a second falls behind the clock by 3.6 s in an hour. Drop-frame timecode
(SMPTE ST 12-1) passes over the numbers 00 and 01 of each minute that is no multiple of ten; no picture is left out.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import NamedTuple

from cmt.errors import CmtError

_NTSC = Fraction(1000, 1001)
STANDARD = tuple(sorted((*map(Fraction, (24, 25, 30, 48, 50, 60, 120)), *(n * _NTSC for n in (24, 30, 48, 60, 120)))))
"""The pictures a second that timelines of editing programs may have."""
SLOWEST = 23
"""Below so many pictures a second each is counted as two or more."""
WITHOUT_PICTURE = Fraction(25)
"""The pictures a second of music without a video: a frame is 40 ms."""
NEAR_ENOUGH = 5e-4
"""A rate that differs by a smaller share from a standard one is that one."""
START = "01:00:00:00"
"""The timecode at which timelines begin unless somebody says otherwise."""
_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)[:;.](\d\d\d?)")


class FrameRate(NamedTuple):
    """The pictures a second of a timeline."""

    rate: Fraction

    @property
    def nominal(self) -> int:
        """The numbers that a second of timecode has."""
        return round(self.rate)

    @property
    def drops(self) -> bool:
        """Whether timecode leaves numbers out: at 29.97 and its multiples, not at 23.976."""
        return self.rate.denominator == 1001 and self.nominal % 30 == 0

    def frame(self, seconds: float) -> int:
        """The number of the picture, from 0, whose begin is nearest to a time."""
        return math.floor(Fraction(seconds) * self.rate + Fraction(1, 2))

    def seconds(self, frame: int) -> Fraction:
        """The time at which a picture begins."""
        return frame / self.rate

    def timecode(self, frame: int) -> str:
        """The timecode of a picture, ``01:00:04:12``, with ``;`` before the last number where numbers are dropped."""
        if self.drops:
            dropped = self.nominal // 15
            per_ten = self.nominal * 600 - 9 * dropped
            tens, rest = divmod(frame, per_ten)
            minutes = max(0, (rest - dropped) // (self.nominal * 60 - dropped))
            frame += dropped * (9 * tens + minutes)
        seconds, number = divmod(frame, self.nominal)
        hours, minutes, seconds = seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
        return f"{hours:02}:{minutes:02}:{seconds:02}{';' if self.drops else ':'}{number:02}"

    def frame_of(self, timecode: str) -> int:
        """The number of the picture with a timecode; the inverse of `timecode`.

        Raises
        ------
        CmtError
            If the text is no timecode, or one that this rate does not have.
        """
        found = _TIMECODE.fullmatch(timecode.strip())
        if found is None:
            raise CmtError(f"`timecode` {timecode!r}: must be hours, minutes, seconds, frames, such as {START}")
        hours, minutes, seconds, number = map(int, found.groups())
        if hours > 23 or minutes > 59 or seconds > 59 or number >= self.nominal:
            raise CmtError(f"`timecode` {timecode}: there is none such at {float(self.rate):.6g} pictures a second")
        minutes += 60 * hours
        frame = (60 * minutes + seconds) * self.nominal + number
        if self.drops:
            dropped = self.nominal // 15
            if minutes % 10 and not seconds and number < dropped:
                raise CmtError(f"`timecode` {timecode}: is left out in drop-frame timecode; take the frame before it")
            frame -= dropped * (minutes - minutes // 10)
        return frame


def rate_of(fps: float | None) -> FrameRate:
    """The standard rate nearest to `fps`, or to a multiple of it where it is below 23; None is without a picture."""
    if fps is None:
        return FrameRate(WITHOUT_PICTURE)
    counted = fps * max(1, math.ceil(SLOWEST / fps))
    return FrameRate(min(STANDARD, key=lambda rate: abs(rate - Fraction(counted))))


def rate_warnings(fps: float | None) -> list[str]:
    """What is to say where a video has a rate that no timeline has."""
    if fps is None:
        return []
    rate = float(rate_of(fps).rate)
    times = rate / fps
    if abs(times / max(1, round(times)) - 1) <= NEAR_ENOUGH:
        return []
    return [
        f"the video has {fps:.5g} pictures a second, which no timeline has: frames and timecode of the markers count "
        f"{rate:.6g}, their seconds are exact"
    ]
