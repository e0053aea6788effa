"""Small files that ask for much: each is refused in one sentence, within two seconds and 400 MB.

``tests/data/test_bad_input.py`` has more, in archives, arrays, IDX files and pictures.
"""

import gzip
import io
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image
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


def long_name_tar(path: Path) -> None:
    """An entry whose name takes 300 MB."""
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        info.pax_headers = {"comment": "x" * 300_000_000}
        tar.addfile(info)


def parquet(path: Path) -> None:
    """Ten million rows of one value, in 100 kB."""
    table = pyarrow.table({"a": np.ones(10_000_000), "label": np.resize(["x", "y"], 10_000_000)})
    pyarrow.parquet.write_table(table, path, compression="zstd")


def wide_csv(path: Path) -> None:
    """A million columns."""
    path.write_text(",".join(f"c{i}" for i in range(1_000_000)) + ",label\n" + "0," * 1_000_000 + "x\n")


def png(width: int, height: int) -> bytes:
    """A picture of one value, with all its pixels packed to nearly nothing."""
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(width + 1)) for _ in range(height)) + rows.flush()
    parts = ((b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)), (b"IDAT", data), (b"IEND", b""))
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def pictures(path: Path, content: bytes, name: str) -> None:
    """A folder of classes with a picture of this content among others."""
    for kind in "ab":
        (path / kind).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (4, 4)).save(path / kind / f"{i}.png")
    (path / "a" / name).write_bytes(content)


def icon(path: Path) -> None:
    """An icon whose header says 16 x 16, and whose picture has 12,000 x 12,000."""
    inner = png(12_000, 12_000)
    header = struct.pack("<3H4B2H2I", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(inner), 22)
    pictures(path, header + inner, "x.ico")


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
    "a long header in a tar": ("load_dataset", "cifar-10-python.tar.gz", long_name_tar),
    "a Parquet file of one value": ("load_dataset", "table.parquet", parquet),
    "a CSV of a million columns": ("load_dataset", "table.csv", wide_csv),
    "an icon larger than it says": ("load_dataset", "icons", icon),
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
