"""What may happen to a world: each move is a name with its arguments, so that it can be written down and replayed.

``drawn`` picks one; ``made`` does it.  A move with a count of cycles behind it is one step of a walk.
"""

from collections.abc import Callable
from math import inf, nan
from random import Random
from typing import Any

from tests.gateway.control.walk.simulated_site import Car, point_of
from tests.gateway.control.walk.world import World

from quartier.control.orders import setpoints
from quartier.control.orders.commands import OPS
from quartier.control.orders.overrides import find_override_fault
from quartier.control.reason import make_text_reason
from quartier.control.requests import LocalPlan, PlanAim, PlanLeg
from quartier.site.asset_types import ROOT_NODE, Battery, ChargePointAsset, OperationModeAsset, Pv

Move = tuple[str, tuple[Any, ...]]
_WALK = make_text_reason("a walk")
ODD = (0.0, -1.0, 50.0, -3_000.0, 8_000.0, 99_999.0, 3.6e9, -32_768.0, 32_767.0, 65_535.0, 4_294_967_295.0)
ODD += (nan, inf, -inf, 1e300, 5e-324)
TIMES = (1_000.0, 0.001, -1.0, 10.0, -1_000.0, 1.73)
WATTS = (0.0, 300.0, 1_000.0, 4_999.0, 5_001.0, 9_000.0, 1e6)
WRONG = (nan, inf, -inf, -1.0)
SPANS_S = (1.0, 61.0, 600.0, 3_600.0, 100_000.0)
CYCLES = ((1, 80), (2, 12), (5, 5), (30, 1.5), (140, 0.3))


def _points(world: World) -> list[str]:
    """Every point that a device tells."""
    return [point for points, _ in world.simulated_site._layouts.values() for point in points]


def _owners(world: World) -> list[str]:
    house = world.built
    named = (*house.assets, *house.contacts, *house.nodes, *house.supplies)
    return list(dict.fromkeys(["grid", "grid", *(one.name for one in named)]))


def _lie(world: World, random: Random) -> tuple[Any, ...]:
    how = random.choice(("is", "is", "times", "times", "stands", "bad", "stale"))
    by = {"is": random.choice(ODD), "times": random.choice(TIMES)}.get(how, 0.0)
    points = _points(world)
    return (random.choice(points), how, by) if points else ("grid.power_w", how, by)


def _lost(world: World, random: Random) -> tuple[Any, ...]:
    pool = [*_owners(world), *_points(world)]
    return ([random.choice(pool) for _ in range(random.randint(0, 3))],)


def _document(_: World, random: Random) -> tuple[Any, ...]:
    pick = random.choice
    caps: list[float | None] = [
        pick(WATTS),
        pick(WATTS),
        pick((None, None, *WATTS)),
        pick((None, None, *WATTS)),
    ]
    if random.random() < 0.1:
        caps[random.randrange(4)] = pick(WRONG)
    return (
        pick(("dso", "district")),
        pick((-1, 0, 1, 1, 1, 1)),
        caps,
        pick((0.0, 0.0, 0.0, -600.0, 60.0, 3_600.0)),
        pick(SPANS_S),
        pick(("hold", "failsafe")),
        pick((0.0, 0.0, 0.0, 120.0)),
        pick((None, None, None, 100.0)),
    )


def _document_made(world: World, program, newer, caps, starts_s, span_s, on_loss, randomize_s, ramp) -> None:
    more = {"on_loss": on_loss, "randomize_start_s": randomize_s, "ramp_w_per_s": ramp}
    world.document(program, newer, caps, starts_s, span_s, **more)


def _by_hand(world: World, random: Random) -> tuple[Any, ...]:
    asset = random.choice(world.house.assets)
    values: list[float | None] = [None, 0.0, 1.0]
    if isinstance(asset, Battery):
        values += [-5_000.0, -1_000.0, 3_000.0]
    elif isinstance(asset, ChargePointAsset):
        values += [6.0, 10.0, asset.current_max_a]
    elif isinstance(asset, OperationModeAsset):
        values += [float(i) for i in range(len(asset.modes))]
    elif isinstance(asset, Pv):
        values += [0.3 * asset.rated_w]
    values = [value for value in values if value is None or not find_override_fault(asset, value)]
    return asset.name, random.choice(values), random.choice((1.0, 30.0, 600.0, 7_200.0, 86_400.0))


