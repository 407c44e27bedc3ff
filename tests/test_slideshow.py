"""Pictures one after another: their film's size and frames, their order, and that they change on bars."""

import os
from pathlib import Path

import numpy as np
import pytest
from pictures import blots, draw_pictures_files

from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.machine.pictures import find_pictures, in_order, name_of_pictures
from cmt.planning.slides import place_slides
from cmt.planning.wishes import Wishes
from video_rhythm import VideoError
from video_rhythm.slideshow import FRAME_RATE, TICKS, film_size, frame_times, open_album


@pytest.fixture(scope="module")
def albums(tmp_path_factory):
    folder = tmp_path_factory.mktemp("albums")
    files = draw_pictures_files(folder, 12)
    return {n: open_album(files[:n]) for n in (1, 3, 5, 12)}


@pytest.mark.parametrize(
    ("sizes", "film"),
    [
        ([(6000, 4000)], (1620, 1080)),
        ([(4000, 6000)], (1080, 1620)),
        ([(3840, 2160), (1920, 1080)], (1920, 1080)),
        ([(1080, 1920)], (1080, 1920)),
        ([(801, 601)], (800, 600)),
        ([(1, 1)], (640, 640)),
        ([(5000, 40)], (1920, 800)),
        ([(4000, 3000), (3000, 4000), (4000, 3000)], (1920, 1080)),
        ([(3000, 4000), (3000, 4000), (4000, 3000)], (1080, 1920)),
        ([(100, 100), (160, 90)], (640, 360)),
    ],
)
def test_a_film_has_the_shape_of_its_pictures(sizes, film):
    width, height = film_size(sizes)
    assert (width, height) == film
    assert width % 2 == height % 2 == 0


def test_each_picture_begins_at_its_border_to_the_tick():
    borders = [0.0, 1.0, 2.345678, 4.0]
    frames = list(frame_times(borders))
    ticks = np.array([tick for _, tick in frames])
    begins = [tick for k, (number, tick) in enumerate(frames) if k == 0 or number != frames[k - 1][0]]
    assert begins == [round(border * TICKS) for border in borders[:-1]]
    steps = np.diff([*ticks, 4 * TICKS]) / TICKS * FRAME_RATE
    assert steps.min() >= 0.5
    assert steps.max() <= 1.5
    assert len(frames) == 4 * FRAME_RATE


def is_on(times, lines) -> bool:
    return bool(np.abs(np.subtract.outer(times, lines)).min(axis=1).max() < 1e-9)


@pytest.mark.parametrize(
    "wishes",
    [
        Wishes(),
        Wishes(length=20),
        Wishes(length=61.3),
        Wishes(seconds_per_picture=2),
        Wishes(seconds_per_picture=5, tempo=100),
        Wishes(length=30, tempo=100),
        Wishes(tempo_range=(100, 110)),
        Wishes(markers=(Marker(2.5),)),
        Wishes(markers=(Marker(2.5), Marker(7.1)), tempo_map=True),
    ],
    ids=lambda wishes: None,
)
@pytest.mark.parametrize("n", [1, 3, 5])
def test_pictures_change_on_bar_lines_and_the_cuts_are_seen(albums, n, wishes):
    placed = place_slides(albums[n], wishes)
    assert is_on(placed.borders[:-1], placed.grid.bar_borders)
    assert len(placed.borders) == n + 1
    assert placed.borders[-1] == placed.duration == placed.rhythm.duration == placed.grid.duration
    assert np.diff(placed.borders).min() >= 0.5
    assert np.abs(np.array(placed.rhythm.cuts) - placed.borders[1:-1]).max(initial=0) <= 1 / TICKS
    if wishes.length is not None:
        assert placed.duration == wishes.length


@pytest.mark.parametrize("n", [3, 5, 12])
@pytest.mark.parametrize("wishes", [Wishes(), Wishes(length=30), Wishes(seconds_per_picture=2.4)], ids=lambda _: None)
def test_pictures_last_alike_unless_a_tempo_is_asked_for(albums, n, wishes):
    placed = place_slides(albums[n], wishes)
    assert np.ptp(np.diff(placed.borders)) < 1e-9
    assert placed.warnings == ()
    assert 70 <= placed.grid.tempo <= 160


def test_seconds_that_nobody_asks_for_are_about_four_and_whole_frames(albums):
    lasts = np.diff(place_slides(albums[5], Wishes()).borders)
    assert 3 <= lasts[0] <= 5.5
    assert lasts[0] * FRAME_RATE == pytest.approx(round(lasts[0] * FRAME_RATE))


def test_seconds_that_are_asked_for_are_exact(albums):
    for seconds in (1.5, 2.0, 3.3, 4.0, 7.0, 20.0):
        assert np.diff(place_slides(albums[3], Wishes(seconds_per_picture=seconds)).borders) == pytest.approx(seconds)


def test_one_picture_alone_is_shown_for_twenty_seconds(albums):
    assert place_slides(albums[1], Wishes()).duration == 20


def test_nothing_moves_and_the_music_that_suits_is_slow(albums):
    placed = place_slides(albums[1], Wishes(length=20))
    assert placed.rhythm.flow.speed.max() == 0
    assert placed.rhythm.visual_beats == ()
    assert placed.grid.tempo < 90
    assert len(placed.rhythm.scenes) == 1


def test_pictures_faster_than_bars_change_on_parts_of_bars_and_that_is_said(albums):
    placed = place_slides(albums[12], Wishes(seconds_per_picture=0.7))
    beats = [placed.grid.seconds(4 * k) for k in range(4 * placed.grid.n_bar + 1)]
    assert is_on(placed.borders[:-1], beats)
    (warning,) = placed.warnings
    assert warning == "12 pictures in 3 bars: they change on beats, not on bar lines only"


