"""Tiny data in CIFAR-10's official layouts, as Python 2 pickled them and as the binary version has them."""

import io
import tarfile

import numpy as np

BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")


def text(word: bytes) -> bytes:
    return b"U" + bytes([len(word)]) + word


def pickled(pixels: np.ndarray, labels: np.ndarray, key: bytes = b"labels") -> bytes:
    """Protocol 2: a dict of labels and a uint8 array, through the globals of an old NumPy."""
    raw, n = pixels.tobytes(), len(pixels)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R(K\x01"
        b"M" + n.to_bytes(2, "little") + b"M\x00\x0c\x86cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03"
        b"" + text(b"|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        b"T" + len(raw).to_bytes(4, "little") + raw + b"tb"
    )
    listed = b"](" + b"".join(b"K" + bytes([label]) for label in labels.tolist()) + b"e"
    return b"\x80\x02}(" + text(key) + listed + text(b"data") + array + b"u."


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


def archive(path, members):
    """A .tar.gz of (TarInfo or name, bytes) pairs."""
    with tarfile.open(path, "w:gz") as file:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path
