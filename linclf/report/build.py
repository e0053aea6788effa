"""The report: check parameters -> papermill -> nbconvert -> a folder of pages, with its numbers and claims beside."""

import base64
import sys
import webbrowser
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import nbformat

from linclf.claims import verdicts
from linclf.data.dataset import Dataset, Provenance
from linclf.errors import ConfigError, DivergenceError
from linclf.studies.ceiling.design import Plan as CeilingPlan
from linclf.studies.ceiling.study import CeilingStudy
from linclf.studies.exploration import Plan as ExplorationPlan
from linclf.studies.reference.design import Plan
from linclf.studies.reference.study import Study
from linclf.studies.reference.surrogate import on_surrogate
from linclf.studies.results import Results
from linclf.studies.store import Count, Store
from linclf.studies.workspace import Workspace
from linclf.studies.your_data.design import Plan as YourDataPlan
from linclf.studies.your_data.study import YourDataStudy
from linclf.system.environment import cores, source_tree
from linclf.system.files import write_json, write_text, write_whole
from linclf.system.progress import Clock

from . import parameters
from .execute import Execution, execute, patience, stop_kernels
from .folder import scratch, sole_writer
from .pages import CEILING, PAGES, first_page, page_file, reading_order, report_pages
from .pdf import browser, print_pdf
from .render import convert, join, outputs

SINGLE = "report.html"
"""All pages in one, where it is asked for."""
PRINTED = "report.pdf"
"""The same on paper."""
PICTURE = "summary.png"
"""The first page's first picture; its description, within the file, holds the counts of the verdicts."""
MODEL = "model.npz"
"""The network to keep."""
BALANCED = "model-balanced.npz"
"""The one beside it, for which all classes of imbalanced data count alike."""


def notebooks() -> dict[str, parameters.Notebook]:
    """The report's notebooks in order: beside the package in a source tree, inside it where it was installed."""
    folder = (source_tree() or Path(__file__).parent.parent) / "notebooks"
    if not folder.is_dir():
        raise ConfigError("the report's notebooks are missing from this installation: install linclf again")
    return {name: parameters.read_notebook(folder / f"{name}.ipynb") for name in PAGES}


def make_report(
    given: dict[str, Any],
    *,
    assignments: list[str],
    only: list[str] | None,
    ceiling: bool,
    command: str,
    fresh: bool,
    single_file: bool,
    pdf: bool,
    open_page: bool,
) -> int:
    """Run the notebooks, write pages, numbers and a classifier to keep; the exit status, 1 if a notebook failed.

    ``given`` are the parameters data, out_dir, seeds, first_seed and epochs, ``assignments`` others as NAME=VALUE;
    without ``only``, the notebooks are those of a report on such data. ``command`` is what makes this report again, and
    the rest are options of ``linclf report``.

    Raises:
        ConfigError, DataError: before anything is run.
    """
    clock, known = Clock(), notebooks()
    patience()  # refused before anything is trained, as whatever else is wrong here
    if pdf:
        browser()
    out, name = ((given | parameters.parse(assignments, known))[key] for key in ("out_dir", "data"))
    out, data = Path(out), Workspace(name, out).data
    asked = only or known.keys() & report_pages(data.provenance)
    chosen = parameters.select(known, [*asked, *([CEILING] if ceiling else [])])
    values = given | parameters.parse(assignments, chosen)
    studies = _studies(data, out, chosen, values, fresh)
    with sole_writer(out):
        print(f"data: {data.provenance.describe()}", flush=True)
        print(f"training; finished runs are kept in {Store.of_report(out).folder}", flush=True)
        clock.lap("data")
        found = _train(studies, chosen, clock)
        order = reading_order(chosen, first_page(data.provenance))
        with scratch(out) as folder:
            executed = _execute({name: chosen[name] for name in order}, values, folder)
        clock.lap("notebooks")
        page = _write_pages(out, executed, data.provenance)
        failed = {PAGES[name].study for name, execution in executed.items() if execution.failure}
        _write_numbers(out, studies, {kind: own for kind, own in found.items() if kind not in failed}, command)
        if single_file or pdf:
            _write_whole(out, first_page(data.provenance), single_file=single_file, pdf=pdf)
        clock.lap("pages")
    print(f"done in {clock}{'' if data.provenance.synthetic else clock.rate()}")
    _announce(page, open_page)
    return 1 if any(execution.failure for execution in executed.values()) else 0


def _announce(page: Path, open_page: bool) -> None:
    """Say where the report is, or show it."""
    print(f"report: {page} (to open it: {page.resolve().as_uri()} in a browser, or --open)")
    if open_page and not webbrowser.open(page.resolve().as_uri()):
        print(f"no browser was found here: open {page} by hand", file=sys.stderr)


_STUDIES: dict[str, tuple[Any, type]] = {
    "reference": (Study, Plan),
    "ceiling": (CeilingStudy, CeilingPlan),
    "your_data": (YourDataStudy, YourDataPlan),
}
"""What trains for the pages, and what may be chosen of it."""


def _studies(data: Dataset, out: Path, chosen: Collection[str], values: dict[str, Any], fresh: bool) -> dict[str, Any]:
    """The studies of the chosen pages; ConfigError, DataError for what cannot be trained."""
    if "explore" in chosen:  # which trains for itself
        ExplorationPlan(**_of(ExplorationPlan, values))
    return {
        kind: study(data, out, fresh=fresh, **_of(plan, values))
        for kind, (study, plan) in _STUDIES.items()
        if any(PAGES[name].study == kind for name in chosen)
    }


