"""Many tasks on many processors: processes of this machine, or a dask cluster, through the same door.

A task is done by a function that another process can find by its name: one at the top of a module, or a
`functools.partial` of one. A worker that dies takes one task with it, and that task is done again elsewhere.
On a cluster the files that tasks name must lie at the same paths on every machine.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from threadpoolctl import threadpool_limits

from cmt.errors import CmtError
from cmt.machine.extras import require

if TYPE_CHECKING:
    from distributed import Client

TIMES_TRIED = 3
"""A task is given up when this many workers have died with it."""
AHEAD = 4
"""At most this many tasks for each worker are begun before the first of them is done: results keep their order, and one
slow task must not let the others pile up."""
TIMEOUT = 30.0
"""A scheduler must answer and have a worker, or a process end when told to, within this many seconds."""
CLUSTER_GROWS = 5.0
"""The seconds between two looks at how many workers a cluster has."""

Task = TypeVar("Task")
Result = TypeVar("Result")


class Workers:
    """Processes here, or the workers of a cluster; a context manager.

    Parameters
    ----------
    jobs
        The number of processes of this machine; None is one for each processor that may be used, 1 is this one alone.
    scheduler
        The address of a dask scheduler, ``tcp://host:8786``; `jobs` is not used then.

    Raises
    ------
    ValueError
        If `jobs` is below 1.
    CmtError
        On entry, if the scheduler cannot be reached or has no worker, or dask.distributed is not installed.
    """

    def __init__(self, jobs: int | None = None, scheduler: str | None = None) -> None:
        if jobs is not None and jobs < 1:
            raise ValueError(f"jobs must be 1 or more, got {jobs}")
        self.jobs = jobs or processors()
        self.scheduler = scheduler
        self._client: Client | None = None
        self._processes: list[_Process] = []

    def __enter__(self) -> Workers:
        if self.scheduler is not None:
            self._client = _connected(self.scheduler)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        for process in self._processes:
            process.end()
        for process in self._processes:
            process.join()
        self._processes = []

    def map(
        self,
        function: Callable[[Task], Result],
        tasks: Iterable[Task],
        lost: Callable[[Task, str], Result] | None = None,
    ) -> Iterator[Result]:
        """The function's results in the order of the tasks, of which only a few are taken ahead.

        What the function raises is raised here. One map at a time.

        Parameters
        ----------
        lost
            Makes the result of a task that has taken three workers with it, from the task and the reason in words.
            Without it such a task ends the run.

        Raises
        ------
        CmtError
            If a task is given up and there is no `lost`, or the scheduler goes away.
        """
        lost = lost or _give_up
        if self._client is not None:
            return _map_on_cluster(self._client, function, tasks, lost)
        if self.jobs == 1:
            return map(function, tasks)
        return self._map_here(function, tasks, lost)

    def _map_here(
        self, function: Callable[[Task], Result], tasks: Iterable[Task], lost: Callable[[Task, str], Result]
    ) -> Iterator[Result]:
        work = _Work(function, lost, self._processes, self.jobs)
        n_given = 0
        try:
            for n_taken, task in enumerate(tasks, 1):
                work.take(_Numbered(n_taken - 1, task))
                while work.waiting or n_taken - n_given >= AHEAD * self.jobs:
                    work.settle()
                    while n_given in work.done:
                        yield work.done.pop(n_given)
                        n_given += 1
            while work.doing:
                work.settle()
                while n_given in work.done:
                    yield work.done.pop(n_given)
                    n_given += 1
        finally:
            work.drop()


def processors() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


class _Numbered(NamedTuple):
    number: int
    task: Any
    n_tried: int = 0


class _Work:
    """One map: which task waits, which process does which, what is done."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        lost: Callable[[Any, str], Any],
        processes: list[_Process],
        jobs: int,
    ) -> None:
        self.waiting: deque[_Numbered] = deque()
        self.doing: dict[Any, tuple[_Process, _Numbered]] = {}
        """The tasks under way, by the pipe on which the answer comes."""
        self.done: dict[int, Any] = {}
        """The results, by the numbers of their tasks."""
        self._function, self._lost, self._processes, self._jobs = function, lost, processes, jobs

    def take(self, numbered: _Numbered) -> None:
        """Begin the task, or let it wait where all are busy."""
        self.waiting.append(numbered)
        self._begin()

    def settle(self) -> None:
        """Wait until a task or more are done, and begin others."""
        for pipe in wait(list(self.doing)):
            process, numbered = self.doing.pop(pipe)
            try:
                result, error = process.answer()
            except (EOFError, OSError):
                self._lose(process, numbered)
                continue
            if error is not None:
                raise error
            self.done[numbered.number] = result
        self._begin()

    def drop(self) -> None:
        """Give up the tasks under way: nobody wants their results."""
        for process, _ in self.doing.values():
            process.end()
        for process, _ in self.doing.values():
            self._processes.remove(process)
            process.join()
        self.doing = {}

    def _begin(self) -> None:
        while self.waiting and len(self.doing) < self._jobs:
            numbered = self.waiting.popleft()
            busy = {process for process, _ in self.doing.values()}
            process = next((process for process in self._processes if process not in busy), None)
            if process is None:
                process = _Process()
                self._processes.append(process)
            self.doing[process.pipe] = process, numbered
            process.begin(self._function, numbered.task)

    def _lose(self, process: _Process, numbered: _Numbered) -> None:
        self._processes.remove(process)
        process.join()
        numbered = numbered._replace(n_tried=numbered.n_tried + 1)
        if numbered.n_tried < TIMES_TRIED:
            self.waiting.append(numbered)
        else:
            self.done[numbered.number] = self._lost(numbered.task, _why_given_up(numbered.task))


