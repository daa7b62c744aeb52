#!/usr/bin/env bash
# Runs make targets one after another, ends with the first that fails, and prints how long each took.
set -euo pipefail

times=()
report() {
  printf '\n  %-12s  min:s\n' stage
  printf '  %s\n' ${times[@]+"${times[@]}"} "$(line total "$SECONDS")"
}
line() { printf '%-12s  %2d:%02d%s' "$1" $(($2 / 60)) $(($2 % 60)) "${3:-}"; }
trap report EXIT

SECONDS=0
for stage in "$@"; do
  begun=$SECONDS status=0
  echo "== $stage"
  "${MAKE:-make}" --no-print-directory "$stage" || status=$?
  times+=("$(line "$stage" $((SECONDS - begun)) "$( ((status == 0)) || echo '  FAILED')")")
  ((status == 0)) || exit "$status"
done
