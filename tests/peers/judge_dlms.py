"""Reads HAN pushes as Gurux's translator does: a JSON line in ({"frames": [hex, …]} or {"apdu": hex}), leaves out.

Leaves are [kind, value] in order: numbers as integers, octets as hex.  Keys are the translator's own defaults.
"""

import contextlib
import json
import re
import sys

from gurux_dlms.GXDLMSTranslator import GXDLMSTranslator

BITS = {"Int8": 8, "Int16": 16, "Int32": 32, "Int64": 64}
UNSIGNED = ("UInt8", "UInt16", "UInt32", "UInt64", "Enum")


def leaves(xml: str) -> list[tuple[str, int | str]]:
    found: list[tuple[str, int | str]] = []
    bare = re.sub("<!--.*?-->", "", xml, flags=re.DOTALL)  # comments hold what no XML may
    for tag, value in re.findall(r'<(\w+) Value="([^"]*)"', bare):  # what was ciphered is no well-formed XML
        if tag in UNSIGNED:
            found.append((tag, int(value, 16)))
        elif tag in BITS:
            number, bits = int(value, 16), BITS[tag]
            found.append((tag, number - (1 << bits) if number >> bits - 1 else number))
        elif tag in ("OctetString", "String"):
            found.append((tag, value))
    return found


def read(row: dict) -> str:
    translator = GXDLMSTranslator()
    translator.comments = True  # without it what is ciphered stays closed
    if "apdu" in row:
        return translator.pduToXml(bytes.fromhex(row["apdu"]))
    frames = [bytes.fromhex(frame) for frame in row["frames"]]
    if len(frames) == 1:
        return translator.messageToXml(frames[0])
    told = [translator.messageToXml(frame) for frame in frames[:-1]]
    parts = [re.search('NextFrame Value="([0-9A-F]*)"', text)[1] for text in told]
    # It takes the last segment for an APDU of its own and fails: what is in it is cut out here.
    last = frames[-1]
    parts.append((last[9:-3] if last[0] == 0x7E else last[9:-2]).hex())
    return translator.pduToXml(bytes.fromhex("".join(parts)))


for asked in sys.stdin:
    with contextlib.redirect_stdout(sys.stderr):  # it prints what it does
        text = read(json.loads(asked))
    sys.stdout.write(json.dumps(leaves(text)) + "\n")
