"""What is said of the machine, and done about a BLAS that underrates it."""

import sys

import pytest

from linclf import __main__, environment

FLAGS = "sse avx2 avx512f avx512cd avx512bw avx512dq avx512vl"


@pytest.mark.parametrize(
    ("kernels", "flags", "chosen", "expected"),
    [
        ("Haswell", FLAGS, None, "SKYLAKEX"),
        ("Zen", FLAGS, None, "SKYLAKEX"),
        ("SkylakeX", FLAGS, None, None),
        ("Haswell", "sse avx2", None, None),
        ("Haswell", FLAGS, "Haswell", None),
        (None, "", None, None),
    ],
)
def test_kernels_below_the_processor_are_noticed(monkeypatch, kernels, flags, chosen, expected):
    monkeypatch.setattr(environment, "_blas", lambda: {"kernels": kernels})
    monkeypatch.setattr(environment, "_cpuinfo", lambda field: flags)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    if chosen:
        monkeypatch.setenv("OPENBLAS_CORETYPE", chosen)
    assert environment.better_kernels() == expected


def test_a_report_starts_over_with_better_kernels(monkeypatch):
    started = []
    monkeypatch.setattr(environment, "better_kernels", lambda: "SKYLAKEX")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "")
    monkeypatch.setattr("os.execv", lambda program, words: started.append(words))
    monkeypatch.setattr(sys, "argv", ["linclf", "report", "--data", "/nowhere"])
    assert __main__.main() == 2  # where execv returns, as it never does, the report goes on
    assert started == [[sys.executable, "-m", "linclf", "report", "--data", "/nowhere"]]


def test_info_says_so(monkeypatch, capsys):
    monkeypatch.setattr(environment, "better_kernels", lambda: "SKYLAKEX")
    monkeypatch.setenv("LINCLF_DATA", "synthetic:20")
    assert __main__.main(["info"]) == 0
    assert "OPENBLAS_CORETYPE=SKYLAKEX may train faster" in capsys.readouterr().out


def test_memory_is_counted_in_bytes():
    assert environment.available_memory() > 10e6
