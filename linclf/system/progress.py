"""The progress line: epochs done and time left while networks train."""

import sys
import threading
import time


class Progress:
    """Epochs done, and time left, on one line of stderr; used as a context manager.

    A terminal gets a line that redraws itself. A notebook gets the same as plain text, so that one line stays in the
    saved notebook. Anything else (a log, a pipe) gets nothing.
    """

    def __init__(self, epochs: int, networks: int, enabled: bool = True) -> None:
        self.epochs, self.done = epochs, 0
        self._lock = threading.Lock()  # trainings side by side share a line
        self.what = f"training {networks} network{'s' if networks != 1 else ''}"
        self.enabled = enabled and epochs > 0 and (sys.stderr.isatty() or _in_kernel())

    def __enter__(self) -> "Progress":
        self.started = self.shown = time.monotonic()
        return self

    def epoch(self) -> None:
        """Count one epoch; redraw at most five times a second."""
        with self._lock:
            self.done += 1
            now = time.monotonic()
            if self.enabled and now - self.shown > 0.2:
                self.shown = now
                left = (now - self.started) / self.done * (self.epochs - self.done)
                self._draw(f"epoch {self.done} of {self.epochs}, {left:.0f} s left")

    def __exit__(self, *exc: object) -> None:
        if self.enabled:
            self._draw(f"{self.done} epochs in {time.monotonic() - self.started:.1f} s", end="\n")

    def _draw(self, text: str, end: str = "") -> None:
        print(f"\r{self.what}: {text:<40}", end=end, file=sys.stderr, flush=True)


def _in_kernel() -> bool:
    return type(sys.stderr).__module__.startswith("ipykernel")
