#!/bin/sh
# Gurux's DLMS translator (GPL-2.0) in an environment of its own: it runs beside the tests and judges what DLMS
# telegrams say.  Nothing of it is imported by the product or by the tests' process.  Quick when it is there.
set -eu
cd "$(dirname "$0")"
wanted=gurux-dlms==1.0.203
if [ -f gurux/.done ] && [ "$(cat gurux/.done)" = "$wanted" ]; then
  exit 0
fi
"${PYTHON:-python3}" -m venv gurux
gurux/bin/python -m pip install --quiet --disable-pip-version-check "$wanted"
echo "$wanted" > gurux/.done
