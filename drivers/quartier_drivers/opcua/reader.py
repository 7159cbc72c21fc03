"""Reads a server without a site: what ``quartier browse`` and ``quartier read`` show."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic import ValidationError

from quartier_drivers.clock import LoopClock
from quartier_drivers.contract import DeviceSpec, Reading
from quartier_drivers.errors import ConfigError, Fault, NoReply, Refused
from quartier_drivers.opcua import node as nodes
from quartier_drivers.opcua.browse import OBJECTS, Branch, browsed
from quartier_drivers.opcua.bus import OpcuaBus
from quartier_drivers.opcua.driver import OpcuaDriver
from quartier_drivers.opcua.line import Line
from quartier_drivers.opcua.profile import OpcuaProfile
from quartier_drivers.rows import OWNER, Row, rows


def section(url: str, keys: Mapping[str, Any]) -> OpcuaBus:
    """The section of a site file that a command line stands for.  Raises ConfigError with every fault."""
    try:
        return OpcuaBus.model_validate({"kind": "opcua", "url": url, "subscribe": False, **keys})
    except ValidationError as error:
        raise ConfigError(
            [
                Fault(
                    url,
                    None,
                    ".".join(map(str, item["loc"])) or "login",
                    item["msg"].removeprefix("Value error, "),
                )
                for item in error.errors(include_url=False)
            ]
        ) from error


@asynccontextmanager
async def opened(bus: OpcuaBus) -> AsyncIterator[Line]:
    """A line to the server.  Raises LinkLost with what helps."""
    line = Line("read", bus, LoopClock())
    try:
        await line.open()
        yield line
    finally:
        await line.close()


async def tree(bus: OpcuaBus, start: str = "", depth: int = 8, *, everything: bool = False) -> Branch:
    """The tree below the node ``start`` (empty: all that it offers).

    Raises ConfigError where that is no node, LinkLost or NoReply.
    """
    async with opened(bus) as line:
        if not start:
            return await browsed(line, OBJECTS, depth, everything=everything)
        try:
            place = line.place(nodes.node(start))
        except ValueError as error:
            raise ConfigError([Fault("command line", None, "--node", str(error))]) from error
        if place is None:
            spaces = ", ".join(line.namespaces)
            raise ConfigError(
                [Fault(bus.url, None, "--node", f"has no such namespace; expected one of {spaces}")]
            )
        return await browsed(line, place, depth, everything=everything)


async def read_once(bus: OpcuaBus, profile: OpcuaProfile) -> list[Row]:
    """Every point of the device, read once; who it is first.  Raises LinkLost or NoReply."""
    owners = {part: part or OWNER for part in profile.parts}
    async with opened(bus) as line:
        driver = OpcuaDriver(line, DeviceSpec("read", 1, owners), profile, LoopClock(), shows_raw=True)
        identity = await driver.open()
        found: dict[str, Reading] = {}
        for _ in range(
            4 * driver.requests_count + 4
        ):  # what is too much for the server is asked for in halves
            if len(found) == len(driver.points):
                break
            try:
                found |= {reading.point: reading for reading in await driver.read()}
            except Refused as error:
                raise NoReply(str(error)) from error
    return rows(identity, found, driver.points)
