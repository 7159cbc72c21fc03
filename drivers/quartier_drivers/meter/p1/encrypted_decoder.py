"""Decrypts P1: AES-128-GCM in general-glo-ciphering, around a telegram of text.

Luxmetering E-Meter P1 1.1.3, chapter 3.2.5 (DLMS security suite 0); Austrian grids use the same.  The
initialisation vector is system title and frame counter; the authenticated data is 0x30 and the authentication
key; the tag has 12 bytes.
"""

import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, GCM

from quartier_drivers.meter.keys import InvocationCounters
from quartier_drivers.meter.p1.push_decoder import TELEGRAM_MAX, P1Decoder
from quartier_drivers.meter.telegrams import DecoderCounts, Telegram

KEY_BYTES = 16
TAG_BYTES = 12
_TITLE_BYTES = 8
SECURITY_CONTROL = 0x30
"""Security control: suite 0, authenticated and encrypted."""
PUBLIC_AUTHENTICATION_KEY = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
"""The key that Luxmetering publishes for all its meters."""

# Tag, title of 8 bytes, length in one to three bytes, control, counter.
_HEAD = re.compile(
    rb"\xdb\x08(.{8})(?:([\x00-\x7f])|\x81(.)|\x82(..))" + bytes((SECURITY_CONTROL,)) + rb"(.{4})", re.DOTALL
)
_HEAD_MAX = 18
_INSIDE_MIN = 1 + 4 + TAG_BYTES
PENDING_MAX = 16
"""Most headers whose frame is not complete yet; a line has one, and noise adds few."""


@dataclass(frozen=True, slots=True)
class _FrameSpan:
    """The place of a possible frame, counted from the first byte ever: its beginning, its text, its end."""

    begin: int
    text: int
    end: int
    vector: bytes


class EncryptedP1Decoder:
    """Decodes encrypted telegrams only, in any chunks; keeps at most ``2 * TELEGRAM_MAX`` bytes.

    A header proves nothing, and one with a damaged length may span good frames: so several frames may be
    pending.  The first complete one is opened first; if it opens, all that began before it are dropped.

    Without an ``authentication_key`` the public one is tried; if it does not match, a telegram counts if its
    own CRC is valid.  A frame counter counts once per system title: a counter that does not rise is a
    repetition.  Raises ValueError for a key that has not 16 bytes.
    """

    def __init__(self, encryption_key: bytes, authentication_key: bytes = b"") -> None:
        for name, key in (("encryption_key", encryption_key), ("authentication_key", authentication_key)):
            if len(key) != KEY_BYTES and (key or name == "encryption_key"):
                raise ValueError(f"{name} has {len(key)} bytes, expected {KEY_BYTES}")
        self.counts = DecoderCounts()
        self._key = AES(encryption_key)
        self._is_strict = bool(authentication_key)
        self._proof = bytes((SECURITY_CONTROL,)) + (authentication_key or PUBLIC_AUTHENTICATION_KEY)
        self._buffer = bytearray()
        self._base = 0
        self._searched = 0
        self._behind = 0
        self._pending: list[_FrameSpan] = []
        self._bad_count = 0
        self._rising = InvocationCounters()
        self._why = ""
        self.identity = ""
        """The identification line of the last telegram, without its slash; empty before the first."""

    @property
    def why(self) -> str:
        """The reason why nothing can be decoded, for a person; empty if there is none."""
        is_locked = self.counts.bad_count > 1 and not self.counts.good_count
        return "the key does not fit: no telegram can be opened with it" if is_locked else self._why

    def feed(self, data: bytes) -> list[Telegram]:
        """Take the next bytes; return the telegrams that they complete."""
        self.counts.bytes_count += len(data)
        done: list[Telegram] = []
        for start in range(0, len(data), TELEGRAM_MAX):  # so that one large chunk keeps no more than many
            self._buffer += data[start : start + TELEGRAM_MAX]
            self._search(done)
            self._open_until(self._base + len(self._buffer), done)
            needed = min((frame.begin for frame in self._pending), default=self._searched)
            del self._buffer[: needed - self._base]
            self._base = needed
        return done

    def end(self) -> list[Telegram]:
        """Discard half a frame, which proves nothing: the line was closed."""
        self._base += len(self._buffer)
        self._searched = self._base
        self._buffer.clear()
        self._pending.clear()
        return []

    def _search(self, done: list[Telegram]) -> None:
        """Note every place where a frame may begin, in step with the frames complete by then."""
        buffer, base = self._buffer, self._base
        at = buffer.find(0xDB, self._searched - base)
        while 0 <= at <= len(buffer) - _HEAD_MAX:
            head = _HEAD.match(buffer, at)
            if head:
                self._open_until(base + at + _HEAD_MAX, done)
                title, one, two, three, counter = head.groups()
                inside = int.from_bytes(one or two or three, "big")
                end = head.end() - 5 + inside
                is_room = len(self._pending) < PENDING_MAX and base + at >= self._behind
                if is_room and _INSIDE_MIN < inside <= TELEGRAM_MAX - _HEAD_MAX:
                    self._pending.append(
                        _FrameSpan(base + at, base + head.end(), base + end, title + counter)
                    )
            at = buffer.find(0xDB, at + 1)
        self._searched = base + (len(buffer) if at < 0 else at)

    def _open_until(self, place: int, done: list[Telegram]) -> None:
        while ready := [frame for frame in self._pending if frame.end <= place]:
            frame = min(ready, key=lambda one: (one.end, one.begin))
            self._pending.remove(frame)
            telegrams = self._open_frame(frame)
            if telegrams:
                self._behind = frame.end
                self._pending = [one for one in self._pending if one.begin >= frame.end]
            if not telegrams or not self._is_new(frame):
                self._bad_count += 1
                self.counts.bad_count += 1
                self.counts.resync_count += not telegrams
                continue
            for one in telegrams:
                done.append(Telegram(one.meter, one.groups, self._bad_count, is_proven=True))
                self._bad_count = 0
                self.counts.good_count += 1
                self.counts.frames_count += 1

    def _is_new(self, frame: _FrameSpan) -> bool:
        title, counter = frame.vector[:_TITLE_BYTES], int.from_bytes(frame.vector[_TITLE_BYTES:], "big")
        last = self._rising.take(title, counter)
        self._why = "" if last is None else f"frame counter {counter} after {last}: a telegram sent again"
        return last is None

    def _open_frame(self, frame: _FrameSpan) -> list[Telegram]:
        """Return the content of a frame; nothing if it does not open."""
        sealed = bytes(self._buffer[frame.text - self._base : frame.end - self._base])
        text, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        is_proven = True
        try:
            gate = Cipher(self._key, GCM(frame.vector, tag, TAG_BYTES)).decryptor()
            gate.authenticate_additional_data(self._proof)
            plain = gate.update(text) + gate.finalize()
        except InvalidTag:
            if self._is_strict:
                return []
            is_proven = False
            # GCM begins its counter at 2 (NIST SP 800-38D, 7.1).
            plain = Cipher(self._key, CTR(frame.vector + b"\0\0\0\2")).decryptor().update(text)
        inner = P1Decoder(is_sealed=not is_proven)
        telegrams = inner.feed(plain) + inner.end()
        self.identity = inner.identity or self.identity
        return telegrams
