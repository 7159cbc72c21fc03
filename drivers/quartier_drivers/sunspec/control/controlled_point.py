"""Write a point through its control function; search controls that appear later."""

import math
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from quartier_drivers.contract import ArmedFallback, Clock, DeviceSpec
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.errors import Refused
from quartier_drivers.modbus import write_requests
from quartier_drivers.modbus.frames import Request, make_write, render_exception
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.readings import Quality, Reading
from quartier_drivers.sunspec import device
from quartier_drivers.sunspec.control import fallback_state
from quartier_drivers.sunspec.control.fallback_state import TimerCheck
from quartier_drivers.sunspec.control.functions import (
    ControlFunction,
    Limit123,
    Limit704,
    PercentSetpoint704,
    WattSetpoint704,
    WriteStep,
)
from quartier_drivers.sunspec.control.storage_function import StorageSetpoint124
from quartier_drivers.sunspec.device import DevicePoint, SunspecDevice
from quartier_drivers.sunspec.periodic_exchanges import ReadRound
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import ChainSurvey, RegisterReader
from quartier_drivers.sunspec.schema import Control, Steering, parse_name

# A timer may count down in the register of its setting.
_COUNTED_S = 3


def make_requests(
    function: ControlFunction, steps: Iterable[WriteStep], unit: int, limits: Limits, *, apart: bool
) -> list[Request]:
    """Return the writes of ``steps``: neighbours in one, unless ``apart`` or the device needs function 6."""
    single = limits.write_function == 6
    made = []
    for step in steps:
        for run in _split_runs(function, list(_find_runs(function, step, apart=apart or single))):
            words = [word for term, raw in run for word in _encode_words(term, raw)]
            address = run[0][0].place
            usual = 16 if len(words) > 1 else (limits.write_function or 16)
            made.append(make_write(unit, "holding", address, tuple(words), usual))
    return made


def explain_differences(
    function: ControlFunction, steps: Iterable[WriteStep], *, but: Sequence[str] = ()
) -> str:
    """Return the differences to what was written, in words; empty if there are none.

    The points ``but`` are not compared.
    """
    wanted: dict[str, int] = {}
    for step in steps:
        wanted |= step
    found = []
    for path, raw in wanted.items():
        held = function.raw(path)
        counts_down = path == function.timer and held is not None and max(0, raw - _COUNTED_S) < held <= raw
        if path not in but and held != raw and not counts_down:
            shown = "cannot be read" if held is None else f"reads back {held}"
            found.append(f"{function.name(path)} {shown} where {raw} was written")
    return "; ".join(found)


def _split_runs(
    function: ControlFunction, runs: list[list[tuple[DevicePoint, int]]]
) -> list[list[tuple[DevicePoint, int]]]:
    """Return the pieces in order, a setpoint's timer first.

    The line may fail, and no value may be without its end.
    """
    if function.is_cap:  # its timer ends in a value that must be written before
        return runs
    return sorted(runs, key=lambda run: all(term.leaf.entry.name != function.timer for term, _ in run))


def _find_runs(
    function: ControlFunction, step: WriteStep, *, apart: bool
) -> Iterator[list[tuple[DevicePoint, int]]]:
    terms = sorted(_find_device_points(function, step), key=lambda pair: pair[0].place)
    run: list[tuple[DevicePoint, int]] = []
    for term, raw in terms:
        if run and (apart or run[-1][0].place + run[-1][0].leaf.entry.size != term.place):
            yield run
            run = []
        run.append((term, raw))
    if run:
        yield run


def _find_device_points(
    function: ControlFunction, step: Mapping[str, int]
) -> Iterator[tuple[DevicePoint, int]]:
    for path, raw in step.items():
        term = function.device.term(function.name(path))
        assert term is not None, path  # nothing is written that was not read
        yield term, raw


def _encode_words(term: DevicePoint, raw: int) -> list[int]:
    size = term.leaf.entry.size
    code = raw & (1 << 16 * size) - 1
    return [code >> 16 * place & 0xFFFF for place in reversed(range(size))]


SEARCH_PAUSE_NS = 60 * 1_000_000_000
"""The shortest time between an opening and a new search."""


