"""Each unit of a building in one cycle: what it takes, wants and may be moved to, in the one order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

from quartier_native.reference.fleet_columns import (
    BATTERY,
    DIVISIBLE,
    EV,
    LOAD,
    MODED,
    NONE_W,
    PV_LIMIT,
    PV_RELAY,
    TIER_A,
    TIER_D,
    VEERS_MAX,
    FleetInputs,
    FleetState,
    Unit,
)

SETTLE_NS = 4_000_000_000
RAMP_NS = 4_000_000_000
STANDS_A = 1.5
STANDS = 0.05
OVER_A = 1.0
OVER_W = 200.0
OVER = 0.05
CAR_ANSWERS_NS = 6_000_000_000
ANSWERS_NS = 10_000_000_000
DAY_NS = 86_400_000_000_000
HOUR_NS = 3_600_000_000_000
TURNS_MAX_PER_H = 6
TAPER_PCT = 1.0
TAPER_LEAST = 0.05
GAIN_PER_S = 0.25
DEADBAND_W = 20.0
DEADBAND = 0.005

EARLY, GENERATING, LATE = range(3)
"""When a mode is taken: before anything that people feel, after the batteries, in its tier."""

TreeStep = tuple[int, float, bool, int]


@dataclass(slots=True)
class Seat:
    """One unit now.  ``place`` is its number in the building, ``at`` that in the fleet's columns.

    ``present_w`` is what counts now, ``seen_w`` what was measured: they differ for a while after a lowering.
    ``movable``: its minimum time is over; ``sinks``: one in modes may go further down.  ``low_w`` to
    ``high_w``: a battery's room; ``mode`` is where a unit in modes goes by itself from ``before``, ``rises``
    whether it, or a relay, has not turned too often for going up; ``ramps`` whether it was allowed more just
    now; ``deaf`` whether it takes, or makes, more than it may although it had the time to obey.
    """

    unit: Unit
    place: int
    at: int
    tier: int
    present_w: float = 0.0
    seen_w: float = 0.0
    want_w: float = 0.0
    on: bool = True
    movable: bool = True
    sinks: bool = True
    limit_w: float = NONE_W
    sheds_count: int = 0
    low_w: float = 0.0
    high_w: float = 0.0
    before_w: float = 0.0
    mode: int = 0
    before: int = 0
    wanted: int = 0
    highest: int = 0
    lowest: int = 0
    rises: bool = True
    ramps: bool = False
    deaf: bool = False

    @property
    def key(self) -> tuple[int, int, float, int]:
        """Return what compares less is shed first: by tier, sheds in 24 h, comfort cost and its number."""
        return self.tier, self.sheds_count, self.unit.comfort_cost, self.place


def make_seat(unit: Unit, place: int, at: int, state: FleetState, inputs: FleetInputs, now_ns: int) -> Seat:
    """The unit as it stands.

    What was just lowered counts as before for 4 s: meters do not show it at the same time. It also counts as
    before until its reading shows the lowering, or its time to obey is over.
    """
    seen_w = inputs.present_w[at]
    seat = Seat(unit, place, at, inputs.tier[at], present_w=seen_w, seen_w=seen_w)
    if unit.kind == BATTERY:
        _battery(seat, state, inputs)
        return seat
    seat.on, seat.limit_w = bool(state.on[at]), state.limit_w[at]
    least_s = unit.min_on_s if seat.on else unit.min_off_s
    seat.movable = now_ns - state.since_ns[at] >= round(least_s * 1e9)
    if unit.kind in {PV_LIMIT, PV_RELAY}:
        seat.present_w = min(seat.present_w, 0.0)
        most_w = -min(seat.limit_w, unit.rated_w)
        seat.want_w = max(seat.present_w, most_w) if seat.on else 0.0
        _listen(seat, -seat.present_w, state, now_ns)
        return seat
    seat.ramps = now_ns - state.raised_ns[at] < RAMP_NS
    sheds_ns = state.sheds_ns[at * state.sheds_room : at * state.sheds_room + state.shed_count[at]]
    seat.sheds_count = sum(now_ns - then < DAY_NS for then in sheds_ns)
    if unit.kind == MODED:
        _set_modes(seat, state, inputs, now_ns)
    elif seat.on:
        seat.want_w = min(seat.present_w, seat.limit_w)
    elif unit.kind in {EV, LOAD}:
        seat.rises = sum(now_ns - then < HOUR_NS for then in sheds_ns) < TURNS_MAX_PER_H // 2
    lowered_for_ns = now_ns - state.lowered_ns[at]
    settles = lowered_for_ns < SETTLE_NS
    if unit.kind != MODED:
        _listen(seat, seat.seen_w, state, now_ns)
        settles = settles or (lowered_for_ns < _answers_ns(unit) and _is_over(seat, seat.seen_w))
    if settles:
        seat.present_w = max(seat.present_w, state.before_w[at])
    return seat


def _listen(seat: Seat, watts: float, state: FleetState, now_ns: int) -> None:
    """Find out whether it obeys; one that does not counts with what it takes, or makes."""
    seat.deaf = _is_over(seat, watts) and now_ns - state.told_ns[seat.at] >= _answers_ns(seat.unit)
    if seat.deaf:
        seat.want_w = seat.present_w


def _is_over(seat: Seat, watts: float) -> bool:
    """Return whether it takes, or makes, ``watts`` above what it may."""
    unit = seat.unit
    over_w = max(OVER_W, OVER * unit.rated_w)
    if unit.kind == EV:
        over_w = OVER_A * unit.ampere_w
    elif unit.kind == LOAD:
        over_w = OVER_W
    return watts > (seat.limit_w if seat.on else 0.0) + over_w


def _answers_ns(unit: Unit) -> int:
    """Return the time that it has to obey."""
    return CAR_ANSWERS_NS if unit.kind == EV else ANSWERS_NS


def _battery(seat: Seat, state: FleetState, inputs: FleetInputs) -> None:
    """Set the range of power that band and reserve allow; it tapers off in the last percent at an edge."""
    unit, soc_pct = seat.unit, inputs.soc_pct[seat.at]
    seat.low_w = -unit.discharge_max_w * _taper(soc_pct - unit.soc_floor_pct)
    seat.high_w = unit.charge_max_w * _taper(unit.soc_max_pct - soc_pct)
    last_w = state.setpoint_w[seat.at]
    seat.before_w = seat.present_w if isnan(last_w) else last_w


def _taper(left_pct: float) -> float:
    share = min(max(left_pct / TAPER_PCT, 0.0), 1.0)
    return share if share >= TAPER_LEAST else 0.0


def _set_modes(seat: Seat, state: FleetState, inputs: FleetInputs, now_ns: int) -> None:
    at = seat.at
    seat.before, seat.wanted = state.mode[at], inputs.wanted[at]
    seat.highest, seat.lowest = inputs.highest[at], inputs.lowest[at]
    veers_ns = state.veers_ns[at * VEERS_MAX : at * VEERS_MAX + state.veer_count[at]]
    turned = sum(now_ns - then < HOUR_NS for then in veers_ns)
    seat.rises = seat.on or turned <= TURNS_MAX_PER_H - 2
    seat.mode = seat.before
    seat.sinks = seat.movable or not seat.on
    if seat.sinks:
        seat.mode = min(max(seat.wanted, seat.highest), seat.lowest)
        if state.held[at] or not seat.rises or not seat.movable:
            seat.mode = max(seat.before, seat.mode)
    seat.want_w = find_expected_w(seat, seat.mode)


def find_expected_w(seat: Seat, mode: int) -> float:
    """Return the power in W that a unit with modes is expected to take in ``mode``.

    A mode of more power: the power of the mode, at least the present power.  A mode of less power: the
    present power, reduced in the ratio of the two modes if both take power, at most the power of the mode.
    """
    here_w, there_w = seat.unit.modes_w[seat.before], seat.unit.modes_w[mode]
    if mode == seat.before:
        return seat.seen_w
    if mode < seat.before:
        return max(there_w, seat.seen_w)
    if here_w <= 0.0 or there_w <= 0.0:
        return min(there_w, seat.seen_w)
    return min(there_w, seat.seen_w * (there_w / here_w))


def is_starting(seat: Seat) -> bool:
    """Return whether it is a machine inside its minimum on-time."""
    return seat.unit.is_machine and seat.on and not seat.movable


def wait_for_starts(seats: Sequence[Seat]) -> None:
    """Let a machine in modes go no higher by itself while another one is starting, or goes up before it."""
    starting = any(is_starting(seat) for seat in seats)
    for seat in seats:
        if seat.unit.kind == MODED and seat.unit.is_machine and seat.mode < seat.before:
            if starting:
                seat.mode = seat.before
                seat.want_w = find_expected_w(seat, seat.mode)
            starting = True


def follow(seats: Sequence[Seat], rest_w: float, target_w: float, dt_s: float) -> None:
    """Give batteries their want: the grid at its target, in proportion to their room, filtered and ramped."""
    others_w = 0.0
    for seat in seats:
        if seat.unit.kind != BATTERY:
            others_w += seat.want_w
    desired_w = target_w - rest_w - others_w
    whole_w = 0.0
    for seat in seats:
        whole_w += _way_w(seat, desired_w)
    part = min(abs(desired_w) / whole_w, 1.0) if whole_w > 0.0 else 0.0
    if desired_w <= 0.0:
        part = -part
    for seat in seats:
        if seat.unit.kind == BATTERY:
            seat.want_w = _follow_setpoint(seat, part * _way_w(seat, desired_w), dt_s)


def _way_w(seat: Seat, desired_w: float) -> float:
    """A battery's room that way; 0 for what is none."""
    return seat.high_w if desired_w > 0.0 else -seat.low_w


