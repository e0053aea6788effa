"""Where a report's time went, and how fast it trained."""

import time

from linclf.system.environment import product_speed


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
        speed = product_speed()
        ratio = self._laps["training"] * speed / self._flop
        return (
            f"; {self._flop / 1e12:.1f} TFLOP of training, {ratio:.1f} times as long as square matrix products of them "
            f"({speed / 1e9:.0f} GFLOP/s)"
        )

    def __str__(self) -> str:
        laps = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self._laps.items() if seconds >= 0.5)
        return f"{sum(self._laps.values()):.0f} s: {laps}"
