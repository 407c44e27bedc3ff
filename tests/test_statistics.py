"""The picture of what a corpus holds."""

import cv2
import numpy as np
import pytest

from cmt.corpus.folder import Entry
from cmt.corpus.intake import Rhythm
from cmt.corpus.songs import song_info
from cmt.corpus.statistics import draw_statistics, statistics_of
from cmt.music.encoding import NoteArrays
from cmt.music.words import Genre


def entry(n_bar: int, genre: Genre | None, tempo: float | None, split: str) -> Entry:
    notes = NoteArrays(*(np.array([value]) for value in (16 * n_bar - 1, 1, 60, 1)))
    return Entry(song_info("song", genre, tempo, notes), split, n_bar)


def rhythm(n_bar: int) -> Rhythm:
    """Each bar with one piano note."""
    density, strength = np.zeros(17, int), np.zeros((5, 17), int)
    density[1] = strength[1, 1] = n_bar
    return Rhythm(3 * n_bar + 1, density, strength)


SONGS = [
    (entry(10, Genre.POP, 100.0, "train"), rhythm(10)),
    (entry(30, Genre.POP, None, "train"), rhythm(30)),
    (entry(20, None, 160.0, "val"), rhythm(20)),
]


def test_the_numbers_are_sums_over_songs():
    statistics = statistics_of(SONGS)
    assert (statistics["songs"], statistics["bars"], statistics["words"]) == (3, 60, 183)
    assert statistics["splits"] == {"train": 2, "val": 1}
    assert statistics["genres"]["pop"] == {"songs": 2, "words": 122, "bars": 40}
    assert statistics["genres"]["free"]["songs"] == 1 and statistics["genres"]["rock"]["songs"] == 0
    assert statistics["tempo_classes"] == [0, 0, 1, 0, 0, 1]
    assert statistics["bars_of_a_song"] == {"0": 10, "5": 10, "25": 10, "50": 20, "75": 30, "95": 30, "100": 30}
    assert statistics["instruments"]["piano"] == {"songs": 3, "notes": 60}
    assert statistics["instruments"]["bass"] == {"songs": 0, "notes": 0}


@pytest.mark.slow
def test_the_picture_is_drawn_the_same_each_time(tmp_path):
    for name in ("one.png", "two.png"):
        draw_statistics(statistics_of(SONGS), tmp_path / name)
    content = (tmp_path / "one.png").read_bytes()
    assert content == (tmp_path / "two.png").read_bytes()
    # Not by its path: cv2 may be unable to spell it.
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (750, 1400, 3) and picture.std() > 20