def _follow_setpoint(seat: Seat, desired_w: float, dt_s: float) -> float:
    want_w = before_w = seat.before_w
    if abs(desired_w - before_w) > max(DEADBAND_W, DEADBAND * seat.unit.rated_w):
        want_w = before_w + min(1.0, GAIN_PER_S * dt_s) * (desired_w - before_w)
    step_w = seat.unit.ramp_max_w_per_s * dt_s
    ramped_w = min(max(want_w, before_w - step_w), before_w + step_w)
    return min(max(ramped_w, seat.low_w), seat.high_w)


def down(seats: Sequence[Seat]) -> list[TreeStep]:
    """Batteries stop, early modes, EVs to their floor, batteries out, what generates, EVs pause, D, C, B."""
    batteries = [seat for seat in seats if seat.unit.kind == BATTERY]
    moded = [seat for seat in seats if seat.unit.kind == MODED and seat.sinks and seat.tier != TIER_A]
    order = in_turn(seats)
    first = [seat for seat in order if seat.unit.kind == EV and seat.on and seat.tier == TIER_D]
    steps: list[TreeStep] = [(seat.place, 0.0, True, -1) for seat in batteries]
    steps += [step for seat in moded for step in _lower(seat, EARLY)]
    steps += [(seat.place, seat.unit.floor_w, True, seat.unit.pool) for seat in first if not seat.deaf]
    steps += [(seat.place, seat.unit.floor_w, False, -1) for seat in first if may_hear(seat)]
    steps += [(seat.place, seat.low_w, True, -1) for seat in batteries]
    steps += [step for seat in moded for step in _lower(seat, GENERATING)]
    steps += [(seat.place, 0.0, False, -1) for seat in first if seat.movable]
    for seat in order:
        steps += _iterate_shed_steps(seat)
    return steps


