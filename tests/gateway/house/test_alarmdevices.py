"""Alarms of devices and buses are rows of the one table."""

from quartier.house.alarmdevices import DEVICES
from quartier.house.alarmkind import Severity
from quartier.house.alarmkinds import BY_CODE, KINDS


def test_they_are_part_of_the_table():
    assert set(DEVICES) <= set(KINDS)


def test_a_server_that_is_not_trusted_stays_one_until_it_is():
    for code in ("opcua.untrusted", "opcua.certificate_changed"):
        assert ("opcua.trusted",) == BY_CODE[code].ended_by

    assert Severity.CRITICAL is BY_CODE["opcua.certificate_changed"].severity
