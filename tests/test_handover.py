"""Markers for editors: the times of a report as frames and timecode, and files that other programs read back."""

import csv
import io
import json
import re
from dataclasses import replace
from fractions import Fraction
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report import full_report

from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.handover.markers import write_markers
from cmt.handover.moments import KINDS, USUAL, Moment, cues_of, moments_of
from cmt.handover.timecode import STANDARD, FrameRate, rate_of, rate_warnings
from cmt.handover.timelines import MOST_EVENTS, Clip, edl, fcpxml, fitting, otio, table
from midi_io.song import Knot, Timeline

NTSC = Fraction(30000, 1001)
TIMELINE = Timeline((Knot(0.0, 0.0), Knot(16.0, 2.0), Knot(32.0, 4.1)), length=32)
"""That of `full_report`."""
COLOURS = {"Purple", "Green", "Red", "Cyan", "Pink", "Blue", "Yellow"}

rates = st.sampled_from([FrameRate(rate) for rate in STANDARD])


def clip_of(rate=NTSC, n_frame=122, start="01:00:00:00", **fields):
    rate = FrameRate(rate)
    usual = {"name": "clip", "width": 640, "height": 360, "media": "clip.mp4", "has_picture": True, "audio_rate": 48000}
    return Clip(rate=rate, n_frame=n_frame, start=rate.frame_of(start), **{**usual, **fields})


def all_moments():
    return moments_of(full_report(), TIMELINE, tuple(KINDS))


class TestTimecode:
    @pytest.mark.parametrize(
        ("rate", "frame", "timecode"),
        [
            (NTSC, 1799, "00:00:59;29"),
            (NTSC, 1800, "00:01:00;02"),
            (NTSC, 17981, "00:09:59;29"),
            (NTSC, 17982, "00:10:00;00"),
            (NTSC, 107892, "01:00:00;00"),
            (2 * NTSC, 3599, "00:00:59;59"),
            (2 * NTSC, 3600, "00:01:00;04"),
            (Fraction(24000, 1001), 1440, "00:01:00:00"),
            (Fraction(25), 90000, "01:00:00:00"),
        ],
        ids=str,
    )
    def test_numbers_are_dropped_at_29_97_and_not_at_23_976(self, rate, frame, timecode):
        assert FrameRate(rate).timecode(frame) == timecode
        assert FrameRate(rate).frame_of(timecode) == frame

    @given(rates, st.integers(0, 10_000_000))
    def test_every_frame_has_a_timecode_of_its_own(self, rate, frame):
        frame %= rate.frame_of(f"23:59:59:{rate.nominal - 1}") + 1
        assert rate.frame_of(rate.timecode(frame)) == frame

    @given(rates, st.integers(0, 2_000_000))
    def test_a_frame_is_found_again_from_the_time_at_which_it_begins(self, rate, frame):
        assert rate.frame(float(rate.seconds(frame))) == frame

    def test_drop_frame_timecode_stays_with_the_clock(self):
        """Within four numbers of it after a day, where plain counting would be 86 s behind."""
        rate = FrameRate(NTSC)
        hours, minutes, seconds, number = (int(part) for part in re.split("[:;]", rate.timecode(rate.frame(86_000))))
        assert abs(3600 * hours + 60 * minutes + seconds + number / 30 - 86_000) < 4 / 30

    @pytest.mark.parametrize("text", ["", "1:2:3:4", "01:00:00", "00:60:00:00", "00:00:00:30", "00:01:00:00"])
    def test_what_is_no_timecode_at_29_97_is_refused(self, text):
        with pytest.raises(CmtError, match="timecode"):
            FrameRate(NTSC).frame_of(text)

    @pytest.mark.parametrize(
        ("fps", "rate"),
        [
            (23.976, Fraction(24000, 1001)),
            (23.98, Fraction(24000, 1001)),
            (29.97, NTSC),
            (30, Fraction(30)),
            (59.94, 2 * NTSC),
            (15, Fraction(30)),
            (12, Fraction(24)),
            (12.5, Fraction(25)),
            (29.4, NTSC),
            (240, Fraction(120)),
            (None, Fraction(25)),
        ],
        ids=str,
    )
    def test_a_video_is_counted_at_the_nearest_rate_of_timelines(self, fps, rate):
        assert rate_of(fps).rate == rate

    @pytest.mark.parametrize("fps", [None, 23.976023976, 12.0, 25.0, 14.985014985])
    def test_a_rate_that_timelines_have_needs_no_warning(self, fps):
        assert not rate_warnings(fps)

    def test_another_rate_is_told(self):
        (line,) = rate_warnings(29.4)
        assert "29.4" in line and "29.97" in line


