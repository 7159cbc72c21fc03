"""Smart meters of the site on their wires: a Linky at the connection, P1 and M-Bus at two flats.

The flats share the load that is otherwise unmeasured.  Each meter has a pty of its own; unplugged, the
port is gone, and it comes back under the same path.
"""

import datetime as dt
from collections.abc import Collection, Container, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from quartier_hil.scenario.site import SmartMeterName
from quartier_hil.scenario.supply_contract import ContractCalendar
from quartier_sim.devices.device_faults import FaultKind, MeterFaults
from quartier_sim.devices.serial_ports import PtyPort
from quartier_sim.meters.line_noise import GARBAGE_NOISE, LINE_QUALITIES, LineNoise
from quartier_sim.meters.mbus.bus_line import MBUS_BAUD, MbusLine
from quartier_sim.meters.mbus.slaves import ElectricitySlave
from quartier_sim.meters.p1.p1_meters import P1Meter
from quartier_sim.meters.push_sender import PushSender
from quartier_sim.meters.tic.linky import Linky, Mode, find_subscription_kva
from quartier_sim.meters.tic.meter_state import PARIS

P1_PERIOD_S = 1.0
_QUANTITIES = ("power_w", "energy_import_wh", "energy_export_wh")
# The flats' shares of the load that no other device measures.
_FLAT_SHARES: Mapping[SmartMeterName, float] = {"p1": 0.6, "mbus": 0.4}

METER_WORDS: Mapping[SmartMeterName, str] = {
    "tic": "TIC on a pty (Linky)",
    "p1": "P1 on a pty (flat 1)",
    "mbus": "M-Bus on a pty (flat 2)",
}

_METER_TABLES: Mapping[SmartMeterName, str] = {
    "tic": """
[buses.tic]
kind = "tic"
port = "{port}"
framing = "8N1"

[devices.linky_tic]
bus = "tic"
profile = "enedis/linky_{mode}"
""",
    "p1": """
[buses.p1]
kind = "p1"
port = "{port}"
framing = "8N1"

[devices.flat1_meter]
bus = "p1"
profile = "dsmr/p1"

[assets.flat1]
role = "load"
device = "flat1_meter"
rated_w = 9000
""",
    "mbus": """
[buses.mbus]
kind = "mbus"
port = "{port}"
framing = "8N1"
timeout_s = {timeout_s}

[devices.flat2_meter]
bus = "mbus"
profile = "generic/mbus_electricity"
unit = 7

[assets.flat2]
role = "load"
device = "flat2_meter"
rated_w = 9000
""",
}


_SUPPLY_TABLE = """
[supplies.linky]
device = "linky_tic"
"""


@dataclass(frozen=True, slots=True)
class LineCounts:
    """Counts of a line: passed whole (groups of TIC, telegrams of P1, records of M-Bus), and hit."""

    sound_count: int
    hit_count: int


class _Meter(Protocol):
    def tell(self, values: Mapping[str, float], now: dt.datetime, /) -> None: ...


def build_linky(contract_w: float, calendar: ContractCalendar | None = None) -> Linky:
    """The Linky of a connection of ``contract_w``, of the contract that a calendar follows, else base."""
    tariff = None if calendar is None else calendar.tariff
    return Linky(
        mode="standard" if tariff is None else tariff.mode,
        phases=3,
        tariff="base" if tariff is None else tariff.contract,
        reference_kva=find_subscription_kva(contract_w),
        start_wh=12_345_678,
    )


def set_contract_day(meter: Linky, calendar: ContractCalendar | None, now: dt.datetime) -> None:
    """Set the contract's day at ``now`` in a Linky, as its supplier does from afar."""
    if calendar is not None:
        standing = calendar.at(now.astimezone(PARIS).replace(tzinfo=None))
        # Of contracts without colours a day counts as blue.
        meter.colour, meter.tomorrow = standing.today or 1, standing.tomorrow
        meter.notice_min = standing.notice_min


def format_meter_tables(
    names: Collection[SmartMeterName],
    urls: Mapping[SmartMeterName, str],
    timeout_s: float,
    mode: Mode,
    *,
    is_grid: bool = False,
) -> str:
    """The TOML text of the site's part that reads these meters, the Linky in its ``mode``.

    ``is_grid``: the Linky is the connection meter, which is a supply by itself.
    """
    parts = [_METER_TABLES[name].format(port=urls[name], timeout_s=timeout_s, mode=mode) for name in names]
    return "".join(parts) + (_SUPPLY_TABLE if "tic" in names and not is_grid else "")


