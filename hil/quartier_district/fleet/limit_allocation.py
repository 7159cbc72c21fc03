"""Divide the transformer's power into limits of the buildings: by the plan, and safe if one is silent
(pure).

The order of sources: a plan of this step · the last good plan, while it is at most ``PLAN_AGE_MAX_S`` old
·
the static fail-safe shares.  In each case the sum of all limits that the buildings may hold stays within
the
transformer's limit.  ``distribute_limit`` gives limits by a plan, ``grant_limits`` those that may be sent
while others may still hold older ones, ``scale_shares`` those that hold in any silence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_district.fleet.building_state import ENVELOPE, Availability, BuildingState
from quartier_district.fleet.district_file import DistrictFile
from quartier_district.fleet.planning_input import PlanSteps
from quartier_district.optimiser.plan_records import DistrictPlan, PlanFailure

StepLimits = tuple[float, ...]
# Below this many W two rounds of sharing are the same.
_POWER_MIN_W = 0.01


def scale_shares(wanted_w: Mapping[str, float], limit_w: float) -> dict[str, float]:
    """Fail-safe shares that fit under a limit: as they are, or all made smaller alike."""
    total_w = sum(wanted_w.values())
    scale = 1.0 if total_w <= limit_w else limit_w / total_w
    return {name: watts * scale for name, watts in wanted_w.items()}


def distribute_limit(
    planned_w: Mapping[str, float], contract_w: Mapping[str, float], limit_w: float
) -> dict[str, float]:
    """Caps of one step: what is planned, and what is left over dealt out by contract.

    Where the plans alone pass the limit, all are made smaller alike: then the buildings shed.
    """
    found = scale_shares({name: min(planned_w[name], contract_w[name]) for name in contract_w}, limit_w)
    left_w = limit_w - sum(found.values())
    open_ones = {name for name in found if contract_w[name] - found[name] > _POWER_MIN_W}
    while left_w > _POWER_MIN_W and open_ones:
        weight = sum(contract_w[name] for name in open_ones)
        dealt_w = 0.0
        for name in sorted(open_ones):
            more_w = min(left_w * contract_w[name] / weight, contract_w[name] - found[name])
            found[name] += more_w
            dealt_w += more_w
        left_w -= dealt_w
        open_ones = {name for name in open_ones if contract_w[name] - found[name] > _POWER_MIN_W}
    return found


def grant_limits(
    wanted_w: Mapping[str, StepLimits],
    possible_limits_w: Mapping[str, StepLimits],
    limit_w: Sequence[float],
) -> dict[str, StepLimits]:
    """Return the cap to send to each building now, step by step.

    ``may_hold_w`` is the highest cap that a building may be following, of all that was sent and not taken
    back. A lower cap is sent at once; a higher one only as far as the limit has room
    for the caps that the others may still hold.
    """
    names = sorted(wanted_w)
    granted_w: dict[str, list[float]] = {name: [] for name in names}
    for step, most_w in enumerate(limit_w):
        room_w = max(most_w - sum(series[step] for series in possible_limits_w.values()), 0.0)
        more_w = {name: max(wanted_w[name][step] - possible_limits_w[name][step], 0.0) for name in names}
        total_w = sum(more_w.values())
        part = 1.0 if total_w <= room_w else room_w / total_w
        for name in names:
            granted_w[name].append(
                min(wanted_w[name][step], possible_limits_w[name][step]) + more_w[name] * part
            )
    return {name: tuple(series) for name, series in granted_w.items()}


PLAN_AGE_MAX_S = 3_600.0
DIRECTIONS = ("import", "export")
ENVELOPE_TOPIC = f"{ENVELOPE}/district"
LimitSeries = Mapping[str, Mapping[str, tuple[float, ...]]]
"""By direction, building and step, in W."""


@dataclass(frozen=True, slots=True)
class DatedPlan:
    """A plan and the steps it is made for."""

    plan: DistrictPlan
    grid: PlanSteps


@dataclass
class LimitAllocator:
    """Keeper of the last good plan, which decides the source in force."""

    roster: DistrictFile
    last: DatedPlan | None = None
    failure: PlanFailure | None = None
    failures_count: int = 0

    def take(self, found: DistrictPlan | PlanFailure, grid: PlanSteps) -> None:
        """The optimiser's answer."""
        if isinstance(found, PlanFailure):
            self.failure = found
            self.failures_count += 1
        else:
            self.last, self.failure = DatedPlan(found, grid), None

    def source(self, now_ms: int) -> str:
        """Return the source in force: ``plan``, ``last plan`` or ``shares``."""
        if (
            self.last is None
            or (now_ms - self.last.grid.start_ms) / 1e3 > PLAN_AGE_MAX_S + self.roster.step_s
        ):
            return "shares"
        return "plan" if self.failure is None else "last plan"

    def compute_reserved_w(
        self, members: Iterable[BuildingState], grid: PlanSteps, now_ms: int
    ) -> dict[str, tuple[float, ...]]:
        """Return the power reserved for buildings that cannot be counted on, W, by direction and step.

        It is their share, or more where they may still hold a higher cap.
        """
        lost = [member for member in members if member.standing(now_ms) is not Availability.LIVE]
        found = {}
        for direction in DIRECTIONS:
            held = [_compute_counted_w(member, direction, grid.step_starts_ms) for member in lost]
            found[direction] = (
                tuple(sum(column) for column in zip(*held, strict=True)) if held else (0.0,) * grid.count
            )
        return found

    def compute_limits_w(self, members: Sequence[BuildingState], grid: PlanSteps, now_ms: int) -> LimitSeries:
        """Return the cap to send to each building now for the steps of ``grid``."""
        granted_w = {}
        for direction in DIRECTIONS:
            wanted, held = self._compute_wanted_w(members, direction, grid, now_ms), {}
            for member in members:
                edge, share_w = member.place.edge, member.place.share_w(direction)
                held[edge] = member.find_sent_documents(ENVELOPE_TOPIC).list_possible_limits_w(
                    direction, grid.step_starts_ms, share_w
                )
                if member.standing(now_ms) is not Availability.LIVE:
                    # Counted at its share at least, told no more than it holds: it could not say so.
                    wanted[edge] = tuple(map(min, wanted[edge], held[edge]))
                    held[edge] = _compute_counted_w(member, direction, grid.step_starts_ms)
            limits = [self.roster.limit_w(direction)] * grid.count
            granted_w[direction] = grant_limits(wanted, held, limits)
        return granted_w

    def _compute_wanted_w(
        self, members: Sequence[BuildingState], direction: str, grid: PlanSteps, now_ms: int
    ) -> dict[str, tuple[float, ...]]:
        """Return the cap that each should have: the plan's, the rest shared; a lost one at most its share."""
        roster, columns = self.roster, []
        lost = {member.place.edge for member in members if member.standing(now_ms) is not Availability.LIVE}
        share_w = roster.shares_w(direction)
        contract_w = {
            member.place.edge: member.place.contract_w(direction)
            for member in members
            if member.place.edge not in lost
        }
        reserved_w = self.compute_reserved_w(members, grid, now_ms)[direction]
        for step, at_ms in enumerate(grid.step_starts_ms):
            planned = self._find_planned_w(direction, at_ms, now_ms)
            if planned is None:
                columns.append(dict(share_w))
                continue
            room_w = max(roster.limit_w(direction) - reserved_w[step], 0.0)
            requested_w = {edge: planned.get(edge, share_w[edge]) for edge in contract_w}
            columns.append(
                {edge: share_w[edge] for edge in lost} | distribute_limit(requested_w, contract_w, room_w)
            )
        return {
            member.place.edge: tuple(column[member.place.edge] for column in columns) for member in members
        }

    def _find_planned_w(self, direction: str, at_ms: int, now_ms: int) -> dict[str, float] | None:
        """The plan's powers of a moment; None where no plan counts."""
        if self.last is None or self.source(now_ms) == "shares":
            return None
        place = self.last.grid.place(at_ms)
        if not 0 <= place < self.last.grid.count:
            return None
        lots = self.last.plan.lots
        return {
            edge: (lot.import_w if direction == "import" else lot.export_w)[place]
            for edge, lot in lots.items()
        }


def _compute_counted_w(
    member: BuildingState, direction: str, step_starts_ms: Sequence[int]
) -> tuple[float, ...]:
    """Return the power reserved for a lost building: its share, a cap it may hold, or its present power."""
    share_w = member.place.share_w(direction)
    held_w = member.find_sent_documents(ENVELOPE_TOPIC).list_possible_limits_w(
        direction, step_starts_ms, share_w
    )
    takes_w = member.power_w or 0.0
    if direction == "import" and member.over_ms is not None:
        return tuple(max(watts, share_w, takes_w) for watts in held_w)
    return tuple(max(watts, share_w) for watts in held_w)
