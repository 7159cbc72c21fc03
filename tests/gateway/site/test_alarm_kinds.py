"""Alarms of devices and buses are rows of the one table."""

from quartier.site.alarm_catalogue import ALARM_KINDS, ALARM_KINDS_BY_CODE
from quartier.site.alarm_kinds import DEVICE_ALARM_KINDS, AlarmSeverity


def test_they_are_part_of_the_table():
    assert set(DEVICE_ALARM_KINDS) <= set(ALARM_KINDS)


def test_a_server_that_is_not_trusted_stays_one_until_it_is():
    for code in ("opcua.untrusted", "opcua.certificate_changed"):
        assert ("opcua.trusted",) == ALARM_KINDS_BY_CODE[code].ended_by

    assert AlarmSeverity.CRITICAL is ALARM_KINDS_BY_CODE["opcua.certificate_changed"].severity
