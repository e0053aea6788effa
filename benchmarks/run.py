"""``make bench``: time linclf beside other tools, a process each, in alternation; write results, a page and plots."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tools
from accuracy import results as accuracies
from accuracy import section
from growth import main as reports_growth

import linclf
from linclf.system.environment import describe, environment

HERE = Path(__file__).parent
STACKS = (1, 4, 20, 40)
AT_SOME = {
    "textbook": (1, 40),
    "sklearn_sgd": (1,),
    "torch_loader": (1,),
    "torch_sliced": (1, 4),
    "linclf_evaluated": (4,),
    "linclf_shuffled": (4,),
    "linclf_uint8": (4,),
    "linclf_float32": (4,),
    "floor_evaluated": (4,),
    "floor_shuffled": (4,),
}
"""The K at which a tool runs, where not at all of them."""
QUICK = {K: ("linclf_train", "floor", "linclf_hinge") for K in (1, 4)}
"""What takes half a second, and is bound to a few percent: three turns a round, of which the median counts."""

GROUPS = {
    "fastest loop as people write it": ("textbook", "torch_loader", "torch_sliced"),
    "fastest hand-stacked peer": ("torch_stacked", "jax_scan"),
}
SAME_WEIGHTS = (*GROUPS["fastest loop as people write it"], *GROUPS["fastest hand-stacked peer"], "linclf_evaluated")
TOLERANCE = 1e-3
"""Greatest difference of two tools' weights over the greatest weight; a tool that differs more does not count."""

BOUNDS = (
    # what, over what, at which K, "<=" or ">=", bound, the floor with what is added, where that alone takes too long
    *(("linclf_train", "floor", K, "<=", bound, None) for K, bound in ((1, 1.2), (4, 1.2), (20, 1.15), (40, 1.15))),
    *(("linclf_hinge", "floor", K, "<=", bound, None) for K, bound in ((1, 1.25), (4, 1.25), (20, 1.25), (40, 1.25))),
    *(("fastest loop as people write it", "linclf_train", K, ">=", bound, None) for K, bound in ((1, 2.5), (40, 7))),
    *(("fastest hand-stacked peer", "linclf_train", K, ">=", bound, None) for K, bound in ((4, 1), (20, 1), (40, 1))),
    ("linclf_evaluated", "linclf_train", 4, "<=", 1.45, "floor_evaluated"),
    ("linclf_shuffled", "linclf_train", 4, "<=", 1.08, "floor_shuffled"),
    ("linclf_uint8", "linclf_float32", 4, "<=", 1.4, None),
)


def once(name, K, folder):
    """What one run of a tool, in a process of its own, says of itself."""
    command = [sys.executable, HERE / "tools.py", name, str(K), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name} at K = {K} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def seconds_to_import(module):
    """With compiled bytecode, which installed packages have: the environment may forbid Python to keep ours."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], env=environ, check=True)
    return time.perf_counter() - started


def alternate(repeats, folder):
    """Every tool at every K, ``repeats`` times round, as {K: {tool: [seconds]}}."""
    runs = {K: {name: [] for name in tools.TOOLS if K in AT_SOME.get(name, STACKS)} for K in STACKS}
    for i in range(repeats):
        for K in STACKS:
            turns = {name: [] for name in runs[K]}
            for name in (*QUICK.get(K, ()), *runs[K], *QUICK.get(K, ())):
                turns[name].append(once(name, K, folder)["seconds"])
            for name, seconds in turns.items():
                runs[K][name].append(statistics.median(seconds))
        print(f"round {i + 1} of {repeats}", flush=True)
    return runs


def differences(folder):
    """Greatest difference of each tool's weights from linclf's, over the greatest weight, as {K: {tool: number}}."""
    found = {}
    for K in STACKS:
        ours = np.load(folder / f"linclf_train-{K}.npy")
        found[K] = {
            name: float(np.abs(np.load(folder / f"{name}-{K}.npy") - ours).max() / np.abs(ours).max())
            for name in SAME_WEIGHTS
            if K in AT_SOME.get(name, STACKS)
        }
    return found


def ratios(runs, differs, imports):
    """Each bound with the ratio measured: the median over the rounds; of a group, that of its fastest tool.

    Beside it that of the least times, which is what the machine does when nothing else disturbs it.
    """

    def ratio(above, below, K):
        names = [name for name in GROUPS.get(above, (above,)) if name in runs[K]]
        pairs = [(runs[K][name], runs[K][below]) for name in names if differs[K].get(name, 0) <= TOLERANCE]
        return {
            "ratio": float(min(statistics.median(np.divide(a, b)) for a, b in pairs)),
            "of the least": float(min(min(a) / min(b) for a, b in pairs)),
        }

    rows = []
    for above, below, K, sign, bound, reason in BOUNDS:
        row = {"what": above, "over": below, "K": K, "bound": f"{sign} {bound:g}", **ratio(above, below, K)}
        if reason:
            added = np.subtract(runs[K][reason], runs[K]["floor"])
            row["what is added, alone"] = float(statistics.median(1 + added / runs[K][below]))
        rows.append(row)
    a, b = imports["linclf"], imports["numpy"]
    share = {"ratio": statistics.median(a) / statistics.median(b), "of the least": min(a) / min(b)}
    rows.append({"what": "import linclf", "over": "import numpy", "K": None, "bound": "<= 1.3", **share})
    for row in rows:
        sign, bound = row["bound"].split()
        row["reached"] = bool(row["ratio"] <= float(bound) if sign == "<=" else row["ratio"] >= float(bound))
    return rows


def growth():
    """Seconds of ``train`` against the number of images, inputs and networks, and the exponent fitted to each."""
    rng = np.random.default_rng(0)
    base = {"images": 10_000, "inputs": 3072, "networks": 4}
    grid = {"images": (2500, 5000, 10_000, 20_000), "inputs": (768, 1536, 3072, 6144), "networks": (1, 2, 4, 8, 20, 40)}
    found = {}
    for what, sizes in grid.items():
        seconds = {size: [] for size in sizes}
        for _ in range(5):
            for size in sizes:
                n, d, K = (base | {what: size}).values()
                X, y = rng.standard_normal((n, d), dtype=np.float32), rng.integers(0, 10, n)
                configs = [linclf.Config(learning_rate=0.001, l2=0.1, epochs=3, seed=k) for k in range(K)]
                started = time.perf_counter()
                linclf.train(configs, (X, y), evaluate=False, progress=False)
                seconds[size].append(time.perf_counter() - started)
        medians = {size: statistics.median(each) for size, each in seconds.items()}
        fitted = [size for size in sizes if what != "networks" or size <= 20]
        exponent = np.polyfit(np.log(fitted), np.log([medians[size] for size in fitted]), 1)[0]
        found[what] = {"seconds": medians, "exponent": float(exponent)}
    return found


def peak_gflops():
    """Operations a second of a large square product, in 10^9: the machine's limit for any."""
    A, seconds = np.ones((4096, 4096), np.float32), []
    for _ in range(5):
        started = time.perf_counter()
        A @ A
        seconds.append(time.perf_counter() - started)
    return 2 * 4096**3 / min(seconds) / 1e9


