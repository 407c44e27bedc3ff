"""Input files that are none, that never end, or that unpack to more than they have: one line, at once."""

import io
import json
import lzma
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from cmt.cli.app import main
from cmt.cli.saying import printable
from cmt.corpus.folder import COLUMN_TYPES, Entry, read_folder, write_folder
from cmt.corpus.labels import IDS, read_labels
from cmt.corpus.packs import read_pack_songs
from cmt.corpus.songs import SongInfo
from cmt.errors import CmtError
from cmt.evaluation.piece import read_report
from cmt.machine.cells import as_written, harmless
from cmt.machine.columns import read_columns
from cmt.machine.files import LINKED
from cmt.machine.journal import read_journal
from cmt.machine.pictures import find_pictures
from cmt.machine.videos import find_videos
from cmt.machine.workers import Workers
from cmt.matching.index import open_index, read_pieces
from cmt.matching.indexing import update_index
from cmt.matching.library import find_sources, read_sources
from cmt.matching.ranking import MatchWishes, Results, match
from cmt.matching.rows import Match
from cmt.matching.tables import write_table
from cmt.meaning.description import Description
from cmt.meaning.file import read_description, write_description
from cmt.music.words import Mode
from cmt.network.checkpoint import default_checkpoint, load_checkpoint, load_tensors, save_tensors
from cmt.planning.redo import read_comments
from cmt.report.sounds import read_events
from cmt.sounds.library import read_library
from cmt.soundtrack.batch import read_log
from cmt.soundtrack.keeping import read_kept
from midi_io import read_midi, write_midi
from midi_io.input_file import json_in, text_of
from midi_io.pianoroll import read_pianoroll
from midi_io.song import Instrument, Note, Song
from midi_io.synthesis import find_soundfont

DEEP = "[" * 100_000

READERS = {
    "checkpoint": load_checkpoint,
    "columns": read_columns,
    "comments": read_comments,
    "corpus": lambda path: read_folder(path.parent, "train"),
    "description": read_description,
    "events": read_events,
    "font": find_soundfont,
    "journal": lambda path: list(read_journal(path)),
    "log": read_log,
    "midi": read_midi,
    "pack": read_pack_songs,
    "pianoroll": read_pianoroll,
    "report": read_kept,
}
NAMES = {"corpus": "songs.json", "pack": "lpd5_16th_x.npz.xz", "description": "words.toml"}


@pytest.fixture(params=sorted(READERS))
def reader(request, tmp_path):
    """A reader, and the file that it reads, which is not there yet."""
    if request.param == "pack":
        (tmp_path / "songs_x.json.xz").write_bytes(lzma.compress(b"[]"))
    return READERS[request.param], tmp_path / NAMES.get(request.param, "file")


def test_a_pipe_is_refused_before_anything_is_read(reader):
    read, path = reader
    os.mkfifo(path)
    with pytest.raises(CmtError, match="is a pipe, not a file"):
        read(path)


def test_a_device_that_never_ends_is_refused(reader):
    read, path = reader
    path.symlink_to("/dev/zero")
    with pytest.raises(CmtError, match="is a device, not a file"):
        read(path)


def test_what_is_no_file_in_a_folder_of_music_or_videos_is_told(tmp_path):
    """Pipes, links that lead nowhere or round in circles, and links to folders: none passes without a line."""
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "pipe.mid")
    os.mkfifo(tmp_path / "pack.npz")
    for link, target in (("round.mid", "round.mid"), ("gone.mid", "x.mid"), ("unmounted", "x"), ("sub/up", "..")):
        (tmp_path / link).symlink_to(target)
    (tmp_path / "clip.mp4").write_bytes(b"")
    reasons = {entry.source: entry.failure for entry in read_sources(find_sources([tmp_path]))}
    names = ("gone.mid", "pack.npz", "pipe.mid", "round.mid", "sub/up", "unmounted")
    assert sorted(reasons) == [str(tmp_path / name) for name in names]
    assert all(reasons.values())
    (line,) = find_videos([tmp_path]).left_out
    assert line == f"{tmp_path}/sub/up: {LINKED}"
    (tmp_path / "clip.mp4").unlink()
    with pytest.raises(CmtError, match=r"no videos and no pictures in it .*/sub/up: is a link to a folder"):
        find_pictures([tmp_path])
    (tmp_path / "sub" / "img1.png").write_bytes(b"")
    assert find_pictures([tmp_path]).left_out == (line,)


def test_a_link_to_itself_among_the_videos_is_a_row_of_the_match(tmp_path):
    (tmp_path / "round.mp4").symlink_to("round.mp4")
    with Workers(1) as workers:
        results = match([tmp_path / "round.mp4"], [], MatchWishes(), workers)
    assert "no such file" in (results.rows[0][0].failure or "")


