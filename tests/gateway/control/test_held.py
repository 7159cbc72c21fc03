import pytest

from quartier.control import aims, held
from quartier.control.duties import Duties, tier_off
from quartier.control.reason import grid, make, said

OFF = grid("grid.frequency", "low frequency", frequency_hz=49.46).then(tier_off("D"))


def test_an_event_of_the_grid_is_the_reason_as_long_as_it_acts(scene):
    acts = scene(duties=Duties(off={"D": OFF}))

    assert OFF == held.still(acts, OFF)
    assert "comes back in its turn" == str(held.still(scene(), OFF))


@pytest.mark.parametrize(
    "ended",
    [
        make("hand.orders", person="anna").then(said("filter changed")),
        make("document.orders", program="command", document="c1"),
        make("conflict.lowered"),
    ],
)
def test_what_ended_is_no_reason_any_more(scene, ended):
    assert held.RETURNS == held.still(scene(), ended)


def test_a_plan_that_ended_is_no_reason_any_more(scene):
    waits = aims.LEADS.then(make("plan.step", text="waits until 22:00"))

    assert "comes back in its turn" == str(held.still(scene(), waits))
    assert "by another rule" == str(held.still(scene(), said("by another rule")))
