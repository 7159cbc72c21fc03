import json

import pytest

from quartier.control.events import detection
from quartier.control.events.detection import ActiveRow, GridEvents
from quartier.control.events.outage import OutageRecovery


def test_what_acts_goes_on_after_a_restart_with_its_reading():
    events = GridEvents(low=ActiveRow(level=2, value=49.46), high_u=ActiveRow(level=1, value=112.0))
    facts = json.loads(json.dumps(detection.dump_grid_events(events, 0)))
    found = detection.load_grid_events(GridEvents(), facts, 30.0, 7)

    assert (2, 49.46, 7) == (found.low.level, found.low.value, found.low.since_ns)
    assert (1, 0, 0) == (found.high_u.level, found.high.level, found.low_u.level)


def test_after_an_outage_the_wait_begins_anew():
    facts = detection.dump_grid_events(
        GridEvents(outage=OutageRecovery(is_open=True, rises_ns=5, from_w=3)), 0
    )

    assert OutageRecovery(is_open=True) == detection.load_grid_events(GridEvents(), facts, 1.0, 0).outage


def test_an_outage_is_not_over_because_nobody_knows_how_long_ago_it_was():
    facts = detection.dump_grid_events(
        GridEvents(low=ActiveRow(level=3, value=48.0), outage=OutageRecovery(is_open=True)), 0
    )

    assert GridEvents(outage=OutageRecovery(is_open=True)) == detection.load_grid_events(
        GridEvents(), facts, 366 * 86_400.0, 0
    )


def test_a_quiet_grid_keeps_nothing():
    assert {} == detection.dump_grid_events(GridEvents(), 0)


def test_what_goes_on_unchanged_is_told_anew_within_five_minutes():
    events = GridEvents(low=ActiveRow(level=3, value=48.0))
    first, same, later = (detection.dump_grid_events(events, ms) for ms in (600_000, 899_999, 900_000))

    assert first == same
    assert first != later


def test_an_event_of_long_ago_is_over():
    facts = detection.dump_grid_events(GridEvents(low=ActiveRow(level=3, value=48.0)), 0)

    assert 3 == detection.load_grid_events(GridEvents(), facts, 899.0, 0).low.level
    assert GridEvents() == detection.load_grid_events(GridEvents(), facts, 901.0, 0)


@pytest.mark.parametrize(("now_ms", "least_s"), [(600_000, 0.0), (1_199_000, 299.0), (0, 0.0)])
def test_how_long_nobody_looked_is_told_by_the_stamp_where_the_machine_went_on(now_ms, least_s):
    facts = detection.dump_grid_events(GridEvents(low=ActiveRow(level=3, value=48.0)), 700_000)

    assert least_s == detection.find_absence_s(facts, now_ms)
    assert (None, None) == (detection.find_absence_s({}, now_ms), detection.find_absence_s(7, now_ms))


@pytest.mark.parametrize(
    "nonsense",
    [None, 7, [], {"low": 3}, {"low": [9, 49.0]}, {"low": ["2", 49.0]}, {"low": [2]}, {"low": [True, 1]}],
)
def test_nonsense_is_left(nonsense):
    assert GridEvents() == detection.load_grid_events(GridEvents(), nonsense, 1.0, 0)
