"""Reads all data of one M-Bus meter, by primary or secondary address; a pure conversation.

EN 13757-2:2018 clause 5 and EN 13757-7:2018 clause 8: a link reset or a selection, then REQ_UD2 with an
alternating frame count bit, until the meter announces no further telegram.
"""

from collections.abc import Generator
from dataclasses import dataclass, field

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.meter.mbus.header import AddressMask
from quartier_drivers.meter.mbus.link_layer import (
    FCB,
    NETWORK,
    REQ_UD2,
    RESET,
    SELECT,
    SND_NKE,
    SND_UD,
    AnswerKind,
    ExchangeSteps,
    LineAnswer,
    LineTiming,
    exchange_request,
    make_long_frame,
    make_short_frame,
)
from quartier_drivers.meter.mbus.push_decoder import MbusAnswer, UnreadableTelegram, parse_answer
from quartier_drivers.meter.telegrams import Group, LineRequest, Telegram, TelegramConversation

_PRIMARY_MAX = 250


@dataclass(slots=True)
class MbusReader:
    """Reads one meter on a line: see ``telegrams.MeterReader``.

    ``mask`` is its secondary address, or None if ``primary`` (0..250, 254 for a meter alone) is polled.
    ``resets``: whether the link is reset before a reading, which also makes a meter begin with its first
    telegram; ``application`` is the subcode of an application reset, after which some send other telegrams.
    """

    primary: int
    mask: AddressMask | None
    timing: LineTiming
    retries_count: int = 2
    telegrams_max: int = 16
    resets: bool = True
    application: int = -1
    key: bytes = field(default=b"", repr=False)
    _bit: int = FCB
    _is_settled: bool = False

    @property
    def _name(self) -> str:
        return f"meter {self.mask}" if self.mask else f"meter {self.primary}"

    @property
    def _at(self) -> int:
        return NETWORK if self.mask else self.primary

    def read(self) -> TelegramConversation:
        """Return one complete reading, as one telegram.  Raises NoReply, or Refused if the meter refuses."""
        is_settled, self._is_settled = self._is_settled, False
        yield from self._begin(is_settled=is_settled)
        answers: list[MbusAnswer] = []
        groups: list[Group] = []
        while len(answers) < self.telegrams_max:
            records_count = sum(group.label != "status" for group in groups)
            answer = yield from self._answer(records_count)
            self._bit ^= FCB
            if any(answer.body == other.body for other in answers):
                break  # it has begun anew, or never says anything else
            answers.append(answer)
            groups += answer.groups
            if not answer.is_continued:
                break
        self._is_settled = True
        return [Telegram(answers[0].header.serial, tuple(_drop_repeated(groups)))]

    def _begin(self, *, is_settled: bool) -> Generator[LineRequest, bytes, None]:
        if self.mask is not None or self.resets:
            self._bit = FCB
        if self.mask is not None:
            if not is_settled:
                # A selection ends the one before; a meter that missed it still listens, and would answer too.
                yield from exchange_request(make_short_frame(SND_NKE, NETWORK), self.timing)
            answer = yield from self._exchange_with_retries(
                make_long_frame(SND_UD, NETWORK, SELECT, self.mask.wire)
            )
            if answer.kind is AnswerKind.SILENCE:
                raise NoReply(f"{self._name} does not answer to its selection")
        elif self.resets:
            # Some meters do not acknowledge it but are present: their data then counts.
            yield from exchange_request(make_short_frame(SND_NKE, self.primary), self.timing)
        if self.application >= 0:
            yield from self._exchange_with_retries(
                make_long_frame(SND_UD | self._bit, self._at, RESET, bytes((self.application,)))
            )
            self._bit ^= FCB

    def _exchange_with_retries(self, request: bytes) -> ExchangeSteps:
        answer = yield from exchange_request(request, self.timing)
        for _ in range(self.retries_count):
            if answer.kind is not AnswerKind.SILENCE:
                break
            answer = yield from exchange_request(request, self.timing)
        return answer

    def _answer(self, first: int) -> Generator[LineRequest, bytes, MbusAnswer]:
        """Return the answer to one request; repeat it while it is missing, damaged, or the meter is busy."""
        why: NoReply | Refused = NoReply(f"{self._name} is silent")
        for attempt in range(self.retries_count + 1):
            if attempt and isinstance(why, Refused):
                yield LineRequest(wait_s=self.timing.busy_s)
            answer = yield from exchange_request(make_short_frame(REQ_UD2 | self._bit, self._at), self.timing)
            try:
                return self._check_answer(answer, first)
            except (NoReply, Refused) as reason:
                why = reason
        raise why

    def _check_answer(self, heard: LineAnswer, first: int) -> MbusAnswer:
        """Return the answer; raise NoReply (ask again) or Refused (busy, or another error of the meter)."""
        if heard.kind is AnswerKind.SILENCE:
            raise NoReply(f"{self._name} is silent")
        if heard.kind is AnswerKind.ACKNOWLEDGED:
            raise NoReply(f"{self._name} has no data to give")
        if heard.frame is None:
            raise NoReply(f"{self._name} answered noise ({len(heard.data)} bytes), or several meters did")
        try:
            answer = parse_answer(heard.frame, self.key, first)
        except UnreadableTelegram as reason:
            raise NoReply(f"{self._name}: {reason}") from reason
        self._check_who(answer)
        if answer.failure_code >= 0:
            raise Refused(f"{self._name}: {answer.failure}")
        return answer

    def _check_who(self, answer: MbusAnswer) -> None:
        """Refuse an answer of another meter, however good its checksum.  Raises NoReply."""
        if self.mask is not None and answer.header.identity and not self.mask.fits(answer.header.identity):
            raise NoReply(f"{self._name}: meter {answer.header.secondary} answered instead")
        if self.mask is None and self.primary <= _PRIMARY_MAX and answer.address != self.primary:
            raise NoReply(f"{self._name}: address {answer.address} answered instead")


def _drop_repeated(groups: list[Group]) -> list[Group]:
    """Keep only the last state: each telegram contains it."""
    last = max((at for at, group in enumerate(groups) if group.label == "status"), default=-1)
    return [group for at, group in enumerate(groups) if group.label != "status" or at == last]
