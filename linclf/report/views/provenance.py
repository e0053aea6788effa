"""Where a page's numbers come from: which data, how far they are the reference's, and what made them."""

import shlex
import time
from typing import Any

from linclf.claims.ledger import ledger
from linclf.studies.reference.study import Study
from linclf.system import environment

from . import html


def is_the_references(data: str) -> bool:
    """Whether the data called ``data`` are what the reference's numbers are about."""
    return bool(data == ledger()["rule"]["data"])


def data_note(study: Study) -> Any:
    """Which data this page is made on, with a warning where they are not the reference's; where "auto" keeps runs."""
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
    return html.callout(f"{text} {study.kept}".strip(), kind=kind)


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


def provenance(study: Study, notebook: str, *, seeds: str | None = None, **parameters: object) -> Any:
    """Where this page's numbers come from, and the command that makes the page again.

    Args:
        seeds: which ones, in words, where they are not the plan's.
        parameters: the notebook's own, beside the plan's.
    """
    data, plan = study.data.provenance, study.plan
    command = ["linclf", "report", "--data", str(study.source), "--out", str(study.out_dir), "--only", notebook]
    for name, value in (("seeds", plan.seeds), ("first-seed", plan.first_seed), ("epochs", plan.epochs)):
        command += [f"--{name}", str(value)]
    for name, default in (("n_validation", 1000), ("lr_decay", 0.9)):
        if getattr(plan, name) != default:
            parameters[name] = getattr(plan, name)
    for name, given in parameters.items():
        command += ["-p", f"{name}={given}"]
    if seeds is None:
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
