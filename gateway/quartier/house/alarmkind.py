"""What is said of every alarm of one code: how much it matters, what it means, and what to do (pure)."""

from dataclasses import dataclass
from enum import StrEnum

HOUR_S = 3600.0


class Severity(StrEnum):
    """How much an alarm matters; the worst first."""

    CRITICAL = "critical"
    """A limit of the building does not hold now, or an output may be left unsafe."""
    WARNING = "warning"
    """Something is lost; what is declared for that loss is done."""
    NOTICE = "notice"
    """All works; somebody should know, and look when there."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One row.

    ``of``: what the alarm is about, empty for the whole building.  ``remedy`` names the next command;
    ``{of}`` is what it is about there, ``{asset}`` the asset of a point.  ``stays_s``: what is only told
    once, not seen to end, counts as present for so long after it was told last (inf: until a restart).
    ``ended_by``: codes of events that say that it is over.  ``grows_into``: the code of what it becomes if it
    lasts, which then stands for both.
    """

    code: str
    of: str
    meaning: str
    remedy: str
    severity: Severity
    stays_s: float = 0.0
    ended_by: tuple[str, ...] = ()
    grows_into: str = ""
