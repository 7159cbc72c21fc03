"""Makes the safe values of a daemon that is gone: by one connection, and little is imported.

A section comes as the daemon dumped it, checked then; what an older daemon did not know has its default.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from quartier_drivers.clock import LoopClock
from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.opcua.line import Line
from quartier_drivers.opcua.offer import PORT, Offer
from quartier_drivers.opcua.trust import TrustList
from quartier_drivers.opcua.wanted import restore
from quartier_drivers.opcua.writer import replayed

if TYPE_CHECKING:
    from quartier_drivers.opcua.bus import OpcuaBus

NEEDED = frozenset({"kind", "url"})
DEFAULTS: Mapping[str, Any] = MappingProxyType(
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
"""What a section says where it does not; a test holds it equal to the model of ``bus.py``."""


async def replay(bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Make the encoded writes of ``releases``; one line per write that failed.

    The endpoint that let the daemon in is not asked for again.  Raises ValueError for a key that a newer
    version wrote: it may change what the others mean.
    """
    if strange := bus.keys() - DEFAULTS.keys() - NEEDED:
        raise ValueError(f"{', '.join(sorted(strange))}: not known here")
    wanted = [restore(write) for write in writes]
    line = Line("release", _section(bus), LoopClock(), is_brief=True)
    known = _known(writes, Path(bus.get("pki", DEFAULTS["pki"])))
    try:
        await _opened(line, known)
        return await replayed(line, wanted)
    except (LinkLost, NoReply, Refused) as error:
        return [f"{one.point}: {error}" for one in wanted]
    finally:
        await line.close()


async def _opened(line: Line, known: Offer | None) -> None:
    """Who is silent to the endpoint of the table may have another certificate now."""
    if known is not None:
        line.expect(known)
        with suppress(LinkLost):
            return await line.open()
    return await line.open()


def _section(bus: Mapping[str, Any]) -> "OpcuaBus":
    parts = urlsplit(bus["url"])
    place = {"host": parts.hostname or "", "port": parts.port or PORT}
    return cast("OpcuaBus", SimpleNamespace(**{**DEFAULTS, **bus, **place}))


def _known(writes: Sequence[Mapping[str, Any]], folder: Path) -> Offer | None:
    """The endpoint that the table names, with the certificate from the list; None where there is none."""
    said = next((write["offer"] for write in writes if "offer" in write), None)
    if said is None:
        return None
    policy, mode, print_ = said
    der = TrustList(folder).trusted(print_)
    return None if der is None else Offer(policy, mode, der)
