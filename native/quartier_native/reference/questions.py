"""Reads over Modbus TCP asked one after the other: is this the answer, and what is asked next.

Source: Modbus Messaging on TCP/IP Implementation Guide V1.0b, 3.1.3 (MBAP header): two bytes of transaction
number stand in front of each frame, and an answer bears the number of its question.
"""

from collections.abc import Callable, Iterable

NUMBER_MAX = 0xFFFF
_NUMBER_SIZE = 2


class Questions:
    """Frames to be sent in their order, each once the one before was answered.

    ``asked`` holds a row for each: its frame behind the number, how a sound answer begins behind the number,
    and how many bytes of data follow that.  ``now_ns`` is asked for each answer, and then ``is_enough``
    whether to end here.  ``answers`` are the data, ``taken_ns`` when they came, ``number`` is that of the
    question in hand; ``is_over``: none is.
    """

    def __init__(
        self,
        asked: Iterable[tuple[bytes, bytes, int]],
        now_ns: Callable[[], int],
        is_enough: Callable[[], bool],
    ) -> None:
        """ValueError for a row with less than no data."""
        self._rows = tuple(asked)
        if any(size < 0 for _, _, size in self._rows):
            raise ValueError("less than no data")
        self._now_ns = now_ns
        self._is_enough = is_enough
        self.number = 0
        self.again()

    def __len__(self) -> int:
        return len(self._rows)

    def again(self) -> None:
        """From the first one, as if nothing had been asked; the number goes on."""
        self.answers: list[bytes] = []
        self.taken_ns: list[int] = []
        self.is_over = not self._rows

    def ask(self, number: int) -> bytes:
        """The frame of the question in hand, under the number behind ``number``; after 65535 comes 1.

        IndexError where none is, ValueError for a number outside 0..65535.
        """
        if not 0 <= number <= NUMBER_MAX:
            raise ValueError(f"number {number}, expected 0..{NUMBER_MAX}")
        self._check()
        self.number = number % NUMBER_MAX + 1
        return self.number.to_bytes(_NUMBER_SIZE, "big") + self._rows[len(self.answers)][0]

    def take_answer(self, data: bytes) -> bytes | None:
        """Take the answer to the question in hand; the frame of the next, an empty one where it is over.

        None where ``data`` are anything but just that answer: then nothing has changed.
        """
        if self.is_over:
            return None
        _, head, size = self._rows[len(self.answers)]
        start = _NUMBER_SIZE + len(head)
        if len(data) != start + size or data[:start] != self.number.to_bytes(_NUMBER_SIZE, "big") + head:
            return None
        self.take(data[start:])
        return b"" if self.is_over else self.ask(self.number)

    def take(self, data: bytes) -> None:
        """Take the data of the answer to the question in hand, however it came; IndexError where none is."""
        self._check()
        self.answers.append(data)
        self.taken_ns.append(self._now_ns())
        self.is_over = bool(self._is_enough()) or len(self.answers) == len(self._rows)

    def end(self) -> None:
        """End the exchange because the received data is no answer; raises IndexError if none is under way."""
        self._check()
        self.taken_ns.append(self._now_ns())
        self.is_over = True

    def _check(self) -> None:
        if self.is_over:
            raise IndexError("nothing is asked")