async def has_control_appeared(
    rule: Steering,
    line: ModbusLine,
    spec: DeviceSpec,
    profile: SunspecProfile,
    between: Callable[[], Awaitable[None]],
) -> bool:
    """Return whether the device has a control of ``rule`` by now; reads its models in several exchanges.

    ``between`` is awaited between them.  Raises NoReply or LinkLost.
    """
    registers = RegisterReader(line, spec.unit, profile.limits)
    registers.between = between
    chain = await ChainSurvey(registers, profile.bases).chain()
    names = list_control_names(rule, SunspecDevice(chain, {}))
    return find_function(await device.meet_device(registers, chain, names), rule) is not None


FUNCTION_CLASSES: Mapping[Control, type[ControlFunction]] = {
    "704.WMaxLimPct": Limit704,
    "123.WMaxLimPct": Limit123,
    "704.WSet": WattSetpoint704,
    "704.WSetPct": PercentSetpoint704,
    "124.StorCtl_Mod": StorageSetpoint124,
}
_GAVE_BACK_TEXT = "the order was taken back; set the time at the device, or ask its maker"


def find_function(device: SunspecDevice, rule: Steering) -> ControlFunction | None:
    """Return the first control of the rule that the device has; None if it has none."""
    made = (FUNCTION_CLASSES[control](device, rule) for control in rule.control)
    return next((one for one in made if one.is_there), None)


