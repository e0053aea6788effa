"""What both studies work with: a data set, the folder of its finished runs, and the training of what is missing."""

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from linclf.data.dataset import Dataset
from linclf.data.load import load_dataset
from linclf.system.environment import available_memory
from linclf.training.config import Config
from linclf.training.history import Evaluate
from linclf.training.loop import Run
from linclf.training.tasks import Task

from .report_folder import default_report_folder
from .splits import Cut, Split, balanced, first, make_split
from .store import Count, Key, Store, StoredRun, train_missing

Label = dict[str, Any]
"""What a network is called: plain values with which its record begins."""


@dataclass(frozen=True)
class Job:
    """Networks that train together, as one stack.

    How networks are cut into jobs must not depend on what is stored: rounding depends on what trains together.

    Attributes:
        name: the beginning of the name of the file that keeps the runs.
        cut: which images train and which validate.
        networks: the label and the Config of each network.
        n_train: how many of the cut's training images are used, the first ones; all by default.
        skip: how many of them are passed over before.
        balanced: whether images weigh so that all classes count alike.
    """

    name: str
    cut: Cut
    networks: Sequence[tuple[Label, Config]]
    n_train: int | None = None
    skip: int = 0
    balanced: bool = False


class Workspace:
    """A data set, the store of its finished runs, and how networks train on it.

    Args:
        data: what ``load_dataset`` takes, or a data set that is loaded already.
        out_dir: folder that keeps the finished runs, in ``runs/``; "auto" is what
            :func:`.report_folder.default_report_folder` chooses.
        progress: show a line while training.
        fresh: train also what is stored already.

    Attributes:
        kept: where the runs of "auto" go, in a sentence; else empty.
        count: how many networks were found in the store so far, and how many had to be trained.
    """

    def __init__(
        self, data: str | Path | Dataset, out_dir: str | Path, *, progress: bool = True, fresh: bool = False
    ) -> None:
        self.started = time.monotonic()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "no CIFAR-10 was found")  # every page says so
            self.data = data if isinstance(data, Dataset) else load_dataset(data)
        self.source = self.data.provenance.source if isinstance(data, Dataset) else data
        self.out_dir, self.kept = default_report_folder() if out_dir == "auto" else (Path(out_dir), "")
        self.store = Store.of_report(self.out_dir, fresh=fresh)
        self.progress = progress
        self.count = Count(0, 0)

    @cached_property
    def short_of_memory(self) -> bool:
        """Whether all images in float32 would take more than half of the memory that is free: then they stay uint8."""
        n = sum(map(len, self.data.train_labels)) + len(self.data.test_labels)
        return bool(4 * n * self.data.test_images[0].size > available_memory() / 2)

    def split(self, cut: Cut) -> Split:
        """The images of a cut and the test images, standardised with the mean and deviation of those that train."""
        return make_split(self.data, cut, lazily=self.short_of_memory)

    def key(self, name: str, cut: Cut, **choices: Any) -> Key:
        """All that what is called ``name`` depends on, but for the code."""
        return {
            "name": name,
            "data": self.data.provenance.sha256,
            "rows": [str(cut.train), str(cut.validation)],
            **choices,
        }

    def stored(self, job: Job) -> list[StoredRun] | None:
        """The runs of a job, one per network; None if they are not stored."""
        return self.store.get(self._key(job))

    def train(
        self, jobs: Sequence[Job], finish: Callable[[Label, Run, Split], StoredRun], evaluate: Evaluate = True
    ) -> list[list[StoredRun]]:
        """The runs of each job. What is not stored yet is trained, in one sweep, and stored as each job finishes.

        Args:
            jobs: the networks of each stack, and the images that they see.
            finish: what to store of a network, from its label, its finished run and the images of its cut.
            evaluate: as in ``train``.
        """
        split = cache(self.split)  # made for missing jobs only, once, and kept no longer than they train

        def task(i: int) -> Task:
            job, images = jobs[i], split(jobs[i].cut)
            train = images.train if job.n_train is None else first(images.train, job.n_train, job.skip)
            configs = [config for _, config in job.networks]
            return Task(
                configs,
                balanced(train) if job.balanced else train,
                images.validation,
                len(self.data.class_names),
                evaluate,
            )

        def finished(i: int, runs: list[Run]) -> list[StoredRun]:
            images = split(jobs[i].cut)
            return [finish(label, run, images) for (label, _), run in zip(jobs[i].networks, runs, strict=True)]

        self.count += train_missing(self.store, list(map(self._key, jobs)), task, finished, progress=self.progress)
        return [self.stored(job) or [] for job in jobs]

    def _key(self, job: Job) -> Key:
        networks = [label | asdict(config) for label, config in job.networks]
        chosen = {"n_train": job.n_train, "skip": job.skip, "balanced": job.balanced}
        return self.key(job.name, job.cut, **chosen, networks=networks)
