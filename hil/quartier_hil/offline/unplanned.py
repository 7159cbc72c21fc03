"""Simulate the days of a scenario without its plan, to compare them with a run over wires.

``python -m quartier_hil.offline.unplanned FOLDER``: the scenario and its input are ``scenario.json`` and
``series.json`` in the folder; the cost and the energy in the battery at the end are printed as JSON.
"""

import json
import sys
from pathlib import Path

from quartier_hil.offline.day import Day, Options
from quartier_hil.planned import SERIES
from quartier_hil.plant import building
from quartier_hil.prepared import unplanned
from quartier_hil.scenario import Scenario


def lived(folder: Path) -> dict[str, float]:
    """Cost in EUR, and Wh in battery and hot water at the end."""
    scenario = Scenario.model_validate_json((folder / "scenario.json").read_text())
    series = SERIES.validate_json((folder / "series.json").read_bytes())
    alone = unplanned(scenario)
    options = Options(scenario=alone, series=series, folder=folder / "unplanned")
    done = Day(options).perform()
    left_wh = {"stored_wh": done.plant.battery.energy_wh, "heat_wh": building.heat_wh(done.plant)}
    return {"cost_eur": done.kpis.cost_eur, **left_wh}


def main(words: list[str]) -> int:
    """Print it."""
    sys.stdout.write(json.dumps(lived(Path(words[0]))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