def _command(world: World, random: Random) -> tuple[Any, ...]:
    pick, asset = random.choice, random.choice(world.house.assets)
    for_s = pick((1.0, 30.0, 600.0, 3_600.0))
    powers = (0.0, asset.rated_w, -asset.rated_w, 0.5 * asset.rated_w, -0.5 * asset.rated_w)
    watts = pick([watts for watts in powers if not setpoints.find_power_fault(asset, watts)] or [0.0])
    return pick(
        (
            ("shed", pick((0, 1, 2, 3)), for_s),
            ("setpoint", asset.name, watts, for_s),
            ("setpoint", asset.name, watts, for_s),
            ("mode", pick(("auto", "manual", "maintenance")), for_s),
            ("test_failsafe", min(for_s, 600.0)),
            ("release",),
        )
    )


def _car(world: World, random: Random) -> tuple[Any, ...]:
    cars = [asset.name for asset in world.built.assets if isinstance(asset, ChargePointAsset)]
    wants_wh = random.choice((inf, 500.0, 20_000.0))
    leaves_s = random.choice((None, 600.0, 36_000.0))
    return (
        random.choice(cars or [""]),
        random.choice((0, 0, 1, 2, 3, 3)),
        random.choice((6.0, 16.0, 32.0)),
        wants_wh,
        leaves_s,
    )


def _car_made(world: World, name: str, phases: int, max_a: float, wants_wh: float, leaves_s) -> None:
    world.simulated_site.cars.pop(name, None)
    if phases and name:
        leaves_t = None if leaves_s is None else world.t + leaves_s
        world.simulated_site.cars[name] = Car(phases, max_a, wants_wh, 0.0, leaves_t)


def _base(world: World, random: Random) -> tuple[Any, ...]:
    node = random.choice((ROOT_NODE, ROOT_NODE, *(node.name for node in world.built.nodes)))
    whole = random.choice((0.0, 200.0, 2_500.0, 9_000.0, 40_000.0, -2_000.0))
    skew = random.choice(((1 / 3, 1 / 3, 1 / 3), (1.0, 0.0, 0.0), (0.0, 0.7, 0.3)))
    return node, [whole * part for part in skew]


def _base_made(world: World, node: str, three: list[float]) -> None:
    world.simulated_site.base_w[node] = tuple(three)
    if node != ROOT_NODE and not any(three):
        del world.simulated_site.base_w[node]


def _use(world: World, random: Random) -> tuple[Any, ...]:
    return random.choice(list(world.simulated_site.use)), random.choice((0.0, 0.05, 0.5, 1.0, 1.0, 1.1))


def _sense(world: World, random: Random) -> tuple[Any, ...]:
    near = {
        "tank_c": (-40.0, 44.9, 50.0, 60.1, 95.0),
        "room_c": (5.0, 19.9, 22.0, 26.1, 40.0),
        "co2_ppm": (400.0, 1_199.0, 1_300.0, 5_000.0),
        "supply_c": (2.0, 8.5, 40.0, 74.5, 90.0),
        "return_c": (2.0, 30.0, 61.0),
        "waiting_on": (0.0, 1.0),
        "left_s": (0.0, 600.0, 3_600.0, 1e5),
    }
    points = list(world.simulated_site.senses) or ["none.tank_c"]
    point = random.choice(points)
    return point, random.choice(near[point.partition(".")[2]])


def _conflict(world: World, random: Random) -> tuple[Any, ...]:
    asset = random.choice(world.built.assets)
    values = [0.0, 1.0, 6.0, 16.0, 50.0, 500.0]
    if isinstance(asset, OperationModeAsset):
        values = [mode.value for mode in asset.modes]
    return point_of(asset), random.choice(values), random.choice(("once", "once", "always"))


