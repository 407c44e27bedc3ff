"""Impacts are where motion sets in, and where shots change."""

import numpy as np
import pytest

from video_rhythm.flow import FlowSeries
from video_rhythm.impacts import find_impacts, motion_saliency

STEP = 1 / 30


def series(speed, direction=0) -> FlowSeries:
    speed = np.asarray(speed, dtype=float)
    directogram = np.zeros((len(speed), 12), np.float32)
    directogram[np.arange(len(speed)), direction] = speed
    return FlowSeries(np.arange(len(speed)) * STEP, speed, directogram, len(speed) * STEP)


def bursts(at, n=300) -> FlowSeries:
    """Motion that sets in at each of the times (seconds) and dies away within 0.2 s."""
    times = np.arange(n) * STEP
    since = times[:, None] - np.asarray(at)
    return series(np.where((since >= -1e-9) & (since < 0.2), 0.2 * (1 - since / 0.2), 0).sum(axis=1))


def test_motion_that_sets_in_is_an_impact_and_motion_that_ends_is_none():
    flow = bursts([2.0, 5.0])
    impacts = find_impacts(flow.times, motion_saliency(flow))
    assert [impact.time for impact in impacts] == pytest.approx([2.0, 5.0], abs=STEP)


def test_saliency_is_the_mean_over_directions_of_what_each_gains():
    flow = series([0, 0, 0.6, 0.6, 0.1])
    assert motion_saliency(flow) == pytest.approx([0, 0, 0.05, 0, 0])


def test_motion_that_turns_is_salient_though_its_speed_stays():
    turning = series(np.full(100, 0.2), direction=np.repeat([0, 6], 50))
    impacts = find_impacts(turning.times, motion_saliency(turning))
    assert [impact.time for impact in impacts] == pytest.approx([50 * STEP], abs=1e-6)


def test_a_cut_is_an_impact_at_its_own_time_as_strong_as_the_strong_ones():
    flow = bursts([2.0, 5.0])
    saliency = motion_saliency(flow, [7.01])
    impacts = find_impacts(flow.times, saliency, [7.01])
    assert impacts[-1].time == 7.01
    assert impacts[-1].saliency >= 0.9 * max(impact.saliency for impact in impacts)


def test_what_moves_beside_a_cut_is_the_cut():
    flow = bursts([2.05])
    cuts = [2.0]
    assert [impact.time for impact in find_impacts(flow.times, motion_saliency(flow, cuts), cuts)] == [2.0]


def test_constant_and_no_motion_have_no_impacts():
    for flow in (series(np.full(100, 0.3)), series(np.zeros(100)), series([])):
        assert find_impacts(flow.times, motion_saliency(flow)) == []


def test_smooth_motion_has_no_impacts():
    times = np.arange(300) * STEP
    flow = series(0.03 + 0.01 * np.sin(2 * np.pi * times / 6))
    assert find_impacts(flow.times, motion_saliency(flow)) == []


def test_a_level_top_is_one_impact():
    saliency = np.zeros(60)
    saliency[30:33] = 0.02
    assert len(find_impacts(np.arange(60) * STEP, saliency)) == 1
