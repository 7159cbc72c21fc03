"""Memory that wears is written as often as its budget says, and everything that is written is counted."""

import pytest

from quartier.runtime.bus.write_budget import WriteBudget, WriteCounts
from quartier_drivers.contract import Fallback, PointInfo
from quartier_drivers.readings import Quality, Reading, make_readings

DAY_MS = 86_400_000
NOON = 20_000 * DAY_MS + DAY_MS // 2
POINT, PLAIN = "ev1.current_max_a", "bat1.setpoint_w"


def info(point=POINT, **keys):
    told = {"writable": True, "persistent": True, "writes_per_day": 3, "on_release": 6.0, "step": 0.2} | keys
    return PointInfo(point, "float", "holding:1", 5.0, **told)


INFOS = {POINT: info(), PLAIN: info(PLAIN, persistent=False, writes_per_day=0)}


@pytest.fixture
def counts():
    return WriteCounts()


@pytest.fixture
def budget(counts):
    return WriteBudget(counts, INFOS, {POINT: 6.0, PLAIN: 0.0})


def shown(value, quality=Quality.GOOD):
    return make_readings([Reading(PLAIN, 1.0, Quality.GOOD, 0), Reading(POINT, value, quality, 0)], 0)


def spent(budget, utc_ms=NOON):
    for _ in range(3):
        budget.count_write(POINT, utc_ms)


def test_a_spent_budget_refuses_with_a_reason_until_midnight(budget):
    assert "" == budget.refusal(POINT, 16.0, NOON)
    spent(budget)

    why = budget.refusal(POINT, 16.0, NOON)
    assert "its budget of 3 writes a day is spent, until midnight UTC: each write wears its memory" == why
    assert "" == budget.refusal(POINT, 16.0, NOON + DAY_MS)


def test_what_takes_less_is_written_on_any_day_and_never_raised_again(budget):
    for value in (32.0, 20.0, 16.0):
        budget.count_write(POINT, NOON, value)

    assert "" == budget.refusal(POINT, 10.0, NOON), "a cap that tightens does not wait for midnight"
    assert budget.refusal(POINT, 20.0, NOON)
    assert not budget.rests(POINT)
    budget.count_write(POINT, NOON, 0.0)
    assert budget.refusal(POINT, 6.0, NOON), "what had to fall below the safe value is not raised to it"
    assert budget.rests(POINT), "nor by giving it back"
    assert "" == budget.refusal(POINT, 0.0, NOON), "a device that ignored it is told again"


def test_a_fall_of_which_nobody_knows_whether_it_was_made_is_no_floor(budget):
    for value in (32.0, 20.0, 16.0):
        budget.count_write(POINT, NOON, value)
    budget.count_write(POINT, NOON, 0.0, taken=False)

    assert "" == budget.refusal(POINT, 6.0, NOON)
    assert not budget.rests(POINT)


def test_a_setpoint_of_two_directions_may_not_fall(counts):
    battery = "bat1.setpoint_w"
    budget = WriteBudget(counts, {battery: info(battery)}, {battery: 0.0})
    for value in (300.0, 200.0, 100.0):
        budget.count_write(battery, NOON, value)

    assert budget.refusal(battery, -5000.0, NOON)
    assert "" == budget.refusal(battery, 0.0, NOON)


def test_a_point_rests_once_it_was_given_back_until_it_is_written(budget):
    assert not budget.rests(POINT)
    budget.count_releases([POINT], NOON)
    assert budget.rests(POINT)
    budget.count_write(POINT, NOON, 16.0)

    assert not budget.rests(POINT)


def test_what_was_read_long_ago_stands_there_no_more(budget):
    budget.note_readings(shown(16.0))

    assert budget.shows_value(POINT, 16.0, 15 * 10**9)
    assert not budget.shows_value(POINT, 16.0, 15 * 10**9 + 1)


def test_the_safe_value_is_never_refused(budget):
    spent(budget)

    assert "" == budget.refusal(POINT, 6.0, NOON)


def test_a_volatile_point_has_no_budget_but_a_count(budget, counts):
    for _ in range(1000):
        budget.count_write(PLAIN, NOON)

    assert "" == budget.refusal(PLAIN, 16.0, NOON)
    assert (1000, 1000) == (counts.today(PLAIN, NOON), counts.total(PLAIN))


