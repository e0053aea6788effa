# ruff: noqa: E402 - the tests' own modules are found beside this one
"""A fuzzer over the readers: whatever is in a file, it is either valid data or a DataError that names the file.

Each trial mutates one file of a valid data set and loads it under a guard: no code is run, nothing is written or read
elsewhere, within 5 seconds and 1 GB. Trials depend on their number alone, so that a loss can be tried again:
``python tests/torture/readers.py NAME NUMBER``.
"""

import faulthandler
import io
import json
import os
import pickle
import resource
import signal
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pandas
from PIL import Image

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import cifar_files
import mutate
from helpers import CIFAR100_NAMES, arrays, fabricated, write_cifar100, write_idx

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


def _load(path: Path) -> None:
    """Load a data set and check what every user of it relies on."""
    data = load_dataset(path)
    images, labels = (*data.train_images, data.test_images), (*data.train_labels, data.test_labels)
    assert len(images) == 6
    if data.validation_images is not None:
        images, labels = (*images, data.validation_images), (*labels, data.validation_labels)
    for X, y in zip(images, labels, strict=True):
        assert (X.shape[1:], X.dtype, y.dtype) == (images[0].shape[1:], images[0].dtype, np.int64)
        assert len(X) == len(y) > 0
        assert 0 <= y.min() <= y.max() < len(data.class_names)
        assert np.isfinite(Standardizer.fit(images[0])(X)).all()
    assert X.ndim in (2, 4)
    assert X.dtype in (np.uint8, np.float32, np.float64)
    assert all(can_be_shown(name) for name in data.class_names)


def _predict(path: Path) -> None:
    """Load a model and score an image with it."""
    model = Linear.load(path)
    assert len(model.scores(np.zeros((1, model.W.shape[1])))) == len(model.b)


def _classify(path: Path) -> None:
    """Load a classifier and classify an image with it."""
    classifier = Classifier.load(path)
    kind = np.uint8 if classifier.standardize.of_pixels else float
    with np.errstate(all="ignore"):
        assert classifier.predict(np.zeros(classifier.image_shape, kind)) in classifier.class_names
    assert all(can_be_shown(name) for name in classifier.class_names)


def _evaluate(path: Path) -> None:
    """Load results, take every claim's statistic of them, and do what ``linclf verify`` does."""
    json.dumps(evaluate(Results.load(path)), allow_nan=False)
    with suppress(DataError):
        verify(path)


