"""Picture files: told by their content, and read upright, in sRGB, as a film shows them.

Pillow decodes them. What it is asked to do is bounded: few formats, known by their first bytes, and no picture of more
than `MOST_PIXELS`, which its header says before anything is decoded.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from cmt.errors import VideoError

from .container import printable
from .signatures import signature

Image.init()
FORMATS = tuple(
    name for name in ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000", "PPM") if name in Image.OPEN
)
"""The formats that are read, as Pillow calls them, where it is built with them."""
MOST_PIXELS = 200_000_000
"""A picture has at most this many pixels: the largest that telephones take, about 16320 x 12240, is one."""
PAPER = (255, 255, 255)
"""What is transparent lies on this colour, in red, green and blue, as on the page of a browser."""
GAP = 2.0
"""A picture is first shrunk by whole numbers to at least this many times its size in the film, which is much faster."""

SLIVER = 2
"""A picture that leaves at most this many pixels beside it is stretched over them: a film's sides are even."""

# The limit of Pillow itself, which holds for all that it opens: a header that claims more is refused by it too.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What sets a picture upright, by its orientation in EXIF."""
_UNREAD = {"F": "pixels in floating point", "LAB": "colours in Lab"}
_LYING = frozenset((5, 6, 7, 8))
"""The orientations in which rows and columns are exchanged."""


class Still(NamedTuple):
    """A picture that was read."""

    colours: NDArray[np.uint8]
    """The picture (rows, columns, 3) in red, green and blue (sRGB), upright."""
    warnings: tuple[str, ...]
    """A line for each thing of the file that is not shown as it is meant."""


def is_still(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a picture that stands still, by its content; what is animated is a video."""
    kind = signature(path)
    if kind is None:
        return False
    if kind == "heif":
        return True
    try:
        with _opened(os.fspath(path)) as image:
            return not _is_animated(image) or image.format in ("WEBP", "AVIF")
    except VideoError:
        return True  # whoever reads it says what is wrong


def still_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """The width and height of a picture in pixels, upright, from its header.

    Raises
    ------
    VideoError
        If it cannot be read, is animated, or has more than `MOST_PIXELS`.
    """
    with _opened(os.fspath(path)) as image:
        _check(image, _name(path))
        width, height = image.size
        return (height, width) if _orientation(image) in _LYING else (width, height)


def read_still(path: str | os.PathLike[str], width: int, height: int) -> Still:
    """A picture as large as fits into `width` by `height` pixels, in its own shape.

    Its EXIF orientation sets it upright, its colour profile is brought to sRGB, 16 bits become 8, transparent parts lie
    on white. Of several pages the first is taken.

    Raises
    ------
    VideoError
        If it cannot be read to its end, is animated, or has more than `MOST_PIXELS`.
    """
    name = _name(path)
    notes: list[str] = []
    with _opened(os.fspath(path)) as image:
        _check(image, name)
        profile = image.info.get("icc_profile")
        turned = _orientation(image)
        box = (height, width) if turned in _LYING else (width, height)
        image.draft("RGB", box)  # a JPEG can be decoded smaller
        with _faults_told(name):
            n_page = getattr(image, "n_frames", 1)
            if n_page > 1 and image.format != "MPO":
                notes.append(f"{name}: has {n_page} pages; the first is shown")
            image.load()
            plain = _fitted(_plain(image, box, name), *box)
            upright = plain.transpose(_UPRIGHT[turned]) if turned in _UPRIGHT else plain
            shown = _in_srgb(upright, profile, name, notes)
            if image.format == "PNG":  # it has checksums, which decoding does not look at
                with Image.open(path, formats=("PNG",)) as again:
                    again.verify()
        return Still(np.ascontiguousarray(shown, dtype=np.uint8), tuple(notes))


def _name(path: str | os.PathLike[str]) -> str:
    path = os.fspath(path)
    return printable(os.path.basename(path) or path)


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    """The picture with its header read, closed at the end.

    Raises
    ------
    VideoError
        If it is none, or a larger one than may be.
    """
    name = _name(path)
    if signature(path) == "heif":
        raise VideoError(f"{name}: is a HEIC picture, which is not read here; save it as JPEG first")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as of EXIF that nobody needs
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            image = Image.open(path, formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise VideoError(
                f"{name}: has more than {MOST_PIXELS // 1_000_000} million pixels; save it smaller"
            ) from None
        except FileNotFoundError:
            raise VideoError(
                f"{name}: no such file in {os.path.dirname(os.path.abspath(path))}; check the name"
            ) from None
        except PermissionError:
            raise VideoError(f"{name}: may not be read; change its permissions") from None
        except Exception:  # decoders raise whatever they stumble over
            raise VideoError(f"{name}: not a picture that can be read; it is damaged or of another kind") from None
    with image:
        yield image


@contextmanager
def _faults_told(name: str) -> Iterator[None]:
    """Say in one line what a decoder stumbles over."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except VideoError:
            raise
        except MemoryError:
            raise VideoError(f"{name}: too large for the free memory; save it smaller") from None
        except Exception as error:  # decoders raise whatever they stumble over
            if "truncated" in str(error):
                raise VideoError(f"{name}: the picture is cut off before its end; copy or download it again") from None
            raise VideoError(
                f"{name}: the picture is damaged and cannot be decoded; copy or download it again"
            ) from None


def _check(image: Image.Image, name: str) -> None:
    if _is_animated(image):
        raise VideoError(
            f"{name}: is an animated {image.format}, not a picture; save it as a video, or save one picture of it"
        )
    if min(image.size) < 1:
        raise VideoError(f"{name}: has no pixels; leave it out")


def _is_animated(image: Image.Image) -> bool:
    """Whether it moves; pages of a TIFF and the second view of a camera's JPEG are no motion."""
    if image.format in ("TIFF", "MPO"):
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second picture: the first may be whole
        return False


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # EXIF that cannot be read says nothing
        return 1


def _plain(image: Image.Image, box: tuple[int, int], name: str) -> Image.Image:
    """The picture in 8 bits and without palette or transparency, shrunk by a whole number where that is enough."""
    if image.mode.startswith("I"):
        levels = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
        image = Image.fromarray((levels >> 8).astype(np.uint8))
    elif image.mode in _UNREAD:
        raise VideoError(f"{name}: has {_UNREAD[image.mode]}, which are not read; save it in RGB, with 8 or 16 bits")
    if image.mode in ("1", "P", "PA", "LA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    factor = int(max(image.width / box[0], image.height / box[1]) / GAP)
    if factor > 1:
        image = image.reduce(factor)
    if image.mode == "RGBA":
        page = Image.new("RGB", image.size, PAPER)
        page.paste(image, mask=image.getchannel("A"))
        return page
    return image if image.mode in ("RGB", "L", "CMYK") else image.convert("RGB")


def _fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in its shape, as large as fits; stretched by so little as `SLIVER` where that fills the space."""
    scale = min(width / image.width, height / image.height)
    wide, high = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    size = width if width - wide <= SLIVER else wide, height if height - high <= SLIVER else high
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _in_srgb(image: Image.Image, profile: bytes | None, name: str, notes: list[str]) -> Image.Image:
    """The picture in sRGB, by its colour profile if it has one that can be read."""
    plain = image.convert("RGB")
    if not profile:
        return plain
    for meant in (image, plain):  # a grey picture may have the profile of coloured ones
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(meant, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            continue
        if converted is not None:
            return converted
    notes.append(f"{name}: its colour profile cannot be used; the colours are taken for sRGB")
    return plain
