"""Sites of every kind that control knows, drawn by a number: the same number makes the same site."""

from collections.abc import Iterator
from math import inf
from random import Random

from quartier.site import asset_types
from quartier.site.asset_types import (
    PHASES,
    ROOT_NODE,
    Battery,
    ChargePointAsset,
    ControllableAsset,
    GridMeter,
    Load,
    OperationMode,
    Pv,
)
from quartier.site.site_layout import LimitContact, Node, Site, SiteLimits, SupplyMeter

ASSETS_MAX = (2, 4, 4, 6, 10)
PARIS = (48.85, 2.35)
STREET = asset_types.Lights(
    name="street",
    rated_w=2_000,
    tier="C",
    quantity="dim_pct",
    modes=tuple(OperationMode(f"{p} % light", p, 20.0 * p) for p in (100, 90, 80, 70, 60, 50)),
    evening=((22 * 3600, 80), (30 * 60, 60), (5.5 * 3600, 100)),
)
TANK = asset_types.HeatAsset(
    name="tank",
    rated_w=3_000,
    tier="C",
    quantity="sg_ready_state",
    senses=("tank_c",),
    modes=(
        OperationMode("boost", 3, 3_000),
        OperationMode("normal", 2, 2_000),
        OperationMode("blocked", 1, 0),
    ),
    normal=1,
    min_on_s=300,
    min_off_s=180,
    comfort_min_c=45,
    comfort_max_c=60,
)


def made(number: int) -> Site:
    """Return the site of a number: connection, boards, assets of every class, contacts and meters of the operator."""
    random = Random(number)
    nodes = _nodes(random)
    assets = [*_assets(random, [ROOT_NODE, *(node.name for node in nodes)])]
    random.shuffle(assets)
    apparent = not nodes and random.random() < 0.1
    hard_w = random.choice((10_000.0, 10_000.0, 43_000.0))
    limits = SiteLimits(
        import_hard_w=hard_w,
        export_hard_w=0.6 * hard_w,
        import_failsafe_w=0.5 * hard_w,
        export_failsafe_w=random.choice((0.0, 0.0, 0.2 * hard_w)),
        import_autonomous_w=0.8 * hard_w,
        export_autonomous_w=0.6 * hard_w,
    )
    kept = tuple(assets[: random.choice(ASSETS_MAX)])
    return Site(
        name=f"house {number}",
        grid=_grid(random, hard_w, apparent=apparent),
        assets=(*kept, Load(name="lift", rated_w=4_000, tier="A", switchable=random.random() < 0.5)),
        limits=limits,
        cycle_s=random.choice((1.0, 1.0, 1.0, 0.5, 5.0)),
        release_values=dict(_released(random, kept, limits)),
        unmeasured_w=random.choice((None, None, 1_000.0)),
        seed=number,
        contacts=tuple(_contacts(random, hard_w)),
        supplies=tuple(_supplies(random, apparent=apparent)),
        nodes=nodes,
        main_fuse_a=random.choice((inf, 63.0)) if nodes else inf,
    )


def _grid(random: Random, hard_w: float, *, apparent: bool) -> GridMeter:
    return GridMeter(
        name="grid",
        rated_w=hard_w,
        period_s=random.choice((1.0, 1.0, 1.0, 1.0, 10.0)),
        is_apparent=apparent,
        frequency_period_s=random.choice((None, 0.2, 1.0, 1.0)),
        voltage_period_s=random.choice((None, 1.0, 1.0)),
    )


def _nodes(random: Random) -> tuple[Node, ...]:
    """None in half of all houses; else up to four, some behind another, some of one phase."""
    made: list[Node] = []
    if random.random() < 0.5:
        return ()
    for number in range(random.randint(1, 4)):
        single = random.random() < 0.2
        made.append(
            Node(
                name=f"board{number}",
                under=random.choice((ROOT_NODE, *(node.name for node in made if node.phases_count == 3))),
                fuse_a=random.choice((16.0, 25.0, 32.0, 63.0)),
                phases_count=1 if single else 3,
                phase=random.choice((None, *PHASES)) if single else None,
                power_max_w=random.choice((inf, inf, 6_000.0)),
                measured=random.random() < 0.6,
                period_s=random.choice((1.0, 1.0, 5.0)),
                unmeasured_w=random.choice((None, 0.0, 0.0, 500.0)),
            )
        )
    return tuple(made)


