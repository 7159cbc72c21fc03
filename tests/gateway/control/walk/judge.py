"""What must hold after each cycle whatever happened, each by its clause of spec/failsafe.md.

The judge keeps a memory of its own, from what was really written and what really happened; it asks the
controller's state only what force it says is in, which it compares with what it knows.
"""

import json
from dataclasses import fields, is_dataclass
from itertools import pairwise
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any

from tests.gateway.control.walk.flows import Flows
from tests.gateway.control.walk.simulated_site import point_of

from quartier.control.link.state import LinkMode
from quartier.control.observe.health import ControlStage
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.control.orders import running_commands
from quartier.control.requests import Ack, Envelope
from quartier.site import asset_types
from quartier.site.asset_types import (
    Battery,
    ChargePointAsset,
    ControllableAsset,
    Load,
    OperationModeAsset,
    Pv,
)
from quartier.site.process_image import FrozenImage
from quartier.site.records import Now
from quartier.site.site_layout import LimitContact
from quartier_drivers.contract import Command

if TYPE_CHECKING:
    from tests.gateway.control.walk.world import World

ABSURD = 1e9
STATE_MAX = 20_000
WEIGHED_EVERY = 200
REFRESH_S, CONFIRM_S = 20.0, 5.0
S = 1_000_000_000
SET_MAX_S = 62.0
"""A wall clock that is set by less may have been the right one when a document came."""


