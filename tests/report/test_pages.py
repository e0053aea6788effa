"""The pages in a real browser, opened from disk with the network cut off."""

import csv
import itertools
import re
import unicodedata
from functools import cache, partial
from urllib.parse import unquote, urlsplit

import cifar_files
import nbformat
import numpy as np
import pypdf
import pytest
from helpers import ROOT, linclf, serious_violations, visiting

from linclf.report.build import SINGLE
from linclf.report.pages import USUAL, page_file
from linclf.report.render import convert
from linclf.report.views import html, pictures, plots

pytestmark = pytest.mark.slow

FILES = [*map(page_file, USUAL), SINGLE]
VIEWS = WIDE, NARROW = [(1280, "light"), (360, "dark")]
A4 = (688, 1016)  # CSS pixels inside the margins of 14 mm


@pytest.fixture(scope="module", params=FILES)
def path(request, report):
    """Each page of a report just made, and all in one."""
    return report / request.param


def sized(page, width, height):
    """The page in a window of this size."""
    page.set_viewport_size({"width": width, "height": height})
    return page


@pytest.fixture(scope="module")
def opened(browser, path):
    """The page, which is opened once for all tests on it: at a width, in a colour scheme, with scripts or without."""
    with visiting(browser) as visit:
        yield cache(partial(visit, path))


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_a_page_opens_whole_asks_for_nothing_and_axe_finds_nothing_serious(opened, path, width, scheme):
    page = sized(opened(width, scheme), width, 900)
    decode = "image => image.decode().then(() => [image.naturalWidth > 0, image.alt.length > 10])"  # fails if it cannot
    pictures = page.evaluate(f"Promise.all([...document.images].map({decode}))")
    assert all(decoded and described for decoded, described in pictures)
    assert len(pictures) > 10 or path.name == "index.html"
    sizes = page.evaluate(
        "[...document.querySelectorAll('math')].map(math => math.getBoundingClientRect()).map(r => r.width * r.height)"
    )
    assert all(size > 0 for size in sizes)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width == 1280:
        wide = "[...document.querySelectorAll('.wide')].filter(box => box.scrollWidth > box.clientWidth).length"
        assert page.evaluate(wide) == 0
    assert page.evaluate("document.documentElement.lang") == "en"
    assert "linclf" in page.title()
    assert page.trouble == []
    assert serious_violations(page) == []


def test_a_phone_shows_what_matters(opened):
    """Labels of at least 9 pixels, whole captions, each table's last column, and of one that scrolls that it does."""
    page = sized(opened(*NARROW), 390, 844)
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
    edges = "[...document.querySelectorAll('caption')].map(c => c.getBoundingClientRect()).map(r => [r.left, r.right])"
    for side in ("0", "box.scrollWidth"):
        page.evaluate(f"document.querySelectorAll('.wide').forEach(box => box.scrollLeft = {side})")
        captions = page.evaluate(edges)
        assert captions
        assert all(0 <= left <= right <= 390 for left, right in captions)


@pytest.mark.parametrize(("view", "width", "height"), [(WIDE, 1280, 900), (NARROW, 390, 844)])
def test_a_result_stands_above_the_fold(opened, view, width, height):
    page = sized(opened(*view), width, height)
    result = page.locator(".counts, figure, .wide, .callout:has-text('statements')").first
    assert result.bounding_box()["y"] < height - 60


