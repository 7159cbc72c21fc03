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
DEVICE_REMEDY = "See what the bus says in `quartier status`, then look at its power, cable and address."
HOUR_S = 3600.0
DEVICE_ALARM_KINDS: tuple[AlarmKind, ...] = (
    _warning("device.silent", "device", "a device is silent, and no other alarm tells of it", DEVICE_REMEDY),
    _notice(
        "bus.heard_badly",
        "bus",
        "a line is heard badly, or nothing comes over it",
        "Do what its words say, and compare with `quartier listen PORT` while the service is stopped.",
    ),
    _warning(
        "share.not_serving",
        "share",
        "a share cannot listen at its address: its clients are not served",
        "See whether the address is this machine's (`ip addr`) and the port free (`ss -ltn`); ports below "
        "1024 take a setting of the machine's.",
    ),
    _notice(
        "share.write_refused",
        "share",
        "a client of a share wanted to write what the site file does not let it write",
        "Ask who looks after it; if it is to write there, name the registers in `writes` of share {of}.",
        stays_s=HOUR_S,
    ),
    _warning(
        "opcua.untrusted",
        "bus",
        "an OPC UA server is not trusted yet: nothing is read from it and nothing is sent to it",
        "Compare its fingerprint with what the server itself shows, then `quartier trust` it.",
        stays_s=inf,
        ended_by=("opcua.trusted",),
    ),
    _critical(
        "opcua.certificate_changed",
        "bus",
        "an OPC UA server shows another certificate than before: it was renewed, or somebody poses as it",
        "Ask who looks after the server; when it is its own, `quartier trust` it and remove the old one.",
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
        "a SunSpec device has other models than before: it is read anew",
        "See with `quartier points` whether all its points are there again.",
        stays_s=HOUR_S,
    ),
    _notice(
        "models.odd",
        "device",
        "a SunSpec device contradicts itself; what is odd is not used",
        "See its models with `quartier read sunspec URL`, and ask the maker for newer firmware.",
        stays_s=inf,
    ),
    _notice(
        "counter.continued",
        "point",
        "an energy counter began anew, or the meter was swapped; the count goes on from there",
        "See both counts with `quartier history`, and note the swap if there was one.",
    ),
)
