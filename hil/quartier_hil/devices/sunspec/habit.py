"""The habits of SunSpec devices in the field, one sentence each: what the rig's devices can have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habit:
    """A habit; ``number`` is the number in its sentence, if any."""

    name: str
    about: str
    number: int = 0


_TABLE = (
    # timers
    Habit("timer-lost", "takes a timer and keeps zero: it reads back 0 and never acts"),
    Habit("timer-ignored", "keeps a timer as written, and never acts on it"),
    Habit("timer-fed-by-polls", "starts its timers again at each reading of the model"),
    Habit(
        "timer-fed-by-values",
        "starts a timer of model 704 again when the value is written, not only its enable",
    ),
    Habit("discards-writes", "says yes to every write and forgets it"),
    # controls
    Habit("standby-at-zero", "a cap of 0 % sends it into standby, and it stays there for `number` s", 300),
    Habit("inverted-setpoint", "takes a setpoint's plus for charging where the standard says generating"),
    Habit("ignores-setpoint", "keeps a setpoint as written, and does nothing"),
    # the map
    Habit("no-scale", "its scale factors of power are not implemented"),
    Habit("short-reads", "refuses to read more than `number` registers at once", 50),
    Habit("no-end", "nothing stands behind its last model"),
    Habit("end-without-length", "the end of the chain is one register, without a length"),
    Habit("base-0", "its map begins at register 0"),
    Habit("base-50000", "its map begins at register 50000"),
    Habit("short-common", "its model 1 is 65 registers long, as in its first edition"),
    Habit("longer-models", "its models are `number` registers longer than their files say", 4),
    Habit("stranger", "a maker's own model stands in the chain, `number` registers long", 10),
)
HABITS: Mapping[str, Habit] = {habit.name: habit for habit in _TABLE}


def chosen(names: Iterable[str]) -> Mapping[str, int]:
    """The habits in ``names`` (``"short-reads"``, ``"short-reads=20"``) with their numbers.

    Raises ValueError for one that there is not.
    """
    found: dict[str, int] = {}
    for told in names:
        name, _, number = told.partition("=")
        if name not in HABITS:
            raise ValueError(f"{name!r} is no habit; expected one of {', '.join(HABITS)}")
        found[name] = int(number) if number else HABITS[name].number
    return found
