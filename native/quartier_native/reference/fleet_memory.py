"""Updates the state of each unit after a cycle: timers, limits, sheds and modes that follow the setpoints."""

from collections.abc import Sequence
from math import floor, inf

from quartier_native.reference.fleet_columns import (
    BATTERY,
    DIVISIBLE,
    EV,
    LOAD,
    MODED,
    NONE_W,
    PV_LIMIT,
    PV_RELAY,
    VEERS_MAX,
    FleetState,
)
from quartier_native.reference.fleet_units import DAY_NS, HOUR_NS, SETTLE_NS, Seat, find_expected_w, stands
from quartier_native.reference.tree import ROWS, Tree

EPSILON_W = 1e-6
PV_RAISE = 0.25
PV_DEADBAND, PV_DEADBAND_LEAST_W = 0.005, 20.0
"""A smaller room is not worth an order."""
PV_RAISE_PER_S = 0.005
PV_ROOM = 0.02
PV_FULL = 0.9


def remember(seat: Seat, state: FleetState, setpoint_w: float, now_ns: int, *, moved: bool) -> None:
    """The unit's state after the caps moved it to ``setpoint_w``, or left it at its want."""
    kind = seat.unit.kind
    if kind == MODED:
        _remember_mode(seat, state, setpoint_w, now_ns)
    elif kind == PV_RELAY:
        if seat.on and moved and setpoint_w >= 0.0:
            _switch_off(seat, state, seat.present_w, now_ns)
    elif kind == PV_LIMIT:
        if setpoint_w > seat.want_w + EPSILON_W:
            _lower(seat, state, -setpoint_w, seat.present_w, now_ns)
    elif kind != BATTERY:
        _remember_consumer(seat, state, setpoint_w, now_ns)
    state.setpoint_w[seat.at] = setpoint_w


def _remember_consumer(seat: Seat, state: FleetState, setpoint_w: float, now_ns: int) -> None:
    kind, at = seat.unit.kind, seat.at
    if setpoint_w < seat.want_w - EPSILON_W and seat.on:
        before_w = max(seat.present_w, 0.0)
        if kind == LOAD or (kind == EV and setpoint_w <= 0.0):
            _switch_off(seat, state, before_w, now_ns)
        else:
            _lower(seat, state, max(setpoint_w, seat.unit.floor_w), before_w, now_ns)
    elif setpoint_w > seat.want_w + EPSILON_W:
        # What runs may take less than it may by itself: being asked for more never lowers that.
        before_w = state.limit_w[at] if seat.on else 0.0
        if not seat.on:
            state.on[at], state.since_ns[at] = 1, now_ns
        if kind in {EV, DIVISIBLE}:
            if not seat.on or stands(seat):
                state.raised_ns[at] = now_ns
            state.limit_w[at] = limit_w(max(before_w, setpoint_w), seat.unit.rated_w)


def limit_w(watts: float, full_w: float) -> float:
    """A limit, infinite where it is none: at the unit's full power."""
    return NONE_W if watts >= full_w - EPSILON_W else watts


def _switch_off(seat: Seat, state: FleetState, before_w: float, now_ns: int) -> None:
    """Shed or paused now; the oldest shed is forgotten where there is no room."""
    at, room = seat.at, state.sheds_room
    state.on[at], state.since_ns[at] = 0, now_ns
    state.before_w[at], state.lowered_ns[at] = before_w, now_ns
    if not seat.deaf:
        state.told_ns[at] = now_ns
    state.shed_count[at] = _note(state.sheds_ns, at * room, state.shed_count[at], room, DAY_NS, now_ns)


def _note(times_ns: Sequence[int], first: int, count: int, room: int, life_ns: int, now_ns: int) -> int:
    """Put ``now_ns`` behind the times that are younger than ``life_ns``; returns how many there are."""
    recent = [then for then in times_ns[first : first + count] if now_ns - then < life_ns]
    kept = [*recent, now_ns][-room:]
    for place, then in enumerate(kept):
        times_ns[first + place] = then  # type: ignore[index]  # a buffer that the caller lets us write
    return len(kept)


def _lower(seat: Seat, state: FleetState, watts: float, before_w: float, now_ns: int) -> None:
    """Held to ``watts`` from now, or less.  One that is settling goes on settling from its first lowering."""
    at = seat.at
    if now_ns - state.lowered_ns[at] >= SETTLE_NS:
        state.before_w[at], state.lowered_ns[at] = before_w, now_ns
    _hold(seat, state, watts, now_ns)


