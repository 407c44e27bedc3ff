"""Energy, mutes, takes and music without a video, from wishes to files, with a small untrained model."""

import json
import math

import pretty_midi
import pytest
from clips import draw_clip
from networks import write_untrained

from cmt.config import TEMPO_CHANGE, GenerateConfig
from cmt.errors import CmtError
from cmt.grid.hits import Marker
from cmt.metrics.degenerate import Verdict
from cmt.music.chords import names_of
from cmt.music.words import Genre, Mode
from cmt.planning.energy import Section, energy_of_sections, parse_section
from cmt.planning.mutes import parse_mute
from cmt.planning.plan import TEMPO_QUARTILES, plan_music
from cmt.planning.wishes import Settled, Wishes, check_wishes, settled
from cmt.planning.wishes_json import wishes_as_json
from cmt.soundtrack.make import make_soundtrack
from cmt.soundtrack.output import Output
from midi_io import has_fluidsynth, read_midi
from midi_io.song import Instrument

pytestmark = pytest.mark.slow

MIDI_ONLY = Output(midi_only=True)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return draw_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def test_music_without_a_video_is_as_long_as_asked_and_nothing_speaks_of_a_picture(checkpoint, tmp_path):
    wishes = Wishes(length=3.7, genre=Genre.ROCK)
    soundtrack = make_soundtrack(None, tmp_path, wishes, output=MIDI_ONLY, name="song", checkpoint=checkpoint)
    assert [file.name for file in soundtrack.files] == ["song.html", "song.json", "song.mid", "song.png"]
    assert pretty_midi.PrettyMIDI(str(tmp_path / "song.mid")).get_end_time() == pytest.approx(3.7, abs=1e-3)
    report = json.loads((tmp_path / "song.json").read_text())
    assert (report["video"], report["control"], report["duration"]) == (None, 0.0, 3.7)
    assert report["speed_per_bar"] is None and report["visual_beats"] == report["cuts"] == []
    assert set(report["density_asked"]) == {None} and report["strength_asked"] == []


@pytest.mark.skipif(not has_fluidsynth(), reason="the FluidSynth library is not installed")
def test_music_without_a_video_has_sound_and_no_film(checkpoint, tmp_path):
    files = make_soundtrack(None, tmp_path, Wishes(length=2.0), checkpoint=checkpoint).files
    assert [file.name for file in files] == ["music.html", "music.json", "music.mid", "music.png", "music.wav"]


def test_a_tempo_is_drawn_from_the_genres_and_another_seed_draws_another():
    wishes = Wishes(length=240, genre=Genre.METAL)
    grids = [plan_music(None, settled(wishes, 240), GenerateConfig(seed=seed)).timeline for seed in range(20)]
    tempi = [grid.tempo for grid in grids]
    low, high = TEMPO_QUARTILES[Genre.METAL]
    assert low - 1 <= min(tempi) < max(tempi) <= high + 1 and len(set(tempi)) >= 10
    assert all(grid.length % 16 == 0 for grid in grids), "whole bars"


