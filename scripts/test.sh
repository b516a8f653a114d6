#!/usr/bin/env bash
# Every check and test, quickest first. Each runs even if an earlier one failed, so that one run tells all.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
failed=()

check() {
  local name=$1
  shift
  local started=$SECONDS
  echo "== $name"
  "$@" || failed+=("$name")
  echo "== $name: $((SECONDS - started)) s"
}

check "ruff check" "$bin/ruff" check .
check "ruff format" "$bin/ruff" format --check .
check "imports" "$bin/lint-imports"
check "types" "$bin/mypy"
check "fast tests" "$bin/pytest" -q -m "not slow" -n 2 --dist worksteal
check "slow tests" "$bin/pytest" -q -m slow -n 2 --dist worksteal

if [ ${#failed[@]} -gt 0 ]; then
  echo "FAILED: ${failed[*]}"
  exit 1
fi
echo "all checks passed"
