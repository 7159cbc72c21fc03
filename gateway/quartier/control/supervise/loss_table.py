"""The loss table: the action, deadline and recovery of each loss (spec/failsafe.md).

The daemon uses it, whose alarms and status name the row, and so do the page ``gateway/docs/failsafe.md`` and
``quartier drill``, which makes each loss happen and compares. The numbers follow from a site's periods.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

from quartier.control.observe import health, observations
from quartier.control.participants import has_writable_point
from quartier.site.asset_types import Asset, Battery, ControllableAsset, Pv
from quartier.site.records import replace
from quartier.site.site_layout import Site

TIGHTEN_REACTION_S = 2.0
"""From a lower limit until its command is on the wire, in s (spec/failsafe.md#tighten-reaction)."""
WATCHDOG_S = 10.0
"""``WatchdogSec`` of the unit, in s; a test compares them."""
FIRST_RELEASE_S = 0.5
"""From the end of the daemon to its first safe value on the wire, in s."""
UNSYNCED_S = 60.0
"""The largest age of the kernel's clock status, in s, if the unit's sandbox forbids to ask for it."""
_ASKS_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePeriods:
    """The periods and timers of a site, in s, from which deadlines follow.

    ``period_s`` and ``lease_s`` are those of one asset, or the slowest on a bus: how often it is read, and
    after how long its device drops an order by itself (inf: never).
    """

    cycle_s: float = 1.0
    grid_period_s: float = 1.0
    period_s: float = 1.0
    lease_s: float = 60.0
    heartbeat_timeout_s: float = 120.0
    commit_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossRow:
    """One row. Both times count from the loss, in s: until it is noticed, and until the outputs are safe.

    An infinite time means never: nobody is left to notice, or nothing ends the order. ``role`` is the asset
    class of the row; ``district``: the row needs a link to a district. ``noticed_by`` and ``within`` are the
    two formulas in words. ``action`` and ``where`` hold if a device's timer ends its orders. ``untimed`` is
    the action if none has a timer, ``unordered`` if nothing takes orders, ``untimed_where`` the place of
    both. They are empty for a loss in which no timer acts.
    """

    name: str
    words: str
    noticed_s: Callable[[SitePeriods], float]
    noticed_by: str
    action: str
    deadline_s: Callable[[SitePeriods], float]
    within: str
    where: str
    back: str
    role: str = ""
    district: bool = False
    untimed: str = ""
    unordered: str = ""
    untimed_where: str = ""


@dataclass(frozen=True, slots=True)
class SiteLoss:
    """A row at one site: ``of`` is the asset or bus, empty for the whole building; times as in ``LossRow``.

    ``is_ordered``: some part of it takes orders, which the device's timer ends, or nothing does.
    ``site_action`` is the action as far as it applies to this site; empty: all of it.
    """

    loss: LossRow
    of: str
    noticed_s: float
    deadline_s: float
    is_ordered: bool = True
    site_action: str = ""

    @property
    def action(self) -> str:
        """The action here: that of a device's timer only if it has one."""
        if self._is_timed:
            return self.site_action or self.loss.action
        return self.loss.untimed if self.is_ordered else self.loss.unordered

    @property
    def where(self) -> str:
        """The place where the action is done here."""
        return self.loss.where if self._is_timed else self.loss.untimed_where

    @property
    def _is_timed(self) -> bool:
        return not self.loss.untimed or (self.is_ordered and isfinite(self.deadline_s))


def _silent_s(periods: SitePeriods) -> float:
    return observations.find_silent_after_s(periods.period_s)


def _dwell_s(rule: str) -> float:
    return next(one.dwell_s for one in health.STAGE_RULES if one.name == rule)


def _asset_silent(role: str, words: str, counts: str, ends: str, back: str, unordered: str = "") -> LossRow:
    """Make the row of one asset class; all are noticed alike, and end by the device's own timer, if any.

    ``counts`` is done whatever the device does; ``unordered`` replaces it where the asset takes no orders.
    """
    return LossRow(
        name=f"{role}-silent",
        role=role,
        words=f"{words} is silent",
        noticed_s=lambda periods: _silent_s(periods) + periods.cycle_s,
        noticed_by="max(15 s, 3 of its periods) + 1 cycle",
        action=f"{counts}; {ends}",
        untimed=f"{counts}; its device has no timer: its last order stays in force",
        unordered=unordered or counts,
        untimed_where="control, which counts it at its worst case",
        deadline_s=lambda periods: periods.lease_s + periods.period_s,
        within="the device's own timer + 1 period",
        where="the device's own timer; control counts it at its worst case meanwhile",
        back=back,
    )


_ON_BUS = "every device on it counts as silent, by its own row; the other buses keep their rate"
_LINK_LOST = "HOLD continues the schedules if every document allows it; else FAILSAFE: the fail-safe limits"
_LINK_LOST_BATTERY = ", no battery export, no grid charging above the reserve"
_SHEDS, _GIVES_BACK = "loads are shed to the fail-safe limits", "batteries are given back"
_LIMITS_PV = "PV is limited to the export limit"


LOSSES: tuple[LossRow, ...] = (
    LossRow(
        name="grid-meter-stale",
        words=health.STAGE_TEXTS["grid-meter-stale"],
        noticed_s=lambda periods: health.find_stale_after_s(periods.grid_period_s) + periods.cycle_s,
        noticed_by="max(3 s, 2.5 of its periods) + 1 cycle",
        action="nothing is raised: setpoints stay, no load comes back",
        deadline_s=lambda periods: health.find_stale_after_s(periods.grid_period_s) + periods.cycle_s,
        within="the same",
        where="the control cycle",
        back=f"a fresh reading, and {_dwell_s('grid-meter-stale'):g} s",
    ),
    LossRow(
        name="grid-meter-lost",
        words=health.STAGE_TEXTS["grid-meter-lost"],
        noticed_s=lambda periods: health.find_lost_after_s(periods.grid_period_s) + periods.cycle_s,
        noticed_by="max(10 s, 4 of its periods) + 1 cycle",
        action=f"unmeasured loads count at their rated power, {_SHEDS}, {_GIVES_BACK}, {_LIMITS_PV}",
        deadline_s=lambda periods: health.find_lost_after_s(periods.grid_period_s) + TIGHTEN_REACTION_S,
        within="max(10 s, 4 of its periods) + 2 s",
        where="the control cycle",
        back=f"a fresh reading, and {_dwell_s('grid-meter-lost'):g} s; loads return staged",
    ),
    _asset_silent(
        "battery",
        "a battery",
        "its setpoint is given back and no longer refreshed",
        "its device's own timer ends the last setpoint",
        "its readings; the setpoint ramps from what it does",
        "counts at its largest charging power",
    ),
    _asset_silent(
        "pv",
        "a PV inverter",
        "counts as nothing towards the import, and at its rated power towards generation and export",
        "its last limit stays, or its timer sets the declared fallback value",
        "its readings",
    ),
    _asset_silent(
        "ev",
        "a charge point",
        "counts at its rated power",
        "its own fail-safe current is in force",
        "its readings; a paused car returns staged",
    ),
    _asset_silent(
        "load",
        "a load",
        "counts at its rated power",
        "its last order ends by its device's own timer",
        "its readings; staged",
    ),
    _asset_silent(
        "moded",
        "an operation-mode asset (lights, heat, CHP and others)",
        "counts at its largest mode",
        "its last order ends by its device's own timer",
        "its readings; minimum times still apply",
    ),
    LossRow(
        name="bus-down",
        words="a bus is down",
        noticed_s=lambda periods: _silent_s(periods) + periods.cycle_s,
        noticed_by="max(15 s, 3 periods) of its slowest device + 1 cycle",
        action=_ON_BUS,
        untimed=f"{_ON_BUS}; no device on it has a timer: their last orders stay in force",
        unordered=_ON_BUS,
        untimed_where="the control cycle, by the rows of its devices",
        deadline_s=lambda periods: periods.lease_s + periods.period_s,
        within="the longest timer of its devices that have one + 1 period",
        where="the devices' own timers",
        back="the bus is opened again after 1 s, then at growing intervals up to 60 s, "
        "or every 5 s while an order waits for it",
    ),
    LossRow(
        name="uplink-lost",
        district=True,
        words="the district is lost",
        noticed_s=lambda periods: periods.heartbeat_timeout_s + periods.cycle_s,
        noticed_by="the heartbeat's time-out (120 s) + 1 cycle",
        action=f"{_LINK_LOST}{_LINK_LOST_BATTERY}",
        deadline_s=lambda periods: periods.heartbeat_timeout_s + TIGHTEN_REACTION_S,
        within="the heartbeat's time-out + 2 s",
        where="the link-state machine",
        back="a heartbeat and a valid document within 60 s of each other",
    ),
    LossRow(
        name="clock-unsynced",
        words="the clock is not synchronised",
        noticed_s=lambda periods: _ASKS_S + periods.cycle_s,
        noticed_by=f"1 s + 1 cycle; {UNSYNCED_S:g} s later where quartier-clock.service is gone",
        action="no document raises a limit; limits that were active when the clock was lost stay active; "
        "time counts from the last synchronised moment",
        deadline_s=lambda periods: _ASKS_S + periods.cycle_s,
        within="1 s + 1 cycle",
        where="the link-state machine",
        back="the kernel reports the clock as synchronised again",
    ),
    LossRow(
        name="clock-jumped",
        district=True,
        words="the clock jumps",
        noticed_s=lambda periods: periods.heartbeat_timeout_s + periods.cycle_s,
        noticed_by="in the next cycle, by the alarm clock.stepped; the loss of the district that follows "
        "from it: after the heartbeat's time-out + 1 cycle",
        action="ages, timers and documents count on by the machine's boot clock; where the wall clock shows "
        "another position in a document, the lower limit counts; no limit is raised until a heartbeat agrees "
        "with the clock; without such a heartbeat the district counts as lost after the heartbeat's time-out",
        deadline_s=lambda periods: periods.heartbeat_timeout_s + TIGHTEN_REACTION_S,
        within="limits of documents: the next cycle; the fail-safe limits: the heartbeat's time-out + 2 s",
        where="the link-state machine",
        back="heartbeats that agree with the clock, and a valid document",
    ),
    LossRow(
        name="disk-full",
        words="the disk is full",
        noticed_s=lambda periods: 2 * periods.commit_s + periods.cycle_s,
        noticed_by="2 commits of the history + 1 cycle",
        action="reading, control and the link go on; samples stay in memory; if that is full, the oldest are"
        " dropped, with a gap record",
        deadline_s=lambda periods: periods.cycle_s,
        within="at once: no cycle waits for the disk",
        where="the writer thread",
        back="room on the disk",
    ),
    LossRow(
        name="disk-dead",
        words="the disk is dead",
        noticed_s=lambda periods: 2 * periods.commit_s + periods.cycle_s,
        noticed_by="2 commits of the history + 1 cycle",
        action="reading, control and the link go on from memory; release values are in the runtime directory,"
        " which is no disk",
        deadline_s=lambda periods: periods.cycle_s,
        within="at once: no cycle waits for the disk",
        where="the writer thread",
        back="the disk accepts writes again; the daemon need not be restarted",
    ),
    LossRow(
        name="cycle-late",
        words=health.STAGE_TEXTS["cycle-late"],
        noticed_s=lambda periods: health.find_lateness_s(health.CYCLES_LATE_MAX, periods.cycle_s),
        noticed_by=f"{health.CYCLES_LATE_MAX} missed cycles in a row,"
        f" {health.LATE_AFTER_PERIODS + 1:g} periods at most each; one longer stall as it ends,"
        " and a stall that does not end is the row of the frozen controller",
        action="nothing is raised",
        deadline_s=lambda periods: health.find_lateness_s(health.CYCLES_LATE_MAX - 1, periods.cycle_s),
        within=f"{health.CYCLES_LATE_MAX - 1} missed cycles, after which one may still raise; while none"
        " runs nothing is raised either",
        where="the control cycle",
        back=f"cycles on time for {_dwell_s('cycle-late'):g} s",
    ),
    LossRow(
        name="controller-killed",
        words="the controller is killed",
        noticed_s=lambda _: inf,
        noticed_by="systemd, at once: ExecStopPost",
        action="every output gets its declared safe value, all buses at once",
        deadline_s=lambda _: FIRST_RELEASE_S,
        within="0.5 s for the first value; all of them as fast as the wire allows",
        where="systemd, quartier release",
        back="systemd starts it again after 2 s; the link's state goes on",
    ),
    LossRow(
        name="controller-frozen",
        words="the controller is frozen",
        noticed_s=lambda _: WATCHDOG_S + FIRST_RELEASE_S,
        noticed_by="systemd: no finished cycle for WatchdogSec (10 s); gone 0.5 s later",
        action="it is killed, and every output gets its declared safe value",
        deadline_s=lambda _: WATCHDOG_S + 1.0,
        within="WatchdogSec + 1 s",
        where="systemd, quartier release; a frozen kernel: the hardware watchdog, 15 s",
        back="systemd starts it again after 2 s; the link's state goes on",
    ),
    LossRow(
        name="power-lost",
        words="the gateway has no power",
        noticed_s=lambda _: inf,
        noticed_by="not by the gateway; the district receives the last will from the broker",
        action="each device goes to its fallback by its own timer; limits stored in a device stay",
        untimed="no device has a timer: their last orders stay in force",
        unordered="no device takes orders, so none needs a fallback",
        untimed_where="nowhere, while the gateway has no power",
        deadline_s=lambda periods: periods.lease_s + periods.period_s,
        within="the longest timer of the devices that have one + 1 period",
        where="the devices' own timers",
        back="INIT with the fail-safe values, unless the restart was planned; unexpired caps still count",
    ),
)
LOSSES_BY_NAME = {loss.name: loss for loss in LOSSES}
_ROLES = {loss.role: loss for loss in LOSSES if loss.role}


def find_asset_loss(asset: Asset) -> LossRow:
    """Return the row of a silent asset; operation-mode classes share one."""
    return _ROLES.get(asset.role, _ROLES["moded"])


def find_alarm_code(loss: LossRow) -> str:
    """Return the alarm code of a row."""
    return f"loss.{loss.name.replace('-', '_')}"


def make_site_loss(loss: LossRow, periods: SitePeriods, of: str = "") -> SiteLoss:
    """Return the row with this site's numbers."""
    return SiteLoss(loss, of, loss.noticed_s(periods), loss.deadline_s(periods))


def list_site_losses(
    site: Site,
    whole: SitePeriods,
    timers_s: Mapping[str, float],
    buses: Mapping[str, Sequence[str]],
    *,
    district: bool,
) -> Iterator[SiteLoss]:
    """Yield every row of this site, with its numbers.

    ``whole`` has the periods of the site. ``timers_s`` gives by asset after how long its device drops an
    order (inf: never; an asset that takes no order is missing). ``buses`` names the assets on each bus.
    ``district``: there is a link to a district.
    """
    named = {asset.name: asset for asset in site.assets}
    for loss in LOSSES:
        if loss.role:
            for asset in site.assets:
                if find_asset_loss(asset) is loss:
                    yield _of_assets(loss, whole, (asset,), timers_s, asset.name)
        elif loss.name == "bus-down":
            for bus, owners in buses.items():
                here = tuple(named[name] for name in owners if name in named)
                yield _of_assets(loss, whole, here, timers_s, bus)
        elif loss.name == "power-lost":
            yield _of_assets(loss, whole, site.assets, timers_s, "")
        elif district or not loss.district:
            yield replace(make_site_loss(loss, whole), site_action=_find_site_action(loss, site))


def _find_site_action(loss: LossRow, site: Site) -> str:
    """Return the action as far as it applies to this site; empty: all of it does."""
    if loss.name == "grid-meter-lost":
        return _describe_blind_control(site)
    if loss.name == "uplink-lost" and not any(isinstance(asset, Battery) for asset in site.assets):
        return _LINK_LOST
    return ""


def _describe_blind_control(site: Site) -> str:
    """Describe what is done without a grid meter, and name what takes no order or no limit."""
    ordered = [one for one in site.assets if isinstance(one, ControllableAsset) and has_writable_point(one)]
    rest = [one for one in site.assets if one not in ordered]
    unmeasured_w = site.unmeasured_w
    parts = [
        "the unmeasured load counts at the most seen so far"
        if unmeasured_w is None
        else f"the unmeasured load counts at its rated {unmeasured_w:g} W"
    ]
    if any(not isinstance(one, Battery | Pv) and one.tier != "A" for one in ordered):
        parts.append(_SHEDS)
    if any(isinstance(one, Battery) for one in ordered):
        parts.append(_GIVES_BACK)
    if any(isinstance(one, Pv) for one in ordered):
        parts.append(_LIMITS_PV)
    for one in rest:
        if isinstance(one, Battery | Pv):
            what = "limit" if isinstance(one, Pv) else "order"
            parts.append(
                f"{one.name} takes no {what} and is {'measured only' if one.measured else 'not measured'}"
            )
    return ", ".join(parts)


def _of_assets(
    loss: LossRow, whole: SitePeriods, assets: Sequence[Asset], timers_s: Mapping[str, float], of: str
) -> SiteLoss:
    """Return the row for some assets: the slowest period and the longest finite timer.

    An asset that takes no order needs no timer. An order that nothing ends was accepted expressly in the site
    file, and has no deadline.
    """
    period_s = max((asset.period_s for asset in assets), default=whole.grid_period_s)
    timers = [timers_s[asset.name] for asset in assets if asset.name in timers_s]
    lease_s = max(filter(isfinite, timers), default=inf)
    found = make_site_loss(loss, replace(whole, period_s=period_s, lease_s=lease_s), of)
    return found if timers else replace(found, deadline_s=found.noticed_s, is_ordered=False)
