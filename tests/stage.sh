#!/usr/bin/env bash
# One stage of `make test`: pytest with these arguments. Hundreds of its tests speak over real sockets, serial lines and brokers while
# their neighbours take every core, so up to three that fell are asked once more, each alone on the machine. What falls again has
# fallen; what chance draws (hypothesis) gets no second look. Each that held only then is named: it is a fault to mend, of a test or of ours.
set -uo pipefail
cd "$(dirname "$0")/.."
python=.venv/bin/python
fallen=.pytest_cache/v/cache/lastfailed

rm -f "$fallen"
"$python" -m pytest "$@"
code=$?
[ "$code" -eq 1 ] && [ -s "$fallen" ] || exit "$code"

mapfile -t names < <("$python" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n")' "$fallen")
if [ "${#names[@]}" -gt 3 ]; then
  echo "${#names[@]} tests fell: too many for a second look"
  exit "$code"
fi
for name in "${names[@]}"; do
  echo "A second look, alone: $name"
  "$python" -m pytest -m "not hypothesis" "$name" || exit "$code"
done
mkdir -p reports/ci
printf '%s\n' "${names[@]}" >> reports/ci/unsteady.txt
printf 'Unsteady, held alone only: %s\n' "${names[@]}"
