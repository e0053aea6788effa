"""Tiny data in CIFAR-10's official layouts, as Python 2 pickled them and as the binary version has them."""

import io
import pickle
import tarfile

import numpy as np
import scipy.io

BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")


def pickled(pixels: np.ndarray, labels: np.ndarray, key: bytes = b"labels") -> bytes:
    """A batch file: with what nobody reads in it, as the official ones have."""
    names = [b"thing_%06d.png" % i for i in range(len(labels))]
    return python2({b"filenames": names, b"batch_label": b"training batch", key: labels.tolist(), b"data": pixels})


def _save_text(pickler: pickle._Pickler, text: bytes | str) -> None:
    text = text if isinstance(text, bytes) else text.encode()
    size = b"U" + bytes([len(text)]) if len(text) < 256 else b"T" + len(text).to_bytes(4, "little")
    pickler.write(size + text)
    pickler.memoize(text)


class _Python2(pickle._Pickler):
    """Writes as Python 2's cPickle does by protocol 2: text and arrays of bytes as strings of bytes."""

    dispatch = pickle._Pickler.dispatch | {bytes: _save_text, str: _save_text}


def python2(value: dict) -> bytes:
    """``value`` as Python 2 pickles it, with the names that NumPy's modules had."""
    file = io.BytesIO()
    _Python2(file, protocol=2).dump(value)
    return file.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def write(folder, n=6):
    """Both layouts below ``folder``; the content as {batch: (pixels, labels)}."""
    rng, content = np.random.default_rng(0), {}
    for kind in ("py", "bin"):
        (folder / f"cifar-10-batches-{kind}").mkdir(parents=True)
    for name in BATCHES:
        pixels, labels = rng.integers(0, 256, (n, 3072), np.uint8), rng.integers(0, 10, n).astype(np.uint8)
        content[name] = pixels, labels
        (folder / "cifar-10-batches-py" / name).write_bytes(pickled(pixels, labels))
        records = np.column_stack([labels, pixels])
        (folder / "cifar-10-batches-bin" / f"{name}.bin").write_bytes(records.tobytes())
    return content


def write_matlab(folder, parts, key="labels", names=(), compressed=False):
    """{part: (pixels, labels)} as the MATLAB version has them, and the names of classes."""
    folder.mkdir(parents=True)
    held = {part: {"data": pixels, key: labels[:, None], "more": "1 of 5"} for part, (pixels, labels) in parts.items()}
    if names:
        held["meta"] = {"fine_label_names": np.array([name.decode() for name in names], dtype=object)[:, None]}
    for name, arrays in held.items():
        scipy.io.savemat(folder / f"{name}.mat", arrays, do_compression=compressed)
    return folder


def members(folder):
    """(name, bytes) of each file of a folder, in an order that is not theirs: the official archives have none."""
    return [(f"{folder.name}/{file.name}", file.read_bytes()) for file in sorted(folder.iterdir(), reverse=True)]


def archive(path, members):
    """A .tar.gz of (TarInfo or name, bytes) pairs."""
    with tarfile.open(path, "w:gz") as file:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path
