import pytest

from quartier_sim.bacnet.objects import PriorityArray


def test_the_lowest_number_rules_and_with_all_given_back_the_default_counts():
    fan = PriorityArray(100.0)
    fan.put(40.0, 10, 0)
    fan.put(60.0, 8, 1)
    assert 60.0 == fan.value
    fan.put(None, 8, 2)
    assert 40.0 == fan.value
    fan.put(None, 10, 3)
    assert 100.0 == fan.value
    assert 3 == fan.written_s


def test_a_least_time_stands_at_place_six_and_then_gives_way():
    heater = PriorityArray(0.0, on_s=120, off_s=180)
    heater.put(1.0, 10, 0)
    assert 1.0 == heater.places[5]
    heater.put(None, 10, 30)
    heater.expire(119)
    assert 1.0 == heater.value

    heater.expire(120)
    assert (0.0, 0.0) == (heater.value, heater.places[5])
    heater.put(1.0, 10, 200)
    heater.expire(299)
    assert 0.0 == heater.value
    heater.expire(300)
    assert 1.0 == heater.value


def test_who_stands_above_place_six_need_not_wait():
    heater = PriorityArray(0.0, on_s=120)
    heater.put(1.0, 10, 0)
    heater.put(0.0, 2, 10)

    assert 0.0 == heater.value


def test_where_only_one_way_has_a_least_time_the_other_goes_at_once():
    heater = PriorityArray(0.0, on_s=120)
    heater.put(1.0, 10, 0)
    heater.put(None, 10, 10)
    heater.expire(120)

    assert (0.0, None) == (heater.value, heater.places[5])


def test_nobody_writes_where_the_least_times_stand():
    with pytest.raises(ValueError, match="priority 6"):
        PriorityArray(0.0, on_s=1).put(1.0, 6, 0)
    with pytest.raises(ValueError, match="priority 17"):
        PriorityArray(0.0).put(1.0, 17, 0)
    plain = PriorityArray(0.0)
    plain.put(1.0, 6, 0)
    plain.put(2.0, 8, 0)
    assert 1.0 == plain.value


def test_without_power_all_orders_are_lost():
    heater = PriorityArray(0.0, on_s=120)
    heater.put(1.0, 10, 0)
    heater.forget()

    assert (0.0, [None] * 16) == (heater.value, heater.places)
    heater.expire(1000)
    assert 0.0 == heater.value
