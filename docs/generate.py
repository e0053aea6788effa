"""What the documentation makes from the code: ``PARTS[NAME]()`` takes the place of ``<!-- made: NAME -->``."""

import argparse
import ast
import base64
import inspect
import json
import os
import re
import shutil
import tempfile
from graphlib import TopologicalSorter
from html import escape
from pathlib import Path
from urllib.parse import quote

import nbformat
import numpy as np

from linclf import cli
from linclf.data.load import READERS, load_dataset
from linclf.report import build
from linclf.report.execute import execute
from linclf.report.render import SCRIPTS, without_progress
from linclf.report.views import explore
from linclf.report.views.html import TEMPLATES, markdown
from linclf.report.views.reference import REFERENCE_SVM, mean_and_spread
from linclf.studies.ceiling import SEARCHED
from linclf.studies.metrics import of_share
from linclf.studies.reference import ARMS, SETTINGS
from linclf.studies.results import Results
from linclf.training.config import OPTIONS
from linclf.training.losses import LOSSES

ROOT = Path(__file__).parent.parent
REPORT = ROOT / "reports" / "cifar-10"
PICTURES: dict[str, bytes] = {}
"""What :func:`learn` shows, by the file's name in the site."""
PACKAGE = ROOT / "linclf"


def copy_files(site: Path) -> None:
    """The committed report and the notebooks, beside the pages."""
    for name in ("notebooks", "reports/cifar-10"):
        shutil.copytree(
            ROOT / name, site / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "runs", "__pycache__")
        )
    for name, picture in PICTURES.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_bytes(picture)
    if published():
        for path in sorted((site / "notebooks").glob("*.ipynb")):
            add_install_cell(path)


def published() -> dict[str, str]:
    """Where GitHub publishes this repository, from the variables of its own workflow; empty elsewhere."""
    repository = os.environ.get("GITHUB_REPOSITORY", "")
    if not repository or os.environ.get("GITHUB_SERVER_URL") != "https://github.com":
        return {}
    owner, name = repository.split("/")
    return {
        "repository": repository,
        "branch": os.environ["GITHUB_REF_NAME"],
        "commit": os.environ["GITHUB_SHA"],
        "site": f"https://{owner.lower()}.github.io/{name}/",
    }


def add_install_cell(path: Path) -> None:
    """Let a copy of a notebook say where it comes from, and install linclf where it is opened without it."""
    at, notebook = published(), nbformat.read(path, as_version=4)
    about = f"[The documentation]({at['site']}). Where linclf is not installed, as in Colab, run the next cell first."
    source = f"git+https://github.com/{at['repository']}@{at['commit']}"
    install = f'%pip install --quiet "linclf[notebooks,sklearn] @ {source}"'
    skipped = {"slideshow": {"slide_type": "skip"}}
    notebook.cells[1:1] = [
        nbformat.v4.new_markdown_cell(about, id="published", metadata=skipped),
        nbformat.v4.new_code_cell(install, id="install", metadata=skipped),
    ]
    nbformat.write(notebook, path)


def opened_in(name: str) -> str:
    """Links that open a notebook elsewhere, where it is published."""
    at = published()
    if not at:
        return ""
    binder = f"https://mybinder.org/v2/gh/{at['repository']}/{quote(at['branch'], safe='')}"
    colab = f"https://colab.research.google.com/github/{at['repository']}/blob/gh-pages/notebooks/{name}.ipynb"
    return f" Open it in [Binder]({binder}?labpath=notebooks%2F{name}.ipynb) or [Colab]({colab})."


def command_line() -> str:
    """The commands and their options, as the parser has them."""
    parser = cli.parser()
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    said = {action.dest: action.help for action in commands._choices_actions}
    text = [f"```console\n{parser.epilog}```\n"]
    for name, command in commands.choices.items():
        usage = re.sub(r"\s+", " ", command.format_usage().removeprefix("usage: ")).strip()
        text.append(f"## `linclf {name}`\n\n{_sentence(said[name])}\n\n```console\n{usage}\n```\n")
        rows = [_row(action) for action in command._actions if action.dest != "help"]
        if rows:
            text.append("\n".join(["| | |", "| --- | --- |", *rows, ""]))
    return "\n".join(text)


def _row(action: argparse.Action) -> str:
    """An option or argument as a row of a table."""
    value = action.metavar or ("|".join(action.choices) if action.choices else action.dest.upper())
    names = [f"{name} {value}" if action.nargs != 0 else name for name in action.option_strings] or [value]
    said = re.sub(r"(--[\w-]+)", r"`\1`", (action.help or "") % {**vars(action), "prog": "linclf"})
    name, said = (text.replace("|", "\\|") for text in (", ".join(names), said))
    return f"| `{name}` | {said} |"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}" + ("" if text.endswith(".") else ".")


