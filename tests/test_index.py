"""The library's index: all pieces, only what is new, bad files as rows."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from libraries import draw_rhythm, song_of_rhythm, write_index, write_library
from packs import write_pack

import cmt.matching.library
from cmt.corpus.folder import COLUMN_TYPES, Entry, write_folder
from cmt.corpus.songs import song_info
from cmt.errors import CmtError
from cmt.machine.workers import Workers
from cmt.matching import indexing
from cmt.matching.index import SCHEMA, PieceFilter, is_index, open_index, read_pieces, shards_of
from cmt.matching.indexing import update_index
from cmt.matching.score import rhythm_of_song
from cmt.music.encoding import NoteArrays
from cmt.music.words import Genre, Mode
from midi_io import read_midi, write_pianoroll
from midi_io.midi_content import read_content
from midi_io.song import Instrument, Note, Song

pytestmark = pytest.mark.slow


@pytest.fixture
def library(tmp_path):
    rng = np.random.default_rng(0)
    names = ("a", "b", "pop/c", "metal/deep/d")
    return write_library(tmp_path / "music", {name: song_of_rhythm(draw_rhythm(rng, 5)) for name in names})


def update(folder, *libraries):
    with Workers(1) as workers:
        return update_index(libraries, folder, workers)


def pieces(folder, wanted=None):
    """Details of each piece with its block, by file name and song."""
    found = {}
    for shard in open_index(folder):
        for table in read_pieces(shard, wanted):
            for i in range(len(table.block.tempo)):
                details = table.details(i)
                a, b = table.block.offsets[i : i + 2]
                key = details.name or Path(details.source).name
                assert key not in found
                found[key] = details, table.block.density[a:b], table.block.strength[a:b]
    return found


def test_the_index_holds_the_rhythm_of_every_file(tmp_path, library):
    assert update(tmp_path / "index", library)[:3] == (4, 0, 0)
    found = pieces(tmp_path / "index")
    assert sorted(found) == ["a.mid", "b.mid", "c.mid", "d.mid"]
    for details, density, strength in found.values():
        song = read_midi(details.source)
        assert np.array_equal(density, rhythm_of_song(song)[0]) and np.array_equal(strength, rhythm_of_song(song)[1])
        assert details.tempo == pytest.approx(song.tempo) and details.instruments == song.instruments
    assert [found[f"{name}.mid"][0].genre for name in "abcd"] == [None, None, "pop", "metal"]


def test_packs_and_pianorolls_are_music_too(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    write_pack(folder)
    song = song_of_rhythm(draw_rhythm(np.random.default_rng(1), 4))
    write_pianoroll(song, folder / "roll.npz")
    assert update(tmp_path / "index", folder).n_added == 10
    found = pieces(tmp_path / "index")
    assert {f"song{i}" for i in range(9)} | {"roll.npz"} == set(found)
    assert found["song1"][0].genre == "metal" and found["song2"][0].tempo == 102


def test_a_prepared_corpus_is_music_too(tmp_path):
    song = song_of_rhythm(draw_rhythm(np.random.default_rng(5), 4), 90.0)
    columns = NoteArrays(*np.array([note[:4] for note in song.notes]).T)
    infos = [song_info(name, Genre.ROCK, 90.0, columns) for name in ("one", "two")]
    entries = [Entry(info, split, len(song.notes)) for info, split in zip(infos, ("train", "val"), strict=True)]
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    twice = NoteArrays(*(np.concatenate([column, column]) for column in columns))
    types = COLUMN_TYPES._asdict()
    write_folder(corpus, entries, ((name, twice._asdict()[name].astype(types[name])) for name in types))
    assert update(tmp_path / "index", corpus)[:3] == (2, 0, 0)
    for details, density, strength in pieces(tmp_path / "index").values():
        assert (details.genre, details.tempo) == ("rock", 90)
        assert np.array_equal(density, rhythm_of_song(song)[0]) and np.array_equal(strength, rhythm_of_song(song)[1])


def test_only_what_is_new_or_changed_is_read(tmp_path, library, monkeypatch):
    folder = tmp_path / "index"
    update(folder, library)
    read = []
    monkeypatch.setattr(
        cmt.matching.library, "read_content", lambda path: read.append(Path(path).name) or read_content(path)
    )
    assert update(folder, library)[:3] == (0, 4, 0) and not read
    changed = song_of_rhythm(draw_rhythm(np.random.default_rng(2), 9))
    write_library(library, {"b": changed, "e": changed})
    (library / "a.mid").unlink()
    assert update(folder, library)[:3] == (2, 2, 2) and sorted(read) == ["b.mid", "e.mid"]
    found = pieces(folder)
    assert sorted(found) == ["b.mid", "c.mid", "d.mid", "e.mid"]
    assert len(found["b.mid"][1]) == 9


def test_another_library_joins_the_index(tmp_path, library):
    folder = tmp_path / "index"
    # Named so that one's path begins with the other's.
    other = write_library(tmp_path / "music2", {"z": song_of_rhythm(draw_rhythm(np.random.default_rng(3), 3))})
    update(folder, other)
    assert update(folder, library)[:3] == (4, 1, 0)
    assert sorted(pieces(folder)) == ["a.mid", "b.mid", "c.mid", "d.mid", "z.mid"]


def test_bad_files_are_rows_with_their_reasons(tmp_path, library):
    (library / "broken.mid").write_bytes(b"MThd\0\0\0\6\0\1")
    (library / "text.midi").write_text("no music")
    (library / "roll.npz").write_bytes(b"PK")
    (library / "pack.npz.xz").write_bytes(b"xz")
    write_library(library, {"silent": Song.steady((), 120.0, 16)})
    found = update(tmp_path / "index", library)
    assert found.n_added == 4 and len(found.failures) == 5
    for name in ("broken.mid", "text.midi", "roll.npz", "pack.npz.xz", "silent.mid: no notes"):
        assert sum(name in failure for failure in found.failures) == 1
    assert not any("\n" in failure for failure in found.failures)
    again = update(tmp_path / "index", library)
    assert again[:3] == (0, 4, 0) and again.failures == found.failures


def test_a_piece_without_end_is_left_out(tmp_path):
    far = Song.steady((Note(16 * 30_000, Instrument.PIANO, 60, 1),), 1200.0, 16 * 30_001)
    found = update(tmp_path / "index", write_library(tmp_path / "music", {"far": far}))
    assert found.n_added == 0 and "longer than 20,000 bars" in found.failures[0]


@pytest.mark.skipif(os.name != "posix" or os.uname().sysname != "Linux", reason="names are bytes on Linux only")
def test_a_name_that_is_not_utf_8_is_said(tmp_path, library):
    shutil.copy(library / "a.mid", os.fsencode(library) + b"/\xff.mid")
    assert r"\xff.mid: its name is not UTF-8; rename it" in update(tmp_path / "index", library).failures[0]


def test_what_was_cut_short_goes_on(tmp_path, library, monkeypatch):
    folder = tmp_path / "index"
    monkeypatch.setattr(indexing, "_BATCH", 1)
    monkeypatch.setattr(indexing, "SHARD_PIECES", 2)
    n_read = []

    def killed(path):
        n_read.append(path)
        if len(n_read) == 4:
            raise KeyboardInterrupt
        return read_content(path)

    monkeypatch.setattr(cmt.matching.library, "read_content", killed)
    with pytest.raises(KeyboardInterrupt):
        update(folder, library)
    assert len(pieces(folder)) == 2
    assert update(folder, library)[:3] == (2, 2, 0)
    assert len(pieces(folder)) == 4


def test_small_shards_are_joined(tmp_path, library):
    folder = tmp_path / "index"
    for name in "efgh":
        write_library(library, {name: song_of_rhythm(draw_rhythm(np.random.default_rng(4), 3))})
        update(folder, library)
    assert len(shards_of(folder)) == 1 and len(pieces(folder)) == 8


def test_filters_let_through_what_is_asked(tmp_path):
    def song(tempo, *instruments, tonic=0):
        scale = [60 + tonic + step for step in (0, 4, 7, 0, 5, 9, 7, 11, 2, 0)]
        return Song.steady(tuple(Note(4 * k, i, p, 4) for k, p in enumerate(scale) for i in instruments), tempo, 48)

    drums, piano, bass = Instrument.DRUMS, Instrument.PIANO, Instrument.BASS
    songs = {"pop/slow": song(70, piano, drums), "fast": song(160, piano, bass), "high": song(100, piano, tonic=2)}
    folder = write_index(tmp_path / "index", write_library(tmp_path / "music", songs))
    for wanted, names in (
        (PieceFilter(), ["fast.mid", "high.mid", "slow.mid"]),
        (PieceFilter(genre=Genre.POP), ["slow.mid"]),
        (PieceFilter(instruments=(piano,)), ["fast.mid", "high.mid", "slow.mid"]),
        (PieceFilter(instruments=(piano, bass)), ["fast.mid"]),
        (PieceFilter(tempo=(90, 170)), ["fast.mid", "high.mid"]),
        (PieceFilter(tonic=2), ["high.mid"]),
        (PieceFilter(tonic=0, mode=Mode.MAJOR), ["fast.mid", "slow.mid"]),
        (PieceFilter(mode=Mode.MINOR), []),
    ):
        assert sorted(pieces(folder, wanted)) == names, wanted
    for details, density, strength in pieces(folder, PieceFilter(instruments=(piano, bass))).values():
        expected = rhythm_of_song(read_midi(details.source))
        assert np.array_equal(density, expected[0]) and np.array_equal(strength, expected[1])


def test_the_columns_are_named_in_parquet(tmp_path, library):
    table = pq.read_table(shards_of(write_index(tmp_path / "index", library))[0])
    assert table.column_names == list(cmt.matching.library.Entry._fields) == SCHEMA.names
    assert table["n_bar"].to_pylist() == [len(density) for density in table["density"].to_pylist()]


def test_an_index_of_another_version_says_how_to_make_it_anew(tmp_path, library):
    folder = write_index(tmp_path / "index", library)
    (folder / "index.json").write_text(json.dumps({"format": "cmt index", "version": 0}))
    assert is_index(folder)
    for use in (lambda: open_index(folder), lambda: update(folder, library)):
        with pytest.raises(CmtError, match=r"version 0, .* remove the folder and make it anew: cmt index"):
            use()


def test_what_is_no_index_is_said(tmp_path, library):
    with pytest.raises(CmtError, match="not an index; make one"):
        open_index(library)
    with pytest.raises(CmtError, match="holds files and is not an index"):
        update(library, library)
    with pytest.raises(CmtError, match="is a file"):
        update(library / "a.mid", library)
    folder = write_index(tmp_path / "index", library)
    (folder / "index.json").write_text("[]")
    with pytest.raises(CmtError, match="not that of an index"):
        open_index(folder)


def test_a_damaged_shard_is_said(tmp_path, library):
    folder = write_index(tmp_path / "index", library)
    shard = shards_of(folder)[0]
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(CmtError, match=r"damaged .* remove it and run cmt index again"):
        open_index(folder)


def test_a_library_without_music_is_said(tmp_path):
    (tmp_path / "note.txt").write_text("no music")
    with pytest.raises(CmtError, match="no music found"):
        update(tmp_path / "index", tmp_path)
    with pytest.raises(CmtError, match=r"note.txt: not a library; give a folder"):
        update(tmp_path / "index", tmp_path / "note.txt")
    with pytest.raises(CmtError, match="no such file"):
        update(tmp_path / "index", tmp_path / "nowhere")
    assert not (tmp_path / "index").exists()


def test_a_file_that_kills_its_reader_is_a_row(tmp_path, library, monkeypatch):
    class Fragile(Workers):
        def map(self, function, tasks, lost=None):
            for task in tasks:
                yield lost(task, "died") if any("b.mid" in source.path for source in task) else function(task)

    found = update_index([library], tmp_path / "index", Fragile(1))
    assert found.n_added == 3 and len(found.failures) == 1 and "b.mid: whoever read it died" in found.failures[0]
