"""The supply of a site without wires: its contract, and its Linky through the gateway's own driver.

Telegrams go byte by byte through the daemon's decoder; a wire only adds the time that a telegram takes.
"""

import datetime as dt
from collections.abc import Container, Coroutine, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from quartier.site.records import Now
from quartier_drivers.errors import NoReply
from quartier_drivers.readings import NO_READINGS, Readings
from quartier_hil.runner.smart_meters import build_linky, set_contract_day
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import SiteSpec
from quartier_hil.scenario.supply_contract import COLOURS, ContractCalendar, ContractState, build_calendar
from quartier_hil.synthetic.controller import Controller
from quartier_hil.synthetic.site_assembly import AssembledSite
from quartier_sim.devices.device_faults import FaultKind, MeterFaults
from quartier_sim.meters.line_noise import GARBAGE_NOISE, LineNoise, damage_telegrams
from quartier_sim.meters.tic.meter_state import PARIS

_BITS_PER_BYTE = 10
_GRID_PREFIX = "grid."
Result = TypeVar("Result")


class PushDriver(Protocol):
    """A driver of a meter that speaks by itself, as ``assembled`` makes it."""

    def hear(self, data: bytes) -> None:
        """Bytes came."""
        ...

    async def open(self) -> Mapping[str, str]:
        """Return its identity.  Raises NoReply until it has sent something."""
        ...

    async def read(self) -> Readings:
        """Return its readings.  Raises NoReply when it is silent for too long."""
        ...

    async def close(self) -> None:
        """Forget the meter."""
        ...


class ManualClock:
    """The clock of a driver without wires: it stands until it is set, and waits for nothing."""

    def __init__(self) -> None:
        self.ns = 0
        self.utc = 0

    def now_ns(self) -> int:
        """Nanoseconds since the start."""
        return self.ns

    def utc_ms(self) -> int:
        """Return the gateway's time, UTC in milliseconds."""
        return self.utc

    async def sleep(self, seconds: float) -> None:
        """Return at once: no time passes here."""


class SimulatedLinky:
    """A Linky that says what the plant does, and the ``driver`` that hears it.

    A frame begins where the one before has ended, and is heard when its last byte is over.
    """

    def __init__(
        self,
        driver: PushDriver,
        clock: ManualClock,
        site_spec: SiteSpec,
        calendar: ContractCalendar | None,
        seed: int,
    ) -> None:
        self._driver, self._clock, self._calendar = driver, clock, calendar
        self._meter = build_linky(site_spec.contract_import_w, calendar)
        self._meter_faults = MeterFaults()
        self._noise: LineNoise | None = None
        self._seed = seed
        self._said = b""
        self._frame_end_s = float("-inf")
        self._now_s = 0.0
        self.open()

    # -- events -------------------------------------------------------------------------------

    def fault(self, kind: FaultKind, **args: Any) -> None:
        """Make it misbehave (see ``devices.fault``)."""
        self._meter_faults.fault(kind, self._now_s, **args)
        if kind == "garbage":
            self._noise = GARBAGE_NOISE

    def clear(self) -> None:
        """End all faults."""
        self._meter_faults.clear()
        self._noise = None

    def open(self) -> None:
        """The gateway's process starts: what its counters know was kept.  Raises nothing."""
        with suppress(NoReply):  # it has not said anything yet, as the driver complains
            _run_without_waiting(self._driver.open())

    def close(self) -> None:
        """End the gateway's process: bytes sent from here on are lost."""
        _run_without_waiting(self._driver.close())

    # -- what it says -------------------------------------------------------------------------

    def turn(self, values: Mapping[str, float], now_s: float, utc: dt.datetime) -> Iterator[Readings]:
        """Show it the plant's ``values`` at ``utc`` and have heard what is over by ``now_s``."""
        self._now_s = now_s
        set_contract_day(self._meter, self._calendar, utc)
        grid = {
            name.removeprefix(_GRID_PREFIX): value
            for name, value in values.items()
            if name.startswith(_GRID_PREFIX)
        }
        shown_values = self._meter_faults.apply(grid, now_s)
        if shown_values is not None:
            self._meter.tell(shown_values, utc)
        if now_s >= self._frame_end_s:
            if self._said:
                self._driver.hear(self._said)
            self._said = b"" if self._meter_faults.is_mute(now_s) else self._next()
            self._frame_end_s = now_s + len(self._said) * _BITS_PER_BYTE / self._meter.baud
        with suppress(NoReply):
            while (readings := _run_without_waiting(self._driver.read())) is not NO_READINGS:
                yield readings

    def _next(self) -> bytes:
        telegram = self._meter.telegram()
        if self._noise is None:
            return telegram.data
        self._seed += 1
        return bytes(damage_telegrams([telegram], self._noise, self._seed).data)


