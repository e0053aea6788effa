"""The pages in a real browser, each opened once from disk with the network cut off."""

import csv
import itertools
import re
import unicodedata
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import numpy as np
import pypdf
import pytest
from bs4 import BeautifulSoup
from helpers import serious_violations, visiting

from linclf.report.build import SINGLE
from linclf.report.pages import USUAL, page_file

pytestmark = pytest.mark.slow

A4 = (688, 1016)  # CSS pixels inside the margins of 14 mm
PHONE = (390, 844)


FILES = [page_file(name) for name in USUAL]
single_pages = pytest.mark.parametrize("path", FILES, indirect=True)
"""For what is as true of all pages in one file, and takes long there."""


@pytest.fixture(scope="module", params=[*FILES, SINGLE])
def path(request, report):
    """Each page of a report just made, and all in one."""
    return report / request.param


@pytest.fixture(scope="module")
def opened(browser, path):
    with visiting(browser) as visit:
        yield visit(path)


@contextmanager
def looked_at(page, width, height, scheme="light", media="screen"):
    """The page in a window of this size, or on paper; as it was after that."""
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, media=media)
    yield page
    page.set_viewport_size(before)
    page.emulate_media(color_scheme="light", media="screen")


def boxes(page, selector):
    """Left, right and height of what matches."""
    rectangles = f"[...document.querySelectorAll('{selector}')].map(e => e.getBoundingClientRect())"
    return page.evaluate(f"{rectangles}.map(r => [r.left, r.right, r.height])")


def result_at(page):
    """Where the first result begins, from above: it is seen without scrolling."""
    result = ".counts, figure, .wide, .callout:has-text('statements'), [data-train='play']"
    return page.locator(result).first.bounding_box()["y"]


def test_a_page_opens_whole_and_asks_for_nothing(opened, path):
    decode = "image => image.decode().then(() => image.naturalWidth > 0 && image.alt.length > 10)"  # fails if it cannot
    images = opened.evaluate(f"Promise.all([...document.images].map({decode}))")
    assert all(images)
    assert len(images) > 10 or path.name == "index.html"
    assert all(left < right and height > 0 for left, right, height in boxes(opened, "math"))
    assert (opened.evaluate("document.documentElement.lang"), "linclf" in opened.title()) == ("en", True)
    assert opened.trouble == []
    assert path.name == SINGLE or path.stat().st_size <= 1.5e6
    scripted = "script, [data-train], [data-play=all]"
    main = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").main
    for element in main.select(scripted):  # nothing without their scripts
        element.extract()
    assert len(main.find_all(string=True)) > 50
    text = f"main => {{main.querySelectorAll('{scripted}').forEach(e => e.remove()); return main.textContent}}"
    cloned = f"main => ({text})(main.cloneNode(true))"
    assert flat(opened.locator("main").evaluate(cloned)) == flat(main.get_text())  # whole without a script


