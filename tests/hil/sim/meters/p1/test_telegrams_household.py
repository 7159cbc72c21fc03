import datetime as dt

from quartier_sim.meters.p1.telegrams import ChildMeter, Household

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def test_a_childs_unit_follows_from_its_kind():
    units = [ChildMeter(channel=1, kind=kind, serial="", moment=NOW, value=0.0).unit for kind in (2, 3, 4, 7)]

    assert ["kWh", "m3", "GJ", "m3"] == units


def test_phases_are_as_many_as_voltages():
    assert range(3) == Household(moment=NOW, serial="", volts=(230.0, 231.0, 232.0)).phases
