"""Which meters are believed: faults are found, normal buildings are not called implausible."""

import json
from dataclasses import replace

import pytest
from tests.gateway.control.observe.meter_check.conftest import BATTERY, BOILER, CAR, PV, S

from quartier.control.observe.meter_check.causes import describe_evidence
from quartier.control.observe.meter_check.judge import (
    EVIDENCE_CODES,
    CheckContext,
    MeterCheck,
    MeterVerdict,
    adopt_site,
    clear_verdict,
    dump_check,
    find_margins,
    find_meter_alarms,
    load_check,
)


def gain(factor):
    return lambda phases: tuple(factor * watts for watts in phases)


def one_reversed(phases):
    return phases[0], -phases[1], phases[2]


def one_dead(phases):
    return phases[0], 0.0, phases[2]


SMALL = replace(BATTERY, rated_w=2_000, charge_max_w=2_000, discharge_max_w=2_000)
STEPS_W = (900, -1_500, 600, 2_000, -700, 1_200, -400, 1_800)


def walk(building, steps_w=STEPS_W, asset="bat1", settle_s=15):
    for watts in steps_w:
        building.order(asset, watts).step(settle_s)
    return building


def test_sound_meter_is_good_and_its_steps_clear_evidence(building):
    b = walk(building())

    assert ("GOOD", ()) == (b.verdict, b.state.causes)
    assert b.state.evidence == ()
    assert not [*find_meter_alarms(b.state, b.house)]


@pytest.mark.parametrize("factor", [0.3, 0.6, 1.5, 2.0])
def test_wrong_factor_is_found_by_five_steps_of_our_own(building, factor):
    b = walk(building(fault=gain(factor)))

    assert b.verdict == "IMPLAUSIBLE"
    assert b.codes[0] in {"gain_low", "gain_high", "none"}


@pytest.mark.parametrize("frozen", [(), ("power_w",)])
def test_what_an_asset_did_while_it_was_silent_is_no_step_of_the_meter(building, frozen):
    b = building(ripple_w=0.0)
    for watts in (1_000, -1_000, 2_000, 4_000):
        b.draw("bat1", watts).step(20)
    for watts in (-4_000, 4_000, -4_000):
        b.silent = ("bat1",)
        b.step(30).draw("bat1", watts).step(30)
        b.frozen = frozen
        b.silent = ()
        b.step(30)
        assert (b.verdict, b.codes) == ("GOOD", [])

    b.draw("bat1", 4_000).step(200)
    assert b.verdict == ("GOOD" if not frozen else "SUSPECT")


def test_wrong_factor_is_not_concluded_from_steps_that_nobody_ordered(building):
    b = building(fault=gain(0.6))
    for watts in STEPS_W:
        b.draw("bat1", watts).step(15)

    assert b.verdict == "GOOD"


def test_reversed_meter_is_found_by_two_large_steps(building):
    b = building(fault=gain(-1.0)).order("bat1", 3_500).step(15)
    assert (b.verdict, b.codes) == ("SUSPECT", ["one_step"])
    assert b.state.verifies(b.t * S)

    b.order("bat1", 0).step(15)
    assert (b.verdict, b.codes[0]) == ("IMPLAUSIBLE", "wrong_sign")
    assert [("meter.implausible", "grid")] == [
        (one.code, one.of) for one in find_meter_alarms(b.state, b.house)
    ]


def test_reversed_meter_is_found_by_a_small_battery_that_made_the_error_larger_and_its_way_back(building):
    b = building(SMALL, fault=gain(-1.0), rest_w=(300, 300, 300))
    b.order("bat1", 2_000).step(15)  # it shows export, so the battery charges: the export grows
    assert b.verdict == "SUSPECT"

    b.release().step(15)
    assert (b.verdict, b.codes[-1]) == ("IMPLAUSIBLE", "corrections_grow")


def test_three_corrections_that_made_the_error_larger_are_enough_without_any_check(building):
    b = building(SMALL, fault=gain(-1.0), rest_w=(300, 300, 300))
    b.order("bat1", 700).step(15)
    b.step(130)  # the check of the first one is over
    b.order("bat1", 1_300).step(150)
    b.order("bat1", 1_900).step(15)

    assert (b.verdict, b.codes[-1]) == ("IMPLAUSIBLE", "corrections_grow")


