"""How trainings share the cores: side by side on threads, with one BLAS thread each; one alone with all, or one."""

import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

Result = TypeVar("Result")
AfterEpoch = Callable[[], None]
"""What a training calls after each epoch."""


class Stopped(Exception):
    """Another training failed, or Ctrl-C was pressed: this one need not go on."""


def side_by_side(
    trainings: Sequence[Callable[[AfterEpoch], Result]], after_epoch: AfterEpoch, n_threads: int | None = None
) -> Iterator[tuple[int, Result]]:
    """Run the trainings on threads; yields the number and result of each as soon as it has finished.

    Each has one BLAS thread: those of products as small as a training step's wait for each other more than they gain.
    Once one has failed, or the caller stops listening, the others end after the epoch that they are in.

    Args:
        trainings: each takes what it shall call after each epoch.
        after_epoch: called after each epoch of each training, from its thread.
        n_threads: as many as there are cores by default, and where it is negative.

    Raises:
        Whatever a training raises, the first one that does.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed  # slow to import, as what tells the cores is

    from linclf.system.environment import cores

    stop = threading.Event()

    def epoch_done() -> None:
        if stop.is_set():
            raise Stopped
        after_epoch()

    pool, wait = ThreadPoolExecutor(n_threads if n_threads and n_threads > 0 else cores()), True
    with one_blas_thread():
        try:
            running = {pool.submit(training, epoch_done): i for i, training in enumerate(trainings)}
            for done in as_completed(running):
                yield running[done], done.result()
        except KeyboardInterrupt:
            wait = False  # whoever pressed Ctrl-C does not wait for the end of an epoch
            raise
        finally:
            stop.set()
            pool.shutdown(wait=wait, cancel_futures=True)


_BUSY = 0.4  # seconds a second that threads wait for a core: 0.03 where two are alone on two, 0.5 beside a busy process
_LOOK, _REST = 0.5, 3.0  # seconds from look to look; seconds that one thread shall do, once others were seen
_seen, _rest_until = (-math.inf, 0.0), -math.inf  # when somebody looked last, and how long threads had waited then


@contextmanager
def adaptive_blas_threads() -> Iterator[Callable[[], None]]:
    """Let the BLAS have all its threads, or one while others use the cores; yields what a training calls each step.

    Two threads on two free cores take 0.7 of the time of one for the products of a mini-batch. But they wait for each
    other by spinning: with a busy process beside them they take 5 to 20 times as long.
    """
    limited = False
    with ExitStack() as limit:

        def look() -> None:
            nonlocal limited
            if _others_use_the_cores() and not limited:
                limited = True
                limit.enter_context(one_blas_thread())

        look()
        yield look


def _others_use_the_cores() -> bool:
    """Whether the threads of this process had to wait for cores lately."""
    global _seen, _rest_until
    now = time.monotonic()
    since, before = _seen
    if now - since > _LOOK:
        waited = _waited()
        if (waited - before) / (now - since) > _BUSY:
            _rest_until = now + _REST
        _seen = now, waited
    return now < _rest_until


def _waited() -> float:
    """Seconds that the threads of this process were ready to run without a core; 0 where no Linux tells (proc(5))."""
    threads, nanoseconds = "/proc/self/task", 0
    for thread in os.listdir(threads) if os.path.isdir(threads) else ():
        with suppress(OSError), open(f"{threads}/{thread}/schedstat") as file:  # but for one that has ended
            nanoseconds += int(file.read().split()[1])
    return nanoseconds / 1e9


@cache
def _blas() -> Any:
    """What sets the threads of NumPy's BLAS; to find it takes longer than a small epoch."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


_lock = threading.Lock()
_users = 0  # contexts of one_blas_thread that are entered now
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit the BLAS of the whole process to one thread; OpenBLAS knows no limit per thread.

    Of several contexts at once the first sets the limit and the last takes it back.
    """
    global _users, _limit
    with _lock:
        if _users == 0:
            with _in_control():
                _limit = _blas().limit(limits=1)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                with _in_control():
                    _limit.restore_original_limits()


@contextmanager
def _in_control() -> Iterator[None]:
    """Let this thread set limits, and then any other.

    threadpoolctl lets one thread alone set those of OpenBLAS, and leaves what others ask for undone without a word; and
    a notebook's sliders, for one, train in another thread than its cells.
    """
    from threadpoolctl import OpenBLASController

    release = getattr(OpenBLASController, "clear_controlling_thread", lambda force: None)  # older ones let any thread
    release(force=True)
    try:
        yield
    finally:
        release(force=True)
