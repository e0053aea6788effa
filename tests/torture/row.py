"""A row of the table that ``make torture`` prints: what was tried, how it came out, and what was lost."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One kind of trial.

    Attributes:
        what: what was done, in a few words.
        counts: how often each outcome came; their sum is the number of trials.
        losses: a line for each trial that ended as none may, empty if all is well.
        seconds: how long all of them took.
    """

    what: str
    counts: Mapping[str, int]
    losses: tuple[str, ...]
    seconds: float
