"""What a device serves to its owners, and how it is read together."""

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.opcua.served_points import group_reads, list_served, make_info


def test_points_carry_their_owner_s_name_and_only_those_that_are_asked_for(sheet):
    assert ["pump.power_w", "pump.valve_pct", "pump.running_on", "pump.state_text"] == list(
        list_served(DeviceSpec("plant", 1, {"": "pump"}), sheet)
    )
    some = DeviceSpec("plant", 1, {"": "pump"}, {"": frozenset({"power_w"})})
    assert ["pump.power_w"] == list(list_served(some, sheet))
    assert {} == list_served(DeviceSpec("plant", 1, {}), sheet)


def test_a_writable_point_says_its_limits_and_why_it_has_no_fallback(sheet):
    one = list_served(DeviceSpec("plant", 1, {"": "pump"}), sheet)["pump.valve_pct"]
    found = make_info(one, sheet)

    assert (True, 0.0, 100.0, 30.0) == (found.writable, found.write_low, found.write_high, found.on_release)
    assert "made for these tests" == found.no_fallback
    assert "nsu=http://rig.example/plant;s=Valve" == found.address


def test_an_element_of_an_array_shows_where_it_stands(sheet):
    one = list_served(DeviceSpec("plant", 1, {"": "pump"}), sheet)["pump.power_w"]
    element = type(one)(one.name, one.quantity, one.kind, one.point.model_copy(update={"index": 3}))

    assert "nsu=http://rig.example/plant;s=Power[3]" == make_info(element, sheet).address


def test_requests_are_as_few_as_the_limit_allows_and_of_one_size():
    points = [(f"p{number}", 1.0, True) for number in range(300)] + [
        ("slow", 60.0, True),
        ("odd", 1.0, False),
    ]

    found = group_reads(points, 200)

    assert [(1.0, True, 150), (1.0, True, 150), (60.0, True, 1), (1.0, False, 1)] == [
        (period_s, subscribed, len(names)) for period_s, subscribed, names in found
    ]
    assert [name for name, *_ in points[:300]] == [name for group in found[:2] for name in group[2]]