class TestMoments:
    def test_times_and_words_are_those_of_the_report(self):
        said = [(round(moment.seconds, 3), moment.kind, moment.label) for moment in all_moments()]
        assert said == [
            (0.0, "section", "section A"),
            (0.0, "scene", "scene 1: blue"),
            (0.0, "chord", "C"),
            (0.0, "bar", "bar 1"),
            (0.0, "beat", "bar 1, beat 1"),
            (0.5, "beat", "bar 1, beat 2"),
            (1.0, "accent", "accent: bass"),
            (1.0, "sound", "hit: user"),
            (1.0, "beat", "bar 1, beat 3"),
            (1.25, "visual beat", "visual beat on a sixteenth"),
            (1.5, "beat", "bar 1, beat 4"),
            (2.0, "section", "section drop"),
            (2.0, "cut", "cut on a downbeat"),
            (2.0, "accent", "accent: drums"),
            (2.0, "chord", "Am"),
            (2.0, "bar", "bar 2"),
            (2.0, "beat", "bar 2, beat 1"),
            (2.525, "beat", "bar 2, beat 2"),
            (3.0, "hit", "hit missed by 50 ms"),
            (3.05, "chord", "F"),
            (3.05, "beat", "bar 2, beat 3"),
            (3.575, "beat", "bar 2, beat 4"),
        ]
        assert {moment.colour for moment in all_moments()} <= COLOURS

    def test_a_cut_that_the_grid_misses_says_by_how_much(self):
        report = replace(full_report(), markers=(Marker(0.56),))
        (hit,) = moments_of(report, TIMELINE, ("hits",))
        assert (hit.label, hit.colour) == ("hit missed by 60 ms", "Yellow")

    def test_beats_are_marked_only_where_they_are_asked_for(self):
        assert {moment.kind for moment in moments_of(full_report(), TIMELINE, USUAL)} == set(KINDS.values()) - {"beat"}

    def test_without_a_picture_there_is_nothing_of_it(self):
        report = replace(full_report(), picture=None, scenes=(), markers=(), sounds=None)
        kinds = {moment.kind for moment in moments_of(report, TIMELINE)}
        assert kinds == {"section", "accent", "chord", "bar"}

    def test_a_pickup_is_the_first_bar_and_begins_at_0(self):
        timeline = Timeline((Knot(12.0, 0.0), Knot(32.0, 2.5)), length=32)
        bars = moments_of(full_report(), timeline, ("bars", "chords"))
        assert [(moment.seconds, moment.label) for moment in bars[:3]] == [(0.0, "C"), (0.0, "bar 1"), (0.5, "Am")]

    def test_moments_of_one_picture_are_one_cue_and_none_is_lost(self):
        cues = cues_of(all_moments(), FrameRate(NTSC), 122)
        assert [cue.frame for cue in cues] == sorted({cue.frame for cue in cues})
        assert sorted(moment for cue in cues for moment in cue.moments) == sorted(all_moments())
        first = cues[0]
        assert first.name == "section A / scene 1: blue / C / bar 1 / bar 1, beat 1" and first.colour == "Purple"

    def test_a_moment_at_the_very_end_is_on_the_last_picture(self):
        assert cues_of([Moment(4.1, "cut", "cut", "Cyan")], FrameRate(NTSC), 122)[0].frame == 121


