"""Points read together: columns, quality by status, age by stamp, and what was told against what is asked for."""

import pytest

from quartier_drivers.opcua.connection.read_response import NodeValue, ReadAnswer
from quartier_drivers.opcua.read_batch import ReadBatch
from quartier_drivers.opcua.schema import OpcuaPoint
from quartier_drivers.opcua.served_points import ServedPoint
from quartier_drivers.readings import Quality

S = 1_000_000_000
TICKS = 10_000_000


def served(quantity, kind="float", **keys):
    return ServedPoint(f"pump.{quantity}", quantity, kind, OpcuaPoint.model_validate({"node": "i=1", **keys}))


def batch(*points, period_s=1.0, shows_raw=False):
    return ReadBatch(points, period_s, 0, 1.0, subscribed=True, shows_raw=shows_raw)


def value(raw, status=0, source=0):
    return NodeValue(raw, 11, status, source, 0)


def told(made, *values, now_ns=10 * S, sent=100 * TICKS):
    found = made.take(ReadAnswer(sent, values), list(range(len(values))), now_ns)
    return [(one.value, one.quality) for one in found], found


def test_values_become_columns_of_their_kinds():
    made = batch(
        served("power_w"),
        served("pump_on", "bool"),
        served("starts_count", "int"),
        served("name_text", "text"),
    )

    rows, found = told(made, value(1.5), value(True), value(2**60 + 1), value("P1"))

    good = Quality.GOOD
    assert [(1.5, good), (True, good), (2**60 + 1, good), ("P1", good)] == rows
    assert 10 * S == found.taken_ns


def test_a_status_decides_how_far_a_value_may_be_trusted():
    made = batch(served("power_w"), served("current_a"), served("voltage_v"))

    rows, found = told(made, value(1.0), value(2.0, 0x40900000), value(None, 0x80310000))

    assert [(1.0, Quality.GOOD), (2.0, Quality.STALE), (0.0, Quality.BAD)] == rows
    assert "2.0 UncertainLastUsableValue" == found[1].raw
    assert "BadNoCommunication" == found[2].raw


def test_the_last_value_stays_beside_a_bad_quality():
    made = batch(served("power_w"))
    told(made, value(5.0))

    assert [(5.0, Quality.BAD)] == told(made, value(None, 0x80310000))[0]


def test_an_implausible_value_is_bad():
    made = batch(served("power_w", low=0, high=10))

    assert [(11.0, Quality.BAD)] == told(made, value(11.0))[0]


def test_a_stamp_of_the_source_is_the_age():
    made = batch(served("power_w", age_by="source"))

    rows, found = told(made, value(5.0, source=97 * TICKS))

    assert [(5.0, Quality.GOOD)] == rows
    assert 7 * S == found.taken_ns


def test_what_its_source_stamped_long_ago_is_stale_whatever_the_status():
    made = batch(served("power_w", age_by="source"), served("current_a"))

    rows, found = told(made, value(5.0, source=89 * TICKS), value(1.0, source=1))

    assert [(5.0, Quality.STALE), (1.0, Quality.GOOD)] == rows
    assert 10 * S == found.taken_ns


def test_a_source_without_a_stamp_says_nothing_of_its_age_and_is_stale():
    assert [(5.0, Quality.STALE)] == told(batch(served("power_w", age_by="source")), value(5.0))[0]


def test_a_clock_that_is_ahead_makes_nothing_younger_than_now():
    made = batch(served("power_w", age_by="source"))

    assert 10 * S == told(made, value(5.0, source=200 * TICKS))[1].taken_ns


def test_points_that_were_not_asked_for_keep_what_they_have():
    made = batch(served("power_w"), served("current_a"))
    made.absent([1], "no such namespace")

    found = made.take(ReadAnswer(0, [value(3.0)]), [0], 5 * S)

    assert [(3.0, Quality.GOOD), (0.0, Quality.BAD)] == [(one.value, one.quality) for one in found]
    assert "no such namespace" == found[1].raw


def test_readings_once_told_do_not_change():
    made = batch(served("power_w"))
    _, before = told(made, value(1.0))

    told(made, value(2.0))

    assert 1.0 == before[0].value


def test_what_is_told_and_asked_for_may_differ_once_and_not_twice():
    made = batch(served("power_w", deadband=1.0))
    made.put(0, value(10.0), 1 * S)

    told(made, value(50.0))
    assert not made.find_disagreeing(2 * S)
    assert made.has_suspects
    told(made, value(50.0))
    assert {"pump.power_w"} == made.find_disagreeing(4 * S)


def test_a_change_that_was_told_in_between_is_above_suspicion():
    made = batch(served("power_w"))
    made.put(0, value(10.0), 1 * S)
    told(made, value(50.0))
    assert not made.find_disagreeing(2 * S)

    made.put(0, value(51.0), 3 * S)
    told(made, value(52.0))

    assert not made.find_disagreeing(4 * S)


def test_the_grid_is_kept_however_late_it_was_asked():
    made = batch(served("power_w"))
    made.move_on(2_345_000_000, 200_000_000)

    assert 3_200_000_000 == made.due_ns


@pytest.mark.parametrize(("now_ns", "due_ns"), [(0, 250_000_000), (610_000_000, 750_000_000)])
def test_an_odd_period_has_a_grid_of_its_own(now_ns, due_ns):
    made = batch(served("power_w"), period_s=0.25)
    made.move_on(now_ns, 0)

    assert due_ns == made.due_ns


def test_a_failure_is_told_of_every_point():
    made = batch(served("power_w"), served("current_a"))

    assert [(Quality.BAD, "why"), (Quality.BAD, "why")] == [
        (one.quality, one.raw) for one in made.make_bad_readings("why", 5 * S)
    ]


def test_what_stood_on_the_wire_is_shown_where_a_person_asks():
    assert "7.0" == told(batch(served("power_w"), shows_raw=True), value(7.0))[1][0].raw
    assert "" == told(batch(served("power_w")), value(7.0))[1][0].raw
