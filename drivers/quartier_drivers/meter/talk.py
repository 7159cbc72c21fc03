"""A conversation with a meter that must be asked, without its wire: a generator that says what it asks for.

It yields ``Ask``s and is given the bytes that came, ``b""`` where none did in time.  It knows no clock and
makes no I/O, so a test is ``talk.send(b"…")``.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from quartier_drivers.meter.telegram import Telegram


@dataclass(frozen=True, slots=True)
class Ask:
    """Change the line if asked to, send what there is to send, then wait for the next bytes.

    ``wait_s`` counts real seconds from the last bit sent; ``baud`` 0 and ``framing`` empty leave the
    line as it is (over TCP they always do).  ``fresh`` drops what has come unasked before.
    """

    send: bytes = b""
    wait_s: float = 1.0
    baud: int = 0
    framing: str = ""
    fresh: bool = False


Result = TypeVar("Result")
Conversation = Generator[Ask, bytes, Result]
Talk = Conversation[list[Telegram]]
"""One whole reading of a meter.  Raises NoReply or Refused, in words for a person."""


class Reader(Protocol):
    """Asks one meter; keeps what must be kept between two readings (FCB, association, invocation counter)."""

    def read(self) -> Talk:
        """One whole reading of the meter."""
        ...
