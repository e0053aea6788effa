"""An executed notebook in other viewers than its page: every output in every type, and exported six ways."""

import base64
import io
import re

import nh3
import numpy as np
import pytest
from helpers import ROOT
from PIL import Image

from linclf.report.execute import execute
from linclf.report.views import html

pytestmark = pytest.mark.slow

ODD = "50 % & a_b | <i>λ</i> $x$"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook with figures of both kinds, tables, claims, prose and callouts, executed."""
    folder = tmp_path_factory.mktemp("executed")
    given = {"data": "synthetic:100", "epochs": 2, "seeds": 2, "out_dir": str(folder / "report")}
    execution = execute(ROOT / "notebooks" / "2_svm.ipynb", given, folder / "2_svm.ipynb")
    assert execution.failure is None
    return execution.notebook


@pytest.fixture(scope="module")
def outputs(executed):
    return [output for cell in executed.cells for output in cell.get("outputs", []) if "data" in output]


def test_every_output_has_a_type_for_every_viewer(outputs):
    kinds = {"<figure": 0, "<table": 0, "<p": 0, "<dl": 0}
    for output in outputs:
        types = set(output.data)
        if "text/html" not in types:
            assert types == {"text/markdown", "text/plain"}
            continue
        kind = re.match("<figure|<p|<dl", output.data["text/html"])
        kind = kind[0] if kind else "<table"
        kinds[kind] += 1
        beside = {"<figure": {"image/png"}, "<table": {"text/markdown", "text/latex"}}.get(kind, {"text/markdown"})
        assert types == {"text/html", "text/plain"} | beside
        assert "<" not in output.data["text/plain"].replace("< ", "")
        assert len(output.data["text/plain"]) > 30
    assert kinds["<figure"] == 13
    assert all(kinds.values())


def test_a_figure_is_a_picture_with_two_pixels_for_one_and_its_finding_in_words(outputs):
    figures = [output for output in outputs if "image/png" in output.data]
    for output in figures:
        meta = output.metadata["image/png"]
        picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
        assert picture.size == (2 * meta["width"], 2 * meta["height"])
        assert len(set(np.asarray(picture.convert("L")).ravel())) > 20
        assert len(meta["alt"]) > 20
        assert re.match(r"Figure \w+\. .{60,}", output.data["text/plain"])


def test_a_sanitiser_leaves_words_and_order_and_the_picture_is_in_png(outputs):
    for output in outputs:
        if "text/html" not in output.data:
            continue
        left = nh3.clean(output.data["text/html"], url_schemes={"https"})
        assert "style=" not in left
        if "<figure" in output.data["text/html"]:
            assert "image/png" in output.data
            for name in re.findall("<span>(.*?)</span>", output.data["text/html"]):
                assert re.search(rf"<td><img [^>]*><br><span>{name}</span></td>", left)
        if "<tbody" in output.data["text/html"]:
            assert left.count("<td") == output.data["text/html"].count("<td")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("text/markdown", r"| 50 % & a\_b \| \<i\>λ\</i\> \$x\$ |"),
        (
            "text/latex",
            r"50 \% \& a\_b \textbar{} \textless{}i\textgreater{}$\lambda$\textless{}/i\textgreater{} \$x\$ \\",
        ),
        ("text/plain", ODD),
    ],
)
def test_text_from_data_is_text_in_every_type(kind, said):
    table = html.table([ODD], [[ODD]], caption=ODD)
    assert said in table._repr_mimebundle_()[0][kind]
