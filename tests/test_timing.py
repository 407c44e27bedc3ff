"""The user's markers are read, checked and merged; the song's tempo map is the grid."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmt.errors import CmtError
from cmt.grid.agreement import misses, seconds_at
from cmt.grid.bend import bend_grid
from cmt.grid.hits import Hit, Marker, checked_markers, hits_of, read_markers
from cmt.grid.layout import grid_of_video, warnings_of
from cmt.grid.solver import fit_grid
from cmt.report.parts import grid_of
from video_rhythm import VisualBeat


def rhythm(duration=20.0, cuts=(), beats=()):
    """Of a video's rhythm what the grid is made of."""
    return SimpleNamespace(
        duration=duration,
        cuts=tuple(cuts),
        visual_beats=tuple(VisualBeat(*beat) for beat in beats),
        tempo=None,
        tempo_confidence=0.0,
    )


def written(tmp_path, content):
    path = tmp_path / "markers.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        "1.5\n3,2\n",
        "time,weight\n1.5,1\n3,2\n",
        "seconds;weight;name\n1.5;;verse\n3;2;chorus\n",
        "Time\n\n# the verse\n 1.5 \n\n3\t2.0\n",
        "\ufefftime\r\n1.5\r\n3,2\r\n",
        '"time","weight"\n"1.5","1"\n"3","2"\n',
        b"1.5\r3,2",
    ],
)
def test_markers_are_read_with_and_without_header_weights_and_comments(content, tmp_path):
    markers = read_markers(written(tmp_path, content))
    assert [(marker.time, marker.weight) for marker in markers] == [(1.5, 1.0), (3.0, 2.0)]


@pytest.mark.parametrize(
    ("content", "markers"),
    [
        ("1.5\t2.5\tverse\n3\t3\thit\n", [(1.5, 1.0), (3.0, 1.0)]),
        ("0.000000\t0.000000\tstart\n2.5\t2.5\t\n", [(0.0, 1.0), (2.5, 1.0)]),
        ("1.5\t2.5\tverse\n\\\t200.0\t3000.0\n", [(1.5, 1.0)]),
        ("1.5,2.5,1\n3,3,2\n", [(1.5, 1.0), (3.0, 1.0)]),
        ("time,weight,name\n1.5,2.5,verse\n", [(1.5, 2.5)]),
        ("1.5,2.5,verse\n3,2,chorus\n", [(1.5, 2.5), (3.0, 2.0)]),
        ("1.5,2.5,verse\n3,,chorus\n", [(1.5, 1.0), (3.0, 1.0)]),
        ("start;end\n1.5;2.5\n", [(1.5, 1.0)]),
        ("1.500000\t2.500000\n3.000000\t3.000000\tverse\n", [(1.5, 1.0), (3.0, 1.0)]),
        ("1,500000\t2,500000\tRefrain, laut\n", [(1.5, 1.0)]),
        ("Zeit;Gewicht;Name\n1,5;2,5;a\n", [(1.5, 2.5)]),
        ('"1,5","0,5"\n', [(1.5, 0.5)]),
        ("1.5\t2.5\tGröße\n".encode("latin-1"), [(1.5, 1.0)]),
        ("1.5\t2.5\tGröße\n".encode("utf-16"), [(1.5, 1.0)]),
    ],
)
def test_labels_with_a_start_and_an_end_are_markers_where_they_begin(content, markers, tmp_path):
    assert [(m.time, m.weight) for m in read_markers(written(tmp_path, content))] == markers


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_of_markers_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(CmtError, match=r"pipe\.csv: is a pipe, not a file"):
        read_markers(tmp_path / "pipe.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1.5\nsoon\n", "{path}:2: 'soon' is no time; write seconds, such as 12.5"),
        ("time\n12.5s\n", "{path}:2: '12.5s' is no time; write seconds, such as 12.5"),
        ("1:30\n", "{path}:1: '1:30' is no time; write seconds, such as 12.5"),
        ("time\nweight\n", "{path}:2: 'weight' is no time; write seconds, such as 12.5"),
        ("1.5\nnan\n", "{path}:2: 'nan' is no time; write seconds, such as 12.5"),
        ("1.5\n,3\n", "{path}:2: '' is no time; write seconds, such as 12.5"),
        ("1.5,heavy\n", "{path}:1: 'heavy' is no weight; write a number above 0, or leave it out"),
        ("2\n1.5,-1\n", "{path}:2: '-1' is no weight; write a number above 0, or leave it out"),
        ("x1" * 99999, "{path}:1: '" + "x1" * 20 + "' is no time; write seconds, such as 12.5"),
        ("", "{path}: holds no markers; write a time in seconds on each line"),
        ("time,weight\n", "{path}: holds no markers; write a time in seconds on each line"),
        (b"\xff\xfe1\x00\x00", "{path}: is no text; give a file with a time in seconds on each line"),
    ],
)
def test_a_line_that_is_no_marker_is_named_with_its_cure(content, message, tmp_path):
    path = written(tmp_path, content)
    with pytest.raises(CmtError) as error:
        read_markers(path)
    assert str(error.value) == message.format(path=path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CmtError, match=r"none\.csv: cannot be read .No such file or directory.; check the path"):
        read_markers(tmp_path / "none.csv")