class Judge:
    """Looks on after each cycle; raises AssertionError with what it saw."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.history: dict[str, list[tuple[float, float, bool]]] = {}
        self.released: set[str] = set()
        self.given_t: dict[str, float] = {}  # when it was last given back
        self.retaken_t: dict[str, float] = {}
        self.renewed: set[str] = set()
        """Points of a device that began anew: the gateway has no order of them that could still stand."""
        self.sent: dict[str, float] = {}
        self.meddled: set[str] = set()  # written by another unseen, or told nothing while it was deaf
        self.overruled_t: dict[str, float] = {}  # when what stands there was last not our order
        self.foreign_t: dict[str, float] = {}  # when another wrote it last
        self.heard_t = world.t
        self.restored_t = -inf
        self.begun_t = self.clean_t = world.t
        self.dark_t = -inf
        self.out_s = 0.0
        self.low_s = dict.fromkeys((49.78, 49.48, 49.18), 0.0)
        self.before_t = world.t
        self.flows = Flows(self)
        self.cap_w: dict[str, tuple[float, float]] = {}
        self.lied = False

    def interrupted(self, *, anew: bool, dark: bool = False) -> None:
        """The process was late or began ``anew``, after the power was gone (``dark``): what needs time begins again."""
        self.begun_t = self.clean_t = self.world.t
        self.out_s = 0.0
        if anew:
            self.restored_t = -inf
            self.heard_t = self.world.t
            self.released, self.sent = set(), {}
        if dark:
            self.dark_t = self.world.t
            for asset in self.world.built.assets:  # without power it stopped, and begins in its normal mode
                told = self.history.get(point_of(asset))
                if isinstance(asset, OperationModeAsset) and told and told[-1][1] > -asset.normal:
                    del self.history[asset.point]
        self.low_s = dict.fromkeys(self.low_s, 0.0)
        self.flows = Flows(self)

    def meddles(self, point: str) -> None:
        """Somebody else writes a point."""
        self.meddled.add(point)
        self.overruled_t[point] = self.foreign_t[point] = self.world.t

    def forgotten(self, names: set[str]) -> None:
        """Assets that the site file no longer names."""
        for point in [p for p in self.history if p.partition(".")[0] in names]:
            del self.history[point]
        self.released = {p for p in self.released if p.partition(".")[0] not in names}
        self.sent = {p: value for p, value in self.sent.items() if p.partition(".")[0] not in names}

    def acknowledged(self, document: Envelope, held: Envelope | None, ack: Ack) -> None:
        """Section 6: replay and nonsense are refused, acknowledged with a reason, and have no effect."""
        numbers = [
            w
            for i in document.intervals
            for w in (i.import_max_w, i.export_max_w, i.generation_max_w, i.consumption_max_w)
        ]
        if any(watts is not None and not (isfinite(watts) and watts >= 0) for watts in numbers):
            assert ack.status == "REJECTED", (document, ack)
        if held is not None and document.seq <= held.seq and document != held:
            assert ack.status == "REJECTED", (document, held, ack)
        assert ack.status == "ACCEPTED" or ack.reason, ack

    # --- each cycle ------------------------------------------------------------------------------

    def look(self, frozen: FrozenImage, before: dict[str, float], now: Now) -> None:
        world, simulated_site = self.world, self.world.simulated_site
        if (
            simulated_site.lies
            or simulated_site.silent
            or simulated_site.deaf
            or simulated_site.other_writers
        ):
            self.clean_t = world.t
        self.lied |= bool(simulated_site.lies)
        self._meter(now)
        self.overruled_t |= dict.fromkeys(simulated_site.other_writers, world.t)
        self.foreign_t |= dict.fromkeys(simulated_site.other_writers, world.t)
        self._hear(frozen)
        self._events()
        self._caps(frozen, now)
        json.dumps(world.decision.view, allow_nan=False)
        assert set(world.decision.view["assets"]) == {asset.name for asset in world.house.assets}
        assets = {point_of(asset): asset for asset in world.house.assets}
        holding = self._why_nothing_rises()
        for command in world.decision.commands:
            asset = assets[command.point]
            self._command(command, asset, now)
            if codes(command)[0] == "output.given_back":
                self._given_back(command.point)
                continue
            if command.point in self.released:  # what its own control did last nobody knows
                self.retaken_t[command.point] = world.t
            self.released.discard(command.point)
            self._ordered(command, asset, frozen, before.get(command.point))
            assert not holding or not self._rises(asset, command, before), (holding, command)
            self.sent[command.point] = command.value
            if asset.name in simulated_site.deaf:  # it did not take it, and does what nobody told it
                self.meddles(command.point)
                continue
            self.meddled.discard(command.point)
            if (
                command.point not in simulated_site.other_writers
            ):  # who writes all the time overrules it at once
                self.overruled_t.pop(command.point, None)
        for point in world.decision.releases:
            assert world.decision.lost[point], point
            self._given_back(point)
        self._taken_by_events()
        self._taken_by_sheds()
        self.flows.look(now)
        if world.cycles_count % WEIGHED_EVERY == 0:
            parts = [getattr(world.state, f.name) for f in fields(world.state) if f.name != "house"]
            weight = weigh((parts, world.link))
            assert weight < STATE_MAX, (
                weight,
                {f.name: weigh(getattr(world.state, f.name)) for f in fields(world.state)},
            )
        self.before_t = world.t

    def _given_back(self, point: str) -> None:
        """Section 1 rule 11: once, a battery again until it is read back; row *conflict*: the safe value last."""
        world = self.world
        conflict = world.state.conflicts.get(point)
        fights = conflict is not None and conflict.rests_ns is not None
        if point in self.released and not fights:
            assert point.endswith(".setpoint_w"), f"{point} is given back twice"
            assert world.t - self.given_t[point] >= CONFIRM_S, f"{point} is given back too often"
        self.released.add(point)
        self.given_t[point] = world.t
        self.history.pop(point, None)
        self.sent.pop(point, None)

    # --- the connection meter ----------------------------------------------------------------------

    def _meter(self, now: Now) -> None:
        """Section 7: a meter of which nothing ever lied is believed; rule 11: no setpoint follows another one."""
        world, meter = self.world, self.world.state.meter
        if meter.verdict is not MeterVerdict.IMPLAUSIBLE:
            return
        assert self.lied, (meter.causes, meter.evidence)
        assert world.state.judgement.stage is ControlStage.SAFE
        if meter.tries(now.ns) is None:
            orders = world.state.book.orders
            standing = [a.name for a in world.house.assets if f"{a.name}.setpoint_w" in orders]
            assert not standing, standing

    # --- caps ------------------------------------------------------------------------------------

    def _caps(self, frozen: FrozenImage, now: Now) -> None:
        """Section 1 rule 1: the minimum of hard, grid, link and every active document; section 2 by state."""
        world, force = self.world, self.world.state.active_limits
        limits, mode = world.built.limits, world.link.mode
        own = world.link.failsafe
        careful = (limits.import_failsafe_w, limits.export_failsafe_w)
        if own is not None:
            careful = (
                min(own.import_max_w, limits.import_hard_w),
                min(own.export_max_w, limits.export_hard_w),
            )
        hard = (limits.import_hard_w, limits.export_hard_w)
        calm = (limits.import_autonomous_w, limits.export_autonomous_w)
        highest = {LinkMode.FAILSAFE: careful, LinkMode.INIT: careful, LinkMode.AUTONOMOUS: calm}.get(
            mode, hard
        )
        assert force.import_w <= min(hard[0], highest[0]), (force, mode)
        assert force.export_w <= min(hard[1], highest[1]), (force, mode)
        if world.commands.test_ns(now.ns) is not None:  # a test is that state for its time
            assert force.import_w <= careful[0], force
            assert force.export_w <= careful[1], force
        if self._grid_age_s > self._lost_after_s() + 2 * world.house.cycle_s:
            assert force.import_w <= limits.import_failsafe_w, force
            assert force.export_w <= limits.export_failsafe_w, force
        if self.out_s > 3 + 3 * world.house.cycle_s:  # section 2: a grid outage leads to INIT
            assert mode is LinkMode.INIT, mode
        for contact in world.house.contacts:
            if _acts(contact, frozen, world.t - self.begun_t):
                for way in ("import", "export", "generation", "consumption"):
                    cap_w = getattr(contact, f"{way}_max_w")
                    assert cap_w is None or getattr(force, f"{way}_w") <= cap_w, (contact, force)
        self._documents(now)

    def _documents(self, now: Now) -> None:
        """Section 2: every document still inside [nbf, exp] counts by minimum, in every state.

        Inside by the wall, and by the time that passed: what the wall is set to makes none last longer.
        """
        if not now.synced:
            self.world.documents.clear()  # what ends meanwhile is the controller's to reckon
        for program, document in list(self.world.documents.items()):
            if (
                now.utc_ms > document.exp_utc_ms
                or self.world.t > self.world.document_ends_t[program] - SET_MAX_S
            ):
                del self.world.documents[program]
                continue
            begins_ms = document.start_utc_ms + document.randomize_start_s * 1000
            if begins_ms <= now.utc_ms < document.exp_utc_ms - 1000 and document.ramp_w_per_s is None:
                one = document.intervals[0]
                for way in ("import", "export", "generation", "consumption"):
                    cap_w = getattr(one, f"{way}_max_w")
                    assert cap_w is None or getattr(self.world.state.active_limits, f"{way}_w") <= cap_w, (
                        way,
                        document,
                        self.world.state.active_limits,
                    )

    def _hear(self, frozen: FrozenImage) -> None:
        """When the newest reading of the grid's power was taken that is a number; the start where none came."""
        point = "grid.apparent_power_va" if self.world.house.grid.is_apparent else "grid.power_w"
        if _number(frozen, point) is not None:
            self.heard_t = max(self.heard_t, self.world.t - frozen.age_s(point))

    @property
    def _grid_age_s(self) -> float:
        return self.world.t - self.heard_t

    def _lost_after_s(self) -> float:
        return max(10.0, 4.0 * self.world.house.grid.period_s)

    @property
    def clean_s(self) -> float:
        """For how long every device has told the truth, answered and obeyed."""
        return self.world.t - self.clean_t

    # --- commands --------------------------------------------------------------------------------

    def _command(self, command: Command, asset: ControllableAsset, now: Now) -> None:
        """Section 3: each with a one-line reason; section 1 rule 5: each expires; and in its range."""
        assert command.reason, command
        assert "\n" not in command.reason, command
        given_back = codes(command)[0] == "output.given_back"
        longest_s = 3_600.0 if given_back else 5.0 if isinstance(asset, Battery) else 20.0
        assert 0 < command.expires_ns - now.ns <= longest_s * S, command
        assert isfinite(command.value), command
        if isinstance(asset, Battery):
            assert -asset.discharge_max_w <= command.value <= asset.charge_max_w, command
        elif isinstance(asset, ChargePointAsset):
            assert command.value == 0 or asset.current_min_a <= command.value <= asset.current_max_a, command
        elif isinstance(asset, OperationModeAsset):
            assert command.value in {mode.value for mode in asset.modes}, command
        elif command.point.endswith("_on"):
            assert command.value in {0, 1}, command
        else:
            assert 0 <= command.value <= asset.rated_w, command
        self._may_be_ordered(command, asset, given_back=given_back)
        self.renewed.discard(command.point)

    def _may_be_ordered(self, command: Command, asset: ControllableAsset, *, given_back: bool) -> None:
        """Section 3: tier A never, lights at least half; a CHP led by heat by its own controller only."""
        if isinstance(asset, Load | ChargePointAsset | OperationModeAsset) and not isinstance(
            asset, asset_types.Lights
        ):
            assert asset.tier != "A", command
        if isinstance(asset, asset_types.Lights):
            assert command.value >= 50, command
        if isinstance(asset, asset_types.ChpUnit):
            assert asset.start_import_w is not None, command
        assert asset.falls_back or asset.accepts_no_fallback, command
        assert getattr(asset, "writable", True), command
        assert getattr(asset, "switchable", True), command
        order = self.world.overrides().get(asset.name)
        if order is not None and not given_back:
            assert order.value is not None, ("in maintenance it belongs to its device", command)
            if (
                isinstance(asset, Load) and order.value == 0
            ):  # it stays on while its least time runs, but never comes
                assert not command.value or self._last(command.point) != 0, ("by hand", order, command)
            if isinstance(asset, ChargePointAsset | Pv):
                was_on = self._last(command.point) != 0 or command.point in self.renewed
                least = asset.current_min_a if isinstance(asset, ChargePointAsset) and was_on else 0.0
                assert command.value <= max(order.value, least), ("by hand", order, command)

    def _ordered(
        self, command: Command, asset: ControllableAsset, frozen: FrozenImage, before: float | None
    ) -> None:
        if isinstance(asset, Battery):
            self._band(command, asset, frozen)
            return
        if (
            isinstance(asset, Load)
            and _number(frozen, f"{asset.name}.fallback_on") == 0
            and not asset.accepts_no_fallback
        ):
            assert command.value or before == 0 or self._last(command.point) == 0, (
                "without a fallback",
                command,
            )
        self._times(command, asset, before)
        if codes(command)[0] == "restore.below_cap":
            told = self._last_change_t(command.point) == self.world.t
            if told:  # section 2, row release: one load each 30 s
                assert self.world.t - self.restored_t >= 30 - 1e-6, (command, self.restored_t)
                self.restored_t = self.world.t

    def _band(self, command: Command, battery: Battery, frozen: FrozenImage) -> None:
        """Section 3: a battery keeps its band; section 1 rule 7: no setpoint without its inputs."""
        soc_pct = _number(frozen, f"{battery.name}.soc_pct")
        if soc_pct is not None:
            assert soc_pct > max(battery.soc_min_pct, battery.reserve_soc_pct) or command.value >= 0, (
                soc_pct,
                command,
            )
            assert soc_pct < battery.soc_max_pct or command.value <= 0, (soc_pct, command)
        assert self._grid_age_s <= self._lost_after_s() or self.clean_s > 0, command

    # --- times -----------------------------------------------------------------------------------

    def _last(self, point: str) -> float | None:
        told = self.history.get(point)
        return told[-1][1] if told else None

    def _last_change_t(self, point: str) -> float:
        told = self.history.get(point, ())
        return told[-1][0] if len(told) > 1 else -inf

    def _times(
        self, command: Command, asset: Load | ChargePointAsset | Pv | OperationModeAsset, before: float | None
    ) -> None:
        """Section 3: minimum times, over restarts too; and six switchings in an hour at most.

        To tell a device what it does already, deaf or fallen back as it is, switches nothing.
        """
        rank = _position(asset, command.value)
        if before is None:  # by itself it runs
            before = _unordered(asset)
        stands = before is not None and _position(asset, before) == rank
        commanded = isinstance(asset, ChargePointAsset) and (command.who.kind, command.who.name) == (
            "document",
            "command",
        )
        by_hand = command.who.kind == "person" or commanded or stands
        told = self.history.setdefault(command.point, [])
        if told and told[-1][1] == rank:
            return
        told.append((self.world.t, rank, by_hand))
        del told[:-40]
        if len(told) < 3 or stands:
            return
        (_, older, _), (began_t, was, stood), (ended_t, here, _) = told[-3:]
        least_s = _least_s(asset, up=was > older)
        sinks = (
            isinstance(asset, OperationModeAsset) and here < was < older
        )  # further down at once: its least run was over
        # Rule 12: neither a fuse nor a breaker whose meter warns of it waits.
        warned = any(one.warned for one in self.world.state.supplies.values())
        blown = codes(command)[-1] == "minimum_time.off_early"
        blown = blown and (codes(command)[0].startswith("fuse.") or warned)
        # Section 1 rule 6: what was off by our order goes on being off after a restart, though another master,
        # and not we, switched it on just before: when that was nobody knows then.
        foreign_t = self.foreign_t.get(command.point, -inf)
        forgot = command.point not in self.sent and stood and self.world.t - foreign_t < least_s
        assert sinks or blown or forgot or ended_t - began_t >= least_s - 1e-6, (least_s, command, told[-3:])
        if isinstance(asset, Load | ChargePointAsset) and here < was and not by_hand:
            downs = [
                t
                for (t, now, hand), (_, then, _) in zip(told[1:], told, strict=False)
                if now < then and not hand
            ]
            assert sum(self.world.t - t < 3_600 for t in downs) <= 3, ("switched too often", command, told)
        if isinstance(asset, OperationModeAsset):
            assert _turns_count(told, self.world.t) <= 6, ("turned too often", command, told)

    # --- what may not rise -----------------------------------------------------------------------

    def _why_nothing_rises(self) -> str:
        """Section 2: a stale grid meter freezes increases; section 4: so do low frequency and an outage."""
        world, simulated_site = self.world, self.world.simulated_site
        slack_s = 2 * world.house.cycle_s
        if (
            simulated_site.lies
            or simulated_site.deaf
            or simulated_site.other_writers
            or simulated_site.silent - {"grid"}
        ):
            return ""
        stale_s = max(3.0, 2.5 * world.house.grid.period_s)
        if self._grid_age_s > stale_s + slack_s:
            return "the grid meter is stale"
        if self.low_s[49.78] > 3 + slack_s:
            return "the frequency is low"
        if world.t - self.dark_t < 60:
            return "after an outage"
        return ""

    def _rises(self, asset: ControllableAsset, command: Command, before: dict[str, float]) -> bool:
        if isinstance(asset, Battery | Pv | asset_types.ChpUnit) or command.point in self.meddled:
            return False
        if command.point in self.overruled_t and command.point not in self.sent:
            return (
                False  # section 1 rule 6: our own order goes on after a restart, whoever wrote last before it
            )
        had = self.sent.get(command.point, before.get(command.point))
        if had is None:
            had = _unordered(asset)
        if had is None:
            had = asset.modes[asset.normal].value
        return _rank(asset, command.value) > _rank(asset, had) + 1e-9

    def _events(self) -> None:
        """How long the grid has been what it is, as every device told it truly."""
        world, simulated_site = self.world, self.world.simulated_site
        grid, dt_s = world.house.grid, world.t - self.before_t
        # Section 1 rule 7: what is shed for the frequency does not need the connection's power.
        beside = {one for one in simulated_site.silent if not one.startswith(("grid.power", "grid.apparent"))}
        hidden = (
            simulated_site.lies
            or simulated_site.deaf
            or simulated_site.other_writers
            or beside
            or self.begun_t == world.t
        )
        heard = grid.frequency_period_s is not None and not hidden
        sound = all(91 < pct < 109 for pct in simulated_site.volts_pct)
        for hz in self.low_s:
            self.low_s[hz] = self.low_s[hz] + dt_s if heard and sound and simulated_site.hz < hz else 0.0
        is_seen = simulated_site.is_out and grid.voltage_period_s is not None and self.clean_t < world.t
        self.out_s = self.out_s + dt_s if is_seen else 0.0
        if self.out_s > 3 + 3 * world.house.cycle_s:
            self.dark_t = world.t

    def _taken_by_events(self) -> None:
        """Section 4: D off at 49.8 Hz for 2 s, C at 49.5 Hz for 1 s, B at 49.2 Hz for 0.5 s (fast meters)."""
        world, simulated_site = self.world, self.world.simulated_site
        due = {"D": self.low_s[49.78], "C": self.low_s[49.48], "B": self.low_s[49.18]}
        if world.house.grid.frequency_period_s == 1.0:
            del due["B"]
        for asset in world.house.assets:
            if not isinstance(asset, Load) or due.get(asset.tier, 0.0) <= 3 + 3 * world.house.cycle_s:
                continue
            if self._waits_for_refresh(point_of(asset)):
                continue
            if self.may_move(asset) and simulated_site.orders.get(point_of(asset), 1.0):
                raise AssertionError(("low frequency, and it is on", asset, simulated_site.hz))

    def _taken_by_sheds(self) -> None:
        """Section 3: shed 1 is D off, 2 is C and D, 3 is B, C and D; not what a person ordered."""
        world, slack_ns = self.world, round((3 + 3 * self.world.house.cycle_s) * S)
        now_ns = world.now().ns
        off = running_commands.find_commanded_tiers(world.commands, now_ns)
        if self.clean_s < 60 or any(now_ns - one.since_ns < slack_ns for one in world.commands.running):
            return
        for asset in world.house.assets:
            if not isinstance(asset, Load) or asset.tier not in off or asset.name in world.hands:
                continue
            if self._waits_for_refresh(point_of(asset)) or not self.may_move(asset, 60.0):
                continue
            assert not world.simulated_site.orders.get(point_of(asset), 1.0), ("shed, and it is on", asset)

    def _waits_for_refresh(self, point: str) -> bool:
        """Section 1 rule 5: what somebody else wrote, once or until just now, our next refresh takes: after 20 s."""
        overruled_t = self.overruled_t.get(point, -inf)
        return self.world.t - overruled_t <= REFRESH_S + self.world.house.cycle_s

    def may_move(
        self, asset: Load | ChargePointAsset | OperationModeAsset | Battery | Pv, slack_s: float = 5.0
    ) -> bool:
        """Whether nothing of its own keeps an asset from being lowered now, and for ``slack_s`` before."""
        order = self.world.overrides().get(asset.name)
        if order is not None and order.value is None:
            return False
        takes_orders = getattr(asset, "writable", True) and getattr(asset, "switchable", True)
        if not takes_orders or not (asset.falls_back or asset.accepts_no_fallback):
            return False
        point = point_of(asset)
        rests = self.world.state.conflicts.get(point)
        if rests is not None and rests.rests_ns is not None:
            return False
        if isinstance(asset, Battery | Pv):
            return True
        told = self.history.get(point, [])
        rose = len(told) > 1 and told[-1][1] > told[-2][1]
        if isinstance(asset, OperationModeAsset) and told:  # it runs, whether or not it ran harder before
            rose = rose or told[-1][1] >= -asset.normal
        found_t = max(self.begun_t, self.retaken_t.get(point, -inf))
        since_t = max(self._last_change_t(point), found_t)
        rose = rose or (isinstance(asset, Load) and since_t == found_t)  # found running: as if it came then
        least_s = _least_s(asset, up=rose)
        if (
            isinstance(asset, OperationModeAsset)
            and len(told) > 1
            and told[-1][1] < told[-2][1]
            and told[-1][0] == since_t
        ):
            least_s = 0.0
        return asset.tier != "A" and self.world.t - since_t >= least_s + slack_s + self.world.house.cycle_s


