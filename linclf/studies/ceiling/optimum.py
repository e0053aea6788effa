"""The minimum of the softmax's cost by another road: SciPy's L-BFGS on all images at once, not mini-batches."""

import numpy as np

from linclf.training.losses import get_loss
from linclf.training.model import Linear
from linclf.training.objective import cost_and_gradient, penalty_factor
from linclf.training.validate import Examples

_CHUNK = 1000
_CURVATURE = 0.09
"""p (1 - p) of a class among ten: about how the loss bends along a score. Any number would do; this one is quick."""


def softmax_optimum(images: Examples, n_classes: int, l2: float, iterations: int) -> tuple[Linear, float, bool]:
    """The model with the lowest mean cross-entropy + λ‖W‖² on the images, that cost, and whether it converged.

    The objective is the one that ``train`` descends. It is minimised in coordinates U = W L, in which it bends about
    equally in all directions: L is the Cholesky factor of the inputs' second moments, times the loss's curvature, plus
    2λ. In the weights themselves L-BFGS takes ten times the iterations to the same minimum.

    Args:
        images: inputs X (n, d) and labels y (n,).
        n_classes: C.
        l2: λ, above 0 for a minimum that is only one.
        iterations: at most. Converged means that an iteration made the cost less than a ten-millionth smaller.
    """
    from scipy.linalg.lapack import dtrtri
    from scipy.optimize import minimize

    X, _ = images
    inverse = np.eye(X.shape[1])
    if len(X) > X.shape[1]:  # fewer images than inputs tell little of the moments, and make cheap iterations
        bends = (penalty_factor(l2) + 1e-6) * inverse
        for i in range(0, len(X), _CHUNK):
            x = X[i : i + _CHUNK]
            bends += _CURVATURE / len(X) * (x.T @ x)
        # Once, and not a triangular solver each time: the threads of SciPy's BLAS and of NumPy's wait for each other.
        inverse, _ = dtrtri(np.linalg.cholesky(bends), lower=1)

    def model(theta: np.ndarray) -> Linear:
        U, b = theta[:-n_classes].reshape(n_classes, -1), theta[-n_classes:]
        return Linear(U @ inverse, b)

    def cost(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, dW, db = cost_and_gradient(model(theta), images, get_loss("cross_entropy"), l2)
        return value, np.concatenate([(dW @ inverse.T).ravel(), db])

    start = np.zeros(n_classes * (X.shape[1] + 1))
    options = {"maxiter": iterations, "maxcor": 20, "ftol": 1e-7}
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
    best = model(found.x)
    return Linear(best.W.astype(X.dtype), best.b.astype(X.dtype)), float(found.fun), bool(found.success)
