from dataclasses import replace

import pytest
from tests.gateway.control.ordering import by_hand, settled
from tests.gateway.control.walk.sites import TANK

from quartier.control.orders import command_progress
from quartier.control.orders.commands import FailsafeTest, SetMode, Setpoint, Shed
from quartier.control.reason import make_text_reason
from quartier.control.records import Order, OrderBook
from quartier_drivers.contract import Origin


@pytest.fixture
def building(plant, house):
    def made(**more):
        plain = {"base_w": 500, "soc_pct": 60, "loads_w": {"heat": 2_000, "pump": 3_000}}
        assets = (*house.assets, TANK)
        return settled(plant, house=replace(house, assets=assets), **(plain | more))

    return made


def running(p):
    return p.commands.running[0]


def inside(p):
    return command_progress.is_command_fulfilled(running(p), p.context)


def why(p):
    return command_progress.explain_failure(running(p), p.context).value


def test_the_band_at_the_connection_is_that_of_a_breach():
    assert [200, 400] == [command_progress.find_grid_band_w(cap_w) for cap_w in (5_000, 20_000)]


def test_a_reading_from_before_the_command_shows_nothing(building):
    p = building()
    p.command(Setpoint("bat1", p.bat_w, 600))
    assert not inside(p)
    p.run(2)

    assert inside(p)


def test_a_shed_is_done_when_all_of_its_tiers_are_measured_off(building):
    p = building()
    p.command(Shed(2, 600))
    p.run(2)
    assert inside(p)
    p.deaf.add("pump")
    p.points["pump.relay_on"] = 1.0
    p.run(2)

    assert not inside(p)
    assert "UNCONTROLLED_LOADS" == why(p)
    p.people = {"pump": by_hand("pump", 1.0)}
    assert inside(p), "a person keeps it on"


def test_what_runs_its_least_time_protects_itself(building):
    p = building()
    p.command(Shed(2, 60))
    p.state = replace(
        p.state,
        switch_states={
            **p.state.switch_states,
            "pump": replace(p.state.switch_states["pump"], on=True, since_ns=p.now().ns),
        },
    )
    p.run(3)

    assert not inside(p)
    assert "SELF_PROTECTION" == why(p)


def test_of_what_runs_in_modes_the_mode_counts_that_it_was_sent_to(building):
    p = building()
    p.command(Shed(2, 600))
    p.run(30)

    assert p.state.switch_states["tank"].mode == 2
    assert inside(p)


@pytest.mark.parametrize(("mode", "more"), [("manual", {}), ("maintenance", {})])
def test_a_mode_is_there_when_the_battery_rests_or_is_given_back(building, mode, more):
    p = building(**more)
    p.command(SetMode(mode, 600))
    assert not inside(p)
    p.run(30)

    assert inside(p)
    assert "SELF_PROTECTION" == why(p)


def test_in_manual_a_setpoint_of_its_own_excuses_a_battery(building):
    p = building()
    p.command(SetMode("manual", 600))
    p.command(Setpoint("bat1", -2_000, 600), 2)
    p.run(30)

    assert inside(p)


def test_a_test_is_there_when_the_connection_is_inside_the_fail_safe_caps(building):
    p = building()
    p.command(FailsafeTest(600))
    p.run(3)
    assert not inside(p), "the mode is another"
    p.raw["grid.power_w"] = 5_300.0
    p.cap(mode="FAILSAFE", import_max_w=5_000, export_max_w=0).run(2)
    assert not inside(p)
    p.raw["grid.power_w"] = 5_100.0
    p.run(1)
    assert inside(p)
    p.cap(mode="INIT").run(1)
    assert inside(p), "there the same values hold"
    p.context_changes = {"state": replace(p.state, active_limits=None)}
    assert not inside(p)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (make_text_reason("hard limit", Origin("rule", "hard limit")), "SAFETY"),
        (make_text_reason("contact", Origin("grid", "contact dso")), "REGULATORY"),
        (make_text_reason("envelope", Origin("document", "dso", "e1")), "REGULATORY"),
        (make_text_reason("envelope", Origin("document", "district", "e1")), "BOUNDS"),
        (make_text_reason("itself", Origin("document", "command", "c1", 1)), "SELF_PROTECTION"),
        (None, "SAFETY"),
    ],
)
def test_rule_who_stands_against_a_setpoint_is_said(building, reason, expected):
    p = building()
    p.command(Setpoint("bat1", -2_000, 600))
    orders = {} if reason is None else {"bat1.setpoint_w": Order(0.0, 0, reason)}
    p.context_changes = {"state": replace(p.state, book=OrderBook(orders)), "regulatory": {"dso"}}

    assert expected == why(p)


def test_an_asset_that_is_gone_is_unknown_and_one_at_its_edge_protects_itself(building, with_house):
    p = building()
    p.command(Setpoint("bat1", -2_000, 600))
    p.raw["bat1.soc_pct"] = 12.0
    p.run(1)
    assert "SELF_PROTECTION" == why(p)
    p.context_changes = {"state": replace(p.state, site=with_house("ev1"))}

    assert (False, "UNKNOWN_DEVICE") == (inside(p), why(p))
