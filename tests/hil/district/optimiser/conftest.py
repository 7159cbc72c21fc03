"""Small situations, and a judge that shares nothing with the model: it lives a plan again and tries all others."""

from itertools import product

import pytest

from quartier_district.optimiser.plan_records import Battery, Building, Car, Heat, OptimiserInput, Prices


def _prices(bought, sold=None):
    return Prices(
        import_eur_per_wh=tuple(bought),
        export_eur_per_wh=tuple(sold or [0.0] * len(bought)),
        co2_g_per_wh=(0.0,) * len(bought),
        wear_eur_per_wh=0.0,
    )


def _house(name, base, *, pv=None, most=100_000.0, **parts):
    return Building(
        name=name,
        base_w=tuple(base),
        pv_w=tuple(pv or [0.0] * len(base)),
        import_max_w=most,
        export_max_w=parts.pop("export_max_w", 100_000.0),
        **parts,
    )


def _street(buildings, bought, limit_w, *, sold=None, step_s=3_600, export_w=100_000.0):
    count = len(bought)
    return OptimiserInput(
        step_s=step_s,
        limit_import_w=tuple(limit_w) if isinstance(limit_w, tuple | list) else (limit_w,) * count,
        limit_export_w=(export_w,) * count,
        prices=_prices(bought, sold),
        buildings=tuple(buildings),
    )


def _lived(building, hours, battery_w, cars_w, heat_w, curtailed_w):
    """One building's course from its orders alone: grid power, what is stored, what is missing."""
    count = len(building.base_w)
    stored, heat_wh, stored_wh, heats_wh, short = 0.0, 0.0, [], [0.0], 0.0
    if building.battery:
        stored = building.battery.stored_wh
    if building.heat:
        heat_wh = building.heat.stored_wh
    grid = []
    for step in range(count):
        watts = building.base_w[step] - building.pv_w[step] + curtailed_w[step]
        watts += battery_w[step] + heat_w[step] + sum(series[step] for series in cars_w.values())
        grid.append(watts)
        if building.battery:
            into = max(battery_w[step], 0.0) * building.battery.charge_pct / 100.0
            out = max(-battery_w[step], 0.0) * 100.0 / building.battery.discharge_pct
            stored += (into - out) * hours
        stored_wh.append(stored)
        if building.heat:
            heat_wh *= 1.0 - building.heat.loss_pct_per_h / 100.0 * hours
            heat_wh += (heat_w[step] * building.heat.cop - building.heat.demand_w[step]) * hours
            heats_wh.append(heat_wh)
            short += max(building.heat.stored_min_wh - heat_wh, 0.0) * hours
    missing = sum(
        max(
            car.need_wh
            - sum(cars_w[car.name][step] for step in range(car.from_step, min(car.until_step, count)))
            * hours,
            0.0,
        )
        for car in building.cars
    )
    return grid, stored_wh, missing, short, heats_wh


def _scored(asked, courses):
    """Five figures in the order in which they count, of what each building was lived to do."""
    hours, count = asked.step_h, asked.steps_count
    over = contract = missing = short = cost = 0.0
    for building, (grid, stored_wh, lacks, cold, heats_wh) in zip(asked.buildings, courses, strict=True):
        missing += lacks
        short += cold
        worth = asked.prices.storage_eur_per_wh
        if building.battery:
            cost -= stored_wh[-1] * worth * building.battery.discharge_pct / 100.0
        if building.heat:
            cost -= heats_wh[-1] * worth / building.heat.cop
        for step in range(count):
            bought, sold = max(grid[step], 0.0), max(-grid[step], 0.0)
            contract += max(bought - building.import_max_w, 0.0) * hours
            contract += max(sold - building.export_max_w, 0.0) * hours
            cost += bought * hours * asked.prices.bought_eur_per_wh(step)
            cost -= sold * hours * asked.prices.sold_eur_per_wh(step)
    for step in range(count):
        bought = sum(max(course[0][step], 0.0) for course in courses)
        sold = sum(max(-course[0][step], 0.0) for course in courses)
        over += max(bought - asked.limit_import_w[step], 0.0) * hours
        over += max(sold - asked.limit_export_w[step], 0.0) * hours
    return over, contract, missing, short, cost


