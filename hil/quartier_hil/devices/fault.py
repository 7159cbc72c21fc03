"""The ways a device or a wire fails, as data: one table for runs over wires and those in one process."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

Kind = Literal[
    "off",
    "unplugged",
    "silent",
    "stuck",
    "garbage",
    "wrong",
    "bent",
    "slow",
    "late",
    "delayed",
    "intermittent",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Verb = Literal["off", "stuck", "wrong", "slow", "delayed", "garbage", "intermittent"]
VERBS: tuple[Verb, ...] = get_args(Verb)
"""The seven ways in which each device, wire, meter and clock is made to fail, where it can."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in force.

    off      no power: alone on its endpoint it closes it, else it is an absent unit; what it was
             told is forgotten
    unplugged  its cable is out: as if it had no power, for those on the wire; it lives on by itself
    silent   hears nothing and says nothing; with ``acts`` it hears and obeys but its answer is lost
    stuck    its values freeze; orders still act
    garbage  answers bytes without sense
    wrong    values of ``points`` (a pattern over quantity names) are multiplied by ``factor``
    bent     orders for ``points`` act multiplied by ``factor``: -1 turns them, 10 is a wrong scale, 0 is deaf
    slow     answers after ``seconds`` of real time, one request after the other
    late     answers after ``seconds`` of real time with the request's own, by then old, id, while
             newer requests are served: every ``every``-th answer (1: each)
    delayed  answers in time what it measured ``seconds`` of the house before
    intermittent  a loose contact: neither heard nor hearing for ``seconds`` of the house, then well as long
    """

    kind: Kind
    seconds: float = 0.0
    factor: float = 1.0
    points: str = ""
    acts: bool = False
    every: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for what is no fault."""
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault; expected one of {', '.join(KINDS)}")
        if self.seconds < 0 or self.every < 1:
            raise ValueError(
                f"a fault needs seconds >= 0 and every >= 1, got {self.seconds} and {self.every}"
            )

    def hits(self, point: str) -> bool:
        """Whether ``wrong`` or ``bent`` changes this point (``"grid.power_w"`` or ``"power_w"``)."""
        usual = "*" if self.kind == "bent" else "*power*"
        return fnmatchcase(point, self.points or usual)

    def is_apart(self, lasted_s: float) -> bool:
        """Whether a loose contact is open ``lasted_s`` after it came loose."""
        return is_apart(lasted_s, self.seconds)


def is_apart(lasted_s: float, seconds: float) -> bool:
    """Whether what comes and goes is away: bad first, for ``seconds``, and then well for as long."""
    return seconds > 0 and lasted_s % (2 * seconds) < seconds
