"""Grade a folder of notebooks with otter-grader and nbgrader, in their environment.

    python routes.py otter AUTOGRADER.zip FOLDER RESULT.json
    python routes.py nbgrader COURSE SET FOLDER RESULT.json

The result holds, for each file, its marks by question.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def otter(autograder, folder, result):
    """Grade with otter-grader, as Gradescope does: a process for each notebook."""

    def one(path):
        with tempfile.TemporaryDirectory() as name:
            told = Path(name, "told.json")
            command = [sys.executable, __file__, "one", autograder, path, told]
            done = subprocess.run(command, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, done.stdout + done.stderr
            return path.stem, json.loads(told.read_text(encoding="utf-8"))

    with ThreadPoolExecutor(2) as several:
        marks = dict(several.map(one, sorted(Path(folder).glob("*.ipynb"))))
    Path(result).write_text(json.dumps(marks), encoding="utf-8")


def one(autograder, path, result):
    """Grade one notebook with otter-grader."""
    from otter.api import grade_submission

    graded = grade_submission(path, ag_path=autograder, quiet=True)
    marks = {name: found.score for name, found in graded.results.items()}
    Path(result).write_text(json.dumps(marks), encoding="utf-8")
    os._exit(0)  # its threads wait for the kernel's last words, and may wait for ever


def nbgrader(course, stem, folder, result):
    """Grade with nbgrader: release, submit, autograde, read its gradebook."""

    def run(*words):
        command = [sys.executable, "-m", "nbgrader", *words]
        done = subprocess.run(command, cwd=course, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    run("generate_assignment", stem, "--force")
    place = Path(course, "release", stem, f"{stem}.ipynb")
    release = json.loads(place.read_text(encoding="utf-8"))
    students = {}
    for number, path in enumerate(sorted(Path(folder).glob("*.ipynb"))):
        students[f"s{number:02}"] = path.stem
        book = json.loads(path.read_text(encoding="utf-8"))
        place = Path(course, "submitted", f"s{number:02}", stem, f"{stem}.ipynb")
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(submitted(release, book)), encoding="utf-8")
    run("autograde", stem)
    from nbgrader.api import Gradebook

    marks = {}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for student, name in students.items():
            points = defaultdict(float)
            found = gradebook.find_submission_notebook(stem, stem, student)
            for grade in found.grades:
                if grade.cell.cell_type == "code":
                    points[grade.name.split("-")[0]] += grade.auto_score or 0.0
            marks[name] = dict(points)
    Path(result).write_text(json.dumps(marks), encoding="utf-8")


def submitted(release, book):
    """Return a learner's work in the notebook that nbgrader handed out."""
    made = {**release, "cells": []}
    handed_out = iter(release["cells"])
    for cell in book["cells"]:
        own = {} if cell.get("id") == "added" else next(handed_out)
        made["cells"].append({**cell, "metadata": own.get("metadata", {})})
    made["cells"] += handed_out
    return made


if __name__ == "__main__":
    {"otter": otter, "one": one, "nbgrader": nbgrader}[sys.argv[1]](*sys.argv[2:])
