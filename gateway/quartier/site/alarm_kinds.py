"""The type of a row of the alarm catalogue, and the rows of devices and buses (pure)."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from math import inf


class AlarmSeverity(StrEnum):
    """The severity of an alarm; the worst first."""

    CRITICAL = "critical"
    """A limit of the building does not hold now, or an output may be left unsafe."""
    WARNING = "warning"
    """Something is lost; what is declared for that loss is done."""
    NOTICE = "notice"
    """All works; somebody should know, and look when there."""


@dataclass(frozen=True, slots=True)
class AlarmKind:
    """One row of the alarm catalogue.

    ``of``: the subject of the alarm, empty for the whole building. ``remedy`` names the next command; in it
    ``{of}`` is the subject and ``{asset}`` the asset of a point. ``stays_s``: an alarm that is only reported
    once, and not seen to end, counts as present for this time after the last report (inf: until a restart).
    ``ended_by``: codes of the events that end it. ``grows_into``: the code of the alarm that it becomes if it
    lasts, which then stands for both.
    """

    code: str
    of: str
    meaning: str
    remedy: str
    severity: AlarmSeverity
    stays_s: float = 0.0
    ended_by: tuple[str, ...] = ()
    grows_into: str = ""


_critical = partial(AlarmKind, severity=AlarmSeverity.CRITICAL)
_warning = partial(AlarmKind, severity=AlarmSeverity.WARNING)
_notice = partial(AlarmKind, severity=AlarmSeverity.NOTICE)
DEVICE_REMEDY = "See the error of the bus in `quartier status`. Check power, cable and address of the device."
HOUR_S = 3600.0
DEVICE_ALARM_KINDS: tuple[AlarmKind, ...] = (
    _warning("device.silent", "device", "a device is silent (no other alarm covers it)", DEVICE_REMEDY),
    _notice(
        "bus.heard_badly",
        "bus",
        "a meter's line has many errors, or no data arrives",
        "Follow the alarm text. Stop the service and compare with `quartier listen PORT`.",
    ),
    _warning(
        "share.not_serving",
        "share",
        "a share cannot open its address: its clients get no answers",
        "Check that the address is one of this machine (`ip addr`) and the port is free (`ss -ltn`). Ports "
        "below "
        "1024 need a setting of the operating system.",
    ),
    _notice(
        "share.write_refused",
        "share",
        "a client of a share tried to write registers that the site file does not allow",
        "Ask the client's operator. If it may write there, add the registers to `writes` of share {of}.",
        stays_s=HOUR_S,
    ),
    _warning(
        "opcua.untrusted",
        "bus",
        "an OPC UA server is not trusted yet: the gateway does not read or write it",
        "Compare its fingerprint with the one that the server shows, then run `quartier trust`.",
        stays_s=inf,
        ended_by=("opcua.trusted",),
    ),
    _critical(
        "opcua.certificate_changed",
        "bus",
        "an OPC UA server shows another certificate than before: it was renewed, or another machine "
        "imitates the server",
        "Ask the server's operator. If the certificate is right, run `quartier trust` and remove the old "
        "one.",
        stays_s=inf,
        ended_by=("opcua.trusted",),
    ),
    _warning(
        "opcua.list_not_kept",
        "bus",
        "the list of trusted OPC UA servers cannot be written",
        "See whether the disk is full or read-only: `df -h /var/lib/quartier`.",
        stays_s=inf,
        ended_by=("opcua.trusted",),
    ),
    _notice(
        "models.moved",
        "device",
        "a SunSpec device has other models than before: its models were read again",
        "Check with `quartier points` that all its points are there.",
        stays_s=HOUR_S,
    ),
    _notice(
        "models.odd",
        "device",
        "a SunSpec device contradicts itself; the contradictory values are not used",
        "See its models with `quartier read sunspec URL`. Ask the maker for newer firmware.",
        stays_s=inf,
    ),
    _notice(
        "counter.continued",
        "point",
        "an energy counter restarted, or the meter was replaced; the gateway continues its own count",
        "See both counts with `quartier history`. Note the meter exchange, if there was one.",
    ),
)