def in_turn(seats: Sequence[Seat]) -> list[Seat]:
    """All that may be shed or lowered for people to feel, in the order of shedding; never tier A."""
    kinds = {LOAD, DIVISIBLE, EV, MODED}
    return sorted((s for s in seats if s.unit.kind in kinds and s.tier != TIER_A), key=lambda seat: seat.key)


def _iterate_shed_steps(seat: Seat) -> Iterator[TreeStep]:
    kind = seat.unit.kind
    if kind == MODED:
        if seat.sinks:
            yield from _lower(seat, LATE)
    elif kind == DIVISIBLE:
        if not seat.deaf or may_hear(seat):
            yield seat.place, 0.0, not seat.deaf, -1
    elif kind == EV and seat.on and seat.tier != TIER_D:
        if not seat.deaf or may_hear(seat):
            yield seat.place, seat.unit.floor_w, not seat.deaf, -1
        if seat.movable:
            yield seat.place, 0.0, False, -1
    elif kind == LOAD and seat.on and seat.movable:
        yield seat.place, 0.0, False, -1


def may_hear(seat: Seat) -> bool:
    """Return whether one that does not obey can still be told its least."""
    return seat.deaf and seat.limit_w > seat.unit.floor_w


def _lower(seat: Seat, which: int) -> Iterator[TreeStep]:
    """The steps down that it offers at this place in the order."""
    for mode in range(seat.mode + 1, seat.lowest + 1):
        early = EARLY if mode <= seat.unit.normal else LATE
        if which == (GENERATING if seat.unit.modes_w[mode] < 0.0 else early):
            yield seat.place, find_expected_w(seat, mode), False, -1


