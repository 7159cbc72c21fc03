"""The push parser: bytes of a customer interface in, telegrams out; pure."""

from collections.abc import Iterable, Iterator, Sequence

from quartier_drivers.meter.dlms.assembly import Assembly
from quartier_drivers.meter.dlms.axdr import Item, Malformed
from quartier_drivers.meter.dlms.bare import Bare
from quartier_drivers.meter.dlms.ciphering import (
    GENERAL,
    GENERAL_DED,
    GENERAL_GLO,
    UNPROVEN,
    Keys,
    Opened,
    Opener,
    Unopened,
)
from quartier_drivers.meter.dlms.coherence import Skeleton, flaw, skeleton
from quartier_drivers.meter.dlms.form import Forms
from quartier_drivers.meter.dlms.lists import lines
from quartier_drivers.meter.dlms.notification import notification
from quartier_drivers.meter.dlms.scanner import Scanner
from quartier_drivers.meter.telegram import Counts, Group, Telegram

_SEALED = (GENERAL_GLO, GENERAL_DED, GENERAL)
_SLICE = 256
_LAYERS_MAX = 3


class PushDecoder:
    """Finds frames, joins APDUs, opens and reads them.

    HDLC frames, M-Bus segments and the TCP wrapper may come in any mixture and after any noise.  With
    ``is_capture``, a stream that begins with an APDU is read as bare APDUs, with or without LLC header; a
    port never is, and ``Assembly`` asks for more proof of data without check.  Keeps at most 200 KiB.

    ``why`` gives the reason why the last APDU was refused; empty before.  ``identity`` is the system title of
    the last ciphered APDU.  With an authentication key only authenticated APDUs count.
    """

    def __init__(
        self, keys: Keys, defects: Sequence[str] = (), *, is_capture: bool = False, over_tcp: bool = False
    ) -> None:
        self.why = ""
        self.identity = ""
        self._is_capture = is_capture
        self._counts = Counts()
        self._opener = Opener(keys)
        self._is_strict = bool(keys.authentication)
        self._defects = tuple(defects)
        self._scanner = Scanner()
        self._assembly = Assembly(is_capture=is_capture, over_tcp=over_tcp)
        self._bare = Bare()
        if not is_capture:
            self._bare.drop()
        self._forms = Forms()
        self._doubtful: Skeleton | None = None
        self._refused_count = 0
        self._told_bad_count = 0
        self._resync_from = 0

    @property
    def counts(self) -> Counts:
        """What the decoder has counted since it was made; ``good_count`` and ``bad_count`` count APDUs."""
        return self._counts

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they complete."""
        made: list[Telegram] = []
        at = 0
        while at < len(data):
            # Bare APDUs are searched at whole slices only, so that the result does not depend on chunks.
            size = len(data) if self._bare.is_over else _SLICE - self._counts.bytes_count % _SLICE
            part = data[at : at + size]
            at += len(part)
            self._counts.bytes_count += len(part)
            made += self._telegrams(self._framed(part))
            self._bare.add(part)
            if self._counts.bytes_count % _SLICE == 0:
                made += self._telegrams((apdu, True, True) for apdu in self._bare.take())
        self._tally()
        return made

    def end(self) -> list[Telegram]:
        """Return the good content of the rest and reset; the capture is over.

        Invocation counters stay known.
        """
        made = self._telegrams(
            (apdu, found.is_whole, self._assembly.is_sure)
            for found in self._scanner.end()
            if (apdu := self._assembly.add(found))
        )
        self._assembly.drop()
        is_bare, rest = self._bare.is_begun, list(self._bare.rest())
        made += self._telegrams((apdu, True, True) for apdu in rest)
        if not self._is_capture:
            self._bare.drop()
        if is_bare or rest:
            self._scanner.resync_count = self._resync_from  # what had no frames was no rubbish
        self._tally()
        self._counts.resync_count = self._resync_from = self._scanner.resync_count
        return made

    def _framed(self, data: bytes) -> Iterator[tuple[bytes, bool, bool]]:
        for found in self._scanner.feed(data):
            self._bare.drop()
            apdu = self._assembly.add(found)
            if apdu:
                yield apdu, found.is_whole, self._assembly.is_sure

    def _telegrams(self, apdus: Iterable[tuple[bytes, bool, bool]]) -> list[Telegram]:
        made = []
        for apdu, is_whole, is_sure in apdus:
            try:
                meter, stated = self._read(apdu, is_sure=is_sure)
            except (Malformed, Unopened) as error:
                self.why = str(error)
                self._refused_count += 1
                continue
            self._counts.good_count += 1
            self._counts.frames_count += 1
            self._tally()
            bad_count = self._counts.bad_count - self._told_bad_count
            self._told_bad_count = self._counts.bad_count
            made.append(Telegram(meter, tuple(stated), bad_count, is_whole, is_proven=True))
        return made

    def _read(self, apdu: bytes, *, is_sure: bool) -> tuple[str, list[Group]]:
        opened: list[Opened] = []
        while apdu[:1] and apdu[0] in _SEALED:
            if len(opened) == _LAYERS_MAX:
                raise Unopened(f"ciphered more than {_LAYERS_MAX} times")
            opened.append(self._opener.open(apdu))
            apdu = opened[-1].apdu
            is_sure = True  # its own length was right
        if self._is_strict and not opened:
            raise Unopened(UNPROVEN)
        try:
            meter, stated = self._forms.told(apdu) or self._anew(apdu, is_sure=is_sure)
        except Malformed as error:
            if opened and not opened[-1].is_authenticated:
                raise Unopened(f"what was inside makes no sense, the key may be wrong: {error}") from error
            raise
        for each in opened:
            self._opener.keep(each)
        self.identity = _title(opened) or self.identity
        return meter or _title(opened), stated

    def _anew(self, apdu: bytes, *, is_sure: bool) -> tuple[str, list[Group]]:
        """Read an APDU the general way, and remember its form."""
        notice = notification(apdu)
        if not is_sure:
            self._hold_together(notice.body)
        meter, told = lines(notice, self._defects)
        stated = [group for line in told if (group := line.group())]
        if not stated:
            raise Malformed("a notification that states nothing")
        self._forms.learn(apdu, notice, meter, told)
        return meter, stated

    def _hold_together(self, body: Item) -> None:
        """Refuse a list that may lack a part, unless the same form comes again."""
        why = flaw(body)
        before, self._doubtful = self._doubtful, skeleton(body) if why else None
        if why and self._doubtful != before:
            raise Malformed(f"a part of this list may be missing: {why}")

    def _tally(self) -> None:
        scanner = self._scanner
        self._counts.bad_count = (
            scanner.bad_count + self._assembly.bad_count + self._bare.bad_count + self._refused_count
        )
        # As long as the stream may be bare, or is, bytes without frames are no noise.
        is_framed = self._bare.is_over and not self._bare.is_begun
        self._counts.resync_count = scanner.resync_count if is_framed else self._resync_from


def _title(opened: Sequence[Opened]) -> str:
    """Return a system title for people: the three letters of the maker and the rest in hexadecimal digits."""
    if not opened:
        return ""
    title = opened[0].title
    maker = title[:3].decode("ascii", "replace")
    return f"{maker}{title[3:].hex()}" if maker.isalpha() and maker.isascii() else title.hex()
