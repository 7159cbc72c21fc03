"""What the link takes and gives, in words that know nothing of the library.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.opcua.connection.credentials import OwnCertificate
from quartier_drivers.opcua.connection.read_response import NodeValue
from quartier_drivers.opcua.endpoint_choice import EndpointOffer
from quartier_drivers.opcua.node_types import Identifier

NodePlace = tuple[int, Identifier]
"""A node as one connection knows it: the index of its namespace and its identifier."""
VALUE_ATTRIBUTE, DATA_TYPE_ATTRIBUTE = 13, 14
"""Attributes (OPC 10000-6, annex A)."""


class TooLarge(Refused):
    """The request or its answer is too large for the server: a smaller one may do."""


class ServerSilent(NoReply):
    """Nothing came in time."""


class LoginRefused(LinkLost):
    """The server does not let us in: trying again soon does no good."""


class IdentityRefused(LoginRefused):
    """Who we say we are is not believed: an account may be locked after a few tries."""


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """Who we are and which offer of the server is taken; nothing of it is printed."""

    offer: EndpointOffer
    own: OwnCertificate
    allowed: Sequence[tuple[str, str]] = ()
    """Policy and mode that the site file allows, the best first."""
    user: str = ""
    password: str = ""
    user_certificate: bytes = b""
    user_key: bytes = b""

    def __repr__(self) -> str:
        """The offer alone."""
        return f"Access({self.offer.policy}, {self.offer.mode})"


class MonitoredItem(NamedTuple):
    """What is to be watched: ``handle`` comes back with each change; intervals in real ms."""

    place: NodePlace
    element: int | None
    handle: int
    sampling_ms: float
    queue: int
    deadband: float
    by_source: bool


class ItemResult(NamedTuple):
    """What became of an item: its status code and the sampling interval that the server keeps (ms)."""

    status: int
    sampling_ms: float


class SubscriptionNotification(NamedTuple):
    """What a subscription said: when (100 ns since 1601, the server's clock) and which values changed.

    No changes: it lives.  ``ended``: the status with which the server ended it, 0 while it lives.
    """

    sent: int
    changes: Sequence[tuple[int, NodeValue]]
    ended: int


class Subscription(NamedTuple):
    """A subscription as the server made it: intervals in real ms."""

    number: int
    publishing_ms: float
    keep_alive_count: int
    lifetime_count: int


class ChildNode(NamedTuple):
    """What is below a node: where, how it is called, and what it is (``Object``, ``Variable`` …)."""

    place: NodePlace
    name: str
    kind: str