def test_two_corrections_are_enough_while_a_hard_limit_is_exceeded(building):
    b = building(SMALL, fault=gain(-1.0), rest_w=(300, 300, 300), told=CheckContext(over_limit=True))
    b.order("bat1", 700).step(150)
    b.order("bat1", 1_300).step(15)

    assert (b.verdict, b.codes[-1]) == ("IMPLAUSIBLE", "corrections_grow")


@pytest.mark.parametrize("fault", [one_reversed, one_dead])
def test_one_phase_that_is_reversed_or_dead_is_found(building, fault):
    b = building(fault=fault)
    for watts in (4_800, -4_800, 3_000, -3_000, 4_900, 0, 3_500):
        b.order("bat1", watts).step(15)

    assert b.verdict == "IMPLAUSIBLE"


def test_frozen_power_is_suspect_and_two_large_steps_without_reaction_are_implausible(building):
    b = building()
    b.frozen = ("power_w", "power_l1_w", "power_l2_w", "power_l3_w", "frequency_hz")
    b.step(5).draw("ev1", 4_000).step(10)
    assert b.verdict == "SUSPECT"
    assert "frozen_power_w" in b.codes

    b.draw("ev1", 0).step(20)
    assert (b.verdict, b.codes[-1]) == ("IMPLAUSIBLE", "none_l3") or "none" in b.codes


def test_steady_meter_is_not_frozen_because_an_asset_was_read_late(building):
    b = building().step(30)
    b.ripple_w, b.silent = 0.0, ("ev1",)  # shorter than what counts as silent
    b.draw("ev1", 4_000).step(8)
    b.silent = ()
    b.step(60)
    assert b.verdict == "GOOD"

    b.frozen = ("power_w", "power_l1_w", "power_l2_w", "power_l3_w")
    b.draw("ev1", 0).step(20)
    assert "frozen_power_w" in b.codes


def test_one_frozen_quantity_makes_the_whole_meter_suspect(building):
    b = building()
    b.frozen = ("frequency_hz",)
    b.step(70).order("bat1", 1_000).step(30)

    assert (b.verdict, b.codes) == ("SUSPECT", ["frozen_frequency_hz"])


def test_coarse_quantity_that_rests_as_long_as_before_is_not_frozen(building):
    b = building(resolution_w=100.0, ripple_w=0.0)
    for watts in (0, 200, 0, 200, 0, 500):
        b.draw("bat1", watts).step(40)

    assert b.verdict == "GOOD"


def test_less_than_is_measured_below_is_suspect_after_half_a_minute(building):
    b = building(fault=gain(0.1)).draw("ev1", 11_000).step(25)
    assert b.verdict == "GOOD" or "below_bound" not in b.codes
    b.step(10)

    assert "below_bound" in b.codes
    assert b.verdict == "SUSPECT"
    assert b.state.gap_w == pytest.approx(11_000 - 800 - 0.1 * 11_300, abs=20)
    assert [("meter.suspect", "grid")] == [(one.code, one.of) for one in find_meter_alarms(b.state, b.house)]

    b.fault = gain(1.0)
    b.step(50)
    assert b.verdict == "SUSPECT"
    b.step(30)
    assert b.verdict in {"GOOD", "SUSPECT"}


def test_less_than_is_measured_below_is_implausible_where_nothing_is_unlisted(building):
    b = building(fault=gain(0.1), unlisted_w=0.0).draw("ev1", 11_000).step(40)

    assert b.verdict == "IMPLAUSIBLE"


def test_unlisted_generation_within_what_is_declared_contradicts_nothing(building):
    b = building(rest_w=(-1_200, 0, 0), unlisted_w=1_000).draw("ev1", 5_000).step(120)

    assert b.verdict == "GOOD"


def test_unlisted_battery_that_takes_back_each_step_is_no_fault(building):
    b = building(answer=lambda grid_w: -0.7 * grid_w)
    for watts in (4_000, -4_000, 3_500, 0, 4_500, -3_000):
        b.order("bat1", watts).step(30)

    assert b.verdict == "GOOD"


