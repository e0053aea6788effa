"""The assignment as a teacher uses it: nbgrader releases it, and grades what students hand in."""

import os
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import nbformat
import pytest
from helpers import ROOT

pytestmark = pytest.mark.slow

SOURCE = Path("course") / "source" / "ps1" / "assignment.ipynb"
MISTAKES = {
    "test-penalty": ("2 * l2 * W", "l2 * W"),
    "test-hinge-gradient": ("    G[y, np.arange(len(y))] = -G.sum(axis=0)\n", ""),
    "test-loss-gradient": ("G @ X / len(y), G.mean(axis=1)", "G @ X, G.sum(axis=1)"),
}
"""What a student writes in place of the solution, by the test that then fails."""


def submit(released, solved, mistakes=()):
    """A released notebook with the gaps filled as in the solution, but for some mistakes."""
    answers = {cell.id: cell.source for cell in solved.cells}
    handed_in = nbformat.from_dict(released)
    for cell in handed_in.cells:
        if cell.metadata.nbgrader.solution:
            cell.source = answers[cell.id]
            for old, new in mistakes:
                cell.source = cell.source.replace(old, new)
    return handed_in


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of the course with an assignment released and three submissions graded."""
    pytest.importorskip("nbgrader")
    folder = tmp_path_factory.mktemp("teacher") / "course"
    copytree(ROOT / "course" / "source", folder / "source")
    (folder / "nbgrader_config.py").write_bytes((ROOT / "course" / "nbgrader_config.py").read_bytes())

    def nbgrader(*words):
        command = [sys.executable, "-m", "nbgrader", *words]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic
        env = os.environ | {"LINCLF_DATA": "synthetic:100", "PATH": path}
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    nbgrader("generate_assignment", "ps1")
    released = nbformat.read(folder / "release" / "ps1" / "assignment.ipynb", as_version=4)
    solved = nbformat.read(ROOT / SOURCE, as_version=4)
    handed_in = {"full": submit(released, solved), "empty": released}
    handed_in["mistaken"] = submit(released, solved, MISTAKES.values())
    for student, notebook in handed_in.items():
        (folder / "submitted" / student / "ps1").mkdir(parents=True)
        nbformat.write(notebook, folder / "submitted" / student / "ps1" / "assignment.ipynb")
    nbgrader("autograde", "ps1")
    return folder


def lost(course, student):
    """The tests that a student did not pass, each with its sentence, of those that a program grades."""
    notebook = nbformat.read(course / "autograded" / student / "ps1" / "assignment.ipynb", as_version=4)
    tests = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.metadata.nbgrader.grade]
    errors = {cell.id: [output.evalue for output in cell.outputs if output.output_type == "error"] for cell in tests}
    return {name: found[0] for name, found in errors.items() if found}


def test_what_is_handed_out_has_gaps_and_no_answer(course):
    released = nbformat.read(course / "release" / "ps1" / "assignment.ipynb", as_version=4)
    gaps = [cell for cell in released.cells if cell.metadata.nbgrader.solution]
    assert len(gaps) >= 14
    text = nbformat.writes(released)
    assert "SOLUTION" not in text
    for old, _ in MISTAKES.values():
        assert old.strip() not in "\n".join(cell.source for cell in released.cells)
    assert all(cell.metadata.nbgrader.locked for cell in released.cells if cell not in gaps)


def test_a_full_solution_passes_all_tests_and_an_empty_one_none(course):
    solved = nbformat.read(ROOT / SOURCE, as_version=4)
    graded = {cell.id for cell in solved.cells if cell.cell_type == "code" and cell.metadata.nbgrader.grade}
    assert (lost(course, "full"), lost(course, "empty").keys()) == ({}, graded)


def test_a_mistake_fails_the_test_of_its_part_and_no_other_and_is_told_in_a_sentence(course):
    found = lost(course, "mistaken")
    assert found.keys() == MISTAKES.keys()
    for test, sentence in found.items():
        assert (len(sentence.split()) > 5, MISTAKES[test][0].strip() in sentence) == (True, False)


def test_without_nbgrader_nbconvert_leaves_the_answers_out(tmp_path):
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "notebook", f"--output-dir={tmp_path}"]
    options = ["--TagRemovePreprocessor.enabled=True", "--TagRemovePreprocessor.remove_cell_tags=answer"]
    done = subprocess.run([*command, *options, ROOT / SOURCE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    left = nbformat.read(tmp_path / "assignment.ipynb", as_version=4).cells
    assert not any("SOLUTION" in cell.source for cell in left)
    assert len(left) == sum(not c.metadata.nbgrader.solution for c in nbformat.read(ROOT / SOURCE, as_version=4).cells)
