"""Where the course is published: the repository it is built from, and its site.

The variables BEYOND_NUMPY_REPOSITORY ("owner/name" on GitHub) and BEYOND_NUMPY_SITE
decide; continuous integration sets the first to the repository it runs in, so that
a fork's links lead to the fork.  Without them `repository: url` in _config.yml counts,
then the remote "origin" of the checkout.
"""

import os
import re
import subprocess
from pathlib import Path

from tools.pages import settings

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "BEYOND_NUMPY_REPOSITORY"
SITE = "BEYOND_NUMPY_SITE"
GITHUB = re.compile(
    r"(?:(?:https?|ssh)://)?(?:[^@/\s]+@)?(?:www\.)?github\.com[:/]+"
    r"(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
NAME = re.compile(r"[\w.-]+/[\w.-]+")


class WrongAddress(ValueError):
    """A variable holds what is no address; the text says which, and what it holds."""


def repository(root: Path = ROOT) -> str:
    """Return "owner/name" of the repository on GitHub, "" where none is known.

    Raises
    ------
    WrongAddress
        If the variable holds something else.
    """
    if REPOSITORY in os.environ:
        told = os.environ[REPOSITORY].strip()
        name = on_github(told) or told
        if name and not NAME.fullmatch(name):
            raise WrongAddress(f"{REPOSITORY} is {told!r}; expected owner/name")
        return name
    return on_github(configured(root)) or on_github(origin(root))


def site(root: Path = ROOT) -> str:
    """Return the address of the published site, ending in "/"; "" if unknown.

    Raises
    ------
    WrongAddress
        If the variable holds something else.
    """
    told = os.environ.get(SITE, "").strip()
    if told:
        if not told.startswith(("https://", "http://")):
            raise WrongAddress(f"{SITE} is {told!r}; expected https://…")
        return told.rstrip("/") + "/"
    owner, _, name = repository(root).partition("/")
    if not name:
        return ""
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def notebook_branch() -> str:
    """Return the branch that holds the exported notebooks."""
    return "notebooks"


def source_branch() -> str:
    """Return the branch that holds the pages and the code."""
    return "main"


def archive(root: Path = ROOT) -> str:
    """Return where pip gets the course from its repository, "" if unknown."""
    name = repository(root)
    place = f"https://github.com/{name}/archive/{source_branch()}.zip"
    return place if name else ""


def on_github(url: str) -> str:
    """Return "owner/name" of an address on GitHub, "" for any other."""
    found = GITHUB.fullmatch(url.strip())
    return found["name"] if found else ""


def configured(root: Path) -> str:
    """Return the address that _config.yml names, or ""."""
    return (settings(root).get("repository") or {}).get("url") or ""


def origin(root: Path) -> str:
    """Return the address of the checkout's remote "origin", or ""."""
    command = ["git", "remote", "get-url", "origin"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    except OSError:  # no git here
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
