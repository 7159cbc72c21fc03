"""Read the answer of a device to a prepared request as columns, or as the reason of its refusal.  Pure.

read = PreparedRead([Ref(0, 3, 85), Ref(0, 4, 85)], route)
send(read.request.datagram(invoke_id))
data = await receive()
heard = hear(data)                       # identifies the answer: its source, invoke ID and type
told = read.take(data, heard)            # raises DeviceRefused or GarbledAnswer
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
    """The values of an answer, in the order of the refs.

    ``values``: the number of each, NaN if its kind has none (``NULL``, texts, dates, lists, ``MISSING``). An
    unsigned beyond 2**53 is rounded: ``elements`` has every digit.  ``kinds``: see
    ``quartier_native.reference.bacnet_tags``.
    """

    data: bytes
    values: "array[float]"
    kinds: bytes
    spans: "array[int]"

    def __len__(self) -> int:
        """Return the number of refs."""
        return len(self.kinds)

    def octets(self, place: int) -> bytes:
        """Return the encoded value of a property; empty if the answer has none."""
        return self.data[self.spans[2 * place] : self.spans[2 * place + 1]]

    def elements(self, place: int) -> tuple[Element, ...]:
        """Return the value as Python elements: one for a scalar, those of a list, none if empty or absent."""
        return parse_elements(self.octets(place))

    def denial(self, place: int) -> DeviceRefused | None:
        """Return the reason why a property was refused; None if it was not."""
        if self.kinds[place] != DENIED:
            return None
        error_class, code = divmod(int(self.values[place]), ERROR_SHIFT)
        return DeviceRefused(ERROR, code, error_class)


class PreparedRead:
    """A prepared read: ReadProperty of one property, ReadPropertyMultiple of several or if ``multiple``.

    Its request may be sent any number of times.
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
        """Prepare the request.

        Raises ValueError for refs that are invalid or given twice, for none at all, or for several without
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
        """Return the columns of an answer.

        Raises DeviceRefused if the device refuses the whole request, GarbledAnswer for any other answer.
        """
        check_answer(data, heard, self.request.service, COMPLEX_ACK)
        read = self._reader.multiple if self.is_multiple else self._reader.single
        how, values, kinds, spans = read(data, heard[3])
        if how != WHOLE:
            raise GarbledAnswer(how)
        return ReadAnswer(data, values, kinds, spans)


@dataclass(frozen=True, slots=True)
class ChangeNotification:
    """A COV notification of a subscription; ``left_s`` is its remaining time in s (0: without end)."""

    answer: ReadAnswer
    left_s: int


class PreparedNotification:
    """The prepared decoder of notifications about one object: for these properties of it, its value first."""

    __slots__ = ("_object_id", "_reader", "refs")

    def __init__(self, refs: Iterable[Ref]) -> None:
        """Prepare it; raises ValueError for no refs, invalid or repeated refs, or refs of several objects."""
        self.refs = tuple(refs)
        objects = {(ref.object_type, ref.instance) for ref in self.refs}
        if len(objects) != 1:
            raise ValueError(f"{len(objects)} objects in one subscription")
        self._reader = PropertyReader(self.refs)
        self._object_id = self.refs[0].object_type << 22 | self.refs[0].instance

    def take(self, data: bytes, heard: Heard) -> ChangeNotification:
        """Return the columns of a notification, confirmed or not.

        Raises GarbledAnswer if it is no notification about this object.
        """
        notice = notice_of(data, heard[3])
        if notice is None or notice[2] != self._object_id:
            raise GarbledAnswer(-1, "it is no notification about this object")
        how, values, kinds, spans = self._reader.changes(data, notice[4], notice[2])
        if how != WHOLE:
            raise GarbledAnswer(how)
        return ChangeNotification(ReadAnswer(data, values, kinds, spans), notice[3])


def check_acknowledged(data: bytes, heard: Heard, service: int) -> None:
    """Check that the device has done it (WriteProperty, SubscribeCOV).

    Raises DeviceRefused if it refuses, GarbledAnswer for any other answer.
    """
    check_answer(data, heard, service, SIMPLE_ACK)


def check_answer(data: bytes, heard: Heard, service: int, expected: int) -> None:
    """Check that this is the ``expected`` answer to the service.

    Raises DeviceRefused for an error, a reject or an abort, GarbledAnswer for any other answer.
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
    """Return the refusal of an Error-PDU of these services: class and code (clause 21, Error)."""
    try:
        found = parse_elements(octets)
    except FaultError as fault:
        return GarbledAnswer(fault.how)
    codes = [one.value for one in found if one.kind == ENUMERATED and isinstance(one.value, int)]
    if len(codes) != 2 or len(found) != 2:
        return GarbledAnswer(-1, "it is an error without class and code")
    return DeviceRefused(ERROR, codes[1], codes[0])
