"""The losses by name, with their values and gradients as functions of scores and labels."""

from linclf.training.losses import LOSSES, Loss, get_loss

__all__ = ["LOSSES", "Loss", "get_loss"]
