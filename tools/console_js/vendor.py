"""Copies the console's JavaScript from its npm packages into the package, and checks that it is unchanged.

`package-lock.json` has the hashes of the packages, `vendored.sha256` those of the files that came out of them.
"""

import hashlib
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
VENDORED = ROOT / "operator/graphcron/console/static/vendor"
SUMS = HERE / "vendored.sha256"

FILES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "sse.min.js": "htmx-ext-sse/dist/sse.min.js",
    "sse.LICENSE": "htmx-ext-sse/LICENSE",
}
"""Where each comes from, below node_modules."""


def sums(vendored: Path, lock: Path) -> str:
    """The hashes of the lock and of all files that are there, as sha256sum writes them."""
    files = [lock, *sorted(vendored.iterdir())]
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)


def main(arguments: list[str]) -> int:
    """`--check`, or the directory that npm has installed into."""
    lock = HERE / "package-lock.json"
    if arguments == ["--check"]:
        if sums(VENDORED, lock) == SUMS.read_text():
            return 0
        print(f"{VENDORED.relative_to(ROOT)} is not what make vendor writes: run it, and commit", file=sys.stderr)
        return 1
    shutil.rmtree(VENDORED, ignore_errors=True)
    VENDORED.mkdir(parents=True)
    for name, source in FILES.items():
        shutil.copyfile(Path(arguments[0]) / "node_modules" / source, VENDORED / name)
    SUMS.write_text(sums(VENDORED, lock))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
