"""One site under the whole controller: link, grid events, orders of people, the cycle, and restarts."""

import json
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from tests.gateway.control.conftest import EPOCH_MS, envelope
from tests.gateway.control.walk import sites
from tests.gateway.control.walk.judge import Judge
from tests.gateway.control.walk.simulated_site import SimulatedSite, point_of

from quartier.control import cycle, switch_state
from quartier.control.events import detection, outage, rows
from quartier.control.limits import supplies
from quartier.control.link import allowed, machine, state
from quartier.control.orders import command_progress, local_plan, running_commands
from quartier.control.orders.commands import Command, CommandDocument, Setpoint
from quartier.control.orders.running_commands import RunningCommands
from quartier.control.records import LinkLimits, Override, Overrides
from quartier.control.requests import (
    Envelope,
    FailsafeDocument,
    FailsafeValues,
    Heartbeat,
    Interval,
    LocalPlan,
    Requests,
)
from quartier.control.state import ControlState, Decision
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier_drivers.contract import Origin

if TYPE_CHECKING:
    from quartier.control.link.state import LinkState
    from quartier.control.records import LinkLimits
    from quartier.site.site_layout import Site

S = 1_000_000_000
LONG_S = 366 * 86_400.0
BEGUN = outage.begin_recovery()
LOOKS_AT = 0.4  # of a cycle: when a fast meter is looked at between two of them


