"""A line with meters: receives from those that send, polls the others, and measures reception quality."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from quartier_drivers.contract import Clock, Note
from quartier_drivers.errors import LinkLost
from quartier_drivers.meter.connection import wire
from quartier_drivers.meter.connection.line_settings import (
    LineSetting,
    ReceptionMonitor,
    SettingSearch,
    TrialLimits,
)
from quartier_drivers.meter.telegrams import Conversation, DecoderCounts, LineRequest, Result
from quartier_drivers.transport import serial_ports
from quartier_drivers.transport.frame_recorder import FrameRecorder

_LOOK_S = 1.0
# Bytes that nobody asked for are kept until the next request, up to this size.
_KEPT_MAX = 65536


class LineListener(Protocol):
    """Receives the bytes of a line."""

    @property
    def counts(self) -> DecoderCounts:
        """The counts since the listener was made."""
        ...

    @property
    def why(self) -> str:
        """The fault of the received data, in words; empty if there is none or it is unknown."""
        ...

    def hear(self, data: bytes) -> None:
        """Take received bytes."""
        ...

    def handle_closed_line(self) -> None:
        """Handle a closed line: an unfinished frame will not be completed."""
        ...


class MeterLine:
    """One line: ``where`` is a serial port or ``tcp://HOST:PORT``, ``settings`` are the possible settings.

    The right setting is the one with which the listeners decode valid data.
    """

    def __init__(
        self,
        name: str,
        protocol: str,
        where: str,
        settings: Sequence[LineSetting],
        clock: Clock,
        *,
        patience: TrialLimits | None = None,
        asks: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.asks = asks
        """Settings of the line for a reader; None if the meters send by themselves."""
        self.why = "not yet opened"
        """The reason why the line is closed; empty while it is open."""
        self._where = where
        self._endpoint = wire.parse_endpoint(where)
        self._clock = clock
        self._speeds = [str(one) for one in settings] if not where.startswith("tcp://") else []
        self._setting_search = SettingSearch(settings, patience or TrialLimits(), self._now_s())
        self._signal = ReceptionMonitor(protocol, self._now_s())
        self._listeners: list[LineListener] = []
        self._wire: wire.OpenWire | None = None
        self._recorder: FrameRecorder | None = None
        self._setting = self._setting_search.setting
        self._timer: asyncio.TimerHandle | None = None
        self._lock = asyncio.Lock()
        self._received = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._counts = DecoderCounts()
        self._connects_count = 0
        self._is_absent = False

    @property
    def stats(self) -> Mapping[str, float]:
        """Counters since start and the present reception quality: points of the bus."""
        counts = self._total()
        return {
            "bytes_count": counts.bytes_count,
            "good_count": counts.good_count,
            "bad_count": counts.bad_count,
            "resync_count": counts.resync_count,
            "connects_count": self._connects_count,
            "bad_pct": self._signal.bad_pct,
            "silent_on": self._signal.is_silent,
        }

    @property
    def texts(self) -> Mapping[str, str]:
        """The advice what to check, in words; empty while all is well."""
        return {"advice_text": self._signal.advice}

    @property
    def is_tcp(self) -> bool:
        """Return whether it is a TCP connection, which loses no byte between its beginning and its end."""
        return self._where.startswith("tcp://")

    @property
    def setting(self) -> LineSetting:
        """The present setting of the line."""
        return self._setting

    @property
    def is_sure(self) -> bool:
        """Return whether the setting is known to be that of the meter."""
        return self._setting_search.is_sure

    def notes(self) -> list[Note]:
        """Return notes about reception that became worse or better since the last call."""
        return self._signal.notes()

    def attach(self, listener: LineListener) -> None:
        """Add a listener for received bytes."""
        self._listeners.append(listener)

    def record(self, tape: FrameRecorder | None) -> None:
        """Record to ``tape`` what is received and sent."""
        self._recorder = tape
        if self._wire is not None:
            self._wire.record(tape)

    def is_back(self) -> bool:
        """Return whether the port that was missing at the last ``open`` is there now."""
        return self._is_absent and serial_ports.is_port_present(self._where)

    async def open(self) -> None:
        """Open the wire.  Raises LinkLost, naming what is missing."""
        if self._wire is not None:
            return
        self._is_absent = not self._where.startswith("tcp://") and not serial_ports.is_port_present(
            self._where
        )
        self._setting = self._setting_search.setting
        self._wire = await wire.open_wire(
            self._where, self._setting, self._hear, self._handle_close, self._endpoint, self._recorder
        )
        self._connects_count += 1
        self.why = ""
        self._look_later()

    async def close(self) -> None:
        """Close the wire; it may be opened again."""
        self._handle_close("it was closed")

    async def converse(self, conversation: Conversation[Result]) -> Result:
        """Run a conversation to its end and return its result; only one runs at a time.

        Raises LinkLost, and NoReply or Refused from the conversation.
        """
        async with self._lock:
            try:
                ask = next(conversation)
                while True:
                    ask = conversation.send(await self._answer(ask))
            except StopIteration as end:
                result: Result = end.value
                return result
            finally:
                conversation.close()
                if self._wire is not None:
                    self._wire.gather(on=True)

    async def _answer(self, ask: LineRequest) -> bytes:
        line = self._wire
        if line is None:
            raise LinkLost(self.why)
        line.gather(on=False)
        if ask.baud or ask.framing:
            await line.wait_until_sent()
            setting = LineSetting(ask.baud or self._setting.baud, ask.framing or self._setting.framing)
            line.change(setting)
            self._setting = setting
        if ask.fresh:
            self._received.clear()
        if ask.send:
            line.write(ask.send)
            if ask.wait_s:
                await line.wait_until_sent()
        if not self._received and ask.wait_s > 0:
            await self._wait(ask.wait_s)
        data = bytes(self._received)
        self._received.clear()
        return data

    async def _wait(self, seconds: float) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(seconds):
                await self._waiter
        except TimeoutError:
            return
        finally:
            self._waiter = None

    def _hear(self, data: bytes) -> None:
        self._counts.bytes_count += len(data)
        for listener in self._listeners:
            listener.hear(data)
        if self._lock.locked():
            self._received += data
            del self._received[:-_KEPT_MAX]
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def _handle_close(self, why: str) -> None:
        line, self._wire = self._wire, None
        self.why = self.why or why
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(LinkLost(self.why))
        if line is not None:
            line.close()
            for listener in self._listeners:
                listener.handle_closed_line()

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(_LOOK_S, self._look)

    def _look(self) -> None:
        """Check once a second whether something is received, and whether to try another speed."""
        self._look_later()
        if not self._listeners:
            return  # no listener decodes the bytes, so missing frames prove nothing about the line
        counts, now_s = self._total(), self._now_s()
        why = next((listener.why for listener in self._listeners if listener.why), "")
        self._signal.look(now_s, counts, self._speeds, why)
        if self._setting_search.look(now_s, counts) and self._wire is not None:
            self._setting = self._setting_search.setting
            try:
                self._wire.change(self._setting)
            except LinkLost as lost:
                self._handle_close(str(lost))

    def _total(self) -> DecoderCounts:
        """Return the sum of all listeners; each byte counts once."""
        counts = DecoderCounts(self._counts.bytes_count)
        for one in (listener.counts for listener in self._listeners):
            counts.good_count += one.good_count
            counts.bad_count += one.bad_count
            counts.resync_count += one.resync_count
            counts.frames_count += one.frames_count
        return counts

    def _now_s(self) -> float:
        return self._clock.now_ns() / 1e9
