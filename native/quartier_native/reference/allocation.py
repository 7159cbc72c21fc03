"""Computes setpoints from requests and limits: the specification; the compiled kernel gives the same bits."""

import math
import operator
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

ASSET_MAX = 256
STEP_MAX = 1024
POWER_MAX_W = 1e12

Steps = Sequence[tuple[int, float, bool]]


class Allocation(NamedTuple):
    """The result of ``allocate``."""

    setpoint_w: tuple[float, ...]
    """Setpoint of each asset, in the order of the requests."""
    total_w: float
    """Grid power in W if every setpoint is followed."""
    down_count: int
    """``down[:down_count]`` ends with the last step that acted; 0 if none did."""
    up_count: int
    """The same for ``up``.  At most one of the two is not 0."""
    met: bool
    """Whether ``-export_max_w <= total_w <= import_max_w``."""


class Ladder(Sequence[tuple[int, float, bool]]):
    """Steps that are checked once for many calls with the same steps.

    ``steps`` are those of ``allocate``, with the same errors.
    """

    __slots__ = ("_steps", "asset_count")

    def __init__(self, steps: Steps) -> None:
        if len(steps) > STEP_MAX:
            raise ValueError(f"more than {STEP_MAX} steps")
        self._steps = tuple(_step(step, ASSET_MAX) for step in steps)
        self.asset_count = max((asset + 1 for asset, _, _ in self._steps), default=0)

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[tuple[int, float, bool]]:
        return iter(self._steps)

    @overload
    def __getitem__(self, place: int) -> tuple[int, float, bool]: ...
    @overload
    def __getitem__(self, place: slice) -> Steps: ...
    def __getitem__(self, place: int | slice) -> tuple[int, float, bool] | Steps:
        return self._steps[place]


def allocate(
    base_w: float,
    want_w: Sequence[float],
    import_max_w: float,
    export_max_w: float,
    down: Steps,
    up: Steps,
) -> Allocation:
    """Bring the sum of ``base_w`` and all wishes between ``-export_max_w`` and ``import_max_w``.

    A step is ``(asset, target_w, divisible)``: the asset may leave its present setpoint for
    ``target_w``, but only downward in ``down`` and only upward in ``up``; where that is no change the
    step does nothing.  Above the import cap the steps of ``down`` are walked in order until the cap
    holds, below the export cap those of ``up``:

    - a divisible step goes only as far as needed and then lands on the cap itself;
    - an indivisible step goes wholly to its target, and is skipped where it would break the other cap.

    One asset may stand in several steps (an EV goes to 6 A early and pauses late).  An early step is not
    taken back when a late indivisible one frees more than was needed.  ``total_w`` is a running sum from
    left to right, so the sum of the setpoints may differ from it by rounding.

    All powers in W, plus takes energy from the bus.  Caps may be negative but must leave an interval.
    Up to 256 assets and 1024 steps a list.  Raises, before anything is decided, ValueError when a number
    is not finite or beyond 1e12 W, an asset does not exist, a step has not three parts, a list is too
    long or the caps exclude each other, and TypeError when something is not a number.
    """
    if len(want_w) > ASSET_MAX:
        raise ValueError(f"more than {ASSET_MAX} assets")
    if len(down) > STEP_MAX or len(up) > STEP_MAX:
        raise ValueError(f"more than {STEP_MAX} steps")
    total_w = power("base_w", base_w)
    high_w = power("import_max_w", import_max_w)
    low_w = 0.0 - power("export_max_w", export_max_w)
    if high_w < low_w:
        raise ValueError("the caps exclude each other")
    setpoint_w = [power("want_w", want) for want in want_w]
    lower = _check_steps(down, len(setpoint_w))
    higher = _check_steps(up, len(setpoint_w))

    for want in setpoint_w:
        total_w += want
    down_count = up_count = 0
    if total_w > high_w:
        total_w, down_count = _go_down(setpoint_w, total_w, low_w, high_w, lower)
    elif total_w < low_w:
        total_w, up_count = _go_up(setpoint_w, total_w, low_w, high_w, higher)
    return Allocation(tuple(setpoint_w), total_w, down_count, up_count, low_w <= total_w <= high_w)


