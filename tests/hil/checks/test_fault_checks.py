import datetime as dt

import pytest

from quartier_hil.checks import fault_checks
from quartier_hil.checks.promised_values import list_promised_limits
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario.preparation import expand_fault_sequence
from quartier_hil.scenario.scenario_file import Scenario

LAMPS = {"kind": "lights", "name": "lamps1", "rated_w": 4_000}
SIGN = ("loss.moded_silent", "lamps1")
OFF = {"at_s": 100, "do": "fault", "device": "lamps1_box", "kind": "off"}
STUCK = OFF | {"kind": "stuck"}
CLEAR = {"at_s": 200, "do": "clear", "device": "lamps1_box"}
BLIND = [
    OFF | {"kind": "silent"},
    OFF | {"kind": "silent", "device": "meter"},
    CLEAR,
    CLEAR | {"device": "meter"},
]


def _scenario(*events):
    return Scenario.model_validate(
        {
            "title": "x",
            "start": dt.datetime(2026, 11, 12, 19),  # noqa: DTZ001 - the house's local time
            "duration_s": 3_000,
            "house": {"assets": [LAMPS], "contract_import_w": 10_000, "failsafe_import_w": 9_000},
            "events": list(events),
            "checks": [{"check": "faults"}],
        }
    )


def _judged(events, losses=(), *, grid_w=5_000.0, over_at=(), car_w=0.0, is_wired=True, back_s=None):
    """The lines of the verdict, in order."""
    scenario = _scenario(*events)
    wanted = scenario.checks[0].model_copy(update={"back_s": back_s})
    found = list(fault_checks.build_fault_checks(scenario, wanted, list_promised_limits(scenario)))
    for now_s in range(500):
        values = {"grid.power_w": 15_000.0 if now_s in over_at else grid_w}
        values |= {"base.power_w": 1_000.0, "ev1.power_w": car_w, "bat1.power_w": -500.0}
        for judge in found:
            judge.step(float(now_s), 1.0, values)
    return [judge.verdict(RunData(losses=losses, is_wired=is_wired)) for judge in found]


@pytest.mark.parametrize(
    ("told", "holds"),
    [
        ([(116, 201, SIGN)], True),
        ([(118, 215, SIGN)], True),
        ([(119, 201, SIGN)], False),
        ([(116, 216, SIGN)], False),
        ([(116, float("inf"), SIGN)], False),
        ([(116, 120, SIGN), (160, 230, SIGN)], False),
        ([(50, 90, SIGN)], False),
        ([], False),
    ],
)
def test_a_device_without_power_is_told_as_lost_in_18_s_and_no_more_15_s_after(told, holds):
    assert holds is _judged([OFF, CLEAR], told, is_wired=False)[0].holds


@pytest.mark.parametrize(("over_s", "holds"), [(275, True), (276, False)])
def test_over_wires_who_was_gone_for_long_is_asked_again_within_60_s(over_s, holds):
    found = _judged([OFF, CLEAR], [(116, over_s, SIGN)])[0]

    assert holds is found.holds
    assert "over in 75 s" in found.promised


@pytest.mark.parametrize(("over_s", "holds"), [(225, True), (226, False)])
def test_a_time_that_the_scenario_states_counts_over_wires_too(over_s, holds):
    assert holds is _judged([OFF, CLEAR], [(116, over_s, SIGN)], back_s=25)[0].holds


@pytest.mark.parametrize(("told", "holds"), [([], True), ([(150, 160, SIGN)], False)])
def test_a_device_that_is_heard_is_no_loss_whatever_it_says(told, holds):
    assert holds is _judged([STUCK, CLEAR], told)[0].holds


@pytest.mark.parametrize(
    ("over_at", "wired", "holds"),
    [
        ((), False, True),
        (range(100, 130), False, True),
        (range(140, 145), False, True),
        (range(140, 146), False, False),
        (range(140, 148), True, True),
        (range(140, 149), True, False),
        (range(231, 240), True, False),
    ],
)
def test_the_cap_counts_in_a_fault_and_after_it_from_30_s_after_each_change(over_at, wired, holds):
    assert holds is _judged([STUCK, CLEAR], over_at=over_at, is_wired=wired)[0].holds


def test_an_export_counts_against_its_own_cap():
    assert not _judged([STUCK, CLEAR], grid_w=-7_000.0)[0].holds