@pytest.mark.parametrize("period_s", [10.0, 60.0])
def test_slow_meter_with_an_unlisted_battery_is_no_fault(building, period_s):
    b = building(period_s=period_s, answer=lambda grid_w: -0.7 * grid_w)
    for watts in (4_000, -4_000, 3_500, 0, 4_500):
        b.order("bat1", watts).step(round(10 * period_s))

    assert b.verdict != "IMPLAUSIBLE"


def test_slow_meter_that_is_reversed_is_found_too(building):
    b = building(period_s=10.0, fault=gain(-1.0))
    for watts in (4_000, 0):
        b.order("bat1", watts).step(100)

    assert b.verdict == "IMPLAUSIBLE"


def test_meter_of_apparent_power_may_show_export_as_import(building):
    b = building(fault=lambda phases: tuple(abs(watts) for watts in phases), told=CheckContext(signed=False))
    b.draw("pv1", -5_000).step(30)
    for watts in (4_000, -4_000, 3_500, -3_500):
        b.order("bat1", watts).step(20)

    assert b.verdict == "GOOD"


def test_meter_of_apparent_power_that_shows_nothing_of_large_steps_is_found(building):
    b = building(fault=lambda _: (9_000.0, 0.0, 0.0), told=CheckContext(signed=False))
    for watts in (4_000, 0, 4_000):
        b.order("bat1", watts).step(20)

    assert b.verdict == "IMPLAUSIBLE"


def test_pulses_of_a_load_that_nobody_measures_are_no_fault(building):
    b = building()
    for pulse in range(40):
        b.rest_w = (100.0, 150.0 + (6_500 if pulse % 2 else 0), 50.0)
        b.order("bat1", 1_500 if pulse % 3 else -1_200).step(20 if pulse % 2 else 25)

    assert b.verdict == "GOOD"


def test_sun_on_an_unlisted_roof_beside_the_listed_one_is_no_fault(building):
    b = building(rest_w=(100, 100, 100))
    for sun_w in (5_000, 1_000, 4_500, 500, 6_000, 2_000, 5_500):
        b.draw("pv1", -sun_w)
        b.rest_w = (100 - sun_w / 3, 100 - sun_w / 3, 100 - sun_w / 3)
        b.step(40)

    assert b.verdict == "GOOD"


def test_load_that_nothing_measures_and_is_switched_with_another_one_is_no_evidence(building):
    b = building(BATTERY, replace(BOILER, measured=False, name="boiler2"))
    for at, watts in enumerate((2_000, 0, 2_000, 0, 2_500, 0, 2_000)):
        b.order("bat1", watts)
        b.orders["boiler2.relay_on"] = replace(b.orders["bat1.setpoint_w"], value=float(at % 2))
        b.rest_w = (100 - watts / 3, 100 - watts / 3, 100 - watts / 3)
        b.step(20)

    assert b.verdict == "GOOD"


def test_way_back_takes_ten_minutes_without_contradiction_and_three_good_steps(building):
    b = building(fault=gain(-1.0))
    for watts in (4_000, 0):
        b.order("bat1", watts).step(15)
    assert b.verdict == "IMPLAUSIBLE"

    b.fault = gain(1.0)
    b.step(700)
    assert b.verdict == "IMPLAUSIBLE", "time alone is not enough"
    assert b.state.tries(b.t * S) is not None
    for watts in (1_000, 0):
        b.order("bat1", watts).step(15)
    assert b.verdict == "IMPLAUSIBLE"
    assert b.order("bat1", 1_000).step(15).verdict == "GOOD"

    b.fault = gain(-1.0)
    for watts in (4_000, 0):
        b.order("bat1", watts).step(15)
    assert (b.verdict, b.state.wait_s) == ("IMPLAUSIBLE", 1_200.0)


def test_small_steps_are_made_in_turn_once_nothing_contradicted_for_the_wait(building):
    b = building(fault=gain(-1.0))
    assert b.state.tries(b.t * S) is None
    for watts in (4_000, 0):
        b.order("bat1", watts).step(15)
    contradicted_s = b.state.contradicted_ns / S

    tries = [b.state.tries(round((contradicted_s + at_s) * S)) for at_s in (599, 600, 629, 630, 659, 660)]
    assert tries == [None, True, True, False, False, True]


