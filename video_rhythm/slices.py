"""What the first bytes of packets of H.264 and HEVC tell: the order of pictures, and the form that they announce.

ITU-T H.264: units of the stream (7.3.1), their types (table 7-1), the header of a slice (7.3.3) and its types (table
7-6); ITU-T H.265: the types of units (table 7-1); ISO/IEC 14496-15: how units are laid out in MP4 and Matroska (5.3.3).
"""

from __future__ import annotations

from collections.abc import Iterator

N_READ = 64
"""The two numbers at the begin of a slice take fewer bytes than this."""
SLICE_UNITS = (1, 5)
"""The types of units that hold a whole slice; 5 is one of a picture from which decoding may begin."""
B_SLICES = (1, 6)
"""The types of slices that may be made of pictures that are shown later."""


_H264_SEQUENCE, _HEVC_SEQUENCE, _HEVC_NO_SLICE = 7, 33, 32
"""The types of sequence parameter sets, and the first type of HEVC's units that are no slices."""


def announced_form(packet: bytes, codec: str, extradata: bytes | None) -> frozenset[bytes]:
    """The begins of the sequence parameter sets before a packet's first slice, which state size and layout of pictures.

    None where the packet repeats none, where the file states them apart from its packets (MP4, Matroska), and for
    another codec than ``h264`` and ``hevc``.
    """
    if codec not in ("h264", "hevc") or (extradata and extradata[0] == 1):
        return frozenset()
    found = set()
    for unit in _units(packet, b""):
        kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
        if kind in SLICE_UNITS if codec == "h264" else kind < _HEVC_NO_SLICE:
            break
        if kind == (_H264_SEQUENCE if codec == "h264" else _HEVC_SEQUENCE):
            found.add(unit.partition(b"\0\0\1")[0].rstrip(b"\0"))
    return frozenset(found)


def may_be_shown_early(packet: bytes, extradata: bytes | None) -> bool:
    """Whether a packet of H.264 has a picture that may be shown before one that was decoded earlier.

    True, too, if it cannot be read: then only decoding tells. `extradata` is the stream's.
    """
    types = [_slice_type(unit) for unit in _units(packet, extradata or b"") if unit[0] & 31 in SLICE_UNITS]
    return not types or any(kind is None or kind in B_SLICES for kind in types)


def _units(packet: bytes, extradata: bytes) -> Iterator[bytes]:
    """The first bytes of each unit, never empty."""
    if len(extradata) >= 5 and extradata[0] == 1:
        n_byte = (extradata[4] & 3) + 1
        place = 0
        while place + n_byte < len(packet):
            length = int.from_bytes(packet[place : place + n_byte], "big")
            place += n_byte
            if length:
                yield packet[place : place + min(length, N_READ)]
            place += length
        return
    place = packet.find(b"\0\0\1")
    while 0 <= place < len(packet) - 3:
        yield packet[place + 3 : place + 3 + N_READ]
        place = packet.find(b"\0\0\1", place + 3)


def _slice_type(unit: bytes) -> int | None:
    """The type of a slice, behind the number of its first macroblock; None if it ends before that."""
    content = unit[1:].replace(b"\0\0\3", b"\0\0")
    bits = "".join(f"{byte:08b}" for byte in content)
    place = 0
    number = 0
    for _ in range(2):
        first = bits.find("1", place)
        length = first - place
        if first < 0 or first + length >= len(bits):
            return None
        number = int(bits[first : first + length + 1], 2) - 1
        place = first + length + 1
    return number
