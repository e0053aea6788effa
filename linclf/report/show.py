"""What the notebooks show: each function takes results and returns one figure, table or box of the page."""

import math
import shlex
import time
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from .. import environment, metrics, plots
from ..claims import Region, evaluate, ledger
from ..experiments import ARMS, SETTINGS
from ..results import Results
from ..study import Study
from . import html
from .site import section_page

REFERENCE_SVM = {1: 28.92, 2: 34.98, 3: 35.81, 4: 36.03}
"""Test accuracies in percent that the reference prints in its section 2."""


def setting_name(setting: int) -> str:
    """The setting with its λ and η, for captions and tables."""
    l2, learning_rate = SETTINGS[setting]
    return f"setting {setting} (λ = {l2:g}, η = {learning_rate:g})"


def is_the_references(data: str) -> bool:
    """Whether the data called ``data`` are what the reference's numbers are about."""
    return data == ledger()["rule"]["data"]


def data_note(study: Study) -> Any:
    """Which data this page is made on; a warning where they are not the reference's."""
    provenance = study.data.provenance
    text, kind = provenance.describe(), "note"
    if study.short_of_memory:
        text += " Memory was short here: images stayed as they are stored, and were converted a mini-batch at a time."
    if provenance.synthetic:
        text = (
            "Made on the generated stand-in, not on CIFAR-10: the figures show how the report works, and none of "
            f"their numbers says anything about the reference's. Data: {text}"
        )
        kind = "warning"
    elif not is_the_references(provenance.name):
        text = (
            "Made on other data, not on CIFAR-10: the reference's numbers, and what is said of them, do not apply "
            f"here. Data: {text}"
        )
        kind = "warning"
    return html.callout(text, kind=kind)


def data_deviation(study: Study) -> Any:
    """What differs on this data from the reference's, as a line of the list of deviations."""
    provenance = study.data.provenance
    words = {
        True: "the official bytes of CIFAR-10, as the reference's",
        False: "not the official bytes of CIFAR-10: small differences from the reference may come from the data",
        None: "CIFAR-10 as far as its labels and shapes tell; no official checksum exists for this layout's files",
    }[provenance.official]
    if not is_the_references(provenance.name):
        kind = "the generated stand-in" if provenance.synthetic else "other data than the reference's"
        words = f"{kind}, so that nothing here can be compared with the reference"
    return html.prose(f"- **Data.** These are {words} (content SHA-256 `{provenance.sha256[:16]}…`).")


def curves(
    results: Results,
    arm: str,
    setting: int,
    quantity: str = "loss",
    *,
    number: int | str,
    beside: str | None = None,
    limits: tuple[float, float] | None = None,
) -> Any:
    """Loss or cost over the epochs as a numbered figure that says in words what it shows."""
    axes = plots.curves(results, arm, setting, quantity, beside=beside, limits=limits)
    title = f"{quantity.capitalize()} over the epochs, {ARMS[arm].title}, {setting_name(setting)}."
    train, validation = (results.curves(arm, setting, f"{name}_{quantity}") for name in ("train", "validation"))
    ends = "; ".join(
        f"{name} {quantity} from {mean[0]:.3g} to {mean[-1]:.3g}, least {mean.min():.3g} at epoch {mean.argmin()}"
        for name, mean in (("training", train.mean(axis=0)), ("validation", validation.mean(axis=0)))
    )
    return html.figure(
        axes.figure,
        number=number,
        caption=f"{title} {_seen(train, validation, quantity)}",
        alt=f"Two curves over {train.shape[1] - 1} epochs: {ends}.",
        data=plots.curve_numbers(results, arm, setting, quantity),
    )


