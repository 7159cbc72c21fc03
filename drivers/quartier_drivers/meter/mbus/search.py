"""Finds all meters on an M-Bus line, by wild cards in secondary addresses and by primary addresses; pure.

EN 13757-7:2018, 8.5: all meters that match a selection with wild cards answer at the same time.  Anything
received then, E5 or noise, shows that somebody is there; a clean reading after it shows a single meter, else
the mask is narrowed digit by digit, at last by medium, version and maker.  Damage must not hide a meter: if a
mask surely has several and its parts show fewer, the silent parts are asked again.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace

from quartier_drivers.meter.mbus.address import ANY, DIGITS, Mask
from quartier_drivers.meter.mbus.answer import Answer, Unreadable, answer_of
from quartier_drivers.meter.mbus.exchange import Heard, Kind, exchange
from quartier_drivers.meter.mbus.frame import (
    BROADCAST_ANSWERED,
    FCB,
    NETWORK,
    REQ_UD2,
    SELECT,
    SND_NKE,
    SND_UD,
    long,
    short,
)
from quartier_drivers.meter.mbus.header import MEDIA
from quartier_drivers.meter.mbus.timing import Timing
from quartier_drivers.meter.talk import Ask

PRIMARY = range(251)
_DECIMAL, _HEX = "0123456789", "ABCDE"
# How often the silent digits of a mask are asked again if the mask surely has more than they showed.
_AGAIN_MAX = 2
# How often a meter that answered is asked for data: once if it may be several, else until noise cannot
# explain it.
_ASKS, _ASKS_ALONE = 2, 4
_KNOCKS = 3
# Far more nested masks than lead to a meter; more addresses in a row than are shared by chance.
_BARREN_MAX, _CROWD = 64, 16
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
class Found:
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
class Survey:
    """The result of a search; ``notes`` are for people, ``asked_count`` is the number of requests."""

    found: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asked_count: int = 0


Progress = Callable[[str, int], None]
"""Called before each request of the search: what is asked, how many were found so far."""
Step = Generator[Ask, bytes, Heard]
Search = Generator[Ask, bytes, None]


@dataclass(slots=True)
class Look:
    """One search on a line; ``survey`` grows while it runs, so that it may be stopped early.

    ``is_thorough``: each silence is asked a second time, and a mask that one meter answered is searched all
    the same, for others that it drowned out.
    """

    timing: Timing
    progress: Progress
    is_thorough: bool = False
    survey: Survey = field(default_factory=Survey)
    _known: dict[str, int] = field(default_factory=dict)
    _barren_count: int = 0

    def secondary(self, mask: Mask = ANY) -> Search:
        """Find all meters that match ``mask``."""
        yield from self._exchange(short(SND_NKE, NETWORK))
        yield from self._within(mask)
        yield from self._exchange(short(SND_NKE, NETWORK))

    def anybody(self) -> Generator[Ask, bytes, bool]:
        """Return whether anybody is on the line: one was found, or somebody answers a broadcast."""
        for _ in range(_KNOCKS):
            if self.survey.found:
                break
            self.progress("everybody", 0)
            if (yield from self._exchange(short(SND_NKE, BROADCAST_ANSWERED))).kind is not Kind.SILENCE:
                return True
        return bool(self.survey.found)

    def primary(self, addresses: Iterable[int] = PRIMARY) -> Search:
        """Find meters at these primary addresses."""
        for address in addresses:
            self.progress(f"address {address}", len(self.survey.found))
            heard = yield from self._knock(short(SND_NKE, address))
            if heard.kind is Kind.SILENCE:
                continue
            answer = yield from self._clean(address, _ASKS_ALONE)
            if answer is not None:
                self._meet(answer, address)
            elif len(self._nameless()) < _CROWD:
                self._crowd(address, heard.kind)
            else:
                self.survey.found = [one for one in self.survey.found if one.serial]
                self._note(_NEVER_QUIET)
                return

    def _within(self, mask: Mask) -> Generator[Ask, bytes, int]:
        """Return the number of meters found under ``mask``, -1 if it is silent."""
        self.progress(f"secondary {mask}", len(self.survey.found))
        heard = yield from self._knock(long(SND_UD, NETWORK, SELECT, mask.wire))
        if heard.kind is Kind.SILENCE:
            return -1
        self._barren_count += 1
        if self._is_hopeless:
            self._note(_NEVER_QUIET)
            return 0
        numbered = "F" not in mask.text[:DIGITS]
        answer = None
        if numbered or heard.kind is Kind.ACKNOWLEDGED:
            answer = yield from self._clean(NETWORK, _ASKS_ALONE if numbered else _ASKS)
        is_alone = answer is not None and self._is_of(answer, mask)
        if answer is not None and is_alone:
            self._meet(answer, None)
            if not self.is_thorough or numbered:
                return 1
        parts = _parts(mask)
        if not parts:
            self._note(f"secondary {mask} answers, but cannot be read")
            return 0
        return (yield from self._through(mask, parts, several=not is_alone))

    def _through(self, mask: Mask, parts: Sequence[Mask], *, several: bool) -> Generator[Ask, bytes, int]:
        """Search the parts of a mask that has a meter, or more than one if noise suggests it."""
        count, silent = yield from self._each(parts)
        if not several:
            return max(count, 1)
        digits = len(parts) == len(_DECIMAL)
        for _ in range(_AGAIN_MAX):
            if count >= (2 if digits else 1) or not silent or self._is_hopeless:
                break
            more, silent = yield from self._each(silent)
            count += more
        if count < 2 and (odd := _odd_parts(mask)):
            more, _ = yield from self._each(odd)
            count += more
        if not count and not self._is_hopeless:
            self._note(f"secondary {mask}: somebody answers, but none of its parts do: a disturbed line?")
        return count

    @property
    def _is_hopeless(self) -> bool:
        """Whether many answers came without any meter."""
        return self._barren_count > _BARREN_MAX

    def _each(self, parts: Sequence[Mask]) -> Generator[Ask, bytes, tuple[int, list[Mask]]]:
        count, silent = 0, []
        for part in parts:
            if self._is_hopeless:
                break
            found = yield from self._within(part)
            if found < 0:
                silent.append(part)
            count += max(found, 0)
        return count, silent

    def _is_of(self, answer: Answer, mask: Mask) -> bool:
        """Return whether the mask matches the meter.

        If not, it should not have answered and the mask is narrowed.
        """
        return not answer.header.identity or mask.fits(answer.header.identity)

    def _clean(self, address: int, asks: int) -> Generator[Ask, bytes, Answer | None]:
        """Return the answer if a single meter is there and its answer is valid; else None."""
        for _ in range(asks):
            heard = yield from self._exchange(short(REQ_UD2 | FCB, address))
            if heard.kind is Kind.FRAME and heard.frame is not None:
                try:
                    return answer_of(heard.frame)
                except Unreadable as reason:
                    self._note(f"{_name(address)}: {reason}")
                    return None
            if heard.kind is Kind.NOISE and asks < _ASKS_ALONE:
                return None
        return None

    def _knock(self, request: bytes) -> Step:
        """Send a request; repeat it on noise, which several meters repeat but a disturbance hardly.

        If thorough, repeat it on silence too.
        """
        heard = yield from self._exchange(request)
        if heard.kind is Kind.NOISE or (heard.kind is Kind.SILENCE and self.is_thorough):
            heard = yield from self._exchange(request)
        return heard

    def _exchange(self, request: bytes) -> Step:
        self.survey.asked_count += 1
        return (yield from exchange(request, self.timing, to_the_end=True))

    def _meet(self, answer: Answer, primary: int | None) -> None:
        """Add a meter, or update a known one: a polled primary address is surer than a stated one."""
        self._barren_count = 0
        header, address = answer.header, primary
        if primary is None and answer.address in PRIMARY:
            address = answer.address
        note = answer.failure or ("encrypted: it needs a key" if answer.is_secret else "")
        maker, medium = header.maker, header.medium_text
        one = Found(address, header.secondary, header.serial, maker, medium, header.version, note)
        key = header.secondary or f"{header.serial} {address}"
        place = self._known.setdefault(key, len(self.survey.found))
        if place == len(self.survey.found):
            self.survey.found.append(one)
        elif primary is not None and self.survey.found[place].primary in (None, primary):
            self.survey.found[place] = one
        elif primary is not None:
            self.survey.found.append(replace(one, note="has the secondary address of another meter"))

    def _nameless(self) -> list[Found]:
        """Return the last entries of which nothing is known but that they answer."""
        last = next((at for at, one in enumerate(reversed(self.survey.found)) if one.serial), None)
        return self.survey.found if last is None else self.survey.found[len(self.survey.found) - last :]

    def _crowd(self, address: int, kind: Kind) -> None:
        """Record an unreadable answer at an address: several meters, if the search before found so."""
        sharing = sum(one.primary == address for one in self.survey.found)
        if sharing > 1:
            self._note(f"{sharing} meters share address {address}: read them by their secondary addresses")
        else:
            said = "acknowledges, but cannot be read" if kind is Kind.ACKNOWLEDGED else "answers noise"
            self.survey.found.append(Found(address, note=f"{said}: several meters here, or a disturbed line"))

    def _note(self, text: str) -> None:
        if text not in self.survey.notes:
            self.survey.notes.append(text)


def _name(address: int) -> str:
    return "the selected meter" if address == NETWORK else f"address {address}"


def _parts(mask: Mask) -> list[Mask]:
    """Return the next narrower masks: by the first open digit, else by medium, version, maker."""
    place = mask.text.find("F", 0, DIGITS)
    if place >= 0:
        return [mask.narrowed(place, digit) for digit in _DECIMAL]
    for byte, codes in _BYTES.items():
        if mask.text[2 * byte : 2 * byte + 2] == "FF":
            return [mask.with_byte(byte, code) for code in codes]
    return []


def _odd_parts(mask: Mask) -> list[Mask]:
    """Return unusual parts: hex digits, which some makers use, and media without a name."""
    place = mask.text.find("F", 0, DIGITS)
    if place >= 0:
        return [mask.narrowed(place, digit) for digit in _HEX]
    odd = [code for code in range(255) if code not in MEDIA] if mask.text.endswith("FF") else []
    return [mask.with_byte(7, code) for code in odd]
