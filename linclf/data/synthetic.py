"""The embedded stand-in: ten classes of generated colour images with the spectrum of natural ones.

An image is one of its class's prototypes plus a field of its own; both are random fields whose power falls as 1/f²
(Field 1987), with channels as correlated as natural images' are, under random brightness and contrast. The
strengths were set so that a linear network does about as well, overfits and is as jumpy as on CIFAR-10.
"""

import numpy as np

from .dataset import Dataset, LabelledImages, make_dataset

N_CLASSES, SIDE, PROTOTYPES = 10, 32, 5
SIGNAL = 0.2
"""Standard deviation of a prototype relative to an image's own field."""
_CHUNK = 100  # images made at a time: they stay in the processor's cache


def synthetic(batch_size: int = 2000, n_test: int = 2000, seed: int = 0) -> Dataset:
    """Five training batches of ``batch_size`` images and ``n_test`` test images; the same for the same arguments."""
    rng = np.random.default_rng(seed)
    prototypes = _fields(rng, N_CLASSES * PROTOTYPES).reshape(N_CLASSES, PROTOTYPES, SIDE, SIDE, 3)
    batches = [_batch(rng, prototypes, n) for n in [batch_size] * 5 + [n_test]]
    names = [f"texture {letter}" for letter in "ABCDEFGHIJ"]
    source = f"5 x {batch_size:,} training and {n_test:,} test images generated from seed {seed}"
    return make_dataset(
        batches,
        names,
        name="synthetic stand-in",
        source=source,
        layout="generated",
        official=False,
        synthetic=True,
    )


def _batch(rng: np.random.Generator, prototypes: np.ndarray, n: int) -> LabelledImages:
    labels = rng.integers(0, N_CLASSES, n)
    chosen = rng.integers(0, PROTOTYPES, n)
    contrast = rng.uniform(0.3, 1.7, (n, 1, 1, 1)).astype(np.float32)
    brightness = rng.normal(0, 50, (n, 1, 1, 1)).astype(np.float32)
    pixels = np.empty((n, SIDE, SIDE, 3), np.uint8)
    for i in range(0, n, _CHUNK):
        rows = slice(i, min(i + _CHUNK, n))
        images = _fields(rng, rows.stop - i) + SIGNAL * prototypes[labels[rows], chosen[rows]]
        pixels[rows] = np.clip(np.rint(122 + brightness[rows] + 45 * contrast[rows] * images), 0, 255)
    return pixels, labels.astype(np.int64)


def _fields(rng: np.random.Generator, n: int) -> np.ndarray:
    """n random fields (n, 32, 32, 3) of unit variance: amplitude 1/f, mean 0, colour channels correlated at 0.95."""
    frequency = np.fft.fftfreq(SIDE, 1 / SIDE)
    radius = np.hypot(frequency[:, None], frequency)
    amplitude = np.divide(1, radius, out=np.zeros_like(radius), where=radius > 0)
    amplitude /= np.sqrt(np.square(amplitude).mean())
    noise = rng.standard_normal((n, 4, SIDE, SIDE), np.float32)
    noise = 0.95**0.5 * noise[:, :1] + 0.05**0.5 * noise[:, 1:]  # what all channels share, and their own
    spectrum = np.fft.rfft2(noise) * amplitude[:, : SIDE // 2 + 1].astype(np.float32)
    return np.fft.irfft2(spectrum, s=(SIDE, SIDE)).transpose(0, 2, 3, 1)
