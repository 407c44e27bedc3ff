"""The first bytes by which a picture file is known, whatever it is called."""

from __future__ import annotations

import os
import re
from typing import Literal, TypeAlias

STILL_SUFFIXES = frozenset(".avif .bmp .heic .heif .jp2 .jpe .jpeg .jpg .pgm .png .ppm .tif .tiff .webp".split())
"""The endings, in lower case, of files that are meant to be pictures, whatever is in them."""
_MAGIC = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*",
    b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51",
)  # fmt: skip
_PNM = re.compile(rb"P[2356][ \t\r\n#]")
_BMP_HEADERS = frozenset((12, 16, 40, 52, 56, 64, 108, 124))
"""The sizes of a BMP's second header; its first two bytes alone could be anybody's."""
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))

Signature: TypeAlias = Literal["picture", "heif"]
"""What the first bytes of a file speak for: a picture, which may move, or one of HEIF, such as HEIC."""


def signature(path: str | os.PathLike[str]) -> Signature | None:
    """What the first bytes of a file speak for; None for what is no picture, or no file that may be read."""
    path = os.fspath(path)
    if path.lower().endswith((".mjpeg", ".mjpg")):
        return None  # JPEGs one after another, which only the name tells from a single one
    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            head = file.read(32)
    except (OSError, ValueError):
        return None
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS | _AVIF_BRANDS:
        brands = {head[8:12], *(head[k : k + 4] for k in range(16, len(head) - 3, 4))}
        return "picture" if brands & _AVIF_BRANDS else "heif"
    if head.startswith(_MAGIC) or (head.startswith(b"RIFF") and head[8:12] == b"WEBP"):
        return "picture"
    is_bmp = head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS
    return "picture" if is_bmp or _PNM.match(head) else None
