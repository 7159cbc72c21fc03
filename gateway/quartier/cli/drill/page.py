"""The page ``gateway/docs/failsafe.md``, made from the table of losses and the rows of the link (pure)."""

from collections.abc import Iterator
from math import isfinite

from quartier.control.link import transitions
from quartier.control.supervise import loss_table
from quartier.control.supervise.loss_table import LossRow, SitePeriods

PICTURE = "link-states.svg"
_HEAD = """\
# What each loss does

Made by `quartier drill --reference page` from the table that the running gateway uses too: its alarms
and `quartier status` name these rows. `quartier drill --simulated` makes each loss happen in a simulated
building and compares; `quartier drill --on-site` guides through the real cable pulls, and signs the record.
The rules behind this table are [specified](spec/failsafe.md).

Times count from the loss. The figures are for a site with the usual periods: a cycle of 1 s, meters read each
second, timers of 60 s in the devices, a heartbeat time-out of 120 s. `quartier drill --declared` shows those
of a running gateway, with its own periods and timers.
"""
_LINK = f"""\
## The link to the district

![The states of the link and the ways between them]({PICTURE})

Each way out of a state, in the order in which they are tried; the first that holds is taken. The picture has
the same numbers. The states are [specified](spec/failsafe.md#section-2).

| | from | to | when |
| --- | --- | --- | --- |
"""
_TAIL = f"""
From every state a grid outage leads to INIT ({transitions.OUTAGE_TEXT}).
A process that starts goes on in the state that was kept: HOLD only where a synchronised clock and a document
that allows it are there, else FAILSAFE. With no state kept it begins in INIT; where one was kept that nobody
can read, the fail-safe values hold for their minimum.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "".join((_HEAD, "\n", *_table(), "\n", *_rows(), "\n", _LINK, *_ways(), _TAIL))


def _table() -> Iterator[str]:
    yield "| loss | what is done | by then | where | noticed after |\n| --- | --- | --- | --- | --- |\n"
    for loss in loss_table.LOSSES:
        yield (
            f"| [{loss.words}](#{loss.name}) | {loss.action} | {_seconds(loss.deadline_s(SitePeriods()))} "
            f"| {loss.where} | {_seconds(loss.noticed_s(SitePeriods()))} |\n"
        )


def _rows() -> Iterator[str]:
    for loss in loss_table.LOSSES:
        yield _row(loss)


def _row(loss: LossRow) -> str:
    return (
        f"### {loss.name}\n\n"
        f"{loss.words[0].upper()}{loss.words[1:]}: {loss.action}.\n\n"
        f"- noticed: {loss.noticed_by} ({_seconds(loss.noticed_s(SitePeriods()))})\n"
        f"- done by: {loss.within} ({_seconds(loss.deadline_s(SitePeriods()))})\n"
        f"- where: {loss.where}\n"
        f"- comes back: {loss.back}\n\n"
    )


def _ways() -> Iterator[str]:
    for number, row in enumerate(transitions.TRANSITIONS, 1):
        yield f"| {number} | {row.source} | {row.target} | {row.why} |\n"


def _seconds(seconds: float) -> str:
    return f"{seconds:g} s" if isfinite(seconds) else "–"
