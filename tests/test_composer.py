"""Music in memory: what `Composer` composes is what `make_soundtrack` writes, and nothing is on disk unless asked."""

import io
import json
import runpy
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import draw_clip, moving_square

import cmt
from cmt.film.mux import write_video
from cmt.music.key import WishedKey
from cmt.planning.wishes import settled
from midi_io import has_fluidsynth
from midi_io.audio_file import write_audio

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
MIDI_ONLY = cmt.Output(midi_only=True)
POP = cmt.Wishes(genre="pop")
SHORT = cmt.Wishes(genre="rock", length=4.0)
SEED_3 = cmt.GenerateConfig(seed=3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 2.0)


@pytest.fixture(scope="module")
def composer(checkpoint):
    return cmt.Composer(checkpoint)


@pytest.fixture(scope="module")
def piece(composer, clip):
    return composer.compose(clip, POP, SEED_3)


@pytest.fixture(scope="module")
def frames():
    return cmt.Frames(np.stack(list(moving_square(24))), 12)


def with_tone(clip, path):
    """The same film with a sound, in which nobody speaks."""
    write_video(clip, 0.3 * np.sin(np.arange(4 * 44_100) / 16), 44_100, path)
    return path


def content_of(soundtrack, suffix):
    return next(file for file in soundtrack.files if file.suffix == suffix).read_bytes()


def told(report):
    """A report's JSON but for times of the clock."""
    return {name: value for name, value in report.as_json().items() if name != "stages"}


def test_the_notes_are_those_of_the_main_job(piece, clip, checkpoint, tmp_path):
    made = cmt.make_soundtrack(clip, tmp_path, POP, SEED_3, output=MIDI_ONLY, checkpoint=checkpoint)
    assert piece.midi() == content_of(made, ".mid")
    assert piece.song.notes and piece.performance.notes
    assert set(piece.report.stages) == {"analyze", "compose"}


WHOLE = cmt.Output(marker_kinds=("sections",), original_audio="keep", stems=True)


@pytest.fixture(scope="module")
def made(clip, checkpoint, tmp_path_factory):
    return cmt.make_soundtrack(clip, tmp_path_factory.mktemp("made"), POP, SEED_3, output=WHOLE, checkpoint=checkpoint)


@needs_fluidsynth
@pytest.mark.parametrize("how", ["path", "bytes", "file"])
def test_saved_files_are_those_of_the_main_job(how, made, composer, clip, tmp_path):
    with clip.open("rb") as file:
        video = {"path": clip, "bytes": clip.read_bytes(), "file": file}[how]
        piece = composer.compose(video, POP, SEED_3, output=WHOLE)
        saved = piece.save(tmp_path / "saved", name="clip")
    assert [file.name for file in saved.files] == [file.name for file in made.files]
    for one, other in zip(saved.files, made.files, strict=True):
        if one.suffix not in (".json", ".png"):
            assert one.read_bytes() == other.read_bytes(), one.name
    ours, theirs = told(saved.report), told(made.report)
    assert (ours.pop("video"), theirs.pop("video")) == ("video" if how == "bytes" else str(clip), str(clip))
    assert [line.replace("clip.mp4", "video") for line in theirs.pop("warnings")] == [
        line.replace("clip.mp4", "video") for line in ours.pop("warnings")
    ]
    assert ours == theirs
    assert json.loads(content_of(saved, ".json")) == json.loads(json.dumps(saved.report.as_json()))
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [file.name for file in saved.files]


@needs_fluidsynth
def test_the_sound_is_that_of_the_file(piece, tmp_path):
    audio = piece.audio()
    assert audio.samples.dtype == np.float32
    assert audio.samples.shape == (round(piece.report.duration * audio.sample_rate), 2)
    write_audio(audio.samples, tmp_path / "own.wav", audio.sample_rate)
    saved = piece.save(tmp_path / "saved", name="song")
    assert (tmp_path / "own.wav").read_bytes() == content_of(saved, ".wav")


def test_nothing_is_written_unless_asked(composer, clip, frames, tmp_path, monkeypatch):
    videos = [clip.read_bytes(), frames, cmt.analyze(clip), None]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for video in videos:
        piece = composer.compose(video, SHORT if video is None else POP)
        assert piece.midi().startswith(b"MThd") and piece.report.as_json()
        if has_fluidsynth():
            assert piece.audio().samples.any()
    assert not list(tmp_path.iterdir())