def _seen(train: np.ndarray, validation: np.ndarray, quantity: str) -> str:
    """What to see in curves (seeds, epochs + 1): whether training jumps or falls, and where validation turns."""
    epochs = train.shape[1] - 1
    rises = (np.diff(train) > 0).sum(axis=1).mean()
    start, end = train.mean(axis=0)[[0, -1]]
    if rises > epochs / 5:
        first = f"Training {quantity} jumps: it goes up in {rises:.0f} of {epochs} epochs"
    else:
        first = f"Training {quantity} {'falls' if end < start else 'grows'} steadily, from {start:.3g} to {end:.3g}"
    mean = validation.mean(axis=0)
    least = int(mean.argmin())
    if mean[-1] > 1.005 * mean[least]:
        when = "before training" if least == 0 else f"at epoch {least}"
        second = f"validation {quantity} is least {when}, {mean[least]:.3g}, and ends at {mean[-1]:.3g}"
    else:
        second = f"validation {quantity} stays at about its lowest to the end, {mean[-1]:.3g}"
    return f"{first}; {second}."


def templates(study: Study, arm: str, setting: int, *, number: int | str) -> Any:
    """The weights of each class as pictures (of the first seed's network), as a numbered figure.

    A sentence in place of pictures for feature vectors, and for more than four channels.
    """
    model, shape = study.models(arm, setting)[0], study.image_shape
    sharpness = metrics.sharpness(model.W, shape)
    if sharpness is None:
        return html.callout(f"No pictures of the weights, {setting_name(setting)}: the inputs are feature vectors.")
    if shape[2] > 4:
        return html.callout(f"No pictures of the weights, {setting_name(setting)}: an image has {shape[2]} channels.")
    title = f"Weights after training, {ARMS[arm].title}, {setting_name(setting)}, seed {study.plan.first_seed}."
    if shape[2] not in (1, 3):
        title += f" The {shape[2]} channels stand side by side."
    look = ": mostly noise" if sharpness < 0.25 else ": shapes under noise" if sharpness < 0.6 else ": smooth shapes"
    if min(shape[:2]) < 16:  # noise, too, has much of its energy there
        look = ", which says little of images this small"
    return html.templates(
        plots.template_images(model.W, shape),
        study.data.class_names,
        number=number,
        caption=f"{title} {_whole(sharpness)} of their spectral energy lies at 4 cycles an image or below{look}.",
        alt=f"One picture a class{look}.",
        weights=model.W.reshape(-1, *shape),
    )


def confusion(study: Study, arm: str, setting: int, *, number: int | str) -> Any:
    """The confusion matrix on the test images, over all seeds, as a numbered figure."""
    names, labels = study.data.class_names, study.data.test_labels
    predictions = study.predictions(arm, setting)
    matrix = np.sum([metrics.confusion_matrix(p, labels, len(names)) for p in predictions], axis=0)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    right = np.where(matrix.any(axis=1), np.diag(share), np.nan)  # of classes without test images nothing is known
    best, worst = np.nanargmax(right), np.nanargmin(right)
    off = share - np.diag(np.diag(share))
    true, given = np.unravel_index(off.argmax(), off.shape)
    found = (
        f"Recognised best is {names[best]} ({_whole(share[best, best])}), worst {names[worst]} "
        f"({_whole(share[worst, worst])}); "
        f"the most frequent mistake is {names[true]} taken for {names[given]} ({_whole(off[true, given])})."
    )
    if not off.any():
        found = "No image is taken for another class's."
    title = f"Test images by true and predicted class, {ARMS[arm].title}, {setting_name(setting)}."
    if len(names) > plots.MOST_NAMED_CLASSES:
        title += " Classes are numbered from 0, in the order of the CSV file's columns."
    return html.figure(
        plots.confusion(matrix, names).figure,
        number=number,
        caption=f"{title} Each row adds up to 100 %. {found}",
        alt=f"{title} {found}",
        data={"true class": list(names)} | {f"predicted {name}": matrix[:, i].tolist() for i, name in enumerate(names)},
    )


