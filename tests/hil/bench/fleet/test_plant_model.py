import numpy as np
import pytest

from quartier_bench.fleet.building_stock import (
    NEVER_S,
    Battery,
    BuildingStock,
    Car,
    Fan,
    FleetBuilding,
    PvSystem,
    SpaceHeater,
    WaterHeater,
)
from quartier_bench.fleet.plant_model import (
    MINUTES_PER_DAY,
    SHEDS_MAX_COUNT,
    DayInputs,
    FleetPlant,
    view_columns,
)
from quartier_native.fleets import Fleet

PIECES = (
    Car(7360.0, (600.0, NEVER_S), (7200.0, NEVER_S), (1000.0, 0.0), timer_s=1200.0),
    WaterHeater(2000.0, 5000.0, 3600.0, is_free=False),
    SpaceHeater(3000.0, 1.0, 100.0, 3000.0, 19.0, 17.0),
    Fan(1800.0),
    PvSystem(3000.0),
    Battery(5000.0, 2500.0),
)


@pytest.fixture
def plant():
    one = BuildingStock(1, (FleetBuilding(0, 8100.0, 3000.0, 2000.0, 0, PIECES),))
    made = Fleet(one.buildings)
    columns = made.columns(SHEDS_MAX_COUNT)
    views = view_columns(columns.state(), columns.inputs(), columns.result())
    base_w = np.full((MINUTES_PER_DAY, 1), 400.0, dtype=np.float32)
    drive = DayInputs(
        base_w,
        np.full(MINUTES_PER_DAY, 0.5),
        np.full(MINUTES_PER_DAY, 5.0),
        np.full(MINUTES_PER_DAY, 1 / MINUTES_PER_DAY),
        "",
    )
    return FleetPlant(one, drive, views)


def seconds(plant, first, last, **how):
    taken = []
    for second in range(first, last):
        if second % 60 == 0:
            plant.minute(second // 60, live=how.get("live", True))
        plant.second(**how)
        taken.append(plant.seen.present_w.copy())
    return np.array(taken)


def test_a_car_charges_from_its_timer_on_until_it_is_full(plant):
    taken = seconds(plant, 0, 7200)[:, 0]

    assert 0 == taken[:1200].max()
    assert 1000.0 == pytest.approx(taken.sum() / 3600, abs=3)
    assert {0.0, 7360.0} == set(taken)
    assert 0 == taken[1700:].max()


def test_a_car_takes_no_more_than_it_may(plant):
    plant.seen.limit_w[0] = 1380.0

    assert 1380.0 == seconds(plant, 1200, 1210)[:, 0].max()


def test_a_tank_waits_for_its_contact_and_a_shed_one_for_its_relay(plant):
    plant.missing_heat_wh[:] = 3000.0
    assert 0 == seconds(plant, 0, 3600)[:, 1].max()

    plant.seen.on[1] = 0
    assert 0 == seconds(plant, 3600, 3700)[:, 1].max()
    plant.seen.on[1] = 1
    assert 2000.0 == seconds(plant, 3720, 3730)[:, 1].min()


def test_a_thermostat_keeps_its_room_within_its_band(plant):
    seconds(plant, 0, 1800)
    taken = seconds(plant, 1800, 12_600)[:, 2]

    assert 18.6 < plant.room_c[0] < 19.4
    assert 1400.0 == pytest.approx(taken.mean(), rel=0.2)  # 100 W/K by 14 K


def test_the_sun_gives_what_its_limit_lets_it(plant):
    assert -1500.0 == seconds(plant, 0, 2)[-1, 4]

    plant.seen.limit_w[4] = 700.0
    assert -700.0 == seconds(plant, 2, 3)[-1, 4]


def test_a_battery_follows_its_setpoint_and_loses_a_little(plant):
    plant.seen.setpoint_w[5] = -2000.0
    taken = seconds(plant, 0, 900)[:, 5]

    assert -2000.0 == taken[-1]
    assert 60.0 - 100 * 500 / 0.95 / 5000 == pytest.approx(plant.seen.soc_pct[5], abs=0.01)


def test_without_voltage_nothing_is_taken(plant):
    seconds(plant, 1200, 1300)

    assert 0 == np.abs(seconds(plant, 1320, 1330, live=False)).max()
    assert 0 == plant.seen.rest_w[0]


def test_without_a_gateway_relays_are_closed_and_chargers_rest(plant):
    plant.missing_heat_wh[:] = 3000.0
    plant.seen.on[:] = 0
    taken = seconds(plant, 3600, 3610, is_controlled=False)[-1]

    assert [0, 2000, 1800] == [taken[at] for at in (0, 1, 3)]


def test_the_sorts_are_the_whole(plant):
    seconds(plant, 1200, 1300)

    assert sum(plant.sum_kinds_w()) == pytest.approx(plant.seen.present_w.sum() + 400.0)
