from quartier_drivers.bacnet.commands import MinimumTimes, SwitchTimes
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000


def seen(minimums, is_on, at_s, quality=Quality.GOOD):
    minimums.saw(make_readings([Reading("air.fan_on", is_on, quality, at_s * S)], at_s * S))


def made():
    minimums = SwitchTimes()
    minimums.learn({"air.fan_on": MinimumTimes(on_s=120.0, off_s=180.0), "air.relay_on": MinimumTimes()})
    return minimums


def test_a_switch_stays_on_for_its_least_time():
    minimums = made()
    seen(minimums, False, 0)
    seen(minimums, True, 10)

    assert 120.0 == minimums.left_s("air.fan_on", 0.0, 10 * S)
    assert 1.0 == minimums.left_s("air.fan_on", 0.0, 129 * S)
    assert 0.0 == minimums.left_s("air.fan_on", 0.0, 130 * S)


def test_a_switch_stays_off_for_its_least_time():
    minimums = made()
    seen(minimums, True, 0)
    seen(minimums, False, 10)

    assert 180.0 == minimums.left_s("air.fan_on", 1.0, 10 * S)


def test_the_same_state_again_waits_for_nothing():
    minimums = made()
    seen(minimums, False, 0)
    seen(minimums, True, 10)

    assert 0.0 == minimums.left_s("air.fan_on", 1.0, 11 * S)


def test_since_when_is_known_only_of_what_was_seen_to_change():
    minimums = made()
    seen(minimums, True, 10)

    assert 0.0 == minimums.left_s("air.fan_on", 0.0, 11 * S)


def test_a_reading_that_is_bad_changes_nothing():
    minimums = made()
    seen(minimums, False, 0)
    seen(minimums, True, 10, Quality.BAD)

    assert 0.0 == minimums.left_s("air.fan_on", 0.0, 11 * S)


def test_points_without_least_times_are_left_alone():
    assert ("air.fan_on",) == made().names
    assert 0.0 == made().left_s("air.relay_on", 1.0, 0)
