"""The groove's draws are those of independent positions, conditioned on their sum."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmt.writing.groove import PRIOR, Groove

EVERYWHERE = np.ones(16, dtype=bool)


@settings(max_examples=20)
@given(
    heard=st.lists(st.sets(st.integers(0, 15)), max_size=4),
    here=st.sets(st.integers(0, 15), min_size=1, max_size=8),
    data=st.data(),
)
def test_the_next_onset_is_the_first_of_all_bars_that_are_still_possible(heard, here, data):
    places = sorted(here)
    n_left = data.draw(st.integers(1, len(places)))
    certain = data.draw(st.sets(st.sampled_from(places), max_size=n_left))
    groove = Groove()
    for onsets in heard:
        groove.hear(onsets)
    possible = np.isin(np.arange(16), places)
    shares = np.clip((PRIOR + sum(np.isin(np.arange(16), list(o)) for o in heard)) / (1 + len(heard)), 0.02, 0.98)
    likely = np.zeros(16)
    for bar in combinations(places, n_left):
        if certain <= set(bar):
            likely[bar[0]] += np.prod([shares[p] if p in bar else 1 - shares[p] for p in places if p not in certain])
    assert groove.next_onset(possible, certain, n_left) == pytest.approx(likely / likely.sum())


def test_a_sparser_bar_is_a_thinned_dense_one():
    groove = Groove()
    usual = {0, 3, 6, 8, 10, 13}
    for _ in range(20):
        groove.hear(usual)
    assert groove.next_onset(EVERYWHERE, (), 6).argmax() == 0
    behind_the_third = EVERYWHERE & (np.arange(16) > 3)
    likely = groove.next_onset(behind_the_third, (), 3)
    assert likely[[6, 8, 10, 13]].sum() > 0.95
    assert likely[6] > 0.5


def test_what_leaves_no_bar_possible_is_unlikely_altogether():
    assert not Groove().next_onset(EVERYWHERE & (np.arange(16) > 13), (), 3).any()
