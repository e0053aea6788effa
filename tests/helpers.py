"""What several test files share: the command line, data in every format, fabricated results."""

import gzip
import io
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cifar_files
import nbformat
import numpy as np
import pytest
from PIL import Image

from linclf import Config, ConfigError, DataError, load_dataset
from linclf.claims.verdicts import ledger
from linclf.cli import main
from linclf.report import render
from linclf.studies.results import CURVES, FORMAT, HELD_OUT, Results, encode_correct, encode_losses

ROOT = Path(__file__).parent.parent
"""The checkout."""
AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"
NO_CHROMIUM = "no Chromium here: apt-get install chromium"
TINY = ("--data", "synthetic:250", "--epochs", "2", "--seeds", "2")


def linclf(*words, under=(), **options):
    """Status and output of ``linclf`` with these words; under: a command that starts it."""
    command = [*under, sys.executable, "-m", "linclf", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, **options)


def without_rights():
    """Words that start a command which may only do what rights allow: root may do everything."""
    if os.name != "posix" or (os.geteuid() == 0 and not shutil.which("setpriv")):
        pytest.skip("rights are kept otherwise here, or root cannot give them up without setpriv")
    return () if os.geteuid() else ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def refuses(words, message, capsys):
    """The command ends with status 2, no output, and one line of errors that has this message."""
    assert main([*map(str, words)]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)


def chromium():
    """Where the system's Chromium is, or None."""
    try:
        return render.browser()
    except ConfigError:
        return None


def without_times(page):
    """A page without what may differ between two runs: durations, dates, and the claim about durations."""
    return re.sub(r"<time>.*?</time>|<tr id=\"claim-1\.3c\">.*?</tr>", "", page, flags=re.S)


def missing(reason):
    """What a test needs is not here: a failure where it must be (``.ci/run``), else a skip."""
    (pytest.fail if os.environ.get("LINCLF_BROWSER") == "required" else pytest.skip)(reason)


def examples(text, language):
    """The code blocks of a language in a text in Markdown."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def spans(text):
    """What stands between single backticks, on one line."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.S))]


def commands(text):
    """The commands in a text in Markdown: the lines of its shell examples, and those that stand in its sentences."""
    program = re.compile(r"(make|linclf|pip|conda|dask|apt-get|npm|papermill|jupyter) \S")
    lines = (line.partition(" # ")[0].strip() for block in examples(text, "sh") for line in block.splitlines())
    return [*filter(None, lines), *filter(program.match, spans(text))]


