"""The command whatever it is started with: help and completions, streams, locales, missing packages, pipes as files."""

import os
import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, arrays, linclf
from PIL import Image

from linclf import Classifier, Config, load_dataset
from linclf.cli import main, parser


def test_it_says_its_version_and_examples_that_parse():
    assert linclf("--version").stdout == f"linclf {version('linclf')}\n"
    examples = re.findall(r"^  linclf (.*?)(?:  |$)", parser().epilog, re.M)
    assert [parser().parse_args(shlex.split(example)).command for example in examples]


def test_shtab_makes_completions_of_the_parser():
    pytest.importorskip("shtab")
    made = subprocess.run([sys.executable, "-m", "shtab", "linclf.cli.parser"], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    typed = "COMP_WORDS=(linclf report --see) COMP_CWORD=2; _shtab_linclf; echo ${COMPREPLY[@]}"
    offered = subprocess.run(["bash", "-c", f"{made.stdout}\n{typed}"], capture_output=True, text=True)
    assert offered.stdout == "--seeds\n", offered.stderr


def shell(words, cwd, **environ):
    """Status, output and errors of ``linclf`` with these words of a shell, redirections among them."""
    if "/dev/full" in words and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    command = f"{shlex.quote(sys.executable)} -m linclf {words}"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | environ
    done = subprocess.run(command, shell=True, cwd=cwd, env=env, capture_output=True)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with pictures in classes with accents, a classifier of them, arrays, and pipes in place of files."""
    folder = tmp_path_factory.mktemp("place")
    rng = np.random.default_rng(0)
    for name in ("café", "œuf"):
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(6):
            Image.fromarray(rng.integers(0, 256, (4, 5, 3), np.uint8)).save(folder / "photos" / name / f"{i}.png")
    config = Config(learning_rate=0.1, l2=0.0, epochs=9)
    Classifier.fit(load_dataset(folder / "photos"), config, progress=False).save(folder / "model.npz")
    np.savez(folder / "data.npz", **arrays())
    for name in PIPES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(folder / name)
    return folder


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("--version >/dev/full", 1, "linclf: standard output: No space left on device\n"),
        ("--help >/dev/full", 1, "linclf: standard output: No space left on device\n"),
        ("predict model.npz photos >/dev/full", 1, "linclf: standard output: No space left on device\n"),
        ("predict model.npz photos >&-", 1, "linclf: standard output: Bad file descriptor\n"),
        ("predict model.npz photos | true", 0, ""),
        ("predict model.npz - <&-", 2, "linclf: expected a list of names on standard input, which is closed\n"),
        ("predict model.npz photos/café/0.png 2>&-", 0, ""),
        ("predict model.npz none.png 2>&-", 1, ""),
        ("predict none.npz a.png 2>/dev/full", 2, ""),
        ("--version >&- 2>&- <&-", 1, ""),
    ],
)
def test_closed_and_full_streams_are_no_traceback_and_no_silence(place, words, status, said):
    done, _, errors = shell(words, place)
    assert (done, errors) == (status, said)


@pytest.mark.slow
@pytest.mark.parametrize("streams", [">/dev/full", ">&- 2>&- <&-"])
def test_a_report_is_whole_whatever_its_streams(tmp_path, streams):
    words = "report --data synthetic:60 --epochs 1 --only 0_baseline --out out"
    status, _, errors = shell(f"{words} {streams}", tmp_path)
    assert (status, errors) == (1, "linclf: standard output: No space left on device\n" if "full" in streams else "")
    assert "Baseline" in (tmp_path / "out" / "0_baseline.html").read_text(encoding="utf-8")
    assert not [*(tmp_path / "out").glob("*.failed.ipynb")]


C_LOCALE = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_names_with_accents_are_what_they_are_in_any_locale(place):
    plain = shell("predict model.npz photos", place)
    assert plain[1].count("café") > 6
    assert shell("predict model.npz photos", place, **C_LOCALE) == plain
    status, output, _ = shell("predict model.npz photos/café/0.png", place, PYTHONIOENCODING="ascii", **C_LOCALE)
    assert (status, output.startswith("photos/caf\\xe9/0.png: ")) == (0, True)
    assert shell("surrogate photos copy.npz", place, **C_LOCALE)[0] == 0
    assert set(load_dataset(place / "copy.npz").class_names) == {"café", "œuf"}


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """A function that runs the command where NumPy and threadpoolctl alone are installed beside linclf."""
    folder = tmp_path_factory.mktemp("core")
    for name in ("numpy", "threadpoolctl", "linclf"):
        origin = Path(find_spec(name).origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (folder / origin.name).symlink_to(origin)
        if (libraries := origin.with_name(f"{origin.name}.libs")).exists():
            (folder / libraries.name).symlink_to(libraries)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from linclf.cli import main; sys.exit(main())"

    def run(words, cwd):
        command = [sys.executable, "-S", "-P", "-c", code, *words.split()]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True)

    return run


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("report", "report"),
        ("report --data photos --image-size 4 --pdf", "report"),
        ("report --backend dask", "report"),
        ("clean", "report"),
        ("fetch", "report"),
        (f"verify {ROOT / 'reports' / 'cifar-10'}", "report"),
        ("surrogate digits copy.npz", "sklearn"),
        ("surrogate photos copy.npz", "images"),
        ("predict model.npz photos", "images"),
    ],
)
def test_the_core_installation_names_the_extra_that_a_command_needs(core, place, words, extra):
    done = core(words, place)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.endswith(f"pip install 'linclf[{extra}]'\n")


def test_the_core_installation_shows_what_it_can(core, place):
    said = core("info", place).stdout
    assert [word for word in ("Gaussian surrogate of CIFAR-10", "BLAS", "cores") if word not in said] == []
    assert core("--help", place).returncode == 0
    assert "cannot be read, 5 % at most, and list them" in " ".join(core("report --help", place).stdout.split())


PIPES = (
    "pipe.npz", "pipe.csv", "pipe.png", "pipe.tar", "pics/a/0.png", "idx/train-images-idx3-ubyte",
    "idx/train-labels-idx1-ubyte", "report/results.json", "cifar-10-batches-py/data_batch_1",
)  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "predict pipe.npz a.png", "predict model.npz pipe.png", "predict model.npz pics", "verify pipe.csv",
        "verify report", "clean pipe.tar", "surrogate pipe.npz copy.npz", "surrogate pipe.csv copy.npz",
        "surrogate pipe.tar copy.npz", "surrogate pics copy.npz", "surrogate idx copy.npz",
        "surrogate cifar-10-batches-py copy.npz", "report --data pipe.npz", "report --data data.npz --out pipe.png",
    ],
)  # fmt: skip
def test_a_named_pipe_is_no_file_and_nobody_waits_for_it(place, words, capsys, monkeypatch):
    monkeypatch.chdir(place)
    assert main(words.split()) in (1, 2)
    errors = capsys.readouterr().err
    assert ("expected" in errors, errors.count("\n")) == (True, 1)


def test_an_empty_name_of_a_report_to_verify_is_not_the_current_folder(capsys, monkeypatch):
    monkeypatch.chdir(ROOT / "reports" / "cifar-10")
    assert main(["verify", ""]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_whatever_a_terminal_would_obey_is_printed_as_text(place, tmp_path, capsys):
    evil = "a\x1b]0;pwned\x07\x1b[31m.png"
    (tmp_path / evil).write_bytes((place / "photos" / "café" / "0.png").read_bytes())
    (tmp_path / f"note.{evil}\x1b").write_text("")
    assert main(["predict", str(place / "model.npz"), str(tmp_path), str(tmp_path / "\x1b[2J")]) == 1
    assert main(["clean", str(tmp_path / evil)]) == 2
    assert main(["verify", str(tmp_path / evil)]) == 1
    assert main(["surrogate", str(tmp_path / evil), "\x1b.npz"]) == 2
    assert main(["report", "\x1b[2J"]) == 2
    assert not {"\x1b", "\x07"} & {*"".join(capsys.readouterr())}
