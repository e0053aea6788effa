"""scikit-learn's handwritten digits: 1,797 grey images of 8 x 8 pixels, which come with it.

https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_digits.html
"""

import numpy as np

from linclf.data.dataset import Dataset
from linclf.data.split import split_dataset
from linclf.errors import ConfigError


def digits() -> Dataset:
    """The digits, (n, 8, 8, 1), with a test set split off; ConfigError if scikit-learn is not installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ConfigError("the digits come with scikit-learn: pip install 'linclf[sklearn]'") from None
    found = load_digits()
    images = found.images[..., None].astype(np.uint8)  # 0..16
    digits = {"train": (images, found.target)}
    return split_dataset(digits, name="digits", source="scikit-learn", layout="built in")