def test_midi_goes_to_a_path_or_a_file_object(piece, tmp_path):
    held = io.BytesIO()
    piece.write_midi(held)
    piece.write_midi(tmp_path / "song.mid")
    assert held.getvalue() == (tmp_path / "song.mid").read_bytes() == piece.midi()
    assert piece.midi("holiday") != piece.midi()
    with pytest.raises(cmt.WriteError, match="does not exist"):
        piece.write_midi(tmp_path / "nowhere" / "song.mid")


@needs_fluidsynth
def test_frames_and_rhythms_give_sound_and_no_film(composer, clip, frames, tmp_path):
    for video, name in ((frames, "frames"), (cmt.analyze(clip), "clip")):
        saved = composer.compose(video, POP).save(tmp_path)
        assert [file.name for file in saved.files] == [
            f"{name}.{kind}" for kind in ("html", "json", "mid", "png", "wav")
        ]


def test_a_rhythm_that_was_measured_is_not_measured_again(composer, clip, piece):
    stages = []
    again = composer.compose(cmt.analyze(clip), POP, SEED_3, progress=lambda *told: stages.append(told))
    assert again.midi() == piece.midi()
    assert [done for stage, done, _ in stages if stage == "analyze"] == [0.0]


def test_threads_compose_what_one_after_the_other_would(composer, clip, frames):
    asked = [(clip, POP, 1), (frames, cmt.Wishes(genre="metal"), 2), (None, SHORT, 3), (clip, POP, 1)]

    def midi(video, wishes, seed):
        return composer.compose(video, wishes, cmt.GenerateConfig(seed=seed)).midi()

    in_turn = [midi(*one) for one in asked]
    with ThreadPoolExecutor(4) as threads:
        at_once = list(threads.map(lambda one: midi(*one), asked))
    assert at_once == in_turn
    assert len(set(in_turn)) == 3


def test_takes_stand_beside_the_piece(composer, frames):
    piece = composer.compose(frames, replace(POP, takes=2))
    assert len(piece.takes) == 2
    assert piece.song is piece.takes[0].song
    assert [take.seed for take in piece.report.takes] == [take.seed for take in piece.takes]


@pytest.mark.parametrize("stage", ["analyze", "load model", "compose", "midi", "picture"])
def test_a_run_that_is_cancelled_leaves_nothing(stage, clip, checkpoint, tmp_path):
    def progress(name, done, total):
        if name == stage:
            raise cmt.Cancelled

    with pytest.raises(cmt.Cancelled, match="cancelled"):
        cmt.make_soundtrack(
            clip, tmp_path / "a" / "out", POP, output=MIDI_ONLY, checkpoint=checkpoint, progress=progress
        )
    assert not list(tmp_path.iterdir())


@needs_fluidsynth
@pytest.mark.parametrize("stage", ["render", "mux"])
def test_saving_that_is_cancelled_leaves_what_was_there(stage, piece, tmp_path):
    def progress(name, done, total):
        if name == stage and done:
            raise cmt.Cancelled

    (tmp_path / "clip.mid").write_bytes(b"mine")
    with pytest.raises(cmt.Cancelled):
        piece.save(tmp_path, progress=progress)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("clip.mid", b"mine")]


def test_composing_that_is_cancelled_can_be_begun_again(composer, clip, piece):
    def progress(stage, done, total):
        if stage == "compose" and done:
            raise cmt.Cancelled

    with pytest.raises(cmt.Cancelled):
        composer.compose(clip, POP, SEED_3, progress=progress)
    assert composer.compose(clip, POP, SEED_3).midi() == piece.midi()


def test_a_closed_file_is_one_line_when_its_film_is_wanted(composer, clip, tmp_path):
    with clip.open("rb") as file:
        piece = composer.compose(file, POP)
    assert piece.midi()
    with pytest.raises(cmt.CmtError, match=r"^clip\.mp4: cannot be read .*give a file object that is open$"):
        piece.save(tmp_path / "out", output=replace(MIDI_ONLY, midi_only=False))
    assert not list(tmp_path.iterdir())


def test_speech_that_was_not_looked_for_cannot_be_made_room_for(composer, clip, tmp_path):
    mixed = cmt.Output(original_audio="mix", midi_only=True)
    deaf = composer.compose(clip, POP, output=replace(mixed, duck=None))
    with pytest.raises(cmt.CmtError, match="without a look for speech"):
        deaf.save(tmp_path, output=mixed)
    film = with_tone(clip, tmp_path / "tone.mp4")
    heard = composer.compose(film.read_bytes(), POP, output=mixed)
    assert heard.save(tmp_path, output=replace(mixed, duck=6.0)).report.speech.distance == 6.0


