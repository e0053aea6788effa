"""Losses by name, and their values and gradients as functions of scores S (C, n) and labels y (n,)."""

from linclf.training.losses import (
    LOSSES,
    Loss,
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    cross_entropy,
    cross_entropy_gradient,
    get_loss,
    multiclass_hinge,
    multiclass_hinge_gradient,
)

__all__ = [
    "LOSSES",
    "Loss",
    "binary_cross_entropy",
    "binary_cross_entropy_gradient",
    "cross_entropy",
    "cross_entropy_gradient",
    "get_loss",
    "multiclass_hinge",
    "multiclass_hinge_gradient",
]
