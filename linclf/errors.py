"""The errors that this package raises on purpose; each message is one sentence that a user can act on."""

_LONGEST = 2000


def printable(text: str) -> str:
    r"""``text`` on one line: line breaks, and whatever else a terminal would obey, are escaped.

    >>> printable("a\nb\x1b[2J")
    'a\\nb\\x1b[2J'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


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
