"""The only user of bacpypes3, which runs on our own socket, and the watched tasks of its callbacks.

The line reads each datagram first and passes on those that it does not need; the library sends through the
line.  So the library binds no socket and repeats nothing by itself.  It reads nothing from devices: the line
reads a long value by its elements, because the library would decode a segmented value in one go.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from bacpypes3.apdu import WhoIsRequest
from bacpypes3.app import Application
from bacpypes3.appservice import ApplicationServiceAccessPoint
from bacpypes3.basetypes import Segmentation
from bacpypes3.comm import ApplicationServiceElement, Server, bind
from bacpypes3.ipv4.bvll import BVLLCodec
from bacpypes3.ipv4.service import BIPForeign, BIPNormal, BVLLServiceElement
from bacpypes3.local.device import DeviceObject
from bacpypes3.netservice import ROUTER_AVAILABLE, NetworkServiceAccessPoint, NetworkServiceElement
from bacpypes3.pdu import PDU, GlobalBroadcast, IPv4Address, LocalBroadcast, LocalStation, RemoteStation

from quartier_drivers.bacnet.address import DevicePlace, Host, render_host
from quartier_drivers.errors import LinkLost

if TYPE_CHECKING:
    from quartier_drivers.bacnet.network.line import BacnetLine


_VENDOR_ID = 999  # of those that ASHRAE leaves for trials: we have none of our own
_SEGMENTS_MAX = 64
_REGISTRATION_STEP_S = 0.05
_AGAIN_S = 30.0
# Services that the library would do for any client: nothing here may be written from outside.
_NOT_DONE = frozenset(
    f"do_{service}Request"
    for service in (
        "WriteProperty",
        "WritePropertyMultiple",
        "SubscribeCOV",
        "SubscribeCOVProperty",
        "ConfirmedCOVNotification",
        "UnconfirmedCOVNotification",
        "DeviceCommunicationControl",
    )
)


class LibraryLink:
    """The library for one line."""

    def __init__(self, line: "BacnetLine") -> None:
        self._line = line
        self._tasks = CallbackTasks(self._handle_task_error)
        self._device = _make_device(line.bus.device_id)
        self._app = _Application()
        self._app.asap = _make_access_point(
            self._device, self._app, line.bus.timeout_s, line.bus.retries_count
        )
        self._app.nsap = NetworkServiceAccessPoint()
        self._app.nse = NetworkServiceElement()
        bind(self._app.nse, self._app.nsap)
        bind(self._app, self._app.asap, self._app.nsap)
        self._bottom = _SocketAdapter(line)
        self._foreign = _ForeignDevice() if line.bus.bbmd is not None else None
        below = self._foreign or BIPNormal()
        bind(below, BVLLCodec(), self._bottom)
        self._tables = BVLLServiceElement()
        bind(self._tables, below)
        self._app.nsap.bind(below, address=IPv4Address((line.own_address.address, line.bus.port)))
        if self._device is not None:
            self._app.add_object(self._device)

    def take(self, data: bytes, host: Host, *, is_broadcast: bool) -> None:
        """Take a datagram that the line does not need."""
        here = (
            LocalBroadcast()
            if is_broadcast
            else IPv4Address((self._line.own_address.address, self._line.bus.port))
        )
        pdu = PDU(data, source=IPv4Address(host), destination=here)
        self._tasks.start(self._bottom.response(pdu), "bacnet datagram")

    def _handle_task_error(self, error: BaseException) -> None:
        """Fail the line after LinkLost in a task; count any other error as an unreadable datagram."""
        if isinstance(error, LinkLost):
            self._line.fail(error)
        else:
            self._line.count("rubbish_count")

    async def who_is(self, low: int, high: int, place: DevicePlace | None = None) -> None:
        """Ask all devices, or one place, with instances in this range to announce themselves."""
        asked = WhoIsRequest(
            deviceInstanceRangeLowLimit=low,
            deviceInstanceRangeHighLimit=high,
            destination=GlobalBroadcast() if place is None else await self._address(place),
        )
        await ApplicationServiceElement.request(self._app, asked)

    async def find_router(self, network: int, timeout_s: float) -> Host | None:
        """Return the router to a network; None if no router answers."""
        found = self._app.nse.who_is_router_to_network(network=network)
        done, _ = await asyncio.wait((found,), timeout=timeout_s)
        if not done:
            found.cancel()
            return None
        routers = [message.pduSource for _, message in found.result()]
        return None if not routers else IPv4Address(routers[0]).addrTuple

    async def register(self, bbmd: Host, ttl_s: int, timeout_s: float) -> None:
        """Register as a foreign device, and keep trying.

        Raises LinkLost if the BBMD has not accepted it yet.
        """
        assert self._foreign is not None
        self._foreign.register(IPv4Address(bbmd), ttl_s)
        waits = max(1, round(timeout_s / _REGISTRATION_STEP_S))
        for _ in range(waits):
            if self._foreign.bbmdRegistrationStatus >= 0:
                break
            await asyncio.sleep(_REGISTRATION_STEP_S)
        status = self._foreign.bbmdRegistrationStatus
        if status != 0:
            why = "does not answer" if status < 0 else "does not take foreign devices"
            raise LinkLost(f"the BBMD {render_host(bbmd)} {why}; see its foreign device table")

    async def distribution(self, bbmd: Host, timeout_s: float) -> list[Host] | None:
        """Return the BBMDs to which ``bbmd`` forwards broadcasts, itself included (J.4.3).

        None if it does not answer.
        """
        told = await self._tables.read_broadcast_distribution_table(IPv4Address(bbmd), timeout_s)
        return None if told is None else [IPv4Address(one).addrTuple for one in told]

    @property
    def is_registered(self) -> bool:
        """Return whether the BBMD has us in its table, as far as known."""
        return self._foreign is not None and self._foreign.bbmdRegistrationStatus == 0

    async def _address(self, place: DevicePlace) -> Any:
        if place.network is None:
            assert place.host is not None  # a station without a host is never parsed
            return IPv4Address(place.host)
        there = self._line.find_router(place)
        if there.host is not None:
            cache = self._app.nsap.router_info_cache
            await cache.set_path_info(None, place.network, IPv4Address(there.host), ROUTER_AVAILABLE)
        return RemoteStation(place.network, place.mac)

    def close(self) -> None:
        """End the registration and all tasks of the library."""
        if self._foreign is not None:
            self._foreign.leave()
        self._tasks.cancel()


class _SocketAdapter(Server[PDU]):  # type: ignore[misc]  # the library has no types
    """The substitute for the library's own socket."""

    def __init__(self, line: "BacnetLine") -> None:
        super().__init__()
        self._line = line

    async def indication(self, pdu: PDU) -> None:
        to = pdu.pduDestination
        if isinstance(to, LocalBroadcast):
            self._line.broadcast(bytes(pdu.pduData))
        elif isinstance(to, LocalStation):
            self._line.send(bytes(pdu.pduData), IPv4Address(to).addrTuple)
        else:
            self._line.send(bytes(pdu.pduData), to.addrTuple)


