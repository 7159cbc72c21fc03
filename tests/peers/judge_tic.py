"""Reads TIC as pyteleinfo does: a JSON line in, {"hex", "mode"} or {"port", "baud"}, a JSON line out: [[label, data], …].

A frame that is no sound one raises; so does a group whose check is not the one of its mode, which pyteleinfo takes.
"""

import json
import sys

try:
    import teleinfo
    from teleinfo import codec
    from teleinfo.settings import TeleinfoSettings
except ModuleNotFoundError as error:
    sys.exit(f"absent: {error}")


def groups(frame: str, mode: str) -> list[tuple[str, str]]:
    codec._verify_frame_well_formed(frame)
    found = []
    for group in codec._extract_info_groups(frame):
        # It takes a space in a value of standard for a second separator; the check it still verifies.
        found.append(codec.decode_info_group(group, verify_well_formed=mode == "historique"))
        summed = codec._checksum_method_1 if mode == "historique" else codec._checksum_method_2
        if summed(group[1:-2]) != group[-2]:
            raise ValueError(f"{group!r}: the check of the other mode")
    return found


for asked in sys.stdin:
    row = json.loads(asked)
    if "port" in row:
        settings = TeleinfoSettings(baudrate=row["baud"], timeout=60)
        told = list(teleinfo.decode(teleinfo.read_frame(row["port"], settings)).items())
    else:
        told = groups(bytes.fromhex(row["hex"]).decode("ascii"), row["mode"])
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
