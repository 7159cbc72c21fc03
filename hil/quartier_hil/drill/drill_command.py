"""``quartier-hil drill``: cause losses one after the other, and print the result of each.

``quartier drill --simulated`` starts it as a process of its own and reads its lines: one JSON object each,
``{"loss", "of", "how", "state": "making" | "measured" | "skipped" | "failed", …}``.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

TAIL_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("losses", nargs="*", metavar="LOSS", help="rows of the loss table (default: all)")
    parser.add_argument("--report", type=Path, default=Path("drill"), help="folder for the pages [./drill]")
    parser.add_argument("--rate", type=float, help="simulated seconds per real second [each loss's own]")
    parser.add_argument("--broker", choices=("mosquitto", "iotcore"), help="[mosquitto if it is installed]")
    parser.add_argument(
        "--systemd", action="store_true", help="the daemon under a systemd of its own, in a namespace (root)"
    )
    parser.set_defaults(command=run_drill)


def run_drill(options: argparse.Namespace) -> int:
    """Cause the losses; 0: all evaluated or skipped, 1: one could not be evaluated, 2: wrong names."""
    from quartier_hil.drill.loss_causes import LOSS_CAUSES, SYSTEMD_LOSSES, use_real_systemd  # noqa: PLC0415 - after the check above

    known = {making.loss for making in LOSS_CAUSES}
    if strange := [name for name in options.losses if name not in known]:
        sys.stderr.write(f"no loss is called {', '.join(strange)}; there are {', '.join(sorted(known))}\n")
        return 2
    wanted = [making for making in LOSS_CAUSES if not options.losses or making.loss in options.losses]
    if options.systemd:
        wanted = [use_real_systemd(making) for making in wanted if making.loss in SYSTEMD_LOSSES]
    try:
        return asyncio.run(_run_all(wanted, options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


async def _run_all(wanted: Sequence[Any], options: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    code = 0
    for making in wanted:
        head = {"loss": making.loss, "of": making.of, "how": making.how}
        if why := making.needs():
            _print_head(head, state="skipped", why=why)
            continue
        _print_head(head, state="making", about_s=_estimate_s(making, options.rate))
        found = await _run_one(making, options)
        code = max(code, int(found["state"] == "failed"))
        _print_head(head, **found)
    return code


def _estimate_s(loss_cause: Any, rate: float | None) -> float:
    return float(round((loss_cause.warm_s + loss_cause.lasts_s + TAIL_S) / (rate or loss_cause.rate) + 5.0))


def _print_head(head: dict[str, str], **more: Any) -> None:
    sys.stdout.write(f"{json.dumps({**head, **more}, default=str)}\n")
    sys.stdout.flush()


async def _run_one(loss_cause: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Return the result of one loss, and write the page with its curves."""
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - after the check of what is installed
    from quartier_hil.drill.loss_run import LossRun  # noqa: PLC0415 - as above
    from quartier_hil.report import report_files  # noqa: PLC0415 - as above
    from quartier_hil.runner import outcome  # noqa: PLC0415 - as above
    from quartier_hil.runner.run import RunOptions  # noqa: PLC0415 - as above
    from quartier_hil.runner.supervisor import RigError  # noqa: PLC0415 - as above
    from quartier_hil.scenario import scenario_file  # noqa: PLC0415 - as above
    from quartier_sim.load_series import standard_load  # noqa: PLC0415 - as above

    place = options.report / f"{loss_cause.loss}{'-' + loss_cause.of if loss_cause.of else ''}"
    asked = scenario_file.Scenario.model_validate(
        {
            "title": f"{loss_cause.loss}: {loss_cause.how}",
            "start": loss_cause.start,
            "duration_s": loss_cause.warm_s + loss_cause.lasts_s + TAIL_S,
            "rate": options.rate or loss_cause.rate,
            "house": loss_cause.house,
            "events": loss_cause.events,
        }
    )
    series = standard_load.build_standard_series(asked.start.date(), 2, asked.seed)
    rehearsal = LossRun(
        RunOptions(scenario=asked, series=series, folder=place, broker=options.broker), loss_cause
    )
    try:
        await rehearsal.perform()
    except (RigError, OSError, RuntimeError, ConfigError) as error:
        return {"state": "failed", "why": str(error)}
    page = report_files.write_run_report(
        rehearsal, outcome.evaluate_run(rehearsal), outcome.collect_figures(rehearsal), place
    )
    return {"state": "measured", "page": str(page.resolve()), **asdict(rehearsal.build_measurement())}
