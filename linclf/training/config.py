"""What one training run is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

import numpy as np

from linclf.data.augmentation import Augmentation
from linclf.errors import ConfigError

from .losses import get_loss
from .model import INITIAL_WEIGHTS


@dataclass(frozen=True, kw_only=True)
class Config:
    """What one training run is made of.

    Attributes:
        loss: "cross_entropy", "multiclass_hinge" or "binary_cross_entropy".
        learning_rate: η, the step size; 0 or more.
        l2: λ of the penalty λ‖W‖², whose gradient is 2λW (the bias is not penalised); 0 or more.
        lr_decay: factor on η after each epoch; 1 keeps it.
        lr_decay_every: epochs from one such factor to the next.
        momentum: μ of M <- μM - η dJ/dW, W <- W + M (Polyak's heavy ball); 0 to below 1.
        averaging: the weights that are measured and returned are A <- aA + (1 - a)W, taken after each epoch e, with
            a = min(averaging, 1 - 1/e): the mean of the first epochs, then an exponential moving average. Training
            itself goes on from W. 0 to below 1; 0 measures and returns W.
        restore_best: return the weights of the epoch with the lowest validation loss, not of the last one.
        init: "normal", weights and biases from N(0, 0.01²); "xavier", weights from N(0, 2/(d + C)) and no biases; or
            "zeros".
        shuffle: draw a new order of the images at each epoch, instead of the stored order.
        augment: mirror and move the images, anew at each epoch.
        epochs: passes over the training images.
        batch_size: images per mini-batch; a last, smaller batch is trained on too.
        seed: of the initial weights, the shuffled orders and the augmentation. The same seed gives the same initial
            weights, orders and mirrored images whatever the other fields say.

    Sources: Polyak (1964) for momentum; Izmailov et al. (2018) for averaging the weights of epochs; Glorot and Bengio
    (2010) for "xavier".

    Raises:
        ConfigError: a value that is not what it has to be; names the field.

    >>> Config(learning_rate=0.1, l2=-1.0)
    Traceback (most recent call last):
    linclf.errors.ConfigError: l2 must be a finite number, 0 or more, not -1.0
    """

    loss: str = "cross_entropy"
    learning_rate: float
    l2: float
    lr_decay: float = 1.0
    lr_decay_every: int = 1
    momentum: float = 0.0
    averaging: float = 0.0
    restore_best: bool = False
    init: str = "normal"
    shuffle: bool = False
    augment: Augmentation | None = None
    epochs: int = 40
    batch_size: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.generic):  # NumPy's numbers and bools become Python's
                object.__setattr__(self, name, value.item())
        get_loss(self.loss)
        for name in ("learning_rate", "l2", "lr_decay"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and math.isfinite(value) and float(value) >= 0):
                raise ConfigError(f"{name} must be a finite number, 0 or more, not {value!r}")
        for name in ("momentum", "averaging"):
            value = getattr(self, name)
            if not (isinstance(value, Real) and 0 <= float(value) < 1):
                raise ConfigError(f"{name} must be a number from 0 to below 1, not {value!r}")
        for name, minimum in (("epochs", 0), ("batch_size", 1), ("seed", 0), ("lr_decay_every", 1)):
            value = getattr(self, name)
            if not (isinstance(value, Integral) and int(value) >= minimum):
                raise ConfigError(f"{name} must be a whole number, {minimum} or more, not {value!r}")
        for name in ("shuffle", "restore_best"):
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"{name} must be True or False, not {getattr(self, name)!r}")
        if self.init not in INITIAL_WEIGHTS:
            raise ConfigError(f"init must be one of {', '.join(INITIAL_WEIGHTS)}, not {self.init!r}")
        if not (self.augment is None or isinstance(self.augment, Augmentation)):
            raise ConfigError(f"augment must be a linclf.Augmentation or None, not {self.augment!r}")

    def learning_rate_at(self, epoch: int) -> float:
        """η in an epoch, counted from 1."""
        return self.learning_rate * self.lr_decay ** ((epoch - 1) // self.lr_decay_every)


def config_of(values: Mapping[str, Any]) -> Config:
    """The Config that ``asdict`` took apart, also after a way through JSON; what else is in ``values`` is left out."""
    own = {each.name: values[each.name] for each in fields(Config) if each.name in values}
    if own.get("augment"):
        own["augment"] = Augmentation(**own["augment"] | {"image_shape": tuple(own["augment"]["image_shape"])})
    return Config(**own)
