from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier.control.limits import supplies
from quartier.control.observe.observations import LastGood
from quartier.control.records import PowerLimits
from quartier.site.asset_types import GridMeter
from quartier.site.site_layout import Site, SiteLimits, SupplyMeter

S = 1_000_000_000
LINKY = SupplyMeter(name="linky", release_s=60.0)
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
)
SIX_KVA = {"subscribed_power_va": 6.0e3}


class Watch:
    """A meter over time, a look each ``every_s``; what it said last stays until it says otherwise or falls silent."""

    def __init__(self, supply=LINKY, **said):
        self.house, self.said, self.t = replace(HOUSE, supplies=(supply,)), dict(said), -1
        self.memories, self.drawn = {}, {}

    def looks(self, times=1, grid_w=None, *, every_s=1, silent=False, told_s=None, **said):
        self.said |= said
        for _ in range(times):
            self.t += every_s
            if not silent:
                self.memories |= {
                    f"linky.{name}": LastGood(float(v), self.t * S) for name, v in self.said.items()
                }
            grid = None if grid_w is None else LastGood(grid_w, (self.t if told_s is None else told_s) * S)
            self.drawn = supplies.update_supplies(
                self.house, self.drawn, self.memories, grid, float(every_s), self.t * S
            )
        return self.drawn["linky"]

    @property
    def sources(self):
        return [(str(source), powers) for source, powers in supplies.find_supply_limits(self.drawn)]

    @property
    def cap_w(self):
        return min((powers.import_w for _, powers in supplies.find_supply_limits(self.drawn)), default=inf)


def test_nothing_is_capped_before_the_meter_has_said_what_is_subscribed():
    watch = Watch()
    watch.looks(5, grid_w=9_000.0, over_power_on=False)

    assert inf == watch.cap_w
    assert [] == supplies.find_supply_alarms(watch.drawn)


@pytest.mark.parametrize(("grid_w", "cap_w"), [(7_000.0, 6_500.0), (None, 8_500.0)])
def test_a_warning_cuts_before_the_meter_has_said_what_is_subscribed(grid_w, cap_w):
    watch = Watch()
    watch.looks(1, grid_w=grid_w, over_current_on=True)

    assert [("linky, over-current", PowerLimits(cap_w, inf))] == watch.sources
    assert [
        "linky warns, or did until now: more flows than what is subscribed allows"
    ] == supplies.find_supply_alarms(watch.drawn)


def test_a_meter_that_changed_to_amperes_is_believed_anew():
    watch = Watch(**SIX_KVA, cut_off_power_va=6.0e3, current_l2_a=4)
    watch.looks(10)
    watch.said = {"subscribed_current_a": 15, "current_l2_a": 4}
    watch.looks()
    assert 8_100.0 == watch.cap_w
    watch.said = {"subscribed_current_a": 15}
    watch.looks(600)
    assert 8_100.0 == watch.cap_w, "noise may have hit it"
    watch.looks(2)
    assert 2_700.0 == watch.cap_w, "swapped for one of a single phase"
    watch.said = {"subscribed_power_va": 9.0e3, "cut_off_power_va": 9.0e3}
    watch.looks()
    assert 8_100.0 == watch.cap_w


def test_where_only_watts_are_measured_nine_tenths_of_the_subscribed_power_are_the_cap():
    watch = Watch(**SIX_KVA)
    watch.looks(300, grid_w=5_000.0)

    assert [("linky, 6 kVA subscribed", PowerLimits(5_400.0, inf))] == watch.sources


def test_the_lower_of_subscribed_and_cut_off_power_counts():
    watch = Watch(**SIX_KVA, cut_off_power_va=3_000)
    watch.looks()

    assert 2_700.0 == watch.cap_w


@pytest.mark.parametrize(("said", "cap_w"), [({}, 5_400.0), ({"current_l2_a": 4}, 16_200.0)])
def test_amperes_of_a_historic_meter_are_worth_200_va_each_and_per_phase(said, cap_w):
    watch = Watch(subscribed_current_a=30, **said)
    watch.looks()

    assert cap_w == watch.cap_w


