"""The benchmark's page is what its code makes of the results that are stored beside it; no timing."""

import json
import re
import runpy

from helpers import ROOT

FOLDER = ROOT / "benchmarks"


def test_the_page_is_made_of_the_stored_results(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    page = runpy.run_path(str(FOLDER / "run.py"))["page"]
    results = json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page(results)
    draws = [[0.9, 0.5, 1.0], [0.8, 0.25, 2.0]]
    ours = [[accuracy - 0.015, 1.02 * loss, seconds] for accuracy, loss, seconds in draws]
    models = {"SoftmaxClassifier": ours, "LogisticRegression": draws}
    hinges = {"SVMClassifier": [[0.5, None, 1.0]] * 2, "LinearSVC": [[0.4, None, 1.0], [0.45, None, 2.0]]}
    text = page(results | {"accuracy": {"folds": {"iris": models | hinges}, "embeddings": {"near": {"a": draws[0]}}}})
    assert [line for line in text.splitlines() if re.match(r"\| (iris|near) ", line)] == [
        "| iris | SoftmaxClassifier | 83.5 (78.5 to 88.5) | 0.383 (0.255 to 0.510) | 1.5 | 2.0 | 1.50 |",
        "| iris | LogisticRegression | 85.0 (80.0 to 90.0) | 0.375 (0.250 to 0.500) |  |  | 1.50 |",
        "| iris | SVMClassifier | 50.0 (50.0 to 50.0) |  | -5.0 |  | 1.00 |",
        "| iris | LinearSVC | 42.5 (40.0 to 45.0) |  |  |  | 1.50 |",
        "| near | a | 90.0 ± 0.8 | 0.500 | 1.0 |",
    ]