def _assets(random: Random, homes: list[str]) -> Iterator[ControllableAsset]:
    def placed(name: str) -> dict:
        unguarded = random.random() < 0.1
        return {
            "name": name,
            "node": random.choice(homes),
            "phase": random.choice((None, "all", *PHASES)),
            "measured": random.random() < 0.9,
            "falls_back": not unguarded,
            "accepts_no_fallback": random.random() < (0.5 if unguarded else 0.1),
            "comfort_cost": random.choice((0.0, 1.0)),
        }

    yield from (_battery(random, placed(f"bat{n}")) for n in range(random.choice((0, 1, 1, 2))))
    yield from (_pv(random, placed(f"pv{n}")) for n in range(random.choice((0, 1, 1, 2))))
    cars_count = random.choice((0, 1, 1, 3, 6)) if len(homes) > 1 else random.choice((0, 1, 1, 2))
    yield from (_ev(random, placed(f"ev{n}")) for n in range(cars_count))
    for n in range(random.randint(1, 3)):
        yield Load(
            **placed(f"load{n}"),
            rated_w=random.choice((800.0, 2_000.0, 3_000.0)),
            tier=random.choice(("B", "C", "C", "D")),
            switchable=random.random() < 0.9,
            min_on_s=random.choice((0.0, 300.0)),
            min_off_s=random.choice((60.0, 180.0)),
            lease_s=random.choice((inf, 120.0)),
        )
    for make in (_lights, _heat, _cooling, _substation, _chp, _waste, _run, _ventilation):
        if random.random() < 0.4:
            yield make(random, placed(make.__name__.strip("_")))


def _battery(random: Random, placed: dict) -> Battery:
    return Battery(
        **{**placed, "measured": True},
        rated_w=5_000,
        tier="D",
        capacity_wh=random.choice((2_000.0, 10_000.0)),
        charge_max_w=random.choice((5_000.0, 3_000.0)),
        discharge_max_w=5_000,
        ramp_max_w_per_s=random.choice((1_000.0, 2_500.0)),
        soc_min_pct=random.choice((5.0, 10.0)),
        reserve_soc_pct=random.choice((0.0, 20.0)),
        delay_s=random.choice((None, None, 1.0)),
        lag_s=random.choice((0.0, 1.0)),
    )


def _pv(random: Random, placed: dict) -> Pv:
    return Pv(
        **placed,
        rated_w=random.choice((3_000.0, 6_000.0)),
        curtail=random.choice(("limit", "limit", "relay", "none")),
        lease_s=random.choice((inf, 60.0)),
    )


def _ev(random: Random, placed: dict) -> ChargePointAsset:
    single = random.random() < 0.3
    phase = placed["phase"]
    amperes = random.choice((16.0, 32.0))
    return ChargePointAsset(
        **{**placed, "phase": (phase if phase != "all" else None) if single else None},
        rated_w=amperes * 230 * (1 if single else 3),
        phases_count=1 if single else 3,
        current_max_a=amperes,
        tier=random.choice(("D", "D", "D", "C")),
        l1_on=random.choice((None, "l1", "l2")),
        departure_s=random.choice((None, 7 * 3600.0)),
        energy_wanted_wh=random.choice((None, 20_000.0)),
        lease_s=random.choice((inf, 60.0)),
        writable=random.random() < 0.95,
    )


def _moded(random: Random, placed: dict, *, own: bool = False) -> dict:
    return {
        **placed,
        "tier": random.choice(("B", "C", "C", "D")),
        "lease_s": random.choice((inf, 120.0)),
        "own_normal": own and random.random() < 0.5,
        "writable": random.random() < 0.95,
    }


def _speeds(rated_w: float, *percents: float) -> tuple[OperationMode, ...]:
    return tuple(OperationMode(f"{p:g} % speed", p, rated_w * (p / 100) ** 3) for p in percents)


def _lights(random: Random, placed: dict) -> asset_types.Lights:
    return asset_types.Lights(
        **{**_moded(random, placed), "tier": random.choice(("A", "C", "C"))},
        rated_w=2_000,
        quantity="dim_pct",
        modes=tuple(OperationMode(f"{p} % light", p, 20.0 * p) for p in (100, 90, 80, 70, 60, 50)),
        evening=((22 * 3600, 80), (30 * 60, 60), (5.5 * 3600, 100)),
        place=random.choice((None, PARIS)),
    )


def _heat(random: Random, placed: dict) -> asset_types.HeatAsset:
    return asset_types.HeatAsset(
        **_moded(random, placed),
        rated_w=3_000,
        quantity="sg_ready_state",
        senses=random.choice((("tank_c",), ("tank_c", "room_c"), ())),
        modes=(
            OperationMode("boost", 3, 3_000),
            OperationMode("normal", 2, 2_000),
            OperationMode("blocked", 1, 0),
        ),
        normal=1,
        min_on_s=300,
        min_off_s=180,
        comfort_min_c=45,
        comfort_max_c=60,
    )


