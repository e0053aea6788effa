"""What is said of the machine, and done about a BLAS that underrates it."""

import sys

import pytest

from linclf import __main__, kernels

FLAGS = "sse avx2 avx512f avx512cd avx512bw avx512dq avx512vl"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A processor with AVX-512, whose kernels take the seconds given."""

    def made(chosen="SkylakeX", flags=FLAGS, **seconds):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
        monkeypatch.setattr(kernels, "blas", lambda: {"kernels": chosen})
        monkeypatch.setattr(kernels, "cpuinfo", lambda field: flags)
        monkeypatch.setattr(kernels, "_seconds_with", seconds.__getitem__)

    return made


@pytest.mark.parametrize(
    ("chosen", "skylakex", "haswell", "better"),
    [
        ("Haswell", 1.0, 1.2, "SKYLAKEX"),
        ("Zen", 1.0, 1.2, "SKYLAKEX"),
        ("SkylakeX", 1.2, 1.0, "HASWELL"),
        ("SkylakeX", 1.0, 1.2, None),
        ("SkylakeX", 1.0, 0.95, None),  # noise
        ("Haswell", float("inf"), float("inf"), None),  # where neither could be timed
    ],
)
def test_the_faster_kernels_are_found(machine, chosen, skylakex, haswell, better):
    machine(chosen, SKYLAKEX=skylakex, HASWELL=haswell)
    assert kernels.better_kernels() == better


def test_kernels_are_timed_once(machine, tmp_path):
    machine(SKYLAKEX=2.0, HASWELL=1.0)
    assert kernels.better_kernels() == "HASWELL"
    machine()  # where timing again would be an error
    assert kernels.better_kernels() == "HASWELL"
    (tmp_path / "linclf" / "kernels.json").write_text("damaged")
    machine(SKYLAKEX=1.0, HASWELL=2.0)
    assert kernels.better_kernels() is None


@pytest.mark.parametrize(
    ("chosen", "flags", "asked"),
    [("SkylakeX", "sse avx2", None), (None, FLAGS, None), ("Cortex", FLAGS, None), ("SkylakeX", FLAGS, "HASWELL")],
)
def test_kernels_are_not_chosen_where_there_is_no_choice(machine, monkeypatch, chosen, flags, asked):
    machine(chosen, flags)
    if asked:
        monkeypatch.setenv("OPENBLAS_CORETYPE", asked)
    assert kernels.better_kernels() is None
    assert kernels.other_kernels() == asked  # what was asked for does not change what could be run


def test_without_a_home_folder_kernels_are_timed_each_time(machine, monkeypatch):
    machine(SKYLAKEX=2.0, HASWELL=1.0)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert kernels.better_kernels() == "HASWELL"


def test_products_are_timed_in_seconds():
    assert 0 < kernels._seconds_with("HASWELL") < 60


def test_a_report_starts_over_with_better_kernels(monkeypatch):
    started = []
    monkeypatch.setattr(kernels, "better_kernels", lambda: "SKYLAKEX")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "")
    monkeypatch.setattr("os.execv", lambda program, words: started.append(words))
    monkeypatch.setattr(sys, "argv", ["linclf", "report", "--data", "/nowhere"])
    assert __main__.main() == 2  # where execv returns, as it never does, the report goes on
    assert started == [[sys.executable, "-m", "linclf", "report", "--data", "/nowhere"]]


def test_info_says_so(monkeypatch, capsys):
    monkeypatch.setattr(kernels, "better_kernels", lambda: "SKYLAKEX")
    monkeypatch.setenv("LINCLF_DATA", "synthetic:20")
    assert __main__.main(["info"]) == 0
    assert "OPENBLAS_CORETYPE=SKYLAKEX trains faster" in capsys.readouterr().out
