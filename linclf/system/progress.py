"""The progress line, epochs done and time left while networks train; and where the time of a report went."""

import sys
import threading
import time
from typing import Any

MARK = {"linclf": "progress"}
"""Metadata of a notebook's output that is such a line."""


class Progress:
    """Epochs done, and time left, on one line; used as a context manager.

    A terminal gets a line of stderr that redraws itself. A notebook gets one output that changes in place: stderr is
    shown there as if something had gone wrong, and a saved stream keeps every line that was ever drawn. Anything else
    (a log, a pipe) gets a line of its own after 3 seconds, 6, 12 and so on.
    """

    def __init__(self, epochs: int, networks: int, enabled: bool = True) -> None:
        self.epochs, self.done = epochs, 0
        self._lock = threading.Lock()  # trainings side by side share a line
        self.what = f"training {networks} network{'s' if networks != 1 else ''}"
        self._in_kernel = type(sys.stdout).__module__.startswith("ipykernel")
        self._shown: Any = None  # the notebook's output
        self._redraws = self._in_kernel or (sys.stderr is not None and sys.stderr.isatty())  # none where it is closed
        self._pause = 0.2 if self._redraws else 3.0
        self.enabled = enabled and epochs > 0 and (self._redraws or sys.stderr is not None)

    def __enter__(self) -> "Progress":
        self.started = self.shown = time.monotonic()
        return self

    def epoch(self) -> None:
        """Count one epoch; redraw at most five times a second, and write lines ever more seldom."""
        with self._lock:
            self.done += 1
            now = time.monotonic()
            if self.enabled and now - self.shown > self._pause:
                self.shown = now
                left = (now - self.started) / self.done * (self.epochs - self.done)
                self._draw(f"epoch {self.done} of {self.epochs}, {left:.0f} s left", end="" if self._redraws else "\n")
                self._pause = self._pause if self._redraws else now - self.started

    def __exit__(self, *exc: object) -> None:
        if self.enabled and (self._redraws or self.shown > self.started):
            self._draw(f"{self.done} epochs in {time.monotonic() - self.started:.1f} s", end="\n")

    def _draw(self, text: str, end: str = "") -> None:
        if not self._in_kernel:
            said = f"\r{self.what}: {text:<40}" if self._redraws else f"{self.what}: {text}"
            print(said, end=end, file=sys.stderr, flush=True)
            return
        from IPython.display import display

        line = {"text/plain": f"{self.what}: {text}"}
        if self._shown:
            self._shown.update(line, raw=True, metadata=MARK)
        else:
            self._shown = display(line, raw=True, metadata=MARK, display_id=True)


class Clock:
    """Laps by name, in seconds, and the FLOP of training."""

    def __init__(self) -> None:
        self._laps: dict[str, float] = {}
        self._last = time.monotonic()
        self._flop = 0.0

    def lap(self, name: str, flop: float = 0.0) -> None:
        """End what is called ``name``, which trained with so many FLOP."""
        self._laps[name], self._last = time.monotonic() - self._last, time.monotonic()
        self._flop += flop

    def rate(self) -> str:
        """How long training took beside what its FLOP take in square matrix products; empty where it was short."""
        if self._flop < 1e11:
            return ""
        from .environment import product_speed  # linclf itself loads without it

        speed = product_speed()
        ratio = self._laps["training"] * speed / self._flop
        return (
            f"; {self._flop / 1e12:.1f} TFLOP of training, {ratio:.1f} times as long as square matrix products of them "
            f"({speed / 1e9:.0f} GFLOP/s)"
        )

    def __str__(self) -> str:
        laps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self._laps.items() if seconds >= 0.5)
        return f"{sum(self._laps.values()):.0f} s: {laps}"
