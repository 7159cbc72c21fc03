"""``quartier bus plan``: what each bus has to do, before there is a wire."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from quartier.cli import buspage, output
from quartier.commissioning.bus_planning.bus_plan import explain_problem, list_bus_tasks, plan_bus
from quartier.commissioning.bus_planning.simulated_bus import AssumedAnswers, can_be_simulated
from quartier.config import loading
from quartier.config.loading import LoadedSite
from quartier.daemon.assembly import bus_specs
from quartier_drivers.errors import Fault

FITS, IMPOSSIBLE, WRONG = 0, 1, 2


def bus(options: argparse.Namespace) -> int:
    """Plan every bus of a site file; 1 where one cannot do its work."""
    loaded = loading.check_site_file(options.file)
    assumed = _assumed(options.answer_ms)
    unknown = sorted(set(assumed.answers_s) - set(loaded.site.devices))
    if unknown:
        print(f"quartier bus: --answer-ms: the site file has no device {unknown[0]!r}", file=sys.stderr)
        return WRONG
    wires = [wire for wire in bus_specs.make_bus_specs(loaded) if wire.devices]
    plans = {wire.name: plan_bus(wire, assumed, options.dead) for wire in wires if can_be_simulated(wire)}
    if options.json:
        output.dump({"buses": [buspage.row(wire, plans.get(wire.name)) for wire in wires]})
    else:
        buspage.show(wires, plans, assumed)
    return IMPOSSIBLE if any(one.problem for one in plans.values()) else FITS


def _assumed(said: list[tuple[str, float]]) -> AssumedAnswers:
    """Return what was said of all devices, the last time; and of single ones."""
    common = [answer_s for device, answer_s in said if not device]
    named = {device: answer_s for device, answer_s in said if device}
    return AssumedAnswers(common[-1] if common else None, named)


def warnings(loaded: LoadedSite, file: Path) -> Iterator[Fault]:
    """For ``quartier check``: each bus that cannot do its work, as far as can be told."""
    for wire in bus_specs.make_bus_specs(loaded):
        if wire.devices and can_be_simulated(wire):
            what = explain_problem(
                list_bus_tasks(wire, AssumedAnswers()), wire, AssumedAnswers()
            ).removeprefix(f"bus {wire.name}: ")
            if what:
                said = f"{what}, which it cannot do: see quartier bus plan {file}"
                yield Fault(str(file), None, f"buses.{wire.name}", said)