class TestTable:
    def test_its_rows_are_the_moments(self):
        rows = list(csv.DictReader(io.StringIO(table(all_moments(), clip_of()))))
        rate = FrameRate(NTSC)
        for row, moment in zip(rows, all_moments(), strict=True):
            assert float(row["seconds"]) == pytest.approx(moment.seconds, abs=1e-6)
            assert int(row["frame"]) == rate.frame(moment.seconds)
            assert rate.frame_of(row["timecode"]) == int(row["frame"]) + 107892
            assert (row["kind"], row["label"], row["colour"]) == moment[1:]

    @pytest.mark.parametrize("label", ["=1+1", "+A1", "-2", "@SUM(A1)", "\tx", "\rx"])
    def test_no_cell_is_a_formula(self, label):
        (row,) = csv.DictReader(io.StringIO(table([Moment(0.0, "section", label, "Blue")], clip_of()), newline=""))
        assert row["label"] == f"'{label}".replace("\t", " ").replace("\r", " ")


EVENT = re.compile(
    r"(?P<number>\d{3})  001      V     C        (?P<a>\S{11}) (?P<b>\S{11}) (?P<c>\S{11}) (?P<d>\S{11})  "
)
MARK = re.compile(r"(?P<note>[^|]*)\|C:ResolveColor(?P<colour>[A-Z][a-z]+) \|M:(?P<name>[^|]+) \|D:(?P<frames>\d+)")


def parse_edl(text, rate):
    """The title and (frame, colour, name) of each marker of a marker EDL; anything that its grammar lacks is an error.

    list = title, mode, blank, {event, mark, blank}. Source and record times are alike, the second one frame later.
    """
    lines = text.split("\n")
    assert lines.pop() == ""
    title = re.fullmatch(r"TITLE: (.+)", lines[0])
    mode = re.fullmatch(r"FCM: (DROP|NON-DROP) FRAME", lines[1])
    assert title and mode and lines[2] == ""
    separator = ";" if mode[1] == "DROP" else ":"
    markers = []
    rows = lines[3:]
    assert len(rows) % 3 == 0
    for at in range(0, len(rows), 3):
        event, mark, blank = rows[at : at + 3]
        found, said = EVENT.fullmatch(event), MARK.fullmatch(mark)
        assert found and said and blank == ""
        assert int(found["number"]) == at // 3 + 1
        assert found["a"] == found["c"] and found["b"] == found["d"]
        assert {found["a"][8], found["b"][8]} == {separator}
        begin, end = rate.frame_of(found["a"]), rate.frame_of(found["b"])
        assert end - begin == int(said["frames"]) == 1
        markers.append((begin, said["colour"], said["name"]))
    return title[1], markers


class TestResolve:
    @pytest.mark.parametrize("rate", STANDARD, ids=str)
    def test_the_list_is_read_back(self, rate):
        rate = FrameRate(rate)
        cues = cues_of(all_moments(), rate, 1000)
        clip = clip_of(rate.rate, 1000)
        title, markers = parse_edl(edl(cues, clip), rate)
        assert title == "clip"
        assert markers == [(clip.start + cue.frame, cue.colour, cue.name) for cue in cues]
        assert {colour for _, colour, _ in markers} <= COLOURS

    def test_times_of_an_hour_at_29_97_are_in_drop_frame_timecode(self):
        cues = cues_of([Moment(60.06, "cut", "cut", "Cyan")], FrameRate(NTSC), 10_000)
        assert "01:01:00;02 01:01:00;03" in edl(cues, clip_of(n_frame=10_000))

    def test_a_name_cannot_end_its_field_or_its_line(self):
        cues = cues_of([Moment(0.0, "section", "a|b\nc", "Blue")], FrameRate(NTSC), 9)
        assert parse_edl(edl(cues, clip_of(name="x\ny|z")), FrameRate(NTSC)) == ("x y z", [(107892, "Blue", "a b c")])

    def test_a_long_film_leaves_out_what_says_least(self):
        bars = [Moment(2.0 * bar, "bar", f"bar {bar}", "Blue") for bar in range(1500)]
        cuts = [Moment(20.0 * cut, "cut", "cut on a downbeat", "Cyan") for cut in range(150)]
        cues = cues_of([*bars, *cuts], FrameRate(Fraction(25)), 10**6)
        kept, left_out = fitting(cues)
        assert len(kept) == 150 and left_out == ("beat", "bar") and {cue.name for cue in kept} == {"cut on a downbeat"}
        assert fitting(cues[:MOST_EVENTS]) == (cues[:MOST_EVENTS], ())