class SmartMeters:
    """The meters in ``names``; ``rate`` is the number of plant seconds per real second."""

    def __init__(
        self,
        names: tuple[SmartMeterName, ...],
        folder: Path,
        *,
        contract_w: float,
        rate: float,
        seed: int,
        calendar: ContractCalendar | None = None,
    ) -> None:
        self.names = names
        self._rate = rate
        self._calendar = calendar
        self.linky = build_linky(contract_w, calendar)
        self.flat1 = P1Meter(serial="E0043007052870318")
        self.flat2 = ElectricitySlave(12_345_678, address=7)
        ports = {name: PtyPort(folder / f"meter-{name}") for name in names}
        self.ports: Mapping[SmartMeterName, PtyPort] = ports
        self.pushes: dict[SmartMeterName, PushSender] = {}
        self.line: MbusLine | None = None
        self._meter_faults: Mapping[SmartMeterName, MeterFaults] = {name: MeterFaults() for name in names}
        self._noises: dict[SmartMeterName, LineNoise] = {}
        self._now_s = 0.0
        if "tic" in ports:
            self.pushes["tic"] = PushSender(self.linky, ports["tic"], rate=rate, seed=seed)
        if "p1" in ports:
            self.pushes["p1"] = PushSender(
                self.flat1, ports["p1"], period_s=P1_PERIOD_S, rate=rate, seed=seed + 1
            )
        if "mbus" in ports:
            self.line = MbusLine([self.flat2], ports["mbus"], baud=MBUS_BAUD, seed=seed + 2)
        self._wires = AsyncExitStack()

    @property
    def words(self) -> str:
        """The meters with their wires, as text."""
        return ", ".join(METER_WORDS[name] for name in self.names)

    async def serve(self) -> None:
        """Plug everything in."""
        for push in self.pushes.values():
            await self._wires.enter_async_context(push)
        if self.line is not None:
            await self._wires.enter_async_context(self.line)

    async def close(self) -> None:
        """Take everything away."""
        await self._wires.aclose()

    def publish(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Show the plant's values (``asset.quantity``) at the site's time ``now``."""
        self._now_s = now.timestamp()
        set_contract_day(self.linky, self._calendar, now)
        grid = {name.partition(".")[2]: value for name, value in values.items() if name.startswith("grid.")}
        self._tell("tic", self.linky, grid, now)
        flats: tuple[tuple[SmartMeterName, _Meter], ...] = (("p1", self.flat1), ("mbus", self.flat2))
        for name, meter in flats:
            share = {
                quantity: values[f"base.{quantity}"] * _FLAT_SHARES[name]
                for quantity in _QUANTITIES
                if f"base.{quantity}" in values
            }
            self._tell(name, meter, share, now)

    def _tell(
        self, name: SmartMeterName, meter: _Meter, values: Mapping[str, float], now: dt.datetime
    ) -> None:
        ailing = self._meter_faults.get(name)
        if ailing is not None and ailing.faults:
            self._mute(name, mute=ailing.is_mute(self._now_s))
        shown_values = values if ailing is None else ailing.apply(values, self._now_s)
        if shown_values is not None:
            meter.tell(shown_values, now)

    # -- events ----------------------------------------------------------------------------

    def fault(self, name: SmartMeterName, kind: FaultKind, **args: Any) -> None:
        """Make a meter misbehave (see ``devices.fault`` and ``verbs``)."""
        ailing = self._meter_faults[name]
        ailing.fault(kind, self._now_s, **args)
        self._mute(name, mute=ailing.is_mute(self._now_s))
        if kind == "garbage":
            self._set_noise(name, GARBAGE_NOISE)
        elif kind == "slow":
            self.flat2.wait_s = ailing.seconds(kind)

    def clear(self, name: SmartMeterName) -> None:
        """Make a meter well again; its line stays as it is."""
        self._meter_faults[name].clear()
        self._mute(name, mute=False)
        self._set_noise(name, self._noises.get(name))
        self.flat2.wait_s = 0.0 if name == "mbus" else self.flat2.wait_s

    def supply(self, *, on: bool, backed: Container[str] = ()) -> None:
        """Take the power from each meter that has no battery of its own, or give it back."""
        for name in self.names:
            if name not in backed:
                self.clear(name) if on else self.fault(name, "off")

    def _mute(self, name: SmartMeterName, *, mute: bool) -> None:
        if name == "mbus":
            self.flat2.off = mute
        else:
            self.pushes[name].silent = mute

    async def plug(self, name: SmartMeterName, *, plugged: bool) -> None:
        """Pull an adapter out of the gateway, or put it back."""
        await (self.ports[name].plug() if plugged else self.ports[name].unplug())

    def disturb(self, name: SmartMeterName, line: str) -> None:
        """Put a meter on a line of ``noise.LINES`` from now on."""
        self._noises[name] = LINE_QUALITIES[line]
        self._set_noise(name, LINE_QUALITIES[line])

    def _set_noise(self, name: SmartMeterName, noise: LineNoise | None) -> None:
        if self.line is not None and name == "mbus":
            self.line.noise = noise
        else:
            self.pushes[name].noise = noise

    def count_telegrams(self) -> Mapping[SmartMeterName, LineCounts]:
        """Return the counts of each meter since it was plugged in first."""
        found = {
            name: LineCounts(push.ledger.sound_count, push.ledger.hit_count)
            for name, push in self.pushes.items()
        }
        if self.line is not None:
            found["mbus"] = LineCounts(self.line.sound_count, self.line.hit_count)
        return found

    async def silence_all(self) -> None:
        """Silence all meters after their present telegrams."""
        self.flat2.off = True
        for push in self.pushes.values():
            await push.silence()

    def resume_all(self) -> None:
        """Let all meters send again."""
        self.flat2.off = False
        for push in self.pushes.values():
            push.silent = False

    def site(self, timeout_min_s: float, *, is_grid: bool = False) -> str:
        """The TOML text of the site's part that reads them; ``is_grid``: as with ``site``."""
        timeout_s = max(0.5 / self._rate, timeout_min_s)
        urls = {name: port.url for name, port in self.ports.items()}
        return format_meter_tables(self.names, urls, timeout_s, self.linky.mode, is_grid=is_grid)
