"""The link check finds what is broken, and blames no server for being shy."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools import links


class Answer(BaseHTTPRequestHandler):
    """Answers with the status that the address ends in."""

    def do_GET(self) -> None:
        self.send_response(int(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()


def test_addresses_are_found_without_the_sentence_around_them() -> None:
    text = (
        "See [the book](https://a.org/b_(c)), <https://a.org/d>. Or https://a.org/e#f.\n"
        "  doi = {10.1000/xyz},\nhttps://example.org/no and http://localhost:80/no"
    )
    assert links.addresses(text) == {
        "https://a.org/b_(c)",
        "https://a.org/d",
        "https://a.org/e",
        "https://doi.org/10.1000/xyz",
    }


def test_each_address_is_listed_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("https://a.org")
    (tmp_path / "lectures" / "part").mkdir(parents=True)
    (tmp_path / "lectures" / "part" / "one.md").write_text("https://a.org")
    found = links.collect(tmp_path)
    assert found == {"https://a.org": ["README.md", "lectures/part/one.md"]}


def test_what_is_there_is_there(server: str) -> None:
    assert links.ask(f"{server}/200") == (True, "200")


@pytest.mark.parametrize("status", [404, 410, 500])
def test_what_is_gone_is_broken(server: str, status: int) -> None:
    there, said = links.checked(f"{server}/{status}", pause=0)
    assert there is False
    assert str(status) in said


@pytest.mark.parametrize("status", [403, 429])
def test_who_turns_programs_away_says_nothing(server: str, status: int) -> None:
    assert links.checked(f"{server}/{status}", pause=0)[0] is None


def test_a_server_that_does_not_answer_is_broken() -> None:
    assert links.checked("http://127.0.0.1:9/x", pause=0)[0] is False


def test_a_broken_address_fails_and_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_text("https://a.org https://b.org https://c.org")
    told = {"https://a.org": (True, "200"), "https://b.org": (False, "404")}
    monkeypatch.setattr(links, "checked", lambda a: told.get(a, (None, "403")))
    said = tmp_path / "said.md"
    assert links.main(["--root", str(tmp_path), "--report", str(said)]) == 1
    text = said.read_text()
    assert "### Broken\n\n- https://b.org (404) in README.md" in text
    assert "### Not checked" in text
    assert "1 of 3 addresses are there." in text
    told["https://b.org"] = (True, "200")
    assert links.main(["--root", str(tmp_path)]) == 0
