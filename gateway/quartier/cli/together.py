"""All that a site can plan, planned together, timed, and told."""

import argparse
from collections.abc import Sequence
from resource import RUSAGE_SELF, getrusage

from quartier.cli import output, togetherpage
from quartier.cli.leftout import why_not
from quartier.cli.outcome import Outcome
from quartier.cli.planpage import joint
from quartier.cli.steps import Steps
from quartier.config.sections.site_file import SiteFile
from quartier.planning.horizon import Contract
from quartier.planning.site.asset_selection import AssetSelection
from quartier.planning.site.plan_segments import describe_segments
from quartier.planning.site.site_plan import plan_site
from quartier.planning.site.unplanned_costs import find_unplanned_costs
from quartier.site.asset_types import Asset, Battery, HeatAsset

KEPT, GIVEN_UP, WRONG = 0, 1, 2


def planned(
    site: SiteFile,
    assets: Sequence[Asset],
    found: AssetSelection,
    steps: Steps,
    contract: Contract,
    engine: str,
) -> Outcome:
    """Plan them.  Raises RefusedError."""
    asked = found.site(steps.outlook, contract)
    begun_s = _used_s()
    plan = plan_site(asked, engine=engine)
    took_s = _used_s() - begun_s
    return Outcome(
        name=site.site.id,
        contract_w=site.limits.contract_import_w,
        engine=engine,
        steps=steps,
        site=asked,
        plan=plan,
        spells=describe_segments(asked, plan, steps.clear),
        left_out=why_not(found),
        base=find_unplanned_costs(asked),
        wanting=found.wanting,
        tanks={one.name: one for one in assets if isinstance(one, HeatAsset) and one.name in found.tanks},
        rated_wh={one.name: one.capacity_wh for one in assets if isinstance(one, Battery)},
        took_s=took_s,
    )


def _used_s() -> float:
    """Return how long this process has had a core."""
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def shown(outcome: Outcome, options: argparse.Namespace) -> int:
    """Print it, and write its page where one is wanted; 1 where something had to be given up."""
    # The page first: who reads what is printed may go away in the middle.
    if options.html is not None and not output.written("quartier plan", options.html, joint.page(outcome)):
        return WRONG
    if options.json:
        output.dump(togetherpage.document(outcome))
    else:
        togetherpage.show(outcome)
    return GIVEN_UP if outcome.forgone else KEPT
