"""Devices as points, without wires: readings at their periods, orders with timers, faults.

Runs over wires test the bytes; here the value of a point goes straight from the plant to the process
image,
in the periods that the profiles state, and an order acts until the device's own timer ends it.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quartier_drivers.contract import Command, PointInfo
from quartier_drivers.readings import Layout, Readings
from quartier_sim.devices.device_faults import Fault, FaultKind, FaultyValues

# A request that is not answered within this is given up (the default of a bus section).
TIMEOUT_S = 1.0
LIMIT_MARK = "_max_"
"""In the name of each output that is a cap."""
_POWERED_OUTPUTS = ("current_max_a", "setpoint_w", "generation_max_w")
"""Orders of assets that give or take nothing while their device has no power."""
_KIND_CODES = {"float": 0, "int": 1, "bool": 2}
_GOOD, _BAD = b"\x00", b"\x01"
_NS_PER_S = 1_000_000_000


@dataclass(slots=True)
class _ReadGroup:
    """Points of one device that are read together."""

    layout: Layout
    points: tuple[str, ...]
    period_s: float
    due_s: float = float("-inf")


@dataclass(slots=True)
class _Order:
    value: float
    written_s: float


@dataclass
class _Device:
    infos: Mapping[str, PointInfo]
    faults: dict[FaultKind, Fault] = field(default_factory=dict)
    since_s: dict[FaultKind, float] = field(default_factory=dict)
    groups: list[_ReadGroup] = field(default_factory=list)
    shown: FaultyValues = field(default_factory=FaultyValues)

    def answers(self, now_s: float) -> bool:
        """Return whether somebody who asks gets an answer in time."""
        if self.faults.keys() & {"off", "unplugged", "silent"} or not self.is_connected(now_s):
            return False
        slow = self.faults.get("slow")
        return slow is None or slow.seconds <= TIMEOUT_S

    def is_connected(self, now_s: float) -> bool:
        """Return whether it hears: a loose contact is good for as long as it is bad, bad first."""
        loose = self.faults.get("intermittent")
        return loose is None or not loose.is_contact_open(now_s - self.since_s["intermittent"])

    def hears(self, now_s: float) -> bool:
        """Return whether an order reaches it."""
        silent = self.faults.get("silent")
        deaf = self.faults.keys() & {"off", "unplugged"} or (silent is not None and not silent.acts)
        return not deaf and self.is_connected(now_s)


class SimulatedDevices:
    """Every device of a site.  ``own`` maps a writable point to what its device does by itself."""

    def __init__(
        self,
        devices: Mapping[str, Mapping[str, PointInfo]],
        own: Mapping[str, float],
        buses: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._buses = dict(buses or {})
        self._devices = {name: _Device(infos) for name, infos in devices.items()}
        self._of = {point: name for name, infos in devices.items() for point in infos}
        self._own = dict(own)
        self._orders: dict[str, _Order] = {}
        self._waiting: dict[str, Command] = {}
        self._prepared = False
        self.writes_count = 0

    # -- events ------------------------------------------------------------------------------

    def fault(self, name: str, kind: FaultKind, now_s: float, **args: Any) -> None:
        """Put a fault of ``devices.fault`` in force on a device, or on all of a bus."""
        for device in self._named(name):
            device.faults[kind] = Fault(kind, **args)
            device.since_s[kind] = now_s
            if kind == "off":
                for point in device.infos:
                    self._orders.pop(point, None)

    @property
    def names(self) -> tuple[str, ...]:
        """Every device."""
        return tuple(self._devices)

    def clear(self, name: str, kind: FaultKind | None = None) -> None:
        """End one fault of a device, or of all of a bus, or all of its faults."""
        for device in self._named(name):
            if kind is None:
                device.faults.clear()
            else:
                device.faults.pop(kind, None)

    def _named(self, name: str) -> list[_Device]:
        return [self._devices[one] for one in self._buses.get(name, (name,))]

    def is_healthy(self, point: str) -> bool:
        """Return whether the device of a point has no fault in force."""
        return not self._devices[self._of[point]].faults

    # -- towards the gateway -----------------------------------------------------------------

    def read(self, values: Mapping[str, float], now_s: float, now_ns: int) -> Iterator[Readings]:
        """Yield the answers to the requests that are due; ``values`` are the plant's, in gateway units."""
        self._deliver(now_s, now_ns)
        shown = {**values, **{point: self.find_value(point, now_s) for point in self._own}}
        if not self._prepared:
            self._prepare(shown)
        for device in self._devices.values():
            seen = _measure_values(device, shown, now_s)
            if not device.answers(now_s):
                continue
            quality = _BAD if "garbage" in device.faults else _GOOD
            for group in device.groups:
                if now_s < group.due_s:
                    continue
                group.due_s = now_s + group.period_s - 1e-6
                measured = array("d", [seen[point] for point in group.points])
                yield Readings(group.layout, measured, quality * len(group.points), now_ns)

    def _prepare(self, values: Mapping[str, float]) -> None:
        self._prepared = True
        for device in self._devices.values():
            periods: dict[float, list[str]] = {}
            for point, info in device.infos.items():
                if point in values and info.kind in _KIND_CODES and (info.read_back or not info.writable):
                    periods.setdefault(info.period_s, []).append(point)
            device.groups = [
                _ReadGroup(
                    Layout(points, bytes(_KIND_CODES[device.infos[point].kind] for point in points)),
                    tuple(points),
                    period_s,
                )
                for period_s, points in periods.items()
            ]

    # -- from the gateway --------------------------------------------------------------------

    def write(self, commands: Iterable[Command], now_s: float) -> None:
        """Take orders; the newest that does not reach its device waits until it expires, as on a bus."""
        for command in commands:
            if self._devices[self._of[command.point]].hears(now_s):
                self._waiting.pop(command.point, None)
                self._orders[command.point] = _Order(command.value, now_s)
                self.writes_count += 1
            else:
                self._waiting[command.point] = command

    def drop_waiting_orders(self) -> None:
        """The gateway ends, and with it what it still had to write."""
        self._waiting.clear()

    def _deliver(self, now_s: float, now_ns: int) -> None:
        """Hand over what waited for a device that hears again."""
        waiting = [one for one in self._waiting.values() if one.expires_ns > now_ns]
        self._waiting.clear()
        self.write(waiting, now_s)

    def overwrite(self, point: str, value: float, now_s: float) -> None:
        """Another master writes an output."""
        self._orders[point] = _Order(value, now_s)

    def give_back(self, points: Iterable[str], now_s: float) -> None:
        """Let the devices' own control have these points again."""
        for point in points:
            self._waiting.pop(point, None)
            if self._devices[self._of[point]].hears(now_s):
                self._orders.pop(point, None)

    def release(self, caps: Mapping[str, float | None], now_s: float) -> None:
        """Write as `quartier release` does: ``on_release`` of each point; ``caps`` holds the caps' values."""
        for point in self._own:
            info = self._devices[self._of[point]].infos[point]
            value = caps.get(point) if info.on_release == "cap" else info.on_release
            if isinstance(value, int | float):
                if info.on_release == "cap":  # leaving never lifts a cap
                    value = min(value, self.find_value(point, now_s))
                self.write([Command(point, float(value), 0, "release")], now_s)
            elif info.on_release == "own":
                self.give_back([point], now_s)

    # -- towards the plant -------------------------------------------------------------------

    def find_value(self, point: str, now_s: float) -> float:
        """Return the value of a writable point in the device: last order, or the fallback after its timer."""
        order = self._orders.get(point)
        if order is None:
            return self._own[point]
        fallback = self._devices[self._of[point]].infos[point].fallback
        if fallback is None or now_s - order.written_s <= fallback.after_s:
            return order.value
        value = self._own[point] if fallback.value is None else fallback.value
        # What a cap reverts to is written with it (SunSpec 704), or it stands: it is never lifted so.
        return min(value, order.value) if LIMIT_MARK in point else value

    def _find_unpowered_value(self, point: str) -> float:
        """A station or an inverter gives nothing; what a box steered goes on as by itself."""
        return 0.0 if point.partition(".")[2] in _POWERED_OUTPUTS else self._own[point]

    def orders(self, now_s: float) -> dict[str, float]:
        """Return the order of each writable point as it acts on the plant, also of a device without power."""
        found = {}
        for point in self._own:
            faults = self._devices[self._of[point]].faults
            value = self._find_unpowered_value(point) if "off" in faults else self.find_value(point, now_s)
            bent = faults.get("bent")
            found[point] = value * bent.factor if bent is not None and bent.applies_to(point) else value
        return found


def _measure_values(device: _Device, values: Mapping[str, float], now_s: float) -> Mapping[str, float]:
    """Return the plant's values as this device measures them."""
    if not device.faults and not device.shown.has_state:
        return values
    own = {point: values[point] for point in device.infos if point in values}
    return device.shown.apply(device.faults, own, now_s)
