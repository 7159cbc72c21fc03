"""Reads telegrams of Nordic meters as amshan does: a JSON line in, {"hdlc"} or {"bare"}, a JSON line out: name -> value."""

import json
import sys

try:
    from han.autodecoder import AutoDecoder
    from han.hdlc import HdlcFrameReader
except ModuleNotFoundError as error:
    sys.exit(f"absent: {error}")


def read(row: dict[str, str]) -> dict[str, object]:
    if "bare" in row:
        return AutoDecoder().decode_message_payload(bytes.fromhex(row["bare"]))
    (frame,) = HdlcFrameReader(use_octet_stuffing=False).read(bytes.fromhex(row["hdlc"]))
    return AutoDecoder().decode_message(frame)


for asked in sys.stdin:
    sys.stdout.write(json.dumps(read(json.loads(asked)), default=str) + "\n")
