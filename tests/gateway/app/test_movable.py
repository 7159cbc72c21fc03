"""What may be planned beside batteries: tanks and batches of which all is read, and that nobody else orders."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from quartier.app import movable
from quartier.config.ahead import Planning
from quartier.control.orders import Book, Order
from quartier.control.reason import Reason
from quartier.control.sight import Memory
from quartier.control.state import State
from quartier.house.assets import Grid, House, Limits, Load, Mode
from quartier.house.modes import Heat, Waste, Water
from quartier.house.now import Now
from quartier.planning.beside import Modes
from quartier_drivers.who import Who

START_S = datetime(2026, 3, 11, 20, 0, tzinfo=UTC).timestamp()
NOW = Now(10**12, int(START_S * 1000), synced=True)
WANTED = Planning(horizon_s=86_400.0)
RELAY = (Mode("on", 1.0, 2_000.0), Mode("off", 0.0, 0.0))
STATES = (Mode("forced", 4.0, 2_500.0), Mode("normal", 2.0, 2_000.0), Mode("blocked", 1.0, 0.0))
BOILER = Heat(
    name="boiler",
    rated_w=2_000,
    quantity="relay_on",
    modes=RELAY,
    comfort_min_c=45.0,
    comfort_max_c=60.0,
    water=Water(volume_m3=0.2, loss_w=70.0),
)
PUMP = replace(BOILER, name="pump", quantity="sg_ready_state", modes=STATES, normal=1, boosts=0)
BIN = Waste(
    name="waste",
    rated_w=3_000,
    quantity="run_on",
    modes=RELAY,
    window_s=0.0,
    deadline_s=82_800.0,
    duration_s=1_800.0,
)
READ = {
    "boiler.tank_c": 50.0,
    "boiler.power_w": 0.0,
    "pump.tank_c": 50.0,
    "pump.power_w": 1_500.0,
    "waste.waiting_on": 1.0,
    "waste.left_s": 3_600.0,
    "waste.power_w": 0.0,
}


def house(*assets):
    kinds = ("hard", "failsafe", "autonomous")
    limits = Limits(**{f"{way}_{kind}_w": 9_000.0 for way in ("import", "export") for kind in kinds})
    return House(name="b1", grid=Grid(name="grid", rated_w=9_000), assets=assets, limits=limits)


def asked(*assets, reasons=(), **missing):
    memories = {point: Memory(value, NOW.ns) for point, value in READ.items() if point not in missing}
    orders = {point: Order(1.0, 0, reason) for point, reason in dict(reasons).items()}
    state = replace(State.fresh(house(*assets)), memories=memories, book=Book(orders))
    return movable.stores(state, NOW, START_S, WANTED)


def test_what_is_planned_apart_is_measured_takes_orders_and_is_known_enough():
    bare = replace(BOILER, name="bare", water=None)
    open_band = replace(BOILER, name="open", comfort_max_c=None)
    unheard = replace(BOILER, name="unheard", measured=False)
    stuck = replace(PUMP, name="stuck", preheat=False, modes=STATES[1:], normal=0, boosts=0)
    mute = replace(BIN, name="mute", writable=False)
    others = (Load(name="hp1", rated_w=1.0),)

    found = movable.apart(house(BOILER, PUMP, BIN, bare, open_band, unheard, stuck, mute, *others))
    assert ("boiler", "pump", "waste", "stuck") == found


def test_a_relay_waits_off_and_a_heat_pump_in_normal_where_it_can_be_boosted():
    assert Modes(0, 1, 2_000.0) == movable.modes(BOILER)
    assert Modes(0, 1, 2_500.0) == movable.modes(PUMP)
    assert Modes(1, 2, 2_000.0) == movable.modes(replace(PUMP, preheat=False))
    assert Modes(0, 1, 3_000, "runs") == movable.modes(BIN)


def test_stores_that_are_read_are_planned_as_the_site_file_has_them():
    found = asked(BOILER, PUMP, BIN)

    assert {"boiler", "pump"} == set(found.tanks)
    assert 96 == len(found.tanks["boiler"].draw_w)
    assert [3_000.0] * 4 == list(found.batches["waste"].powers_w)


@pytest.mark.parametrize("point", ["boiler.tank_c", "boiler.power_w"])
def test_a_tank_that_is_not_read_is_not_planned(point):
    assert {} == asked(BOILER, **{point: None}).tanks


def test_nor_one_that_a_person_orders_or_that_forgets_before_the_horizon_ends():
    by_hand = Reason("by hand", Who("person", "anna"))

    assert {} == asked(BOILER, reasons={"boiler.relay_on": by_hand}).tanks
    assert {"boiler"} == set(asked(BOILER, reasons={"boiler.relay_on": "free"}).tanks)
    assert {} == asked(replace(BOILER, water=Water(volume_m3=0.2, loss_w=8_000.0))).tanks


def test_what_takes_power_goes_on_for_an_hour_where_it_is_not_planned():
    memories = {"pump.power_w": Memory(1_500.0, NOW.ns)}
    state = replace(State.fresh(house(PUMP)), memories=memories)

    assert [1_500.0] * 4 + [0.0] * 2 == movable.taken_w(state, PUMP, NOW, 900, 6)
    assert [0.0] * 6 == movable.taken_w(State.fresh(house(PUMP)), PUMP, NOW, 900, 6)
