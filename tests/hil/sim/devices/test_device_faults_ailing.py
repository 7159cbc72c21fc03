import pytest

from quartier_sim.devices.device_faults import MeterFaults

VALUES = {"power_w": 100.0, "energy_import_wh": 5.0}


def _ailing(kind, **told):
    found = MeterFaults()
    found.fault(kind, 10.0, **told)
    return found


def test_who_is_well_tells_everything_as_it_is():
    assert VALUES == MeterFaults().apply(VALUES, 0.0)
    assert not MeterFaults().is_mute(0.0)


def test_what_stands_tells_nothing_new():
    assert _ailing("stuck").apply(VALUES, 11.0) is None


def test_what_is_wrong_is_multiplied_and_counters_are_left_alone():
    assert {"power_w": -100, "energy_import_wh": 5} == _ailing("wrong", factor=-1.0).apply(VALUES, 11.0)


def test_what_is_delayed_tells_what_was_so_long_ago():
    ailing = _ailing("delayed", seconds=10.0)
    told = [ailing.apply({"power_w": now_s}, now_s)["power_w"] for now_s in (10.0, 15.0, 20.0, 25.0, 30.0)]

    assert [10, 10, 10, 15, 20] == told


@pytest.mark.parametrize(
    ("kind", "told", "mute"),
    [("off", {}, (True, True, True)), ("intermittent", {"seconds": 5.0}, (True, False, True))],
)
def test_no_power_is_silence_and_a_loose_contact_is_so_by_turns(kind, told, mute):
    ailing = _ailing(kind, **told)

    assert mute == tuple(ailing.is_mute(now_s) for now_s in (10.0, 15.0, 20.0))
    ailing.clear()
    assert not ailing.is_mute(10.0)


def test_how_long_a_fault_is_is_known_while_it_is_in_force():
    ailing = _ailing("slow", seconds=0.3)

    assert (0.3, 0.0) == (ailing.seconds("slow"), ailing.seconds("delayed"))


def test_an_apparent_power_stands_where_it_was_put_while_the_clock_goes_on():
    assert 500 == _ailing("stuck", value=500.0).apply(VALUES, 11.0)["power_w"]


def test_what_a_reversed_meter_counted_stays_after_it_is_well():
    ailing = _ailing("clamps", factor=-1.0)
    counted = {"power_w": 3_600.0, "energy_import_wh": 10.0, "energy_export_wh": 0.0}
    ailing.apply(counted, 10.0)
    ailing.apply(counted | {"energy_import_wh": 11.0}, 11.0)
    ailing.clear()

    told = ailing.apply(counted | {"energy_import_wh": 12.0}, 12.0)
    assert (11, 1) == (told["energy_import_wh"], told["energy_export_wh"])


def test_what_is_no_fault_is_refused():
    with pytest.raises(ValueError, match="is no fault"):
        _ailing("tired")