def page(results):
    """The results as Markdown."""
    runs = {int(K): by_tool for K, by_tool in results["seconds"].items()}  # names, once they were JSON
    lines = ["# Benchmark", ""]
    lines += [f"Made by `make bench` on {results['date']}.", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [
        "",
        "10 epochs over 10,000 images of 3,072 inputs in batches of 100, float32, two threads; set-up counted in.",
    ]
    lines += ["The floor is the two matrix products of each batch in NumPy, and nothing else."]
    lines += ["From 20 networks on, linclf's rows are of linclf.sweep, which is for many.", "", "## Bounds", ""]
    lines += [
        "Ratio: the median over the rounds of the ratio within a round, which the bound is for. "
        "Of the least: the ratio of the least times, which is what the machine does when nothing else disturbs it.",
        "",
    ]
    lines += [
        "| what | over | K | ratio | of the least | bound | reached |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in results["ratios"]:
        reached = "yes" if row["reached"] else "no"
        if not row["reached"] and "what is added, alone" in row:
            reached += f": what it adds to the bare products would alone make it {row['what is added, alone']:.2f}"
        K = "" if row["K"] is None else row["K"]
        measured = f"{row['ratio']:.2f} | {row['of the least']:.2f}"
        lines.append(f"| {row['what']} | {row['over']} | {K} | {measured} | {row['bound']} | {reached} |")
    # GFLOP of scoring 20,000 images with 40 rows of weights, before training and after each epoch; and their seconds.
    scored = 2 * 40 * 3072 * 20_000 * (tools.EPOCHS + 1) / 1e9
    within = 0.45 * statistics.median(runs[4]["linclf_train"])
    bare = statistics.median(np.subtract(runs[4]["floor_evaluated"], runs[4]["floor"]))
    lines += [
        "",
        f"Evaluation at K = 4 scores 20,000 images {tools.EPOCHS + 1} times, {scored:.0f} GFLOP. Its bound leaves "
        f"{within:.2f} s for that, which asks for {scored / within:.0f} GFLOP/s. NumPy's bare product of 1,000 images "
        f"and 40 rows of weights does {scored / bare:.0f}; a square product of 4,096 rows, which is as fast as "
        f"products get, {results['peak_gflops']:.0f}.",
    ]
    lines += ["", "![Seconds by tool and number of networks](times.svg)", "", "## Seconds", ""]
    lines += [
        "Median (least to greatest) of the rounds; K networks. "
        f"At K = {' and '.join(map(str, QUICK))}, {', '.join(QUICK[4])} take three turns a round, whose median counts.",
        "",
        "| tool |" + "".join(f" K = {K} |" for K in STACKS),
    ]
    lines += ["| --- |" + " --- |" * len(STACKS)]
    for name in tools.TOOLS:
        cells = [
            f"{statistics.median(s):.2f} ({min(s):.2f} to {max(s):.2f})" if (s := runs[K].get(name)) else ""
            for K in STACKS
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    greatest = max(value for each in results["weights_differ_by"].values() for value in each.values())
    lines += ["", f"All tools but scikit-learn's end at the same weights, to {greatest:.0e} of the greatest.", ""]
    lines += ["## Growth", "", "![Seconds against images, inputs and networks](growth.svg)", ""]
    lines += [f"- Seconds grow with {what} to the power {g['exponent']:.2f}." for what, g in results["growth"].items()]
    memory = results["memory"]
    lines += ["", "## Memory", ""]
    lines += [f"- 49,000 images that stay uint8, K = 4: peak {memory['uint8']['peak_mb']:.0f} MB resident."]
    lines += [
        f"- A file of 10 GB (sparse), one epoch: {memory['10 GB']['seconds']:.0f} s, "
        f"{memory['10 GB']['own_mb']:.0f} MB of the process's own; "
        "the mapped file's pages come and go with the system's cache."
    ]
    if results["seconds_to_38_percent"]:
        lines += ["", "## Seconds to 38 % test accuracy, CIFAR-10's first batch", ""]
        for name, fit in results["seconds_to_38_percent"].items():
            lines += [f"- {name}: {fit['seconds']:.1f} s ({fit['passes']} passes)" if fit else f"- {name}: not reached"]
    return "\n".join([*lines, *section(results["accuracy"])]) + "\n"


def plot(results):
    """Seconds by tool and K, and growth."""
    with plt.rc_context({"svg.hashsalt": "linclf", "svg.fonttype": "none"}):
        fig, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
        names = [name for name in tools.TOOLS if name not in AT_SOME]
        for i, name in enumerate(names):
            medians = [statistics.median(results["seconds"][K][name]) for K in STACKS]
            ax.bar(np.arange(len(STACKS)) + 0.13 * i, medians, width=0.12, label=name)
        ax.set(xticks=np.arange(len(STACKS)) + 0.33, xticklabels=[f"K = {K}" for K in STACKS], ylabel="seconds")
        ax.set_yscale("log")
        ax.legend(frameon=False, ncols=2)
        fig.savefig(HERE / "times.svg", metadata={"Date": None})
        fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
        for ax, (what, found) in zip(axes, results["growth"].items(), strict=True):
            ax.loglog(list(found["seconds"]), list(found["seconds"].values()), "o-")
            ax.set(xlabel=what, ylabel="seconds", title=f"power {found['exponent']:.2f}")
        fig.savefig(HERE / "growth.svg", metadata={"Date": None})


def write(results):
    """The results, and the page of them."""
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "README.md").write_text(page(results), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="rounds, default 7")
    alone = "a part alone: how reports grow with their data, or the estimators' accuracy beside scikit-learn's"
    parser.add_argument("what", nargs="?", choices=["growth", "accuracy"], help=alone)
    options = parser.parse_args()
    if options.what == "growth":
        return reports_growth()
    if options.what == "accuracy":
        return write(json.loads((HERE / "results.json").read_text()) | {"accuracy": accuracies()})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = linclf.load_dataset("synthetic")
        images, labels = np.concatenate(data.train_images), np.concatenate(data.train_labels)
        np.save(folder / "X.npy", linclf.Standardizer.fit(images)(images))
        np.save(folder / "y.npy", labels)
        runs = alternate(options.repeats, folder)
        differs = differences(folder)
        memory = {"uint8": once("linclf_uint8", 4, folder), "10 GB": once("linclf_10_gb", 1, folder)}
        imports = {"numpy": [], "linclf": []}
        for _ in range(20):
            for module, seconds in imports.items():
                seconds.append(seconds_to_import(module))
        on_cifar10 = linclf.load_dataset("auto").provenance.name == "CIFAR-10"
        to_38 = once("seconds_to_38_percent", 1, folder) if on_cifar10 else None
    results = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": describe() | {"peers": ", ".join(f"{p} {version(p)}" for p in ("torch", "jax", "scikit-learn"))},
        "environment": environment(),
        "ratios": ratios(runs, differs, imports),
        "seconds": runs,
        "weights_differ_by": differs,
        "imports": imports,
        "memory": memory,
        "growth": growth(),
        "peak_gflops": peak_gflops(),
        "seconds_to_38_percent": to_38,
        "accuracy": accuracies(),
    }
    write(results)
    plot(results)
    missed = [row["what"] for row in results["ratios"] if not row["reached"]]
    print(f"{HERE / 'README.md'}: {len(results['ratios']) - len(missed)} bounds reached, {len(missed)} not")


if __name__ == "__main__":
    main()
