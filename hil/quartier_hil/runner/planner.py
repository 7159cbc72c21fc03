"""Run a site with a planner over wires.

Its history has three weeks before the daemon starts, and its days are simulated without a plan too.  Both are
done by processes of their own from ``offline/``, with the gateway's own store and control.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from quartier_hil.checks.figures import Saving
from quartier_hil.processes.daemon_process import find_value
from quartier_hil.runner.supervisor import RigError
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.supply_contract import ContractState
from quartier_sim.load_series.minute_series import LoadSeries

if TYPE_CHECKING:
    from quartier_hil.runner.run import Run

LEAD_REAL_S = 20.0
"""Real seconds that its site runs before a scenario begins: the daemon learns and makes its first plan."""
SERIES_ADAPTER = TypeAdapter(LoadSeries)
"""Input series of a site, as JSON."""
LEADS_POINT, AGE_POINT = "plan.leads_on", "plan.age_s"
_PLAN = "local plan"  # as the gateway's status says who leads a battery


def list_plan_points(scenario: Scenario) -> tuple[str, ...]:
    """Return the points that a report draws of a site with a planner or a supply contract."""
    site_spec = scenario.house
    priced = () if site_spec.tariff is None else ("contract.price_eur_per_kwh",)
    return priced if site_spec.planning is None else (*priced, LEADS_POINT)


def compute_advance_s(scenario: Scenario) -> float:
    """Return the plant seconds that its site runs before the scenario's first second."""
    return 0.0 if scenario.house.planning is None else LEAD_REAL_S * scenario.rate


def make_plan_values(
    scenario: Scenario, status: Mapping[str, Any], standing: ContractState | None
) -> dict[str, float]:
    """Return the state of the contract, and by the daemon's ``status`` whether a plan leads the battery."""
    found = {} if standing is None else standing.values
    if scenario.house.planning is not None:
        battery = (find_value(status, "assets") or {}).get("bat1") or {}
        found[LEADS_POINT] = float(battery.get("led_by") == _PLAN)
        age_s = (status.get("plan") or {}).get("age_s")
        found[AGE_POINT] = inf if age_s is None else age_s
    return found


class PlannerMonitor:
    """The daemon's planner by its status; its messages go to the story of the run."""

    def __init__(self) -> None:
        self._why: str | None = None

    def look(self, run: "Run") -> None:
        """Mark when a plan begins to be followed, and why none is any more."""
        plan = run.status.get("plan")
        why = plan["why_not"] if isinstance(plan, Mapping) else self._why
        if why != self._why:
            run.mark(f"the gateway follows no plan: {why}" if why else "the gateway follows a plan")
            self._why = why


def find_price(standing: ContractState | None, drawn_eur_per_wh: float) -> tuple[float, str]:
    """Return the present price of a Wh and its period: by the contract, else by the series."""
    return (drawn_eur_per_wh, "") if standing is None else (standing.price_eur_per_wh, standing.period)


async def write_prior_history(scenario: Scenario, work: Path) -> None:
    """Write the days before the scenario into the history of a daemon that has not started yet.

    Raises RigError with the output of the process if it fails.
    """
    if scenario.house.planning is not None:
        (work / "scenario.json").write_text(scenario.model_dump_json())
        words = ["--before-s", f"{compute_advance_s(scenario):g}"]
        await _run_module("quartier_hil.synthetic.prior_history", work, words)


async def compute_saving(run: "Run") -> Saving | None:
    """Return the saving of the plan against the same days without one, simulated without wires."""
    options, scenario = run.options, run.options.scenario
    if scenario.house.planning is None:
        return None
    work = run.daemon.site_file.parent
    (work / "scenario.json").write_text(scenario.model_dump_json())
    (work / "series.json").write_bytes(SERIES_ADAPTER.dump_json(options.series))
    found = json.loads(await _run_module("quartier_hil.synthetic.reference_runs", work, []))
    standing = run.standing
    return Saving(
        planned_eur=run.kpis.cost_eur,
        unplanned_eur=found["cost_eur"],
        stored_wh=run.end_wh[0] - found["stored_wh"],
        heat_wh=run.end_wh[1] - found["heat_wh"],
        price_eur_per_wh=0.0 if standing is None else standing.price_eur_per_wh,
    )


async def _run_module(module: str, work: Path, words: Sequence[str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(work), *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        data, failed = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        raise RigError(f"{module}: {failed.decode(errors='replace')[-2_000:]}")
    return data.decode()