def test_what_stands_there_already_needs_no_write(budget):
    assert not budget.shows_value(POINT, 16.0, 0)
    budget.note_readings(shown(16.0))

    assert budget.shows_value(POINT, 16.05, 0)
    assert not budget.shows_value(POINT, 16.2, 0)
    assert not budget.shows_value(PLAIN, 1.0, 0)


@pytest.mark.parametrize("reading", [shown(16.0, Quality.BAD), shown(10.0)])
def test_what_is_no_longer_sure_to_stand_there_is_written(budget, reading):
    budget.note_readings(shown(16.0))
    budget.note_readings(reading)

    assert not budget.shows_value(POINT, 16.0, 0)


def test_after_a_write_only_a_reading_tells_what_stands_there(budget):
    budget.note_readings(shown(16.0))
    budget.count_write(POINT, NOON)

    assert not budget.shows_value(POINT, 16.0, 0)


def test_a_timer_of_the_device_is_kept_alive_though_the_value_stands(counts):
    budget = WriteBudget(counts, {POINT: info(fallback=Fallback(6.0, 60.0))}, {})
    budget.note_readings(shown(16.0))

    assert not budget.shows_value(POINT, 16.0, 0)


@pytest.mark.parametrize("timer", [Fallback(None, float("inf")), Fallback(6.0, 60.0, kept_by="requests")])
def test_what_holds_or_is_kept_alive_by_reading_is_not_worn_by_writes(counts, timer):
    budget = WriteBudget(counts, {POINT: info(fallback=timer)}, {})
    budget.note_readings(shown(16.0))

    assert budget.shows_value(POINT, 16.0, 0)


def test_what_was_just_written_is_not_written_again_while_it_need_not_show_yet(counts):
    budget = WriteBudget(counts, {POINT: info(settle_s=10.0)}, {})
    budget.note_readings(shown(6.0))
    budget.count_write(POINT, NOON, 16.0, now_ns=0)
    budget.note_readings(shown(6.0))

    assert budget.is_settling(POINT, 16.0, 9 * 10**9)
    assert not budget.is_settling(POINT, 10.0, 9 * 10**9)
    assert not budget.is_settling(POINT, 16.0, 10 * 10**9)
    assert not budget.shows_value(POINT, 6.0, 9 * 10**9), "it shows the old value, not for long"


def test_a_volatile_point_that_settles_is_let_settle_unless_a_timer_needs_its_writes(counts):
    plain = {"persistent": False, "writes_per_day": 0, "settle_s": 10.0}
    for timer, spared in ((None, True), (Fallback(6.0, 60.0), False)):
        budget = WriteBudget(counts, {POINT: info(fallback=timer, **plain)}, {})
        budget.count_write(POINT, NOON, 16.0, now_ns=0)

        assert spared is budget.is_settling(POINT, 16.0, 9 * 10**9)
        assert not budget.shows_value(POINT, 16.0, 11 * 10**9)


def test_the_end_of_a_budget_is_told_once_a_day(budget):
    assert [True, False, True] == [budget.ends(POINT, at) for at in (NOON, NOON + 1, NOON + DAY_MS)]


def test_safe_values_are_counted_where_there_is_one(counts):
    held = info("chp.power_max_w", on_release="hold")
    budget = WriteBudget(counts, {**INFOS, "chp.power_max_w": held}, {})
    budget.count_releases([POINT, "chp.power_max_w"], NOON)

    assert (1, 0) == (counts.total(POINT), counts.total("chp.power_max_w"))


def test_counts_survive_a_restart(counts):
    counts.add(POINT, NOON)
    again = WriteCounts(counts.facts())
    again.add(POINT, NOON)

    assert (2, 2, 1) == (again.today(POINT, NOON), again.total(POINT), counts.total(POINT))
    assert (0, 2) == (again.today(POINT, NOON + DAY_MS), again.total(POINT))


def test_a_clock_that_was_ahead_does_not_freeze_a_spent_budget(budget):
    spent(budget, NOON + 400 * DAY_MS)

    assert "" == budget.refusal(POINT, 16.0, NOON)
