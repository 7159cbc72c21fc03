"""The alarms that the daemon raised: whether one came when it had to, and that none flaps (pure)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from quartier_hil import wanted as asked
from quartier_hil.verdict.checks import Ending, Verdict, counted

APART_MIN_S = 60.0
"""The same alarm is not raised more often than this (spec/failsafe.md#alarms)."""
SLACK_S = 2.0
"""A status is read between two cycles."""
_ENDED = re.compile(r"; ended \d\d:\d\d:\d\d$")
_FIGURES = re.compile(r"\d+(\.\d+)?")


def alarm_name(alarm: str) -> str:
    """Which alarm a text is: by code and what it is about where these are known, else without its figures."""
    key = getattr(alarm, "key", None)
    return ":".join(key) if key else _plain(alarm)


def _plain(words: str) -> str:
    return _FIGURES.sub("#", _ENDED.sub("", words))


@dataclass
class Raised:
    """Each alarm as (house seconds, words), once when it comes and again when it comes back.

    Words that change while it stands are one more entry where more than figures changed.  ``spans`` are the
    moments at which each alarm was raised, by its name.
    """

    found: list[tuple[float, str]] = field(default_factory=list)
    spans: dict[str, list[float]] = field(default_factory=dict)
    standing: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def look(self, now_s: float, alarms: Iterable[str], names: Iterable[str] = ()) -> None:
        """Take the alarms that stand now; ``names`` are those of texts that do not know their code."""
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
    """Of every run: no alarm flaps, it is raised at most once a minute while the daemon lives."""

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Nothing to see in the plant."""

    def verdict(self, ending: Ending) -> Verdict:
        """Return how often alarms were raised, and the shortest time between two of the same."""
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
    """Whether an alarm with some words came within a span."""

    asked: asked.Alarmed

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:
        """Nothing to see in the plant."""

    def verdict(self, ending: Ending) -> Verdict:
        """Return when it came first."""
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