def arrays(n=60, n_test=30, shape=(4,), n_classes=3, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    made = {}
    for part, size in (("train", n), ("test", n_test)):
        y = np.arange(size) % n_classes
        X = rng.integers(0, 200, (size, *shape)) + 5 * y.reshape(-1, *[1] * len(shape))
        made |= {f"X_{part}": X.astype(dtype), f"y_{part}": y}
    return made


def training(data):
    """All training images and labels, in no order that matters."""
    return np.concatenate(data.train_images), np.concatenate(data.train_labels)


def whole(data):
    """All training and test images, and their labels."""
    parts = [(*data.train_images, data.test_images), (*data.train_labels, data.test_labels)]
    return [np.concatenate(part) for part in parts]


def same_rows(found, wanted):
    X, y = (np.column_stack([labels, rows.reshape(len(rows), -1)]) for rows, labels in (found, wanted))
    np.testing.assert_array_equal(X[np.lexsort(X.T)], y[np.lexsort(y.T)])


def refused(given, *words, load=load_dataset, error=DataError, **options):
    """Loading fails with these words, soon, and without the memory that a header asks for; what it says."""
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(error) as raised:
        load(given, **options)
    assert time.process_time() - started < 10
    peak, said = tracemalloc.get_traced_memory()[1], str(raised.value)
    tracemalloc.stop()
    assert [word for word in words or ["expected"] if word not in said] == []
    assert said.isprintable()
    assert peak < 40 * 2**20
    return said


def png(size, bits=8):
    """A PNG whose header says ``size`` and that holds no pixels."""
    file = io.BytesIO()
    Image.new("I;16" if bits == 16 else "L", (1, 1)).save(file, format="png")
    content = bytearray(file.getvalue())
    content[16:24] = struct.pack(">2I", *size)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


SCRIPT = "<script>alert(1)</script>"
"""A name that a page must not run."""


def write_images(folder, n=4, mode="RGB", size=(5, 6)):
    """n images of each of three classes in both parts; the pixels by file."""
    rng, made = np.random.default_rng(0), {}
    for part in ("train", "test"):
        for name in ("cat", "dog & <b>", SCRIPT.replace("/", "∕")):
            (folder / part / name).mkdir(parents=True)
            for i in range(n):
                pixels = rng.integers(0, 256, (size[1], size[0], *[3] * (mode == "RGB")), np.uint8)
                path = folder / part / name / f"{i}.png"
                Image.fromarray(pixels).save(path)
                made[path] = pixels
    return made


def idx_bytes(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_idx(folder, zipped=False, shape=(6, 5)):
    made = arrays(shape=shape, dtype=np.uint8)
    folder.mkdir(parents=True)
    for kind, part in (("train", "train"), ("t10k", "test")):
        for name, array in (("images-idx3-ubyte", made[f"X_{part}"]), ("labels-idx1-ubyte", made[f"y_{part}"])):
            content = idx_bytes(array.astype(np.uint8))
            (folder / f"{kind}-{name}{'.gz' * zipped}").write_bytes(gzip.compress(content) if zipped else content)
    return made


CIFAR100_NAMES = [f"thing_{i}".encode() for i in range(100)]


def write_cifar100(root, n=12):
    """Both layouts below ``root``, and archives of them; the content as {part: (pixels, labels)}."""
    rng, content = np.random.default_rng(0), {}
    python, binary = folders = [root / f"cifar-100-{kind}" for kind in ("python", "binary")]
    for folder in folders:
        folder.mkdir(parents=True)
    for part in ("train", "test"):
        pixels, labels = rng.integers(0, 256, (n, 3072), np.uint8), rng.integers(0, 100, n).astype(np.uint8)
        content[part] = pixels, labels
        (python / part).write_bytes(cifar_files.pickled(pixels, labels, b"fine_labels"))
        (binary / f"{part}.bin").write_bytes(np.column_stack([labels // 5, labels, pixels]).tobytes())
    (python / "meta").write_bytes(cifar_files.python2({b"fine_label_names": CIFAR100_NAMES}))
    (binary / "fine_label_names.txt").write_bytes(b"\n".join([*CIFAR100_NAMES, b""]))
    for folder in folders:
        cifar_files.archive(root / f"{folder.name}.tar.gz", cifar_files.members(folder))
    return content


def blobs(n=50, d=6, C=3, seed=0, dtype=np.float64):
    """n images of d inputs around C centres."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, C, n)
    centres = np.random.default_rng(99).normal(size=(C, d))
    return (centres[y] + rng.normal(size=(n, d))).astype(dtype), y


def weights(n, seed=0):
    """n weights, of images or rows, some of them 0."""
    return np.random.default_rng(seed).integers(0, 4, n) * 0.3


def config(**changes):
    return Config(**{"learning_rate": 0.1, "l2": 0.01, "epochs": 4, "batch_size": 8, **changes})


@contextmanager
def visiting(browser):
    """Opens pages, each in a context of its own; what one asked for and complained about is in ``page.trouble``."""
    contexts = ExitStack()

    def visit(path, within=None):
        """A file, offline, which may ask for nothing but what is ``within`` a folder."""
        context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
        contexts.callback(context.close)
        page = context.new_page()
        page.trouble = []

        def asked(request):
            if not request.url.startswith(((within or path).as_uri(), "data:", "blob:")):
                page.trouble.append(f"asked for {request.url}")

        page.on("request", asked)
        page.on("requestfailed", lambda request: page.trouble.append(f"failed: {request.url[:80]}"))
        page.on("console", lambda message: page.trouble.append(message.text))
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.on("dialog", lambda dialog: (page.trouble.append("a dialog"), dialog.dismiss()))
        page.goto(path.as_uri())
        return page

    with contexts:
        yield visit


def serious_violations(page):
    """What axe-core finds on a page that is serious or critical."""
    if not AXE.exists():
        missing("axe-core is not here: npm install --prefix tests")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    report = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert len(report["passes"]) > 10
    serious = [rule for rule in report["violations"] if rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in serious]


class Terminal(io.StringIO):
    def isatty(self):
        return True


SEEDS, N_TEST = range(2000, 2010), 1000
"""Of :func:`fabricated` results."""


def fabricated(seeds=SEEDS, name="CIFAR-10"):
    """Results in which every run of an arm and setting is much like the next, with differences known beforehand."""
    rng = np.random.default_rng(0)
    rule, runs = ledger()["rule"], []
    for shift, (arm, fields) in enumerate(rule["arms"].items()):
        for setting, printed in rule["settings"].items():
            for seed in seeds:
                wobble = rng.normal(0, 1e-3)
                curves = {key: (2 + 0.1 * shift + wobble + np.exp(-np.arange(41.0))).tolist() for key in CURVES}
                correct = np.arange(N_TEST) < 300 + 20 * shift + rng.integers(0, 3)
                held_out = {}
                if arm in HELD_OUT:  # of 50 images
                    held_out = {"held_out_loss": encode_losses(curves["validation_loss"][-1] + rng.normal(0, 0.05, 50))}
                runs.append(
                    {
                        "arm": arm, "setting": int(setting), "seed": seed, **fields, **printed, **rule["every_run"],
                        **curves, "low_frequency_share": 0.5 + 0.01 * shift + wobble,
                        "test_accuracy": float(correct.mean()), "test_correct": encode_correct(correct),
                        "test_draws_below": {"1000": 0.9, "5000": 0.5}, **held_out,
                    }
                )  # fmt: skip
    return Results(
        {
            "format": FORMAT,
            "data": {"name": name, "synthetic": name != "CIFAR-10", "n_test": N_TEST},
            "exact": {
                "E1": {"relative_error": 4e-8},
                "E2": {"relative_error": 4e-8, "loss_at_zero": 9.0},
                "E3": {"n_train": 49000, "n_validation": 1000, "in_both": 0},
            },
            "timings": [{"seed": seed, "base": 1.0, "shuffle": 1.1 + 0.001 * (seed % 7)} for seed in seeds],
            "runs": runs,
        }
    )


def write_notebook(path, parameters, *cells, text="# A page of mine"):
    """A notebook in Python of a title, a cell of parameters and others; its path."""
    made = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(parameters)]
    made[1].metadata.tags = ["parameters"]
    python = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    made += map(nbformat.v4.new_code_cell, cells)
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=python), path)
    return path