TIME = re.compile(r"(\d+)(?:/(\d+))?s")
CHILDREN = {
    "fcpxml": ("resources", "library"),
    "resources": ("format", "asset"),
    "format": (),
    "asset": ("media-rep",),
    "media-rep": (),
    "library": ("event",),
    "event": ("project",),
    "project": ("sequence",),
    "sequence": ("spine",),
    "spine": ("asset-clip", "gap"),
    "asset-clip": ("marker",),
    "gap": ("marker",),
    "marker": (),
}
"""What may lie in what, of FCPXML 1.10 as far as it is written."""
ATTRIBUTES = {
    "fcpxml": {"version"},
    "format": {"id", "frameDuration", "width", "height"},
    "asset": set(
        "id name start duration hasVideo videoSources format hasAudio audioSources audioChannels audioRate".split()
    ),
    "media-rep": {"kind", "src"},
    "event": {"name"},
    "project": {"name"},
    "sequence": {"format", "duration", "tcStart", "tcFormat", "audioLayout", "audioRate"},
    "asset-clip": {"ref", "name", "offset", "start", "duration"},
    "gap": {"name", "offset", "start", "duration"},
    "marker": {"start", "duration", "value"},
}


def seconds(time):
    """A time of FCPXML."""
    whole, parts = TIME.fullmatch(time).groups()
    return Fraction(int(whole), int(parts or 1))


class TestFinalCut:
    def project(self, clip, cues):
        text = fcpxml(cues, clip)
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n')
        root = ElementTree.fromstring(text)
        assert root.tag == "fcpxml" and root.get("version") == "1.10"
        for element in root.iter():
            assert {child.tag for child in element} <= set(CHILDREN[element.tag])
            assert set(element.attrib) <= ATTRIBUTES.get(element.tag, set())
        return root

    @pytest.mark.parametrize("rate", STANDARD, ids=str)
    def test_times_are_whole_frames_of_the_video(self, rate):
        cues = cues_of(all_moments(), FrameRate(rate), 1000)
        root = self.project(clip_of(rate, 1000), cues)
        frame = seconds(root.find(".//format").get("frameDuration"))
        assert frame == 1 / rate
        timed = [element.get(name) for element in root.iter() for name in ("start", "duration", "offset", "tcStart")]
        assert all((seconds(time) / frame).denominator == 1 for time in timed if time is not None)
        markers = [(seconds(m.get("start")) / frame, m.get("value")) for m in root.iter("marker")]
        assert markers == [(cue.frame, cue.name) for cue in cues]
        sequence = root.find(".//sequence")
        assert sequence.get("tcFormat") == ("DF" if FrameRate(rate).drops else "NDF")
        assert seconds(sequence.get("duration")) == 1000 / rate

    def test_the_film_lies_beside_it_whatever_it_is_called(self):
        root = self.project(clip_of(name='a "<&> ö', media='a "<&> ö.mp4'), ())
        source = root.find(".//media-rep").get("src")
        assert unquote(source) == './a "<&> ö.mp4' and source.isascii() and " " not in source
        assert root.find(".//asset-clip").get("ref") == root.find(".//asset").get("id")
        assert root.find(".//project").get("name") == 'a "<&> ö'

    def test_sound_alone_has_no_picture(self):
        asset = self.project(clip_of(has_picture=False, media="song.wav"), ()).find(".//asset")
        assert asset.get("hasVideo") is None and asset.get("audioRate") == "48000"

    def test_without_film_and_sound_the_markers_stand_on_a_gap(self):
        cues = cues_of(all_moments(), FrameRate(NTSC), 122)
        root = self.project(clip_of(media=None), cues)
        assert root.find(".//asset") is None and len(root.findall(".//gap/marker")) == len(cues)


