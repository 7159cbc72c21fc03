"""One writable point of a device: its control function, read whole before and after each write."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from quartier_drivers.contract import Armed, Clock, Quality, Reading
from quartier_drivers.errors import Refused
from quartier_drivers.modbus import orders as modbus
from quartier_drivers.modbus.frame import Request, meaning
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec import arming
from quartier_drivers.sunspec.countdown import Countdown
from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.functions import Cap123, Cap704, Function, Set704, SetPct704, Step
from quartier_drivers.sunspec.names import name
from quartier_drivers.sunspec.orders import requests, unlike
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.rounds import Round
from quartier_drivers.sunspec.schema import Control, Steering
from quartier_drivers.sunspec.storage import Storage

FUNCTIONS: Mapping[Control, type[Function]] = {
    "704.WMaxLimPct": Cap704,
    "123.WMaxLimPct": Cap123,
    "704.WSet": Set704,
    "704.WSetPct": SetPct704,
    "124.StorCtl_Mod": Storage,
}
_GAVE_BACK = "the order was taken back; set the time at the device, or ask its maker"


def function_of(device: Device, rule: Steering) -> Function | None:
    """Return the first control of the rule that the device has; None if it has none."""
    made = (FUNCTIONS[control](device, rule) for control in rule.control)
    return next((one for one in made if one.is_there), None)


class Steered:
    """A point and its control function; ``cap`` is its fail-safe value if there is one."""

    def __init__(
        self,
        point: str,
        function: Function,
        registers: Registers,
        limits: Limits,
        cap: float | None,
        period_s: float,
        clock: Clock,
    ) -> None:
        self.point = point
        self.function = function
        self.round = Round(function.device, function.names, registers, period_s, clock.now_ns())
        self._countdown = Countdown(str(function.name(function.timer)), function.after_s, clock.now_ns)
        self._registers = registers
        self._limits = limits
        self._cap = cap
        self._apart = False
        self._begun = False
        self._unjudged: Sequence[Step] = ()
        self._unheld = ""  # why the last order was taken back: a timer at rest shows nothing of it

    @property
    def settle_s(self) -> float:
        """How long in s the device may still show the old value after a write."""
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
            if self._begun and not self.function.is_cap:  # half of it stands: that is nobody's order
                with suppress(Refused):
                    await self._make(self.function.own())
            raise
        self._countdown.written()
        await self.round.whole()
        self._unjudged = steps
        if not self.settle_s and (trouble := await self.judged()):
            raise Refused(f"{self.point}: {trouble}")

    async def judged(self) -> str:
        """Return the differences to the last order, in words, once; empty if there are none.

        An order whose timer differs from what was written is taken back.  Raises NoReply or LinkLost.
        """
        steps, self._unjudged = self._unjudged, ()
        runs = self.function.left and self.function.raw(self.function.timer)
        left_s = self.function.raw(self.function.left) if runs else None
        if self._countdown.seen(left_s, enabled=self.function.enabled):
            return self._countdown.trouble
        trouble = unlike(self.function, steps, but=self.function.values) or (self._open() if steps else "")
        is_timeless = bool(trouble) and not self.function.is_cap and self.function.timer in trouble
        if steps:
            self._unheld = trouble if is_timeless else ""
        if is_timeless:
            try:
                await self._make(self.function.own())
            except Refused as refusal:
                return (
                    f"{trouble}, and the order cannot be taken back ({refusal}); switch it off at the device"
                )
            return f"{trouble}, so that it would not end as it should; {_GAVE_BACK}"
        return trouble

    def _open(self) -> str:
        """Return what is undefined in a setpoint in force.

        A device may silently make 0 of a negative limit.
        """
        with suppress(ValueError):
            value, said = self.function.reading()
            if value is None and self.function.enabled:
                return f"it stands otherwise than it was ordered: {said}"
        return ""

    async def release(self) -> None:
        """Write what ``on_release`` says, by what was read last.  Raises Refused, NoReply or LinkLost."""
        await self._make(self._released())

    def releases(self) -> list[Mapping[str, Any]]:
        """Return the writes of ``release``, encoded."""
        return [modbus.dump(self.point, request) for request in self._requests(self._released())]

    async def arm(self) -> str:
        """Write the fallback; return why the device refused, or empty.  Raises NoReply or LinkLost."""
        try:
            await self._make([self.function.arming(self._cap)])
        except (Refused, ValueError) as error:
            return str(error).removeprefix(f"{self.point}: ")
        return ""

    def armed(self, *, wrote: bool) -> Armed:
        """Return the state of the fallback, by what was read last."""
        told = arming.armed(self.point, self.function, self._cap, wrote=wrote)
        unheld = "" if self.function.raw(self.function.timer) else self._unheld
        both = "; ".join(part for part in (told.problem or unheld, self._countdown.trouble) if part)
        return replace(told, problem=both)

    def _steps(self, value: float) -> Sequence[Step]:
        rule = self.function.rule
        low = float("-inf") if rule.low is None else rule.low
        high = float("inf") if rule.high is None else rule.high
        if not (low <= value <= high and math.isfinite(value)):
            raise Refused(f"{self.point}: {value:g} is outside {low:g}..{high:g}")
        try:
            return self.function.orders(value, self._cap)
        except ValueError as error:
            raise Refused(f"{self.point}: {error}") from error

    def _released(self) -> Sequence[Step]:
        """Return the steps of a release.

        There are none for ``hold``, and none that could widen anything or that cannot be expressed.
        """
        kind = self.function.rule.on_release
        if kind == "hold":
            return ()
        if kind == "own":
            return self.function.own()
        value = self._cap if kind == "cap" else kind
        try:
            return () if value is None else self.function.released(value)
        except ValueError:
            return ()

    def _requests(self, steps: Sequence[Step]) -> list[Request]:
        return requests(self.function, steps, self._registers.unit, self._limits, apart=self._apart)

    async def _make(self, steps: Sequence[Step], expires_ns: int | None = None) -> None:
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
                raise Refused(f"{self.point}: {meaning(answer)}")
            self._begun = True


def names_of(rule: Steering, device: Device) -> list[Any]:
    """Return every point that must be read to know which control a device has, and its state."""
    functions = (FUNCTIONS[control](device, rule) for control in rule.control)
    beside = [name("715.LocRemCtl"), name("802.LocRemCtl"), *(name(one) for one in rule.heartbeat)]
    return [*(one for function in functions for one in function.names), *beside]
