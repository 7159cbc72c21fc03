"""Asks the daemon for the content of a page, and for nothing else."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from quartier.cli.top import page_content
from quartier.cli.top.counter_rates import CounterRates
from quartier.cli.top.page_content import TopPage
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier.runtime.text_output import escape_all

ANSWER_TIMEOUT_S = 3.0
SITE_SUBJECT = ("house", "")


class DaemonView:
    """Looks at one thing, ``(kind, name)``, again and again.

    ``run`` tells one run of the daemon from the next.
    """

    def __init__(self, runtime_dir: Path, subject: tuple[str, str] = SITE_SUBJECT) -> None:
        self.kind, self.name = subject
        self.run: tuple[object, object] | None = None
        self._ask = partial(ask, runtime_dir, timeout_s=ANSWER_TIMEOUT_S)
        self._rates = CounterRates()

    def __call__(self) -> TopPage | None:
        """Return the page as it is now; None when its subject does not exist (any more).  Raises NoDaemon.

        Waits up to ``ANSWER_TIMEOUT_S`` for each of at most two answers.
        """
        answer = (
            self._ask_daemon("status") if self.kind == "house" else self._ask_daemon(self.kind, self.name)
        )
        if answer is None:
            return None
        gateway = answer["gateway"]
        self.run = (gateway["boot"], gateway["pid"])
        if self.kind in {"house", "bus"}:
            self._rates.add_answer(answer)
            return (
                page_content.make_site_page(answer, self._rates)
                if self.kind == "house"
                else page_content.make_bus_page(answer, self._rates)
            )
        points = self._ask_daemon("points", self.name)
        return None if points is None else _PAGES_WITH_POINTS[self.kind](answer, points)

    def _ask_daemon(self, what: str, of: str | None = None) -> Any:
        answer = escape_all(self._ask(what, of))
        if isinstance(answer, dict) and "error" in answer:
            raise NoDaemon("the daemon does not know what was asked: it is of another version; restart it")
        return answer


_PAGES_WITH_POINTS: dict[str, Callable[[Any, Any], TopPage]] = {
    "device": page_content.make_device_page,
    "asset": page_content.make_asset_page,
}
