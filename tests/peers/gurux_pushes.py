"""Pushes as Gurux's notifier makes them; run by the python of ``judges``: a JSON list of hexadecimal digits goes out.

Each is [carrier, security, [message, …]] with the push object list of ``OBJECTS`` before its values.  Arguments: both
keys and the system title in hexadecimal digits.
"""

import contextlib
import json
import sys

from gurux_dlms.enums import Conformance, DataType, InterfaceType, Security
from gurux_dlms.objects import (
    GXDLMSCaptureObject,
    GXDLMSData,
    GXDLMSPushSetup,
    GXDLMSRegister,
)
from gurux_dlms.secure import GXDLMSSecureNotify

encryption, authentication, title = (bytes.fromhex(text) for text in sys.argv[1:4])


def register(name, kind, value):
    made = GXDLMSRegister(name)
    made.value = value
    made.setDataType(2, kind)
    return made


serial = GXDLMSData("0.0.42.0.0.255")
serial.value = b"LGZ1030655933512"
serial.setDataType(2, DataType.OCTET_STRING)
objects = [
    serial,
    register("1.0.1.8.0.255", DataType.UINT32, 123456),
    register("1.0.16.7.0.255", DataType.INT32, -1234),
    register("1.0.32.7.0.255", DataType.UINT16, 2301),
    register("1.0.31.7.0.255", DataType.INT16, -77),
    register("1.0.2.8.0.255", DataType.UINT64, 2**40),
    register("1.0.14.7.0.255", DataType.UINT8, 50),
]
setup = GXDLMSPushSetup()
for one in (setup, *objects):
    setup.pushObjectList.append((one, GXDLMSCaptureObject(2, 0)))

made = []
counter = 1
with contextlib.redirect_stdout(sys.stderr):
    for carrier in (InterfaceType.HDLC, InterfaceType.WRAPPER):
        for security in (
            Security.NONE,
            Security.ENCRYPTION,
            Security.AUTHENTICATION_ENCRYPTION,
            Security.AUTHENTICATION,
        ):
            notify = GXDLMSSecureNotify(True, 16, 1, carrier)
            # Else it refuses to cut what it sends into HDLC segments.
            notify.settings.negotiatedConformance |= Conformance.GENERAL_BLOCK_TRANSFER
            notify.ciphering.security = security
            notify.ciphering.systemTitle = title
            notify.ciphering.blockCipherKey = encryption
            notify.ciphering.authenticationKey = authentication
            notify.ciphering.invocationCounter = counter = counter + 1
            messages = notify.generatePushSetupMessages(None, setup)
            made.append([int(carrier), int(security), [bytes(message).hex() for message in messages]])
sys.stdout.write(json.dumps(made) + "\n")
