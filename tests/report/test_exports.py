"""An executed notebook in other viewers than its page: every output in every type, and exported six ways."""

import base64
import csv
import io
import re
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import nbformat
import nh3
import numpy as np
import pypdf
import pytest
from bs4 import BeautifulSoup
from helpers import NO_CHROMIUM, ROOT, chromium, missing, refuses
from nbconvert import get_exporter
from nbconvert.filters import markdown2html
from PIL import Image

from linclf.report.build import _write_markdown
from linclf.report.execute import Execution, execute
from linclf.report.pages import USUAL, page_file
from linclf.report.render import mathml, template_folders
from linclf.report.render import outputs as every_output
from linclf.report.views import html, pictures, plots
from linclf.report.views.html import IN_JUPYTER
from linclf.system.progress import MARK

pytestmark = pytest.mark.slow

NOTEBOOKS = {path: nbformat.read(path, as_version=4) for path in (ROOT / "notebooks").glob("*.ipynb")}
ODD = "50 % & a_b | <i>λ</i> $x$"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook with figures of both kinds, tables, claims, prose and callouts, executed."""
    folder = tmp_path_factory.mktemp("executed")
    given = {"data": "synthetic:100", "epochs": 2, "seeds": 2, "out_dir": str(folder / "report")}
    with ThreadPoolExecutor(1) as pool:  # Playwright's loop may be running in this one
        execution = pool.submit(execute, ROOT / "notebooks" / "2_svm.ipynb", given, folder / "2_svm.ipynb").result()
    assert execution.failure is None
    return execution.notebook


@pytest.fixture(scope="module")
def outputs(executed):
    return [output for output in every_output(executed) if output.metadata != MARK]


def figures(outputs):
    return sum("image/png" in output.data for output in outputs)


def tables(outputs):
    return sum("<tbody" in output.data.get("text/html", "") for output in outputs)


def test_every_output_has_a_type_for_every_viewer(executed, outputs):
    """Of a figure a picture with two pixels for one, and what it shows in words; of a table Markdown."""
    assert all(output.output_type != "stream" for output in every_output(executed))
    (line,) = (output.data["text/plain"] for output in every_output(executed) if output.metadata == MARK)
    assert re.fullmatch(r"training \d+ networks: \d+ epochs in .* s", line)
    kinds = Counter()
    for output in outputs:
        types, markup = set(output.data), output.data.get("text/html")
        if markup is None:
            assert types == {"text/markdown", "text/plain"}
            continue
        kind = re.match('<figure|<div class="callout|<dl', markup)
        kind = kind[0] if kind else "<table"
        kinds[kind] += 1
        words = output.data["text/plain"]
        assert types == {"text/html", "text/plain", "image/png" if kind == "<figure" else "text/markdown"}
        assert ("<" in words.replace("< ", ""), len(words) > 30) == (False, True)
        if kind == "<figure":
            meta = output.metadata["image/png"]
            picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
            assert picture.size == (2 * meta["width"], 2 * meta["height"])
            assert min(len(set(np.asarray(picture.convert("L")).ravel())), len(meta["alt"])) > 20
            assert re.match(r"Figures? [\w ]+\. .{60,}", words)
        left = nh3.clean(markup, url_schemes={"https"})  # as GitHub shows it: words in their order
        assert "style=" not in left
        for name in re.findall("<span>(.*?)</span>", markup) if kind == "<figure" else ():
            assert re.search(rf"<td><img [^>]*><br><span>{name}</span></td>", left)
        assert kind != "<table" or left.count("<td") == markup.count("<td")
    assert kinds["<figure"] >= 10
    assert len(kinds) == 4


NAMES = (
    *("a|b", "$5", "$x^$", "x_y*z*", "`code`", "{0}", "<b>", "a & b &lt;", "- 1", "1. x", "#5", "~~x~~", "a^b^"),
    *("@SUM(1)", "\\(x\\)", "\\begin{equation}x\\end{equation}", "https://example.org", "www.example.org"),
    *("[a](b)", "![a](b)", "=1+1"),
)


def test_names_from_data_are_text_in_markdown_for_our_pages_and_for_pandoc():
    texts = [html.markdown(name) for name in NAMES]
    for name, text in zip(NAMES, texts, strict=True):
        shown = BeautifulSoup(markdown2html(mathml(text)), "html.parser")
        assert shown.get_text().strip() == name
        assert not shown.select("a, em, code, math, li, img")
    if not shutil.which("pandoc"):
        pytest.skip("no pandoc here: apt-get install pandoc")
    done = subprocess.run(
        ["pandoc", "-f", "markdown+tex_math_double_backslash", "-t", "html", "--wrap=none"],
        input="\n\n".join(texts), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert tuple(p.get_text() for p in BeautifulSoup(done.stdout, "html.parser").select("p")) == NAMES


def test_text_from_data_is_text_in_every_type_and_obeyed_by_no_terminal_or_spreadsheet():
    zeros, axes = np.zeros((2, 4, 4, 3)), plots.confusion([0, 0, 1], [0, 1, 1], [ODD, "b"], ax=plots.new_axes())
    pieces = [html.table([ODD], [[ODD]], caption=ODD), html.callout(ODD, more=ODD), html.provenance({ODD: ODD})]
    pieces += [pictures.gallery(zeros, [ODD, "b"], number=1, caption=ODD, alt=ODD, weights=zeros)]
    pieces += [html.figure(axes.figure, number=2, caption=ODD, alt=ODD, data={ODD: [ODD]})]
    bundle, *others = (piece._repr_mimebundle_()[0] for piece in pieces)
    for markup in (each["text/html"] for each in [bundle, *others]):
        assert ("<i>" in markup, "&lt;i&gt;" in markup) == (False, True)
    assert r"| 50 % \& a\_b \| \<i\>$\lambda$\</i\> \$x\$ |" in bundle["text/markdown"]
    assert ODD in bundle["text/plain"]
    name = "a\x1b[2J\x07\u202e\n\ud800b"
    shown = [html.callout(name, more=name), html.prose(name), html.provenance({name: name})]
    shown += [html.large({name: "1"}, name), html.table([name], [[name]], caption=name)]
    for text in (text for output in shown for text in output._repr_mimebundle_()[0].values()):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\ud800]", text)
    columns = {"=1": ["@x", "+1-1", "-2e5", "\tx"], "n": [-1.5, 2, "−1", np.float64(-1)]}
    rows = list(csv.reader(io.StringIO(html.csv_bytes(columns).decode(), newline="")))
    assert rows == [["'=1", "n"], ["'@x", "-1.5"], ["'+1-1", "2"], ["-2e5", "−1"], ["'\tx", "-1"]]


@pytest.fixture(scope="module")
def export(executed, tmp_path_factory):
    """Export the notebook as ``jupyter nbconvert --to`` does; the text and the file that it wrote."""

    def run(kind, ending, **options):
        made = get_exporter(kind)(extra_template_basedirs=template_folders(), **options)
        names = {"unique_key": "2_svm", "output_files_dir": "2_svm_files"}
        text, resources = made.from_notebook_node(executed, names)
        assert "shown as" not in text
        file = tmp_path_factory.mktemp(kind) / f"2_svm{ending}"
        file.write_text(text, encoding="utf-8")
        for name, content in (resources["outputs"] or {}).items():
            (file.parent / name).parent.mkdir(exist_ok=True)
            (file.parent / name).write_bytes(content)
        return text, file

    return run


def test_markdown_is_a_short_file_that_refers_to_a_folder_of_pictures(export, outputs):
    text, file = export("linclf-markdown", ".md")
    assert len(text) < 100_000
    assert not re.search(r"base64|study\.run", text)
    assert "training " not in text.split("##")[1].splitlines()[0]
    pictures = re.findall(r"!\[(.+?)\]\((.+?)\)", text)
    assert len(pictures) == figures(outputs)
    for described, name in pictures:
        with Image.open(file.parent / name) as picture:
            assert (len(described) > 20, picture.width > 900) == (True, True)
    assert len(re.findall(r"^(?:\| -{3,} )+\|$", text, re.M)) == tables(outputs)


def test_latex_has_every_figure_and_table(export, outputs):
    if not shutil.which("pandoc"):
        pytest.skip("no pandoc here: apt-get install pandoc")
    text, _ = export("latex", ".tex")
    found = text.count(r"\adjustimage{"), text.count(r"\begin{longtable}")
    assert found == (figures(outputs), tables(outputs))


def test_notebooks_are_thin_and_every_section_starts_a_slide():
    for path, notebook in NOTEBOOKS.items():
        assert notebook.cells[0].source.startswith(f"# {notebook.metadata.title}\n")
        links = re.findall(r"\]\((\.\./reports/[^)]+)\)", notebook.cells[0].source)
        assert [link for link in links if (path.parent / link).is_file()] == links != [], path
        for cell in notebook.cells:
            starts = cell.cell_type == "markdown" and re.match("##? ", cell.source)
            kind = "slide" if starts else "skip" if "parameters" in cell.metadata.get("tags", []) else None
            assert cell.metadata.get("slideshow", {}).get("slide_type") == kind, (path, cell.source)
            if cell.cell_type == "code":
                assert (cell.outputs, cell.execution_count) == ([], None), path
                assert not re.search("^(def|class) ", cell.source, re.M), path


def test_github_shows_markdown_whose_links_lead_somewhere_with_small_pictures_and_no_html(executed, outputs, tmp_path):
    says = nbformat.v4.new_markdown_cell("# First\n\n[hinge](2_svm.html#hinge) at $\\lambda = 1$, $\\pm$3: $W$")
    notebooks = {"summary": nbformat.v4.new_notebook(cells=[says]), "2_svm": executed}
    _write_markdown(tmp_path, {name: Execution(each, 0, None) for name, each in notebooks.items()}, "summary")
    readme, svm = ((tmp_path / file).read_text(encoding="utf-8") for file in ("README.md", "2_svm.md"))
    assert "\n[hinge](2_svm.md) at λ = 1, ±3: $W$\n" in readme  # GitHub shows no formula before a digit
    numbered = re.findall(r"^!\[Figures? (\d+(?: and \d+)?)\. ", readme, re.M)
    assert numbered == ["9", "10 and 11", "12", "13 and 14", *map(str, range(15, 21))]
    for text in (readme, svm):
        assert BeautifulSoup(text, "html.parser").find() is None
        places = [place for place in re.findall(r"\]\(([^)]+)\)", text) if not place.endswith(".html")]
        assert all(place.startswith("#") or (tmp_path / place).is_file() for place in places)
    sizes = [picture.stat().st_size for picture in tmp_path.glob("pictures/2_svm_*.png")]
    assert len(sizes) == figures(outputs)
    assert max(sizes) <= 60_000


def test_slides_have_one_for_each_section_and_need_no_network(export, executed, visit):
    text, file = export("linclf.report.render.LinclfSlidesExporter", ".slides.html")
    source = "\n".join(cell.source for cell in executed.cells if cell.cell_type == "markdown")
    slides = BeautifulSoup(text, "html.parser").select(".slide")
    titles = [slide.select("h1, h2")[0].get_text().rstrip("¶") for slide in slides]
    assert titles == re.findall("^#{1,2} (.*)", source, re.M)
    assert any(slide.select("math") for slide in slides)
    assert not any("networks: " in stream.get_text() for slide in slides for stream in slide.select(".stream"))
    page = visit(file)  # offline
    high = page.evaluate("[...document.querySelectorAll('.slide')].map(slide => slide.scrollHeight / innerHeight)")
    assert len(high) > len(titles)  # a section that is longer than the screen goes on to another slide
    assert max(high) < 1.01
    for key, place in (("ArrowRight", 1), ("PageDown", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        tops = page.evaluate("[...document.querySelectorAll('.slide')].map(slide => slide.getBoundingClientRect().top)")
        assert abs(tops[place]) < 2
    assert page.trouble == []


@pytest.mark.parametrize("template", ["lab", "linclf"])
def test_html_has_every_figure_in_every_template(export, outputs, template):
    text, _ = export("html", ".html", template_name=template)
    assert text.count("<figure id=") == figures(outputs)
    assert "data:image/png" in text  # the pixels of templates
    assert (IN_JUPYTER in text) == (template == "lab")  # undoes Jupyter's alignment of tables
    if template == "linclf":
        assert text.count('class="code"') == len(re.findall("<h2", text)) + 1


def test_the_report_on_paper_has_all_pages_and_a_table_of_contents_first(report):
    if not chromium():
        missing(NO_CHROMIUM)
    made = pypdf.PdfReader(report / "report.pdf")
    texts = [re.sub(r"[-\s]+", " ", page.extract_text()) for page in made.pages]
    bookmarks = {bookmark.title: bookmark for bookmark in made.outline if not isinstance(bookmark, list)}
    for title in ("The baseline: one batch, cross-entropy", "2 The multi-class SVM loss"):
        number, said = made.get_destination_page_number(bookmarks[title]), title.replace("-", " ")
        assert texts[number].startswith(f"{number + 1} {said}")
        assert f"{said} " in texts[0]
    whole = "".join(texts)
    pages = "".join((report / page_file(name)).read_text(encoding="utf-8") for name in USUAL)
    captions = len(re.findall(r"<figcaption[^>]*>(?:\s|<[^>]*>)*Figure", pages))
    assert len(re.findall(r"Figures? [\w ]+\. [A-Z]", whole)) == captions
    assert "kept[epoch] = linclf.Linear(" in whole  # code that a page shows
    assert not re.search(r"↕|Numbers \(CSV\)", whole)


def test_without_a_browser_a_pdf_is_refused_before_anything_is_trained(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    refuses(["report", "--data", "synthetic:50", "--out", "report", "--pdf"], "expected Chromium or Chrome", capsys)
    assert list(tmp_path.iterdir()) == []


def test_every_sign_of_a_formula_is_in_the_pages_own_font():
    from fontTools.ttLib import TTFont

    file = ROOT / "linclf" / "report" / "templates" / "linclf" / "formulas.woff2"
    assert file.stat().st_size * 4 / 3 <= 60_000
    font = TTFont(file)
    assert "MATH" in font
    for path, notebook in NOTEBOOKS.items():
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                formulas = BeautifulSoup(mathml(cell.source), "html.parser").select("math")
                signs = {ord(sign) for formula in formulas for sign in formula.get_text() if sign != "\n"}
                assert signs <= font.getBestCmap().keys(), path
