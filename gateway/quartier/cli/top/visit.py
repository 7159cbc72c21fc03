"""One look at the daemon: asks for what a page shows, and for nothing else."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from quartier.cli.top import page
from quartier.cli.top.page import Page
from quartier.cli.top.rates import Rates
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.runtime.text_output import escape_all

TIMEOUT_S = 3.0
HOUSE = ("house", "")


class Visit:
    """Looks at one thing, ``(kind, name)``, again and again.

    ``run`` tells one run of the daemon from the next.
    """

    def __init__(self, runtime_dir: Path, subject: tuple[str, str] = HOUSE) -> None:
        self.kind, self.name = subject
        self.run: tuple[object, object] | None = None
        self._ask = partial(ask, runtime_dir, timeout_s=TIMEOUT_S)
        self._rates = Rates()

    def __call__(self) -> Page | None:
        """The page as it is now; None when there is no such thing (any more).  Raises NoDaemon.

        Waits up to ``TIMEOUT_S`` for each of at most two answers.
        """
        told = self._asked("status") if self.kind == "house" else self._asked(self.kind, self.name)
        if told is None:
            return None
        gateway = told["gateway"]
        self.run = (gateway["boot"], gateway["pid"])
        if self.kind in {"house", "bus"}:
            self._rates.saw(told)
            return page.house(told, self._rates) if self.kind == "house" else page.bus(told, self._rates)
        points = self._asked("points", self.name)
        return None if points is None else _WITH_POINTS[self.kind](told, points)

    def _asked(self, what: str, of: str | None = None) -> Any:
        told = escape_all(self._ask(what, of))
        if isinstance(told, dict) and "error" in told:
            raise NoDaemon("the daemon does not know what was asked: it is of another version; restart it")
        return told


_WITH_POINTS: dict[str, Callable[[Any, Any], Page]] = {"device": page.device, "asset": page.asset}