def test_an_exact_tempo_and_markers_work_without_a_video(checkpoint, tmp_path):
    wishes = Wishes(length=4.0, tempo=120.0, markers=(Marker(3.0),))
    report = make_soundtrack(None, tmp_path, wishes, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert report.grid.tempo == 120.0 and 3.0 in [round(border, 6) for border in report.grid.bar_borders]
    assert {(order.bar, order.position) for order in report.asked.strengths} == {(2, 0)}


def test_sections_order_every_bar_they_cover_whatever_the_control(clip, checkpoint, tmp_path):
    energy = energy_of_sections([Section(0, 0.02), Section(2, 1.0), Section(3, 0.02)])
    wishes = Wishes(tempo=240.0, energy=energy)
    config = GenerateConfig(control=0.0)
    report = make_soundtrack(clip, tmp_path, wishes, config, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert report.energy_per_bar == (0.02, 0.02, 1.0, 0.02)
    assert report.asked.density == report.obtained.density
    assert report.asked.density[:3] == (4, 4, 16)
    assert report.energy.stretches[2] == (3, 4.0, 0.02, 0.02)


def test_bars_without_an_energy_are_the_pictures(clip):
    from video_rhythm import analyze

    rhythm = analyze(clip)
    plain = plan_music(rhythm, settled(Wishes(tempo=240.0), rhythm.duration), GenerateConfig(control=1.0))
    energy = energy_of_sections([Section(0, None), Section(2, 0.0), Section(3, None)])
    wishes = settled(Wishes(tempo=240.0, energy=energy), rhythm.duration)
    led = plan_music(rhythm, wishes, GenerateConfig(control=1.0))
    assert [led.asked.density[bar] for bar in (0, 1, 3)] == [plain.asked.density[bar] for bar in (0, 1, 3)]
    assert led.orders(0.0, 0).keys() == {2}


def test_a_muted_instrument_neither_begins_nor_rings_in_its_time(clip, checkpoint, tmp_path):
    mutes = tuple(map(parse_mute, ("drums@0-1.3", "piano@2-", "bass@1-2", "strings@3.5-4")))
    config = GenerateConfig(control=1.0)
    wishes = Wishes(instruments=tuple(Instrument), mutes=mutes)
    make_soundtrack(clip, tmp_path, wishes, config, output=MIDI_ONLY, checkpoint=checkpoint)
    midi = pretty_midi.PrettyMIDI(str(tmp_path / "clip.mid"))
    by_name = {track.name.lower(): track.notes for track in midi.instruments}
    assert set(by_name) == {instrument.label for instrument in Instrument}
    for mute in mutes:
        notes = by_name[mute.instrument.label]
        assert notes
        assert all(note.end <= mute.begin + 2e-3 or note.start >= min(mute.end, 4.0) - 2e-3 for note in notes)


def test_where_all_are_muted_the_bar_is_silent_and_it_is_said(checkpoint, tmp_path):
    mutes = tuple(parse_mute(f"{instrument.label}@2-4") for instrument in Instrument)
    wishes = Wishes(length=6.0, tempo=120.0, mutes=mutes)
    report = make_soundtrack(None, tmp_path, wishes, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert report.obtained.density[1] == 0
    assert report.warnings == ("`mutes`: nobody is left to play in bar 2; it is silent there",)
    marked = plan_music(
        None,
        settled(Wishes(length=6.0, tempo=120.0, mutes=mutes, markers=(Marker(2.5),)), 6.0),
        GenerateConfig(),
    )
    assert any("`markers`: 2.5 s is muted in all instruments" in warning for warning in marked.warnings)


def test_mutes_that_leave_no_bar_to_anyone_are_refused():
    """No instrument is muted throughout: a hundredth of a second is left to each."""
    mutes = tuple(parse_mute(f"{instrument.label}@{span}") for instrument in Instrument for span in ("0-3", "3.01-6"))
    with pytest.raises(CmtError, match="`mutes`: nothing is left to play; leave one out"):
        plan_music(None, settled(Wishes(length=6.0, tempo=120.0, mutes=mutes), 6.0), GenerateConfig())


def test_an_instrument_muted_throughout_is_left_out_of_all_and_contradicts_a_choice():
    mutes = (parse_mute("piano@0-"),)
    assert Instrument.PIANO not in settled(Wishes(mutes=mutes, instruments=tuple(Instrument)), 4.0).instruments
    assert settled(Wishes(mutes=mutes, instruments=None), 4.0).instruments is None
    with pytest.raises(CmtError, match="`mutes`: piano from beginning to end, yet among `instruments`; leave one"):
        settled(Wishes(mutes=mutes, instruments=(Instrument.DRUMS, Instrument.PIANO)), 4.0)
    everyone = tuple(parse_mute(f"{instrument.label}@0-") for instrument in Instrument)
    with pytest.raises(CmtError, match="nothing is left to play"):
        settled(Wishes(mutes=everyone, instruments=None), 4.0)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(), "give a video, or a length for music without one"),
        (Wishes(length=0.5), "`length` 0.5: must be from 1 to 14400 seconds"),
        (Wishes(length=math.nan), "`length` nan: must be from 1 to 14400 seconds"),
        (Wishes(length=5.0, takes=0), "takes 0: must be 1 or more"),
        (Wishes(length=5.0, takes=10**9), r"takes 1000000000: they need .* free; ask for \d+ at most"),
        (
            Wishes(length=5.0, instruments=(Instrument.BASS,), mutes=(parse_mute("drums@0-1"),)),
            "`mutes` drums@0-1: drums is not among `instruments`; leave one of them out",
        ),
        (Wishes(length=5.0, mutes=(parse_mute("drums@9-"),)), "`mutes` drums@9- lies outside the piece"),
        (Wishes(length=5.0, energy=energy_of_sections([Section(9, 0.5)])), "`sections`: 9 s lies outside the piece"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(wishes, message, checkpoint, tmp_path):
    with pytest.raises(CmtError, match=message):
        make_soundtrack(None, tmp_path / "out", wishes, output=MIDI_ONLY, checkpoint=checkpoint)
    assert not (tmp_path / "out").exists()


def test_a_plan_is_made_of_wishes_that_were_checked_and_read():
    wishes = Wishes(genre="Pop", instruments=["bass", Instrument.DRUMS], key="gb:minor", markers=(Marker(3), Marker(1)))
    assert settled(wishes, 4.0) == Settled(
        duration=4.0,
        genre=Genre.POP,
        instruments=(Instrument.BASS, Instrument.DRUMS),
        key=(6, Mode.MINOR),
        tempo=None,
        markers=(Marker(1), Marker(3)),
        tempo_change=0.0,
        energy=None,
        mutes=(),
        takes=1,
        chords=None,
        form=None,
        tempo_range=None,
        liveliness=None,
        ending=None,
        mood=None,
        scenes=(),
        loop=False,
    )
    assert settled(Wishes(tempo_map=True), 4.0).tempo_change == TEMPO_CHANGE
    assert str(settled(Wishes(key=":major"), 4.0).key) == ":major" and settled(Wishes(), 4.0).key == (None, None)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(genre="jazz"), "no genre 'jazz'; choose from country, dance, electronic, metal, pop, rock"),
        (Wishes(instruments=("flute",)), "no instrument 'flute'; choose from drums, piano, guitar, bass, strings"),
        (Wishes(key="H:minor"), "no key 'H:minor'; write TONIC:MODE"),
        (Wishes(tempo=19.9), "tempo 19.9: must be from 20 to 400 BPM"),
        (Wishes(tempo_map=True, tempo_change=0), "tempo change 0: must be above 0 and at most 30 per cent"),
        (Wishes(takes=0), "takes 0: must be 1 or more"),
        (Wishes(like=""), "`like`: is empty; name a song or the folder of an index"),
        (Wishes(chords="C H#7"), "no chord 'H#7'; write a root, such as C, F# or Bb, and one of .nothing., m, 7, maj7"),
        (Wishes(chords="C", instruments=("drums",)), "`chords` need an instrument with pitches, and drums play alone"),
        (Wishes(chords="A: C"), "`chords`: there is no section A; name it in `form`, or leave its chords out"),
        (Wishes(chords="A: C; B: F", form="AA"), "`chords`: there is no section B; name it in `form`"),
        (Wishes(form="verse polka"), "no form 'polka'; write sections in order, e.g. AABA"),
        (
            Wishes(form="A", energy=energy_of_sections([parse_section("0:drop")])),
            "`form` and the names in `sections` say the same in two ways; leave one of them out",
        ),
    ],
)
def test_what_no_video_could_meet_is_said_with_and_without_one(wishes, message):
    for check in (check_wishes, lambda wishes: settled(wishes, 4.0)):
        with pytest.raises(CmtError, match=message):
            check(wishes)


