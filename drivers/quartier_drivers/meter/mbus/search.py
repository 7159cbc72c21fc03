"""Finds all meters on an M-Bus line, by wild cards in secondary addresses and by primary addresses; pure.

EN 13757-7:2018, 8.5: all meters that match a selection with wild cards answer at the same time.  Anything
received then, E5 or noise, shows that somebody is there; a clean reading after it shows a single meter, else
the mask is narrowed digit by digit, at last by medium, version and maker.  Damage must not hide a meter: if a
mask surely has several and its parts show fewer, the silent parts are asked again.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace

from quartier_drivers.meter.mbus.header import ANY_ADDRESS, MEDIA, NUMBER_DIGITS, AddressMask
from quartier_drivers.meter.mbus.link_layer import (
    BROADCAST_ANSWERED,
    FCB,
    NETWORK,
    REQ_UD2,
    SELECT,
    SND_NKE,
    SND_UD,
    AnswerKind,
    LineAnswer,
    LineTiming,
    exchange_request,
    make_long_frame,
    make_short_frame,
)
from quartier_drivers.meter.mbus.push_decoder import MbusAnswer, UnreadableTelegram, parse_answer
from quartier_drivers.meter.telegrams import LineRequest

PRIMARY_ADDRESSES = range(251)
_DECIMAL, _HEX = "0123456789", "ABCDE"
# How often the silent digits of a mask are asked again if the mask surely has more than they showed.
_AGAIN_MAX = 2
# How often a meter that answered is asked for data: once if it may be several, else until noise cannot
# explain it.
_ASKS, _ASKS_ALONE = 2, 4
_KNOCKS_COUNT = 3
# Far more nested masks than lead to a meter; more addresses in a row than are shared by chance.
_FRUITLESS_MAX, _CROWD = 64, 16
_NEVER_QUIET = (
    "something answers whatever is asked: disturbance, a wrong speed, another master, the converter"
)
# If even the number is shared: values of the other bytes.
_BYTES = {
    7: tuple(MEDIA),
    6: tuple(range(255)),
    4: tuple(range(255)),
    5: tuple(range(128)),
}


@dataclass(frozen=True, slots=True)
class FoundMeter:
    """A meter that answers.  ``primary`` is None if only its secondary address reached it.

    ``secondary`` is empty if it has none; ``note`` is what a person should know.
    """

    primary: int | None
    secondary: str = ""
    serial: str = ""
    maker: str = ""
    medium: str = ""
    version: int = 0
    note: str = ""


@dataclass(slots=True)
class SearchResult:
    """The result of a search; ``notes`` are for people, ``asked_count`` is the number of requests."""

    found: list[FoundMeter] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked_count: int = 0


SearchProgress = Callable[[str, int], None]
"""Called before each request of the search: what is asked, how many were found so far."""
SearchStep = Generator[LineRequest, bytes, LineAnswer]
SearchSteps = Generator[LineRequest, bytes, None]


@dataclass(slots=True)
class MeterSearch:
    """One search on a line; ``survey`` grows while it runs, so that it may be stopped early.

    ``is_thorough``: each silence is asked a second time, and a mask that one meter answered is searched all
    the same, for others that it drowned out.
    """

    timing: LineTiming
    progress: SearchProgress
    is_thorough: bool = False
    survey: SearchResult = field(default_factory=SearchResult)
    _known: dict[str, int] = field(default_factory=dict)
    _barren_count: int = 0

    def secondary(self, mask: AddressMask = ANY_ADDRESS) -> SearchSteps:
        """Find all meters that match ``mask``."""
        yield from self._exchange(make_short_frame(SND_NKE, NETWORK))
        yield from self._search_mask(mask)
        yield from self._exchange(make_short_frame(SND_NKE, NETWORK))

    def has_any_meter(self) -> Generator[LineRequest, bytes, bool]:
        """Return whether anybody is on the line: one was found, or somebody answers a broadcast."""
        for _ in range(_KNOCKS_COUNT):
            if self.survey.found:
                break
            self.progress("everybody", 0)
            if (
                yield from self._exchange(make_short_frame(SND_NKE, BROADCAST_ANSWERED))
            ).kind is not AnswerKind.SILENCE:
                return True
        return bool(self.survey.found)

    def primary(self, addresses: Iterable[int] = PRIMARY_ADDRESSES) -> SearchSteps:
        """Find meters at these primary addresses."""
        for address in addresses:
            self.progress(f"address {address}", len(self.survey.found))
            heard = yield from self._knock(make_short_frame(SND_NKE, address))
            if heard.kind is AnswerKind.SILENCE:
                continue
            answer = yield from self._read_single(address, _ASKS_ALONE)
            if answer is not None:
                self._meet(answer, address)
            elif len(self._list_unnamed()) < _CROWD:
                self._note_several(address, heard.kind)
            else:
                self.survey.found = [one for one in self.survey.found if one.serial]
                self._note(_NEVER_QUIET)
                return

    def _search_mask(self, mask: AddressMask) -> Generator[LineRequest, bytes, int]:
        """Return the number of meters found under ``mask``, -1 if it is silent."""
        self.progress(f"secondary {mask}", len(self.survey.found))
        heard = yield from self._knock(make_long_frame(SND_UD, NETWORK, SELECT, mask.wire))
        if heard.kind is AnswerKind.SILENCE:
            return -1
        self._barren_count += 1
        if self._is_hopeless:
            self._note(_NEVER_QUIET)
            return 0
        numbered = "F" not in mask.text[:NUMBER_DIGITS]
        answer = None
        if numbered or heard.kind is AnswerKind.ACKNOWLEDGED:
            answer = yield from self._read_single(NETWORK, _ASKS_ALONE if numbered else _ASKS)
        is_alone = answer is not None and self._is_of(answer, mask)
        if answer is not None and is_alone:
            self._meet(answer, None)
            if not self.is_thorough or numbered:
                return 1
        parts = _split_mask(mask)
        if not parts:
            self._note(f"secondary {mask} answers, but cannot be read")
            return 0
        return (yield from self._search_parts(mask, parts, several=not is_alone))

    def _search_parts(
        self, mask: AddressMask, parts: Sequence[AddressMask], *, several: bool
    ) -> Generator[LineRequest, bytes, int]:
        """Search the parts of a mask that has a meter, or more than one if noise suggests it."""
        count, silent = yield from self._search_each(parts)
        if not several:
            return max(count, 1)
        digits = len(parts) == len(_DECIMAL)
        for _ in range(_AGAIN_MAX):
            if count >= (2 if digits else 1) or not silent or self._is_hopeless:
                break
            more, silent = yield from self._search_each(silent)
            count += more
        if count < 2 and (odd := _split_odd_mask(mask)):
            more, _ = yield from self._search_each(odd)
            count += more
        if not count and not self._is_hopeless:
            self._note(f"secondary {mask}: somebody answers, but none of its parts do: a disturbed line?")
        return count

    @property
    def _is_hopeless(self) -> bool:
        """Return whether too many answers contained no meter, so that the search ends."""
        return self._barren_count > _FRUITLESS_MAX

    def _search_each(
        self, parts: Sequence[AddressMask]
    ) -> Generator[LineRequest, bytes, tuple[int, list[AddressMask]]]:
        count, silent = 0, []
        for part in parts:
            if self._is_hopeless:
                break
            found = yield from self._search_mask(part)
            if found < 0:
                silent.append(part)
            count += max(found, 0)
        return count, silent

    def _is_of(self, answer: MbusAnswer, mask: AddressMask) -> bool:
        """Return whether the mask matches the meter.

        If not, it should not have answered and the mask is narrowed.
        """
        return not answer.header.identity or mask.fits(answer.header.identity)

    def _read_single(self, address: int, asks: int) -> Generator[LineRequest, bytes, MbusAnswer | None]:
        """Return the answer if a single meter is there and its answer is valid; else None."""
        for _ in range(asks):
            answer = yield from self._exchange(make_short_frame(REQ_UD2 | FCB, address))
            if answer.kind is AnswerKind.FRAME and answer.frame is not None:
                try:
                    return parse_answer(answer.frame)
                except UnreadableTelegram as reason:
                    self._note(f"{_render_address(address)}: {reason}")
                    return None
            if answer.kind is AnswerKind.NOISE and asks < _ASKS_ALONE:
                return None
        return None

    def _knock(self, request: bytes) -> SearchStep:
        """Send a request; repeat it on noise, which several meters repeat but a disturbance hardly.

        If thorough, repeat it on silence too.
        """
        answer = yield from self._exchange(request)
        if answer.kind is AnswerKind.NOISE or (answer.kind is AnswerKind.SILENCE and self.is_thorough):
            answer = yield from self._exchange(request)
        return answer

    def _exchange(self, request: bytes) -> SearchStep:
        self.survey.asked_count += 1
        return (yield from exchange_request(request, self.timing, to_the_end=True))

    def _meet(self, answer: MbusAnswer, primary: int | None) -> None:
        """Add a meter, or update a known one: a polled primary address is surer than a stated one."""
        self._barren_count = 0
        header, address = answer.header, primary
        if primary is None and answer.address in PRIMARY_ADDRESSES:
            address = answer.address
        note = answer.failure or ("encrypted: it needs a key" if answer.is_secret else "")
        maker, medium = header.maker, header.medium_text
        one = FoundMeter(address, header.secondary, header.serial, maker, medium, header.version, note)
        key = header.secondary or f"{header.serial} {address}"
        place = self._known.setdefault(key, len(self.survey.found))
        if place == len(self.survey.found):
            self.survey.found.append(one)
        elif primary is not None and self.survey.found[place].primary in (None, primary):
            self.survey.found[place] = one
        elif primary is not None:
            self.survey.found.append(replace(one, note="has the secondary address of another meter"))

    def _list_unnamed(self) -> list[FoundMeter]:
        """Return the last entries of which nothing is known but that they answer."""
        last = next((at for at, one in enumerate(reversed(self.survey.found)) if one.serial), None)
        return self.survey.found if last is None else self.survey.found[len(self.survey.found) - last :]

    def _note_several(self, address: int, kind: AnswerKind) -> None:
        """Record an unreadable answer at an address: several meters, if the search before found so."""
        sharing = sum(one.primary == address for one in self.survey.found)
        if sharing > 1:
            self._note(f"{sharing} meters share address {address}: read them by their secondary addresses")
        else:
            text = "acknowledges, but cannot be read" if kind is AnswerKind.ACKNOWLEDGED else "answers noise"
            self.survey.found.append(
                FoundMeter(address, note=f"{text}: several meters here, or a disturbed line")
            )

    def _note(self, text: str) -> None:
        if text not in self.survey.notes:
            self.survey.notes.append(text)


def _render_address(address: int) -> str:
    return "the selected meter" if address == NETWORK else f"address {address}"


def _split_mask(mask: AddressMask) -> list[AddressMask]:
    """Return the next narrower masks: by the first open digit, else by medium, version, maker."""
    place = mask.text.find("F", 0, NUMBER_DIGITS)
    if place >= 0:
        return [mask.set_digit(place, digit) for digit in _DECIMAL]
    for byte, codes in _BYTES.items():
        if mask.text[2 * byte : 2 * byte + 2] == "FF":
            return [mask.with_byte(byte, code) for code in codes]
    return []


def _split_odd_mask(mask: AddressMask) -> list[AddressMask]:
    """Return unusual parts: hex digits, which some makers use, and media without a name."""
    place = mask.text.find("F", 0, NUMBER_DIGITS)
    if place >= 0:
        return [mask.set_digit(place, digit) for digit in _HEX]
    odd = [code for code in range(255) if code not in MEDIA] if mask.text.endswith("FF") else []
    return [mask.with_byte(7, code) for code in odd]
