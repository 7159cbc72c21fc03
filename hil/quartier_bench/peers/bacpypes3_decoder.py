"""Decode BACnet answers by bacpypes3, in a virtual environment of its own.

``bacpypes3_decoder.py CAPTURE``: datagrams in hexadecimal, as JSON.  Each line on stdin, a number of
passes, is
answered by a line with the CPU seconds that it took, the points and the sum of their values.
"""

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer until stdin ends."""
    pdu, bvll = import_module("bacpypes3.pdu"), import_module("bacpypes3.ipv4.bvll")
    npdu, apdu = import_module("bacpypes3.npdu"), import_module("bacpypes3.apdu")
    import_module("bacpypes3.object")  # it registers what each property is
    vendor = import_module("bacpypes3.vendor").get_vendor_info(0)
    datagrams = [bytes.fromhex(text) for text in json.loads(Path(sys.argv[1]).read_text())]

    def numbers(data: bytes) -> list[float]:
        link = bvll.LPDU.decode(pdu.PDU(data))
        network = npdu.NPDU.decode(pdu.PDU(link.pduData))
        message = apdu.APCISequence.decode(apdu.APDU.decode(pdu.PDU(network.pduData)))
        return [
            _read_value(one, result, vendor)
            for one in message.listOfReadAccessResults
            for result in one.listOfResults
        ]

    for line in sys.stdin:
        points_count, total = 0, 0.0
        before_s = time.process_time()
        for _ in range(int(line)):
            total = 0.0
            for data in datagrams:
                found = numbers(data)
                points_count += len(found)
                total += sum(found)
        cpu_s = time.process_time() - before_s
        sys.stdout.write(json.dumps([cpu_s, points_count, total]) + "\n")
        sys.stdout.flush()


def _read_value(one: Any, result: Any, vendor: Any) -> float:
    """As its own application takes a value: by the type that the object's class says."""
    kind = vendor.get_object_class(one.objectIdentifier[0]).get_property_type(result.propertyIdentifier)
    return float(result.readResult.propertyValue.cast_out(kind))


if __name__ == "__main__":
    main()
