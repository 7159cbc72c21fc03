"""Limits of a client: its permitted requests, their rate, and pauses after failures (pure).

A request that a device does not answer, or after which it ends the connection, is suppressed alone: its
client sends valid ones too.  After a few of them in a row the unit is suppressed for this client.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from quartier_drivers.modbus.frames import DIAGNOSTICS, READ_DEVICE_ID, Request
from quartier_drivers.modbus.sharing.client_requests import (
    GATEWAY_PATH_UNAVAILABLE,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ClientRequest,
    RequestRefused,
)
from quartier_drivers.modbus.sharing.register_spans import RegisterSpan


class RateLimit:
    """Allows ``most`` at once after a rest, then ``per_s`` per second.  ``now_ns`` is any monotonic clock."""

    __slots__ = ("_left", "_most", "_per_ns", "_update_ns")

    def __init__(self, per_s: float, most: float, now_ns: int) -> None:
        self._per_ns = per_s / 1e9
        self._most = max(1.0, most)
        self._left = self._most
        self._update_ns = now_ns

    def take(self, now_ns: int) -> bool:
        """Take one; return whether there was one."""
        self._left = min(self._most, self._left + (now_ns - self._update_ns) * self._per_ns)
        self._update_ns = now_ns
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


FIRST_PAUSE_S, PAUSE_MAX_S = 2.0, 60.0
IN_A_ROW_MAX = 3
KEPT_MAX = 256


class FailedRequests:
    """Suppressed requests by client: each failure doubles the time.  Times are of one monotonic clock."""

    def __init__(self) -> None:
        self._until_s: dict[Hashable, tuple[float, float]] = {}
        self._in_a_row: dict[tuple[str, int], int] = {}

    def holds(self, who: str, request: Request, now_s: float) -> bool:
        """Return whether the request is expected to fail."""
        return any(now_s < self._until_s.get(key, (0.0, 0.0))[0] for key in _make_keys(who, request))

    def note_no_answer(self, who: str, request: Request, now_s: float) -> None:
        """Note that there was no answer."""
        question, unit = _make_keys(who, request)
        self._hold(question, now_s)
        count = self._in_a_row.pop(unit, 0) + 1
        if count >= IN_A_ROW_MAX:
            self._hold(unit, now_s)
        if len(self._in_a_row) >= KEPT_MAX:
            del self._in_a_row[next(iter(self._in_a_row))]
        self._in_a_row[unit] = count

    def note_answer(self, who: str, request: Request) -> None:
        """Note that there was an answer."""
        for key in _make_keys(who, request):
            self._until_s.pop(key, None)
        self._in_a_row.pop((who, request.unit), None)

    def _hold(self, key: Hashable, now_s: float) -> None:
        _, before_s = self._until_s.pop(key, (0.0, 0.0))
        pause_s = min(2 * before_s, PAUSE_MAX_S) if before_s else FIRST_PAUSE_S
        if len(self._until_s) >= KEPT_MAX:
            del self._until_s[next(iter(self._until_s))]
        self._until_s[key] = now_s + pause_s, pause_s


def _make_keys(who: str, request: Request) -> tuple[Hashable, tuple[str, int]]:
    return (who, request.unit, request.pdu), (who, request.unit)


Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """One section of the site file: its ``name``, its ``networks``, and the limits for all of them together.

    ``age_max_s`` is in daemon time; ``wire_max_s`` is how long a request may hold the wire.
    """

    name: str
    networks: tuple[Network, ...]
    units: frozenset[int]
    writes: tuple[RegisterSpan, ...] = ()
    diagnostics: bool = False
    requests_per_s: float = 10.0
    writes_per_h: float = 60.0
    connections_max: int = 4
    outstanding_max: int = 4
    age_max_s: float = 1.0
    wire_max_s: float = 1.0

    def judge(self, asked: ClientRequest) -> None:
        """Raise Refusal with the exception of the standard if the request is not allowed (V1.1b3, section 7).

        Exception 10: the unit is not reachable.  1: the function is not allowed for this client.  2: it is,
        elsewhere.
        """
        request, written = asked.request, asked.written
        if request.unit not in self.units:
            raise RequestRefused(GATEWAY_PATH_UNAVAILABLE)
        if request.function in (DIAGNOSTICS, READ_DEVICE_ID) and not self.diagnostics:
            raise RequestRefused(ILLEGAL_FUNCTION)
        if written is None:
            return
        if not any(request.function in span.functions for span in self.writes):
            raise RequestRefused(ILLEGAL_FUNCTION)
        if not any(
            span.table == written.table
            and span.covers(request.unit, request.function, written.first, written.count)
            for span in self.writes
        ):
            raise RequestRefused(ILLEGAL_ADDRESS)


def parse_peer_address(text: str) -> IPv4Address | IPv6Address:
    """Return the address of a peer; an IPv4 address behind an IPv6 socket is returned as IPv4."""
    found = ip_address(text.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def find_client(address: IPv4Address | IPv6Address, all_terms: Iterable[ClientTerms]) -> ClientTerms | None:
    """Return the terms of a client, by the narrowest network that contains it; None if none does."""
    fits = (
        (network.prefixlen, terms) for terms in all_terms for network in terms.networks if address in network
    )
    best = max(fits, key=lambda fit: fit[0], default=None)
    return None if best is None else best[1]
