from quartier.control import held, reason
from quartier.control.duties import Duties

OFF = reason.grid("grid at 49.46 Hz: tier D off", "low frequency")


def test_an_event_of_the_grid_is_the_reason_as_long_as_it_acts(scene):
    acts = scene(duties=Duties(off={"D": OFF}))

    assert OFF == held.still(acts, OFF)
    assert "comes back in its turn" == held.still(scene(), OFF)