class _Process:
    """A process that does one task after another, and ends by itself when this one has gone."""

    def __init__(self) -> None:
        # Spawned, not forked: a fork copies locks that other threads hold, and keeps our ends of the pipes open.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, function: Callable[[Any], Any], task: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # if it has died, its answer says so
            self.pipe.send((function, task))

    def answer(self) -> tuple[Any, Exception | None]:
        answer: tuple[Any, Exception | None] = self.pipe.recv()
        return answer

    def end(self) -> None:
        self._process.terminate()

    def join(self) -> None:
        self._process.join(TIMEOUT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pipe.close()


def _serve(pipe: Connection) -> None:
    """The work of a process: functions and tasks come in, results or errors go out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the business of the process that has begun us
    signal.signal(signal.SIGTERM, _leave)
    is_first = True
    while True:
        try:
            function, task = pipe.recv()
        except (EOFError, ConnectionResetError):
            return
        if is_first:  # the function's libraries are loaded now; two processes with two threads each wait for each other
            threadpool_limits(1)
            is_first = False
        answer: tuple[Any, Exception | None]
        try:
            answer = function(task), None
        except Exception as error:
            # As error.add_note does since Python 3.11.
            vars(error)["__notes__"] = [*getattr(error, "__notes__", ()), traceback.format_exc()]
            answer = None, error
        try:
            pipe.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:
            pipe.send((None, RuntimeError(f"{answer[1] or function} cannot be sent between processes: {error}")))


def _leave(number: int, frame: FrameType | None) -> None:
    """End the process by an exception, so that unfinished files are removed on the way out."""
    sys.exit(128 + number)


def _why_given_up(task: Any) -> str:
    return f"{str(task)[:200]}: the process that worked on it died {TIMES_TRIED} times; is it short of memory?"


def _give_up(task: Any, reason: str) -> Any:
    raise CmtError(reason)


def _connected(scheduler: str) -> Client:
    require("distributed", "cluster", "`scheduler`")
    from distributed import Client

    try:
        client = Client(scheduler, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CmtError(
            f"{scheduler}: no scheduler can be reached there ({' '.join(str(error).split())[:120]}); "
            "start one with: dask scheduler"
        ) from None
    try:
        client.wait_for_workers(1, timeout=TIMEOUT)
    except (OSError, TimeoutError):
        client.close()
        raise CmtError(f"{scheduler}: the scheduler has no worker; start one with: dask worker {scheduler}") from None
    return client


def _map_on_cluster(
    client: Client,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    lost: Callable[[Task, str], Result],
) -> Iterator[Result]:
    from distributed import CancelledError, KilledWorker

    doing: deque[tuple[Task, Any]] = deque()
    room, looked = 0, -CLUSTER_GROWS

    def first() -> Result:
        task, future = doing.popleft()
        try:
            result: Result = future.result()
            return result
        except KilledWorker:
            return lost(task, _why_given_up(task))
        except (CancelledError, OSError) as error:
            if client.status == "running" and not isinstance(error, CancelledError):
                raise  # the function's own
            raise CmtError("the connection to the scheduler was lost; start again when it is back") from None

    for task in tasks:
        if time.monotonic() - looked > CLUSTER_GROWS:
            room, looked = AHEAD * max(1, sum(client.nthreads().values())), time.monotonic()
        # Pure functions of equal tasks would be done once and their results shared: tasks write files.
        doing.append((task, client.submit(function, task, pure=False)))
        while len(doing) >= room:
            yield first()
    while doing:
        yield first()
