"""Sites to plan: batteries, cars, tanks and batches behind one connection, drawn at random, and a large
car park.
"""

import math
import random
from dataclasses import replace
from math import inf

from quartier.planning.horizon import BatteryModel, Contract, Outlook
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel

_HORIZON_LENGTHS = ((3600, 24), (3600, 48), (900, 48), (900, 96))
_SUNRISE_H, _DAYLIGHT_H, _EVENING_H = 6.0, 12.0, 19.0


def draw_site(seed: int) -> SiteModel:
    """A site at random: none to two batteries, none to five cars, tanks and batches, caps that bind, peaks
    that are priced, flat and moving tariffs, export that brings something or nothing.
    """
    source = random.Random(f"site {seed}")  # noqa: S311 - a site, no secret
    step_s, count = source.choice(_HORIZON_LENGTHS)
    hours = step_s / 3600.0
    batteries = {f"bat{number + 1}": _draw_battery(source) for number in range(source.choice((0, 1, 1, 2)))}
    cars = {
        f"ev{number + 1}": _draw_car(source, count, hours) for number in range(source.choice((0, 1, 2, 3, 5)))
    }
    tanks = {
        f"tank{number + 1}": _draw_tank(source, count) for number in range(source.choice((0, 0, 1, 1, 2)))
    }
    batches = {}
    for number in range(source.choice((0, 0, 1, 2))):
        batches[f"batch{number + 1}"] = _draw_batch(source, count, hours)
    big = 1.0 + 2.0 * len(cars)
    return SiteModel(
        _draw_outlook(source, step_s, count, big),
        _draw_contract(source, big),
        batteries,
        cars,
        tanks,
        batches,
    )


def draw_strained_site(seed: int) -> SiteModel:
    """One that cannot keep all: low caps, cars that need about what they can take, tanks below their band,
    targets out of reach.
    """
    source, site = random.Random(f"strained {seed}"), draw_site(seed)  # noqa: S311 - a site, no secret
    ahead, big = site.outlook, 1.0 + len(site.cars)
    cap_w = source.choice((1200.0, 2000.0, 3000.0)) * big
    hours = [number for number in range(ahead.count) if number % 12 < source.choice((3, 6, 12))]
    caps = [min(cap, cap_w) if at in hours else cap for at, cap in enumerate(ahead.import_max_w)]
    ahead = replace(ahead, import_max_w=caps, export_max_w=[source.choice((inf, 0.0, 1000.0))] * ahead.count)
    cars = {}
    for name, car in site.cars.items():
        more = source.choice((1.0, 1.3, 2.0))
        cars[name] = replace(car, need_wh=more * car.need_wh, room_wh=more * car.need_wh + 5e3)
    tanks = {
        name: replace(tank, energy_wh=source.choice((0.1, 0.6, 1.0)) * tank.energy_wh)
        for name, tank in site.tanks.items()
    }
    batteries = {
        name: replace(battery, target_wh=source.choice((0.0, 0.5, 1.0)) * battery.capacity_wh)
        for name, battery in site.batteries.items()
    }
    return replace(site, outlook=ahead, cars=cars, tanks=tanks, batteries=batteries)


def make_car_park(seed: int = 1, cars: int = 20, count: int = 192) -> SiteModel:
    """Two days of a car park in steps of 15 minutes: a battery, twenty cars and a tank under 40 kW."""
    source = random.Random(f"large {seed}")  # noqa: S311 - a site, no secret
    hours = 0.25
    day = [number * hours % 24.0 for number in range(count)]
    outlook = Outlook(
        step_s=900,
        load_w=[_draw_load_w(source, hour, 3.0) for hour in day],
        pv_w=[_draw_pv_w(source, hour, 20_000.0) for hour in day],
        import_eur_per_wh=[_draw_price(source, hour) for hour in day],
        export_eur_per_wh=[8e-5] * count,
        import_max_w=[40_000.0] * count,
        export_max_w=[15_000.0] * count,
    )
    fleet = {}
    for number in range(cars):
        begin = source.randrange(0, max(1, count - 60))
        fleet[f"ev{number + 1}"] = CarModel(
            need_wh=source.uniform(5e3, 30e3),
            room_wh=40e3,
            from_step=begin,
            until_step=begin + source.randrange(24, 60),
            current_max_a=source.choice((16.0, 32.0)),
            phases=source.choice((1, 3)),
        )
    draws = [2000.0 if source.random() < 0.2 else 0.0 for _ in range(count)]
    battery = BatteryModel(
        30e3, 3e3, 10e3, 15e3, 15e3, wear_eur_per_wh=1e-5, worth_eur_per_wh=1.5e-4, target_wh=5e3
    )
    tank = TankModel(8e3, 4e3, 14e3, 3e3, draws, 60.0)
    return SiteModel(outlook, Contract(), {"bat1": battery}, fleet, {"tank1": tank})


def _draw_load_w(source: random.Random, hour: float, big: float) -> float:
    return big * (300.0 + 1500.0 * math.exp(-(((hour - _EVENING_H) / 2.5) ** 2)) + source.uniform(0, 400))


def _draw_pv_w(source: random.Random, hour: float, most_w: float) -> float:
    lit = _SUNRISE_H < hour < _SUNRISE_H + _DAYLIGHT_H
    height = math.sin((hour - _SUNRISE_H) / _DAYLIGHT_H * math.pi) if lit else 0.0
    return most_w * max(0.0, height) * source.uniform(0.3, 1.0)


