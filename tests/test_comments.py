"""Comments that the page saved: which bars they ask to be written anew, and what is wrong with them."""

import json
import math

import pytest
from click.testing import CliRunner

from cmt.cli import main
from cmt.errors import CmtError
from cmt.planning.redo import bars_anew, read_comments
from cmt.planning.wishes import Wishes
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import read_midi
from midi_io.song import Instrument, Timeline

EVERYBODY = frozenset(Instrument)
EIGHT_BARS = Timeline.steady(120.0, 128)  # of two seconds each


def comments(path, *listed, schema=1):
    path.write_text(json.dumps({"schema": schema, "comments": list(listed)}), encoding="utf-8")
    return path


def comment(begin, end=None, instrument=None, **more):
    return {"begin": begin, "end": end, "instrument": instrument, "text": "other", **more}


def bars_of(path):
    return bars_anew(read_comments(path), EIGHT_BARS, EVERYBODY)


def test_times_become_whole_bars(tmp_path):
    file = comments(tmp_path / "c.json", comment(4.0, 8.0, "piano"), comment(12.5))
    piano = frozenset([Instrument.PIANO])
    assert bars_of(file) == {2: piano, 3: piano, 6: EVERYBODY}


@pytest.mark.parametrize("begin", [3.995, 4.0, 4.005])
def test_a_rounded_time_means_the_bar_that_begins_there(tmp_path, begin):
    assert list(bars_of(comments(tmp_path / "c.json", comment(begin)))) == [2]
    assert list(bars_of(comments(tmp_path / "c.json", comment(begin, 6.004)))) == [2]


def test_the_last_moment_is_in_the_last_bar(tmp_path):
    assert list(bars_of(comments(tmp_path / "c.json", comment(15.999)))) == [7]


def test_praise_asks_for_nothing(tmp_path):
    file = comments(tmp_path / "c.json", comment(1.0, redo=False), comment(5.0))
    assert list(bars_of(file)) == [2]


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([comment(99.0)], "c.json, comment 1 (99s): the take lasts 16.000 s"),
        ([comment(1.0, instrument="kazoo")], "c.json, comment 1: no instrument 'kazoo'; choose from drums"),
        ([comment(1.0, instrument=["piano"])], "no instrument"),
        ([comment(1.0), comment("soon")], "c.json, comment 2: begin 'soon' is no time"),
        ([comment(None)], "begin 'None' is no time"),
        ([comment(True)], "begin 'True' is no time"),
        ([comment(-1.0)], "begin '-1.0' is no time"),
        ([comment(math.inf)], "begin 'inf' is no time"),
        ([comment(5.0, 4.0)], "end '4.0' is no time after 5 s"),
        ([["no", "comment"]], "comment 1: is no comment"),
        ([comment(1.0, redo=False)], "no comment in it asks"),
        ([], "no comment in it asks"),
    ],
)
def test_comments_that_point_nowhere_are_one_line(tmp_path, listed, reason):
    file = comments(tmp_path / "c.json", *listed)
    with pytest.raises(CmtError) as raised:
        bars_of(file)
    assert reason in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "has no comments"),
        ('{"schema": 1, "comments": {}}', "has no comments"),
        ('{"schema": 2, "comments": []}', "is of form 2, and form 1 is read"),
        ('{"comments": []}', "is of form None"),
        ("\udcff", "is no JSON"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path, text, reason):
    file = tmp_path / "c.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CmtError, match=reason):
        read_comments(file)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CmtError, match="cannot be read"):
        read_comments(tmp_path / "none.json")


@pytest.mark.slow
def test_a_take_is_written_anew_where_comments_say(tmp_path, checkpoint):
    wishes = Wishes(length=16.0, tempo=120.0, instruments=tuple(Instrument))
    make_soundtrack(None, tmp_path, wishes, output=Output(midi_only=True), name="song", checkpoint=checkpoint)
    file = comments(tmp_path / "my comments.json", comment(4.0, 8.0))
    words = ["generate", "--from", str(tmp_path / "song.json"), "--redo", str(file), "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(main, [*words, "-q"])
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "song-2.json").read_text(encoding="utf-8"))
    assert report["kept"]["redone"][-1]["parts"] == ["3-4"]
    before, after = (
        [note for note in read_midi(tmp_path / f"{name}.mid").notes if not 32 <= note.position < 64]
        for name in ("song", "song-2")
    )
    assert [note[:3] for note in before] == [note[:3] for note in after]
    assert (tmp_path / "song-2.html").is_file()


@pytest.mark.slow
def test_a_wrong_file_of_comments_is_one_line_and_nothing_is_written(tmp_path, checkpoint):
    wishes = Wishes(length=8.0, tempo=120.0)
    make_soundtrack(None, tmp_path, wishes, output=Output(midi_only=True), name="song", checkpoint=checkpoint)
    before = sorted(tmp_path.iterdir())
    file = comments(tmp_path / "c.json", comment(99.0))
    words = ["generate", "--from", str(tmp_path / "song.json"), "--redo", str(file), "--checkpoint", str(checkpoint)]
    result = CliRunner().invoke(main, [*words, "-q"])
    assert result.exit_code == 1 and "comment 1 (99s): the take lasts 8.000 s" in result.output
    assert sorted(tmp_path.iterdir()) == [file, *before]
