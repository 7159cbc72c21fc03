"""Consecutive reads of one device: no task is woken between two of them."""

from collections.abc import Callable, Sequence

from quartier_drivers.modbus.frame import Answer, Request
from quartier_native import Questions


def never() -> bool:
    """Return False: the reads end when all are made."""
    return False


class Go(Questions):
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
