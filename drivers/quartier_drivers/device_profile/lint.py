"""Finds what to review in a profile that loads: ranges, overlaps, sources, fallbacks.  Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from quartier_drivers import quantities
from quartier_drivers.device_profile.loading import Profile, RegisterProfile, parse_profile
from quartier_drivers.device_profile.schema import Limits, Point, Source
from quartier_drivers.device_profile.toml_files import TomlPlaces
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.errors import Fault
from quartier_drivers.points import parse_quantity
from quartier_drivers.registry import METER_PROTOCOLS

Finding = tuple[KeyPath, str]
"""The place in the file, and what to review there with the remedy."""

_SOURCE_LENGTH_MIN = 20
_SUGGESTIONS_MAX = 20  # each takes about a millisecond, and a profile may have thousands of points
_NO_FALLBACK_TEXT = (
    "has no fallback: name what the device does when nobody writes ([….write.fallback]), or say in "
    "limits.no_fallback why there is none"
)
_POWER_QUANTITIES = ("power_w", "power_l1_w", "power_l2_w", "power_l3_w")
# OBIS C of the sum and the phases: absolute active power, and active power that is imported.
_ABSOLUTE_POWER = re.compile(r"(?:^|:)(?:15|35|55|75)\.7\b")
_IMPORT_POWER = re.compile(r"(?:^|:)(?:1|21|41|61)\.7\.0\b")
_NO_DIRECTION = (
    "which has no direction; expected 1-0:16.7.0, which SML's decoder makes of it where the meter states one"
)
_PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*")
_WIDE_TYPES = ("int32", "uint32", "int64", "uint64", "float32", "float64", "bcd32")
_RANGED_UNITS = ("w", "v", "a", "hz", "pct", "c")
# The least that a register must be able to express, by the unit of its name.
_REACH_LIMITS = {"w": 1000.0, "v": 100.0, "a": 6.0, "hz": 50.0, "wh": 1_000_000.0}
# A value that the range of the quantity must contain wherever Quartier measures it.
_USUAL_VALUES = {"frequency_hz": 50.0, "voltage_v": 230.0, "voltage_l1_v": 230.0, "soc_pct": 50.0}


def find_findings(text: str, name: str, file: str) -> list[Fault]:
    """Return what to review in the text of a profile, ordered by line; ``file`` names the file in the faults.

    Raises ConfigError with all faults if the profile cannot be loaded.
    """
    profile = parse_profile(text, name, file)
    places = TomlPlaces(file, text)
    found = [places.fault(path, what) for path, what in find_profile_findings(profile)]
    return sorted(found, key=lambda fault: fault.line or 0)


def find_profile_findings(profile: Profile) -> list[Finding]:
    """Return what to review in a loaded profile."""
    return list(_find_all(profile))


def _find_all(profile: Profile) -> Iterator[Finding]:
    yield from _check_head(profile)
    yield from _check_quantities(profile)
    yield from _check_fallbacks(profile)
    if profile.protocol == "opcua":
        yield from _check_nodes(profile)
    if profile.protocol == "bacnet":
        for path, quantity, point in _list_points(profile):
            yield from _check_unit_declared(path, quantity, point)
    if profile.protocol in METER_PROTOCOLS:
        for path, quantity, point in _list_points(profile):
            yield from _check_direction(path, quantity, point)
    if isinstance(profile, RegisterProfile):
        yield from _check_blocks(profile)
        for path, quantity, point in _list_points(profile):
            yield from _check_sign(path, quantity, point)
            yield from _check_range(path, quantity, point)
            yield from _check_reach(path, quantity, point)
        yield from _check_overlaps(profile)


def _check_head(profile: Profile) -> Iterator[Finding]:
    if len(profile.head.source) < _SOURCE_LENGTH_MIN:
        yield ("profile", "source"), "is no source; name the manual, its revision and the table or page"
    if not _PROFILE_NAME.fullmatch(profile.name):
        yield (
            ("profile", "model"),
            f"is in {profile.name}.toml; write folder and file in lower case: <maker>/<model>.toml",
        )


def _check_quantities(profile: Profile) -> Iterator[Finding]:
    """Find quantities that the vocabulary does not have; the first ones with a suggestion."""
    unknown = (row for row in _list_points(profile) if not quantities.is_known(row[1]))
    for count, (path, quantity, _) in enumerate(unknown):
        near = quantities.suggest(quantity) if count < _SUGGESTIONS_MAX else None
        meant = f"did you mean {near!r}? " if near else ""
        own = f"begin a name of your own with '{quantities.PRIVATE_PREFIX}'"
        yield path, f"is no known quantity; {meant}'quartier profiles quantities' lists all; {own}"


def _check_fallbacks(profile: Profile) -> Iterator[Finding]:
    limits: Limits | None = getattr(profile, "limits", None)
    if limits is None or limits.no_fallback is not None:
        return
    for path, _, point in _list_points(profile):
        if point.writable and point.fallback is None:
            yield (*path, "write"), _NO_FALLBACK_TEXT


def _check_unit_declared(path: KeyPath, quantity: str, point: Any) -> Iterator[Finding]:
    """Find BACnet objects without a declared unit, which anybody may change at the device."""
    if parse_quantity(quantity).unit and point.units is None:
        yield path, "declares no units: whatever the device says is believed; name the one of the object list"


def _check_direction(path: KeyPath, quantity: str, one: Any) -> Iterator[Finding]:
    """Find power of the connection that comes from a group without a direction."""
    if quantity not in _POWER_QUANTITIES:
        return
    for label in (label for labels in one.group for label in labels):
        if _ABSOLUTE_POWER.search(label):
            yield (*path, "group"), f"{label} is absolute power, {_NO_DIRECTION}"
        elif _IMPORT_POWER.search(label) and not one.minus:
            what = f'is missing: {label} is import alone; name the export, or "" where it has a sign'
            yield (*path, "minus"), what


def _check_sign(path: KeyPath, quantity: str, point: Point) -> Iterator[Finding]:
    """Find power that may be negative in an unsigned register."""
    is_unsigned = point.type_name.startswith(("uint", "bcd")) and point.sign > 0 and point.offset >= 0
    if quantity in _POWER_QUANTITIES and is_unsigned and point.low is not None and point.low < 0:
        yield (
            (*path, "type"),
            f"{point.type_name} has no sign, but low is {point.low:g}: export would read as import",
        )


def _check_blocks(profile: RegisterProfile) -> Iterator[Finding]:
    most = profile.limits.block_max
    gap = profile.limits.gap_max
    if gap >= most:
        yield ("limits", "gap_max"), f"{gap} is no less than limits.block_max = {most}, which it is part of"
    places: dict[KeyPath, Source | None] = {("identity", key): at for key, at in profile.identity.items()}
    places |= {("recognise", key): mark.source for key, mark in profile.marks.items()}
    for path, source in places.items():
        if source is not None and source.width > most:
            yield path, f"takes {source.width} registers, but limits.block_max is {most}; shorten its length"


def _check_nodes(profile: Profile) -> Iterator[Finding]:
    """Find nodes of an OPC UA server that two points read alike, and measurements without a range."""
    seen: dict[object, str] = {}
    for path, quantity, point in _list_points(profile):
        place = (point.node, point.index, point.bit, point.scale, point.sign)
        if place in seen:
            yield (*path, "node"), f"{point.node} is read by {seen[place]} too; look at the node"
        seen.setdefault(place, ".".join(map(str, path)))
        missing = [key for key in ("low", "high") if getattr(point, key) is None]
        if point.write is None and parse_quantity(quantity).unit in _RANGED_UNITS and missing:
            yield path, f"has no {' and no '.join(missing)}: whatever the server says would be believed"


def _check_range(path: KeyPath, quantity: str, point: Point) -> Iterator[Finding]:
    low, high = point.low, point.high
    if (
        point.write is None
        and parse_quantity(quantity).unit in _RANGED_UNITS
        and point.type_name in _WIDE_TYPES
    ):
        missing = [key for key, limit in (("low", low), ("high", high)) if limit is None]
        if missing:
            yield path, f"has no {' and no '.join(missing)}: a garbled {point.type_name} would be believed"
    usual = _USUAL_VALUES.get(quantity)
    if usual is not None and low is not None and high is not None and not low <= usual <= high:
        yield (
            (*path, "low"),
            f"{low:g}..{high:g} leaves out {usual:g}, an everyday {quantity}; look at the scale",
        )


def _check_reach(path: KeyPath, quantity: str, point: Point) -> Iterator[Finding]:
    least = _REACH_LIMITS.get(parse_quantity(quantity).unit)
    if least is None or point.type_name.startswith("float") or point.scale_address is not None:
        return
    most = max(abs(raw) for raw in point.raw_range) * abs(point.scale) * point.sum_of
    if most < least:
        yield (
            (*path, "scale"),
            f"{point.type_name} times {point.scale:g} never tells more than {most:g}; look at scale and unit",
        )


def _check_overlaps(profile: RegisterProfile) -> Iterator[Finding]:
    """Find points that share some but not all registers with an earlier one; bits and sums may do so."""
    spans: dict[object, dict[tuple[int, int], tuple[int, str, Source]]] = {}
    for number, (_, quantity, one) in enumerate(_list_points(profile)):
        if not one.field and one.sum_of <= 1:
            span = one.address.number, one.address.number + one.width
            spans.setdefault((one.address.table, one.unit), {}).setdefault(span, (number, quantity, one))
    first = {place: _find_first_overlaps(known) for place, known in spans.items()}
    for number, (path, _, other) in enumerate(_list_points(profile)):
        if other.field or other.sum_of > 1:
            continue
        span = other.address.number, other.address.number + other.width
        found = first[other.address.table, other.unit].get(span)
        if found is not None and found[0] < number:
            _, earlier, one = found
            words, before = f"{other.address} of {other.width} registers", f"{one.address} of {one.width}"
            yield (*path, "register"), f"{words} cuts into {earlier} ({before}); look at address and type"


def _find_first_overlaps(
    known: Mapping[tuple[int, int], tuple[int, str, Source]],
) -> dict[tuple[int, int], tuple[int, str, Source]]:
    """Return for each span of registers the first point in another span that overlaps it, in one pass."""
    found: dict[tuple[int, int], tuple[int, str, Source]] = {}
    open_: list[tuple[int, int]] = []
    for span in sorted(known):
        open_ = [one for one in open_ if one[1] > span[0]]
        for one in open_:
            for here, there in ((span, one), (one, span)):
                if here not in found or known[there][0] < found[here][0]:
                    found[here] = known[there]
        open_.append(span)
    return found


def _list_points(profile: Profile) -> list[tuple[KeyPath, str, Any]]:
    """Return each point with its place in the file."""
    return [
        ((*(("parts", part) if part else ("points",)), quantity), quantity, point)
        for part, points in profile.parts.items()
        for quantity, point in points.items()
    ]
