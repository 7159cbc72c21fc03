"""How much history may be on its way: the window, the rate, and that every setting delivers in the end."""

import random
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.district.sparkplug.backfill_rate import WINDOW_MESSAGES, BackfillRate, TokenBucket

S = 1_000_000_000


def test_the_pace_saves_up_two_seconds_and_one_message_where_nothing_waits():
    pace = TokenBucket(5.0)
    for second in (0, 1, 2, 3, 4):
        pace.add_tokens(second * S, counts=True)
    count = 0
    while pace.allows():
        pace.spend()
        count += 1

    assert 15 == count, "two seconds saved, and the last one"
    pace.add_tokens(10 * S, counts=False)
    pace.spend()
    assert not pace.allows()


def gone(flow, now_ns, flying, most=10_000):
    """Messages that go now."""
    flow.advance(now_ns, counts=True, flying_count=flying)
    count = 0
    while count < most and flow.allows(flying + count):
        flow.spend()
        count += 1
    return count


@examples(100)
@given(
    per_s=st.floats(0.01, 100),
    ticks=st.lists(st.floats(0.25, 100.0), min_size=1, max_size=6),
    watermark=st.booleans(),
    late_s=st.sampled_from([None, 0.0, 5.0, 1e9]),
)
def test_every_setting_delivers_in_the_end(per_s, ticks, watermark, late_s):
    """Whatever the pace, however often it is asked, however late the district says it is."""
    flow = BackfillRate(per_s, is_acknowledged=watermark)
    flow.begin(0)
    now_ns, heard_ns, left, flying, turn = 0, 0, 8, 0, 0
    least_per_s = min(per_s, 1 / 60)
    while left and now_ns < 4 * 8 / least_per_s * S:
        now_ns += round(ticks[turn % len(ticks)] * S)
        turn += 1
        count = gone(flow, now_ns, flying, left)
        left, flying = left - count, flying + count
        if now_ns - heard_ns >= 30 * S:
            heard_ns = now_ns
            flow.process_watermark(now_ns, is_moved=flying > 0, queued_s=0.0, late_s=late_s)
            flying = 0
    assert not left


@examples(50)
@given(per_s=st.floats(0.01, 100), seconds=st.lists(st.floats(0.01, 30), min_size=1, max_size=50))
def test_the_settable_pace_is_never_passed(per_s, seconds):
    flow = BackfillRate(per_s)
    flow.begin(0)
    now_ns = total = 0
    for passed_s in seconds:
        now_ns += round(passed_s * S)
        total += gone(flow, now_ns, 0)
        flow.process_watermark(now_ns, is_moved=True, queued_s=0.0, late_s=0.0)
    assert total <= per_s * now_ns / S + max(1, 2 * per_s) + 1


def test_no_more_than_the_window_goes_ahead_of_the_watermark():
    flow, flying = BackfillRate(100.0), 0
    flow.begin(0)
    for second in range(10_000):
        flying += gone(flow, second * S, flying)
    assert WINDOW_MESSAGES >= flying >= 1


def test_the_window_is_halved_where_nothing_moves_for_a_minute_and_never_below_one_message():
    flow = BackfillRate(5.0)
    flow.begin(0)
    windows = []
    for second in range(600):
        flow.advance(second * S, counts=True, flying_count=3)
        windows.append(flow.window)
    assert [20.0, 10.0, 5.0, 2.5, 1.25, 1.0, 1.0] == [windows[at] for at in (59, 61, 121, 181, 241, 301, 599)]
    assert flow.allows(0) is True


def test_two_slow_intervals_count_where_they_are_longer_than_a_minute():
    flow = BackfillRate(5.0)
    flow.begin(0)
    for second in range(0, 600, 50):
        flow.process_watermark(second * S, is_moved=True, queued_s=0.0, late_s=0.0)
    before = flow.window
    flow.advance((550 + 90) * S, counts=True, flying_count=3)
    assert before == flow.window
    flow.advance((550 + 100) * S, counts=True, flying_count=3)
    assert before / 2 == flow.window


def grown(flow, seconds):
    for second in seconds:
        taken_count = gone(flow, second * S, 0) * flow.portion
        flow.process_watermark(second * S, is_moved=True, queued_s=0.0, late_s=0.0, taken_count=taken_count)
    return flow.window


def test_the_window_doubles_until_it_was_halved_and_then_grows_by_one():
    flow = BackfillRate(5.0)
    flow.begin(0)
    assert 80.0 == grown(flow, (30, 60))
    flow.advance(200 * S, counts=True, flying_count=3)
    assert 40.0 == flow.window
    assert 42.0 == grown(flow, (260, 320))


def test_a_late_district_slows_history_down_and_a_quick_one_speeds_it_up():
    flow = BackfillRate(5.0)
    flow.begin(0)
    grown(flow, range(30, 300, 30))
    fast = flow.per_s
    flow.process_watermark(330 * S, is_moved=True, queued_s=0.0, late_s=1.5)
    slow = flow.per_s
    assert fast > slow >= fast / 2
    flow.process_watermark(336 * S, is_moved=True, queued_s=20.0, late_s=0.1)
    assert flow.per_s == slow, "what waits was sent at the higher rate"
    flow.process_watermark(400 * S, is_moved=True, queued_s=20.0, late_s=0.1)
    assert flow.per_s < slow, "history itself waits too long"
    slow = flow.per_s
    assert grown(flow, range(430, 520, 30))
    assert slow < flow.per_s <= fast