def _of(plan: type, values: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that are fields of a study's plan."""
    return {field.name: values[field.name] for field in fields(plan) if field.name in values}


def _train(studies: dict[str, Any], chosen: Collection[str], clock: Clock) -> dict[str, Any]:
    """The results of each study. All training comes first, so that no core waits while a notebook runs.

    The notebooks find their runs stored. Where training diverges, those that show it fail, and say so on their pages;
    the others run.
    """
    found, count = {}, Count(0, 0)
    arms = dict.fromkeys(arm for name in chosen for arm in PAGES[name].arms)
    for kind, study in studies.items():
        with suppress(DivergenceError):
            found[kind] = study.run(*arms) if kind == "reference" else study.run()
        count += study.workspace.count
    if studies:
        print(f"networks: {count.trained} trained, {count.reused} reused", flush=True)
    clock.lap("training", count.flop)
    if "0_baseline" in chosen:
        with suppress(DivergenceError):
            on_surrogate(studies["reference"])
        clock.lap("surrogate")
    if "shuffle" in arms:
        studies["reference"].time_shuffling()
        clock.lap("timing")
    return found


def _execute(chosen: dict[str, parameters.Notebook], values: dict[str, Any], folder: Path) -> dict[str, Execution]:
    """Run the notebooks in ``folder``, one a core, and say how each did; of pictures, the summary's are kept."""
    pool = ThreadPoolExecutor(cores())
    running: dict[str, Future[Execution]] = {}
    for name, notebook in chosen.items():
        own = {key: value for key, value in values.items() if key in notebook.types}
        running[name] = pool.submit(execute, notebook.path, own, folder / notebook.path.name, png=name == "summary")
    try:
        for i, (name, done) in enumerate(running.items(), start=1):
            execution = done.result()
            failed = f"  failed: {execution.failure}" if execution.failure else ""
            print(f"[{i}/{len(chosen)}] {name:<24}{execution.seconds:6.1f} s{failed}", flush=True)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for _ in range(10):  # a kernel may just be starting; whoever pressed Ctrl-C does not wait longer than a second
            stop_kernels()
            wait([future for future in running.values() if future.running()], timeout=0.1)
        raise
    return {name: done.result() for name, done in running.items()}


def _write_pages(out: Path, executed: dict[str, Execution], provenance: Provenance) -> Path:
    """One page per notebook; one that failed also leaves its executed copy, and says where. The first page is returned.

    The pages link each other, but not those that an earlier report left there on other data.
    """
    first = first_page(provenance)
    pages = [name for name in PAGES if name in executed or _is_on(provenance, out / page_file(name, first))]
    for name, execution in executed.items():
        copy = out / f"{name}.failed.ipynb"
        copy.unlink(missing_ok=True)
        about = {"pages": pages, "first": first, "data": provenance.name.rpartition(" (")[0] or provenance.name}
        if execution.failure:
            write_text(copy, nbformat.writes(execution.notebook))
            about["failed"] = copy.name
        execution.notebook.metadata["linclf"] = about
        write_text(out / page_file(name, first), convert(execution.notebook, name))
    if "summary" in executed:
        _write_picture(out, executed["summary"])
    return out / page_file(next(iter(executed)), first)


def _write_picture(out: Path, summary: Execution) -> None:
    """The first picture that the summary shows; none where it failed before."""
    pictures = (output.get("data", {}).get("image/png") for output in outputs(summary.notebook))
    if first := next(filter(None, pictures), None):
        write_whole(out / PICTURE, lambda file: file.write(base64.b64decode(first)))


def _is_on(provenance: Provenance, page: Path) -> bool:
    """Whether ``page`` is there, and made on these data: every page holds the hash of its data."""
    return page.exists() and provenance.sha256 in page.read_text(encoding="utf-8")


def _write_whole(out: Path, first: str, *, single_file: bool, pdf: bool) -> None:
    """All pages there are, in one, as a page and on paper."""
    files = {name: out / page_file(name, first) for name in reading_order(PAGES, first)}
    pages = {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.exists()}
    whole = join(pages, first)
    if single_file:
        write_text(out / SINGLE, whole)
    if pdf:
        with scratch(out) as folder:
            printed = print_pdf(whole, folder)
        write_whole(out / PRINTED, lambda file: file.write(printed))


def _write_numbers(out: Path, studies: dict[str, Any], found: dict[str, Any], command: str) -> None:
    """A JSON file for each study, the claims beside the reference's, and a classifier to keep."""
    documents = {f"{kind}.json": results.document() for kind, results in found.items() if kind != "reference"}
    if "reference" in studies:
        documents["results.json"] = {**studies["reference"].results().document, "command": command}
    for file, document in documents.items():  # six digits: float32, in which networks are trained, has seven
        write_json(out / file, document, digits=6)
    if "reference" in studies:
        write_json(out / "claims.json", verdicts.evaluate(Results.load(out / "results.json")))
    keeps = found.get("your_data") or studies.get("reference")
    if keeps and (classifier := keeps.classifier()):
        classifier.save(out / MODEL)
    if keeps := found.get("your_data"):
        (out / BALANCED).unlink(missing_ok=True)
        if classifier := keeps.balanced_classifier():
            classifier.save(out / BALANCED)
