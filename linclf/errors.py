"""The errors that this package raises on purpose, one sentence each; and text that obeys nobody where it is shown."""

import re
from typing import Any

_LONGEST = 2000
_RUNS, _NUMBER = re.compile(r"[=+\-@\t\r\n＝＋－＠]"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.I)


def printable(text: str) -> str:
    r"""``text`` on one line: line breaks, and whatever else a terminal would obey, are escaped.

    >>> printable("a\nb\x1b[2J")
    'a\\nb\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def spreadsheet_cell(value: Any) -> Any:
    """A number to six digits; a text that a spreadsheet would run stands behind an apostrophe, as they write it."""
    if isinstance(value, float):
        return f"{value:.6g}"
    runs = isinstance(value, str) and _RUNS.match(value) and not _NUMBER.fullmatch(value)
    return f"'{value}" if runs else value


class LinclfError(Exception):
    """Base of every error this package raises on purpose; the command line prints it as one line.

    A hostile file cannot forge output through a message: the message is :func:`printable`, and is cut after 2,000
    characters.
    """

    def __str__(self) -> str:
        text = printable(super().__str__())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

    def _render_traceback_(self) -> list[str]:
        """What IPython shows below a notebook's cell: the sentence, not the way to it."""
        return [f"{type(self).__name__}: {self}"]


class ConfigError(LinclfError, ValueError):
    """A setting, argument or parameter is not what it has to be."""


class DataError(LinclfError, ValueError):
    """A data file or array is not what it has to be; the message names the file or array."""


class DivergenceError(LinclfError, ArithmeticError):
    """The loss became infinite or NaN; the message names epoch, setting and learning rate."""
