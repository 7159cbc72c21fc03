"""Reads telegrams with Gurux's translator; run by the python of ``judges``.

A line in: ``key value`` (hexadecimal digits) with key ``encryption``, ``authentication``, ``frame`` (HDLC or wrapper)
or ``apdu``.  A line out for each of the last two: what it reads as XML, as one JSON text; other lines are chatter.
"""

import json
import sys

from gurux_dlms import GXDLMSTranslator

translator = GXDLMSTranslator()
translator.comments = True
for line in sys.stdin:
    key, value = line.split()
    data = bytes.fromhex(value)
    if key == "encryption":
        translator.blockCipherKey = data
    elif key == "authentication":
        translator.authenticationKey = data
    else:
        read = translator.messageToXml if key == "frame" else translator.pduToXml
        sys.stdout.write(json.dumps(read(data)) + "\n")
