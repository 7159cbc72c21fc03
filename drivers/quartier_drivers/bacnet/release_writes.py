"""Make the writes of a release table after the daemon is gone; imports little, because each moment counts.

A section comes as the daemon dumped it, already checked; keys that an older daemon did not know have their
defaults.
"""

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from quartier_drivers.bacnet.address import parse_place
from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import check_acknowledged
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.errors import LinkLost, WireError
from quartier_drivers.transport.event_loop import LoopClock

if TYPE_CHECKING:
    from quartier_drivers.bacnet.bus_section import BacnetIpBus

_NEEDED = {"kind", "interface"}
SECTION_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "port": 47808,
        "device_id": None,
        "bbmd": None,
        "foreign_ttl_s": 300,
        "timeout_s": 1.0,
        "retries_count": 1,
        "parallel_count": 32,
        "router_parallel_count": 4,
    }
)
"""Defaults of a section's keys; a test checks that they equal those of ``bus_section.py``."""
# Only the library needs these keys: no write of the table does.
_OPTIONAL_DEFAULTS = MappingProxyType({"device_id": None, "bbmd": None})


async def write_release(bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Make the encoded writes of ``releases``; return one line of text per failed write.

    The devices are written at the same time, each in its own order; a silent one delays no other.  Raises
    ValueError for a key that a newer version wrote: it may change the meaning of the others.
    """
    if strange := bus.keys() - SECTION_DEFAULTS.keys() - _NEEDED:
        raise ValueError(f"{', '.join(sorted(strange))}: not known here")
    section = cast("BacnetIpBus", SimpleNamespace(**{**SECTION_DEFAULTS, **bus, **_OPTIONAL_DEFAULTS}))
    line = BacnetLine("release", section, LoopClock())
    by_place: dict[str, list[Mapping[str, Any]]] = {}
    for write in writes:
        by_place.setdefault(write["place"], []).append(write)
    try:
        await line.open()
        found = await asyncio.gather(*(_write_all(line, place, own) for place, own in by_place.items()))
    except LinkLost as error:
        return [f"{write['point']}: {error}" for write in writes]
    finally:
        await line.close()
    return [failure for of_place in found for failure in of_place]


async def _write_all(line: BacnetLine, place: str, writes: Sequence[Mapping[str, Any]]) -> list[str]:
    failures = []
    there = parse_place(place)
    route = datagrams.make_route(there.network, there.mac)
    for write in writes:
        request = datagrams.make_request(datagrams.WRITE_PROPERTY, bytes.fromhex(write["body"]), route)
        try:
            data, heard = await line.exchange(there, request, writes=True)
            check_acknowledged(data, heard, datagrams.WRITE_PROPERTY)
        except WireError as error:
            failures.append(f"{write['point']}: {error}")
    return failures
