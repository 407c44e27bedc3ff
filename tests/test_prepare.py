"""From files to a corpus: what is taken, what is left out and why, and that nothing changes the result."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from lpd import Track, lpd_path, take_and_die, tracks_of, tune, write_lists, write_pianoroll_of
from packs import write_pack

from cmt.cli import main
from cmt.config import PrepareConfig
from cmt.corpus.folder import SONGS
from cmt.corpus.intake import MOST_BARS, notes_of_ticks, printable, share_on_grid
from cmt.corpus.labels import NO_LABELS, read_labels
from cmt.corpus.prepare import REPORT, SONGS_PER_SHARD, STATISTICS, STATISTICS_PICTURE, UNFINISHED, prepare
from cmt.corpus.reading import read_corpus
from cmt.errors import CmtError
from cmt.machine.workers import Workers
from cmt.music.encoding import NoteArrays, encode, encode_notes
from cmt.music.words import Genre
from midi_io import Instrument, Song, write_midi
from midi_io.ticks import TickNotes, TickSong

pytestmark = pytest.mark.slow

SMALL = replace(PrepareConfig(), validation_share=0.3)
N_GOOD = 7


def write_good(root: Path) -> None:
    for number in range(N_GOOD):
        write_pianoroll_of(lpd_path(root, number), tracks_of(tune(number)), tempo=90.0 + number)


def write_bad(root: Path) -> dict[str, str]:
    """Songs that cannot be in a corpus; the reasons by file."""
    bad = {}

    def name(reason: str) -> Path:
        path = lpd_path(root, 100 + len(bad))
        path.parent.mkdir(parents=True)
        bad[f"{root.name}/{path.relative_to(root)}"] = reason
        return path

    name("unreadable").write_bytes(b"")
    name("unreadable").write_bytes(lpd_path(root, 0).read_bytes()[:-400])
    with open(name("unreadable"), "wb") as file:
        np.savez(file, tempo=np.array([{}], dtype=object))
    with open(name("unreadable"), "wb") as file:
        np.savez(file, tempo=np.zeros(3))
    name("unreadable").symlink_to(root / "nowhere")
    os.mkfifo(name("unreadable"))
    write_pianoroll_of(name("not 4/4 throughout"), tracks_of(tune(20)), bar=72)
    write_pianoroll_of(name("no notes"), [])
    write_pianoroll_of(name("no notes"), [Track([(0, 24, 60)], program=127)])  # a gunshot is no instrument
    write_pianoroll_of(name("too few bars"), tracks_of(tune(21, n_bar=7)))
    write_pianoroll_of(name("too few tracks"), tracks_of([n for n in tune(22) if n.instrument is not Instrument.BASS]))
    write_pianoroll_of(name("off the sixteenth grid"), tracks_of(tune(23), delay=3))
    write_pianoroll_of(name("duplicate"), tracks_of(tune(1), transpose=5))
    write_pianoroll_of(name("duplicate"), tracks_of(tune(2)[:-40], transpose=-3, delay=96))
    return bad


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    """Drawing takes longer than all else; tests/test_statistics.py looks at the picture."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cmt.corpus.prepare.draw_statistics", lambda statistics, path: path.write_bytes(bytes(50_000)))
        yield


@pytest.fixture(scope="module")
def lpd(tmp_path_factory):
    """A folder of good songs and bad ones, and the reasons why the bad are left out."""
    root = tmp_path_factory.mktemp("source") / "lpd"
    write_good(root)
    return root, write_bad(root)


