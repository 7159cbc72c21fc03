"""The BACnet/IP factory: makes lines and drivers for a site, and makes releases without one."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from quartier_drivers.bacnet import release_writes
from quartier_drivers.bacnet.bus_section import BacnetIpBus
from quartier_drivers.bacnet.driver import BacnetDriver
from quartier_drivers.bacnet.network.line import BacnetLibrary, BacnetLine
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.errors import LinkLost


async def load_library(line: BacnetLine) -> BacnetLibrary:
    """Load bacpypes3 on the line's socket; the import is slow and runs in a thread of its own.

    Raises LinkLost if it is not installed.
    """
    try:
        link = await asyncio.to_thread(import_module, "quartier_drivers.bacnet.network.library")
    except ImportError as error:
        raise LinkLost("bacpypes3 is not installed; pip install bacpypes3") from error
    return cast("BacnetLibrary", link.LibraryLink(line))


class BacnetFactory:
    """The factory for BACnet/IP."""

    def line(self, name: str, bus: BacnetIpBus, clock: Clock) -> BacnetLine:
        """Make the line of the bus ``name``; ``bus`` is its checked section of the site file."""
        return BacnetLine(name, bus, clock, load_library)

    def driver(
        self, line: BacnetLine, device: DeviceSpec, profile: BacnetProfile, clock: Clock
    ) -> BacnetDriver:
        """Make the driver of one device on ``line``."""
        return BacnetDriver(line, device, profile, clock)

    async def replay(self, bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Make the encoded writes of ``releases``; return one line of text per failed write."""
        return await release_writes.write_release(bus, writes)


FACTORY = BacnetFactory()
