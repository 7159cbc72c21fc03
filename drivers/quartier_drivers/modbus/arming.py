"""Write and read back the fallbacks of a device; make single requests outside its plan."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from quartier_drivers import register_codec
from quartier_drivers.contract import ArmedFallback, DeviceSpec, do_nothing
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import (
    Condition,
    DeviceFallback,
    Limits,
    Setting,
    ShownAt,
    Source,
)
from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.modbus import write_requests
from quartier_drivers.modbus.frames import Answer, Request, make_read, render_exception
from quartier_drivers.modbus.served_points import ServedPoint
from quartier_drivers.modbus.wire.line import GATEWAY_EXCEPTIONS, ModbusLine

FetchRegisters = Callable[[int, Address, int], Awaitable[Answer]]
SendRequest = Callable[[str, Request], Awaitable[None]]
AwaitBetween = Callable[[], Awaitable[None]]
ARM_TEXT = "run quartier arm"
AT_DEVICE_TEXT = "set it at the device itself"
# A device may round its timer; a fallback that is this much later is still the declared one.
_LATER = 1.02
# The point is written every third of the timer; a timer of half the length would act after one lost write.
_SHORTEST = 1.5


@dataclass(slots=True)
class _FoundFallback:
    """The problems of one point's fallback so far, and whether its registers confirmed it."""

    problems: list[str] = field(default_factory=list)
    is_verified: bool = False


class FallbackArming:
    """One call of ``arm``: exchanges go through ``fetch`` and ``send``.

    ``between`` is awaited between them.
    """

    def __init__(
        self, fetch: FetchRegisters, send: SendRequest, limits: Limits, between: AwaitBetween = do_nothing
    ) -> None:
        self._fetch = fetch
        self._send = send
        self._limits = limits
        self._between = between
        self._begun = False

    async def arm(self, one: ServedPoint, *, writes: bool, runs: bool) -> ArmedFallback | None:
        """Return the state of the fallback of ``one``; None if it has none.

        ``runs``: its timer was written with a setpoint that is still active, so that it must show.  Raises
        NoReply or LinkLost.
        """
        fallback = one.point.write.fallback if one.point.write else None
        if fallback is None:
            return None
        found = _FoundFallback()
        if writes:
            await self._write_fallback(one, fallback, found)
        for setting in fallback.settings:
            await self._set(one, fallback, setting, found, wrote=writes)
        after_s = await self._timer(one, fallback, found, wrote=writes, runs=runs)
        value = await self._value(one, fallback, found, wrote=writes)
        for condition in fallback.check:
            await self._condition(one, condition, found)
        if fallback.holds:
            after_s = float("inf")
        return ArmedFallback(one.name, value, after_s, "; ".join(found.problems), found.is_verified)

    async def _write_fallback(
        self, one: ServedPoint, fallback: DeviceFallback, found: _FoundFallback
    ) -> None:
        for request, place, raw in _list_requests(one, fallback, self._limits):
            await self._serve_between()
            try:
                await self._send(one.name, request)
            except Refused as refusal:
                text = str(refusal).removeprefix(f"{one.name}: ")
                found.problems.append(
                    f"{place}: {raw:g} was written and refused ({text}); {_find_remedy(fallback)}"
                )

    async def _set(
        self,
        one: ServedPoint,
        fallback: DeviceFallback,
        setting: Setting,
        found: _FoundFallback,
        *,
        wrote: bool,
    ) -> None:
        if setting.confirm == "none":
            return
        shown = setting.shown or ShownAt.model_validate(
            {"register": setting.address, "type": setting.type_name, "unit": setting.unit}
        )
        seen = await self._read_register(one, shown, found)
        if seen is not None and seen != setting.value:
            found.problems.append(
                f"{_render_value(f'{setting.value:g}', wrote=wrote)} in {setting.address}, "
                f"{shown.address} holds {seen:g}; {_find_remedy(fallback, wrote=wrote)}"
            )

    async def _timer(
        self, one: ServedPoint, fallback: DeviceFallback, found: _FoundFallback, *, wrote: bool, runs: bool
    ) -> float | None:
        shown = fallback.timer_shown or _find_own_timer(fallback)
        if shown is None or shown == "none" or fallback.after_s is None:
            return None
        before = found.is_verified
        seen = await self._read_register(one, shown, found)
        if seen is None:
            return None
        if seen == 0 and fallback.address is not None and not (wrote or runs):
            found.is_verified = before  # written with each setpoint, and none stands
            return seen
        trouble = _explain_timer(fallback, seen)
        if trouble:
            found.problems.append(
                f"{_render_value(f'{fallback.after_s:g} s', wrote=wrote and fallback.address is not None)}, "
                f"{shown.address} holds {seen:g} s: {trouble}; {_find_remedy(fallback, wrote=wrote)}"
            )
        return seen

    async def _value(
        self, one: ServedPoint, fallback: DeviceFallback, found: _FoundFallback, *, wrote: bool
    ) -> float | None:
        declared = None if fallback.value == "own" else fallback.value
        if fallback.value_shown is None:
            return declared
        seen = await self._read_register(one, fallback.value_shown, found)
        if seen is None or declared is None:
            return seen
        # For a limit less is as safe; a switch or a setpoint must be exactly as declared.
        near = abs(seen - declared) <= max(1e-6 * abs(declared), fallback.value_shown.scale / 2)
        if not near and not ("_max_" in one.quantity and 0 <= seen < declared):
            shown = f"{fallback.value_shown.address} holds {seen:g}"
            text = _render_value(f"{declared:g}", wrote=wrote and bool(fallback.settings))
            found.problems.append(f"{text} as its value, {shown}; {_find_remedy(fallback, wrote=wrote)}")
        return seen

    async def _condition(self, one: ServedPoint, condition: Condition, found: _FoundFallback) -> None:
        shown = ShownAt.model_validate(
            {"register": condition.address, "type": condition.type_name, "unit": condition.unit}
        )
        before = found.is_verified
        seen = await self._read_register(one, shown, found)
        found.is_verified = before  # it shows that the fallback may act, not what it does
        if seen is None:
            return
        low = float("-inf") if condition.low is None else condition.low
        high = float("inf") if condition.high is None else condition.high
        if seen in condition.equals or (not condition.equals and low <= seen <= high):
            return
        found.problems.append(f"{condition.address} holds {seen:g}; {condition.remedy}")

    async def _read_register(self, one: ServedPoint, shown: ShownAt, found: _FoundFallback) -> float | None:
        """Return the content of the register; None, and a problem, if it cannot be read."""
        await self._serve_between()
        source = Source.model_validate(
            {
                "register": shown.address,
                "type": shown.type_name,
                "scale": shown.scale,
                "words": one.point.word_order,
                "bytes": one.point.byte_order,
            }
        )
        unit = one.unit if shown.unit is None else shown.unit
        answer = await self._fetch(unit, shown.address, source.width)
        if answer.exception:
            found.problems.append(
                f"{shown.address} cannot be read back ({render_exception(answer)}); "
                "is it the model and the firmware of the profile?"
            )
            return None
        value = register_codec.decode_number(source, answer.values)
        if value is None or isinstance(value, str):
            found.problems.append(f"{shown.address} shows no number; {AT_DEVICE_TEXT}")
            return None
        found.is_verified = True
        return float(value)

    async def _serve_between(self) -> None:
        if self._begun:
            await self._between()
        self._begun = True


