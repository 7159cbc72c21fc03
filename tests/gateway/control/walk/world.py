"""A town under the whole controller: the link, the grid's events, people's hands, the cycle, and restarts."""

import json
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from tests.gateway.control.conftest import EPOCH_MS, envelope
from tests.gateway.control.walk import houses
from tests.gateway.control.walk.judge import Judge
from tests.gateway.control.walk.town import Town, point_of

from quartier.control import (
    aims,
    asked,
    cycle,
    errands,
    events,
    gridmemory,
    gridrows,
    legs,
    link,
    outage,
    running,
    supplies,
    turns,
    verdict,
)
from quartier.control.commands import Command, CommandDocument, Setpoint
from quartier.control.cycle import Decision, State
from quartier.control.override import Override, Overrides
from quartier.control.running import Commands
from quartier.control.wishes import (
    Envelope,
    FailsafeDocument,
    FailsafeValues,
    Heartbeat,
    Interval,
    LocalPlan,
    Wishes,
)
from quartier.house.image import Image
from quartier.house.now import Now
from quartier_drivers.who import Who

if TYPE_CHECKING:
    from quartier.control.caps import LinkCaps
    from quartier.control.linkstate import LinkState
    from quartier.house.assets import House

S = 1_000_000_000
LONG_S = 366 * 86_400.0
BEGUN = outage.begun()
LOOKS_AT = 0.4  # of a cycle: when a fast meter is looked at between two of them


