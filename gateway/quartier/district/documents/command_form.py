"""Form of district commands: fields of each operation (pure).

Source: spec/sync.md#command. Every command that moves power has a duration of at most an hour.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from quartier.control.orders.commands import (
    COMMAND_MAX_S,
    FAILSAFE_TEST_MAX_S,
    SHED_LEVEL_MAX,
    Command,
    CommandDocument,
    FailsafeTest,
    Ping,
    Release,
    Replay,
    ResetAlarm,
    SetMode,
    Setpoint,
    Shed,
)
from quartier.district.documents.form_model import DocumentForm, Form, Name, Number

CommandOp = Literal["shed", "release", "setpoint", "mode", "ping", "replay", "test_failsafe", "reset_alarm"]
COMMAND_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "shed": ("level", "duration_s"),
        "release": (),
        "setpoint": ("asset", "w", "duration_s"),
        "mode": ("mode", "duration_s"),
        "ping": (),
        "replay": ("from",),
        "test_failsafe": ("duration_s",),
        "reset_alarm": ("code",),
    }
)
"""Fields that each ``op`` requires; no others are allowed. ``mode: auto`` needs no duration."""
_ALL_FIELDS = ("level", "asset", "w", "mode", "from", "code", "duration_s")


def _add_schema_rules(schema: dict[str, Any]) -> None:
    """Add to the schema which fields each op requires."""
    schema["allOf"] = [
        {"if": {"properties": {"op": {"const": op}}}, "then": {"required": [*fields]}}
        for op, fields in COMMAND_FIELDS.items()
        if fields and op != "mode"
    ]


class EventKey(Form):
    """One event by its number, as ``C/event`` carries it."""

    boot: Number
    seq: Number


class CommandForm(DocumentForm):
    """A one-shot command; ``op`` says which other fields it has."""

    model_config = ConfigDict(json_schema_extra=_add_schema_rules)

    op: CommandOp
    level: Annotated[int, Field(ge=0, le=SHED_LEVEL_MAX)] | None = None
    """With shed: 1 switches off tier D, 2 tiers C and D, 3 tiers B, C and D; 0 ends it."""
    asset: Name | None = None
    """With setpoint: the asset."""
    w: Annotated[float, Field(ge=-1e9, le=1e9)] | None = None
    """With setpoint: the power, positive takes energy; for an asset that can only be limited, its limit."""
    mode: Literal["auto", "manual", "maintenance"] | None = None
    """With mode: manual keeps batteries idle, maintenance leaves them to themselves, auto ends either."""
    from_: Annotated[EventKey | None, Field(alias="from")] = None
    """With replay: the first event to be sent again."""
    code: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """With reset_alarm: its code, CODE:OF or number."""
    duration_s: Annotated[float, Field(gt=0, le=COMMAND_MAX_S)] | None = None
    """Duration, with every command that moves power.

    A test of the fail-safe state lasts at most ten minutes.
    """

    @model_validator(mode="after")
    def _check_fields(self) -> "CommandForm":
        given = {
            name for name in _ALL_FIELDS if getattr(self, "from_" if name == "from" else name) is not None
        }
        expected = set(COMMAND_FIELDS[self.op])
        if self.mode == "auto":
            expected &= given | {"mode"}
        if given != expected:
            raise ValueError(
                f"{self.op} comes with {', '.join(COMMAND_FIELDS[self.op]) or 'nothing'} and nothing else"
            )
        if self.op == "test_failsafe" and (self.duration_s or 0.0) > FAILSAFE_TEST_MAX_S:
            raise ValueError(f"duration_s: a test lasts {FAILSAFE_TEST_MAX_S:g} s at most")
        return self

    def convert(self) -> CommandDocument:
        """Return the command as control uses it."""
        return CommandDocument(id=self.id, seq=self.seq, exp_utc_ms=self.exp, asked=self._make_command())

    def _make_command(self) -> Command:
        duration_s = self.duration_s or 0.0
        start = self.from_ or EventKey(boot=0, seq=0)
        made: Mapping[str, Command] = {
            "shed": Shed(self.level or 0, duration_s),
            "release": Release(),
            "setpoint": Setpoint(self.asset or "", self.w or 0.0, duration_s),
            "mode": SetMode(self.mode or "auto", duration_s),
            "ping": Ping(),
            "replay": Replay(start.boot, start.seq),
            "test_failsafe": FailsafeTest(duration_s),
            "reset_alarm": ResetAlarm(self.code or ""),
        }
        return made[self.op]
