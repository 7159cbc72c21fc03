"""The real devices of one run: in the site file, switched by relays, read by the rig, put to rest at the
end.
"""

import asyncio
import sys
import time
import tomllib
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from quartier_hil.checks.limit_reaction import ReactionCheck
from quartier_hil.checks.verdicts import Check, RunData, Verdict
from quartier_hil.real_devices import bench_survey
from quartier_hil.real_devices.bench_model import Bench, DevicePlace, MeasuredQuantity, RealDevice, Wire
from quartier_hil.real_devices.device_clients import BenchLines, NoAnswerError
from quartier_hil.real_devices.feasibility import (
    FAULT_WIRES,
    MeasurableSite,
    RemainingChecks,
    list_device_assets,
    select_checks,
)
from quartier_hil.real_devices.readings import Readings, ReadingSource
from quartier_hil.real_devices.relay_control import RelayGuardian, Relays, SwitchError
from quartier_hil.runner.supervisor import RigError
from quartier_hil.scenario import fault_rules
from quartier_hil.scenario.events import CarPlug, FaultEnd, FaultEvent
from quartier_hil.scenario.fault_rules import BUS_SUFFIX
from quartier_hil.scenario.scenario_file import Scenario

if TYPE_CHECKING:
    from quartier_hil.real_devices.bench_model import Register


ADAPTER_BUS = "bench_"
"""Before an adapter's name: the bus that it is in the site file."""


def replace_devices(text: str, bench: Bench, real: Iterable[str]) -> str:
    """The site file with the devices ``real`` at their places on the bench; all else stays as it is."""
    site = tomllib.loads(text)
    hosts: dict[tuple[str | None, int], str] = {}
    for name in real:
        device = bench.devices[name]
        site["buses"].pop(name + BUS_SUFFIX, None)
        if device.adapter is not None:
            bus = ADAPTER_BUS + device.adapter
        else:
            # Units behind one gateway share one connection, as many gateways take no second.
            bus = hosts.setdefault((device.host, device.port), name + BUS_SUFFIX)
        site["buses"].setdefault(bus, _format_bus(bench, device))
        site["devices"][name] = {"bus": bus, "profile": device.profile, "unit": device.unit}
    return tomli_w.dumps(site)


def _format_bus(bench: Bench, device: RealDevice) -> dict[str, Any]:
    if device.adapter is None:
        return {
            "kind": "modbus-tcp",
            "host": device.host,
            "port": device.port,
            "timeout_s": device.timeout_s,
        }
    adapter = bench.adapters[device.adapter]
    return {
        "kind": "modbus-rtu",
        **adapter.model_dump(include={"port", "baud", "parity", "stop_bits"}),
        "timeout_s": device.timeout_s,
    }


FIRST_ANSWER_REAL_S = 30.0
"""Time for the first answer of the devices, s: some start when they get their supply."""
_CAR_DEVICE = "charger"
_WIRE_WORDS: dict[Wire, str] = {"power": "its supply", "cable": "its cable", "car": "the car"}


