"""Splits APDUs without frames, one after the other, as in captures and logs; pure.

No standard sends them so on a line (IEC 62056-46 frames, EN 13757-1 segments, IEC 62056-47 wraps), and
nothing distinguishes one from the middle of a frame when a port is opened: they are read from files only.
"""

from collections.abc import Iterator

from quartier_drivers.meter.dlms.axdr import Cut, Malformed
from quartier_drivers.meter.dlms.ciphering import GENERAL, GENERAL_DED, GENERAL_GLO
from quartier_drivers.meter.dlms.hdlc import LLC_HEARD, LLC_SENT
from quartier_drivers.meter.dlms.notification import TAG, extent

KEPT_MAX = 16_384
"""Most bytes kept of an unfinished APDU."""
_FIRST_TRY = 64
_BEGINS = bytes([TAG, GENERAL_GLO, GENERAL_DED, GENERAL, 0x01, 0x02])


class Bare:
    """Splits a stream that begins with an APDU into APDUs, each as long as its own data states.

    Invalid bytes end it: without check sequences nobody can tell where the next APDU begins, unless all have
    LLC headers.  An unfinished APDU is tried again whenever twice as much has come, so time stays linear.
    ``is_begun``: APDUs came; ``is_over``: the rest of the stream contains none.
    """

    def __init__(self) -> None:
        self.bad_count = 0
        self._kept = bytearray()
        self._try_at = _FIRST_TRY
        self.is_over = False
        self._is_headed = False
        self.is_begun = False

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        if not self.is_over:
            self._kept += data

    def take(self) -> Iterator[bytes]:
        """Yield the complete APDUs; call it at places that do not depend on chunks."""
        while not self.is_over and len(self._kept) >= self._try_at:
            yield from self._next()

    def rest(self) -> Iterator[bytes]:
        """Yield the last APDUs, the very last as it is, then reset: no more bytes come."""
        while not self.is_over and self._kept:
            before = len(self._kept)
            yield from self._next()
            if len(self._kept) == before:  # cut off
                self.bad_count += 1
                break
        self._kept.clear()
        self._try_at, self.is_over = _FIRST_TRY, False
        self._is_headed = self.is_begun = False

    def drop(self) -> None:
        """Give up: the stream has frames, so it is not bare."""
        self.is_over = True
        self._kept.clear()

    def _next(self) -> Iterator[bytes]:
        begin = 3 if self._kept[:3] in (LLC_HEARD, LLC_SENT) else 0
        if len(self._kept) <= begin or self._kept[begin] not in _BEGINS:
            self._resume()
            return
        self._is_headed = begin > 0
        data = bytes(self._kept[begin:])
        try:
            size = extent(data)
        except Cut:
            self._try_at = 2 * max(len(self._kept), _FIRST_TRY)
            if len(self._kept) > KEPT_MAX:
                self._resume()
            return
        except Malformed:
            self._resume()
            return
        del self._kept[: begin + size]
        self.is_begun = True
        while self._kept[:1] == b"\0":  # filling
            del self._kept[:1]
        self._try_at = _FIRST_TRY
        yield data[:size]

    def _resume(self) -> None:
        """Find the next LLC header if the last APDU had one; else the stream is not bare."""
        places = [place for head in (LLC_HEARD, LLC_SENT) if (place := self._kept.find(head, 1)) > 0]
        places = places if self._is_headed else []
        self.bad_count += self._is_headed or self.is_begun
        self._try_at = _FIRST_TRY
        if places:
            del self._kept[: min(places)]
        else:
            self.drop()
