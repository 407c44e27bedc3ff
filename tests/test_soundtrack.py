"""The main job from end to end, with small models and small clips."""

import json
import sys
import wave

import av
import miditoolkit
import numpy as np
import pretty_midi
import pytest
from clips import draw_clip

from cmt.config import GenerateConfig
from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.music.words import Genre
from cmt.planning.wishes import Wishes
from cmt.report.report import Report
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import SynthesisError, has_fluidsynth, read_midi
from midi_io.mastering import loudness
from midi_io.song import Instrument
from video_rhythm import VideoError

pytestmark = pytest.mark.slow

needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
MIDI_ONLY = Output(midi_only=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(scope="module")
def soundtrack(clip, checkpoint, tmp_path_factory):
    if not has_fluidsynth():
        pytest.skip("the FluidSynth library is not installed")
    folder = tmp_path_factory.mktemp("out")
    wishes = Wishes(genre=Genre.POP, instruments=(Instrument.DRUMS, Instrument.BASS), key="F#:minor")
    return make_soundtrack(clip, folder, wishes, GenerateConfig(control=1.0, seed=3), checkpoint=checkpoint)


def test_six_files_are_written_and_nothing_else(soundtrack):
    folder = soundtrack.files[0].parent
    assert sorted(file.name for file in folder.iterdir()) == [
        "clip.html",
        "clip.json",
        "clip.mid",
        "clip.mp4",
        "clip.png",
        "clip.wav",
    ]
    assert sorted(file.name for file in soundtrack.files) == sorted(file.name for file in folder.iterdir())


def test_the_report_says_what_was_decided(soundtrack):
    report = json.loads(soundtrack.files[0].with_suffix(".json").read_text())
    assert list(report.items()) == list(json.loads(json.dumps(soundtrack.report.as_json())).items())
    assert Report.from_json(report, "clip.json") == soundtrack.report
    assert report["duration"] == pytest.approx(4.0, abs=1e-6)
    assert (report["genre"], report["key"], report["seed"], report["control"]) == ("pop", "F#:minor", 3, 1.0)
    assert report["instruments"] == ["drums", "bass"]
    assert len(report["density_asked"]) == len(report["density_obtained"]) == report["n_bar"]
    assert set(report["stages"]) == {"analyze", "load model", "compose", "midi", "render", "mux", "picture", "page"}
    assert {"cuts", "visual_beats", "versions", "checkpoint", "strength_asked", "strength_obtained"} <= set(report)


def test_at_full_control_the_picture_gets_what_it_asks_for(soundtrack):
    report = soundtrack.report
    assert report.asked.density == report.obtained.density
    assert report.asked.simu_notes and set(report.asked.simu_notes) <= set(report.obtained.simu_notes)


def test_the_midi_file_ends_with_the_video_at_the_tempo_of_the_report(soundtrack):
    path = str(soundtrack.files[0].with_suffix(".mid"))
    midi = pretty_midi.PrettyMIDI(path)
    assert midi.get_end_time() == pytest.approx(4.0, abs=1 / 12)
    assert midi.get_tempo_changes()[1][0] == pytest.approx(soundtrack.report.grid.tempo, rel=1e-5)
    assert {i.name for i in midi.instruments if i.notes} == {"Drums", "Bass"}
    assert [i.is_drum for i in midi.instruments if i.notes] == [True, False]
    toolkit = miditoolkit.MidiFile(path)
    assert toolkit.max_tick / toolkit.ticks_per_beat * 60 / toolkit.tempo_changes[0].tempo == pytest.approx(
        4, abs=1 / 12
    )


def test_picture_and_music_of_the_mp4_are_equally_long(soundtrack):
    with av.open(str(soundtrack.files[0].with_suffix(".mp4"))) as container:
        lengths = [float(s.duration * s.time_base) for s in (*container.streams.video, *container.streams.audio)]
    assert len(lengths) == 2
    assert lengths == pytest.approx([4.0, 4.0], abs=1 / 12)


def test_the_wav_is_as_long_as_the_video_and_neither_silent_nor_clipped(soundtrack):
    with wave.open(str(soundtrack.files[0].with_suffix(".wav"))) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        assert file.getnframes() / file.getframerate() == pytest.approx(4.0, abs=1e-3)
    assert -6 < 20 * np.log10(np.abs(samples.astype(int)).max() / 32768) < -0.1


def test_the_same_seed_gives_the_same_bytes_and_another_another_piece(clip, checkpoint, tmp_path):
    def midi(seed, name):
        config = GenerateConfig(seed=seed)
        files = make_soundtrack(clip, tmp_path / name, None, config, output=MIDI_ONLY, checkpoint=checkpoint).files
        return next(file for file in files if file.suffix == ".mid").read_bytes()

    assert midi(1, "a") == midi(1, "b")
    assert midi(1, "c") != midi(2, "d")


def test_midi_only_writes_no_sound(clip, checkpoint, tmp_path):
    make_soundtrack(clip, tmp_path, output=MIDI_ONLY, checkpoint=checkpoint)
    assert sorted(file.suffix for file in tmp_path.iterdir()) == [".html", ".json", ".mid", ".png"]


def test_an_exact_tempo_shortens_the_last_bar(clip, checkpoint, tmp_path):
    wishes = Wishes(tempo=100.0)
    report = make_soundtrack(clip, tmp_path, wishes, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert report.grid.tempo == 100.0 and report.grid.n_bar == 2
    assert pretty_midi.PrettyMIDI(str(tmp_path / "clip.mid")).get_end_time() == pytest.approx(4.0, abs=0.01)
    assert read_midi(tmp_path / "clip.mid").duration == pytest.approx(4.0, abs=0.1)


def test_a_marker_gets_a_downbeat_and_an_accent_that_others_read_at_its_time(clip, checkpoint, tmp_path):
    wishes = Wishes(tempo=120.0, markers=(Marker(1.5), Marker(3.5)))
    config = GenerateConfig(control=0.0)
    report = make_soundtrack(clip, tmp_path, wishes, config, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert (report.grid.phase, report.grid.tempo, report.grid.n_bar) == (1.5, 120.0, 3)
    assert report.grid.bar_borders == pytest.approx([0.0, 1.5, 3.5, 4.0])
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "clip.mid"))
    onsets = {round(note.start, 4) for track in midi.instruments for note in track.notes}
    assert {1.5, 3.5} <= onsets and min(onsets) >= 0
    assert [time for time in midi.get_downbeats() if time > 0] == pytest.approx([1.5, 3.5])
    assert midi.get_end_time() == pytest.approx(4.0, abs=1e-3)
    assert {(order.bar, order.position) for order in report.asked.strengths} == {(1, 0), (2, 0)}


def test_a_tempo_map_reaches_every_file_and_the_lengths_stay_exact(clip, checkpoint, tmp_path):
    if not has_fluidsynth():
        pytest.skip("the FluidSynth library is not installed")
    markers = (1.13, 2.31, 3.02)
    wishes = Wishes(tempo=110.0, markers=tuple(Marker(time) for time in markers), tempo_map=True)
    report = make_soundtrack(clip, tmp_path, wishes, checkpoint=checkpoint).report
    assert report.grid.hits.markers.on_grid == 1.0 and len(report.grid.tempo_map) > 1
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "clip.mid"))
    onsets = np.array([note.start for track in midi.instruments for note in track.notes])
    assert max(np.abs(onsets - marker).min() for marker in markers) < 0.04
    assert midi.get_end_time() == pytest.approx(4.0, abs=1e-3)
    with wave.open(str(tmp_path / "clip.wav")) as file:
        assert file.getnframes() == round(4.0 * file.getframerate())
    song = read_midi(tmp_path / "clip.mid")
    assert song.seconds(16 - song.start % 16 + song.start) == pytest.approx(report.grid.bar_borders[1], abs=1e-4)
    assert song.duration == pytest.approx(4.0, abs=0.15)  # the last note is rounded up to a sixteenth


