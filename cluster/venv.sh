#!/usr/bin/env bash
# Makes the virtual environment that all commands run in, from the locked dependencies. $PYTHON names the Python that it
# is of, else the newest on PATH.
set -euo pipefail

venv=$1
root=$(cd "$(dirname "$0")/.." && pwd)

python=${PYTHON:-}
for candidate in ${python:+"$python"} python3.14 python3.13 python3.12 python3.11 python3; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
  python=
done
if [[ -z $python ]]; then
  echo "Python 3.11 or newer is needed and not on PATH: on Debian or Ubuntu, apt-get install python3 python3-venv" >&2
  exit 1
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  if [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
    echo "installing python3-venv"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  else
    echo "$python cannot make virtual environments: on Debian or Ubuntu, apt-get install python3-venv" >&2
    exit 1
  fi
fi

echo "preparing $venv with $("$python" --version)"
[[ -x $venv/bin/python ]] || "$python" -m venv --clear "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$root/requirements/uv.txt"
# `uv pip sync` also removes what is no longer locked.
VIRTUAL_ENV=$venv "$venv/bin/uv" pip sync --quiet --require-hashes \
  "$root/requirements/uv.txt" "$root/requirements/build.txt" "$root/requirements/dev.txt"
VIRTUAL_ENV=$venv "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable "$root"
