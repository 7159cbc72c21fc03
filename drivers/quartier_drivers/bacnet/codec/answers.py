"""What a device answers to a prepared request, as columns or as a reason why not.  Pure.

read = Read([Ref(0, 3, 85), Ref(0, 4, 85)], route)
send(read.request.datagram(invoke_id))
data = await receive()
heard = hear(data)                       # whose answer it is: its source, invoke ID and type
told = read.take(data, heard)            # raises Denied or Garbled
told.values, told.kinds                  # columns, in the order of the refs
"""

from array import array  # noqa: TC003 - dataclasses ask for it
from collections.abc import Iterable
from dataclasses import dataclass

from quartier_drivers.bacnet.codec.application_data import Element, parse_elements
from quartier_drivers.bacnet.codec.datagrams import (
    APDU_MAX,
    READ_PROPERTY,
    READ_PROPERTY_MULTIPLE,
    ConfirmedRequest,
    make_read_multiple,
    make_read_property,
    make_request,
)
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused, GarbledAnswer
from quartier_native.bacnet import (
    ABORT,
    COMPLEX_ACK,
    DENIED,
    ENUMERATED,
    ERROR,
    ERROR_SHIFT,
    REJECT,
    SEGMENT,
    SIMPLE_ACK,
    WHOLE,
    FaultError,
    Heard,
    PropertyReader,
    Ref,
    hear,
    notice_of,
)

__all__ = [
    "ChangeNotification",
    "Heard",
    "PreparedNotification",
    "PreparedRead",
    "ReadAnswer",
    "Ref",
    "check_acknowledged",
    "check_answer",
    "hear",
    "notice_of",
]


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What was told, in the order of the refs.

    ``values``: the number of each, NaN where its kind has none (``NULL``, texts, dates, lists, ``MISSING``).
    An unsigned beyond 2**53 is rounded: ``elements`` has every digit.  ``kinds``: see
    ``quartier_native.reference.bacnet_tags``.
    """

    data: bytes
    values: "array[float]"
    kinds: bytes
    spans: "array[int]"

    def __len__(self) -> int:
        """Return how many refs."""
        return len(self.kinds)

    def octets(self, place: int) -> bytes:
        """Return what stands in the answer for a property, encoded; empty for one that was not told."""
        return self.data[self.spans[2 * place] : self.spans[2 * place + 1]]

    def elements(self, place: int) -> tuple[Element, ...]:
        """The same as Python values: one for a scalar, those of a list, none for an empty one or one not
        told.
        """
        return parse_elements(self.octets(place))

    def denial(self, place: int) -> DeviceRefused | None:
        """Return why a property was not told, where the device says so."""
        if self.kinds[place] != DENIED:
            return None
        error_class, code = divmod(int(self.values[place]), ERROR_SHIFT)
        return DeviceRefused(ERROR, code, error_class)


class PreparedRead:
    """A prepared read: ReadProperty of one property, ReadPropertyMultiple of several (or ``multiple`` by
    wish).

    Its request is sent as often as one likes.
    """

    __slots__ = ("_reader", "is_multiple", "refs", "request")

    def __init__(
        self,
        refs: Iterable[Ref],
        route: bytes = b"",
        *,
        answer_max: int = APDU_MAX,
        multiple: bool | None = None,
    ) -> None:
        """ValueError for refs that are none or twice there, for none at all, or for several without
        ``multiple``.
        """
        self.refs = tuple(refs)
        self.is_multiple = len(self.refs) > 1 if multiple is None else multiple
        if not self.refs or (len(self.refs) > 1 and not self.is_multiple):
            raise ValueError(f"{len(self.refs)} properties in one request")
        self._reader = PropertyReader(self.refs)
        service = READ_PROPERTY_MULTIPLE if self.is_multiple else READ_PROPERTY
        body = make_read_multiple(self.refs) if self.is_multiple else make_read_property(self.refs[0])
        self.request: ConfirmedRequest = make_request(service, body, route, answer_max=answer_max)

    def take(self, data: bytes, heard: Heard) -> ReadAnswer:
        """The columns of an answer.  Raises Denied where the device says no to the whole, Garbled for
        another answer.
        """
        check_answer(data, heard, self.request.service, COMPLEX_ACK)
        read = self._reader.multiple if self.is_multiple else self._reader.single
        how, values, kinds, spans = read(data, heard[3])
        if how != WHOLE:
            raise GarbledAnswer(how)
        return ReadAnswer(data, values, kinds, spans)


@dataclass(frozen=True, slots=True)
class ChangeNotification:
    """A COV notification of a subscription: ``left_s`` seconds remain of it (0: it has no end)."""

    told: ReadAnswer
    left_s: int


class PreparedNotification:
    """The prepared reading of notifications about one object: these properties of it, first of all its
    value.
    """

    __slots__ = ("_object_id", "_reader", "refs")

    def __init__(self, refs: Iterable[Ref]) -> None:
        """ValueError for none, for refs that are none or twice there, or of several objects."""
        self.refs = tuple(refs)
        objects = {(ref.object_type, ref.instance) for ref in self.refs}
        if len(objects) != 1:
            raise ValueError(f"{len(objects)} objects in one subscription")
        self._reader = PropertyReader(self.refs)
        self._object_id = self.refs[0].object_type << 22 | self.refs[0].instance

    def take(self, data: bytes, heard: Heard) -> ChangeNotification:
        """The columns of a notification, confirmed or not.  Raises Garbled where it is none about this
        object.
        """
        notice = notice_of(data, heard[3])
        if notice is None or notice[2] != self._object_id:
            raise GarbledAnswer(-1, "it is no notification about this object")
        how, values, kinds, spans = self._reader.changes(data, notice[4], notice[2])
        if how != WHOLE:
            raise GarbledAnswer(how)
        return ChangeNotification(ReadAnswer(data, values, kinds, spans), notice[3])


def check_acknowledged(data: bytes, heard: Heard, service: int) -> None:
    """The device has done it (WriteProperty, SubscribeCOV).  Raises Denied where it says no, Garbled for
    another answer.
    """
    check_answer(data, heard, service, SIMPLE_ACK)


def check_answer(data: bytes, heard: Heard, service: int, expected: int) -> None:
    """Raises Denied for an error, a reject or an abort, Garbled for what is no ``expected`` answer to this
    service.
    """
    pdu, _, said = heard[:3]
    if pdu in {REJECT, ABORT}:
        raise DeviceRefused(pdu, said)
    if pdu == SEGMENT:
        raise GarbledAnswer(-1, "it is segmented, which was not asked for")
    if said != service or pdu not in {expected, ERROR}:
        raise GarbledAnswer(-1, f"it is of type {pdu} to service {said}")
    if pdu == ERROR:
        raise _parse_error(data[heard[3] :])


def _parse_error(octets: bytes) -> DeviceRefused | GarbledAnswer:
    """An Error-PDU of these services: class and code (clause 21, Error)."""
    try:
        found = parse_elements(octets)
    except FaultError as fault:
        return GarbledAnswer(fault.how)
    codes = [one.value for one in found if one.kind == ENUMERATED and isinstance(one.value, int)]
    if len(codes) != 2 or len(found) != 2:
        return GarbledAnswer(-1, "it is an error without class and code")
    return DeviceRefused(ERROR, codes[1], codes[0])
