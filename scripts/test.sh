#!/usr/bin/env bash
# Every check and test, quickest first. Each runs even if an earlier one failed, so that one run tells all.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
failed=()
# Where these are set (as in some images), every process that the tests start would compile our modules again.
unset PYTHONDONTWRITEBYTECODE PYTHONUNBUFFERED
# The tests wait for processes about as much as they work: two workers more than there are cores fill the gaps.
workers=$(($(nproc 2>/dev/null || echo 2) + 2))

# A machine that is thrown away need not spend a tenth of its time on removing what tests leave.
keep=()
[ -n "${CI:-}" ] && keep=(-o tmp_path_retention_policy=all)

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
check "fast tests" "$bin/pytest" -q -m "not slow" -n "$workers" --dist worksteal ${keep[@]+"${keep[@]}"}
check "slow tests" "$bin/pytest" -q -m slow -n "$workers" --dist worksteal ${keep[@]+"${keep[@]}"}

if [ ${#failed[@]} -gt 0 ]; then
  echo "FAILED: ${failed[*]}"
  exit 1
fi
echo "all checks passed"
