# ruff: noqa: E402 - the tests' own modules are found beside this one
"""A fuzzer over the readers: whatever is in a file, it is either valid data or a DataError that names the file.

Each trial mutates one file of a valid data set and loads it under a guard: no code is run, nothing is written or read
elsewhere, within 5 seconds and 1 GB. Trials depend on their number alone, so that a loss can be tried again:
``python tests/torture/readers.py NAME NUMBER``.
"""

import faulthandler
import gzip
import io
import json
import os
import pickle
import resource
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from random import Random

import numpy as np
import pandas
import scipy.io
import scipy.special
from PIL import Image

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import cifar_files
import mutate
from helpers import arrays, cifar100, fabricated, idx_bytes
from row import Row

from linclf import Augmentation, Classifier, Config, Linear, Run, Standardizer, load_dataset
from linclf.claims import bootstrap
from linclf.claims.verdicts import evaluate, verify
from linclf.data.labels import can_be_shown
from linclf.data.load import READERS
from linclf.data.surrogate import fit_surrogate
from linclf.errors import DataError
from linclf.studies.results import Results
from linclf.system.threads import one_blas_thread

TRIALS, A_TASK = 5000, 250
SECONDS, BYTES = 5, 2**30


class Broken(BaseException):
    """What no reader may do; no reader's ``except Exception`` catches it."""


@dataclass(frozen=True)
class Reader:
    """A reader and its valid files.

    Attributes:
        files: the content of each by its path.
        given: what is loaded, the path of a file or folder.
        mutate: makes another file of a valid one.
        load: reads what is given, and checks what comes of it.
    """

    files: Mapping[str, bytes]
    given: str
    mutate: mutate.Mutate
    load: Callable[[Path], None]


def _load(path: Path) -> None:
    """Load a data set and check what every user of it relies on."""
    data = load_dataset(path)
    images, labels = (*data.train_images, data.test_images), (*data.train_labels, data.test_labels)
    for X, y in zip(images, labels, strict=True):
        assert X.shape[1:] == images[0].shape[1:]
        assert X.ndim in (2, 4)
        assert X.dtype == images[0].dtype
        assert X.dtype in (np.uint8, np.float32, np.float64)
        assert y.dtype == np.int64
        assert len(X) == len(y) > 0
        assert 0 <= y.min() <= y.max() < len(data.class_names)
        assert np.isfinite(Standardizer.fit(images[0])(X)).all()
    assert len(images) == 6
    if data.validation_images is not None:
        assert len(data.validation_images) == len(data.validation_labels) > 0
        assert data.validation_images.shape[1:] == images[0].shape[1:]
    assert all(can_be_shown(name) for name in data.class_names)


def _predict(path: Path) -> None:
    """Load a model and score an image with it."""
    model = Linear.load(path)
    assert len(model.scores(np.zeros((1, model.W.shape[1])))) == len(model.b)


def _classify(path: Path) -> None:
    """Load a classifier and classify an image with it."""
    classifier = Classifier.load(path)
    names = classifier.class_names
    kind = np.uint8 if classifier.standardize.of_pixels else float
    with np.errstate(all="ignore"):
        assert classifier.predict(np.zeros(classifier.image_shape, kind)) in names
    assert all(can_be_shown(name) for name in names)


def _evaluate(path: Path) -> None:
    """Load results, take every claim's statistic of them, and do what ``linclf verify`` does."""
    json.dumps(evaluate(Results.load(path)), allow_nan=False)
    with suppress(DataError):
        verify(path)


