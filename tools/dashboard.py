"""Take the picture of Dask's dashboard that a lecture shows.

    python -m tools.dashboard

A cluster on this machine works while a browser looks at its dashboard; Chromium, Node
and the packages of package-lock.json (`python -m tools.node --all`) have to be there.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "lectures" / "dask" / "dashboard.png"
SIZE = (1200, 760)
SECONDS = 8.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def work(client: object, seconds: float) -> None:
    """Keep a cluster busy with an array that is added to its mirror image."""
    import dask.array as da

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        x = da.random.default_rng(0).random((6_000, 6_000), chunks=(750, 750))
        (x + x.T).mean(axis=0).compute()


def take(path: Path) -> None:
    """Write the picture to `path`."""
    from distributed import Client, LocalCluster

    found = filter(None, map(shutil.which, BROWSERS))
    environment = {**os.environ, "CHROMIUM": next(found)}
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=2,
            memory_limit="1GB",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        script = ["node", str(Path(__file__).with_suffix(".mjs"))]
        command = [*script, client.dashboard_link, str(path), *map(str, SIZE)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, env=environment, cwd=ROOT, **pipes) as browser:
            assert browser.stdin
            assert browser.stdout
            if browser.stdout.readline().strip() != b"open":
                raise RuntimeError("the browser did not open the dashboard")
            work(client, SECONDS)
            browser.stdin.write(b"now\n")
            browser.stdin.close()


def main() -> int:
    """Run the command; return its exit status."""
    if not any(map(shutil.which, BROWSERS)) or not shutil.which("node"):
        print("the picture takes Chromium and Node", file=sys.stderr)
        return 2
    take(PICTURE)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
