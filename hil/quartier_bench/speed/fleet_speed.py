"""Speed of the cycle of a whole fleet: the kernel against its twin, and two threads against one.

The fleet is seeded: charge points in a pool, loads of all tiers, a heat pump, lights, PV and batteries
under three boards; half of the buildings have a limit that binds.
"""

import random
import time
from array import array
from dataclasses import dataclass, fields
from threading import Barrier, Thread
from types import ModuleType
from typing import Any

from quartier_bench.speed.measurement import Figure, make_comparison
from quartier_native import fleet as kernel
from quartier_native.fleets import (
    BATTERY,
    DIVISIBLE,
    EV,
    LOAD,
    MODED,
    PV_LIMIT,
    PV_RELAY,
    TIER_B,
    TIER_C,
    TIER_D,
    Building,
    Unit,
)
from quartier_native.reference import fleet as twin

STEPPED_BUILDINGS = 100
"""Number of buildings in the fleet that both sides step."""
THREADED_BUILDINGS = 4000
"""Number of buildings in the fleet that threads share."""
CYCLES = 20
SHED_HISTORY = 16
"""That are remembered of a unit; memory is what a large fleet waits for."""
_NS_PER_S = 1_000_000_000
_ON_ALL_PHASES, _ON_L1, _ON_L2 = (1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def make_building(source: random.Random) -> Building:
    """A connection with three boards (plant, parking, floors) and 15 to 25 units."""
    floor_w, full_w = 1380.0, 3680.0
    units = [
        Unit(
            kind=EV,
            home=2,
            share=source.choice([_ON_L1, _ON_L2]),
            rated_w=full_w,
            floor_w=floor_w,
            ampere_w=230.0,
            pool=0,
            min_on_s=60,
            min_off_s=180,
        )
        for _ in range(source.randint(4, 8))
    ]
    units += [
        Unit(
            kind=LOAD,
            home=3,
            share=source.choice([_ON_ALL_PHASES, _ON_L2]),
            tier=source.choice([TIER_D, TIER_C, TIER_B]),
            rated_w=source.uniform(500, 4000),
            comfort_cost=source.choice([0.0, 1.0]),
            min_on_s=300,
            min_off_s=180,
        )
        for _ in range(source.randint(5, 9))
    ]
    units += [
        Unit(
            kind=MODED,
            home=1,
            share=_ON_ALL_PHASES,
            tier=TIER_C,
            modes_w=(9000.0, 6000.0, 0.0),
            normal=1,
            min_off_s=600,
        ),
        Unit(kind=MODED, home=3, share=_ON_L1, tier=TIER_C, modes_w=(800.0, 600.0, 400.0)),
        Unit(kind=DIVISIBLE, home=1, share=_ON_ALL_PHASES, rated_w=3000.0),
        Unit(kind=PV_LIMIT, home=1, share=_ON_ALL_PHASES, rated_w=15_000.0),
        Unit(kind=PV_RELAY, home=3, share=_ON_L2, rated_w=3000.0, min_off_s=300),
    ]
    units += [
        Unit(
            kind=BATTERY,
            home=1,
            share=_ON_ALL_PHASES,
            rated_w=8000.0,
            charge_max_w=8000.0,
            discharge_max_w=8000.0,
            ramp_max_w_per_s=2000.0,
            soc_floor_pct=20.0,
            soc_max_pct=95.0,
        )
        for _ in range(source.randint(1, 2))
    ]
    return Building((-1, 0, 0, 0), units)


def make_buildings(count: int) -> list[Building]:
    """The first ``count`` of the fleet."""
    source = random.Random("fleets")  # noqa: S311 - a plant, no secret
    return [make_building(source) for _ in range(count)]


def make_inputs(made: Any) -> Any:
    """Readings and caps of one moment."""
    source = random.Random("readings")  # noqa: S311 - a plant, no secret
    inputs = made.columns().inputs()
    for at, unit in enumerate(made.units):
        most_w = unit.modes_w[unit.normal] if unit.modes_w else unit.rated_w
        sign = -1.0 if unit.kind in {PV_LIMIT, PV_RELAY} else 1.0
        inputs.present_w[at] = sign * source.choice([0.0, most_w, most_w * source.random()])
        inputs.soc_pct[at] = source.uniform(15, 97)
    for number in range(made.building_count):
        rest_w = source.uniform(500, 6000)
        inputs.rest_w[number] = rest_w
        first = made.row_starts[number]
        inputs.high_w[first], inputs.low_w[first] = rest_w, rest_w - 200.0
        if source.random() < 0.5:
            inputs.import_max_w[first] = source.uniform(4000, 16_000)
            inputs.import_max_w[first + 9] = source.uniform(2000, 8000)  # l1 of the parking
    return inputs


@dataclass(slots=True)
class FleetRun:
    """A fleet that goes on from cycle to cycle, one second each."""

    module: ModuleType
    made: Any
    inputs: Any
    state: Any
    result: Any
    now_s: int = 0

    def cycles(self, count: int, begin: int = 0, end: int | None = None) -> None:
        """Step the buildings of a range."""
        for number in range(count):
            now_ns = (self.now_s + number) * _NS_PER_S
            self.module.step_many(self.made, self.state, self.inputs, self.result, now_ns, 1.0, begin, end)

    def anew(self) -> None:
        """Begin where nothing happened."""
        fresh = self.made.columns(SHED_HISTORY).state()
        for column in fields(fresh):
            setattr(self.state, column.name, getattr(fresh, column.name))


def start_fleet(module: ModuleType, count: int) -> FleetRun:
    """The fleet before its first cycle."""
    made = module.Fleet(make_buildings(count))
    columns = made.columns(SHED_HISTORY)
    return FleetRun(module, made, make_inputs(made), columns.state(), columns.result())


def have_same_result(ours: FleetRun, theirs: FleetRun) -> bool:
    """Return whether both decided and remember the same, bit by bit."""
    return all(
        bytes(getattr(mine, column.name)) == bytes(getattr(other, column.name))
        for mine, other in ((ours.state, theirs.state), (ours.result, theirs.result))
        for column in fields(mine)
        if isinstance(getattr(mine, column.name), array)
    )


def measure_fleet(rounds: int) -> list[Figure]:
    """``fleet.step`` in CPU time a building, ``fleet.threads`` in buildings a second of the clock."""
    ours, theirs = start_fleet(kernel, STEPPED_BUILDINGS), start_fleet(twin, STEPPED_BUILDINGS)
    pairs = [(_measure_cpu_us(ours), _measure_cpu_us(theirs)) for _ in range(rounds)]
    if not have_same_result(ours, theirs):
        raise ValueError("the fleet's kernel and its twin do not decide the same")
    what = f"a building's cycle in a fleet, {len(ours.made.units) / STEPPED_BUILDINGS:.0f} units"
    step = make_comparison(
        "fleet.step", what, [a for a, _ in pairs], [b for _, b in pairs], "us", 1 / 100, peer_name="its twin"
    )
    large = start_fleet(kernel, THREADED_BUILDINGS)
    two, one = zip(
        *((_measure_buildings_per_s(large, 2), _measure_buildings_per_s(large, 1)) for _ in range(rounds)),
        strict=True,
    )
    threads = make_comparison(
        "fleet.threads", "cycles by two threads", two, one, "buildings/s", 1.8, "more", peer_name="one thread"
    )
    return [step, threads]


def _measure_cpu_us(one: FleetRun) -> float:
    """Microseconds of CPU a building and cycle, from the first cycle on."""
    one.anew()
    before_s = time.process_time()
    one.cycles(CYCLES)
    return 1e6 * (time.process_time() - before_s) / CYCLES / STEPPED_BUILDINGS


def _measure_buildings_per_s(one: FleetRun, count: int) -> float:
    """Buildings stepped a second by ``count`` threads, each with its share of the fleet."""
    one.anew()
    gate = Barrier(count + 1)

    def work(begin: int, end: int) -> None:
        gate.wait()
        one.cycles(2 * CYCLES, begin, end)

    shares = [
        (number * THREADED_BUILDINGS // count, (number + 1) * THREADED_BUILDINGS // count)
        for number in range(count)
    ]
    threads = [Thread(target=work, args=share) for share in shares]
    for thread in threads:
        thread.start()
    gate.wait()
    before_s = time.perf_counter()
    for thread in threads:
        thread.join()
    return 2 * CYCLES * THREADED_BUILDINGS / (time.perf_counter() - before_s)
