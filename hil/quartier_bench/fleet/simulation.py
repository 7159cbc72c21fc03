"""Simulate a day of a whole fleet, second by second: plant, limits, kernel, and restored loads."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from types import ModuleType

import numpy as np

from quartier.control.link.state import LinkMode
from quartier.control.requests import OnLoss
from quartier_bench.fleet import events
from quartier_bench.fleet.building_stock import BuildingStock, FloatArray
from quartier_bench.fleet.district_limits import (
    AUTONOMOUS_SHARE,
    HEARTBEAT_S,
    BuildingLimits,
    FleetLink,
    StagedRelease,
)
from quartier_bench.fleet.events import FleetEvent
from quartier_bench.fleet.load_restoration import LoadRestoration
from quartier_bench.fleet.plant_model import SHEDS_MAX_COUNT, DayInputs, FleetPlant, view_columns
from quartier_native import fleets

_NS_PER_S = 1_000_000_000
_START_NS = 100_000 * _NS_PER_S
KERNEL_TIMING_S = 30
"""The kernel's own time is taken each so many seconds: asking may cost as much as a small fleet's step."""
LOAD_KINDS = ("people", "cars", "hot water", "heat and air", "sun", "batteries")
BREACH_SHARE, BREACH_W = 0.02, 200.0
"""Excess over a cap that is a breach: share and W (spec/failsafe.md#breach)."""


@dataclass(frozen=True, kw_only=True)
class DaySettings:
    """Settings of a day; ``kernel`` steps it (the one that the package chose, or its twin)."""

    stock: BuildingStock
    drive: DayInputs
    events: Sequence[FleetEvent] = ()
    from_second: int = 0
    seconds: int = 86_400
    spread_s: float = 0.0
    on_loss: OnLoss = "failsafe"
    autonomous: float = AUTONOMOUS_SHARE
    plain_w: FloatArray | None = None
    """By second, means of a minute: the district's forecast, by which it lets go in steps; None: at once."""
    start_utc_ms: int = 1_768_474_800_000
    kernel: ModuleType = fleets
    watch: Callable[[int], None] | None = None


@dataclass(frozen=True)
class LinkChange:
    """At this second the state of all links, or the share of the contract, was another."""

    second: int
    mode: str
    share: float
    why: str


@dataclass
class DayRecord:
    """By second: what the district takes, by sort too (seconds x sorts); buildings held, and over.

    ``allowed`` is the share of each contract that link and district allow.
    """

    total_w: FloatArray
    load_kinds_w: FloatArray
    held: FloatArray
    over: FloatArray
    allowed: FloatArray
    marks: list[LinkChange] = field(default_factory=list)
    cpu_s: float = 0.0
    kernel_s: float = 0.0
    cars_lack_wh: float = 0.0
    coldest_c: float = float("nan")
    digest: str = ""


class FleetDay:
    """One run: every second of it changes all buildings."""

    def __init__(self, settings: DaySettings) -> None:
        stock = settings.stock
        self.settings = settings
        self.fleet = settings.kernel.Fleet(stock.buildings)
        columns = self.fleet.columns(SHEDS_MAX_COUNT)
        self.state, self.inputs, self.result = columns.state(), columns.inputs(), columns.result()
        self.seen = view_columns(self.state, self.inputs, self.result)
        self.contract_w, self.export_w = stock.column("contract_w"), stock.column("export_w")
        self.count, self.of = len(stock.drawn), stock.of
        self.plant = FleetPlant(stock, settings.drive, self.seen)
        self.returns = LoadRestoration(self.fleet.units, self.of, self.contract_w, stock.seed, self.seen)
        self.caps = BuildingLimits(self.count, stock.seed, settings.spread_s)
        self.link = FleetLink(
            events.list_limit_shares(settings.events),
            settings.start_utc_ms,
            settings.on_loss,
            settings.from_second,
            settings.autonomous,
        )
        count = settings.seconds
        self.record = DayRecord(
            np.zeros(count),
            np.zeros((count, len(LOAD_KINDS))),
            np.zeros(count),
            np.zeros(count),
            np.ones(count),
        )
        self.staged_release = None if settings.plain_w is None else StagedRelease(settings.plain_w)
        self._export_share, self._told = -1.0, (self.link.mode, 1.0)
        self._was_allowed = 1.0
        self._was_in_outage = self._was_down = False

    def run(self) -> DayRecord:
        """All its seconds."""
        begun_s = time.process_time()
        first = self.settings.from_second
        self._write_caps(1.0)
        for place in range(self.settings.seconds):
            self._second(first + place, place)
            if self.settings.watch is not None and place % 3600 == 0:
                self.settings.watch(place)
        self.record.cpu_s = time.process_time() - begun_s
        self.record.cars_lack_wh = float(np.maximum(self.plant.left_wh, 0.0).sum())
        if len(self.plant.room_c):
            self.record.coldest_c = float(self.plant.room_c.min())
        self.record.digest = self._digest()
        return self.record

    def _second(self, second: int, place: int) -> None:
        out = events.is_running(self.settings.events, "outage", second)
        down = events.is_running(self.settings.events, "restart", second) or out
        if place == 0 or second % 60 == 0 or out != self._was_in_outage:
            self.plant.minute(second // 60, live=not out)
        self.plant.second(live=not out, is_controlled=not down)
        self._link(second, place, out=out, down=down)
        now_ns = _START_NS + second * _NS_PER_S
        grid_w = self._sum_by_building(self.seen.present_w) + self.seen.rest_w
        if not down:
            is_weighed = place % KERNEL_TIMING_S == 0
            before_s = time.process_time() if is_weighed else 0.0
            self.settings.kernel.step_many(self.fleet, self.state, self.inputs, self.result, now_ns, 1.0)
            if is_weighed:
                self.record.kernel_s += KERNEL_TIMING_S * (time.process_time() - before_s)
            expected_w = self._sum_by_building(self.seen.setpoint_w) + self.seen.rest_w
            self.returns.second(second, now_ns, grid_w, expected_w)
        self._note(place, grid_w)
        self._was_in_outage, self._was_down = out, down

    def _sum_by_building(self, by_unit_w: FloatArray) -> FloatArray:
        sums_w: FloatArray = np.bincount(self.of, weights=by_unit_w, minlength=self.count).astype(np.float64)
        return sums_w

    def _link(self, second: int, place: int, *, out: bool, down: bool) -> None:
        """Heartbeats and documents, and the caps that follow."""
        lost = events.is_running(self.settings.events, "optimiser-lost", second)
        if self._was_in_outage and not out:
            self.returns.start_after_outage(second)
        if self._was_down and not (down or self._was_in_outage):
            self.link.restart_gateways(second)
            self.returns.common(second)
        if down and not out:
            self._allowed(place, self._told[1], rests=True, hears=False)
            return
        if not lost and not out and second % HEARTBEAT_S == 0:
            self.link.accept_heartbeat(second)
            if self.link.mode is not LinkMode.CONTROLLED:
                self.link.accept_document(second)
        share, export_share = self.link.second(second, outage=out)
        mode = self.link.mode
        before_mode, _ = self._told
        if (mode, share) != self._told:
            self.record.marks.append(LinkChange(second, str(mode), share, ""))
            self._told = (mode, share)
        is_led = mode is LinkMode.CONTROLLED
        allowed, was = self._allowed(place, share, rests=out, hears=is_led and not lost), self._was_allowed
        if mode is not before_mode or allowed > was:
            self.returns.common(second)
        self._was_allowed = allowed
        if self.caps.second(second, allowed, spread=is_led) or export_share != self._export_share:
            self._write_caps(export_share)

    def _allowed(self, place: int, share: float, *, rests: bool, hears: bool) -> float:
        """Return the allowed share of each contract, after the district's own release of a hold."""
        if self.staged_release is not None:
            share = self.staged_release.follow(place, self.record.total_w, share, rests=rests, hears=hears)
        self.record.allowed[place] = share
        return share

    def _write_caps(self, export_share: float) -> None:
        self._export_share = export_share
        self.seen.import_max_w[:] = self.caps.share * self.contract_w
        self.seen.export_max_w[:] = export_share * self.export_w

    def _note(self, place: int, grid_w: FloatArray) -> None:
        record = self.record
        record.total_w[place] = grid_w.sum()
        record.load_kinds_w[place] = self.plant.sum_kinds_w()
        cap_w = self.seen.import_max_w
        record.over[place] = np.count_nonzero(grid_w > cap_w + np.maximum(BREACH_SHARE * cap_w, BREACH_W))
        holds = np.zeros(self.count, dtype=bool)
        holds[self.of[self.returns.find_limited_units()]] = True
        record.held[place] = np.count_nonzero(holds)

    def _digest(self) -> str:
        """Return a digest of all decisions and of all that the district measured, bit by bit."""
        whole = hashlib.sha256(self.record.total_w.tobytes())
        whole.update(self.record.load_kinds_w.tobytes())
        for column in fields(self.state):
            value = getattr(self.state, column.name)
            if column.name != "sheds_room":
                whole.update(bytes(value))
        return whole.hexdigest()
