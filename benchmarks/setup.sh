#!/usr/bin/env bash
# Makes benchmarks/.venv with the peers of requirements.txt, once; prints the Python in it.
set -euo pipefail
cd "$(dirname "$0")"

if ! cmp -s requirements.txt .venv/requirements.txt; then
  rm -rf .venv
  python3 -m venv .venv || { echo "python3 -m venv failed: install python3-venv" >&2; exit 1; }
  .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt >&2
  cp requirements.txt .venv/requirements.txt
fi
echo "$PWD/.venv/bin/python"
