"""Searches again for a control that was missing at opening: models appear when a switch is set."""

from collections.abc import Awaitable, Callable

from quartier_drivers.contract import DeviceSpec
from quartier_drivers.modbus.line import Line
from quartier_drivers.sunspec import device
from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.schema import Steering
from quartier_drivers.sunspec.steered import function_of, names_of
from quartier_drivers.sunspec.survey import Survey

REST_NS = 60 * 1_000_000_000
"""The shortest time between an opening and a new search."""


async def appeared(
    rule: Steering,
    line: Line,
    spec: DeviceSpec,
    profile: SunspecProfile,
    between: Callable[[], Awaitable[None]],
) -> bool:
    """Return whether the device has a control of ``rule`` by now; reads its models in several exchanges.

    ``between`` is awaited between them.  Raises NoReply or LinkLost.
    """
    registers = Registers(line, spec.unit, profile.limits)
    registers.between = between
    chain = await Survey(registers, profile.bases).chain()
    names = names_of(rule, Device(chain, {}))
    return function_of(await device.met(registers, chain, names), rule) is not None
