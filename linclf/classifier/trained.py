"""What a classifier takes from a finished training, by ``linclf.train`` or by an estimator."""

import math
from dataclasses import dataclass
from typing import Any

from linclf.errors import ConfigError
from linclf.training.config import Config
from linclf.training.history import History
from linclf.training.loop import Run
from linclf.training.model import Linear, from_coefficients


@dataclass(frozen=True)
class Trained:
    """Weights, and what is known of how they came about."""

    model: Linear
    loss: str
    config: Config | None
    class_names: list[str]
    validation_accuracy: float | None
    feature_names: list[str]


def parts(trained: Any) -> Trained:
    """The parts of a Run or of a fitted SoftmaxClassifier or SVMClassifier; ConfigError for anything else."""
    if isinstance(trained, Run):
        config, model = trained.config, trained.model
        accuracy = _validation_accuracy(trained.history, config.restore_best)
        return Trained(model, config.loss, config, [str(i) for i in range(len(model.b))], accuracy, [])
    if not hasattr(trained, "history_"):
        kind = type(trained).__name__
        raise ConfigError(f"expected a Run of linclf.train, or a fitted SoftmaxClassifier or SVMClassifier, not {kind}")
    model = from_coefficients(trained.coef_, trained.intercept_)
    loss = "cross_entropy" if hasattr(trained, "predict_proba") else "multiclass_hinge"
    accuracy = _validation_accuracy(trained.history_, trained.early_stopping)
    features = [str(name) for name in getattr(trained, "feature_names_in_", ())]
    return Trained(model, loss, None, [str(name) for name in trained.classes_], accuracy, features)


def _validation_accuracy(history: History | None, of_best_epoch: bool) -> float | None:
    """Of the returned weights, where it was measured."""
    if history is None:
        return None
    accuracy = float(history.validation_accuracy[history.validation_loss.argmin() if of_best_epoch else -1])
    return None if math.isnan(accuracy) else accuracy