class World:
    """One house of ``houses`` by its number; ``house`` is what the site file says of it now."""

    def __init__(self, number: int) -> None:
        self.built = houses.made(number)
        self.house: House = self.built
        self.town = Town(self.built)
        self.jump_s = self.boot_t = 0.0
        self.synced = True
        self.params = link.LinkParams(limits=self.built.limits, seed=number)
        self.link: LinkState = link.start(self.params, None, self.now(), outage=False, lost=False)
        self.state = State.fresh(self.house)
        self.image = Image()
        self.hands: dict[str, Override] = {}
        self.plan: LocalPlan | None = None
        self.papers: dict[str, Envelope] = {}
        self.paper_ends_t: dict[str, float] = {}
        self.commands = Commands()
        self.commands_count = 0
        self.beats_count = self.cycles_count = 0
        self.caps: LinkCaps = link.caps(self.link, self.params, self.now())
        self.decision: Decision | None = None
        self.judge = Judge(self)

    @property
    def t(self) -> float:
        """The true second."""
        return self.town.t

    def utc_ms(self) -> int:
        return EPOCH_MS + round((self.t + self.jump_s) * 1000)

    def now(self) -> Now:
        return Now(round((self.t - self.boot_t) * S), self.utc_ms(), self.synced)

    # --- time ------------------------------------------------------------------------------------

    def cycles(self, count: int) -> None:
        period_s = self.built.grid.frequency_period_s
        is_fast = period_s is not None and period_s <= gridrows.FAST_S
        for _ in range(count):
            dt_s = self.house.cycle_s
            if is_fast and self._looked(LOOKS_AT * dt_s):
                self.turn()
                continue
            self.town.pass_((1 - LOOKS_AT * is_fast) * dt_s, self.utc_ms())
            self.turn()

    def _looked(self, dt_s: float) -> bool:
        """Between two cycles: whether something begins to act, so that one is due at once."""
        self.town.pass_(dt_s, self.utc_ms())
        now = self.now()
        for told in self.town.told_of_mains(now.ns):
            self.image.put(told)
        before = self.state.events
        self._watch(now)
        return self.state.events.rises_from(before)

    def late(self, seconds: float) -> None:
        """Nothing runs for so long."""
        for part_s in (5.0, 10.0, 20.0, 40.0, inf):
            step_s = min(part_s, seconds)
            seconds -= step_s
            if step_s > 0:
                self.town.pass_(step_s, self.utc_ms())
        self.judge.interrupted(anew=False)
        self.turn()

    def _watch(self, now: Now) -> None:
        frozen = self.image.freeze(now.ns)
        self.state = replace(self.state, events=events.judged(self.state.events, frozen, self.house, now.ns))

    def turn(self) -> None:
        """One cycle, in the order of ``app/turn.py``."""
        now = self.now()
        for told in self.town.told(now.ns):
            self.image.put(told)
        frozen = self.image.freeze(now.ns)
        seen = events.judged(self.state.events, frozen, self.house, now.ns)
        self.state = replace(self.state, events=seen)
        self.link = link.commanded(
            self.link, self.commands.shed_until_ns(now.ns), self.commands.test_ns(now.ns)
        )
        self.link = link.tick(self.link, self.params, now, outage=seen.is_gone)
        self.caps = link.caps(self.link, self.params, now)
        for name, order in list(self.hands.items()):
            if now.ns >= order.until_ns or seen.is_gone:
                del self.hands[name]
        before = dict(self.town.orders)
        wishes = Wishes(
            caps=self.caps,
            overrides=legs.overrides(self.plan, self.state, self.overrides(), now, outage=seen.is_gone),
            shed=asked.shed(self.commands, now.ns),
            aims=aims.now_wanted(self.plan, now, outage=seen.is_gone),
        )
        self.decision = cycle.step(frozen, wishes, self.state, now)
        self.state = self.decision.state
        for command in self.decision.commands:
            self.town.obey(command.point, command.value)
        for point in self.decision.releases:
            if point.partition(".")[0] not in self.town.deaf:
                self.town.let_go(point)
        self.cycles_count += 1
        self.judge.look(frozen, before, now)
        self.commands, _ = errands.judged(self.commands, self._against(now))

    def overrides(self) -> Overrides:
        """What is ordered of single assets now, by people and by commands."""
        return asked.overrides(self.commands, self.house, self.hands, self.now().ns)

    def _against(self, now: Now) -> verdict.World:
        wishes = [one.document.asked for one in self.commands.running]
        return verdict.World(
            state=self.state,
            people=self.hands,
            ordered=frozenset(wish.asset for wish in wishes if isinstance(wish, Setpoint)),
            may_loosen=link.may_loosen(self.link, now),
            leads=link.leads(self.link, self.params, now),
            regulatory={"dso"},
            now=now,
        )

    # --- the district ----------------------------------------------------------------------------

    def beat(self) -> None:
        self.beats_count += 1
        beat = Heartbeat(self.beats_count, self.utc_ms())
        self.link = link.heartbeat(self.link, self.params, beat, self.now())

    def document(
        self, program: str, newer: int, caps: list[float | None], starts_s: float, span_s: float, **more: Any
    ) -> None:
        """One envelope of two intervals; ``newer`` than the last accepted of its program by so much."""
        here_s = self.t + self.jump_s
        seq = self.link.seqs.get(program, 0) + newer
        paper = envelope(
            seq, program, nbf_s=here_s - 10, start_s=here_s + starts_s, exp_s=here_s + starts_s + span_s
        )
        paper = replace(paper, intervals=(Interval(span_s / 2, *caps), Interval(span_s / 2, *caps)), **more)
        held = self.link.program(program)
        self.link, ack = link.document(self.link, self.params, paper, self.now())
        self.judge.acknowledged(paper, None if held is None else held.envelope, ack)
        if ack.status == "ACCEPTED":
            self.papers[program] = paper
            self.paper_ends_t[program] = self.t + (paper.exp_utc_ms - self.utc_ms()) / 1000

    def values(self, seq: int, import_w: float, export_w: float, duration_s: float) -> None:
        values = FailsafeValues(import_max_w=import_w, export_max_w=export_w, duration_min_s=duration_s)
        paper = FailsafeDocument(id="fs", seq=seq, values=values)
        self.link, _ = link.failsafe_document(self.link, self.params, paper, self.now())

    def command(self, wish: Command) -> None:
        """One command, followed where it may be."""
        self.commands_count += 1
        now, seq = self.now(), self.commands_count
        paper = CommandDocument(id=f"c{seq}", seq=seq, exp_utc_ms=2**52, asked=wish)
        found = verdict.verdict(paper, self.commands, self._against(now), persisted=True)
        if found.status == "ACCEPTED":
            self.commands, _ = running.taken(self.commands, paper, found.reason, now)

    # --- people ----------------------------------------------------------------------------------

    def by_hand(self, name: str, value: float | None, for_s: float) -> None:
        now = self.now()
        until_ns, until_utc_ms = now.ns + round(for_s * S), now.utc_ms + round(for_s * 1000)
        self.hands[name] = Override(name, value, until_ns, until_utc_ms, Who("person", "ann"), "walk")

    # --- the process -----------------------------------------------------------------------------

    def restart(self, down_s: float, *, dark: bool, reboot: bool) -> None:
        """The process ends and begins, ``reboot``: the machine too; ``dark``: for it had no power."""
        now = self.now()
        kept = {
            "turns": turns.kept(self.state.turns, now),
            "grid": gridmemory.kept(self.state.events, now.utc_ms),
            "subscribed_va": supplies.kept(self.state.supplies),
            "commands": running.dump(self.commands),
            "hands": [(o.asset, o.value, o.until_utc_ms) for o in self.hands.values()],
        }
        kept, papers = json.loads(json.dumps(kept)), json.loads(json.dumps(link.dump(self.link)))
        for part_s in (down_s / 2, down_s / 2):
            self.town.pass_(part_s, self.utc_ms())
        if dark or reboot:
            self.boot_t = self.t
        now = self.now()
        self.link = link.start(self.params, link.restore(papers), now, outage=dark, lost=False)
        self.image = Image()
        self.state = State.fresh(self.house)
        if dark:
            self.state = replace(self.state, events=events.Events(outage=BEGUN))
        away_s = down_s if self.synced else LONG_S
        self.state = replace(
            self.state,
            turns=turns.recalled(self.house, kept["turns"], now, dark=dark),
            events=gridmemory.recalled(self.state.events, kept["grid"], away_s, now.ns),
            supplies=supplies.recalled(self.house.supplies, kept["subscribed_va"]),
        )
        self.commands, _ = running.restored(kept["commands"], now, outage=dark)
        self.hands, self.plan = {}, None
        for name, value, until_utc_ms in kept["hands"]:
            left_s = (until_utc_ms - now.utc_ms) / 1000
            if self.synced and not dark and 0 < left_s <= 86_400:
                self.by_hand(name, value, left_s)
        self.judge.interrupted(anew=True, dark=dark)
        self.turn()

    def reread(self, name: str | None, anew: str | None) -> None:
        """The site file is read again: with all assets (None) or without one; ``anew``: a bus began anew."""
        kept = tuple(asset for asset in self.built.assets if asset.name != name)
        self.house = replace(self.built, assets=kept, steps=self.house.steps)
        points = [point_of(asset) for asset in self.house.assets if asset.name == anew]
        gone = {asset.name for asset in self.built.assets} - {asset.name for asset in kept}
        self.state = self.state.adopt(self.house, points)
        self.hands = {asset: order for asset, order in self.hands.items() if asset not in gone}
        for asset in self.built.assets:
            if asset.name in gone:  # nobody refreshes it any more
                self.town.let_go(point_of(asset))
        self.judge.forgotten(gone)
        self.judge.released -= set(points)
