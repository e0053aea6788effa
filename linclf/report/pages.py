"""The report's pages: their titles, sections, files and order."""

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


PAGES = {
    "summary": Page("Summary", None),
    "0_baseline": Page("Baseline", "abstract"),
    "1_1_all_data": Page("1.1 All the data", "1.1"),
    "1_2_learning_rate_decay": Page("1.2 Learning-rate decay", "1.2"),
    "1_3_shuffling": Page("1.3 Shuffling", "1.3"),
    "2_svm": Page("2 SVM loss", "2"),
    "3_ceiling": Page("3 The ceiling", "3"),
}
"""The report's notebooks as a reader meets them, which is also the order in which they run."""


def page_file(name: str) -> str:
    """The file of a notebook's page; the summary is the report's first page."""
    return "index.html" if name == "summary" else f"{name}.html"


def section_page(section: str) -> str:
    """The file of the page that shows a section of the reference."""
    return next(page_file(name) for name, page in PAGES.items() if page.section == section)