def test_chords_without_a_pitch_to_play_them_are_refused_when_the_mutes_are_known():
    everyone = tuple(parse_mute(f"{instrument.label}@0-") for instrument in Instrument if instrument)
    with pytest.raises(CmtError, match="`chords` need an instrument with pitches"):
        settled(Wishes(chords="C", mutes=everyone), 4.0)


def test_the_key_that_is_left_open_is_that_of_the_chords():
    def key(**wishes):
        return str(settled(Wishes(**wishes), 60.0).key)

    assert key(chords="C G Am F") == "C:major"
    assert key(chords="Em B7 Em") == "E:minor"
    assert key(chords="C G Am F", key=":minor") == "A:minor"
    assert key(chords="C G Am F", key="G") == "G:major"
    assert key(chords="C G Am F", key="F#:minor") == "F#:minor"
    assert key(chords="? N") == "" and key(form="AABA") == ""
    assert key(chords="A: C F; B: D A E", form="BAB") == "D:major", "sections as they are played"
    named = energy_of_sections([parse_section("0:drop"), parse_section("30:break")])
    assert key(chords="drop: Em B7; break: Em", energy=named) == "E:minor"


def test_a_form_that_does_not_fit_is_one_line_and_leaves_nothing(checkpoint, tmp_path):
    wishes = Wishes(length=6.0, tempo=120.0, form="ABCD")
    with pytest.raises(CmtError, match="`form`: 4 sections do not fit into 3 bars; name 3 at most"):
        make_soundtrack(None, tmp_path / "out", wishes, output=MIDI_ONLY, checkpoint=checkpoint)
    assert not (tmp_path / "out").exists()


