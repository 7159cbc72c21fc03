"""Polls a meter: associates, reads its objects and load curves, releases; pure conversations.

IEC 62056-5-3.  Each reading has its own association, so it does not matter if the meter lost an earlier one.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.meter.dlms import axdr, client_services, objects, values
from quartier_drivers.meter.dlms.axdr import AxdrReader, Item, MalformedData
from quartier_drivers.meter.dlms.ciphering import (
    AUTHENTICATED,
    CIPHERED_SERVICES,
    ENCRYPTED,
    GENERAL_GLO,
    ApduOpener,
    CipherKeys,
    DecryptionRefused,
    encrypt_service,
)
from quartier_drivers.meter.dlms.client_services import (
    HIGH_SECURITY_GMAC,
    LOW_SECURITY,
    NO_SECURITY,
    AnswerBlock,
    AssociationGrant,
    Attribute,
    AttributeResult,
    FailedAttribute,
    ServiceRefused,
)
from quartier_drivers.meter.dlms.link import ANSWER_MAX, MeterLink
from quartier_drivers.meter.dlms.objects import LoadCurve, WantedObject
from quartier_drivers.meter.telegrams import Conversation, Group, Telegram, TelegramConversation

PUBLIC_CLIENT = 16
_ASSOCIATION = (15, bytes([0, 0, 40, 0, 0, 255]))  # class, name
_REPLY_TO_HLS = 1
_CHALLENGE_MIN = 8  # IEC 62056-5-3, 7.3: 8 to 64 bytes
_COUNTER_MAX = 2**32 - 1
_BLOCKS_MAX = 4096
_ELSEWHERE = (4, 9)  # no such object, another class
_SERIALS = ("0-0:96.1.0", "0-0:42.0.0", "0-0:96.1.1")


@dataclass(frozen=True, slots=True)
class ClientAccess:
    """The identity and the security settings of a client.

    ``mechanism`` is NO_SECURITY, LOW_SECURITY (``secret`` is the password) or HIGH_SECURITY_GMAC.
    ``is_ciphered``: requests are encrypted and authenticated.  ``counter_name`` is the object with the last
    invocation counter, which every client may read.
    """

    client: int = PUBLIC_CLIENT
    mechanism: int = NO_SECURITY
    secret: bytes = field(default=b"", repr=False)
    keys: CipherKeys = field(default_factory=CipherKeys)
    title: bytes = b""
    is_ciphered: bool = False
    counter_name: bytes = b""


class DlmsClient:
    """Reads the ``wanted`` objects of one meter; keeps scalers, columns, classes, counters between readings.

    ``link`` makes the link of a client number, ``challenge`` makes random bytes.  The first reading reads
    ``rows`` of each load curve, later readings the rows after the last one.
    """

    def __init__(
        self,
        link: Callable[[int], MeterLink],
        access: ClientAccess,
        wanted: Sequence[WantedObject],
        challenge: Callable[[], bytes],
        rows: int = 96,
    ) -> None:
        self._make_link = link
        self._access = access
        self._wanted = list(wanted)
        self._challenge = challenge
        self._rows = rows
        self._opener = ApduOpener(access.keys)
        self._counter = 0 if not access.counter_name else -1
        self._kinds: dict[bytes, list[int]] = {each.name: list(each.kinds) for each in wanted}
        self._absent: set[bytes] = set()
        self._scalers: dict[bytes, Item | None] = {}
        self._curves: dict[bytes, LoadCurve] = {}
        self._last_row: dict[bytes, str] = {}
        self._is_listing = True
        self._link: MeterLink | None = None
        self._open_access = access
        self._grant = AssociationGrant(b"", b"", 0, client_services.PDU_MAX)

    def read(self) -> TelegramConversation:
        """Return the conversation of one complete reading; raises NoReply or Refused."""
        try:
            return (yield from self._reading())
        except (MalformedData, DecryptionRefused) as error:
            yield from self._close()
            raise NoReply(f"an answer that makes no sense: {error}") from error
        except ServiceRefused as error:
            yield from self._close()
            raise Refused(str(error)) from error

    def _reading(self) -> TelegramConversation:
        if self._counter < 0:
            self._counter = (yield from self._read_counter()) + 1
        yield from self._open(self._access)
        stated = yield from self._objects()
        meter = _find_serial(stated)
        rows: list[Telegram] = []
        for each in self._wanted:
            if each.is_curve:
                with suppress(ServiceRefused):  # then this meter has none for us
                    rows += yield from self._curve(each.name, meter)
        yield from self._close()
        if not stated and not rows:
            raise Refused("the meter has none of what is wanted, or shows it to another client only")
        return [*rows, Telegram(meter, tuple(stated))] if stated else rows

    def _read_counter(self) -> Conversation[int]:
        """Read the last invocation counter that the meter has seen, as the public client."""
        assert self._access.counter_name
        yield from self._open(ClientAccess())
        result = (yield from self._get([Attribute(objects.DATA_CLASS, self._access.counter_name)]))[0]
        yield from self._close()
        if isinstance(result, FailedAttribute) or not isinstance(result.value, int):
            raise Refused(f"the meter does not tell its invocation counter: {result}")
        return result.value

    def _open(self, access: ClientAccess) -> Conversation[None]:
        link = self._make_link(access.client)
        yield from link.connect()
        self._link, self._open_access = link, access
        secret = access.secret if access.mechanism == LOW_SECURITY else self._challenge()
        keys = access.keys if access.is_ciphered else None
        title = access.title if access.is_ciphered or access.mechanism == HIGH_SECURITY_GMAC else b""
        counter = self._next_counter() if keys else 0
        aarq = client_services.make_associate_request(
            access.mechanism,
            secret,
            title=title,
            keys=keys,
            control=AUTHENTICATED | ENCRYPTED,
            counter=counter,
        )
        self._grant = client_services.parse_grant((yield from link.exchange(aarq)), self._opener)
        if access.mechanism == HIGH_SECURITY_GMAC:
            yield from self._prove(access, secret)

    def _prove(self, access: ClientAccess, challenge: bytes) -> Conversation[None]:
        """Make passes three and four: answer the meter's challenge, and check its answer to ours."""
        if len(self._grant.challenge) < _CHALLENGE_MIN:
            raise Refused("the meter's challenge is too short to prove anything")
        if access.title == self._grant.title or challenge == self._grant.challenge:
            # Otherwise our own proof, sent back, would be accepted as the meter's.
            raise Refused("the meter gives our own title or challenge for its own")
        answer = client_services.make_proof(
            access.keys, access.title, self._next_counter(), self._grant.challenge
        )
        request = client_services.make_action(*_ASSOCIATION, _REPLY_TO_HLS, Item(axdr.OCTETS, answer))
        given = client_services.parse_action_answer((yield from self._exchange(request)))
        if given is None or not client_services.is_proof_valid(
            access.keys, self._grant.title, given.octets, challenge
        ):
            raise Refused("the meter does not prove that it has our keys")

    def _close(self) -> Conversation[None]:
        if self._link is not None:
            yield from self._link.disconnect()

    def _exchange(self, apdu: bytes) -> Conversation[bytes]:
        assert self._link is not None
        access = self._open_access
        if not access.is_ciphered:
            return (yield from self._link.exchange(apdu))
        control = AUTHENTICATED | ENCRYPTED
        sent = encrypt_service(access.keys, access.title, control, self._next_counter(), apdu)
        answer = yield from self._link.exchange(sent)
        if answer[:1] and answer[0] in (*CIPHERED_SERVICES, GENERAL_GLO):
            opened = (
                self._opener.open(answer)
                if answer[0] == GENERAL_GLO
                else self._opener.unseal(AxdrReader(answer, 1).string(), self._grant.title)
            )
            self._opener.keep(opened)
            return opened.apdu
        if answer[:1] in (b"\xd8", b"\x0e"):
            return answer  # a meter that cannot decipher the request reports this in clear
        raise DecryptionRefused("an answer in clear to a ciphered request")

    def _next_counter(self) -> int:
        if not 0 <= self._counter <= _COUNTER_MAX:
            raise Refused("our invocation counter is used up: the meter needs another key")
        self._counter += 1
        return self._counter - 1

    def _get(self, asked: Sequence[Attribute]) -> Conversation[list[AttributeResult]]:
        """Read some attributes, in as few requests as the meter allows."""
        results: list[AttributeResult] = []
        at = 0
        while at < len(asked):
            is_listing = self._is_listing and self._grant.is_listing and len(asked) - at > 1
            count = (
                min(client_services.LIST_MAX, max((self._grant.pdu_max - 64) // 11, 1)) if is_listing else 1
            )
            part = asked[at : at + count]
            try:
                found = yield from self._get_attributes(part)
            except ServiceRefused:
                if len(part) == 1:
                    raise
                self._is_listing = False
                continue
            if len(found) != len(part):
                raise MalformedData(f"{len(found)} results for {len(part)} attributes")
            results += found
            at += len(part)
        return results

    def _get_attributes(self, asked: Sequence[Attribute]) -> Conversation[list[AttributeResult]]:
        answer = client_services.parse_get_answer(
            (yield from self._exchange(client_services.make_get(asked)))
        )
        if isinstance(answer, list):
            return answer
        data = bytearray()
        for number in range(1, _BLOCKS_MAX):
            if not isinstance(answer, AnswerBlock) or answer.number != number:
                raise MalformedData(f"another block than {number}")
            data += answer.data
            if len(data) > ANSWER_MAX:
                raise MalformedData(f"an answer of more than {ANSWER_MAX} bytes")
            if answer.is_last:
                return client_services.parse_joined_blocks(bytes(data), len(asked))
            answer = client_services.parse_get_answer(
                (yield from self._exchange(client_services.make_get_next(number)))
            )
        raise MalformedData(f"an answer of more than {_BLOCKS_MAX} blocks")

    def _objects(self) -> Conversation[list[Group]]:
        """Read all wanted objects except load curves.

        One of another class than expected is requested once more.
        """
        names = [each.name for each in self._wanted if not each.is_curve and each.name not in self._absent]
        values: dict[bytes, dict[int, Item]] = {}
        left = names
        while left:
            asked = [
                Attribute(self._kinds[name][0], name, number)
                for name in left
                for number in objects.list_attributes(self._kinds[name][0])
            ]
            results = yield from self._get(asked)
            again = []
            for attribute, result in zip(asked, results, strict=True):
                if isinstance(result, Item):
                    values.setdefault(attribute.name, {})[attribute.number] = result
                elif attribute.number == objects.VALUE_ATTRIBUTE and self._is_elsewhere(
                    attribute.name, result
                ):
                    again.append(attribute.name)
            left = again
        scaled = [
            (name, objects.SCALER_ATTRIBUTES[self._kinds[name][0]])
            for name in values
            if self._kinds[name][0] in objects.SCALER_ATTRIBUTES
        ]
        yield from self._learn([Attribute(self._kinds[name][0], name, number) for name, number in scaled])
        return [
            group
            for name in names
            if objects.VALUE_ATTRIBUTE in values.get(name, {})
            for group in objects.make_object_groups(
                name, self._kinds[name][0], values[name], self._scalers.get(name)
            )
        ]

    def _is_elsewhere(self, name: bytes, result: FailedAttribute) -> bool:
        """Return whether an object may be of another class; it is then requested as the next class."""
        if result.code not in _ELSEWHERE:
            return False
        if len(self._kinds[name]) == 1:
            self._absent.add(name)
            return False
        self._kinds[name].pop(0)
        return True

    def _learn(self, scalers: Sequence[Attribute]) -> Conversation[None]:
        """Read each scaler once."""
        new = [attribute for attribute in scalers if attribute.name not in self._scalers]
        results = (yield from self._get(new)) if new else []
        for attribute, result in zip(new, results, strict=True):
            self._scalers[attribute.name] = result if isinstance(result, Item) else None

    def _curve(self, name: bytes, meter: str) -> Conversation[list[Telegram]]:
        if name not in self._curves:
            numbers = (objects.CAPTURE_OBJECTS, objects.CAPTURE_PERIOD, objects.SORT_METHOD)
            captured, *rest = yield from self._get(
                [Attribute(objects.PROFILE_GENERIC_CLASS, name, number) for number in numbers]
            )
            if isinstance(captured, FailedAttribute):
                return []
            period, order = (item.value if isinstance(item, Item) else 0 for item in rest)
            is_newest_first = order == objects.NEWEST_FIRST
            seconds = period if isinstance(period, int) else 0
            self._curves[name] = LoadCurve(name, objects.parse_columns(captured), seconds, is_newest_first)
        found = self._curves[name]
        yield from self._learn([column.scaler for column in found.columns if column.scaler])
        after = self._last_row.get(name, "")
        selection = yield from self._selection(found, after)
        buffer = (
            yield from self._get(
                [Attribute(objects.PROFILE_GENERIC_CLASS, name, objects.VALUE_ATTRIBUTE, selection)]
            )
        )[0]
        if isinstance(buffer, FailedAttribute):
            return []
        made = objects.make_curve_telegrams(found, buffer, self._scalers, meter, after)
        if made and (time := made[-1].groups[0].time):
            self._last_row[name] = time
        return made

    def _selection(self, found: LoadCurve, after: str) -> Conversation[bytes]:
        """Select the rows after ``after`` by time, or the last rows by their numbers."""
        clock = found.clock
        if after and clock is not None:
            begin = values.encode_time(datetime.fromisoformat(after))
            return client_services.select_by_range(
                Attribute(clock.kind, clock.name, clock.attribute), begin, objects.END_OF_TIME
            )
        in_use = (
            yield from self._get(
                [Attribute(objects.PROFILE_GENERIC_CLASS, found.name, objects.ENTRIES_IN_USE)]
            )
        )[0]
        count = in_use.value if isinstance(in_use, Item) and isinstance(in_use.value, int) else 0
        if found.is_newest_first:
            return client_services.select_by_entry(1, self._rows)
        return client_services.select_by_entry(max(count - self._rows, 0) + 1)


def _find_serial(stated: Sequence[Group]) -> str:
    """Return the serial number: the first of the usual objects that was read, or an empty text."""
    texts = {group.label: str(group.value) for group in stated}
    return next((texts[label] for label in _SERIALS if texts.get(label)), "")
