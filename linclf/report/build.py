"""The report: check parameters -> papermill -> nbconvert -> a folder of pages, with its numbers and claims beside."""

import argparse
import base64
import difflib
import hashlib
import os
import re
import shlex
import shutil
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import nbformat

from linclf.claims import ceiling, verdicts
from linclf.data.dataset import Dataset, Provenance
from linclf.data.load import write_decoded
from linclf.errors import ConfigError, DataError, DivergenceError, printable
from linclf.studies import exploration, reference, your_data
from linclf.studies.ceiling import CeilingStudy
from linclf.studies.results import Results
from linclf.studies.store import Count, Store
from linclf.studies.study import Plan, Study
from linclf.system.environment import cores, source_tree
from linclf.system.files import LOCK, remove_unfinished, write_bytes, write_json, write_text
from linclf.system.progress import Clock

from .execute import Execution, execute, forked_kernels, patience, short_places, stop_kernels
from .pages import CEILING, PAGES, first_page, page_file, reading_order, report_pages, tree_around
from .render import browser, convert, join, outputs, print_pdf, template_folders, to_markdown

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
_IN_SOURCE = {"documentation": "docs/index.md", "licence": "LICENSE"}
"""Files that pages link to where the report lies within linclf's source tree."""
_LONGEST = 2**26  # bytes of a page that is read again

_STUDIES: dict[str, type[Study]] = {
    "reference": reference.ReferenceStudy,
    "ceiling": CeilingStudy,
    "your_data": your_data.YourDataStudy,
}
"""The study that trains for a page, by its name in ``Page.study``."""
_TYPES: dict[str, Callable[[str], Any]] = {
    "int": int, "float": float, "str": str, "bool": {"True": True, "False": False}.__getitem__,
}  # fmt: skip
"""What makes a value of a parameter's text, by the type that notebooks declare: nothing in a text is run."""


@dataclass(frozen=True)
class Notebook:
    """A notebook and its parameters: name -> type, as its one cell tagged ``parameters`` declares them."""

    path: Path
    types: dict[str, str]