def formats() -> str:
    """What can be read at a path, and the options of each reader."""
    rows = ["| a path, such as | what is read | options |", "| --- | --- | --- |"]
    for reader in READERS:
        options = ", ".join(f"`--{option.name.replace('_', '-')}`" for option in reader.options)
        rows.append(f"| `{reader.example}` | {reader.reads} | {options} |")
    return "\n".join(rows)


def notebooks() -> str:
    """Each notebook of the report: its title, what it says first, and its cell of parameters."""
    text = []
    for name, notebook in build.notebooks().items():
        cells = nbformat.read(notebook.path, as_version=4).cells
        title, _, about = cells[0].source.partition("\n")
        parameters = next(cell.source for cell in cells if "parameters" in cell.metadata.get("tags", []))
        about = about.strip().split("\n\n")[0]
        text.append(f"### `{name}`\n\n**{title.removeprefix('# ')}.** {about}{opened_in(name)}\n")
        text.append(f"```python\n{parameters}\n```\n")
    return "\n".join(text)


def learn() -> str:
    """The notebook for learners, executed: its text, the code that it means to show, and what came out."""
    with tempfile.TemporaryDirectory() as folder:
        parameters = {"data": os.environ.get("LEARN_DATA", "synthetic"), "out_dir": folder}
        executed = execute(ROOT / "notebooks" / "learn.ipynb", parameters, Path(folder, "learn.ipynb"))
    if executed.failure:
        raise RuntimeError(executed.failure)
    text = []
    for cell in without_progress(executed.notebook).cells:
        if cell.cell_type == "markdown":
            text.append(cell.source)
        elif "show" in cell.metadata.get("tags", []):
            text.append(f"```python\n{cell.source}\n```")
        text += [_shown(output) for output in cell.get("outputs", [])]
    return "\n\n".join(text)


def _shown(output: nbformat.NotebookNode) -> str:
    """What a cell gave, as Markdown; a picture is kept for the site."""
    if "image/png" not in output.data:
        return output.data["text/markdown"]
    file = f"learn/{len(PICTURES) + 1}.png"
    PICTURES[file] = base64.b64decode(output.data["image/png"])
    about = output.metadata["image/png"]
    size = (
        f'width="{about["width"] // 2}" height="{about["height"] // 2}"'  # drawn at twice the size, for sharp screens
    )
    alt = escape(about["alt"])
    return f'<p><img src="{file}" alt="{alt}" {size}></p>\n\n{markdown(output.data["text/plain"])}'


def results() -> str:
    """Test accuracy of every setting and arm of the committed report, beside what the reference prints."""
    found = Results.load(REPORT / "results.json")
    header = ["", *(f"{setting}: λ = {l2:g}, η = {rate:g}" for setting, (l2, rate) in SETTINGS.items())]
    rows = [
        [ARMS[arm].title, *(mean_and_spread(found.curves(arm, setting, "test_accuracy")) for setting in SETTINGS)]
        for arm in found.arms
    ]
    return _table(header, [*rows, ["SVM, as the reference prints it", *map(str, REFERENCE_SVM.values())]])


def ceiling() -> str:
    """Test accuracy of the tuned networks of the committed report, by loss, and how clearly the loss was chosen."""
    document = json.loads((REPORT / "ceiling.json").read_text(encoding="utf-8"))
    rows, best = [], dict.fromkeys(SEARCHED, 0.0)
    for run in (*document["search"], *document["fine_search"]):
        best[run["loss"]] = max(best[run["loss"]], run["validation_accuracy"][run["epoch"]])
    for loss in SEARCHED:
        own = [run for run in document["finals"] if run["name"] == f"{loss} {document['images']['final']}"]
        accuracies = np.array([run["test_accuracy"] for run in own])
        mark = " (chosen)" if loss == document["chosen_loss"] else ""
        rows.append([LOSSES[loss].words + mark, mean_and_spread(accuracies)])
    chosen, second, *_ = sorted(best, key=lambda loss: -best[loss])
    n = document["images"]["validation"]
    half = of_share(best[chosen], n).half
    apart = "closer together" if best[chosen] - best[second] < half else "farther apart"
    said = (
        f"Validation images chose {LOSSES[chosen].words}, whose best configuration got {100 * best[chosen]:.1f} % of "
        f"{n:,} right, beside {100 * best[second]:.1f} % with {LOSSES[second].words}: {apart} than the "
        f"± {100 * half:.1f} points to which so many images tell an accuracy."
    )
    return f"{_table(['loss', 'test accuracy'], rows)}\n\n{said}"


def losses() -> str:
    """The losses, and what the package knows of them."""
    rows = [[f"`{loss.name}`", loss.words, loss.link or ""] for loss in LOSSES.values()]
    return _table(["`loss`", "on pages", "probabilities by"], rows)


