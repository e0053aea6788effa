"""The line that says how far training has come: drawn anew on a terminal, left in a notebook, absent elsewhere."""

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from helpers import Terminal

from linclf.system import environment, progress
from linclf.system.progress import MARK, Progress


@pytest.fixture
def clock(monkeypatch):
    """A second goes by each time somebody looks."""
    seconds = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(seconds)))


def draw(monkeypatch, stream, name="stderr"):
    monkeypatch.setattr(sys, name, stream)
    with Progress(epochs=4, networks=2) as line:
        for _ in range(4):
            line.epoch()
    return stream.getvalue()


def test_a_terminal_sees_epochs_done_and_time_left_on_one_line(monkeypatch, clock):
    said = draw(monkeypatch, Terminal())
    assert said.count("\n") == 1
    assert said.endswith("\n")
    shown = [part.strip() for part in said.split("\r")[1:]]
    assert shown[0] == "training 2 networks: epoch 1 of 4, 3 s left"
    assert shown[-1] == "training 2 networks: 4 epochs in 5.0 s"


def test_a_notebook_has_one_ordinary_output_that_changes_in_place(monkeypatch, clock):
    shown = []

    def display(data, *, display_id, **marked):
        assert marked == {"raw": True, "metadata": MARK}
        shown.append([data["text/plain"]])
        return SimpleNamespace(update=lambda data, **_: shown[-1].append(data["text/plain"]))

    monkeypatch.setattr("IPython.display.display", display)
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    assert draw(monkeypatch, stream, "stdout") == ""
    ((first, *_, last),) = shown
    assert first == "training 2 networks: epoch 1 of 4, 3 s left"
    assert last == "training 2 networks: 4 epochs in 5.0 s"


def test_a_log_gets_nothing(monkeypatch):
    assert draw(monkeypatch, io.StringIO()) == ""


def test_trainings_side_by_side_are_all_counted(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress(epochs=20_000, networks=1) as line, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: line.epoch(), range(20_000)))
    assert line.done == 20_000


def test_the_last_line_compares_training_with_square_products(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(environment, "product_speed", lambda: 140e9)
    clock = progress.Clock()
    for seconds, name, flop in ((0.2, "data", 0), (90, "training", 6.3e12), (15, "pages", 0)):
        now[0] += seconds
        clock.lap(name, flop)
    assert str(clock) == "105 s: training 90 s, pages 15 s"
    said = "; 6.3 TFLOP of training, 2.0 times as long as square matrix products of them (140 GFLOP/s)"
    assert clock.rate() == said
    assert progress.Clock().rate() == ""
