"""Asks a meter with the client of dlms-cosem; run by the python of ``judges``.

The first line in says how, as JSON: ``security`` none or high, keys and title in hexadecimal digits, ``attributes`` as
[class, "A.B.C.D.E.F", number], ``curve`` as [name, from, to] or nothing.  Then each request goes out and each answer
comes in as a line of digits; the last line out is the JSON list of what was got, each as digits.
"""

import json
import sys
from datetime import datetime

from dlms_cosem import cosem, enumerations
from dlms_cosem.clients.dlms_client import DlmsClient
from dlms_cosem.cosem.capture_object import CaptureObject
from dlms_cosem.cosem.selective_access import RangeDescriptor


class Pipe:
    """APDUs go out and come in by lines."""

    client_logical_address = 1
    server_logical_address = 1
    timeout = 10

    def connect(self):
        """Nothing to do."""

    def disconnect(self):
        """Nothing to do."""

    def send(self, data):
        """One APDU out, its answer in."""
        sys.stdout.write(data.hex() + "\n")
        sys.stdout.flush()
        return bytes.fromhex(sys.stdin.readline())


def attribute(kind, name, number):
    """What is asked for."""
    return cosem.CosemAttribute(enumerations.CosemInterface(kind), cosem.Obis.from_string(name), number)


how = json.loads(sys.stdin.readline())
settings = {}
if how["security"] == "high":
    settings = {
        "authentication_method": enumerations.AuthenticationMechanism.HLS_GMAC,
        "encryption_key": bytes.fromhex(how["encryption"]),
        "authentication_key": bytes.fromhex(how["authentication"]),
        "client_system_title": bytes.fromhex(how["title"]),
        "client_initial_invocation_counter": 1,
    }
client = DlmsClient(1, 1, Pipe(), **settings)
client.associate()
got = [client.get(attribute(*one)).hex() for one in how["attributes"]]
if how["curve"]:
    name, begin, end = how["curve"]
    clock = CaptureObject(attribute(8, "0.0.1.0.0.255", 2), 0)
    span = RangeDescriptor(clock, datetime.fromisoformat(begin), datetime.fromisoformat(end), None)
    got.append(client.get(attribute(7, name, 2), span).hex())
client.release_association()
sys.stdout.write(json.dumps(got) + "\n")
