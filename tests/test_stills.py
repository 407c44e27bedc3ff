"""Picture files: what is read of them, in which colours and which way up, and what is refused in one line."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from video_rhythm import VideoError
from video_rhythm.stills import FORMATS, MOST_PIXELS, is_still, read_still, still_size

CORNERS = np.array([[[200, 40, 40], [40, 160, 60]], [[40, 60, 200], [220, 200, 60]]], np.uint8)
"""Red and green above, blue and yellow below."""


def drawn(width: int = 60, height: int = 40) -> np.ndarray:
    rows, columns = np.arange(height) * 2 // height, np.arange(width) * 2 // width
    return CORNERS[rows][:, columns]


def corners_of(colours: np.ndarray) -> np.ndarray:
    """(2, 2, 3) the colour in the middle of each quarter."""
    rows, columns = colours.shape[:2]
    return colours[rows // 4 :: rows // 2][:2, columns // 4 :: columns // 2][:, :2]


@pytest.fixture
def picture():
    return Image.fromarray(drawn())


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        (".png", "RGB"),
        (".png", "P"),
        (".png", "RGBA"),
        (".jpg", "RGB"),
        (".jpg", "CMYK"),
        (".tif", "RGB"),
        (".tif", "CMYK"),
        (".bmp", "RGB"),
        (".ppm", "RGB"),
        (".gif", "RGB"),
    ],
)
def test_every_kind_has_its_own_colours(tmp_path, picture, suffix, mode):
    path = tmp_path / f"a{suffix}"
    converted = picture.quantize(16) if mode == "P" else picture.convert(mode)
    converted.save(path, **({"quality": 95, "subsampling": 0} if suffix == ".jpg" and mode == "RGB" else {}))
    assert is_still(path)
    assert still_size(path) == (60, 40)
    still = read_still(path, 60, 40)
    assert still.warnings == ()
    assert still.colours.dtype == np.uint8
    assert np.abs(corners_of(still.colours).astype(int) - CORNERS).max() <= 12


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_of_grey_become_eight(tmp_path, suffix):
    levels = np.repeat(np.array([[0, 16384, 32768, 65535]], np.uint16), 8, axis=0).repeat(8, axis=1)
    Image.fromarray(levels).save(tmp_path / f"a{suffix}")
    colours = read_still(tmp_path / f"a{suffix}", 32, 8).colours
    assert colours[4, ::8, 0].tolist() == [0, 64, 128, 255]
    assert (colours == colours[..., :1]).all()


def test_sixteen_bits_of_colour_become_eight(tmp_path):
    width, height = 4, 2
    row = b"\0" + struct.pack(">3H", 65535, 32768, 0) * width
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * height)), (b"IEND", b""))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*its) for its in chunks))
    assert read_still(tmp_path / "a.png", 4, 2).colours[0, 0].tolist() == [255, 128, 0]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def test_grey_and_black_and_white_stay_so(tmp_path, picture):
    for mode in ("L", "1"):
        picture.convert(mode).save(tmp_path / f"{mode}.png")
        colours = read_still(tmp_path / f"{mode}.png", 60, 40).colours
        assert (colours == colours[..., :1]).all()


def test_what_is_transparent_lies_on_white(tmp_path, picture):
    picture.putalpha(Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 40, axis=0).repeat(30, axis=1)))
    picture.save(tmp_path / "a.png")
    colours = read_still(tmp_path / "a.png", 60, 40).colours
    assert corners_of(colours)[:, 0].tolist() == [[255] * 3] * 2
    assert corners_of(colours)[:, 1].tolist() == CORNERS[:, 1].tolist()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_camera_says_which_way_is_up(tmp_path, picture, orientation):
    turned = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # stored so; shown turned back
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture if turned is None else picture.transpose(turned)
    stored.save(tmp_path / "a.jpg", exif=exif, quality=95, subsampling=0)
    assert still_size(tmp_path / "a.jpg") == (60, 40)
    colours = read_still(tmp_path / "a.jpg", 60, 40).colours
    assert colours.shape == (40, 60, 3)
    assert np.abs(corners_of(colours).astype(int) - CORNERS).max() <= 12


@pytest.mark.parametrize(("box", "shape"), [((30, 40), (20, 30)), ((600, 200), (200, 300)), ((61, 40), (40, 61))])
def test_a_picture_keeps_its_shape_and_fills_what_is_a_sliver(tmp_path, picture, box, shape):
    picture.save(tmp_path / "a.png")
    assert read_still(tmp_path / "a.png", *box).colours.shape == (*shape, 3)


def test_a_large_jpeg_is_decoded_smaller_and_is_the_same(tmp_path):
    Image.fromarray(drawn(1600, 1200)).save(tmp_path / "a.jpg", quality=95)
    colours = read_still(tmp_path / "a.jpg", 160, 120).colours
    assert np.abs(corners_of(colours).astype(int) - CORNERS).max() <= 12


def test_a_colour_profile_is_obeyed_and_a_broken_one_is_told(tmp_path, picture):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture.save(tmp_path / "srgb.png", icc_profile=profile)
    still = read_still(tmp_path / "srgb.png", 60, 40)
    assert still.warnings == ()
    assert np.abs(corners_of(still.colours).astype(int) - CORNERS).max() <= 2
    picture.save(tmp_path / "broken.png", icc_profile=b"no profile")
    still = read_still(tmp_path / "broken.png", 60, 40)
    assert still.warnings == ("broken.png: its colour profile cannot be used; the colours are taken for sRGB",)
    assert corners_of(still.colours).tolist() == CORNERS.tolist()
    # Red and blue exchanged: a profile whose primaries are not those of sRGB.
    exchanged = bytearray(profile)
    red, blue = exchanged.index(b"rXYZ"), exchanged.index(b"bXYZ")
    exchanged[red : red + 4], exchanged[blue : blue + 4] = b"bXYZ", b"rXYZ"
    picture.save(tmp_path / "other.png", icc_profile=bytes(exchanged))
    colours = corners_of(read_still(tmp_path / "other.png", 60, 40).colours).astype(int)
    assert np.abs(colours - CORNERS[..., ::-1]).max() <= 3


def test_of_several_pages_the_first_is_shown(tmp_path, picture):
    pages = [Image.new("RGB", (60, 40), (0, 0, 0))] * 2
    picture.save(tmp_path / "a.tif", save_all=True, append_images=pages)
    still = read_still(tmp_path / "a.tif", 60, 40)
    assert still.warnings == ("a.tif: has 3 pages; the first is shown",)
    assert corners_of(still.colours).tolist() == CORNERS.tolist()


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_what_moves_is_a_video(tmp_path, picture, suffix):
    others = [Image.fromarray(np.roll(drawn(), 10 * k, axis=1)) for k in range(1, 4)]
    picture.save(tmp_path / f"a{suffix}", save_all=True, append_images=others, duration=200)
    assert not is_still(tmp_path / f"a{suffix}")
    with pytest.raises(VideoError, match=rf"^a\{suffix}: is an animated \w+, not a picture; save it as a video"):
        read_still(tmp_path / f"a{suffix}", 60, 40)


@pytest.mark.skipif("WEBP" not in FORMATS, reason="this Pillow is built without WebP")
def test_an_animated_webp_which_ffmpeg_cannot_read_is_told(tmp_path, picture):
    others = [Image.fromarray(np.roll(drawn(), 10 * k, axis=1)) for k in range(1, 4)]
    picture.save(tmp_path / "a.webp", save_all=True, append_images=others, duration=200)
    assert is_still(tmp_path / "a.webp")
    with pytest.raises(VideoError, match=r"^a\.webp: is an animated WEBP, not a picture; save it as a video"):
        still_size(tmp_path / "a.webp")


def test_the_content_says_what_it_is_not_the_name(tmp_path, picture):
    picture.save(tmp_path / "a.jpg")
    for name in ("a", "a.mp4", "a.txt"):
        (tmp_path / name).write_bytes((tmp_path / "a.jpg").read_bytes())
        assert is_still(tmp_path / name)
    (tmp_path / "video.jpg").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(50))
    (tmp_path / "text.bmp").write_bytes(b"BMW is no bitmap")
    for name in ("video.jpg", "text.bmp", "nothing.jpg", "."):
        assert not is_still(tmp_path / name)


def shortened(content: bytes) -> bytes:
    return content[: len(content) // 2]


def scrambled(content: bytes) -> bytes:
    return content[:-400] + bytes(200) + content[-200:]


def noisy() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_what_is_cut_off_is_told(tmp_path, suffix):
    noisy().save(tmp_path / f"a{suffix}")
    (tmp_path / f"a{suffix}").write_bytes(shortened((tmp_path / f"a{suffix}").read_bytes()))
    with pytest.raises(VideoError, match=rf"^a\{suffix}: (the|not a) picture .*(copy or download it again|damaged)"):
        read_still(tmp_path / f"a{suffix}", 60, 40)


def test_what_is_damaged_is_told(tmp_path):
    noisy().save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(scrambled((tmp_path / "a.png").read_bytes()))
    with pytest.raises(VideoError, match=r"^a\.png: the picture is damaged and cannot be decoded; copy or download it"):
        read_still(tmp_path / "a.png", 60, 40)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (20_000, MOST_PIXELS // 20_000 + 1)])
def test_a_huge_picture_is_refused_by_its_header(tmp_path, width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*its) for its in chunks))
    with pytest.raises(VideoError, match=r"^a\.png: has more than 200 million pixels; save it smaller$"):
        still_size(tmp_path / "a.png")


def test_pillow_itself_refuses_what_we_do():
    assert Image.MAX_IMAGE_PIXELS == MOST_PIXELS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.heic",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
            "is a HEIC picture, which is not read here; save",
        ),
        ("a.jpg", b"\xff\xd8\xff" + bytes(99), "not a picture that can be read; it is damaged or of another kind"),
        ("a.jpg", b"no picture", "not a picture that can be read; it is damaged or of another kind"),
    ],
)
def test_what_cannot_be_read_is_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=rf"^{name}: {message}"):
        still_size(tmp_path / name)


def test_floating_point_is_not_read(tmp_path):
    Image.fromarray(np.zeros((8, 8), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(VideoError, match=r"^a\.tif: has pixels in floating point, which are not read; save it in RGB"):
        read_still(tmp_path / "a.tif", 8, 8)


def test_no_file_is_told(tmp_path):
    with pytest.raises(VideoError, match=r"^a\.jpg: no such file in .*; check the name$"):
        still_size(tmp_path / "a.jpg")
