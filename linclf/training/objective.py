"""What training minimises: the mean loss over the images plus the penalty λ‖W‖², and the gradient of both.

The only place that knows the penalty: what is plotted as cost is what is differentiated.
"""

import numpy as np

from .losses import Loss
from .model import Linear
from .validate import Examples

_CHUNK = 1000  # images scored at a time


def penalty(W: np.ndarray, l2: np.ndarray | float) -> np.ndarray:
    """λ‖W‖², summed in float64: of a stack's weights W (C, K, d) and λ (K,) one number per network; of (C, d), one."""
    return l2 * np.square(W).sum(axis=(0, -1), dtype=np.float64)


def penalty_factor(l2: np.ndarray | float) -> np.ndarray | float:
    """2λ, one number or (K,): the gradient of the penalty with respect to W is 2λW."""
    return 2 * l2


def cost_and_gradient(model: Linear, examples: Examples, loss: Loss, l2: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Mean loss + λ‖W‖² of one network on all the images, and its gradients with respect to W (C, d) and b (C,).

    Scores are computed in the type of the inputs; sums, the penalty and the gradients in the type of the weights.
    """
    X, y = examples
    used = Linear(model.W.astype(X.dtype), model.b.astype(X.dtype))
    total, dW, db = 0.0, np.zeros_like(model.W), np.zeros_like(model.b)
    for i in range(0, len(y), _CHUNK):
        x, labels = X[i : i + _CHUNK], y[i : i + _CHUNK]
        S = used.scores(x)
        total += float(loss.value(S, labels).sum(dtype=np.float64))
        G = loss.gradient(S, labels)
        dW += G @ x
        db += G.sum(axis=1)
    dW /= len(y)
    dW += penalty_factor(l2) * model.W
    return total / len(y) + float(penalty(model.W, l2)), dW, db / len(y)
