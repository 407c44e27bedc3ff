"""Sounds end to end: beside music and alone, made again, with a user's events and libraries, of films of all kinds."""

from __future__ import annotations

import json
import wave

import numpy as np
import pytest
from click.testing import CliRunner
from clips import draw_pictures
from synthetic import hop, moving_square, write_clip

from cmt.cli import main
from cmt.config import GenerateConfig
from cmt.film.sound_file import read_sound_file
from cmt.metrics.audio import audio_onsets
from cmt.report.sounds import events_as_json, read_events
from cmt.soundtrack.again import Changes, make_again
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import has_fluidsynth
from midi_io.audio_file import write_wav

RATE = 44_100
with_synthesis = pytest.mark.skipif(not has_fluidsynth(), reason="FluidSynth is not installed")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", moving_square(hop(90), 5.0, 25.0))


@pytest.fixture(scope="module")
def made(clip, checkpoint, tmp_path_factory):
    """A take with sounds, a file for each instrument."""
    folder = tmp_path_factory.mktemp("made")
    output = Output(sounds=0.5, stems=True, page=False)
    make_soundtrack(clip, folder, config=GenerateConfig(seed=3), output=output, checkpoint=checkpoint)
    return folder


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def sounds_of(clip, folder, *others):
    """(n, 2) what `cmt sounds` makes of a clip."""
    result = run("sounds", clip, "-o", folder, "--quiet", *others)
    assert result.exit_code == 0, result.output
    return read_sound_file(folder / f"{clip.stem}.sounds.wav", RATE, 60.0)


@with_synthesis
def test_a_piece_with_sounds_is_made_again_byte_for_byte(made, clip, checkpoint, tmp_path):
    make_again(made / "clip.json", tmp_path, Changes(), checkpoint=checkpoint)
    names = sorted(path.name for path in made.iterdir() if path.suffix in (".wav", ".mid", ".mp4"))
    assert {"clip.wav", "clip.sounds.wav", "clip.mid", "clip.mp4"} <= set(names)
    for name in names:
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name
    assert read_events(tmp_path / "clip.json") == read_events(made / "clip.json")


@with_synthesis
def test_the_stem_of_the_sounds_is_what_the_instruments_leave_of_the_mix(made):
    mix = read_sound_file(made / "clip.wav", RATE, 60.0)
    stems = [path for path in made.glob("clip.*.wav") if path.name != "clip.sounds.wav"]
    rest = mix - sum(read_sound_file(path, RATE, 60.0)[: len(mix)] for path in stems)
    stem = read_sound_file(made / "clip.sounds.wav", RATE, 60.0)[: len(mix)]
    assert np.abs(stem).max() > 0.01
    # Each file has samples of 16 bits, dithered or rounded.
    assert np.abs(rest - stem).max() < (len(stems) + 2) * 2 / 2**15


@with_synthesis
def test_events_of_a_report_are_moved_and_given_back(made, clip, checkpoint, tmp_path):
    events = read_events(made / "clip.json")
    number = next(n for n, event in enumerate(events) if not event.is_bed)
    moved = events[number]._replace(time=0.25)
    given = tuple(sorted([*events[:number], moved, *events[number + 1 :]]))
    changes = Changes(output={"sound_events": given})
    make_again(made / "clip.json", tmp_path, changes, checkpoint=checkpoint)
    assert read_events(tmp_path / "clip.json") == given
    assert (tmp_path / "clip.mid").read_bytes() == (made / "clip.mid").read_bytes()
    onsets = audio_onsets(read_sound_file(tmp_path / "clip.sounds.wav", RATE, 60.0), RATE)
    assert np.abs(onsets - 0.25).min() < 0.04


