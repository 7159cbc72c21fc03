"""Starts HDLC through an optical head: sign-on of IEC 62056-21 mode E, annex B; a pure conversation."""

import re

from quartier_drivers.errors import NoReply
from quartier_drivers.meter.talk import Ask, Conversation

BAUDS = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19_200}
_REQUEST = b"/?!\r\n"
_IDENTITY = re.compile(rb"/[A-Za-z]{3}([0-9A-Z])(\\[0-9A-Z])*[^\r\n/!]{0,16}\r\n")
_HDLC = b"2"  # protocol and mode of the acknowledgement: HDLC, binary
_HEARD_MAX = 256
_WAIT_S = 2.5  # the answer begins within 1.5 s (6.5.3)


def sign_on() -> Conversation[int]:
    """Wake the meter at 300 baud and change to HDLC at the speed that it proposes; return that speed.

    Raises NoReply.
    """
    heard = yield Ask(_REQUEST, _WAIT_S, 300, "7E1", fresh=True)
    said = bytearray(heard)
    while heard and len(said) < _HEARD_MAX:
        # An optical head may return our own bytes: our own request is no identification.
        found = _IDENTITY.search(bytes(byte & 0x7F for byte in said))
        if found is not None:
            speed = found[1]
            baud = BAUDS.get(speed.decode())
            if baud is None:
                raise NoReply(f"the meter proposes the speed {speed.decode()!r}, known are 0 to 6")
            yield Ask(b"\x06" + _HDLC + speed + _HDLC + b"\r\n", 0.3)
            yield Ask(b"", 0.3, baud, "8N1", fresh=True)
            return baud
        heard = yield Ask(b"", _WAIT_S)
        said += heard
    raise NoReply("nothing answers the sign-on at 300 baud: optical head, or no meter of this kind")
