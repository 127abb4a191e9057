"""Ask every address that the course names whether it is still there.

    python -m tools.links [--report FILE]

An address is broken when its server says so or does not answer, three times.  One that
turns programs away (publishers do) is listed as not checked, and is no failure.
"""

import argparse
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "*.md",
    "*.cff",
    "*.bib",
    "*.yml",
    "LICENSE-text",
    "lectures/**/*.md",
    "exercises/**/*.md",
    "solutions/**/*.md",
)
ADDRESS = re.compile(r"https?://[^\s<>\"'`{}|\\^]+")
DOI = re.compile(r"^\s*doi\s*=\s*[{\"](10\.[^}\"]+)", re.MULTILINE | re.IGNORECASE)
OURS = re.compile(r"https?://(localhost|127\.0\.0\.1|[\w.-]*example\.(com|org))\b")
TURNED_AWAY = frozenset({401, 403, 405, 406, 418, 429, 451, 503, 999})
TRIES, PAUSE, PATIENCE = 3, 5.0, 30.0  # how often; seconds between; seconds to wait
AGENT = "Mozilla/5.0 (compatible; beyond-numpy link check)"


def trimmed(address: str) -> str:
    """Return an address without the punctuation of the sentence it stands in."""
    while address:
        last = address[-1]
        pairs = {")": "(", "]": "["}
        alone = last in pairs and address.count(pairs[last]) < address.count(last)
        if last not in ".,;:!?*_" and not alone:
            break
        address = address[:-1]
    return address


def addresses(text: str) -> set[str]:
    """Return the addresses in a text that are those of others; parts of a page once."""
    found = {trimmed(match) for match in ADDRESS.findall(text)}
    found |= {f"https://doi.org/{doi.strip()}" for doi in DOI.findall(text)}
    return {a.partition("#")[0] for a in found if not OURS.match(a)}


def collect(root: Path) -> dict[str, list[str]]:
    """Return every address that the sources name, with the files that name it."""
    where: dict[str, list[str]] = {}
    for pattern in SOURCES:
        for path in sorted(root.glob(pattern)):
            for address in sorted(addresses(path.read_text(encoding="utf-8"))):
                where.setdefault(address, []).append(path.relative_to(root).as_posix())
    return where


def ask(address: str) -> tuple[bool | None, str]:
    """Return whether an address is there (None: it would not say), and the answer."""
    request = urllib.request.Request(address, headers={"User-Agent": AGENT})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return True, str(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return (None if error.code in TURNED_AWAY else False), str(error)
    except (OSError, ValueError) as error:
        return False, f"{type(error).__name__}: {error}"


def checked(address: str, pause: float = PAUSE) -> tuple[bool | None, str]:
    """Return the best of several answers of an address."""
    for left in reversed(range(TRIES)):
        there, said = ask(address)
        if there or not left:
            break
        time.sleep(pause)
    return there, said


def report(
    where: Mapping[str, Iterable[str]], answers: Mapping[str, tuple[bool | None, str]]
) -> str:
    """Return in Markdown which addresses are broken, and which could not be checked."""
    lines = []
    kinds = {"Broken": False, "Not checked: the server turns programs away": None}
    for title, kind in kinds.items():
        those = [address for address, (there, _) in answers.items() if there is kind]
        if those:
            lines += [f"### {title}", ""]
            for address in those:
                files = ", ".join(where[address])
                lines.append(f"- {address} ({answers[address][1]}) in {files}")
            lines.append("")
    good = sum(there is True for there, _ in answers.values())
    return "\n".join([*lines, f"{good} of {len(answers)} addresses are there."])


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.links")
    parser.add_argument("--report", type=Path, help="append what is said to this file")
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    where = collect(asked.root)
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(where, pool.map(checked, where), strict=True))
    said = report(where, answers)
    print(said)
    if asked.report:
        with asked.report.open("a", encoding="utf-8") as file:
            file.write(said + "\n")
    return int(any(there is False for there, _ in answers.values()))


if __name__ == "__main__":
    sys.exit(main())
