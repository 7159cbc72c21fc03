"""A machine runs once it is loaded and has power, and stands where it was without."""

import pytest

from quartier_sim.plant.asset_interface import Surroundings
from quartier_sim.plant.loads import BatchMachine

WASHER = BatchMachine(name="washer", run_w=(2_000.0, 100.0), loaded_s=(50.0,), deadline_s=4_000.0)


def lived(machine, from_s, until_s, dt_s=10.0, *, on=True, powered=True):
    for now_s in range(round(from_s), round(until_s), round(dt_s)):
        around = Surroundings(now_s=float(now_s), day_s=0.0, powered=powered)
        machine = machine.step({"relay_on": float(on)}, around, dt_s)
    return machine


def test_nothing_runs_before_it_is_loaded_nor_without_power():
    assert 0.0 == lived(WASHER, 0, 50).power_w
    assert (0.0, 1_800.0) == ((held := lived(WASHER, 0, 500, on=False)).power_w, held.left_s)
    assert 0.0 == lived(WASHER, 0, 500, powered=False).power_w


def test_a_run_takes_what_each_quarter_says_and_is_done_once():
    assert 2_000.0 == lived(WASHER, 0, 60).power_w
    assert 100.0 == lived(WASHER, 0, 1_000).power_w
    done = lived(WASHER, 0, 2_000)
    assert (0.0, 1.0, 0.0) == (done.power_w, done.values()["done_count"], done.values()["breaks_count"])


def test_an_interruption_is_counted_and_the_run_goes_on_where_it_stood():
    held = lived(lived(WASHER, 0, 650), 650, 1_000, on=False)
    assert (0.0, 1_200.0, 1.0) == (held.power_w, held.left_s, held.values()["breaks_count"])
    assert 2_000.0 == lived(held, 1_000, 1_010).power_w


def test_it_is_late_while_it_is_not_done_after_its_deadline():
    assert 1_000.0 == lived(WASHER, 0, 5_000, on=False).values()["late_s"]
    assert 0.0 == lived(WASHER, 0, 5_000).values()["late_s"]


@pytest.mark.parametrize(("phase", "shares"), [(None, (1 / 3, 1 / 3, 1 / 3)), (2, (0.0, 1.0, 0.0))])
def test_it_hangs_on_its_phase(phase, shares):
    assert shares == BatchMachine(name="m", run_w=(1.0,), phase=phase).shares
