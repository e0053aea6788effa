"""How trainings share the cores: several run on threads, with one BLAS thread each; a single one has all, or one."""

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
"""Called after each epoch of a training."""


class Stopped(Exception):
    """Ends a training because another one failed, or because of Ctrl-C."""


def side_by_side(
    trainings: Sequence[Callable[[AfterEpoch], Result]], after_epoch: AfterEpoch, n_threads: int | None = None
) -> Iterator[tuple[int, Result]]:
    """Run the trainings on threads; yields index and result of each as soon as it is done.

    The BLAS has one thread meanwhile: in products as small as those of a training step, several wait for each other
    more than they gain. Once a training fails, or the generator is closed, the others end after their current epoch.

    Args:
        trainings: functions that take another one, to call after each epoch.
        after_epoch: called after each epoch of each training, from its thread.
        n_threads: by default, or if negative, the number of cores.

    Raises:
        The first error of a training.
    """
    from concurrent.futures import ThreadPoolExecutor, as_completed  # both are slow to import

    from .environment import cores

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
            wait = False  # Ctrl-C does not wait for the end of an epoch
            raise
        finally:
            stop.set()
            pool.shutdown(wait=wait, cancel_futures=True)


_BUSY = 0.4  # share of the time that threads wait for a core: 0.03 if two are alone on two cores, 0.5 beside another
_CHECK_EVERY, _STAY = 0.5, 3.0  # seconds from check to check, and to stay at one thread once other programs were busy
_checked, _stay_until = (-math.inf, 0.0), -math.inf  # time of the last check, and seconds that threads had waited then


@contextmanager
def adaptive_blas_threads() -> Iterator[Callable[[], None]]:
    """Give the BLAS all its threads, or one while other programs use the cores.

    Yields a function to call at each step, which checks that from time to time. Two threads on two free cores take 0.7
    of the time of one for the products of a mini-batch, but 5 to 20 times as long beside a busy process: they wait for
    each other by spinning.
    """
    limited = False
    with ExitStack() as limit:

        def check() -> None:
            nonlocal limited
            if _others_use_the_cores() and not limited:
                limited = True
                limit.enter_context(one_blas_thread())

        check()
        yield check


def _others_use_the_cores() -> bool:
    """Whether the threads of this process had to wait for cores in the last seconds."""
    global _checked, _stay_until
    now = time.monotonic()
    last, before = _checked
    if now - last > _CHECK_EVERY:
        waited = _waited()
        if (waited - before) / (now - last) > _BUSY:
            _stay_until = now + _STAY
        _checked = now, waited
    return now < _stay_until


def _waited() -> float:
    """Seconds that the threads of this process were ready to run but had no core (proc(5)); 0 on other systems."""
    threads, nanoseconds = "/proc/self/task", 0
    for thread in os.listdir(threads) if os.path.isdir(threads) else ():
        with suppress(OSError), open(f"{threads}/{thread}/schedstat") as file:  # a thread may have ended
            nanoseconds += int(file.read().split()[1])
    return nanoseconds / 1e9


@cache
def _blas() -> Any:
    """Controls the threads of NumPy's BLAS; cached, since it takes longer to find than a small epoch."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


_lock = threading.Lock()
_users = 0  # number of one_blas_thread contexts that are open
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit the BLAS of the whole process to one thread; OpenBLAS has no limit per thread.

    Contexts may overlap: the first to open sets the limit, the last to close restores it.
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
    """Let this thread set limits, and then any other one.

    threadpoolctl lets only one thread set the limits of OpenBLAS and ignores all others in silence, but the sliders of
    a notebook, for example, train in another thread than its cells.
    """
    from threadpoolctl import OpenBLASController

    release = getattr(OpenBLASController, "clear_controlling_thread", lambda force: None)  # older ones let any thread
    release(force=True)
    try:
        yield
    finally:
        release(force=True)