def options() -> str:
    """The options of a training: what each does, and its name on the explore page and in the estimators."""
    pages = {name: f"`-p {name}=`" for name in build.notebooks()["explore"].types}
    pages |= {"epochs": "`--epochs`", "seed": "`--first-seed`"}
    estimators = {"epochs": "max_iter", "seed": "random_state"}
    rows = []
    for name, option in OPTIONS.items():
        said = f"{option.metadata['says']}; {option.metadata['expected']}".replace("``", "`")
        estimator = option.metadata["estimator"] or estimators.get(name)
        rows.append([f"`{name}`", said, pages.get(name, ""), f"`{estimator}`" if estimator else ""])
    return _table(["`linclf.Config`", "", "`linclf report --only explore`", "estimators"], rows)


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def modules() -> dict[str, list[Path]]:
    """The modules of each room, a package or a module of the root, by path."""
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if not path.name.startswith("__"):
            found.setdefault(path.relative_to(PACKAGE).with_suffix("").parts[0], []).append(path)
    return found


def imports() -> dict[tuple[str, str], int]:
    """How many modules of a room import another room. Within a room, imports are relative."""
    counted: dict[tuple[str, str], int] = {}
    for room, paths in modules().items():
        for path in paths:
            for other in set(re.findall(r"^\s*(?:from|import) linclf\.(\w+)", path.read_text(encoding="utf-8"), re.M)):
                if other not in (room, "errors"):  # which everything imports
                    counted[room, other] = counted.get((room, other), 0) + 1
    return counted


def rooms_from_the_top() -> list[str]:
    """The rooms in an order in which each imports only from those after it."""
    arrows = imports()
    below = {room: sorted(b for a, b in arrows if a == room) for room in sorted(modules()) if room != "errors"}
    return [*[*TopologicalSorter(below).static_order()][::-1], "errors"]


def picture() -> str:
    """The rooms as boxes, one below the other, with an arc from each to those that it imports, all downwards."""
    arrows, rooms, step, top = imports(), rooms_from_the_top(), 58, 8
    y = {room: top + i * step for i, room in enumerate(rooms)}
    drawn = []
    for (room, other), n in sorted(arrows.items()):
        start, stop = y[room] + 20, y[other] + 20
        bulge = 190 + 22 * (rooms.index(other) - rooms.index(room))
        title = f"{room} imports {other}: {n} module{'s' * (n > 1)}"
        drawn.append(
            f'<path d="M170 {start} C{bulge} {start} {bulge} {stop} 176 {stop}" stroke-width="{min(1 + n / 6, 4):.1f}"'
            f' marker-end="url(#head)"><title>{escape(title)}</title></path>'
        )
    boxes = []
    for room in rooms:
        n = len(modules()[room])
        count = f"{n} modules" if n > 1 else "1 module"
        boxes.append(
            f'<rect x="10" y="{y[room]}" width="160" height="40" rx="6"/>'
            f'<text x="24" y="{y[room] + 25}">{escape(room)}</text>'
            f'<text x="158" y="{y[room] + 25}" text-anchor="end" class="count">{count}</text>'
        )
    height = top + len(rooms) * step
    said = "; ".join(
        f"{room} imports {', '.join(b for a, b in sorted(arrows) if a == room)}"
        for room in rooms
        if any(a == room for a, _ in arrows)
    )
    return (
        f'<div><svg class="packages" viewBox="0 0 360 {height}" width="360" height="{height}" role="img" '
        f'aria-label="{escape(f"The packages of linclf: {said}.")}">'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 z"/></marker></defs>'
        f"{''.join(drawn)}{''.join(boxes)}</svg></div>"
    )


def packages() -> str:
    """Every module with the first sentence of its docstring, a table for each room."""
    text = []
    for room in rooms_from_the_top():
        rows = []
        for path in modules()[room]:
            said = inspect.cleandoc(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
            first = re.sub(r":\w+:(?=`)", "", " ".join(said.split("\n\n")[0].split())).replace("|", "\\|")
            rows.append(f"| `{path.relative_to(PACKAGE).with_suffix('').as_posix()}` | {first} |")
        text.append("\n".join([f"### {room}\n", "| module | what is in it |", "| --- | --- |", *rows, ""]))
    return "\n".join(text)


def panel() -> str:
    """The panel in which a classifier trains, as on a report's page, with its style and scripts."""
    style, shown = (TEMPLATES / "play.css").read_text("utf-8"), explore.training(load_dataset("synthetic:10"))
    scripts = "\n".join(SCRIPTS[name] for name in ("page", "player"))
    return f"````{{raw}} html\n<style>{style}</style>\n{shown.markup}\n<script>{scripts}</script>\n````\n"


PARTS = {
    "panel": panel,
    "learn": learn,
    "command line": command_line,
    "formats": formats,
    "notebooks": notebooks,
    "results": results,
    "ceiling": ceiling,
    "losses": losses,
    "options": options,
    "picture": picture,
    "packages": packages,
}