def test_silence_does_not_lift_the_cap():
    watch = Watch(**SIX_KVA)
    watch.looks(10)
    watch.looks(1_000, every_s=100, silent=True)  # more than a day

    assert 5_400.0 == watch.cap_w


def test_a_restart_does_not_widen_what_a_meter_that_fell_silent_had_capped():
    before = Watch(**SIX_KVA)
    before.looks()
    after = Watch()
    after.drawn = supplies.load_supplies([LINKY], supplies.dump_supplies(before.drawn))
    after.looks(100)
    assert 5_400.0 == after.cap_w
    after.looks(1, subscribed_power_va=9.0e3)
    assert 8_100.0 == after.cap_w, "it speaks for itself"


@pytest.mark.parametrize(
    "facts", [None, [], {}, {"grid": 6e3}, *({"linky": v} for v in ("6", -1, 0, inf, True))]
)
def test_facts_that_make_no_sense_cap_nothing(facts):
    assert {} == supplies.load_supplies([LINKY], facts)


# Watts at the grid and VA at the meter, and the watts that then fit into 6000 VA after some minutes.
FITS = [
    (4_000.0, 4_000.0, 6_000.0),
    (3_800.0, 4_000.0, 5_400.0),
    (3_950.0, 4_000.0, 5_700.0),
    (3_200.0, 4_000.0, 4_800.0),
    (2_000.0, 4_000.0, 4_200.0),
    (100.0, 1_000.0, 5_400.0),
    (4_400.0, 4_000.0, 6_000.0),
]


@pytest.mark.parametrize(("grid_w", "apparent_va", "cap_w"), FITS)
def test_watts_that_fit_follow_the_power_factor_of_a_loaded_house(grid_w, apparent_va, cap_w):
    watch = Watch(**SIX_KVA)
    watch.looks(900, grid_w=grid_w, apparent_power_va=apparent_va)

    assert cap_w == watch.cap_w


def test_meters_that_see_a_step_at_different_moments_do_not_move_the_cap():
    watch = Watch(**SIX_KVA)
    watch.looks(900, grid_w=3_000.0, apparent_power_va=3_000)
    steady_w = watch.cap_w
    for _ in range(20):
        watch.looks(3, grid_w=3_000.0, apparent_power_va=5_500)
        assert steady_w == watch.cap_w
        watch.looks(27, grid_w=5_500.0, apparent_power_va=5_500)
        watch.looks(3, grid_w=5_500.0, apparent_power_va=3_000)
        watch.looks(27, grid_w=3_000.0, apparent_power_va=3_000)


@pytest.mark.parametrize("warning", ["over_power_on", "over_current_on"])
def test_a_warning_cuts_in_the_look_that_sees_it_and_below_what_flows(warning):
    watch = Watch(**SIX_KVA)
    watch.looks(10, grid_w=4_900.0, **{warning: False})
    watch.looks(1, grid_w=4_900.0, **{warning: True})

    assert 4_600.0 == watch.cap_w, "5 % of what is subscribed below 4900 W"


def test_a_warning_that_stays_cuts_further_every_ten_seconds_but_not_below_nothing():
    watch = Watch(**SIX_KVA)
    watch.looks(1, grid_w=4_900.0, over_power_on=True)
    watch.looks(9, grid_w=4_900.0)
    assert 4_600.0 == watch.cap_w
    watch.looks(1, grid_w=4_500.0)
    assert 4_200.0 == watch.cap_w
    watch.looks(600, grid_w=100.0)
    assert watch.cap_w == 0.0


def test_more_va_than_subscribed_cuts_what_is_too_much():
    watch = Watch(**SIX_KVA)
    watch.looks(1, grid_w=5_300.0, apparent_power_va=6_500)

    assert 4_500.0 == watch.cap_w
    assert ("more than subscribed",) == watch.drawn["linky"].warned


