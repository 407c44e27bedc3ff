"""Sounds: what they are of, how many, and that they are clean, strike when they should and are the same each time."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from synthetic import hop, moving_square, pan, write_clip

from cmt.errors import CmtError
from cmt.film.speech import Span
from cmt.metrics.audio import audio_onsets
from cmt.report.sounds import events_as_json, read_events
from cmt.sounds.bus import Bus
from cmt.sounds.choosing import budget, sound_events
from cmt.sounds.event import KINDS, SoundEvent, Stroke, check_event
from cmt.sounds.library import kind_of_name, read_library
from cmt.sounds.moving import find_movements, peaks_of
from cmt.sounds.repeats import lighter_repeats
from cmt.sounds.signals import band, noise
from cmt.sounds.watching import strike
from cmt.soundtrack.output import Output, check_output
from cmt.soundtrack.sounding import check_sounds, sounding_of
from midi_io.audio_file import write_wav
from midi_io.beside import HOP, dip, powers_of, put_beside, track_of
from midi_io.mastering import loudness
from video_rhythm import analyze

RATE = 22_050
STRUCK = sorted(kind for kind, its in KINDS.items() if not its.is_bed)
BEDS = sorted(kind for kind, its in KINDS.items() if its.is_bed)


@pytest.fixture(scope="module")
def hopping(tmp_path_factory):
    return analyze(write_clip(tmp_path_factory.mktemp("clip") / "hop.mp4", moving_square(hop(90), 5.0, 25.0)))


def event(kind, time=1.0, length=1.0, strength=1.0, **others):
    return SoundEvent(time, length, strength, 0.0, kind, "user", **others)


def alone(*events, duration=3.0):
    bus = Bus(events, duration, RATE)
    return bus.block(0, bus.n_sample)


@pytest.mark.parametrize("kind", STRUCK)
@pytest.mark.parametrize("variant", range(5))
def test_a_sound_is_clean_and_stays_in_its_time(kind, variant):
    one = event(kind, variant=variant)
    sound = alone(one)
    assert np.isfinite(sound).all() and np.abs(sound).max() > 0.01
    first, last = round(one.begin * RATE), round(one.end * RATE)
    assert not sound[: max(0, first)].any() and not sound[last + 1 :].any()
    assert np.abs(sound.mean(axis=0)).max() < 0.01 * np.abs(sound).max()
    assert np.abs(sound[last - 20 : last]).max() < 0.05 * np.abs(sound).max()
    assert np.array_equal(sound, alone(one))


@pytest.mark.parametrize("kind", ["hit", "impact", "swish", "tick"])
def test_a_stroke_is_heard_when_it_is_seen(kind):
    onsets = audio_onsets(alone(event(kind, 1.234)), RATE)
    assert np.abs(onsets - 1.234).min() <= 0.02


@pytest.mark.parametrize("kind", BEDS)
def test_a_bed_is_the_same_in_one_piece_and_in_many(kind):
    bus = Bus([event(kind, 0.5, 2.0)], 3.0, RATE)
    whole = bus.block(0, bus.n_sample)
    parts = np.concatenate([bus.block(k, min(k + 5000, bus.n_sample)) for k in range(0, bus.n_sample, 5000)])
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    assert not whole[: round(0.5 * RATE)].any() and whole[round(0.5 * RATE) :].any()


def test_beats_and_stillness_are_heard_within_the_budget(hopping):
    events = sound_events(hopping, 0.5)
    assert events and all(one.kind in KINDS for one in events)
    assert len([one for one in events if not one.is_bed]) <= budget(0.5, hopping.duration)
    assert events == sound_events(hopping, 0.5)
    assert [one.variant for one in events] != [one.variant for one in sound_events(hopping, 0.5, seed=1)]
    for kind in KINDS:
        makes = [one.variant % 5 for one in events if one.kind == kind]
        assert all(a != b for a, b in pairwise(makes))


def test_no_minute_has_more_than_its_budget(hopping):
    beats = hopping.visual_beats[:1]
    busy = tuple(beats[0]._replace(time=0.3 * k) for k in range(1, 600))
    events = sound_events(replace(hopping, duration=200.0, visual_beats=busy), 0.2)
    times = np.array([one.time for one in events if not one.is_bed])
    assert len(times) > 30
    assert max(((times >= time) & (times < time + 60)).sum() for time in times) <= budget(0.2, 60.0)


def test_nothing_sounds_under_speech(hopping):
    span = Span(1.0, 3.0)
    events = sound_events(hopping, 1.0, spans=[span])
    assert events
    assert not [one for one in events if one.time < span.end and min(one.end, one.time + 0.5) > span.begin]


def test_a_picture_that_stands_still_has_no_sounds(tmp_path):
    still = analyze(write_clip(tmp_path / "still.mp4", moving_square(lambda time: (0.5, 0.5), 2.0, 25.0)))
    assert sound_events(still, 1.0) == ()
    sounding = sounding_of(Output(sounds=1.0), still, 0)
    assert sounding.warnings == ("there are no sounds: nothing strikes, cuts or sweeps in the picture",)


def test_a_sweep_goes_where_the_picture_goes(tmp_path):
    pictures = [*pan(1.0, 25.0, 0.0), *list(pan(0.8, 25.0, 0.6)), *pan(1.2, 25.0, 0.0)]
    swept = analyze(write_clip(tmp_path / "pan.mp4", pictures))
    sweeps = [one for one in sound_events(swept, 1.0) if one.cause == "sweep"]
    assert sweeps and sweeps[0].kind == "whoosh" and sweeps[0].pan > 0.5
    assert sweeps[0].time == pytest.approx(1.4, abs=0.5)


def test_a_strong_hit_lies_over_the_music_which_goes_down():
    rng = np.random.default_rng(0)
    white = rng.standard_normal((3 * RATE, 2))
    music = np.column_stack([np.convolve(side, np.ones(30) / 30, "same") for side in white.T]).astype(np.float32)
    bus = Bus([event("impact", 1.0)], 3.0, RATE, dial=0.5)
    both, stem = music.copy(), music.copy()
    put_beside(both, bus, RATE)
    dip(stem, bus)
    track = track_of(bus, np.zeros_like(music))
    np.testing.assert_allclose(both, stem + track, atol=1e-6)
    at = slice(RATE, RATE + round(0.4 * RATE))
    assert 1.5 < loudness(track[at], RATE) - loudness(stem[at], RATE) < 7.5
    assert np.abs(stem[round(1.05 * RATE)] / music[round(1.05 * RATE)]).max() < 0.85
    assert np.array_equal(stem[-100:], music[-100:])
    assert len(powers_of(music, RATE)) == pytest.approx(3.0 / HOP, abs=1)


def test_what_strikes_again_and_again_is_lighter_and_never_twice_alike():
    times = [1.0, 1.7, 2.5, 3.2, 5.5, 6.0]
    strikes = [strike(time, 0.9, 0.0, "contact") for time in times]
    cut = event("swish", 2.0)
    lighter = [one for one in lighter_repeats([*strikes, cut]) if one.kind != "swish"]
    assert [one.time for one in lighter] == times
    first, *others = [one.strength for one in lighter[:4]]
    assert first == 0.9 and all(0.5 < other < 0.8 for other in others)
    assert all(a != b for a, b in pairwise(others))
    assert [one.kind for one in lighter[:4]] == ["impact", "hit", "hit", "hit"]
    assert lighter[4:] == strikes[4:]


def test_movement_is_heard_on_the_pictures_on_which_it_is_fastest(hopping):
    movements = find_movements(hopping, 0.5)
    strokes = [one.time + stroke.at for one in movements for stroke in one.strokes]
    places, _ = peaks_of(hopping.flow)
    peaks = np.append(hopping.flow.times, hopping.flow.end)[places + 1]
    assert len(strokes) >= 5
    assert all(np.abs(peaks - stroke).min() < 2e-3 for stroke in strokes)
    onsets = audio_onsets(alone(*movements, duration=hopping.duration), RATE)
    assert np.mean([np.abs(onsets - stroke).min() <= 0.03 for stroke in strokes]) > 0.9
    assert np.diff(strokes).min() >= 0.2
    hit = event("hit", strokes[2])
    others = [one.time + stroke.at for one in find_movements(hopping, 0.5, [hit]) for stroke in one.strokes]
    assert min(abs(other - hit.time) for other in others) > 0.12
    words = Span(0.0, hopping.duration)
    assert find_movements(hopping, 0.5, spans=[words]) == []


def test_movement_lies_well_under_a_hit():
    stroke = loudness(alone(event("gust", 0.9, 0.5, strokes=(Stroke(0.12, 1.0, 0.0),)))[RATE : RATE + 8820], RATE)
    hit = loudness(alone(event("hit"))[RATE : RATE + 8820], RATE)
    assert 7 < hit - stroke < 15


@pytest.mark.parametrize("dial", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["hit", "impact"])
def test_a_strong_hit_lies_3_to_6_lu_over_the_bed_of_music(kind, dial):
    # Noise as low as music is: 4 dB less in each octave.
    music = 0.1 * noise(np.random.default_rng(0), 3 * RATE, RATE, band(60, 6000, -4.0), 2)
    bus = Bus([event(kind)], 3.0, RATE, dial=dial)
    stem = music.copy()
    put_beside(stem, bus, RATE)
    track = track_of(bus, np.zeros_like(music))
    dipped = stem - track
    at = slice(RATE, RATE + round(0.4 * RATE))
    assert 2.8 < loudness(track[at], RATE) - loudness(dipped[at], RATE) < 6.3


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_on_one_loudspeaker_all_sounds_are_left(kind):
    sound = alone(event(kind, 1.0, 1.5)._replace(pan=0.8))
    folded = np.repeat(sound.mean(axis=1, keepdims=True), 2, axis=1)
    assert loudness(sound, RATE) - loudness(folded, RATE) < 4.5


def test_events_are_written_and_read_back(tmp_path):
    moving = event("cloth", 1.5, 2.0, strokes=(Stroke(0.12, 0.5, -1.0), Stroke(1.0, 1.0, 0.0)))
    events = (event("hit", file="boom.wav"), moving, event("surf", 2.0, 90.0))
    file = tmp_path / "events.json"
    file.write_text(events_as_json(events))
    assert read_events(file) == events
    file.write_text('{"events": [{"time": 1, "kind": "hit"}]}')
    assert read_events(file)[0].cause == "user"
    for content, message in (
        ("no", "is no JSON"),
        ("[]", "must be an object"),
        ('{"schema": 9, "events": []}', "is of form 9, and form 1 is read"),
        ('{"events": [{"time": 1, "kind": "bang"}]}', r"events\[0\]\.kind must be one of impact"),
        ('{"events": [{"time": -1, "kind": "hit"}]}', r"events\[0\]\.time: -1 must be seconds"),
        ('{"events": [{"time": 1, "kind": "hit", "length": 900}]}', r"length: 900 must be seconds above 0, 30 at most"),
        ('{"events": [{"time": 1, "kind": "gust", "strokes": [[1, 1]]}]}', "must be a list of three numbers"),
        ('{"events": [{"time": 1, "kind": "gust", "strokes": [[1, 9, 0]]}]}', r"strokes\[0\]: must be seconds"),
    ):
        file.write_text(content)
        with pytest.raises(CmtError, match=message):
            read_events(file)


@pytest.mark.parametrize("change", [{"strength": 0.0}, {"pan": 2.0}, {"length": 0.0}, {"time": float("nan")}])
def test_impossible_events_are_refused(change):
    with pytest.raises(CmtError):
        check_event(event("hit")._replace(**change), "here")


def test_a_library_is_played_and_its_faults_are_told(tmp_path):
    with pytest.raises(CmtError, match="no sound that can be used"):
        read_library(tmp_path)
    with pytest.raises(CmtError, match="no folder of sounds"):
        read_library(tmp_path / "nowhere")
    (tmp_path / "hit bad.wav").write_bytes(b"no sound")
    ring = np.sin(np.arange(4000) / 5).astype(np.float32) * 0.5
    write_wav(np.concatenate([np.zeros(1000, np.float32), ring]), tmp_path / "hit 1.wav", RATE)
    write_wav(np.full(40 * 8000, 0.5, np.float32) * np.sin(np.arange(40 * 8000)), tmp_path / "whoosh long.wav", 8000)
    write_wav(ring, tmp_path / "nobody knows.wav", RATE)
    library = read_library(tmp_path)
    assert library.files == {"hit 1.wav": "hit"}
    warnings = "\n".join(library.warnings)
    assert "hit bad.wav: cannot be read as sound" in warnings and "lasts more than 30 s" in warnings
    assert "such as nobody knows.wav" in warnings
    (fitted,) = library.fitted([event("hit")])
    assert fitted.file == "hit 1.wav"
    bus = Bus([fitted], 3.0, RATE, library=library)
    assert np.abs(audio_onsets(bus.block(0, bus.n_sample), RATE) - 1.0).min() <= 0.02
    with pytest.raises(CmtError, match="there is no such sound"):
        library.fitted([event("hit", file="gone.wav")])
    (tmp_path / "sounds.csv").write_text("nobody knows.wav,surf\n")
    assert read_library(tmp_path).files == {"nobody knows.wav": "surf"}
    (tmp_path / "sounds.csv").write_text("nobody knows.wav,bang\n")
    with pytest.raises(CmtError, match=r"sounds\.csv:1: give a file and a kind"):
        read_library(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Whoosh_02.wav", "whoosh"),
        ("misc_cineboom.flac", "impact"),
        ("sub drop.wav", "sub drop"),
        ("metal hit.wav", "hit"),
        ("cloth 1.wav", "cloth"),
        ("x.wav", None),
    ],
)
def test_names_say_what_sounds_are_for(name, kind):
    assert kind_of_name(name) == kind


def test_what_cannot_be_is_said():
    with pytest.raises(CmtError, match="there is no video"):
        check_sounds(Output(sounds=0.5), is_seen=False)
    for output in (Output(sounds=2.0), Output(sound_library="x"), Output(sounds=0.5, midi_only=True)):
        with pytest.raises(CmtError):
            check_output(output)
    assert json.loads(events_as_json(()))["events"] == []
