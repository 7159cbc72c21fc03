"""Command lines of a served building: faults, events and expected values (pure)."""

import operator
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

HELP = """\
  fault DEVICE|BUS KIND [seconds=S] [factor=F] [points=PATTERN] [every=N] [acts=1]
                             [value=W] [phases=1,2] [what=phases|clamps] [seed=N]
                             off unplugged silent stuck garbage wrong clamps swapped foreign coarse bent
                             slow late delayed intermittent
  clear DEVICE|BUS|all       well again
  pull BUS | put BUS         a serial adapter out of the gateway, and back
  plug EV [WH] | unplug EV   a car comes, wanting so much [40000], or leaves
  contact NAME closed|open   of the grid operator
  load W|own                 what the rest of the house takes; own: the day's course
  sun W_PER_KW|own           what the sun gives on each kW of modules
  soc BATTERY PCT            state of charge
  frequency HZ | voltage V   of the public grid
  show [PATTERN]             values and orders now: show grid.*, show *.power_w
  wait S                     seconds of the house
  expect POINT OP VALUE [within=S] [for=S]
                             OP is <= >= < > == !=; within: it must come true in time, for: and stay
  quit                       the end; exit code 1 where an expectation failed
"""
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
VERBS: Mapping[str, tuple[int, int]] = {
    "fault": (2, 2),
    "clear": (1, 1),
    "pull": (1, 1),
    "put": (1, 1),
    "plug": (1, 2),
    "unplug": (1, 1),
    "contact": (2, 2),
    "load": (1, 1),
    "sun": (1, 1),
    "soc": (2, 2),
    "frequency": (1, 1),
    "voltage": (1, 1),
    "show": (0, 1),
    "wait": (1, 1),
    "expect": (3, 3),
    "quit": (0, 0),
    "help": (0, 0),
}
"""Each verb with the least and most words that follow it."""
_KEYS: Mapping[str, frozenset[str]] = {
    "fault": frozenset({"seconds", "factor", "points", "every", "acts", "value", "phases", "what", "seed"}),
    "expect": frozenset({"within", "for"}),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its verb, its arguments, and its ``key=value`` options."""

    verb: str
    words: tuple[str, ...]
    keys: Mapping[str, str]


def line(text: str) -> Line | None:
    """Parse a line; None for an empty one or a comment.

    Raises ValueError saying what was expected.
    """
    words = shlex.split(text, comments=True)
    if not words:
        return None
    verb, *rest = words
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is no word here; expected one of {', '.join(VERBS)}")
    keys = dict(_split(word) for word in rest if _is_key(word))
    plain = tuple(word for word in rest if not _is_key(word))
    least, most = VERBS[verb]
    if not least <= len(plain) <= most:
        shown = next(one.strip() for one in HELP.splitlines() if verb in one.split())
        raise ValueError(f"{verb} takes other words: {shown}")
    if unknown := set(keys) - _KEYS.get(verb, frozenset()):
        those = ", ".join(sorted(_KEYS.get(verb, frozenset()))) or "none"
        raise ValueError(f"{verb} has no key {unknown.pop()!r}; expected {those}")
    return Line(verb, plain, keys)


def number(text: str, what: str) -> float:
    """Return a number from text.  Raises ValueError naming it."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what}: {text!r} is no number") from None


def _is_key(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return bool(equals) and name.isidentifier()


def _split(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value
