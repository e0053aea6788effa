"""Views of where a page's numbers come from: the data, how they differ from the reference's, and what made them."""

import shlex
import time
from dataclasses import fields
from pathlib import Path

from linclf.data.dataset import CIFAR10, Provenance
from linclf.report.pages import tree_around
from linclf.studies.reference import ReferenceStudy
from linclf.studies.study import Plan, Study
from linclf.system import environment

from . import html

_JPEG_COPY = "ca82fddcc02ede59727dca10c458e34b7a40bd07b0495e3625df31adf376ffb2"
"""Content SHA-256 of a copy of CIFAR-10 whose pictures went through JPEG once."""


def is_the_references(data: str) -> bool:
    """Whether the data called ``data`` are what the reference's numbers are about."""
    return data == CIFAR10


def data_note(study: Study) -> html.Output:
    """Which data this page is made on, with a warning where they are not the reference's; where "auto" keeps runs."""
    data = study.data
    provenance = data.provenance
    more = [f"Data: {provenance.describe()}", *how_it_ran(study)]
    if is_the_references(provenance.name):
        copy = f", but not on its official bytes{_about(provenance)}" if provenance.official is False else ""
        return html.callout(f"Made on {provenance.name}{copy}.", more=" ".join(more))
    text = "Made on other data, not on CIFAR-10: the reference's numbers, and what is said of them, do not apply here."
    if provenance.synthetic:
        text = "Made on a surrogate of CIFAR-10, not on CIFAR-10: accuracies differ by some points" + (
            ", and no claim gets a verdict." if isinstance(study, ReferenceStudy) else "."
        )
        more.insert(
            0,
            "A linear classifier meets much the same means and covariances, so that much is as there: the "
            "baseline's page made on CIFAR-10 compares them. A "
            f"training batch has {len(data.train_labels[0]):,} images here and 10,000 there: the fewer they are, the "
            "more is learned by heart (--data synthetic:10000 draws as many).",
        )
    return html.callout(text, kind="warning", more=" ".join(more))


def _about(data: Provenance) -> str:
    """A note on a known copy of CIFAR-10, in brackets."""
    return " (its pictures went through JPEG once)" if data.sha256 == _JPEG_COPY else ""


def not_real(study: Study, figure: str, page: str = "learn") -> html.Output | None:
    """Where single pictures are to be looked at: that a surrogate's show nothing, and where real ones are; else None.

    ``figure`` is the number of the same figure on the ``page`` of the committed report.
    """
    if not study.data.provenance.synthetic:
        return None
    there, source = Path("reports", "cifar-10", f"{page}.html"), tree_around(study.out_dir)
    where = f"figure {figure} of `{there.as_posix()}`"
    if source:
        where = f"[figure {figure} of the report on CIFAR-10]({(source / there).as_posix()}#figure-{figure})"
    return html.prose(
        "*Single pictures of a surrogate are clouds of colour, in which nobody can see what is wrong: "
        f"{where} has real pictures, and `linclf report --data cifar-10` makes it here.*"
    )


def how_it_ran(study: Study) -> list[str]:
    """Sentences on what was special about this run: short memory, and where "auto" keeps runs."""
    said = "Memory was short here: images stayed as they are stored, and were converted a mini-batch at a time."
    return [text for text in (said * study.short_of_memory, study.kept) if text]


def data_deviation(study: Study) -> html.Output:
    """A line of the list of deviations: how these data differ from the reference's."""
    provenance = study.data.provenance
    words = {
        True: "the official bytes of CIFAR-10, as the reference's",
        False: f"not the official bytes of CIFAR-10{_about(provenance)}: small differences from the reference may come "
        "from the data",
        None: "CIFAR-10 as far as its labels and shapes tell; no official checksum exists for this layout's files",
    }[provenance.official]
    if not is_the_references(provenance.name):
        kind = "a surrogate of CIFAR-10" if provenance.synthetic else "other data than the reference's"
        words = f"{kind}, so that nothing here can be compared with the reference"
    return html.prose(f"- **Data.** These are {words} (content SHA-256 `{provenance.sha256[:16]}…`).")


def provenance(study: Study, notebook: str) -> html.Output:
    """Where this page's numbers come from, and the command that makes the page again."""
    out = [] if study.kept else ["--out", str(study.out_dir)]
    command = ["linclf", "report", "--data", str(study.source), *out, "--only", notebook]
    options = [field.name for field in fields(Plan)]  # of the command; the others are given with -p
    for field in fields(study.plan):
        value = getattr(study.plan, field.name)
        if field.name in options:
            command += [f"--{field.name.replace('_', '-')}", str(value)]
        elif value != field.default:
            command += ["-p", f"{field.name}={value}"]
    made = f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, the page in {time.monotonic() - study.started:.0f} s"
    return html.provenance(
        {
            "data": study.data.provenance.describe(),
            "content SHA-256": study.data.provenance.sha256,
            "seeds": study.plan.seeds_in_words,
            **environment.describe(),
            "made": html.timed(made),
            "command": shlex.join(command),
        }
    )