def readers() -> dict[str, Reader]:
    """Every reader by name."""
    rng = np.random.default_rng(0)
    pixels, labels = rng.integers(0, 256, (2, 3072), np.uint8), np.array([1, 2], np.uint8)
    pickled = {name: cifar_files.pickled(pixels, labels) for name in cifar_files.BATCHES}
    binary = {f"{name}.bin": np.column_stack([labels, pixels]).tobytes() for name in cifar_files.BATCHES}
    matlab = {f"{name}.mat": _mat(pixels, labels, i % 2) for i, name in enumerate(cifar_files.BATCHES)}
    kinds = [labels, labels.tolist(), list(labels)] * 2
    anew = {
        name: pickle.dumps({"data": pixels, "labels": held}, protocol=2 + i % 4)
        for i, (name, held) in enumerate(zip(cifar_files.BATCHES, kinds, strict=True))
    }
    fine = cifar100(n=6)[0]["cifar-100-python"]
    idx = {
        f"{part}-{name}": content
        for part, n in (("train", 6), ("t10k", 2))
        for name, content in (
            ("images-idx3-ubyte", idx_bytes(rng.integers(0, 256, (n, 3, 4), np.uint8))),
            ("labels-idx1-ubyte", idx_bytes(np.arange(n, dtype=np.uint8) % 2)),
        )
    }
    npz = io.BytesIO()
    np.savez(npz, **arrays(n=8, n_test=4, shape=(2, 3)), class_names=["a", "b", "c"])
    model = io.BytesIO()
    np.savez(model, W=rng.normal(size=(3, 4)), b=np.zeros(3))
    return {
        "CIFAR-10, pickled": _in("cifar-10-batches-py", pickled, mutate.pickled),
        "CIFAR-10, binary": _in("cifar-10-batches-bin", binary, mutate.flipped),
        "CIFAR-10, tar.gz": Reader(
            {"py.tar.gz": _tar("cifar-10-batches-py", pickled), "bin.tgz": _tar("cifar-10-batches-bin", binary)},
            "",
            mutate.gzipped(mutate.tarred),
            _load,
        ),
        "CIFAR-10, MATLAB": _in("cifar-10-batches-mat", matlab, mutate.flipped),
        "CIFAR-10, pickled anew": _in("cifar-10-batches-py", anew, mutate.pickled),
        "CIFAR-10, zip": Reader({"mine.zip": _zip(binary)}, "", mutate.flipped, _load),
        "CIFAR-100, MATLAB": _in("cifar-100-matlab", _cifar100_mat(pixels, labels), mutate.flipped),
        "CIFAR-100, pickled": _in("cifar-100-python", fine, mutate.pickled),
        "table": Reader({"table.csv": b"a,b,label\n" + b"1,0.5,x\n2,-3e2,y\n" * 6}, "", mutate.flipped, _load),
        "table, Parquet": Reader({"table.parquet": _parquet(rng)}, "", mutate.flipped, _load),
        "npz, text labels": Reader({"words.npz": _words(rng)}, "", mutate.zipped, _load),
        "npz": Reader({"arrays.npz": npz.getvalue()}, "", mutate.zipped, _load),
        "classifier": Reader({"kept.npz": _classifier(rng)}, "", mutate.zipped, _classify),
        "model": Reader({"model.npz": model.getvalue()}, "", mutate.zipped, _predict),
        "IDX": _in("idx", idx, mutate.flipped),
        "IDX, gzipped": _in(
            "idx", {f"{n}.gz": gzip.compress(c, mtime=0) for n, c in idx.items()}, mutate.gzipped(mutate.flipped)
        ),
        "surrogate": Reader({"surrogate.npz": _surrogate(rng)}, "", mutate.zipped, _load),
        "labels.csv": _in("photos", _labelled(rng), mutate.flipped),
        "image files": _in("images", _images(rng), mutate.png),
        "results.json": Reader(
            {"results.json": _results(), "claims.json": b"{}"}, "results.json", mutate.json_text, _evaluate
        ),
    }


def _in(folder: str, files: Mapping[str, bytes], mutate: mutate.Mutate) -> Reader:
    return Reader({f"{folder}/{name}": content for name, content in files.items()}, folder, mutate, _load)


def _tar(folder: str, files: Mapping[str, bytes]) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        path = cifar_files.archive(Path(place) / "a", [(f"{folder}/{name}", c) for name, c in files.items()])
        return path.read_bytes()


def _mat(pixels: np.ndarray, labels: np.ndarray, compressed: int) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, {"data": pixels, "labels": labels[:, None]}, do_compression=bool(compressed))
    return file.getvalue()


