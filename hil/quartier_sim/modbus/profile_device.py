"""A simulated device made from any profile of registers: its map, its limits, its fallbacks.

It shows that a site file, its wiring and its orders fit together.  It cannot show that the profile is right:
both sides follow the same file.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier_drivers.device_profile.loading import RegisterProfile
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import (
    Condition,
    Mark,
    Point,
    PointWrite,
    Source,
    TypeName,
)
from quartier_drivers.points import parse_quantity
from quartier_sim.devices import meter_values
from quartier_sim.devices.meter_values import MeterValues
from quartier_sim.devices.simulated_device import Device
from quartier_sim.modbus.profile_registers import (
    decode_count,
    decode_value,
    encode_value,
    find_order_range,
    find_order_source,
)
from quartier_sim.modbus.unit import ILLEGAL_ADDRESS, ILLEGAL_VALUE, READ_TABLES, Refusal, Table, Unit

_TEXT = "RIG"
_USUAL_VALUES = {"soc_pct": 50.0, "soh_pct": 100.0, "frequency_hz": 50.0, "phases_count": 3.0}
_USUAL_BY_UNIT = {"v": 230.0, "hz": 50.0, "c": 20.0, "ppm": 600.0}
_WRITE_FUNCTIONS = {"coil": (5, 15), "holding": (6, 16)}
_OBJECT_NUMBERS = {
    "vendor": 0,
    "product": 1,
    "revision": 2,
    "url": 3,
    "name": 4,
    "model": 5,
    "application": 6,
}


@dataclass(slots=True)
class _Output:
    """A point that takes orders: its value in force (None: nobody ordered), and when it was written."""

    path: str
    point: Point
    write: PointWrite
    source: Source
    value: float | None = None
    written_s: float = 0.0
    gate_open: bool = True
    timer_s: float | None = None
    """Time that was written into its timer register; None: none was."""

    @property
    def order(self) -> float | None:
        """The order in force, our units."""
        return self.value if self.gate_open or self.value is None else 0.0


class ProfileDevice(Device):
    """Answers as the profile reads; orders are its writable points (``part.quantity``).

    A write outside of a point's range gets exception 3, outside of the map exception 2.  An order ends by the
    fallback that the profile states.  Registers of ``arm`` keep what was written.
    """

    def __init__(self, profile: RegisterProfile, unit: int = 1, seed: int = 0) -> None:
        super().__init__(seed)
        self._profile = profile
        self._unit = unit
        self._points = {
            f"{part}.{quantity}".lstrip("."): (quantity, point)
            for part, quantities in profile.parts.items()
            for quantity, point in quantities.items()
        }
        self._meters = {part: MeterValues() for part in profile.parts}
        self._outputs = [
            _Output(path, point, point.write, find_order_source(point))
            for path, (_, point) in self._points.items()
            if point.write is not None
        ]
        self._open_cells: set[tuple[int, Table, int]] = set()
        self.units = {number: self._make_unit(number) for number in self._list_units()}
        self._fill()

    # -- the plant's side ------------------------------------------------------------------

    def show(self, values: Mapping[str, float]) -> None:
        """Put values into registers; a total power completes its phases.  Raises KeyError if unknown."""
        for path, value in values.items():
            if path not in self._points:
                raise KeyError(path)
            part, _, quantity = path.rpartition(".")
            if quantity in meter_values.QUANTITIES:
                self._meters[part].take({quantity: value})
            self._put_value(path, value)
        for part in {path.rpartition(".")[0] for path in values}:
            for quantity, value in self._complete(part):
                path = f"{part}.{quantity}".lstrip(".")
                if path in self._points and path not in values and self._points[path][1].write is None:
                    self._put_value(path, value)

    def orders(self) -> Mapping[str, float]:
        """Return the orders in force; a point that nobody ordered is absent."""
        return {one.path: one.order for one in self._outputs if one.order is not None}

    def expire(self) -> None:
        """Let orders end by the fallback of the profile."""
        for one in self._outputs:
            fallback = one.write.fallback
            if fallback is None or one.value is None or fallback.holds:
                continue
            after_s = one.timer_s or fallback.after_s
            if after_s is not None and self.now_s - one.written_s >= after_s:
                self._set_order(one, None if isinstance(fallback.value, str) else fallback.value)

    def forget(self) -> None:
        """Lose every order with the power."""
        for one in self._outputs:
            one.gate_open, one.timer_s = True, None
            self._set_order(one, None)

    def _set_order(self, one: _Output, value: float | None) -> None:
        one.value = value
        if value is not None:
            self._put_value(one.path, value)

    def _complete(self, part: str) -> Iterator[tuple[str, float]]:
        meter = self._meters[part]
        yield "power_w", meter.power_w
        yield "frequency_hz", meter.frequency_hz
        yield "power_import_w", max(meter.power_w, 0.0)
        yield "power_export_w", max(-meter.power_w, 0.0)
        yield "apparent_power_va", abs(meter.power_w)
        for phase in meter_values.PHASES:
            yield f"power_{phase}_w", meter.phase_power_w(phase)
            yield f"voltage_{phase}_v", meter.phase_voltage_v(phase)
            yield f"current_{phase}_a", meter.phase_current_a(phase)

    # -- registers -------------------------------------------------------------------------

    def _list_units(self) -> list[int]:
        stated = {point.unit for _, point in self._points.values() if point.unit is not None}
        stated |= {one.unit for one in self._list_marks() if one.unit is not None}
        return sorted({self._unit, *stated})

    def _list_marks(self) -> list[Mark]:
        return list(self._profile.marks.values())

    def _make_unit(self, number: int) -> Unit:
        limits = self._profile.limits
        written = {function for one in self._outputs for function in self._list_functions(one)}
        return Unit(
            functions={*READ_TABLES, *written},
            words_max=limits.block_max,
            gaps="zero" if limits.gap_max else "refuse",
            accept=lambda table, address, words: self._accept(number, table, address, words),
            identity=self._make_identity(),
        )

    def _list_functions(self, one: _Output) -> Iterator[int]:
        if one.write.function is not None:
            yield one.write.function
        only = self._profile.limits.write_function
        for table in {one.source.address.table, *(place.table for _, place, _ in _list_settings(one))}:
            for function in _WRITE_FUNCTIONS[table]:
                if only is None or table == "coil" or function == only:
                    yield function

    def _make_identity(self) -> dict[int, str]:
        head = self._profile.head
        stated = {
            _OBJECT_NUMBERS[mark.device_id]: _make_matching_text(mark)
            for mark in self._list_marks()
            if mark.device_id is not None
        }
        return {0: head.maker, 1: head.model, 2: "1.0"} | stated if stated else {}

    def _fill(self) -> None:
        """Give every register of the profile a value that the profile accepts."""
        for path, (quantity, point) in self._points.items():
            self._put_value(path, _find_usual_value(quantity, point))
            if point.scale_address is not None:
                self._put(point.unit, point.scale_address, [0])
        for key, source in self._profile.identity.items():
            self._put_source(source, _TEXT if source.type_name == "string" or key != "serial" else "20261203")
        for mark in self._list_marks():
            if mark.address is not None:
                self._put_mark(mark)
        for one in self._outputs:
            self._open(one.source.unit, one.source.address, one.source.width)
            self._fill_settings(one)

    def _fill_settings(self, one: _Output) -> None:
        """Fill what is set once, as ``quartier arm`` or a person leaves it."""
        for unit, address, type_name in _list_settings(one):
            self._open(unit, address, _make_source(address, type_name).width)
        for source, value in _list_commissioned(one):
            self._put_source(source, value)
        for condition in one.write.fallback.check if one.write.fallback else ():
            self._put_source(
                _make_source(condition.address, condition.type_name, unit=condition.unit),
                _find_matching_number(condition),
            )

    def _open(self, unit: int | None, address: Address, count: int) -> None:
        """Let a client write there; what holds nothing yet reads 0."""
        number, table = self._unit if unit is None else unit, address.table
        cells = self.units[number].tables[table]
        for place in range(address.number, address.number + count):
            self._open_cells.add((number, table, place))
            cells.setdefault(place, 0)

    def _put(self, unit: int | None, address: Address, words: Sequence[int]) -> None:
        self.units[self._unit if unit is None else unit].put(address.table, address.number, words)

    def _get(self, unit: int | None, address: Address, count: int) -> list[int]:
        cells = self.units[self._unit if unit is None else unit].tables[address.table]
        return [cells.get(place, 0) for place in range(address.number, address.number + count)]

    def _put_value(self, path: str, value: float) -> None:
        quantity, point = self._points[path]
        if parse_quantity(quantity).kind == "text" and not point.values:
            self._put_source(point, _TEXT)
        else:
            self._put_source(point, value)

    def _put_source(self, source: Source, value: float | str) -> None:
        words = encode_value(source, value, self._get(source.unit, source.address, source.width))
        self._put(source.unit, source.address, words)

    def _put_mark(self, mark: Mark) -> None:
        assert mark.address is not None
        source = _make_source(
            mark.address,
            mark.type_name,
            unit=mark.unit,
            word_order=mark.word_order,
            byte_order=mark.byte_order,
            length=mark.length,
            scale=mark.scale,
        )
        if mark.like is not None:
            self._put_source(source, _make_matching_text(mark))
            return
        words = self._get(mark.unit, mark.address, source.width)
        value = decode_value(source, words)
        if value is None or not _fits(mark, value):
            self._put_source(source, _find_matching_number(mark))

    # -- the wire's side -------------------------------------------------------------------

    def _accept(self, unit: int, table: Table, address: int, words: Sequence[int]) -> None:
        places = range(address, address + len(words))
        if any((unit, table, place) not in self._open_cells for place in places):
            raise Refusal(ILLEGAL_ADDRESS)
        before = self.units[unit].get(table, address, len(words))
        self.units[unit].put(table, address, words)
        touched = {(unit, table, place) for place in places}
        try:
            orders = [(one, self._read_order(one)) for one in self._outputs if self._is_touched(one, touched)]
        except ValueError as error:
            self.units[unit].put(table, address, before)
            raise Refusal(ILLEGAL_VALUE) from error
        for one, value in orders:
            one.written_s = self.now_s
            self._set_order(one, value)
        self._take_settings(touched)

    def _is_touched(self, one: _Output, touched: set[tuple[int, Table, int]]) -> bool:
        return not touched.isdisjoint(self._list_cells(one.source.unit, one.source.address, one.source.width))

    def _list_cells(self, unit: int | None, address: Address, count: int) -> list[tuple[int, Table, int]]:
        number = self._unit if unit is None else unit
        return [(number, address.table, address.number + step) for step in range(count)]

    def _read_order(self, one: _Output) -> float:
        """Return the order in the registers; raises ValueError if the profile does not allow it."""
        words = self._get(one.source.unit, one.source.address, one.source.width)
        if one.write.codes is not None:
            codes = {code: value for value, code in one.write.codes.items()}
            return float(codes[decode_count(one.source, words)])
        value = decode_value(one.source, words)
        if value is None:
            raise ValueError(f"{words} is no number")
        low, high = find_order_range(one.point)
        step = abs(one.source.scale) * one.source.sum_of
        if not low - step <= value <= high + step:
            raise ValueError(f"{value} is outside {low}..{high}")
        return value

    def _take_settings(self, touched: set[tuple[int, Table, int]]) -> None:
        """Act on own control, gates and timers that were written."""
        for one in self._outputs:
            own, gate, fallback = one.write.own, one.write.gate, one.write.fallback
            if own is not None and not touched.isdisjoint(self._list_cells(one.point.unit, own.address, 1)):
                source = _make_source(own.address, own.type_name)
                if self._get(one.point.unit, own.address, source.width) == encode_value(
                    source, own.value, [0]
                ):
                    self._set_order(one, None)
            if gate is not None and not touched.isdisjoint(self._list_cells(one.point.unit, gate.address, 1)):
                source = _make_source(gate.address, gate.type_name)
                words = self._get(one.point.unit, gate.address, source.width)
                # A gate with one value only selects the mode in which orders count.
                one.gate_open = gate.opened == gate.shut or words != encode_value(source, gate.shut, [0])
                one.written_s, one.value = self.now_s, one.value if one.value is not None else 0.0
            if fallback is not None and fallback.address is not None:
                source = _make_source(fallback.address, fallback.type_name)
                cells = self._list_cells(one.point.unit, fallback.address, source.width)
                if not touched.isdisjoint(cells):
                    count = decode_count(source, self._get(one.point.unit, fallback.address, source.width))
                    one.timer_s = count * fallback.scale or None


def _list_settings(one: _Output) -> Iterator[tuple[int | None, Address, TypeName]]:
    """Unit, address and type of what else a client writes: own control, gate, timer, settings of ``arm``."""
    own, gate, fallback = one.write.own, one.write.gate, one.write.fallback
    if own is not None:
        yield one.point.unit, own.address, own.type_name
    if gate is not None:
        yield one.point.unit, gate.address, gate.type_name
    if fallback is not None:
        if fallback.address is not None:
            yield one.point.unit, fallback.address, fallback.type_name
        for setting in fallback.settings:
            yield setting.unit, setting.address, setting.type_name


def _list_commissioned(one: _Output) -> Iterator[tuple[Source, float]]:
    """Yield where timer, value and settings of a fallback are read, with their values after commissioning."""
    fallback = one.write.fallback
    if fallback is None:
        return
    timer, value = fallback.timer_shown, fallback.value_shown
    if fallback.address is not None and fallback.after_s is not None:
        yield (
            _make_source(fallback.address, fallback.type_name, unit=one.point.unit, scale=fallback.scale),
            fallback.after_s,
        )
    if timer is not None and timer != "none" and fallback.after_s is not None:
        yield (
            _make_source(timer.address, timer.type_name, unit=timer.unit, scale=timer.scale),
            fallback.after_s,
        )
    if value is not None and isinstance(fallback.value, float):
        yield _make_source(value.address, value.type_name, unit=value.unit, scale=value.scale), fallback.value
    for setting in fallback.settings:
        yield _make_source(setting.address, setting.type_name, unit=setting.unit), setting.value
        if setting.shown is not None:
            shown = setting.shown
            yield _make_source(shown.address, shown.type_name, unit=shown.unit), setting.value


def _make_source(address: Address, type_name: TypeName, **more: Any) -> Source:
    given = {key: value for key, value in more.items() if value is not None}
    return Source.model_construct(address=address, type_name=type_name, **given)


def _find_usual_value(quantity: str, point: Point) -> float:
    """Return a value that the profile accepts."""
    if point.values:
        return float(min(point.values))
    unit = parse_quantity(quantity).unit
    value = _USUAL_VALUES.get(quantity, _USUAL_BY_UNIT.get(unit, 0.0))
    low = -math.inf if point.low is None else point.low
    high = math.inf if point.high is None else point.high
    return min(max(value, low), high)


def _find_matching_number(wanted: Mark | Condition) -> float:
    if wanted.equals:
        return wanted.equals[0]
    low, high = wanted.low, wanted.high
    if low is None or high is None:
        return next((one for one in (low, high) if one is not None), 0.0)
    return 0.0 if low < 0 < high else (low + high) / 2


def _fits(mark: Mark, value: float) -> bool:
    if mark.equals:
        return value in mark.equals
    low = -math.inf if mark.low is None else mark.low
    high = math.inf if mark.high is None else mark.high
    return low <= value <= high


def _make_matching_text(mark: Mark) -> str:
    return (mark.like or _TEXT).replace("*", "").replace("?", "1")
