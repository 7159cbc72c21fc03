"""Make the writes of setpoints and releases; remember the limits in force and the running timers (pure).

A limit is read just before it is written on release.  If that fails, or its register can only be written, the
last one read or ordered counts; if nothing is known, the fail-safe limit is written: it may raise a lower one
that nobody here knows of, but a higher limit that stays for ever would be the greater harm.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from quartier_drivers import register_codec
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import Limits, Point, Setting, Source, TypeName
from quartier_drivers.errors import WireError
from quartier_drivers.modbus.frames import MASK_WRITE, Answer, Request, make_write
from quartier_drivers.modbus.served_points import ServedPoint
from quartier_drivers.readings import Quality, Readings, Value

FetchWords = Callable[[int, Address, int], Awaitable[Answer]]


class StandingLimits:
    """The last known value of each of ``points`` that is released to a limit, in our units."""

    def __init__(self, points: Iterable[ServedPoint]) -> None:
        self._last: dict[str, float | None] = {
            one.name: None
            for one in points
            if one.point.write is not None and one.point.write.on_release == "cap"
        }

    def __contains__(self, name: str) -> bool:
        return name in self._last

    @property
    def values(self) -> tuple[float | None, ...]:
        """The limits in force, None if unknown."""
        return tuple(self._last.values())

    def note_order(self, name: str, value: float) -> None:
        """Record an order that the device accepted."""
        if name in self._last:
            self._last[name] = value

    def note_readings(self, readings: Readings) -> Readings:
        """Record what was read, and return it."""
        for name in self._last:
            place = readings.layout.place(name)
            if place is not None:
                reading = readings.reading(place)
                self._last[name] = _find_number(reading.value, reading.quality)
        return readings

    def least(self, name: str, cap: float | None) -> float | None:
        """Return the release value of a point: its fail-safe limit, or the present one if that is lower."""
        last = self._last.get(name)
        return cap if cap is None or last is None else min(cap, last)

    async def look(self, one: ServedPoint, power: int | None, fetch: FetchWords) -> None:
        """Read the present limit if the register can be read and the device answers."""
        write = one.point.write
        if one.name not in self._last or power is None or write is None or write.confirm == "none":
            return
        try:
            answer = await fetch(one.unit, one.point.address, one.point.width)
        except WireError:
            return
        if not answer.exception:
            value, quality = register_codec.decode_point(one.quantity, one.point, answer.values, power)
            self._last[one.name] = _find_number(value, quality)


def _find_number(value: Value | None, quality: Quality) -> float | None:
    known = quality is Quality.GOOD and isinstance(value, int | float)
    return float(value) if known and isinstance(value, int | float) else None


def make_setpoint(
    one: ServedPoint, value: float, power: int, limits: Limits, *, is_timed: bool = False
) -> list[Request]:
    """Return the writes: the timer in the device, then the value, then its gate.

    No setpoint is ever without its timer.  ``is_timed``: the timer of an earlier order still runs.  Then it
    comes last, and starts anew: if a device needs a pause after each write, a limit that tightens acts a
    pause sooner. ``power`` is the content of the point's scale register.  Raises ValueError as
    ``encode_point`` does.
    """
    written, begun = _make_value_writes(one, value, power, limits), make_timer_writes(one, limits, armed=True)
    return [*written, *begun] if is_timed else [*begun, *written]


def make_release(one: ServedPoint, cap: float | None, power: int | None, limits: Limits) -> list[Request]:
    """Return the writes of ``on_release``: none for ``hold``, and none that could widen anything.

    ``cap`` is the fail-safe value of a point that is released to its limit.  A timer that would later end
    what is written here is stopped.
    """
    write = one.point.write
    if write is None or write.on_release == "hold":
        return []
    if write.on_release == "own":
        return _make_own_writes(one, limits)
    value = cap if write.on_release == "cap" else write.on_release
    if value is None or power is None:
        return []
    low, high = register_codec.find_write_range(one.point)
    try:
        written = _make_value_writes(one, min(max(value, low), high), power, limits)
    except ValueError:  # its scale register has made it too large to write: better none than a wrong one
        return []
    timer_agrees = write.fallback is not None and write.fallback.value == value
    return written if timer_agrees else [*written, *make_timer_writes(one, limits, armed=False)]


def dump_write(point: str, request: Request) -> Mapping[str, Any]:
    """Return a write as it is stored in ``release.json``."""
    return {
        "point": point,
        "unit": request.unit,
        "function": request.function,
        "address": request.address,
        "values": list(request.values),
    }


def _make_value_writes(one: ServedPoint, value: float, power: int, limits: Limits) -> list[Request]:
    words = register_codec.encode_point(one.point, value, power)
    write = one.point.write
    function = write.function if write else None
    if function == MASK_WRITE:
        words = _make_masks(one.point, words[0])
    plain = _make_register_write(
        one, register_codec.make_write_source(one.point).address, words, limits, function
    )
    gate = write.gate if write else None
    if gate is None:
        return [plain]
    switch = register_codec.encode_raw(
        _make_plain_source(one.point, gate.address, gate.type_name), gate.opened if value else gate.shut
    )
    gated = _make_register_write(one, gate.address, switch, limits)
    return [plain, gated] if value else [gated]


def _make_masks(point: Point, written: int) -> list[int]:
    """Return and-mask and or-mask that write only the point's bits.

    Modbus Application Protocol V1.1b3, 6.16: result = (register AND and) OR (or AND NOT and).
    """
    swaps = point.byte_order == "low-first"
    raw = _swap_bytes(written) if swaps else written
    lowest, highest = point.field or (0, 15)
    field = (1 << highest - lowest + 1) - 1
    if raw > field:
        raise ValueError(f"{raw} does not fit bits {lowest}..{highest}")
    masks = (0xFFFF & ~(field << lowest), raw << lowest)
    return [_swap_bytes(mask) if swaps else mask for mask in masks]


def _swap_bytes(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8


def _make_own_writes(one: ServedPoint, limits: Limits) -> list[Request]:
    own = one.point.write.own if one.point.write else None
    if own is None:
        return []
    words = register_codec.encode_raw(_make_plain_source(one.point, own.address, own.type_name), own.value)
    return [
        _make_register_write(one, own.address, words, limits),
        *make_timer_writes(one, limits, armed=False),
    ]


def make_timer_writes(one: ServedPoint, limits: Limits, *, armed: bool) -> list[Request]:
    """Return the write of the point's timer, to its time or to 0; none if it cannot be set."""
    fallback = one.point.write.fallback if one.point.write else None
    if fallback is None or fallback.address is None or fallback.after_s is None:
        return []
    raw = round(fallback.after_s / fallback.scale) if armed else 0
    source = _make_plain_source(one.point, fallback.address, fallback.type_name)
    return [_make_register_write(one, fallback.address, register_codec.encode_raw(source, raw), limits)]


