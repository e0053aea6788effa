"""``make bench ARGS=growth``: how a report on data of one's own grows with them; writes a table and a picture."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

DOCS = Path(__file__).parent.parent / "docs"
SIZES = {
    "rows": (10_000, 20_000, 40_000, 500_000),
    "features": (1000, 2000, 4000, 50_000),
    "classes": (50, 100, 200, 1000),
    "photos": (500, 1000, 2000, 10_000),
    "pixels": (64**2, 91**2, 128**2),
}
"""Three of which each is twice the one before, or nearly so, and the largest."""
OTHERS = {
    "rows": "of 50 features, 4 classes",
    "features": "of 2,000 rows, 4 classes",
    "classes": "of 8,000 rows, 20 features",
    "photos": "of 32 by 32 pixels, 4 classes",
    "pixels": "of each of 200 photos, 4 classes",
}
PEER = """
import numpy, sys
from sklearn.linear_model import LogisticRegression
import linclf
data = linclf.load_dataset(sys.argv[1])
X, y = numpy.concatenate(data.train_images), numpy.concatenate(data.train_labels)
LogisticRegression().fit(linclf.Standardizer.fit(X)(X), y)
"""
# A small process starts the command: a child's peak begins with the memory of the process that it was forked from.
MEASURED = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"\\n{used.ru_utime + used.ru_stime} {used.ru_maxrss / 1024}")
sys.exit(status)
"""


def make(what, size, folder):
    """Data of a size, as a path that linclf reads."""
    rng = np.random.default_rng(0)
    n_classes = size if what == "classes" else 4
    if what in ("photos", "pixels"):
        side, n = (32, size) if what == "photos" else (round(size**0.5), 200)
        coarse = rng.integers(0, 256, (n_classes, 8, 8, 3))
        for i in range(n):
            pixels = np.clip(coarse[i % n_classes] + rng.normal(0, 60, (8, 8, 3)), 0, 255).astype(np.uint8)
            path = folder / "photos" / "train" / f"class {i % n_classes}" / f"{i}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).resize((side, side)).save(path)
        return f"{folder / 'photos'}:{side}", n * side**2 * 3
    n, d = {"rows": (size, 50), "features": (2000, size), "classes": (8000, 20)}[what]
    y = np.arange(n) % n_classes
    X = rng.normal(size=(n, d)) + 0.3 * rng.normal(size=(n_classes, d))[y]
    np.savez(folder / "data.npz", X=X.astype(np.float32), y=y)
    return str(folder / "data.npz"), n * d


def run(*command):
    """What a command prints, its CPU seconds, those of its children included, and the MB of the largest of them."""
    done = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    said, _, numbers = done.stdout.rstrip("\n").rpartition("\n")
    return said, *map(float, numbers.split())


def measure(what, size):
    """A row of the table."""
    with tempfile.TemporaryDirectory() as name:
        data, numbers = make(what, size, Path(name))
        out = Path(name) / "out"
        words = ("report", "--data", data, "--only", "your_data", "--epochs", "10", "--out", str(out))
        said, cpu, peak = run(sys.executable, "-m", "linclf", *words)
        _, peer, _ = run(sys.executable, "-c", PEER, data)
        page, store = (out / "index.html").stat().st_size, sum(file.stat().st_size for file in (out / "runs").iterdir())
    stages = re.search(r"done in \d+ s: ([^;\n]*)", said)[1]
    row = {"what": what, "size": size, "cpu": cpu, "peak": peak, "bound": 6 * 4 * numbers / 1e6 + 400}
    return row | {"stages": stages, "page": page / 1e6, "runs": store / 1e6, "peer": peer}


def table(rows):
    """The rows as Markdown."""
    lines = [
        "| what | size | CPU, s | by stage | peak MB, of at most | page, MB | runs, MB | LogisticRegression, CPU, s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        numbers = f"{row['peak']:.0f} of {row['bound']:.0f} | {row['page']:.2f} | {row['runs']:.1f} | {row['peer']:.1f}"
        what = f"{row['what']}, {OTHERS[row['what']]}"
        lines.append(f"| {what} | {row['size']:,} | {row['cpu']:.1f} | {row['stages']} | {numbers} |")
    return "\n".join(lines)


def plot(rows):
    """CPU seconds and peak memory against the size."""
    with plt.rc_context({"svg.hashsalt": "linclf", "svg.fonttype": "none"}):
        fig, axes = plt.subplots(1, len(SIZES), figsize=(11, 2.8), layout="constrained", sharey=True)
        for ax, what in zip(axes, SIZES, strict=True):
            chosen = [row for row in rows if row["what"] == what]
            for name, style, label in (("cpu", "o-", "CPU, s"), ("peak", "s--", "peak, MB")):
                ax.loglog([row["size"] for row in chosen], [row[name] for row in chosen], style, label=label)
            ax.set(xlabel=what)
            ax.minorticks_off()
        axes[0].legend(frameon=False)
        fig.savefig(DOCS / "static" / "reports.svg", metadata={"Date": None})


def main():
    rows = []
    for what, sizes in SIZES.items():
        for size in sizes:
            rows.append(measure(what, size))
            print(json.dumps(rows[-1]), flush=True)
    page = DOCS / "speed.md"
    start, end = "<!-- growth -->\n", "\n<!-- end of growth -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(start)
    page.write_text(before + start + table(rows) + end + rest.partition(end)[2], encoding="utf-8")
    plot(rows)