def test_a_text_in_a_column_may_hold_what_parts_other_files(tmp_path):
    """Semicolons and tabs in labels after commas; what Windows writes three dots as ends no line."""
    path = tmp_path / "markers.csv"
    path.write_bytes(b'time,label\n12.5,Intro; part two\n13,a\tb\n14;c, d\n15,5;e\n16,"f; g"\n17,wait\x85 now\r\n')
    found = [line.cells for line in read_columns(path)]
    expected = [("12.5", "Intro; part two"), ("13", "a\tb"), ("14", "c, d"), ("15.5", "e"), ("16", "f; g")]
    assert found == [*expected, ("17", "wait\x85 now")]


def _said(read, path) -> str:
    try:
        read(path)
    except CmtError as error:
        return str(error)
    return ""


def test_deep_json_and_bytes_that_are_no_text_are_one_line(reader):
    read, path = reader
    for content in (DEEP.encode(), b"\xff\xfe\0\xd8", b'{"a": "\\ud800"}', b"", b"\0" * 100):
        path.write_bytes(content)
        assert "\n" not in _said(read, path)


def test_a_pack_that_unpacks_to_gigabytes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("cmt.corpus.packs.MOST_PACK_BYTES", 2**21)
    path = tmp_path / "lpd5_16th_x.npz.xz"
    path.write_bytes(lzma.compress(bytes(2**23)))
    (tmp_path / "songs_x.json.xz").write_bytes(lzma.compress(b"[]"))
    with pytest.raises(CmtError, match="unpacks to more than 2 MiB"):
        read_pack_songs(path)


@pytest.mark.parametrize("damage", ["cut", "short column", "pitch", "offsets", "no columns"])
def test_a_damaged_pack_is_one_line(tmp_path, damage):
    arrays = {
        "offsets": np.array([0, 2]),
        "dt": np.array([0, 4], np.uint16),
        "track": np.array([0, 1], np.uint8),
        "pitch": np.array([60, 64], np.uint8),
        "dur": np.array([1, 1], np.uint8),
    }
    if damage == "short column":
        arrays["dur"] = arrays["dur"][:1]
    elif damage == "pitch":
        arrays["pitch"][1] = 200
    elif damage == "offsets":
        arrays["offsets"] = np.array([0, 9])
    elif damage == "no columns":
        arrays["dt"] = np.zeros((2, 2))
    content = io.BytesIO()
    np.savez(content, **arrays)
    packed = lzma.compress(content.getvalue())
    path = tmp_path / "lpd5_16th_x.npz.xz"
    path.write_bytes(packed[:-40] if damage == "cut" else packed)
    (tmp_path / "songs_x.json.xz").write_bytes(lzma.compress(b'[{"md5": "a", "split": "train"}]'))
    with pytest.raises(CmtError, match="not a pack of songs") as caught:
        read_pack_songs(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "value"),
    [("duration", 0), ("duration", 200), ("instrument", 5), ("pitch", 128), ("position", -1), ("position", 32)],
)
def test_a_corpus_with_notes_that_cannot_be_is_one_line(tmp_path, column, value):
    entries = [Entry(SongInfo("a", None, Mode.MAJOR, 120.0, 0, n_bar), "train", 3) for n_bar in (4, 2)]
    columns = {"position": [0, 40, 63, 0, 1, 31], "instrument": [4] * 6, "pitch": [127] * 6, "duration": [64] * 6}
    typed = [(name, np.array(values, getattr(COLUMN_TYPES, name))) for name, values in columns.items()]
    write_folder(tmp_path, entries, typed)
    assert len(read_folder(tmp_path, "train").songs) == 2
    for name, values in typed:
        if name == column:
            values[5] = value
            np.save(tmp_path / f"{name}.npy", values)
    with pytest.raises(CmtError, match="damaged, it has notes that cannot be; make it anew"):
        read_folder(tmp_path, "train")


def test_half_a_surrogate_pair_is_no_json_and_a_byte_of_a_name_is():
    assert json_in(r'"\udcff \ud83d\ude00"') == "\udcff \U0001f600"
    with pytest.raises(ValueError, match="half a surrogate pair"):
        json_in(rb'["\ud800"]')


@pytest.mark.parametrize("content", [b"MThd\xe0\x00", b"\x00\x00\x00\x20ftypisom", b"\xff\xfe\x00"])
def test_what_is_no_text_is_no_json_in_plain_words(content):
    with pytest.raises(ValueError, match=r"^it is no text$"):
        json_in(content)


