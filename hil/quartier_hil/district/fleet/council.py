"""Turn plans into caps: the plan in force, the caps of silent buildings, the caps to send now (pure).

The order of sources: a plan of this step · the last good plan, while it is at most ``OLD_S`` old · the static
fail-safe shares. Whatever counts, the sum of all that the buildings may hold stays within the transformer's
limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_hil.district import shares
from quartier_hil.district.fleet.member import ENVELOPE, Member, Standing
from quartier_hil.district.fleet.outlook import Grid
from quartier_hil.district.fleet.roster import Roster
from quartier_hil.district.optimum.plan import Failure, Plan

OLD_S = 3_600.0
DIRECTIONS = ("import", "export")
TOPIC = f"{ENVELOPE}/district"
Caps = Mapping[str, Mapping[str, tuple[float, ...]]]
"""By direction, building and step, in W."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A plan and the steps it is made for."""

    plan: Plan
    grid: Grid


@dataclass
class Council:
    """Keeper of the last good plan, which decides the source in force."""

    roster: Roster
    last: Dated | None = None
    failure: Failure | None = None
    failures_count: int = 0

    def take(self, found: Plan | Failure, grid: Grid) -> None:
        """The optimiser's answer."""
        if isinstance(found, Failure):
            self.failure = found
            self.failures_count += 1
        else:
            self.last, self.failure = Dated(found, grid), None

    def source(self, now_ms: int) -> str:
        """Return the source in force: ``plan``, ``last plan`` or ``shares``."""
        if self.last is None or (now_ms - self.last.grid.start_ms) / 1e3 > OLD_S + self.roster.step_s:
            return "shares"
        return "plan" if self.failure is None else "last plan"

    def reserved_w(self, members: Iterable[Member], grid: Grid, now_ms: int) -> dict[str, tuple[float, ...]]:
        """Return the power reserved for buildings that cannot be counted on, W, by direction and step.

        It is their share, or more where they may still hold a higher cap.
        """
        lost = [member for member in members if member.standing(now_ms) is not Standing.LIVE]
        found = {}
        for direction in DIRECTIONS:
            held = [_counted_w(member, direction, grid.moments_ms) for member in lost]
            found[direction] = (
                tuple(sum(column) for column in zip(*held, strict=True)) if held else (0.0,) * grid.count
            )
        return found

    def told_w(self, members: Sequence[Member], grid: Grid, now_ms: int) -> Caps:
        """Return the cap to send to each building now for the steps of ``grid``."""
        told = {}
        for direction in DIRECTIONS:
            wanted, held = self._wanted_w(members, direction, grid, now_ms), {}
            for member in members:
                edge, share_w = member.place.edge, member.place.share_w(direction)
                held[edge] = member.told(TOPIC).may_hold_w(direction, grid.moments_ms, share_w)
                if member.standing(now_ms) is not Standing.LIVE:
                    # Counted at its share at least, told no more than it holds: it could not say so.
                    wanted[edge] = tuple(map(min, wanted[edge], held[edge]))
                    held[edge] = _counted_w(member, direction, grid.moments_ms)
            limits = [self.roster.limit_w(direction)] * grid.count
            told[direction] = shares.granted(wanted, held, limits)
        return told

    def _wanted_w(
        self, members: Sequence[Member], direction: str, grid: Grid, now_ms: int
    ) -> dict[str, tuple[float, ...]]:
        """Return the cap that each should have: the plan's, the rest shared; a lost one at most its share."""
        roster, columns = self.roster, []
        lost = {member.place.edge for member in members if member.standing(now_ms) is not Standing.LIVE}
        share_w = roster.shares_w(direction)
        contract_w = {
            member.place.edge: member.place.contract_w(direction)
            for member in members
            if member.place.edge not in lost
        }
        reserved_w = self.reserved_w(members, grid, now_ms)[direction]
        for step, at_ms in enumerate(grid.moments_ms):
            planned = self._planned_w(direction, at_ms, now_ms)
            if planned is None:
                columns.append(dict(share_w))
                continue
            room_w = max(roster.limit_w(direction) - reserved_w[step], 0.0)
            wants = {edge: planned.get(edge, share_w[edge]) for edge in contract_w}
            columns.append({edge: share_w[edge] for edge in lost} | shares.caps(wants, contract_w, room_w))
        return {
            member.place.edge: tuple(column[member.place.edge] for column in columns) for member in members
        }

    def _planned_w(self, direction: str, at_ms: int, now_ms: int) -> dict[str, float] | None:
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


def _counted_w(member: Member, direction: str, moments_ms: Sequence[int]) -> tuple[float, ...]:
    """Return the power reserved for a lost building: its share, a cap it may hold, or its present power."""
    share_w = member.place.share_w(direction)
    held_w = member.told(TOPIC).may_hold_w(direction, moments_ms, share_w)
    takes_w = member.power_w or 0.0
    if direction == "import" and member.over_ms is not None:
        return tuple(max(watts, share_w, takes_w) for watts in held_w)
    return tuple(max(watts, share_w) for watts in held_w)
