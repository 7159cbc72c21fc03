"""What a meter of a node says, and how long it is remembered."""

from quartier.control.limits import node_meters
from quartier.control.limits.node_meters import NodeReading, NodeWindow
from quartier.control.observe.observations import LastGood

S = 1_000_000_000


def seen(**values):
    return {f"b.{name}": LastGood(value, 0) for name, value in values.items()}


def slid(look, names, watts, taken_ns, takes_w=0.0, gone_w=0.0):
    found = NodeReading((watts, 0, 0, 0), taken_ns, phased=False)
    return node_meters.append_node_reading(look, names, found, (takes_w, 0, 0, 0), (gone_w, 0, 0, 0))


def test_powers_by_phase_make_a_total_where_there_is_none():
    found = node_meters.read_node_meter(
        "b", seen(power_l1_w=100.0, power_l2_w=200.0, power_l3_w=-50.0), 10, 0
    )

    assert NodeReading((250.0, 100.0, 200.0, -50.0), 0, phased=True) == found


def test_a_current_counts_as_its_power_at_the_nominal_voltage_and_takes_a_sign():
    amperes = {"current_l1_a": 10.0, "current_l2_a": 1.0, "current_l3_a": 0.0}

    assert (2_500.0, 2_300.0, 230.0, 0.0) == node_meters.read_node_meter(
        "b", seen(power_w=2_500.0, **amperes), 10, 0
    ).watts
    assert (-2_500.0, -2_300.0, -230.0, 0.0) == node_meters.read_node_meter(
        "b", seen(power_w=-2_500.0, **amperes), 10, 0
    ).watts


def test_a_fuse_knows_no_power_factor():
    found = node_meters.read_node_meter(
        "b", seen(power_w=1_000.0, power_l1_w=1_000.0, current_l1_a=10.0), 10, 0
    )

    assert (2_300.0, False) == (found.watts[1], found.phased)


def test_a_total_alone_tells_no_phases_and_an_old_one_nothing():
    assert not node_meters.read_node_meter("b", seen(power_w=5.0), 10, 0).phased
    assert node_meters.read_node_meter("b", seen(power_w=5.0), 10, 11 * S) is None
    assert node_meters.read_node_meter("b", {}, 10, 0) is None


def test_the_highest_and_lowest_of_five_seconds_count_eased():
    look = NodeWindow()
    for second, watts in enumerate((1_000.0, 3_000.0, 500.0)):
        look = slid(look, ("a",), watts, second * S)

    assert (2_800.0, 500.0) == (look.high_w(0), look.low_w(0))
    assert look is slid(look, ("a",), 9.0, 2 * S)
    assert 1 == len(slid(look, ("b",), 9.0, 2 * S).samples)


def test_what_was_lowered_just_now_is_no_feeding_back_whether_the_meter_shows_it_or_not():
    """A car of 11 kW counts as there for some seconds; PV of 8 kW beside it is no participant."""
    calm = slid(NodeWindow(), ("a",), 3_000.0, 0, takes_w=11_000.0)
    gone, still = (slid(calm, ("a",), w, S, takes_w=11_000.0, gone_w=11_000.0) for w in (-8_000.0, 3_000.0))

    assert [(-8_000.0, -8_000.0)] * 3 == [(look.high_w(0), look.low_w(0)) for look in (calm, gone, still)]


def test_the_most_that_nothing_measured_fades_over_a_day():
    look = node_meters.decay_maximum(NodeWindow(), (1_000.0, 400.0, 0.0, -5.0), 1)

    assert (1_000.0, 400.0, 0.0, 0.0) == look.most_w
    assert 500.0 == node_meters.decay_maximum(look, (0.0, 0.0, 0.0, 0.0), 43_200).most_w[0]
    assert look is node_meters.decay_maximum(look, None, 5)
    assert {"a": NodeWindow(most_w=look.most_w)} == node_meters.keep_known_nodes(
        {"a": look, "b": look}, ["a"]
    )
