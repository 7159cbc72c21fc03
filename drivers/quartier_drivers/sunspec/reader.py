"""Read a SunSpec device without a site, and find the profiles that fit it."""

import asyncio
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quartier_drivers.contract import Clock, DeviceSpec
from quartier_drivers.device_profile.loading import ProfileMatch
from quartier_drivers.device_profile.schema import Limits
from quartier_drivers.device_rows import (
    DEVICE_OWNER,
    DeviceReadout,
    drop_profile_names,
    make_readout,
    make_rows,
)
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.discovery.reader import ReadTarget, parse_target
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.blocking_line import BlockingClock, BlockingTcpLine, run_blocking
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.sunspec.device import meet_device
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.model_chain import BASE_ADDRESSES, FoundModel, ModelChain
from quartier_drivers.sunspec.model_reading import (
    ModelReading,
    PartialWords,
    make_decoder,
    make_decoder_of_bytes,
)
from quartier_drivers.sunspec.models import HEAD_WORDS, find_model
from quartier_drivers.sunspec.profile import SunspecProfile
from quartier_drivers.sunspec.registers import AheadReader, ChainSurvey, RegisterReader
from quartier_drivers.sunspec.schema import SunspecPoint
from quartier_drivers.transport.event_loop import LoopClock

if TYPE_CHECKING:
    from quartier_drivers.readings import Reading

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """Everything that a device stated: the beginning of its map, its models, and the faults of the map."""

    base: int
    models: Sequence[ModelReading]
    faults: Sequence[str]


def read_all(url: str, unit: int | None = None) -> DeviceReport:
    """Read every point of every model of the device at ``url``; blocks until done.

    Raises ConfigError (URL), LinkLost, or NoReply if there is no SunSpec device.
    """
    return read_device(parse_target(url, unit))


def read_device(place: ReadTarget) -> DeviceReport:
    """Read every point of every model of the device at ``place``."""
    if place.bus.kind == "modbus-tcp" and place.bus.framing == "tcp":
        clock = BlockingClock()
        return run_blocking(_read_report(BlockingTcpLine("read", place.bus, clock), place.unit, clock))
    return asyncio.run(_read_by_loop(place))


async def _read_by_loop(place: ReadTarget) -> DeviceReport:
    clock = LoopClock()
    return await _read_report(make_line("read", place.bus, clock), place.unit, clock)


async def _read_report(line: ModbusLine, unit: int, clock: Clock) -> DeviceReport:
    ahead, plain = AheadReader(line, unit, _LIMITS), RegisterReader(line, unit, _LIMITS)
    try:
        await line.open()
        chain = await ChainSurvey(ahead, BASE_ADDRESSES, clock).chain()
        chapters = await _read_models(ahead, plain, chain.models)
    finally:
        await line.close()
    return DeviceReport(chain.base, chapters, chain.faults)


async def read_points(profile: SunspecProfile, url: str) -> DeviceReadout:
    """Read every point of the profile once, and the identity of the device.

    Raises ConfigError (URL), LinkLost, or NoReply if there is no SunSpec device.
    """
    place = parse_target(url)
    clock = LoopClock()
    line = make_line("read", place.bus, clock)
    owners = {part: part or DEVICE_OWNER for part in profile.parts}
    device = DeviceSpec("read", place.unit, owners)
    driver = SunspecDriver(line, device, drop_profile_names(profile), clock)
    found: dict[str, Reading] = {}
    try:
        identity = await driver.open()
        for _ in range(4 * len(driver.points)):
            if len(found) == len(driver.points):
                break
            found |= {reading.point: reading for reading in await driver.read()}
    finally:
        await line.close()
    maker = identity.get("maker", "")
    contradictions = (
        [] if _is_maker(maker, profile) else [f"its maker is {maker!r}, expected {profile.head.maker!r}"]
    )
    return make_readout(make_rows(identity, found, driver.points), contradictions)