def _cooling(random: Random, placed: dict) -> asset_types.CoolingAsset:
    return asset_types.CoolingAsset(
        **_moded(random, placed),
        rated_w=3_000,
        quantity="setpoint_shift_k",
        senses=("room_c",),
        modes=(
            OperationMode("boost", -2, 3_000),
            OperationMode("normal", 0, 2_000),
            OperationMode("lowered", 3, 1_000),
        ),
        normal=1,
        min_on_s=300,
        min_off_s=180,
        comfort_min_c=20,
        comfort_max_c=26,
    )


def _substation(random: Random, placed: dict) -> asset_types.HeatSubstation:
    return asset_types.HeatSubstation(
        **_moded(random, placed, own=True),
        rated_w=2_000,
        quantity="pump_pct",
        senses=("supply_c", "return_c"),
        modes=_speeds(2_000, 100, 80, 60, 40),
        bands=(("supply_c", 8, 75), ("return_c", 5, 60)),
        min_on_s=60,
        min_off_s=60,
    )


def _chp(random: Random, placed: dict) -> asset_types.ChpUnit:
    led_by_heat = random.random() < 0.3
    return asset_types.ChpUnit(
        **{**_moded(random, placed), "tier": "D", "writable": not led_by_heat},
        rated_w=3_000,
        quantity="request_on",
        modes=(OperationMode("rest", 0, 0), OperationMode("asked to run", 1, -3_000)),
        start_import_w=None if led_by_heat else random.choice((1_000.0, 9_000.0)),
        min_on_s=900,
        min_off_s=2_100,
    )


def _waste(random: Random, placed: dict) -> asset_types.WasteCollection:
    return asset_types.WasteCollection(
        **_moded(random, placed),
        rated_w=3_000,
        quantity="run_on",
        senses=("waiting_on", "left_s"),
        modes=(OperationMode("runs", 1, 3_000), OperationMode("waits", 0, 0)),
        window_s=random.choice((0, 20 * 3600)),
        deadline_s=random.choice((6 * 3600, 86_340)),
        duration_s=3_600,
        min_on_s=300,
        min_off_s=180,
    )


def _run(random: Random, placed: dict) -> asset_types.BatchLoad:
    return asset_types.BatchLoad(
        **_moded(random, placed),
        rated_w=2_200,
        quantity="relay_on",
        senses=random.choice(((), ("waiting_on",))),
        modes=(OperationMode("runs", 1, 2_200), OperationMode("waits", 0, 0)),
        run_w=(2_000, 400, 1_500),
        window_s=random.choice((None, 20 * 3600)),
        deadline_s=random.choice((0, 6 * 3600)),
        resumes=random.random() < 0.5,
        min_on_s=300,
        min_off_s=180,
    )


def _ventilation(random: Random, placed: dict) -> asset_types.VentilationUnit:
    return asset_types.VentilationUnit(
        **_moded(random, placed, own=True),
        rated_w=2_000,
        quantity="speed_pct",
        senses=("co2_ppm",),
        modes=_speeds(2_000, 100, 70, 40),
        co2_max_ppm=1_200,
        min_on_s=60,
        min_off_s=60,
    )


def _released(
    random: Random, assets: tuple[ControllableAsset, ...], limits: SiteLimits
) -> Iterator[tuple[str, float | None]]:
    """What is written to a point that is given back; None: its device's own control."""
    own = random.random() < 0.5
    for asset in assets:
        if isinstance(asset, Battery):
            yield f"{asset.name}.setpoint_w", random.choice((0.0, None))
        elif isinstance(asset, ChargePointAsset):
            yield f"{asset.name}.current_max_a", None if own else asset.current_min_a
        elif isinstance(asset, Pv):
            cap_w = min(asset.rated_w, limits.export_failsafe_w)
            yield f"{asset.name}.generation_max_w", None if own else cap_w
        elif isinstance(asset, asset_types.Lights):
            yield f"{asset.name}.dim_pct", None if own else 100.0


def _contacts(random: Random, hard_w: float) -> Iterator[LimitContact]:
    for number in range(random.choice((0, 0, 1, 2))):
        ways = ("import_max_w", "export_max_w", "generation_max_w", "consumption_max_w")
        yield LimitContact(
            name=f"contact{number}",
            acts_open=random.random() < 0.5,
            debounce_s=random.choice((0.0, 0.0, 3.0)),
            **{random.choice(ways): random.choice((0.0, 0.3, 0.6)) * hard_w},
        )


def _supplies(random: Random, *, apparent: bool) -> Iterator[SupplyMeter]:
    if apparent:
        yield SupplyMeter(name="grid", is_grid=True)
    elif random.random() < 0.15:
        yield SupplyMeter(name="linky", is_grid=False)
