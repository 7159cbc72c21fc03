"""A trusted clock that meters contradict: said, held against, and without a hand on any limit."""

from dataclasses import replace

import pytest

from quartier.control.observe import meter_clocks, observations
from quartier.control.observe.meter_clocks import ClockComparison
from quartier.control.observe.observations import LastGood
from quartier.site.asset_types import GridMeter
from quartier.site.records import Now
from quartier.site.site_layout import ClockSource, Site, SiteLimits

S = 1_000_000_000
EPOCH_MS = 1_790_000_000_000
LINKY, P1 = ClockSource(name="linky", clock_s=2.0), ClockSource(name="p1", clock_s=10.0, tariff_s=10.0)
HOUSE = Site(
    name="b1",
    grid=GridMeter(name="grid", rated_w=9_000),
    assets=(),
    limits=SiteLimits(
        import_hard_w=9_000,
        export_hard_w=0,
        import_failsafe_w=0,
        export_failsafe_w=0,
        import_autonomous_w=0,
        export_autonomous_w=0,
    ),
    clock_sources=(LINKY,),
)


class Watch:
    """Looks each second at what meters said a second ago; what is None is not said any more."""

    def __init__(self, *meters):
        self.house, self.t, self.memories, self.clocks = replace(HOUSE, clock_sources=meters), 0, {}, {}

    def looks(self, seconds=1, *, synced=True, **behind_s):
        for _ in range(seconds):
            self.t += 1
            for name, value in behind_s.items():
                if value is not None:
                    self.memories[f"{name}.clock_offset_s"] = LastGood(value, self.t * S)
            now = Now(self.t * S, EPOCH_MS + 1000 * self.t, synced)
            self.clocks = meter_clocks.compare_clocks(self.house, self.clocks, self.memories, now)
        return self

    @property
    def doubt(self):
        return meter_clocks.find_clock_doubt(self.clocks, self.t * S)

    @property
    def alarms(self):
        return [
            (one.code, one.of, str(one)) for one in meter_clocks.find_clock_alarms(self.clocks, self.t * S)
        ]


def test_a_meter_that_differs_by_more_than_the_bound_for_a_minute_puts_the_clock_in_doubt():
    watch = Watch(LINKY)

    assert "" == watch.looks(61, linky=300.0).doubt, "the bound itself is still well"
    assert ("", []) == (watch.looks(60, linky=7_200.0).doubt, watch.alarms), "not yet a minute"
    assert "the clock contradicts linky" == watch.looks(linky=7_200.0).doubt
    words = "the clock of linky is 2 h behind ours: one of them is wrong, no local plan is followed"
    assert [("clock.contradicted", "linky", words)] == watch.alarms
    assert ("", []) == (watch.looks(linky=-299.0).doubt, watch.alarms), "it goes as soon as they agree"


def test_one_wrong_stamp_is_nothing():
    watch = Watch(LINKY)
    for _ in range(5):
        watch.looks(59, linky=-4_000.0).looks(linky=0.5)

    assert "" == watch.looks(59, linky=-4_000.0).doubt
    assert "the clock contradicts linky" == watch.looks(2, linky=-4_000.0).doubt


def test_a_meter_that_falls_silent_says_nothing_and_neither_does_one_that_never_spoke():
    watch = Watch(LINKY, P1).looks(120, linky=900.0)
    assert "the clock contradicts linky" == watch.doubt

    assert "" == watch.looks(16).doubt
    assert {} == watch.clocks


def test_a_clock_of_ours_that_is_not_trusted_is_not_compared():
    watch = Watch(LINKY).looks(120, linky=900.0)

    assert ("", {}) == (watch.looks(synced=False, linky=900.0).doubt, watch.clocks)
    assert "" == watch.looks(60, linky=900.0).doubt, "a minute of its own after that"


def test_where_one_meter_agrees_with_ours_the_other_is_the_one_that_is_wrong():
    watch = Watch(LINKY, P1).looks(90, linky=-3_600.0, p1=4.0)

    words = "the clock of linky is 1 h ahead of ours, and another meter agrees with ours"
    assert ("", [("meter.clock_wrong", "linky", words)]) == (watch.doubt, watch.alarms)


def test_all_that_contradict_are_named():
    watch = Watch(LINKY, P1, ClockSource(name="sub1", tariff_s=1.0)).looks(90, linky=-3_600.0, p1=-3_590.0)

    assert "the clock contradicts linky and p1" == watch.doubt
    assert ["linky", "p1"] == [of for _, of, _ in watch.alarms]


@pytest.mark.parametrize(
    ("behind_s", "words"),
    [(5_400.0, "1.5 h behind"), (-172_800.0, "2 d ahead of"), (301.0, "5 min behind"), (42.0, "42 s behind")],
)
def test_how_far_it_is_off_is_said_in_words(behind_s, words):
    assert words == ClockComparison(behind_s).words


def test_control_reads_what_meters_that_tell_it_serve_and_nothing_else():
    house = replace(HOUSE, clock_sources=(LINKY, P1))
    points = set(observations.list_read_points(house)) - set(
        observations.list_read_points(replace(house, clock_sources=()))
    )

    assert {"linky.clock_offset_s", "p1.clock_offset_s", "p1.tariff_index"} == points