def test_events_are_moved_deleted_and_replaced(clip, tmp_path):
    told = run("sounds", clip, "--json", "--quiet")
    assert told.exit_code == 0, told.output
    file = tmp_path / "events.json"
    file.write_text(told.stdout)
    struck = [event for event in read_events(file) if not event.is_bed]
    movements = [event for event in read_events(file) if event.strokes]
    assert len(struck) >= 4 and movements
    moved, replaced = struck[0]._replace(time=1.1), struck[1]._replace(kind="tick", time=2.2, length=0.2)
    file.write_text(events_as_json((moved, replaced)))
    onsets = audio_onsets(sounds_of(clip, tmp_path / "few", "--sound-events", file), RATE)
    assert [round(float(onset), 1) for onset in onsets if onset > 0][:1] == [1.1]
    assert np.abs(onsets - 2.2).min() < 0.03
    assert len(onsets) < len(struck)
    assert read_events(tmp_path / "few" / "clip.sounds.json") == (moved, replaced)
    wrong = json.loads(file.read_text())
    wrong["events"][1]["kind"] = "bang"
    file.write_text(json.dumps(wrong))
    result = run("sounds", clip, "-o", tmp_path / "wrong", "--sound-events", file)
    assert result.exit_code == 1 and "events[1].kind must be one of" in result.output
    assert not (tmp_path / "wrong").exists()


def test_the_same_seed_gives_the_same_bytes(clip, tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        sounds_of(clip, tmp_path / folder, "--seed", seed)
    files = [(tmp_path / folder / "clip.sounds.wav").read_bytes() for folder in "abc"]
    assert files[0] == files[1] != files[2]


def test_a_library_may_be_of_no_use(clip, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    result = run("sounds", clip, "-o", tmp_path / "out", "--sound-library", empty)
    assert result.exit_code == 1 and "no sound that can be used" in result.output
    result = run("sounds", clip, "-o", tmp_path / "out", "--sound-library", tmp_path / "nowhere")
    assert result.exit_code == 1 and "no folder of sounds" in result.output
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "hit.wav").write_bytes(b"RIFF and no more")
    result = run("sounds", clip, "-o", tmp_path / "out", "--sound-library", damaged)
    assert result.exit_code == 1 and "hit.wav: cannot be read as sound" in result.output
    assert not (tmp_path / "out").exists()


def test_a_library_may_have_a_file_of_an_hour(clip, tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    with wave.open(str(library / "hit hour.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(4000)
        file.writeframes(bytes(128 + (n % 50) for n in range(1000)) * (3600 * 4))
    ring = np.sin(np.arange(4000) / 5).astype(np.float32) * np.exp2(-np.arange(4000) / 800).astype(np.float32)
    write_wav(ring, library / "hit short.wav", RATE)
    result = run("sounds", clip, "-o", tmp_path / "out", "--sound-library", library)
    assert result.exit_code == 0, result.output
    assert "hit hour.wav" in result.output and "lasts more than 30 s" in result.output
    files = {event.file for event in read_events(tmp_path / "out" / "clip.sounds.json") if event.kind == "hit"}
    assert files <= {"hit short.wav"}


def test_a_film_in_which_everything_moves_keeps_to_the_budget(tmp_path):
    rng = np.random.default_rng(0)
    ground = np.repeat(np.repeat(rng.integers(0, 255, (60, 90, 3), dtype=np.uint8), 8, axis=0), 8, axis=1)

    def pictures():
        place = np.array([200, 300])
        for number in range(25 * 8):
            if number % 5 == 0:
                step = rng.integers(-12, 13, 2)
            place = np.clip(place + step, 0, [480 - 96, 720 - 160])
            yield ground[place[0] : place[0] + 96, place[1] : place[1] + 160]

    film = draw_pictures(tmp_path / "wild.mp4", pictures(), 25)
    told = run("sounds", film, "--json", "--quiet", "--sounds", 1)
    assert told.exit_code == 0, told.output
    file = tmp_path / "events.json"
    file.write_text(told.stdout)
    events = read_events(file)
    assert 1 <= sum(not event.is_bed for event in events) <= 16  # 120 a minute
    strokes = sorted(event.time + stroke.at for event in events for stroke in event.strokes)
    assert len(strokes) <= 40 and min(np.diff(strokes), default=1.0) > 0.19
    audio = sounds_of(film, tmp_path / "out", "--sounds", 1)
    assert np.isfinite(audio).all() and 0.05 < np.abs(audio).max() <= 1.0


def test_a_film_in_which_nothing_moves_has_none_and_says_so(tmp_path):
    film = write_clip(tmp_path / "still.mp4", moving_square(lambda time: (0.5, 0.5), 2.0, 25.0))
    result = run("sounds", film, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "there are no sounds in it: nothing strikes, cuts or sweeps" in result.output
    assert not (tmp_path / "out").exists()
