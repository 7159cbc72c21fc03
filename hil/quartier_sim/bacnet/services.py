"""Confirmed services of a device, and subscriptions to changes of value (135-2020).

No answer is segmented: one that does not fit is aborted, as small devices do.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.encoding import OBJECT_TYPES, Tag
from quartier_sim.bacnet.objects import BacnetObject, P, Refusal

Client = tuple[object, int]
"""Client of a subscription, and the number of its process."""
ObjectKey = tuple[int, int]


@dataclass(slots=True)
class Subscription:
    """``ends_s`` infinite: it has no end."""

    client: Client
    key: ObjectKey
    is_confirmed: bool
    ends_s: float
    told: tuple[float, bytes] | None = None

    def left_s(self, now_s: float) -> int:
        """Return the seconds left; 0 means without end."""
        return 0 if math.isinf(self.ends_s) else max(1, round(self.ends_s - now_s))


class SubscriptionList:
    """At most ``count_max`` subscriptions; a repeated one starts again."""

    def __init__(self, count_max: int) -> None:
        self.count_max = count_max
        self._all: dict[tuple[Client, ObjectKey], Subscription] = {}

    def __len__(self) -> int:
        return len(self._all)

    def put(self, client: Client, key: ObjectKey, *, is_confirmed: bool, ends_s: float) -> bool:
        """Begin or renew; False when there is no room."""
        if (client, key) not in self._all and len(self._all) >= self.count_max:
            return False
        self._all[client, key] = Subscription(client, key, is_confirmed, ends_s)
        return True

    def drop(self, client: Client, key: ObjectKey) -> None:
        """End one, if there is one."""
        self._all.pop((client, key), None)

    def clear(self) -> None:
        """End all subscriptions at a loss of power, without a notice."""
        self._all.clear()

    def due(
        self, things: Mapping[ObjectKey, BacnetObject], now_s: float
    ) -> Iterator[tuple[Subscription, BacnetObject]]:
        """Yield the subscriptions to notify now; drop expired ones without a notice."""
        for place, one in tuple(self._all.items()):
            if now_s >= one.ends_s:
                del self._all[place]
                continue
            thing = things[one.key]
            if _has_changed(one.told, thing):
                one.told = (thing.value, thing.status_flags)
                yield one, thing


def _has_changed(reported: tuple[float, bytes] | None, thing: BacnetObject) -> bool:
    if reported is None or reported[1] != thing.status_flags:
        return True
    if thing.cov_increment is None:
        return reported[0] != thing.value
    return abs(thing.value - reported[0]) >= thing.cov_increment


_SEGMENTED, _HEAD_BYTES = 8, 4
_LIST_OF_SPECIFICATION = 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Capabilities of a device: largest APDU, several properties per request, and change of value (COV)."""

    apdu_max: int = 1476
    reads_multiple: bool = True
    sends_cov: bool = True
    subscriptions_max: int = 200


class RequestRejected(Exception):  # noqa: N818 - an answer, not an error of the rig
    """The request makes no sense to it (20.1.9)."""

    def __init__(self, reason: int) -> None:
        super().__init__(f"reject {reason}")
        self.reason = reason


