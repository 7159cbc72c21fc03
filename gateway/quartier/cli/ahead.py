"""``quartier plan``: what a battery should do, from a site file and a series of steps."""

import argparse
import sys
from dataclasses import replace

from quartier.cli import aheadpage, inforce, output
from quartier.cli.planpage.sheet import Sheet, page
from quartier.cli.steps import SteplessError, read
from quartier.config import load, model
from quartier.config.model import Site
from quartier.planning.horizon import Battery, Contract, RefusedError
from quartier.planning.plan import planned
from quartier.planning.reasons import reasons

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


def plan(options: argparse.Namespace) -> int:
    """Plan, and show it; 1 where something had to be given up."""
    if options.series is None and options.html is not None:
        print(
            "quartier plan: --html: needs a --series; of the plan in force there is no page", file=sys.stderr
        )
        return WRONG
    if options.series is None:
        return inforce.show(options)
    site = load.check(options.config).site
    try:
        _check(options)
        name, asset = _asset(site, options)
        battery = _battery(asset, options)
        steps = read(options.series, site.limits.import_hard_w, site.limits.export_hard_w)
        found = planned(battery, steps.outlook, _contract(options))
        still = replace(battery, charge_max_w=0.0, discharge_max_w=0.0)
        unused = planned(still, steps.outlook, _contract(options))
    except (RefusedError, SteplessError) as error:
        print(f"quartier plan: {error}", file=sys.stderr)
        return WRONG
    why = reasons(found, steps.outlook, steps.when)
    if options.html is not None:  # before anything is printed: who reads that may go away in the middle
        sheet = Sheet(
            site=site.site.id,
            name=name,
            battery=battery,
            rated_wh=asset.capacity_wh,
            contract_w=site.limits.contract_import_w,
            steps=steps,
            plan=found,
            still=unused,
            given_up=[aheadpage.told(one, steps) for one in found.given_up],
            why=why,
        )
        try:
            options.html.write_text(page(sheet), encoding="utf-8")
        except OSError as error:
            print(f"quartier plan: {options.html}: cannot be written: {error.strerror}", file=sys.stderr)
            return WRONG
    if options.json:
        output.dump(aheadpage.document(name, found, steps, why))
    else:
        aheadpage.show(name, found, steps, why)
    return GIVEN_UP if found.given_up else KEPT


def _check(options: argparse.Namespace) -> None:
    for name, low, high, unit in _RANGES:
        value = getattr(options, name.replace("-", "_"))
        if not low <= value <= high:
            raise SteplessError(f"--{name} {value:g}: expected {low:g} to {high:g} {unit}")


def _asset(site: Site, options: argparse.Namespace) -> tuple[str, model.Battery]:
    there = {name: asset for name, asset in site.assets.items() if isinstance(asset, model.Battery)}
    if not there:
        raise SteplessError(f"{options.config}: has no battery: nothing to plan")
    name = options.battery or next(iter(there))
    if name not in there or (len(there) > 1 and not options.battery):
        raise SteplessError(f"which battery?  --battery {' or '.join(there)}")
    return name, there[name]


def _battery(asset: model.Battery, options: argparse.Namespace) -> Battery:
    share = options.efficiency / 100.0
    floor_pct = max(asset.soc_min_pct, asset.reserve_soc_pct)
    return Battery(
        capacity_wh=asset.capacity_wh * asset.soc_max_pct / 100.0,
        reserve_wh=asset.capacity_wh * min(floor_pct, asset.soc_max_pct) / 100.0,
        energy_wh=asset.capacity_wh * options.soc / 100.0,
        charge_max_w=asset.rated_w if asset.charge_max_w is None else asset.charge_max_w,
        discharge_max_w=asset.rated_w if asset.discharge_max_w is None else asset.discharge_max_w,
        charge_efficiency=share,
        discharge_efficiency=share,
        wear_eur_per_wh=options.wear / 1000.0,
        target_wh=asset.capacity_wh * options.target / 100.0,
        worth_eur_per_wh=options.worth / 1000.0,
    )


def _contract(options: argparse.Namespace) -> Contract:
    return Contract(
        peak_eur_per_w=options.peak / 1000.0,
        peak_free_w=options.peak_free * 1000.0,
        co2_eur_per_g=options.co2 / 1e6,
    )
