"""What control remembers from cycle to cycle, and what one cycle decides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from quartier.control import meters
from quartier.control.balance import Window
from quartier.control.breach import Breach
from quartier.control.clocks import Clocks
from quartier.control.contacts import Hold
from quartier.control.events import Events
from quartier.control.failsafe import Judgement
from quartier.control.hunting import Swings
from quartier.control.lag import Lag
from quartier.control.limits import Force
from quartier.control.meters import Look
from quartier.control.orders import Book
from quartier.control.overload import Overloads
from quartier.control.plausibility import judge as plausibility
from quartier.control.plausibility.judge import Judge
from quartier.control.reason import Reason
from quartier.control.rivals import Rival
from quartier.control.runs import Progress
from quartier.control.shed import Gate, Turn
from quartier.control.sight import Memory
from quartier.control.stay import Park, Stay
from quartier.control.supplies import Drawn
from quartier.control.track import Track
from quartier.control.trespass import Trespass
from quartier.house.alarm import Holds
from quartier.house.assets import House
from quartier.house.nodes import ROOT
from quartier.house.records import replace
from quartier_drivers.contract import Command


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All memory of the cycle; immutable, so that a cycle that failed has changed nothing."""

    house: House
    started_ns: int | None = None
    last_ns: int | None = None
    late_count: int = 0
    memories: Mapping[str, Memory] = field(default_factory=dict)
    judgement: Judgement = field(default_factory=Judgement)
    meter: Judge = field(default_factory=Judge)
    window: Window = field(default_factory=Window)
    remainder_w: float | None = None
    turns: Mapping[str, Turn] = field(default_factory=dict)
    gate: Gate = field(default_factory=Gate)
    import_breach: Breach = field(default_factory=Breach)
    export_breach: Breach = field(default_factory=Breach)
    overloads: Overloads = field(default_factory=dict)
    force: Force | None = None
    mode: str = ""
    contacts: Mapping[str, Hold] = field(default_factory=dict)
    supplies: Mapping[str, Drawn] = field(default_factory=dict)
    potentials: Mapping[str, Memory] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    tracks: Mapping[str, Track] = field(default_factory=dict)
    lag: Lag = field(default_factory=Lag)
    looks: Mapping[str, Look] = field(default_factory=dict)
    events: Events = field(default_factory=Events)
    rivals: Mapping[str, Rival] = field(default_factory=dict)
    trespasses: Mapping[str, Trespass] = field(default_factory=dict)
    swings: Swings = field(default_factory=Swings)
    stays: Mapping[str, Stay] = field(default_factory=dict)
    park: Park = field(default_factory=Park)
    clocks: Clocks = field(default_factory=dict)
    runs: Mapping[str, Progress] = field(default_factory=dict)
    alarms: Holds = field(default_factory=dict)

    @classmethod
    def fresh(cls, house: House) -> "State":
        """The state of a process that begins."""
        return cls(house=house)

    def adopt(self, house: House, anew: Collection[str] = ()) -> "State":
        """The same memory for a site file that was read again; what it no longer names is forgotten.

        ``anew`` are points whose bus was started anew: what was last ordered there may never have
        arrived, so it is ordered again at once.
        """
        others = *house.assets, *house.contacts, *house.supplies, *house.witnesses
        names = {house.grid.name} | {one.name for one in others}

        def known(point: str) -> bool:
            return point.split(".", 1)[0] in names

        return replace(
            self,
            house=house,
            memories={p: m for p, m in self.memories.items() if known(p)},
            turns={n: t for n, t in self.turns.items() if n in names},
            contacts={n: h for n, h in self.contacts.items() if n in names},
            supplies={n: one for n, one in self.supplies.items() if n in names},
            book=Book(
                {p: o for p, o in self.book.orders.items() if known(p) and p not in anew},
                frozenset(p for p in self.book.released if known(p) and p not in anew),
                {p: o for p, o in self.book.returns.items() if known(p) and p not in anew},
            ),
            meter=plausibility.adopt(self.meter, self.house, house),
            window=Window(),
            stays={n: one for n, one in self.stays.items() if n in names},
            looks=meters.kept(self.looks, [ROOT, *(node.name for node in house.nodes)]),
            tracks={n: t for n, t in self.tracks.items() if n in names},
            rivals={p: r for p, r in self.rivals.items() if known(p)},
            trespasses={p: one for p, one in self.trespasses.items() if known(p)},
            swings=Swings(),
            lag=Lag(),
            clocks={n: one for n, one in self.clocks.items() if n in names},
            runs={n: one for n, one in self.runs.items() if n in names},
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What one cycle decided.

    ``releases`` are points to be given back to their device now, for which no value is
    known (``on_release`` is ``own`` or ``hold``): the first is the driver's to do.  ``lost`` says why of
    every point that is given back.  ``view`` is JSON-ready, for ``quartier status``.
    """

    commands: tuple[Command, ...]
    state: State
    view: dict[str, Any]
    releases: tuple[str, ...] = ()
    lost: Mapping[str, Reason] = field(default_factory=dict)
