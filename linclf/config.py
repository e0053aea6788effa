"""What one training run is made of."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

from .errors import ConfigError
from .losses import get_loss


@dataclass(frozen=True, kw_only=True)
class Config:
    """What one training run is made of.

    Attributes:
        loss: "cross_entropy" or "multiclass_hinge".
        learning_rate: η, the step size; 0 or more.
        l2: λ of the penalty λ‖W‖², whose gradient is 2λW (the bias is not penalised); 0 or more.
        lr_decay: factor on η after each epoch; 1 keeps it.
        shuffle: draw a new order of the images at each epoch, instead of the stored order.
        epochs: passes over the training images.
        batch_size: images a mini-batch; a last, smaller batch is trained on too.
        seed: of the initial weights and of the shuffled orders. The same seed gives the same initial weights and the
            same orders whatever the other fields say.
    """

    loss: str = "cross_entropy"
    learning_rate: float
    l2: float
    lr_decay: float = 1.0
    shuffle: bool = False
    epochs: int = 40
    batch_size: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        get_loss(self.loss)
        for name in ("learning_rate", "l2", "lr_decay"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and math.isfinite(value) and float(value) >= 0):
                raise ConfigError(f"{name} must be a finite number, 0 or more, not {value!r}")
        for name, least in (("epochs", 0), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and int(value) >= least):
                raise ConfigError(f"{name} must be a whole number, {least} or more, not {value!r}")
        if not isinstance(self.shuffle, bool):
            raise ConfigError(f"shuffle must be True or False, not {self.shuffle!r}")
