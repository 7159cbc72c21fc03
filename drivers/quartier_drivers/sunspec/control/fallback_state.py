"""Describe the state of a control function's fallback (pure)."""

import math
from collections.abc import Callable, Iterator

from quartier_drivers.contract import ArmedFallback
from quartier_drivers.modbus.arming import ARM_TEXT, AT_DEVICE_TEXT
from quartier_drivers.sunspec.control.functions import ControlFunction, Limit123, Limit704
from quartier_drivers.sunspec.schema import PointName

# A fallback that is this much later is still the declared one; one that is this much shorter acts between two
# writes.
_LATER, _SHORTEST = 1.02, 1.5
_LOCAL_POINTS = (PointName(715, "LocRemCtl"), PointName(802, "LocRemCtl"))
_IS_LOCAL = 1


def describe_fallback(
    point: str, function: ControlFunction, cap: float | None, *, wrote: bool
) -> ArmedFallback:
    """Return the state of the fallback by what was read last; ``wrote``: it was written before."""
    value: float | None = None
    after_s: float | None = math.inf
    remedy = AT_DEVICE_TEXT if wrote else ARM_TEXT
    try:
        function.reading()  # where a rating is void no order can be written at all
        if isinstance(function, Limit704) and function.reverts and cap is not None:
            if not wrote and _is_permanent(function, cap):
                return ArmedFallback(
                    point, function.reading()[0], math.inf, "; ".join(_explain_local(function))
                )
            value, after_s, problems = _describe_reverting(function, cap, wrote=wrote)
        elif isinstance(function, Limit123 | Limit704):
            problems = _explain_standing(function)
        else:
            value, after_s, problems = _describe_ending(function, wrote=wrote)
    except ValueError as error:
        return ArmedFallback(point, None, None, f"{error}; {AT_DEVICE_TEXT}")
    found = [f"{problem}; {remedy}" for problem in problems] + list(_explain_local(function))
    shown = after_s is not None and (after_s != 0 or wrote or function.is_enabled)
    return ArmedFallback(point, value, after_s, "; ".join(found), shown)


def describe_absent(point: str, controls: str) -> ArmedFallback:
    """Return the state for a point that the device cannot be written at."""
    what = f"the device has none of {controls}; is it the device of the profile, and its control switched on?"
    return ArmedFallback(point, None, None, what, is_verified=False)


def _is_permanent(function: Limit704, cap: float) -> bool:
    """Return whether a limit is in force that nothing ends, as after a release.

    It must be no higher than the fail-safe limit.
    """
    standing, _ = function.reading()
    is_endless = function.is_enabled and function.raw(function.timer) == 0
    return is_endless and standing is not None and standing <= cap + function.step_w()


def _explain_standing(function: ControlFunction) -> list[str]:
    """Return the problem of a limit without a timer, if any."""
    seconds = function.raw(function.timer)
    reverts = isinstance(function, Limit704) and function.raw("WMaxLimPctEnaRvrt") == 1
    if seconds and not reverts:
        return [f"{function.name(function.timer)} holds {seconds} s: the cap would end in none at all"]
    return []


def _describe_reverting(
    function: Limit704, cap: float, *, wrote: bool
) -> tuple[float | None, float | None, list[str]]:
    """Return value, time and problems of a limit that ends in the fail-safe limit, or in a lower one."""
    seconds = function.raw(function.timer)
    raw = function.raw("WMaxLimPctRvrt")
    value = None if raw is None else function.pct.watts(raw)
    idle = not (seconds or wrote or function.is_enabled)
    problems = [] if idle else _explain_timer(function, seconds)
    if not idle and function.raw("WMaxLimPctEnaRvrt") != 1:
        problems.append(
            f"{function.name('WMaxLimPctEnaRvrt')} is not enabled: the cap would end in none at all"
        )
    if not idle and value is not None and value > cap + function.step_w():
        problems.append(
            f"{function.name('WMaxLimPctRvrt')} holds {value:g} W, more than the fail-safe {cap:g} W"
        )
    return cap if idle else value, None if seconds is None else float(seconds), problems


def _describe_ending(
    function: ControlFunction, *, wrote: bool
) -> tuple[float | None, float | None, list[str]]:
    """Return value, time and problems of a setpoint that ends by itself."""
    seconds = function.raw(function.timer)
    value = None if function.rule.fallback == "own" else function.rule.fallback
    if not function.after_s:
        return value, None, []
    if seconds is None:
        return value, None, [f"{function.name(function.timer)} is not implemented: an order would never end"]
    if not (seconds or wrote or function.is_enabled):
        return value, 0.0, []
    return value, float(seconds), _explain_timer(function, seconds)


def _explain_timer(function: ControlFunction, seconds: int | None) -> list[str]:
    after_s, name = function.after_s, function.name(function.timer)
    refresh_s = function.rule.refresh_s or after_s / 3
    if not seconds:
        return [f"{name} holds 0 s where {after_s:g} s are declared: it never acts"]
    if seconds > max(_LATER * after_s, after_s + 1):
        return [f"{name} holds {seconds} s where {after_s:g} s are declared: it acts later than declared"]
    if seconds < _SHORTEST * refresh_s:
        return [f"{name} holds {seconds} s where {after_s:g} s are declared: it may act between two writes"]
    return []


def _explain_local(function: ControlFunction) -> Iterator[str]:
    for name in _LOCAL_POINTS:
        if function.device.raw(name) == _IS_LOCAL:
            yield f"{name} says local: it takes no orders from the wire; set it to remote at the device"


_S = 1_000_000_000
# This time after a write a timer must have counted, with polls in between.
_WATCH_TIME_S = 8.0
_SLACK_S = 2
_NEXT_STEP_TEXT = "ask its maker, or say accept_no_fallback for its asset"


class TimerCheck:
    """Watches one timer of ``after_s`` seconds; ``trouble`` is its fault in words."""

    def __init__(self, name: str, after_s: float, now_ns: Callable[[], int]) -> None:
        self.trouble = ""
        self._name = name
        self._after_s = after_s
        self._now_ns = now_ns
        self._written_ns: int | None = None
        self._ran = False

    def note_write(self) -> None:
        """Note that the order was written, and the timer with it."""
        self._written_ns = self._now_ns()

    def check_remaining(self, left_s: int | None, *, enabled: bool) -> bool:
        """Take the remaining seconds; return whether there is a new fault."""
        if left_s is None or self._written_ns is None or not self._after_s:
            return False
        before, self.trouble = self.trouble, self._find_trouble(left_s, enabled=enabled)
        self._ran = self._ran or left_s > 0
        return bool(self.trouble) and not before

    def _find_trouble(self, left_s: int, *, enabled: bool) -> str:
        assert self._written_ns is not None
        since_s = (self._now_ns() - self._written_ns) / _S
        if not enabled or since_s < _WATCH_TIME_S:
            return self.trouble if enabled else ""
        if left_s >= self._after_s - _SLACK_S:
            text = f"{self._name} has {left_s} s left {since_s:.0f} s after the last order"
            fault = "reading starts it again, so that it guards against a lost gateway only"
            return f"{text}: {fault}; {_NEXT_STEP_TEXT}"
        if left_s == 0 and self._ran and since_s > self._after_s + _SLACK_S:
            return f"{self._name} has run out and has no effect: the order is still active; {_NEXT_STEP_TEXT}"
        if left_s == 0 and not self._ran:
            text = f"{self._name} has 0 s left while an order is active"
            return f"{text}: it was taken and never ran; {_NEXT_STEP_TEXT}"
        return ""