@pytest.mark.parametrize(
    ("seconds", "fps", "size", "still"),
    [(2.0, 24, (64, 160), False), (1.0, 10, (96, 96), False), (3.0, 60, (64, 48), True), (7.3, 5, (200, 64), True)],
)
def test_odd_but_valid_clips_get_music(seconds, fps, size, still, checkpoint, tmp_path):
    clip = draw_clip(tmp_path / "odd.mp4", seconds, fps, size, still=still)
    report = make_soundtrack(clip, tmp_path / "out", output=MIDI_ONLY, checkpoint=checkpoint).report
    end = pretty_midi.PrettyMIDI(str(tmp_path / "out" / "odd.mid")).get_end_time()
    assert end == pytest.approx(report.duration, abs=1 / fps)


@needs_fluidsynth
def test_the_music_is_as_loud_as_asked(clip, checkpoint, tmp_path):
    for asked in (-14.0, -23.0):
        output = Output(loudness=asked)
        wishes = Wishes(instruments=tuple(Instrument))
        soundtrack = make_soundtrack(clip, tmp_path, wishes, output=output, checkpoint=checkpoint, name=f"at{asked:g}")
        assert soundtrack.report.loudness == asked
        with wave.open(str(tmp_path / f"at{asked:g}.wav")) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2) / 32767
            assert loudness(samples, file.getframerate()) == pytest.approx(asked, abs=0.5)
    with pytest.raises(CmtError, match=r"loudness -3: must be from -40 to -8 LUFS"):
        make_soundtrack(clip, tmp_path, output=Output(loudness=-3.0), checkpoint=checkpoint)


