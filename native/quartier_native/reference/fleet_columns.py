"""Defines the buildings and units of a fleet, and the columns that a step of it reads and changes."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from quartier_native.reference.allocation import ASSET_MAX, POWER_MAX_W, STEP_MAX
from quartier_native.reference.tree import POOL_MAX, Tree

LOAD, DIVISIBLE, EV, BATTERY, PV_LIMIT, PV_RELAY, MODED = range(7)
"""Kinds of units: on or off; any power; charge point; battery; PV with a limit, with a relay; in modes."""
TIER_D, TIER_C, TIER_B, TIER_A = range(4)
"""In the order of shedding; A is never shed."""
NONE_W = float("inf")
"""A unit that is not limited."""
LONG_AGO_NS = -(2**62)
TIME_MAX_NS = 2**61
SHEDS_MAX = 256
SHEDS_LEAST = 3
"""So many must be remembered for a relay to switch six times an hour at most."""
VEERS_MAX = 6
MODES_MAX = 64
UNITS_MAX = 2**26
_S = 1_000_000_000
_KINDS = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One asset of a building that control may move; what it cannot is part of the rest.

    ``home`` and ``share`` are those of a ``Tree``; ``pool`` is that of EVs of tier D whose first slowing is
    shared (-1: alone).  ``rated_w``: what it takes at full power, plus also for PV.  EV: ``floor_w`` at its
    least current, ``ampere_w`` for each ampere.  Battery: its powers, plus, and its band, where the reserve
    is the floor.  In modes: what each takes at most, the first most (generating is minus), and the
    ``normal`` one; what went down may go further down at once.  Plain times: least seconds on and off; a PV
    behind a relay has 0 and 300 in a house.
    """

    kind: int
    home: int = 0
    share: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tier: int = TIER_D
    comfort_cost: float = 0.0
    rated_w: float = 0.0
    floor_w: float = 0.0
    ampere_w: float = 1.0
    pool: int = -1
    min_on_s: float = 0.0
    min_off_s: float = 0.0
    charge_max_w: float = 0.0
    discharge_max_w: float = 0.0
    ramp_max_w_per_s: float = 0.0
    soc_floor_pct: float = 0.0
    soc_max_pct: float = 100.0
    modes_w: tuple[float, ...] = ()
    normal: int = 0

    @property
    def mode_count(self) -> int:
        """One at least, also for what has none."""
        return max(len(self.modes_w), 1)

    @property
    def is_machine(self) -> bool:
        """Return whether it must run for a while once started; what generates is none."""
        can_start = self.kind in {LOAD, EV, MODED} and min(self.modes_w, default=0.0) >= 0.0
        return can_start and self.min_on_s > 0.0

    @property
    def step_count(self) -> int:
        """Return how many steps it may have in one list."""
        if self.kind == MODED:
            return len(self.modes_w)
        return 2


@dataclass(frozen=True, slots=True)
class Building:
    """Its nodes, as a ``Tree`` has them, and its units: 64 and 256 at most."""

    under: Sequence[int]
    units: Sequence[Unit]


def tree_of(building: Building) -> Tree:
    """Its tree.  Raises ValueError, with the field, for a building that a step could not work with."""
    if len(building.units) > ASSET_MAX:
        raise ValueError(f"more than {ASSET_MAX} assets")
    for number, unit in enumerate(building.units):
        for name, fault in _faults(unit):
            if fault:
                raise ValueError(f"units[{number}].{name} is outside its range")
    if sum(unit.step_count for unit in building.units) > STEP_MAX:
        raise ValueError(f"more than {STEP_MAX} steps")
    return Tree(building.under, [u.home for u in building.units], [u.share for u in building.units])


def _faults(unit: Unit) -> list[tuple[str, bool]]:
    powers = ("rated_w", "floor_w", "charge_max_w", "discharge_max_w", "ramp_max_w_per_s")
    times = ("min_on_s", "min_off_s")
    return [
        ("kind", unit.kind not in _KINDS),
        ("tier", unit.tier not in range(4)),
        ("pool", not -1 <= unit.pool < POOL_MAX),
        ("comfort_cost", not abs(unit.comfort_cost) <= POWER_MAX_W),
        ("ampere_w", not 1e-3 <= unit.ampere_w <= POWER_MAX_W),
        *((name, not 0.0 <= getattr(unit, name) <= POWER_MAX_W) for name in powers),
        *((name, not 0.0 <= getattr(unit, name) <= 1e9) for name in times),
        ("soc_floor_pct", not 0.0 <= unit.soc_floor_pct <= 100.0),
        ("soc_max_pct", not 0.0 <= unit.soc_max_pct <= 100.0),
        ("modes_w", (unit.kind == MODED) != (1 <= len(unit.modes_w) <= MODES_MAX)),
        ("modes_w", not all(abs(watts) <= POWER_MAX_W for watts in unit.modes_w)),
        ("normal", not 0 <= unit.normal < unit.mode_count),
    ]


