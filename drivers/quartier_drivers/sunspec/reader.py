"""Reads a whole SunSpec device once, without a site: what ``quartier read sunspec URL`` prints."""

from collections.abc import Sequence
from dataclasses import dataclass

from quartier_drivers.contract import DeviceSpec, Reading
from quartier_drivers.modbus.line import LoopClock
from quartier_drivers.modbus.link import link
from quartier_drivers.modbus.reader import OWNER, Row, row, target
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec.census import Chapter
from quartier_drivers.sunspec.chain import BASES, Found
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.models import HEAD_WORDS, model
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import Ahead, Registers
from quartier_drivers.sunspec.sheets import sheet
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
    registers = Ahead(line, place.unit, Limits())
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
    driver = SunspecDriver(line, DeviceSpec("read", place.unit, owners), profile, clock)
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


async def _chapter(registers: Ahead, found: Found) -> Chapter:
    """A model and its points; what lies across two reads is read once more: no value is of two moments."""
    if model(found.number) is None:
        return Chapter(found, ())
    words = await registers.words(found.address, HEAD_WORDS + found.length)
    if any(found.address < border < found.end for border in registers.borders):
        for leaf in sheet(found.number, found.length, words).unfolded:
            place, size = found.address + leaf.offset, leaf.entry.size
            is_apart = any(place < border < place + size for border in registers.borders)
            if is_apart and size <= registers.block_max:  # longer ones no device gives at once
                answer = await Registers.ask(registers, place, size)
                words[leaf.offset : leaf.offset + size] = answer.values or [None] * size
    return Chapter(found, words)
