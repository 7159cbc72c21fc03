"""Waiter, sequence of reads, and cache of answers of one line.

A read inside one answer gets its part of it; what two answers would have to give together is read again,
because the halves of a number may be of two moments.

A plain Future wakes its task in the next iteration of the loop, which asks the kernel for events once more
before: a system call and an iteration for each answer of a device.  Here the task goes on inside the call
that brought the bytes; if that call is itself made by a task, it goes on in the next iteration as with any
Future.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar

from quartier_drivers.modbus.frames import Answer, Request
from quartier_native import Questions


def never() -> bool:
    """Return False: the reads end when all are made."""
    return False


class ReadSequence(Questions):
    """A go: ``requests`` in order, until one is refused or ``is_enough`` returns True after an answer.

    ``answers`` are the data of the answered ones, ``refusal`` the exception that ended the go, ``taken_ns``
    the arrival time of both (daemon time).  ``is_over``: nothing more is asked.
    """

    def __init__(
        self, requests: Sequence[Request], now_ns: Callable[[], int], is_enough: Callable[[], bool] = never
    ) -> None:
        super().__init__([one.asks for one in requests], now_ns, is_enough)
        self.requests = requests
        self.refusal: Answer | None = None

    @property
    def request(self) -> Request:
        """The current request, to be sent or awaited.  IndexError if all are answered."""
        return self.requests[len(self.taken_ns)]

    def found(self, answer: Answer) -> None:
        """Take an answer to the current request that came in pieces or by a detour, or is an exception."""
        if answer.exception:
            self.refusal = answer
            self.end()
        else:
            self.take(answer.data)


# Most answers kept per table of a unit, and most tables.
ANSWERS_MAX = 64
TABLES_MAX = 64
_BITS, _REGISTERS = (1, 2), (3, 4)


class AnswerCache:
    """The answers of one line.  A write to a unit invalidates all its earlier answers."""

    def __init__(self) -> None:
        self._tables: dict[tuple[int, int], OrderedDict[tuple[int, int], tuple[bytes, int]]] = {}

    def store_answers(self, go: ReadSequence) -> None:
        """Store the answered reads of a go."""
        for request, data, taken_ns in zip(go.requests, go.answers, go.taken_ns, strict=False):
            self._put(request, data, taken_ns)

    def store_answer(self, request: Request, answer: Answer, now_ns: int) -> None:
        """Handle a successful exchange."""
        if request.writes:
            self.forget(request.unit)
        elif not answer.exception:
            self._put(request, answer.data, now_ns)

    def forget(self, unit: int) -> None:
        """Forget the answers of a unit, which may have changed."""
        for key in [key for key in self._tables if key[0] == unit]:
            del self._tables[key]

    def find(self, request: Request, not_before_ns: int) -> bytes | None:
        """Return the data of a read, not older than ``not_before_ns``; None if there is none."""
        answers = self._tables.get((request.unit, request.function))
        if answers is None or request.raw:
            return None
        whole = answers.get((request.address, request.count))
        if whole is not None and whole[1] >= not_before_ns:
            return whole[0]
        for (first, count), (data, taken_ns) in reversed(answers.items()):
            before = request.address - first
            if taken_ns >= not_before_ns and before >= 0 and before + request.count <= count:
                return _find_part(request, data, before)
        return None

    def _put(self, request: Request, data: bytes, taken_ns: int) -> None:
        if request.function not in _BITS and request.function not in _REGISTERS:
            return
        key = request.unit, request.function
        answers = self._tables.get(key)
        if answers is None:
            if len(self._tables) >= TABLES_MAX:
                del self._tables[next(iter(self._tables))]
            answers = self._tables[key] = OrderedDict()
        place = request.address, request.count
        answers[place] = data, taken_ns
        answers.move_to_end(place)
        if len(answers) > ANSWERS_MAX:
            answers.popitem(last=False)


def _find_part(request: Request, data: bytes, before: int) -> bytes:
    if request.function in _REGISTERS:
        return data[2 * before : 2 * (before + request.count)]
    bits = int.from_bytes(data, "little") >> before & (1 << request.count) - 1
    return bits.to_bytes(request.data_size, "little")


T = TypeVar("T")


class ExchangeWaiter(asyncio.Future[T]):
    """A Future that one task awaits, once; ``wake`` is for callbacks of the loop, ``set_result`` for all."""

    def wake(self, result: T) -> None:
        """Settle it in a callback of the loop; its task continues at once.

        The caller must have nothing left to do.
        """
        waiting = self._callbacks
        if not waiting:
            super().set_result(result)
            return
        ((callback, context),) = waiting
        self.remove_done_callback(callback)
        super().set_result(result)
        context.run(callback, self)

    def set_result(self, result: T) -> None:
        """Settle it; its task continues at once.  The caller must have nothing left to do."""
        if asyncio.current_task(self._loop) is not None:  # no task runs inside another
            super().set_result(result)
        else:
            self.wake(result)

    def set_exception(self, exception: type | BaseException) -> None:
        """Fail it; its task is woken in the next iteration, because the caller may have to tidy up first."""
        super().set_exception(exception)
        self._log_traceback = False  # who was cancelled meanwhile has no use for it
