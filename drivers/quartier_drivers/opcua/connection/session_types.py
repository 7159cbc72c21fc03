"""The types of a session's calls, results and errors, independent of the library.  Pure."""

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
    """The request or its answer is too large for the server: a smaller one may succeed."""


class ServerSilent(NoReply):
    """No answer came in time."""


class LoginRefused(LinkLost):
    """The server refuses the login: a repetition soon does not help."""


class IdentityRefused(LoginRefused):
    """The server refuses our credentials: an account may be locked after a few attempts."""


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """Our credentials and the accepted offer of the server; nothing secret of it is printed."""

    offer: EndpointOffer
    own: OwnCertificate
    allowed: Sequence[tuple[str, str]] = ()
    """Policy and mode that the site file allows, the best first."""
    user: str = ""
    password: str = ""
    user_certificate: bytes = b""
    user_key: bytes = b""

    def __repr__(self) -> str:
        """Return only the offer."""
        return f"Access({self.offer.policy}, {self.offer.mode})"


class MonitoredItem(NamedTuple):
    """An item to be monitored: ``handle`` comes back with each change; intervals in ms of real time."""

    place: NodePlace
    element: int | None
    handle: int
    sampling_ms: float
    queue: int
    deadband: float
    by_source: bool


class ItemResult(NamedTuple):
    """The result for an item: its status code and the sampling interval that the server keeps (ms)."""

    status: int
    sampling_ms: float


class SubscriptionNotification(NamedTuple):
    """The message of a subscription: its time (100 ns since 1601, the server's clock) and changed values.

    Without changes it only shows that the subscription is alive.  ``ended`` is the status with which the
    server ended it, 0 while it is alive.
    """

    sent: int
    changes: Sequence[tuple[int, NodeValue]]
    ended: int


class Subscription(NamedTuple):
    """A subscription as the server made it: intervals in ms of real time."""

    number: int
    publishing_ms: float
    keep_alive_count: int
    lifetime_count: int


class ChildNode(NamedTuple):
    """A node below another one: its place, its name and its class (``Object``, ``Variable`` …)."""

    place: NodePlace
    name: str
    kind: str
