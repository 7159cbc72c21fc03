"""Our side of the pipes: a planner for each home decides each hour that CityLearn shows."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from quartier_bench.citylearn import environment_process
from quartier_bench.home_years.planner_policy import AHEAD_H, HomePlanner, HourInput
from quartier_bench.home_years.year_records import YearRecords
from quartier_drivers.errors import ConfigError, Fault

PIPE_AGENT, RULE_AGENT = "pipe", "BasicBatteryRBC"
_LOAD, _SUN, _SOC, _NET = range(len(environment_process.OBSERVATIONS))


@dataclass(frozen=True, slots=True)
class CityLearnProcess:
    """``python`` is an interpreter that has CityLearn; ``hours`` 0: all of the folder's."""

    python: Path
    folder: Path
    hours: int = 0

    def scores(self, agent: str, decide: Callable[[Any], Sequence[Sequence[float]]]) -> Mapping[str, float]:
        """CityLearn's own scores of who decides.  Raises ConfigError where it cannot be run."""
        schema = self.folder / "schema.json"
        order = [str(self.python), "-I", environment_process.__file__, str(schema), str(self.hours), agent]
        try:
            with subprocess.Popen(  # noqa: S603 - who asks names the interpreter
                order, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as process:
                found = _exchange_lines(process.stdout, process.stdin, decide)
        except OSError as error:
            raise ConfigError([Fault(str(self.python), None, "--python", str(error))]) from error
        if found is None:
            text = f"ended before CityLearn's scores, exit code {process.returncode}; its words stand above"
            raise ConfigError([Fault(str(self.python), None, "--python", text)])
        return found


def _exchange_lines(
    answers: IO[str] | None, orders: IO[str] | None, decide: Callable[[Any], Sequence[Sequence[float]]]
) -> Mapping[str, float] | None:
    for line in answers or ():
        message = json.loads(line)
        if "scores" in message:
            scores: Mapping[str, float] = message["scores"]
            return scores
        if "row" in message and orders:
            orders.write(json.dumps(decide(message)) + "\n")
            orders.flush()
    return None


class HomePlanners:
    """A planner for each home.  ``is_blind``: without the load and the sun of the hour that is decided.

    CityLearn shows both at the hour's begin, as a gateway that follows its meter will have met them at its
    end; the state of charge and the exchange are those at the end of the hour before.
    """

    def __init__(self, year: YearRecords, *, is_blind: bool = False) -> None:
        self.year = year
        self.is_blind = is_blind
        self.planners = [HomePlanner(home) for home in year.homes]
        self._last: list[list[float]] | None = None

    def __call__(self, message: Any) -> list[list[float]]:
        """Each battery's action: the share of its capacity that it shall take in (above zero) or give."""
        row, shown = message["row"], message["homes"]
        if self._last is not None:
            for planner, old, new in zip(self.planners, self._last, shown, strict=True):
                planner.learn(row - 1, old[_LOAD], old[_SUN], new[_NET])
        self._last = shown
        return [
            [self._action(planner, row, message["co2"], one)]
            for planner, one in zip(self.planners, shown, strict=True)
        ]

    def _action(self, planner: HomePlanner, row: int, co2_kg_per_kwh: float, shown: Sequence[float]) -> float:
        cell = planner.home.battery
        seen = (None, None) if self.is_blind else (shown[_LOAD], shown[_SUN])
        hour = HourInput(
            # At the begin nothing was ever done; what stands there is then the state at the first hour's end.
            held_kwh=shown[_SOC] * cell.capacity_kwh,
            prices_per_kwh=[float(price) for price in self.year.price_per_kwh[row : row + AHEAD_H]],
            co2_kg_per_kwh=co2_kg_per_kwh,
            load_kwh=seen[0],
            pv_kwh=seen[1],
        )
        return planner.decide(row, hour) / cell.capacity_kwh
