"""The Chromium that tests and pictures of the console use: a system's own, installed where that is possible.

Playwright drives it. The browsers that Playwright would download are never used.
"""

import os
import shutil
import sys
from pathlib import Path

from cluster import packages
from cluster.errors import ClusterError

VARIABLE = "CHROMIUM"
"""Names the browser to use, if it is none of PROGRAMS."""
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--no-sandbox",  # root, as in CI, has no other way
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    # Whatever a page asks for, the browser reaches this machine alone.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def find(environment: dict[str, str] | None = None) -> Path | None:
    """The browser that is here, None when there is none."""
    given = os.environ if environment is None else environment
    names = (given[VARIABLE],) if given.get(VARIABLE) else PROGRAMS
    found = next(filter(None, (shutil.which(name, path=given.get("PATH")) for name in names)), None)
    return Path(found) if found else None


def main() -> int:
    """Have a browser; 1 when there is none and it cannot be installed, with a sentence that says how to get one."""
    if find():
        return 0
    try:
        if os.environ.get(VARIABLE):
            raise ClusterError(f"{VARIABLE}={os.environ[VARIABLE]} is no program")
        packages.ensure((packages.Need("chromium", "chromium"),))
    except ClusterError as error:
        print(
            f"The console's tests need Chromium or Chrome. {error} Elsewhere, install either and name it: "
            f"make browser {VARIABLE}=/path/to/it",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
