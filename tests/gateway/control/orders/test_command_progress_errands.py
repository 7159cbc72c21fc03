from dataclasses import replace

import pytest
from tests.gateway.control.ordering import by_hand, settled

from quartier.control.events.detection import GridEvents
from quartier.control.orders.commands import FailsafeTest, Release, SetMode, Setpoint, Shed


@pytest.fixture
def town(plant):
    return settled(plant, base_w=500, soc_pct=60, loads_w={"heat": 2_000, "pump": 3_000})


def test_rule_accepted_started_and_succeeded_only_once_measured(town):
    town.command(Setpoint("bat1", -2_000, 60))
    assert ["ACCEPTED"] == town.said()
    town.run(1)
    assert ["ACCEPTED", "STARTED"] == town.said(), "nothing is measured of it yet"
    town.run(30)
    assert ["ACCEPTED", "STARTED", "SUCCEEDED"] == town.said()
    town.run(60)
    assert ["ACCEPTED", "STARTED", "SUCCEEDED"] == town.said(), "its end in its time is no news"
    assert () == town.commands.running


def test_what_is_never_measured_is_aborted_at_its_end(town):
    town.silent.add("bat1.power_w")
    town.command(Setpoint("bat1", -2_000, 10))
    town.run(11)

    assert ["ACCEPTED", "STARTED", "ABORTED SELF_PROTECTION"] == town.said()


def test_rule_aborted_by_a_persons_order_of_the_same_asset(town):
    town.command(Setpoint("bat1", -2_000, 600))
    town.command(Shed(1, 600), 2)
    town.run(30).people = {"bat1": by_hand("bat1", 0.0)}
    town.run(1)

    assert ["ACCEPTED", "STARTED", "SUCCEEDED", "ABORTED LOCAL_OVERRIDE"] == town.said()
    assert ["c2"] == [one.document.id for one in town.commands.running]


def test_rule_aborted_when_the_district_leads_no_more_while_sheds_go_on(town):
    for seq, wish in enumerate((Setpoint("bat1", -2_000, 600), SetMode("manual", 600), Shed(1, 600)), 1):
        town.command(wish, seq)
    town.run(2).world_is = {"leads": False}
    town.run(1)

    assert ["ABORTED SAFETY"] * 2 == [town.said("c1")[-1], town.said("c2")[-1]]
    assert ["c3"] == [one.document.id for one in town.commands.running]


def test_rule_an_outage_drops_wishes(town):
    town.command(Setpoint("bat1", -2_000, 600))
    town.run(1)
    town.world_is = {"state": replace(town.state, events=GridEvents(is_grid_lost=True))}
    town.run(1)

    assert "ABORTED SAFETY" == town.said()[-1]


def test_rule_revoked_also_after_it_succeeded(town):
    town.command(Shed(1, 600))
    town.run(30)
    town.command(Release(), 2)

    assert ["ACCEPTED", "STARTED", "SUCCEEDED", "REVOKED"] == town.said()
    assert ["ACCEPTED"] == town.said("c2")


def test_a_test_that_is_over_says_no_more(town):
    town.command(FailsafeTest(5))
    town.run(6)

    assert ["ACCEPTED", "STARTED", "ABORTED UNCONTROLLED_LOADS"] == town.said(), "this plant has no link"
