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


def parser(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("losses", nargs="*", metavar="LOSS", help="rows of the ladder (default: all)")
    parser.add_argument("--report", type=Path, default=Path("drill"), help="folder for the pages [./drill]")
    parser.add_argument("--rate", type=float, help="seconds of the house in a real second [each loss's own]")
    parser.add_argument("--broker", choices=("mosquitto", "iotcore"), help="[mosquitto if it is installed]")
    parser.add_argument(
        "--systemd", action="store_true", help="the daemon under a systemd of its own, in a namespace (root)"
    )
    parser.set_defaults(command=run)


def run(options: argparse.Namespace) -> int:
    """Cause the losses; 0: all evaluated or skipped, 1: one could not be evaluated, 2: wrong names."""
    from quartier_hil.drill.makings import MAKINGS, REAL, real  # noqa: PLC0415 - after the check above

    known = {making.loss for making in MAKINGS}
    if strange := [name for name in options.losses if name not in known]:
        sys.stderr.write(f"no loss is called {', '.join(strange)}; there are {', '.join(sorted(known))}\n")
        return 2
    wanted = [making for making in MAKINGS if not options.losses or making.loss in options.losses]
    if options.systemd:
        wanted = [real(making) for making in wanted if making.loss in REAL]
    try:
        return asyncio.run(_all(wanted, options))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130


async def _all(wanted: Sequence[Any], options: argparse.Namespace) -> int:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    code = 0
    for making in wanted:
        head = {"loss": making.loss, "of": making.of, "how": making.how}
        if why := making.needs():
            _say(head, state="skipped", why=why)
            continue
        _say(head, state="making", about_s=_about_s(making, options.rate))
        found = await _one(making, options)
        code = max(code, int(found["state"] == "failed"))
        _say(head, **found)
    return code


def _about_s(making: Any, rate: float | None) -> float:
    return float(round((making.warm_s + making.lasts_s + TAIL_S) / (rate or making.rate) + 5.0))


def _say(head: dict[str, str], **more: Any) -> None:
    sys.stdout.write(f"{json.dumps({**head, **more}, default=str)}\n")
    sys.stdout.flush()


async def _one(making: Any, options: argparse.Namespace) -> dict[str, Any]:
    """Return the result of one loss, and write the page with its curves."""
    from quartier_drivers.errors import ConfigError  # noqa: PLC0415 - after the check of what is installed
    from quartier_hil import outcome, scenario  # noqa: PLC0415 - as above
    from quartier_hil.drill.rehearsal import Rehearsal  # noqa: PLC0415 - as above
    from quartier_hil.keeper import RigError  # noqa: PLC0415 - as above
    from quartier_hil.records import standard  # noqa: PLC0415 - as above
    from quartier_hil.report import files  # noqa: PLC0415 - as above
    from quartier_hil.run import Options  # noqa: PLC0415 - as above

    place = options.report / f"{making.loss}{'-' + making.of if making.of else ''}"
    asked = scenario.Scenario.model_validate(
        {
            "title": f"{making.loss}: {making.how}",
            "start": making.start,
            "duration_s": making.warm_s + making.lasts_s + TAIL_S,
            "rate": options.rate or making.rate,
            "house": making.house,
            "events": making.events,
        }
    )
    series = standard.make(asked.start.date(), 2, asked.seed)
    rehearsal = Rehearsal(Options(scenario=asked, series=series, folder=place, broker=options.broker), making)
    try:
        await rehearsal.perform()
    except (RigError, OSError, RuntimeError, ConfigError) as error:
        return {"state": "failed", "why": str(error)}
    page = files.write(rehearsal, outcome.judged(rehearsal), outcome.figures(rehearsal), place)
    return {"state": "measured", "page": str(page.resolve()), **asdict(rehearsal.measured())}
