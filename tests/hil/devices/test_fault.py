from pathlib import Path

import pytest

from quartier_hil.devices.fault import KINDS, Fault


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_needs_nothing_else(kind):
    assert kind == Fault(kind).kind


def test_an_unknown_kind_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="'tired' is no fault; expected one of off, unplugged"):
        Fault("tired")


def test_no_delay_runs_backwards():
    with pytest.raises(ValueError, match="seconds >= 0"):
        Fault("slow", seconds=-1)


def test_wrong_hits_powers_unless_told_otherwise():
    assert [True, True, False] == [
        Fault("wrong").hits(point) for point in ("grid.power_w", "power_l1_w", "battery.soc_pct")
    ]
    assert Fault("wrong", points="battery.*").hits("battery.soc_pct")


def test_a_loose_contact_is_bad_first_and_then_well_for_as_long():
    loose = Fault("intermittent", seconds=4)

    assert [True, True, False, False, True] == [loose.is_apart(lasted_s) for lasted_s in (0, 3.9, 4, 7.9, 8)]


def test_every_verb_stands_in_the_table_of_the_page():
    page = (Path(__file__).parents[3] / "hil" / "README.md").read_text(encoding="utf-8")

    assert not [kind for kind in KINDS if f"| `{kind}` |" not in page]