async def _read_models(
    ahead: AheadReader, plain: RegisterReader, models: Sequence[FoundModel]
) -> list[ModelReading]:
    """Return each model with its points.

    A point across two reads is taken from the later one: none is of two moments.
    """
    chapters = []
    borders = sorted(ahead.again)
    for found in models:
        begin, size = found.address, HEAD_WORDS + found.length
        words: PartialWords = ()
        if find_model(found.number) is not None:
            data = ahead.find_cached_bytes(begin, size)
            if data is None:  # a part of it is refused, or the device allows short reads only
                seams = {
                    begin + leaf.offset for leaf in make_decoder(found.number, found.length, ()).unfolded
                }
                words = await plain.words(begin, size, seams)
            else:
                for border in borders[bisect_right(borders, begin) : bisect_left(borders, begin + size)]:
                    data = await _repair_border(ahead, found, data, border)
                words = data
        chapters.append(ModelReading(found, words))
    return chapters


async def _repair_border(registers: AheadReader, found: FoundModel, data: bytes, border: int) -> bytes:
    """Return the model's registers, with the point across ``border`` from a single read."""
    leaf = make_decoder_of_bytes(found.number, found.length, data).across(border - found.address)
    if leaf is None:
        return data
    first, at = found.address + leaf.offset, 2 * leaf.offset
    told, end = registers.again[border], 2 * (border - found.address)
    if len(told) >= end - at:
        return data[:at] + told[at - end :] + data[end:]
    # A text; one that is longer than any block stays as it is.
    if leaf.entry.size > registers.block_max:
        return data
    answer = await RegisterReader.ask(registers, first, leaf.entry.size)
    return data if answer.exception else data[:at] + answer.data + data[at + len(answer.data) :]


ANY_SUNSPEC = "SunSpec"
"""The maker of a profile that fits devices of all makers."""


_ENOUGH = 0.5
_SHOWN_MAX = 3


async def find_matches(line: ModbusLine, unit: int, profiles: Sequence[SunspecProfile]) -> list[ProfileMatch]:
    """Return the profiles that fit the device of this unit; empty if it states no models."""
    registers = RegisterReader(line, unit, Limits())
    try:
        chain = await ChainSurvey(registers, BASE_ADDRESSES).chain()
        device = await meet_device(registers, chain, ())
    except (NoReply, LinkLost):
        return []
    return match_profiles(chain, device.identity, profiles)


def match_profiles(
    chain: ModelChain, identity: dict[str, str], profiles: Iterable[SunspecProfile]
) -> list[ProfileMatch]:
    """Return the profiles that fit a device with known models and identity, the best first.  Pure."""
    numbers = {found.number for found in chain.models}
    maker = identity.get("maker", "")
    told = []
    for profile in profiles:
        if not _is_maker(maker, profile):
            continue
        wanted = [taken for part in profile.parts.values() for taken in part.values()]
        has_count = sum(_has_models(taken, numbers) for taken in wanted)
        rank = profile.head.maker != ANY_SUNSPEC, has_count / len(wanted), len(profile.parts), has_count
        told.append((rank, profile.name))
    told.sort(key=lambda one: one[0], reverse=True)
    who = " ".join(identity[key] for key in ("maker", "model") if key in identity)
    models = " ".join(str(found.number) for found in chain.models)
    return [
        ProfileMatch(
            name,
            "possible" if place else "likely",
            f"it is {who}; its models are {models}",
            count,
            identity.get("serial", ""),
        )
        for place, ((_, share, _, count), name) in enumerate(told[:_SHOWN_MAX])
        if share >= _ENOUGH
    ]


def _is_maker(maker: str, profile: SunspecProfile) -> bool:
    """Return whether a profile is for devices of a maker, as the device writes its name."""
    return profile.head.maker == ANY_SUNSPEC or maker.lower().startswith(profile.head.maker.lower())


def _has_models(taken: SunspecPoint, numbers: set[int]) -> bool:
    if taken.write is not None:
        return any(int(control.partition(".")[0]) in numbers for control in taken.write.control)
    return any(all(name.model in numbers for name in names) for names in taken.source)
