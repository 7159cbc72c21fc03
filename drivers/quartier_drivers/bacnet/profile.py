"""Profiles of BACnet devices, and the check for contradictions in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from quartier_drivers.bacnet.schema import (
    LOAD_CONTROL,
    LOW_PRIORITY,
    PRESENT_VALUE,
    BacnetLimits,
    BacnetPoint,
    RecognitionMarks,
    Write,
)
from quartier_drivers.bacnet.standard_names import (
    BINARY_TYPES,
    OBJECT_TYPES,
    UNIT_NUMBERS,
    VALUE_RANGES,
    find_conversion,
    list_units,
    render_object_type,
)
from quartier_drivers.device_profile.fallback_rules import LIMIT_PREFIX
from quartier_drivers.device_profile.profile_check import Profile, ProfileCheck
from quartier_drivers.device_profile.rules import ProfileFault, check_quantity, check_quantity_name
from quartier_drivers.device_profile.schema import ProfileHead
from quartier_drivers.points import parse_quantity

_INPUT_TYPES = frozenset(
    OBJECT_TYPES[name] for name in ("analog-input", "binary-input", "multi-state-input", "accumulator")
)
BacnetRule = tuple[bool, str, str]


def check_bacnet_point(quantity: str, point: BacnetPoint, scan: Mapping[str, float]) -> list[ProfileFault]:
    """Return the faults of a point whose keys are each well-formed."""
    flaws = check_quantity(quantity, point, scan)
    if check_quantity_name(quantity):
        return flaws
    rules = [
        *_make_meaning_rules(quantity, point),
        *_make_value_rules(quantity, point),
        *_make_command_rules(quantity, point),
    ]
    return flaws + [(key, what) for wrong, key, what in rules if wrong]


def check_shared_objects(
    parts: Mapping[str, Mapping[str, BacnetPoint]],
) -> Iterator[tuple[tuple[str, str], str]]:
    """Return part, quantity and fault of each point that commands the same object as another one."""
    seen: dict[tuple[object, int, int | None], str] = {}
    for part, points in parts.items():
        for quantity, point in points.items():
            if point.write is None:
                continue
            place = (point.place, point.property_id, point.index)
            if place in seen:
                yield (part, quantity), f"commands {point.where} as {seen[place]} does; expected one of them"
            seen.setdefault(place, f"{part}.{quantity}".lstrip("."))


def _make_meaning_rules(quantity: str, point: BacnetPoint) -> list[BacnetRule]:
    said = parse_quantity(quantity)
    is_text = said.kind == "text"
    plain = (point.scale, point.offset, point.sign) == (1.0, 0.0, 1)
    units = point.units
    return [
        (units is not None and not said.unit, "units", f"does not fit {quantity}, which has none"),
        (
            units is not None
            and bool(said.unit)
            and units != "no-units"
            and find_conversion(UNIT_NUMBERS[units], said.unit) is None,
            "units",
            f"{units!r} does not fit {quantity}; expected one of {', '.join(list_units(said.unit))}",
        ),
        (
            units is None and bool(said.unit) and point.property_id != PRESENT_VALUE,
            "units",
            "is missing: the unit of the object is that of its present value",
        ),
        (not plain and said.kind in ("text", "bool"), "scale", f"does not fit {quantity}, a {said.kind}"),
        (point.bit is not None and said.kind != "bool", "bit", f"fits names in _on only, not {quantity}"),
        (point.values is not None and said.kind not in ("text", "int"), "values", f"does not fit {quantity}"),
        (is_text and bool(point.absent), "absent", "does not fit a text"),
        (
            point.cov is not None and (point.property_id != PRESENT_VALUE or point.index is not None),
            "cov",
            "follows present values only",
        ),
        (
            point.place.kind in BINARY_TYPES and point.property_id == PRESENT_VALUE and said.kind == "float",
            "object",
            f"is on or off; expected a name in _on, not {quantity}",
        ),
    ]


def _make_value_rules(quantity: str, point: BacnetPoint) -> Iterator[BacnetRule]:
    """Yield the values that no object of this type can hold."""
    least, most = VALUE_RANGES.get(point.place.kind, (-inf, inf))
    if point.property_id != PRESENT_VALUE or (least, most) == (-inf, inf):
        return
    span = f"at least {least:g}" if most == inf else f"{least:g}..{most:g}"
    what = f"a present value of {render_object_type(point.place.kind)} is {span}"
    for number in point.values or ():
        yield not least <= number <= most, "values", f"{number} names no state: {what}"
    for code in point.absent:
        yield not least <= code <= most, "absent", f"{code:g} never stands there: {what}"
    factor, offset = _find_scaling(quantity, point) or (0.0, 0.0)
    if not factor or point.bit is not None:
        return
    ends = sorted((least * factor + offset, most * factor + offset))
    yield point.low is not None and point.low > ends[1], "low", f"leaves nothing: {what}"
    yield point.high is not None and point.high < ends[0], "high", f"leaves nothing: {what}"
    for key, value in _list_written(point):
        yield not ends[0] <= value <= ends[1], key, f"{value:g} cannot stand there: {what}"


def _find_scaling(quantity: str, point: BacnetPoint) -> tuple[float, float] | None:
    """Return factor and offset from the device's value to our units; None if only the device has its unit."""
    unit, scale = parse_quantity(quantity).unit, point.scale * point.sign
    if not unit or point.units == "no-units":
        return scale, point.offset
    found = None if point.units is None else find_conversion(UNIT_NUMBERS[point.units], unit)
    return None if found is None else (scale * found.factor, scale * found.offset + point.offset)


