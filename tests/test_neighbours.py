"""Runs beside each other in one place, and what a run leaves that was killed."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from cmt.errors import CmtError
from cmt.machine.files import folder_for_all_or_nothing
from cmt.machine.journal import Journal
from cmt.machine.locks import LOCK, only_run
from midi_io.hidden_folder import hidden_folder, remove_abandoned
from midi_io.whole_file import whole_file

HOLDS = """
import sys, time
from pathlib import Path
from cmt.machine.locks import only_run
from midi_io.hidden_folder import hidden_folder
with hidden_folder(Path(sys.argv[1])) as files, only_run(Path(sys.argv[1]), "an index"):
    (files / "half").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that works in the folder until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_what_a_living_process_makes_is_left_alone_and_what_a_dead_one_left_is_removed(other, tmp_path):
    before = sorted(tmp_path.iterdir())
    with whole_file(tmp_path / "a.txt") as unfinished:
        unfinished.write_text("a")
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "a.txt"])
    other.send_signal(signal.SIGKILL)
    other.wait()
    with folder_for_all_or_nothing(tmp_path) as folder:
        (folder / "b.txt").write_text("b")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([LOCK, "a.txt", "b.txt"])
    with only_run(tmp_path, "an index"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.txt"]


def test_two_runs_in_one_folder_are_refused_with_the_true_cause(other, tmp_path):
    with (
        pytest.raises(CmtError, match=rf"another run \(process {other.pid}\) is writing a training there; wait"),
        only_run(tmp_path, "a training"),
    ):
        pass
    other.send_signal(signal.SIGKILL)
    other.wait()
    with only_run(tmp_path, "a training"):
        assert (tmp_path / LOCK).read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / LOCK).exists()


def test_threads_of_one_process_keep_their_folders_apart(tmp_path):
    with hidden_folder(tmp_path) as one, hidden_folder(tmp_path) as two:
        (one / "a").touch()
        (two / "b").touch()
        remove_abandoned(tmp_path)
        assert (one / "a").exists()
        assert (two / "b").exists()
    assert not list(tmp_path.iterdir())


def test_only_folders_of_ours_are_removed(tmp_path):
    for name in (".cmt-mine", ".cmt-ABCDEFGH", "cmt-abcdefgh", ".cmt-abcdefgh9"):
        (tmp_path / name).mkdir()
    (tmp_path / ".cmt-abcdefgh").write_text("a file")
    (tmp_path / ".cmt-linklink").symlink_to(tmp_path / ".cmt-mine")
    before = sorted(tmp_path.iterdir())
    remove_abandoned(tmp_path)
    assert sorted(tmp_path.iterdir()) == before


def test_folders_of_versions_without_locks_are_removed(tmp_path):
    (tmp_path / ".cmt-part-abcd_123").mkdir()
    (tmp_path / ".cmt-abcd_123" / "clip.wav").mkdir(parents=True)
    remove_abandoned(tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_runs_cannot_write_one_journal(tmp_path):
    path = tmp_path / "table.csv.unfinished"
    with Journal(path, "one") as journal:
        journal.write({"video": 0})
        with pytest.raises(CmtError, match="another run is writing it"), Journal(path, "two"):
            pass
        journal.write({"video": 1})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"run": "one"}, {"video": 0}, {"video": 1}]


def _index(library: Path, folder: Path, barrier) -> None:
    from cmt.machine.workers import Workers
    from cmt.matching.indexing import update_index

    barrier.wait()
    for _ in range(50):
        try:
            with Workers(1) as workers:
                update_index([library], folder, workers)
        except CmtError as error:
            if "another run" not in str(error):
                raise
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def library(tmp_path):
    from midi_io import write_midi
    from midi_io.song import Instrument, Note, Song

    folder = tmp_path / "library"
    folder.mkdir()
    for number in range(4):
        notes = [Note(4 * k, Instrument.PIANO, 60 + number, 2, 90) for k in range(16)]
        write_midi(Song.steady(notes, 120.0, 64), folder / f"{number}.mid")
    return folder


def test_two_indexing_at_once_do_not_double_the_pieces(library, tmp_path):
    from cmt.matching.index import read_shard, shards_of

    folder = tmp_path / "index"
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=_index, args=(library, folder, barrier)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    sources = [source for shard in shards_of(folder) for source in read_shard(shard)["source"].to_pylist()]
    assert sorted(sources) == sorted(map(str, library.resolve().iterdir()))
    assert sorted(path.name for path in folder.iterdir()) == ["index.json", "pieces-00000000.parquet"]