def test_a_slow_rate_goes_in_small_messages_and_a_fast_one_in_full_ones():
    flow = BackfillRate(5.0)
    flow.begin(0)
    for second in range(5, 60, 5):
        flow.process_watermark(second * S, is_moved=False, queued_s=3.0, late_s=0.0)
    portions = [flow.portion]
    for second in range(60, 200, 5):
        grown(flow, [second])
        portions.append(flow.portion)
    assert (100, 500) == (portions[0], portions[-1])
    assert portions == sorted(portions)
    assert 500 == BackfillRate(5.0, is_acknowledged=False).portion
    slow = BackfillRate(0.01)
    grown(slow, range(5, 100, 5))
    assert 500 == slow.portion, "a rate of messages that somebody set is not passed by smaller ones"


@pytest.mark.parametrize(("late_s", "most_s"), [(0.0, 2.0 + 1.25 * 5), (None, 1.0 + 5)])
def test_history_nearly_stops_while_the_oldest_message_is_older_than_a_short_queue_makes_it(late_s, most_s):
    flow = BackfillRate(5.0)
    flow.begin(0)
    for second in range(0, 50, 5):
        flow.process_watermark(second * S, is_moved=True, queued_s=0.0, late_s=late_s)
    flow.advance(60 * S, counts=True, flying_count=1, flying_s=most_s - 0.01)
    assert flow.allows(1)
    flow.advance(61 * S, counts=True, flying_count=1, flying_s=most_s + 0.01)
    assert not flow.allows(1)
    for second in (62, 80, 100):
        flow.advance(second * S, counts=True, flying_count=1, flying_s=60.0)
    assert flow.allows(1), "a message a minute goes all the same"


def test_a_new_connection_begins_with_at_most_half_of_the_last_rate():
    flow = BackfillRate(5.0)
    flow.begin(0)
    flow.process_watermark(S, is_moved=False, queued_s=0.0, late_s=0.0)
    first = flow.per_s
    for second in range(6, 60, 5):
        flow.process_watermark(second * S, is_moved=False, queued_s=9.0, late_s=0.0)
    low = flow.per_s
    flow.begin(100 * S)
    flow.process_watermark(101 * S, is_moved=False, queued_s=0.0, late_s=0.0)
    assert first > low >= flow.per_s


def test_a_lost_message_is_waited_for_some_intervals_where_live_data_is_stored_first_and_else_a_minute():
    flow = BackfillRate(5.0)
    flow.begin(0)
    assert 60.0 == flow.find_loss_wait_s(60.0)
    for second in range(0, 50, 5):
        flow.process_watermark(second * S, is_moved=True, queued_s=0.0, late_s=0.0)
    assert 2.0 + 2.5 * 5 == flow.find_loss_wait_s(60.0)
    flow.process_watermark(55 * S, is_moved=True, queued_s=0.0, late_s=None)
    assert 60.0 == flow.find_loss_wait_s(60.0)


@pytest.mark.parametrize("count", [20, 60])
def test_live_data_stays_fresh_at_a_district_that_tells_how_late_it_is(count):
    """So many gateways with a day of history at one queue that takes 40 (or 10) messages of history a second."""
    ages, drained_s, ideal_s = storm(count, each_s=1.0 / count, messages=30)
    ages.sort()
    assert ages[len(ages) * 99 // 100] <= 2.0
    assert ideal_s <= drained_s <= 8 * ideal_s + 240


def test_a_district_without_late_s_gets_all_and_its_queue_stays_bounded():
    """It stores in the order of arrival; without a bound live data waited for all history that was sent."""
    ages, drained_s, ideal_s = storm(20, each_s=0.05, messages=30, watermark_s=20.0, is_told=False)
    ages.sort()
    assert ages[len(ages) * 99 // 100] <= 20.0
    assert ideal_s <= drained_s <= 8 * ideal_s + 600


def storm(count, *, each_s, messages, watermark_s=5.0, is_told=True):
    """Ages of live data, when all was stored, and how long the history alone takes."""
    dice = random.Random(1)
    flows = [BackfillRate(5.0, phase=place / count) for place in range(count)]
    starts = [dice.uniform(1, 60) for _ in flows]
    heard = [start + 1 for start in starts]
    flying = [deque() for _ in flows]
    left, free_s, ages, now_s = [messages] * count, 0.0, [], 0.0
    while any(left) or any(flying):
        now_s += 0.25
        for place, flow in enumerate(flows):
            if now_s < starts[place]:
                continue
            if now_s - starts[place] < 0.25:
                flow.begin(round(now_s * S))
            if (now_s + place) % 10 < 0.25:
                free_s = max(free_s, now_s) + 0.001
                ages.append(free_s - now_s)
            for _ in range(gone(flow, round(now_s * S), len(flying[place]), left[place])):
                free_s = max(free_s, now_s) + each_s
                flying[place].append((now_s, free_s))
                left[place] -= 1
            if now_s >= heard[place]:
                heard[place] += watermark_s
                before = len(flying[place])
                while flying[place] and flying[place][0][1] <= now_s:
                    flying[place].popleft()
                queued_s = now_s - flying[place][0][0] if flying[place] else 0.0
                moved = len(flying[place]) < before
                late_s = max(0.0, free_s - now_s) if is_told else None
                taken_count = (before - len(flying[place])) * flow.portion
                flow.process_watermark(
                    round(now_s * S),
                    is_moved=moved,
                    queued_s=queued_s,
                    late_s=late_s,
                    taken_count=taken_count,
                )
    return ages, now_s, count * messages * each_s
