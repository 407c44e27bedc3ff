"""A prepared corpus is read as it was written, and a damaged or an older one is named."""

import json
import lzma

import numpy as np
import pytest
from packs import write_pack

from cmt.corpus.folder import SONGS, Entry, write_folder
from cmt.corpus.reading import read_corpus
from cmt.corpus.songs import song_info
from cmt.errors import CmtError
from cmt.music.encoding import NoteArrays
from cmt.music.words import Genre


def notes_of(seed: int) -> NoteArrays:
    rng = np.random.default_rng(seed)
    n_note = 20 + seed
    return NoteArrays(
        np.sort(rng.integers(0, 200, n_note)),
        rng.integers(0, 5, n_note),
        rng.integers(30, 90, n_note),
        rng.integers(1, 8, n_note),
    )


@pytest.fixture
def written(tmp_path):
    """Three songs to train on, two held out."""
    songs = [notes_of(seed) for seed in range(5)]
    genres = [Genre.POP, None, Genre.METAL, None, Genre.ROCK]
    infos = [song_info(f"song{i}", genres[i], None if i == 1 else 99.5, songs[i]) for i in range(5)]
    entries = [Entry(infos[i], "train" if i < 3 else "val", len(songs[i].position)) for i in range(5)]
    types = NoteArrays(np.int32, np.uint8, np.uint8, np.uint8)
    columns = (
        (name, np.concatenate([getattr(song, name) for song in songs]).astype(getattr(types, name)))
        for name in NoteArrays._fields
    )
    write_folder(tmp_path, entries, columns)
    return tmp_path, infos, songs


def rewrite(folder, change):
    content = json.loads((folder / SONGS).read_text())
    change(content)
    (folder / SONGS).write_text(json.dumps(content))


def test_read_corpus_inverts_write_folder(written):
    folder, infos, songs = written
    for split, chosen in (("train", range(3)), ("val", range(3, 5))):
        corpus = read_corpus([folder], split)
        assert corpus.songs == tuple(infos[i] for i in chosen)
        for index, i in enumerate(chosen):
            for read, wrote in zip(corpus.notes_of(index), songs[i], strict=True):
                assert read.tolist() == wrote.tolist()


def test_the_notes_stay_on_disk(written):
    corpus = read_corpus([written[0]], "val")
    assert all(isinstance(column, np.memmap) for column in corpus.notes)


def test_folders_and_packs_are_joined(written, tmp_path_factory):
    pack = write_pack(tmp_path_factory.mktemp("pack"))
    alone = [read_corpus([path], "train") for path in (written[0], pack)]
    both = read_corpus([written[0], pack], "train")
    assert both.songs == alone[0].songs + alone[1].songs
    n_first = len(alone[0].songs)
    for index in range(len(both.songs)):
        part, i = (alone[0], index) if index < n_first else (alone[1], index - n_first)
        for joined, single in zip(both.notes_of(index), part.notes_of(i), strict=True):
            assert joined.tolist() == single.tolist()


@pytest.mark.parametrize(("name", "value"), [("vocabulary", 999), ("format", 0), ("format", None)])
def test_a_corpus_of_another_version_says_how_to_make_it_anew(written, name, value):
    rewrite(written[0], lambda content: content.update({name: value}))
    with pytest.raises(CmtError, match=r"vocabulary .* anew with cmt prepare"):
        read_corpus([written[0]], "train")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["songs"].pop(),
        lambda content: content["songs"][0].pop("genre"),
        lambda content: content["songs"][0].update(genre="polka"),
        lambda content: content["songs"][0].update(n_note=-5),
        lambda content: content["songs"][0].update(n_bar=0),
        lambda content: content["songs"][1].update(split="val"),
        lambda content: content.update(songs=7),
    ],
)
def test_a_damaged_list_of_songs_is_named(written, change):
    rewrite(written[0], change)
    with pytest.raises(CmtError, match=r"damaged.* anew with cmt prepare"):
        read_corpus([written[0]], "train")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"[]"])
def test_a_list_that_is_none_is_named(written, content):
    (written[0] / SONGS).write_bytes(content)
    with pytest.raises(CmtError, match="anew with cmt prepare"):
        read_corpus([written[0]], "train")


def test_a_damaged_column_is_named(written):
    whole = (written[0] / "pitch.npy").read_bytes()
    for content in (b"", b"no array", whole[:-3]):
        (written[0] / "pitch.npy").write_bytes(content)
        with pytest.raises(CmtError, match=r"pitch\.npy"):
            read_corpus([written[0]], "train")
    np.save(written[0] / "pitch.npy", np.zeros(7, np.int64))
    with pytest.raises(CmtError, match=r"pitch\.npy: damaged"):
        read_corpus([written[0]], "train")
    (written[0] / "pitch.npy").unlink()
    with pytest.raises(CmtError, match=r"pitch\.npy"):
        read_corpus([written[0]], "train")


def test_a_column_with_pickles_inside_is_refused(written):
    np.save(written[0] / "pitch.npy", np.array([{}] * 110, dtype=object), allow_pickle=True)
    with pytest.raises(CmtError, match=r"pitch\.npy: not a column of notes"):
        read_corpus([written[0]], "train")


def test_a_folder_that_is_no_corpus_is_named(tmp_path):
    with pytest.raises(CmtError, match=r"not a corpus.* cmt prepare"):
        read_corpus([tmp_path], "train")


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(CmtError, match="nowhere: no such"):
        read_corpus([tmp_path / "nowhere"], "train")


def test_a_split_that_no_song_is_in_is_named(written):
    with pytest.raises(CmtError, match="no song of split 'test'"):
        read_corpus([written[0]], "test")


@pytest.mark.parametrize("infos", ["{", "7", "[7]", '[{"md5": "a"}]', '[{"md5": 1, "split": "val"}]'])
def test_a_damaged_list_of_a_pack_is_named(tmp_path, infos):
    pack = write_pack(tmp_path)
    (tmp_path / "songs_test.json.xz").write_bytes(lzma.compress(infos.encode()))
    with pytest.raises(CmtError, match=r"songs_test\.json\.xz: not a list of songs"):
        read_corpus([pack], "train")