@dataclass(slots=True, kw_only=True)
class FleetState:
    """The state between steps, by unit; a step reads it and changes it in place.

    Any writable buffers of these types will do: arrays, numpy, memoryviews.  ``on``, ``held``: B; ``mode``,
    ``shed_count``, ``veer_count``: i; times: q, LONG_AGO_NS for never; powers: d.  ``limit_w``: what it is
    held to, infinite for nothing; ``before_w``: what it took when it was last lowered; ``raised_ns``: when
    one that took all it might was last allowed more, or came back; ``told_ns``: when one that obeys was last
    told to take, or make, less; ``setpoint_w``: what was last decided, NaN for nothing yet.  ``sheds_ns`` has
    ``sheds_room`` places (three at least) for each unit, the oldest first, of which ``shed_count`` are used,
    ``veers_ns`` VEERS_MAX: when one in modes turned its direction.
    """

    on: Any
    since_ns: Any
    limit_w: Any
    before_w: Any
    lowered_ns: Any
    raised_ns: Any
    told_ns: Any
    setpoint_w: Any
    mode: Any
    held: Any
    shed_count: Any
    sheds_ns: Any
    veer_count: Any
    veers_ns: Any
    sheds_room: int = SHEDS_MAX


@dataclass(slots=True, kw_only=True)
class FleetInputs:
    """The inputs of a step; they are only read.

    By unit: ``present_w`` as measured (d), ``soc_pct`` of batteries (d), ``plugged`` 0 where no car is (B),
    its ``tier`` now, and for modes what its class would like: ``wanted``, and the ``highest`` and
    ``lowest`` that a cap may move it to, the mode of most power being 0 (i).  By building (d): ``rest_w``
    that no unit takes and the ``target_w`` that batteries hold the grid at.  By row, four per node of each
    building (d): ``high_w``, ``low_w``, ``import_max_w``, ``export_max_w`` as for ``allocate_tree``.
    """

    present_w: Any
    soc_pct: Any
    plugged: Any
    tier: Any
    wanted: Any
    highest: Any
    lowest: Any
    rest_w: Any
    target_w: Any
    high_w: Any
    low_w: Any
    import_max_w: Any
    export_max_w: Any


@dataclass(slots=True, kw_only=True)
class FleetResult:
    """The results of a step, in addition to the state.

    By unit the row of its building whose limit moved it last, -1 for none (i); by building whether every
    limit holds (B).
    """

    cap_row: Any
    met: Any


@dataclass(slots=True)
class Columns:
    """Complete columns for a fleet: everything runs and no limit applies."""

    units: Sequence[Unit]
    building_count: int
    row_count: int
    sheds_room: int = SHEDS_MAX
    _count: int = field(init=False)

    def __post_init__(self) -> None:
        self._count = len(self.units)

    def state(self) -> FleetState:
        """A state in which nothing ever happened."""
        count, room = self._count, self.sheds_room
        return FleetState(
            on=array("B", [1]) * count,
            since_ns=array("q", [LONG_AGO_NS]) * count,
            limit_w=array("d", [NONE_W]) * count,
            before_w=array("d", [0.0]) * count,
            lowered_ns=array("q", [LONG_AGO_NS]) * count,
            raised_ns=array("q", [LONG_AGO_NS]) * count,
            told_ns=array("q", [LONG_AGO_NS]) * count,
            setpoint_w=array("d", [float("nan")]) * count,
            mode=array("i", [unit.normal for unit in self.units]),
            held=array("B", [0]) * count,
            shed_count=array("i", [0]) * count,
            sheds_ns=array("q", [0]) * (count * room),
            veer_count=array("i", [0]) * count,
            veers_ns=array("q", [0]) * (count * VEERS_MAX),
            sheds_room=room,
        )

    def inputs(self) -> FleetInputs:
        """Nothing takes power, batteries are half full, cars may be there, and there are no caps."""
        count = self._count
        return FleetInputs(
            present_w=array("d", [0.0]) * count,
            soc_pct=array("d", [50.0]) * count,
            plugged=array("B", [1]) * count,
            tier=array("i", [unit.tier for unit in self.units]),
            wanted=array("i", [unit.normal for unit in self.units]),
            highest=array("i", [0]) * count,
            lowest=array("i", [unit.mode_count - 1 for unit in self.units]),
            rest_w=array("d", [0.0]) * self.building_count,
            target_w=array("d", [0.0]) * self.building_count,
            high_w=array("d", [0.0]) * self.row_count,
            low_w=array("d", [0.0]) * self.row_count,
            import_max_w=array("d", [POWER_MAX_W]) * self.row_count,
            export_max_w=array("d", [POWER_MAX_W]) * self.row_count,
        )

    def result(self) -> FleetResult:
        """Room for what is decided."""
        return FleetResult(cap_row=array("i", [-1]) * self._count, met=array("B", [1]) * self.building_count)
