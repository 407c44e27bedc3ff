"""Workers: processes of this machine and a cluster, the same results either way."""

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from loopback import skip_without_loopback

from cmt.errors import CmtError
from cmt.machine.workers import AHEAD, TIMES_TRIED, Workers

pytestmark = pytest.mark.slow


def square(number):
    return number * number


def process_id(_):
    return os.getpid()


def meet(number, folder):
    """The process that does it, which waits for the other's to begin: one process cannot do both in turn."""
    folder = Path(folder)
    (folder / str(number)).touch()
    wait_until(lambda: all((folder / str(n)).exists() for n in range(2)))
    return os.getpid()


def wait_until(is_so):
    """Fail after a minute: long enough for any machine on which the tests are worth running."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it has not come to be within 60 s"
        time.sleep(0.02)


def make_lock(_):
    return threading.Lock()


def slow_first(number):
    """The others are done before it, as a rule; nothing depends on it."""
    time.sleep(0.3 if number == 0 else 0)
    return number


def fail_at_three(number):
    if number == 3:
        raise CmtError("three: is no number")
    return number


def die_once(number, folder):
    """The task 2 takes its worker with it the first time."""
    mark = Path(folder) / "died"
    if number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * 10


def die_always(number, folder):
    if number == 2:
        with open(Path(folder) / "tries", "a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return number * 10


def write_and_wait(path):
    try:
        Path(path).write_text(str(os.getpid()))
        time.sleep(60)
    finally:
        Path(path).unlink()


def stand_in(task, reason):
    return f"{task}: {reason}"


@pytest.fixture(scope="module")
def here():
    with Workers(2) as workers:
        yield workers


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed")
    skip_without_loopback()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Workers(scheduler=cluster.scheduler_address) as workers,
    ):
        yield workers


@pytest.fixture(params=["here", "cluster"])
def workers(request):
    return request.getfixturevalue(request.param)


def test_results_come_in_the_order_of_the_tasks(workers):
    assert list(workers.map(square, range(20))) == [n * n for n in range(20)]
    assert list(workers.map(slow_first, range(9))) == list(range(9))
    assert list(workers.map(square, [])) == []


def test_the_work_is_done_elsewhere_and_by_more_than_one(workers, tmp_path):
    ids = set(workers.map(partial(meet, folder=str(tmp_path)), range(2)))
    assert os.getpid() not in ids and len(ids) == 2


def test_one_job_needs_no_other_process():
    with Workers(1) as workers:
        assert set(workers.map(process_id, range(3))) == {os.getpid()}


def test_tasks_are_taken_as_they_are_needed(workers):
    taken = []
    results = workers.map(slow_first, (taken.append(n) or n for n in range(1000)))
    assert next(results) == 0
    assert len(taken) <= 2 * AHEAD + 2
    results.close()
    assert list(workers.map(square, [3])) == [9]


def test_what_the_function_raises_is_raised_here(workers):
    with pytest.raises(CmtError, match="three: is no number"):
        list(workers.map(fail_at_three, range(9)))
    assert list(workers.map(square, range(4))) == [0, 1, 4, 9]


def test_a_bug_says_where_it_was(here):
    with pytest.raises(TypeError, match="can't multiply sequence") as raised:
        list(here.map(square, ["a"]))
    assert any("in square" in note for note in raised.value.__notes__)


def test_what_cannot_be_sent_is_said(here):
    with pytest.raises(RuntimeError, match="cannot be sent"):
        list(here.map(make_lock, [1]))
    assert list(here.map(square, [3])) == [9]


def test_the_task_of_a_dead_worker_is_done_again(workers, tmp_path):
    assert list(workers.map(partial(die_once, folder=str(tmp_path)), range(8))) == [10 * n for n in range(8)]
    assert (tmp_path / "died").exists()


def test_a_task_that_kills_three_workers_is_given_up(tmp_path):
    with Workers(2) as workers:
        results = list(workers.map(partial(die_always, folder=str(tmp_path)), range(5), lost=stand_in))
        assert results[:2] + results[3:] == [0, 10, 30, 40]
        assert results[2].startswith("2: ") and "died" in results[2]
        assert (tmp_path / "tries").read_text() == "x" * TIMES_TRIED
        with pytest.raises(CmtError, match="2: the process that worked on it died 3 times"):
            list(workers.map(partial(die_always, folder=str(tmp_path)), range(5)))


@pytest.fixture
def interruptible():
    """Ctrl-C is a KeyboardInterrupt, also where the tests run in a shell's background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_processes_that_are_no_longer_wanted_end_and_clean_up(tmp_path, interruptible):
    files = [tmp_path / str(n) for n in range(2)]
    with Workers(2) as workers:
        results = workers.map(write_and_wait, files)
        threading.Thread(target=interrupt_when_written, args=(files,)).start()
        with pytest.raises(KeyboardInterrupt):
            next(results)
    assert not any(file.exists() for file in files)


def interrupt_when_written(files):
    wait_until(lambda: all(file.exists() and file.read_text() for file in files))
    os.kill(os.getpid(), signal.SIGINT)


def test_processes_end_when_the_one_that_began_them_is_killed(tmp_path):
    code = (
        "from cmt.machine.workers import Workers\n"
        "from test_workers import process_id\n"
        "workers = Workers(2)\n"
        "print(len(set(workers.map(process_id, range(20)))), flush=True)\n"
        "input()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout.readline() == "2\n"
    parent.kill()
    # The processes have the output of the one that began them. It ends when the last of them has ended, whoever then
    # sees to their remains: no question of process numbers, which a dead process keeps until it is waited for.
    try:
        parent.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        pytest.fail("the processes have not ended within 60 s")


def test_a_scheduler_that_is_not_there_is_said(monkeypatch):
    pytest.importorskip("distributed")
    skip_without_loopback()
    monkeypatch.setattr("cmt.machine.workers.TIMEOUT", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://somewhere:1"):
        with pytest.raises(CmtError, match=rf"^{address}: no scheduler .* dask scheduler$"), Workers(scheduler=address):
            pass


def test_a_scheduler_without_workers_is_said(monkeypatch):
    distributed = pytest.importorskip("distributed")
    skip_without_loopback()
    monkeypatch.setattr("cmt.machine.workers.TIMEOUT", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=50) as cluster,
        pytest.raises(CmtError, match="has no worker; start one"),
        Workers(scheduler=cluster.scheduler_address),
    ):
        pass


def test_without_dask_the_cure_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(CmtError, match=r"^`scheduler` needs .*video-cmt\[cluster\]'$"),
        Workers(scheduler="tcp://127.0.0.1:9"),
    ):
        pass


def test_jobs_are_one_or_more():
    with pytest.raises(ValueError, match="1 or more"):
        Workers(0)