def _cifar100_mat(pixels: np.ndarray, labels: np.ndarray) -> dict[str, bytes]:
    names, meta = np.array([f"thing {i}" for i in range(100)], dtype=object)[:, None], io.BytesIO()
    scipy.io.savemat(meta, {"fine_label_names": names})
    made, pixels, labels = {"meta.mat": meta.getvalue()}, np.tile(pixels, (3, 1)), np.tile(labels, 3)
    for part, packed in (("train", False), ("test", True)):
        file = io.BytesIO()
        both = {"data": pixels, "fine_labels": labels[:, None], "coarse_labels": labels[:, None] // 5}
        scipy.io.savemat(file, both, do_compression=packed)
        made[f"{part}.mat"] = file.getvalue()
    return made


def _parquet(rng: np.random.Generator) -> bytes:
    file = io.BytesIO()
    columns = {"a": rng.random(24), "b": rng.integers(0, 9, 24), "c": rng.random(24) > 0.5, "label": [*"xyz"] * 8}
    pandas.DataFrame(columns).to_parquet(file, engine="pyarrow")
    return file.getvalue()


def _zip(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def _words(rng: np.random.Generator) -> bytes:
    file, y = io.BytesIO(), np.array(["a", "b", "c"] * 4)[:, None]
    np.savez(file, x_train=rng.random((12, 3)), y_train=y, x_val=rng.random((12, 3)), y_val=y)
    return file.getvalue()


def _classifier(rng: np.random.Generator) -> bytes:
    config = Config(learning_rate=0.1, l2=0.0, augment=Augmentation(image_shape=(1, 2, 3), flip=True))
    run = Run(config, Linear(rng.normal(size=(3, 6)), np.zeros(3)), None, 0.0)
    standardize = Standardizer(rng.random(6), np.ones(6), 255.0)
    made = Classifier.of(run, standardize, class_names="abc", image_shape=(1, 2, 3), validation_accuracy=0.5)
    with tempfile.TemporaryDirectory() as place:
        made.save(f"{place}/kept.npz")
        return Path(place, "kept.npz").read_bytes()


def _surrogate(rng: np.random.Generator) -> bytes:
    images, labels = rng.integers(0, 256, (30, 3, 2, 1), np.uint8), np.arange(30) % 2
    with tempfile.TemporaryDirectory() as place:
        fit_surrogate(images, labels, "ab", name="noise").save(f"{place}/s.npz")
        return Path(place, "s.npz").read_bytes()


def _labelled(rng: np.random.Generator) -> dict[str, bytes]:
    picture = next(iter(_images(rng).values()))
    made = {f"{i}.png": picture for i in range(12)}
    return made | {"labels.csv": "".join(["file,label\n", *(f"{i}.png,{'ab'[i % 2]}\n" for i in range(12))]).encode()}


def _images(rng: np.random.Generator) -> dict[str, bytes]:
    made = {}
    kinds = [*("png", "jpeg", "gif", "bmp", "ppm", "tiff", "webp", "tga", "pcx", "sgi", "jp2", "dds", "avif", "qoi")]
    Image.init()
    for i, kind in enumerate(kinds):
        file = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (5, 4, 3), np.uint8)).save(file, Image.registered_extensions()[f".{kind}"])
        made[f"{'ab'[i % 2]}/{i}.{kind}"] = file.getvalue()
    return made


def _results() -> bytes:
    document = fabricated(seeds=range(2000, 2002)).document
    for run in document["runs"]:
        run |= {key: series[:3] for key, series in run.items() if isinstance(series, list)} | {"epochs": 2}
    return json.dumps(document).encode()


# The guard. Python reports what it is about to do to audit hooks (PEP 578), which cannot be taken off again.

_REFUSED = (
    *("os.", "subprocess.", "socket.", "shutil.", "ctypes.", "pickle.find_class", "tempfile.", "urllib.", "ftplib."),
)
_HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.putenv")
_watched: list[str] | None = None
"""What was seen that may not be, while a trial runs; None between trials."""


def _hook(event: str, arguments: tuple) -> None:
    if _watched is None:
        return
    if event == "open":
        path, _, flags = arguments
        bad = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or not str(path).startswith(_PLACES)
    elif event == "exec":  # importing runs code objects too: those of files
        bad = arguments[0].co_filename.startswith("<") and "frozen" not in arguments[0].co_filename
    else:
        bad = event.startswith(_REFUSED) and event not in _HARMLESS
    if bad:
        _watched.append(f"{event}{arguments!r:.200}")
        raise Broken(_watched[-1])


