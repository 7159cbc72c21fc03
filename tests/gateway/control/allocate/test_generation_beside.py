from dataclasses import replace

import pytest

from quartier.control.allocate import generation
from quartier.control.inputs import CycleInputs
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order, OrderBook
from quartier.control.requests import Requests
from quartier.control.state import ControlState
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import OperationMode, OperationModeAsset, Pv
from quartier.site.records import Now

PLAIN = OperationModeAsset(
    name="x",
    rated_w=900,
    quantity="relay_on",
    modes=(OperationMode("on", 1, 900), OperationMode("off", 0, 0)),
    senses=("a_c",),
)
NOW_NS = 100_000_000_000


@pytest.fixture
def make_inputs(with_house, drive):
    def made(
        asset: OperationModeAsset, grid_w: float | None, mode: int | None = None, **points: float
    ) -> CycleInputs:
        house = with_house("bat1")
        state = ControlState.fresh(replace(house, assets=(*house.assets, asset)))
        memories = {name.replace("__", "."): LastGood(value, NOW_NS) for name, value in points.items()}
        state = replace(state, last_good=memories, switch_states={"x": SwitchState(mode=mode)})
        return CycleInputs(
            state=state,
            requests=Requests(caps=drive().start().caps),
            active_limits=ActiveLimits(import_w=9_000, export_w=0, sources={}),
            grid_w=grid_w,
            grid_age_s=0,
            is_meter_lost=False,
            dt_s=1,
            running_s=60,
            now=Now(NOW_NS, 0, True),
            common=False,
        )

    return made


@pytest.mark.parametrize(
    ("grid_w", "own_w", "bat_w", "beside_w"),
    [(500, 900, 0, -400), (0, 0, 3_000, -3_000), (0, 0, -3_000, 0)],
)
def test_a_battery_that_charges_leaves_room_one_that_discharges_makes_none(
    make_inputs, grid_w, own_w, bat_w, beside_w
):
    found = make_inputs(PLAIN, grid_w, x__power_w=own_w, bat1__power_w=bat_w)

    assert beside_w == generation.find_import_without_w(found, PLAIN)


@pytest.mark.parametrize(
    ("grid_w", "own_w", "bat_w", "surplus_w"),
    [(-900, 0, 0, 900), (500, 900, 0, 400), (0, 0, 3_000, 3_000), (0, 900, -900, 0), (0, 0, -3_000, -3_000)],
)
def test_what_a_battery_gives_is_no_generation_that_is_left_over(
    make_inputs, grid_w, own_w, bat_w, surplus_w
):
    found = make_inputs(PLAIN, grid_w, x__power_w=own_w, bat1__power_w=bat_w)

    assert surplus_w == generation.find_surplus_w(found, PLAIN)


def test_nothing_is_known_while_the_grid_or_its_own_power_is_not(make_inputs):
    assert generation.find_import_without_w(make_inputs(PLAIN, None, x__power_w=1), PLAIN) is None
    assert generation.find_import_without_w(make_inputs(PLAIN, 500), PLAIN) is None
    assert generation.find_surplus_w(make_inputs(PLAIN, 500), PLAIN) is None


def test_one_that_is_not_measured_counts_as_its_mode_says(make_inputs):
    unmeasured = replace(PLAIN, measured=False)

    assert -400 == generation.find_import_without_w(make_inputs(unmeasured, 500), unmeasured)
    assert 500 == generation.find_import_without_w(make_inputs(unmeasured, 500, mode=1), unmeasured)


def test_a_sensor_counts_until_it_falls_silent(make_inputs):
    found = make_inputs(PLAIN, 0, x__a_c=21.5)
    late = replace(found, now=Now(NOW_NS + 16_000_000_000, 0, True))

    assert 21.5 == generation.read_sensor(found, PLAIN, "a_c")
    assert generation.read_sensor(late, PLAIN, "a_c") is None


def test_what_an_export_limit_curtails_is_left_over(make_inputs):
    found = make_inputs(PLAIN, 0, x__power_w=0, bat1__power_w=0, pv1__power_w=-2_000.0)
    roof = Pv(name="pv1", rated_w=6_000, curtail="limit")
    state = replace(
        found.state,
        site=replace(found.site, assets=(*found.site.assets, roof)),
        potentials={"pv1": LastGood(5_000.0, NOW_NS)},
        book=OrderBook({"pv1.generation_max_w": Order(2_000.0, 0, NO_REASON)}),
    )

    assert 3_000.0 == generation.find_surplus_w(replace(found, state=state), PLAIN)
