#!/bin/sh
# Installs the programs of other stacks that the tests talk to, beside this file.  Quick when they are there.
set -eu
cd "$(dirname "$0")"
if [ ! -f node_modules/.done ] || [ package.json -nt node_modules/.done ]; then
  command -v npm >/dev/null || { echo "npm is missing: apt-get install npm" >&2; exit 1; }
  npm install --ignore-scripts --no-audit --no-fund --no-package-lock --loglevel=error
  touch node_modules/.done
fi
if [ ! -f judges/.done ] || [ judges.txt -nt judges/.done ]; then
  "${PYTHON:-python3}" -m venv judges
  judges/bin/python -m pip install --quiet --disable-pip-version-check -r judges.txt
  judges/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python pyteleinfo==0.4.0
  touch judges/.done
fi