def test_person_on_site_ends_the_verdict(building):
    b = building(fault=gain(-1.0))
    for watts in (4_000, 0):
        b.order("bat1", watts).step(15)

    assert clear_verdict(b.state, b.t * S).verdict is MeterVerdict.GOOD


def test_nothing_is_judged_without_a_reading(building):
    b = building()
    b.shown, b.read = {}, {}
    before = b.state
    b.state = replace(before)
    b.house = replace(b.house, assets=(CAR, PV))
    b.step(0)

    assert b.state == before


def test_release_that_verifies_a_step_begins_once_the_level_before_it_is_known(building):
    b = building(fault=gain(-1.0)).order("bat1", 4_000).step(6)
    assert (b.verdict, b.state.verifies(b.t * S)) == ("SUSPECT", False)

    while not b.state.verifies(b.t * S):
        b.step()
    assert b.t <= 70
    assert b.order("bat1", 0).step(10).verdict == "IMPLAUSIBLE"


def test_verdict_outlives_a_restart(building):
    b = building(fault=gain(-1.0))
    for watts in (4_000, 0):
        b.order("bat1", watts).step(15)
    facts = json.loads(json.dumps(dump_check(b.state)))
    b.state = load_check(facts, b.t * S)
    assert (b.verdict, b.codes[0]) == ("IMPLAUSIBLE", "wrong_sign")

    b.fault = gain(1.0)
    for watts in (1_000, 0, 1_000, 0):
        b.order("bat1", watts).step(15)
    assert b.step(500).verdict == "IMPLAUSIBLE", "ten minutes since the restart"
    assert b.step(60).verdict == "GOOD"


def test_suspect_verdict_outlives_a_restart_for_ten_minutes_unless_it_gets_worse(building):
    b = building(fault=gain(-1.0))
    b.order("bat1", 4_000).step(15)
    assert (b.verdict, b.codes) == ("SUSPECT", ["one_step"])
    facts = json.loads(json.dumps(dump_check(b.state)))
    b.state = load_check(facts, b.t * S)
    assert (b.verdict, b.codes) == ("SUSPECT", ["one_step"])

    b.fault = gain(1.0)
    assert b.step(590).verdict == "SUSPECT"
    assert b.step(20).verdict == "GOOD"


@pytest.mark.parametrize(
    ("value", "kept"), [(0.55, 0.55), (0.559, 0.55), (-1.016, -1.1), (5_399.0, 5_300.0), (0.0, 0.0)]
)
def test_kept_value_of_a_cause_is_never_rounded_up(value, kept):
    state = replace(MeterCheck(), verdict=MeterVerdict.SUSPECT, causes=(("gain_low", value),))

    assert dump_check(state)["causes"] == [["gain_low", kept]]


def test_good_meter_leaves_nothing_to_keep_and_nonsense_is_ignored(building):
    assert dump_check(building().state) == {}
    for nonsense in (None, 3, {}, {"causes": 3}):
        assert load_check(nonsense, 0).verdict is MeterVerdict.GOOD


@pytest.mark.parametrize("facts", [{"causes": []}, {"causes": [["x", 1], 3, ["none"]], "wait_s": "x"}])
def test_facts_that_are_partly_nonsense_still_say_implausible(facts):
    found = load_check(facts, 0)

    assert (MeterVerdict.IMPLAUSIBLE, 600.0, "none") == (found.verdict, found.wait_s, found.causes[0][0])


@pytest.mark.parametrize("code", sorted(EVIDENCE_CODES))
def test_each_cause_has_words(code):
    assert describe_evidence(((code, 1.5),))


def test_site_file_that_is_read_again_keeps_the_verdict_and_another_meter_begins_anew(building):
    b = building(fault=gain(-1.0))
    for watts in (4_000, 0):
        b.order("bat1", watts).step(15)
    old, less = b.house, replace(b.house, assets=(BATTERY, CAR))
    kept = adopt_site(b.state, old, less)
    assert (MeterVerdict.IMPLAUSIBLE, (), {"bat1"}) == (kept.verdict, kept.steered.samples, {*kept.followers})

    b.house, b.state = less, kept
    assert b.step(60).verdict == "IMPLAUSIBLE"
    other = replace(old, grid=replace(old.grid, period_s=5.0))
    assert adopt_site(kept, old, other).verdict is MeterVerdict.GOOD


