"""Evaluates the fallback of a control function in its device, in words with the next step.  Pure."""

import math
from collections.abc import Iterator

from quartier_drivers.contract import Armed
from quartier_drivers.modbus.arming import ARM, AT_DEVICE
from quartier_drivers.sunspec.functions import Cap123, Cap704, Function
from quartier_drivers.sunspec.names import Name

# A fallback that is this much later is still the declared one; one that is this much shorter acts between two
# writes.
_LATER, _SHORTEST = 1.02, 1.5
_LOCAL = (Name(715, "LocRemCtl"), Name(802, "LocRemCtl"))
_IS_LOCAL = 1


def armed(point: str, function: Function, cap: float | None, *, wrote: bool) -> Armed:
    """Return the state of the fallback by what was read last; ``wrote``: it was written before."""
    value: float | None = None
    after_s: float | None = math.inf
    remedy = AT_DEVICE if wrote else ARM
    try:
        function.reading()  # where a rating is void no order can be written at all
        if isinstance(function, Cap704) and function.reverts and cap is not None:
            if not wrote and _stays(function, cap):
                return Armed(point, function.reading()[0], math.inf, "; ".join(_local(function)))
            value, after_s, problems = _reverting(function, cap, wrote=wrote)
        elif isinstance(function, Cap123 | Cap704):
            problems = _standing(function)
        else:
            value, after_s, problems = _ending(function, wrote=wrote)
    except ValueError as error:
        return Armed(point, None, None, f"{error}; {AT_DEVICE}")
    found = [f"{problem}; {remedy}" for problem in problems] + list(_local(function))
    shown = after_s is not None and (after_s != 0 or wrote or function.enabled)
    return Armed(point, value, after_s, "; ".join(found), shown)


def absent(point: str, controls: str) -> Armed:
    """Return the state for a point that the device cannot be written at."""
    what = f"the device has none of {controls}; is it the device of the profile, and its control switched on?"
    return Armed(point, None, None, what, is_verified=False)


def _stays(function: Cap704, cap: float) -> bool:
    """Return whether a limit is in force that nothing ends, as after a release.

    It must be no higher than the fail-safe limit.
    """
    standing, _ = function.reading()
    is_endless = function.enabled and function.raw(function.timer) == 0
    return is_endless and standing is not None and standing <= cap + function.step_w()


def _standing(function: Function) -> list[str]:
    """Return the problem of a limit without a timer, if any."""
    seconds = function.raw(function.timer)
    reverts = isinstance(function, Cap704) and function.raw("WMaxLimPctEnaRvrt") == 1
    if seconds and not reverts:
        return [f"{function.name(function.timer)} holds {seconds} s: the cap would end in none at all"]
    return []


def _reverting(function: Cap704, cap: float, *, wrote: bool) -> tuple[float | None, float | None, list[str]]:
    """Return value, time and problems of a limit that ends in the fail-safe limit, or in a lower one."""
    seconds = function.raw(function.timer)
    raw = function.raw("WMaxLimPctRvrt")
    value = None if raw is None else function.pct.watts(raw)
    idle = not (seconds or wrote or function.enabled)
    problems = [] if idle else _timer(function, seconds)
    if not idle and function.raw("WMaxLimPctEnaRvrt") != 1:
        problems.append(
            f"{function.name('WMaxLimPctEnaRvrt')} is not enabled: the cap would end in none at all"
        )
    if not idle and value is not None and value > cap + function.step_w():
        problems.append(
            f"{function.name('WMaxLimPctRvrt')} holds {value:g} W, more than the fail-safe {cap:g} W"
        )
    return cap if idle else value, None if seconds is None else float(seconds), problems


def _ending(function: Function, *, wrote: bool) -> tuple[float | None, float | None, list[str]]:
    """Return value, time and problems of a setpoint that ends by itself."""
    seconds = function.raw(function.timer)
    value = None if function.rule.fallback == "own" else function.rule.fallback
    if not function.after_s:
        return value, None, []
    if seconds is None:
        return value, None, [f"{function.name(function.timer)} is not implemented: an order would never end"]
    if not (seconds or wrote or function.enabled):
        return value, 0.0, []
    return value, float(seconds), _timer(function, seconds)


def _timer(function: Function, seconds: int | None) -> list[str]:
    after_s, name = function.after_s, function.name(function.timer)
    refresh_s = function.rule.refresh_s or after_s / 3
    if not seconds:
        return [f"{name} holds 0 s where {after_s:g} s are declared: it never acts"]
    if seconds > max(_LATER * after_s, after_s + 1):
        return [f"{name} holds {seconds} s where {after_s:g} s are declared: it acts later than declared"]
    if seconds < _SHORTEST * refresh_s:
        return [f"{name} holds {seconds} s where {after_s:g} s are declared: it may act between two writes"]
    return []


def _local(function: Function) -> Iterator[str]:
    for name in _LOCAL:
        if function.device.raw(name) == _IS_LOCAL:
            yield f"{name} says local: it takes no orders from the wire; set it to remote at the device"
