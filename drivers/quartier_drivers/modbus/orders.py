"""Converts a setpoint, or the release of a point, to write requests.  Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from quartier_drivers import codec
from quartier_drivers.modbus.frame import MASK_WRITE, Request, write_request
from quartier_drivers.modbus.served import Served
from quartier_drivers.schema import Address, Limits, Point, Setting, Source, TypeName


def setpoint(
    one: Served, value: float, power: int, limits: Limits, *, is_timed: bool = False
) -> list[Request]:
    """Return the writes: the timer in the device, then the value, then its gate.

    No setpoint is ever without its timer.  ``is_timed``: the timer of an earlier order still runs.  Then it
    comes last, and starts anew: if a device needs a pause after each write, a limit that tightens acts a
    pause sooner. ``power`` is the content of the point's scale register.  Raises ValueError as
    ``codec.encode`` does.
    """
    written, begun = _value(one, value, power, limits), timer(one, limits, armed=True)
    return [*written, *begun] if is_timed else [*begun, *written]


def release(one: Served, cap: float | None, power: int | None, limits: Limits) -> list[Request]:
    """Return the writes of ``on_release``: none for ``hold``, and none that could widen anything.

    ``cap`` is the fail-safe value of a point that is released to its limit.  A timer that would later end
    what is written here is stopped.
    """
    write = one.point.write
    if write is None or write.on_release == "hold":
        return []
    if write.on_release == "own":
        return _own(one, limits)
    value = cap if write.on_release == "cap" else write.on_release
    if value is None or power is None:
        return []
    low, high = codec.write_range(one.point)
    try:
        written = _value(one, min(max(value, low), high), power, limits)
    except ValueError:  # its scale register has made it too large to write: better none than a wrong one
        return []
    timer_agrees = write.fallback is not None and write.fallback.value == value
    return written if timer_agrees else [*written, *timer(one, limits, armed=False)]


def dump(point: str, request: Request) -> Mapping[str, Any]:
    """Return a write as it is stored in ``release.json``."""
    return {
        "point": point,
        "unit": request.unit,
        "function": request.function,
        "address": request.address,
        "values": list(request.values),
    }


def _value(one: Served, value: float, power: int, limits: Limits) -> list[Request]:
    words = codec.encode(one.point, value, power)
    write = one.point.write
    function = write.function if write else None
    if function == MASK_WRITE:
        words = _masks(one.point, words[0])
    plain = _write(one, codec.write_source(one.point).address, words, limits, function)
    gate = write.gate if write else None
    if gate is None:
        return [plain]
    switch = codec.registers_of(
        _plain(one.point, gate.address, gate.type_name), gate.opened if value else gate.shut
    )
    gated = _write(one, gate.address, switch, limits)
    return [plain, gated] if value else [gated]


def _masks(point: Point, written: int) -> list[int]:
    """Return and-mask and or-mask that write only the point's bits.

    Modbus Application Protocol V1.1b3, 6.16: result = (register AND and) OR (or AND NOT and).
    """
    swaps = point.byte_order == "low-first"
    raw = _swapped(written) if swaps else written
    lowest, highest = point.field or (0, 15)
    field = (1 << highest - lowest + 1) - 1
    if raw > field:
        raise ValueError(f"{raw} does not fit bits {lowest}..{highest}")
    masks = (0xFFFF & ~(field << lowest), raw << lowest)
    return [_swapped(mask) if swaps else mask for mask in masks]


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8


def _own(one: Served, limits: Limits) -> list[Request]:
    own = one.point.write.own if one.point.write else None
    if own is None:
        return []
    words = codec.registers_of(_plain(one.point, own.address, own.type_name), own.value)
    return [_write(one, own.address, words, limits), *timer(one, limits, armed=False)]


def timer(one: Served, limits: Limits, *, armed: bool) -> list[Request]:
    """Return the write of the point's timer, to its time or to 0; none if it cannot be set."""
    fallback = one.point.write.fallback if one.point.write else None
    if fallback is None or fallback.address is None or fallback.after_s is None:
        return []
    raw = round(fallback.after_s / fallback.scale) if armed else 0
    source = _plain(one.point, fallback.address, fallback.type_name)
    return [_write(one, fallback.address, codec.registers_of(source, raw), limits)]


def plain_write(one: Served, setting: Setting, raw: float, limits: Limits) -> Request:
    """Return the write of ``raw`` to a register that belongs to the point, perhaps of another unit."""
    words = codec.registers_of(_plain(one.point, setting.address, setting.type_name), raw)
    unit = one.unit if setting.unit is None else setting.unit
    return _write(replace(one, unit=unit), setting.address, words, limits)


def _write(
    one: Served, place: Address, words: Sequence[int], limits: Limits, function: int | None = None
) -> Request:
    usual = 0 if place.table == "coil" else limits.write_function or 0
    return write_request(one.unit, place.table, place.number, tuple(words), function or usual)


def _plain(point: Point, place: Address, type_name: TypeName) -> Source:
    """Return an unscaled register that belongs to a point, in the point's word order."""
    return Source.model_validate(
        {
            "register": place,
            "type": type_name,
            "words": point.word_order,
            "bytes": point.byte_order,
        }
    )
