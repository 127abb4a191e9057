"""The ledger of claims: complete, linked both ways, and never typed."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ledger as extension
import nbformat
import pytest
import test_site as site
from docutils import nodes

from arraylab import records
from arraylab.notebooks import CLAIM
from tools import claims, execute

ROOT = site.ROOT
IDS = [
    f"{group}{number}"
    for group, last in (("A", 33), ("B", 7), ("C", 6), ("D", 7), ("E", 10))
    for number in range(1, last + 1)
]
GPU = {"cpu": "Other CPU", "cores": 8, "gpus": [{"name": "A GPU"}]}
HERE = "Some CPU, 4 cores"
THERE = "A GPU with Other CPU, 8 cores"
LIST = """
A:
  title: A survey
  by: a survey article
  claims:
    A1:
      says: One holds.
      only_if: {holds: [A1], fails: [A1a], then: two fails}
      instead: It does not.
    A2: {says: Two is waited for., waits: it is being written}
    A3: {says: Three needs a GPU., by: a lecture}
    A4: {says: Four comes in parts.}
    A5: {says: Five comes in halves., parts: all, instead: Half of it.}
"""
PAGE = """---
file_format: mystnb
kernelspec: {name: python3, display_name: Python 3}
---
# A page

```{code-cell} ipython3
from arraylab import claim

claim("A1", "One is one", True)
```

```{code-cell} ipython3
for id, words in (("A1a", "two"), ("A4b", "four")):
    display(claim(id, f"One is {words}", False))
claim("own-word", "We say so", True)
```

```{code-cell} ipython3
claim("A5", "The first half", True)
claim("A5a", "The other half", True)
```

