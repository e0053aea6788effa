"""Losses, the one training loop, sweeps and estimators; other rooms import its public types from here."""

from .config import Config
from .loop import History, Run
from .model import Linear

__all__ = ["Config", "History", "Linear", "Run"]
