"""The command ``linclf``: each subcommand parses its options, then makes one call."""

import argparse
import io
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn, TextIO

from linclf.errors import ConfigError, DataError, LinclfError, printable

REPORT = "reports/latest"
"""The default folder of a report."""

_EXAMPLES = """examples:
  linclf report --open                            on CIFAR-10 where it is found, else on a surrogate of it
  linclf report --data photos/ --image-size 32    on pictures of your own, a folder for each class
  linclf report --only explore -p l2=0.01         one page, with another value of a notebook's parameter
  linclf predict reports/latest/model.npz a.jpg   the class of a picture, by the network that a report trained
  linclf info                                     which data is found, which BLAS runs, and on how many cores
"""


class _Parser(argparse.ArgumentParser):
    """A parser that answers wrong usage with one line and status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)} ({self.prog} --help lists the options)\n")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version  # slow to import

        print(f"linclf {version('linclf')}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The parser of the command line, which shtab makes completions of and the documentation a page."""
    from linclf.data.load import OPTIONS, formats  # which loads every reader
    from linclf.studies.study import Plan

    data = f"auto (default), synthetic, digits, cifar-10, or a path: of {formats()}"
    parser = _Parser(
        prog="linclf",
        description="Train, study and report a single-layer image classifier.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    report = commands.add_parser("report", help="run the notebooks and write the HTML report")
    report.set_defaults(run=_report)
    report.add_argument("--data", default="auto", help=data)
    for option in OPTIONS.values():
        kinds = {bool: {"action": "store_true"}, list: {"action": "append", "metavar": option.metavar}}
        how: dict[str, Any] = kinds.get(option.kind, {"type": option.kind, "metavar": option.metavar})
        said = f"of {option.of}: {option.help}".replace("%", "%%")
        report.add_argument(f"--{option.name.replace('_', '-')}", help=said, **how)
    report.add_argument("--out", default=REPORT, metavar="DIR", help="folder to write, default %(default)s")
    for field in fields(Plan):
        name, said = f"--{field.name.replace('_', '-')}", f"{field.metadata['says']}, default %(default)s"
        report.add_argument(name, type=int, default=field.default, metavar="N", help=said)
    report.add_argument("--only", nargs="+", action="extend", metavar="NAME", help="run only these, such as 0_baseline")
    report.add_argument("--ceiling", action="store_true", help="also make section 3: ten minutes more on CIFAR-10")
    said = "set another notebook parameter"
    report.add_argument("-p", "--parameter", dest="assignments", action="append", metavar="NAME=VALUE", help=said)
    report.add_argument("--backend", choices=("threading", "loky", "dask"), help="joblib's backend for training")
    report.add_argument("--scheduler", metavar="ADDRESS", help="of the Dask cluster, such as tcp://127.0.0.1:8786")
    report.add_argument("--fresh", action="store_true", help="remove stored runs first: train everything anew")
    report.add_argument("--single-file", action="store_true", help="also write report.html, all pages in one")
    report.add_argument("--pdf", action="store_true", help="also write report.pdf, all pages in one; needs Chromium")
    report.add_argument("--markdown", action="store_true", help="also write README.md and more, which GitHub shows")
    report.add_argument("--open", dest="open_page", action="store_true", help="open the report in the browser")

    clean = commands.add_parser("clean", help="remove the finished runs that a report keeps, not its pages")
    clean.set_defaults(run=_clean)
    clean.add_argument("folder", nargs="?", default=REPORT, metavar="DIR", help="the report's, default %(default)s")

    fetch = commands.add_parser("fetch", help="download CIFAR-10's official archive into the cache folder")
    fetch.set_defaults(run=_fetch)
    fetch.add_argument("--url", help="another place to download it from; the checksum must match")

    surrogate = commands.add_parser("surrogate", help="write the means and covariances of data as a small file")
    surrogate.set_defaults(run=_surrogate)
    surrogate.add_argument("data", metavar="DATA", help=data)
    surrogate.add_argument("file", metavar="FILE.npz", help="the file to write, which --data reads like any other")

    verify = commands.add_parser("verify", help="compute a report's claims.json again from its results.json")
    verify.set_defaults(run=_verify)
    verify.add_argument("results", metavar="RESULTS", help="the report's folder, or its results.json")
    verify.add_argument("--write", action="store_true", help="make claims.json, the picture and pages anew instead")
    verify.add_argument("--data", metavar="PATH", help="with --write: the data set, if it is not where it was")

    predict = commands.add_parser("predict", help="classify pictures or a table with the model.npz that a report wrote")
    predict.set_defaults(run=_predict)
    predict.add_argument("model", metavar="MODEL", help="a report's model.npz, or one saved by linclf.Classifier")
    files = "pictures, folders of them, - for a list on stdin; or a table"
    predict.add_argument("files", nargs="+", metavar="FILE", help=files)
    how_many = predict.add_mutually_exclusive_group()
    how_many.add_argument("--top", type=int, metavar="N", help="classes to name for each, default 2")
    how_many.add_argument("--all", action="store_true", help="name all classes for each")
    predict.add_argument("--json", action="store_true", help="write a JSON object a line, for programs")

    info = commands.add_parser("info", help="show the data found, versions, BLAS and cores")
    info.set_defaults(run=_info)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 where something failed, 2 for wrong usage or unusable input."""
    if from_shell := words is None:
        _prepare_process()
    try:
        status = _run(sys.argv[1:] if words is None else words)
        sys.stdout.flush()
    except LinclfError as error:
        status = 2
        _complain(str(error))
    except ModuleNotFoundError as error:  # those of rarer extras have their message where they are imported
        if (error.name or "linclf").startswith("linclf"):
            raise
        status = 2
        _complain(f"this command needs {error.name}, which is not installed: pip install 'linclf[report]'")
    except BrokenPipeError:  # as with "| head"
        status = 0
    except OSError as error:  # the disk or the system failed, not the user's input
        status = 1
        where = error.filename or ("standard output" if _is_lost(sys.stdout) else "")
        _complain(f"{where}{where and ': '}{error.strerror or error}")
    except KeyboardInterrupt:
        status = 130
        _complain("interrupted")
    lost = [stream for stream in (sys.stdout, sys.stderr) if _is_lost(stream)]
    if from_shell:
        for stream in lost:  # or Python would fail to flush it at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if status == 130:  # by now all is tidy: no thread that still waits for something may hold up the end
            os._exit(status)
    return status


def _run(words: Sequence[str]) -> int:
    try:
        options = parser().parse_args(words)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    options.line = _command(words)
    done = options.run(options)  # the status, or what there is to say
    if isinstance(done, int):
        return done
    print(*map(printable, done.split("\n")), sep="\n")
    return 0


def _prepare_process() -> None:
    """Make up for what a shell may have started this process with: its path of modules, its locale, closed streams."""
    # Import nothing of Python's own, such as json, from the current folder or from $PYTHONPATH.
    library = {os.path.dirname(os.__file__), os.path.join(os.path.dirname(os.__file__), "lib-dynload")}
    sys.path.sort(key=lambda folder: folder not in library)
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # what SciPy imports, and IPython, end where it is no number
    # Names of files are UTF-8, also where the locale says otherwise: classes are called what their folders are.
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        os.environ["PYTHONUTF8"] = "1"  # for kernels and workers
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    # The number of a closed stream would go to the next file: writing to it must fail, as it does in other programs.
    for number, name, mode in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            os.set_inheritable(os.open(os.devnull, mode), True)  # which takes the lowest number that is free
            if number:
                setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of classes may be in any script


def _complain(text: str) -> None:
    """Say on standard error what went wrong, unless that is closed or full."""
    with suppress(OSError, ValueError):
        print(f"linclf: {printable(text)}", file=sys.stderr, flush=True)


def _is_lost(stream: TextIO) -> bool:
    """Whether what was written to a stream cannot get out."""
    with suppress(OSError, ValueError):
        stream.flush()
        return False
    return True


def _command(words: Sequence[str]) -> str:
    """The command as text that a page can show."""
    command = shlex.join(["linclf", *words])
    if any("\ud800" <= sign <= "\udfff" for sign in command):  # which stand for what is not UTF-8
        raise ConfigError("expected words of the command in UTF-8, found other bytes")
    return command


def _report(options: argparse.Namespace) -> int:
    if os.path.expanduser("~") == "~":
        raise ConfigError("expected a home folder, where Jupyter looks for its own, found none: set HOME")
    from linclf.data.load import OPTIONS, name_with_options
    from linclf.report.build import make_report
    from linclf.studies.study import Plan
    from linclf.training.train import engine

    data = name_with_options(options.data, {name: getattr(options, name) for name in OPTIONS})
    plan = {field.name: getattr(options, field.name) for field in fields(Plan)}
    names = ("only", "ceiling", "fresh", "single_file", "pdf", "markdown", "open_page")
    chosen = {name: getattr(options, name) for name in names}
    given = {"data": data, "out_dir": options.out} | plan
    with engine(options.backend, options.scheduler):
        return make_report(given, command=options.line, assignments=options.assignments or (), **chosen)


def _clean(options: argparse.Namespace) -> str:
    from linclf.report.build import clean

    return clean(Path(options.folder))


def _fetch(options: argparse.Namespace) -> str:
    from linclf.data.load import fetch

    return f"CIFAR-10 is at {fetch(options.url)}"


def _surrogate(options: argparse.Namespace) -> str:
    from linclf.data.load import load_dataset
    from linclf.data.surrogate import write_surrogate

    if not options.file.lower().endswith(".npz"):
        raise ConfigError(f"{options.file}: expected the name of a file that ends in .npz")
    return write_surrogate(load_dataset(options.data), options.file)


def _verify(options: argparse.Namespace) -> str | int:
    from linclf.claims.verdicts import verify

    if not os.path.exists(options.results):
        raise ConfigError(f"{options.results}: no such file or folder; give a report's folder, or its results.json")
    try:
        if not options.write:
            return verify(options.results)
        from linclf.report.build import rewrite_verdicts

        path = Path(options.results)
        return rewrite_verdicts(path if path.is_dir() else path.parent, options.data)
    except DataError as error:
        _complain(str(error))
        return 1


def _predict(options: argparse.Namespace) -> int:
    from linclf.classifier.predict import predict

    return predict(options.model, options.files, top=options.top, as_json=options.json, every=options.all)


def _info(options: argparse.Namespace) -> str:
    from linclf.data.load import load_dataset
    from linclf.system.environment import describe

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "no CIFAR-10 was found")  # the line says so
        known = {"data": load_dataset("auto").provenance.describe(), **describe()}
    return "\n".join(f"{name}: {value}" for name, value in known.items())
