"""Reads IEC 62056-21 as the package iec62056-21 does: a JSON line in, a JSON line out: [[code, value, unit], …].

{"hex"} is a data message of mode C; {"host", "port", "address"} a meter that is asked for its readout over TCP.
"""

import json
import sys

try:
    from iec62056_21.client import Iec6205621Client
    from iec62056_21.messages import ReadoutDataMessage
except ModuleNotFoundError as error:
    sys.exit(f"absent: {error}")


def sets(message: ReadoutDataMessage) -> list[tuple[str, str, str]]:
    lines = message.data_block.data_lines
    return [(one.address, one.value, one.unit or "") for line in lines for one in line.data_sets]


def asked_over_tcp(row: dict) -> list[tuple[str, str, str]]:
    client = Iec6205621Client.with_tcp_transport((row["host"], row["port"]), device_address=row["address"])
    client.connect()
    try:
        client.startup()
        client.ack_with_option_select("readout")
        body = client.transport.simple_read(start_char="\x02", end_char="\x03") + client.transport.recv(1)
        found = sets(ReadoutDataMessage.from_representation(body.decode("ascii")))
        return [(client.manufacturer_id, client.identification, ""), *found]
    finally:
        client.disconnect()


for asked in sys.stdin:
    row = json.loads(asked)
    if "hex" in row:
        told = sets(ReadoutDataMessage.from_representation(bytes.fromhex(row["hex"]).decode("ascii")))
    else:
        told = asked_over_tcp(row)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