def test_markers_unsorted_and_twice_are_sorted_and_merged():
    markers = checked_markers([Marker(9.0), Marker(2.0), Marker(9.0004, 3.0), Marker(2.0)], 10.0)
    assert [(round(marker.time, 2), marker.weight) for marker in markers] == [(2.0, 1.0), (9.0, 3.0)]


@pytest.mark.parametrize("time", [-0.1, 10.001, 1e9])
def test_a_marker_outside_of_the_video_is_refused_with_its_time_and_the_duration(time):
    with pytest.raises(CmtError) as error:
        checked_markers([Marker(3.0), Marker(time, source="m.csv:2")], 10.0)
    assert str(error.value) == (
        f"m.csv:2: {time:g} s lies outside the video, which lasts 10.000 s; give a time from 0 to 10"
    )


@pytest.mark.parametrize("marker", [Marker(float("nan")), Marker(1.0, 0.0), Marker(1.0, float("inf"))])
def test_markers_from_python_are_checked_as_well(marker):
    with pytest.raises(CmtError, match=r"marker: (nan is no time|0\.0 is no weight|inf is no weight)"):
        checked_markers([marker], 10.0)


def test_each_event_is_one_hit_and_markers_are_the_heaviest():
    hits = hits_of(
        rhythm(cuts=(5.0, 8.0), beats=((5.01, 0.4), (3.0, 0.2), (6.0, 0.1))), [Marker(8.02), Marker(1.0, 2.0)]
    )
    assert [(hit.time, hit.kind, hit.weight) for hit in hits] == [
        (1.0, "marker", 6.0),
        (3.0, "visual beat", 0.25),
        (5.0, "cut", 1.0),
        (6.0, "visual beat", 0.125),
        (8.02, "marker", 3.0),
    ]


@given(
    times=st.lists(st.floats(0.1, 19.9), max_size=8),
    tempo=st.none() | st.floats(60, 200),
    change=st.sampled_from([0.0, 8.0]),
)
@settings(max_examples=30, deadline=None)
def test_a_grid_begins_on_a_sixteenth_and_ends_with_the_video(times, tempo, change):
    hits = [Hit(time, 3.0, "marker") for time in times]
    grid = bend_grid(fit_grid(20.0, hits, tempo=tempo), hits, change / 100)
    assert grid.seconds(grid.length) == pytest.approx(20.0, abs=1e-9)
    assert grid.start == int(grid.start)
    positions = np.arange(int(grid.start), int(grid.length) + 1)
    assert [grid.seconds(int(p)) for p in positions] == pytest.approx(seconds_at(grid, positions).tolist(), abs=1e-9)
    described = grid_of(grid, hits)
    assert len(described.bar_borders) == described.n_bar + 1
    assert described.bar_borders[0] == 0 and described.bar_borders[-1] == pytest.approx(20.0)
    assert described.hits.markers.n_hit == len(times)


def test_what_the_grid_cannot_give_is_said_with_a_cure():
    markers = [Hit(time, 3.0, "marker") for time in (2.0, 2.31, 4.0, 6.0, 8.0)]
    steady = fit_grid(10.0, markers, tempo=120.0)
    assert warnings_of(steady, markers, tempo_map=False) == (
        "off the grid: 1 of 5 times asked for (2.31 s); `tempo_map` may bring them back",
    )
    assert warnings_of(steady, markers[:1], tempo_map=True) == ()
    beats = [Hit(1.0, 0.5, "visual beat")]
    assert warnings_of(bend_grid(steady, beats, 0.08), beats, tempo_map=True) == (
        "the tempo map has no cuts to follow, so the tempo stays steady; give times with `markers`",
    )


def test_a_wish_for_a_tempo_and_a_range_is_granted():
    grid = grid_of_video(rhythm(cuts=(3.1, 7.7, 12.0)), [Marker(15.3)], tempo=100.0, tempo_change=5.0)
    tempi = [stretch.tempo for stretch in grid_of(grid, []).tempo_map]
    assert len(tempi) > 1 and all(95 - 1e-6 <= tempo <= 105 + 1e-6 for tempo in tempi[1:])
    assert misses(grid, [3.1, 7.7, 12.0, 15.3], 16).max() < 0.04
