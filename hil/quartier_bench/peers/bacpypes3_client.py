"""Poll a BACnet device over its socket by the client of bacpypes3, in a virtual environment of its own.

``bacpypes3_client.py HOST:PORT OWN_PORT COUNT``: present values of analog inputs 1 to COUNT in one
ReadPropertyMultiple.  Each line on stdin, a number of polls, is answered by a line with the CPU seconds
that
it took, the points and the sum of the values of one poll.
"""

import asyncio
import json
import sys
import time
from importlib import import_module
from typing import Any


async def _poll_device(app: Any, place: Any, asked: list[Any], times: int) -> list[float]:
    points_count, total = 0, 0.0
    before_s = time.process_time()
    for _ in range(times):
        found = await app.read_property_multiple(place, asked)
        numbers = [float(row[3]) for row in found]
        points_count, total = points_count + len(numbers), sum(numbers)
    return [time.process_time() - before_s, points_count, total]


async def _main(device: str, own_port: int, count: int) -> None:
    pdu, application = import_module("bacpypes3.pdu"), import_module("bacpypes3.ipv4.app")
    local, primitive = import_module("bacpypes3.local.device"), import_module("bacpypes3.primitivedata")
    own = local.DeviceObject(objectIdentifier=("device", 4000000), objectName="peer", vendorIdentifier=999)
    app = application.NormalApplication(own, pdu.IPv4Address(f"127.0.0.1:{own_port}"))
    asked: list[Any] = []
    for place in range(1, count + 1):
        asked += [
            primitive.ObjectIdentifier(("analog-input", place)),
            [primitive.PropertyIdentifier("present-value")],
        ]
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        values = await _poll_device(app, pdu.Address(device), asked, int(line))
        sys.stdout.write(json.dumps(values) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
