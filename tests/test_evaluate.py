"""`cmt evaluate`: what it writes agrees, twice the same, and a bad file is a row with its reason."""

import csv
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from clips import draw_clip
from packs import write_pack

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.evaluation.evaluate import Pair, evaluate, pairs_of
from cmt.evaluation.files import as_json
from cmt.evaluation.piece import measure_piece
from cmt.evaluation.reference import (
    excerpt,
    packed_features,
    read_shipped_reference,
    shipped_classifier,
    unpacked_features,
)
from cmt.evaluation.text import number
from cmt.machine.files import LINKED
from cmt.metrics.catalogue import BY_NAME, CATALOGUE
from cmt.metrics.structure import MAX_FRAMES
from cmt.music.key import Key
from cmt.music.profile import profile_of_song
from cmt.music.words import Genre, Mode
from cmt.report.parts import Asked, StrengthAsked, grid_of
from cmt.report.report import Report
from midi_io import write_midi
from midi_io.song import Instrument, Note, Song
from video_rhythm import analyze

pytestmark = pytest.mark.slow

DRUMS, PIANO = Instrument.DRUMS, Instrument.PIANO


def random_song(seed, n_bar=8, tempo=160.0):
    rng = np.random.default_rng(seed)
    scale = [0, 2, 4, 5, 7, 9, 11]
    notes = {}
    for bar in range(n_bar):
        for position in sorted(rng.choice(16, rng.integers(2, 9), replace=False).tolist()):
            pitch = 48 + 12 * int(rng.integers(3)) + scale[rng.integers(7)]
            notes[16 * bar + position, PIANO, pitch] = 2
        notes[16 * bar, DRUMS, 36] = notes[16 * bar + 8, DRUMS, 38] = 1
    return Song.steady(tuple(Note(*place, duration) for place, duration in notes.items()), tempo, 16 * n_bar)


def report_of(song):
    """A report that asks for just what the song has."""
    profile = profile_of_song(song)
    return Report(
        picture=None,
        duration=song.duration,
        grid=grid_of(song.timeline, []),
        length_in_beats=song.length / 4,
        markers=(),
        energy=None,
        energy_per_bar=(None,) * song.n_bar,
        mutes=(),
        genre=Genre.POP,
        instruments=song.instruments,
        instruments_asked=song.instruments,
        key=Key(0, Mode.MAJOR),
        config=GenerateConfig(),
        n_word=0,
        asked=Asked(profile.density, tuple(StrengthAsked(*note) for note in profile.simu_notes)),
        obtained=profile,
        versions={},
    )


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """Three pieces, one of them with a report, a broken one, a clip, and a list of pairs."""
    folder = tmp_path_factory.mktemp("evaluate")
    for index in range(3):
        write_midi(random_song(index), folder / f"piece{index}.mid")
    (folder / "piece0.json").write_text(json.dumps(report_of(random_song(0)).as_json()))
    (folder / "broken.mid").write_bytes(b"MThd nothing")
    draw_clip(folder / "clip.mp4", 12.0)
    lines = ["midi,video", "piece0.mid,clip.mp4", "piece1.mid,clip.mp4", "piece2.mid,", "broken.mid,clip.mp4"]
    (folder / "pairs.csv").write_text("\n".join([*lines, "piece2.mid,no.mp4", "no.mid,clip.mp4"]))
    return folder


