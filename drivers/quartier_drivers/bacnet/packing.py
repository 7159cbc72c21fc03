"""Which properties are asked for together: as many as both the request and its answer have room for.  Pure.

A device without segmentation answers with one APDU or not at all, so how long the answer may become is told
beforehand (ASHRAE 135-2020, clauses 15.7 and 20.2, sizes in octets).
"""

from collections.abc import Callable, Iterable, Sequence

from quartier_drivers.bacnet.requests import field
from quartier_native.bacnet import WHOLE_ARRAY, Ref

REQUEST_HEAD = 4
"""Confirmed-Request-PDU without segments (20.1.2)."""
ANSWER_HEAD = 3
"""ComplexACK-PDU without segments (20.1.5)."""
ERROR_SIZE = 5
"""A class and a code in the place of a value, which no property is safe from."""

_OBJECT = 5 + 2  # its identifier, the opening and the closing tag of its list
_TEXT, _UNKNOWN = 3 + 48, 3 + 32
_ANALOG = frozenset({0, 1, 2, 12})
_BINARY = frozenset({3, 4, 5, 21, 22, 28, 30, 54, 55})
_STATES = frozenset({13, 14, 19, 23, 24, 48, 45})
_WIDE = frozenset({46})
_PRESENT_VALUE = 85
# Property -> the octets of its value with tags; texts by what they mostly are.
_SIZES = {
    22: 5,  # cov-increment
    28: _TEXT,  # description
    36: 2,  # event-state
    45: 5,  # high-limit
    59: 5,  # low-limit
    62: 3,  # max-apdu-length-accepted
    65: 5,  # max-pres-value
    66: 5,  # minimum-off-time
    67: 5,  # minimum-on-time
    69: 5,  # min-pres-value
    70: _TEXT,  # model-name
    74: 3,  # number-of-states
    75: 5,  # object-identifier
    77: _TEXT,  # object-name
    79: 3,  # object-type
    81: 1,  # out-of-service
    84: 2,  # polarity
    87: 16 * 5,  # priority-array
    103: 3,  # reliability
    104: 5,  # relinquish-default
    106: 5,  # resolution
    107: 2,  # segmentation-supported
    111: 3,  # status-flags
    112: 2,  # system-status
    117: 3,  # units
    120: 3,  # vendor-identifier
    121: _TEXT,  # vendor-name
    431: 2,  # current-command-priority
}

Sized = Callable[[Ref], int]


def likely_size(ref: Ref) -> int:
    """Return how many octets a property's value most likely has, its tag with it; an error takes no more."""
    return max(ERROR_SIZE, _likely(ref))


def _likely(ref: Ref) -> int:
    if ref.property_id != _PRESENT_VALUE:
        return _SIZES.get(ref.property_id, _UNKNOWN) if ref.index == WHOLE_ARRAY else 5
    if ref.object_type in _ANALOG or ref.object_type in _STATES:
        return 5
    if ref.object_type in _BINARY:
        return 2
    return 10 if ref.object_type in _WIDE else _UNKNOWN


def asked_size(ref: Ref) -> int:
    """Octets of one property in a ReadPropertyMultiple-Request, without its object."""
    return len(field(0, ref.property_id)) + (0 if ref.index == WHOLE_ARRAY else len(field(1, ref.index)))


def told_size(ref: Ref, value_size: int) -> int:
    """Octets of one property in the answer, without its object: two tags around what stands for it."""
    return asked_size(ref) + 2 + value_size


def packed(
    refs: Iterable[Ref], *, request_max: int, answer_max: int, size_of: Sized = likely_size, refs_max: int = 0
) -> list[tuple[Ref, ...]]:
    """The refs in the fewest requests, those of one object together and otherwise in their order.

    ``request_max``: the longest APDU that the device takes, ``answer_max`` the longest that it sends (the
    lesser of what it and we take).  ``refs_max``: properties of one request at most, 0: any number.  What
    fits nowhere stands alone: ReadProperty has the least to carry.
    """
    packs: list[tuple[Ref, ...]] = []
    pack: list[Ref] = []
    asked = told = 0
    for ref in _by_object(refs):
        is_new = not pack or pack[-1][:2] != ref[:2]
        more_asked, more_told = asked_size(ref), told_size(ref, size_of(ref))
        if is_new:
            more_asked, more_told = more_asked + _OBJECT, more_told + _OBJECT
        is_full = asked + more_asked > request_max or told + more_told > answer_max
        if pack and (is_full or (refs_max and len(pack) >= refs_max)):
            packs.append(tuple(pack))
            pack = []
        if not pack:
            asked, told = REQUEST_HEAD, ANSWER_HEAD
            if not is_new:
                more_asked, more_told = more_asked + _OBJECT, more_told + _OBJECT
        pack.append(ref)
        asked, told = asked + more_asked, told + more_told
    return [*packs, tuple(pack)] if pack else packs


def halves(refs: Sequence[Ref]) -> list[tuple[Ref, ...]]:
    """Two requests in the place of one that was too large, one where nothing can be parted."""
    middle = (len(refs) + 1) // 2
    return [tuple(part) for part in (refs[:middle], refs[middle:]) if part]


def _by_object(refs: Iterable[Ref]) -> list[Ref]:
    """Each object where it was named first."""
    objects: dict[tuple[int, int], list[Ref]] = {}
    for ref in refs:
        objects.setdefault((ref.object_type, ref.instance), []).append(ref)
    return [ref for own in objects.values() for ref in own]
