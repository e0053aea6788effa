"""What can go wrong through no fault of the code: each message is one sentence a user can act on."""


class LinclfError(Exception):
    """Base of every error this package raises on purpose; the command line prints it as one line."""


class ConfigError(LinclfError, ValueError):
    """A setting, argument or parameter is not what it has to be."""


class DataError(LinclfError, ValueError):
    """A data file or array is not what it has to be; the message names the file or array."""


class DivergenceError(LinclfError, ArithmeticError):
    """The loss became infinite or NaN; the message names epoch, setting and learning rate."""