```{code-cell} ipython3
%%gpu cupy
claim("A3", "Three is three", True)
```
"""


def course(root: Path, **verdicts: str) -> Path:
    """Write a course of one page at `root`; `verdicts` are what its execution left."""
    part = root / "lectures" / "part"
    part.mkdir(parents=True)
    (part / "one.md").write_text(PAGE, encoding="utf-8")
    (root / "_toc.yml").write_text("root: lectures/part/one\n", encoding="utf-8")
    (root / claims.LIST).parent.mkdir()
    (root / claims.LIST).write_text(LIST, encoding="utf-8")
    if verdicts:
        book = execute.collect(root, [])[0]["lectures/part/one"]
        outputs = [
            nbformat.v4.new_output(
                "display_data", {CLAIM: said(id.replace("_", "-"), word, machine=HERE)}
            )
            for id, word in verdicts.items()
        ]
        execute.codes(book)[0].outputs = outputs
        execute.write(book, root / execute.EXECUTED / "lectures/part/one.ipynb")
    return root


def said(id: str, word: str, **more: str) -> dict[str, str]:
    """Return a claim as a run leaves it."""
    told = {"statement": f"The statement of {id}", "evidence": "", "source": ""}
    more = {"date": "2026-03-01T10:00:00+00:00", **more}
    return {"schema": 1, "id": id, "verdict": word, **told, **more}


def of(ledger: claims.Ledger, id: str) -> claims.Entry:
    return next(e for _, group in ledger.groups.values() for e in group if e.id == id)


def overall(root: Path, id: str, machine: str = HERE) -> claims.Verdict:
    ledger = claims.ledger(root, records.Library())
    return ledger.overall(of(ledger, id), machine)


class TestList:
    """What others say: complete, in our words, and without a verdict."""

    @pytest.fixture(scope="class")
    @classmethod
    def parts(cls) -> list[claims.Part]:
        return claims.places(execute.collect(ROOT, [])[0])

    def entries(self) -> list[claims.Entry]:
        return [e for _, group in claims.listed(ROOT).values() for e in group]

    def test_has_every_id_in_order(self) -> None:
        assert [entry.id for entry in self.entries()] == IDS

    def test_each_is_judged_in_a_lecture_or_says_why_not(
        self, parts: list[claims.Part]
    ) -> None:
        judged = {part.main for part in parts}
        for entry in self.entries():
            assert (entry.id in judged) != bool(entry.waits), entry.id

    def test_no_lecture_judges_what_is_not_listed(
        self, parts: list[claims.Part]
    ) -> None:
        theirs = {part.main for part in parts if claims.THEIRS.fullmatch(part.id)}
        assert theirs <= set(IDS)

    def test_a_condition_asks_for_parts_that_there_are(
        self, parts: list[claims.Part]
    ) -> None:
        for entry in self.entries():
            own = {part.id for part in parts if part.main == entry.id}
            for word in claims.DECIDED:
                assert set(entry.only_if.get(word, ())) <= own, entry.id

    def test_each_is_a_sentence_with_a_kind_of_source(self) -> None:
        for entry in self.entries():
            assert re.fullmatch(r"[A-Z].{20,200}\.", entry.says), entry.id
            assert re.match(r"an? ", entry.by), entry.id
            told = entry.instead
            assert not told or re.fullmatch(r"[A-Z].*\.", told), entry.id
            assert not entry.only_if.get("then", "").endswith("."), entry.id

    @pytest.mark.parametrize(
        "wrong",
        [
            "A1: {says: One., verdict: holds}",
            "A1: {by: a lecture}",
            "B1: {says: One.}",
            "A1: {says: One., only_if: {then: never}}",
            "A1: {says: One., parts: some}",
            "A1: {says: One., only_if: {always: [A1], then: so}}",
        ],
    )
    def test_a_verdict_cannot_be_typed(self, tmp_path: Path, wrong: str) -> None:
        path = tmp_path / claims.LIST
        path.parent.mkdir(parents=True)
        text = f"A:\n  title: x\n  by: an article\n  claims:\n    {wrong}\n"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=r"claims\.yml"):
            claims.listed(tmp_path)


class TestPlaces:
    """Where a claim is judged is read from the code."""

    def test_constant_ids_loops_and_cells_for_a_gpu_count(self, tmp_path: Path) -> None:
        ledger = claims.ledger(course(tmp_path), records.Library())
        assert [(part.id, part.statement) for part in ledger.parts] == [
            ("A1", "One is one"),
            ("A1a", ""),
            ("A4b", ""),
            ("own-word", "We say so"),
            ("A5", "The first half"),
            ("A5a", "The other half"),
            ("A3", "Three is three"),
        ]
        assert [part.id for part in ledger.parts_of("A1")] == ["A1", "A1a"]
        assert [part.id for part in ledger.own()] == ["own-word"]

    def test_another_language_holds_none(self) -> None:
        assert list(claims.judged("%%bash\necho 'claim(\"A1\")'")) == []

    def test_ids_sort_as_people_sort_them(self) -> None:
        ids = ["A12a", "B1", "A2", "A12"]
        assert sorted(ids, key=claims.order) == ["A2", "A12", "A12a", "B1"]


class TestVerdicts:
    """They come from runs, and from nothing else."""

    def test_without_a_run_nothing_is_decided(self, tmp_path: Path) -> None:
        ledger = claims.ledger(course(tmp_path), records.Library())
        assert ledger.found == {}
        for _, entries in ledger.groups.values():
            for entry in entries:
                assert ledger.overall(entry, HERE).word == claims.UNMEASURED

    def test_in_the_course_itself_each_has_a_machine_and_a_day(self) -> None:
        ledger = claims.ledger(ROOT, records.load(ROOT / "records"))
        for machine, found in ledger.found.items():
            assert machine
            for id, one in found.items():
                assert re.match(r"20\d\d-\d\d-\d\d", one.date), id

    def test_the_part_of_that_id_speaks(self, tmp_path: Path) -> None:
        root = course(tmp_path, A1="holds", A1a="holds")
        assert overall(root, "A1") == claims.Verdict("holds")

    def test_a_condition_holds_where_its_parts_came_out_so(
        self, tmp_path: Path
    ) -> None:
        root = course(tmp_path, A1="holds", A1a="fails")
        assert overall(root, "A1") == claims.Verdict(claims.ONLY_IF, "two fails")

    @pytest.mark.parametrize("other", ["not decided", ""])
    def test_and_nowhere_else(self, tmp_path: Path, other: str) -> None:
        more = {"A1a": other} if other else {}
        assert overall(course(tmp_path, A1="holds", **more), "A1").word == "holds"

    def test_a_failure_brings_what_is_said_instead(self, tmp_path: Path) -> None:
        root = course(tmp_path, A1="fails", A1a="fails")
        assert overall(root, "A1") == claims.Verdict("fails", "It does not.")

    def test_without_such_a_part_all_have_to_hold(self, tmp_path: Path) -> None:
        assert overall(course(tmp_path, A4b="fails"), "A4").word == "fails"

    @pytest.mark.parametrize(
        ("other", "word", "note"),
        [
            ("holds", "holds", ""),
            ("fails", "fails", "Half of it."),
            ("not decided", "not decided", ""),
            ("", claims.UNMEASURED, ""),
        ],
    )
    def test_where_the_list_says_so_all_parts_have_to_hold(
        self, tmp_path: Path, other: str, word: str, note: str
    ) -> None:
        more = {"A5a": other} if other else {}
        root = course(tmp_path, A5="holds", **more)
        assert overall(root, "A5") == claims.Verdict(word, note)

    def test_what_is_undecided_says_why(self, tmp_path: Path) -> None:
        evidence = "Not decided here: too noisy. 3 ms"
        why = claims.verdict({**said("A1", "not decided"), "evidence": evidence})
        assert why.note == "too noisy"

    def test_what_no_page_asks_any_more_is_left_out(self, tmp_path: Path) -> None:
        root = course(tmp_path, A1="holds", A99="holds", gone_word="holds")
        found = claims.ledger(root, records.Library()).found
        assert set(found[HERE]) == {"A1"}

    def test_the_statement_is_that_of_the_run_where_code_has_none(
        self, tmp_path: Path
    ) -> None:
        ledger = claims.ledger(course(tmp_path, A1a="holds"), records.Library())
        part = next(part for part in ledger.parts if part.id == "A1a")
        assert ledger.statement(part) == "The statement of A1a"


class TestRecords:
    """Other machines speak through their records."""

    def library(self, root: Path, code: str, *told: dict[str, str]) -> records.Library:
        ran = {"date": "2026-03-02T10:00:00+00:00", "seconds": 1.0, "result": "passed"}
        ended = {"part/one": {**ran, "code": code}}
        path = root / "records" / "gpu.json"
        records.save(path, GPU, [], claims=told, executions=ended)
        return records.load(path.parent)

    def test_a_gpu_has_its_column(self, tmp_path: Path) -> None:
        root = course(tmp_path, A1="holds")
        code = execute.key(execute.collect(root, [])[0]["lectures/part/one"], "")
        library = self.library(root, code, said("A3", "holds"), said("A1", "fails"))
        ledger = claims.ledger(root, library)
        assert list(ledger.found) == [HERE, THERE]
        assert ledger.verdict("A3", THERE).word == "holds"
        assert ledger.verdict("A3", HERE).word == claims.UNMEASURED
        assert ledger.verdict("A1", HERE).word == "holds"
        assert ledger.verdict("A1", THERE).word == "fails"
        assert not ledger.verdict("A3", THERE).stale

    def test_other_code_makes_it_stale(self, tmp_path: Path) -> None:
        root = course(tmp_path)
        library = self.library(root, "other", said("A3", "holds"))
        ledger = claims.ledger(root, library)
        assert ledger.verdict("A3", THERE).stale
        assert ledger.overall(of(ledger, "A3"), THERE).stale

    def test_a_machine_that_is_built_on_has_one_column(self, tmp_path: Path) -> None:
        root = course(tmp_path, A1="holds")
        older = {"machine": HERE, "date": "2026-02-01T10:00:00+00:00"}
        stamp = {"cpu": "Some CPU", "cores": 4, "gpus": []}
        path = root / "records" / "cpu.json"
        records.save(path, stamp, [], claims=[said("A1", "fails", **older)])
        ledger = claims.ledger(root, records.load(path.parent))
        assert list(ledger.found) == [HERE]
        assert ledger.verdict("A1", HERE).word == "holds"


def application(root: Path) -> Any:
    """Return what the extension asks of Sphinx."""
    pages = {"lectures/ecosystem/claims", "lectures/part/one"}
    titles = {"lectures/part/one": nodes.title("", "A page")}
    return SimpleNamespace(
        srcdir=root,
        env=SimpleNamespace(found_docs=pages, titles=titles),
        builder=SimpleNamespace(
            get_relative_uri=lambda here, there: f"../../{there}.html"
        ),
    )


class TestTables:
    """What the directive writes."""

    def test_links_to_the_very_claim(self, tmp_path: Path) -> None:
        app = application(course(tmp_path, A1="holds", A1a="fails"))
        text = extension.tables(app, claims.LIST.with_suffix("").as_posix(), own=False)
        assert 'id="claim-a1"' in text
        assert 'id="claim-a1a"' in text
        assert '<a href="../../lectures/part/one.html#claim-a1a">A page</a>' in text
        assert "not yet tested: it is being written" in text
        assert "Said by a survey article." in text
        assert "Said by a lecture." in text
        assert f'data-head="{HERE}"' in text
        assert f"{HERE}, judged 2026-03-01: holds only if 1, not measured 4." in text
        assert "two fails" in text

    def test_has_every_place_once(self, tmp_path: Path) -> None:
        app = application(course(tmp_path))
        found = []
        for own in (False, True):
            text = extension.tables(app, "lectures/ecosystem/claims", own=own)
            found += re.findall(r'\bid="([^"]*)"', text)
        assert sorted(found) == sorted(
            f"claim-{id}"
            for id in ("a1", "a1a", "a2", "a3", "a4", "a4b", "a5", "a5a", "own-word")
        )

    def test_a_lecture_leads_back(self, tmp_path: Path) -> None:
        shown = "<p>Claim <strong>A1</strong> holds</p>"
        context = {"body": f"{shown}{shown}<p>Claim <strong>zz</strong></p>"}
        app = application(course(tmp_path))
        extension.link_claims(app, "lectures/part/one", "", context, object())
        address = "../../lectures/ecosystem/claims.html#claim-a1"
        link = f'Claim <strong><a href="{address}">A1</a></strong> holds</p>'
        assert context["body"] == (
            f'<p id="claim-a1">{link}<p>{link}<p>Claim <strong>zz</strong></p>'
        )

    def test_a_cell_without_a_result_has_the_place(self, tmp_path: Path) -> None:
        app = application(course(tmp_path))
        shown = nodes.raw("", "<p>Claim <strong>A1</strong>", format="html")
        cells = [
            nodes.container(
                "", nodes.literal_block("", source), *more, classes=["cell"]
            )
            for source, more in (
                ('claim("A1", "One", True)', [shown]),
                ('%%gpu cupy\nclaim("A3", "Three", True)', []),
            )
        ]
        extension.name_cells(app, nodes.section("", *cells), "lectures/part/one")
        assert [cell["ids"] for cell in cells] == [[], ["claim-a3"]]


class Links(HTMLParser):
    """The places of claims on a page, and all its links."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value and value.startswith("claim-"):
                self.ids.append(value)
            if tag == "a" and name == "href" and value:
                self.links.append(unescape(value))


@site.built
class TestBuilt:
    """In the finished site every claim leads to its line, and the line to the claim."""

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls) -> Path:
        path = site.SITE / claims.LIST.with_suffix(".html")
        if not path.is_file():
            pytest.skip("the site was built before there was a ledger")
        return path

    def test_links_lead_there_and_back(self, place: Path) -> None:
        told = Links(place)
        assert len(set(told.ids)) == len(told.ids)
        pages: dict[Path, Links] = {}
        led = 0
        for link in told.links:
            target, _, name = link.partition("#claim-")
            if not (target and name):
                continue
            path = (place.parent / target).resolve()
            page = pages.setdefault(path, Links(path))
            assert f"claim-{name}" in page.ids, link
            led += 1
        assert led > len(IDS)
        for path, page in pages.items():
            assert len(set(page.ids)) == len(page.ids), path
            for link in page.links:
                target, _, name = link.partition("#claim-")
                if name:
                    assert (path.parent / target).resolve() == place.resolve()
                    assert f"claim-{name}" in told.ids, link

    def test_every_id_has_its_line(self, place: Path) -> None:
        ids = Links(place).ids
        assert {claims.anchor(id) for id in IDS} <= set(ids)
