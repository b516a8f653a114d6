#!/usr/bin/env bash
# Make .venv with the project and its development tools. Does nothing when it is up to date.
# System packages are installed only where CI is set and this is root; elsewhere what is missing is named.
set -euo pipefail
cd "$(dirname "$0")/.."

can_install() { [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install() {
  echo "setup: installing system packages: $*" >&2
  if [ -z "${APT_READY:-}" ]; then apt-get update -qq >&2; APT_READY=1; fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# A Python outside of .venv, which is removed and made again: its own python may be first on PATH. The one that is found is
# the base interpreter, so that the fingerprint is the same whatever virtual environment is active.
find_python() {
  local name place
  for name in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
    [ -n "$name" ] || continue
    while IFS= read -r place; do
      [ "$(dirname "$place")" -ef .venv/bin ] && continue
      if "$place" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        "$place" -c 'import os, sys; print(os.path.realpath(sys._base_executable))'
        return 0
      fi
    done < <(type -aP "$name")
  done
  return 1
}

has_venv() { "$1" -c 'import venv, ensurepip' 2>/dev/null; }

missing() {
  echo "setup: missing: $1" >&2
  echo "setup: install it ($2), then run this again." >&2
  exit 1
}

command -v git >/dev/null || { can_install && install git; } || missing "git" "Debian/Ubuntu: apt install git"
python=$(find_python) || { can_install && install python3 python3-venv && python=$(find_python); } ||
  missing "Python 3.11 or later" "Debian/Ubuntu: apt install python3 python3-venv; or set PYTHON=/path/to/python3"
has_venv "$python" || { can_install && install python3-venv && has_venv "$python"; } ||
  missing "the venv module of $python" "Debian/Ubuntu: apt install python3-venv"
if ! command -v tmux >/dev/null; then
  if can_install; then install tmux; else echo "setup: no tmux here: the test in a real terminal will be skipped" >&2; fi
fi

for shell in zsh fish; do
  command -v "$shell" >/dev/null && continue
  if can_install; then install "$shell"; else echo "setup: no $shell here: its completion will not be tested" >&2; fi
done

fingerprint=$({ cat pyproject.toml; echo "$python"; "$python" --version; pwd; } | git hash-object --stdin)
stamp=.venv/.setup
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$fingerprint" ]; then exit 0; fi

echo "setup: making .venv with $python" >&2
rm -rf .venv
"$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
echo "$fingerprint" >"$stamp"