def _list_written(point: BacnetPoint) -> Iterator[tuple[str, float]]:
    """Yield the values that may be written, in our units, with their keys; none for a shed."""
    write = point.write
    if write is None or write.shed is not None:
        return
    for key, value in (
        ("write.low", write.low),
        ("write.high", write.high),
        ("write.on_release", write.on_release),
    ):
        if isinstance(value, float):
            yield key, value
    if write.fallback is not None and isinstance(write.fallback.value, float):
        yield "write.fallback.value", write.fallback.value


def _make_command_rules(quantity: str, point: BacnetPoint) -> list[BacnetRule]:
    write = point.write
    if write is None:
        return []
    is_load = point.place.kind == LOAD_CONTROL
    rules = [
        (
            point.place.kind in _INPUT_TYPES,
            "write",
            f"{point.place} is an input; expected an output or a value",
        ),
        (parse_quantity(quantity).kind == "text", "write", "does not fit a text"),
        (
            write.priority <= LOW_PRIORITY and write.low_priority_reason is None,
            "write.priority",
            (
                f"{write.priority} is above the priority of the building's operators; expected 8..16, or "
                "low_priority_reason"
            ),
        ),
        (
            write.priority > LOW_PRIORITY and write.low_priority_reason is not None,
            "write.low_priority_reason",
            f"is set without a priority of 1..{LOW_PRIORITY}",
        ),
        (
            write.on_release == "own" and not point.has_priorities and write.shed is None,
            "write.on_release",
            f'"own" relinquishes a priority, and {point.where} has none; expected "cap", "hold" or a value',
        ),
        (is_load != (write.shed is not None), "write.shed", "and a load-control object belong together"),
        (
            write.shed is not None and quantity != "relay_on",
            "write.shed",
            "fits relay_on only: 0 sheds, 1 lets run",
        ),
        *_make_shed_rules(write),
    ]
    return [*rules, *_make_range_rules(quantity, write), *_make_watchdog_rules(quantity, write)]


