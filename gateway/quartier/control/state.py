"""The control state from cycle to cycle, and the decision of one cycle."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier.control.events.detection import GridEvents
from quartier.control.limits import node_meters
from quartier.control.limits.active import ActiveLimits
from quartier.control.limits.breach import Breach, Overloads
from quartier.control.limits.contacts import ContactHold
from quartier.control.limits.node_meters import NodeWindow
from quartier.control.limits.supplies import SupplyState
from quartier.control.observe.charging_sessions import ChargingSession, SharingState
from quartier.control.observe.daily_runs import RunProgress
from quartier.control.observe.health import StageDecision
from quartier.control.observe.meter_check import judge
from quartier.control.observe.meter_check.judge import MeterCheck
from quartier.control.observe.meter_clocks import ClockComparisons
from quartier.control.observe.meter_delay import MeterDelay, PowerTrack
from quartier.control.observe.observations import LastGood
from quartier.control.observe.residual_load import ResidualWindow
from quartier.control.orders.conflicts import PointConflict
from quartier.control.orders.hidden_conflicts import HiddenConflict
from quartier.control.reason import Reason
from quartier.control.records import OrderBook
from quartier.control.supervise.hunting import OutputSwings
from quartier.control.switch_state import RestoreGate, SwitchState
from quartier.site.alarm_types import StandingAlarms
from quartier.site.asset_types import ROOT_NODE
from quartier.site.records import replace
from quartier.site.site_layout import Site
from quartier_drivers.contract import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlState:
    """All memory of the cycle; immutable, so that a failed cycle has changed nothing."""

    site: Site
    started_ns: int | None = None
    last_ns: int | None = None
    late_count: int = 0
    last_good: Mapping[str, LastGood] = field(default_factory=dict)
    judgement: StageDecision = field(default_factory=StageDecision)
    meter: MeterCheck = field(default_factory=MeterCheck)
    window: ResidualWindow = field(default_factory=ResidualWindow)
    remainder_w: float | None = None
    switch_states: Mapping[str, SwitchState] = field(default_factory=dict)
    gate: RestoreGate = field(default_factory=RestoreGate)
    import_breach: Breach = field(default_factory=Breach)
    export_breach: Breach = field(default_factory=Breach)
    overloads: Overloads = field(default_factory=dict)
    active_limits: ActiveLimits | None = None
    mode: str = ""
    contacts: Mapping[str, ContactHold] = field(default_factory=dict)
    supplies: Mapping[str, SupplyState] = field(default_factory=dict)
    potentials: Mapping[str, LastGood] = field(default_factory=dict)
    book: OrderBook = field(default_factory=OrderBook)
    tracks: Mapping[str, PowerTrack] = field(default_factory=dict)
    lag: MeterDelay = field(default_factory=MeterDelay)
    looks: Mapping[str, NodeWindow] = field(default_factory=dict)
    events: GridEvents = field(default_factory=GridEvents)
    conflicts: Mapping[str, PointConflict] = field(default_factory=dict)
    hidden_conflicts: Mapping[str, HiddenConflict] = field(default_factory=dict)
    swings: OutputSwings = field(default_factory=OutputSwings)
    charging_sessions: Mapping[str, ChargingSession] = field(default_factory=dict)
    load_sharing: SharingState = field(default_factory=SharingState)
    clocks: ClockComparisons = field(default_factory=dict)
    runs: Mapping[str, RunProgress] = field(default_factory=dict)
    alarms: StandingAlarms = field(default_factory=dict)

    @classmethod
    def fresh(cls, site: Site) -> "ControlState":
        """Return the state of a process that has just started."""
        return cls(site=site)

    def adopt(self, site: Site, anew: Collection[str] = ()) -> "ControlState":
        """Return the same memory for a site file that was read again; removed assets are forgotten.

        ``anew`` are points whose bus was restarted: the last order there may never have arrived, so it is
        ordered again at once.
        """
        others = *site.assets, *site.contacts, *site.supplies, *site.clock_sources
        names = {site.grid.name} | {one.name for one in others}

        def is_known(point: str) -> bool:
            return point.split(".", 1)[0] in names

        return replace(
            self,
            site=site,
            last_good={p: m for p, m in self.last_good.items() if is_known(p)},
            switch_states={n: t for n, t in self.switch_states.items() if n in names},
            contacts={n: h for n, h in self.contacts.items() if n in names},
            supplies={n: one for n, one in self.supplies.items() if n in names},
            book=OrderBook(
                {p: o for p, o in self.book.orders.items() if is_known(p) and p not in anew},
                frozenset(p for p in self.book.released if is_known(p) and p not in anew),
                {p: o for p, o in self.book.returns.items() if is_known(p) and p not in anew},
            ),
            meter=judge.adopt_site(self.meter, self.site, site),
            window=ResidualWindow(),
            charging_sessions={n: one for n, one in self.charging_sessions.items() if n in names},
            looks=node_meters.keep_known_nodes(self.looks, [ROOT_NODE, *(node.name for node in site.nodes)]),
            tracks={n: t for n, t in self.tracks.items() if n in names},
            conflicts={p: r for p, r in self.conflicts.items() if is_known(p)},
            hidden_conflicts={p: one for p, one in self.hidden_conflicts.items() if is_known(p)},
            swings=OutputSwings(),
            lag=MeterDelay(),
            clocks={n: one for n, one in self.clocks.items() if n in names},
            runs={n: one for n, one in self.runs.items() if n in names},
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of one cycle.

    ``releases`` are points to be given back to their device now without a known value (``on_release`` is
    ``own`` or ``hold``); for ``own`` the driver gives the point back. ``lost`` gives the reason for every
    point that is given back. ``view`` is JSON-ready, for ``quartier status``.
    """

    commands: tuple[Command, ...]
    state: ControlState
    view: dict[str, Any]
    releases: tuple[str, ...] = ()
    lost: Mapping[str, Reason] = field(default_factory=dict)
