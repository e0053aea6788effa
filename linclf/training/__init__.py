"""Losses, the one training loop, sweeps and estimators; other packages import its public names from here."""

from .config import Config
from .loop import History, Run
from .losses import LOSSES, Loss, get_loss
from .model import Linear

__all__ = ["LOSSES", "Config", "History", "Linear", "Loss", "Run", "get_loss"]
