"""Reads P1 telegrams as dsmr-parser does: a JSON line in ({"kind", "hex", "sealed", "keys"}), a JSON line out.

That is {"numbers": [[label, number], …], "unknown": [label, …]}; unknown are lines that no object of its table fits."""

import json
import re
import sys

from dsmr_parser import telegram_specifications as known
from dsmr_parser.parsers import TelegramParser

SPECIFICATIONS = {
    "2.2": known.V2_2,
    "3": known.V3,
    "4.2": known.V4,
    "5": known.V5,
    "belgium": known.BELGIUM_FLUVIUS,
    "luxembourg": known.LUXEMBOURG_SMARTY,
    "sweden": known.SWEDEN,
    "hungary": known.EON_HUNGARY,
    "austria": known.AUSTRIA_ENERGIENETZE_STEIERMARK,
}


def judge(kind: str, data: bytes, sealed: bytes, keys: tuple[str, str]) -> dict:
    specification = SPECIFICATIONS[kind]
    parser = TelegramParser(specification)
    text = data.decode("ascii")
    # Raises where the tag, the check or a line is wrong.
    if specification.get("general_global_cipher"):
        parser.parse(sealed.hex(), *keys, throw_ex=True)
    else:
        parser.parse(text, throw_ex=True)
    found, fitting = [], set()
    for wanted in specification["objects"]:
        for line in re.findall(wanted["obis_reference"], text, re.DOTALL | re.MULTILINE):
            label = line.split("(")[0]
            fitting.add(label)
            value = getattr(wanted["value_parser"].parse(line), "value", None)
            if hasattr(value, "as_tuple"):
                found.append((label, float(value)))
    labels = [line.split("(")[0] for line in text.splitlines() if "(" in line]
    return {"numbers": found, "unknown": [label for label in labels if label not in fitting]}


for asked in sys.stdin:
    row = json.loads(asked)
    plain, sealed = (bytes.fromhex(row[name]) for name in ("hex", "sealed"))
    sys.stdout.write(json.dumps(judge(row["kind"], plain, sealed, tuple(row["keys"]))) + "\n")
