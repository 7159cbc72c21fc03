"""Reads M-Bus frames as pymbusparser does: a line of hex in, a JSON line out: per record its number, place and unit."""

import json
import sys

from pymbusparser import parse

for asked in sys.stdin:
    told = parse(asked.strip())
    rows = [
        {
            "index": record["index"],
            "storage": record["storage_number"],
            "tariff": record["tariff"],
            "subunit": record["subunit"],
            "kind": record["value"]["kind"],
            "value": record["value"].get("value"),
            "unit": record.get("unit") or "",
        }
        for record in told["records"]
    ]
    sys.stdout.write(json.dumps({"meter": told["meter"], "records": rows}) + "\n")