def test_text_may_end_its_lines_as_on_any_system(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
    assert text_of(tmp_path / "a", 100) == "a\nb\nc"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    tensors, description = load_tensors(default_checkpoint())
    name = sorted(tensors)[0]
    tensors[name] = tensors[name].copy()
    tensors[name].flat[0] = value
    save_tensors(tensors, description, tmp_path / "nan.safetensors")
    with pytest.raises(CmtError, match=f"{name} holds values that are no numbers"):
        load_checkpoint(tmp_path / "nan.safetensors")


def _with_header(header: object, size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if size is None else size).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        _with_header({}, 99_000_000),
        _with_header({"__metadata__": {"cmt": DEEP}}),
        _with_header({"__metadata__": {"cmt": "[1, 2]"}}),
        _with_header({"__metadata__": {"cmt": '{"model": 3, "vocabulary": 1}'}}),
        _with_header({"__metadata__": {"cmt": "{}"}, "a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}})
        + b"\0\0",
    ],
    ids=["header of 99 MB", "deep", "list", "no model", "bfloat16"],
)
def test_damaged_checkpoints_are_one_line(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(CmtError, match=r"checkpoint|vocabulary"):
        load_checkpoint(path)


def test_metadata_of_another_kind_is_one_line(tmp_path):
    tensors, description = load_tensors(default_checkpoint())
    for change in ({"embedding_sizes": 3}, {"n_head": 0}, {"n_layer": "6"}, {"d_model": None}):
        save_tensors(tensors, {**description, "model": {**description["model"], **change}}, tmp_path / "a.safetensors")
        with pytest.raises(CmtError, match="do not fit"):
            load_checkpoint(tmp_path / "a.safetensors")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", "'a", "a=1", "", "é"])
def test_cells_that_a_spreadsheet_would_run_are_harmless_and_read_back(text):
    cell = harmless(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert as_written(cell) == text
    assert harmless(-1.5) == -1.5


def test_pairs_are_read_as_they_were_before_they_were_made_harmless(tmp_path):
    from cmt.evaluation.evaluate import pairs_of

    (tmp_path / "pairs.csv").write_text("midi,video\n'=1.mid,'+a.mp4\n")
    (pair,) = pairs_of([], pair_list=tmp_path / "pairs.csv")
    assert (pair.midi.name, pair.video.name) == ("=1.mid", "+a.mp4")


def test_nothing_that_a_terminal_obeys_reaches_it():
    assert printable("a\x1b[31m\tb\nc") == "a\\x1b[31m\tb\nc"
    assert printable("\udcff \ud800 \u202e \x9b é") == "\\xff \\ud800 \\u202e \\x9b é"
    assert printable("é", "ascii") == "\\xe9"


def test_a_name_with_escape_codes_is_shown_and_not_obeyed(tmp_path):
    name = tmp_path / "a\x1b[31m\udcff.mid"
    result = CliRunner().invoke(main, ["render", str(name)])
    assert result.exit_code == 1
    assert "\x1b" not in result.output
    assert "a\\x1b[31m\\xff.mid" in result.output


def test_one_bad_file_does_not_end_an_evaluation(tmp_path, monkeypatch):
    from cmt.evaluation.evaluate import evaluate, pairs_of
    from midi_io import write_midi
    from midi_io.song import Instrument, Note, Song

    song = Song.steady([Note(4 * k, Instrument.PIANO, 60, 2, 90) for k in range(16)], 120.0, 64)
    for name in ("good", "list", "deep", "types"):
        write_midi(song, tmp_path / f"{name}.mid")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "deep.json").write_text(DEEP)
    (tmp_path / "types.json").write_text('{"schema": 3, "density_asked": {}, "genre": []}')
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    pieces = evaluate(pairs_of([tmp_path]), audio=False).pieces
    failed = {Path(piece.midi).stem: piece.failure for piece in pieces if piece.failure}
    assert sorted(failed) == ["bad", "deep", "types"]
    assert all("\n" not in failure for failure in failed.values())
    monkeypatch.setattr("cmt.evaluation.evaluate.measure_piece", lambda *_, **__: 1 / 0)
    assert "ZeroDivisionError" in evaluate(pairs_of([tmp_path / "good.mid"]), audio=False).pieces[0].failure


def test_one_bad_file_does_not_end_an_indexing(tmp_path):
    pytest.importorskip("pyarrow")
    from cmt.matching.library import Source, read_sources

    path = _corpus(tmp_path)
    (entry,) = read_sources([Source(str(path), 1, 1)])
    assert entry.failure is not None
    assert "\n" not in entry.failure


def _corpus(folder: Path) -> Path:
    """A corpus with an instrument that there is not, and half a surrogate pair in a name."""
    from cmt.corpus.folder import COLUMN_TYPES, CORPUS_FORMAT, SONGS
    from cmt.music.words import VOCABULARY_VERSION

    for name, dtype in COLUMN_TYPES._asdict().items():
        np.save(folder / f"{name}.npy", np.full(4, 254, dtype))
    song = {"name": "a\udcff", "genre": None, "mode": "major", "tempo": 120, "semitones_home": 0, "n_bar": 20}
    content = {"format": CORPUS_FORMAT, "vocabulary": VOCABULARY_VERSION}
    content["songs"] = [{**song, "split": "train", "n_note": 4}]
    (folder / SONGS).write_text(json.dumps(content))
    return folder / SONGS


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_on_standard_output_is_one_line(tmp_path):
    import subprocess

    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cmt", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_that_fills_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    import errno

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("cmt.network.checkpoint.save", full)
    with pytest.raises(CmtError, match="No space left on device"):
        save_tensors({"a": np.zeros(1, np.float16)}, {}, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())


def test_an_index_and_a_table_may_lie_where_a_name_is_no_utf_8(tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    (tmp_path / "songs").mkdir()
    write_midi(Song.steady((Note(0, Instrument.PIANO, 60, 2, 90),), 120.0, 16), tmp_path / "songs" / "a.mid")
    update_index([tmp_path / "songs"], folder, Workers(1))
    (shard,) = open_index(folder)
    assert sum(len(table.block.tempo) for table in read_pieces(shard)) == 1
    write_table([[Match("a", failure="b")]], folder / "a.parquet")
    write_description(Description(), folder / "a.toml", "of caf\udce9.mp4")
    assert "of caf?.mp4" in (folder / "a.toml").read_text()


def test_a_list_that_leads_nowhere_is_told(tmp_path):
    """A link or a pipe where a list, a report or a sound was to be read: none is passed over without a word."""
    (tmp_path / "lastfm").mkdir()
    (tmp_path / "lastfm" / "id_list_rock.txt").write_text("TRAAAGR128F425B14B")
    (tmp_path / IDS).symlink_to("unmounted")
    with pytest.raises(CmtError, match=f"{IDS}: cannot be read"):
        read_labels(tmp_path)
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(CmtError, match=r"a.json: is a pipe"):
        read_report(tmp_path / "a.mid")
    (tmp_path / "hit.wav").symlink_to("unmounted")
    with pytest.raises(CmtError, match=r"hit.wav: cannot be read as sound"):
        read_library(tmp_path)


def test_bytes_that_are_no_archive_are_not_told_how_to_load_a_pickle(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(CmtError, match="it is no zip archive"):
        read_pianoroll(tmp_path / "a.npz")


@pytest.mark.parametrize("option", ["-o", "--soundfont", "--hits", "--sound-library"])
def test_an_empty_path_is_none(option):
    result = CliRunner().invoke(main, ["generate", "a.mp4", option, ""])
    assert result.exit_code == 2 and "is no path" in result.stderr


def test_a_film_that_was_asked_for_and_is_missing_ends_in_exit_code_1(tmp_path, monkeypatch):
    rows = [[Match("a.mp4", rank=1, score=0.5, source="a.mid", failure="the disk is full")]]
    monkeypatch.setattr("cmt.matching.ranking.match", lambda *_: Results(rows, 1, 1, 1.0))
    monkeypatch.setattr("cmt.matching.index.is_index", lambda _: True)
    monkeypatch.setattr("cmt.matching.index.open_index", lambda _: [])
    monkeypatch.setattr("midi_io.ready_soundfont", lambda *_: None)
    (tmp_path / "a.mp4").touch()
    command = ["match", str(tmp_path / "a.mp4"), "--library", str(tmp_path), "--jobs", "1"]
    assert CliRunner().invoke(main, command).exit_code == 0
    result = CliRunner().invoke(main, [*command, "--render", str(tmp_path / "films")])
    assert result.exit_code == 1 and result.stderr.endswith("cmt: 1 of 1 film could not be made; see above\n")


def test_a_number_of_hundreds_of_digits_is_no_json(tmp_path):
    assert json_in('{"a": "' + "1" * 400 + '", "b": 0.' + "1" * 400 + "}")["b"] < 1
    path = tmp_path / "clip.comments.json"
    path.write_text('{"schema": 1, "comments": [{"begin": 1' + "0" * 400 + ', "text": "a"}]}')
    with pytest.raises(CmtError, match="is no JSON"):
        read_comments(path)


def test_a_checkpoint_that_claims_gigabytes_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    path.touch()
    os.truncate(path, 2**33)  # it takes no room on the disk
    with pytest.raises(CmtError, match="larger than 1 GiB"):
        load_checkpoint(path)


def test_a_value_of_thousands_of_characters_is_shown_in_part(tmp_path):
    events = tmp_path / "events.json"
    events.write_text(json.dumps({"schema": "a" * 5000, "events": []}))
    said = CliRunner().invoke(main, ["sounds", "a.mp4", "--sound-events", str(events)]).stderr
    assert len(said) < 1100 and said.startswith(f"cmt: {events}") and said.endswith("\n")
