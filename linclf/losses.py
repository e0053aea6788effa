"""The losses, as functions of scores and labels, and the table of them by name."""

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
