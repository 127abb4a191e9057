"""Run the stages of `make test` one after the other and say how long each took.

    python -m tools.stages [--since SECONDS]

A stage that fails does not keep the others from running; the exit status is then 1.
"""

import argparse
import subprocess
import sys
import time

PYTHON = sys.executable
STYLE = (
    (PYTHON, "-m", "ruff", "format", "--check", "."),
    (PYTHON, "-m", "ruff", "check", "."),
    (PYTHON, "-m", "codespell_lib", "."),
)
PYTEST = (PYTHON, "-m", "pytest", "--durations=5")
TWO_AT_A_TIME = ("-n", "2", "--dist", "loadfile", "--max-worker-restart", "1")
SITE = "tests/test_site.py"
STAGES = {
    "style": STYLE,
    "book": ((PYTHON, "-m", "tools.book"),),
    "notebooks": ((PYTHON, "-m", "tools.learner", "--skip-offline"),),
    "tests": (
        (PYTHON, "-m", "tools.node", "--all"),
        (*PYTEST, *TWO_AT_A_TIME, f"--ignore={SITE}"),
        (*PYTEST, SITE),  # alone: it measures how quick a page is
    ),
}


def stage(name: str) -> tuple[bool, float]:
    """Run one stage; return whether it passed and its seconds."""
    start = time.monotonic()
    print(f"\n== {name} ==", flush=True)
    passed = [subprocess.run(command).returncode == 0 for command in STAGES[name]]
    return all(passed), time.monotonic() - start


def main(arguments: list[str] | None = None) -> int:
    """Run the stages; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.stages")
    parser.add_argument("--since", type=float, help="when the set-up began (epoch)")
    parser.add_argument("stages", nargs="*", default=list(STAGES))
    options = parser.parse_args(arguments)
    if unknown := {*options.stages} - {*STAGES}:
        parser.error(f"no stage is called {', '.join(sorted(unknown))}")
    rows = []
    if options.since is not None:
        rows.append(("environment", True, max(0.0, time.time() - options.since)))
    try:
        rows += [(name, *stage(name)) for name in options.stages]
    except KeyboardInterrupt:
        print("\ninterrupted")
        return 130
    print()
    for name, passed, seconds in rows:
        print(f"{name:12} {'passed' if passed else 'FAILED':7} {seconds:7.1f} s")
    return 0 if all(passed for _, passed, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
