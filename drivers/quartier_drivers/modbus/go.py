"""Reads of one device that are made one after the other: between two of them no task is woken."""

from collections.abc import Callable, Sequence

from quartier_drivers.modbus.frame import Answer, Request
from quartier_native import Questions


def never() -> bool:
    """It ends when all is asked."""
    return False


class Go(Questions):
    """``requests`` in their order, until one is refused or ``is_enough`` says so after an answer.

    ``answers`` are the data of those that were answered, ``refusal`` the exception that ended it,
    ``taken_ns`` when each of both came (house time).  ``is_over``: nothing more is asked.
    """

    def __init__(
        self, requests: Sequence[Request], now_ns: Callable[[], int], is_enough: Callable[[], bool] = never
    ) -> None:
        super().__init__([one.asks for one in requests], now_ns, is_enough)
        self.requests = requests
        self.refusal: Answer | None = None

    @property
    def request(self) -> Request:
        """The one in hand: what is to be asked, or is waited for.  IndexError where all is answered."""
        return self.requests[len(self.taken_ns)]

    def found(self, answer: Answer) -> None:
        """Take the answer to the one in hand that came in pieces or by a detour, or is an exception."""
        if answer.exception:
            self.refusal = answer
            self.end()
        else:
            self.take(answer.data)
