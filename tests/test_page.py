"""The page beside the music, without a browser: what is in it, and that it is safe."""

import json
import os
import re
from dataclasses import replace

import av
import numpy as np
import pytest
from clips import draw_clip
from pages import HOSTILE, RATE, media_of_clip, shown_of_clip, tone

from cmt.film.embedded import embedded_picture, embedded_sound, sound_of_file
from cmt.page.page import Media, as_json, page_of, write_page
from cmt.page.wording import label_of_take, reasons_of_take, shares_of_take
from cmt.report.parts import Take
from midi_io.audio_file import write_audio

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory, checkpoint):
    folder = tmp_path_factory.mktemp("page")
    shown, clip = shown_of_clip(folder, checkpoint, title=HOSTILE)
    return shown, media_of_clip(clip), folder


def content_in(page):
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_holds_all_lanes(made):
    shown, media, _ = made
    content = content_in(page_of(shown, media))
    assert content["duration"] == 4.0 and content["borders"][0] == 0 and content["borders"][-1] == 4.0
    assert [take["label"] for take in content["takes"]] == ["A", "B"]
    n_bar = len(content["borders"]) - 1
    for take in content["takes"]:
        assert take["notes"] and take["reasons"] and take["shares"]
        assert len(take["asked"]) == len(take["obtained"]) == len(take["chords"]) == n_bar
        assert all(0 <= begin <= end <= 4.0 for _, begin, end, _, _ in take["notes"])
    picture = content["picture"]
    assert picture["speed"] and picture["scenes"] and picture["thumbnails"]
    assert len(picture["thumbnails"]) <= 32
    assert [take["report"] for take in content["takes"]] == ["clip.json", "clip.take2.json"]
    assert [event["kind"] for event in content["sounds"]["events"]] == ["wind", "hit", "whoosh"]
    assert content["film"] == {"kind": "embedded"} and content["stems"] == ["piano", "drums"]


def test_a_name_cannot_become_markup(made):
    shown, media, _ = made
    page = page_of(shown, media)
    assert HOSTILE not in page and "<img src=x" not in page
    assert content_in(page)["title"] == HOSTILE
    assert page.count("</script>") == page.count("<script")


def test_nothing_is_loaded_from_elsewhere(made):
    shown, media, _ = made
    page = page_of(replace(shown, files=["javascript:alert(1)", "a b#?.mid"]), media)
    assert "http:" not in page and "https:" not in page
    assert 'href="./javascript%3Aalert%281%29"' in page and 'href="./a%20b%23%3F.mid"' in page
    assert "default-src 'none'" in page


def test_the_same_piece_gives_the_same_page(made, tmp_path):
    shown, media, folder = made
    write_page(shown, media, tmp_path / "one.html")
    again = media_of_clip(folder / "clip.mp4")
    write_page(shown, again, tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_large_film_lies_beside(made):
    shown, media, _ = made
    media = replace(media, picture=None, film="ein Film #1.mp4")
    content = content_in(page_of(shown, media))
    assert content["film"] == {"kind": "beside", "name": "ein Film #1.mp4", "address": "./ein%20Film%20%231.mp4"}


def test_names_that_are_not_utf_8_are_shown_and_their_addresses_are_their_bytes(made, tmp_path):
    shown, _, _ = made
    name = os.fsdecode(b"caf\xe9.mid")
    write_page(replace(shown, title=name, files=(name,)), Media(film=name), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "caf?.mid" in page and "./caf%E9.mid" in page


def test_json_in_a_script_ends_nowhere():
    text = as_json(["</script>", "<!--", "\u2028", "ä"])
    assert "<" not in text and "&" not in text and text.isascii()
    assert json.loads(text) == ["</script>", "<!--", "\u2028", "ä"]


def test_what_browsers_do_not_play_is_not_put_into_the_page(tmp_path):
    assert embedded_picture(draw_clip(tmp_path / "old.mp4", 1.0), 10**7) is None
    clip = draw_clip(tmp_path / "new.mp4", 1.0, codec="libx264")
    picture = embedded_picture(clip, 10**7)
    assert picture is not None and embedded_picture(clip, len(picture) // 4) is None
    (tmp_path / "picture.mp4").write_bytes(picture)
    with av.open(str(tmp_path / "picture.mp4")) as container:
        assert len(container.streams) == 1
        assert sum(1 for _ in container.decode(video=0)) == 12


@pytest.mark.parametrize("suffix", ["flac", "m4a", "mp3", "ogg", "wav"])
def test_sound_is_read_back_in_time(tmp_path, suffix):
    sound = np.zeros((RATE, 2), np.float32)
    sound[RATE // 2 : RATE // 2 + 400] = 0.5
    write_audio(sound, tmp_path / f"click.{suffix}", RATE)
    read = np.asarray(sound_of_file(tmp_path / f"click.{suffix}", RATE, RATE, tmp_path))
    assert read.shape == (RATE, 2)
    assert abs(int(np.argmax(np.abs(read[:, 0]) > 0.2)) - RATE // 2) < 60


def test_sound_for_a_page_is_small():
    assert len(tone(220, 4.0)) < 4.0 * 128_000 / 8 * 1.3
    assert embedded_sound(np.zeros((RATE, 2), np.float32), RATE)[4:8] == b"ftyp"


def take(score=0.9, match=None, likeness=None, mood=None, rejected=(), unlike=()):
    return Take(1, None, tuple(rejected), score, match, likeness, tuple(unlike), mood)


def test_takes_have_reasons_in_words():
    takes = [
        take(match=0.95, likeness=1.0, mood=0.6),
        take(match=0.80, likeness=1.0, mood=0.7, unlike=("polyphony 9.00 (real songs 1.00 to 5.00)",)),
        take(match=0.95, likeness=1.0, mood=0.6),
        take(rejected=("one bar looped",)),
    ]
    assert reasons_of_take(takes, 0) == ["The best: it does more of what was asked than B."]
    assert reasons_of_take(takes, 1) == [
        "A does more of what was asked.",
        "Unusual: notes that sound at once 9.00 (real songs 1.00 to 5.00).",
    ]
    assert reasons_of_take(takes, 2) == ["Almost as good as A."]
    assert reasons_of_take(takes, 3) == ["Rejected: one bar looped."]
    assert reasons_of_take([takes[0], takes[3]], 0) == ["The best, because every other take was rejected."]
    assert reasons_of_take(takes[1:2], 0) == ["Unusual: notes that sound at once 9.00 (real songs 1.00 to 5.00)."]
    assert shares_of_take(takes[0]) == [
        ("Does what was asked", 0.95),
        ("Close to real songs", 1.0),
        ("Mood as asked", 0.6),
    ]
    assert [label_of_take(number) for number in (0, 25, 26)] == ["A", "Z", "27"]


def test_a_page_without_sound_and_film(made):
    shown, _, _ = made
    content = content_in(page_of(shown, Media(sounds=[None, None])))
    assert content["film"] is None and content["sound"] is None and content["heard"] == [False, False]
