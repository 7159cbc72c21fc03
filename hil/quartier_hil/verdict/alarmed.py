"""Checks of the alarms of the daemon: an expected alarm came in its span, and no alarm flaps (pure)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import Ending, Verdict, counted

APART_MIN_S = 60.0
"""Shortest time between two raises of the same alarm, s (spec/failsafe.md#alarms)."""
SLACK_S = 2.0
"""Tolerance of the times, s: a status is read between two cycles."""
_ENDED = re.compile(r"; ended \d\d:\d\d:\d\d$")
_FIGURES = re.compile(r"\d+(\.\d+)?")


def alarm_name(alarm: str) -> str:
    """Return the name of an alarm: code and subject where these are known, else its text without figures."""
    key = getattr(alarm, "key", None)
    return ":".join(key) if key else _plain(alarm)


def _plain(words: str) -> str:
    return _FIGURES.sub("#", _ENDED.sub("", words))


@dataclass
class Raised:
    """Alarms as (seconds of the site's clock, text): one entry each time an alarm is raised.

    A text that changes while the alarm is active makes one more entry where more than figures changed.
    ``spans`` are the moments at which each alarm was raised, by its name.
    """

    found: list[tuple[float, str]] = field(default_factory=list)
    spans: dict[str, list[float]] = field(default_factory=dict)
    standing: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def look(self, now_s: float, alarms: Iterable[str], names: Iterable[str] = ()) -> None:
        """Record the alarms that are active now; ``names`` are those of texts that do not know their code."""
        here: dict[str, frozenset[str]] = {}
        for one, known_name in zip_longest(alarms, names):
            name, plain = known_name or alarm_name(one), _plain(one)
            known = self.standing.get(name, frozenset())
            if name not in self.standing and name not in here:
                self.spans.setdefault(name, []).append(now_s)
            if plain not in known | here.get(name, frozenset()):
                self.found.append((now_s, _ENDED.sub("", one)))
            here[name] = here.get(name, known) | {plain}
        self.standing = here


@dataclass
class AlarmsHeld:
    """Check of every run: no alarm is raised more than once a minute while the daemon runs."""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: this check needs no values of the plant."""

    def verdict(self, ending: Ending) -> Verdict:
        """Return the number of alarms raised and the shortest time between two raises of the same one."""
        shortest_s, whose = float("inf"), ""
        for name, starts_s in ending.alarm_spans.items():
            for before_s, after_s in pairwise(starts_s):
                restarted = any(begin <= after_s and end >= before_s for begin, end in ending.downs)
                if not restarted and after_s - before_s < shortest_s:
                    shortest_s, whose = after_s - before_s, f"{name}, at {after_s:.0f} s"
        count = sum(map(len, ending.alarm_spans.values()))
        measured = f"{counted(count, 'alarm')} raised"
        if whose:
            measured += f", the same one again after {shortest_s:.0f} s at least ({whose})"
        promised = f"the same alarm is raised at most once in {APART_MIN_S:g} s"
        return Verdict("alarms-held", promised, measured, shortest_s >= APART_MIN_S - SLACK_S)


@dataclass
class Alarmed:
    """Check that an alarm with given words was raised within a span, or never."""

    asked: asked.Alarmed

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Do nothing: this check needs no values of the plant."""

    def verdict(self, ending: Ending) -> Verdict:
        """Return the verdict with the time of the first such alarm."""
        wanted = self.asked
        times = [at_s for at_s, words in ending.alarms if wanted.words in words]
        inside = [at_s for at_s in times if wanted.from_s <= at_s <= wanted.until_s]
        if wanted.never:
            promised = f"no alarm with {wanted.words!r} from {wanted.from_s:g} s to {wanted.until_s:g} s"
            measured = (
                f"came {counted(len(inside), 'time')}, first at {inside[0]:.0f} s" if inside else "never came"
            )
            return Verdict("alarmed", promised, measured, not inside)
        promised = f"an alarm with {wanted.words!r} from {wanted.from_s:g} s to {wanted.until_s:g} s"
        measured = (
            f"came {counted(len(inside), 'time')}, first at {inside[0]:.0f} s" if inside else "never came"
        )
        if times and times[0] < wanted.from_s:
            return Verdict("alarmed", promised, f"came too early, at {times[0]:.0f} s", holds=False)
        return Verdict("alarmed", promised, measured, bool(inside))
