"""Learn load, generation and net slot by slot; dump and load the learned state (pure).

Only numbers, lists and nested memories are saved. Fields whose name starts with an underscore, and all other
values, are created anew.
"""

import math
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

from quartier.planning.forecast import backtest, generation_model, load_model
from quartier.planning.forecast.backtest import ForecastBacktest, NetErrors, find_distance
from quartier.planning.forecast.estimators import ErrorQuantiles
from quartier.planning.forecast.forecast_series import QuantileBand
from quartier.planning.forecast.generation_model import ClearSkyModel, GenerationModel
from quartier.planning.forecast.load_model import LoadModel
from quartier.planning.forecast.site_history import OptionalPower, PowerHistory, ReadingCheck, SiteFacts
from quartier.planning.forecast.time_slots import SlotGrid


def dump_fields(memory: Any) -> dict[str, Any]:
    """Return the saved fields of a memory, JSON-ready; NaN becomes None."""
    return {name: _dump_value(getattr(memory, name)) for name in _list_fields(memory)}


def load_fields(memory: Any, stored: Any) -> None:
    """Load into a new memory what ``dump_fields`` returned for one of the same form.

    Raises ValueError that names the place where the form differs; the memory must then be discarded.
    """
    if not isinstance(stored, dict):
        raise ValueError(f"{type(memory).__name__}: expected a table")  # noqa: TRY004 - a bad file is a bad value
    for name in _list_fields(memory):
        if name not in stored:
            raise ValueError(f"{name}: is missing")
        setattr(memory, name, _load_value(getattr(memory, name), stored[name], name))


def _list_fields(memory: Any) -> list[str]:
    names = [one.name for one in fields(memory) if not one.name.startswith("_")]
    return [name for name in names if _is_persisted(getattr(memory, name))]


def _is_persisted(value: Any) -> bool:
    if isinstance(value, list | float):
        return True
    return is_dataclass(value) and not getattr(type(value), "__dataclass_params__").frozen  # noqa: B009 - the name is not of the class by its type


def _dump_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_dump_value(one) for one in value]
    if isinstance(value, float | int):
        return value if math.isfinite(value) else None
    return dump_fields(value)


def _load_value(ours: Any, stored: Any, name: str) -> Any:
    if isinstance(ours, list):
        if not isinstance(stored, list) or len(stored) != len(ours):
            raise ValueError(f"{name}: expected a list of {len(ours)}")
        return [_load_value(one, other, name) for one, other in zip(ours, stored, strict=True)]
    if isinstance(ours, float | int):
        if stored is None:
            return math.nan
        if isinstance(stored, bool) or not isinstance(stored, int | float) or not math.isfinite(stored):
            raise ValueError(f"{name}: expected a number")
        return stored
    load_fields(ours, stored)
    return ours


LOAD_MODEL_NAMES = ("ridge", "habit", "yesterday", "last week")
GENERATION_MODEL_NAMES = ("ridge", "clear sky", "yesterday", "usual")
DARK_BAND: QuantileBand = (0.0, 0.0, 0.0, 0.0)
_FORMAT_VERSION = 1
"""Version of the saved state; a state of another version is not loaded."""


_FORGET_LOAD, _FORGET_GENERATION = 0.9997, 0.9997
"""Share of its weight that a sample keeps per hour: half after three months."""


_LOAD_ERROR_SHARE, _GENERATION_ERROR_SHARE = 0.5, 0.1
"""First guess of an error: a share of the mean load, and a share of the rated PV power."""


_GENERATION_MAX_SHARE = 1.3
_DARK_SHARE = 0.02
_GAP_DAYS = 7
"""Of a longer gap only the last days are stepped through; the values of the last week stay."""