def _conflict_made(world: World, point: str, value: float, how_often: str) -> None:
    world.simulated_site.orders[point], world.simulated_site.told_t[point] = value, world.t
    world.judge.meddles(point)
    if how_often == "always":
        world.simulated_site.other_writers[point] = value


def _well(world: World) -> None:
    simulated_site = world.simulated_site
    simulated_site.lies, simulated_site.silent, simulated_site.deaf, simulated_site.other_writers = (
        {},
        set(),
        set(),
        {},
    )


def _grid(_: World, random: Random) -> tuple[Any, ...]:
    goal_hz = random.choice((50.0, 50.0, 49.95, 49.85, 49.75, 49.79, 49.45, 49.1, 48.8, 50.15, 50.3, 51.4))
    return goal_hz, random.choice((0.1, 0.5, 2.0))


def _grid_made(world: World, goal_hz: float, slope: float) -> None:
    world.simulated_site.hz_goal, world.simulated_site.hz_slope = goal_hz, slope


def _volts(_: World, random: Random) -> tuple[Any, ...]:
    each = random.choice((100.0, 100.0, 100.0, 88.0, 89.9, 111.0, 45.0, 0.0))
    volts = [each] * 3
    if random.random() < 0.3:
        volts[random.randrange(3)] = random.choice((100.0, 0.0, 87.0))
    return (volts,)


def _plan(world: World, random: Random) -> tuple[Any, ...]:
    """A battery and another asset, some aims and legs of any size, how old and how long they are worth something.

    The other may be none that the house has, and what it shall do none that it can.
    """
    units = [asset.name for asset in world.built.assets if isinstance(asset, Battery)]
    found = []
    for _ in range(random.randint(1, 3)):
        low_w, high_w = sorted(random.choice((-inf, -5e3, -500.0, 0.0, 500.0, 5e3, inf)) for _ in range(2))
        power_w = random.choice((0.0, 0.0, 800.0, -800.0, 5e3, -5e3, 1e6, -1e6))
        found.append((random.choice((5.0, 60.0, 900.0)), power_w, low_w, high_w))
    others = [asset.name for asset in world.built.assets]
    legs = [
        (random.choice((5.0, 60.0, 900.0)), random.choice((0.0, 0.0, 1.0, 2.0, 6.0, 9.5, 16.0, -3.0, 400.0)))
        for _ in range(random.randint(0, 3))
    ]
    led = {random.choice([*others, "none"]): legs for _ in range(random.randint(0, 3))}
    spans = random.choice((3.0, 60.0, 900.0, 1e5)), random.choice((0.0, 0.0, 30.0, 1_200.0))
    return random.choice(units or ["none"]), found, led, *spans


def _plan_made(world: World, asset, found, led, valid_s, old_s) -> None:
    now = world.now()
    world.plan = LocalPlan(
        start_ns=now.ns - int(old_s * 1e9),
        expires_ns=now.ns + int((valid_s - old_s) * 1e9),
        offset_ms=now.utc_ms - now.ns // 1_000_000,
        aims={asset: tuple(PlanAim(*numbers, _WALK) for numbers in found)},
        legs={name: tuple(PlanLeg(*numbers, _WALK) for numbers in legs) for name, legs in led.items()},
    )


def _reread(world: World, random: Random) -> tuple[Any, ...]:
    names = [asset.name for asset in world.built.assets]
    return random.choice((None, None, *names)), random.choice((None, *names))


def _name(world: World, random: Random) -> tuple[Any, ...]:
    return (random.choice([asset.name for asset in world.built.assets]),)


def _set(owner: Callable[[World], Any], key: str) -> Callable[..., None]:
    return lambda world, value: setattr(owner(world), key, value)


def _one(*values: Any) -> Callable[[World, Random], tuple[Any, ...]]:
    return lambda _, random: (random.choice(values),)


def _soc(world: World, random: Random) -> tuple[Any, ...]:
    return random.choice(list(world.simulated_site.soc_pct) or [""]), random.choice(
        (0.0, 9.9, 20.1, 50.0, 94.9, 100.0)
    )