class RequestHandler:
    """Answers to requests for ``things``; ``client`` identifies the requester, for its subscriptions."""

    def __init__(
        self, things: Mapping[tuple[int, int], BacnetObject], device: int, habits: Capabilities
    ) -> None:
        self.things = things
        self.habits = habits
        self.subscriptions = SubscriptionList(habits.subscriptions_max)
        self.writes_count = 0
        self._device = (OBJECT_TYPES["device"], device)
        self._acts: dict[int, Callable[[Sequence[Tag], object, float], bytes]] = {
            encoding.READ_PROPERTY: self._read,
            encoding.WRITE_PROPERTY: self._write,
        }
        if habits.reads_multiple:
            self._acts[encoding.READ_PROPERTY_MULTIPLE] = self._read_multiple
        if habits.sends_cov:
            self._acts[encoding.SUBSCRIBE_COV] = self._subscribe

    def answer(self, apdu: bytes, client: object, now_s: float) -> bytes | None:
        """The answer to one confirmed request; None for what is no request."""
        if len(apdu) < _HEAD_BYTES or apdu[0] >> 4 != encoding.CONFIRMED:
            return None
        invoke, choice = apdu[2], apdu[3]
        if apdu[0] & _SEGMENTED:
            return bytes([encoding.ABORT << 4 | 1, invoke, encoding.ABORT_SEGMENTATION_NOT_SUPPORTED])
        if len(apdu) > self.habits.apdu_max:
            return bytes([encoding.ABORT << 4 | 1, invoke, encoding.ABORT_BUFFER_OVERFLOW])
        if choice not in self._acts:
            return bytes([encoding.REJECT << 4, invoke, encoding.REJECT_UNRECOGNIZED_SERVICE])
        return self._done(apdu, client, now_s)

    def _done(self, apdu: bytes, client: object, now_s: float) -> bytes:
        invoke, choice = apdu[2], apdu[3]
        try:
            data = self._acts[choice](encoding.parse_tags(apdu[_HEAD_BYTES:]), client, now_s)
        except Refusal as refusal:
            return bytes([encoding.ERROR << 4, invoke, choice]) + _encode_refusal(refusal)
        except RequestRejected as rejected:
            return bytes([encoding.REJECT << 4, invoke, rejected.reason])
        except (ValueError, IndexError):
            return bytes([encoding.REJECT << 4, invoke, encoding.REJECT_INVALID_TAG])
        return self._fitting(apdu, data)

    def _fitting(self, apdu: bytes, data: bytes) -> bytes:
        invoke, choice = apdu[2], apdu[3]
        if not data:
            return bytes([encoding.SIMPLE_ACK << 4, invoke, choice])
        whole = bytes([encoding.COMPLEX_ACK << 4, invoke, choice]) + data
        theirs = encoding.APDU_MAX.get(apdu[1] & 0x0F, min(encoding.APDU_MAX.values()))
        if len(whole) > min(self.habits.apdu_max, theirs):
            return bytes([encoding.ABORT << 4 | 1, invoke, encoding.ABORT_SEGMENTATION_NOT_SUPPORTED])
        return whole

    # -- services ----------------------------------------------------------------------------

    def _read(self, given: Sequence[Tag], _client: object, _now_s: float) -> bytes:
        key, number, index = self._asked(given[0]), _get_parameter(given, 1).unsigned, _parse_index(given, 2)
        value = self._thing(key).read(number, index)
        head = encoding.encode_tagged(0, encoding.pack_identifier(*key), context=True) + _encode_reference(
            number, index, 1
        )
        return head + encoding.encode_wrapped(3, value)

    def _read_multiple(self, given: Sequence[Tag], _client: object, _now_s: float) -> bytes:
        parts = []
        at = 0
        while at < len(given):
            key = self._asked(given[at])
            end = encoding.find_closing(given, at + 1)
            wanted = self._expand_properties(key, _parse_references(given[at + 2 : end]))
            results = encoding.join_values(self._result(key, number, index) for number, index in wanted)
            parts.append(
                encoding.encode_tagged(0, encoding.pack_identifier(*key), context=True)
                + encoding.encode_wrapped(_LIST_OF_SPECIFICATION, results)
            )
            at = end + 1
        if not parts:
            raise RequestRejected(encoding.REJECT_MISSING_PARAMETER)
        return encoding.join_values(parts)

    def _result(self, key: tuple[int, int], number: int, index: int | None) -> bytes:
        head = _encode_reference(number, index, 2)
        try:
            return head + encoding.encode_wrapped(4, self._thing(key).read(number, index))
        except Refusal as refusal:
            return head + encoding.encode_wrapped(5, _encode_refusal(refusal))

    def _expand_properties(
        self, key: tuple[int, int], wanted: Sequence[tuple[int, int | None]]
    ) -> list[tuple[int, int | None]]:
        """ALL, REQUIRED and OPTIONAL stand for properties (15.7.3.2)."""
        groups = {P["all"], P["required"], P["optional"]}
        found: list[tuple[int, int | None]] = []
        for number, index in wanted:
            if number in groups and key in self.things:
                found += [(one, None) for one in self.things[key].properties()]
            else:
                found.append((number, index))
        return found

    def _write(self, given: Sequence[Tag], _client: object, now_s: float) -> bytes:
        key, number = self._asked(given[0]), _get_parameter(given, 1).unsigned
        at = 3 if given[2].context and given[2].number == 2 and not given[2].opens else 2
        index = given[2].unsigned if at == 3 else None
        end = encoding.find_closing(given, at)
        rest = given[end + 1 :]
        priority = rest[0].unsigned if rest else None
        if priority is not None and not 1 <= priority <= 16:
            raise Refusal(encoding.PROPERTY_CLASS, encoding.VALUE_OUT_OF_RANGE)
        self._thing(key).write(number, index, given[at + 1 : end], priority, now_s)
        self.writes_count += 1
        return b""

    def _subscribe(self, given: Sequence[Tag], client: object, now_s: float) -> bytes:
        whose = (client, _get_parameter(given, 0).unsigned)
        key = _get_parameter(given, 1).key
        thing = self._thing(key)
        if len(given) == 2:
            self.subscriptions.drop(whose, key)
            return b""
        confirmed = _get_parameter(given, 2).unsigned > 0
        lasts_s = _get_parameter(given, 3).unsigned if len(given) > 3 else 0
        ends_s = now_s + lasts_s if lasts_s else math.inf
        if not self.subscriptions.put(whose, thing.key, is_confirmed=confirmed, ends_s=ends_s):
            raise Refusal(encoding.SERVICES_CLASS, encoding.COV_SUBSCRIPTION_FAILED)
        return b""

    # -- inside ------------------------------------------------------------------------------

    def _asked(self, tag: Tag) -> tuple[int, int]:
        """Return the object of a property; the wild card names the device itself (12.11.1)."""
        if not tag.context or tag.number != 0 or tag.opens:
            raise RequestRejected(encoding.REJECT_INVALID_TAG)
        key = tag.key
        return self._device if key == (OBJECT_TYPES["device"], encoding.WILDCARD_INSTANCE) else key

    def _thing(self, key: tuple[int, int]) -> BacnetObject:
        if key not in self.things:
            raise Refusal(encoding.OBJECT_CLASS, encoding.UNKNOWN_OBJECT)
        return self.things[key]


