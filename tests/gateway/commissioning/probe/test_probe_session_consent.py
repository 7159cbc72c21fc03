import math
from dataclasses import replace

from quartier.commissioning.probe.probe_session import describe_probe
from quartier_drivers.contract import Fallback


def test_the_operator_is_told_what_is_done_its_bounds_and_what_ends_it(subjects, bounds, wish):
    text = "\n".join(describe_probe(subjects["battery"], bounds(9000, 6000), wish(for_s=120)))

    assert "takes bat1 to 0 W and then steps it by 500 W, charging and discharging" in text
    assert "for at most 120 s" in text
    assert "between -6000 W and 9000 W" in text
    assert "the device by itself goes to bat1.setpoint_w 0 after 60 s" in text


def test_each_role_has_its_words(subjects, bounds, wish):
    said = {role: describe_probe(one, bounds(9000, 0), wish())[0] for role, one in subjects.items()}

    assert "at its least current (4140 W), then 1380 W more" in said["ev"]
    assert "curtails it by 600 W" in said["pv"]
    assert "on and off once" in said["load"]


def test_what_outlives_this_computer_is_said(subjects, bounds, wish):
    def last(**change):
        return "\n".join(
            describe_probe(replace(subjects["battery"], **change), bounds(1, 1), wish(watch_timer=True))
        )

    assert "accepts that: only a lamp" in last(fallback=None, accepted="only a lamp")
    assert "until quartier release is run" in last(fallback=Fallback(0, math.inf))
    assert "goes to its own control after 30 s" in last(fallback=Fallback(None, 30))
    assert "wears the memory" in last(persistent=True, writes_per_day=24)
    assert "own timer ends the step" in last()