def test_a_cut_goes_a_minute_after_the_last_warning():
    watch = Watch(**SIX_KVA)
    watch.looks(5, grid_w=4_900.0, over_power_on=True)
    watch.looks(60, grid_w=3_000.0, over_power_on=False)
    assert 4_600.0 == watch.cap_w
    assert "linky, warned shortly before" in dict(watch.sources)
    watch.looks(1, grid_w=3_000.0)
    assert 5_400.0 == watch.cap_w


def test_silence_ends_no_warning():
    watch = Watch(**SIX_KVA)
    watch.looks(5, grid_w=4_900.0, over_power_on=True)
    watch.looks(1_000, grid_w=3_000.0, silent=True)

    assert watch.cap_w < 5_400.0
    assert ("over-power",) == watch.drawn["linky"].warned


@pytest.mark.parametrize("heard_s", [0, 30])
def test_another_meters_va_end_no_warning_of_a_meter_that_fell_silent(heard_s):
    watch = Watch(**SIX_KVA)
    watch.looks(5, grid_w=4_900.0, over_current_on=True)
    watch.looks(heard_s, grid_w=3_000.0, over_current_on=False)
    for _ in range(200):
        watch.memories["grid.apparent_power_va"] = LastGood(3_000.0, watch.t * S)
        watch.looks(1, grid_w=3_000.0, silent=True)
    assert 4_600.0 >= watch.cap_w
    watch.looks(62, grid_w=3_000.0, over_current_on=False)
    assert 5_400.0 == watch.cap_w


def test_what_another_meters_va_cut_they_end():
    watch = Watch(**SIX_KVA, over_current_on=False)
    watch.looks(1)
    for va in (6_500.0, *[3_000.0] * 80):
        watch.memories["grid.apparent_power_va"] = LastGood(va, watch.t * S)
        watch.looks(1, grid_w=3_000.0, silent=True)
    assert 5_400.0 == watch.cap_w


def test_the_alarm_comes_at_95_percent_and_stays_until_90():
    watch = Watch(**SIX_KVA)
    alarm = ["linky: more than 95% of 6 kVA subscribed is drawn"]
    seen = []
    for apparent_va in (5_690, 5_700, 5_500, 5_400, 5_390, 5_690):
        watch.looks(1, grid_w=3_000.0, apparent_power_va=apparent_va)
        seen.append(supplies.find_supply_alarms(watch.drawn))

    assert [[], alarm, alarm, alarm, [], []] == seen


def test_where_only_watts_are_known_the_alarm_is_of_the_watts_that_fit():
    watch = Watch(**SIX_KVA)
    watch.looks(1, grid_w=5_120.0)
    assert [] == supplies.find_supply_alarms(watch.drawn)
    watch.looks(1, grid_w=5_140.0)
    assert ["linky: more than 95% of 6 kVA subscribed is drawn"] == supplies.find_supply_alarms(watch.drawn)
    watch.looks(1, grid_w=5_500.0)
    assert () == watch.drawn["linky"].warned, "the cap itself answers that"


def test_a_grid_meter_that_measures_va_stands_in_for_a_supply_that_does_not():
    watch = Watch(**SIX_KVA)
    watch.memories["grid.apparent_power_va"] = LastGood(6_500.0, 0)
    watch.looks(1, grid_w=5_300.0)

    assert ("more than subscribed",) == watch.drawn["linky"].warned


def test_what_is_fed_in_is_not_drawn_though_va_have_no_sign():
    watch = Watch(**SIX_KVA)
    watch.looks(900, grid_w=-7_000.0, apparent_power_va=7_100)

    assert () == watch.drawn["linky"].warned
    assert [] == supplies.find_supply_alarms(watch.drawn)
    assert 5_400.0 == watch.cap_w, "and it says nothing of how many watts fit"


def test_a_warning_is_one_alarm_until_what_it_cut_is_given_back():
    watch = Watch(**SIX_KVA)
    alarm = ["linky warns, or did until now: more flows than 6 kVA subscribed allow"]
    watch.looks(1, over_power_on=True)
    assert ("over-power",) == watch.drawn["linky"].warned
    assert alarm == supplies.find_supply_alarms(watch.drawn)
    watch.looks(1, over_power_on=False, over_current_on=True)
    assert alarm == supplies.find_supply_alarms(watch.drawn)
    watch.looks(60, over_current_on=False)
    assert alarm == supplies.find_supply_alarms(watch.drawn)
    watch.looks(1)
    assert [] == supplies.find_supply_alarms(watch.drawn)


