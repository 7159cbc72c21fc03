"""One-shot commands of the district, their signature already verified (spec/sync.md#command)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

COMMAND_MAX_S = 3_600.0
FAILSAFE_TEST_MAX_S = 600.0
SHED_LEVEL_MAX = 3


@dataclass(frozen=True, slots=True)
class Shed:
    """Tiers off: 1 = D, 2 = C and D, 3 = B, C and D (spec/failsafe.md#shed-levels); 0 ends it."""

    level: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Release:
    """The end of all that was commanded."""


@dataclass(frozen=True, slots=True)
class Setpoint:
    """The power of one asset in W, plus takes energy; of what can only be limited, its limit."""

    asset: str
    power_w: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class SetMode:
    """``manual``: batteries rest unless told otherwise; ``maintenance``: they belong to their own control.

    ``auto`` ends either.  Caps and what they take go on in each.
    """

    mode: Literal["auto", "manual", "maintenance"]
    duration_s: float


@dataclass(frozen=True, slots=True)
class Ping:
    """An answer and nothing else."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Events again, from this one on."""

    boot: int
    seq: int


@dataclass(frozen=True, slots=True)
class FailsafeTest:
    """The fail-safe state for a while, whatever the link's own is."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class ResetAlarm:
    """An alarm seen: the list's code, ``CODE:OF`` or number."""

    code: str


Command = Shed | Release | Setpoint | SetMode | Ping | Replay | FailsafeTest | ResetAlarm

OPS: Mapping[str, type[Command]] = MappingProxyType(
    {
        "shed": Shed,
        "release": Release,
        "setpoint": Setpoint,
        "mode": SetMode,
        "ping": Ping,
        "replay": Replay,
        "test_failsafe": FailsafeTest,
        "reset_alarm": ResetAlarm,
    }
)
"""By the name that stands in ``op``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDocument:
    """One command with who it is told from others by."""

    id: str
    seq: int
    exp_utc_ms: int
    asked: Command

    @property
    def op(self) -> str:
        """Its name on the wire."""
        return next(name for name, kind in OPS.items() if isinstance(self.asked, kind))

    @property
    def place(self) -> str:
        """What it stands for: a newer command of the same place takes it; empty for what does not last."""
        asked = self.asked
        if isinstance(asked, Setpoint):
            return f"setpoint {asked.asset}"
        return self.op if isinstance(asked, Shed | SetMode | FailsafeTest) else ""

    @property
    def duration_s(self) -> float:
        """Return how long it runs; 0 for what is done at once."""
        asked = self.asked
        if not isinstance(asked, Shed | Setpoint | SetMode | FailsafeTest):
            return 0.0
        ends = isinstance(asked, SetMode) and asked.mode == "auto"
        ends = ends or (isinstance(asked, Shed) and not asked.level)
        return 0.0 if ends else asked.duration_s