def run(*arguments):
    return CliRunner().invoke(main, ["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def done(workplace):
    """The command's output and the folder that it wrote."""
    result = run("--pairs", workplace / "pairs.csv", "-o", workplace / "out", "--no-audio", "--jobs", 1)
    assert result.exit_code == 0, result.output
    return result, workplace / "out"


def test_terminal_json_csv_and_page_agree(done):
    result, out = done
    summary = json.loads((out / "evaluation.json").read_text())["summary"]
    page = (out / "evaluation.html").read_text()
    with open(out / "summary.csv", newline="") as file:
        table = {row["metric"]: row for row in csv.DictReader(file)}
    assert set(summary) == set(table)
    for name, row in summary.items():
        mean = float("nan") if row["mean"] is None else row["mean"]
        label = BY_NAME[name].label
        assert re.search(
            rf"^  {re.escape(label)} +{re.escape(number(mean))}\b|{re.escape(label)} +–", result.output, re.M
        )
        assert re.search(rf"#def-{name}'[^>]*>[^<]*</a></td><td>{re.escape(number(mean))}", page)
        assert table[name]["mean"] == ("" if row["mean"] is None else repr(row["mean"]))


def test_pieces_and_their_means_agree(done):
    _, out = done
    content = json.loads((out / "evaluation.json").read_text())
    for name, row in content["summary"].items():
        values = [piece["values"].get(name) for piece in content["pieces"] if not piece["failure"]]
        defined = [value for value in values if value is not None]
        assert row["n"] == len(defined)
        if defined:
            assert row["mean"] == pytest.approx(np.mean(defined))
    with open(out / "pieces.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["midi"] for row in rows] == [piece["midi"] for piece in content["pieces"]]
    assert float(rows[0]["density"]) == content["pieces"][0]["values"]["density"]


def test_a_second_run_and_other_processes_write_the_same(done, workplace):
    _, out = done
    result = run("--pairs", workplace / "pairs.csv", "-o", workplace / "again", "--no-audio", "--jobs", 2, "-q")
    assert (result.exit_code, result.output) == (0, "")
    for file in sorted(out.iterdir()):
        assert (workplace / "again" / file.name).read_bytes() == file.read_bytes(), file.name


def test_a_bad_file_is_a_row_with_its_reason(done):
    result, out = done
    pieces = json.loads((out / "evaluation.json").read_text())["pieces"]
    failures = [piece["failure"] for piece in pieces]
    assert failures[:3] == [None] * 3
    assert "not a readable MIDI file" in failures[3] and "no.mp4" in failures[4] and "no.mid" in failures[5]
    page = (out / "evaluation.html").read_text()
    for failure in failures[3:]:
        assert failure in result.output.replace("\n", " ") and failure.split(";")[0] in page
    assert "6 pieces, 3 of them could not be measured" in result.output


def test_a_report_as_obtained_has_no_errors(done):
    _, out = done
    values = json.loads((out / "evaluation.json").read_text())["pieces"][0]["values"]
    assert values["density_error"] == values["strength_error"] == values["tempo_error"] == 0
    assert values["density_rank_correlation"] == pytest.approx(1)
    assert values["instrument_precision"] == values["instrument_recall"] == 1
    assert values["genre_hit"] in (0, 1) and 0 < values["genre_probability"] < 1


def test_synchrony_has_its_chance(done):
    _, out = done
    piece = json.loads((out / "evaluation.json").read_text())["pieces"][0]
    assert {"beat_coverage", "beat_hits", "motion_correlation"} <= set(piece["chance"])
    for score in piece["chance"].values():
        assert score["low"] <= score["chance"] <= score["high"]
    assert piece["undefined"]["av_align"] == "not rendered, as was asked"


def test_the_page_loads_nothing_and_explains_everything(done):
    page = (done[1] / "evaluation.html").read_text()
    assert "<script" not in page and "http" not in page and "url(" not in page and "src=" not in page
    anchors = set(re.findall(r"id='(def-[^']+)'", page))
    assert set(re.findall(r"href='#(def-[^']+)'", page)) <= anchors
    assert {f"def-{metric.name}" for metric in CATALOGUE} <= anchors
    assert "$" not in page and "nan" not in re.sub(r"<[^>]*>", "", page).lower().split()


def test_names_cannot_write_into_the_page(tmp_path):
    path = tmp_path / "<b>&'x'.mid"
    write_midi(random_song(0, 4), path)
    assert run(path, "-o", tmp_path / "out", "-q").exit_code == 0
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "<b>&'x'" not in page and "&lt;b&gt;&amp;&#x27;x&#x27;.mid" in page


def test_evaluate_starts_without_torch(workplace):
    script = f"""
import sys
from cmt.cli import main
try:
    main(["evaluate", {str(workplace / "piece1.mid")!r}, "-o", {str(workplace / "lean")!r}, "-q", "--jobs", "1"])
except SystemExit as stop:
    assert not stop.code
assert "torch" not in sys.modules and "scipy" not in sys.modules
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 1, "nothing to evaluate"),
        (["--pairs", "none.csv"], 1, "cannot be read"),
        (["a.mid", "--video", "v.mp4", "--pairs", "p.csv"], 2, "exclude"),
        (["a.mid", "--reference", "r", "--reference-genre", "pop"], 2, "exclude"),
    ],
)
def test_wrong_use_is_one_line(arguments, code, message, tmp_path):
    result = run(*arguments, "-o", tmp_path / "out")
    assert result.exit_code == code
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_nothing_measured_is_exit_1_with_the_rows_written(workplace, tmp_path):
    result = run(workplace / "broken.mid", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "none of 1 piece could be measured" in result.stderr
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["pieces"][0]["failure"]


@pytest.mark.parametrize("text", ["", "midi,video\n", "a.mid,b.mp4,c\n", ",b.mp4\n", b"\xff\xfe\x00"])
def test_a_list_that_is_none_says_how_to_write_one(text, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CmtError, match=r"pairs\.csv"):
        pairs_of([], None, path)


def test_folders_are_their_midi_files(workplace, tmp_path):
    assert [pair.midi.name for pair in pairs_of([workplace])] == ["broken.mid", *(f"piece{i}.mid" for i in range(3))]
    with pytest.raises(CmtError, match=r"no \.mid file"):
        pairs_of([tmp_path])


def test_a_report_of_no_use_is_a_reason(tmp_path):
    write_midi(random_song(0), tmp_path / "a.mid")
    (tmp_path / "a.json").write_text('{"density_asked": [99]}')
    [piece] = evaluate([Pair(tmp_path / "a.mid", None)]).pieces
    assert re.search(r"a\.json: .+ is missing; make it anew, or remove it to do without$", piece.failure)
    content = report_of(random_song(0)).as_json() | {"schema": 99}
    (tmp_path / "a.json").write_text(json.dumps(content))
    [piece] = evaluate([Pair(tmp_path / "a.mid", None)]).pieces
    assert "a.json: is a report of form 99" in piece.failure
    (tmp_path / "a.json").write_text("{")
    [piece] = evaluate([Pair(tmp_path / "a.mid", None)]).pieces
    assert "a.json: not a report of cmt generate" in piece.failure
    (tmp_path / "a.json").write_text('{"something": "else"}')
    [piece] = evaluate([Pair(tmp_path / "a.mid", None)]).pieces
    assert not piece.failure and "density_error" not in piece.values


def test_another_metre_is_told(tmp_path):
    path = tmp_path / "waltz.mid"
    write_midi(random_song(0), path)
    content = path.read_bytes()
    assert b"\xff\x58\x04\x04\x02" in content
    path.write_bytes(content.replace(b"\xff\x58\x04\x04\x02", b"\xff\x58\x04\x03\x02"))
    [piece] = evaluate([Pair(path, None)]).pieces
    assert piece.notes == ("time signature 3/4: bars are counted as 16 sixteenths all the same",)


@pytest.mark.parametrize(
    "song",
    [
        Song.steady((), 120, 64),
        Song.steady((Note(0, PIANO, 60, 4),), 120, 16),
        Song.steady(tuple(Note(4 * i, DRUMS, 36, 1) for i in range(32)), 120, 128),
        random_song(0, 1),
        Song.steady((Note(0, PIANO, 60, 4),), 120, 0.5),
    ],
    ids=["no notes", "one note", "drums only", "one bar", "half a sixteenth"],
)
def test_songs_with_little_in_them_have_reasons(song):
    piece = measure_piece(song)
    for name, measurement in piece.values.items():
        assert bool(measurement.reason) == (measurement.value != measurement.value), name
    assert set(piece.values) == {metric.name for metric in CATALOGUE if metric.group == "music"}


def test_ten_hours_are_measured():
    bars = random_song(0, 64).notes[::8]
    hours = Song.steady(
        tuple(n._replace(position=n.position + 1024 * i) for i in range(280) for n in bars), 120, 1024 * 280
    )
    piece = measure_piece(hours)
    assert piece.seconds > 35_000
    assert piece.notes == (f"structureness is of the first {MAX_FRAMES} of {hours.length / 4:.0f} beats",)


def test_a_still_or_short_video_has_reasons(tmp_path):
    still = analyze(draw_clip(tmp_path / "still.mp4", 12.0, still=True))
    short = analyze(draw_clip(tmp_path / "short.mp4", 1.0))
    for video, reason in ((still, "does not move"), (short, "4 are needed")):
        piece = measure_piece(random_song(0), video, audio=False)
        assert reason in piece.values["motion_correlation"].reason
    assert "beat_hits" not in measure_piece(random_song(0), still, audio=False).chances


def test_a_reference_of_a_folder_is_cut_to_the_pieces(workplace, tmp_path):
    for index in range(22):
        write_midi(random_song(100 + index, 20), tmp_path / f"real{index}.mid")
    (tmp_path / "broken.mid").write_bytes(b"no")
    (tmp_path / "round").symlink_to(".")
    pairs = [Pair(workplace / f"piece{i % 3}.mid", None) for i in range(6)]
    evaluation = evaluate(pairs, tmp_path)
    assert (evaluation.reference.n_song, evaluation.reference.n_bar) == (22, 8)
    assert evaluation.reference.notes[0] == f"left out: {tmp_path / 'round'}: {LINKED}"
    assert len(evaluation.reference.notes) == 2 and "broken.mid" in evaluation.reference.notes[1]
    assert evaluation.comparison_reason == ""
    assert evaluation.comparison["pitch_classes"].overlapping_area.mean > 0.5
    assert "needs 13 songs" in evaluation.frechet_reason


def test_a_small_reference_says_how_many_are_needed(workplace, tmp_path):
    write_midi(random_song(0), tmp_path / "only.mid")
    evaluation = evaluate([Pair(workplace / "piece0.mid", None)], tmp_path)
    assert "a reference of 20" in evaluation.comparison_reason
    assert as_json(evaluation)["distributions"]["features"]["pitch_count"]["overlapping_area"]["mean"] is None


def test_a_pack_is_a_reference(workplace, tmp_path):
    evaluation = evaluate([Pair(workplace / "piece0.mid", None)], write_pack(tmp_path))
    assert evaluation.reference.n_song == 3
    with pytest.raises(CmtError, match=r"nothing\.npz\.xz"):
        evaluate([Pair(workplace / "piece0.mid", None)], tmp_path / "nothing.npz.xz")


def test_an_excerpt_is_the_middle():
    song = random_song(0, 20)
    cut = excerpt(song, 8)
    assert cut.n_bar == 8
    moved = [note for note in song.notes if 6 * 16 <= note.position < 14 * 16]
    assert [n.position + 96 for n in cut.notes] == [n.position for n in moved]
    assert excerpt(song, 30) is song


def test_the_shipped_reference_is_of_real_songs():
    for genre in ("all", *(genre.label for genre in Genre)):
        for n_bar, length in ((4, 16), (200, None)):
            reference = read_shipped_reference(n_bar, genre)
            assert reference.n_bar == length and reference.n_song >= 100
            assert set(reference.distributions) == {m.name for m in CATALOGUE if m.group == "music"}
            for distribution in reference.distributions.values():
                assert list(distribution.quantiles) == sorted(distribution.quantiles)
            assert 0.9 < reference.distributions["scale_consistency"].median <= 1


def test_the_shipped_classifier_is_better_than_chance():
    classifier, held_out = shipped_classifier()
    assert classifier.classify(random_song(0)) is not None
    assert held_out.cross_validation.balanced_accuracy > 2 * held_out.chance


def test_packed_features_are_the_same_to_a_thousandth():
    features = measure_piece(random_song(0)).measures.features
    for before, after in zip(
        features, unpacked_features(json.loads(json.dumps(packed_features(features)))), strict=True
    ):
        assert np.abs(before - after).max() <= 0.0005 + 1e-12


def test_the_synchrony_of_the_picture_reversed_is_another(workplace):
    video = analyze(workplace / "clip.mp4")
    song = random_song(1)
    there = measure_piece(song, video, audio=False).chances
    back = measure_piece(song, replace(video, visual_beats=video.visual_beats[::-1][:0]), audio=False).chances
    assert "beat_hits" in there and "beat_hits" not in back


def test_the_docs_have_the_pages_definitions():
    docs = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
    for metric in CATALOGUE:
        assert f"**{metric.label}** (`{metric.name}`; {metric.unit}). {metric.definition}" in docs