def _run_without_waiting(talk: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of a driver that waits for nothing."""
    try:
        talk.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    talk.close()
    raise RuntimeError("a meter that speaks by itself is never waited for")


LINKY_METER, LINKY_DEVICE, LINKY_SUPPLY = "tic", "linky_tic", "linky"
"""The Linky as scenarios, the site's devices and the site's supplies call it."""
UNKNOWN = -1.0
"""Value of a quantity that the gateway does not know."""
_AGE_MAX_S = 30.0


class Supply:
    """Supply of a scenario's site: its Linky and its contract; empty without them."""

    def __init__(self, scenario: Scenario, site: AssembledSite, clock: ManualClock) -> None:
        site_spec = scenario.house
        self.calendar = build_calendar(site_spec.tariff, scenario.start)
        self._clock = clock
        driver = site.speaking.get(LINKY_DEVICE)
        self._linky = None
        if driver is not None:
            self._linky = SimulatedLinky(driver, clock, site_spec, self.calendar, scenario.seed)
        periods_count = 0 if self.calendar is None else len(self.calendar.tariff.periods)
        self._counters = {
            place: f"{LINKY_SUPPLY}.energy_import_t{place}_wh" for place in range(1, periods_count + 1)
        }

    def at(self, utc_ms: int) -> ContractState | None:
        """Return the state of the contract at a moment; None where the scenario has no contract."""
        return None if self.calendar is None else self.calendar.at(_make_local_time(utc_ms))

    # -- the meter ----------------------------------------------------------------------------

    def turn(self, values: Mapping[str, float], now_s: float, utc_ms: int, now: Now) -> Iterator[Readings]:
        """Yield the readings of the Linky; ``utc_ms`` is the true time, ``now`` the gateway's time."""
        self._clock.ns, self._clock.utc = now.ns, now.utc_ms
        if self._linky is not None:
            yield from self._linky.turn(values, now_s, dt.datetime.fromtimestamp(utc_ms / 1_000, dt.UTC))

    def fault(self, kind: FaultKind, **args: Any) -> None:
        """Make the Linky misbehave."""
        if self._linky is not None:
            self._linky.fault(kind, **args)

    def clear(self) -> None:
        """End all faults."""
        if self._linky is not None:
            self._linky.clear()

    def power(self, *, on: bool, backed: Container[str]) -> None:
        """Switch the voltage of the site off or on."""
        if LINKY_METER not in backed:
            self.clear() if on else self.fault("off")

    def hear(self, *, on: bool) -> None:
        """The gateway's process begins, or ends."""
        if self._linky is not None:
            self._linky.open() if on else self._linky.close()

    # -- what is known of it ------------------------------------------------------------------

    def values(self, utc_ms: int) -> dict[str, float]:
        """Return the state of the contract as points of ``contract``; the price in EUR per kWh."""
        standing = self.at(utc_ms)
        return {} if standing is None else standing.values

    def build_gateway_values(
        self, controller: Controller | None, view: Mapping[str, Any], now: Now
    ) -> dict[str, float]:
        """Return the gateway's own values of supply and counters; ``UNKNOWN`` for an unknown value."""
        if controller is None or self.calendar is None or not view:
            return {}
        state = view["supplies"][LINKY_SUPPLY]
        index = state["tariff_index"]
        frozen = controller.image.freeze(now.ns)
        counted = {point: frozen.number(point, _AGE_MAX_S) for point in self._counters.values()}
        return {
            f"{LINKY_SUPPLY}.tariff_index": UNKNOWN if index is None else float(index),
            f"{LINKY_SUPPLY}.today_colour_state": _get_colour_number(state["today"]),
            f"{LINKY_SUPPLY}.tomorrow_colour_state": _get_colour_number(state["tomorrow"]),
            **{point: UNKNOWN if value is None else value for point, value in counted.items()},
        }


def _get_colour_number(colour: str) -> float:
    """A colour as meters number it; 0 where none is shown."""
    return float(COLOURS.get(colour, 0))  # type: ignore[call-overload]  # any word


def _make_local_time(utc_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(utc_ms / 1_000, PARIS).replace(tzinfo=None)