def _encode_refusal(refusal: Refusal) -> bytes:
    return encoding.encode_enumerated(refusal.error_class) + encoding.encode_enumerated(refusal.code)


def _get_parameter(given: Sequence[Tag], number: int) -> Tag:
    """Return the context parameter ``number``, which is at that place."""
    if len(given) <= number:
        raise RequestRejected(encoding.REJECT_MISSING_PARAMETER)
    tag = given[number]
    if not tag.context or tag.number != number:
        raise RequestRejected(encoding.REJECT_INVALID_TAG)
    return tag


def _parse_index(given: Sequence[Tag], place: int) -> int | None:
    return _get_parameter(given, place).unsigned if len(given) > place else None


def _encode_reference(number: int, index: int | None, first: int) -> bytes:
    """A property's number, and the place in its array if one was asked for."""
    head = encoding.encode_tagged(first, encoding.encode_whole(number), context=True)
    return (
        head
        if index is None
        else head + encoding.encode_tagged(first + 1, encoding.encode_whole(index), context=True)
    )


def _parse_references(given: Sequence[Tag]) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    for tag in given:
        if tag.number == 0:
            found.append((tag.unsigned, None))
        elif tag.number == 1 and found:
            found[-1] = (found[-1][0], tag.unsigned)
        else:
            raise RequestRejected(encoding.REJECT_INVALID_TAG)
    return found