def allocate_in_place(
    setpoint_w: "array[float]",
    base_w: float,
    import_max_w: float,
    export_max_w: float,
    down: Ladder,
    up: Ladder,
) -> tuple[float, int, int, bool]:
    """Do ``allocate`` in place, for fleets: the ``array`` of typecode ``d`` has requests, then setpoints.

    Returns total_w, down_count, up_count and met.  The same errors, after which the array is as it was;
    TypeError for another kind of array or of steps.
    """
    if setpoint_w.typecode != "d" or not (isinstance(down, Ladder) and isinstance(up, Ladder)):
        raise TypeError("an array of doubles and two Ladders are needed")
    found = allocate(base_w, setpoint_w, import_max_w, export_max_w, down, up)
    setpoint_w[:] = array("d", found.setpoint_w)
    return found[1:]


def _go_down(
    setpoint_w: list[float], total_w: float, low_w: float, high_w: float, steps: Steps
) -> tuple[float, int]:
    """Change ``setpoint_w``; return the new total and the number of the last step that acted."""
    acted = 0
    for number, (asset, target_w, divisible) in enumerate(steps, 1):
        now_w = setpoint_w[asset]
        if target_w >= now_w:
            continue
        after_w = total_w - (now_w - target_w)
        if divisible and after_w <= high_w:
            # The total becomes the cap itself: a rounding rest of 1e-12 W must not take the next step too.
            part_w = now_w - (total_w - high_w)
            setpoint_w[asset] = part_w if part_w > target_w else target_w  # noqa: FURB136 - as the kernel does
            return high_w, number
        if after_w < low_w:
            continue
        setpoint_w[asset] = target_w
        total_w = after_w
        acted = number
        if total_w <= high_w:
            break
    return total_w, acted


def _go_up(
    setpoint_w: list[float], total_w: float, low_w: float, high_w: float, steps: Steps
) -> tuple[float, int]:
    """Do the mirror image of ``_go_down``."""
    acted = 0
    for number, (asset, target_w, divisible) in enumerate(steps, 1):
        now_w = setpoint_w[asset]
        if target_w <= now_w:
            continue
        after_w = total_w + (target_w - now_w)
        if divisible and after_w >= low_w:
            part_w = now_w + (low_w - total_w)
            setpoint_w[asset] = part_w if part_w < target_w else target_w  # noqa: FURB136 - as the kernel does
            return low_w, number
        if after_w > high_w:
            continue
        setpoint_w[asset] = target_w
        total_w = after_w
        acted = number
        if total_w >= low_w:
            break
    return total_w, acted


def _check_steps(steps: Steps, asset_count: int) -> Steps:
    if isinstance(steps, Ladder):
        if steps.asset_count > asset_count:
            raise ValueError("a step names an asset that is not there")
        return tuple(steps)
    return [_step(step, asset_count) for step in steps]


def _step(step: tuple[int, float, bool], asset_count: int) -> tuple[int, float, bool]:
    if len(step) != 3:
        raise ValueError("a step is (asset, target_w, divisible)")
    asset = operator.index(step[0])
    if not 0 <= asset < asset_count:
        raise ValueError("a step names an asset that is not there")
    return asset, power("target_w", step[1]), bool(step[2])


def power(name: str, value: float) -> float:
    """Return the value as a power in W.  Raises ValueError if it is not finite or beyond 1e12 W."""
    if not math.isfinite(value):
        raise ValueError(f"{name} is not finite")
    power_w = float(value)
    if abs(power_w) > POWER_MAX_W:
        raise ValueError(f"{name} is beyond {POWER_MAX_W:g} W")
    return power_w
