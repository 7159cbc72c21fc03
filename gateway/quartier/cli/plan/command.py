"""``quartier plan``: plan one battery or a whole site, from a site file and a series of steps."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from quartier.cli.plan import current_plan, plan_text, site_page, site_plan
from quartier.cli.plan.assumptions import (
    apply_assumptions,
    explain_left_out,
    list_series_points,
    make_day,
    parse_assumptions,
)
from quartier.cli.plan.battery_page import BatteryPage, render_battery_page
from quartier.cli.plan.site_plan import SitePlanResult
from quartier.cli.plan.step_series import SeriesError, StepSeries, read_series
from quartier.cli.rendering import output
from quartier.config import loading
from quartier.config.sections.site_file import SiteFile
from quartier.daemon.assembly import site_model
from quartier.planning.horizon import Contract, RefusedError
from quartier.planning.site.asset_selection import AssetSelection, StorageTerms, select_assets
from quartier.planning.storage.battery_plan import plan_battery
from quartier.planning.storage.plan_reasons import make_plan_reasons
from quartier.site.asset_types import Asset, Battery

PLAN_KEPT, PLAN_GIVEN_UP, EX_USAGE = 0, 1, 2
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


def run_plan(options: argparse.Namespace) -> int:
    """Plan, and show it; 1 where something had to be given up."""
    if options.series is None:
        return _show_current(options)
    site = loading.check_site_file(options.config).site
    try:
        _check_options(options)
        assets, steps, found = _read_inputs(site, options)
        contract = _make_contract(site, options)
        if [*found.batteries] == [*found.names] and len(found.names) == 1 and not found.wanting:
            return _plan_battery(site, assets, found, steps, contract, options)
        outcome = site_plan.plan_whole_site(site, assets, found, steps, contract)
    except (RefusedError, SeriesError) as error:
        print(f"quartier plan: {error}", file=sys.stderr)
        return EX_USAGE
    return show_site_plan(outcome, options)


def _show_current(options: argparse.Namespace) -> int:
    for name, is_given, why in (
        ("html", options.html is not None, "of the plan in force there is no page"),
        ("with", bool(options.with_), "the daemon knows the day by its devices"),
    ):
        if is_given:
            print(f"quartier plan: --{name}: needs a --series; {why}", file=sys.stderr)
            return EX_USAGE
    return current_plan.print_current_plan(options)


def _read_inputs(
    site: SiteFile, options: argparse.Namespace
) -> tuple[Sequence[Asset], StepSeries, AssetSelection]:
    """Read the site and the series; return also what of the site is planned in the series."""
    model = site_model.make_site(site, {}, {})
    there = [asset.name for asset in model.assets if isinstance(asset, Battery)]
    if options.battery is not None and options.battery not in there:
        which = f"which battery?  --battery {' or '.join(there)}"
        raise SeriesError(which if there else f"{options.config}: --battery: there is no battery")
    assumptions = parse_assumptions(options.with_, model.assets)
    assets = apply_assumptions(model.assets, assumptions)
    zone = ZoneInfo(site.site.time_zone)
    steps = read_series(
        options.series, site.limits.import_hard_w, site.limits.export_hard_w, list_series_points(assets), zone
    )
    here = make_day(steps, assumptions, options.soc, options.target, assets)
    alone = [asset for asset in assets if options.battery in {None, asset.name}]
    found = select_assets(alone, here, _make_terms(site, options))
    if not found.names and not found.wanting:
        lines = explain_left_out(found) or ["no battery, charge point, tank (tank_m3), waste nor run (run_w)"]
        raise SeriesError("\n  ".join([f"{options.config}: there is nothing to plan", *lines]))
    return assets, steps, found


def _plan_battery(
    site: SiteFile,
    assets: Sequence[Asset],
    found: AssetSelection,
    steps: StepSeries,
    contract: Contract,
    options: argparse.Namespace,
) -> int:
    """Plan one battery, to the proven optimum."""
    [(name, battery)] = found.batteries.items()
    made = plan_battery(battery, steps.outlook, contract)
    still = replace(battery, charge_max_w=0.0, discharge_max_w=0.0)
    unused = plan_battery(still, steps.outlook, contract)
    why = make_plan_reasons(made, steps.outlook, steps.format_time)
    lines = [str(reason) for reason in why]
    if options.html is not None:  # before anything is printed: who reads that may go away in the middle
        rated_wh = next(one.capacity_wh for one in assets if isinstance(one, Battery) and one.name == name)
        sheet = BatteryPage(
            site=site.site.id,
            name=name,
            battery=battery,
            rated_wh=rated_wh,
            contract_w=site.limits.contract_import_w,
            steps=steps,
            plan=made,
            still=unused,
            given_up=[plan_text.describe_given_up(one, steps) for one in made.given_up],
            why=lines,
        )
        if not output.write_file("quartier plan", options.html, render_battery_page(sheet)):
            return EX_USAGE
    left = explain_left_out(found)
    if options.json:
        output.print_json({**plan_text.render_battery_plan(name, made, steps, why), "left_out": left})
    else:
        plan_text.print_battery_plan(name, made, steps, lines)
        for line in left:
            print(f"not planned: {line}")
    return PLAN_GIVEN_UP if made.given_up else PLAN_KEPT


def _check_options(options: argparse.Namespace) -> None:
    for name, low, high, unit in _RANGES:
        value = getattr(options, name.replace("-", "_"))
        if value is not None and not low <= value <= high:
            raise SeriesError(f"--{name} {value:g}: expected {low:g} to {high:g} {unit}")


def _make_terms(site: SiteFile, options: argparse.Namespace) -> StorageTerms:
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


def _make_contract(site: SiteFile, options: argparse.Namespace) -> Contract:
    """Return what is asked of the connection beside energy.

    Raises SteplessError for what a file cannot answer.
    """
    wanted = site.planning
    if wanted is not None and wanted.day_peak_eur_per_w > 0.0 and options.peak is None:
        raise SeriesError(
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


def show_site_plan(outcome: SitePlanResult, options: argparse.Namespace) -> int:
    """Print it, and write its page where one is wanted; 1 where something had to be given up."""
    # The page first: who reads what is printed may go away in the middle.
    if options.html is not None and not output.write_file(
        "quartier plan", options.html, site_page.render_site_page(outcome)
    ):
        return EX_USAGE
    if options.json:
        output.print_json(plan_text.render_site_plan(outcome))
    else:
        plan_text.print_site_plan(outcome)
    return PLAN_GIVEN_UP if outcome.shortfalls else PLAN_KEPT