def _list_requests(
    one: ServedPoint, fallback: DeviceFallback, limits: Limits
) -> Iterator[tuple[Request, Address, float]]:
    """Yield the writes of commissioning, each with its place and the raw value.

    The timer comes first: a setting may be the command that stores everything.
    """
    if fallback.address is not None and fallback.after_s is not None:
        (request,) = write_requests.make_timer_writes(one, limits, armed=True)
        yield request, fallback.address, fallback.after_s / fallback.scale
    for setting in fallback.settings:
        yield (
            write_requests.make_plain_write(one, setting, setting.value, limits),
            setting.address,
            setting.value,
        )


def _find_own_timer(fallback: DeviceFallback) -> ShownAt | None:
    if fallback.address is None:
        return None
    return ShownAt.model_validate(
        {"register": fallback.address, "type": fallback.type_name, "scale": fallback.scale}
    )


def _explain_timer(fallback: DeviceFallback, seen_s: float) -> str:
    assert fallback.after_s is not None
    if seen_s <= 0:
        return "it never acts"
    if seen_s > max(_LATER * fallback.after_s, fallback.after_s + abs(fallback.scale)):
        return "it acts later than declared"
    if seen_s < _SHORTEST * (fallback.refresh_s or fallback.after_s / 3):
        return "it may act between two writes"
    return ""


def _render_value(value: str, *, wrote: bool) -> str:
    return f"{value} was written" if wrote else f"{value} is declared"


def _find_remedy(fallback: DeviceFallback, *, wrote: bool = True) -> str:
    if fallback.remedy:
        return fallback.remedy
    return AT_DEVICE_TEXT if wrote or not (fallback.settings or fallback.address) else ARM_TEXT


class SingleRequests:
    """Exchanges with one device.  While it ``is_silent``, a request only probes whether it is back."""

    def __init__(self, line: ModbusLine, device: DeviceSpec, limits: Limits) -> None:
        self.is_silent = False
        self._line = line
        self._device = device
        self._limits = limits

    async def ask(self, request: Request) -> Answer:
        """Make one request as it is.  Raises NoReply or LinkLost."""
        try:
            return await self._line.exchange(request, self._limits.pause_s, probes=self.is_silent)
        except NoReply as error:
            if request.unit == self._device.unit:
                raise
            raise NoReply(self.name_unit(request.unit, str(error))) from error

    def name_unit(self, unit: int, words: str) -> str:
        """Return text about a unit; for one that only the profile names, it names the device too."""
        own = self._device.unit
        return words if unit == own else f"the profile of unit {own} also uses unit {unit}: {words}"

    async def fetch(self, unit: int, place: Address, width: int) -> Answer:
        """Read registers or coils.

        Raises LinkLost, or NoReply, also if a Modbus gateway reports the unit absent.
        """
        answer = await self.ask(make_read(unit, place.table, place.number, width))
        if answer.exception in GATEWAY_EXCEPTIONS:
            raise NoReply(self.name_unit(unit, f"unit {unit}: {render_exception(answer)}"))
        return answer

    async def send(self, name: str, request: Request, expires_ns: int | None = None) -> None:
        """Write for the point ``name``.  Raises Refused, NoReply, LinkLost or Expired."""
        pause_s = max(self._limits.pause_s, self._limits.write_pause_s)
        answer = await self._line.exchange(request, pause_s, expires_ns)
        if answer.exception:
            raise Refused(f"{name}: {render_exception(answer)}")

    async def read_text(self, source: Source) -> str:
        """Return the text of an identity register; empty if there is none."""
        unit = self._device.unit if source.unit is None else source.unit
        answer = await self.fetch(unit, source.address, source.width)
        return "" if answer.exception else register_codec.decode_text(source, answer.values)
