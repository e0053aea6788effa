"""A report's folder: one writer at a time, leftovers of killed reports, and ``linclf clean``."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import tempfile

import cifar_files
import nbformat
import pytest
from helpers import linclf, refuses, without_rights

from linclf import load_dataset
from linclf.cli import main
from linclf.report import build
from linclf.report.build import scratch, sole_writer
from linclf.system.files import LOCK, write_text

HOLD = "import sys, pathlib\nfrom linclf.report.build import sole_writer\n"
HOLD += "with sole_writer(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def test_a_folder_has_one_writer_until_that_is_killed(tmp_path, capsys):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    write_text(tmp_path / "runs" / "a-0123456789abcdef.npz", "")
    for words in (["report", "--data", "synthetic:40", "--out", str(tmp_path)], ["clean", str(tmp_path)]):
        refuses(words, "another report is being written there; wait for it, or choose another\n", capsys)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with sole_writer(tmp_path):
        pass


def test_leftovers_of_a_killed_report_go(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    out = tmp_path / "out"
    with scratch(out) as left, scratch(tmp_path / "other") as others:
        parts = out / ".index.html.x.linclf-part", out / "runs" / ".a.npz.y.linclf-part"
        for file in (left / "a", *parts, out / ".mine"):
            write_text(file, "")
        with sole_writer(out), scratch(out) as folder:
            assert {path.name for path in out.rglob(".*")} == {".mine", ".lock"}
            assert set((tmp_path / "tmp").iterdir()) == {folder, others}


@pytest.mark.slow
@pytest.mark.parametrize("locked", ["out", "out/new", "data"])
def test_a_folder_without_the_right_to_it_is_one_line_and_status_2(tmp_path, locked):
    folder, out = tmp_path / locked.split("/")[0], tmp_path / ("out" if locked == "data" else locked)
    cifar_files.write(folder)
    folder.chmod(0o000 if locked == "data" else 0o555)
    given = folder if locked == "data" else "synthetic:40"
    done = linclf("report", "--data", given, "--only", "2_svm", "--out", out, under=without_rights())
    folder.chmod(0o755)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert ("Permission denied" in done.stderr, str(folder) in done.stderr) == (True, True)


def test_clean_says_what_it_removed_and_leaves_what_no_store_wrote(tmp_path, capsys):
    made = {"runs/a-0123456789abcdef.npz": 2_000_000, "runs/a-0123456789abcdef.json": 1_000_000}  # of older versions
    mine = {"index.html", "runs/notes.txt", "runs/mine.npz", "runs/a-0123.npz"}
    for name in [*made, *mine]:
        write_text(tmp_path / name, "x" * made.get(name, 1))
    for folder, said in (("", "2 files of stored runs removed, 3.0 MB"), ("runs", "no runs are stored there")):
        assert main(["clean", str(tmp_path / folder)]) == 0
        assert capsys.readouterr().out.endswith(f"runs: {said}\n")
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert files - {".lock"} == mine
    refuses(["clean", tmp_path / "nowhere"], "expected the folder of a report, found none", capsys)


def test_pages_that_the_command_did_not_make_are_named_and_left_out_of_the_whole(tmp_path, capsys):
    """Whoever hands a folder over may put any page there."""
    (tmp_path / "learn.html").write_text("<article><iframe src='x'></iframe></article>")
    (tmp_path / "summary.html").symlink_to(tmp_path / "learn.html")
    cells = [nbformat.v4.new_markdown_cell("# Title\n\nwritten here")]
    executed = {"your_data": build.Execution(nbformat.v4.new_notebook(cells=cells), 1.0, None)}
    made = build._write_pages(tmp_path, executed, load_dataset("digits").provenance)
    build._write_whole(tmp_path, made, "your_data", single_file=True, pdf=False)
    whole = (tmp_path / build.SINGLE).read_text()
    assert re.findall(r'<article id="(.*?)"', whole) == ["your_data"]
    assert "<iframe" not in whole
    left = re.findall(r"did not make it: .*/(.*)\.html", capsys.readouterr().out)
    assert left == ["learn", "summary"]


@pytest.mark.parametrize("act", ["report", "clean"])
def test_a_link_to_another_reports_runs_is_refused(tmp_path, capsys, act):
    stored = tmp_path / "mine" / "runs" / "a-0123456789abcdef.npz"
    write_text(stored, "hours")
    (tmp_path / "handed").mkdir()
    (tmp_path / "handed" / "runs").symlink_to(stored.parent)
    words = ["clean"] if act == "clean" else ["report", "--data", "synthetic:20", "--out"]
    refuses([*words, tmp_path / "handed"], "expected a folder, found a link", capsys)
    assert stored.read_text() == "hours"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid(), reason="needs root, who may give a file away")
def test_a_lock_that_another_user_left_refuses_nobody_unless_it_is_held(tmp_path):
    write_text(tmp_path / "runs" / "a-0123456789abcdef.npz", "")
    lock = tmp_path / LOCK
    with sole_writer(tmp_path):
        pass
    lock.touch()  # some versions of filelock remove theirs
    lock.chmod(0o666)
    os.chown(lock, 12345, 12345)
    with open(lock, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = linclf("clean", tmp_path, under=without_rights())
        assert (held.returncode, held.stderr.count("\n")) == (2, 1)
    done = linclf("clean", tmp_path, under=without_rights())
    assert (done.returncode, done.stderr, "1 files of stored runs removed" in done.stdout) == (0, "", True)


@pytest.mark.skipif(os.name != "posix", reason="other systems keep rights otherwise")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_files_honour_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        for text in ("", "again"):
            write_text(tmp_path / "a", text)
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode
