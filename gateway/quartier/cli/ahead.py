"""``quartier plan``: what a battery, or all that a site can plan, should do, from a site file and a series of
steps.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from quartier.cli import aheadpage, inforce, output, together
from quartier.cli.given import day, given, points, settled
from quartier.cli.leftout import why_not
from quartier.cli.planpage.sheet import Sheet, page
from quartier.cli.steps import SteplessError, Steps, read
from quartier.config import loading
from quartier.config.sections.site_file import SiteFile
from quartier.daemon.assembly import site_model
from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.site.asset_selection import AssetSelection, StorageTerms, select_assets
from quartier.planning.site.site_plan import OWN_ENGINE
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.plan_reasons import make_plan_reasons
from quartier.site.asset_types import Asset, Battery

KEPT, GIVEN_UP, WRONG = 0, 1, 2
_RANGES = (
    ("soc", 0.0, 100.0, "pct"),
    ("target", 0.0, 100.0, "pct"),
    ("efficiency", 1.0, 100.0, "pct"),
    ("worth", -1e3, 1e3, "EUR"),
    ("wear", 0.0, 1e3, "EUR"),
    ("peak", 0.0, 1e6, "EUR"),
    ("peak-free", 0.0, 1e6, "kW"),
    ("co2", 0.0, 1e6, "EUR"),
)
_EFFICIENCY_PCT = 95.0


def plan(options: argparse.Namespace) -> int:
    """Plan, and show it; 1 where something had to be given up."""
    if options.series is None:
        return _in_force(options)
    site = loading.check_site_file(options.config).site
    try:
        _check(options)
        assets, steps, found = _read(site, options)
        contract = _contract(site, options)
        if (
            [*found.batteries] == [*found.names]
            and len(found.names) == 1
            and not found.wanting
            and options.engine == OWN_ENGINE
        ):
            return _alone(site, assets, found, steps, contract, options)
        outcome = together.planned(site, assets, found, steps, contract, options.engine)
    except (RefusedError, SteplessError) as error:
        print(f"quartier plan: {error}", file=sys.stderr)
        return WRONG
    return together.shown(outcome, options)


def _in_force(options: argparse.Namespace) -> int:
    for name, is_said, why in (
        ("html", options.html is not None, "of the plan in force there is no page"),
        ("with", bool(options.with_), "the daemon knows the day by its devices"),
        ("engine", options.engine != OWN_ENGINE, "the daemon plans by its own"),
    ):
        if is_said:
            print(f"quartier plan: --{name}: needs a --series; {why}", file=sys.stderr)
            return WRONG
    return inforce.show(options)


def _read(site: SiteFile, options: argparse.Namespace) -> tuple[Sequence[Asset], Steps, AssetSelection]:
    """The house, the series, and what of the one is planned in the other."""
    house = site_model.make_site(site, {}, {})
    there = [asset.name for asset in house.assets if isinstance(asset, Battery)]
    if options.battery is not None and options.battery not in there:
        which = f"which battery?  --battery {' or '.join(there)}"
        raise SteplessError(which if there else f"{options.config}: --battery: there is no battery")
    said = given(options.with_, house.assets)
    assets = settled(house.assets, said)
    zone = ZoneInfo(site.site.time_zone)
    hard_w = site.limits.import_hard_w, site.limits.export_hard_w
    steps = read(options.series, *hard_w, points(assets), zone)
    here = day(steps, said, options.soc, options.target, assets)
    alone = [asset for asset in assets if options.battery in {None, asset.name}]
    found = select_assets(alone, here, _terms(site, options))
    if not found.names and not found.wanting:
        lines = why_not(found) or ["no battery, charging point, tank (tank_m3), waste nor run (run_w)"]
        raise SteplessError("\n  ".join([f"{options.config}: there is nothing to plan", *lines]))
    return assets, steps, found


def _alone(
    site: SiteFile,
    assets: Sequence[Asset],
    found: AssetSelection,
    steps: Steps,
    contract: Contract,
    options: argparse.Namespace,
) -> int:
    """One battery, to the proven optimum."""
    [(name, battery)] = found.batteries.items()
    made = plan_battery(battery, steps.outlook, contract)
    still = replace(battery, charge_max_w=0.0, discharge_max_w=0.0)
    unused = plan_battery(still, steps.outlook, contract)
    why = make_plan_reasons(made, steps.outlook, steps.when)
    lines = [str(reason) for reason in why]
    if options.html is not None:  # before anything is printed: who reads that may go away in the middle
        rated_wh = next(one.capacity_wh for one in assets if isinstance(one, Battery) and one.name == name)
        sheet = Sheet(
            site=site.site.id,
            name=name,
            battery=battery,
            rated_wh=rated_wh,
            contract_w=site.limits.contract_import_w,
            steps=steps,
            plan=made,
            still=unused,
            given_up=[aheadpage.told(one, steps) for one in made.given_up],
            why=lines,
        )
        if not output.written("quartier plan", options.html, page(sheet)):
            return WRONG
    left = why_not(found)
    if options.json:
        output.dump({**aheadpage.document(name, made, steps, why), "left_out": left})
    else:
        aheadpage.show(name, made, steps, lines)
        for line in left:
            print(f"not planned: {line}")
    return GIVEN_UP if made.given_up else KEPT


def _check(options: argparse.Namespace) -> None:
    for name, low, high, unit in _RANGES:
        value = getattr(options, name.replace("-", "_"))
        if value is not None and not low <= value <= high:
            raise SteplessError(f"--{name} {value:g}: expected {low:g} to {high:g} {unit}")


def _terms(site: SiteFile, options: argparse.Namespace) -> StorageTerms:
    """Return what was said, else what the site file has under ``[planning]``, else the default."""
    wanted, share = site.planning, _EFFICIENCY_PCT / 100.0
    if options.efficiency is not None:
        share = options.efficiency / 100.0
    elif wanted is not None:
        share = (wanted.round_trip_pct / 100.0) ** 0.5
    wear = 0.0 if wanted is None else wanted.wear_eur_per_wh
    return StorageTerms(
        charge_efficiency=share,
        discharge_efficiency=share,
        wear_eur_per_wh=wear if options.wear is None else options.wear / 1000.0,
        worth_eur_per_wh=options.worth / 1000.0,
    )


def _contract(site: SiteFile, options: argparse.Namespace) -> Contract:
    """Return what is asked of the connection beside energy.

    Raises SteplessError for what a file cannot answer.
    """
    wanted = site.planning
    if wanted is not None and wanted.day_peak_eur_per_w > 0.0 and options.peak is None:
        raise SteplessError(
            f"{options.config}: planning.day_peak_eur_per_w: what counts as a high import of a day is learnt "
            "from the days before, which no series has; expected --peak EUR, the price of each kW of the "
            "largest import of all steps (0: none), or a plan by the daemon"
        )
    found = (
        Contract()
        if wanted is None
        else Contract(
            peak_eur_per_w=wanted.peak_eur_per_w,
            peak_free_w=wanted.peak_free_w,
            co2_eur_per_g=wanted.co2_eur_per_g,
        )
    )
    return Contract(
        peak_eur_per_w=found.peak_eur_per_w if options.peak is None else options.peak / 1000.0,
        peak_free_w=found.peak_free_w if options.peak_free is None else options.peak_free * 1000.0,
        co2_eur_per_g=found.co2_eur_per_g if options.co2 is None else options.co2 / 1e6,
    )