@dataclass(slots=True)
class Learner:
    """All learned state of the forecast; its size does not grow. One caller at a time."""

    premises: SiteFacts
    grid: SlotGrid = field(init=False)
    load: ForecastBacktest = field(init=False)
    sun: ForecastBacktest = field(init=False)
    nets: list[NetErrors] = field(init=False)
    load_sound: ReadingCheck = field(init=False)
    sun_sound: ReadingCheck = field(init=False)
    sky: ClearSkyModel = field(init=False)
    newest: float = math.nan

    def __post_init__(self) -> None:
        known = self.premises
        self.grid = grid = SlotGrid(known.slot_s, known.zone)
        mean_w, rated_w = known.load_mean_w, max(known.pv_rated_w, 1.0)
        self.sky = ClearSkyModel(grid, rated_w, known.where)
        load, sun = LoadModel(grid, mean_w), GenerationModel(grid, self.sky)
        sizes_w = _LOAD_ERROR_SHARE * mean_w, _GENERATION_ERROR_SHARE * known.pv_rated_w
        self.load = backtest.make_backtest(
            grid, LOAD_MODEL_NAMES, load, load_model.make_load_prior, sizes_w[0], _FORGET_LOAD
        )
        self.sun = backtest.make_backtest(
            grid,
            GENERATION_MODEL_NAMES,
            sun,
            generation_model.make_generation_prior,
            sizes_w[1],
            _FORGET_GENERATION,
        )
        self.nets = [NetErrors(grid, trial.ahead, ErrorQuantiles(sum(sizes_w))) for trial in self.load.trials]
        self.load_sound = ReadingCheck(known.load_max_w, grid.hour)
        self.sun_sound = ReadingCheck(_GENERATION_MAX_SHARE * rated_w, grid.hour)

    @property
    def has_sun(self) -> bool:
        """Return whether the site has PV generation."""
        return self.premises.pv_rated_w > 0.0

    def learn(self, history: PowerHistory) -> None:
        """Learn every whole slot of the history that is newer than the last learned one."""
        for slot, load_w, generated_w in history.iterate_slots(self.grid):
            self.step(slot, load_w, generated_w)

    def step(self, slot: int, load_w: OptionalPower, generated_w: OptionalPower) -> None:
        """Learn the means of one slot.

        Ignore a slot that is not newer than the last one. Step through a gap as unknown slots.
        """
        if slot <= self.newest:
            return
        if not math.isnan(self.newest):
            for missed in range(max(int(self.newest) + 1, slot - _GAP_DAYS * self.grid.day), slot):
                self._step(missed, None, None)
        self._step(slot, load_w, generated_w)

    def _step(self, slot: int, load_w: OptionalPower, generated_w: OptionalPower) -> None:
        self.newest = float(slot)
        load_w = self.load_sound.filter_value(load_w)
        sun_w: OptionalPower = 0.0
        if self.has_sun:
            is_dark = self.sky.predict_w(slot) < _DARK_SHARE * self.sky.rated_w
            sun_w = self.sun_sound.filter_value(generated_w, is_dark=is_dark)
        if load_w is not None and sun_w is not None:
            for net in self.nets:
                net.judge(slot, load_w - sun_w)
        self.load.learn(slot, load_w)
        if self.has_sun:
            self.sun.learn(slot, sun_w)
        for at, net in enumerate(self.nets):
            target = slot + 1 + net.ahead
            net.wait(target, self.load.find_stored_w(at, target) - self.sun.find_stored_w(at, target))

    def bands(self, slot: int, ahead: int) -> tuple[QuantileBand, QuantileBand, QuantileBand]:
        """Return the bands of load, PV and net of one slot, ``ahead`` slots after the first unknown slot."""
        hour = self.grid.place(slot).hour
        load = _predict_band(self.load, slot, ahead, self.premises.load_max_w)
        has_light = self.has_sun and not self.sky.is_night(slot)
        sun = _predict_band(self.sun, slot, ahead, self.sky.rated_w) if has_light else DARK_BAND
        mean_w = load[0] - sun[0]
        return load, sun, (mean_w, *self.nets[find_distance(self.grid, ahead)].spread.find_band(hour, mean_w))

    def keep(self) -> dict[str, Any]:
        """Return all learned state, JSON-ready."""
        return {"form": _FORMAT_VERSION, "premises": asdict(self.premises), "learnt": dump_fields(self)}


def load_learner(premises: SiteFacts, stored: Any) -> Learner:
    """Restore a learner from what ``keep`` returned.

    Raises ValueError if the format or the facts of the site differ.
    """
    if not isinstance(stored, dict) or stored.get("form") != _FORMAT_VERSION:
        raise ValueError(f"form: expected {_FORMAT_VERSION}; what was learnt is begun anew")
    if (found := stored.get("premises")) != _as_json(asdict(premises)) and found != asdict(premises):
        raise ValueError("premises: the site file changed; what was learnt is begun anew")
    fresh = Learner(premises)
    load_fields(fresh, stored.get("learnt"))
    return fresh


def _as_json(table: dict[str, Any]) -> dict[str, Any]:
    """Return the table as JSON would return it: tuples as lists."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in table.items()}


def _predict_band(tried: ForecastBacktest, slot: int, ahead: int, most_w: float) -> QuantileBand:
    mean_w = min(tried.predict_w(slot, ahead), most_w)
    around = tried.trial(ahead).spread.find_band(tried.grid.place(slot).hour, mean_w)
    low_w, middle_w, high_w = (min(max(value, 0.0), most_w) for value in around)
    return mean_w, low_w, middle_w, high_w