def test_a_fault_after_the_end_was_never_seen_and_does_not_hold():
    late = {"at_s": 2_900}

    assert not _judged([STUCK | late, CLEAR | {"at_s": 2_950}])[0].holds


@pytest.mark.parametrize(
    ("told", "strange"),
    [
        ([(116, 201, SIGN)], "nobody"),
        ([(116, 201, SIGN), (130, 140, ("loss.ev_silent", "ev1"))], "ev1 at 130 s"),
        ([(90, 95, SIGN), (116, 201, SIGN)], "lamps1 at 90 s"),
        ([(116, 201, SIGN), (300, 310, ("loss.grid_meter_lost", ""))], "the grid meter at 300 s"),
        ([(116, 201, SIGN), (300, 310, ("loss.uplink_lost", ""))], "nobody"),
    ],
)
def test_nobody_else_is_called_lost(told, strange):
    assert strange == _judged([OFF, CLEAR], told)[-1].measured


@pytest.mark.parametrize(("car_w", "holds"), [(4_000.0, True), (4_301.0, False)])
def test_who_is_silent_beside_a_silent_grid_meter_counts_at_its_worst(car_w, holds):
    blind = _judged(BLIND, car_w=car_w)[2]

    assert "lamps1_box silent without a grid meter: counted at 4 kW" in blind.promised
    assert holds is blind.holds


METER_LOST = ("loss.grid_meter_lost", "")


@pytest.mark.parametrize(
    ("told", "holds"),
    [([], True), ([(140, 201, METER_LOST)], True), ([(140, 276, METER_LOST)], False)],
)
def test_who_is_slow_on_a_line_without_numbers_may_be_heard_by_the_answer_to_the_question_before(told, holds):
    slow = OFF | {"device": "meter", "kind": "slow", "seconds": 2}

    assert holds is _judged([slow, CLEAR | {"device": "meter"}], told)[0].holds


def test_who_is_slow_and_numbers_its_answers_is_told():
    slow = OFF | {"kind": "slow", "seconds": 2}

    assert not _judged([slow, CLEAR])[0].holds


def test_what_only_a_bus_knows_is_told_over_wires_alone():
    board = OFF | {"device": "relays"}

    assert _judged([board, CLEAR | {"device": "relays"}], is_wired=False)[0].holds
    assert not _judged([board, CLEAR | {"device": "relays"}])[0].holds


def test_both_assets_of_one_device_are_told():
    scenario = _scenario()

    assert {("loss.battery_silent", "bat1"), ("loss.pv_silent", "pv1")} == set(
        fault_checks.list_loss_keys(scenario.house, "gx")
    )
    assert (("node.meter_silent", "park"),) == fault_checks.list_loss_keys(scenario.house, "park_meter")


VERBS = {"at_s": 100, "do": "verbs", "device": "lamps1_box"}


def test_each_verb_that_fits_has_its_turn_and_its_rest():
    scenario = _scenario(VERBS)
    laid = [
        (one.do, getattr(one, "kind", ""), one.at_s)
        for one in expand_fault_sequence(scenario.house, scenario.events[0])
    ]

    assert [("fault", "off", 100), ("clear", "", 190), ("fault", "stuck", 340), ("clear", "", 430)] == laid[
        :4
    ]
    assert ["off", "stuck", "wrong", "slow", "delayed", "garbage", "intermittent"] == [
        kind for _, kind, _ in laid[::2]
    ]


def test_what_does_not_fit_or_is_left_out_has_no_turn():
    scenario = _scenario(VERBS | {"device": "relays", "without": ["slow"]})

    assert [("off", 100), ("garbage", 340), ("intermittent", 580)] == [
        (one.kind, one.at_s)
        for one in expand_fault_sequence(scenario.house, scenario.events[0])
        if one.do == "fault"
    ]


def test_the_blind_turn_silences_the_grid_meter_too_and_that_one_is_back_first():
    scenario = _scenario(VERBS | {"blind_at_s": 2_000, "silent_s": 640})
    laid = [
        (one.do, one.device, one.at_s) for one in expand_fault_sequence(scenario.house, scenario.events[0])
    ][-4:]

    assert [
        ("fault", "lamps1_box", 2_000),
        ("clear", "lamps1_box", 2_640),
        ("fault", "meter", 2_000),
        ("clear", "meter", 2_090),
    ] == laid
