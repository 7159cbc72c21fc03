"""Polls a meter by IEC 62056-21, modes A, B, C (and E, which answers as C): sign-on, speed, reading.

IEC 62056-21:2002, 6.3 (messages), 6.4 (modes), annex B (waking a battery-operated meter).  No I/O, no clock:
the conversation yields what to send, how long to wait and at which speed.
"""

import re
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quartier_drivers.errors import NoReply
from quartier_drivers.meter.iec62056.push_decoder import FRAME_MAX, Iec62056Decoder
from quartier_drivers.meter.telegrams import LineRequest, TelegramConversation

if TYPE_CHECKING:
    from quartier_drivers.meter.telegrams import Telegram

# The character after the maker's three letters: speeds of mode C (and E), and of mode B.
MODE_C = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
MODE_B = {"A": 600, "B": 1200, "C": 2400, "D": 4800, "E": 9600, "F": 19200}
FRAMING = "7E1"
_ADDRESS = re.compile(r"[0-9A-Za-z ]{0,32}")
_ACK, _NAK = b"\x06", b"\x15"
BREAK_MESSAGE = b"\x01B0\x03q"
"""SOH B0 ETX BCC: the meter aborts the conversation."""


@dataclass(frozen=True, slots=True)
class ReplyTimes:
    """The waiting times of a conversation with a meter, in real seconds."""

    identity_s: float = 2.2
    """Until the answer to a request: the standard has 1.5 s, slow meters need more."""
    turn_s: float = 0.25
    """Pause before the acknowledgement: 0.2 s, 20 ms if the maker's third letter is in lower case."""
    first_s: float = 3.0
    """Until the first character of the data; a meter that misses the acknowledgement begins after 1.5 s."""
    next_s: float = 1.6
    """Silence within an answer that ends it."""
    wake_s: float = 1.6
    """Pause after waking a battery-operated meter."""
    tries_count: int = 3


class Iec62056Reader:
    """Reads one meter: ``telegrams.MeterReader``.  Remembers a speed that the head could not follow.

    ``wake_count`` zero characters wake a meter that sleeps (40 to 65 for Landis+Gyr's T550).  ``speed_max``
    is the fastest speed that the head and the meter are trusted with.  Raises ValueError for an invalid
    address.
    """

    def __init__(
        self,
        address: str = "",
        bcc: str = "xor",
        *,
        speed: int = 300,
        framing: str = FRAMING,
        speed_max: int = 19200,
        wake_count: int = 0,
        pace: ReplyTimes | None = None,
    ) -> None:
        if not _ADDRESS.fullmatch(address):
            raise ValueError(f"{address!r} is no address of a meter, expected up to 32 letters and digits")
        self._request = b"/?" + address.encode("ascii") + b"!\r\n"
        self._bcc = bcc
        self._speed = speed
        self._framing = framing
        self._speed_max = speed_max
        self._wake_count = wake_count
        self._pace = pace or ReplyTimes()

    def read(self) -> TelegramConversation:
        """Return the conversation of one complete reading."""
        why = "it did not answer: is the head on the meter, and its two lights the right way round?"
        speed_max = self._speed_max
        for attempt in range(self._pace.tries_count):
            decoder = Iec62056Decoder(self._bcc)
            yield from self._wake(is_first=attempt == 0)
            heard = yield from self._identify(decoder)
            if heard:
                return heard
            if not decoder.identity:
                continue
            telegrams = yield from self._take(decoder, speed_max)
            if telegrams:
                self._speed_max = speed_max
                return telegrams
            if decoder.counts.bad_count:
                why = f"{decoder.identity}: what it sent was damaged"
            else:
                why = f"{decoder.identity}: it said who it is and sent no data"
                speed_max = self._speed  # the head may not be able to follow
        raise NoReply(why)

    def _wake(self, *, is_first: bool) -> Generator[LineRequest, bytes, None]:
        if not is_first:
            yield LineRequest(BREAK_MESSAGE, self._pace.turn_s, self._speed, self._framing, fresh=True)
        if self._wake_count:
            wait_s = self._pace.wake_s
            data = yield LineRequest(b"\0" * self._wake_count, wait_s, self._speed, self._framing, fresh=True)
            for _ in range(self._wake_count):  # a head that hears itself
                if not data:
                    break
                data = yield LineRequest(wait_s=wait_s)

    def _identify(self, decoder: Iec62056Decoder) -> TelegramConversation:
        """Ask for the identification; return telegrams only if the data follows at once (mode A)."""
        telegrams: list[Telegram] = []
        data = yield LineRequest(self._request, self._pace.identity_s, self._speed, self._framing, fresh=True)
        while data:
            telegrams += decoder.feed(data)
            if telegrams or decoder.identity or decoder.counts.bytes_count > FRAME_MAX:
                break
            data = yield LineRequest(wait_s=self._pace.identity_s)
        return telegrams

    def _take(self, decoder: Iec62056Decoder, speed_max: int) -> TelegramConversation:
        """Acknowledge as the mode requires, change the speed, and receive the data."""
        letter = decoder.identity[3]
        pace = self._pace
        if letter in MODE_C:
            choice, speed = _choose_speed(letter, speed_max)
            data = yield LineRequest(wait_s=0.02 if decoder.identity[2].islower() else pace.turn_s)
            # A meter of mode A goes on at once; what arrives during this transmission is echo, or an early
            # answer.
            data += yield LineRequest(_ACK + b"0" + choice.encode("ascii") + b"0\r\n", 0.0)
        else:
            speed, data = MODE_B.get(letter, self._speed), b""
        data += yield LineRequest(wait_s=pace.first_s, baud=speed, framing=self._framing)
        return (yield from self._hear(decoder, data))

    def _hear(self, decoder: Iec62056Decoder, heard: bytes) -> TelegramConversation:
        """Receive the data; request it again if its block check is wrong."""
        pace, naks_count = self._pace, 0
        while heard and decoder.counts.bytes_count <= 2 * FRAME_MAX:
            bad_count = decoder.counts.bad_count
            telegrams = decoder.feed(heard)
            if telegrams:
                return telegrams
            again = decoder.counts.bad_count > bad_count
            if again:
                naks_count += 1
                if naks_count >= pace.tries_count:
                    return []
            heard = yield LineRequest(_NAK if again else b"", pace.first_s if again else pace.next_s)
        return decoder.end()


def _choose_speed(letter: str, speed_max: int) -> tuple[str, int]:
    """Return the speed to acknowledge: the meter's, or the fastest allowed one below."""
    return max(
        (pair for pair in MODE_C.items() if pair[1] <= min(MODE_C[letter], max(speed_max, 300))),
        key=lambda pair: pair[1],
    )


def make_reader(
    *,
    unit: int = 0,
    address: str = "",
    wanted: tuple[str, ...] = (),
    bcc: str = "xor",
    speed_max: int = 19200,
    wake_count: int = 0,
    speed: int = 300,
    framing: str = FRAMING,
    over_tcp: bool = False,
    encryption_key: bytes = b"",
    authentication_key: bytes = b"",
    password: bytes = b"",
) -> Iec62056Reader:
    """Make a reader with the settings of a profile's ``[decoder]`` table; it always reads all data.

    ``speed`` and ``framing`` are those of the sign-on; ``over_tcp`` the line keeps that speed.
    """
    del unit, wanted, encryption_key, authentication_key, password
    fastest = speed if over_tcp else speed_max
    return Iec62056Reader(
        address, bcc, speed=speed, framing=framing, speed_max=fastest, wake_count=wake_count
    )
