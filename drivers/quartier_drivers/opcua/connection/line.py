"""One OPC UA server as a line: its connection over all renewals, its limits, one exchange at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from quartier_drivers.contract import Clock, Note
from quartier_drivers.errors import Expired, LinkLost, NoReply
from quartier_drivers.opcua.connection import read_response
from quartier_drivers.opcua.connection.read_response import RawValue, ReadAnswer
from quartier_drivers.opcua.connection.reconnect_check import ReconnectCheck, find_reachable_address
from quartier_drivers.opcua.connection.server_access import ServerLogin
from quartier_drivers.opcua.connection.session_types import (
    VALUE_ATTRIBUTE,
    ChildNode,
    ItemResult,
    MonitoredItem,
    NodePlace,
    ServerSilent,
    Subscription,
    SubscriptionNotification,
    TooLarge,
)
from quartier_drivers.opcua.endpoint_choice import EndpointOffer
from quartier_drivers.opcua.node_types import NodeName
from quartier_drivers.transport.event_loop import FairLock
from quartier_drivers.transport.tcp import HostAddresses

if TYPE_CHECKING:
    from types import ModuleType

    from quartier_drivers.opcua.bus_section import OpcuaBus
    from quartier_drivers.opcua.connection.session import OpcuaSession
    from quartier_drivers.transport.frame_recorder import FrameRecorder

T = TypeVar("T")
_S = 1_000_000_000
_COUNTERS = (
    "requests_count",
    "timeouts_count",
    "rubbish_count",
    "connects_count",
    "notifications_count",
    "resubscriptions_count",
)
_SILENT_MAX = 2
# The server closes an unused session, and its loss is not noticed.
STATE_READ_PERIOD_S = 30.0
# Read from a server at the beginning (OPC 10000-5; numbers of OPC 10000-6, annex A): its namespaces,
# who built it, and its limits.
_NAMESPACES, _BUILD_INFO, SERVER_STATE = 2255, 2260, 2259
_LIMITS = {"read": 11705, "write": 11707, "watch": 11714, "translate": 11712}
# Without a limit of the server's: so much is decoded in a few ms, also on a small machine.
_NODES_MAX = 200
# Changes of one message, which the library decodes: some 8 us each.
_CHANGES_MAX = 100


class OpcuaLine:
    """A server at ``bus.url``.  ``epoch`` counts its connections: a plan is valid only for its connection.

    A line that ``is_brief`` makes a few requests and is closed: it prepares nothing for many.
    """

    def __init__(self, name: str, bus: "OpcuaBus", clock: Clock, *, is_brief: bool = False) -> None:
        self.name = name
        self._is_brief = is_brief
        self.bus = bus
        self.epoch = 0
        self.namespaces: Sequence[str] = ()
        self.built: Mapping[str, str] = {}
        self._clock = clock
        self._lock = FairLock()
        self._names = HostAddresses(bus.host)
        self._address = ""
        self._login = ServerLogin(name, bus)
        self._reconnect_check = ReconnectCheck(bus.url, bus.port)
        self._session: OpcuaSession | None = None
        self._recorder: FrameRecorder | None = None
        self._limits: Mapping[str, int] = {}
        self._silent_count = 0
        self._used_ns = 0
        self._stats = dict.fromkeys(_COUNTERS, 0.0)

    @property
    def stats(self) -> Mapping[str, float]:
        """Counters since start: requests, time-outs, connections, messages, repeated subscriptions …"""
        return self._stats

    def record(self, tape: "FrameRecorder | None") -> None:
        """Record the traffic to ``tape``, from the login on; None stops recording."""
        self._recorder = tape

    def count(self, name: str) -> None:
        """Add one to a counter."""
        self._stats[name] += 1

    def notes(self) -> Sequence[Note]:
        """Return notes for people about its certificates."""
        return self._login.notes()

    @property
    def read_max(self) -> int:
        """The most nodes of one read."""
        return self._most("read")

    @property
    def watch_max(self) -> int:
        """The most items of one request for a subscription."""
        return self._most("watch")

    @property
    def write_max(self) -> int:
        """The most nodes of one write."""
        return self._most("write")

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up, as far as the kernel knows."""
        return self._session is not None and self._session.is_connected

    @property
    def offer(self) -> EndpointOffer | None:
        """The endpoint of the last login; None before the first."""
        return self._login.offer

    def expect(self, offer: EndpointOffer) -> None:
        """Use this endpoint without asking for it, as long as its certificate is trusted and login works."""
        self._login.expect(offer)

    @property
    def pulse_ns(self) -> int:
        """Return when the next request should be made, to keep the session and to notice its loss."""
        return self._used_ns + int(STATE_READ_PERIOD_S * _S)

    # Called by the bus

    async def open(self) -> None:
        """Connect, check the server's identity, log in, read its limits.

        Raises LinkLost, naming the remedy.
        """
        if self.is_connected:
            return
        self._reconnect_check.stop()
        await self.close()
        self._address = await find_reachable_address(
            self._names, self.bus.host, self.bus.port, self.bus.timeout_s
        )
        made = await _load_session_module(warm=not self._is_brief)
        try:
            self._session = await self._login.open_session(made, self._address)
            self._session.record(lambda: self._recorder)
            self.count("connects_count")
            await self._survey()
        except NoReply as error:
            await self._drop(politely=False)
            raise LinkLost(str(error)) from error
        except BaseException:
            await self._drop(politely=True)
            raise
        self.epoch += 1
        self._silent_count = 0
        self._note_use()

    async def close(self) -> None:
        """Close the connection; it may be opened again."""
        self._reconnect_check.stop()
        await self._drop(politely=not self._silent_count)

    def is_back(self) -> bool:
        """Return whether a lost server answers again, or a person has removed the reason of its refusal."""
        if self._login.is_shut:
            return self._login.is_changed()
        return bool(self._address) and self._reconnect_check.advance(self._address)

    # Called by drivers

    def place(self, node: NodeName) -> NodePlace | None:
        """Return a node as this connection names it; None if the server lacks its namespace."""
        index = node.index(self.namespaces)
        return None if index is None else (index, node.identifier)

    def prepare_read(self, wanted: Sequence[tuple[NodePlace, int, int | None]], age_max_ms: float) -> Any:
        """Return a read of (place, attribute, index), made once and sent often."""
        return load_session_module().library_types.prepare_read(wanted, age_max_ms)

    async def read(self, prepared: Any, count: int) -> ReadAnswer:
        """Return the values of a prepared read.

        Raises Refused (too large for the server), NoReply or LinkLost.
        """
        data = await self._exchange(lambda session: session.read(prepared))
        try:
            return read_response.parse_answer(data, count)
        except read_response.GarbledAnswer as error:
            self.count("rubbish_count")
            raise NoReply(f"{self.bus.url} answered rubbish: {error}") from error

    async def write(
        self, writes: Sequence[tuple[NodePlace, int | None, int, RawValue]], expires_ns: int | None = None
    ) -> list[int]:
        """Write (place, index, type, value); return the status code of each.

        Raises Refused, NoReply (outcome unknown), LinkLost (outcome unknown too) or Expired.
        """
        return await self._exchange(lambda session: session.write(writes), expires_ns)

    async def objects(self, places: Sequence[NodePlace], attribute: int) -> list[Any]:
        """Return attributes that are no scalars, within the server's limits.  Raises as ``read`` does."""
        found: list[Any] = []
        for at in range(0, len(places), self.read_max):
            some = places[at : at + self.read_max]
            found += await self._exchange(lambda session, some=some: session.objects(some, attribute))  # type: ignore[misc]  # bound now
        return found

    async def properties(self, places: Sequence[NodePlace], name: str) -> list[NodePlace | None]:
        """Return the standard property ``name`` of each node.  Raises as ``read`` does."""
        found: list[NodePlace | None] = []
        most = self._most("translate")
        for at in range(0, len(places), most):
            some = places[at : at + most]
            found += await self._exchange(lambda session, some=some: session.properties(some, name))  # type: ignore[misc]  # bound now
        return found

    async def parent_types(self, place: NodePlace) -> list[NodePlace]:
        """Return the supertype of a type.  Raises as ``read`` does."""
        return await self._exchange(lambda session: session.parent_types(place))

    async def children(self, place: NodePlace) -> list[ChildNode]:
        """Return the nodes below a node.  Raises as ``read`` does."""
        return await self._exchange(lambda session: session.children(place))

    async def subscribe(
        self, publishing_ms: float, keep_alive_count: int, hear: Callable[[SubscriptionNotification], None]
    ) -> Subscription:
        """Make a subscription.  Raises as ``read`` does."""
        return await self._exchange(
            lambda session: session.subscribe(publishing_ms, keep_alive_count, _CHANGES_MAX, hear)
        )

    async def unsubscribe(self, subscription: int) -> None:
        """End a subscription.  Raises as ``read`` does."""
        await self._exchange(lambda session: session.unsubscribe(subscription))

    async def watch(self, subscription: int, items: Sequence[MonitoredItem]) -> list[ItemResult]:
        """Make the server monitor items.  Raises as ``read`` does."""
        return await self._exchange(lambda session: session.watch(subscription, items))

    async def pulse(self) -> None:
        """Read the server's state, to notice its loss.  Raises NoReply or LinkLost."""
        await self.read(self.prepare_read([((0, SERVER_STATE), VALUE_ATTRIBUTE, None)], 0.0), 1)

    # Inside

    def _most(self, what: str) -> int:
        limit = self._limits.get(what, 0)
        return min(limit, _NODES_MAX) if limit > 0 else _NODES_MAX

    def _note_use(self) -> None:
        self._used_ns = self._clock.now_ns()

    async def _exchange(
        self, call: "Callable[[OpcuaSession], Awaitable[T]]", expires_ns: int | None = None
    ) -> T:
        if not self._lock.take():
            await self._lock.wait()
        try:
            session = self._session
            if session is None or not session.is_connected:
                raise LinkLost(f"{self.bus.url} closed the connection")
            if expires_ns is not None and self._clock.now_ns() >= expires_ns:
                raise Expired(f"{self.bus.url} was not free before the command expired")
            self.count("requests_count")
            try:
                await session.renew()
                found = await call(session)
            except ServerSilent as error:
                raise self._silence(error) from error
        finally:
            self._lock.give()
        self._silent_count = 0
        self._note_use()
        return found

    def _silence(self, error: NoReply) -> Exception:
        """Return the error of a silence: LinkLost from the second in a row on, which is no slow answer."""
        self.count("timeouts_count")
        self._silent_count += 1
        return LinkLost(str(error)) if self._silent_count >= _SILENT_MAX else error

    async def _survey(self) -> None:
        """Read the namespaces, the limits and the maker of the server."""
        session = self._session
        assert session is not None
        wanted = [(0, number) for number in (_NAMESPACES, _BUILD_INFO, *_LIMITS.values())]
        try:
            found = await session.objects(wanted, VALUE_ATTRIBUTE)
        except TooLarge:
            found = [(await session.objects([one], VALUE_ATTRIBUTE))[0] for one in wanted]
        spaces, built, *limits = found
        self.namespaces = [str(space) for space in spaces] if isinstance(spaces, list) else []
        self._limits = {
            name: limit
            for name, limit in zip(_LIMITS, limits, strict=True)
            if isinstance(limit, int) and limit > 0
        }
        said = {
            "maker": getattr(built, "ManufacturerName", None),
            "model": getattr(built, "ProductName", None),
            "firmware": getattr(built, "SoftwareVersion", None),
        }
        self.built = {key: text for key, text in said.items() if isinstance(text, str) and text}

    async def _drop(self, *, politely: bool) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close(politely=politely)
            if self._recorder is not None:
                self._recorder.mark("closed", "closed by us")


async def _load_session_module(*, warm: bool) -> "ModuleType":
    """Load and warm up the library in a thread: that takes seconds on a small machine.

    The cycle continues meanwhile.
    """

    def work() -> Any:
        found = load_session_module()
        if warm:
            found.library_types.load_message_types()
        return found

    return await asyncio.to_thread(work)


def load_session_module() -> Any:
    """Return the module that wraps the library.  Raises LinkLost if the library is not installed."""
    try:
        return import_module("quartier_drivers.opcua.connection.session")
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != "asyncua":
            raise
        raise LinkLost("asyncua is not installed; pip install 'quartier[opcua]'") from error