def test_names_of_sections_order_the_density_of_their_bars(checkpoint, tmp_path):
    wishes = Wishes(length=16.0, tempo=240.0, form="break:4 A:4 drop:8")
    report = make_soundtrack(None, tmp_path, wishes, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert report.energy is None and report.energy_per_bar == (*[0.05] * 4, *[None] * 4, *[0.9] * 8)
    asked = report.asked.density
    assert max(asked[:4]) < min(asked[8:15]) and asked[4:8] == (None,) * 4
    assert asked[8:15] == report.obtained.density[8:15]
    midi = read_midi(tmp_path / "music.mid")
    drums = [note.position for note in midi.notes if note.instrument == Instrument.DRUMS]
    assert drums and min(drums) >= 64, "drums rest in a break"


def test_a_plan_orders_the_users_chords_in_the_home_key():
    wishes = settled(Wishes(length=8.0, tempo=120.0, chords="A F#m", form="AB"), 8.0)
    plan = plan_music(None, wishes, GenerateConfig())
    assert plan.request.tonic == 9 and plan.mode(0) == Mode.MAJOR
    assert names_of(plan.orders_of_sheet(0.0, 0).chords.tolist()) == ["C", "C", "Am", "Am"] * 2
    assert names_of(plan.sheet_orders.chords.tolist()) == ["A", "A", "F#m", "F#m"] * 2
    assert [section.label for section in plan.sections] == ["A", "B"]


@pytest.mark.parametrize("asked", [{"chords": "C G"}, {"form": "AB"}])
def test_an_old_checkpoint_says_how_to_get_one_that_keeps_chords_and_form(asked, tmp_path):
    old = write_untrained(tmp_path / "old.safetensors", cues=False)
    with pytest.raises(
        CmtError, match=r"trained without lead sheets and cannot keep `chords`, `form` and `like`; leave it"
    ):
        make_soundtrack(None, tmp_path / "out", Wishes(length=4.0, **asked), output=MIDI_ONLY, checkpoint=old)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../song", "a/b", "/song", "a\0b"])
def test_a_name_stays_in_its_folder(name, checkpoint, tmp_path):
    with pytest.raises(CmtError, match="cannot name files"):
        make_soundtrack(None, tmp_path / "out", Wishes(length=2.0), name=name, output=MIDI_ONLY, checkpoint=checkpoint)
    assert not (tmp_path / "out").exists()


def test_a_take_is_the_piece_of_its_seed_and_the_best_is_kept(checkpoint, tmp_path):
    energy = energy_of_sections([Section(0, 0.02)])
    asked = {"length": 2.0, "tempo": 120.0, "energy": energy, "instruments": tuple(Instrument)}
    wishes, config = Wishes(takes=3, **asked), GenerateConfig(seed=7)
    options = {"name": "song", "checkpoint": checkpoint}
    kept = Output(midi_only=True, keep_takes=True)
    report = make_soundtrack(None, tmp_path / "takes", wishes, config, output=kept, **options).report
    takes = report.takes
    first = [min(take.seed, *(one.seed for one in take.replaced), 99) for take in takes]
    assert sorted(first) == [7, 8, 9] and report.config.seed == takes[0].seed
    assert [take.file for take in takes] == ["song.mid", "song.take2.mid", "song.take3.mid"]
    sound = [take.score for take in takes if not take.rejected]
    assert sound == sorted(sound, reverse=True)
    for take in takes[:2]:
        alone = Wishes(takes=1, **asked)
        folder = tmp_path / str(take.seed)
        make_soundtrack(None, folder, alone, GenerateConfig(seed=take.seed), output=MIDI_ONLY, **options)
        assert read_midi(folder / "song.mid").notes == read_midi(tmp_path / "takes" / take.file).notes


def test_where_all_takes_are_rejected_the_best_is_kept_and_the_reason_is_said(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("cmt.soundtrack.takes.judge", lambda song: Verdict(("one bar looped: planted",)))
    wishes = Wishes(length=2.0, takes=2)
    report = make_soundtrack(None, tmp_path, wishes, output=MIDI_ONLY, checkpoint=checkpoint).report
    assert all(take.rejected[0] == "one bar looped: planted" for take in report.takes)
    assert sorted(seed for take in report.takes for seed in (take.seed, *(one.seed for one in take.replaced))) == [
        *range(6)
    ]
    assert [take.file for take in report.takes] == ["music.mid", None]
    assert any(
        warning.startswith("all takes were rejected, 6 of them") and "one bar looped: planted" in warning
        for warning in report.warnings
    )
    assert not list(tmp_path.glob("*.take*.mid"))


def test_the_report_of_music_without_a_video_can_be_evaluated(checkpoint, tmp_path):
    from cmt.evaluation.piece import measure_piece

    wishes = Wishes(length=2.0, energy=energy_of_sections([Section(0, 0.1)]))
    report = make_soundtrack(None, tmp_path, wishes, output=MIDI_ONLY, name="song", checkpoint=checkpoint).report
    piece = measure_piece(read_midi(tmp_path / "song.mid"), report=report)
    assert piece.values["density_error"].value == 0.0
    assert piece.values["instrument_recall"].value == 1.0


def test_a_number_is_a_time_to_meet():
    wishes = Wishes(markers=[3, Marker(2.0, 0.5), 1.5])
    assert settled(wishes, 8.0).markers == (Marker(1.5), Marker(2.0, 0.5), Marker(3.0))
    assert [marker["time"] for marker in wishes_as_json(wishes)["markers"]] == [3.0, 2.0, 1.5]
