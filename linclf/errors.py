"""What can go wrong through no fault of the code: each message is one sentence a user can act on."""

_LONGEST = 2000


class LinclfError(Exception):
    """Base of every error this package raises on purpose; the command line prints it as one line.

    What a hostile file puts into a message cannot make it another: whatever is not printable is escaped, and a message
    of more than 2,000 characters is cut.
    """

    def __str__(self) -> str:
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in super().__str__())
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class ConfigError(LinclfError, ValueError):
    """A setting, argument or parameter is not what it has to be."""


class DataError(LinclfError, ValueError):
    """A data file or array is not what it has to be; the message names the file or array."""


class DivergenceError(LinclfError, ArithmeticError):
    """The loss became infinite or NaN; the message names epoch, setting and learning rate."""
