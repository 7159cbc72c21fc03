"""Describe points before their device was read, and as the device has them.  Pure."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from quartier_drivers.contract import DeviceSpec, Fallback, PointInfo
from quartier_drivers.points import parse_quantity
from quartier_drivers.readings import Quality, Reading, Value
from quartier_drivers.sunspec.control.controlled_point import ControlledPoint
from quartier_drivers.sunspec.control.functions import Limit704
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.schema import SunspecPoint

_ZERO: Mapping[str, Value] = {"float": 0.0, "int": 0, "bool": False, "text": ""}


def list_wanted(spec: DeviceSpec, profile: SunspecProfile) -> Iterator[tuple[str, SunspecPoint]]:
    """Yield every quantity that is owned and wanted, by full name."""
    for part, owner in spec.owners.items():
        asked = spec.points.get(part)
        for quantity, taken in profile.parts.get(part, {}).items():
            if asked is None or quantity in asked:
                yield f"{owner}.{quantity}", taken


def make_first_info(point: str, taken: SunspecPoint, spec: DeviceSpec, profile: SunspecProfile) -> PointInfo:
    """Return what the profile states about a point."""
    rule = taken.write
    names = [str(name) for names in taken.source for name in names] if rule is None else list(rule.control)
    plain = PointInfo(
        point,
        cast("Any", parse_quantity(point.partition(".")[2]).kind),
        f"{spec.unit}/{'|'.join(names)}",
        profile.scan[taken.scan],
        taken.low,
        taken.high,
    )
    if rule is None:
        return plain
    fallback = taken.fallback
    if rule.caps and fallback is not None and not fallback.holds:
        cap = spec.caps.get(point)
        fallback = Fallback(None, math.inf) if cap is None else replace(fallback, value=cap)
    return replace(
        plain,
        writable=True,
        write_low=rule.low,
        write_high=rule.high,
        on_release=rule.on_release,
        fallback=fallback,
        settle_s=profile.limits.settle_s,
        shows_own=rule.on_release == "own",
    )


def make_known_info(info: PointInfo, steered: ControlledPoint, spec: DeviceSpec) -> PointInfo:
    """Return the point as the device has it: range, step, timer; unchanged if its ratings are invalid."""
    function, rule = steered.function, steered.function.rule
    try:
        (low, high), step = function.span(), function.step_w()
    except ValueError:
        return info
    fallback = info.fallback
    if function.is_cap and not (isinstance(function, Limit704) and function.reverts and function.after_s):
        fallback = Fallback(None, math.inf)
    elif fallback is not None and not fallback.holds:
        fallback = replace(fallback, register=str(function.name(function.timer)))
    return replace(
        info,
        address=f"{spec.unit}/{function.name(function.values[0])}",
        write_low=_find_bound(max(low, -math.inf if rule.low is None else rule.low)),
        write_high=_find_bound(min(high, math.inf if rule.high is None else rule.high)),
        step=step,
        fallback=fallback,
    )


def make_absent_reading(info: PointInfo, now_ns: int) -> Reading:
    """Return the reading of a point that the device does not have."""
    return Reading(info.point, _ZERO[info.kind], Quality.BAD, now_ns, "the device has none")


def _find_bound(watts: float) -> float | None:
    return watts if math.isfinite(watts) else None