def test_shards_left_behind_by_a_kill_while_joining_count_no_more(library, tmp_path, monkeypatch):
    from cmt.machine.workers import Workers
    from cmt.matching.index import read_pieces, shards_of
    from cmt.matching.indexing import update_index

    folder = tmp_path / "index"
    update_index([library / "0.mid"], folder, Workers(1))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # killed before it had removed a shard
        update_index([library], folder, Workers(1))
    assert len(list(folder.glob("*.parquet"))) == 3
    pieces = [table.details(i).source for shard in shards_of(folder) for table in read_pieces(shard) for i in (0, 1)]
    assert len(set(pieces)) == len(pieces)
    update = update_index([library], folder, Workers(1))
    assert (update.n_added, update.n_kept, update.n_dropped) == (0, 4, 0)
    assert len(list(folder.glob("*.parquet"))) == 1


def test_an_index_that_has_its_pieces_twice_is_healed(library, tmp_path):
    import shutil

    from cmt.machine.workers import Workers
    from cmt.matching.index import read_metadata, shards_of
    from cmt.matching.indexing import update_index

    folder = tmp_path / "index"
    update_index([library], folder, Workers(1))
    shutil.copy(folder / "pieces-00000000.parquet", folder / "pieces-00000001.parquet")
    update = update_index([library], folder, Workers(1))
    assert (update.n_added, update.n_kept, update.n_dropped) == (0, 4, 0)
    assert sum(read_metadata(shard).num_rows for shard in shards_of(folder)) == 4


def test_a_corpus_that_another_run_is_making_is_refused(library, tmp_path):
    from cmt.corpus.prepare import prepare

    folder = tmp_path / "corpus"
    shards = tmp_path / "corpus.unfinished" / "shards"
    shards.mkdir(parents=True)
    with only_run(shards.parent, "the corpus corpus"):
        with pytest.raises(CmtError, match=r"another run \(process \d+\) is writing the corpus corpus there"):
            prepare([library], folder)
        assert shards.is_dir()


def test_what_a_run_left_that_had_made_its_corpus_is_removed(tmp_path):
    from cmt.corpus.prepare import prepare

    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "songs.json").write_text("{}")
    (tmp_path / "corpus.unfinished" / "shards").mkdir(parents=True)
    with pytest.raises(CmtError, match="a corpus is there already"):
        prepare([tmp_path], tmp_path / "corpus")
    assert not (tmp_path / "corpus.unfinished").exists()


def test_a_folder_that_another_run_fills_is_refused(tmp_path):
    from cmt.config import GenerateConfig
    from cmt.planning.wishes import Wishes
    from cmt.soundtrack.batch import Settings, make_soundtracks
    from cmt.soundtrack.output import Output

    settings = Settings(tmp_path, Wishes(), GenerateConfig(), output=Output(midi_only=True))
    with only_run(tmp_path, "a generate.jsonl"), pytest.raises(CmtError, match=r"another run .* a generate\.jsonl"):
        make_soundtracks([tmp_path / "clip.mp4"], settings)


def test_a_training_that_another_process_does_is_refused(tmp_path):
    pytest.importorskip("torch")
    from types import SimpleNamespace

    from cmt.config import ModelConfig, TrainConfig
    from cmt.training.run_folder import begin

    alone = SimpleNamespace(rank=0)
    with (
        begin(tmp_path, ModelConfig(), TrainConfig(), resume=False, team=alone),
        pytest.raises(CmtError, match=r"another run .* is writing a training there"),
        begin(tmp_path, ModelConfig(), TrainConfig(), resume=False, team=alone),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("overwrite", [True, False])
def test_the_files_of_two_runs_that_end_at_once_do_not_mix(tmp_path, monkeypatch, overwrite):
    def slowly(file, place, replace=os.replace):
        time.sleep(0.02)
        replace(file, place)

    def run(name):
        with suppress(CmtError), folder_for_all_or_nothing(tmp_path, overwrite=overwrite) as unfinished:
            for suffix in ("json", "mid", "png", "wav"):
                (unfinished / f"clip.{suffix}").write_text(name)
            ready.wait()

    monkeypatch.setattr("cmt.machine.files.os.replace", slowly)
    ready = threading.Barrier(2)
    runs = [threading.Thread(target=run, args=(name,)) for name in ("one", "other")]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert len({file.read_text() for file in tmp_path.iterdir()}) == 1
    assert len(list(tmp_path.iterdir())) == 4


def test_a_shard_that_went_while_it_was_to_be_read_has_the_true_cause(tmp_path):
    pytest.importorskip("pyarrow")
    from cmt.matching.index import read_shard

    with pytest.raises(CmtError, match="is gone: cmt index changes the index; start again when it is done"):
        read_shard(tmp_path / "pieces-00000003.parquet")
