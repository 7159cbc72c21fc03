"""Detects the protocol and the speed on a port and receives its data; used by ``quartier listen``.

A line of seven bits and parity is received as one of eight, so one speed serves several protocols at once. If
nothing is received, meters that must be polled are asked, with the two requests that harm nobody.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from quartier_drivers.meter import protocols
from quartier_drivers.meter.connection import wire
from quartier_drivers.meter.connection.line_settings import LineSetting
from quartier_drivers.meter.connection.wire import ParityBits
from quartier_drivers.meter.discovery.recognition import MeterIdentity
from quartier_drivers.meter.keys import NO_KEYS, MeterKeys
from quartier_drivers.meter.protocol import PROTOCOLS
from quartier_drivers.meter.telegrams import Decoder, Telegram

_STEP_S = 0.25
_IDENTIFICATION = re.compile(rb"/([A-Za-z]{3}[^\r\n]*)")


@dataclass(frozen=True, slots=True)
class ListenAttempt:
    """A setting, the protocols possible there, and the listening time: the longest pause and a frame."""

    setting: LineSetting
    protocols: tuple[str, ...]
    listen_s: float


# The most likely first.  P1 comes before IEC 62056-21, because both have the same form.
SERIAL_ATTEMPTS = (
    ListenAttempt(LineSetting(9600), ("tic", "p1", "sml", "dlms", "iec62056"), 5.0),
    ListenAttempt(LineSetting(1200), ("tic",), 6.0),
    ListenAttempt(LineSetting(115200), ("p1", "dlms", "sml"), 12.0),
    ListenAttempt(LineSetting(2400, "8E1"), ("dlms", "mbus"), 12.0),
    ListenAttempt(LineSetting(2400), ("dlms", "iec62056"), 12.0),
    ListenAttempt(LineSetting(4800), ("iec62056",), 6.0),
)
TCP_ATTEMPTS = (ListenAttempt(LineSetting(9600), ("tic", "p1", "sml", "dlms", "iec62056", "mbus"), 15.0),)
_READOUT = b"*255("
"""Storage numbers occur in readouts of IEC 62056-21, never in P1, which looks alike without its CRC."""


@dataclass(frozen=True, slots=True)
class WakeUpRequest:
    """A request that wakes meters which must be polled, and how an answer begins."""

    protocol: str
    setting: LineSetting
    text: bytes
    answer: bytes


# EN 13757-2, 5.7: SND_NKE to a meter that is alone (254), answered by E5.  IEC 62056-21, 6.3.1: sign-on.
WAKE_UP_REQUESTS = (
    WakeUpRequest("mbus", LineSetting(2400, "8E1"), bytes.fromhex("1040FE3E16"), b"\xe5"),
    WakeUpRequest("mbus", LineSetting(300, "8E1"), bytes.fromhex("1040FE3E16"), b"\xe5"),
    WakeUpRequest("mbus", LineSetting(9600, "8E1"), bytes.fromhex("1040FE3E16"), b"\xe5"),
    WakeUpRequest("iec62056", LineSetting(300, "7E1"), b"/?!\r\n", b"/"),
)


class ProtocolCandidates:
    """The decoders of some protocols on the same bytes; the first that is sure has found its meter."""

    def __init__(self, names: tuple[str, ...], keys: MeterKeys = NO_KEYS, *, over_tcp: bool = False) -> None:
        made = {name: _make_decoder(name, keys, over_tcp=over_tcp) for name in names}
        self._decoders = {name: decoder for name, decoder in made.items() if decoder is not None}
        self._parity = ParityBits("E")
        self._tail, self._is_readout = b"", False
        self.telegrams: dict[str, list[Telegram]] = {name: [] for name in self._decoders}
        self.heard_count = 0

    def hear(self, data: bytes) -> None:
        """Take received bytes, as eight bits."""
        self.heard_count += len(data)
        seven = self._parity.decode(data)
        self._tail = (self._tail + bytes(seven))[-len(_READOUT) - len(seven) :]
        self._is_readout = self._is_readout or _READOUT in self._tail
        for name, decoder in self._decoders.items():
            self.telegrams[name] += decoder.feed(seven if PROTOCOLS[name].has_seven_bits else data)

    @property
    def found(self) -> str:
        """The detected protocol; empty while none is sure."""
        for name, decoder in self._decoders.items():
            counts = decoder.counts
            if name == "p1" and self._is_readout and "iec62056" in self._decoders:
                continue
            if counts.good_count >= PROTOCOLS[name].sure_count and counts.good_count > counts.bad_count:
                return name
        return ""

    @property
    def whys(self) -> Mapping[str, str]:
        """The faults that decoders report for data that they decoded in part, by protocol."""
        told = {name: str(getattr(decoder, "why", "")) for name, decoder in self._decoders.items()}
        return {name: why for name, why in told.items() if why}


def _make_decoder(name: str, keys: MeterKeys, *, over_tcp: bool) -> Decoder | None:
    try:
        settings, is_capture = PROTOCOLS[name].listening_settings, PROTOCOLS[name].listens_as_capture
        return protocols.make_decoder(name, settings, keys, is_capture=is_capture, over_tcp=over_tcp)
    except (ValueError, ImportError):  # its key is missing, or what it decrypts with
        return None


@dataclass(frozen=True, slots=True)
class FoundMeter:
    """The result; ``was_asked`` if the meter only answers, with its answer ``answer``.

    ``protocol`` is empty if nothing was found; then there is ``advice``.
    """

    protocol: str
    setting: LineSetting
    was_asked: bool = False
    answer: bytes = b""
    advice: str = ""


Progress = Callable[[str], None]


async def find_meter(
    where: str, progress: Progress, keys: MeterKeys = NO_KEYS, *, patience: float = 1.0
) -> FoundMeter:
    """Detect what is on the port ``where``.  Raises LinkLost if it cannot be opened.

    ``patience`` multiplies the listening time of each speed.
    """
    heard: dict[str, int] = {}
    whys: dict[str, str] = {}
    for attempt in TCP_ATTEMPTS if where.startswith("tcp://") else SERIAL_ATTEMPTS:
        at = "" if where.startswith("tcp://") else f" at {attempt.setting.baud} baud"
        progress(f"listening{at}: {', '.join(attempt.protocols)}")
        hearing = ProtocolCandidates(attempt.protocols, keys, over_tcp=where.startswith("tcp://"))
        await _listen(where, attempt, hearing, patience)
        if hearing.found:
            return FoundMeter(hearing.found, _name_setting(hearing.found, attempt.setting))
        whys |= hearing.whys
        if hearing.heard_count:
            heard[str(attempt.setting.baud)] = hearing.heard_count
    if not heard:
        for question in WAKE_UP_REQUESTS:
            progress(f"asking at {question.setting}: {question.protocol}")
            data = await _ask(where, question, patience)
            if question.answer in data:
                return FoundMeter(question.protocol, question.setting, was_asked=True, answer=data)
    return FoundMeter("", LineSetting(9600), advice=_make_advice(heard, whys))


def _name_setting(protocol: str, setting: LineSetting) -> LineSetting:
    """Return the setting as the protocol names it."""
    return LineSetting(setting.baud, "7E1") if PROTOCOLS[protocol].has_seven_bits else setting


def _make_advice(heard: Mapping[str, int], whys: Mapping[str, str]) -> str:
    if whys:
        return "; ".join(f"{name}: {why}" for name, why in whys.items())
    if not heard:
        return "no bytes at all: cable or dongle, a port of the meter that is not switched on, or RTS (P1)"
    speeds = " or ".join(heard)
    return f"bytes but no frame at {speeds}: wrong kind of meter, inverted signal, or ground of the dongle"


async def _listen(where: str, attempt: ListenAttempt, hearing: ProtocolCandidates, patience: float) -> None:
    lost = asyncio.Event()
    line = await wire.open_wire(where, attempt.setting, hearing.hear, lambda _why: lost.set())
    loop = asyncio.get_running_loop()
    end_s = loop.time() + attempt.listen_s * patience
    try:
        while loop.time() < end_s and not hearing.found and not lost.is_set():  # noqa: ASYNC110 - time is the event
            await asyncio.sleep(_STEP_S)
    finally:
        line.close()


async def _ask(where: str, question: WakeUpRequest, patience: float) -> bytes:
    data = bytearray()
    line = await wire.open_wire(where, question.setting, data.extend, lambda _why: None)
    try:
        line.write(question.text)
        await line.wait_until_sent()
        await asyncio.sleep(1.5 * patience)
    finally:
        line.close()
    return bytes(data)


async def read_chunks(where: str, found: FoundMeter) -> AsyncIterator[bytes]:
    """Yield what a detected meter sends, until its line is lost."""
    news: asyncio.Queue[bytes | None] = asyncio.Queue()
    line = await wire.open_wire(where, found.setting, news.put_nowait, lambda _why: news.put_nowait(None))
    try:
        while (data := await news.get()) is not None:
            yield data
    finally:
        line.close()


def make_bus_keys(port: str, found: FoundMeter) -> dict[str, str | int]:
    """Return the keys of the bus for what was found."""
    said: dict[str, str | int] = {"kind": found.protocol, "port": port}
    if not port.startswith("tcp://") and found.protocol in ("dlms", "iec62056", "mbus"):
        said |= {"baud": found.setting.baud, "framing": found.setting.framing}
    if found.protocol == "iec62056" and not found.was_asked:
        said["mode"] = "d"
    return said


def find_asked_identity(found: FoundMeter) -> MeterIdentity | None:
    """Return what a meter that only answers said of itself, by the identification line of its answer."""
    head = _IDENTIFICATION.search(found.answer)  # our own request may come back before it
    if found.protocol != "iec62056" or head is None:
        return None
    who = MeterIdentity()
    who.take(Telegram("", ()), head[1].decode("ascii", "replace").strip())
    return who
