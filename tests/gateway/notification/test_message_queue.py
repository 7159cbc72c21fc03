"""What one channel tells and when: severity, groups, quiet hours, rate, and nothing twice or lost."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.notification.message_queue import (
    CHANGES_COUNT_MAX,
    KEPT_MS,
    MESSAGE_CHANGES_MAX,
    AlarmChange,
    Message,
    MessageQueue,
    is_quiet,
)
from quartier.site.alarm_kinds import AlarmSeverity

NOON_MS = 1_764_759_600_000  # 2025-12-03 11:00 UTC, noon in Paris
HOUR_MS = 3_600_000
ZONE = "Europe/Paris"


@dataclass(frozen=True)
class Hours:
    from_: str = "22:00"
    until: str = "06:30"
    except_: str = "critical"


@dataclass(frozen=True)
class Rules:
    severity: AlarmSeverity = AlarmSeverity.WARNING
    cleared: bool = True
    group_s: float = 30.0
    per_hour_max: int = 3
    quiet: Hours | None = None


def change(name="loss.bus_down:lan", severity="warning", *, is_raised=True, utc_ms=NOON_MS):
    return AlarmChange(name, severity, f"{name} is down", "look at the cable", is_raised, utc_ms, utc_ms)


def due(queue, now_ms):
    return queue.make_message("issy.b012", now_ms, ZONE)


def test_alarms_that_come_together_are_one_message():
    queue = MessageQueue(Rules())
    queue.add(change("a"))
    queue.add(change("b", "critical", utc_ms=NOON_MS + 20_000))
    assert due(queue, NOON_MS + 29_999) is None

    message = due(queue, NOON_MS + 30_000)
    assert ["a", "b"] == [one.name for one in message.changes]
    assert "issy.b012: critical: b and 1 more" == message.title
    assert "critical" == message.severity
    assert "2025-12-03 12:00:00 a: warning: a is down\n  what to do: look at the cable" in message.text
    assert message.text.endswith("times are in Europe/Paris")


def test_less_severe_alarms_and_ends_that_nobody_wants_are_not_told():
    queue = MessageQueue(Rules(cleared=False))
    queue.add(change(severity="notice"))
    queue.add(change(is_raised=False))
    assert due(queue, NOON_MS + HOUR_MS) is None

    both = MessageQueue(Rules())
    both.add(change(is_raised=False))
    message = due(both, NOON_MS + HOUR_MS)
    assert "issy.b012: 1 alarm cleared" == message.title
    assert "warning" == message.severity


def test_a_severity_of_another_version_counts_as_a_warning():
    queue = MessageQueue(Rules())
    queue.add(change(severity="grave"))
    assert due(queue, NOON_MS + HOUR_MS) is not None


@pytest.mark.parametrize(
    ("hours", "utc_ms", "quiet"),
    [
        (Hours(), NOON_MS, False),
        (Hours(), NOON_MS + 10 * HOUR_MS, True),
        (Hours(), NOON_MS + 15 * HOUR_MS, True),
        (Hours(), NOON_MS + 19 * HOUR_MS, False),
        (Hours("11:00", "13:00"), NOON_MS, True),
        (Hours("12:00", "12:00"), NOON_MS, False),
    ],
)
def test_quiet_hours_are_those_of_the_sites_zone_and_may_pass_midnight(hours, utc_ms, quiet):
    assert quiet == is_quiet(hours, utc_ms, ZONE)


def test_in_quiet_hours_only_what_is_excepted_is_told_and_the_rest_when_they_end():
    queue = MessageQueue(Rules(quiet=Hours()))
    night_ms = NOON_MS + 12 * HOUR_MS
    queue.add(change("a", utc_ms=night_ms))
    queue.add(change("b", "critical", utc_ms=night_ms))
    message = due(queue, night_ms + 30_000)
    assert ["b"] == [one.name for one in message.changes]
    queue.settle(message, night_ms + 30_000, is_sent=True)
    assert due(queue, night_ms + 6 * HOUR_MS) is None

    morning_ms = NOON_MS + 18 * HOUR_MS + HOUR_MS // 2
    assert ["a"] == [one.name for one in due(queue, morning_ms).changes]
    silent = MessageQueue(Rules(quiet=Hours(except_="none")))
    silent.add(change("b", "critical", utc_ms=night_ms))
    assert due(silent, night_ms + 30_000) is None


def test_more_messages_than_an_hour_may_have_become_one_later():
    queue, sent = MessageQueue(Rules(group_s=0)), []
    for minute in range(90):
        now_ms = NOON_MS + minute * 60_000
        queue.add(change(f"a{minute}", utc_ms=now_ms))
        if (message := due(queue, now_ms)) is not None:
            sent.append(message)
            queue.settle(message, now_ms, is_sent=True)
    assert 3 == sum(message.changes[0].utc_ms < NOON_MS + HOUR_MS - 60_000 * 30 for message in sent[:3])
    assert [1, 1, 1] == [len(message.changes) for message in sent[:3]]
    assert MESSAGE_CHANGES_MAX == len(sent[3].changes)
    assert {f"a{minute}" for minute in range(len(sent) - 4)} <= {
        one.name for message in sent for one in message.changes
    }


def test_what_is_not_taken_is_tried_again_ever_more_seldom():
    queue, now_ms, waits = MessageQueue(Rules(group_s=0)), NOON_MS, []
    queue.add(change())
    for _ in range(9):
        message = due(queue, now_ms)
        queue.settle(message, now_ms, is_sent=False)
        assert due(queue, now_ms) is None
        waits.append((queue.retry_at_ms - now_ms) // 1000)
        now_ms = queue.retry_at_ms
    assert [10, 20, 40, 80, 160, 320, 600, 600, 600] == waits
    queue.settle(due(queue, now_ms), now_ms, is_sent=True)
    assert due(queue, now_ms + HOUR_MS) is None
    queue.add(change("b", utc_ms=now_ms))
    assert due(queue, now_ms) is not None, "the next one does not wait"


def test_what_is_too_old_or_too_much_is_counted_and_the_count_is_told():
    queue = MessageQueue(Rules())
    for number in range(CHANGES_COUNT_MAX + 5):
        queue.add(change(f"a{number}"))
    message = due(queue, NOON_MS + HOUR_MS)
    assert (MESSAGE_CHANGES_MAX, 5) == (len(message.changes), message.unsent_count)
    assert "5 older changes could not be sent in time" in message.text

    queue.settle(message, NOON_MS + HOUR_MS, is_sent=False)
    assert due(queue, NOON_MS + KEPT_MS + 1) is None
    queue.add(change("new", utc_ms=NOON_MS + KEPT_MS))
    assert CHANGES_COUNT_MAX + 5 == due(queue, NOON_MS + KEPT_MS + HOUR_MS).unsent_count


def test_of_too_many_the_least_severe_are_not_sent():
    queue = MessageQueue(Rules())
    queue.add(change("worst", "critical"))
    for number in range(CHANGES_COUNT_MAX):
        queue.add(change(f"a{number}"))
    assert "worst" == queue.changes[0].name
    assert 1 == queue.unsent_count


def test_what_is_dropped_while_it_is_sent_is_not_counted_as_unsent():
    queue = MessageQueue(Rules(group_s=0))
    for number in range(CHANGES_COUNT_MAX):
        queue.add(change(f"a{number}"))
    message = due(queue, NOON_MS)
    queue.add(change("new"))
    queue.settle(message, NOON_MS, is_sent=True)
    assert 0 == queue.unsent_count


@pytest.mark.parametrize("step_ms", [2 * 24 * HOUR_MS, -6 * HOUR_MS])
def test_a_clock_that_is_set_neither_drops_nor_holds_what_waits(step_ms):
    queue = MessageQueue(Rules())
    queue.add(change())
    assert due(queue, NOON_MS + 10_000) is None
    queue.shift(step_ms)
    assert due(queue, NOON_MS + step_ms + 29_000) is None
    assert due(queue, NOON_MS + step_ms + 30_000) is not None


def test_what_comes_while_a_message_is_under_way_is_not_lost():
    queue = MessageQueue(Rules(group_s=0))
    queue.add(change("a"))
    message = due(queue, NOON_MS)
    queue.add(change("b"))
    queue.settle(message, NOON_MS, is_sent=True)
    assert ["b"] == [one.name for one in due(queue, NOON_MS).changes]


@examples(50)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=60))
def test_each_change_is_told_once_whatever_fails_and_restarts(moves):
    queue, told, added, now_ms = MessageQueue(Rules(per_hour_max=1000, group_s=0)), [], [], NOON_MS
    for count, is_taken, restarts in [*moves, *[(0, True, False)] * 3]:
        now_ms += 3_600_000 // 4
        for _ in range(count):
            added.append(f"a{len(added)}")
            queue.add(change(added[-1], utc_ms=now_ms))
        if restarts:
            before, queue = queue, MessageQueue(queue.rules)
            queue.load(before.save())
        if (message := due(queue, now_ms)) is not None:
            told += [one.name for one in message.changes] if is_taken else []
            queue.settle(message, now_ms, is_sent=is_taken)
    assert added == told


def test_a_message_for_programs_has_all_of_it():
    message = Message("issy.b012", (change(),), 0, ZONE)
    assert {"gateway", "severity", "title", "alarms", "unsent_count"} == set(message.data)
    assert "loss.bus_down:lan" == message.data["alarms"][0]["name"]