@pytest.fixture(scope="module")
def prepared(lpd, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora") / "corpus"
    return prepare([lpd[0]], folder, config=SMALL)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def song_of(seed: int, tempo: float = 120.0) -> Song:
    return Song.steady(tuple(tune(seed)), tempo, 12 * 16)


def test_good_songs_are_kept_with_the_notes_that_they_have(prepared):
    corpora = [read_corpus([prepared.folder], split) for split in ("train", "val")]
    assert sum(len(corpus.songs) for corpus in corpora) == N_GOOD
    for corpus in corpora:
        for index, song in enumerate(corpus.songs):
            number = int(song.name, 16)
            words = encode_notes(corpus.notes_of(index), song.n_bar).fields
            assert words.tolist() == encode(song_of(number)).fields.tolist()
            assert (song.tempo, song.n_bar, song.genre) == (90.0 + number, 12, None)


def test_each_bad_file_is_in_the_report_with_its_reason(prepared, lpd):
    report = json.loads((prepared.folder / REPORT).read_text())
    assert {song["file"]: song["reason"] for song in report["files"]} == lpd[1]
    assert report["left_out"] == prepared.left_out
    assert (report["n_file"], report["n_song"]) == (N_GOOD + len(lpd[1]), N_GOOD)
    assert not any(str(lpd[0]) in song["detail"] for song in report["files"])
    of = {song["detail"] for song in report["files"] if song["reason"] == "duplicate"}
    assert of == {f"of lpd/{lpd_path(lpd[0], number).relative_to(lpd[0])}" for number in (1, 2)}


def test_the_statistics_are_those_of_the_words(prepared):
    statistics = json.loads((prepared.folder / STATISTICS).read_text())
    words = [encode(song_of(number)).fields for number in range(N_GOOD)]
    assert statistics["words"] == sum(map(len, words))
    density = np.bincount(np.concatenate([w[w[:, 1] == 17, 2] for w in words]) - 1, minlength=17)
    assert statistics["density"] == density.tolist()
    notes = [note for number in range(N_GOOD) for note in tune(number)]
    assert statistics["notes"] == len(notes)
    for instrument in Instrument:
        n = sum(note.instrument is instrument for note in notes)
        assert statistics["instruments"][instrument.label]["notes"] == n
    assert statistics["genres"]["free"] == {"songs": N_GOOD, "words": sum(map(len, words)), "bars": 12 * N_GOOD}


def test_the_document_tells_what_is_written_and_what_is_asked(prepared):
    document = (Path(__file__).parent.parent / "docs/corpus.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([\w.]+\.(?:npy|json|png))`", document))
    assert told == set(contents(prepared.folder))
    names = {name for parameter in main.commands["prepare"].params for name in parameter.opts if name.startswith("--")}
    assert set(re.findall(r"`(--[\w-]+)", document)) == names - {"--output", "--quiet"}
    default = PrepareConfig()
    assert f"fewer than {default.min_bars} bars" in document and f"fewer than {default.min_tracks} tracks" in document
    assert f"of {default.min_track_notes} notes" in document and f"{default.min_on_grid:.0%}" in document.replace(
        " %", "%"
    )
    assert f"{default.validation_share:.0%}" in document.replace(" %", "%")
    assert f"beyond {MOST_BARS:,}" in document and f"of {SONGS_PER_SHARD} songs" in document


def test_nothing_else_is_left(prepared):
    assert [path.name for path in prepared.folder.parent.iterdir()] == ["corpus"]
    columns = {f"{name}.npy" for name in NoteArrays._fields}
    assert set(contents(prepared.folder)) == columns | {SONGS, REPORT, STATISTICS, STATISTICS_PICTURE}


KILLED = """
import os, signal, sys
from pathlib import Path
import cmt.corpus.prepare as room
room.SONGS_PER_SHARD = 4
write, written = room.write_shard, []
def write_and_die(shard, path):
    write(shard, path)
    written.append(path)
    if len(written) == 3:
        (path.parent / f".{path.name}").write_bytes(b"half a shard")
        os.kill(os.getpid(), signal.SIGKILL)
room.write_shard = write_and_die
room.prepare([Path(sys.argv[1])], Path(sys.argv[2]), config=room.PrepareConfig(validation_share=0.3))
"""


