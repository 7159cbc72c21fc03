"""Data notifications, the APDUs that meters push (IEC 62056-5-3, 9.3.10 DataNotification); pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from quartier_drivers.meter.dlms.axdr import ARRAY, STRUCTURE, Item, Malformed, Reader, read_placed
from quartier_drivers.meter.dlms.moment import SIZE as MOMENT_SIZE

TAG = 0x0F
_OCTETS = 0x09


@dataclass(frozen=True, slots=True)
class Notification:
    """A pushed message: ``moment`` is its date-time (12 bytes, or empty), ``body`` the data.

    ``is_tagged``: the date-time carried a tag that the standard does not have there, as Kaifa's does.
    """

    moment: bytes
    body: Item
    is_tagged: bool = False
    places: Mapping[int, int] = field(default_factory=dict, compare=False, repr=False)
    """The places of the bytes of the moment (0) and of each number and string (``id`` of its item)."""


def notification(apdu: bytes) -> Notification:
    """Read a data notification, or a list that was sent without one; raises Malformed."""
    if apdu[:1] in (bytes([ARRAY]), bytes([STRUCTURE])):
        body, places = read_placed(apdu)
        return Notification(b"", body, False, places)
    reader = Reader(apdu)
    if reader.byte() != TAG:
        raise Malformed(f"APDU {apdu[0]:#04x}, expected a data notification")
    reader.take(4)  # invoke id and priority
    size = reader.byte()
    is_tagged = size == _OCTETS
    if is_tagged:
        size = reader.byte()
    if size not in (0, MOMENT_SIZE):
        raise Malformed(f"a date-time of {size} bytes")
    moment = reader.take(size)
    body, places = read_placed(apdu, reader.at)
    return Notification(moment, body, is_tagged, {0: reader.at - size, **places} if places else {})


def extent(data: bytes) -> int:
    """Return the size of the bare APDU at the beginning of ``data``; raises Cut or Malformed."""
    reader = Reader(data)
    tag = reader.byte()
    if tag in (ARRAY, STRUCTURE):
        return _item_end(data, 0)
    if tag in (0xDB, 0xDC):
        reader.string()
        reader.string()
        return reader.at
    if tag == 0xDD:
        for _ in range(5):
            reader.string()
        if reader.byte():
            reader.take(2)
        reader.string()
        return reader.at
    if tag != TAG:
        raise Malformed(f"no APDU of a push begins with {tag:#04x}")
    reader.take(4)
    size = reader.byte()
    reader.take(reader.byte() if size == _OCTETS else size)
    return _item_end(data, reader.at)


def _item_end(data: bytes, at: int) -> int:
    reader = Reader(data, at)
    reader.item()
    return reader.at
