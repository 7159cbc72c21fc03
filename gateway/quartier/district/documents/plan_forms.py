"""Forms of schedules, signals and fail-safe parameters (pure).

Source: spec/sync.md#section-4; OpenADR 3.1: DISPATCH_SETPOINT, CHARGE_STATE_SETPOINT, SIMPLE, PRICE, GHG,
ALERT.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from quartier.control.requests import (
    DeviceSchedule,
    FailsafeDocument,
    FailsafeValues,
    ScheduleInterval,
    Signal,
    SignalInterval,
    SignalKind,
)
from quartier.district.documents.form_model import (
    DAY_S,
    TIME_MAX_MS,
    DocumentForm,
    Duration,
    Form,
    TimeMs,
    Watts,
)

Power = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
PricePerKwh = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]
"""EUR per kWh; below 0 the taker of energy is paid."""
GramsPerKwh = Annotated[float, Field(ge=0, le=10_000, allow_inf_nan=False)]
_WH_PER_KWH = 1000.0


class ScheduleIntervalForm(Form):
    """A power (plus takes from the building) or a state of charge at the end; neither: own control."""

    duration_s: Duration
    power_w: Power | None = None
    soc_pct: Percent | None = None

    @model_validator(mode="after")
    def _check_exclusive(self) -> Self:
        if self.power_w is not None and self.soc_pct is not None:
            raise ValueError("power_w and soc_pct exclude each other")
        return self


class ScheduleForm(DocumentForm):
    """Schedule of one asset; ``asset`` is the last level of its topic."""

    asset: Annotated[str, Field(min_length=1, max_length=64)]
    start: TimeMs
    intervals: Annotated[list[ScheduleIntervalForm], Field(min_length=1, max_length=288)]

    @property
    def place(self) -> str:
        """Return the asset."""
        return self.asset

    def convert(self) -> DeviceSchedule:
        """Return the schedule as control uses it."""
        return DeviceSchedule(
            id=self.id,
            seq=self.seq,
            asset=self.asset,
            nbf_utc_ms=self.nbf,
            exp_utc_ms=self.exp,
            start_utc_ms=self.start,
            intervals=tuple(
                ScheduleInterval(one.duration_s, one.power_w, one.soc_pct) for one in self.intervals
            ),
        )


class FailsafeForm(DocumentForm):
    """Fail-safe parameters; ``exp`` says until when they may be taken, what was taken stays."""

    exp: TimeMs = TIME_MAX_MS
    import_max_w: Watts
    export_max_w: Watts
    duration_min_s: Annotated[float, Field(ge=0, le=31 * DAY_S, allow_inf_nan=False)]

    def convert(self) -> FailsafeDocument:
        """Return the fail-safe parameters as control uses them."""
        values = FailsafeValues(
            import_max_w=self.import_max_w,
            export_max_w=self.export_max_w,
            duration_min_s=self.duration_min_s,
        )
        return FailsafeDocument(id=self.id, seq=self.seq, values=values)


class PriceForm(Form):
    """Prices of imported and exported energy."""

    duration_s: Duration
    import_eur_per_kwh: PricePerKwh
    export_eur_per_kwh: PricePerKwh | None = None

    def span(self) -> SignalInterval:
        """Return the interval per Wh, as the gateway counts."""
        values: dict[str, float | str] = {"import_eur_per_wh": self.import_eur_per_kwh / _WH_PER_KWH}
        if self.export_eur_per_kwh is not None:
            values["export_eur_per_wh"] = self.export_eur_per_kwh / _WH_PER_KWH
        return SignalInterval(self.duration_s, values)


class Co2Form(Form):
    """CO2 equivalent of energy from the grid."""

    duration_s: Duration
    import_g_per_kwh: GramsPerKwh

    def span(self) -> SignalInterval:
        """Return the interval per Wh, as the gateway counts."""
        return SignalInterval(self.duration_s, {"import_g_per_wh": self.import_g_per_kwh / _WH_PER_KWH})


class LevelForm(Form):
    """OpenADR's SIMPLE: 0 normal to 3."""

    duration_s: Duration
    level: Annotated[int, Field(ge=0, le=3)]

    def span(self) -> SignalInterval:
        """Return the interval unchanged."""
        return SignalInterval(self.duration_s, {"level": self.level})


class AlertForm(Form):
    """A word to people."""

    duration_s: Duration
    code: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
    text: Annotated[str, Field(max_length=500)] = ""

    def span(self) -> SignalInterval:
        """Return the interval unchanged."""
        return SignalInterval(self.duration_s, {"code": self.code, "text": self.text})


class _SignalForm(DocumentForm):
    start: TimeMs

    def _make_signal(self, kind: SignalKind, spans: tuple[SignalInterval, ...]) -> Signal:
        return Signal(
            kind=kind,
            id=self.id,
            seq=self.seq,
            nbf_utc_ms=self.nbf,
            exp_utc_ms=self.exp,
            start_utc_ms=self.start,
            spans=spans,
        )


class PriceSignalForm(_SignalForm):
    """Prices over time."""

    intervals: Annotated[list[PriceForm], Field(min_length=1, max_length=288)]

    def convert(self) -> Signal:
        """Return the signal as control uses it."""
        return self._make_signal("price", tuple(one.span() for one in self.intervals))


class Co2SignalForm(_SignalForm):
    """CO2 over time."""

    intervals: Annotated[list[Co2Form], Field(min_length=1, max_length=288)]

    def convert(self) -> Signal:
        """Return the signal as control uses it."""
        return self._make_signal("co2", tuple(one.span() for one in self.intervals))


class LevelSignalForm(_SignalForm):
    """Levels over time."""

    intervals: Annotated[list[LevelForm], Field(min_length=1, max_length=288)]

    def convert(self) -> Signal:
        """Return the signal as control uses it."""
        return self._make_signal("level", tuple(one.span() for one in self.intervals))


class AlertSignalForm(_SignalForm):
    """Alerts over time."""

    intervals: Annotated[list[AlertForm], Field(min_length=1, max_length=288)]

    def convert(self) -> Signal:
        """Return the signal as control uses it."""
        return self._make_signal("alert", tuple(one.span() for one in self.intervals))
