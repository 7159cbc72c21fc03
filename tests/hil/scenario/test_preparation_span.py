import datetime as dt

import pytest

from quartier_hil.scenario import preparation
from quartier_hil.scenario.builtin_scenarios import list_builtin
from quartier_hil.scenario.preparation import SITE_ZONE, QuarterSpan
from quartier_hil.scenario.scenario_file import load_scenario


@pytest.mark.parametrize(
    ("date", "count"),
    [((2026, 3, 29), 92), ((2026, 6, 12), 96), ((2026, 10, 25), 100)],
)
def test_a_day_of_the_house_has_as_many_quarters_as_its_hours_have(date, count):
    begin = dt.datetime(*date, tzinfo=SITE_ZONE)
    found = QuarterSpan(begin, count)

    after = (begin.date() + dt.timedelta(days=1)).isoformat()
    assert (begin.date().isoformat(), after) == found.local_times
    assert len(set(found.labels)) == count
    assert found.labels == sorted(found.labels, key=dt.datetime.fromisoformat)
    assert f"{begin.date()} 23:45:00" == found.labels[-1][:19]


def test_the_hour_that_comes_twice_is_told_and_asked_with_its_offset():
    night = QuarterSpan(dt.datetime(2026, 10, 25, 1, 45, tzinfo=SITE_ZONE), 6)

    assert ["02:45:00+02:00", "02:00:00+01:00"] == [label[11:] for label in night.labels[4:]]
    assert ("2026-10-25T01:45", "2026-10-25T02:15+01:00") == night.local_times


def test_the_hour_that_is_skipped_is_not_told():
    night = QuarterSpan(dt.datetime(2026, 3, 29, 1, 45, tzinfo=SITE_ZONE), 2)

    assert ["01:45:00+01:00", "03:00:00+02:00"] == [label[11:] for label in night.labels]


def test_a_scenario_has_the_quarters_that_are_over_at_its_end():
    scenario = load_scenario(list_builtin()["midnight"])

    assert 1 == preparation.make_quarter_span(scenario.model_copy(update={"duration_s": 1_799.0})).count


def test_the_days_of_the_changed_clock_are_whole():
    names = {"clock-change-autumn": 100, "clock-change-spring": 92}
    assert names == {
        name: preparation.make_quarter_span(load_scenario(list_builtin()[name])).count for name in names
    }