def _draw_price(source: random.Random, hour: float) -> float:
    return (
        0.22 + 0.1 * math.sin((hour - 13.0) / 24.0 * 4.0 * math.pi) + source.uniform(-0.03, 0.03)
    ) / 1000.0


def _draw_outlook(source: random.Random, step_s: int, count: int, big: float) -> Outlook:
    begin_h = source.choice((0.0, 7.0, 12.0, 17.0))
    day = [(begin_h + number * step_s / 3600.0) % 24.0 for number in range(count)]
    sun_w = source.choice((0.0, 4000.0, 8000.0, 15_000.0))
    kind = source.random()
    if kind < 0.2:
        imports = [2.5e-4] * count
    elif kind < 0.4:
        imports = [1.6e-4 if not 7.0 <= hour < 22.0 else 2.7e-4 for hour in day]
    else:
        imports = [_draw_price(source, hour) for hour in day]
    exports = [source.choice((0.0, 8e-5, 8e-5)) for _ in range(1)] * count
    if source.random() < 0.2:
        exports = [0.7 * price for price in imports]
    cap_w = source.choice((inf, 3000.0, 4000.0, 6000.0)) * big
    caps = [cap_w] * count
    if source.random() < 0.3:  # a cap that comes for some hours
        caps = [cap_w if not 17.0 <= hour < 20.0 else min(cap_w, 2500.0 * big) for hour in day]
    return Outlook(
        step_s=step_s,
        load_w=[_draw_load_w(source, hour, math.sqrt(big)) for hour in day],
        pv_w=[_draw_pv_w(source, hour, sun_w) for hour in day],
        import_eur_per_wh=imports,
        export_eur_per_wh=exports,
        import_max_w=caps,
        export_max_w=[source.choice((inf, inf, 0.0, 4000.0))] * count,
    )


def _draw_contract(source: random.Random, big: float) -> Contract:
    kind = source.random()
    if kind < 0.25:
        return Contract(peak_eur_per_w=source.uniform(1e-4, 3e-3), peak_free_w=source.choice((0.0, 3000.0)))
    if kind < 0.4:
        return Contract(contract_w=2500.0 * big, over_eur_per_wh=source.uniform(5e-5, 4e-4))
    return Contract()


def _draw_battery(source: random.Random) -> BatteryModel:
    capacity_wh = source.choice((5e3, 10e3, 20e3))
    power_w = source.choice((2500.0, 5000.0, 10e3))
    reserve_wh = source.choice((0.0, 0.1)) * capacity_wh
    efficiency = source.choice((0.95, 0.92, 1.0))
    return BatteryModel(
        capacity_wh=capacity_wh,
        reserve_wh=reserve_wh,
        energy_wh=source.uniform(reserve_wh, capacity_wh),
        charge_max_w=power_w,
        discharge_max_w=power_w,
        charge_efficiency=efficiency,
        discharge_efficiency=efficiency,
        wear_eur_per_wh=source.choice((0.0, 1e-5, 3e-5)),
        target_wh=source.choice((0.0, 0.0, 0.5)) * capacity_wh,
        worth_eur_per_wh=source.choice((0.0, 1e-4, 1.8e-4)),
    )


def _draw_car(source: random.Random, count: int, hours: float) -> CarModel:
    stay = max(2, round(source.uniform(2.0, 12.0) / hours))
    begin = source.randrange(0, max(1, count - stay // 2))
    until = begin + stay
    phases, current_a = source.choice((1, 3)), source.choice((16.0, 16.0, 32.0))
    possible_wh = (min(until, count) - begin) * hours * current_a * 230.0 * phases * 0.9
    need_wh = min(source.uniform(2e3, 35e3), possible_wh * source.uniform(0.2, 1.05))
    return CarModel(
        need_wh=need_wh,
        room_wh=need_wh + source.uniform(0.0, 10e3),
        from_step=begin,
        until_step=until,
        current_max_a=current_a,
        phases=phases,
    )


def _draw_tank(source: random.Random, count: int) -> TankModel:
    high_wh = source.choice((6e3, 12e3, 20e3))
    heat = source.choice((1.0, 3.0))
    power_w = source.choice((1500.0, 2400.0))
    draw_w = 0.5 * power_w * heat
    return TankModel(
        energy_wh=source.uniform(0.3, 1.0) * high_wh,
        low_wh=0.4 * high_wh,
        high_wh=high_wh,
        power_max_w=power_w,
        draw_w=[source.choice((0.0, 0.0, 0.0, draw_w, 2.0 * draw_w)) for _ in range(count)],
        time_constant_h=source.choice((30.0, 60.0, 120.0)),
        heat_per_wh=heat,
        worth_eur_per_wh=source.choice((0.0, 5e-5)),
    )


def _draw_batch(source: random.Random, count: int, hours: float) -> BatchModel:
    length = max(1, round(source.choice((1.0, 2.0, 3.0)) / hours))
    begin = source.randrange(0, count - length)
    return BatchModel(
        powers_w=[source.choice((200.0, 1000.0, 2200.0)) for _ in range(length)],
        from_step=begin,
        until_step=source.randrange(begin + length, count + 1),
    )
