"""Read a SunSpec device by the client of pysunspec2, in a virtual environment of its own.

``pysunspec2_client.py PORT UNIT``.  Each line on stdin, ``scan`` or ``poll`` and a number of times, is
answered by a
line with the CPU seconds that it took, the registers and the points read.  A scan finds the models and
reads them; a poll reads all of them again on an open connection.  Each ends with the values of the points,
scale factors applied, as on our side.
"""

import json
import sys
import time
from importlib import import_module
from typing import Any


def _read_values(group: Any) -> list[Any]:
    """Return the value of each point of a model, in the shortest way that the library has."""
    found = [point.cvalue for point in group.points.values()]
    for several in group.groups.values():
        for one in several if isinstance(several, list) else [several]:
            found += _read_values(one)
    return found


def main() -> None:
    """Answer until stdin ends."""
    client = import_module("sunspec2.modbus.client")
    device = client.SunSpecModbusClientDeviceTCP(
        slave_id=int(sys.argv[2]), ipport=int(sys.argv[1]), timeout=10
    )
    device.scan()
    device.connect()
    for line in sys.stdin:
        what, _, often = line.partition(" ")
        before_s, values = time.process_time(), []
        for _ in range(int(often)):
            if what == "scan":
                device.scan()
            else:
                for model in device.model_list:
                    model.read()
            values = [value for model in device.model_list for value in _read_values(model)]
        cpu_s = time.process_time() - before_s
        if what == "scan":
            device.connect()  # a scan closes behind itself
        words = sum(model.model_len + 2 for model in device.model_list)
        sys.stdout.write(json.dumps([cpu_s, words * int(often), len(values) * int(often)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
