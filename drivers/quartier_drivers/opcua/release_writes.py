"""Make the writes of a release table after the daemon is gone: over one connection, with few imports.

A section comes as the daemon dumped it, already checked; keys that an older daemon did not know have their
defaults.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.connection.server_access import TrustList
from quartier_drivers.opcua.endpoint_choice import DEFAULT_PORT, EndpointOffer
from quartier_drivers.opcua.writer import make_writes, restore_write
from quartier_drivers.transport.event_loop import LoopClock

if TYPE_CHECKING:
    from quartier_drivers.opcua.bus_section import OpcuaBus

REQUIRED_KEYS = frozenset({"kind", "url"})
SECTION_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "policy": "best",
        "mode": "sign-and-encrypt",
        "insecure_policy": None,
        "user": None,
        "password_file": None,
        "user_cert_file": None,
        "user_key_file": None,
        "anonymous": False,
        "subscribe": True,
        "poll_s": 60.0,
        "timeout_s": 2.0,
        "pki": "opcua",
    }
)
"""Defaults of a section's keys; a test checks that they equal those of ``bus_section.py``."""


async def write_release(bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Make the encoded writes of ``releases``; return one line of text per failed write.

    The endpoints are not asked for again: the one that the daemon used is tried first.  Raises ValueError for
    a key that a newer version wrote: it may change the meaning of the others.
    """
    if strange := bus.keys() - SECTION_DEFAULTS.keys() - REQUIRED_KEYS:
        raise ValueError(f"{', '.join(sorted(strange))}: not known here")
    wanted = [restore_write(write) for write in writes]
    line = OpcuaLine("release", _make_section(bus), LoopClock(), is_brief=True)
    known = _find_known_offer(writes, Path(bus.get("pki", SECTION_DEFAULTS["pki"])))
    try:
        await _open_line(line, known)
        return await make_writes(line, wanted)
    except (LinkLost, NoReply, Refused) as error:
        return [f"{one.point}: {error}" for one in wanted]
    finally:
        await line.close()


async def _open_line(line: OpcuaLine, known: EndpointOffer | None) -> None:
    """Open the line by the endpoint of the table; if that fails, by asking for the endpoints.

    The server may have another certificate by now.
    """
    if known is not None:
        line.expect(known)
        with suppress(LinkLost):
            return await line.open()
    return await line.open()


def _make_section(bus: Mapping[str, Any]) -> "OpcuaBus":
    parts = urlsplit(bus["url"])
    place = {"host": parts.hostname or "", "port": parts.port or DEFAULT_PORT}
    return cast("OpcuaBus", SimpleNamespace(**{**SECTION_DEFAULTS, **bus, **place}))


def _find_known_offer(writes: Sequence[Mapping[str, Any]], folder: Path) -> EndpointOffer | None:
    """Return the endpoint of the table, with its certificate from the trust list; None if there is none."""
    said = next((write["offer"] for write in writes if "offer" in write), None)
    if said is None:
        return None
    policy, mode, print_ = said
    der = TrustList(folder).find_trusted_certificate(print_)
    return None if der is None else EndpointOffer(policy, mode, der)
