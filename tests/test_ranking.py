"""`cmt match`: planted pieces, bad files, runs that were cut short, clusters."""

import csv
import errno
import io
import json
import os
import signal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from clips import draw_clip
from libraries import draw_demand, draw_rhythm, perfect_rhythm, song_of_rhythm, write_index, write_library
from loopback import skip_without_loopback

from cmt.cli import main
from cmt.errors import CmtError
from cmt.machine import journal as journals
from cmt.machine.videos import find_videos
from cmt.machine.workers import Workers
from cmt.matching import ranking
from cmt.matching.index import PieceFilter, open_index
from cmt.matching.ranking import MatchWishes, look_at_video, match
from cmt.matching.render import fitted
from cmt.matching.rows import Match
from cmt.matching.score import rhythm_of_song
from midi_io import has_fluidsynth, read_midi
from midi_io.song import Timeline
from video_rhythm import analyze

pytestmark = pytest.mark.slow

needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Three clips, a broken one, and an index of pieces of which one is made for the first clip."""
    folder = tmp_path_factory.mktemp("match")
    (folder / "videos").mkdir()
    for name, seconds, still in (("one", 5.0, False), ("two", 4.0, False), ("calm", 4.0, True)):
        draw_clip(folder / "videos" / f"{name}.mp4", seconds, still=still)
    (folder / "videos" / "broken.mp4").write_bytes(b"no video")
    rng = np.random.default_rng(0)
    demand = look_at_video(str(folder / "videos" / "one.mp4"), "relative")
    songs = {f"any{i}": song_of_rhythm(draw_rhythm(rng, 8), float(rng.uniform(80, 140))) for i in range(9)}
    planted = draw_rhythm(rng, 12)
    planted[7 : 7 + len(demand.density)] = perfect_rhythm(demand)
    songs["pop/planted"] = song_of_rhythm(planted[: 7 + len(demand.density) + 1], demand.tempo)
    write_index(folder / "index", write_library(folder / "music", songs))
    return folder


@pytest.fixture(scope="module")
def videos(place):
    return find_videos([place / "videos"]).videos


def run(place, videos, workers=None, wishes=None, **options):
    with workers or Workers(1) as workers:
        return match(videos, open_index(place / "index"), wishes or MatchWishes(top=3), workers, **options).rows


@pytest.fixture(scope="module")
def rows(place, videos):
    """What a whole run by one process comes to."""
    return run(place, videos)


def cmt(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_planted_piece_is_first_and_its_bar_is_found(rows):
    rows = {Path(its[0].video).stem: its for its in rows}
    best = rows["one"][0]
    assert (Path(best.source).name, best.start_bar, best.rank) == ("planted.mid", 8, 1)
    assert best.rhythm_score == pytest.approx(1, abs=1e-4) and best.density_error == 0 and best.strength_error == 0
    assert best.score > rows["one"][1].score >= rows["one"][2].score and best.chance < 0.8
    assert best.genre == "pop" and best.bars_fitting == best.n_bar and best.beats_fitting == best.n_beat
    assert best.reason.startswith("bars 8 to ") and f"density fits in {best.n_bar} of {best.n_bar} bars" in best.reason
    assert len(rows["two"]) == len(rows["calm"]) == 3
    assert "no visual beats" in rows["calm"][0].reason and rows["calm"][0].n_beat == 0


def test_a_bad_video_is_a_row_with_its_reason(rows):
    rows = {Path(its[0].video).stem: its for its in rows}
    assert len(rows) == 4 and len(rows["broken"]) == 1
    assert rows["broken"][0].rank is None and "broken.mp4" in rows["broken"][0].failure


def test_a_library_without_what_is_asked_is_a_row_with_its_reason(place, videos):
    one = place / "videos" / "one.mp4"
    rows = run(place, [one], wishes=MatchWishes(pieces=PieceFilter(tempo=(1, 2))))
    assert [row.failure for row in rows[0]] == ["no piece of the library is as asked; ask for less"]


class StoppedError(Exception):
    pass


def test_a_run_that_was_cut_short_goes_on_and_ends_the_same(place, videos, rows, tmp_path, monkeypatch):
    monkeypatch.setattr(ranking, "_GROUP", 1)
    journal = tmp_path / "journal"
    looked = []
    monkeypatch.setattr(ranking, "analyze", lambda path: looked.append(path) or analyze(path))
    for stage, n_looked in (("videos", 2), ("match", 2)):
        looked.clear()

        def stop(at, done, total, stage=stage):
            if (at, done) == (stage, 2):
                raise StoppedError

        with pytest.raises(StoppedError):
            run(place, videos, journal=journal, progress=stop)
        assert len(looked) == n_looked
    text = journal.read_text()
    assert sum('"rows"' in line for line in text.splitlines()) == 1
    journal.write_text(text[:-20])  # killed while it wrote
    looked.clear()
    assert run(place, videos, journal=journal) == rows and not looked


def test_a_journal_of_another_run_is_not_used(place, videos, rows, tmp_path):
    journal = tmp_path / "journal"
    run(place, videos, journal=journal)
    assert [len(rows) for rows in run(place, videos, wishes=MatchWishes(top=2), journal=journal)].count(2) == 3
    journal.write_bytes(b"\xff\x00nonsense\n")
    assert run(place, videos, journal=journal) == rows


def test_a_full_disk_is_said_and_what_is_done_is_kept(place, tmp_path, monkeypatch):
    videos = [place / "videos" / "two.mp4"]
    journal = tmp_path / "journal"

    class Full(io.StringIO):
        def fileno(self):
            return -1

        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(journals, "try_lock", lambda _: True)
    monkeypatch.setattr(journals, "open", lambda *_, **__: Full(), raising=False)
    with pytest.raises(CmtError, match=r"journal: cannot be written \(No space left on device\)"):
        run(place, videos, journal=journal)
    monkeypatch.undo()
    with pytest.raises(CmtError, match="cannot be written"):
        run(place, videos, journal=tmp_path / "nowhere" / "journal")


def test_two_processes_give_the_rows_of_one(place, videos, rows):
    assert run(place, videos, Workers(2)) == rows


def look_and_die_once(path, dynamics, mood, folder):
    mark = Path(folder) / "died"
    if path.endswith("two.mp4") and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return look_at_video(path, dynamics, mood)


def test_a_cluster_gives_the_same_rows_and_a_killed_worker_changes_nothing(place, videos, rows, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    skip_without_loopback()
    from functools import partial

    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        monkeypatch.setattr(ranking, "look_at_video", partial(look_and_die_once, folder=str(tmp_path)))
        assert run(place, videos, Workers(scheduler=cluster.scheduler_address)) == rows
    assert (tmp_path / "died").exists()


def test_a_video_that_kills_its_process_is_a_row(place, videos):
    class Fragile(Workers):
        def map(self, function, tasks, lost=None):
            for task in tasks:
                yield lost(task, "it died") if str(task).endswith("one.mp4") else function(task)

    rows = {Path(rows[0].video).stem: rows for rows in run(place, videos, Fragile(1))}
    assert rows["one"][0].failure == "it died" and len(rows["two"]) == 3


def test_the_matrix_has_every_pair(place, videos, tmp_path):
    wishes = MatchWishes(top=1, matrix=tmp_path / "matrix")
    rows = run(place, videos, wishes=wishes)
    tables = {table["video"][0].as_py(): table for table in map(pq.read_table, sorted((tmp_path / "matrix").iterdir()))}
    assert len(tables) == 3 and all(table.num_rows == 10 for table in tables.values())
    for best, *_ in rows:
        if best.rank:
            table = tables[str(Path(best.video).resolve())]
            top = int(np.argmax(table["score"].to_numpy()))
            assert table["source"][top].as_py() == best.source and table["start_bar"][top].as_py() == best.start_bar
            assert table["score"][top].as_py() == pytest.approx(best.score, abs=1e-6)


def test_tables_say_the_same_in_every_form(place, tmp_path):
    out = [tmp_path / f"scores{suffix}" for suffix in (".csv", ".json", ".parquet")]
    options = [option for path in out for option in ("--out", path)]
    result = cmt("match", place / "videos", "--library", place / "index", "--top", 2, "--jobs", 1, *options)
    assert result.exit_code == 0, result.output
    assert "planted.mid from bar 8" in result.output and "3 videos of 4 against 10 pieces" in result.output
    assert "broken.mp4" in result.stderr
    with open(out[0], newline="") as file:
        lines = list(csv.DictReader(file))
    by_video = json.loads(out[1].read_text())
    table = pq.read_table(out[2]).to_pylist()
    assert tuple(lines[0]) == Match._fields and len(lines) == len(table) == 7
    assert [line["source"] or None for line in lines] == [row["source"] for row in table]
    assert [float(line["score"]) for line in lines if line["score"]] == [row["score"] for row in table if row["score"]]
    assert [match["score"] for video in by_video for match in video["matches"]] == [
        row["score"] for row in table if row["rank"]
    ]
    assert not list(tmp_path.glob("*unfinished*"))


def test_a_folder_of_music_is_indexed_for_the_run(place):
    result = cmt("match", place / "videos" / "one.mp4", "--library", place / "music", "--top", 1, "--jobs", 1)
    assert result.exit_code == 0 and "planted.mid from bar 8" in result.output and "cmt index" in result.stderr


@needs_fluidsynth
def test_the_film_has_the_pieces_bars_where_the_videos_are(place, tmp_path):
    video = place / "videos" / "one.mp4"
    out = tmp_path / "scores.json"
    result = cmt(
        *("match", video, "--library", place / "index", "--jobs", 1, "--out", out),
        *("--render", tmp_path / "films", "--original-audio", "keep"),
    )
    assert result.exit_code == 0, result.output
    best = json.loads(out.read_text())[0]["matches"][0]
    assert "has no sound to keep" in best["warnings"] and "warning  one.mp4 has no sound to keep" in result.stderr
    assert best["rendered"] == str(tmp_path / "films" / "one.mp4")
    assert analyze(best["rendered"]).duration == pytest.approx(analyze(video).duration, abs=0.01)
    demand = look_at_video(str(video), "relative")
    density, _ = rhythm_of_song(read_midi(tmp_path / "films" / "one.mid"))
    n_bar = len(demand.density)
    assert density[demand.first_bar : demand.first_bar + n_bar].tolist() == demand.density.tolist()


def test_a_piece_is_cut_and_moved_to_the_videos_bars():
    rng = np.random.default_rng(1)
    demand = draw_demand(rng, n_bar=4)
    # The video begins with half a bar and ends with half a bar.
    demand = demand._replace(first_bar=1, timeline=Timeline.steady(120.0, 5 * 16 + 8, 8))
    rhythm = draw_rhythm(rng, 12)
    song = fitted(song_of_rhythm(rhythm, 90.0), 3, demand)
    assert song.duration == pytest.approx(10) and song.timeline is demand.timeline
    _, strength = rhythm_of_song(song)
    expected = rhythm[2:8].copy()
    expected[0, :8] = 0
    expected[5, 8:] = 0
    assert np.array_equal(strength, expected)
    assert max(note.position + note.duration for note in song.notes) <= 88


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--library", "nowhere"], "nowhere: no such file or folder"),
        (["--library", "text.txt"], "text.txt: not a library"),
        (["--library", "empty"], "empty: no music found"),
        (["--library", "index", "--out", "scores.xls"], "scores.xls: tables are .csv, .json, .parquet"),
        (["--library", "index", "--out", "no/scores.csv"], "folder no does not exist"),
        (["--library", "index", "--scheduler", "tcp://127.0.0.1:9"], "no scheduler can be reached"),
        (["--library", "empty", "--matrix", "text.txt"], "text.txt: cannot be made"),
        (["--library", "index", "--matrix", "text.txt"], "text.txt: cannot be made"),
    ],
)
def test_what_is_wrong_is_one_line(place, tmp_path, monkeypatch, arguments, message):
    pytest.importorskip("distributed")
    skip_without_loopback()
    monkeypatch.setattr("cmt.machine.workers.TIMEOUT", 0.5)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.txt").write_text("no music")
    (tmp_path / "empty").mkdir()
    (tmp_path / "index").symlink_to(place / "index")
    result = cmt("match", place / "videos" / "two.mp4", "--jobs", 1, *arguments)
    assert result.exit_code == 1 and len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("cmt: ") and message in result.stderr


def test_a_run_without_any_match_fails(place):
    result = cmt("match", place / "videos" / "broken.mp4", "--library", place / "index", "--jobs", 1)
    assert result.exit_code == 1 and "none of 1 video has a match" in result.stderr


@pytest.mark.parametrize("text", ["90", "130-90", "a-b", "-90"])
def test_a_range_of_tempi_is_two_numbers(place, text):
    result = cmt("match", "x.mp4", "--library", place / "index", "--piece-tempo", text)
    assert result.exit_code == 2 and "such as 90-130" in result.stderr


def test_folders_without_videos_are_said(tmp_path):
    with pytest.raises(CmtError, match="no videos in it"):
        find_videos([tmp_path])
