"""The report's pages: their titles, sections, files and order, and which of them a report on some data has."""

from collections.abc import Iterable
from dataclasses import dataclass

from linclf.data.dataset import CIFAR10, Provenance
from linclf.studies.reference.design import ARMS, SECTIONS


@dataclass(frozen=True)
class Page:
    """A notebook's page.

    Attributes:
        title: in the navigation.
        study: what trains for it before any notebook runs: "reference", "ceiling" or "your_data"; None for a page that
            trains for itself.
        section: the section of the reference that it shows, or None.
    """

    title: str
    study: str | None = "reference"
    section: str | None = None

    @property
    def arms(self) -> tuple[str, ...]:
        """The reference's arms that the page shows: those of its section, or all."""
        if self.study != "reference":
            return ()
        return SECTIONS[self.section] if self.section else tuple(ARMS)


PAGES = {
    "0_baseline": Page("Baseline", section="abstract"),
    "1_1_all_data": Page("1.1 All the data", section="1.1"),
    "1_2_learning_rate_decay": Page("1.2 Learning-rate decay", section="1.2"),
    "1_3_shuffling": Page("1.3 Shuffling", section="1.3"),
    "2_svm": Page("2 SVM loss", section="2"),
    "3_ceiling": Page("3 The ceiling", "ceiling", "3"),
    "summary": Page("Summary"),
    "your_data": Page("Your data", "your_data"),
}
"""The notebooks in the order in which they run."""

_FIRST = ("summary", "your_data")
REFERENCE = tuple(name for name in PAGES if name != "your_data")
OTHERS = ("your_data",)
"""The pages of a report, on CIFAR-10 or its surrogate, and on other data."""


def report_pages(provenance: Provenance) -> tuple[str, ...]:
    """The pages that a report on these data has unless others are named."""
    return REFERENCE if _on_the_references(provenance) else OTHERS


def first_page(provenance: Provenance) -> str:
    """The page of a report on these data that is ``index.html``."""
    return _FIRST[not _on_the_references(provenance)]


def page_file(name: str, first: str = _FIRST[0]) -> str:
    """The file of a notebook's page, in a report whose first page is that of the notebook ``first``."""
    return "index.html" if name == first else f"{name}.html"


def reading_order(names: Iterable[str]) -> list[str]:
    """The pages among ``names`` as a reader meets them: the first page, then the sections."""
    return sorted(names, key=lambda name: (name not in _FIRST, list(PAGES).index(name)))


def section_page(section: str) -> str:
    """The file of the page that shows a section of the reference."""
    return next(page_file(name) for name, page in PAGES.items() if page.section == section)


def _on_the_references(provenance: Provenance) -> bool:
    """Whether the data are CIFAR-10 or its surrogate: a report on them is the reference's, made again."""
    return provenance.synthetic or provenance.name == CIFAR10
