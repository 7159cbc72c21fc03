"""Finds contradictions in a profile whose keys are each well-formed.  Pure."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from quartier_drivers.device_profile.fallback_rules import fits_type, make_fallback_rules
from quartier_drivers.device_profile.schema import (
    DIRECTED_TYPE,
    WIDTHS,
    Mark,
    Point,
    PointWrite,
    Quantity,
    Source,
)
from quartier_drivers.device_profile.toml_files import suggest_key
from quartier_drivers.points import parse_quantity

if TYPE_CHECKING:
    from quartier_drivers.device_profile.register_address import Address

ProfileFault = tuple[str, str]
"""A key below the point, and what is wrong with it."""


def check_quantity(quantity: str, point: Quantity, scan: Mapping[str, float]) -> list[ProfileFault]:
    """Return the flaws in the keys that all points have, whatever the protocol."""
    flaws = check_quantity_name(quantity)
    if point.scan not in scan:
        flaws.append(("scan", f"{point.scan!r} is no scan class; {suggest_key(point.scan, list(scan))}"))
    if point.low is not None and point.high is not None and point.low > point.high:
        flaws.append(("low", f"{point.low} is above high = {point.high}"))
    return flaws


def check_point(quantity: str, point: Point, scan: Mapping[str, float]) -> list[ProfileFault]:
    """Return the flaws of a register point whose keys are each well-formed."""
    flaws = [] if check_quantity_name(quantity) else _check_kind(quantity, point)
    flaws += check_source(point)
    flaws += check_quantity(quantity, point, scan)
    if point.write is not None:
        flaws += [(f"write.{key}".rstrip("."), what) for key, what in _check_write(point, point.write)]
        flaws += [
            (f"write.fallback.{key}", what)
            for wrong, key, what in make_fallback_rules(quantity, point.write)
            if wrong
        ]
    return flaws


def check_quantity_name(quantity: str) -> list[ProfileFault]:
    """Return the flaw in the name of a quantity; empty if it is valid."""
    try:
        parse_quantity(quantity)
    except ValueError as error:
        return [("", str(error))]
    return []


def _check_kind(quantity: str, point: Point) -> list[ProfileFault]:
    kind = parse_quantity(quantity).kind
    text = point.type_name == "string"
    if text != (kind == "text") and not (kind == "text" and point.values):
        return [("type", f"{point.type_name!r} does not fit {quantity}, a {kind}")]
    return []


def check_source(source: Source) -> list[ProfileFault]:
    """Return the contradictions in the description of one place on the wire."""
    return [(key, what) for wrong, key, what in _make_source_rules(source) if wrong]


def check_mark(mark: Mark) -> list[ProfileFault]:
    """Return the contradictions in a mark that identifies a device."""
    text = mark.type_name == "string" or mark.device_id is not None
    ways = (bool(mark.equals), mark.like is not None, mark.low is not None or mark.high is not None)
    flaws = [
        (key, what)
        for wrong, key, what in (
            (
                (mark.address is None) == (mark.device_id is None),
                "",
                "expected register or device_id, one of them",
            ),
            (sum(ways) != 1, "", "expected one of equals, like, or low and high"),
            (text and mark.like is None, "like", "is missing: what the text looks like"),
            (mark.like is not None and not text, "like", 'fits text only; expected type = "string"'),
            (
                (mark.low is None) != (mark.high is None),
                "high" if mark.high is None else "low",
                "is missing: low and high stand together",
            ),
            (mark.low is not None and mark.high is not None and mark.low > mark.high, "low", "is above high"),
        )
        if wrong
    ]
    source = mark.source
    return flaws + (check_source(source) if source is not None else [])


def _make_source_rules(source: Source) -> list[tuple[bool, str, str]]:
    whole = source.type_name in WIDTHS and not source.type_name.startswith(("float", "bcd"))
    is_bit = source.address.table in ("coil", "discrete")
    is_directed = source.type_name == DIRECTED_TYPE
    width_bits = 16 * source.each
    one_bit = source.field is not None or source.type_name in ("bool", "string")
    return [
        (
            is_bit and source.type_name not in ("bool", "uint16"),
            "type",
            f"{source.type_name!r} does not fit a {source.address.table}, expected 'bool'",
        ),
        (is_bit and source.field is not None, "bit", "does not fit a coil or discrete input: it is one bit"),
        (
            source.bit is not None and source.bits is not None,
            "bits",
            "cannot be combined with bit; expected one of them",
        ),
        (
            source.field is not None and not whole and not is_directed,
            "bit",
            f"does not fit type {source.type_name!r}",
        ),
        (
            source.field is not None and source.field[1] >= width_bits,
            "bit" if source.bits is None else "bits",
            f"goes beyond the {width_bits} bits of {source.type_name}",
        ),
        (
            source.type_name == "string" and source.length is None,
            "length",
            "is missing: registers of the string",
        ),
        (
            source.type_name != "string" and not is_directed and source.length is not None,
            "length",
            "fits strings and directed16 only",
        ),
        (
            is_directed and (source.length or 1) < 2,
            "length",
            "is missing: registers from the status word to the number, 2 or more",
        ),
        (
            is_directed and (source.bits is None or source.bits[0] == source.bits[1] or source.bits[1] > 15),
            "bits",
            "expected the bits of the status word that mean plus and minus, such as [1, 2]",
        ),
        (source.values is not None and not whole, "values", f"does not fit type {source.type_name!r}"),
        (
            any(not 0 <= code < 1 << width_bits for code in source.absent)
            or (bool(source.absent) and is_bit),
            "absent",
            f"expected raw codes of 0..{(1 << width_bits) - 1}",
        ),
        (
            source.scale_address is not None and source.scale_address.table in ("coil", "discrete"),
            "scale_register",
            "expected an input or holding register",
        ),
        (source.scale_address is not None and one_bit, "scale_register", "does not fit a bit or a string"),
        (
            source.sum_of > 1 and (is_bit or one_bit or source.values is not None),
            "sum_of",
            "fits plain numbers only",
        ),
        (source.address.number + source.width > 0x10000, "register", "goes beyond register 65535"),
    ]


def _check_write(point: Point, write: PointWrite) -> list[ProfileFault]:
    return [
        (key, what)
        for wrong, key, what in (
            *_make_place_rules(point, write),
            *_make_function_rules(point, write),
            *_make_value_rules(point, write),
        )
        if wrong
    ]


def _make_function_rules(point: Point, write: PointWrite) -> list[tuple[bool, str, str]]:
    target = write.address or point.address
    width = point.model_copy(update={"type_name": write.type_name or point.type_name}).width
    function, is_bit = write.function, target.table == "coil"
    return [
        (
            function is not None and (function in (5, 15)) != is_bit,
            "function",
            f"{function} does not write {target}, expected {'5 or 15' if is_bit else '6, 16, 22 or 23'}",
        ),
        (
            function in (6, 22) and width > 1,
            "function",
            f"{function} writes one register, not {width}; expected 16 or 23",
        ),
        (
            write.writes_per_day is not None and not write.persistent,
            "writes_per_day",
            "fits persistent registers only; expected persistent = true as well",
        ),
    ]


def _make_place_rules(point: Point, write: PointWrite) -> list[tuple[bool, str, str]]:
    target = write.address or point.address
    timer = write.fallback.address if write.fallback else None
    writable: Callable[[Address | None], bool] = lambda at: at is None or at.table in ("coil", "holding")  # noqa: E731 - three uses, all below
    return [
        (
            not writable(target),
            "register",
            f"{target} cannot be written, expected a coil or holding register",
        ),
        (write.own is not None and not writable(write.own.address), "own.register", "cannot be written"),
        (not writable(timer), "fallback.register", "cannot be written"),
        (write.gate is not None and not writable(write.gate.address), "gate.register", "cannot be written"),
        (
            point.field is not None and write.address is None and write.function != 22,
            "function",
            "is missing: a bit field takes function = 22 (mask write), or its neighbours would be lost",
        ),
        (point.type_name in ("string", DIRECTED_TYPE), "", f"does not fit a {point.type_name}"),
        (
            write.own is not None and not fits_type(write.own.type_name, write.own.value),
            "own.value",
            "does not fit its register",
        ),
        (
            write.fallback is not None
            and write.fallback.after_s is not None
            and timer is not None
            and not fits_type(write.fallback.type_name, round(write.fallback.after_s / write.fallback.scale)),
            "fallback.after_s",
            "does not fit its register",
        ),
        (write.on_release == "own" and write.own is None, "own", 'is missing; on_release = "own" needs it'),
    ]


def _make_value_rules(point: Point, write: PointWrite) -> list[tuple[bool, str, str]]:
    is_bit = (write.address or point.address).table == "coil" or (
        write.type_name or point.type_name
    ) == "bool"
    low, high = (
        (write.low or 0.0, 1.0 if write.high is None else write.high) if is_bit else (write.low, write.high)
    )
    rules = [
        (low is None, "low", "is missing: the lowest value that may be written"),
        (high is None, "high", "is missing: the highest value that may be written"),
    ]
    if low is not None and high is not None:
        release = write.on_release
        rules += [
            *_make_fit_rules(point, write, low, "low"),
            *_make_fit_rules(point, write, high, "high"),
            (
                write.codes is not None and isinstance(release, float) and release not in write.codes,
                "on_release",
                "has no code",
            ),
            (low > high, "low", f"{low} is above high = {high}"),
            (
                isinstance(release, float) and low <= high and not low <= release <= high,
                "on_release",
                f"{release} is outside {low}..{high}",
            ),
        ]
    return rules


def _make_fit_rules(point: Point, write: PointWrite, value: float, key: str) -> list[tuple[bool, str, str]]:
    """Return the rule that the register can hold ``value``; floats and scale registers are exempt."""
    type_name = write.type_name or point.type_name
    if type_name.startswith("float") or point.scale_address is not None or type_name not in WIDTHS:
        return []
    target = point.model_copy(update={"type_name": type_name})
    if write.codes is not None:
        return _make_code_rules(target, write.codes, value, key)
    raw = (value - point.offset) / ((write.scale or point.scale) * point.sign) / point.sum_of
    lowest, highest = target.raw_range
    where: str = type_name
    if point.field is not None and write.function == 22:
        lowest, highest = 0, (1 << point.field[1] - point.field[0] + 1) - 1
        where = "its bit field"
    return [(not lowest - 0.5 <= raw <= highest + 0.5, key, f"{value} does not fit {where}")]


def _make_code_rules(
    target: Point, codes: Mapping[int, int], value: float, key: str
) -> list[tuple[bool, str, str]]:
    """Return the rules for coded writes: the limit has a code, and each code fits the register."""
    lowest, highest = target.raw_range
    odd = [code for code in codes.values() if not lowest <= code <= highest]
    return [
        (value not in codes, key, f"{value:g} has no code; expected one of {sorted(codes)}"),
        (bool(odd), "codes", f"{odd[:1]} does not fit {target.type_name}"),
    ]