def _hold(seat: Seat, state: FleetState, watts: float, now_ns: int) -> None:
    """May take no more than ``watts``; only what is less than before is an order to obey."""
    if watts < state.limit_w[seat.at]:
        state.limit_w[seat.at] = watts
        if not seat.deaf:
            state.told_ns[seat.at] = now_ns


def _remember_mode(seat: Seat, state: FleetState, setpoint_w: float, now_ns: int) -> None:
    at, mode = seat.at, seat.mode
    if setpoint_w < seat.want_w - EPSILON_W:
        ways = range(seat.mode + 1, seat.lowest + 1)
        mode = next((m for m in ways if find_expected_w(seat, m) <= setpoint_w + EPSILON_W), mode)
    elif setpoint_w > seat.want_w + EPSILON_W:
        ways = range(seat.mode - 1, seat.highest - 1, -1)
        mode = next((m for m in ways if find_expected_w(seat, m) >= setpoint_w - EPSILON_W), mode)
    rises, lowered = mode < seat.before, mode > seat.mode
    if mode != seat.before:
        if seat.on != rises:
            count = state.veer_count[at]
            state.veer_count[at] = _note(state.veers_ns, at * VEERS_MAX, count, VEERS_MAX, HOUR_NS, now_ns)
        state.on[at], state.since_ns[at] = int(rises), now_ns
    if lowered and mode > seat.before:
        _switch_off(seat, state, max(seat.present_w, 0.0), now_ns)
    state.mode[at] = mode
    state.held[at] = int(mode > seat.wanted and (lowered or bool(state.held[at])))


def settle(
    seats: Sequence[Seat],
    tree: Tree,
    state: FleetState,
    plugged: Sequence[int],
    spare_w: list[float],
    now_ns: int,
) -> None:
    """Limits of cars come down to what fits if they take it all: whole amperes, at least the floor.

    ``spare_w``: by row, what is left under its import cap.
    """
    for seat in seats:
        unit, at = seat.unit, seat.at
        if unit.kind != EV or not state.on[at] or not plugged[at]:
            continue
        taken_w = max(0.0, state.setpoint_w[at])
        room_w = inf
        for row, share in rows(tree, seat.place):
            room_w = min(room_w, spare_w[row] / share)
        held_w = min(state.limit_w[at], unit.rated_w)
        if held_w > taken_w + room_w + EPSILON_W:
            amperes = floor((taken_w + room_w) / unit.ampere_w)
            fits_w = limit_w(min(max(unit.floor_w, amperes * unit.ampere_w), held_w), unit.rated_w)
            _hold(seat, state, fits_w, now_ns)
            held_w = min(state.limit_w[at], unit.rated_w)
        for row, share in rows(tree, seat.place):
            spare_w[row] = max(0.0, spare_w[row] - (held_w - taken_w) * share)


def raise_pv(
    seats: Sequence[Seat], tree: Tree, state: FleetState, export_room_w: Sequence[float], dt_s: float
) -> None:
    """Limits of PV rise by a quarter of the room under export caps, and a little where batteries have room.

    ``export_room_w``: by row.  That little (0.5 % of the rating a second) goes over the cap for an instant,
    and a battery then charges before PV is curtailed again.
    """
    charge_room_w = 0.0
    for seat in seats:
        if seat.unit.kind == BATTERY:
            charge_room_w += seat.high_w - state.setpoint_w[seat.at]
    for seat in seats:
        unit, at = seat.unit, seat.at
        if unit.kind != PV_LIMIT:
            continue
        held_w = min(state.limit_w[at], unit.rated_w)
        if state.limit_w[at] < NONE_W and not state.setpoint_w[at] > seat.want_w + EPSILON_W:
            room_w = inf
            for row, share in rows(tree, seat.place):
                room_w = min(room_w, export_room_w[row] / share)
            if room_w > max(PV_DEADBAND_LEAST_W, PV_DEADBAND * unit.rated_w):
                held_w += PV_RAISE * room_w
            if charge_room_w > PV_ROOM * unit.rated_w and -seat.present_w > PV_FULL * held_w:
                held_w += PV_RAISE_PER_S * unit.rated_w * dt_s
        state.limit_w[at] = limit_w(held_w, unit.rated_w)


def rows(tree: Tree, asset: int) -> list[tuple[int, float]]:
    """The rows that an asset counts in, with its share."""
    return [
        (ROWS * node + phase, part)
        for node in tree.way[asset]
        for phase, part in enumerate(tree.share[asset])
        if part > 0.0
    ]
