"""Reads a whole SunSpec device once, without a site: ``quartier read sunspec URL`` prints the result."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from quartier_drivers.clock import LoopClock
from quartier_drivers.contract import Clock, DeviceSpec, Reading
from quartier_drivers.modbus.direct import BlockingClock, DirectLink, settled
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.link import link
from quartier_drivers.modbus.reader import Target, target
from quartier_drivers.rows import OWNER, Row, rows
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec.census import Chapter, Words
from quartier_drivers.sunspec.chain import BASES, Found
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.models import HEAD_WORDS, model
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import Ahead, Registers
from quartier_drivers.sunspec.sheets import sheet, sheet_of
from quartier_drivers.sunspec.survey import Survey

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a device stated: the beginning of its map, its models, and the faults of the map."""

    base: int
    chapters: Sequence[Chapter]
    faults: Sequence[str]


def read_all(url: str, unit: int | None = None) -> Told:
    """Read every point of every model of the device at ``url``; blocks until done.

    Raises ConfigError (URL), LinkLost, or NoReply if there is no SunSpec device.
    """
    return read_device(target(url, unit))


def read_device(place: Target) -> Told:
    """Read every point of every model of the device at ``place``."""
    if place.bus.kind == "modbus-tcp" and place.bus.framing == "tcp":
        clock = BlockingClock()
        return settled(_told(DirectLink("read", place.bus, clock), place.unit, clock))
    return asyncio.run(_by_loop(place))


async def _by_loop(place: Target) -> Told:
    clock = LoopClock()
    return await _told(link("read", place.bus, clock), place.unit, clock)


async def _told(line: Line, unit: int, clock: Clock) -> Told:
    ahead, plain = Ahead(line, unit, _LIMITS), Registers(line, unit, _LIMITS)
    try:
        await line.open()
        chain = await Survey(ahead, BASES, clock).chain()
        chapters = await _chapters(ahead, plain, chain.models)
    finally:
        await line.close()
    return Told(chain.base, chapters, chain.faults)


async def read_points(profile: SunspecProfile, url: str) -> list[Row]:
    """Read every point of the profile once, and the identity of the device.

    Raises ConfigError (URL), LinkLost, or NoReply if there is no SunSpec device.
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
    return rows(identity, found, driver.points)


async def _chapters(ahead: Ahead, plain: Registers, models: Sequence[Found]) -> list[Chapter]:
    """Return each model with its points.

    A point across two reads is taken from the later one: none is of two moments.
    """
    chapters = []
    borders = sorted(ahead.again)
    for found in models:
        begin, size = found.address, HEAD_WORDS + found.length
        words: Words = ()
        if model(found.number) is not None:
            data = ahead.held(begin, size)
            if data is None:  # a part of it is refused, or the device allows short reads only
                seams = {begin + leaf.offset for leaf in sheet(found.number, found.length, ()).unfolded}
                words = await plain.words(begin, size, seams)
            else:
                for border in borders[bisect_right(borders, begin) : bisect_left(borders, begin + size)]:
                    data = await _mended(ahead, found, data, border)
                words = data
        chapters.append(Chapter(found, words))
    return chapters


async def _mended(registers: Ahead, found: Found, data: bytes, border: int) -> bytes:
    """Return the model's registers, with the point across ``border`` from a single read."""
    leaf = sheet_of(found.number, found.length, data).across(border - found.address)
    if leaf is None:
        return data
    first, at = found.address + leaf.offset, 2 * leaf.offset
    told, end = registers.again[border], 2 * (border - found.address)
    if len(told) >= end - at:
        return data[:at] + told[at - end :] + data[end:]
    # A text; one that is longer than any block stays as it is.
    if leaf.entry.size > registers.block_max:
        return data
    answer = await Registers.ask(registers, first, leaf.entry.size)
    return data if answer.exception else data[:at] + answer.data + data[at + len(answer.data) :]
