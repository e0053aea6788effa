"""Mirrored and moved images: the same pixels in other places."""

from dataclasses import dataclass
from functools import cached_property
from numbers import Integral

import numpy as np

from linclf.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Each image is mirrored left to right with probability 1/2, and moved, anew each time it is trained on.

    Attributes:
        image_shape: (h, w, c) of the images whose flattened rows are the inputs.
        flip: whether images are mirrored.
        shift: pixels that an image is moved at most, up or down and left or right, each distance as likely; what
            comes in at an edge repeats it. 0 moves nothing.

    It acts on standardised inputs. Mirrored means and spreads of natural images are nearly those themselves, so that
    this is the standardised mirror image, nearly.
    """

    image_shape: tuple[int, int, int]
    flip: bool = False
    shift: int = 0

    def __post_init__(self) -> None:
        sizes = self.image_shape
        if len(sizes) != 3 or not all(isinstance(size, Integral) and size > 0 for size in sizes):
            raise ConfigError(f"augmentation needs images of a shape (h, w, c), not {sizes!r}")
        if not isinstance(self.flip, bool | np.bool_):
            raise ConfigError(f"flip must be True or False, not {self.flip!r}")
        if not (isinstance(self.shift, Integral) and 0 <= self.shift < min(sizes[:2])):
            raise ConfigError(f"shift must be a whole number of pixels below {min(sizes[:2])}, not {self.shift!r}")

    @cached_property
    def columns(self) -> np.ndarray:
        """For each way to place an image the input that each input is taken from, (ways, h w c)."""
        h, w, c = self.image_shape
        places = np.arange(h * w * c).reshape(h, w, c)
        moves = range(-self.shift, self.shift + 1)
        return np.stack(
            [
                picture[np.clip(np.arange(h) + down, 0, h - 1)][:, np.clip(np.arange(w) + right, 0, w - 1)].ravel()
                for picture in ((places, places[:, ::-1]) if self.flip else (places,))
                for down in moves
                for right in moves
            ]
        )

    def __call__(self, x: np.ndarray, rng: "np.random.Generator") -> np.ndarray:  # quoted: np.random loads slowly
        """The inputs x (n, d), each image placed in a way drawn from ``rng``.

        >>> mirror = Augmentation(image_shape=(1, 3, 1), flip=True)
        >>> mirror(np.array([[1, 2, 3]] * 3), np.random.default_rng(1)).tolist()
        [[1, 2, 3], [3, 2, 1], [3, 2, 1]]
        """
        at = self.columns[rng.integers(len(self.columns), size=len(x))]
        at += x.shape[1] * np.arange(len(x))[:, None]
        return x.take(at, mode="clip")  # several times faster than take_along_axis, or with mode "raise"
