"""The report's last line: where the time went, and how fast it trained."""

from linclf.report import clock as module
from linclf.report.clock import Clock


def test_the_last_line_compares_training_with_square_products(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "product_speed", lambda: 140e9)
    clock = Clock()
    for seconds, name, flop in ((0.2, "data", 0), (90, "training", 6.3e12), (15, "pages", 0)):
        now[0] += seconds
        clock.lap(name, flop)
    assert str(clock) == "105 s: training 90 s, pages 15 s"
    said = "; 6.3 TFLOP of training, 2.0 times as long as square matrix products of them (140 GFLOP/s)"
    assert clock.rate() == said
    assert Clock().rate() == ""
