"""Tiny data in CIFAR-10's official layouts, as Python 2 pickled them and as the binary version has them."""

import io
import tarfile
from itertools import count

import numpy as np

BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")


def pickled(pixels: np.ndarray, labels: np.ndarray, key: bytes = b"labels") -> bytes:
    """A batch file: with what nobody reads in it, as the official ones have."""
    names = [b"thing_%06d.png" % i for i in range(len(labels))]
    return python2({b"filenames": names, b"batch_label": b"training batch", key: labels.tolist(), b"data": pixels})


def python2(value: dict) -> bytes:
    """``value`` as Python 2's cPickle writes it by protocol 2; arrays of bytes as an old NumPy's."""
    numbers = count(1)

    def put() -> bytes:
        i = next(numbers)
        return b"q" + bytes([i]) if i < 256 else b"r" + i.to_bytes(4, "little")

    def whole(i: int) -> bytes:
        return b"K" + bytes([i]) if i < 256 else b"M" + i.to_bytes(2, "little")

    def text(word: bytes) -> bytes:
        size = b"U" + bytes([len(word)]) if len(word) < 256 else b"T" + len(word).to_bytes(4, "little")
        return size + word

    def array(pixels: np.ndarray) -> bytes:
        made = b"cnumpy.core.multiarray\n_reconstruct\n" + put() + b"cnumpy\nndarray\n" + put()
        made += whole(0) + b"\x85" + text(b"b") + b"\x87R" + put()
        state = b"(" + whole(1) + whole(len(pixels)) + whole(pixels.shape[1]) + b"\x86"
        kind = b"cnumpy\ndtype\n" + put() + text(b"u1") + whole(0) + whole(1) + b"\x87R" + put()
        kind += b"(" + whole(3) + text(b"|") + b"NNN" + 2 * b"J\xff\xff\xff\xff" + whole(0) + b"tb"
        return made + state + kind + b"\x89" + text(pixels.tobytes()) + b"tb"

    def dump(value: dict | list | bytes | int | np.ndarray) -> bytes:
        match value:
            case dict():
                return b"}" + put() + b"(" + b"".join(dump(key) + dump(held) for key, held in value.items()) + b"u"
            case list():
                made = b"]" + put()
                for i in range(0, len(value), 1000):
                    made += b"(" + b"".join(map(dump, value[i : i + 1000])) + b"e"
                return made
            case bytes():
                return text(value) + put()
            case int():
                return whole(value)
        return array(value)

    return b"\x80\x02" + dump(value) + b"."


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
