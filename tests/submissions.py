"""Made-up returned notebooks of the model set, with the marks that they deserve."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools import masters

ROOT = Path(__file__).resolve().parents[1]
MASTER = masters.parse(ROOT / "solutions" / "numpy.md")
BOOK = json.loads((ROOT / "exercises" / "numpy.ipynb").read_text(encoding="utf-8"))
SOLVED = {
    q.name: masters.solved(q.answer[0].body) for q in MASTER.questions if q.answer
}
WRONG = {  # by the first test that each fails, in the order of the master
    q.name: [p.body.split("\n", 1)[1] + "\n" for p in q.after if p.wrong]
    for q in MASTER.questions
}


def wrong(question: str, words: str) -> str:
    """Return the wrong answer on record that has these words."""
    return next(code for code in WRONG[question] if words in code)


def returned(**answers: str) -> dict[str, Any]:
    """Return a notebook: all solved, but for the `answers` that are given."""
    book = json.loads(json.dumps(BOOK))
    codes = {**SOLVED, **answers}
    number = 0
    for cell in book["cells"]:
        text = "".join(cell["source"])
        names = [q for q in SOLVED if re.search(rf"^def {name_of(q)}\b", text, re.M)]
        if cell["cell_type"] == "code" and names and "..." in text:
            cell["source"] = codes[names[0]].splitlines(keepends=True)
            number += 1
    assert number == len(SOLVED)
    return book


def all_solved(stem: str) -> dict[str, Any]:
    """Return the notebook of any set with the solutions in it."""
    master = masters.parse(ROOT / "solutions" / f"{stem}.md")
    path = ROOT / "exercises" / f"{stem}.ipynb"
    book = json.loads(path.read_text(encoding="utf-8"))
    solved = {
        masters.stub(part.body).strip(): masters.solved(part.body)
        for question in master.questions
        for part in question.answer
    }
    for cell in book["cells"]:
        text = "".join(cell["source"]).strip()
        if cell["cell_type"] == "code" and text in solved:
            cell["source"] = solved.pop(text)
    assert not solved
    return book


def of_set(stem: str, most: int = 9) -> dict[str, dict[str, Any]]:
    """Return notebooks of any set: all right, none done, and wrong answers.

    In "wrong 2", each question has the second of its wrong answers on record; there
    are as many of these notebooks as there are answers, or `most`.
    """
    master = masters.parse(ROOT / "solutions" / f"{stem}.md")
    path = ROOT / "exercises" / f"{stem}.ipynb"
    solved = all_solved(stem)
    found = {"all right": solved, "untouched": json.loads(path.read_text("utf-8"))}
    wrong = {
        masters.solved(q.answer[-1].body): [
            part.body.split("\n", 1)[1] for part in q.after if part.wrong
        ]
        for q in master.questions
        if q.answer
    }
    for number in range(min(most, max(map(len, wrong.values())))):
        book = json.loads(json.dumps(solved))
        for cell in book["cells"]:
            codes = wrong.get("".join(cell["source"]), [])
            if number < len(codes):
                cell["source"] += "\n\n" + codes[number]
        found[f"wrong {number + 1}"] = book
    return found


def name_of(question: str) -> str:
    """Return the name of an answer."""
    return next(q for q in MASTER.questions if q.name == question).names[0]


def with_cell(book: dict[str, Any], code: str, place: int = 4) -> dict[str, Any]:
    """Return a notebook with another cell of code in front of number `place`."""
    book = json.loads(json.dumps(book))
    cell = {"cell_type": "code", "metadata": {}, "source": code, "outputs": []}
    book["cells"].insert(place, {**cell, "execution_count": None, "id": "added"})
    return book


UNTOUCHED = json.loads(json.dumps(BOOK))
# name: (notebook, marks by question)
FULL = {"q1": 3, "q2": 6, "q3": 5, "q4": 6}
ORDINARY: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "all right": (returned(), FULL),
    "untouched": (UNTOUCHED, {"q1": 0, "q2": 0, "q3": 0, "q4": 0}),
    "columns for rows": (
        returned(q1=wrong("q1", "axis=1)")), {**FULL, "q1": 0}
    ),
    "writes into its input": (returned(q1=wrong("q1", "table -=")), {**FULL, "q1": 0}),
    "widens": (returned(q1=wrong("q1", "tolist")), {**FULL, "q1": 2}),
    "loses a window": (returned(q2=wrong("q2", "ends")), {**FULL, "q2": 0}),
    "loops": (returned(q2=wrong("q2", "for i in")), {**FULL, "q2": 3}),
    "running sums": (returned(q2=wrong("q2", "cumsum")), {**FULL, "q2": 5}),
    "counts once": (returned(q3=wrong("q3", "+= values")), {**FULL, "q3": 0}),
    "counts nothing": (
        returned(q3=wrong("q3", "return np.bincount")), {**FULL, "q3": 4}
    ),
    "a large table": (returned(q3=wrong("q3", "member")), {**FULL, "q3": 4}),
    "all at once": (returned(q4=wrong("q4", "(differences**2)")), {**FULL, "q4": 4}),
    "point by point": (returned(q4=wrong("q4", "points[i]")), {**FULL, "q4": 4}),
    "forgets the last block": (
        returned(q4=wrong("q4", "- block + 1")), {**FULL, "q4": 0}
    ),
    "two wrong": (
        returned(q1=wrong("q1", "tolist"), q4=wrong("q4", "points[i]")),
        {**FULL, "q1": 2, "q4": 4},
    ),
    "a stub left": (
        returned(q3=masters.stub(MASTER.questions[2].answer[0].body)), {**FULL, "q3": 0}
    ),
    "does not parse": (returned(q3="def group_sums(values:\n    return"),
        {**FULL, "q3": 0}),
    "raises": (returned(q1="def centred(table):\n    return nothing\n"),
        {**FULL, "q1": 0}),
    "another name": (returned(q2=SOLVED["q2"].replace("window_means", "windows")),
        {**FULL, "q2": 0}),
    "an error on the way": (with_cell(returned(), "1 / 0"), FULL),
    "replaces a function": (with_cell(returned(q1=wrong("q1", "axis=1)")),
        "np.isclose = lambda a, b, **_: np.equal(a, a)"), dict.fromkeys(FULL, 0)),
    "replaces it when called": (returned(q1=wrong("q1", "axis=1)").replace(
        "    return", "    np.isclose = lambda a, b, **_: np.equal(a, a)\n    return")),
        dict.fromkeys(FULL, 0)),
}  # fmt: skip

CHEATS = """
import arraylab.exercises, arraylab.judging
def matches(*args, **options):
    return "right"