class _ForeignDevice(BIPForeign):  # type: ignore[misc]  # the library has no types
    """A registration that is renewed at half of its time; the library itself renews it only at its end."""

    _again: asyncio.TimerHandle | None = None

    def _start_tracking_registration(self) -> None:
        super()._start_tracking_registration()
        if self._registration_handle is not None:
            self._registration_handle.cancel()
        self._registration_handle: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            self.bbmdTimeToLive / 2, self._start_registration
        )

    async def confirmation(self, lpdu: Any) -> None:
        """Register again after a refusal: the library would wait for an answer that never comes."""
        await super().confirmation(lpdu)
        if self.bbmdRegistrationStatus > 0 and self._registration_handle is None:
            bbmd, ttl_s = self.bbmdAddress, self.bbmdTimeToLive
            self._stop_tracking_registration()
            self._again = asyncio.get_running_loop().call_later(_AGAIN_S, self.register, bbmd, ttl_s)

    def _registration_expired(self) -> None:
        """Register again, until the BBMD accepts it: the library would give up."""
        bbmd, ttl_s = self.bbmdAddress, self.bbmdTimeToLive
        super()._registration_expired()
        self.register(bbmd, ttl_s)

    def leave(self) -> None:
        """Stop renewing the registration; it expires at the BBMD."""
        self._stop_tracking_registration()
        if self._again is not None:
            self._again.cancel()
        self.bbmdRegistrationStatus = -2


class _Application(Application):  # type: ignore[misc]  # the library has no types
    """An application that accepts no writes: it announces itself, and its device object can be read."""

    def __getattribute__(self, name: str) -> Any:
        return None if name in _NOT_DONE else super().__getattribute__(name)


def _make_access_point(
    device: DeviceObject | None, app: Application, timeout_s: float, retries_count: int
) -> ApplicationServiceAccessPoint:
    found = ApplicationServiceAccessPoint(device, app.device_info_cache)
    found.apduTimeout = round(1000 * timeout_s)
    found.segmentTimeout = round(1000 * timeout_s)
    found.numberOfApduRetries = retries_count
    found.segmentationSupported = Segmentation.segmentedBoth
    found.maxSegmentsAccepted = _SEGMENTS_MAX
    return found


def _make_device(instance: int | None) -> DeviceObject | None:
    """Return our device object on the network; None if we have no instance."""
    if instance is None:
        return None
    return DeviceObject(
        objectIdentifier=f"device,{instance}",
        objectName=f"quartier-{instance}",
        vendorIdentifier=_VENDOR_ID,
        vendorName="Quartier",
        modelName="gateway",
    )


class CallbackTasks:
    """The tasks that run now; ``failed`` is called with the error that ended one of them."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._failed = failed
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run ``work`` as a task of its own."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._finish_task)

    def _finish_task(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    def cancel(self) -> None:
        """Cancel all of them."""
        for task in self._running:
            task.cancel()