def test_headings_are_in_order_ids_unique_and_links_lead_somewhere(opened, path):
    page = sized(opened(*WIDE), 1280, 900)
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(heading => +heading.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    links = page.evaluate("[...document.links].map(link => link.getAttribute('href'))")
    assert links
    for link in links:
        parts = urlsplit(link)
        if parts.scheme == "data":
            continue
        assert not parts.scheme, link
        target = path.parent / parts.path if parts.path else path
        assert target.exists(), link
        if parts.fragment:
            assert f'id="{unquote(parts.fragment)}"' in target.read_text(encoding="utf-8"), link


def test_without_a_script_everything_can_be_read(opened):
    plain, scripted = opened(*WIDE, script=False), opened(*WIDE)
    words = [re.sub(r"\s+", " ", page.locator("main").text_content()) for page in (plain, scripted)]
    assert words[0] == words[1]
    fold = plain.locator("details.code").first
    assert not fold.locator("pre").first.is_visible()
    fold.locator("summary").click()
    assert fold.locator("pre").first.is_visible()


def test_a_figures_numbers_can_be_downloaded(visit, report):
    page = visit(report / page_file("2_svm"))
    for name in ("figure-10.csv", "figure-9.npy"):
        with page.expect_download() as download:
            page.locator(f'a[download="{name}"]').click()
        file = download.value.path()
        if name.endswith("csv"):
            names, *rows = csv.reader(file.read_text().splitlines())
            assert [row[0] for row in rows] == ["0", "1", "2"]
            assert len(names) == 1 + 2 * 2  # the epoch, and two sets of images for two seeds
        else:
            assert np.load(file).shape == (10, 32, 32, 3)
    assert page.locator("figure").count() == page.locator("figure a.numbers").count()


@pytest.mark.parametrize("press", ["click", "Enter"])
def test_a_table_sorts_by_a_column(visit, report, press):
    page = visit(report / page_file("1_1_all_data"))
    table = page.locator("table", has_text="Accuracy on test images").last
    header = table.locator("th").last
    for order in ("ascending", "descending"):
        header.locator("button").click() if press == "click" else header.locator("button").press(press)
        cells = [float(text.split()[0]) for text in table.locator("tbody td:last-child").all_text_contents()]
        assert cells == sorted(cells, reverse=order == "descending")
        assert header.get_attribute("aria-sort") == order
    assert len(set(cells)) > 1


def test_print_cuts_no_figure_and_no_table(opened, path, tmp_path):
    page = sized(opened(*WIDE), *A4)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= A4[0]
    for figure in page.locator("figure").all():
        assert figure.bounding_box()["height"] < A4[1]
    overflow = "[...document.querySelectorAll('.wide')].filter(box => box.scrollWidth > box.clientWidth + 1).length"
    assert page.evaluate(overflow) == 0
    assert not page.locator("summary, .numbers, .anchor-link, .contents").first.is_visible() or path.name == SINGLE
    assert not any(control.is_visible() for control in page.locator("select, input").all())
    sign = "header => getComputedStyle(header.querySelector('button'), '::after').content"
    assert all(page.evaluate(f"[...document.querySelectorAll('th:has(button)')].map({sign}).map(c => c === 'none')"))
    sizes = [
        page.evaluate(f"parseFloat(getComputedStyle(document.querySelector('{part}') ?? document.body).fontSize)")
        for part in (".claims td.text", ".claims small", ".claims td.found")
    ]
    assert sizes[0] >= max(sizes)
    page.pdf(path=tmp_path / "page.pdf", format="A4", prefer_css_page_size=True)
    texts = [sheet.extract_text() for sheet in pypdf.PdfReader(tmp_path / "page.pdf").pages]
    captions = re.compile(r"Figures? [\w ]+\. (?:Loss|Cost|Accuracy)(?: over| and cost, one)")
    assert sum(len(captions.findall(text)) for text in texts) == page.locator("img.curve[alt*=' curves over ']").count()
    starts = page.locator("h2 + p:has(+ figure)").all_text_contents()
    page.emulate_media(media="screen")
    for text in texts:  # a heading is not alone at the end of a sheet, nor with its first words
        assert not flat(text).endswith(tuple(flat(start)[-30:] for start in starts if len(flat(start)) > 10))
    for text in texts:  # the label of each picture's axis stands on the sheet of its caption
        assert len(captions.findall(text)) == len(re.findall(r"^ *epoch *$", text, re.M))


def flat(text):
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", text))


def test_sizes(path):
    assert path.name == SINGLE or path.stat().st_size <= 1.5e6
    assert sum(file.stat().st_size for file in (ROOT / "reports" / "cifar-10").glob("*.*")) <= 8 * 2**20


def test_names_from_data_are_text(visit, tmp_path):
    name = "<script>alert(1)</script>$x$"
    axes = plots.confusion([0, 0, 1], [0, 1, 1], [name, "b"], ax=plots.new_axes())
    shown = [
        html.table([name], [[name]], caption=name),
        html.callout(name),
        pictures.gallery(
            np.zeros((2, 4, 4, 3)), [name, "b"], number=1, caption=name, alt=name, weights=np.zeros((2, 4, 4, 3))
        ),
        html.figure(axes.figure, number=2, caption=name, alt=name, data={name: [name]}),
        html.provenance({name: name}),
    ]
    cells = [nbformat.v4.new_markdown_cell("# Names")]
    for i, piece in enumerate(shown, start=1):
        output = nbformat.v4.new_output("display_data", piece._repr_mimebundle_()[0])
        cells.append(nbformat.v4.new_code_cell(f"{name!r}", outputs=[output], execution_count=i))
    file = tmp_path / "names.html"
    file.write_text(convert(nbformat.v4.new_notebook(cells=cells), "names"), encoding="utf-8")
    page = visit(file)
    assert page.trouble == []
    assert page.locator(".wide td", has_text=name).inner_text() == name
    assert page.locator(".templates span").first.inner_text() == name
    picture = page.locator("img.curve").evaluate("image => atob(image.src.split(',')[1])")
    assert name[:19] in picture.replace("&lt;", "<").replace("&gt;", ">")  # long names are cut there


def test_a_hostile_folder_name_is_text(visit, tmp_path):
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    cifar_files.write(folder, 20)
    done = linclf("report", "--data", folder, "--epochs", 1, "--out", tmp_path / "out", "--only", "summary")
    assert done.returncode == 0, done.stderr
    page = visit(tmp_path / "out" / page_file("summary"))
    assert page.trouble == []
    assert "<img src=x onerror=alert(1)>" in page.locator(".callout").first.text_content()
