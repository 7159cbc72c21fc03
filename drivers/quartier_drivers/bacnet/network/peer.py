"""One BACnet device as its client sees it: its place, its limits, its identity, and requests to it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from quartier_drivers.bacnet.address import INSTANCE_WILDCARD, DevicePlace, parse_place
from quartier_drivers.bacnet.codec import datagrams
from quartier_drivers.bacnet.codec.answers import PreparedRead, ReadAnswer, check_acknowledged
from quartier_drivers.bacnet.codec.application_data import Element, ObjectId
from quartier_drivers.bacnet.codec.datagrams import IAm
from quartier_drivers.bacnet.codec.device_errors import DeviceRefused
from quartier_drivers.bacnet.network.line import BacnetLine
from quartier_drivers.bacnet.network.property_reads import pack_refs, split_refs
from quartier_drivers.bacnet.standard_names import OBJECT_TYPES, PROPERTIES
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.errors import NoReply
from quartier_native.bacnet import DENIED, MISSING, Ref

_DEVICE = OBJECT_TYPES["device"]
# Until a device states more: every device accepts that much (clause 20.1.2.5).
APDU_MIN = 50
_IDENTITY_PROPERTIES = {
    "maker": "vendor-name",
    "model": "model-name",
    "firmware": "firmware-revision",
    "serial": "serial-number",
}
# BACnetServicesSupported (clause 21): the bit of ReadPropertyMultiple.
_MULTIPLE_BIT = 14

DeviceElements = Mapping[Ref, tuple[Element, ...]]


@dataclass(slots=True)
class DeviceLimits:
    """The limits of a device: octets of an APDU, properties per request, and whether several are possible."""

    apdu_max: int = APDU_MIN
    properties_max: int = 100
    multiple: bool = True


class BacnetDevice:
    """Requests to one device.

    ``place`` is None until the device was found; while it ``is_silent`` a read only probes.
    """

    def __init__(
        self, line: BacnetLine, device: DeviceSpec, bears: DeviceLimits, apdu_most: int | None = None
    ) -> None:
        self.place: DevicePlace | None = parse_place(device.address) if device.address else None
        self.instance = INSTANCE_WILDCARD if device.address else device.unit
        self.capabilities = bears
        self.is_silent = False
        self._line = line
        self._device = device
        self._most = apdu_most or datagrams.APDU_MAX

    @property
    def name(self) -> str:
        """Its name in the site."""
        return self._device.name

    @property
    def route(self) -> bytes:
        """The way to it behind a router; empty for a device of the network itself."""
        place = self.place
        return b"" if place is None else datagrams.make_route(place.network, place.mac)

    @property
    def trunk(self) -> str:
        """The network behind a router that it shares with others; empty if it is on ours or not found."""
        place = self.place
        return "" if place is None or place.network is None else f"network {place.network}"

    @property
    def answer_max(self) -> int:
        """The longest answer that it can send and we accept, in octets."""
        return min(self.capabilities.apdu_max, self._most)

    def set_apdu_max(self, apdu_max: int) -> None:
        """Adopt the longest APDU that it stated to accept, in octets."""
        self.capabilities.apdu_max = max(APDU_MIN, min(apdu_max, datagrams.APDU_MAX))

    async def meet(self) -> Mapping[str, str]:
        """Find the device, read its identity and its limits.  Raises NoReply or LinkLost."""
        await self._locate()
        told = await self._introduce()
        head = [
            self.make_device_ref("max-apdu-length-accepted"),
            self.make_device_ref("protocol-services-supported"),
        ]
        said = await self._read_one_by_one(head)
        apdu = _find_first(said.get(head[0], ()))
        if isinstance(apdu, int):
            self.set_apdu_max(apdu)
        services = _find_first(said.get(head[1], ()))
        if isinstance(services, tuple) and len(services) > _MULTIPLE_BIT:
            self.capabilities.multiple = self.capabilities.multiple and services[_MULTIPLE_BIT] is True
        words = await self.read_properties(
            [self.make_device_ref(word) for word in _IDENTITY_PROPERTIES.values()]
        )
        texts = {
            key: _find_first(words.get(self.make_device_ref(word), ()))
            for key, word in _IDENTITY_PROPERTIES.items()
        }
        return told | {key: text for key, text in texts.items() if isinstance(text, str) and text}

    def note_failure(self, *, is_silent: bool) -> None:
        """Note that it did not answer, or the network is gone: its router or address may have changed."""
        self.is_silent = is_silent
        if self.place is not None and self.place.network is not None:
            self._line.forget_router(self.place.network)

    def make_device_ref(self, word: str) -> Ref:
        """Return a property of its device object."""
        return Ref(_DEVICE, self.instance, PROPERTIES[word])

    async def _locate(self) -> None:
        """Find its place by Who-Is if none is known.

        If the device is silent, also ask for it: it may have moved.
        """
        if self._device.address:
            return
        if self.place is None:
            # Asked once: a later I-Am is received all the same (``process_i_am``), without a wait for it.
            self.place = (await self._line.find(self._device.unit, times=1)).place
        elif self.is_silent:
            await self._line.call(self._device.unit)

    def process_i_am(self, i_am: IAm) -> bool:
        """Take an I-Am; return whether it is this device, perhaps at a new place."""
        if self._device.address:
            return i_am.instance == self.instance and i_am.place == self.place
        if i_am.instance != self._device.unit:
            return False
        self.place = i_am.place
        self.set_apdu_max(i_am.apdu_max)
        return True

    async def _introduce(self) -> dict[str, str]:
        """Find its instance by the wildcard that every device answers to (clause 12.11.1), else by Who-Is."""
        ref = self.make_device_ref("object-identifier")
        one = _find_first((await self._read_one_by_one([ref])).get(ref, ()))
        if isinstance(one, ObjectId) and one.object_type == _DEVICE:
            number = one.instance
        elif self._device.address:
            said = await self._line.ask_who_is(self._require_place())
            self.set_apdu_max(said.apdu_max)
            number = said.instance
        else:
            return {}
        if self._device.address:
            self.instance = number
        elif number != self._device.unit:
            raise NoReply(f"{self.place} is device {number}, and not {self._device.unit}")
        return {"instance": str(number)}

    async def read(self, read: PreparedRead) -> ReadAnswer:
        """Make one prepared read.  Raises DeviceRefused, NoReply (silent, garbled) or LinkLost."""
        data, heard = await self._line.exchange(self._require_place(), read.request, probes=self.is_silent)
        return read.take(data, heard)

    async def send(self, service: int, body: bytes, expires_ns: int | None = None) -> None:
        """Make a write or a subscription, once.  Raises DeviceRefused, NoReply, LinkLost or Expired."""
        request = datagrams.make_request(service, body, self.route)
        data, heard = await self._line.exchange(
            self._require_place(), request, writes=True, expires_ns=expires_ns
        )
        check_acknowledged(data, heard, service)

    def _require_place(self) -> DevicePlace:
        if self.place is None:
            raise NoReply(f"{self.name} has not been found yet")
        return self.place

    async def read_properties(self, refs: Sequence[Ref]) -> DeviceElements:
        """Return the values of properties, read in the fewest requests; unknown ones are left out.

        Raises NoReply or LinkLost.
        """
        if not self.capabilities.multiple:
            return await self._read_one_by_one(refs)
        found: dict[Ref, tuple[Element, ...]] = {}
        waiting = pack_refs(
            refs,
            request_max=self.capabilities.apdu_max,
            answer_max=self.answer_max,
            refs_max=self.capabilities.properties_max,
        )
        while waiting:
            pack = waiting.pop(0)
            try:
                answer = await self.read(PreparedRead(pack, self.route, answer_max=self._most, multiple=True))
            except DeviceRefused as denied:
                if denied.is_no_service:
                    self.capabilities.multiple = False
                    rest = [*pack, *(ref for other in waiting for ref in other)]
                    return found | dict(await self._read_one_by_one(rest))
                if len(pack) > 1:
                    waiting[:0] = split_refs(pack)
                else:
                    found |= await self._read_one_by_one(pack)
                continue
            found |= {
                ref: answer.elements(at)
                for at, ref in enumerate(pack)
                if answer.kinds[at] not in (DENIED, MISSING)
            }
        return found

    async def _read_one_by_one(self, refs: Iterable[Ref]) -> dict[Ref, tuple[Element, ...]]:
        found = {}
        for ref in refs:
            try:
                answer = await self.read(PreparedRead((ref,), self.route, answer_max=self._most))
            except DeviceRefused:
                continue
            if answer.kinds[0] not in (DENIED, MISSING):
                found[ref] = answer.elements(0)
        return found


def _find_first(found: Sequence[Element]) -> object:
    return found[0].value if found else None
