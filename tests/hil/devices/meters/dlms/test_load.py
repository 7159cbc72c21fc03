import datetime as dt

from quartier_hil.devices.meters.dlms.load import Load


def test_three_voltages_are_three_phases():
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    assert not Load(moment=now, serial="1").three
    assert Load(moment=now, serial="1", decivolts=(2300, 2310, 2320)).three
