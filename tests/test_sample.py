"""Many songs without videos: each is what its seed gives alone, and all appear or none."""

import csv
import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from networks import write_untrained

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.evaluation.piece import read_report
from cmt.music.words import Genre, Mode
from cmt.planning.wishes import Wishes
from cmt.soundtrack import sampling
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from cmt.soundtrack.sampling import SampleWishes, sample_songs
from midi_io import read_midi

CONFIG = GenerateConfig(seed=3)
SHORT = SampleWishes(bars=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_untrained(tmp_path_factory.mktemp("model") / "model.safetensors")


def table(folder):
    with open(folder / "songs.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_song_is_what_generate_writes_with_its_seed(model, tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "USUAL_BARS", (4, 6))
    sampled = sample_songs(4, tmp_path / "songs", None, CONFIG, checkpoint=model)
    rows = table(tmp_path / "songs")
    assert [row["genre"] for row in rows] == [genre.label for genre in list(Genre)[:4]]
    assert {row["bars"] for row in rows} == {"4", "6"}
    assert [row["file"] for row in rows] == [file.name for file in sampled.files]
    for row in rows:
        wishes = Wishes(genre=row["genre"], bars=int(row["bars"]), takes=1)
        config = replace(CONFIG, seed=int(row["seed"]))
        made = make_soundtrack(
            None, tmp_path, wishes, config, name="one", checkpoint=model, output=Output(midi_only=True, overwrite=True)
        )
        alone = next(file for file in made.files if file.suffix == ".mid")
        assert read_midi(tmp_path / "songs" / row["file"]).notes == read_midi(alone).notes
        assert str(made.report.key) == row["key"]


def test_chunks_and_numbers_do_not_matter(model, tmp_path, monkeypatch):
    sample_songs(3, tmp_path / "three", SHORT, CONFIG, checkpoint=model)
    monkeypatch.setattr(sampling, "TAKES_AT_ONCE", 2)
    done = []
    sample_songs(5, tmp_path / "five", SHORT, CONFIG, checkpoint=model, progress=lambda *told: done.append(told))
    for number in range(3):
        one, other = (tmp_path / name / f"000{number}.mid" for name in ("three", "five"))
        assert one.read_bytes() == other.read_bytes()
    assert [told[0] for told in done] == ["compose"] * len(done) and done[-1][1:] == (20, 20)
    assert [told[1] for told in done] == sorted(told[1] for told in done)


def test_wishes_are_kept_and_reports_say_them(model, tmp_path):
    wishes = SampleWishes((Genre.METAL,), Mode.MINOR, 132.0, 4)
    sample_songs(2, tmp_path, wishes, CONFIG, checkpoint=model, reports=True)
    for row in table(tmp_path):
        assert (row["genre"], row["tempo"], row["bars"]) == ("metal", "132.0", "4")
        assert row["key"].endswith("minor")
        report = read_report(tmp_path / row["file"])
        assert report is not None and report.genre is Genre.METAL
    settings = json.loads((tmp_path / "sample.json").read_text(encoding="utf-8"))
    assert settings["seed"] == 3 and len(settings["checkpoint"]["sha256"]) == 64


def test_nothing_is_half_written_and_nothing_written_over(model, tmp_path, monkeypatch):
    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sampling, "_write", stopped)
        with pytest.raises(KeyboardInterrupt):
            sample_songs(2, tmp_path / "songs", SHORT, CONFIG, checkpoint=model)
    assert not (tmp_path / "songs").exists()
    sample_songs(1, tmp_path / "songs", SHORT, CONFIG, checkpoint=model)
    with pytest.raises(CmtError, match=r"songs\.csv: is there already; choose another"):
        sample_songs(1, tmp_path / "songs", SHORT, CONFIG, checkpoint=model)


def test_guidance_and_a_free_genre(model, tmp_path):
    guided = replace(CONFIG, guidance=2.0)
    for number, genre in enumerate((None, Genre.POP)):
        sample_songs(2, tmp_path / str(number), replace(SHORT, genres=(genre,)), guided, checkpoint=model)


def test_the_command_says_what_it_wrote(model, tmp_path):
    options = ["-n", "2", "--bars", "4", "--genre", "pop", "--mode", "major", "--checkpoint", str(model)]
    result = CliRunner().invoke(main, ["sample", "-o", str(tmp_path / "s"), *options])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("songs    2 songs, ")
    assert {path.name for path in (tmp_path / "s").iterdir()} == {"0000.mid", "0001.mid", "songs.csv", "sample.json"}
    (tmp_path / "file").touch()
    result = CliRunner().invoke(main, ["sample", "-o", str(tmp_path / "file"), *options])
    assert result.exit_code == 1 and result.stderr.count("\n") == 1


@pytest.mark.parametrize("n_song", [0, 10**12])
def test_a_number_of_songs_that_cannot_be_meant_is_refused_before_anything_is_made(n_song, tmp_path):
    with pytest.raises(CmtError, match=f"{n_song} songs: must be 1 to 100000"):
        sample_songs(n_song, tmp_path / "songs")
    assert not (tmp_path / "songs").exists()