def test_what_is_decided_before_the_notes_cannot_be_asked_for_afterwards(piece, clip, composer, frames, tmp_path):
    deaf = composer.compose(clip, POP, output=cmt.Output(original_audio="drop"))
    for one, output, said in (
        (deaf, cmt.Output(original_audio="mix", midi_only=True), "`original_audio`: the notes were written without"),
        (piece, cmt.Output(fade_in=50.0, midi_only=True), "longer than the music"),
        (piece, cmt.Output(programs={"piano": 200}), "counts programs from 0 to 127"),
        (composer.compose(frames, POP), cmt.Output(original_audio="keep"), "have no sound of their own"),
    ):
        with pytest.raises(cmt.CmtError, match=said):
            one.save(tmp_path, output=output)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("wishes", "options", "said"),
    [
        (POP, {}, "give a video, or a length"),
        (cmt.Wishes(length=4, genre="polka"), {}, "no genre 'polka'; choose from country, dance, electronic"),
        (cmt.Wishes(length=4, mode="dorian"), {}, "no mode 'dorian'; choose from major, minor"),
        (cmt.Wishes(length=4, key="D:minor", mode="major"), {}, "`key` D:minor: contradicts the mode major"),
        (cmt.Wishes(length=4, instruments=("flute",)), {}, "no instrument 'flute'; choose from drums, piano"),
        (cmt.Wishes(length=4, instruments=(5,)), {}, "no instrument 5; choose from"),
        (cmt.Wishes(length=4, mutes=["drums"]), {}, "no mute 'drums'"),
        (cmt.Wishes(length=4, mutes=["bass@0-1"], instruments="piano"), {}, "bass is not among `instruments`"),
        (SHORT, {"config": cmt.GenerateConfig(dynamics="loud")}, "no dynamics 'loud'; choose from absolute, relative"),
        (SHORT, {"config": cmt.GenerateConfig(seed=-1)}, "seed -1: must be 0 or more"),
        (SHORT, {"output": cmt.Output(original_audio="loud")}, "no original audio 'loud'; choose from drop, keep, mix"),
        (SHORT, {"output": cmt.Output(programs={"flute": 3})}, "no instrument 'flute'"),
        (SHORT, {"output": cmt.Output(programs={"guitar": "kazoo"})}, "no program 'kazoo'; "),
        (SHORT, {"part": cmt.Part(1.0)}, "`start` and `end` are a video's"),
    ],
)
def test_what_cannot_be_is_one_line(composer, wishes, options, said):
    with pytest.raises(cmt.CmtError, match=said) as caught:
        composer.compose(None, wishes, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("video", [5, 2.5, object(), np.zeros((24, 32, 32, 3), np.uint8)])
def test_what_could_be_no_video_is_one_line(composer, video):
    with pytest.raises(cmt.VideoError, match=r"is no video|give Frames"):
        composer.compose(video)


def test_networks_and_fonts_that_are_not_there_are_told_at_once(tmp_path):
    with pytest.raises(cmt.CmtError, match="no such checkpoint"):
        cmt.Composer(tmp_path / "model.safetensors")
    with pytest.raises(cmt.SynthesisError):
        cmt.Composer(soundfont=tmp_path / "font.sf2")


def test_names_mean_what_the_members_do():
    names = cmt.Wishes(genre="Pop", mode="minor", instruments="piano, drums", mutes=["drums@1-2"], key="d")
    members = cmt.Wishes(
        cmt.Genre.POP,
        (cmt.Instrument.PIANO, cmt.Instrument.DRUMS),
        WishedKey(2, cmt.Mode.MINOR),
        mutes=(cmt.Mute(cmt.Instrument.DRUMS, 1, 2),),
    )
    assert settled(names, 4.0) == settled(members, 4.0)
    named = cmt.Output(programs={"guitar": "distortion guitar", "piano": 4})
    assert named.program_numbers == {cmt.Instrument.GUITAR: 30, cmt.Instrument.PIANO: 4}


def test_the_example_makes_midi_for_frames_that_never_were_on_disk(capsys, tmp_path, monkeypatch):
    script = ROOT / "examples" / "embed.py"
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 15
    monkeypatch.chdir(tmp_path)
    made = runpy.run_path(str(script))
    assert made["midi"].startswith(b"MThd")
    assert cmt.read_midi(io_path(tmp_path, made["midi"])).notes
    assert "bytes of MIDI" in capsys.readouterr().out


def io_path(folder, content):
    (folder / "song.mid").write_bytes(content)
    return folder / "song.mid"
