"""The line that says how far training has come: drawn anew on a terminal, left in a notebook, now and then in a log."""

import io
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from helpers import Terminal

from linclf.system.progress import MARK, Clock, Progress

LINES = [r"training 2 networks: epoch 2 of 4, \d s left", r"training 2 networks: 4 epochs in \d\.\d s"]


def draw(monkeypatch, name, stream):
    monkeypatch.setattr(sys, name, stream)
    with Progress(epochs=4, networks=2) as line:
        line.epoch()
        time.sleep(0.21)  # it draws at most five times a second
        for _ in range(3):
            line.epoch()
    return stream.getvalue()


def test_a_terminal_sees_epochs_done_and_time_left_on_one_line(monkeypatch):
    text = draw(monkeypatch, "stderr", Terminal())
    assert re.fullmatch(rf"\r{LINES[0]} *\r{LINES[1]} *\n", text), text
    assert draw(monkeypatch, "stderr", io.StringIO()) == ""  # a log gets nothing of a short training


def test_a_notebook_has_one_ordinary_output_that_changes_in_place(monkeypatch):
    drawn = []

    def display(data, *, display_id, **marked):
        assert (display_id, marked) == (True, {"raw": True, "metadata": MARK})
        drawn.append(data["text/plain"])
        return SimpleNamespace(update=lambda data, **_: drawn.append(data["text/plain"]))

    monkeypatch.setattr("IPython.display.display", display)
    stream = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    assert draw(monkeypatch, "stdout", stream) == ""
    assert re.fullmatch("\n".join(LINES), "\n".join(drawn)), drawn


def test_trainings_side_by_side_are_all_counted(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress(epochs=20_000, networks=1) as line, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: line.epoch(), range(20_000)))
    assert line.done == 20_000


def test_the_last_line_compares_training_with_square_products():
    clock = Clock()
    assert clock.rate() == ""
    time.sleep(0.6)
    clock.lap("training", 6.34e12)
    clock.lap("pages")
    assert str(clock) == "1 s: training 1 s"  # what took less than half a second is left out
    words = r"; 6\.3 TFLOP of training, \d+\.\d times as long as square matrix products of them \(\d+ GFLOP/s\)"
    assert re.fullmatch(words, clock.rate())
