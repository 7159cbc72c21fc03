"""Whatever goes wrong, the probe ends in the same turn; and nothing is commanded beyond what was agreed to."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.effort import examples

from quartier.commissioning.probe.probe_session import describe_probe
from quartier_drivers.contract import Fallback


def test_the_operator_is_told_what_is_done_its_bounds_and_what_ends_it(subjects, bounds, probe_request):
    text = "\n".join(describe_probe(subjects["battery"], bounds(9000, 6000), probe_request(for_s=120)))

    assert "takes bat1 to 0 W and then steps it by 500 W, charging and discharging" in text
    assert "for at most 120 s" in text
    assert "between -6000 W and 9000 W" in text
    assert "the device by itself goes to bat1.setpoint_w 0 after 60 s" in text


def test_each_role_has_its_words(subjects, bounds, probe_request):
    said = {role: describe_probe(one, bounds(9000, 0), probe_request())[0] for role, one in subjects.items()}

    assert "at its least current (4140 W), then 1380 W more" in said["ev"]
    assert "curtails it by 600 W" in said["pv"]
    assert "on and off once" in said["load"]


def test_what_outlives_this_computer_is_said(subjects, bounds, probe_request):
    def last(**change):
        return "\n".join(
            describe_probe(
                replace(subjects["battery"], **change), bounds(1, 1), probe_request(watch_timer=True)
            )
        )

    assert "accepts that: only a lamp" in last(fallback=None, accepted="only a lamp")
    assert "until quartier release is run" in last(fallback=Fallback(0, math.inf))
    assert "goes to its own control after 30 s" in last(fallback=Fallback(None, 30))
    assert "wears the memory" in last(persistent=True, writes_per_day=24)
    assert "own timer ends the step" in last()


def test_a_lost_reading_ends_it(probe, plant):
    report = probe(plant(lost_after_s=50))

    assert "bat1.power_w was lost" in report.ended
    assert 61 == pytest.approx(report.took_s, abs=2)


def test_a_meter_that_never_answers_is_not_waited_for(probe, plant):
    report = probe(plant(lost_after_s=0))

    assert "bat1.power_w was never read" in report.ended
    assert [] == report.plant.writes


def test_a_limit_that_the_house_reaches_ends_it(probe, plant, bounds):
    report = probe(plant(kettles=((60, 9000.0),)), bounds=bounds(9000, 9000))

    assert "a limit was reached: the grid imports" in report.ended
    assert 62 > report.took_s


def test_a_limit_that_is_broken_already_lets_nothing_begin(probe, plant, bounds):
    report = probe(plant(house_w=9500), bounds=bounds(9000, 9000))

    assert "a limit is reached already" in report.ended
    assert [] == report.plant.writes


def test_a_refused_write_ends_it(subjects, bounds, probe_request):
    from quartier.commissioning.probe.probe_session import (  # noqa: PLC0415 - this test alone drives it by hand
        ProbeSession,
    )
    from quartier.site.process_image import ProcessImage  # noqa: PLC0415 - as above

    session = ProbeSession(subjects["battery"], bounds(9000, 9000), probe_request(), 0)

    act = session.run_cycle(ProcessImage().freeze(100), "refused: illegal value", 100)

    assert "bat1.setpoint_w: refused: illegal value" == act.end_reason
    assert act.end_reason == session.run_cycle(ProcessImage().freeze(200), "", 200).end_reason


@pytest.mark.parametrize("gain", [1000.0, -1000.0, 30.0, -30.0])
def test_what_runs_away_is_stopped_before_it_is_far(probe, plant, gain):
    report = probe(plant(gain=gain))

    assert "ran away" in report.ended
    assert 1000 > max(abs(watts) for _, watts in report.plant.past)


def test_commands_are_refreshed_before_the_devices_timer_runs_out(probe, plant):
    report = probe(plant(timer_s=25.0))
    times_s = [at_s for at_s, _ in report.plant.writes]

    assert "" == report.ended
    assert 21 > max(b - a for a, b in pairwise(times_s))


@examples(20)
@given(
    house_w=st.floats(-800, 2500),
    noise_w=st.floats(0, 60),
    soc_pct=st.sampled_from([15.0, 20.5, 50.0, 94.7, 95.0, 99.0]),
    gain=st.sampled_from([1.0, -1.0, 0.5, 0.0]),
    seed=st.integers(0, 50),
)
def test_no_step_leaves_what_contract_band_and_consent_allow(
    probe, plant, bounds, house_w, noise_w, soc_pct, gain, seed
):
    given_plant = plant(house_w=house_w, noise_w=noise_w, soc_pct=soc_pct, gain=gain, seed=seed)
    report = probe(given_plant, bounds=bounds(3000, 1000))
    asked = [value for _, value in given_plant.writes]

    assert all(-500 <= value <= 500 for value in asked)
    if gain >= 0:
        slack_w = 6 * noise_w + 1
        assert all(value + house_w <= 0.95 * 3000 + slack_w or value <= 0 for value in asked)
        assert all(value + house_w >= -0.95 * 1000 - slack_w or value >= 0 for value in asked)
    if soc_pct >= 95:
        assert all(value <= 0 for value in asked)
    if soc_pct <= 20:
        assert all(value >= 0 for value in asked)
    assert report.took_s < 500