def up(seats: Sequence[Seat], state: FleetState) -> list[TreeStep]:
    """Batteries charge, what is off or held comes on in reverse, modes go up, PV is curtailed."""
    steps: list[TreeStep] = [(s.place, s.high_w, True, -1) for s in seats if s.unit.kind == BATTERY]
    for seat in reversed(in_turn(seats)):
        steps += _iterate_raise_steps(seat, state)
    for seat in seats:
        if seat.unit.kind == MODED and seat.movable and seat.tier != TIER_A and seat.rises:
            modes = range(seat.mode - 1, seat.highest - 1, -1)
            steps += [(seat.place, find_expected_w(seat, mode), False, -1) for mode in modes]
    steps += [
        (seat.place, 0.0, seat.unit.kind == PV_LIMIT and not seat.deaf, -1)
        for seat in seats
        if seat.unit.kind in {PV_LIMIT, PV_RELAY} and seat.on and not (seat.deaf and seat.limit_w == 0.0)
    ]
    return steps


def space_releases(seats: Sequence[Seat], ups: Sequence[TreeStep]) -> list[TreeStep]:
    """Return the steps up with at most one machine, and none while another is in its minimum on-time."""
    first = next((step[0] for step in ups if seats[step[0]].unit.is_machine), -1)
    if first < 0:
        return [*ups]
    starting = any(is_starting(seat) for seat in seats)

    def may_rise(seat: Seat) -> bool:
        if not seat.unit.is_machine or (seat.unit.kind == EV and seat.on):
            return True
        return seat.place == first and not starting

    return [step for step in ups if may_rise(seats[step[0]])]


def _iterate_raise_steps(seat: Seat, state: FleetState) -> Iterator[TreeStep]:
    unit = seat.unit
    if seat.deaf:
        return
    if unit.kind in {EV, DIVISIBLE} and seat.on:
        if stands(seat) or seat.ramps:
            yield seat.place, unit.rated_w, True, -1
    elif unit.kind in {EV, LOAD} and not seat.on and seat.movable and seat.rises:
        yield seat.place, returning_w(seat, state), False, -1


def stands(seat: Seat) -> bool:
    """Return whether a car or divisible load takes all that its limit allows.

    Only then does it take more if the limit rises.
    """
    unit = seat.unit
    margin_w = STANDS_A * unit.ampere_w if unit.kind == EV else STANDS * unit.rated_w
    return seat.on and seat.limit_w < NONE_W and seat.want_w >= seat.limit_w - margin_w


def returning_w(seat: Seat, state: FleetState) -> float:
    """Return what it is expected to take when it comes back, in W."""
    if seat.unit.kind == EV:
        return seat.unit.floor_w
    before_w: float = state.before_w[seat.at]
    return before_w if before_w > 0.0 else seat.unit.rated_w
