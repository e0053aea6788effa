"""The measures that the ledger's tests name, one function per measure.

Each takes the results, an arm, a setting and the further fields of the test, and returns one number per seed, (seeds,),
or one per seed and image, (seeds, images). It raises DataError where the results do not hold what it needs.
Below, x is a curve of the history, x_e its value after epoch e, and x_0 its value before training.
"""

import numpy as np

from linclf.errors import DataError
from linclf.studies.results import Results


def final(results: Results, arm: str, setting: int, key: str) -> np.ndarray:
    """x_E, the value after the last epoch."""
    return results.curves(arm, setting, key)[:, -1]


def maximum(results: Results, arm: str, setting: int, key: str) -> np.ndarray:
    """Max of x_e over e = 0..E."""
    return results.curves(arm, setting, key).max(axis=1)


def rising(results: Results, arm: str, setting: int, key: str) -> np.ndarray:
    """The number of epochs e = 1..E in which x rises: x_e > x_(e-1)."""
    return (np.diff(results.curves(arm, setting, key)) > 0).sum(axis=1).astype(np.float64)


def variation(results: Results, arm: str, setting: int, key: str) -> np.ndarray:
    """TV(x): the sum of |x_e - x_(e-1)|, e = 2..E."""
    return np.abs(np.diff(results.curves(arm, setting, key)[:, 1:])).sum(axis=1)


def rms_difference(results: Results, arm: str, setting: int, key: str, other: str) -> np.ndarray:
    """Root of the mean over epochs e = 1..E of (x_e - y_e)², y being the same seed's curve in the arm ``other``."""
    difference = results.curves(arm, setting, key) - results.curves(other, setting, key)
    return np.sqrt(np.square(difference[:, 1:]).mean(axis=1))


def least(results: Results, arm: str, setting: int, keys: list[str]) -> np.ndarray:
    """Min over the curves ``keys`` and e = 1..E."""
    return np.min([results.curves(arm, setting, key)[:, 1:].min(axis=1) for key in keys], axis=0)


def greatest(results: Results, arm: str, setting: int, keys: list[str]) -> np.ndarray:
    """Max over the curves ``keys`` and e = 1..E."""
    return np.max([results.curves(arm, setting, key)[:, 1:].max(axis=1) for key in keys], axis=0)


def generalisation_gap(results: Results, arm: str, setting: int) -> np.ndarray:
    """Validation loss minus training loss after the last epoch."""
    return final(results, arm, setting, "validation_loss") - final(results, arm, setting, "train_loss")


def settling_epoch(results: Results, arm: str, setting: int, key: str, within: float) -> np.ndarray:
    """The first epoch e with |x_e - x_E| <= within * |x_E|."""
    curves = results.curves(arm, setting, key)
    last = curves[:, -1:]
    return (np.abs(curves - last) <= within * np.abs(last)).argmax(axis=1).astype(np.float64)


def low_frequency_share(results: Results, arm: str, setting: int) -> np.ndarray:
    """:func:`linclf.studies.metrics.low_frequency_share` of the templates, 0..1."""
    shares = [run["low_frequency_share"] for run in results.runs(arm, setting)]
    if None in shares:
        raise DataError("feature vectors have no templates to measure")
    return np.array(shares)


def accuracy(results: Results, arm: str, setting: int) -> np.ndarray:
    """Test accuracy in percent, per image: 100 where the image was classified rightly, else 0."""
    return results.correct(arm, setting) * np.float32(100)


def draws_below(results: Results, arm: str, setting: int, size: int) -> np.ndarray:
    """Share of random draws of ``size`` test images whose loss is below the final training loss, 0..1."""
    shares = [run["test_draws_below"].get(str(size)) for run in results.runs(arm, setting)]
    if None in shares:
        raise DataError(f"no draws of {size:,} test images in these results")
    return np.array(shares, dtype=np.float64)


def held_out_loss(results: Results, arm: str, setting: int) -> np.ndarray:
    """The final loss of each of the full split's validation images, which neither arm trains on, (seeds, images)."""
    return results.held_out(arm, setting)


def training_time(results: Results, arm: str, setting: int) -> np.ndarray:
    """Seconds to train one network of the arm, base or shuffle, timed in alternation."""
    if [pair["seed"] for pair in results.document["timings"]] != results.seeds:
        raise DataError("shuffling was not timed for every seed")
    return results.timings[:, ("base", "shuffle").index(arm)]


def differs_from_print(results: Results, arm: str, setting: int, printed: dict[str, object]) -> np.ndarray:
    """1 for each run with a field other than ``printed``, else 0."""
    runs = results.runs(arm, setting)
    return np.array([float(any(run[key] != value for key, value in printed.items())) for run in runs])
