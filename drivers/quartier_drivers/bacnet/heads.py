"""The heads of a BACnet/IP datagram: what stands before the service's own part.  Pure.

BVLC (ASHRAE 135-2020, annex J.2.11), NPDU (6.2), APDU (20.1).  No message of ours is segmented, and each
request says that a segmented answer is not accepted.
"""

from dataclasses import dataclass

from quartier_native.bacnet import ABORT, ERROR, SIMPLE_ACK

READ_PROPERTY, READ_MULTIPLE, WRITE_PROPERTY, SUBSCRIBE, COV = 12, 14, 15, 5, 1
"""Confirmed services (clause 21, BACnetConfirmedServiceChoice)."""
UNCONFIRMED_COV = 2
"""An unconfirmed one: its notification carries the same as the confirmed."""
APDU_SIZES = (50, 128, 206, 480, 1024, 1476)
"""What the largest APDU may be, in the order of their codes (20.1.2.5)."""
APDU_MAX = APDU_SIZES[-1]

_UNICAST, _BVLC = 0x0A, 0x81
_VERSION, _EXPECTS_REPLY, _HAS_DESTINATION = 1, 0x04, 0x20
_HOPS = b"\xff"
_OCTETS = tuple(bytes((value,)) for value in range(256))


@dataclass(frozen=True, slots=True)
class Request:
    """A confirmed request of ``service`` as a datagram, all but its invoke ID; ``apdu_size`` in bytes.

    It may be sent any number of times, each time with an invoke ID that no other request to this device
    waits with.
    """

    service: int
    before: bytes
    after: bytes
    apdu_size: int

    def datagram(self, invoke_id: int) -> bytes:
        """The bytes to send; ``invoke_id`` 0..255."""
        return self.before + _OCTETS[invoke_id] + self.after


def confirmed(service: int, body: bytes, route: bytes = b"", *, answer_max: int = APDU_MAX) -> Request:
    """A request whose own part is ``body``, to a device of the network itself, or by ``route`` to one behind
    a router.

    ``route``: see ``route_to``.  ``answer_max``: the longest APDU that we take, one of ``APDU_SIZES`` or
    more.
    """
    code = sum(size <= answer_max for size in APDU_SIZES[1:])
    apdu = bytes((0, code, 0, service)) + body
    data = _datagram(apdu, route, expects_reply=True)
    at = len(data) - len(apdu) + 2
    return Request(service, data[:at], data[at + 1 :], len(apdu))


def acknowledgement(invoke_id: int, service: int, route: bytes = b"") -> bytes:
    """The datagram of a simple acknowledgement (20.1.4): what a confirmed notification is answered with."""
    return _datagram(bytes((SIMPLE_ACK << 4, invoke_id, service)), route, expects_reply=False)


def refusal(invoke_id: int, service: int, error_class: int, error_code: int, route: bytes = b"") -> bytes:
    """The datagram of an error (20.1.7), class and code 0..255: for a notification that nobody waits for."""
    body = bytes((0x91, error_class, 0x91, error_code))
    return _datagram(bytes((ERROR << 4, invoke_id, service)) + body, route, expects_reply=False)


def abort(invoke_id: int, reason: int, route: bytes = b"") -> bytes:
    """The datagram of a server's abort (20.1.9): for a request that is more than we answer."""
    return _datagram(bytes((ABORT << 4 | 1, invoke_id, reason)), route, expects_reply=False)


def route_to(network: int | None, mac: bytes) -> bytes:
    """The two octets of the network (1..65534) and the address there; empty without a network.

    It is what ``hear`` gives as the source of such a device's answer.  Raises ValueError for another network,
    or an address of none or more than 255 octets.
    """
    if network is None:
        return b""
    if not 0 < network < 0xFFFF or not 0 < len(mac) <= 0xFF:
        raise ValueError(f"network {network}, address of {len(mac)} octets")
    return network.to_bytes(2, "big") + mac


def _datagram(apdu: bytes, route: bytes, *, expects_reply: bool) -> bytes:
    control = (_EXPECTS_REPLY if expects_reply else 0) | (_HAS_DESTINATION if route else 0)
    way = route[:2] + bytes((len(route) - 2,)) + route[2:] + _HOPS if route else b""
    npdu = bytes((_VERSION, control)) + way + apdu
    return bytes((_BVLC, _UNICAST)) + (4 + len(npdu)).to_bytes(2, "big") + npdu
