"""Progress of a set of scenarios: those that run, the time so far, the time left."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from quartier_hil import view
from quartier_hil.suite.results import Judged

SET_UP_REAL_S = 8.0
"""Time for the start of broker and daemon and for the end of a run, in addition to plant time."""


class Progress:
    """``expected_s`` are the real seconds of each that is to be run, in their order; ``count`` are all.

    On a terminal of its own (``live``) a line stands below what was said and counts; else each beginning is
    said.
    """

    def __init__(
        self,
        console: Console,
        expected_s: Mapping[str, float],
        count: int,
        *,
        jobs: int = 1,
        live: bool = False,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._waiting_s = dict(expected_s)
        self._expected_s = expected_s
        self._count = count
        self._jobs = jobs
        self._now_s = now_s
        self._began_s = now_s()
        self._on: dict[str, float] = {}
        self._live = Live(get_renderable=self._shown, console=console, refresh_per_second=1, transient=True)
        self._is_live = live and console.is_terminal

    def __enter__(self) -> Self:
        """Take a line of the screen, where there is one."""
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        if self._is_live:
            self._live.stop()

    def begin(self, name: str) -> None:
        """One begins."""
        self._waiting_s.pop(name, None)
        self._on[name] = self._now_s()
        if not self._is_live:
            self._say(self.words())

    def end(self, name: str, judged: Judged | None) -> None:
        """One has ended; None: it could not be run."""
        took_s = self._now_s() - self._on.pop(name)
        if judged is None:
            self._say(f"NOT RUN  {name}, {span(took_s)}")
            return
        mark = f"{view.MARKS[judged.result]:6}"
        self._say(f"{mark} {name}  {judged.line.kept_count} of {judged.line.count}, {span(took_s)}")
        for verdict in judged.verdicts:
            if not verdict.is_kept:
                words = f"{verdict.check} {verdict.result}: promised {verdict.promised}"
                self._say(f"       {words}; measured {verdict.words}")

    def words(self) -> str:
        """Return the progress, as text."""
        done = self._count - len(self._waiting_s)
        on = ", ".join(
            f"{name} {span(self._now_s() - began_s)} of about {span(self._expected_s[name])}"
            for name, began_s in self._on.items()
        )
        so_far = span(self._now_s() - self._began_s)
        return f"{done} of {self._count}  {on}; {so_far} so far, about {span(self.left_s())} to go"

    def left_s(self) -> float:
        """Return the estimated real seconds until the end."""
        on_s = (
            max(self._expected_s[name] - self._now_s() + began_s, 0.0) for name, began_s in self._on.items()
        )
        return (sum(self._waiting_s.values()) + sum(on_s)) / self._jobs

    def _say(self, words: str) -> None:
        self._console.print(words, highlight=False, markup=False, soft_wrap=True)

    def _shown(self) -> Text:
        return Text(self.words(), no_wrap=True, overflow="ellipsis")


def span(seconds: float) -> str:
    """A time as people say it: ``40 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
