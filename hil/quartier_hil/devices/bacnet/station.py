"""A simulated BACnet device: its objects, its faults, its notifications."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial

from quartier_hil.devices.actor import SILENCE, Device, Reply
from quartier_hil.devices.bacnet import tags, words
from quartier_hil.devices.bacnet.service import Habits, Service
from quartier_hil.devices.bacnet.subscriptions import Subscription
from quartier_hil.devices.bacnet.thing import P, Thing, Value
from quartier_hil.devices.bacnet.words import OBJECTS

VENDOR = 999  # reserved for examples: no maker's
_VENDOR_NAME = "Quartier rig"
_APDU_TIMEOUT_MS, _RETRIES_COUNT, _REVISION = 3000, 3, 22
EPOCH = datetime(2026, 1, 1)  # noqa: DTZ001 - a device's local time
# Bits of BACnetServicesSupported and BACnetObjectTypesSupported (clause 21).
_SERVICES_COUNT, _OBJECT_TYPES_COUNT = 49, 65
_WHO_IS_BIT = 34


class DeviceThing(Thing):
    """The Device object (12.11): what its device is and can do."""

    def __init__(self, instance: int, name: str, model: str, habits: Habits) -> None:
        super().__init__("device", instance, name)
        self._model = model
        self._habits = habits
        self.listed: Callable[[], Iterable[tuple[int, int]]] = tuple
        self.clock: Callable[[], datetime] = lambda: EPOCH

    def _table(self) -> Mapping[int, Callable[[], Value]]:
        services = [number in _services(self._habits) for number in range(_SERVICES_COUNT)]
        types = [number in OBJECTS.values() for number in range(_OBJECT_TYPES_COUNT)]
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
        table: dict[int, Callable[[], Value]] = {
            P["object-identifier"]: lambda: tags.identifier(*self.key),
            P["object-name"]: lambda: tags.text(self.name),
            P["object-type"]: lambda: tags.enumerated(self.key[0]),
            P["system-status"]: lambda: tags.enumerated(0),
            P["segmentation-supported"]: lambda: tags.enumerated(words.SEGMENTED_NEITHER),
            P["object-list"]: lambda: [tags.identifier(*key) for key in self.listed()],
            P["device-address-binding"]: list,
            P["local-date"]: lambda: _date(self.clock()),
            P["local-time"]: lambda: _time(self.clock()),
            P["protocol-services-supported"]: lambda: tags.bits(services),
            P["protocol-object-types-supported"]: lambda: tags.bits(types),
        }
        table |= {P[name]: partial(tags.unsigned, value) for name, value in whole.items()}
        return table | {P[name]: partial(tags.text, value) for name, value in words_of.items()}


def _date(now: datetime) -> bytes:
    """Year from 1900, month, day, day of the week from Monday (20.2.12)."""
    return tags.tagged(tags.DATE, bytes((now.year - 1900, now.month, now.day, now.isoweekday())))


def _time(now: datetime) -> bytes:
    """Hour, minute, second, hundredth (20.2.13)."""
    return tags.tagged(tags.TIME, bytes((now.hour, now.minute, now.second, now.microsecond // 10_000)))


def _services(habits: Habits) -> set[int]:
    """The numbers of the confirmed services are their bits."""
    found = {words.READ, words.WRITE, _WHO_IS_BIT}
    found |= {words.READ_MULTIPLE} if habits.reads_multiple else set()
    return found | ({words.SUBSCRIBE_COV} if habits.tells_changes else set())


class Station(Device):
    """Base of the simulated BACnet devices; ``instance`` is its number in the building.

    ``epoch`` is its local time at second 0 of the plant.
    """

    model = "station"

    def __init__(
        self,
        instance: int,
        things: Iterable[Thing],
        *,
        name: str = "",
        habits: Habits | None = None,
        seed: int = 0,
        epoch: datetime = EPOCH,
    ) -> None:
        super().__init__(seed)
        self.instance = instance
        self.epoch = epoch
        habits = habits or Habits()
        self.itself = DeviceThing(instance, name or f"{self.model} {instance}", self.model, habits)
        self.things: dict[tuple[int, int], Thing] = {self.itself.key: self.itself}
        self.things |= {one.key: one for one in things}
        self.itself.listed = lambda: self.things
        self.itself.clock = lambda: self.local_time
        self.service = Service(self.things, instance, habits)
        self.told_count = 0
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
            tags.identifier(*self.itself.key),
            tags.unsigned(self.service.habits.apdu_max),
            tags.enumerated(words.SEGMENTED_NEITHER),
            tags.unsigned(VENDOR),
        )
        return bytes([words.UNCONFIRMED << 4, words.I_AM]) + tags.joined(parts)

    def called(self, apdu: bytes) -> bytes | None:
        """Return the answer to an unconfirmed request: I-Am where a Who-Is means this device, else None."""
        if self.is_deaf or apdu[:1] != bytes([words.UNCONFIRMED << 4]) or apdu[1:2] != bytes([words.WHO_IS]):
            return None
        try:
            bounds = [one.unsigned for one in tags.read(apdu[2:]) if one.context]
        except ValueError:
            return None
        is_meant = not bounds or (len(bounds) == 2 and bounds[0] <= self.instance <= bounds[1])
        return self.i_am if is_meant else None

    def asked(self, apdu: bytes, client: object) -> Reply:
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
            return self._nonsense(answered)
        if late is not None and self._requests_count % late.every == 0:
            return Reply(answered, late.seconds, late=True)
        return Reply(answered, slow.seconds if slow is not None else 0.0)

    def news(self) -> Iterator[tuple[Subscription, bytes]]:
        """Yield changes with a subscription, each as its notification (13.1.2) without the APDU's head."""
        if self.is_deaf or "silent" in self.faults:
            return
        for one, thing in self.service.subscriptions.due(self.things, self.now_s):
            self.told_count += 1
            yield one, self._notified(one, thing)

    def _notified(self, one: Subscription, thing: Thing) -> bytes:
        heads = (
            tags.tagged(0, tags.whole(one.client[1]), context=True),
            tags.tagged(1, tags.packed(*self.itself.key), context=True),
            tags.tagged(2, tags.packed(*thing.key), context=True),
            tags.tagged(3, tags.whole(one.left_s(self.now_s)), context=True),
        )
        values = (
            tags.tagged(0, tags.whole(P["present-value"]), context=True) + tags.wrapped(2, thing.present()),
            tags.tagged(0, tags.whole(P["status-flags"]), context=True) + tags.wrapped(2, thing.status_flags),
        )
        return tags.joined(heads) + tags.wrapped(4, tags.joined(values))

    def _nonsense(self, answered: bytes) -> Reply:
        """In turn: no packet at all, an answer with a broken body, an answer to a question of another's."""
        turn = self._requests_count % 3
        body = self._random.randbytes(max(4, len(answered) - 3))
        if turn == 0:
            return Reply(body, noise=True)
        invoke = answered[1] if turn == 1 else answered[1] ^ 0x55
        return Reply(bytes([words.COMPLEX_ACK << 4, invoke, words.READ]) + body)