def test_meter_that_stands_still_over_kilowatts_is_implausible_at_once(building):
    b = building()
    b.frozen = ("power_w", "power_l1_w", "power_l2_w", "power_l3_w")
    b.step(5).draw("ev1", 4_000).step(40)

    assert (b.verdict, b.codes[1]) == ("IMPLAUSIBLE", "frozen_power_w")


def test_meter_of_apparent_power_at_zero_is_not_frozen(building):
    b = building(
        fault=lambda phases: (max(0.0, sum(phases)), 0.0, 0.0),
        told=CheckContext(signed=False),
        ripple_w=30.0,
    )
    b.draw("pv1", -3_000).step(10)
    b.draw("pv1", -5_000).step(100)

    assert b.verdict == "GOOD"


def test_meter_with_a_value_a_minute_that_is_read_each_second_concludes_nothing_from_no_reaction(building):
    b = building()
    held = [0.0] * 3

    def each_minute(phases):
        if b.t % 60 == 0:
            held[:] = phases
        return tuple(held)

    b.fault = each_minute
    b.step(360)
    for watts in (4_000, 0, 3_500, -3_500, 0):
        b.order("bat1", watts).step(90)

    assert b.verdict != "IMPLAUSIBLE"


@pytest.mark.parametrize(
    ("causes", "evidence", "margins_w"),
    [
        ([("below_bound", 1.0)], 0, (700.0, 0.0)),
        ([("frozen_voltage_l1_v", 1.0), ("below_bound", 1.0)], 0, (700.0, 0.0)),
        ([("frozen_power_w", 1.0)], 0, (2_600.0, 400.0)),
        ([("one_step", 1.0)], 0, (2_600.0, 400.0)),
        ([("below_bound", 1.0)], 1, (2_600.0, 400.0)),
    ],
)
def test_only_a_doubt_of_the_power_makes_its_reading_say_nothing(building, causes, evidence, margins_w):
    b = building(fault=gain(-1.0))
    if evidence:
        b.order("bat1", 3_500).step(15)
    state = replace(
        b.state, verdict=MeterVerdict.SUSPECT, causes=tuple(causes), gap_w=700.0, unlisted_w=400.0
    )

    assert margins_w == find_margins(state, 3_000.0)
    assert (0.0, 0.0) == find_margins(replace(state, verdict=MeterVerdict.GOOD), 3_000.0)


def test_two_steps_of_two_sizes_with_one_wrong_gain_make_the_meter_suspect_for_ten_minutes(building):
    b = building(fault=gain(0.6)).order("bat1", 900).step(15)
    assert b.verdict == "GOOD"
    b.order("bat1", 2_400).step(15)
    assert (b.verdict, b.codes) == ("SUSPECT", ["gain_low"])

    assert b.step(590).verdict == "SUSPECT"
    assert b.step(70).verdict == "GOOD"


@pytest.mark.parametrize(
    ("steps_w", "factors"), [((1_000, 2_000, 1_000), (0.6, 0.6, 0.6)), ((900, 2_400), (0.35, 0.65))]
)
def test_steps_of_one_size_or_with_several_gains_do_not(building, steps_w, factors):
    b = building()
    for watts, factor in zip(steps_w, factors, strict=True):
        before_w, shown_w = b.powers_w.get("bat1", 0.0), b.rest_w
        b.order("bat1", watts)
        b.rest_w = tuple(rest_w - (1.0 - factor) * (watts - before_w) / 3 for rest_w in shown_w)
        b.step(15)

    assert len(b.state.evidence) >= 2
    assert b.verdict == "GOOD"


def test_one_step_that_is_shown_rightly_ends_the_doubt_of_the_gain(building):
    b = building(fault=gain(1.6)).order("bat1", 900).step(15).order("bat1", 2_400).step(15)
    assert (b.verdict, b.codes) == ("SUSPECT", ["gain_high"])

    b.fault = gain(1.0)
    b.step(70).order("bat1", 400).step(15)
    assert b.state.evidence == ()
    assert b.step(60).verdict == "GOOD"


