"""Runs that are killed and started again come to the same result; the long run is `python -m benchmarks.kills`."""

import pytest

from benchmarks.kills import campaign

pytestmark = pytest.mark.slow


@pytest.mark.skipif("os.name != 'posix'", reason="needs SIGKILL")
@pytest.mark.parametrize("job", ["index", "prepare"])
def test_a_killed_run_is_resumed_to_the_same_result(job):
    if job == "index":
        pytest.importorskip("pyarrow")
    for outcome in campaign(job, 1, seed=3):
        assert outcome.same, outcome.detail
        assert outcome.left == ()