def codes(command: Command) -> list[str]:
    """The codes of its reason: why, then what is done."""
    found, here = [], command.cause
    while here:
        found.append(here["code"])
        here = here.get("more", {})
    return found or [""]


def _unordered(asset: ControllableAsset) -> float | None:
    """What a load or a charge point does without an order."""
    return {Load: 1.0, ChargePointAsset: getattr(asset, "current_max_a", 0.0)}.get(type(asset))


def _rank(asset: ControllableAsset, value: float) -> float:
    """What takes more ranks higher."""
    if isinstance(asset, OperationModeAsset):
        return -float(min(range(len(asset.modes)), key=lambda i: abs(asset.modes[i].value - value)))
    return value


def _position(asset: Load | ChargePointAsset | Pv | OperationModeAsset, value: float) -> float:
    """What a switching leads to: a car's current and a PV's limit may vary without one."""
    if isinstance(asset, ChargePointAsset):
        return float(value > 0)
    return 1.0 if isinstance(asset, Pv) and asset.curtail == "limit" else _rank(asset, value)


def _least_s(asset: Load | ChargePointAsset | Pv | OperationModeAsset, *, up: bool) -> float:
    if isinstance(asset, Pv):
        return 0.0 if up else 300.0
    return asset.min_on_s if up else asset.min_off_s


