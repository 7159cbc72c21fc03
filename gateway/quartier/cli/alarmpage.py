"""The page ``gateway/docs/alarms.md``, made from the table of alarms (pure)."""

from collections.abc import Iterator

from quartier.cli.alarmlist import remedy_words
from quartier.site import alarm_list, alarm_types
from quartier.site.alarm_catalogue import ALARM_KINDS
from quartier.site.alarm_kinds import HOUR_S, AlarmKind, AlarmSeverity

_HEAD = f"""\
# Alarms

Made by `quartier alarms --reference` from the table that the gateway raises its alarms from.
How to work with the list stands in [for operators](operators.md#alarms).

An alarm is known by its code and what it is about, as in `contact.unread:dso1`. Codes keep their meaning over
versions. The text beside it may change its figures; the alarm stays the same one.

| severity | means |
| --- | --- |
| {AlarmSeverity.CRITICAL} | a limit of the building does not hold now, or an output may be left unsafe |
| {AlarmSeverity.WARNING} | something is lost; what is declared for that loss is done |
| {AlarmSeverity.NOTICE} | all works; somebody should know, and look when there |

An alarm is raised at once. It stays until {alarm_types.ALARM_HOLD_S:g} s after its cause ended. Meanwhile its
text says when the cause ended: *ended 14:03:22*. If the cause comes back in this time, the same alarm counts
once more.
After a start of the gateway, the alarms that were active stay active for {alarm_list.ALARM_SETTLE_S:g} s,
until everything was checked. The list keeps {alarm_list.ALARMS_MAX} alarms. The oldest that are gone and
acknowledged leave it first. An active alarm never leaves it.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "".join((_HEAD, *_table(), *_rows()))


def _table() -> Iterator[str]:
    yield "\n| code | severity | about | means |\n| --- | --- | --- | --- |\n"
    for kind in ALARM_KINDS:
        yield f"| [`{kind.code}`](#{_anchor(kind)}) | {kind.severity} | {kind.of or '–'} | {kind.meaning} |\n"


def _rows() -> Iterator[str]:
    yield "\n## What to do\n"
    for kind in ALARM_KINDS:
        meaning = f"{kind.meaning[0].upper()}{kind.meaning[1:]}. {_stays(kind)}"
        yield f"\n### {kind.code}\n\n{meaning}\n\n{remedy_words(kind)}\n"


def _stays(kind: AlarmKind) -> str:
    if kind.stays_s == float("inf"):
        return "Reported once. It stays active until the next start of the gateway."
    if kind.stays_s:
        until = ", or until the link is up" if kind.ended_by else ""
        return f"Reported once. It stays active for {kind.stays_s / HOUR_S:g} h after the last report{until}."
    return "It goes when its cause is gone."


def _anchor(kind: AlarmKind) -> str:
    """As Markdown's usual renderers make one of a heading."""
    return kind.code.replace(".", "")
