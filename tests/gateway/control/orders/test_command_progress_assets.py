from dataclasses import replace

import pytest
from tests.gateway.control.ordering import by_hand, settled

from quartier.control.events.detection import GridEvents
from quartier.control.orders.commands import FailsafeTest, Release, SetMode, Setpoint, Shed


@pytest.fixture
def building(plant):
    return settled(plant, base_w=500, soc_pct=60, loads_w={"heat": 2_000, "pump": 3_000})


def test_rule_accepted_started_and_succeeded_only_once_measured(building):
    building.command(Setpoint("bat1", -2_000, 60))
    assert ["ACCEPTED"] == building.said()
    building.run(1)
    assert ["ACCEPTED", "STARTED"] == building.said(), "nothing is measured of it yet"
    building.run(30)
    assert ["ACCEPTED", "STARTED", "SUCCEEDED"] == building.said()
    building.run(60)
    assert ["ACCEPTED", "STARTED", "SUCCEEDED"] == building.said(), "its end in its time is no news"
    assert () == building.commands.running


def test_what_is_never_measured_is_aborted_at_its_end(building):
    building.silent.add("bat1.power_w")
    building.command(Setpoint("bat1", -2_000, 10))
    building.run(11)

    assert ["ACCEPTED", "STARTED", "ABORTED SELF_PROTECTION"] == building.said()


def test_rule_aborted_by_a_persons_order_of_the_same_asset(building):
    building.command(Setpoint("bat1", -2_000, 600))
    building.command(Shed(1, 600), 2)
    building.run(30).people = {"bat1": by_hand("bat1", 0.0)}
    building.run(1)

    assert ["ACCEPTED", "STARTED", "SUCCEEDED", "ABORTED LOCAL_OVERRIDE"] == building.said()
    assert ["c2"] == [one.document.id for one in building.commands.running]


def test_rule_aborted_when_the_district_leads_no_more_while_sheds_go_on(building):
    for seq, request in enumerate((Setpoint("bat1", -2_000, 600), SetMode("manual", 600), Shed(1, 600)), 1):
        building.command(request, seq)
    building.run(2).context_changes = {"follows_district": False}
    building.run(1)

    assert ["ABORTED SAFETY"] * 2 == [building.said("c1")[-1], building.said("c2")[-1]]
    assert ["c3"] == [one.document.id for one in building.commands.running]


def test_rule_an_outage_drops_requests(building):
    building.command(Setpoint("bat1", -2_000, 600))
    building.run(1)
    building.context_changes = {"state": replace(building.state, events=GridEvents(is_grid_lost=True))}
    building.run(1)

    assert "ABORTED SAFETY" == building.said()[-1]


def test_rule_revoked_also_after_it_succeeded(building):
    building.command(Shed(1, 600))
    building.run(30)
    building.command(Release(), 2)

    assert ["ACCEPTED", "STARTED", "SUCCEEDED", "REVOKED"] == building.said()
    assert ["ACCEPTED"] == building.said("c2")


def test_a_test_that_is_over_says_no_more(building):
    building.command(FailsafeTest(5))
    building.run(6)

    assert ["ACCEPTED", "STARTED", "ABORTED UNCONTROLLED_LOADS"] == building.said(), "this plant has no link"
