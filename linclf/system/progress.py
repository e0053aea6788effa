"""The progress line, epochs done and time left while networks train; and where the time of a report went."""

import sys
import threading
import time


class Progress:
    """Epochs done, and time left, on one line; used as a context manager.

    A terminal gets a line of stderr that redraws itself. A notebook gets the same as ordinary output, since it shows
    stderr as if something had gone wrong. Anything else (a log, a pipe) gets nothing.
    """

    def __init__(self, epochs: int, networks: int, enabled: bool = True) -> None:
        self.epochs, self.done = epochs, 0
        self._lock = threading.Lock()  # trainings side by side share a line
        self.what = f"training {networks} network{'s' if networks != 1 else ''}"
        in_kernel = type(sys.stdout).__module__.startswith("ipykernel")
        self._stream = sys.stdout if in_kernel else sys.stderr
        self.enabled = enabled and epochs > 0 and (in_kernel or sys.stderr.isatty())

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
        print(f"\r{self.what}: {text:<40}", end=end, file=self._stream, flush=True)


class Clock:
    """Where the time went, in seconds for each name."""

    def __init__(self) -> None:
        self._laps: dict[str, float] = {}
        self._last = time.monotonic()

    def lap(self, name: str) -> None:
        """Call what went by since the last lap ``name``."""
        self._laps[name], self._last = time.monotonic() - self._last, time.monotonic()

    def __str__(self) -> str:
        laps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self._laps.items())
        return f"{sum(self._laps.values()):.0f} s: {laps}"
