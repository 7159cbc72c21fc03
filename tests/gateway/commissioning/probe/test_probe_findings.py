from dataclasses import replace

import pytest

from quartier.commissioning.probe import probe_findings, probe_measurement
from quartier.commissioning.probe.probe_trace import ProbeTrace, TimeSeries


def words(report):
    return " ".join(one.words for one in report.found)


def test_an_asset_as_it_should_be_has_no_fault(probe, plant):
    report = probe(plant(noise_w=30, kettles=((60, 2000.0),)))

    assert not report.faults


def test_a_deaf_asset_is_said_to_be_so(probe, plant):
    report = probe(plant(gain=0.0))

    assert {"asset.silent"} == report.faults
    assert "external control" in words(report)


def test_an_asset_measured_elsewhere_is_told_by_the_grid_meter(probe, plant):
    report = probe(plant(reads=0.0))

    assert "yet the grid meter saw it" in words(report)


def test_half_an_answer_is_told_and_no_fault_until_it_is_less_than_half(probe, plant):
    assert "gain" in probe(plant(gain=0.6)).codes
    assert "gain" not in probe(plant(gain=0.6)).faults
    assert "gain" in probe(plant(gain=0.4)).faults


def test_a_factor_of_a_thousand_is_guessed_from_what_ran_away(probe, plant):
    report = probe(plant(gain=1000.0))

    assert {"ended", "factor.runaway"} <= report.faults
    assert "are W read as kW?" in words(report)


def test_something_else_that_reacts_is_named(probe, plant):
    report = probe(plant(other=1.0, noise_w=15))

    assert "other.reacted" in report.faults
    assert "a second battery, or another energy manager" in words(report)


@pytest.mark.parametrize(
    ("low_w", "high_w", "verb"), [(-5000, 0, "does not charge"), (0, 5000, "does not discharge")]
)
def test_a_battery_at_its_limit_is_told_with_its_state_of_charge(probe, plant, low_w, high_w, verb):
    report = probe(plant(low_w=low_w, high_w=high_w, soc_pct=60))

    assert {"limit"} == report.faults
    assert f"{verb} (state of charge 60 %)" in words(report)


def test_a_device_that_falls_asleep_at_0_w_is_named(probe, plant):
    report = probe(plant(wake_s=7.0))

    assert "standby" in report.codes
    assert not report.faults


def test_a_meter_that_has_news_seldom_is_named_and_still_tells_the_sign(probe, plant, probe_request):
    report = probe(plant(grid_period_s=10.0, noise_w=30), probe_request=probe_request(for_s=600))

    assert "meter.slow" in report.codes
    assert not report.faults


def test_a_device_that_answers_late_is_still_measured(probe, plant, probe_request):
    report = probe(plant(delay_s=14.0), probe_request=probe_request(for_s=600))

    assert "late" in report.codes
    assert not report.faults


def test_quantised_meters_and_missing_samples_change_nothing(probe, plant):
    report = probe(plant(grid_step_w=100.0, missing=0.2, noise_w=30))

    assert not report.faults


def test_a_car_on_one_phase_of_a_three_phase_point_is_found_out(probe, plant, subjects):
    one_phase = plant(
        name="ev1",
        point="ev1.current_max_a",
        to_w=lambda amperes: 0.0 if amperes < 6 else amperes * 230.0,
        high_w=4000.0,
        low_w=0.0,
        phases={"l1": 1, "l2": 0, "l3": 0},
    )
    report = probe(one_phase, subjects["ev"])

    assert "phases.count" in report.faults


def test_a_point_that_another_master_writes_is_told(probe, plant, subjects):
    class Fought(plant):
        """Another energy manager writes 0 a few seconds after each of ours."""

        def step(self, now_s):
            if self.writes and now_s - self.written_s > 2.0 and self.value:
                written_s = self.written_s
                self.write(now_s, 0.0)
                self.written_s = written_s
            super().step(now_s)

    report = probe(Fought(), replace(subjects["battery"]))

    assert {"other.master", "other.wrote", "asset.silent"} & report.faults


def test_a_probe_is_told_in_one_sentence(probe, plant):
    report = probe(plant(gain=0.98, delay_s=2.1))

    assert report.sentence.startswith("bat1 answered -490 W for -500 W after 2.")
    assert report.sentence.endswith("s, seen at the grid meter on L2 with the right sign")


def test_a_wrong_sign_is_told(probe, plant):
    assert "answered 500 W for -500 W" in probe(plant(gain=-1.0)).sentence
    assert "with the wrong sign" in probe(plant(gain=-1.0)).sentence


def test_no_answer_is_told(probe, plant):
    assert "bat1 did not answer -500 W" == probe(plant(gain=0.0)).sentence


def test_nothing_stepped_is_told(subjects):
    seen = probe_measurement.evaluate_trace(ProbeTrace((), 1.0, TimeSeries(), TimeSeries()))

    assert "bat1 was not stepped" == probe_findings.describe_result(subjects["battery"], seen)
