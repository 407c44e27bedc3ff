"""Percentile matching between pictures and music."""

import json

import pytest

from cmt.errors import CmtError
from cmt.rhythm import Calibration, profile_of_song, read_calibration
from midi_io.song import Instrument, Note, Song

EVEN = Calibration(
    speed_quantiles=(0.0, 1.0, 2.0),
    saliency_quantiles=(0.0, 1.0),
    density_shares=((0.0,) + (1 / 16,) * 16, (0.0,) * 9 + (1 / 8,) * 8),
    strength_shares=((0.0, 0.5, 0.25, 0.25),) * 5,
)


def test_the_fastest_share_of_bars_gets_the_densest_share_of_densities():
    assert EVEN.density_at(EVEN.speed_percentile(2.0), with_drums=False) == 16
    assert EVEN.density_at(EVEN.speed_percentile(1.0), with_drums=False) == 8
    assert EVEN.density_at(EVEN.speed_percentile(1.0), with_drums=True) == 12


def test_a_still_picture_gets_calm_music_not_silence():
    assert EVEN.density_at(EVEN.speed_percentile(0.0), with_drums=False) == 1


def test_density_grows_with_speed():
    densities = [EVEN.density_at(EVEN.speed_percentile(speed / 10), with_drums=False) for speed in range(30)]
    assert densities == sorted(densities)


def test_strength_is_read_from_the_instruments_distribution():
    assert [EVEN.strength_at(p, Instrument.PIANO) for p in (0.0, 0.5, 0.6, 0.9, 1.0)] == [1, 1, 2, 3, 3]


def test_the_profile_of_a_song_counts_onsets_and_notes():
    song = Song(
        (
            Note(0, Instrument.PIANO, 60, 4),
            Note(0, Instrument.PIANO, 64, 4),
            Note(0, Instrument.BASS, 40, 4),
            Note(30, Instrument.DRUMS, 36, 1),
        ),
        120,
        48,
    )
    profile = profile_of_song(song)
    assert profile.density == (1, 1, 0)
    assert [(n.bar, n.position, n.instrument, n.strength) for n in profile.simu_notes] == [
        (0, 0, Instrument.PIANO, 2),
        (0, 0, Instrument.BASS, 1),
        (1, 14, Instrument.DRUMS, 1),
    ]


def test_the_shipped_calibration_can_be_read():
    calibration = read_calibration()
    assert calibration.density_at(calibration.speed_percentile(100.0), with_drums=True) == 16
    assert calibration.saliency_percentile(1e9) == 1.0


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"speed_quantiles": [0]})])
def test_a_broken_calibration_is_named(tmp_path, content):
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(CmtError, match="calibration.json: not a calibration"):
        read_calibration(path)
