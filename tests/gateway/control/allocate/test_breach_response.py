import pytest

from quartier.control.allocate import breach_response
from quartier.control.limits.breach import Breach
from quartier.control.participants import Participant
from quartier.control.reason import make_text_reason
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Pv
from quartier_drivers.contract import Origin

CAP = make_text_reason("cap", Origin("rule", "test"))
ROOF = Pv(name="pv1", rated_w=6_000, curtail="limit")


def texts(acted):
    return {index: str(reason) for index, reason in acted.items()}


def test_a_battery_that_does_not_obey_makes_all_of_c_and_d_go_after_5_s(plant):
    """The sums look right, for the battery was told to discharge; and yet the cap is broken."""
    p = plant(base_w=500, loads_w={"pump": 1_000, "heat": 1_000, "cold": 1_000}, soc_pct=60)
    p.deaf = {"bat1"}
    p.run(60).cap(import_max_w=3_000).run(60)

    assert [0, 0, 1] == [p.points[f"{name}.relay_on"] for name in ("pump", "heat", "cold")]
    assert "over the cap by 10 % for 5 s" in str(p.state.book.orders["pump.relay_on"].reason)


def test_a_breach_of_the_export_cap_stops_what_discharges_and_what_generates(plant):
    p = plant(base_w=0, sun_w=6_000, soc_pct=95)
    p.deaf = {"pv1"}
    p.run(60).cap(export_max_w=1_000).run(60)
    reasons = {command.reason for _, command in p.log if command.point == "pv1.generation_max_w"}

    assert 0 == min(value for _, value in p.written("pv1.generation_max_w"))
    assert any("still above it: stopped" in reason for reason in reasons)


def test_a_breach_of_the_export_cap_curtails_pv_that_obeys_by_the_excess_alone(plant):
    """What nobody knows of feeds in besides: the sums look right, and yet the cap is broken."""
    p = plant(base_w=1_000, sun_w=4_000, soc_pct=95).cap(export_max_w=3_000)
    p.run(60)
    p.raw["grid.power_w"] = -4_000.0  # what is read stands still for a while
    p.run(9)
    limits = [value for _, value in p.written("pv1.generation_max_w", since=60)]

    assert 0 < min(limits) < 4_000


def test_a_breach_takes_from_pv_no_more_each_cycle_while_it_is_on_its_way():
    trouble = breach_response._BreachScope(
        Breach(excess=((0, 1_000.0),), fast_over=True), CAP, range(1), is_node=False
    )
    roof = Participant(ROOF, -5_000.0, -5_000.0, SwitchState())
    wants, acted = [-5_000.0], {}
    breach_response._export(trouble, [roof], wants, acted)
    assert ([-3_900.0], {0: "cap: still above it: curtailed further"}) == (wants, texts(acted))

    acted = {}
    breach_response._export(trouble, [roof], wants, acted)  # its meter shows what it made before
    assert ([-3_900.0], {}) == (wants, acted)


@pytest.mark.parametrize(
    ("more", "is_node"), [({"is_unresponsive": True}, False), ({"is_measured": False}, False), ({}, True)]
)
def test_pv_that_does_not_obey_or_is_not_seen_or_loads_a_node_is_stopped_by_a_breach(more, is_node):
    trouble = breach_response._BreachScope(
        Breach(excess=((0, 1_000.0),), fast_over=True), CAP, range(1), is_node=is_node
    )
    wants, acted = [-5_000.0], {}
    breach_response._export(
        trouble, [Participant(ROOF, -5_000.0, -5_000.0, SwitchState(), **more)], wants, acted
    )

    assert ([0.0], {0: "cap: still above it: stopped"}) == (wants, texts(acted))
