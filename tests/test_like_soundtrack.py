"""Music that is like a song, from the option to the files: searched, written, guarded, told."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from songs_to_be_like import DRUMS, POP, song_of_chords, write_song

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.machine.workers import Workers
from cmt.matching.indexing import update_index
from cmt.matching.like import TERMS, search
from cmt.music.words import Genre
from cmt.planning.plan import plan_music
from cmt.planning.wishes import Wishes, settled
from cmt.report.report import Report
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import read_midi, write_midi
from midi_io.song import Instrument, Note, Song

MIDI_ONLY = Output(midi_only=True)
MINOR = ("Am", "F", "Dm", "E")


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """The index of a small library: fast, slow, in minor, of a genre, in three, drums alone, and a broken file."""
    root = tmp_path_factory.mktemp("library")
    write_song(root / "music" / "fast.mid", song_of_chords(POP * 4, tempo=150.0))
    write_song(root / "music" / "slow.mid", song_of_chords(POP * 4, tempo=75.0, quiet_from=0))
    write_song(root / "music" / "minor.mid", song_of_chords(MINOR * 4, tempo=105.0))
    write_song(root / "music" / "rock" / "rock.mid", song_of_chords(POP * 4, tempo=140.0, kick=(0, 2, 8, 10)))
    drums = [Note(4 * k, DRUMS, 36, 1) for k in range(32)]
    write_midi(Song.steady(drums, 110.0, 128), root / "music" / "drums.mid")
    (root / "music" / "broken.mid").write_bytes(b"no music")
    with Workers(1) as workers:
        update_index([root / "music"], root / "index", workers)
    return root / "index"


def plan(**wishes):
    return plan_music(None, settled(Wishes(length=20.0, **wishes), 20.0), GenerateConfig(control=0.0))


@pytest.mark.parametrize(
    ("wishes", "song"),
    [
        ({"tempo": 150.0}, "fast.mid"),
        ({"tempo_range": (70.0, 80.0)}, "slow.mid"),
        ({"key": ":minor"}, "minor.mid"),
        ({"genre": Genre.ROCK}, "rock.mid"),
        ({"tempo": 150.0, "key": ":minor"}, "minor.mid"),
    ],
)
def test_what_the_user_names_is_a_condition(index, wishes, song):
    found = search(index, plan(**wishes), 0)
    assert found.template.name == song and found.n_piece == 5
    assert {distance.name for distance in found.distances} <= {term.name for term in TERMS}
    assert all(distance.value >= 0 and distance.reason for distance in found.distances)


def test_a_condition_that_no_piece_meets_is_said_and_left_out(index):
    found = search(index, plan(genre="metal", tempo=150.0), 0)
    assert found.template.name == "fast.mid"
    assert found.warnings == (
        "`like`: no piece of the library has the genre metal besides what else is asked; one without it was chosen",
    )


def test_the_broad_search_takes_the_nearest_by_tempo_and_energy(index):
    lively = plan(tempo=148.0, liveliness=0.9)
    assert search(index, lively, 0, targeted=False).template.name in ("fast.mid", "rock.mid")
    calm = plan(tempo=76.0, liveliness=0.1)
    assert search(index, calm, 0, targeted=False).template.name == "slow.mid"
    by_seed = {search(index, calm, seed, broad=False, targeted=False).template.name for seed in range(12)}
    assert len(by_seed) > 1 and "drums.mid" not in by_seed


def test_a_library_without_a_usable_piece_is_one_line(tmp_path):
    write_midi(Song.steady([Note(4 * k, DRUMS, 36, 1) for k in range(32)], 110.0, 128), tmp_path / "drums.mid")
    with pytest.raises(CmtError, match="not an index; make one: cmt index"):
        search(tmp_path, plan(), 0)
    with Workers(1) as workers:
        update_index([tmp_path / "drums.mid"], tmp_path / "index", workers)
    with pytest.raises(CmtError, match=r"index: none of its 1 piece can be used; .*only drums play in it"):
        search(tmp_path / "index", plan(), 0)


def test_a_piece_like_a_song_is_written_told_and_the_same_again(checkpoint, tmp_path):
    song = write_song(tmp_path / "song.mid", song_of_chords((*POP * 2, *("C", "F", "G", "C") * 2), quiet_from=8))
    wishes = Wishes(length=38.4, like=str(song))
    made = [
        make_soundtrack(None, tmp_path / folder, wishes, output=MIDI_ONLY, checkpoint=checkpoint)
        for folder in ("one", "two")
    ]
    assert (tmp_path / "one" / "music.mid").read_bytes() == (tmp_path / "two" / "music.mid").read_bytes()
    report = made[0].report
    assert Report.from_json(json.loads((tmp_path / "one" / "music.json").read_text()), "music.json").like == report.like
    like = report.like
    assert like is not None and (like.song, like.n_piece, like.distances) == ("song.mid", None, ())
    assert len(like.bars) == report.grid.n_bar == 16
    assert like.bars[:4] == (0, 1, 2, 3)
    assert any(line.startswith("chords: I | V | vi | IV") for line in like.taken)
    played = read_midi(tmp_path / "one" / "music.mid")
    assert set(played.instruments) == {one for one in Instrument if one is not Instrument.GUITAR}
    assert not [note for note in played.notes if note.instrument is DRUMS and 8 * 16 <= note.position < 15 * 16]
    plain = make_soundtrack(
        None, tmp_path / "plain", replace(wishes, like=None), output=MIDI_ONLY, checkpoint=checkpoint
    )
    assert plain.report.like is None


def test_the_groove_of_the_song_is_heard(checkpoint, tmp_path):
    song = write_song(tmp_path / "song.mid", song_of_chords(POP * 4, kick=(0, 7, 10)))
    shares = []
    for like in (None, str(song)):
        wishes = Wishes(length=19.2, tempo=100.0, like=like, instruments=("drums", "piano", "bass"))
        folder = tmp_path / str(like is None)
        make_soundtrack(None, folder, wishes, output=MIDI_ONLY, checkpoint=checkpoint)
        drums = [note for note in read_midi(folder / "music.mid").notes if note.instrument is DRUMS]
        shares.append(np.mean([note.position % 16 in (0, 2, 4, 6, 7, 8, 10, 12, 14) for note in drums]))
    assert shares[1] > shares[0]


def test_takes_are_guarded_and_ranked(checkpoint, tmp_path):
    song = write_song(tmp_path / "song.mid", song_of_chords(POP * 4))
    made = make_soundtrack(
        None,
        tmp_path / "out",
        Wishes(bars=4, like=str(song), takes=2),
        output=MIDI_ONLY,
        checkpoint=checkpoint,
    )
    assert len(made.report.takes) == 2 and made.report.like.shared.n_note >= 0


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_the_terminal_says_what_it_is_like(checkpoint, index, tmp_path):
    result = run(
        *("generate", "--length", 12, "--key", ":minor", "--like", index, "--checkpoint", checkpoint),
        *("--midi-only", "-o", tmp_path),
    )
    assert result.exit_code == 0, result.output
    assert "like     minor.mid, chosen from 5 pieces\n" in result.output
    assert "tempo" in result.output and "taken    chords: i | VI | iv | V" in result.output
    assert "shared   longest run shared with minor.mid: " in result.output


def test_a_description_may_name_the_song(checkpoint, tmp_path):
    song = write_song(tmp_path / "song.mid", song_of_chords(POP * 4))
    description = tmp_path / "clip.toml"
    description.write_text(f"like = {json.dumps(str(song))}\nlength = 12\n")
    result = run(
        *("generate", "--describe", description, "--checkpoint", checkpoint, "--midi-only", "-o", tmp_path / "out")
    )
    assert result.exit_code == 0 and "like     song.mid\n" in result.output


@pytest.mark.parametrize("path", ["none.mid", "folder"])
def test_a_path_that_is_of_no_use_is_one_line_and_leaves_nothing(path, checkpoint, tmp_path):
    (tmp_path / "folder").mkdir()
    result = run(
        *("generate", "--length", 12, "--like", tmp_path / path, "--checkpoint", checkpoint),
        *("--midi-only", "-o", tmp_path / "out"),
    )
    assert result.exit_code == 1 and result.output.count("\n") == 1 and "--like" in result.output
    assert not (tmp_path / "out").exists()
