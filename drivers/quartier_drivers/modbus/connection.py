"""The single connection to a Modbus endpoint, renewed as needed: a half-open one is given up."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from quartier_drivers.endpoint import Endpoint
from quartier_drivers.errors import LinkLost
from quartier_drivers.stream import Stream

if TYPE_CHECKING:  # who releases a dead daemon's outputs has no time for its models
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus import TcpBus
    from quartier_drivers.tape import Tape

CONNECT_S = 3.0
# After this many requests in a row without a single byte from the endpoint, it is half-open.
HALF_OPEN_COUNT = 5
# After this many connections in a row that ended after their first answer, each request gets its own.
_HASTY_MAX = 2


class Connection:
    """A connection with callbacks.

    ``hear`` takes bytes, calls ``heard`` for what is no answer, and returns what to send at once. ``fail``
    takes the reason why no answer will come.  ``sound`` is as in ``Stream``.
    """

    def __init__(
        self,
        bus: "TcpBus",
        clock: "Clock",
        hear: Callable[[bytes], bytes | None],
        fail: Callable[[Exception], None],
        sound: Callable[[bytes], bytes | None] | None = None,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._hear = hear
        self._fail = fail
        self._sound = sound
        self._where = f"{bus.host}:{bus.port}"
        self._endpoint = Endpoint(bus.host, bus.port, self._where)
        self._stream: Stream | None = None
        self._tape: Tape | None = None
        self._silent_count = 0
        self._answers_count = 0
        self._hasty_count = 0
        self.stands = False
        """Whether the connection is up, as far as the kernel knows."""
        self.is_hasty = False
        """Whether the endpoint ends each connection after one answer: each request then gets its own."""

    def record(self, tape: "Tape | None") -> None:
        """Record to ``tape`` what is received and sent."""
        self._tape = tape
        if self._stream is not None:
            self._stream.tape = tape

    async def open(self) -> None:
        """Connect, and pause as the endpoint needs it.  Raises LinkLost."""
        self.drop()
        stream = Stream(self._hear, self._lost, self._sound)
        stream.tape = self._tape
        await self._endpoint.connect(stream, max(CONNECT_S, self._bus.timeout_s))
        self._stream, self.stands = stream, True
        self._silent_count = self._answers_count = 0
        if self._bus.connect_pause_s:
            await self._clock.sleep(self._bus.connect_pause_s)

    def drop(self) -> None:
        """Close the connection at once."""
        stream, self._stream, self.stands = self._stream, None, False
        if stream is not None:
            stream.drop()
            self._fail(LinkLost(f"the connection to {self._where} was closed"))

    def send(self, data: bytes) -> None:
        """Send bytes.  Raises LinkLost if the endpoint closed the connection."""
        if self._stream is None or not self._stream.send(data):
            raise LinkLost(f"{self._where} closed the connection")

    def heard(self) -> None:
        """Note that bytes came, whatever they are."""
        self._silent_count = 0

    def answered(self) -> None:
        """Note that a request was answered."""
        self._answers_count += 1
        self._silent_count = 0
        if self.is_hasty:
            self.drop()  # before the endpoint does, in the middle of the next request
        elif self._answers_count > 1:
            self._hasty_count = 0

    def timed_out(self, *, torn: bool) -> None:
        """Note that nothing came in time.

        ``torn``: half an answer did, and its rest might be taken for another.
        """
        self._silent_count += 1
        if torn or self._silent_count >= HALF_OPEN_COUNT:
            self.drop()

    def _lost(self, error: Exception | None) -> None:
        self.stands = False
        self._hasty_count += self._answers_count == 1
        self.is_hasty = self._hasty_count >= _HASTY_MAX
        why = str(error or "without a word")
        if not self._answers_count:
            why += " before its first answer; it may take one client only, or not ours"
        self._fail(LinkLost(f"{self._where} closed the connection: {why}"))
