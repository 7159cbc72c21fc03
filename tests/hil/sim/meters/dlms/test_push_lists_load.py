import datetime as dt

from quartier_sim.meters.dlms.push_lists import HanValues


def test_three_voltages_are_three_phases():
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    assert not HanValues(moment=now, serial="1").three
    assert HanValues(moment=now, serial="1", decivolts=(2300, 2310, 2320)).three
