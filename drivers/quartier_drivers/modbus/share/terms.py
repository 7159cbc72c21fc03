"""The permissions of one client in the site file: units, writes, rates; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from quartier_drivers.modbus.frame import DIAGNOSE, IDENTIFY
from quartier_drivers.modbus.share.asked import NO_PATH, Asked
from quartier_drivers.modbus.share.span import Span
from quartier_drivers.modbus.share.written import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, Refusal

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Terms:
    """One section of the site file: its ``name``, its ``networks``, and the limits for all of them together.

    ``age_max_s`` is in daemon time; ``wire_max_s`` is how long a request may hold the wire.
    """

    name: str
    networks: tuple[Network, ...]
    units: frozenset[int]
    writes: tuple[Span, ...] = ()
    diagnostics: bool = False
    requests_per_s: float = 10.0
    writes_per_h: float = 60.0
    connections_max: int = 4
    outstanding_max: int = 4
    age_max_s: float = 1.0
    wire_max_s: float = 1.0

    def judge(self, asked: Asked) -> None:
        """Raise Refusal with the exception of the standard if the request is not allowed (V1.1b3, section 7).

        Exception 10: the unit is not reachable.  1: the function is not allowed for this client.  2: it is,
        elsewhere.
        """
        request, written = asked.request, asked.written
        if request.unit not in self.units:
            raise Refusal(NO_PATH)
        if request.function in (DIAGNOSE, IDENTIFY) and not self.diagnostics:
            raise Refusal(ILLEGAL_FUNCTION)
        if written is None:
            return
        if not any(request.function in span.functions for span in self.writes):
            raise Refusal(ILLEGAL_FUNCTION)
        where = request.unit, request.function, written.first, written.count
        if not any(span.table == written.table and span.covers(*where) for span in self.writes):
            raise Refusal(ILLEGAL_ADDRESS)


def address_of(text: str) -> IPv4Address | IPv6Address:
    """Return the address of a peer; an IPv4 address behind an IPv6 socket is returned as IPv4."""
    found = ip_address(text.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def whose(address: IPv4Address | IPv6Address, all_terms: Iterable[Terms]) -> Terms | None:
    """Return the terms of a client, by the narrowest network that contains it; None if none does."""
    fits = (
        (network.prefixlen, terms) for terms in all_terms for network in terms.networks if address in network
    )
    best = max(fits, key=lambda fit: fit[0], default=None)
    return None if best is None else best[1]