def accuracies(results: Results, arms: Sequence[str], *, caption: str) -> Any:
    """Accuracy on training, validation and test images, a row an arm and setting: mean over seeds ± their spread."""
    rows = []
    for setting in SETTINGS:
        for arm in arms:
            ends = [results.curves(arm, setting, f"{name}_accuracy")[:, -1] for name in ("train", "validation")]
            test = results.values(arm, setting, "test_accuracy")
            l2, learning_rate = SETTINGS[setting]
            cells = [percent(values) for values in (*ends, test)]
            rows.append([str(setting), f"{l2:g}", f"{learning_rate:g}", ARMS[arm].title, *cells])
    columns = ["setting", "λ", "η", "arm", "training, %", "validation, %", "test, %"]
    return html.table(columns, rows, caption=caption)


def best_setting(results: Results, arm: str) -> int:
    """The setting with the highest mean validation accuracy at the end: no choice is made on test images."""
    return max(SETTINGS, key=lambda i: results.curves(arm, i, "validation_accuracy")[:, -1].mean())


def difference(results: Results, arm: str, other: str, setting: int) -> str:
    """Mean difference of test accuracy between two arms, paired by seed, in percentage points."""
    points = 100 * (results.values(arm, setting, "test_accuracy") - results.values(other, setting, "test_accuracy"))
    return f"{points.mean():+.2f} points"


def reference_svm(results: Results) -> Any:
    """Test accuracy of the SVM network beside what the reference printed; the latter for CIFAR-10 only."""
    comparable = is_the_references(results.data["name"])
    rows = []
    for setting, printed in REFERENCE_SVM.items():
        ours = results.values("svm", setting, "test_accuracy")
        rows.append([setting_name(setting), percent(ours), f"{printed:.2f}" if comparable else "(CIFAR-10 only)"])
    return html.table(["setting", "here, %", "reference, %"], rows, caption="Test accuracy with the SVM loss.")


def claims(results: Results, *ids: str) -> Any:
    """What the reference says here, what was found, and the verdict; all claims if none is named."""
    evaluated, comparable = evaluate(results, only=ids), is_the_references(results.data["name"])
    rows = []
    for claim in evaluated["claims"]:
        anchor = f"figure-{claim['figure']}" if claim["figure"] else f"claim-{claim['id']}"
        # What all verdicts lack stands above the table, not in each row.
        lacks = (claim["missing"] or "").removeprefix(evaluated["missing"] or "").removeprefix("; ")
        missing = f"<div>{escape(lacks)}</div>" if lacks else ""
        rows.append(
            {
                **{key: claim[key] for key in ("id", "says", "statistic")},
                "where": f"§ {claim['where']}" if claim["where"][0].isdigit() else claim["where"],
                "link": f"#{anchor}" if ids else f"{section_page(claim['section'])}#{anchor}",
                "found": "".join(_part(part, claim, comparable) for part in claim["parts"]) + missing,
                "verdict": html.verdict(claim["verdict"]),
            }
        )
    caption = "Dot and line: value and 95 % interval; shaded: where the claim holds."
    if evaluated["missing"]:
        caption = f"Values without a verdict, which {evaluated['missing']}."
    return html.claims(rows, caption=caption)


def verdict_counts(results: Results) -> Any:
    """The report's answer in one sentence: how many claims are reproduced, refuted, inconclusive."""
    evaluated = evaluate(results)
    total = len(evaluated["claims"])
    if evaluated["missing"]:
        return html.callout(
            f"The reference makes {total} statements that can be measured. No verdict on them is printed here: a "
            f"verdict {evaluated['missing']}.",
            kind="warning",
        )
    return html.counts(
        {word: str(number) for word, number in evaluated["counts"].items()}, f"of {total} measurable statements"
    )