def test_a_still_picture_gets_calm_music(checkpoint, tmp_path):
    clip = draw_clip(tmp_path / "still.mp4", 6.0, still=True)
    config = GenerateConfig(control=1.0)
    report = make_soundtrack(clip, tmp_path, None, config, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert report.picture.visual_beats == report.picture.cuts == ()
    assert max(report.obtained.density) <= 8
    assert min(report.obtained.density) >= 1


@pytest.mark.parametrize(
    ("wishes", "config", "message"),
    [
        (Wishes(key="H"), GenerateConfig(), "no key 'H'"),
        (Wishes(tempo=5.0), GenerateConfig(), "tempo 5"),
        (Wishes(tempo_map=True, tempo_change=80.0), GenerateConfig(), "tempo change 80"),
        (Wishes(), GenerateConfig(control=1.5), "control 1.5"),
        (Wishes(), GenerateConfig(temperature=0.0), "temperature 0"),
        (Wishes(), GenerateConfig(guidance=-1.0), "guidance -1"),
    ],
)
def test_wishes_that_cannot_be_met_are_named_before_any_work(wishes, config, message, clip, tmp_path):
    with pytest.raises(CmtError, match=message):
        make_soundtrack(clip, tmp_path / "out", wishes, config)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"this is a text, not a video", b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 50])
def test_what_is_no_video_leaves_nothing_behind(content, tmp_path, checkpoint):
    (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(VideoError, match=r"clip\.mp4"):
        make_soundtrack(tmp_path / "clip.mp4", tmp_path / "out", output=MIDI_ONLY, checkpoint=checkpoint)
    assert not (tmp_path / "out").exists()


def test_results_do_not_overwrite_the_video_itself(clip, checkpoint):
    if not has_fluidsynth():
        pytest.skip("the FluidSynth library is not installed")
    before = clip.read_bytes()
    with pytest.raises(CmtError, match="is the video itself"):
        make_soundtrack(clip, clip.parent, checkpoint=checkpoint)
    assert clip.read_bytes() == before
    assert [file.name for file in clip.parent.iterdir()] == ["clip.mp4"]


def test_a_folder_that_cannot_be_made_is_named(clip, checkpoint, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(CmtError, match="cannot be written to"):
        make_soundtrack(clip, tmp_path / "file" / "out", output=MIDI_ONLY, checkpoint=checkpoint)


def test_without_fluidsynth_the_cure_is_said_before_any_work(clip, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fluidsynth", None)  # makes the import fail
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(CmtError, match=r"libfluidsynth3.*`midi_only`"):
        make_soundtrack(clip, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_fluidsynth
def test_a_soundfont_that_is_none_is_named_before_any_work(clip, tmp_path):
    (tmp_path / "font.sf2").write_text("no font")
    with pytest.raises(SynthesisError, match=r"font\.sf2"):
        make_soundtrack(clip, tmp_path / "out", soundfont=tmp_path / "font.sf2")
    assert not (tmp_path / "out").exists()


@needs_fluidsynth
def test_stems_lie_beside_the_sound_in_its_format(clip, checkpoint, tmp_path):
    wishes = Wishes(instruments=(Instrument.DRUMS, Instrument.BASS))
    output = Output(format="flac", stems=True)
    soundtrack = make_soundtrack(clip, tmp_path, wishes, output=output, checkpoint=checkpoint)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert [name for name in names if name.endswith(".flac")] == ["clip.bass.flac", "clip.drums.flac", "clip.flac"]
    assert names == sorted(file.name for file in soundtrack.files)
    assert (soundtrack.report.format, soundtrack.report.stems) == ("flac", True)