def test_a_meter_that_warns_before_it_says_what_flows_cuts_with_what_is_likely_and_then_with_the_news():
    watch = Watch(replace(LINKY, is_grid=True), **SIX_KVA)
    watch.looks(5, grid_w=500.0)
    watch.looks(2, grid_w=500.0, told_s=4, over_power_on=True)
    assert 3_900.0 == watch.cap_w, "0.7 W per VA, less 5 %"
    watch.looks(1, grid_w=3_000.0)
    assert 2_700.0 == watch.cap_w, "what flows is known now"
    watch.looks(9, grid_w=3_000.0)
    assert 2_700.0 == watch.cap_w


def test_people_see_load_tariff_colours_and_relays():
    watch = Watch(
        **SIX_KVA,
        apparent_power_va=713,
        tariff_index=2,
        tomorrow_colour_state=3,
        dry_relay_on=1,
        virtual_relay_7_on=1,
    )
    watch.looks()

    assert {
        "linky": {
            "subscribed_va": 6_000.0, "apparent_va": 713.0, "w_per_va": 0.9, "warned": [], "cut_w": None,
            "tariff_index": 2, "today": "", "tomorrow": "red", "mobile_peak": "",
            "relays": [0, 7],
        }
    } == supplies.render_supplies([LINKY], watch.drawn, watch.memories, watch.t * S)  # fmt: skip


def test_a_colour_is_seen_in_whichever_way_the_meters_mode_says_it():
    watch = Watch(**SIX_KVA, today_colour_state=0, today_colour_index=2, tomorrow_colour_state=1)
    watch.looks()
    shown = supplies.render_supplies([LINKY], watch.drawn, watch.memories, watch.t * S)["linky"]

    assert ("white", "blue") == (shown["today"], shown["tomorrow"])


PEAKS = [
    ({}, ""),
    ({"peak_notice_s": 0.0, "peak_notice_state": 0, "peak_state": 0, "peak_2_begin_in_s": -60.0}, ""),
    ({"peak_notice_s": 1_800.0}, "announced"),
    ({"peak_notice_state": 2}, "announced"),
    ({"peak_3_begin_in_s": 40_000.0}, "announced"),
    ({"peak_notice_state": 1, "peak_state": 1}, "runs"),
]


@pytest.mark.parametrize(("said", "peak"), PEAKS)
def test_people_see_that_a_mobile_peak_is_announced_in_whichever_way_or_that_it_runs(said, peak):
    watch = Watch(**SIX_KVA, **said)
    watch.looks()

    assert (
        peak
        == supplies.render_supplies([LINKY], watch.drawn, watch.memories, watch.t * S)["linky"]["mobile_peak"]
    )


def test_people_see_of_a_silent_meter_only_what_is_subscribed():
    assert {
        "linky": {
            "subscribed_va": None, "apparent_va": None, "w_per_va": 0.9, "warned": [], "cut_w": None,
            "tariff_index": None, "today": "", "tomorrow": "", "mobile_peak": "",
            "relays": None,
        }
    } == supplies.render_supplies([LINKY], {}, {}, 0)  # fmt: skip


looks = st.lists(
    st.fixed_dictionaries(
        {
            "seconds": st.integers(1, 90),
            "silent": st.booleans(),
            "grid_w": st.none() | st.floats(-9_000, 9_000),
        },
        optional={
            "apparent_power_va": st.integers(0, 99_999),
            "over_power_on": st.booleans(),
            "over_current_on": st.booleans(),
        },
    ),
    max_size=15,
)


@given(looks)
def test_never_more_than_subscribed_and_never_less_than_nothing(steps):
    watch = Watch(**SIX_KVA)
    watch.looks()
    for step in steps:
        watch.looks(**step)
        assert 0.0 <= watch.cap_w <= 6_000.0