def _turns_count(told: list[tuple[float, float, bool]], t: float) -> int:
    """How often it changed its direction in the last hour."""
    ways = [(b[0], b[1] > a[1]) for a, b in pairwise(told)]
    return sum(later[1] != sooner[1] and t - later[0] < 3_600 for sooner, later in pairwise(ways))


def _number(frozen: FrozenImage, point: str) -> float | None:
    found = frozen.good(point)
    return None if found is None or not abs(found[0]) <= ABSURD else found[0]


def _acts(contact: LimitContact, frozen: FrozenImage, running_s: float) -> bool:
    """Section 1 rule 1: closed, or not known for 15 s; one that needs time to be believed is left out."""
    point = f"{contact.name}.input_on"
    value = _number(frozen, point)
    if value is None or frozen.age_s(point) > 20:
        return value is not None and running_s > 40
    return (value != 0) != contact.acts_open and contact.debounce_s == 0


def weigh(thing: Any) -> int:
    """How many leaves something has; none is NaN."""
    if isinstance(thing, float):
        assert not isnan(thing)
        return 1
    if is_dataclass(thing):
        return sum(weigh(getattr(thing, f.name)) for f in fields(thing))
    if isinstance(thing, dict):
        return sum(1 + weigh(value) for value in thing.values())
    if isinstance(thing, list | tuple | set | frozenset):
        return sum(weigh(value) for value in thing)
    return 1
