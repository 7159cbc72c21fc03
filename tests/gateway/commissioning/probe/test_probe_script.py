"""What a probe does with assets of each role, in synthetic time."""

import pytest

EV = {
    "name": "ev1",
    "point": "ev1.current_max_a",
    "to_w": lambda amperes: 0.0 if amperes < 6 else amperes * 690.0,
    "low_w": 0.0,
    "high_w": 11_040.0,
    "phases": {"l1": 1 / 3, "l2": 1 / 3, "l3": 1 / 3},
}


def test_a_battery_is_felt_with_a_tenth_before_it_is_stepped(probe, plant):
    report = probe(plant())
    levels = [watts for _, watts in report.trace.commands]

    assert [0.0, 50.0, 0.0, 500.0, 0.0, -500.0, 0.0] == levels[:7]
    assert "" == report.ended


def test_a_battery_that_answers_tenfold_is_only_felt(probe, plant):
    report = probe(plant(gain=10.0))

    assert 50 == max(abs(watts) for _, watts in report.trace.commands)
    assert 510 > max(abs(watts) for _, watts in report.plant.past)


def test_more_steps_are_taken_in_a_noisy_house(probe, plant):
    calm, noisy = probe(plant()), probe(plant(noise_w=300))

    assert len(noisy.trace.edges) > 2 * len(calm.trace.edges)


def test_steps_are_held_as_long_as_the_answer_takes(probe, plant):
    quick, slow = probe(plant()), probe(plant(delay_s=6.0, ramp_w_per_s=100.0))

    assert 10 > quick.session.stage.hold_s
    assert 16 < slow.session.stage.hold_s


def test_a_car_charges_at_its_least_and_is_stepped_up(probe, plant, subjects):
    report = probe(plant(**EV), subjects["ev"])
    amperes = {value for _, value in report.plant.writes}

    assert "" == report.ended
    assert {6.0, 8.0} == amperes
    assert not report.faults
    assert "on L1, L2 and L3 with the right sign" in report.sentence


def test_a_car_that_takes_nothing_is_said_so(probe, plant, subjects):
    report = probe(plant(**{**EV, "gain": 0.0}), subjects["ev"])

    assert "took nothing within 90 s" in report.ended


def test_a_car_without_room_under_the_contract_is_not_let_charge(probe, plant, subjects, bounds):
    report = probe(plant(**EV), subjects["ev"], bounds=bounds(4000, 0))

    assert "no room for the least current of a car, 4140 W" in report.ended
    assert [] == report.plant.writes


def test_pv_is_let_free_and_curtailed_a_little(probe, plant, subjects):
    sun = plant(
        name="pv1",
        point="pv1.generation_max_w",
        to_w=lambda cap_w: -min(cap_w, 3000.0),
        high_w=0.0,
        low_w=-6000.0,
    )
    report = probe(sun, subjects["pv"])

    assert "" == report.ended
    assert not report.faults
    assert [6000.0, 2400.0, 6000.0] == _distinct(report)[:3]
    assert "pv1 answered 600 W for 600 W" in report.sentence


def test_pv_is_let_free_only_as_far_as_the_export_allows(probe, plant, subjects, bounds):
    sun = plant(
        name="pv1",
        point="pv1.generation_max_w",
        to_w=lambda cap_w: -min(cap_w, 3000.0),
        high_w=0.0,
        house_w=200,
    )
    report = probe(sun, subjects["pv"], bounds=bounds(9000, 1000))

    assert 1150 == pytest.approx(max(value for _, value in report.plant.writes))


@pytest.mark.parametrize(
    ("wake_s", "words"),
    [(0.0, ""), (30.0, "it needs 33 s to come back"), (300.0, "it needs more than ")],
)
def test_pv_is_curtailed_to_nothing_once_and_let_free_and_its_standby_is_named(
    probe, plant, subjects, wake_s, words
):
    sun = plant(
        name="pv1",
        point="pv1.generation_max_w",
        to_w=lambda cap_w: -min(cap_w, 3000.0),
        high_w=0.0,
        low_w=-6000.0,
        wake_s=wake_s,
    )
    sun.power_w = sun.target_w = -3000.0  # it is awake
    report = probe(sun, subjects["pv"])
    told = [one.words for one in report.found if one.code == "standby"]

    assert ("", set()) == (report.ended, report.faults)
    assert [0.0, 6000.0] == _distinct(report)[-2:]
    assert "pv1 answered 600 W for 600 W" in report.sentence
    assert bool(words) == bool(told)
    assert all(words in one for one in told)


def test_pv_is_not_curtailed_to_nothing_where_the_contract_leaves_no_room(probe, plant, subjects, bounds):
    sun = plant(
        name="pv1",
        point="pv1.generation_max_w",
        to_w=lambda cap_w: -min(cap_w, 3000.0),
        high_w=0.0,
        low_w=-6000.0,
        house_w=2000.0,
        kettles=((30.0, 2000.0),),
    )
    report = probe(sun, subjects["pv"], bounds=bounds(2500, 20_000))

    assert 0.0 not in {value for _, value in report.plant.writes}
    assert "there is no room to curtail it to nothing" in report.said


def test_pv_in_the_dark_is_not_curtailed(probe, plant, subjects):
    night = plant(name="pv1", point="pv1.generation_max_w", to_w=lambda _cap_w: 0.0)

    assert "nothing to curtail" in probe(night, subjects["pv"]).ended


def test_a_load_is_switched_once_with_its_least_times_kept(probe, plant, subjects):
    heat = plant(
        name="hp1",
        point="hp1.relay_on",
        to_w=lambda on: 1900.0 * on,
        high_w=2000.0,
        timer_s=None,
        phases={"l1": 1 / 3, "l2": 1 / 3, "l3": 1 / 3},
    )
    report = probe(heat, subjects["load"])
    (on_s, on), (off_s, off) = report.plant.writes

    assert (1.0, 0.0) == (on, off)
    assert on_s >= 40
    assert off_s - on_s >= 60
    assert not report.faults


def test_a_timer_that_acts_is_timed(probe, plant, probe_request):
    report = probe(plant(), probe_request=probe_request(watch_timer=True))

    assert 60 == pytest.approx(report.session.stage.watch.action_s, abs=3)
    assert "timer" in report.codes
    assert not report.faults


@pytest.mark.parametrize(
    ("timer_s", "code"),
    [(None, "timer.ignored"), (300.0, "timer.ignored"), (25.0, "timer.early"), (71.0, "timer.late")],
)
def test_a_timer_that_does_not_act_in_its_time_is_named(probe, plant, probe_request, timer_s, code):
    report = probe(plant(timer_s=timer_s), probe_request=probe_request(watch_timer=True))

    assert code in report.faults


def _distinct(report):
    found = []
    for _, value in report.plant.writes:
        if not found or found[-1] != value:
            found.append(value)
    return found


def test_a_deaf_battery_is_not_asked_a_third_time(probe, plant):
    report = probe(plant(gain=0.0))

    assert "" == report.ended
    assert 500 > report.took_s
    assert 10 > len(report.trace.edges)