def make_plain_write(one: ServedPoint, setting: Setting, raw: float, limits: Limits) -> Request:
    """Return the write of ``raw`` to a register that belongs to the point, perhaps of another unit."""
    words = register_codec.encode_raw(_make_plain_source(one.point, setting.address, setting.type_name), raw)
    unit = one.unit if setting.unit is None else setting.unit
    return _make_register_write(replace(one, unit=unit), setting.address, words, limits)


def _make_register_write(
    one: ServedPoint, place: Address, words: Sequence[int], limits: Limits, function: int | None = None
) -> Request:
    usual = 0 if place.table == "coil" else limits.write_function or 0
    return make_write(one.unit, place.table, place.number, tuple(words), function or usual)


def _make_plain_source(point: Point, place: Address, type_name: TypeName) -> Source:
    """Return an unscaled register that belongs to a point, in the point's word order."""
    return Source.model_validate(
        {
            "register": place,
            "type": type_name,
            "words": point.word_order,
            "bytes": point.byte_order,
        }
    )


class RunningTimers:
    """The timers of written setpoints by name, kept until relinquish or until the device is opened anew.

    ``is_urgent`` returns whether something else waits for the bus.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.is_urgent: Callable[[], bool] = lambda: False
        self._now_ns = now_ns
        self._written_ns: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._written_ns

    async def write(
        self, one: ServedPoint, requests: Sequence[Request], send: Callable[[Request], Awaitable[None]]
    ) -> None:
        """Make the writes of ``make_setpoint`` in order.

        A timer that comes last is not restarted if something is urgent: a device that needs a pause after
        each write would keep it waiting.
        """
        *others, last = requests
        for request in others:
            await send(request)
        if others and self.runs(one) and _is_timer_write(one, last) and self.is_urgent():
            return
        await send(last)
        self.note_order(one.name)

    def note_order(self, name: str) -> None:
        """Note that the device accepted a setpoint, and its timer with it."""
        self._written_ns[name] = self._now_ns()

    def runs(self, one: ServedPoint) -> bool:
        """Return whether at least half of its time is left; it is computed, not read."""
        fallback = one.point.write.fallback if one.point.write else None
        if fallback is None or fallback.after_s is None or one.name not in self._written_ns:
            return False
        return self._now_ns() - self._written_ns[one.name] <= fallback.after_s / 2 * 1e9

    def drop(self, names: Collection[str] = ()) -> None:
        """Forget these setpoints, or all if empty: after a release it is unknown what runs."""
        for name in names or list(self._written_ns):
            self._written_ns.pop(name, None)


def _is_timer_write(one: ServedPoint, request: Request) -> bool:
    fallback = one.point.write.fallback if one.point.write else None
    place = fallback.address if fallback else None
    return place is not None and place.number == request.address