@single_pages
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_a_page_fits_a_window_and_axe_finds_nothing_serious(opened, width, scheme):
    with looked_at(opened, width, 900, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == width
        scrolling = "[...document.querySelectorAll('.wide')].filter(box => box.scrollWidth > box.clientWidth).length"
        assert width == 360 or page.evaluate(scrolling) == 0
        assert serious_violations(page) == []
        assert width == 360 or result_at(page) < 840


def test_a_phone_shows_what_matters(opened):
    """Labels of at least 9 pixels, whole captions, each table's last column, and of one that scrolls that it does."""
    with looked_at(opened, *PHONE) as page:
        assert result_at(page) < 784
        smallest = page.evaluate("""[...document.querySelectorAll("img.curve")].map(image => {
            const svg = new DOMParser().parseFromString(atob(image.src.split(",")[1]), "image/svg+xml").documentElement;
            const sizes = [...svg.querySelectorAll("text")].map(text => parseFloat(text.style.fontSize));
            return Math.min(...sizes) * image.width / svg.viewBox.baseVal.width;
        })""")
        assert min(smallest, default=9) >= 9
        for box in page.locator(".wide:has(table:not(.claims))").all():
            last = box.locator("tbody tr").first.locator("td").last.bounding_box()
            assert last["x"] + last["width"] <= 391
            scrolls = box.evaluate("box => box.scrollWidth > box.clientWidth")
            said = box.evaluate("box => getComputedStyle(box.querySelector('caption'), '::after').content")
            assert ("scrolls" in said) == scrolls
        for side in ("0", "box.scrollWidth"):
            page.evaluate(f"document.querySelectorAll('.wide').forEach(box => box.scrollLeft = {side})")
            assert all(0 <= left <= right <= 390 for left, right, _ in boxes(page, "caption"))


def test_headings_are_in_order_ids_unique_and_links_lead_somewhere(opened, path):
    levels = opened.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(heading => +heading.tagName[1])")
    assert all(after <= before + 1 for before, after in itertools.pairwise([0, *levels]))
    ids = opened.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    links = opened.evaluate("[...document.links].map(link => link.getAttribute('href'))")
    for parts in {urlsplit(link) for link in links if not link.startswith("data:")}:
        assert not parts.scheme, parts
        target = path.parent / parts.path if parts.path else path
        assert target.exists(), parts
        if parts.fragment and "&" not in parts.fragment:  # which is the state of the panel that trains
            assert f'id="{unquote(parts.fragment)}"' in target.read_text(encoding="utf-8"), parts


def test_a_figures_numbers_can_be_downloaded(visit, report):
    page = visit(report / page_file("2_svm"))

    def file(name):
        with page.expect_download() as download:
            page.locator(f'a[download="{name}"]').click()
        return download.value.path()

    names, *rows = csv.reader(file("figure-10.csv").read_text().splitlines())
    assert [row[0] for row in rows] == ["0", "1", "2"]
    assert len(names) == 1 + 2 * 2  # the epoch, and two sets of images for two seeds
    assert np.load(file("figure-9.npy")).shape == (10, 32, 32, 3)
    assert page.locator("figure").count() == page.locator("figure a.numbers").count()


def test_a_table_sorts_by_a_column(visit, report):
    page = visit(report / page_file("1_1_all_data"))
    table = page.locator("table", has_text="Accuracy on test images").last
    header = table.locator("th").last
    for order in ("ascending", "descending"):
        button = header.locator("button")
        button.click() if order == "ascending" else button.press("Enter")
        cells = [float(text.split()[0]) for text in table.locator("tbody td:last-child").all_text_contents()]
        assert cells == sorted(cells, reverse=order == "descending")
        assert header.get_attribute("aria-sort") == order
    assert len(set(cells)) > 1


@single_pages
def test_print_cuts_no_figure_and_no_table(opened, tmp_path):
    with looked_at(opened, *A4, media="print") as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= A4[0]
        assert all(height < A4[1] for _, _, height in boxes(page, "figure"))
        overflow = "[...document.querySelectorAll('.wide')].filter(box => box.scrollWidth > box.clientWidth + 1).length"
        assert page.evaluate(overflow) == 0
        assert not page.locator("summary, .numbers, .anchor-link, .contents").first.is_visible()
        assert all(left == right for left, right, _ in boxes(page, "select, input"))  # controls are not printed
        sign = "header => getComputedStyle(header.querySelector('button'), '::after').content"
        signs = page.evaluate(f"[...document.querySelectorAll('th:has(button)')].map({sign})")
        assert {*signs} <= {"none"}
        sizes = [
            page.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{part}') ?? document.body).fontSize)")
            for part in (".claims td.text", ".claims small", ".claims td.found")
        ]
        assert sizes[0] >= max(sizes)
        page.pdf(path=tmp_path / "page.pdf", format="A4", prefer_css_page_size=True)
    texts = [sheet.extract_text() for sheet in pypdf.PdfReader(tmp_path / "page.pdf").pages]
    captions = re.compile(r"Figures? [\w ]+\. (?:Loss|Cost|Accuracy)(?: over|, which is also)")
    curves = opened.locator("img.curve[alt*=' curves over ']").count()
    assert sum(len(captions.findall(text)) for text in texts) == curves
    starts = [flat(start) for start in opened.locator("h2 + p:has(+ figure)").all_text_contents()]
    for text in texts:  # a heading is not alone at the end of a sheet, nor with its first words
        assert not flat(text).endswith(tuple(start[-30:] for start in starts if len(start) > 10))
        # The label of each picture's axis stands on the sheet of its caption.
        assert len(captions.findall(text)) == len(re.findall(r"^ *epoch *$", text, re.M))


def flat(text):
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", text))