class World:
    """One house of ``sites`` by its number; ``house`` is what the site file says of it now."""

    def __init__(self, number: int) -> None:
        self.built = sites.made(number)
        self.house: Site = self.built
        self.simulated_site = SimulatedSite(self.built)
        self.jump_s = self.boot_t = 0.0
        self.synced = True
        self.params = allowed.LinkParameters(limits=self.built.limits, seed=number)
        self.link: LinkState = machine.start_link(self.params, None, self.now(), outage=False, lost=False)
        self.state = ControlState.fresh(self.house)
        self.image = ProcessImage()
        self.hands: dict[str, Override] = {}
        self.plan: LocalPlan | None = None
        self.documents: dict[str, Envelope] = {}
        self.document_ends_t: dict[str, float] = {}
        self.commands = RunningCommands()
        self.commands_count = 0
        self.beats_count = self.cycles_count = 0
        self.caps: LinkLimits = allowed.find_link_limits(self.link, self.params, self.now())
        self.decision: Decision | None = None
        self.judge = Judge(self)

    @property
    def t(self) -> float:
        """The true second."""
        return self.simulated_site.t

    def utc_ms(self) -> int:
        return EPOCH_MS + round((self.t + self.jump_s) * 1000)

    def now(self) -> Now:
        return Now(round((self.t - self.boot_t) * S), self.utc_ms(), self.synced)

    # --- time ------------------------------------------------------------------------------------

    def cycles(self, count: int) -> None:
        period_s = self.built.grid.frequency_period_s
        is_fast = period_s is not None and period_s <= rows.FAST_PERIOD_S
        for _ in range(count):
            dt_s = self.house.cycle_s
            if is_fast and self._looked(LOOKS_AT * dt_s):
                self.turn()
                continue
            self.simulated_site.pass_((1 - LOOKS_AT * is_fast) * dt_s, self.utc_ms())
            self.turn()

    def _looked(self, dt_s: float) -> bool:
        """Between two cycles: whether something begins to act, so that one is due at once."""
        self.simulated_site.pass_(dt_s, self.utc_ms())
        now = self.now()
        for told in self.simulated_site.told_of_mains(now.ns):
            self.image.put(told)
        before = self.state.events
        self._watch(now)
        return self.state.events.find_rise_start(before)

    def late(self, seconds: float) -> None:
        """Nothing runs for so long."""
        for part_s in (5.0, 10.0, 20.0, 40.0, inf):
            step_s = min(part_s, seconds)
            seconds -= step_s
            if step_s > 0:
                self.simulated_site.pass_(step_s, self.utc_ms())
        self.judge.interrupted(anew=False)
        self.turn()

    def _watch(self, now: Now) -> None:
        frozen = self.image.freeze(now.ns)
        self.state = replace(
            self.state, events=detection.update_events(self.state.events, frozen, self.house, now.ns)
        )

    def turn(self) -> None:
        """One cycle, in the order of ``control/sequence.py``."""
        now = self.now()
        for told in self.simulated_site.told(now.ns):
            self.image.put(told)
        frozen = self.image.freeze(now.ns)
        seen = detection.update_events(self.state.events, frozen, self.house, now.ns)
        self.state = replace(self.state, events=seen)
        self.link = machine.note_running_commands(
            self.link, self.commands.find_shed_end_ns(now.ns), self.commands.test_ns(now.ns)
        )
        self.link = machine.advance_link(self.link, self.params, now, outage=seen.is_grid_lost)
        self.caps = allowed.find_link_limits(self.link, self.params, now)
        for name, order in list(self.hands.items()):
            if now.ns >= order.until_ns or seen.is_grid_lost:
                del self.hands[name]
        before = dict(self.simulated_site.orders)
        requests = Requests(
            caps=self.caps,
            overrides=local_plan.find_plan_orders(
                self.plan, self.state, self.overrides(), now, outage=seen.is_grid_lost
            ),
            shed=running_commands.find_commanded_tiers(self.commands, now.ns),
            aims=local_plan.find_running_aims(self.plan, now, outage=seen.is_grid_lost),
        )
        self.decision = cycle.run_cycle(frozen, requests, self.state, now)
        self.state = self.decision.state
        for command in self.decision.commands:
            self.simulated_site.obey(command.point, command.value)
        for point in self.decision.releases:
            if point.partition(".")[0] not in self.simulated_site.deaf:
                self.simulated_site.let_go(point)
        self.cycles_count += 1
        self.judge.look(frozen, before, now)
        self.commands, _ = command_progress.evaluate_running_commands(self.commands, self._against(now))

    def overrides(self) -> Overrides:
        """What is ordered of single assets now, by people and by commands."""
        return running_commands.collect_overrides(self.commands, self.house, self.hands, self.now().ns)

    def _against(self, now: Now) -> command_progress.CommandContext:
        requests = [one.document.asked for one in self.commands.running]
        return command_progress.CommandContext(
            state=self.state,
            overrides=self.hands,
            ordered=frozenset(request.asset for request in requests if isinstance(request, Setpoint)),
            may_loosen=allowed.is_loosening_allowed(self.link, now),
            follows_district=allowed.follows_district(self.link, self.params, now),
            regulatory={"dso"},
            now=now,
        )

    # --- the district ----------------------------------------------------------------------------

    def beat(self) -> None:
        self.beats_count += 1
        beat = Heartbeat(self.beats_count, self.utc_ms())
        self.link = machine.accept_heartbeat(self.link, self.params, beat, self.now())

    def document(
        self, program: str, newer: int, caps: list[float | None], starts_s: float, span_s: float, **more: Any
    ) -> None:
        """One envelope of two intervals; ``newer`` than the last accepted of its program by so much."""
        here_s = self.t + self.jump_s
        seq = self.link.seqs.get(program, 0) + newer
        document = envelope(
            seq, program, nbf_s=here_s - 10, start_s=here_s + starts_s, exp_s=here_s + starts_s + span_s
        )
        document = replace(
            document, intervals=(Interval(span_s / 2, *caps), Interval(span_s / 2, *caps)), **more
        )
        held = self.link.program(program)
        self.link, ack = machine.accept_envelope(self.link, self.params, document, self.now())
        self.judge.acknowledged(document, None if held is None else held.envelope, ack)
        if ack.status == "ACCEPTED":
            self.documents[program] = document
            self.document_ends_t[program] = self.t + (document.exp_utc_ms - self.utc_ms()) / 1000

    def values(self, seq: int, import_w: float, export_w: float, duration_s: float) -> None:
        values = FailsafeValues(import_max_w=import_w, export_max_w=export_w, duration_min_s=duration_s)
        document = FailsafeDocument(id="fs", seq=seq, values=values)
        self.link, _ = machine.accept_failsafe_parameters(self.link, self.params, document, self.now())

    def command(self, request: Command) -> None:
        """One command, followed where it may be."""
        self.commands_count += 1
        now, seq = self.now(), self.commands_count
        document = CommandDocument(id=f"c{seq}", seq=seq, exp_utc_ms=2**52, asked=request)
        found = command_progress.decide_command(document, self.commands, self._against(now), persisted=True)
        if found.status == "ACCEPTED":
            self.commands, _ = running_commands.accept_command(self.commands, document, found.reason, now)

    # --- people ----------------------------------------------------------------------------------

    def by_hand(self, name: str, value: float | None, for_s: float) -> None:
        now = self.now()
        until_ns, until_utc_ms = now.ns + round(for_s * S), now.utc_ms + round(for_s * 1000)
        self.hands[name] = Override(name, value, until_ns, until_utc_ms, Origin("person", "ann"), "walk")

    # --- the process -----------------------------------------------------------------------------

    def restart(self, down_s: float, *, dark: bool, reboot: bool) -> None:
        """The process ends and begins, ``reboot``: the machine too; ``dark``: for it had no power."""
        now = self.now()
        kept = {
            "turns": switch_state.dump_switch_states(self.state.switch_states, now),
            "grid": detection.dump_grid_events(self.state.events, now.utc_ms),
            "subscribed_va": supplies.dump_supplies(self.state.supplies),
            "commands": running_commands.dump_commands(self.commands),
            "hands": [(o.asset, o.value, o.until_utc_ms) for o in self.hands.values()],
        }
        kept, documents = (
            json.loads(json.dumps(kept)),
            json.loads(json.dumps(state.dump_link_state(self.link))),
        )
        for part_s in (down_s / 2, down_s / 2):
            self.simulated_site.pass_(part_s, self.utc_ms())
        if dark or reboot:
            self.boot_t = self.t
        now = self.now()
        self.link = machine.start_link(
            self.params, state.load_link_state(documents), now, outage=dark, lost=False
        )
        self.image = ProcessImage()
        self.state = ControlState.fresh(self.house)
        if dark:
            self.state = replace(self.state, events=detection.GridEvents(outage=BEGUN))
        away_s = down_s if self.synced else LONG_S
        self.state = replace(
            self.state,
            switch_states=switch_state.load_switch_states(self.house, kept["turns"], now, dark=dark),
            events=detection.load_grid_events(self.state.events, kept["grid"], away_s, now.ns),
            supplies=supplies.load_supplies(self.house.supplies, kept["subscribed_va"]),
        )
        self.commands, _ = running_commands.load_commands(kept["commands"], now, outage=dark)
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
                self.simulated_site.let_go(point_of(asset))
        self.judge.forgotten(gone)
        self.judge.released -= set(points)
        self.judge.renewed |= set(points)
