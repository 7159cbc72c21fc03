"""Finds what to review in a profile of registers: signs, ranges, scales, blocks, overlaps.  Pure."""

from collections.abc import Iterator, Mapping

from quartier_drivers.device_profile.profile_check import Finding, Profile
from quartier_drivers.device_profile.register_profile import RegisterProfile, require_register_profile
from quartier_drivers.device_profile.schema import Point, Source
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.points import POWER_QUANTITIES, RANGED_UNITS, parse_quantity

_WIDE_TYPES = ("int32", "uint32", "int64", "uint64", "float32", "float64", "bcd32")
# The least that a register must be able to express, by the unit of its name.
_REACH_LIMITS = {"w": 1000.0, "v": 100.0, "a": 6.0, "hz": 50.0, "wh": 1_000_000.0}
# A value that the range of the quantity must contain wherever Quartier measures it.
_USUAL_VALUES = {"frequency_hz": 50.0, "voltage_v": 230.0, "voltage_l1_v": 230.0, "soc_pct": 50.0}


def find_findings(profile: Profile) -> Iterator[Finding]:
    """Yield what to review.  Raises ConfigError if the profile has no registers."""
    known = require_register_profile(profile)
    yield from _check_blocks(known)
    for path, quantity, point in known.list_points():
        yield from _check_sign(path, quantity, point)
        yield from _check_range(path, quantity, point)
        yield from _check_reach(path, quantity, point)
    yield from _check_overlaps(known)


def _check_sign(path: KeyPath, quantity: str, point: Point) -> Iterator[Finding]:
    """Find power that may be negative in an unsigned register."""
    is_unsigned = point.type_name.startswith(("uint", "bcd")) and point.sign > 0 and point.offset >= 0
    if quantity in POWER_QUANTITIES and is_unsigned and point.low is not None and point.low < 0:
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


def _check_range(path: KeyPath, quantity: str, point: Point) -> Iterator[Finding]:
    low, high = point.low, point.high
    if (
        point.write is None
        and parse_quantity(quantity).unit in RANGED_UNITS
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
    for number, (_, quantity, one) in enumerate(profile.list_points()):
        if not one.field and one.sum_of <= 1:
            span = one.address.number, one.address.number + one.width
            spans.setdefault((one.address.table, one.unit), {}).setdefault(span, (number, quantity, one))
    first = {place: _find_first_overlaps(known) for place, known in spans.items()}
    for number, (path, _, other) in enumerate(profile.list_points()):
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