@dataclass
class RelayRestCheck:
    """Check of every run with real devices: each relay is at its declared rest at the end."""

    wrong: list[str] = field(default_factory=list)
    count: int = 0
    is_over: bool = False

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Nothing to see."""

    def verdict(self, _: RunData) -> Verdict:
        """As the boards show them."""
        promised = "each relay of the bench at its declared rest in the end, as its board shows it"
        measured = "; ".join(self.wrong) or f"{self.count} relays"
        return Verdict("rest", promised, measured, self.is_over and not self.wrong)


class RealDevices:
    """The devices ``real`` of a bench in one scenario's site."""

    def __init__(self, bench: Bench, real: tuple[str, ...], scenario: Scenario) -> None:
        self.bench, self.real = bench, real
        self.house = scenario.house
        self.measurable_site = MeasurableSite(scenario.house, bench, real)
        self.lines = BenchLines(bench.adapters)
        self.readings = Readings(bench.stale_s)
        self.rest_check = RelayRestCheck()
        self.unjudged: tuple[str, ...] = ()
        self.identities: dict[str, str] = {}
        self.relays: Relays | None = None
        self._guardian: RelayGuardian | None = None
        self._now_s: Callable[[], float] = lambda: -inf
        self._tasks: list[asyncio.Task[None]] = []
        self._registers: dict[str, tuple[DevicePlace, Register]] = {}
        for point, name, one in self.measurable_site.iterate_measurements():
            self._add(point, name, one)

    def _add(self, point: str, name: str, one: MeasuredQuantity) -> None:
        place: DevicePlace
        own = one.own()
        if own is None:
            assert one.meter is not None
            place = self.bench.meters[one.meter]
            register, words = self.bench.meters[one.meter].power_w, f"meter {one.meter}"
        else:
            place, register, words = self.bench.devices[name], own, f"{name} itself"
        self._registers[point] = place, register
        self.readings.sources[point] = ReadingSource(
            point, name, f"{words}, {register.where}", own is not None
        )

    # -- before and after ------------------------------------------------------------------

    def select_checks(self, scenario: Scenario) -> RemainingChecks:
        """Return the checks of the scenario that can be evaluated; the rest is listed in ``unjudged``."""
        found = select_checks(scenario, self.measurable_site)
        self.unjudged = found.unjudged
        return found

    def add_checks(self, usual: list[Check], *, is_tightening: bool) -> list[Check]:
        """Those of the scenario, and the two that hold for every run with real devices."""
        checks = [check for check in usual if is_tightening or not isinstance(check, ReactionCheck)]
        return [*checks, self.readings, self.rest_check]

    async def begin(self, work: Path, now_s: Callable[[], float]) -> None:
        """Connect all, identify all, read everything once.  Raises RigError; ``end`` is due anyway."""
        self._now_s = now_s
        self._guardian = RelayGuardian(work / "guardian.log")
        try:
            await self._guardian.start()
            self.relays = Relays(self.bench, self.lines, self.real, self._guardian.record_owed_states)
            await self.relays.begin()
        except RuntimeError as error:  # no guardian, or a relay that does not obey
            raise RigError(f"{self.bench.title}: {error}") from error
        await self._require_success(self._identify(), "who is there")
        await self._require_success(self._first(), "the first reading")
        self._tasks = [asyncio.create_task(self._reading(point)) for point in self._registers]

    async def _require_success(self, work: Coroutine[Any, Any, str], what: str) -> None:
        wrong = await work
        if wrong:
            raise RigError(f"{self.bench.title}: {what}: {wrong}; try: quartier-hil rig check FILE")

    async def _identify(self) -> str:
        """Identify the device at each place of this run; return the mismatch, empty if there is none."""
        meters = {
            one.meter for _, _, one in self.measurable_site.iterate_measurements() if one.meter is not None
        }
        places: dict[str, DevicePlace] = {name: self.bench.devices[name] for name in self.real}
        places |= {name: self.bench.meters[name] for name in sorted(meters)}
        for name, place in places.items():
            until_s = time.monotonic() + FIRST_ANSWER_REAL_S
            found = await bench_survey.identify_device(place, self.lines.to(place))
            while not found.answers and time.monotonic() < until_s:
                await asyncio.sleep(self.bench.period_s)
                found = await bench_survey.identify_device(place, self.lines.to(place))
            if found.wrong:
                return f"{name} at {place.words}: {found.wrong}"
            self.identities[name] = found.words
        # The gateway is the one master of the devices' own adapters from here on.
        for name in self.real:
            if self.bench.devices[name].adapter is not None:
                await self.lines.leave(self.bench.devices[name])
        return ""

    async def _first(self) -> str:
        until_s = time.monotonic() + FIRST_ANSWER_REAL_S
        for point in self._registers:
            await self._read(point)
            while self.readings.sources[point].value is None:
                if time.monotonic() >= until_s:
                    return f"{point}: {self.readings.rows[-1].why}"
                await asyncio.sleep(self.bench.period_s)
                await self._read(point)
        return ""

    async def end(self) -> None:
        """Put every relay to rest, whatever happened; a failure is reported and fails a check."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.lines.close()
        if self.relays is not None:
            self.rest_check.wrong = await self.relays.rest()
            self.rest_check.count = len(self.relays.list_owed_states())
            sys.stderr.writelines(f"quartier-hil: {text}\n" for text in self.rest_check.wrong)
        self.rest_check.is_over = True
        if self._guardian is not None:
            await self._guardian.end()

    # -- reading ---------------------------------------------------------------------------

    async def _reading(self, point: str) -> None:
        while True:
            began_s = time.monotonic()
            await self._read(point)
            await asyncio.sleep(max(self.bench.period_s - (time.monotonic() - began_s), 0.0))

    async def _read(self, point: str) -> None:
        place, register = self._registers[point]
        try:
            words = await self.lines.to(place).words(register)
        except NoAnswerError as error:
            self.readings.miss(point, str(error), time.time())
        else:
            self.readings.take(point, register.number(words), time.time(), self._now_s())

    def _values(self) -> dict[str, float]:
        """The latest of each point; a device whose supply the board confirmed as cut takes nothing."""
        found = self.readings.latest(self._now_s())
        for point, source in self.readings.sources.items():
            if source.is_own and point.endswith(".power_w") and self._is_cut(source.device, "power"):
                found[point] = 0.0
        return found

    def _is_cut(self, name: str, wire: Wire) -> bool:
        """Return whether the board confirmed a wire as cut."""
        return self.relays is not None and self.relays.states.get((name, wire)) == "cut"

    def powers_w(self) -> dict[str, float]:
        """Return the last measured power of each asset of a real device, in W."""
        hosts = {asset for name in self.real for asset in list_device_assets(self.house, name)}
        return {
            asset: value
            for point, value in self._values().items()
            for asset, _, quantity in [point.partition(".")]
            if quantity == "power_w" and asset in hosts
        }

    def relay_on(self) -> bool | None:
        """Return the state of the site's own relay of the heat pump, where its board is real; else None."""
        value = self._values().get("order.relay_on") if "relays" in self.real else None
        return None if value is None else value > 0

    def find_known_values(self, values: Mapping[str, float]) -> dict[str, float]:
        """The values of a step as the rig knows them: what was read, and nothing that it cannot know."""
        return self.measurable_site.drop_unknown_values(values) | self._values()

    # -- events ----------------------------------------------------------------------------

    def takes(self, event: object) -> bool:
        """Return whether an event is about real devices alone."""
        if isinstance(event, FaultEvent | FaultEnd):
            return any(
                name in self.real for name in fault_rules.list_target_devices(self.house, event.device)
            )
        return isinstance(event, CarPlug) and _CAR_DEVICE in self.real

    async def perform_event(self, event: Any, mark: Callable[[str, str], None]) -> None:
        """One event, by the relays.  Raises RigError where a relay does not obey."""
        match event:
            case FaultEvent():
                for name in fault_rules.list_target_devices(self.house, event.device):
                    wire = FAULT_WIRES[fault_rules.convert_wire_fault(event.device, event.kind)]
                    mark(f"{event.device}: {event.kind}, by the relay in {_WIRE_WORDS[wire]}", "fault")
                    await self._cut(name, wire)
            case FaultEnd():
                for name in fault_rules.list_target_devices(self.house, event.device):
                    mark(f"{event.device} is connected again", "event")
                    await self._connect(name)
            case CarPlug():
                mark(
                    "a car is plugged in, by its relay" if event.on else "the car leaves, by its relay",
                    "event",
                )
                await self._set(_CAR_DEVICE, "car", connected=event.on)

    async def supply(self, *, on: bool, backed: Collection[str]) -> None:
        """Take the supply from all that have no battery of their own, or give it back."""
        for name in self.real:
            if name in backed:
                continue
            if on:
                await self._set(name, "power", connected=True)
                self._await_boot(name)
            else:
                await self._cut(name, "power")

    async def _cut(self, name: str, wire: Wire) -> None:
        await self._set(name, wire, connected=False)
        self._excuse(name, inf)

    async def _connect(self, name: str) -> None:
        for wire in self.bench.devices[name].wires:
            if wire != "car":
                await self._set(name, wire, connected=True)
        self._await_boot(name)

    def _await_boot(self, name: str) -> None:
        """It has its time to start; one whose other wire is still cut has all the time there is."""
        cut = [self._is_cut(name, wire) for wire in ("power", "cable")]
        self._excuse(name, inf if any(cut) else self._now_s() + self.bench.devices[name].boot_s)

    async def _set(self, name: str, wire: Wire, *, connected: bool) -> None:
        assert self.relays is not None
        try:
            await self.relays.set(name, wire, connected=connected)
        except SwitchError as error:
            raise RigError(str(error)) from error

    def _excuse(self, name: str, until_s: float) -> None:
        for source in self.readings.sources.values():
            if source.device == name and source.is_own:
                source.excuse(until_s)

    # -- what is told ----------------------------------------------------------------------

    def site(self, text: str) -> str:
        """The site file of a run with the real devices in it."""
        return replace_devices(text, self.bench, self.real)

    @property
    def points(self) -> frozenset[str]:
        """The points that were read from real devices, not computed."""
        return frozenset(self._registers)

    @property
    def facts(self) -> dict[str, str]:
        """For the report's page."""
        devices = (
            f"{name}: {self.bench.devices[name].profile} at {self.bench.devices[name].words}"
            f" ({self.identities.get(name) or 'says no name'})"
            for name in self.real
        )
        sources = (f"{one.point} by {one.words}" for one in self.readings.sources.values())
        found = {
            "real devices": f"{self.bench.title}: {'; '.join(devices)}",
            "real readings": f"{'; '.join(sources)}; all else is the plant's",
        }
        return found | ({"not judged": "; ".join(self.unjudged)} if self.unjudged else {})

    @property
    def account(self) -> dict[str, Any]:
        """For run.json."""
        return {
            "bench": self.bench.title,
            "devices": {
                name: {
                    "place": self.bench.devices[name].words,
                    "profile": self.bench.devices[name].profile,
                    "identity": self.identities.get(name, ""),
                }
                for name in self.real
            },
            "points": {one.point: _describe_source(one) for one in self.readings.sources.values()},
            "unjudged": list(self.unjudged),
            "switched_count": self.relays.count if self.relays is not None else 0,
            "rest": self.rest_check.wrong or "as declared",
        }


def _describe_source(source: ReadingSource) -> dict[str, Any]:
    fields = asdict(source)
    return {key: fields[key] for key in ("words", "is_own", "count", "missed_count", "age_max_s")}
