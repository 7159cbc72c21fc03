"""Advances a whole fleet of buildings by one cycle in one call: the specification of the compiled kernel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from math import isnan
from typing import Any

from quartier_native.reference import fleet_units
from quartier_native.reference.allocation import POWER_MAX_W
from quartier_native.reference.fleet_columns import (
    BATTERY,
    LONG_AGO_NS,
    MODED,
    SHEDS_LEAST,
    TIME_MAX_NS,
    UNITS_MAX,
    VEERS_MAX,
    Building,
    Columns,
    FleetInputs,
    FleetResult,
    FleetState,
    Unit,
    tree_of,
)
from quartier_native.reference.fleet_memory import raise_pv, remember, rows, settle
from quartier_native.reference.tree import ROWS, Tree, TreeAllocation, allocate_tree

DT_MAX_S = 1e6
WAIT_W = 1.0
HEADROOM = 0.9


class Fleet:
    """Buildings, checked once for many steps; the columns of their units lie one behind the other.

    ``unit_starts[b]`` is the first unit of building ``b`` and ``row_starts[b]`` its first row, with one more
    place at the end.  Raises ValueError, with the building, for one that a step could not work with.
    """

    __slots__ = ("row_starts", "trees", "unit_starts", "units")

    def __init__(self, buildings: Sequence[Building]) -> None:
        units: list[Unit] = []
        unit_starts, row_starts, trees = [0], [0], []
        for number, building in enumerate(buildings):
            try:
                tree = tree_of(building)
            except ValueError as error:
                raise ValueError(f"buildings[{number}]: {error}") from error
            units += building.units
            trees.append(tree)
            unit_starts.append(len(units))
            row_starts.append(row_starts[-1] + ROWS * tree.node_count)
        if len(units) > UNITS_MAX:
            raise ValueError(f"more than {UNITS_MAX} units")
        self.trees, self.units = tuple(trees), tuple(units)
        self.unit_starts, self.row_starts = tuple(unit_starts), tuple(row_starts)

    @property
    def building_count(self) -> int:
        """Return how many there are."""
        return len(self.trees)

    def columns(self, sheds_room: int = 256) -> Columns:
        """Whole columns for its units, with ``sheds_room`` places for the sheds of each."""
        return Columns(self.units, self.building_count, self.row_starts[-1], sheds_room)


def step_many(
    fleet: Fleet,
    state: FleetState,
    inputs: FleetInputs,
    result: FleetResult,
    now_ns: int,
    dt_s: float,
    begin: int = 0,
    end: int | None = None,
) -> None:
    """One cycle of the buildings from ``begin`` to before ``end`` (None: all), state in, state out in place.

    For each building:

    1. Every unit takes its seat: what it takes, what it would by itself, whether its minimum time is over.
       What was told to take or make less is expected to for 6 s (cars) or 10 s, then it counts as it is.
       A machine in modes goes up by itself only while no other machine is in its minimum on-time.
    2. Batteries follow the grid's target, in proportion to their room, filtered and ramped.
    3. ``allocate_tree`` over the building's nodes, by the one order.  Down: battery charging stops, modes
       that nobody feels, EVs of tier D to their floor (pools together), batteries discharge, what generates
       by request, those EVs pause, then tiers D, C, B, inside a tier by fewest sheds in 24 h, lowest comfort
       cost, number.  Up: batteries charge, what is off comes back in reverse and what is held takes more if
       it takes all it may, or was allowed more just now; modes go up, PV is curtailed.  What does not obey is
       told its least once, and is not believed to obey that either. Machines come back one minimum on-time
       apart, unless that breaks a limit.  Batteries give no more than what runs in modes needs, where limits
       keep it from running, and wait until others have made room.
    4. What moved is remembered: on and off times, sheds, limits, modes.  The limits of cars come down to
       whole amperes that fit, those of PV rise by a quarter of the room under the export caps.

    Breaches, lost inputs, fuses that switch a machine off within its minimum time, and what comes back
    without an export cap in the way are not its matter.

    ``now_ns`` is monotonic, within 0..2**61, ``dt_s`` the seconds since the last step.  Two threads may step
    buildings that are not the same at once.  Raises, before anything is decided, ValueError with the column
    and the place for a number outside its range, a column of the wrong length, caps that exclude each other,
    and TypeError or ValueError for a column of another type.
    """
    last = fleet.building_count if end is None else end
    if not 0 <= begin <= last <= fleet.building_count:
        raise ValueError("begin and end are outside the fleet")
    if not 0 <= now_ns <= TIME_MAX_NS:
        raise ValueError("now_ns is outside its range")
    if not 0.0 <= dt_s <= DT_MAX_S:
        raise ValueError("dt_s is outside its range")
    _check_lengths(fleet, state, inputs, result)
    _check(fleet, state, inputs, begin, last)
    for building in range(begin, last):
        _step(fleet, building, state, inputs, result, now_ns, dt_s)


def _step(
    fleet: Fleet,
    building: int,
    state: FleetState,
    inputs: FleetInputs,
    result: FleetResult,
    now_ns: int,
    dt_s: float,
) -> None:
    tree, first = fleet.trees[building], fleet.unit_starts[building]
    row, row_end = fleet.row_starts[building], fleet.row_starts[building + 1]
    seated = [
        fleet_units.make_seat(fleet.units[at], at - first, at, state, inputs, now_ns)
        for at in range(first, fleet.unit_starts[building + 1])
    ]
    fleet_units.wait_for_starts(seated)
    fleet_units.follow(seated, inputs.rest_w[building], inputs.target_w[building], dt_s)
    ups = fleet_units.up(seated, state)
    apart = fleet_units.space_releases(seated, ups)
    found = _allocate(tree, inputs, slice(row, row_end), seated, apart)
    if found.broken and len(apart) < len(ups):  # a limit that needs more machines at once comes first
        found = _allocate(tree, inputs, slice(row, row_end), seated, ups)
    setpoint_w = _withhold_discharge(
        tree,
        seated,
        found.setpoint_w,
        _DischargeLimits(
            target_w=inputs.target_w[building] - inputs.rest_w[building],
            high_w=inputs.high_w[row:row_end],
            import_max_w=inputs.import_max_w[row:row_end],
            dt_s=dt_s,
        ),
    )
    setpoint_w = _wait(
        seated,
        setpoint_w,
        (inputs.high_w[row], inputs.low_w[row]),
        (inputs.import_max_w[row], inputs.export_max_w[row]),
    )
    for seat in seated:
        moved = found.step[seat.place] >= 0
        remember(seat, state, setpoint_w[seat.place], now_ns, moved=moved)
        result.cap_row[seat.at] = found.cap_row[seat.place]
    result.met[building] = int(not found.broken)
    sums_w = _sums_w(tree, setpoint_w)
    spare_w = [
        max(0.0, cap_w - (high_w + sum_w))
        for cap_w, high_w, sum_w in zip(
            inputs.import_max_w[row:row_end], inputs.high_w[row:row_end], sums_w, strict=True
        )
    ]
    export_room_w = [
        (low_w + sum_w) + cap_w
        for cap_w, low_w, sum_w in zip(
            inputs.export_max_w[row:row_end], inputs.low_w[row:row_end], sums_w, strict=True
        )
    ]
    settle(seated, tree, state, inputs.plugged, spare_w, now_ns)
    raise_pv(seated, tree, state, export_room_w, dt_s)


def _allocate(
    tree: Tree,
    inputs: FleetInputs,
    own_rows: slice,
    seated: Sequence[fleet_units.Seat],
    ups: Sequence[fleet_units.TreeStep],
) -> TreeAllocation:
    return allocate_tree(
        tree,
        inputs.high_w[own_rows],
        inputs.low_w[own_rows],
        [seat.want_w for seat in seated],
        inputs.import_max_w[own_rows],
        inputs.export_max_w[own_rows],
        fleet_units.down(seated),
        ups,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _DischargeLimits:
    """The limits of ``_withhold_discharge``.

    ``target_w`` is what all units together shall take, in W; ``high_w`` and ``import_max_w`` are by row.
    """

    target_w: float
    high_w: Sequence[float]
    import_max_w: Sequence[float]
    dt_s: float


def _withhold_discharge(
    tree: Tree, seated: Sequence[fleet_units.Seat], setpoint_w: Sequence[float], limits: _DischargeLimits
) -> list[float]:
    """Return the setpoints, in W, with no more discharge than the units that run in modes need.

    What a limit keeps from these would flow out of the building. A setpoint rises no faster than the ramp,
    and stays within nine tenths of every limit on its way but that of the connection.
    ``quartier.control.allocate.generation`` says why.
    """
    found = list(setpoint_w)
    sum_w = kept_w = 0.0
    for seat in seated:
        sum_w += found[seat.place]
        if seat.unit.kind == MODED:
            kept_w += max(0.0, seat.want_w - max(found[seat.place], seat.present_w, 0.0))
    left_w = min(kept_w, limits.target_w - sum_w)
    if left_w < WAIT_W:
        return found
    present_w = _sums_w(tree, [seat.seen_w for seat in seated])
    for seat in seated:
        if seat.unit.kind != BATTERY:
            continue
        place = seat.place
        sums_w = _sums_w(tree, found)
        ramped_w = seat.before_w + seat.unit.ramp_max_w_per_s * limits.dt_s
        room_w = min(0.0 - found[place], ramped_w - found[place])
        for row, share in rows(tree, place):
            if row:
                load_w = limits.high_w[row] + max(sums_w[row], present_w[row])
                room_w = min(room_w, (limits.import_max_w[row] * HEADROOM - load_w) / share)
        more_w = max(0.0, min(left_w, room_w))
        found[place] += more_w
        left_w -= more_w
    return found


def _wait(
    seated: Sequence[fleet_units.Seat],
    setpoint_w: Sequence[float],
    rest_w: tuple[float, float],
    limits_w: tuple[float, float],
) -> list[float]:
    """Return the setpoints, where no battery moves into room that another unit has not made yet.

    In W.  ``rest_w``: what flows at the connection beside the units, at most and at least; ``limits_w``: the
    limits of import and export there.  ``quartier.control.allocate.pacing`` says why.
    """
    found = list(setpoint_w)
    sum_w = above_w = below_w = 0.0
    for seat in seated:
        ordered_w = found[seat.place]
        sum_w += ordered_w
        if seat.unit.kind != BATTERY and not seat.deaf:
            above_w += max(0.0, seat.present_w - ordered_w)
            below_w += max(0.0, ordered_w - seat.present_w)
    above_w -= max(0.0, limits_w[0] - (rest_w[0] + sum_w))
    below_w -= max(0.0, limits_w[1] + (rest_w[1] + sum_w))
    if above_w < WAIT_W and below_w < WAIT_W:
        return found
    for seat in seated:
        if seat.unit.kind != BATTERY:
            continue
        move_w = found[seat.place] - seat.before_w
        if move_w > 0.0:
            kept_w = min(move_w, max(0.0, above_w))
            above_w -= kept_w
            found[seat.place] = max(found[seat.place] - kept_w, seat.low_w)
        else:
            kept_w = min(0.0 - move_w, max(0.0, below_w))
            below_w -= kept_w
            found[seat.place] = min(found[seat.place] + kept_w, seat.high_w)
    return found


def _sums_w(tree: Tree, setpoint_w: Sequence[float]) -> list[float]:
    """Return what the units take together, by row."""
    sums_w = [0.0] * (ROWS * tree.node_count)
    for asset, watts in enumerate(setpoint_w):
        for row, share in rows(tree, asset):
            sums_w[row] += watts * share
    return sums_w


def _check_lengths(fleet: Fleet, state: FleetState, inputs: FleetInputs, result: FleetResult) -> None:
    units, buildings, rows_count = len(fleet.units), fleet.building_count, fleet.row_starts[-1]
    if not SHEDS_LEAST <= state.sheds_room <= 2**16:
        raise ValueError("sheds_room is outside its range")
    lengths = {
        "sheds_ns": units * state.sheds_room,
        "veers_ns": units * VEERS_MAX,
        "rest_w": buildings,
        "target_w": buildings,
        "met": buildings,
        "high_w": rows_count,
        "low_w": rows_count,
        "import_max_w": rows_count,
        "export_max_w": rows_count,
    }
    for part in (state, inputs, result):
        for column in fields(part):
            if column.name == "sheds_room":
                continue
            length = lengths.get(column.name, units)
            if len(getattr(part, column.name)) != length:
                raise ValueError(f"{column.name} has not {length} places")


def _check(fleet: Fleet, state: FleetState, inputs: FleetInputs, begin: int, end: int) -> None:
    """The first column and place that is outside its range, building by building, unit by unit."""
    for building in range(begin, end):
        for at in range(fleet.unit_starts[building], fleet.unit_starts[building + 1]):
            for name, is_good in _unit_checks(fleet.units[at], at, state, inputs):
                _demand(name, at, is_good=is_good)
        for name in ("rest_w", "target_w"):
            _demand(name, building, is_good=_is_power(getattr(inputs, name)[building]))
        for row in range(fleet.row_starts[building], fleet.row_starts[building + 1]):
            for name in ("high_w", "low_w", "import_max_w", "export_max_w"):
                _demand(name, row, is_good=_is_power(getattr(inputs, name)[row]))
            if inputs.import_max_w[row] < 0.0 - inputs.export_max_w[row]:
                raise ValueError(f"the caps of row {row} exclude each other")


def _demand(name: str, place: int, *, is_good: bool) -> None:
    if not is_good:
        raise ValueError(f"{name}[{place}] is outside its range")


def _unit_checks(unit: Unit, at: int, state: FleetState, inputs: FleetInputs) -> Iterator[tuple[str, bool]]:
    modes = unit.mode_count
    yield "on", state.on[at] <= 1
    yield "since_ns", _is_time(state.since_ns[at])
    yield "limit_w", state.limit_w[at] >= 0.0
    yield "before_w", _is_power(state.before_w[at])
    yield "lowered_ns", _is_time(state.lowered_ns[at])
    yield "raised_ns", _is_time(state.raised_ns[at])
    yield "told_ns", _is_time(state.told_ns[at])
    yield "setpoint_w", isnan(state.setpoint_w[at]) or _is_power(state.setpoint_w[at])
    yield "mode", 0 <= state.mode[at] < modes
    yield "held", state.held[at] <= 1
    yield "shed_count", 0 <= state.shed_count[at] <= state.sheds_room
    yield "sheds_ns", _are_times(state.sheds_ns, at * state.sheds_room, state.shed_count[at])
    yield "veer_count", 0 <= state.veer_count[at] <= VEERS_MAX
    yield "veers_ns", _are_times(state.veers_ns, at * VEERS_MAX, state.veer_count[at])
    yield "present_w", _is_power(inputs.present_w[at])
    yield "soc_pct", 0.0 <= inputs.soc_pct[at] <= 100.0
    yield "plugged", inputs.plugged[at] <= 1
    yield "tier", 0 <= inputs.tier[at] <= 3
    yield "wanted", 0 <= inputs.wanted[at] < modes
    yield "highest", 0 <= inputs.highest[at] < modes
    yield "lowest", 0 <= inputs.lowest[at] < modes


def _is_power(watts: float) -> bool:
    return abs(watts) <= POWER_MAX_W


def _is_time(time_ns: int) -> bool:
    return LONG_AGO_NS <= time_ns <= TIME_MAX_NS


def _are_times(times_ns: Any, first: int, count: int) -> bool:
    return all(_is_time(then) for then in times_ns[first : first + count])
