"""Searches the units on a bus with small reads, one at a time, never a write; then identifies them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from quartier_drivers import register_codec
from quartier_drivers.contract import Clock
from quartier_drivers.device_profile.loading import CERTAINTIES, ProfileMatch, RegisterProfile, rank_matches
from quartier_drivers.device_profile.register_address import Address
from quartier_drivers.device_profile.schema import Source
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.discovery.recognition import match_profile
from quartier_drivers.modbus.frames import (
    EXCEPTIONS,
    Answer,
    Request,
    make_identity_request,
    make_read,
    parse_identity,
    render_exception,
)
from quartier_drivers.modbus.release_writes import make_line
from quartier_drivers.modbus.wire.line import GATEWAY_EXCEPTIONS, ModbusLine

ScannedBus = TcpBus | RtuBus
# A register that is read to see whether anybody is there: its content does not matter.
_FIRST, _SECOND = ("holding", 0), ("input", 0)
# The exception of some Modbus gateways for absent units.
_FAILURE = 4
# The answer of an unknown unit to that read, in an installer's words.
_REFUSALS = {
    **dict.fromkeys(("illegal function", "illegal data address", "illegal data value"), "has no holding:0"),
    "device failure": "reports a failure of its own",
    "device busy": "is busy, scan it again",
}
# This many units that are all there and answer alike are one device that ignores the unit number.
_CROWD = 8
# This many units without any difference are worth a note.
_ALIKE = 3
# A unit that is silent this often in a row is not asked further.
_SILENT_MAX = 2
_LOST_MAX = 3


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that answers as ``unit`` of ``bus``: its answer, its objects of 43/14, its possible profiles.

    ``also`` are other units of the same device, each with the profile that fits there, if any.
    """

    unit: int
    bus: ScannedBus
    answer: str
    objects: Mapping[int, str]
    guesses: Sequence[ProfileMatch]
    also: Mapping[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class ScanResult:
    """The result of a scan; ``notes`` are for people, ``end_reason`` is the reason of an early end.

    ``absent_count`` is the number of requests that a gateway answered for a unit that is not there.
    """

    found: list[FoundDevice] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked_count: int = 0
    absent_count: int = 0
    end_reason: str = ""


_Key = tuple[int, Address, int]
"""Unit, place and width of a read."""

ScanBeside = Callable[[ModbusLine, int], Awaitable[Sequence[ProfileMatch]]]
"""Identifies devices of a unit by another protocol on the same wire."""
ScanProgress = Callable[[ScannedBus, int, int, int, int], None]
"""Called before each unit: bus, unit, its place in the scan, number of units, number of devices found."""


async def scan_buses(
    buses: Sequence[ScannedBus],
    units: Sequence[int],
    profiles: Sequence[RegisterProfile],
    clock: Clock,
    progress: ScanProgress,
    *,
    thorough: bool = False,
    beside: ScanBeside | None = None,
) -> ScanResult:
    """Scan each of ``buses`` (the same wire at other settings) until somebody answers on one of them.

    ``thorough``: scan all of them, and ask silent units in a second way.  May be cancelled at any time.
    """
    survey = ScanResult()
    for bus in buses:
        look = _BusScan(bus, clock, survey, thorough=thorough, beside=beside)
        try:
            await look.around(units, profiles, progress)
        except LinkLost as lost:
            survey.end_reason = str(lost)
            break
        if survey.found and not thorough:
            break
    return survey


class _BusScan:
    """One bus at one setting."""

    def __init__(
        self, bus: ScannedBus, clock: Clock, survey: ScanResult, *, thorough: bool, beside: ScanBeside | None
    ) -> None:
        self._bus = bus
        self._line: ModbusLine = make_line("scan", bus, clock)
        self._survey = survey
        self._thorough = thorough
        self._find_other_matches = beside
        self._lost_count = 0

    async def around(
        self, units: Sequence[int], profiles: Sequence[RegisterProfile], progress: ScanProgress
    ) -> None:
        async with _open_line(self._line):
            there: dict[int, str] = {}
            failing: dict[int, str] = {}
            absent_count = 0
            for place, unit in enumerate(units):
                progress(self._bus, unit, place, len(units), len(there))
                answer = await self._probe_unit(unit)
                self._survey.asked_count += 1
                if isinstance(answer, str):
                    if answer:
                        there[unit] = answer
                elif answer.exception in GATEWAY_EXCEPTIONS:
                    absent_count += 1
                elif answer.exception == _FAILURE:
                    failing[unit] = render_exception(answer)
                else:
                    there[unit] = (
                        render_exception(answer) if answer.exception else f"reads {answer.values[0]}"
                    )
            if absent_count:
                self._survey.absent_count += absent_count
                units_text = "1 unit that is" if absent_count == 1 else f"{absent_count} units that are"
                self._note(f"a gateway answered for {units_text} not there")
            there |= self._drop_gateway_answers(failing, len(units))
            devices = [
                await self._make_found_device(unit, text, profiles)
                for unit, text in self._merge_alike(there, units).items()
            ]
            found = merge_units(devices, profiles)
            self._survey.found += found
            if len(alike := _find_alike(found)) >= _ALIKE:
                shown = ", ".join(str(one.unit) for one in alike)
                self._note(
                    f"units {shown} answer alike and tell no serial number: if this is one device, take unit"
                    f" {alike[0].unit}"
                )

    def _note(self, text: str) -> None:
        self._survey.notes.append(text)

    async def _probe_unit(self, unit: int) -> Answer | str:
        """Return the answer to a small read.

        Without one, what is known instead: nothing, or that it is busy.
        """
        answer = await self._ask(make_read(unit, *_FIRST, 1))
        failed = isinstance(answer, Answer) and answer.exception == _FAILURE
        if failed or (self._thorough and answer == ""):
            again = await self._ask(make_read(unit, *_SECOND, 1))
            return answer if again == "" else again
        return answer

    async def _ask(self, request: Request) -> Answer | str:
        """Return the answer, or the reason for none; empty for silence.  Raises LinkLost if it stays lost."""
        before = self._line.stats["timeouts_count"]
        try:
            answer = await self._exchange_with_retry(request)
        except NoReply as reason:
            silent = self._line.stats["timeouts_count"] > before and "no answer:" not in str(reason)
            return "" if silent else str(reason).partition(": ")[2] or str(reason)
        except LinkLost:
            self._lost_count += 1
            if self._lost_count >= _LOST_MAX:
                raise
            return ""
        self._lost_count = 0
        return answer

    async def _exchange_with_retry(self, request: Request) -> Answer:
        """Ask once more if the endpoint hung up: some do after each answer, and a read does no harm."""
        try:
            return await self._line.exchange(request)
        except LinkLost:
            return await self._line.exchange(request)

    def _drop_gateway_answers(self, failing: Mapping[int, str], asked_count: int) -> Mapping[int, str]:
        """Return the units that answer only with a failure.

        If they are the majority, a Modbus gateway answers for them, and the result is empty.
        """
        if len(failing) < _CROWD or 2 * len(failing) < asked_count:
            return failing
        self._survey.absent_count += len(failing)
        self._note(
            f"{len(failing)} units answer nothing but {failing[min(failing)]}: a gateway speaks for them"
        )
        return {}

    def _merge_alike(self, there: Mapping[int, str], units: Collection[int]) -> Mapping[int, str]:
        if len(units) < _CROWD or len(there) < len(units) or len(set(there.values())) > 1:
            return dict(sorted(there.items()))
        unit = min(there)
        self._note(
            f"it answers the same under each of the {len(units)} unit numbers: one device, shown as {unit}"
        )
        return {unit: there[unit]}

    async def _make_found_device(
        self, unit: int, said: str, profiles: Sequence[RegisterProfile]
    ) -> FoundDevice:
        objects = await self._objects(unit)
        heard = await self._registers(unit, profiles)
        guesses = [
            match_profile(profile, lambda source: heard.get(_make_key(source, unit)), objects)
            for profile in profiles
        ]
        others = [] if self._find_other_matches is None else await self._find_other_matches(self._line, unit)
        own = rank_matches(one for one in guesses if one is not None)
        named = {profile.name: profile for profile in profiles}
        own = [replace(one, serial=await self._serial(named[one.profile], unit)) for one in own[:1]] + own[1:]
        known = [*others, *own]
        return FoundDevice(unit, self._bus, _plain(said, is_known=bool(known)), objects, known)

    async def _serial(self, profile: RegisterProfile, unit: int) -> str:
        """Return the serial number if the profile knows its register; empty if there is no answer."""
        source = profile.identity.get("serial")
        if source is None:
            return ""
        whose, place, width = _make_key(source, unit)
        answer = await self._ask(make_read(whose, place.table, place.number, width))
        if not isinstance(answer, Answer) or answer.exception:
            return ""
        value = register_codec.decode_number(source, answer.values)
        return f"{value:.15g}" if isinstance(value, float) else str(value or "").strip()

    async def _objects(self, unit: int) -> Mapping[int, str]:
        """Return its objects of function 43/14; most devices do not support this function."""
        answer = await self._ask(make_identity_request(unit))
        return parse_identity(answer) if isinstance(answer, Answer) and not answer.exception else {}

    async def _registers(
        self, unit: int, profiles: Sequence[RegisterProfile]
    ) -> Mapping[_Key, Sequence[int]]:
        """Read the registers of the profiles' marks."""
        heard: dict[_Key, Sequence[int]] = {}
        sources = [mark.source for profile in profiles for mark in profile.marks.values()]
        keys = dict.fromkeys(_make_key(one, unit) for one in sources if one is not None)
        silent_count = 0
        for key in keys:
            whose, place, width = key
            answer = await self._ask(make_read(whose, place.table, place.number, width))
            if isinstance(answer, Answer) and not answer.exception:
                heard[key] = answer.values
            if whose != unit:
                continue
            silent_count = silent_count + 1 if answer == "" else 0
            if silent_count >= _SILENT_MAX:
                break
        return heard


def _plain(said: str, *, is_known: bool) -> str:
    """Return the first answer for people: a refused register matters only if no profile is known."""
    if said not in EXCEPTIONS.values():
        return said
    return "answers" if is_known else f"answers; it {_REFUSALS.get(said, 'refuses')} ({said})"


def merge_units(met: Sequence[FoundDevice], profiles: Sequence[RegisterProfile] = ()) -> list[FoundDevice]:
    """Return one entry per device: units of one device are joined as the unit that its profile names.  Pure.

    Units belong to one device if a profile's mark is in its own unit (a gateway that is one device, such as a
    GX), or if they state the same serial number.
    """
    anchors = {
        one.name: {mark.unit for mark in one.marks.values() if mark.unit is not None} for one in profiles
    }
    groups: dict[object, list[FoundDevice]] = {}
    for one in met:
        groups.setdefault(_make_device_key(one, anchors), []).append(one)
    return sorted((_choose_unit(group, anchors) for group in groups.values()), key=lambda one: one.unit)


def _find_alike(found: Sequence[FoundDevice]) -> Sequence[FoundDevice]:
    """Return the largest group of identical units on a network.  On a serial line each unit is a device."""
    groups: dict[object, list[FoundDevice]] = {}
    for one in found:
        told = tuple((guess_.profile, guess_.why) for guess_ in one.guesses)
        is_named = any(guess_.serial for guess_ in one.guesses) or isinstance(one.bus, RtuBus)
        groups.setdefault(one.unit if is_named else (one.answer, *one.objects.items(), told), []).append(one)
    return max(groups.values(), key=len, default=[])


def _make_device_key(one: FoundDevice, anchors: Mapping[str, Collection[int]]) -> object:
    """Return a key that is the same for all units of a device."""
    for guess_ in one.guesses:
        if anchors.get(guess_.profile):
            return guess_.profile, one.bus
    first = one.guesses[0] if one.guesses else None
    return (first.serial, one.bus) if first is not None and first.serial else (one.unit, one.bus)


def _choose_unit(group: Sequence[FoundDevice], anchors: Mapping[str, Collection[int]]) -> FoundDevice:
    """Return the unit of a device that its profile names, with the others in ``also``."""
    if len(group) == 1:
        return group[0]
    name = next((guess_.profile for guess_ in group[0].guesses if anchors.get(guess_.profile)), "")

    def rank(one: FoundDevice) -> tuple[int, bool, int, int]:
        of = [place for place in one.guesses if not name or place.profile == name]
        sure = CERTAINTIES.index(of[0].sure) if of else len(CERTAINTIES)
        fits_count = of[0].fits_count if of else 0
        return sure, one.unit not in anchors.get(name, ()), -fits_count, one.unit

    best, *others = sorted(group, key=rank)
    told = {other.unit: other.guesses[0].profile if other.guesses else "" for other in others}
    guesses = sorted(best.guesses, key=lambda one: one.profile != name) if name else best.guesses
    own = guesses[0].profile if guesses else ""
    also = {unit: "" if profile == own else profile for unit, profile in sorted(told.items())}
    return replace(best, guesses=guesses, also=also)


def _make_key(source: Source, unit: int) -> _Key:
    return (unit if source.unit is None else source.unit), source.address, source.width


@asynccontextmanager
async def _open_line(line: ModbusLine) -> AsyncIterator[None]:
    try:
        await line.open()
        yield
    finally:
        await line.close()
