"""A BACnet/IP network as a line: requests and their answers, notifications, and announcements of devices."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from quartier_drivers.bacnet.address import INSTANCE_WILDCARD, DevicePlace, Host
from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.datagrams import is_for_library, is_too_long
from quartier_drivers.bacnet.network.udp_port import (
    ANSWER_TYPES,
    REFUSAL_TYPES,
    Answer,
    BbmdRegistration,
    OwnAddress,
    PendingRequests,
    Registrar,
    UdpPort,
)
from quartier_drivers.contract import Clock, Note
from quartier_drivers.errors import Expired, LinkLost, NoReply
from quartier_native.bacnet import CONFIRMED, UNCONFIRMED, Heard, hear, notice_of

if TYPE_CHECKING:
    from quartier_drivers.bacnet.bus_section import BacnetIpBus
    from quartier_drivers.transport.frame_recorder import FrameRecorder

_COUNTERS = (
    "requests_count",
    "retries_count",
    "timeouts_count",
    "rubbish_count",
    "late_count",
    "exceptions_count",
    "connects_count",
    "skipped_count",
    "notifications_count",
)
# A Who-Is is asked again after this long without an answer, real time.
_WHO_IS_S = 0.7
_WHO_IS_COUNT = 3
_BVLC = 0x81
_TOO_LONG = 1  # buffer-overflow, a reason to abort (18.10)
_UNKNOWN_SUBSCRIPTION = (5, 79)  # class services, code unknown-subscription


@dataclass(frozen=True, slots=True)
class CovNotification:
    """A change of value: the instance of the device, the object, and the whole datagram.

    ``object_id`` is the type times 2**22 plus the instance.
    """

    device: int
    object_id: int
    data: bytes
    datagram: Heard


class BacnetLibrary(Registrar, Protocol):
    """The tasks of the library for a line: all that is rare, long or about the network itself."""

    def take(self, data: bytes, host: Host, *, is_broadcast: bool) -> None:
        """Take a datagram that the line does not need."""
        ...

    async def who_is(self, low: int, high: int, place: DevicePlace | None = None) -> None:
        """Ask all devices, or one place, with instances in this range to announce themselves."""
        ...

    async def find_router(self, network: int, timeout_s: float) -> Host | None:
        """Return the router to a network; None if no router answers."""
        ...

    async def distribution(self, bbmd: Host, timeout_s: float) -> list[Host] | None:
        """Return the BBMDs to which ``bbmd`` forwards broadcasts; None without answer."""
        ...

    def close(self) -> None:
        """End the registration and all tasks of the library."""
        ...


LoadLibrary = Callable[["BacnetLine"], Awaitable[BacnetLibrary]]


class BacnetLine:
    """One UDP socket and the devices behind it.  Waiting times for answers are in real time."""

    def __init__(self, name: str, bus: "BacnetIpBus", clock: Clock, load: LoadLibrary | None = None) -> None:
        self.name = name
        self.bus = bus
        self._clock = clock
        self._load = load
        self._library: BacnetLibrary | None = None
        self._loading = asyncio.Lock()
        self._port = UdpPort(self._take, self._fail_line)
        self._waiters = PendingRequests()
        self._followers: dict[int, Callable[[CovNotification], None]] = {}
        self._next_process = 1
        self._listeners: list[Callable[[datagrams.IAm], None]] = []
        self._routers: dict[int, Host] = {}
        self._registration = (
            None if bus.bbmd is None else BbmdRegistration(name, bus.bbmd, bus.foreign_ttl_s, bus.timeout_s)
        )
        self._fault: BaseException | None = None
        self._stats = dict.fromkeys(_COUNTERS, 0.0)

    @property
    def stats(self) -> Mapping[str, float]:
        """Counters since start: requests, retries, time-outs, late answers, notifications …"""
        self._stats["late_count"] = float(self._waiters.late_count)
        return self._stats

    @property
    def concurrency(self) -> tuple[int, int]:
        """Return how many devices are asked at once, and how many of those in one network behind a router."""
        return self.bus.parallel_count, self.bus.router_parallel_count

    @property
    def own_address(self) -> OwnAddress:
        """Our own address and the broadcast address, once the line is open."""
        return self._port.own_address

    def count(self, name: str, step: float = 1) -> None:
        """Add to a counter of the line."""
        self._stats[name] += step

    async def open(self) -> None:
        """Bind our port, register with the BBMD if there is one.  Raises LinkLost, naming what is wrong."""
        if self._port.is_open:
            return
        self._fault = None
        self._port.open(self.bus.interface, self.bus.port)
        self.count("connects_count")
        try:
            if self._registration is not None:
                await self._registration.begin(await self.library())
            elif self.bus.device_id is not None:
                await self.library()
        except BaseException:
            await self.close()
            raise

    def record(self, tape: "FrameRecorder | None") -> None:
        """Record the traffic to ``tape`` from now on; None stops recording."""
        self._port.recorder = tape

    def notes(self) -> Sequence[Note]:
        """Return changes of our registration with a BBMD since the last call."""
        return () if self._registration is None else self._registration.notes()

    async def close(self) -> None:
        """Close the socket; it may be opened again."""
        library, self._library = self._library, None
        if library is not None:
            library.close()
        self._port.close()
        self._waiters.fail(LinkLost("closed"))

    def send(self, data: bytes, host: Host) -> None:
        """Send a datagram for the library.  Raises LinkLost."""
        self._port.send(data, host)

    def broadcast(self, data: bytes) -> None:
        """Send a datagram to the whole subnet.  Raises LinkLost."""
        self._port.broadcast(data)

    def fail(self, error: BaseException) -> None:
        """Note the failure of a task; the next user of the line raises it."""
        self._fault = self._fault or error

    async def library(self) -> BacnetLibrary:
        """Return the library on our socket, loaded on first use.  Raises LinkLost if it is not available."""
        async with self._loading:
            if self._library is None:
                if self._load is None:
                    raise LinkLost("this needs the BACnet library, which is not used here")
                self._library = await self._load(self)
            return self._library

    # Requests

    async def exchange(
        self,
        place: DevicePlace,
        request: datagrams.ConfirmedRequest,
        *,
        writes: bool = False,
        probes: bool = False,
        expires_ns: int | None = None,
    ) -> Answer:
        """Make one confirmed request; return its answer with its heads, also an error, reject or abort.

        A read without an answer is repeated as the bus section says.  A write is not, because its outcome is
        unknown, nor is a request that ``probes`` whether a silent device is back.  Raises NoReply, LinkLost,
        or Expired if ``expires_ns`` has passed.
        """
        await self._ready()
        host = await self._host(place)
        route = datagrams.make_route(place.network, place.mac)
        left = 0 if writes or probes else self.bus.retries_count
        while True:
            if expires_ns is not None and self._clock.now_ns() >= expires_ns:
                raise Expired(f"{place}: the command expired before it was sent")
            answer = await self._exchange_once(host, route, request)
            if answer is not None:
                if answer[1][0] in REFUSAL_TYPES:
                    self.count("exceptions_count")
                return answer
            if not left:
                raise NoReply(f"{place} is silent")
            left -= 1
            self.count("retries_count")

    async def _exchange_once(
        self, host: Host, route: bytes, request: datagrams.ConfirmedRequest
    ) -> Answer | None:
        number, waiter = self._waiters.begin(host, route)
        self._stats["requests_count"] += 1
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self.bus.timeout_s, _time_out, waiter)
        try:
            self._port.send(request.datagram(number), host)
            return await waiter
        except TimeoutError:
            self.count("timeouts_count")
            return None
        finally:
            timer.cancel()
            self._waiters.end(host, route, number)

    async def _ready(self) -> None:
        """Open the line if it is closed: safe values are also written after it was closed.

        Raises the failure of a task, if there was one.
        """
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        if not self._port.is_open:
            await self.open()

    # Where devices are

    async def _host(self, place: DevicePlace) -> Host:
        if place.host is not None:
            return place.host
        assert place.network is not None  # a station without a host is never parsed
        host = self._routers.get(place.network)
        if host is None:
            host = await (await self.library()).find_router(place.network, self.bus.timeout_s)
            if host is None:
                raise NoReply(
                    f"no router says that it reaches network {place.network}; name it: {place}@192.168.1.1"
                )
            self._routers[place.network] = host
        return host

    def find_router(self, place: DevicePlace) -> DevicePlace:
        """Return the place with its router, if that is known."""
        if place.host is not None or place.network is None:
            return place
        return DevicePlace(self._routers.get(place.network), place.network, place.mac)

    def forget_router(self, network: int) -> None:
        """Forget the router of a network whose device is silent: it is looked for again the next time."""
        self._routers.pop(network, None)

    def on_i_am(self, listen: Callable[[datagrams.IAm], None]) -> Callable[[], None]:
        """Register ``listen``, called with each I-Am; return the function that ends this."""
        self._listeners.append(listen)
        return lambda: self._listeners.remove(listen)

    async def call(self, instance: int) -> None:
        """Ask a device to announce where it is, without waiting for its I-Am.  Raises LinkLost."""
        await self._ready()
        await (await self.library()).who_is(instance, instance)

    async def find(self, instance: int, *, times: int = _WHO_IS_COUNT) -> datagrams.IAm:
        """Find a device by its instance.  Raises NoReply if none announces itself, or LinkLost."""
        found = await self._find_device(instance, instance, None, times)
        if found is None:
            raise NoReply(
                f"no device with instance {instance} says that it is there; look with `quartier scan bacnet`"
            )
        return found

    async def ask_who_is(self, place: DevicePlace) -> datagrams.IAm:
        """Ask which device is at a place.  Raises NoReply if none announces itself, or LinkLost."""
        await self._host(place)
        found = await self._find_device(0, INSTANCE_WILDCARD, self.find_router(place))
        if found is None:
            raise NoReply(f"{place} does not say which instance it is")
        return found

    async def _find_device(
        self, low: int, high: int, place: DevicePlace | None, times: int = _WHO_IS_COUNT
    ) -> datagrams.IAm | None:
        await self._ready()
        library = await self.library()
        found: asyncio.Future[datagrams.IAm] = asyncio.get_running_loop().create_future()

        def listen(said: datagrams.IAm) -> None:
            fits = low <= said.instance <= high and place in (None, said.place)
            if fits and not found.done():
                found.set_result(said)

        end = self.on_i_am(listen)
        try:
            for _ in range(times):
                await library.who_is(low, high, place)
                done, _ = await asyncio.wait((found,), timeout=_WHO_IS_S)
                if done:
                    return found.result()
        finally:
            end()
        return None

    # Notifications

    def follow(self, hear_change: Callable[[CovNotification], None]) -> int:
        """Return a new process ID for subscriptions; its notifications go to ``hear_change``."""
        number = self._next_process
        self._next_process += 1
        self._followers[number] = hear_change
        return number

    def unfollow(self, number: int) -> None:
        """Stop passing on notifications of this process ID."""
        self._followers.pop(number, None)

    # What comes

    def _take(self, data: bytes, host: Host, is_broadcast: bool) -> None:  # noqa: FBT001 - a callback's argument
        heard = hear(data)
        if heard is not None:
            pdu, number, service, at, source, origin = heard
            host = _parse_origin(origin) if origin else host
            if source:
                self._routers[int.from_bytes(source[:2], "big")] = host
            if pdu in ANSWER_TYPES and self._waiters.settle(host, source, number, (data, heard)):
                return
            if pdu == UNCONFIRMED and service == datagrams.UNCONFIRMED_COV_NOTIFICATION:
                self._pass_notification(data, heard)
                return
            if pdu == CONFIRMED and service == datagrams.COV_NOTIFICATION:
                self._answer_notification(data, heard, host)
                return
            if pdu == UNCONFIRMED and service == datagrams.I_AM_SERVICE:
                self._note_i_am(data, at, host, source)
        elif len(data) < 4 or data[0] != _BVLC:
            self.count("rubbish_count")
            return
        self._pass_to_library(data, heard, host, is_broadcast=is_broadcast)

    def _pass_to_library(self, data: bytes, heard: Heard | None, host: Host, *, is_broadcast: bool) -> None:
        """Pass a datagram that is not for the line to the library, unless it would take too long there."""
        if heard is not None and is_too_long(heard, len(data)):
            if self.bus.device_id is not None:
                self._answer(datagrams.make_abort(heard[1], _TOO_LONG, heard[4]), host)
        elif self._library is not None and is_for_library(heard, len(data)):
            self._library.take(data, host, is_broadcast=is_broadcast)

    def _pass_notification(self, data: bytes, heard: Heard) -> bool:
        notice = notice_of(data, heard[3])
        follower = None if notice is None else self._followers.get(notice[0])
        if notice is None or follower is None:
            return False
        self.count("notifications_count")
        follower(CovNotification(notice[1], notice[2], data, heard))
        return True

    def _answer_notification(self, data: bytes, heard: Heard, host: Host) -> None:
        """Acknowledge a confirmed notification, or refuse it if its subscription is no longer ours.

        A refusal ends the subscription.
        """
        _, number, _, _, source, _ = heard
        if self._pass_notification(data, heard):
            answer = datagrams.make_acknowledgement(number, datagrams.COV_NOTIFICATION, source)
        else:
            answer = datagrams.make_refusal(
                number, datagrams.COV_NOTIFICATION, *_UNKNOWN_SUBSCRIPTION, source
            )
        self._answer(answer, host)

    def _answer(self, data: bytes, host: Host) -> None:
        try:
            self._port.send(data, host)
        except LinkLost as error:
            self._fail_line(str(error))

    def _note_i_am(self, data: bytes, at: int, host: Host, source: bytes) -> None:
        said = datagrams.parse_i_am(data, at, host, source)
        if said is None:
            self.count("rubbish_count")
            return
        for listen in tuple(self._listeners):
            listen(said)

    def _fail_line(self, why: str) -> None:
        self._waiters.fail(LinkLost(why))
        self.fail(LinkLost(why))


def _time_out(waiter: "asyncio.Future[Answer]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def _parse_origin(octets: bytes) -> Host:
    return ".".join(map(str, octets[:4])), int.from_bytes(octets[4:6], "big")