def _part(part: dict[str, Any], claim: dict[str, Any], comparable: bool) -> str:
    """One number of a claim with its interval and, on data that compare with the reference's, region, as markup."""
    several = len({(test["measure"], test.get("key"), test.get("size")) for test in claim["parts"]}) > 1
    words = [str(part[key]).replace("_", " ") for key in ("measure", "key", "size") if several and key in part]
    label = " ".join([*words, part["of"].replace("_", " ").replace(" - ", " − ")])
    if part["value"] is None:
        return f"<div>{escape(label)}: not measured</div>"
    value, low, high = part["value"], part["low"], part["high"]
    unit = f" {claim['unit']}" if claim["unit"] else ""
    text = _digits(value, low, high)
    if low is not None and low != high:
        text += f" ({_digits(low, low, high)} to {_digits(high, low, high)})"
    text = f"{label}: {text}{unit}".replace("-", "−")
    if not comparable:
        return f"<div>{escape(text)}</div>"
    if part["region"] is None:
        return f"<div>{escape(text)}, shown beside</div>"
    region = Region.parse(part["region"])
    picture = ""
    if low is not None and low != high:
        said = f"{text}; region {part['region']}"
        picture = html.against_region(value, low, high, (region.low, region.high), said)
    return f"<div>{picture} {escape(text)}; region&nbsp;{escape(part['region'].replace('-', '−'))}</div>"


def _digits(number: float, low: float | None, high: float | None) -> str:
    """As many digits as the interval makes meaningful; three where there is none."""
    if low is None or high is None or low == high:
        return f"{number:,.0f}" if number == int(number) else f"{number:.3g}"
    return f"{number:.{min(max(0, 1 - math.floor(math.log10(high - low))), 6)}f}"


def draws_table(results: Results, arm: str, setting: int) -> Any:
    """How often a random draw of test images has a loss below the training loss, by size of the draw."""
    rows = []
    for size in (1000, 5000):
        shares = [run["test_draws_below"][str(size)] for run in results.runs(arm, setting)]
        known = [share for share in shares if share is not None]
        rows.append([f"{size:,}", f"{np.mean(known):.3f}" if known else "more than the test images there are"])
    final = [results.curves(arm, setting, f"{name}_loss")[:, -1].mean() for name in ("train", "validation")]
    caption = f"Share of 200 random draws of test images whose mean loss is below the training loss of {final[0]:.4f}; "
    caption += f"the validation loss is {final[1]:.4f}."
    return html.table(["images a draw", "share below"], rows, caption=caption)


def timings_table(results: Results) -> Any:
    """Seconds to train one network in stored order and shuffled, a row a seed."""
    rows: list[list[str | html.Html]] = [
        [
            str(pair["seed"]),
            html.timed(f"{pair['base']:.2f}"),
            html.timed(f"{pair['shuffle']:.2f}"),
            html.timed(f"{pair['shuffle'] / pair['base']:.2f}"),
        ]
        for pair in results.document["timings"]
    ]
    columns = ["seed", "stored order, s", "shuffled, s", "ratio"]
    return html.table(columns, rows, caption="Training time of one network, setting 2, without evaluation.")


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"


def percent(values: np.ndarray) -> str:
    """Mean of shares over seeds ± their standard deviation, in percent."""
    spread = f" ± {100 * values.std(ddof=1):.2f}" if len(values) > 1 else ""
    return f"{100 * values.mean():.2f}{spread}"


def provenance(study: Study, notebook: str) -> Any:
    """Where this page's numbers come from, and the command that makes the page again."""
    data, plan = study.data.provenance, study.plan
    command = [
        "linclf",
        "report",
        "--data",
        str(study.source),
        "--out",
        str(study.out_dir),
        "--only",
        notebook,
    ]
    command += [
        "--seeds",
        str(plan.seeds),
        "--first-seed",
        str(plan.first_seed),
        "--epochs",
        str(plan.epochs),
    ]
    for name, default in (("n_validation", 1000), ("lr_decay", 0.9)):
        if getattr(plan, name) != default:
            command += ["-p", f"{name}={getattr(plan, name)}"]
    seeds = f"{plan.first_seed}" if plan.seeds == 1 else f"{plan.first_seed} to {plan.all_seeds[-1]}"
    return html.provenance(
        {
            "data": data.describe(),
            "content SHA-256": data.sha256,
            "seeds": seeds,
            **environment.describe(),
            "made": html.timed(
                time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()) + f", in {time.monotonic() - study.started:.0f} s"
            ),
            "command": shlex.join(command),
        }
    )
