"""Serve confirmed requests: with an answer, an error, a reject or an abort (135-2020, clauses 13 to 20).

No answer is segmented: one that does not fit is aborted, as small devices do.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from quartier_hil.devices.bacnet import tags, words
from quartier_hil.devices.bacnet.subscriptions import Subscriptions
from quartier_hil.devices.bacnet.tags import Tag
from quartier_hil.devices.bacnet.thing import P, Refusal, Thing
from quartier_hil.devices.bacnet.words import OBJECTS

_SEGMENTED, _HEAD_BYTES = 8, 4
_LIST_OF_SPECIFICATION = 1


@dataclass(frozen=True, slots=True)
class Habits:
    """Capabilities of a device: largest APDU, several properties per request, and change of value (COV)."""

    apdu_max: int = 1476
    reads_multiple: bool = True
    tells_changes: bool = True
    subscriptions_max: int = 200


class Rejected(Exception):  # noqa: N818 - an answer, not an error of the rig
    """The request makes no sense to it (20.1.9)."""

    def __init__(self, reason: int) -> None:
        super().__init__(f"reject {reason}")
        self.reason = reason


class Service:
    """Answers to requests for ``things``; ``client`` identifies the requester, for its subscriptions."""

    def __init__(self, things: Mapping[tuple[int, int], Thing], device: int, habits: Habits) -> None:
        self.things = things
        self.habits = habits
        self.subscriptions = Subscriptions(habits.subscriptions_max)
        self.writes_count = 0
        self._device = (OBJECTS["device"], device)
        self._acts: dict[int, Callable[[Sequence[Tag], object, float], bytes]] = {
            words.READ: self._read,
            words.WRITE: self._write,
        }
        if habits.reads_multiple:
            self._acts[words.READ_MULTIPLE] = self._read_multiple
        if habits.tells_changes:
            self._acts[words.SUBSCRIBE_COV] = self._subscribe

    def answer(self, apdu: bytes, client: object, now_s: float) -> bytes | None:
        """The answer to one confirmed request; None for what is no request."""
        if len(apdu) < _HEAD_BYTES or apdu[0] >> 4 != words.CONFIRMED:
            return None
        invoke, choice = apdu[2], apdu[3]
        if apdu[0] & _SEGMENTED:
            return bytes([words.ABORT << 4 | 1, invoke, words.ABORT_SEGMENTATION_NOT_SUPPORTED])
        if len(apdu) > self.habits.apdu_max:
            return bytes([words.ABORT << 4 | 1, invoke, words.ABORT_BUFFER_OVERFLOW])
        if choice not in self._acts:
            return bytes([words.REJECT << 4, invoke, words.REJECT_UNRECOGNIZED_SERVICE])
        return self._done(apdu, client, now_s)

    def _done(self, apdu: bytes, client: object, now_s: float) -> bytes:
        invoke, choice = apdu[2], apdu[3]
        try:
            data = self._acts[choice](tags.read(apdu[_HEAD_BYTES:]), client, now_s)
        except Refusal as refusal:
            return bytes([words.ERROR << 4, invoke, choice]) + _told(refusal)
        except Rejected as rejected:
            return bytes([words.REJECT << 4, invoke, rejected.reason])
        except (ValueError, IndexError):
            return bytes([words.REJECT << 4, invoke, words.REJECT_INVALID_TAG])
        return self._fitting(apdu, data)

    def _fitting(self, apdu: bytes, data: bytes) -> bytes:
        invoke, choice = apdu[2], apdu[3]
        if not data:
            return bytes([words.SIMPLE_ACK << 4, invoke, choice])
        whole = bytes([words.COMPLEX_ACK << 4, invoke, choice]) + data
        theirs = words.APDU_MAX.get(apdu[1] & 0x0F, min(words.APDU_MAX.values()))
        if len(whole) > min(self.habits.apdu_max, theirs):
            return bytes([words.ABORT << 4 | 1, invoke, words.ABORT_SEGMENTATION_NOT_SUPPORTED])
        return whole

    # -- services ----------------------------------------------------------------------------

    def _read(self, given: Sequence[Tag], _client: object, _now_s: float) -> bytes:
        key, number, index = self._asked(given[0]), _context(given, 1).unsigned, _index(given, 2)
        value = self._thing(key).read(number, index)
        head = tags.tagged(0, tags.packed(*key), context=True) + _at(number, index, 1)
        return head + tags.wrapped(3, value)

    def _read_multiple(self, given: Sequence[Tag], _client: object, _now_s: float) -> bytes:
        parts = []
        at = 0
        while at < len(given):
            key = self._asked(given[at])
            end = tags.within(given, at + 1)
            wanted = self._expanded(key, _references(given[at + 2 : end]))
            results = tags.joined(self._result(key, number, index) for number, index in wanted)
            parts.append(
                tags.tagged(0, tags.packed(*key), context=True)
                + tags.wrapped(_LIST_OF_SPECIFICATION, results)
            )
            at = end + 1
        if not parts:
            raise Rejected(words.REJECT_MISSING_PARAMETER)
        return tags.joined(parts)

    def _result(self, key: tuple[int, int], number: int, index: int | None) -> bytes:
        head = _at(number, index, 2)
        try:
            return head + tags.wrapped(4, self._thing(key).read(number, index))
        except Refusal as refusal:
            return head + tags.wrapped(5, _told(refusal))

    def _expanded(
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
        key, number = self._asked(given[0]), _context(given, 1).unsigned
        at = 3 if given[2].context and given[2].number == 2 and not given[2].opens else 2
        index = given[2].unsigned if at == 3 else None
        end = tags.within(given, at)
        rest = given[end + 1 :]
        priority = rest[0].unsigned if rest else None
        if priority is not None and not 1 <= priority <= 16:
            raise Refusal(words.PROPERTY_CLASS, words.VALUE_OUT_OF_RANGE)
        self._thing(key).write(number, index, given[at + 1 : end], priority, now_s)
        self.writes_count += 1
        return b""

    def _subscribe(self, given: Sequence[Tag], client: object, now_s: float) -> bytes:
        whose = (client, _context(given, 0).unsigned)
        key = _context(given, 1).key
        thing = self._thing(key)
        if len(given) == 2:
            self.subscriptions.drop(whose, key)
            return b""
        confirmed = _context(given, 2).unsigned > 0
        lasts_s = _context(given, 3).unsigned if len(given) > 3 else 0
        ends_s = now_s + lasts_s if lasts_s else math.inf
        if not self.subscriptions.put(whose, thing.key, is_confirmed=confirmed, ends_s=ends_s):
            raise Refusal(words.SERVICES_CLASS, words.COV_SUBSCRIPTION_FAILED)
        return b""

    # -- inside ------------------------------------------------------------------------------

    def _asked(self, tag: Tag) -> tuple[int, int]:
        """Return the object of a property; the wild card names the device itself (12.11.1)."""
        if not tag.context or tag.number != 0 or tag.opens:
            raise Rejected(words.REJECT_INVALID_TAG)
        key = tag.key
        return self._device if key == (OBJECTS["device"], words.WILDCARD_INSTANCE) else key

    def _thing(self, key: tuple[int, int]) -> Thing:
        if key not in self.things:
            raise Refusal(words.OBJECT_CLASS, words.UNKNOWN_OBJECT)
        return self.things[key]


def _told(refusal: Refusal) -> bytes:
    return tags.enumerated(refusal.error_class) + tags.enumerated(refusal.code)


def _context(given: Sequence[Tag], number: int) -> Tag:
    """Return the context parameter ``number``, which is at that place."""
    if len(given) <= number:
        raise Rejected(words.REJECT_MISSING_PARAMETER)
    tag = given[number]
    if not tag.context or tag.number != number:
        raise Rejected(words.REJECT_INVALID_TAG)
    return tag


def _index(given: Sequence[Tag], place: int) -> int | None:
    return _context(given, place).unsigned if len(given) > place else None


def _at(number: int, index: int | None, first: int) -> bytes:
    """A property's number, and the place in its array if one was asked for."""
    head = tags.tagged(first, tags.whole(number), context=True)
    return head if index is None else head + tags.tagged(first + 1, tags.whole(index), context=True)


def _references(given: Sequence[Tag]) -> list[tuple[int, int | None]]:
    found: list[tuple[int, int | None]] = []
    for tag in given:
        if tag.number == 0:
            found.append((tag.unsigned, None))
        elif tag.number == 1 and found:
            found[-1] = (found[-1][0], tag.unsigned)
        else:
            raise Rejected(words.REJECT_INVALID_TAG)
    return found