class ControlledPoint:
    """A point and its control function; ``cap`` is its fail-safe value if there is one."""

    def __init__(
        self,
        point: str,
        function: ControlFunction,
        registers: RegisterReader,
        limits: Limits,
        cap: float | None,
        period_s: float,
        clock: Clock,
    ) -> None:
        self.point = point
        self.function = function
        self.round = ReadRound(function.device, function.names, registers, period_s, clock.now_ns())
        self._countdown = TimerCheck(str(function.name(function.timer)), function.after_s, clock.now_ns)
        self._registers = registers
        self._limits = limits
        self._cap = cap
        self._apart = False
        self._begun = False
        self._unchecked_steps: Sequence[WriteStep] = ()
        self._unheld = ""  # why the last order was taken back: a timer at rest shows nothing of it

    @property
    def settle_s(self) -> float:
        """Return how long the device may still show the old value after a write, in s."""
        return self._limits.settle_s

    @property
    def standing(self) -> int | None:
        """The limit in force as it was read last, raw; None if there is none."""
        function = self.function
        held = function.is_cap and function.raw(function.enable)
        return function.raw(function.values[0]) if held else None

    def reading(self, now_ns: int) -> Reading:
        """Return the present order, by what was read last."""
        try:
            value, raw = self.function.reading()
        except ValueError as error:
            return Reading(self.point, 0.0, Quality.BAD, now_ns, str(error))
        quality = Quality.BAD if value is None else Quality.GOOD
        return Reading(self.point, value or 0.0, quality, now_ns, raw)

    async def write(self, value: float, expires_ns: int) -> None:
        """Write an order with its timer, by the present scales and ratings of the device.

        Raises Refused in words, NoReply, LinkLost or Expired.
        """
        steps = self._steps(value)
        self._begun = False
        try:
            await self._make(steps, expires_ns)
        except Refused:
            if self._begun and not self.function.is_cap:  # half of an order is no valid order
                with suppress(Refused):
                    await self._make(self.function.make_relinquish_writes())
            raise
        self._countdown.note_write()
        await self.round.whole()
        self._unchecked_steps = steps
        if not self.settle_s and (trouble := await self.check_last_order()):
            raise Refused(f"{self.point}: {trouble}")

    async def check_last_order(self) -> str:
        """Return the differences to the last order, in words, once; empty if there are none.

        An order whose timer differs from the written one is released.  Raises NoReply or LinkLost.
        """
        steps, self._unchecked_steps = self._unchecked_steps, ()
        runs = self.function.left and self.function.raw(self.function.timer)
        left_s = self.function.raw(self.function.left) if runs else None
        if self._countdown.check_remaining(left_s, enabled=self.function.is_enabled):
            return self._countdown.trouble
        trouble = explain_differences(self.function, steps, but=self.function.values) or (
            self._open() if steps else ""
        )
        is_timeless = bool(trouble) and not self.function.is_cap and self.function.timer in trouble
        if steps:
            self._unheld = trouble if is_timeless else ""
        if is_timeless:
            try:
                await self._make(self.function.make_relinquish_writes())
            except Refused as refusal:
                return (
                    f"{trouble}, and the order cannot be taken back ({refusal}); switch it off at the device"
                )
            return f"{trouble}, so that it would not end as it should; {_GAVE_BACK_TEXT}"
        return trouble

    def _open(self) -> str:
        """Return what is undefined in a setpoint in force.

        A device may silently make 0 of a negative limit.
        """
        with suppress(ValueError):
            value, text = self.function.reading()
            if value is None and self.function.is_enabled:
                return f"its value differs from the order:  {text}"
        return ""

    async def release(self) -> None:
        """Write what ``on_release`` says, by what was read last.  Raises Refused, NoReply or LinkLost."""
        await self._make(self._make_release_steps())

    def releases(self) -> list[Mapping[str, Any]]:
        """Return the writes of ``release``, encoded."""
        return [
            write_requests.dump_write(self.point, request)
            for request in self._requests(self._make_release_steps())
        ]

    async def arm(self) -> str:
        """Write the fallback; return why the device refused, or empty.  Raises NoReply or LinkLost."""
        try:
            await self._make([self.function.arming(self._cap)])
        except (Refused, ValueError) as error:
            return str(error).removeprefix(f"{self.point}: ")
        return ""

    def describe_fallback(self, *, wrote: bool) -> ArmedFallback:
        """Return the state of the fallback, by what was read last."""
        fallback = fallback_state.describe_fallback(self.point, self.function, self._cap, wrote=wrote)
        unheld = "" if self.function.raw(self.function.timer) else self._unheld
        both = "; ".join(part for part in (fallback.problem or unheld, self._countdown.trouble) if part)
        return replace(fallback, problem=both)

    def _steps(self, value: float) -> Sequence[WriteStep]:
        rule = self.function.rule
        low = float("-inf") if rule.low is None else rule.low
        high = float("inf") if rule.high is None else rule.high
        if not (low <= value <= high and math.isfinite(value)):
            raise Refused(f"{self.point}: {value:g} is outside {low:g}..{high:g}")
        try:
            return self.function.orders(value, self._cap)
        except ValueError as error:
            raise Refused(f"{self.point}: {error}") from error

    def _make_release_steps(self) -> Sequence[WriteStep]:
        """Return the steps of a release.

        There are none for ``hold``, and none that could widen anything or that cannot be expressed.
        """
        kind = self.function.rule.on_release
        if kind == "hold":
            return ()
        if kind == "own":
            return self.function.make_relinquish_writes()
        value = self._cap if kind == "cap" else kind
        try:
            return () if value is None else self.function.make_release_writes(value)
        except ValueError:
            return ()

    def _requests(self, steps: Sequence[WriteStep]) -> list[Request]:
        return make_requests(self.function, steps, self._registers.unit, self._limits, apart=self._apart)

    async def _make(self, steps: Sequence[WriteStep], expires_ns: int | None = None) -> None:
        """Make the writes in order; point by point if the device accepts no more at once."""
        try:
            await self._send(self._requests(steps), expires_ns)
        except Refused:
            if self._apart or all(len(step) < 2 for step in steps):
                raise
            self._apart = True
            try:
                await self._send(self._requests(steps), expires_ns)
            except Refused:
                self._apart = False
                raise

    async def _send(self, writes: Sequence[Request], expires_ns: int | None) -> None:
        for write in writes:
            answer = await self._registers.write(write, expires_ns)
            expires_ns = None  # what is begun is brought to its end
            if answer.exception:
                raise Refused(f"{self.point}: {render_exception(answer)}")
            self._begun = True


def list_control_names(rule: Steering, device: SunspecDevice) -> list[Any]:
    """Return every point that must be read to know which control a device has, and its state."""
    functions = (FUNCTION_CLASSES[control](device, rule) for control in rule.control)
    beside = [
        parse_name("715.LocRemCtl"),
        parse_name("802.LocRemCtl"),
        *(parse_name(one) for one in rule.heartbeat),
    ]
    return [*(one for function in functions for one in function.names), *beside]
