"""Glossary and references: what the lectures use is there, and nothing else is."""

import re
from pathlib import Path

import pytest

from tools import pages
from tools.references import References, cited, lead

ROOT = Path(__file__).resolve().parents[1]
PAGES = [page for page in pages.pages(ROOT) if (ROOT / f"{page}.md").is_file()]
TERM = re.compile(r"\{term\}`([^`]+)`")
OURS = ("first call", "steady state", "place", "finish", "record", "work", "check")


def source(page: str) -> str:
    return (ROOT / f"{page}.md").read_text("utf-8")


def glossary() -> dict[str, str]:
    """Return the entries of the glossary by their term."""
    block = re.search(
        r"^:::\{glossary\}\n(.*?)^:::$",
        source("lectures/back/glossary"),
        re.MULTILINE | re.DOTALL,
    )[1]
    entries: dict[str, str] = {}
    for line in block.splitlines():
        if line[:1].strip():
            assert line not in entries, f"{line} is there twice"
            entries[line] = ""
            last = line
        elif line.strip():
            entries[last] += line + "\n"
    return entries


def target(role: str) -> str:
    """Return the term that a role leads to, "text <term>" or the term alone."""
    found = re.search(r"<([^<>]+)>$", role)
    return (found[1] if found else role).lower()


class TestGlossary:
    """Each term is explained once, in a few sentences, with the place to read on."""

    def test_is_in_alphabetical_order(self) -> None:
        terms = [term.lower().replace("-", " ") for term in glossary()]
        assert terms == sorted(terms)

    @pytest.mark.parametrize("term", glossary())
    def test_an_entry_is_short_and_leads_to_a_lecture(self, term: str) -> None:
        text = glossary()[term]
        sentences = [line for line in text.splitlines() if line.strip()]
        assert 1 <= len(sentences) <= 3  # one a line
        assert all(line.startswith("  ") for line in sentences)
        linked = re.findall(r"\{doc\}`/([^`]+)`", text)
        assert linked
        assert set(linked) <= set(PAGES)

    @pytest.mark.parametrize("page", PAGES)
    def test_knows_the_terms_that_a_page_links_to(self, page: str) -> None:
        known = {term.lower() for term in glossary()}
        used = {target(role) for role in TERM.findall(source(page))}
        assert used <= known

    @pytest.mark.parametrize("page", [p for p in PAGES if "/back/" not in p])
    def test_a_lecture_links_a_term_once(self, page: str) -> None:
        used = [target(role) for role in TERM.findall(source(page))]
        assert len(used) == len(set(used))

    @pytest.mark.parametrize("term", OURS)
    def test_has_our_own_words(self, term: str) -> None:
        assert term in glossary()


class TestReferences:
    """The bibliography holds what is cited, whole, and nothing besides."""

    def test_every_source_is_cited_and_every_citation_has_one(self) -> None:
        used = {key for page in PAGES for key in cited(source(page))}
        there = set(References(ROOT).sources.entries)
        assert used - there == set()
        assert there - used == set()

    def test_an_entry_says_who_what_and_when(self) -> None:
        for key, entry in References(ROOT).sources.entries.items():
            assert entry.persons.get("author"), key
            assert entry.fields.get("title"), key
            assert re.fullmatch(r"(19|20)\d\d", entry.fields.get("year", "")), key

    def test_what_has_an_address_says_it(self) -> None:
        """A page of the web has a url, an article a doi or the pages it stands on."""
        for key, entry in References(ROOT).sources.entries.items():
            fields = entry.fields
            if entry.type == "misc":
                assert fields.get("url", "").startswith("https://"), key
            if entry.type == "article":
                assert fields.get("doi") or fields.get("pages"), key
            doi = fields.get("doi", "")
            assert not doi or re.fullmatch(r"10\.\d{4,}/\S+", doi), key

    def test_no_source_is_there_twice(self) -> None:
        entries = References(ROOT).sources.entries.values()
        dois = [e.fields["doi"].lower() for e in entries if "doi" in e.fields]
        urls = [e.fields["url"] for e in entries if "url" in e.fields]
        for found in (dois, urls):
            assert {one for one in found if found.count(one) > 1} == set()


def test_the_changelog_is_of_the_version_that_is_built() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    version = re.search(r'^version = "([^"]+)"', project, re.MULTILINE)[1]
    newest = re.search(r"^## (\S+?),?\s", source("lectures/back/changelog"), re.M)[1]
    assert newest == version


def test_contributing_is_the_file_of_the_repository() -> None:
    page = lead(source("lectures/back/contributing"))
    assert "{include} ../../CONTRIBUTING.md" in page
    assert (ROOT / "CONTRIBUTING.md").is_file()
