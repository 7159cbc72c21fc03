"""Scan a network with Who-Is; match devices with profiles.

Source: ASHRAE 135-2020, 16.10.  Nothing is ever written.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from quartier_drivers.bacnet.address import INSTANCE_WILDCARD, DevicePlace, parse_station, render_host
from quartier_drivers.bacnet.codec.datagrams import IAm
from quartier_drivers.bacnet.discovery import device_survey
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.bacnet.network.property_reads import PropertyInquiry
from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.device_profile.loading import Certainty, ProfileMatch, rank_matches
from quartier_drivers.errors import LinkLost, NoReply


def find_matches(
    vendor_id: int, identity: Mapping[str, str], profiles: Iterable[BacnetProfile]
) -> list[ProfileMatch]:
    """Return the profiles whose marks are not contradicted, the surest first.

    With the model a profile is sure; with the vendor alone it is possible.
    """
    found = (_match_profile(vendor_id, identity.get("model-name"), one) for one in profiles)
    return rank_matches(one for one in found if one is not None)


def _match_profile(vendor_id: int, model: str | None, profile: BacnetProfile) -> ProfileMatch | None:
    mark = profile.mark
    if mark is None or mark.vendor_id not in (None, vendor_id):
        return None
    told = [] if mark.vendor_id is None else [f"its vendor is {vendor_id}"]
    sure: Certainty = "possible"
    if mark.model is not None and model is not None:
        if not fnmatchcase(model.lower(), mark.model.lower()):
            return None
        told.append(f"its model is {model!r}")
        sure = "sure"
    elif mark.model is not None:
        told.append("not told: its model")
    if sure == "possible" and mark.vendor_id is None:
        return None
    return ProfileMatch(profile.name, sure, "; ".join(told), len(told))


def find_contradictions(identity: Mapping[str, str], profile: BacnetProfile) -> list[str]:
    """Describe how the identity that a device stated contradicts the mark of ``profile``."""
    wanted = None if profile.mark is None else profile.mark.model
    model = identity.get("model")
    if wanted is None or model is None or fnmatchcase(model.lower(), wanted.lower()):
        return []
    return [f"its model is {model!r}, expected {wanted!r}"]


InstanceSpan = tuple[int, int]
"""The lowest and the highest instance that is asked for."""


ALL_INSTANCES: InstanceSpan = (0, INSTANCE_WILDCARD - 1)
ROUNDS_COUNT = 2
"""UDP loses: each range is asked for so often."""


@dataclass(frozen=True, slots=True)
class FoundDevice:
    """A device that announced itself: its I-Am, its identity, the possible profiles.

    ``why`` is the reason why no more is known, if it fell silent.
    """

    i_am: IAm
    identity: Mapping[str, str]
    guesses: Sequence[ProfileMatch]
    why: str = ""


@dataclass(slots=True)
class ScanResult:
    """The result of a scan; ``notes`` are for people, ``end_reason`` is the reason of an early end."""

    found: list[FoundDevice] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked_count: int = 0
    end_reason: str = ""


@dataclass(frozen=True, slots=True)
class ScanTarget:
    """The aim of a scan: instances in ``spans``, at ``places`` (none: everywhere).

    ``wait_s`` is in real time.
    """

    spans: Sequence[InstanceSpan] = (ALL_INSTANCES,)
    places: Sequence[DevicePlace] = ()
    wait_s: float = 2.0


async def scan_network(
    line: BacnetLine, quest: ScanTarget, profiles: Sequence[BacnetProfile], tell: Callable[[str], None]
) -> ScanResult:
    """Find devices and read the identity of each.  ``tell`` is called with the progress, in words."""
    found = ScanResult()
    try:
        await line.open()
        if line.bus.bbmd is not None:
            found.notes.append(await _explain_forwarding(line, line.bus.bbmd))
        announced = await _collect_i_ams(line, quest, found, tell)
        for number, said in enumerate(announced, start=1):
            tell(f"asking device {said.instance}, {number} of {len(announced)}")
            found.found.append(await _identify(line, said, profiles))
    except (LinkLost, NoReply) as lost:
        found.end_reason = str(lost)
    finally:
        await line.close()
    return found


async def _collect_i_ams(
    line: BacnetLine, quest: ScanTarget, found: ScanResult, tell: Callable[[str], None]
) -> Sequence[IAm]:
    """Return each device once, by instance; those that share an instance are noted."""
    heard: dict[tuple[int, DevicePlace], IAm] = {}
    library = await line.library()

    def listen(i_am: IAm) -> None:
        heard[i_am.instance, i_am.place] = i_am

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
    meant = [said for said in heard.values() if _is_in_spans(said, quest.spans)]
    found.notes += _find_duplicates(meant)
    return sorted(meant, key=lambda said: (said.instance, str(said.place)))


async def _explain_forwarding(line: BacnetLine, bbmd: str) -> str:
    """Return in words to which subnets the BBMD forwards a broadcast."""
    library = await line.library()
    told = await library.distribution(parse_station(bbmd), line.bus.timeout_s)
    if told is None:
        return f"the BBMD {bbmd} does not tell to whom it forwards"
    return f"the BBMD {bbmd} forwards broadcasts to {', '.join(map(render_host, told)) or 'nobody else'}"


def _is_in_spans(i_am: IAm, spans: Sequence[InstanceSpan]) -> bool:
    return any(low <= i_am.instance <= high for low, high in spans)


def _find_duplicates(heard: Sequence[IAm]) -> list[str]:
    """Return notes about devices that share an instance."""
    places: dict[int, list[str]] = {}
    for said in heard:
        places.setdefault(said.instance, []).append(str(said.place))
    return [
        f"instance {instance} is there {len(where)} times, at {', '.join(sorted(where))}: give one of them "
        "another, or name them by address"
        for instance, where in sorted(places.items())
        if len(where) > 1
    ]


async def _identify(line: BacnetLine, i_am: IAm, profiles: Sequence[BacnetProfile]) -> FoundDevice:
    try:
        identity = await device_survey.read_identity(
            PropertyInquiry(line, i_am.place, i_am.apdu_max), i_am.instance
        )
    except NoReply as silent:
        return FoundDevice(i_am, {}, find_matches(i_am.vendor_id, {}, profiles), str(silent))
    return FoundDevice(i_am, identity, find_matches(i_am.vendor_id, identity, profiles))
