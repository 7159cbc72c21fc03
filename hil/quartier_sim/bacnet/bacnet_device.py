"""A simulated BACnet device: its objects, its faults, its notifications."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.encoding import OBJECT_TYPES
from quartier_sim.bacnet.objects import BacnetObject, P, PropertyValue
from quartier_sim.bacnet.services import Capabilities, RequestHandler, Subscription
from quartier_sim.devices.simulated_device import SILENCE, Device, Reply

VENDOR = 999  # reserved for examples: no maker's
_VENDOR_NAME = "Quartier rig"
_APDU_TIMEOUT_MS, _RETRIES_COUNT, _REVISION = 3000, 3, 22
EPOCH = datetime(2026, 1, 1)  # noqa: DTZ001 - a device's local time
# Bits of BACnetServicesSupported and BACnetObjectTypesSupported (clause 21).
_SERVICES_COUNT, _OBJECT_TYPES_COUNT = 49, 65
_WHO_IS_BIT = 34


class DeviceObject(BacnetObject):
    """The Device object (12.11): what its device is and can do."""

    def __init__(self, instance: int, name: str, model: str, habits: Capabilities) -> None:
        super().__init__("device", instance, name)
        self._model = model
        self._habits = habits
        self.listed: Callable[[], Iterable[tuple[int, int]]] = tuple
        self.clock: Callable[[], datetime] = lambda: EPOCH

    def _table(self) -> Mapping[int, Callable[[], PropertyValue]]:
        services = [number in _list_services(self._habits) for number in range(_SERVICES_COUNT)]
        types = [number in OBJECT_TYPES.values() for number in range(_OBJECT_TYPES_COUNT)]
        whole = {
            "protocol-version": 1,
            "protocol-revision": _REVISION,
            "max-apdu-length-accepted": self._habits.apdu_max,
            "apdu-timeout": _APDU_TIMEOUT_MS,
            "number-of-apdu-retries": _RETRIES_COUNT,
            "vendor-identifier": VENDOR,
            "database-revision": 1,
        }
        words_of = {
            "vendor-name": _VENDOR_NAME,
            "model-name": self._model,
            "firmware-revision": "1.0",
            "application-software-version": "1.0",
            "serial-number": f"RIG{self.key[1]}",
        }
        table: dict[int, Callable[[], PropertyValue]] = {
            P["object-identifier"]: lambda: encoding.encode_identifier(*self.key),
            P["object-name"]: lambda: encoding.encode_text(self.name),
            P["object-type"]: lambda: encoding.encode_enumerated(self.key[0]),
            P["system-status"]: lambda: encoding.encode_enumerated(0),
            P["segmentation-supported"]: lambda: encoding.encode_enumerated(encoding.SEGMENTED_NEITHER),
            P["object-list"]: lambda: [encoding.encode_identifier(*key) for key in self.listed()],
            P["device-address-binding"]: list,
            P["local-date"]: lambda: _encode_date(self.clock()),
            P["local-time"]: lambda: _encode_time(self.clock()),
            P["protocol-services-supported"]: lambda: encoding.encode_bits(services),
            P["protocol-object-types-supported"]: lambda: encoding.encode_bits(types),
        }
        table |= {P[name]: partial(encoding.encode_unsigned, value) for name, value in whole.items()}
        return table | {P[name]: partial(encoding.encode_text, value) for name, value in words_of.items()}


def _encode_date(now: datetime) -> bytes:
    """Year from 1900, month, day, day of the week from Monday (20.2.12)."""
    return encoding.encode_tagged(
        encoding.DATE, bytes((now.year - 1900, now.month, now.day, now.isoweekday()))
    )


def _encode_time(now: datetime) -> bytes:
    """Hour, minute, second, hundredth (20.2.13)."""
    return encoding.encode_tagged(
        encoding.TIME, bytes((now.hour, now.minute, now.second, now.microsecond // 10_000))
    )


def _list_services(habits: Capabilities) -> set[int]:
    """The numbers of the confirmed services are their bits."""
    found = {encoding.READ_PROPERTY, encoding.WRITE_PROPERTY, _WHO_IS_BIT}
    found |= {encoding.READ_PROPERTY_MULTIPLE} if habits.reads_multiple else set()
    return found | ({encoding.SUBSCRIBE_COV} if habits.sends_cov else set())


class BacnetDevice(Device):
    """Base of the simulated BACnet devices; ``instance`` is its number in the building.

    ``epoch`` is its local time at second 0 of the plant.
    """

    model = "station"

    def __init__(
        self,
        instance: int,
        things: Iterable[BacnetObject],
        *,
        name: str = "",
        habits: Capabilities | None = None,
        seed: int = 0,
        epoch: datetime = EPOCH,
    ) -> None:
        super().__init__(seed)
        self.instance = instance
        self.epoch = epoch
        habits = habits or Capabilities()
        self.itself = DeviceObject(instance, name or f"{self.model} {instance}", self.model, habits)
        self.things: dict[tuple[int, int], BacnetObject] = {self.itself.key: self.itself}
        self.things |= {one.key: one for one in things}
        self.itself.listed = lambda: self.things
        self.itself.clock = lambda: self.local_time
        self.service = RequestHandler(self.things, instance, habits)
        self.notifications_count = 0
        self.listeners: list[Callable[[], None]] = []

    # -- the plant's side --------------------------------------------------------------------

    @property
    def local_time(self) -> datetime:
        """The local time of its clock."""
        return self.epoch + timedelta(seconds=self.now_s)

    def publish(self, values: Mapping[str, float]) -> None:
        """Show the plant's values, as every device does, and notify subscribers of changes."""
        super().publish(values)
        self._tell()

    def tick(self, now_s: float) -> None:
        """Advance the time, as every device does, and notify subscribers of changes by its timers."""
        super().tick(now_s)
        self._tell()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()

    @abstractmethod
    def show(self, values: Mapping[str, float]) -> None:
        """Put values into objects."""

    def expire(self) -> None:
        """Let least times run out."""
        for one in self.things.values():
            one.expire(self.now_s)

    def forget(self) -> None:
        """A loss of power: no order and no subscription is left."""
        for one in self.things.values():
            one.forget()
        self.service.subscriptions.clear()

    # -- the wire's side ---------------------------------------------------------------------

    @property
    def i_am(self) -> bytes:
        """The I-Am request of the device (16.10.2)."""
        parts = (
            encoding.encode_identifier(*self.itself.key),
            encoding.encode_unsigned(self.service.habits.apdu_max),
            encoding.encode_enumerated(encoding.SEGMENTED_NEITHER),
            encoding.encode_unsigned(VENDOR),
        )
        return bytes([encoding.UNCONFIRMED << 4, encoding.I_AM]) + encoding.join_values(parts)

    def answer_unconfirmed(self, apdu: bytes) -> bytes | None:
        """Return the answer to an unconfirmed request: I-Am where a Who-Is means this device, else None."""
        if (
            self.is_deaf
            or apdu[:1] != bytes([encoding.UNCONFIRMED << 4])
            or apdu[1:2] != bytes([encoding.WHO_IS])
        ):
            return None
        try:
            bounds = [one.unsigned for one in encoding.parse_tags(apdu[2:]) if one.context]
        except ValueError:
            return None
        is_meant = not bounds or (len(bounds) == 2 and bounds[0] <= self.instance <= bounds[1])
        return self.i_am if is_meant else None

    def answer_confirmed(self, apdu: bytes, client: object) -> Reply:
        """Return the result of a confirmed request of ``client``, faults included."""
        self._requests_count += 1
        if self.is_deaf:
            return SILENCE
        answered = self.service.answer(apdu, client, self.now_s)
        self.writes_count = self.service.writes_count
        silent, late, slow = (self.faults.get(kind) for kind in ("silent", "late", "slow"))
        if answered is None or silent is not None:
            return SILENCE
        if "garbage" in self.faults:
            return self._build_garbage(answered)
        if late is not None and self._requests_count % late.every == 0:
            return Reply(answered, late.seconds, late=True)
        return Reply(answered, slow.seconds if slow is not None else 0.0)

    def news(self) -> Iterator[tuple[Subscription, bytes]]:
        """Yield changes with a subscription, each as its notification (13.1.2) without the APDU's head."""
        if self.is_deaf or "silent" in self.faults:
            return
        for one, thing in self.service.subscriptions.due(self.things, self.now_s):
            self.notifications_count += 1
            yield one, self._notified(one, thing)

    def _notified(self, one: Subscription, thing: BacnetObject) -> bytes:
        heads = (
            encoding.encode_tagged(0, encoding.encode_whole(one.client[1]), context=True),
            encoding.encode_tagged(1, encoding.pack_identifier(*self.itself.key), context=True),
            encoding.encode_tagged(2, encoding.pack_identifier(*thing.key), context=True),
            encoding.encode_tagged(3, encoding.encode_whole(one.left_s(self.now_s)), context=True),
        )
        values = (
            encoding.encode_tagged(0, encoding.encode_whole(P["present-value"]), context=True)
            + encoding.encode_wrapped(2, thing.present()),
            encoding.encode_tagged(0, encoding.encode_whole(P["status-flags"]), context=True)
            + encoding.encode_wrapped(2, thing.status_flags),
        )
        return encoding.join_values(heads) + encoding.encode_wrapped(4, encoding.join_values(values))

    def _build_garbage(self, answered: bytes) -> Reply:
        """In turn: no packet at all, an answer with a broken body, an answer to a question of another's."""
        turn = self._requests_count % 3
        body = self._random.randbytes(max(4, len(answered) - 3))
        if turn == 0:
            return Reply(body, noise=True)
        invoke = answered[1] if turn == 1 else answered[1] ^ 0x55
        return Reply(bytes([encoding.COMPLEX_ACK << 4, invoke, encoding.READ_PROPERTY]) + body)
