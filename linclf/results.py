"""``results.json``: what a report measured, as plain numbers, and how to read it."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Results:
    """A results document: ``data``, ``environment``, ``plan``, ``exact``, ``timings`` and ``runs``."""

    document: dict[str, Any]

    @property
    def arms(self) -> list[str]:
        """The arms that ran, in the order of the document."""
        return list(dict.fromkeys(run["arm"] for run in self.document["runs"]))

    def runs(self, arm: str, setting: int) -> list[dict[str, Any]]:
        """The records of one arm and setting, by seed."""
        found = [run for run in self.document["runs"] if (run["arm"], run["setting"]) == (arm, setting)]
        return sorted(found, key=lambda run: int(run["seed"]))

    def curves(self, arm: str, setting: int, key: str) -> np.ndarray:
        """A series of each seed's history, such as "train_loss", (seeds, epochs + 1)."""
        return np.array([run[key] for run in self.runs(arm, setting)])

    def values(self, arm: str, setting: int, key: str) -> np.ndarray:
        """A number of each seed's record, such as "test_accuracy", (seeds,)."""
        return self.curves(arm, setting, key)

    @property
    def timings(self) -> np.ndarray:
        """Seconds to train one network in stored order and shuffled, (seeds, 2)."""
        pairs = [(pair["base"], pair["shuffle"]) for pair in self.document["timings"]]
        return np.array(pairs).reshape(-1, 2)


def encode_correct(correct: np.ndarray) -> str:
    """Which test images were classified rightly, a bit each (``numpy.packbits``), in base64."""
    return base64.b64encode(np.packbits(correct).tobytes()).decode()
