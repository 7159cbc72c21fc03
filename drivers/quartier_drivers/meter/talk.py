"""A conversation with a meter that must be polled, without its wire: a generator of requests.

It yields ``Ask``s and receives the bytes of the answer, ``b""`` if none came in time.  It knows no clock and
makes no I/O, so a test is ``talk.send(b"…")``.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from quartier_drivers.meter.telegram import Telegram


@dataclass(frozen=True, slots=True)
class Ask:
    """A step: change the line if needed, send the bytes if any, then wait for the next bytes.

    ``wait_s`` counts real seconds from the last bit sent; ``baud`` 0 and ``framing`` empty leave the line as
    it is (over TCP they always do).  ``fresh`` drops earlier bytes that nobody asked for.
    """

    send: bytes = b""
    wait_s: float = 1.0
    baud: int = 0
    framing: str = ""
    fresh: bool = False


Result = TypeVar("Result")
Conversation = Generator[Ask, bytes, Result]
Talk = Conversation[list[Telegram]]
"""One complete reading of a meter.  Raises NoReply or Refused, in words for a person."""


class Reader(Protocol):
    """Polls one meter; keeps the state between two readings (FCB, association, invocation counter)."""

    def read(self) -> Talk:
        """Return the conversation of one complete reading."""
        ...
