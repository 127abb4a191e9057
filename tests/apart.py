"""Programs that tests run in processes of their own: none outlives its test."""

import subprocess
from typing import Any

PATIENCE = 240  # seconds; a test itself is given 300


def ran(command: Any, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; return what it printed and how it ended."""
    usual = {"capture_output": True, "text": True, "timeout": PATIENCE}
    return subprocess.run(command, **usual | options)
