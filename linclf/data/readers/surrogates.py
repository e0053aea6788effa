"""Images drawn from a surrogate: the embedded one of CIFAR-10, or a file of ``linclf surrogate``."""

import os
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from linclf.data.dataset import CIFAR10, Dataset, LabelledImages, make_dataset
from linclf.data.surrogate import FIELDS, Surrogate
from linclf.data.surrogate_fit import fit_surrogate
from linclf.errors import DataError

from .npz import read_arrays

EMBEDDED = Path(__file__).parent.parent / "cifar10_surrogate.npz"
"""Made by ``linclf surrogate`` from CIFAR-10's training images, a JPEG copy of them."""
SEED = 0
LARGEST_BATCH = 10_000


def find(path: Path) -> Path | None:
    """``path`` if it is a surrogate's ``.npz`` file, or None."""
    if path.is_file() and path.suffix.lower() == ".npz":
        with suppress(Exception), zipfile.ZipFile(path) as archive:  # hostile bytes can raise nearly anything
            return path if f"{FIELDS[0]}.npy" in archive.namelist() else None
    return None


def load(path: Path, source: str) -> Dataset:
    """Five training batches and a test set, each a fifth of the images that the surrogate was made from.

    At most 10,000 images per batch; DataError where the file is none of a surrogate.
    """
    surrogate = _read(path)
    return _drawn(surrogate, min(max(int(surrogate.counts.sum()) // 5, 1), LARGEST_BATCH), source)


def embedded(batch_size: int = 2000) -> Dataset:
    """The surrogate of CIFAR-10 that comes with the package: five training batches and a test set of that size."""
    return _drawn(_read(EMBEDDED), batch_size, "the package")


def draw_embedded(*sizes: int) -> list[LabelledImages]:
    """Images of CIFAR-10's surrogate, and their labels: a set of each size."""
    surrogate, rng = _read(EMBEDDED), np.random.default_rng(SEED)
    return [surrogate.draw(n, rng) for n in sizes]


def write_surrogate(data: Dataset, path: str | os.PathLike[str]) -> str:
    """Write the surrogate of a data set's training images, and say so in a sentence.

    Raises:
        DataError: the data set is not of uint8 images.
    """
    name = data.provenance.name
    if data.test_images.ndim != 4:
        raise DataError(f"{name}: expected images to make a surrogate of, found feature vectors")
    images, labels = np.concatenate(data.train_images), np.concatenate(data.train_labels)
    fit_surrogate(images, labels, data.class_names, name=name).save(path)
    return (
        f"{os.fspath(path)}: means and covariances of {len(labels):,} images of {name}, "
        f"{os.path.getsize(path) / 1000:.0f} kB. It holds no image, but promises no privacy either: of a class of few "
        "images, the mean shows much of each."
    )


def _read(path: Path) -> Surrogate:
    return Surrogate.from_arrays(read_arrays(path, FIELDS.__contains__, "a surrogate"), str(path))


def _drawn(surrogate: Surrogate, batch_size: int, source: str) -> Dataset:
    rng = np.random.default_rng(SEED)
    return make_dataset(
        [surrogate.draw(batch_size, rng) for _ in range(6)],
        surrogate.class_names,
        name=f"Gaussian surrogate of {surrogate.name}",
        source=source,
        layout=f"drawn with seed {SEED} from the means and covariances of {surrogate.name}'s training images; no image "
        "of it is inside",
        official=False,
        synthetic=surrogate.name == CIFAR10,
    )