def test_a_killed_run_goes_on_to_the_same_bytes_with_any_number_of_processes(lpd, prepared, tmp_path, monkeypatch):
    folder = tmp_path / "corpus"
    died = subprocess.run([sys.executable, "-c", KILLED, lpd[0], folder], capture_output=True, text=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not folder.exists() and len(list((tmp_path / f"corpus{UNFINISHED}/shards").glob("0*.npz"))) == 3
    monkeypatch.setattr("cmt.corpus.prepare.SONGS_PER_SHARD", 4)
    with Workers(jobs=2) as workers:
        again = prepare([lpd[0]], folder, config=SMALL, workers=workers)
    assert again.n_file - again.n_read == 12
    assert contents(folder) == contents(prepared.folder)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_a_shard_that_did_not_survive_or_is_of_other_files_is_made_anew(lpd, prepared, tmp_path, monkeypatch):
    folder = tmp_path / "corpus"
    monkeypatch.setattr("cmt.corpus.prepare.SONGS_PER_SHARD", 4)
    monkeypatch.setattr("cmt.corpus.prepare._choose", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        prepare([lpd[0]], folder, config=SMALL)
    monkeypatch.undo()
    monkeypatch.setattr("cmt.corpus.prepare.SONGS_PER_SHARD", 4)
    first, second, *_ = sorted((tmp_path / f"corpus{UNFINISHED}/shards").iterdir())
    first.write_bytes(first.read_bytes()[:100])
    second.rename(second.with_name("000001-0123456789abcdef01234567.npz"))
    assert prepare([lpd[0]], folder, config=SMALL).n_read == 8
    assert contents(folder) == contents(prepared.folder)


def test_the_order_of_the_sources_does_not_matter(tmp_path):
    sources = [tmp_path / "one", tmp_path / "two"]
    for number in range(4):
        write_pianoroll_of(lpd_path(sources[number % 2], number), tracks_of(tune(number)))
        write_pianoroll_of(lpd_path(sources[1 - number % 2], number + 50), tracks_of(tune(number), transpose=number))
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder, given in zip(folders, (sources, sources[::-1]), strict=True):
        assert prepare(given, folder).left_out == {"duplicate": 4}
    assert contents(folders[0]) == contents(folders[1])


def test_held_out_songs_do_not_depend_on_the_others(prepared, tmp_path):
    """Nor on their key: a song that is held out once is so in every corpus."""
    held_out = {int(song.name, 16) for song in read_corpus([prepared.folder], "val").songs}
    assert 1 <= len(held_out) < N_GOOD
    for number in range(N_GOOD):
        write_pianoroll_of(lpd_path(tmp_path / "lpd", number), tracks_of(tune(number), transpose=number - 3))
    for number in range(30, 34):
        write_pianoroll_of(lpd_path(tmp_path / "lpd", number), tracks_of(tune(number)))
    prepare([tmp_path / "lpd"], tmp_path / "corpus", config=SMALL)
    now = {int(song.name, 16) for song in read_corpus([tmp_path / "corpus"], "val").songs}
    assert now & set(range(N_GOOD)) == held_out


def test_a_song_is_always_held_out(tmp_path):
    for number in range(2):
        write_pianoroll_of(lpd_path(tmp_path / "lpd", number), tracks_of(tune(number)))
    assert prepare([tmp_path / "lpd"], tmp_path / "corpus").n_song == {"train": 1, "val": 1}


def test_genres_come_from_the_lists_and_from_a_songs_copies(tmp_path):
    root = tmp_path / "lpd"
    for number in range(3):
        write_pianoroll_of(lpd_path(root, number), tracks_of(tune(number)))
    write_pianoroll_of(lpd_path(root, 3), tracks_of(tune(1)[:-1]))  # the shorter of two copies, and it has the label
    lists = write_lists(tmp_path / "labels", {"tagtraum/id_list_Metal": [0], "lastfm/id_list_pop": [0, 3]})
    prepare([root], tmp_path / "corpus", labels=read_labels(lists))
    songs = [song for split in ("train", "val") for song in read_corpus([tmp_path / "corpus"], split).songs]
    assert {int(song.name, 16): song.genre for song in songs} == {0: Genre.METAL, 1: Genre.POP, 2: None}


def test_midi_files_make_the_corpus_that_pianorolls_make(tmp_path):
    for number in range(3):
        write_pianoroll_of(lpd_path(tmp_path / "rolls", number), tracks_of(tune(number)), tempo=120.0)
        (tmp_path / "midi/sub").mkdir(parents=True, exist_ok=True)
        write_midi(song_of(number), tmp_path / f"midi/sub/song {number}.MID")
    (tmp_path / "midi/broken.mid").write_bytes(b"MThd")
    corpora = []
    for source in ("rolls", "midi"):
        prepare([tmp_path / source], tmp_path / source / "corpus")
        folder = tmp_path / source / "corpus"
        songs = [
            (corpus, i)
            for s in ("train", "val")
            for corpus in [read_corpus([folder], s)]
            for i in range(len(corpus.songs))
        ]
        words = {encode_notes(corpus.notes_of(i), corpus.songs[i].n_bar).fields.tobytes() for corpus, i in songs}
        corpora.append((words, {corpus.songs[i].tempo for corpus, i in songs}))
    assert corpora[0] == corpora[1]
    names = {song.name for s in ("train", "val") for song in read_corpus([tmp_path / "midi/corpus"], s).songs}
    assert names == {f"sub/song {number}" for number in range(3)}


def test_a_pack_keeps_its_splits_its_genres_and_its_notes(tmp_path):
    pack = write_pack(tmp_path, n_bar=12)
    prepare([pack], tmp_path / "corpus", config=replace(PrepareConfig(), min_tracks=1, min_track_notes=1))
    for split in ("train", "val"):
        of_pack, of_folder = read_corpus([pack], split), read_corpus([tmp_path / "corpus"], split)
        order = sorted(range(len(of_pack.songs)), key=lambda i: of_pack.songs[i].name)
        assert of_folder.songs == tuple(of_pack.songs[i] for i in order)
        for index, i in enumerate(order):
            for here, there in zip(of_folder.notes_of(index), of_pack.notes_of(i), strict=True):
                assert here.tolist() == there.tolist()


def test_the_rule_of_the_grid():
    """At 24 steps a beat: nearest sixteenth, half-way later; the length by itself; drums 1; the longest of equals."""
    notes = [
        (98, 104, Instrument.PIANO, 60),  # 0.33 -> 0, a length of 1
        (99, 108, Instrument.PIANO, 61),  # 0.5 -> 1, a length of 1.5 -> 2
        (100, 500, Instrument.BASS, 40),  # 0.67 -> 1, a length of 66.7 -> 64
        (96, 97, Instrument.STRINGS, 70),  # a length of 0.17 -> 1
        (96, 120, Instrument.DRUMS, 36),
        (97, 109, Instrument.PIANO, 60),  # falls together with the first and is longer
        (102, 110, Instrument.BASS, 40),  # falls together with the longer bass
    ]
    ticks = TickSong(TickNotes(*_columns(notes)), 24, 600, np.zeros(0), np.zeros(0, np.int64), 0, True)
    found = list(zip(*(column.tolist() for column in notes_of_ticks(ticks)), strict=True))
    assert found == [
        (0, Instrument.DRUMS, 36, 1),
        (0, Instrument.PIANO, 60, 2),
        (0, Instrument.STRINGS, 70, 1),
        (1, Instrument.PIANO, 61, 2),
        (1, Instrument.BASS, 40, 64),
    ]
    assert share_on_grid(ticks) == pytest.approx(4 / 7)  # 96, 96, 97 and 102; 98, 99, 100 are too far


def test_a_pickup_goes_before_the_first_downbeat():
    notes = [(0, 24, Instrument.PIANO, 60), (24, 48, Instrument.PIANO, 62)]
    ticks = TickSong(TickNotes(*_columns(notes)), 24, 600, np.zeros(0), np.zeros(0, np.int64), 24, True)
    assert notes_of_ticks(ticks).position.tolist() == [12, 16]


def _columns(notes):
    starts, ends, instruments, pitches = np.array(notes, dtype=np.int64).T
    return starts, ends, instruments, pitches, np.full(len(notes), 80)


def test_a_note_at_the_end_of_time_takes_no_memory(tmp_path):
    late = [*tune(0), tune(0)[-1]._replace(position=16 * 5000)]
    write_midi(Song.steady(tuple(late), 120.0, 16 * 5001), tmp_path / "late.mid")
    with pytest.raises(CmtError, match="1 too many bars"):
        prepare([tmp_path], tmp_path / "corpus")


def test_a_file_that_kills_its_reader_costs_itself_only(tmp_path, monkeypatch):
    write_good(tmp_path / "lpd")
    deadly = str(lpd_path(tmp_path / "lpd", 3))
    monkeypatch.setenv("DEADLY", deadly)
    with Workers(jobs=2) as workers:
        monkeypatch.setattr("cmt.corpus.prepare._take", take_and_die)
        monkeypatch.setattr("cmt.machine.workers.TIMES_TRIED", 1)
        prepared = prepare([tmp_path / "lpd"], tmp_path / "corpus", workers=workers)
    assert prepared.left_out == {"unreadable": 1} and sum(prepared.n_song.values()) == N_GOOD - 1
    (left_out,) = json.loads((tmp_path / "corpus" / REPORT).read_text())["files"]
    assert deadly.endswith(left_out["file"])


def test_names_that_are_no_text_are_kept_printable(tmp_path):
    root = tmp_path / "lpd"
    write_good(root)
    odd = os.fsencode(root) + b"/caf\xe9\x1b[31m.npz"
    try:
        os.rename(lpd_path(root, 0), odd)
    except OSError:
        pytest.skip("this file system takes text only")
    prepare([root], tmp_path / "corpus")
    names = {song.name for s in ("train", "val") for song in read_corpus([tmp_path / "corpus"], s).songs}
    assert "caf\ufffd?[31m" in names
    assert printable("caf\udce9") == "caf\ufffd"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such folder; LPD is folders such as A/B/C/TR"),
        (lambda path: path.mkdir(), "is empty; LPD is folders such as A/B/C/TR"),
        (lambda path: (path / "A").mkdir(parents=True), "no songs in it; LPD is folders such as A/B/C/TR"),
        (lambda path: path.write_text("a file"), "neither a folder nor a pack; LPD is"),
        (
            lambda path: write_pianoroll_of(path / "a.npz", []),
            "none of 1 songs can be used .1 no notes.; .* source/a.npz",
        ),
    ],
)
def test_a_source_without_songs_says_what_one_looks_like(tmp_path, make, message):
    make(tmp_path / "source")
    with pytest.raises(CmtError, match=message):
        prepare([tmp_path / "source"], tmp_path / "corpus")
    assert {path.name for path in tmp_path.iterdir()} <= {"source"}


