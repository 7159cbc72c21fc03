"""The district's own file: the transformer, the prices of energy, and the buildings behind it."""

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Watts = Annotated[float, Field(ge=0, le=100_000_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Hourly = Annotated[tuple[float, ...], Field(min_length=1, max_length=24)]


class DistrictFileError(ValueError):
    """A file that cannot be used, with every fault in a line of its own."""


class FileTable(BaseModel):
    """Unknown keys are faults."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Transformer(FileTable):
    """Transformer that all buildings share."""

    import_max_w: Watts
    """Most that may flow to the buildings."""
    export_max_w: Watts
    """Most that may flow back."""
    other_w: Watts = 0.0
    """Further load on it that takes no orders: always reserved."""


class Tariff(FileTable):
    """Prices of energy: one value, or 24 by the local hour."""

    zone: str = "Europe/Paris"
    """Time zone of the hours."""
    import_eur_per_kwh: Hourly = (0.25,)
    """An imported kWh."""
    export_eur_per_kwh: Hourly = (0.10,)
    """An exported kWh."""
    co2_g_per_kwh: Hourly = (50.0,)
    """CO2 of an imported kWh."""
    co2_eur_per_t: Annotated[float, Field(ge=0)] = 0.0
    """Price of a tonne of CO2."""
    peak_eur_per_kw: Annotated[float, Field(ge=0)] = 0.05
    """Price of the highest quarter hour of the horizon: flat is better."""

    def at(self, series: tuple[float, ...], utc_ms: int) -> float:
        """The value of a series at a moment."""
        if len(series) == 1:
            return series[0]
        return series[dt.datetime.fromtimestamp(utc_ms / 1e3, ZoneInfo(self.zone)).hour]

    @model_validator(mode="after")
    def _whole(self) -> "Tariff":
        for name in ("import_eur_per_kwh", "export_eur_per_kwh", "co2_g_per_kwh"):
            if len(getattr(self, name)) not in {1, 24}:
                raise ValueError(f"{name} has {len(getattr(self, name))} values; one or 24 are needed")
        return self


class HeatStore(FileTable):
    """A heat pump with a store of a size that the building does not state."""

    asset: Name
    """The asset in the flexibility report, with ``fill_level_c``."""
    power_max_w: Watts
    """Electric power of the heat pump."""
    wh_per_k: Annotated[float, Field(gt=0)]
    """Heat for one kelvin more."""
    cop: Annotated[float, Field(gt=0, le=10)] = 3.0
    """Heat for one Wh of electricity."""


class BuildingEntry(FileTable):
    """A building behind the transformer."""

    edge: Name
    """Its name in the topics, ``site.id`` of its site file."""
    title: str = ""
    """For people."""
    kind: Literal["home", "public"] = "home"
    """Kind of owner."""
    contract_import_w: Watts
    """Hard limit of its import."""
    contract_export_w: Watts
    """Hard limit of its export."""
    failsafe_import_w: Watts
    """Its share: what it keeps to when the district is lost."""
    failsafe_export_w: Watts
    """The same of its export."""
    stay_h: Annotated[float, Field(gt=0, le=48)] = 8.0
    """Stay of a car without a known departure."""
    need_wh: Watts = 10_000.0
    """Energy for a car without a known need."""
    car_w: Watts = 11_040.0
    """Charging power of a car without a known one."""
    schedules: tuple[Name, ...] = ()
    """Batteries that get a schedule of their own; without, they serve their house within the caps."""
    tanks: tuple[HeatStore, ...] = ()
    """Heat pumps that may be planned."""

    def share_w(self, direction: str) -> float:
        """Its fail-safe share; ``direction`` is import or export."""
        return self.failsafe_import_w if direction == "import" else self.failsafe_export_w

    def contract_w(self, direction: str) -> float:
        """Its hard limit."""
        return self.contract_import_w if direction == "import" else self.contract_export_w


class DistrictFile(FileTable):
    """The whole file."""

    group: Name = "issy"
    """Name of the district."""
    transformer: Transformer
    tariff: Tariff = Tariff()
    step_s: Annotated[int, Field(ge=60, le=3_600)] = 900
    """Length of a step; a plan is made anew as often."""
    steps_count: Annotated[int, Field(ge=1, le=288)] = 96
    """Steps of the horizon of a plan."""
    promised_steps_count: Annotated[int, Field(ge=1, le=96)] = 4
    """For how many steps a cap may differ from the share: what a silent building may still hold ends then."""
    valid_h: Annotated[float, Field(ge=1, le=168)] = 48.0
    """Validity of an envelope; after its steps it has the share as cap."""
    cohort: tuple[Name, ...] = ()
    """Buildings whose sum the open data show; empty: all."""
    buildings: Annotated[tuple[BuildingEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _sound(self) -> "DistrictFile":
        wrong = []
        edges = [place.edge for place in self.buildings]
        wrong += [f"{edge} is listed twice" for edge in sorted(set(edges)) if edges.count(edge) > 1]
        wrong += [f"cohort: there is no building {edge}" for edge in self.cohort if edge not in edges]
        for direction in ("import", "export"):
            limit_w = self.limit_w(direction)
            total_w = sum(self.shares_w(direction).values())
            if total_w > limit_w + 1e-6:
                wrong.append(
                    f"the fail-safe shares of {direction} are {total_w:g} W together, the transformer has "
                    f"{limit_w:g} W for them: make them smaller, or nothing holds when the district is lost"
                )
        for place in self.buildings:
            for direction in ("import", "export"):
                if place.share_w(direction) > place.contract_w(direction):
                    wrong.append(f"{place.edge}: failsafe_{direction}_w is above its contract")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def limit_w(self, direction: str) -> float:
        """Return the transformer's power for these buildings, W; ``direction`` is import or export."""
        if direction == "import":
            return max(self.transformer.import_max_w - self.transformer.other_w, 0.0)
        return self.transformer.export_max_w

    def shares_w(self, direction: str) -> Mapping[str, float]:
        """The fail-safe share of each building."""
        return {place.edge: place.share_w(direction) for place in self.buildings}


def load_district_file(path: Path) -> DistrictFile:
    """Read a file.  Raises RosterError with all its faults."""
    try:
        return DistrictFile.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise DistrictFileError(f"{path}: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise DistrictFileError(f"{path}: {error}") from error
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors()
        ]
        raise DistrictFileError("\n".join(lines)) from error