def _put(into: Callable[[World], dict]) -> Callable[..., None]:
    def made(world: World, key: Any, value: Any) -> None:
        if key in into(world):
            into(world)[key] = value

    return made


def _none(world: World, random: Random) -> tuple[Any, ...]:
    del world, random
    return ()


# name: how often beside the rest, how its arguments are drawn, what it does
TABLE: dict[str, tuple[int, Callable[[World, Random], tuple[Any, ...]], Callable[..., None]]] = {
    "time passes": (30, _none, lambda _: None),
    "late": (2, _one(2.0, 7.0, 90.0, 3_600.0), World.late),
    "lie": (6, _lie, lambda world, point, how, by: world.simulated_site.lies.update({point: (how, by)})),
    "well": (8, _none, _well),
    "lost": (3, _lost, lambda world, names: setattr(world.simulated_site, "silent", set(names))),
    "deaf": (1, _name, lambda world, name: world.simulated_site.deaf.add(name)),
    "conflict": (1, _conflict, _conflict_made),
    "base": (4, _base, _base_made),
    "sun": (2, _one(0.0, 0.2, 1.0), _set(lambda world: world.simulated_site, "sun")),
    "use": (4, _use, _put(lambda world: world.simulated_site.use)),
    "car": (5, _car, _car_made),
    "soc": (2, _soc, _put(lambda world: world.simulated_site.soc_pct)),
    "sense": (3, _sense, _put(lambda world: world.simulated_site.senses)),
    "frequency": (3, _grid, _grid_made),
    "voltage": (2, _volts, _set(lambda world: world.simulated_site, "volts_pct")),
    "contact": (
        2,
        lambda w, r: (r.choice([*w.simulated_site.closed, ""]), r.random() < 0.5),
        _put(lambda w: w.simulated_site.closed),
    ),
    "operator": (
        1,
        lambda _, r: r.choice(
            (("subscribed_power_va", 6_000.0), ("over_current_on", 1.0), ("over_current_on", 0.0))
        ),
        _put(lambda world: world.simulated_site.operator),
    ),
    "beat": (12, _none, World.beat),
    "document": (6, _document, _document_made),
    "values": (
        1,
        lambda w, r: (
            int(w.t) - r.choice((0, 1_000)),
            r.choice((*WATTS, nan)),
            r.choice(WATTS),
            r.choice((0.0, 7_200.0)),
        ),
        World.values,
    ),
    "command": (3, _command, lambda world, op, *fields: world.command(OPS[op](*fields))),
    "by hand": (4, _by_hand, World.by_hand),
    "plan": (4, _plan, _plan_made),
    "cancelled": (2, _name, lambda world, name: world.hands.pop(name, None)),
    "restart": (
        1,
        lambda _, r: (r.choice((0.0, 3.0, 40.3, 4_000.0)), r.random() < 0.3, r.random() < 0.3),
        lambda world, down_s, dark, reboot: world.restart(down_s, dark=dark, reboot=reboot),
    ),
    "reread": (1, _reread, World.reread),
    "jump": (
        1,
        _one(-1e6, -3_600.0, -61.5, 61.5, 3_600.0, 1e6),
        lambda w, by_s: setattr(w, "jump_s", w.jump_s + by_s),
    ),
    "synced": (1, _one(True, True, False), _set(lambda world: world, "synced")),
}
NAMES = tuple(TABLE)
_WEIGHTS = [weight for weight, _, _ in TABLE.values()]


def drawn(world: World, random: Random, name: str | None = None) -> Move:
    """A move that may happen now; of a ``name``, if one is given."""
    chosen = name or random.choices(NAMES, _WEIGHTS)[0]
    return chosen, TABLE[chosen][1](world, random)


def made(world: World, move: Move, cycles_count: int) -> None:
    """It happens, then some cycles pass."""
    name, arguments = move
    TABLE[name][2](world, *arguments)
    world.cycles(cycles_count)


def count(random: Random) -> int:
    """For how many cycles nothing else happens."""
    return random.choices([n for n, _ in CYCLES], [weight for _, weight in CYCLES])[0]
