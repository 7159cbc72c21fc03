"""One-shot commands of the district, with verified signature (spec/sync.md#command)."""

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
    """The end of all commands."""


@dataclass(frozen=True, slots=True)
class Setpoint:
    """The power of one asset in W, plus takes energy; for an asset that can only be limited, its limit."""

    asset: str
    power_w: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class SetMode:
    """``manual``: batteries rest unless ordered otherwise; ``maintenance``: they are under their own control.

    ``auto`` ends either. Limits and what they take go on in each.
    """

    mode: Literal["auto", "manual", "maintenance"]
    duration_s: float


@dataclass(frozen=True, slots=True)
class Ping:
    """A request for an answer and nothing else."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A request for the events again, from this one on."""

    boot: int
    seq: int


@dataclass(frozen=True, slots=True)
class FailsafeTest:
    """The fail-safe state for a period, whatever the link state is."""

    duration_s: float


@dataclass(frozen=True, slots=True)
class ResetAlarm:
    """An acknowledgement of an alarm: its code, ``CODE:OF`` or number in the list."""

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
"""Commands by their name in ``op``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDocument:
    """One command with its identity."""

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
        """Its place: a newer command of the same place replaces it; empty if it does not last."""
        asked = self.asked
        if isinstance(asked, Setpoint):
            return f"setpoint {asked.asset}"
        return self.op if isinstance(asked, Shed | SetMode | FailsafeTest) else ""

    @property
    def duration_s(self) -> float:
        """The duration in s; 0 for a command that is done at once."""
        asked = self.asked
        if not isinstance(asked, Shed | Setpoint | SetMode | FailsafeTest):
            return 0.0
        ends = isinstance(asked, SetMode) and asked.mode == "auto"
        ends = ends or (isinstance(asked, Shed) and not asked.level)
        return 0.0 if ends else asked.duration_s