def test_a_broken_pack_is_named(tmp_path):
    pack = write_pack(tmp_path)
    pack.write_bytes(b"broken")
    with pytest.raises(CmtError, match="not a pack of songs"):
        prepare([pack], tmp_path / "corpus")


def test_an_earlier_corpus_is_never_overwritten(prepared, lpd):
    before = contents(prepared.folder)
    with pytest.raises(CmtError, match="a corpus is there already; remove it"):
        prepare([lpd[0]], prepared.folder)
    with pytest.raises(CmtError, match="something else is there already"):
        prepare([lpd[0]], lpd[0])
    assert contents(prepared.folder) == before


def test_an_output_that_cannot_be_written_is_named(lpd, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CmtError, match="cannot be written"):
        prepare([lpd[0]], tmp_path / "file/corpus")


@pytest.mark.parametrize("most_bytes", [2000, 40_000])
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(lpd, prepared, tmp_path, most_bytes):
    """The limit on the size of a file stands for the disk: the smaller stops a shard, the larger a picture."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        result = CliRunner().invoke(main, ["prepare", str(lpd[0]), "-o", str(tmp_path / "corpus"), "--jobs", "1"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 1 and re.fullmatch(r"cmt: .*cannot be written.*\n", result.stderr)
    assert not (tmp_path / "corpus").exists()
    prepare([lpd[0]], tmp_path / "corpus", config=SMALL, labels=NO_LABELS)
    assert contents(tmp_path / "corpus") == contents(prepared.folder)


def test_the_command_prints_what_was_kept_and_why_not(lpd, tmp_path):
    arguments = ["prepare", str(lpd[0]), "-o", str(tmp_path / "corpus"), "--jobs", "1", "--validation", "0.3"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert re.fullmatch(r"read     21 songs in \d+\.\d s, \d+\.\d a second", lines[0])
    assert lines[1] == "left out     6  unreadable" and "left out     2  duplicate" in lines
    assert re.fullmatch(r"kept         7  \(\d train, \d val\), 0 of them with a genre", lines[-3])
    assert lines[-2] == "no genre lists (--labels): the genre of every song is left free"
    assert lines[-1].startswith(f"wrote    {tmp_path / 'corpus'};")


def test_a_stopped_run_says_what_is_kept(lpd, tmp_path, monkeypatch):
    monkeypatch.setattr("cmt.corpus.prepare._choose", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    result = CliRunner().invoke(main, ["prepare", str(lpd[0]), "-o", str(tmp_path / "corpus"), "--jobs", "1"])
    assert result.exit_code == 130
    assert result.stderr == (
        f"cmt: stopped; what was read is in {tmp_path / 'corpus'}{UNFINISHED}, the same command goes on from there\n"
    )
    assert (tmp_path / f"corpus{UNFINISHED}").is_dir()


def test_a_corpus_may_be_made_inside_its_source(tmp_path, monkeypatch):
    """The shards of a run that was cut off are no songs."""
    write_good(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("cmt.corpus.prepare._choose", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prepare([tmp_path], tmp_path / "corpus")
    again = prepare([tmp_path], tmp_path / "corpus")
    assert (again.n_file, again.n_read) == (N_GOOD, 0)


def test_jobs_and_a_scheduler_exclude_each_other(lpd, tmp_path):
    arguments = ["prepare", str(lpd[0]), "-o", str(tmp_path / "c"), "--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"]
    assert CliRunner().invoke(main, arguments).exit_code == 2
