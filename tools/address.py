"""Where the course is published: one setting, from which every address follows.

The first of these that is there decides:

* the environment: `BEYOND_NUMPY_REPOSITORY` (owner/name) and `BEYOND_NUMPY_SITE`;
  continuous integration sets them, and an empty value means "none";
* `_config.yml`: the `url` of `repository`, and the `baseurl` of `html`;
* the remote `origin` of this clone, where that is on GitHub.

So a fork's pages lead to the fork, and a copy without an address leads nowhere.
"""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
GITHUB = re.compile(r"(?:https?://|git@|ssh://git@)(?:www\.)?github\.com[/:](.+)")


def named(address: str) -> str:
    """Return the owner/name that an address on GitHub holds, "" for another one."""
    match = GITHUB.fullmatch(address.strip())
    name = match[1].rstrip("/").removesuffix(".git") if match else ""
    return name if NAME.fullmatch(name) else ""


def setting(section: str, key: str) -> str:
    """Return a text of `_config.yml`, "" where it is not there."""
    path = ROOT / "_config.yml"
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return str((config.get(section) or {}).get(key) or "")


def origin() -> str:
    """Return the address that this clone came from, "" where there is none."""
    command = ["git", "-C", str(ROOT), "config", "--get", "remote.origin.url"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return found.stdout.strip()


def repository() -> str:
    """Return the repository on GitHub as owner/name, or "".

    Raises
    ------
    ValueError
        If the environment names something else.
    """
    name = os.environ.get("BEYOND_NUMPY_REPOSITORY")
    if name is None:
        return named(setting("repository", "url")) or named(origin())
    if name and not NAME.fullmatch(name):
        raise ValueError(f"BEYOND_NUMPY_REPOSITORY is {name!r}, not owner/name")
    return name


def site() -> str:
    """Return the address of the published site with a slash at its end, or "".

    Where nobody says it, it is the one that GitHub Pages gives the repository.
    """
    address = os.environ.get("BEYOND_NUMPY_SITE")
    if address is None:
        address = setting("html", "baseurl") or pages_of(repository())
    return address.rstrip("/") + "/" if address else ""


def pages_of(name: str) -> str:
    """Return the address of the GitHub Pages of owner/name."""
    owner, _, project = name.partition("/")
    host = f"{owner.lower()}.github.io"
    if not project:
        return ""
    return f"https://{host}/" + ("" if project.lower() == host else f"{project}/")


def notebook_branch() -> str:
    """Return the branch that holds the notebooks which were exported for readers."""
    return "notebooks"