@pytest.mark.parametrize(
    ("reading_w", "found_w", "margins_w"),
    [(3_000.0, 0.6, (2_000.0, 0.0)), (-3_000.0, 0.6, (0.0, 2_000.0)), (3_000.0, 0.1, (7_000.0, 0.0))],
)
def test_limits_are_kept_against_what_a_meter_with_too_low_a_factor_hides(
    building, reading_w, found_w, margins_w
):
    causes = (("gain_low", found_w),)
    state = replace(
        building().state, verdict=MeterVerdict.SUSPECT, causes=causes, reading_w=reading_w, gap_w=0.0
    )
    state = replace(state, unlisted_w=0.0)

    assert margins_w == pytest.approx(find_margins(state, 0.0))
    high = replace(state, causes=(("gain_high", 1.5),))
    assert (0.0, 0.0) == find_margins(high, 0.0)


def check(building, seconds):
    """Let the battery make the small steps that the judge asks for, of 600 W at most."""
    for _ in range(seconds):
        part = building.state.checks(building.t * S)
        if part is not None:
            building.order("bat1", building.state.checked_w + 600 * part)
        building.step()
    return building


@pytest.mark.parametrize(("factor", "code"), [(0.6, "gain_low"), (1.5, "gain_high"), (0.3, "gain_low")])
def test_small_steps_decide_within_three_minutes_after_the_first_wrong_one(building, factor, code):
    b = building(fault=gain(factor)).order("bat1", 1_800).step(15)
    assert (b.verdict, b.state.checks(b.t * S), b.state.checked_w) == ("GOOD", 1.0, 1_800.0)

    check(b, 180)
    assert b.verdict == "IMPLAUSIBLE"
    assert code in b.codes
    assert b.state.checks(b.t * S) is None


def test_small_steps_end_with_the_first_one_that_is_shown_rightly(building):
    b = building(fault=gain(0.6)).order("bat1", 1_800).step(15)
    b.fault = gain(1.0)

    check(b, 100)
    assert (b.verdict, b.state.evidence, b.state.checked_ns) == ("GOOD", (), None)


def test_small_steps_end_after_five_minutes_that_showed_nothing(building):
    b = building(fault=gain(0.6)).order("bat1", 1_800).step(15)

    assert b.step(280).state.checked_ns is not None
    assert b.step(20).state.checked_ns is None


def test_meter_that_is_suspect_for_unlisted_generation_is_checked_by_three_steps(building):
    b = building(rest_w=(-3_000, 0, 0)).order("bat1", 0).draw("ev1", 5_000).step(40)
    assert (b.verdict, b.codes) == ("SUSPECT", ["below_bound"])
    assert b.state.checks(b.t * S) is not None

    check(b, 120)
    assert (b.verdict, b.state.good_count, b.state.checked_ns) == ("SUSPECT", 3, None)


@pytest.mark.parametrize(
    ("told", "period_s", "ordered"),
    [(CheckContext(signed=False), 1.0, True), (CheckContext(), 10.0, True), (CheckContext(), 1.0, False)],
)
def test_nothing_is_checked_where_small_steps_show_nothing(building, told, period_s, ordered):
    b = building(rest_w=(-3_000, 0, 0), told=told, period_s=period_s)
    if ordered:
        b.order("bat1", 0)
    b.draw("ev1", 5_000).step(80)

    assert (b.verdict, b.state.checked_ns) == ("SUSPECT", None)


def test_building_without_a_battery_checks_nothing(building):
    b = building(CAR, PV, rest_w=(-3_000, 0, 0)).draw("ev1", 5_000).step(80)

    assert (b.verdict, b.state.checked_ns) == ("SUSPECT", None)


@pytest.mark.parametrize(("calm_s", "checks"), [(400, False), (700, True)])
def test_sun_that_is_shown_wrongly_is_a_reason_to_check_after_ten_minutes_without_a_good_step(
    building, calm_s, checks
):
    b = building().order("bat1", 1_000).step(calm_s)
    b.fault = gain(0.6)
    b.step(30).draw("pv1", -4_000).step(15)
    assert (b.verdict, b.state.evidence) == ("GOOD", ())
    assert checks is (b.state.checks(b.t * S) is not None)

    check(b, 180)
    assert b.verdict == ("IMPLAUSIBLE" if checks else "GOOD")
