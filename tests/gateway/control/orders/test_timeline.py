from quartier.control.orders import timeline
from quartier.control.requests import ScheduleInterval

SPANS = (ScheduleInterval(100.0, 1.0), ScheduleInterval(0.5, 2.0), ScheduleInterval(100.0, 3.0))


def at(utc_ms, *, exp_ms=10**9, lost_ms=None):
    found = timeline.find_running_span(1_000, exp_ms, SPANS, utc_ms, lost_ms)
    return None if found is None else (found[0].power_w, found[1])


def test_each_instant_belongs_to_one_span_and_knows_its_end():
    assert [None, (1.0, 101_000), (2.0, 101_500), (3.0, 201_500), None] == [
        at(utc_ms) for utc_ms in (999, 1_000, 101_000, 101_500, 201_500)
    ]


def test_a_span_ends_with_its_document():
    assert (3.0, 150_000) == at(149_999, exp_ms=150_000)
    assert None is at(150_000, exp_ms=150_000)
    assert 150_000 == timeline.find_end_ms(1_000, 150_000, SPANS)
    assert 201_500 == timeline.find_end_ms(1_000, 10**9, SPANS)


def test_without_a_trusted_clock_the_running_span_goes_on_and_none_after_it():
    assert (1.0, 101_000) == at(90_000, lost_ms=50_000)
    assert None is at(101_200, lost_ms=50_000)
    assert None is at(90_000, lost_ms=500), "it had not begun when the clock was lost"
