"""The report's pages: their titles, sections, files and order."""

from collections.abc import Iterable
from dataclasses import dataclass

from linclf.studies.reference.design import ARMS, SECTIONS


@dataclass(frozen=True)
class Page:
    """A notebook's page: its title in the navigation, and the section of the reference that it shows, or None."""

    title: str
    section: str | None

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that the page shows: those of its section, or all."""
        return SECTIONS[self.section] if self.section else tuple(ARMS)


CEILING = "3_ceiling"
"""The page that goes beyond the reference: ten minutes of training, and so made only where it is asked for."""

PAGES = {
    "0_baseline": Page("Baseline", "abstract"),
    "1_1_all_data": Page("1.1 All the data", "1.1"),
    "1_2_learning_rate_decay": Page("1.2 Learning-rate decay", "1.2"),
    "1_3_shuffling": Page("1.3 Shuffling", "1.3"),
    "2_svm": Page("2 SVM loss", "2"),
    CEILING: Page("3 The ceiling", "3"),
    "summary": Page("Summary", None),
}
"""The report's notebooks in the order in which they run."""

USUAL = [name for name in PAGES if name != CEILING]
"""Those of a report of which nothing else is asked."""


def page_file(name: str) -> str:
    """The file of a notebook's page; the summary is the report's first page."""
    return "index.html" if name == "summary" else f"{name}.html"


def reading_order(names: Iterable[str]) -> list[str]:
    """The pages among ``names`` as a reader meets them: the summary, then the sections."""
    return sorted(names, key=lambda name: (name != "summary", list(PAGES).index(name)))


def section_page(section: str) -> str:
    """The file of the page that shows a section of the reference."""
    return next(page_file(name) for name, page in PAGES.items() if page.section == section)
