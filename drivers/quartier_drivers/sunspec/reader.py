"""Reads a whole SunSpec device once, without a site: what ``quartier read sunspec URL`` prints."""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier_drivers.contract import DeviceSpec, Reading
from quartier_drivers.modbus.line import LoopClock
from quartier_drivers.modbus.link import link
from quartier_drivers.modbus.reader import OWNER, Row, row, target
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec.census import Chapter, chapter
from quartier_drivers.sunspec.chain import BASES, Found
from quartier_drivers.sunspec.driver import DOOR
from quartier_drivers.sunspec.leaves import unfold
from quartier_drivers.sunspec.models import HEAD_WORDS, model
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import Registers
from quartier_drivers.sunspec.survey import Survey


@dataclass(frozen=True, slots=True)
class Told:
    """All that a device told: where its map begins, its models, and what is wrong with the map."""

    base: int
    chapters: Sequence[Chapter]
    faults: Sequence[str]


async def read_all(url: str, unit: int | None = None) -> Told:
    """Every point of every model of the device at ``url``.

    Raises ConfigError (URL), LinkLost, or NoReply where there is no SunSpec device.
    """
    place = target(url, unit)
    clock = LoopClock()
    line = link("read", place.bus, clock)
    registers = Registers(line, place.unit, Limits())
    try:
        await line.open()
        chain = await Survey(registers, BASES, clock).chain()
        chapters = [await _chapter(registers, found) for found in chain.models]
    finally:
        await line.close()
    return Told(chain.base, chapters, chain.faults)


async def read_points(profile: SunspecProfile, url: str) -> list[Row]:
    """Every point of the profile, read once, and who the device is.

    Raises ConfigError (URL), LinkLost, or NoReply where there is no SunSpec device.
    """
    place = target(url)
    clock = LoopClock()
    line = link("read", place.bus, clock)
    owners = {part: part or OWNER for part in profile.parts}
    driver = DOOR.driver(line, DeviceSpec("read", place.unit, owners), profile, clock)
    found: dict[str, Reading] = {}
    try:
        identity = await driver.open()
        for _ in range(4 * len(driver.points)):
            if len(found) == len(driver.points):
                break
            found |= {reading.point: reading for reading in await driver.read()}
    finally:
        await line.close()
    rows = [Row(f"identity.{key}", text, "", "", "") for key, text in identity.items()]
    return rows + [row(name, found.get(name)) for name in driver.points]


async def _chapter(registers: Registers, found: Found) -> Chapter:
    if model(found.number) is None:
        return chapter(found, ())
    return chapter(found, await words_of(registers, found))


async def words_of(registers: Registers, found: Found) -> list[int | None]:
    """All registers of a model from its ID on, no value in two halves."""
    count = HEAD_WORDS + found.length
    definition = model(found.number)
    seams: set[int] = set()
    if definition is not None and count > registers.block_max:
        group = definition.group
        head = await registers.words(found.address, min(group.size, count))
        laid = unfold(definition, found.length, lambda at: head[at] if at < len(head) else None)
        seams = {found.address + leaf.offset for leaf in laid}
    return await registers.words(found.address, count, seams)
