from quartier.control import held, reason
from quartier.control.duties import Duties

OFF = reason.grid("grid at 49.46 Hz: tier D off", "low frequency")


def test_an_event_of_the_grid_is_the_reason_as_long_as_it_acts(scene):
    acts = scene(duties=Duties(off={"D": OFF}))

    assert OFF == held.still(acts, OFF)
    assert "comes back in its turn" == held.still(scene(), OFF)


def test_a_plan_that_ended_is_no_reason_any_more(scene):
    waits = reason.rule("local plan: waits until 22:00", "local plan")

    assert "comes back in its turn" == held.still(scene(), waits)
    assert "by another rule" == held.still(scene(), reason.rule("by another rule", "sharing"))
