"""A row of the table that ``make torture`` prints: what was tried, how it came out, and what was lost."""

from collections.abc import Mapping
from typing import NamedTuple


class Row(NamedTuple):
    """One kind of trial; a loss is a line on a trial that ended as none may."""

    what: str
    counts: Mapping[str, int]
    losses: tuple[str, ...]
    seconds: float