class TestOpenTimelineIO:
    @pytest.mark.parametrize("rate", STANDARD, ids=str)
    def test_the_library_reads_what_was_written(self, rate):
        opentimelineio = pytest.importorskip("opentimelineio", reason="opentimelineio is not installed")
        cues = cues_of(all_moments(), FrameRate(rate), 1000)
        clip = clip_of(rate, 1000)
        timeline = opentimelineio.adapters.read_from_string(otio(cues, clip), "otio_json")
        markers = timeline.tracks.markers
        assert [(m.marked_range.start_time.to_frames(), m.name) for m in markers] == [(c.frame, c.name) for c in cues]
        known = opentimelineio.schema.MarkerColor
        colours = {getattr(known, name) for name in dir(known) if name.isupper()}
        assert {marker.color for marker in markers} <= colours
        assert [len(marker.metadata["cmt"]) for marker in markers] == [len(cue.moments) for cue in cues]
        assert timeline.global_start_time.to_frames() == clip.start
        assert timeline.duration().to_frames() == 1000 and timeline.duration().rate == pytest.approx(float(rate))
        (shown,) = timeline.find_clips()
        assert shown.media_reference.target_url == "clip.mp4"
        # What the library makes of it is the same timeline.
        again = opentimelineio.adapters.read_from_string(timeline.to_json_string(), "otio_json")
        assert again.is_equivalent_to(timeline)

    def test_without_film_and_sound_the_media_is_missing(self):
        opentimelineio = pytest.importorskip("opentimelineio", reason="opentimelineio is not installed")
        timeline = opentimelineio.adapters.read_from_string(otio((), clip_of(media=None)), "otio_json")
        (shown,) = timeline.find_clips()
        assert shown.media_reference.is_missing_reference


class TestFiles:
    def test_all_files_tell_of_the_same_frames(self, tmp_path):
        lines = write_markers(full_report(), TIMELINE, tmp_path, "clip", kinds=tuple(KINDS), media="clip.mp4")
        assert not lines
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {"clip.markers.csv", "clip.markers.edl", "clip.fcpxml", "clip.otio"}
        rate = FrameRate(Fraction(24))
        rows = list(csv.DictReader((tmp_path / "clip.markers.csv").open(encoding="utf-8")))
        frames = sorted({int(row["frame"]) for row in rows})
        _, marks = parse_edl((tmp_path / "clip.markers.edl").read_text(), rate)
        assert [frame - rate.frame_of("01:00:00:00") for frame, _, _ in marks] == frames
        root = ElementTree.parse(tmp_path / "clip.fcpxml").getroot()
        assert [seconds(marker.get("start")) * 24 for marker in root.iter("marker")] == frames
        markers = json.loads((tmp_path / "clip.otio").read_text())["tracks"]["markers"]
        assert [marker["marked_range"]["start_time"]["value"] for marker in markers] == frames

    def test_a_rate_of_no_timeline_is_told(self, tmp_path):
        report = full_report()
        report = replace(report, picture=replace(report.picture, fps=27.3))
        (line,) = write_markers(report, TIMELINE, tmp_path, "clip", kinds=("bars",))
        assert "27.3" in line