def _write(folder: Path) -> None:
    """Valid files of every format, each in a folder of its own."""

    def place(name: str) -> Path:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        return folder / name

    rng = np.random.default_rng(0)
    batches, hundred = cifar_files.write(folder, 2), write_cifar100(folder)
    cifar_files.archive(place("tar/py.tar.gz"), cifar_files.members(folder / "cifar-10-batches-py"))
    binary = cifar_files.members(folder / "cifar-10-batches-bin")
    cifar_files.archive(place("tar/bin.tgz"), binary)
    with zipfile.ZipFile(place("zip/mine.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in binary:
            archive.writestr(name, content)
    for i, (name, (pixels, y)) in enumerate(batches.items()):
        anew = {"data": pixels, "labels": (y, y.tolist(), list(y))[i % 3]}
        place(f"anew/{name}").write_bytes(pickle.dumps(anew, protocol=2 + i % 4))
    cifar_files.write_matlab(folder / "cifar-10-batches-mat", batches)
    cifar_files.write_matlab(folder / "cifar-100-matlab", hundred, "fine_labels", CIFAR100_NAMES, compressed=True)
    write_idx(folder / "idx", shape=(3, 4))
    write_idx(folder / "idx.gz", zipped=True, shape=(3, 4))
    place("csv/table.csv").write_bytes(b"a,b,label\n" + b"1,0.5,x\n2,-3e2,y\n" * 6)
    columns = {"a": rng.random(24), "b": rng.integers(0, 9, 24), "c": rng.random(24) > 0.5, "label": [*"xyz"] * 8}
    pandas.DataFrame(columns).to_parquet(place("parquet/table.parquet"), engine="pyarrow")
    np.savez(place("npz/arrays.npz"), **arrays(n=8, n_test=4, shape=(2, 3)), class_names=["a", "b", "c"])
    y = np.array(["a", "b", "c"] * 4)[:, None]
    np.savez(place("words/words.npz"), x_train=rng.random((12, 3)), y_train=y, x_val=rng.random((12, 3)), y_val=y)
    Linear(rng.normal(size=(3, 4)), np.zeros(3)).save(place("model/model.npz"))
    config = Config(learning_rate=0.1, l2=0.0, augment=Augmentation(image_shape=(1, 2, 3), flip=True))
    run = Run(config, Linear(rng.normal(size=(3, 6)), np.zeros(3)), None, 0.0)
    more = {"class_names": "abc", "image_shape": (1, 2, 3), "validation_accuracy": 0.5}
    Classifier.of(run, Standardizer(rng.random(6), np.ones(6), 255.0), **more).save(place("classifier/kept.npz"))
    images = rng.integers(0, 256, (30, 3, 2, 1), np.uint8)
    fit_surrogate(images, np.arange(30) % 2, "ab", name="noise").save(place("surrogate/surrogate.npz"))
    kinds = "png jpeg gif bmp ppm tiff webp tga pcx sgi ico jp2 dds avif qoi"
    for i, kind in enumerate(kinds.split()):
        image = Image.fromarray(rng.integers(0, 256, (5, 4, 3), np.uint8))
        image.save(place(f"images/{'ab'[i % 2]}/{i}.{kind}"))
    for i in range(12):
        image.save(place(f"photos/{i}.png"))
    rows = [f"{i}.png,{'ab'[i % 2]}" for i in range(12)]
    place("photos/labels.csv").write_text("\n".join(["file,label", *rows, ""]))
    document = fabricated(seeds=range(2000, 2002)).document
    for run in document["runs"]:
        run |= {key: series[:3] for key, series in run.items() if isinstance(series, list)} | {"epochs": 2}
    place("results/results.json").write_text(json.dumps(document))
    place("results/claims.json").write_text("{}")


class Reader(NamedTuple):
    """The valid files of a format by their paths, how one is changed, and what reads the folder, "" for that one."""

    files: Mapping[str, bytes]
    mutate: mutate.Mutate
    load: Callable[[Path], None]
    given: str = ""


@cache
def readers() -> dict[str, Reader]:
    """Every reader by the folder of its files."""
    with tempfile.TemporaryDirectory() as place:
        _write(Path(place))
        made = {p.relative_to(place).as_posix(): p.read_bytes() for p in sorted(Path(place).rglob("*")) if p.is_file()}
    found, gzipped = {}, mutate.gzipped
    for change, load, names in (  # of a folder with a slash, the file that was changed is loaded
        (mutate.pickled, _load, "cifar-10-batches-py anew cifar-100-python"),
        (mutate.flipped, _load, "cifar-10-batches-bin cifar-10-batches-mat cifar-100-matlab idx photos"),
        (mutate.flipped, _load, "zip/ csv/ parquet/"),
        (mutate.zipped, _load, "words/ npz/ surrogate/"),
        (mutate.zipped, _classify, "classifier/"),
        (mutate.zipped, _predict, "model/"),
        (gzipped(mutate.tarred), _load, "tar/"),
        (gzipped(mutate.flipped), _load, "idx.gz"),
        (mutate.png, _load, "images"),
        (mutate.json_text, _evaluate, "results/"),
    ):
        for name in names.split():
            folder = name.strip("/")
            files = {path: content for path, content in made.items() if path.startswith(f"{folder}/")}
            found[folder] = Reader(files, change, load, folder if "/" not in name else "")
    return found


# The guard. Python reports what it is about to do to audit hooks (PEP 578), which cannot be taken off again.

_REFUSED = "os. subprocess. socket. shutil. ctypes. pickle.find_class tempfile. urllib. ftplib."
_HARMLESS = ("os.listdir", "os.scandir", "os.walk", "os.putenv")
_PLACES = (
    *(f"{tempfile.gettempdir()}/linclf-fuzz-", sys.prefix, sys.base_prefix, os.path.dirname(os.__file__)),
    str(Path(__file__).parents[2]),
    *("/proc/self/cgroup", "/proc/self/mountinfo", "/sys/fs/cgroup/"),  # how many cores there are
)
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
        bad = event.startswith(tuple(_REFUSED.split())) and event not in _HARMLESS
    if bad:
        _watched.append(f"{event}{arguments!r:.200}")
        raise Broken(_watched[-1])


def _start() -> None:
    """Of a worker: the guard, and a limit at which a bomb ends the trial and not the machine."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 3 * BYTES,) * 2)
    signal.signal(signal.SIGALRM, _late)
    for module in {"scipy.special", *(module for reader in READERS for module in reader.imports)}:
        import_module(module)
    Image.init()  # all of Pillow's readers, which are imported when one is needed first
    parquet = readers()["parquet"].files["parquet/table.parquet"]
    for read, file in ((pandas.read_csv, b"a\n1"), (pandas.read_parquet, parquet)):
        read(io.BytesIO(file))  # what it imports, and asks the system, the first time
    with one_blas_thread():  # which looks for the BLAS, once
        pass
    bootstrap.RESAMPLES = bootstrap.IMAGE_RESAMPLES = 50
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff says there what it thinks of each file
    sys.addaudithook(_hook)


def _late(*_: object) -> None:
    raise Broken("took too long")


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by their paths in a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def attempt(reader: Reader, number: int, folder: Path, seconds: float = SECONDS) -> str:
    """How one trial ends: "valid", "refused", or what it did that it may not."""
    global _watched
    rng = Random(number)
    victim = rng.choice([name for name in reader.files if not name.endswith("claims.json")])
    path, given = folder / victim, folder / (reader.given or victim)
    path.write_bytes(reader.mutate(rng, reader.files[victim]))
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
        good = given.name in text and text.isprintable() and len(text) <= 2100
        outcome = "refused" if good and not isinstance(error.__cause__, MemoryError) else f"said {text!r:.300}"
    except BaseException as error:
        outcome = f"{type(error).__name__}: {error!s:.300}"
    path.write_bytes(reader.files[victim])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if peak > before and peak * 1024 > BYTES:
        return f"took {peak / 2**20:.1f} GB"
    return seen[0] if seen else outcome


def _attempts(name: str, numbers: range) -> tuple[Counter[str], list[str]]:
    """Outcomes of some of a reader's trials, and a line for each that no trial may have."""
    reader, counts, losses = readers()[name], Counter(valid=0, refused=0), []
    with tempfile.TemporaryDirectory(prefix="linclf-fuzz-") as place:
        write(reader.files, Path(place))
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


def rows(trials: int = TRIALS):
    """Of each reader: what was tried, the outcomes, and what was lost."""
    with guarded(2) as pool:
        for name in readers():
            counts, losses = Counter(), []
            tasks = [range(i, min(i + A_TASK, trials)) for i in range(0, trials, A_TASK)]
            for numbers, done in [(numbers, pool.submit(_attempts, name, numbers)) for numbers in tasks]:
                try:
                    found, lost = done.result()
                except BrokenProcessPool:
                    found, lost = Counter(lost=len(numbers)), [f"{name} {numbers}: the process died"]
                counts.update(found)
                losses += lost
            yield f"mutated files: {name}", counts, losses


if __name__ == "__main__":
    _start()
    print(_attempts(sys.argv[1], range(int(sys.argv[2]), int(sys.argv[2]) + 1)))