def _make_shed_rules(write: Write) -> Iterator[BacnetRule]:
    shed = write.shed
    if shed is not None:
        ways = (shed.percent, shed.level, shed.amount)
        yield (
            sum(way is not None for way in ways) != 1,
            "write.shed",
            "expected one of percent, level and amount",
        )
        yield write.on_release != "own", "write.on_release", 'expected "own": the load runs again'
        yield (
            write.fallback is not None,
            "write.fallback",
            "cannot be combined with shed, which ends by itself",
        )


def _make_range_rules(quantity: str, write: Write) -> list[BacnetRule]:
    is_bool = parse_quantity(quantity).kind == "bool"
    low = 0.0 if is_bool and write.low is None else write.low
    high = 1.0 if is_bool and write.high is None else write.high
    release = write.on_release
    rules: list[BacnetRule] = [
        (low is None, "write.low", "is missing: the lowest value that may be written"),
        (high is None, "write.high", "is missing: the highest value that may be written"),
        (
            release == "cap" and LIMIT_PREFIX not in quantity,
            "write.on_release",
            f'"cap" does not fit {quantity}',
        ),
        (
            release == "own" and LIMIT_PREFIX in quantity,
            "write.on_release",
            '"own" would lift the cap; expected "cap" or "hold"',
        ),
    ]
    if low is not None and high is not None:
        rules += [
            (low > high, "write.low", f"{low:g} is above high = {high:g}"),
            (
                isinstance(release, float) and low <= high and not low <= release <= high,
                "write.on_release",
                f"{release} is outside {low:g}..{high:g}",
            ),
        ]
    return rules


def _make_watchdog_rules(quantity: str, write: Write) -> list[BacnetRule]:
    dog = write.fallback
    if dog is None:
        return []
    value = dog.value if isinstance(dog.value, float) else None
    lifts = LIMIT_PREFIX in quantity and (value is None or (write.high is not None and value >= write.high))
    slow = dog.refresh_s is not None and 2 * dog.refresh_s > dog.after_s
    return [
        (
            lifts,
            "write.fallback.value",
            f"{dog.value!r} lifts the cap after {dog.after_s:g} s; expected less",
        ),
        (
            quantity.endswith("_on") and value not in (None, 0.0, 1.0),
            "write.fallback.value",
            f"{dog.value} is neither on nor off; expected 0 or 1",
        ),
        (
            slow,
            "write.fallback.refresh_s",
            f"{dog.refresh_s} is too slow: one lost write would let it act; at most {dog.after_s / 2:g}",
        ),
    ]


@dataclass(frozen=True, slots=True)
class BacnetProfile(Profile):
    """The profile of a BACnet device; ``mark`` is what a scan recognises it by, None if there is nothing."""

    parts: Mapping[str, Mapping[str, BacnetPoint]]
    limits: BacnetLimits
    mark: RecognitionMarks | None

    @property
    def is_recognisable(self) -> bool:
        """Return whether it says how its device object is recognised."""
        return self.mark is not None

    def describe(self) -> Iterator[tuple[str, str]]:
        """Yield the limits of a request and of a message."""
        limits = self.limits
        yield "a read", f"at most {limits.properties_max} properties" if limits.multiple else "one property"
        if limits.apdu_max is not None:
            yield "a message", f"at most {limits.apdu_max} octets"
        if limits.no_fallback is not None:
            yield "no fallback", limits.no_fallback


class BacnetCheck(ProfileCheck):
    """The check of profiles that name objects."""

    sections = ("profile", "limits", "scan", "recognise", "points", "parts")

    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(BacnetLimits, ("limits",), data.get("limits", {}))
        mark = (
            self._model(RecognitionMarks, ("recognise",), data["recognise"]) if "recognise" in data else None
        )
        parts = self._quantities(data, scan, BacnetPoint, check_bacnet_point)
        self._one_or_parts(parts)
        for (part, quantity), what in check_shared_objects(parts):
            self._add((*(("parts", part) if part else ("points",)), quantity, "write"), what)
        if head is None or limits is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit bacnet, whose objects have instances")
        return BacnetProfile(name, head, scan, parts, limits, mark)
