"""The report's pages: their titles, sections, files and order, and which of them a report on some data has."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from linclf.data.dataset import CIFAR10, Provenance
from linclf.studies.reference import ARMS, SECTIONS
from linclf.system.environment import source_tree


class Page(NamedTuple):
    """A notebook's page.

    Attributes:
        title: in the navigation.
        section: the section of the reference that it shows, or None.
        study: what trains for it before any notebook runs: "reference", "ceiling" or "your_data"; None for a page that
            trains for itself.
        shown: the arms of the reference that it shows without being a section.
    """

    title: str
    section: str | None = None
    study: str | None = "reference"
    shown: tuple[str, ...] = ()

    @property
    def numbers(self) -> list[str]:
        """The files of numbers that a report keeps beside the page."""
        return {None: [], "reference": ["results.json", "claims.json"]}.get(self.study, [f"{self.study}.json"])

    @property
    def arms(self) -> tuple[str, ...]:
        """The reference's arms that the page shows: ``shown``, else those of its section, else all."""
        if self.shown or self.study != "reference":
            return self.shown
        return SECTIONS[self.section] if self.section else tuple(ARMS)


CEILING = "3_ceiling"
"""The page that goes beyond the reference: ten minutes of training, and so made only where it is asked for."""

YOUR_DATA = "your_data"
"""The first page of a report on data of one's own."""

PAGES = {
    "learn": Page("Learn it", shown=("base",)),
    "0_baseline": Page("Baseline", "abstract"),
    "1_1_all_data": Page("1.1 All the data", "1.1"),
    "1_2_learning_rate_decay": Page("1.2 Learning-rate decay", "1.2"),
    "1_3_shuffling": Page("1.3 Shuffling", "1.3"),
    "2_svm": Page("2 SVM loss", "2"),
    CEILING: Page("3 The ceiling", "3", "ceiling"),
    "explore": Page("Try any setting", study=None),
    "summary": Page("Summary"),
    YOUR_DATA: Page("Your data", None, "your_data"),
}
"""The report's notebooks in the order in which they run."""

SECTION_PAGES = {page.section: name for name, page in PAGES.items() if page.section}
"""The notebook that shows each section of the reference."""
USUAL = [name for name in PAGES if name not in (CEILING, YOUR_DATA)]
"""Those of a report on CIFAR-10 or its surrogate, of which nothing else is asked."""
OTHERS = [YOUR_DATA, "explore"]
"""Those of a report on other data."""


def report_pages(provenance: Provenance) -> list[str]:
    """The notebooks of a report on these data, of which nothing else is asked."""
    return USUAL if provenance.synthetic or provenance.name == CIFAR10 else OTHERS


def first_page(provenance: Provenance) -> str:
    """The notebook whose page is the first, ``index.html``, in a report on these data."""
    return "summary" if "summary" in report_pages(provenance) else YOUR_DATA


def page_file(name: str, first: str = "summary") -> str:
    """The file of a notebook's page, in a report whose first page is that of the notebook ``first``."""
    return "index.html" if name == first else f"{name}.html"


def reading_order(names: Iterable[str], first: str = "summary") -> list[str]:
    """The pages among ``names`` as a reader meets them: the first one, then the sections."""
    return sorted(names, key=lambda name: (name != first, list(PAGES).index(name)))


def tree_around(out: Path) -> Path | None:
    """The source tree that a report's folder lies in, relative to it.

    None elsewhere: links must not lead out of a folder that is handed on.
    """
    tree, out = source_tree(), out.resolve()
    return Path(os.path.relpath(tree.resolve(), out)) if tree and out.is_relative_to(tree.resolve()) else None
