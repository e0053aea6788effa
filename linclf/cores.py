"""Wide stacks on several cores: cut, a part a core, where that is faster than products shared out among BLAS threads.

A product that is shared out makes each core read what another wrote, twice a step. Between cores that share a cache
this costs little; a cloud's machine may have its cores on two, and then a step of 20 or 40 networks took a tenth
longer, and one whose batch is gathered or converted first twice as long. Parts have nothing in common but the images.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_ROWS, _ROWS_COPIED = 40, 20
_WEIGHTS = 50_000
"""What a part must have at least: classes times networks, or half as many where each batch is a copy that one core
makes; and that times inputs. With less, narrow products or Python's lock cost more than is gained; measured."""


def cut(n_networks: int, n_classes: int, n_inputs: int, copied: bool) -> list[slice]:
    """The networks of a stack in as many parts as the BLAS has threads; in one if the parts would be too narrow."""

    def wide(n_parts: int) -> bool:
        rows = n_networks // n_parts * n_classes
        return rows >= (_ROWS_COPIED if copied else _ROWS) and rows * n_inputs >= _WEIGHTS

    n = _blas_threads() if wide(2) else 1  # asking takes longer than a small training
    if not wide(n):
        n = 1
    return [slice(n_networks * i // n, n_networks * (i + 1) // n) for i in range(n)]


@contextmanager
def one_each(n: int) -> Iterator[Callable[..., Iterator[Any]]]:
    """A ``map`` whose n calls run at once, each with one BLAS thread; for n = 1 it is ``map`` itself."""
    if n == 1:
        yield map
        return
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(n) as pool:
        yield pool.map


def _blas_threads() -> int:
    """Threads that NumPy's BLAS uses at the moment; 1 without threadpoolctl, which alone could change it."""
    from .environment import blas  # slow to import

    return int(blas().get("threads", 1))
