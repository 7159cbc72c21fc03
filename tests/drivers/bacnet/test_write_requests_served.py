import pytest
from tests.drivers.bacnet.conftest import POINTS, profile, spec

from quartier_drivers.bacnet.write_requests import list_served, make_declared_meaning, make_infos

LIMITED = POINTS + '[limits]\nno_fallback = "a priority never expires"\nsettle_s = 3.0\n'


def test_points_bear_the_name_of_their_owner():
    assert "air.supply_c" in make_infos(spec(), profile())


def test_a_site_may_ask_for_some_points_alone():
    device = spec(points={"": frozenset({"supply_c"})})

    assert {"air.supply_c"} == set(make_infos(device, profile()))


def test_what_nobody_owns_is_not_served():
    assert [] == list(list_served(spec(owners={}), profile()))


def test_a_reading_is_known_by_its_object_and_period():
    info = make_infos(spec(), profile())["air.supply_c"]

    assert ("float", "analog-input:1", 5.0, False) == (info.kind, info.address, info.period_s, info.writable)


def test_a_command_is_known_by_its_limits_and_why_it_has_no_fallback():
    info = make_infos(spec(), profile(LIMITED))["air.speed_max_pct"]

    assert (10.0, 100.0, "cap", None, "a priority never expires", 3.0) == (
        info.write_low,
        info.write_high,
        info.on_release,
        info.fallback,
        info.no_fallback,
        info.settle_s,
    )


@pytest.mark.parametrize(("name", "step"), [("air.fan_on", 1.0), ("air.speed_max_pct", 0.0)])
def test_whole_numbers_have_a_step(name, step):
    assert step == make_infos(spec(), profile())[name].step


def test_before_the_wire_a_value_has_the_declared_unit():
    point = profile().parts[""]["supply_c"]

    assert 21.5 == make_declared_meaning("air.supply_c", "supply_c", point).value(21.5)
