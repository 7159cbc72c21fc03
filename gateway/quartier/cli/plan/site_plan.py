"""Plan all that a site can plan; measure the time, and describe what was given up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from resource import RUSAGE_SELF, getrusage

from quartier.cli.plan.assumptions import explain_left_out
from quartier.cli.plan.step_series import StepSeries
from quartier.cli.rendering import output
from quartier.config.sections.site_file import SiteFile
from quartier.planning.horizon import Contract
from quartier.planning.site.asset_selection import WATER_WH_PER_M3_K, AssetSelection
from quartier.planning.site.plan_segments import PlanSegment, describe_segments, find_marginal_prices
from quartier.planning.site.site_model import CarModel, SiteModel
from quartier.planning.site.site_plan import SitePlan, SiteShortfall, plan_site
from quartier.planning.site.unplanned_costs import UnplannedCosts, find_unplanned_costs
from quartier.site.asset_types import Asset, Battery, HeatAsset

_POWER_TOLERANCE_W = 0.5


@dataclass(frozen=True, slots=True)
class SitePlanResult:
    """The plan of a site, and what is shown of it.

    ``segments``: what each part does and why.  ``left_out``: which assets are not planned, and what to do.
    ``unsatisfied_cars``: what those cars need that no current gives enough.  ``baseline``: the costs without
    a plan.  ``took_s``: how long planning took on one core.
    """

    name: str
    contract_w: float
    steps: StepSeries
    site: SiteModel
    plan: SitePlan
    segments: Mapping[str, Sequence[PlanSegment]]
    left_out: Sequence[str]
    baseline: UnplannedCosts
    unsatisfied_cars: Mapping[str, CarModel]
    tanks: Mapping[str, HeatAsset]
    rated_wh: Mapping[str, float]
    took_s: float

    @property
    def shortfalls(self) -> list[SiteShortfall]:
        """Return what could not be kept, also what was not even tried."""
        tried = [
            one for one in self.plan.given_up if one.what != "car" or one.part not in self.unsatisfied_cars
        ]
        beyond = (SiteShortfall("car", name, self._missing_wh(name), ()) for name in self.unsatisfied_cars)
        return [*tried, *beyond]

    @property
    def shortfall_texts(self) -> list[str]:
        """The same in words."""
        return [self._describe_shortfall(one) for one in self.shortfalls]

    @property
    def optimality_text(self) -> str:
        """Return how near to the best it is proven to be."""
        gap_eur = self.plan.gap_eur
        priced = ", with what is given up at its price" if self.plan.given_up else ""
        return "proven best" if gap_eur < 5e-5 else f"at most {gap_eur:.4f} EUR above the best{priced}"

    @property
    def more_eur_per_wh(self) -> list[float]:
        """Return what a Wh more would cost the building in each step."""
        return find_marginal_prices(self.site, self.plan)

    @property
    def stores_worth_eur(self) -> float:
        """The worth of what is left in batteries and tanks."""
        worths = {name: one.worth_eur_per_wh for name, one in self.site.batteries.items()}
        worths |= {name: one.worth_eur_per_wh for name, one in self.site.tanks.items()}
        return sum(self.plan.parts[name].energy_wh[-1] * worth for name, worth in worths.items())

    def level(self, name: str, energy_wh: float) -> tuple[float, str]:
        """Return what stands in a part, in the unit that people have for it: %, °C or kWh."""
        if name in self.rated_wh:
            return 100.0 * energy_wh / self.rated_wh[name], "%"
        water = None if name not in self.tanks else self.tanks[name].water
        if water is not None:
            return water.around_c + energy_wh / (water.volume_m3 * WATER_WH_PER_M3_K), "°C"
        return energy_wh / 1000.0, "kWh"

    def find_binding_limit(self, number: int) -> str:
        """At which cap, or priced peak, the connection stands in a step; empty: at none."""
        grid_w, outlook = self.plan.grid_w[number], self.steps.outlook
        if grid_w > _POWER_TOLERANCE_W and grid_w >= outlook.import_max_w[number] - _POWER_TOLERANCE_W:
            return "import cap"
        peak_w = max(self.plan.peak_w, self.site.contract.peak_free_w)
        if (
            self.site.contract.has_peak
            and grid_w > _POWER_TOLERANCE_W
            and grid_w >= peak_w - _POWER_TOLERANCE_W
        ):
            return "peak"
        return (
            "export cap"
            if -grid_w >= outlook.export_max_w[number] - _POWER_TOLERANCE_W and grid_w < 0.0
            else ""
        )

    def _describe_shortfall(self, one: SiteShortfall) -> str:
        count = output.format_count(len(one.steps), "step", "steps")
        first = self.steps.format_shortest(one.steps[0]) if one.steps else ""
        if one.what == "car":
            return f"{one.part}: {self._car(one.part)}"
        if one.what == "target":
            return f"{one.part}: the target at the end is missed by {one.wh:.0f} Wh"
        if one.what == "comfort":
            low_c, _ = self.level(one.part, self.site.tanks[one.part].low_wh)
            below_c, _ = self.level(one.part, self.site.tanks[one.part].low_wh - one.wh)
            return (
                f"{one.part}: colder than comfort_min_c, {below_c:.1f} for {low_c:.0f} °C at the worst "
                f"({one.wh:.0f} Wh), from {first} in {count}"
            )
        if one.what == "caps":
            return f"the caps cannot be kept: {one.wh:.0f} Wh are beyond them, from {first} in {count}"
        return f"{one.part}: below its reserve, by {one.wh:.0f} Wh at most, from {first} in {count}"

    def _find_wanted_car(self, name: str) -> CarModel:
        return self.unsatisfied_cars[name] if name in self.unsatisfied_cars else self.site.cars[name]

    def _missing_wh(self, name: str) -> float:
        got_wh = self.plan.parts[name].energy_wh[-1] if name in self.plan.parts else 0.0
        return max(0.0, self._find_wanted_car(name).need_wh - got_wh)

    def _car(self, name: str) -> str:
        car, count = self._find_wanted_car(name), self.steps.outlook.count
        until = min(car.until_step, count)
        most_wh = car.powers_w[-1] * self.steps.outlook.step_h * max(0, until - car.from_step)
        leaves = (
            f"it leaves at {self.steps.format_shortest(until)}" if until < count else "the last step ends"
        )
        missing = f"{self._missing_wh(name):.0f} of the {car.need_wh:.0f} Wh that it wants"
        line = f"{missing} are missing when {leaves}"
        if name in self.unsatisfied_cars:
            most = f"{car.current_max_a:g} A give {most_wh * car.efficiency:.0f} Wh"
            return f"{line}: until then {most} at most; a later departure or less energy can be kept"
        return f"{line}: the caps and what else is planned leave no more"


def plan_whole_site(
    site: SiteFile,
    assets: Sequence[Asset],
    found: AssetSelection,
    steps: StepSeries,
    contract: Contract,
) -> SitePlanResult:
    """Plan them.  Raises RefusedError."""
    asked = found.site(steps.outlook, contract)
    begun_s = _find_cpu_time_s()
    plan = plan_site(asked)
    took_s = _find_cpu_time_s() - begun_s
    return SitePlanResult(
        name=site.site.id,
        contract_w=site.limits.contract_import_w,
        steps=steps,
        site=asked,
        plan=plan,
        segments=describe_segments(asked, plan, steps.format_shortest),
        left_out=explain_left_out(found),
        baseline=find_unplanned_costs(asked),
        unsatisfied_cars=found.wanting,
        tanks={one.name: one for one in assets if isinstance(one, HeatAsset) and one.name in found.tanks},
        rated_wh={one.name: one.capacity_wh for one in assets if isinstance(one, Battery)},
        took_s=took_s,
    )


def _find_cpu_time_s() -> float:
    """Return how long this process has had a core."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
