"""Training that resumes: what is stored is not trained again, and each stack is stored the moment it has finished."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .progress import Progress
from .store import Key, Store, StoredRun
from .sweep import Task, run_tasks
from .training import Run


@dataclass(frozen=True)
class Count:
    """How many networks were found in the store, and how many had to be trained."""

    reused: int
    trained: int

    def __add__(self, other: "Count") -> "Count":
        return Count(self.reused + other.reused, self.trained + other.trained)


def train_missing(
    store: Store,
    keys: Sequence[Key],
    make_task: Callable[[int], Task],
    finish: Callable[[int, list[Run]], Sequence[StoredRun]],
    *,
    progress: bool = True,
) -> Count:
    """Train the stacks that ``store`` lacks, on all cores, and store each as it finishes.

    Args:
        keys: one a stack, of all that its runs depend on. How networks are cut into stacks must not depend on what is
            stored: rounding depends on what trains together.
        make_task: the training of the stack whose number in ``keys`` it is given; called for missing ones only.
        finish: what to store of a stack, from its number and its finished runs.
        progress: show a line while training.

    Raises:
        As ``train``; what had finished before is stored.
    """
    stored = [store.get(key) for key in keys]
    tasks = {i: make_task(i) for i, runs in enumerate(stored) if runs is None}
    order = sorted(tasks, key=lambda i: _work(tasks[i]), reverse=True)  # no worker waits at the end for a long one
    count = Count(sum(len(runs or ()) for runs in stored), sum(len(task.configs) for task in tasks.values()))
    epochs = sum(task.configs[0].epochs for task in tasks.values())
    with Progress(epochs, count.trained, enabled=progress) as line:
        for number, runs in run_tasks([tasks[i] for i in order], line.epoch):
            store.put(keys[order[number]], finish(order[number], runs))
    return count


def _work(task: Task) -> int:
    """How long a stack takes to train, roughly, in no unit."""
    return task.configs[0].epochs * len(task.train[1]) * (4 + len(task.configs))
