"""The picture of a video, packet by packet and picture by picture, with times that are put right.

The analysis reads pictures, the film copies packets or encodes pictures; both get them from here, so that they agree
on which there are and when each is shown.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
import av.container
import av.error
import av.format
import av.video.frame
import av.video.stream

from .container import claimed_rate
from .limits import LARGEST_PROBE, LONGEST_STILL, N_PROBED, READ_ERRORS_IN_A_ROW
from .slices import may_be_shown_early
from .stamps import Stamps

DEFAULT_RATE = Fraction(25)
"""The pictures a second of a stream that says nothing credible about it."""


def is_broadcast(container: av.container.InputContainer) -> bool:
    """Whether the clock of this format may start anew anywhere."""
    return bool(av.format.Flags(container.format.flags) & av.format.Flags.ts_discont)


def readable_packets(
    container: av.container.InputContainer, stream: Any, failed: Callable[[bool], object] = lambda gave_up: None
) -> Iterator[Any]:
    """The packets of a stream, without empty ones; the reading goes on behind what cannot be read.

    `failed` is called each time that something could not be read, with whether the rest of the file is given up.
    """
    failures = 0
    while failures < READ_ERRORS_IN_A_ROW:
        try:
            for packet in container.demux(stream):
                failures = 0
                if packet.size:
                    yield packet
            return
        except av.error.FFmpegError:
            failures += 1
            failed(failures == READ_ERRORS_IN_A_ROW)


class PictureReader:
    """The packets and pictures of a stream; ask for either once.

    Parameters
    ----------
    container, stream
        An open file and its picture.
    """

    def __init__(self, container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> None:
        self._container, self._stream = container, stream
        self.step = 1 / (claimed_rate(stream) or DEFAULT_RATE)
        """The seconds that a picture lasts if nothing else is known."""
        self.stamps = Stamps(stream.time_base or Fraction(1, 90000), self.step, broadcast=is_broadcast(container))
        self.without_show_times = False
        """Whether the file says when pictures are decoded and not when they are shown, though the order differs. They
        are then shown at the times of decoding, in the order in which they come out of the decoder."""
        self.damage = 0
        """How often something could not be read or decoded so far."""
        self.gave_up = False
        """Whether reading failed so often that the rest of the file was given up."""
        self.start: Fraction | None = None
        """When the first picture is shown, as far as read, in seconds of the clock that is put right; None without
        times."""
        self.end: Fraction | None = None
        """When the last one has been shown."""

    @property
    def time_base(self) -> Fraction:
        """The seconds of a tick of packets and pictures."""
        return self._stream.time_base or Fraction(1, 90000)

    def packets(self) -> Iterator[Any]:
        """The packets from the first key picture on, their stamps put right; a failed read is passed over.

        Pictures that follow the first key picture in the file and are shown before it need others that are missing.
        """
        first_shown: int | None = None
        for packet in self._from_key_picture():
            self.stamps.put_right(packet)
            if first_shown is None and packet.is_keyframe:
                first_shown = packet.pts
            led = packet.pts is not None and first_shown is not None and packet.pts < first_shown
            if led and not packet.is_discard and not self.without_show_times and not self.stamps.n_restart:
                continue
            self._note_times(packet)
            yield packet

    def _note_times(self, packet: Any) -> None:
        shown_at = packet.dts if packet.pts is None or self.without_show_times else packet.pts
        if packet.is_discard or shown_at is None:
            return
        length = (packet.duration or 0) * self.time_base
        begin = shown_at * self.time_base
        end = begin + (length if 0 < length <= LONGEST_STILL else self.step)
        self.start = begin if self.start is None else min(self.start, begin)
        self.end = end if self.end is None else max(self.end, end)

    def pictures(self) -> Iterator[av.video.frame.VideoFrame]:
        """The pictures in the order in which they are shown, each with its stamp in `time_base` or None.

        Those that come damaged are left out. A decoder's memory of times is not trusted where the file has none.
        """
        waiting: list[int] = []
        for packet in self.packets():
            stamp = packet.dts if packet.dts is not None else packet.pts
            if self.without_show_times and stamp is not None and not packet.is_discard:
                heapq.heappush(waiting, stamp)
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                self.damage += 1
                if self.without_show_times and stamp in waiting:
                    waiting.remove(stamp)
                    heapq.heapify(waiting)
                continue
            yield from self._stamped(decoded, waiting)
        try:
            yield from self._stamped(self._stream.decode(None), waiting)
        except av.error.FFmpegError:
            self.damage += 1

    def _count_failure(self, gave_up: bool) -> None:
        self.damage += 1
        self.gave_up = self.gave_up or gave_up

    def _stamped(self, decoded: list[Any], waiting: list[int]) -> Iterator[av.video.frame.VideoFrame]:
        for picture in decoded:
            if self.without_show_times and waiting:
                picture.pts = heapq.heappop(waiting)
            if picture.is_corrupt:
                self.damage += 1
            else:
                yield picture

    def _from_key_picture(self) -> Iterator[Any]:
        """The packets of the file; how it means its stamps is known before the first one."""
        read = readable_packets(self._container, self._stream, self._count_failure)
        ahead: list[Any] = []
        size = 0
        may_reorder = bool(self._stream.codec_context.has_b_frames)
        for packet in read:
            ahead.append(packet)
            size += packet.size
            enough = not may_reorder and packet.is_keyframe
            if enough or len(ahead) >= N_PROBED or size >= LARGEST_PROBE:
                break
        if may_reorder:
            self.without_show_times = _without_show_times(self._stream, ahead)
        # A stream without any key picture is for the decoder to make sense of.
        first = next((number for number, packet in enumerate(ahead) if packet.is_keyframe), 0)
        yield from ahead[first:]
        del ahead
        yield from read


def _without_show_times(stream: av.video.stream.VideoStream, packets: list[Any]) -> bool:
    """Whether packets of a codec that reorders pictures are stamped in the order of decoding."""
    # Where the stamps start again, the order of the pictures on both sides tells nothing.
    falls = (n for n in range(1, len(packets)) if (packets[n].dts or 0) < (packets[n - 1].dts or 0))
    packets = packets[: next(falls, len(packets))]
    shown = [packet for packet in packets if not packet.is_discard]
    if len(shown) < 2 or any(packet.dts is None for packet in shown):
        return False
    leads = {packet.pts - packet.dts for packet in shown if packet.pts is not None}
    if len(leads) > 1:
        return False
    # That is how a stream looks, too, that might reorder its pictures and does not: its pictures tell.
    extradata = stream.codec_context.extradata
    if stream.codec_context.name == "h264" and not any(may_be_shown_early(bytes(one), extradata) for one in packets):
        return not leads
    decoder: Any = av.CodecContext.create(stream.codec_context.codec.name, "r")
    decoder.extradata = extradata
    last = None
    for packet in [*packets, None]:
        try:
            decoded = decoder.decode(packet)
        except av.error.FFmpegError:
            continue
        for picture in decoded:
            if last is not None and picture.pts is not None and picture.pts < last:
                return True
            last = picture.pts if picture.pts is not None else last
    return not leads
