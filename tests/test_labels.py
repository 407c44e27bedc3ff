"""Genres come from LPD's lists: tagtraum before Last.fm, the most votes, of equals the one that says more."""

import pytest
from lpd import MSD_IDS as IDS
from lpd import write_lists

from cmt.corpus.labels import NO_LABELS, read_labels
from cmt.errors import CmtError
from cmt.music.words import Genre


@pytest.fixture
def labels(tmp_path):
    lists = {
        "tagtraum/id_list_Rock": [0, 1],
        "tagtraum/id_list_Jazz": [2],
        "lastfm/id_list_pop": [0, 2, 3, 4],
        "lastfm/id_list_metal": [3],
        "lastfm/id_list_dance": [4, 5],
    }
    return read_labels(write_lists(tmp_path, lists, [("a", 4), ("a", 5)]))


@pytest.mark.parametrize(
    ("ids", "genre"),
    [
        ([0], Genre.ROCK),  # whatever Last.fm says
        ([2], Genre.POP),  # jazz is none of the six
        ([3], Genre.METAL),
        ([2, 3], Genre.POP),  # two votes to one
        ([4], Genre.DANCE),
        ([2, 4], Genre.POP),
        ([6], None),
        ([], None),
        ([0, 0, 0, 4], Genre.ROCK),
    ],
)
def test_the_rule(labels, ids, genre):
    assert labels.genre_of("", [IDS[i] for i in ids]) == genre


def test_all_songs_that_a_file_was_matched_to_vote(labels):
    assert labels.genre_of("a", []) == Genre.DANCE
    assert labels.genre_of("a", [IDS[2], IDS[3]]) == Genre.POP


def test_without_lists_every_genre_is_free():
    assert NO_LABELS.genre_of("a", IDS) is None


def test_a_folder_without_lists_says_what_they_look_like(tmp_path):
    (tmp_path / "tagtraum").mkdir()
    (tmp_path / "tagtraum/id_list_Rock.txt").write_bytes(b"\xff\x00 nothing")
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CmtError, match=r"id_list_Rock\.txt"):
            read_labels(folder)
