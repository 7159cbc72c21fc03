"""Chooses the source of each quantity on one device: the first alternative that it has and states."""

from collections.abc import Mapping

from quartier_drivers.sunspec import device, selection
from quartier_drivers.sunspec.device import Device
from quartier_drivers.sunspec.names import Sum
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.schema import Taken


async def chosen(known: Device, registers: Registers, taken: Mapping[str, Taken]) -> dict[str, Sum]:
    """Return the source by full name of the quantity, without those that the device does not have.

    Raises NoReply or LinkLost.
    """
    offered = {
        point: [names for one in taken_.source if (names := selection.expanded(known, one)) is not None]
        for point, taken_ in taken.items()
    }
    every = {name for sums in offered.values() for names in sums for name in names}
    await device.remember(known, registers, every)
    found = {point: known.chosen(sums) for point, sums in offered.items()}
    return {point: names for point, names in found.items() if names is not None}
