"""The band: who plays what in which genre, how loud beside the others, and what players do to the time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presets import audio_of, song_for

from cmt.band.bands import BANDS, CALM, LIVELY, band_for
from cmt.band.feel import FEELS, QUANTIZED, Feel
from cmt.band.levels import KIT_LOUDNESS, LOUDNESS, estimated_loudness, with_levels
from cmt.band.playing import played
from cmt.band.programs import ChosenProgram, parse_program, program_warnings
from cmt.band.roles import chords_in, voices_of_notes
from cmt.errors import CmtError
from cmt.music.words import Genre
from midi_io import Instrument, Note, Song, has_fluidsynth, read_midi, write_midi
from midi_io.mastering import loudness
from midi_io.performance import STANDARD_BAND, SUSTAIN, exactly
from midi_io.quantize import without_overlaps
from midi_io.rendering import sound_of
from midi_io.synthesis import OUR_SOUNDFONT

DRUMS, PIANO, GUITAR, BASS, STRINGS = Instrument
LOOSE = Feel(3.0, eighth_swing=0.2, late_snare=0.01)
needs_fluidsynth = pytest.mark.skipif(not has_fluidsynth(), reason="FluidSynth is not installed")


@st.composite
def songs(draw):
    note = st.builds(
        Note, st.integers(0, 70), st.sampled_from(Instrument), st.integers(40, 80), st.integers(1, 20), st.just(80)
    )
    length = draw(st.integers(0, 640)) / 10
    notes = [n for n in draw(st.lists(note, max_size=60)) if n.position + n.duration <= length]
    return Song.steady(tuple(notes), draw(st.sampled_from([60.0, 120.0, 171.3, 300.0])), length)


def band_song():
    """Four bars in which everyone plays."""
    notes = [Note(p, DRUMS, 38 if p % 8 == 4 else 36, 1, 90) for p in range(0, 64, 4)]
    notes += [Note(p, PIANO, pitch, 8, 80) for p in range(0, 64, 8) for pitch in (60, 64, 67)]
    notes += [Note(p, GUITAR, pitch, 4, 80) for p in range(0, 64, 4) for pitch in (52, 55, 60)]
    notes += [Note(p, BASS, 36, 4, 90) for p in range(0, 64, 4)]
    notes += [Note(p, STRINGS, pitch, 16, 70) for p in (0, 16) for pitch in (55, 60, 64)]
    notes += [Note(p, STRINGS, 72 + p % 3, 2, 80) for p in range(32, 64, 2)]
    return Song.steady(notes, 120.0, 64)


def test_nobody_is_early_or_rings_on_where_he_is_muted():
    notes = [Note(p, PIANO, pitch, 4) for p in (0, 12) for pitch in (60, 64, 67)]
    for seed in range(20):
        rests = {PIANO: range(4, 12)}
        performance = played(
            Song.steady(notes, 120.0, 16), STANDARD_BAND, LOOSE, np.random.default_rng(seed), rests=rests
        )
        assert all(n.end <= 4 or n.start >= 12 for n in performance.notes)


def test_cymbals_do_not_ring_into_a_mute():
    song = Song.steady([Note(0, DRUMS, 49, 1, 120)], 120.0, 32)
    controls = played(song, STANDARD_BAND, QUANTIZED, np.random.default_rng(0), rests={DRUMS: [8, 9, 10]}).controls
    assert [(c.position, c.number) for c in controls] == [(8, 120)]


@needs_fluidsynth
def test_a_choked_cymbal_is_silent():
    song = Song.steady([Note(0, DRUMS, 49, 1, 120)], 120.0, 32)
    rings, choked = (
        sound_of(played(song, STANDARD_BAND, QUANTIZED, np.random.default_rng(0), rests=rests), loudness=None).audio
        for rests in ({}, {DRUMS: range(4, 32)})
    )
    late = slice(round(0.9 * 44100), round(1.2 * 44100))
    assert np.abs(choked[late]).max() < 0.2 * np.abs(rings[late]).max()


@settings(max_examples=60, deadline=None)
@given(songs(), st.integers(0, 3), st.sets(st.integers(0, 70)), st.sets(st.sampled_from([16, 32, 48])))
def test_what_is_played_is_read_as_what_was_written(tmp_path_factory, song, seed, exact, borders):
    band = band_for(song, Genre.POP, 0.5)
    path = tmp_path_factory.mktemp("played") / "played.mid"
    write_midi(played(song, band, LOOSE, np.random.default_rng(seed), exact=exact, borders=borders), path)
    kept = [note for note in without_overlaps(song.notes) if note.position < song.length]
    assert [note[:4] for note in read_midi(path).notes] == [note[:4] for note in kept]


def test_players_are_near_the_beat_but_not_on_it_and_on_it_where_they_must():
    song = band_song()
    performance = played(song, STANDARD_BAND, FEELS[Genre.ROCK], np.random.default_rng(0), exact={32})
    lates = [song.seconds(n.start) - song.seconds(round(n.start)) for n in performance.notes]
    assert 0.002 < np.std(lates) < 0.02
    assert max(map(abs, lates)) < 0.05
    assert {n.start for n in performance.notes if round(n.start) == 32} == {32.0}


def test_the_same_seed_plays_the_same_and_another_one_does_not():
    first, again, other = (played(band_song(), STANDARD_BAND, LOOSE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_quantized_is_exactly_what_is_written():
    song = band_song()
    performance = played(song, STANDARD_BAND, QUANTIZED, np.random.default_rng(0), borders={32})
    assert performance.notes == exactly(song).notes
    assert not performance.controls


def test_swing_delays_the_second_eighth_and_takes_the_sixteenths_along():
    song = Song.steady([Note(p, BASS, 40, 1) for p in range(4)], 120.0, 16)
    starts = [n.start for n in played(song, STANDARD_BAND, Feel(0, 0.2), np.random.default_rng(0)).notes]
    assert starts == pytest.approx([0, 1.1, 2.2, 3.1])


def test_a_guitar_is_strummed_and_repeated_keys_are_let_go():
    song = Song.steady([Note(p, GUITAR, pitch, 4) for p in (0, 4) for pitch in (50, 55, 60)], 120.0, 16)
    performance = played(song, STANDARD_BAND, Feel(1.0), np.random.default_rng(0))
    first = [n for n in performance.notes if n.start < 2]
    assert [n.pitch for n in first] == [50, 55, 60]
    assert first[0].start < first[1].start < first[2].start
    for pitch in (50, 55, 60):
        one, two = (n for n in performance.notes if n.pitch == pitch)
        assert one.end < two.start


def test_the_band_breathes_before_a_border_but_the_drums_do_not():
    song = Song.steady([Note(0, PIANO, 60, 16), Note(12, DRUMS, 36, 4), Note(16, PIANO, 64, 16)], 120.0, 32)
    performance = played(song, STANDARD_BAND, Feel(0), np.random.default_rng(0), borders={16})
    ends = {(n.pitch, performance.band.voices[n.voice].instrument): n.end for n in performance.notes}
    assert ends[60, PIANO] < 15.7
    assert ends[36, DRUMS] == 16
    assert ends[64, PIANO] == 32


def test_the_pedal_holds_broken_chords_and_not_runs():
    chord = [Note(p, PIANO, pitch, 2) for p, pitch in zip((0, 2, 4, 6), (60, 64, 67, 72), strict=True)]
    run = [Note(16 + p, PIANO, 60 + p, 2) for p in range(0, 8, 2)] + [Note(17, PIANO, 61, 1)]
    performance = played(Song.steady(chord + run, 100.0, 32), STANDARD_BAND, Feel(1.0), np.random.default_rng(0))
    assert [(c.number, c.value, c.position < 8.1) for c in performance.controls] == [
        (SUSTAIN, 127, True),
        (SUSTAIN, 0, True),
    ]


def test_a_pad_and_the_line_above_it_are_two_voices():
    pad = [Note(0, STRINGS, pitch, 16) for pitch in (55, 60, 64)]
    line = [Note(p, STRINGS, 72 + p % 5, 2) for p in range(2, 16, 2)]
    assert chords_in(sorted(pad + line)) == set(pad)


def test_a_bar_of_chords_with_one_short_note_is_chords_only():
    chords = [Note(p, STRINGS, pitch, 4) for p in range(0, 16, 4) for pitch in (55, 60, 64)]
    passing = Note(14, STRINGS, 62, 1)
    assert passing in chords_in(sorted([*chords, passing]))


@pytest.mark.parametrize("genre", Genre)
@pytest.mark.parametrize("energy", [CALM - 0.1, 0.5, LIVELY + 0.1])
def test_every_track_of_every_genre_has_a_sound_of_our_font(genre, energy):
    band = band_for(band_song(), genre, energy)
    assert {voice.instrument for voice in band.voices} == set(Instrument)
    assert len(band.of(STRINGS)) == 2
    for voice in band.voices:
        assert voice.program in (KIT_LOUDNESS if voice.instrument is DRUMS else LOUDNESS)
        assert 24 <= voice.volume <= 118


def test_genres_differ_and_calm_is_not_lively():
    def sounds(genre, energy):
        return [(v.program, v.doubled) for v in band_for(band_song(), genre, energy).voices]

    every = [sounds(genre, energy) for genre in Genre for energy in (0.2, 0.5, 0.8)]
    assert len({tuple(its) for its in every}) == len(every)
    metal = band_for(band_song(), Genre.METAL, 0.5)
    (guitar,) = (metal.voices[number] for number in metal.of(GUITAR))
    assert guitar.program == 30
    assert guitar.doubled


def test_a_line_below_a_flute_is_played_by_strings():
    song = Song.steady([Note(p, STRINGS, 45, 2) for p in range(0, 16, 2)], 120.0, 16)
    band = band_for(song, Genre.POP, 0.2)
    assert band.voices[band.of(STRINGS)[0]].program == 48


def test_a_program_that_is_chosen_plays_the_whole_track():
    band = band_for(band_song(), Genre.METAL, 0.9, {GUITAR: 25, STRINGS: 73})
    assert [band.voices[number].program for number in band.of(GUITAR)] == [25]
    assert [band.voices[number].program for number in band.of(STRINGS)] == [73]


def test_a_track_that_plays_softly_gets_more_volume():
    loud = band_song()
    soft = loud.with_notes(n._replace(velocity=40) if n.instrument is PIANO else n for n in loud.notes)

    def volume(song):
        band = band_for(song, Genre.POP, 0.5)
        return band.voices[band.of(PIANO)[0]].volume

    assert volume(soft) > volume(loud)


@needs_fluidsynth
@pytest.mark.parametrize("genre", Genre)
def test_tracks_lie_where_the_band_wants_them(genre):
    song = band_song()
    band = band_for(song, genre, 0.5)
    levels = {}
    sound_of(
        played(song, band, QUANTIZED, np.random.default_rng(0)),
        on_stem=lambda name, stem: levels.__setitem__(name, loudness(stem, 44100)),
    )
    wanted = {name: getattr(BANDS[genre], name).levels[1] for name in ("drums", "piano", "guitar", "bass")}
    off = np.array([levels[name] - wanted[name] for name in wanted])
    assert np.abs(off - np.median(off)).max() < 7


@needs_fluidsynth
@pytest.mark.parametrize(("bank", "program"), [(0, 0), (0, 30), (0, 38), (0, 48), (128, 0), (128, 25)])
def test_the_loudness_of_a_sound_is_as_stated(bank, program):
    instrument, song = song_for(bank, program)
    band = STANDARD_BAND.with_programs({instrument: program})
    (number,) = band.of(instrument)
    stated = estimated_loudness(song, voices_of_notes(song, band), number, band)
    corrected = {DRUMS: -1.0, GUITAR: 1.0, BASS: -1.8, STRINGS: 1.5}.get(instrument, 0.0)
    heard = loudness(audio_of(bank, program, str(OUR_SOUNDFONT)), 44100) + 40 * math.log10(127 / 100)
    assert heard == pytest.approx(stated - corrected, abs=1.0)


def test_levels_need_no_notes():
    silent = Song.steady((), 120.0, 16)
    band = band_for(silent, None, 0.5)
    assert with_levels(band, [0.0] * len(band.voices), silent, []).voices


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("guitar=30", ChosenProgram(GUITAR, 30)),
        ("Guitar = Distortion Guitar", ChosenProgram(GUITAR, 30)),
        ("drums=jazz kit", ChosenProgram(DRUMS, 32)),
        ("drums=25", ChosenProgram(DRUMS, 25)),
        ("strings=flute", ChosenProgram(STRINGS, 73)),
    ],
)
def test_a_program_is_a_number_or_a_name(text, program):
    assert parse_program(text) == program
    assert parse_program(str(program)) == program


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("guitar=distorted guitar", "the nearest are 30 distortion guitar"),
        ("piano=grand", "0 acoustic grand piano"),
        ("guitar=128", "from 0 to 127"),
        ("guitar=-1", "from 0 to 127"),
        ("drums=1", "no kit 1; those of the drums are 0 standard kit"),
        ("drums=brushes", "40 brush kit"),
        ("banjo=3", "write INSTRUMENT=PROGRAM"),
        ("guitar", "write INSTRUMENT=PROGRAM"),
        ("guitar=", "write INSTRUMENT=PROGRAM"),
        ("guitar=qqqq", "those of the guitar are 24 nylon guitar"),
    ],
)
def test_what_is_no_program_names_what_is_near(text, message):
    with pytest.raises(CmtError, match=message):
        parse_program(text)


def test_a_program_of_another_family_is_told():
    assert program_warnings({GUITAR: 30, PIANO: 73, STRINGS: 120}) == [
        "`programs`: flute is not of the piano family; commands that read the MIDI file count it as strings",
        "`programs`: guitar fret noise is not of the strings family; commands that read the MIDI file leave it out",
    ]
