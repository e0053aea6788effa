"""Small files that ask for much: each is refused in one sentence, within two seconds and 400 MB.

Tests have more, in archives, arrays, IDX files, tables and pictures: see ``tests/data/test_bad_input.py``.
"""

import gzip
import io
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from row import Row

SECONDS, BYTES = 2, 400_000_000
LOAD = """
import importlib, resource, sys, time
from pathlib import Path
from linclf.classifier.classifier import Classifier
from linclf.claims.verdicts import verify
from linclf.data.load import READERS, load_dataset
from linclf.errors import LinclfError

for module in {module for reader in READERS for module in reader.imports}:
    importlib.import_module(module)
peak = lambda: 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, started = peak(), time.process_time()
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 4 * 2**30,) * 2)  # a bomb ends the trial and not the machine
try:
    {"load_dataset": load_dataset, "verify": verify, "Classifier": Classifier.load}[sys.argv[1]](sys.argv[2])
    outcome = "loaded"
except LinclfError as error:
    outcome = "refused"
print(outcome, peak() - before, time.process_time() - started)
"""


def sparse_tar(path: Path) -> None:
    """An entry with endless headers of a sparse file."""
    head = bytearray(512)
    head[:32] = b"cifar-10-batches-py/data_batch_1"
    head[100:124], head[124:136], head[136:148] = b"0000644\0" + b"0000000\0" * 2, b"%011o\0" % 1024, b"%011o\0" % 0
    head[156:157], head[257:265], head[482], head[483:495] = b"S", b"ustar  \0", 1, b"%011o\0" % 1024
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    block = (b"00000010000\0" * 42) + b"\x01" + bytes(7)
    path.write_bytes(gzip.compress(head + block * 200_000))


def npz(path: Path) -> None:
    """Arrays of 1 GB of zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("X_train.npy", "w", force_zip64=True) as X:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (125_000, 1000)})
        X.write(header.getvalue())
        for _ in range(100):
            X.write(bytes(10**7))


def pickled(path: Path) -> None:
    """A pickle of a pair of twice the same pair, a hundred deep."""
    path.mkdir()
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"):
        (path / name).write_bytes(b"\x80\x02K\x01" + b"2\x86" * 100 + b".")


def long_number(path: Path) -> None:
    """A number of ten million digits."""
    path.write_text('{"format": ' + "9" * 10**7 + "}")


BOMBS: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    "a sparse file in a tar": ("load_dataset", "cifar-10-python.tar.gz", sparse_tar),
    "arrays of zeros in a model": ("Classifier", "model.npz", npz),
    "a pickle that grows": ("load_dataset", "cifar-10-batches-py", pickled),
    "JSON of a million brackets": ("verify", "results.json", lambda path: path.write_text("[" * 10**6) and None),
    "JSON of a long number": ("verify", "results.json", long_number),
}
"""What it is -> what reads it, the name of its file, and what makes it."""


def rows() -> Iterator[Row]:
    """One row: how many files were refused in time, and within memory."""
    started, outcomes, losses = time.monotonic(), Counter[str](), []
    for what, (reader, name, make) in BOMBS.items():
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            path = Path(folder, name)
            make(path)
            done = subprocess.run([sys.executable, "-c", LOAD, reader, str(path)], capture_output=True, text=True)
        outcome, *measured = done.stdout.split() or ("lost",)
        memory, seconds = map(float, measured or (0, 0))
        if outcome != "refused" or memory > BYTES or seconds > SECONDS:
            losses.append(f"{what}: {outcome}, {memory / 1e6:.0f} MB, {seconds:.1f} s {done.stderr[-300:]}")
            outcome = "lost"
        outcomes[outcome] += 1
    yield Row("small files that ask for much", outcomes, tuple(losses), time.monotonic() - started)
