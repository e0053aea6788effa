"""The baseline and the SVM on the surrogate of CIFAR-10, which shows what a linear network sees of the images."""

import hashlib
from dataclasses import asdict
from functools import cache

from linclf.data.dataset import CIFAR10
from linclf.data.readers.surrogates import EMBEDDED, draw_embedded
from linclf.data.standardize import Standardizer
from linclf.studies import metrics
from linclf.studies.store import StoredRun, train_missing
from linclf.training.loop import Run
from linclf.training.tasks import Task
from linclf.training.validate import Arrays

from .design import SETTINGS
from .study import Study

COMPARED = ("base", "svm")
N_TEST = 5000


def on_surrogate(study: Study) -> dict[tuple[str, int], StoredRun] | None:
    """The network of each arm compared and each setting, trained and tested on the surrogate; None off CIFAR-10.

    Everything else is as in the study's first seed. A record holds "arm", "setting" and "test_accuracy", which is of
    5,000 images of the surrogate. What is not stored yet is trained.
    """
    workspace, plan = study.workspace, study.plan
    data = workspace.data
    if data.provenance.name != CIFAR10:
        return None
    sizes = len(data.train_labels[0]), N_TEST
    configs = {
        arm: {setting: plan.configs(arm, data)[setting, plan.first_seed] for setting in SETTINGS} for arm in COMPARED
    }
    file = hashlib.sha256(EMBEDDED.read_bytes()).hexdigest()
    keys = [
        {"name": f"surrogate-{arm}", "file": file, "sizes": sizes, "networks": [asdict(each) for each in own.values()]}
        for arm, own in configs.items()
    ]

    @cache
    def images() -> tuple[Arrays, Arrays]:
        (train, labels), (test, test_labels) = draw_embedded(*sizes)
        standardize = Standardizer.fit(train)
        return (standardize(train), labels), (standardize(test), test_labels)

    def task(i: int) -> Task:
        return Task(list(configs[COMPARED[i]].values()), images()[0], None, len(data.class_names), evaluate=False)

    def finished(i: int, runs: list[Run]) -> list[StoredRun]:
        X, y = images()[1]
        return [
            StoredRun(
                {"arm": COMPARED[i], "setting": setting, "test_accuracy": metrics.accuracy(run.model.predict(X), y)},
                run.model,
            )
            for setting, run in zip(SETTINGS, runs, strict=True)
        ]

    workspace.count += train_missing(workspace.store, keys, task, finished, progress=workspace.progress)
    stored = [run for key in keys for run in workspace.store.get(key) or ()]
    return {(run.record["arm"], run.record["setting"]): run for run in stored}
