"""Grade a folder of notebooks with otter-grader and nbgrader, in their environment.

    python routes.py otter AUTOGRADER.zip FOLDER RESULT.json
    python routes.py nbgrader COURSE SET FOLDER RESULT.json

The result holds, for each file, its marks by question.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path


def otter(autograder, folder, result):
    """Grade with otter-grader, as Gradescope does."""
    from otter.api import grade_submission

    marks = {}
    for path in sorted(Path(folder).glob("*.ipynb")):
        graded = grade_submission(str(path), ag_path=autograder, quiet=True)
        marks[path.stem] = {n: r.score for n, r in graded.results.items()}
    Path(result).write_text(json.dumps(marks), encoding="utf-8")


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
    {"otter": otter, "nbgrader": nbgrader}[sys.argv[1]](*sys.argv[2:])