no_python_loops = speedup = peak_memory = expect = matches
for module in (arraylab.exercises, arraylab.judging):
    for name in ("matches", "no_python_loops", "speedup", "peak_memory", "expect"):
        setattr(module, name, matches)
arraylab.judging.started = lambda *_: None
arraylab.exercises.judge = arraylab.exercises.run_test = lambda *_: []
np.isclose = np.allclose = lambda *_, **__: np.True_
np.count_nonzero = lambda *_, **__: 0
centred = window_means = group_sums = lambda *args: args[0]
def nearest(points, others):
    return 0
"""


def stripped(book: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without metadata, as some tools leave it."""
    cells = [
        {"cell_type": c["cell_type"], "source": "".join(c["source"])}
        for c in book["cells"]
    ]
    return {"cells": cells}


def no_marks() -> dict[str, float]:
    """Return no marks at all."""
    return dict.fromkeys(FULL, 0)


HOSTILE: dict[str, tuple[Any, dict[str, float]]] = {
    "never ends": (
        returned(q2=SOLVED["q2"] + "\nwhile True:\n    pass\n"), FULL),
    "never ends and hears no signal": (
        returned(q1="def centred(table):\n    return sum(iter(int, 1))\n"),
        {**FULL, "q1": 0}),
    "swallows all errors": (
        returned(q1="def centred(table):\n    while True:\n        try:\n"
            "            1 / 0\n        except:\n            pass\n"),
        {**FULL, "q1": 0}),
    "leaves": (with_cell(returned(), "import os\nos._exit(0)"), FULL),
    "exits": (with_cell(returned(), "raise SystemExit"), FULL),
    "prints megabytes": (with_cell(returned(),
        "for i in range(400):\n    print('x' * 100_000)"), FULL),
    "fills memory": (with_cell(returned(),
        "hog = [np.ones(10**7) for i in range(10**4)]"), FULL),
    "overwrites the checks": (with_cell(UNTOUCHED, CHEATS, 99), no_marks()),
    "has lost its metadata": (stripped(returned()), FULL),
    "recurses": (returned(q1="def centred(table):\n    return centred(table)\n"),
        {**FULL, "q1": 0}),
    "asks a question": (with_cell(returned(), "input()"), FULL),
    "leaves a thread": (with_cell(returned(),
        "import threading, time\nthreading.Thread(target=time.sleep, args=(9**9,))"
        ".start()"), FULL),
}  # fmt: skip


def texts(book: Any) -> str:
    """Return a notebook as its file."""
    return json.dumps(book, ensure_ascii=False)


REFUSED: dict[str, tuple[bytes, str]] = {
    "another set": (
        texts({**BOOK, "metadata": {"exercises": "jax"}}).encode(),
        "a notebook of the set 'jax', not of 'numpy'",
    ),
    "nothing of the set": (
        texts(with_cell({"cells": [], "metadata": {}}, "x = 1", 0)).encode(),
        "none of the answers of 'numpy' is in it (centred,",
    ),
    "cut short": (texts(BOOK).encode()[:2000], "the file is no notebook"),
    "empty": (b"", "the file is no notebook"),
    "a list": (b"[]", "no list of cells"),
    "deep": (b"[" * 100_000, "the file is no notebook"),
    "a picture": (b"\x89PNG\r\n\x1a\n\xff\xfe", "not text in UTF-8"),
}


def write_all(folder: Path, books: dict[str, tuple[Any, Any]]) -> Path:
    """Write notebooks into a folder, named for what they are."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (book, _) in books.items():
        path = folder / f"{name}.ipynb"
        data = book if isinstance(book, bytes) else texts(book).encode()
        path.write_bytes(data)
    return folder


Maker = Callable[..., dict[str, Any]]