def make_report(
    given: dict[str, Any],
    *,
    command: str,
    assignments: Sequence[str] = (),
    only: Sequence[str] | None = None,
    ceiling: bool = False,
    fresh: bool = False,
    single_file: bool = False,
    pdf: bool = False,
    markdown: bool = False,
    open_page: bool = False,
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
    template_folders()
    if pdf:
        browser()
    out, name = ((given | parse(assignments, known))[key] for key in ("out_dir", "data"))
    out, data = Path(out), Study(name, out).data
    asked = only or known.keys() & report_pages(data.provenance)
    chosen = select(known, [*asked, *([CEILING] if ceiling else [])])
    values = given | parse(assignments, chosen)
    studies, first = _studies(data, out, chosen, values), first_page(data.provenance)
    with sole_writer(out):
        if fresh:
            Store.of_report(out).clear()
        _say(f"data: {data.provenance.describe()}")
        _say(f"training; finished runs are kept in {Store.of_report(out).folder}")
        clock.lap("data")
        results = _train(studies, chosen, clock)
        chosen = {name: chosen[name] for name in reading_order(chosen, first)}
        with scratch(out) as folder:
            write_decoded(data, name, folder)
            executed = _execute(chosen, values, folder, png=markdown)
        clock.lap("notebooks")
        failed = {name for name, execution in executed.items() if execution.failure}
        for study in results.keys() & {PAGES[name].study for name in failed}:
            del results[study]
        _write_numbers(out, studies, results, command)
        pages = _write_pages(out, executed, data.provenance)
        if markdown:
            _write_markdown(out, executed, first)
        if pages and (single_file or pdf):
            _write_whole(out, pages, first, single_file=single_file, pdf=pdf)
        clock.lap("pages")
    _say(f"done in {clock}{'' if data.provenance.synthetic else clock.rate()}")
    if pages:
        page = out / page_file(next(iter(pages)), first)
        _say(f"report: {page} (to open it: {page.resolve().as_uri()} in a browser, or --open)")
        if open_page and not webbrowser.open(page.resolve().as_uri()):
            _say(f"no browser was found here: open {page} by hand", sys.stderr)
    return 1 if failed or len(pages) < len(executed) else 0


def notebooks() -> dict[str, Notebook]:
    """The report's notebooks in order: beside the package in a source tree, inside it where it was installed."""
    folder = (source_tree() or Path(__file__).parent.parent) / "notebooks"
    if not folder.is_dir():
        raise ConfigError("the report's notebooks are missing from this installation: install linclf again")
    return {name: read_notebook(folder / f"{name}.ipynb") for name in PAGES}


def _studies(data: Dataset, out: Path, chosen: Collection[str], values: dict[str, Any]) -> dict[str, Any]:
    """The studies of the chosen pages; ConfigError, DataError for what cannot be trained."""
    if "explore" in chosen:  # which trains for itself
        exploration.ExplorationPlan(**_of(exploration.ExplorationPlan, values))
    return {
        kind: study(data, out, **_of(study.plan_class, values))
        for kind, study in _STUDIES.items()
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
    results, count = {}, Count(0, 0)
    arms = dict.fromkeys(arm for name in chosen for arm in PAGES[name].arms)
    for kind, study in studies.items():
        with suppress(DivergenceError):
            results[kind] = study.run(*arms) if kind == "reference" else study.run()
        count += study.count
    if studies:
        _say(f"networks: {count.trained} trained, {count.reused} reused")
    clock.lap("training", count.flop)
    if "0_baseline" in chosen:
        with suppress(DivergenceError):
            reference.on_surrogate(studies["reference"])
        clock.lap("surrogate")
    if "shuffle" in arms:
        studies["reference"].time_shuffling()
        clock.lap("timing")
    return results


def _execute(chosen: dict[str, Notebook], values: dict[str, Any], folder: Path, *, png: bool) -> dict[str, Execution]:
    """Run the notebooks in ``folder``, which holds the data, one a core; of pictures, the summary's are kept."""
    pool, running = ThreadPoolExecutor(cores()), dict[str, Future[Execution]]()
    with forked_kernels() if len(chosen) >= cores() else nullcontext():
        try:
            for name in sorted(chosen, key=lambda name: PAGES[name].study is not None):  # those that train take longest
                path = chosen[name].path
                parameters = {key: value for key, value in values.items() if key in chosen[name].types}
                with_png = png or name == "summary"
                running[name] = pool.submit(execute, path, parameters, folder / path.name, png=with_png, decoded=folder)
            for i, name in enumerate(chosen, start=1):
                execution = running[name].result()
                failed = f"  failed: {execution.failure}" if execution.failure else ""
                _say(f"[{i}/{len(chosen)}] {name:<24}{execution.seconds:6.1f} s{failed}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for _ in range(10):  # a kernel may just be starting; whoever pressed Ctrl-C waits no longer than a second
                stop_kernels()
                wait([future for future in running.values() if future.running()], timeout=0.1)
            raise
    return {name: running[name].result() for name in chosen}


def _write_numbers(out: Path, studies: dict[str, Any], results: dict[str, Any], command: str) -> None:
    """A JSON file for each study, the claims beside the reference's, and a classifier to keep."""
    documents = {f"{kind}.json": numbers.document() for kind, numbers in results.items() if kind != "reference"}
    if "reference" in studies:
        documents["results.json"] = {**studies["reference"].results().document, "command": command}
    if "ceiling" in results:
        documents["ceiling.json"]["numbers"] = ceiling.numbers(documents["ceiling.json"])
    for file, document in documents.items():  # six digits: float32, in which networks are trained, has seven
        write_json(out / file, document, digits=6)
    if "reference" in studies:
        write_json(out / "claims.json", verdicts.evaluate(Results.load(out / "results.json")))
    own, other = results.get("your_data"), studies.get("reference")
    if other and first_page(other.data.provenance) != "summary":  # on other data it is only a page beside
        other = None
    if own:
        (out / BALANCED).unlink(missing_ok=True)
    kept = own or other
    for file, classifier in ((MODEL, kept and kept.classifier()), (BALANCED, own and own.balanced_classifier())):
        if classifier:
            classifier.save(out / file)


def _write_pages(out: Path, executed: dict[str, Execution], provenance: Provenance) -> dict[str, str]:
    """Write one page per notebook, and return them; one that failed also leaves its executed copy, and says where.

    The pages link each other, but not those that an earlier report left there on other data.
    """
    first, pages = first_page(provenance), {}
    files = {word: source / file for word, file in _IN_SOURCE.items() if (source := tree_around(out))}
    about = {
        "pages": [n for n in PAGES if n in executed or provenance.sha256 in _page(out / page_file(n, first))],
        "first": first,
        "data": provenance.name.rpartition(" (")[0] or provenance.name,
        "links": {word: file.as_posix() for word, file in files.items() if (out.resolve() / file).is_file()},
    }
    for name, execution in executed.items():
        copy, file = out / f"{name}.failed.ipynb", page_file(name, first)
        copy.unlink(missing_ok=True)
        if execution.failure:
            write_text(copy, nbformat.writes(execution.notebook))
        execution.notebook.metadata["linclf"] = about | {
            "numbers": [file for file in PAGES[name].numbers if (out / file).is_file()],
            "failed": copy.name if execution.failure else None,
        }
        try:
            pages[name] = convert(execution.notebook, name)
        except Exception as error:  # whatever a notebook may hold that its converters do not expect
            write_text(copy, nbformat.writes(execution.notebook))
            _say(f"{name}: no page could be made of {copy}: {type(error).__name__}: {error}", sys.stderr)
            continue
        write_text(out / file, pages[name])
    shown = outputs(executed["summary"].notebook) if "summary" in executed else []  # no picture where it failed before
    for picture in [output.data["image/png"] for output in shown if "image/png" in output.get("data", {})][:1]:
        write_bytes(out / PICTURE, base64.b64decode(picture))
    return pages


def _write_markdown(out: Path, executed: dict[str, Execution], first: str) -> None:
    """README.md, which GitHub shows in place of the first page, a file for each other, and their pictures.

    README.md ends with the numbered figures of the others: 1 and "10 and 11", not 4a or B2.
    """
    order = reading_order(executed, first)
    files = {page_file(name, first): "README.md" if name == first else f"{name}.md" for name in order}
    (out / "pictures").mkdir(exist_ok=True)
    numbered = ""
    for name, page in reversed([*zip(order, files, strict=True)]):
        titles = ((PAGES[other].title, file) for other, file in zip(order, files.values(), strict=True))
        links = [f"**{title}**" if file == files[page] else f"[{title}]({file})" for title, file in titles]
        text, pictures = to_markdown(executed[name].notebook, name, files)
        for old in (out / "pictures").glob(f"{name}_*.png"):
            old.unlink()
        for file, content in pictures.items():
            write_bytes(out / file, content)
        if name == first and numbered:
            text += f"\n\n## The figures\n\n{numbered}"
            links.append("[The figures](#the-figures)")
        elif figures := re.findall(r"^!\[Figures? \d+(?: and \d+)?\. .*$", text, re.M):
            numbered = "\n\n".join([f"### [{PAGES[name].title}]({files[page]})", *figures, numbered])
        note = f"The same with curves to read off, as one file to open in a browser: [{page}]({page})."
        write_text(out / files[page], f"{' · '.join(links)}\n\n{text.rstrip()}\n\n{note}\n")


def _page(path: Path) -> str:
    """The text of an earlier page; empty if there is none, or it cannot be read."""
    with suppress(OSError, ValueError):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LONGEST:
            return path.read_text(encoding="utf-8")
    return ""


def _write_whole(out: Path, pages: dict[str, str], first: str, *, single_file: bool, pdf: bool) -> None:
    """The pages just made in one, as a page and on paper.

    Others in the folder are named, and left out: whoever hands a folder over may put any page there.
    """
    for path in (out / page_file(name, first) for name in PAGES if name not in pages):
        if os.path.lexists(path):
            _say(f"left out of {SINGLE if single_file else PRINTED}, since this command did not make it: {path}")
    whole = join(pages, first)
    if single_file:
        write_text(out / SINGLE, whole)
    if pdf:
        printed = print_pdf(whole, [partial(scratch, out, place) for place in (out, Path.home(), None)])
        write_bytes(out / PRINTED, printed)


def _say(text: str, stream: TextIO | None = None) -> None:
    """Print a line at once; names in it may hold what a terminal would obey.

    A stream that is closed or full ends no report: the command says so when all is done, and flushes it again.
    """
    with suppress(OSError):
        print(printable(text), file=stream, flush=True)


@contextmanager
def sole_writer(out: Path) -> Iterator[None]:
    """Lock ``out`` against other reports; the system releases the lock when this process ends, however it ends.

    Raises:
        ConfigError: it is locked already, or cannot be written to.
    """
    from filelock import FileLock, Timeout

    lock, runs = FileLock(out / LOCK, timeout=0, mode=0o666), Store.of_report(out).folder  # for whoever shares it
    if os.path.islink(runs):  # which says False of a name that is too long
        raise ConfigError(f"{runs}: expected a folder, found a link, perhaps to another report's; remove it first")
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ConfigError(f"{out}: another report is being written there; wait for it, or choose another") from None
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{out}: expected a folder to write to, but found: {reason}; choose another") from None
    try:
        for folder in (out, runs):
            remove_unfinished(folder)
        yield
    finally:
        lock.release()


@contextmanager
def scratch(out: Path, within: Path | None = None) -> Iterator[Path]:
    """A folder for temporary files of the report in ``out``, in the system's temporary folder or ``within`` another.

    Those that killed reports left there are removed first: call it only within :func:`sole_writer`, or another report's
    would be removed, too.
    """
    prefix = f"linclf-{hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]}-"
    place = (within or Path(tempfile.gettempdir())).absolute()
    for left in (left for folder in {place, *short_places()} for left in folder.glob(f"{prefix}*")):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def clean(out: Path) -> str:
    """Remove the finished runs of the report in ``out``, and say how many files and megabytes they were.

    Raises:
        ConfigError: ``out`` is no folder, or a report is being written there.
    """
    if not os.path.isdir(out):
        raise ConfigError(f"{out}: expected the folder of a report, found none")
    store = Store.of_report(out)
    if not store.folder.is_dir():
        return f"{store.folder}: no runs are stored there"
    with sole_writer(out):
        files, size = store.clear()
    return f"{store.folder}: {files} files of stored runs removed, {size / 1e6:.1f} MB"


def read_notebook(path: Path) -> Notebook:
    """The notebook at ``path``."""
    from papermill import inspect_notebook  # slow to import

    return Notebook(path, {name: about["inferred_type_name"] for name, about in inspect_notebook(path).items()})


def select(notebooks: dict[str, Notebook], only: Collection[str]) -> dict[str, Notebook]:
    """The notebooks called ``only``, in the report's order."""
    for name in only:
        _check_known("notebook", name, notebooks)
    return {name: notebook for name, notebook in notebooks.items() if name in only}


def parse(assignments: Sequence[str], notebooks: dict[str, Notebook]) -> dict[str, Any]:
    """``NAME=VALUE`` texts as typed values; every name must be a parameter of at least one of the notebooks."""
    known = {name: type_ for notebook in notebooks.values() for name, type_ in notebook.types.items()}
    values = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"expected NAME=VALUE, such as lr_decay=0.9, not {assignment!r}")
        _check_known("parameter", name, known)
        try:
            values[name] = _TYPES[known[name]](text)
        except (KeyError, ValueError):
            raise ConfigError(f"parameter {name!r} must be of type {known[name]}, not {text!r}") from None
    return values


def _check_known(what: str, name: str, known: dict[str, Any]) -> None:
    """ConfigError, with what may have been meant, unless the name is among those that are known."""
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"choose among {', '.join(sorted(known))}"
        raise ConfigError(f"unknown {what} {name!r}: {meant}")


def _data_of(command: str) -> str:
    """The value of ``--data`` in a command of ``linclf report``."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data", default="auto")
    return str(parser.parse_known_args(shlex.split(command))[0].data)


def rewrite_verdicts(out: Path, name: str | None = None) -> str:
    """Make ``claims.json``, the picture and the pages with verdicts anew from ``results.json``, without training.

    Pages also show images and weights: they take the data set (``name``, by default what the recorded command names)
    and the finished runs; where either is not here they stay as they are. Returns a sentence on what was written.

    Raises:
        ConfigError, DataError: the folder cannot be written to, or holds no usable ``results.json``.
    """
    from .views import claims  # slow to import, as Matplotlib is

    results = Results.load(out / "results.json")
    plan, arms = results.document.get("plan", {}), results.arms
    with sole_writer(out):
        write_json(out / "claims.json", verdicts.evaluate(results))
        bundle, _ = claims.picture(results, number=1)._repr_mimebundle_()
        write_bytes(out / PICTURE, base64.b64decode(bundle["image/png"]))
    written = f"{out / 'claims.json'} and {out / PICTURE} are made anew from {out / 'results.json'}"
    pages = [name for name in PAGES if PAGES[name].study == "reference" and (out / page_file(name)).exists()]
    command = results.document.get("command", "linclf report")
    name = name or _data_of(command)
    try:
        study = reference.ReferenceStudy(name, out, **_of(reference.ReferenceStudy.plan_class, plan))
        if study.data.provenance.sha256 != results.data.get("sha256"):
            return f"{written}; its pages are not, since {name} holds other data."
        if study.results(arms).arms != arms:
            return f"{written}; its pages are not, since they take the finished runs, which are not in {out / 'runs'}."
    except DataError as error:
        return f"{written}; its pages are not, since they take the data set: {error}"
    given = {"data": name, "out_dir": str(out)} | _of(Plan, plan)
    others = [f"{key}={value}" for key, value in plan.items() if key not in given]
    status = make_report(given, command=command, assignments=others, only=pages)
    return f"{written}, {'and its pages too' if status == 0 else 'but not all of its pages'}."
