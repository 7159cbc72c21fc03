"""Who is there on a BACnet network: Who-Is in ranges, the I-Ams that come, and what each says of itself.

Source: ASHRAE 135-2020, 16.10.  Nothing is ever written.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from quartier_drivers.bacnet import survey
from quartier_drivers.bacnet.address import WILDCARD, Place, shown, station
from quartier_drivers.bacnet.iam import IAm
from quartier_drivers.bacnet.inquiry import Inquiry
from quartier_drivers.bacnet.line import BacnetLine
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.bacnet.recognise import guesses
from quartier_drivers.errors import LinkLost, NoReply
from quartier_drivers.modbus.recognise import Guess

Span = tuple[int, int]
"""The lowest and the highest instance that is asked for."""
EVERY: Span = (0, WILDCARD - 1)
ROUNDS_COUNT = 2
"""UDP loses: each range is asked for so often."""


@dataclass(frozen=True, slots=True)
class Met:
    """A device that is there: what it announced, what it says of itself, the profiles that it may be.

    ``why`` says why nothing more is known, where it fell silent.
    """

    said: IAm
    identity: Mapping[str, str]
    guesses: Sequence[Guess]
    why: str = ""


@dataclass(slots=True)
class Survey:
    """What a scan brought; ``notes`` say what a person should know of it, ``lost`` why it ended early."""

    found: list[Met] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked_count: int = 0
    lost: str = ""


@dataclass(frozen=True, slots=True)
class Quest:
    """What is looked for: instances in ``spans``, at ``places`` (none: everywhere); ``wait_s`` is real."""

    spans: Sequence[Span] = (EVERY,)
    places: Sequence[Place] = ()
    wait_s: float = 2.0


async def scan(
    line: BacnetLine, quest: Quest, profiles: Sequence[BacnetProfile], tell: Callable[[str], None]
) -> Survey:
    """Look for devices and ask each who it is.  ``tell`` hears how far it has come."""
    found = Survey()
    try:
        await line.open()
        if line.bus.bbmd is not None:
            found.notes.append(await _forwarded(line, line.bus.bbmd))
        announced = await _announced(line, quest, found, tell)
        for number, said in enumerate(announced, start=1):
            tell(f"asking device {said.instance}, {number} of {len(announced)}")
            found.found.append(await _met(line, said, profiles))
    except (LinkLost, NoReply) as lost:
        found.lost = str(lost)
    finally:
        await line.close()
    return found


async def _announced(
    line: BacnetLine, quest: Quest, found: Survey, tell: Callable[[str], None]
) -> Sequence[IAm]:
    """Each device once, by instance; those that share one are noted."""
    heard: dict[tuple[int, Place], IAm] = {}
    library = await line.library()

    def listen(said: IAm) -> None:
        heard[said.instance, said.place] = said

    end = line.on_i_am(listen)
    try:
        for low, high in quest.spans:
            for _ in range(ROUNDS_COUNT):
                tell(f"asking instances {low} to {high}, {len(heard)} found")
                for place in quest.places or (None,):
                    await library.who_is(low, high, place)
                    found.asked_count += 1
                await asyncio.sleep(quest.wait_s / ROUNDS_COUNT)
    finally:
        end()
    meant = [said for said in heard.values() if _is_meant(said, quest.spans)]
    found.notes += _doubles(meant)
    return sorted(meant, key=lambda said: (said.instance, str(said.place)))


async def _forwarded(line: BacnetLine, bbmd: str) -> str:
    """Return whose subnets a broadcast through the BBMD reaches."""
    library = await line.library()
    told = await library.distribution(station(bbmd), line.bus.timeout_s)
    if told is None:
        return f"the BBMD {bbmd} does not tell to whom it forwards"
    return f"the BBMD {bbmd} forwards broadcasts to {', '.join(map(shown, told)) or 'nobody else'}"


def _is_meant(said: IAm, spans: Sequence[Span]) -> bool:
    return any(low <= said.instance <= high for low, high in spans)


def _doubles(heard: Sequence[IAm]) -> list[str]:
    """Devices that cannot be told apart by their instance."""
    places: dict[int, list[str]] = {}
    for said in heard:
        places.setdefault(said.instance, []).append(str(said.place))
    return [
        f"instance {instance} is there {len(where)} times, at {', '.join(sorted(where))}: give one of them "
        "another, or name them by address"
        for instance, where in sorted(places.items())
        if len(where) > 1
    ]


async def _met(line: BacnetLine, said: IAm, profiles: Sequence[BacnetProfile]) -> Met:
    try:
        identity = await survey.identity(Inquiry(line, said.place, said.apdu_max), said.instance)
    except NoReply as silent:
        return Met(said, {}, guesses(said.vendor_id, {}, profiles), str(silent))
    return Met(said, identity, guesses(said.vendor_id, identity, profiles))