def test_what_does_not_go_together_is_said(albums):
    (warning,) = place_slides(albums[5], Wishes(length=20, tempo=100)).warnings
    assert warning.startswith(
        "pictures are shown for 2.40 to 4.80 s: 5 do not share 9 bars alike; with another `length`"
    )
    (warning,) = place_slides(albums[3], Wishes(seconds_per_picture=5, tempo=100)).warnings
    assert warning == (
        "`seconds_per_picture`: each picture is shown for 4.80 s, not 5, so that it changes with the music"
    )


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (
            Wishes(length=3),
            r"12 pictures in 3 s: each would be shown for 0.25 s, less than 0.5 s; give a longer `length`",
        ),
        (Wishes(length=7, tempo=40), r"12 pictures in 7 s of music at 40 BPM: more than its beats; give a longer"),
        (Wishes(length=20, markers=(Marker(21),)), "21 s lies outside"),
    ],
    ids=lambda wishes: None,
)
def test_what_cannot_be_is_one_line(albums, wishes, message):
    with pytest.raises(CmtError, match=message):
        place_slides(albums[12], wishes)


def test_an_album_needs_pictures_and_not_too_many():
    with pytest.raises(VideoError, match=r"^no pictures; give one or more$"):
        open_album([])
    with pytest.raises(VideoError, match=r"^2001 pictures: a slideshow has at most 2000; leave some out$"):
        open_album([Path("a.jpg")] * 2001)


@pytest.mark.parametrize(
    ("given", "ordered"),
    [
        ("img1 img10 img2", "img1 img2 img10"),
        ("B2 a1 A10", "a1 A10 B2"),
        ("007 07 7", "007 07 7"),
        ("x/2 x/10 w/3", "w/3 x/2 x/10"),
    ],
)
def test_names_are_ordered_as_people_count(given, ordered):
    assert [str(file) for file in in_order(map(Path, given.split()))] == ordered.split()


def shown(places, output=None) -> list[str]:
    return [file.name for file in find_pictures([Path(place) for place in places], output).files]


def test_files_come_in_the_order_of_their_names_or_in_that_which_is_meant(tmp_path):
    files = draw_pictures_files(tmp_path, 10)
    assert shown(sorted(files)) == [file.name for file in files]
    assert shown([files[2], files[0]]) == ["img3.png", "img1.png"]


def test_a_folder_of_pictures_is_one_slideshow_and_one_with_videos_is_not(tmp_path):
    draw_pictures_files(tmp_path / "a", 3)
    draw_pictures_files(tmp_path / "a" / "more", 1)
    (tmp_path / "a" / "notes.txt").write_text("none")
    (tmp_path / "a" / ".hidden.png").write_text("none")
    (tmp_path / "a" / "out").mkdir()
    blots(9).save(tmp_path / "a" / "out" / "a.png")
    found = find_pictures([tmp_path / "a"], tmp_path / "a" / "out")
    assert [str(file.relative_to(tmp_path / "a")) for file in found.files] == [
        "img1.png",
        "img2.png",
        "img3.png",
        str(Path("more") / "img1.png"),
    ]
    assert found.n_other == 1
    (tmp_path / "a" / "clip.mp4").write_bytes(b"")
    assert find_pictures([tmp_path / "a"]).files == ()


def test_a_gif_that_stands_still_is_a_picture_in_a_folder_and_one_that_moves_a_video(tmp_path):
    blots(0).save(tmp_path / "a.gif")
    assert shown([tmp_path]) == ["a.gif"]
    blots(0).save(tmp_path / "a.gif", save_all=True, append_images=[blots(1), blots(2)])
    assert shown([tmp_path]) == []


def test_a_file_that_only_its_name_calls_a_picture_is_not_passed_over(tmp_path):
    draw_pictures_files(tmp_path, 1)
    (tmp_path / "img2.jpg").write_bytes(b"nothing")
    assert shown([tmp_path]) == ["img1.png", "img2.jpg"]


def test_what_is_named_must_go_together(tmp_path):
    first, _ = draw_pictures_files(tmp_path / "a", 2)
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(CmtError, match=r"clip\.mp4: is no picture, and .*img1\.png is one; name pictures alone, or"):
        find_pictures([first, tmp_path / "clip.mp4"])
    with pytest.raises(CmtError, match=r"img1\.png: is a picture, and others come in folders; name either files or"):
        find_pictures([first, tmp_path / "a"])
    with pytest.raises(CmtError, match=r"results would lie among the pictures; choose another `folder`"):
        find_pictures([tmp_path / "a"], tmp_path / "a")
    (tmp_path / "none").mkdir()
    with pytest.raises(
        CmtError, match=r"none: no videos and no pictures in it \(other files: 0\); the names of videos"
    ):
        find_pictures([tmp_path / "none"])


def test_a_name_that_is_no_text_is_read(tmp_path):
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png"))
    try:
        blots(0).save(file)
    except OSError:
        pytest.skip("this file system takes text only")
    assert open_album([file]).path == str(file)


def test_a_film_is_called_as_its_picture_or_its_folder(tmp_path):
    assert name_of_pictures([Path("x/a.b.jpg")]) == "a.b"
    assert name_of_pictures([tmp_path / "trip" / "a.jpg", tmp_path / "trip" / "b.jpg"]) == "trip"
    assert name_of_pictures([Path("x/a.jpg"), Path("y/b.jpg")]) == "slideshow"
    assert name_of_pictures([Path("/a.jpg"), Path("/b.jpg")]) == "slideshow"