_PLACES = (
    tempfile.gettempdir() + "/linclf-fuzz-",
    sys.prefix,
    sys.base_prefix,
    os.path.dirname(os.__file__),
    str(Path(__file__).parents[2]),
    *("/proc/self/cgroup", "/proc/self/mountinfo", "/sys/fs/cgroup/"),  # how many cores there are
)


def _start() -> None:
    """Of a worker: the guard, and a limit at which a bomb ends the trial and not the machine."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 3 * BYTES,) * 2)
    signal.signal(signal.SIGALRM, _late)
    for module in {module for reader in READERS for module in reader.imports}:
        import_module(module)
    Image.init()  # all of Pillow's readers, which are imported when one is needed first
    for read, file in ((pandas.read_csv, b"a\n1"), (pandas.read_parquet, _parquet(np.random.default_rng(0)))):
        read(io.BytesIO(file))  # what it imports, and asks the system, the first time
    with one_blas_thread():  # which looks for the BLAS, once
        pass
    bootstrap.RESAMPLES = bootstrap.IMAGE_RESAMPLES = 50
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff says there what it thinks of each file
    sys.addaudithook(_hook)


def _late(*_: object) -> None:
    raise Broken("took too long")


def attempt(reader: Reader, number: int, folder: Path, seconds: float = SECONDS) -> str:
    """How one trial ends: "valid", "refused", or what it did that it may not."""
    global _watched
    rng = Random(number)
    victim = rng.choice([name for name in reader.files if name != "claims.json"])
    path = folder / victim
    path.write_bytes(reader.mutate(rng, reader.files[victim]))
    given = folder / (reader.given or victim)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(10 * SECONDS, exit=True)  # for what does not come back to Python
    _watched = []
    try:
        try:
            reader.load(given)
            outcome = "valid"
        finally:
            seen, _watched = _watched, None
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.cancel_dump_traceback_later()
    except DataError as error:
        text = str(error)
        bad = (
            given.name not in text
            or not text.isprintable()
            or len(text) > 2100
            or isinstance(error.__cause__, MemoryError)
        )
        outcome = f"said {text!r:.300}" if bad else "refused"
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error!s:.300}"
    if seen:
        outcome = seen[0]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if peak > before and peak * 1024 > BYTES:
        outcome = f"took {peak / 2**20:.1f} GB"
    path.write_bytes(reader.files[victim])
    return outcome


def _attempts(name: str, numbers: range) -> tuple[Counter[str], list[str]]:
    """Outcomes of some of a reader's trials, and a line for each that no trial may have."""
    reader, counts, losses = readers()[name], Counter(), []
    with tempfile.TemporaryDirectory(prefix="linclf-fuzz-") as place:
        for file, content in reader.files.items():
            (Path(place) / file).parent.mkdir(parents=True, exist_ok=True)
            (Path(place) / file).write_bytes(content)
        for number in numbers:
            outcome = attempt(reader, number, Path(place))
            if outcome not in ("valid", "refused"):
                losses.append(f"{name} {number}: {outcome}")
                outcome = "lost"
            counts[outcome] += 1
    return counts, losses


def guarded(workers: int) -> ProcessPoolExecutor:
    """Worker processes under the guard; new ones, since a copy of this one may hold locks of its threads."""
    return ProcessPoolExecutor(workers, get_context("spawn"), initializer=_start)


def rows(trials: int = TRIALS) -> Iterator[Row]:
    """A row a reader."""
    with guarded(2) as pool:
        for name in readers():
            started, counts, losses = time.monotonic(), Counter(), []
            tasks = [range(i, min(i + A_TASK, trials)) for i in range(0, trials, A_TASK)]
            for numbers, done in [(numbers, pool.submit(_attempts, name, numbers)) for numbers in tasks]:
                try:
                    found, lost = done.result()
                except BrokenProcessPool:
                    found, lost = Counter(lost=len(numbers)), [f"{name} {numbers}: the process died"]
                counts += found
                losses += lost
            yield Row(
                f"mutated files: {name}",
                {word: counts[word] for word in ("valid", "refused", *counts)},
                tuple(losses),
                time.monotonic() - started,
            )


if __name__ == "__main__":
    _start()
    print(_attempts(sys.argv[1], range(int(sys.argv[2]), int(sys.argv[2]) + 1)))