class Judge:
    """Lives plans, and finds the best one by trying all on a grid of powers."""

    prices = staticmethod(_prices)
    house = staticmethod(_house)
    street = staticmethod(_street)

    @staticmethod
    def score(asked, plan):
        """The figures of the solver's plan, lived from its orders alone."""
        nothing = (0.0,) * asked.steps_count
        courses = []
        for building in asked.buildings:
            lot = plan.lots[building.name]
            course = _lived(
                building,
                asked.step_h,
                lot.battery_w or nothing,
                lot.cars_w,
                lot.heat_w or nothing,
                lot.curtailed_w,
            )
            assert course[0] == pytest.approx(list(lot.grid_w), abs=0.1)
            if building.battery:
                assert course[1] == pytest.approx(list(lot.stored_wh), abs=1.0)
                low, high = building.battery.stored_min_wh, building.battery.stored_max_wh
                assert all(low - 1.0 <= stored <= high + 1.0 for stored in course[1])
            courses.append(course)
        return _scored(asked, courses)

    @staticmethod
    def best(asked, powers_w):
        """The best figures of all plans whose powers are among ``powers_w``."""
        count = asked.steps_count
        options = [list(_options(building, asked.step_h, powers_w, count)) for building in asked.buildings]
        scores = (_scored(asked, courses) for courses in product(*options))
        return min(scores, key=lambda score: tuple(round(figure, 6) for figure in score))


def _options(building, hours, powers_w, count):
    nothing = [(0.0,) * count]
    battery = list(product(powers_w, repeat=count)) if building.battery else nothing
    heat = (
        [
            series
            for series in product(powers_w, repeat=count)
            if min(series) >= 0 and max(series) <= building.heat.power_max_w
        ]
        if building.heat
        else nothing
    )
    cars = [
        [
            tuple(
                power if car.from_step <= step < car.until_step else 0.0 for step, power in enumerate(series)
            )
            for series in product(
                [power for power in powers_w if 0 <= power <= car.power_max_w], repeat=count
            )
        ]
        for car in building.cars
    ]
    for one in battery:
        if building.battery and not _possible(building.battery, one, hours):
            continue
        for heated in heat:
            for charged in product(*cars):
                named = {car.name: series for car, series in zip(building.cars, charged, strict=True)}
                if any(
                    sum(series) * hours > car.need_wh
                    for car, series in zip(building.cars, charged, strict=True)
                ):
                    continue
                course = _lived(building, hours, one, named, heated, nothing[0])
                if building.heat and max(course[4]) > building.heat.stored_max_wh:
                    continue
                yield course


def _possible(battery, series, hours):
    stored = battery.stored_wh
    for power in series:
        if not -battery.discharge_max_w <= power <= battery.charge_max_w:
            return False
        stored += power * hours
        if not battery.stored_min_wh <= stored <= battery.stored_max_wh:
            return False
    return True


@pytest.fixture
def judge():
    return Judge


@pytest.fixture
def battery():
    def made(stored_wh=1_000.0, power_w=1_000.0, most_wh=2_000.0, pct=100.0):
        return Battery(
            stored_wh=stored_wh,
            stored_min_wh=0.0,
            stored_max_wh=most_wh,
            charge_max_w=power_w,
            discharge_max_w=power_w,
            charge_pct=pct,
            discharge_pct=pct,
        )

    return made


@pytest.fixture
def car():
    def made(need_wh, until, power_w=2_000.0, since=0, name="ev1"):
        return Car(name=name, need_wh=need_wh, power_max_w=power_w, until_step=until, from_step=since)

    return made


@pytest.fixture
def heat():
    def made(demand, stored_wh=0.0, power_w=1_000.0, most_wh=3_000.0, cop=1.0, loss=0.0):
        return Heat(
            power_max_w=power_w,
            demand_w=tuple(demand),
            stored_wh=stored_wh,
            stored_min_wh=0.0,
            stored_max_wh=most_wh,
            cop=cop,
            loss_pct_per_h=loss,
        )

    return made
