"""Reads M-Bus frames as pyMeterBus does: a line of hex in, a JSON line out: [[number or null, unit], …] per record."""

import json
import sys

try:
    import meterbus
except ModuleNotFoundError as error:
    sys.exit(f"absent: {error}")


def records(frame: bytes) -> list[tuple[float | None, str]]:
    told = json.loads(meterbus.load(frame).to_JSON())
    return [
        (one["value"] if isinstance(one["value"], int | float) else None, str(one["unit"]))
        for one in told["body"]["records"]
    ]


for asked in sys.stdin:
    sys.stdout.write(json.dumps(records(bytes.fromhex(asked))) + "\n")
