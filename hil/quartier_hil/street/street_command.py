"""``quartier-hil street``: three buildings behind one transformer, their district, its death, and what
held.
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quartier_hil.checks.verdicts import Verdict
    from quartier_hil.street.street_page import StreetData
    from quartier_hil.street.street_run import StreetRun
    from quartier_sim.load_series.minute_series import LoadSeries


def add_arguments(made: argparse.ArgumentParser) -> None:
    """Its arguments."""
    made.description = (
        "Three simulated buildings on real wires, each with a daemon of its own, behind a transformer that "
        "is overloaded while nobody leads them; then a district that plans with HiGHS, is killed at the peak "
        "and comes back. Shows a live page, and leaves one of what went through the transformer, with the "
        "district and without. Needs no root."
    )
    made.add_argument("--report", type=Path, default=Path("street"), help="folder [./street]")
    made.add_argument(
        "--rate", type=float, default=16.0, help="simulated seconds per real second [%(default)g]"
    )
    made.add_argument("--page", type=int, default=0, metavar="PORT", help="port of the live page [any]")
    made.add_argument("--public", action="store_true", help="add a fourth building: lights, loop, CHP, waste")
    made.add_argument("--broker", choices=("mosquitto", "iotcore"), help="[mosquitto if it is installed]")
    made.add_argument("--quiet", action="store_true", help="print nothing until the end")
    made.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from quartier_hil.checks.verdicts import NO_RUN, compute_exit_code  # noqa: PLC0415 - as above
    from quartier_hil.processes.child_process import make_work_folder  # noqa: PLC0415 - as above
    from quartier_hil.runner.supervisor import RigError  # noqa: PLC0415 - after the check of what is installed
    from quartier_hil.street.street_page import render_street_page  # noqa: PLC0415 - as above

    try:
        data = asyncio.run(
            run_street(
                make_work_folder(options.report),
                options.report,
                options.rate,
                broker=options.broker,
                page_port=options.page,
                with_public=options.public,
                quiet=options.quiet,
            )
        )
    except (RigError, OSError, RuntimeError) as error:
        print(f"quartier-hil: {error}", file=sys.stderr)
        return NO_RUN
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("quartier-hil: interrupted; everything is ended", file=sys.stderr)
        return NO_RUN
    path = options.report / "index.html"
    path.write_text(render_street_page(data), encoding="utf-8")
    print(f"Report: {path.resolve()}")
    return compute_exit_code(data.verdicts)


async def run_street(
    work: Path,
    report: Path,
    rate: float,
    *,
    broker: str | None = None,
    page_port: int = 0,
    with_public: bool = False,
    quiet: bool = False,
) -> "StreetData":
    """The whole story, in ``work``, and what it tells; street.json goes to ``report``.

    Where the machine is too slow for ``rate``, it starts again at half of it.
    Raises RigError and OSError when it cannot be made.
    """
    from quartier_hil.runner.speed_monitor import lower_speed_factor  # noqa: PLC0415 - as above
    from quartier_hil.runner.supervisor import TooSlowError  # noqa: PLC0415 - as above
    from quartier_hil.street import street_run, street_scenario  # noqa: PLC0415 - as above
    from quartier_hil.street.street_page import StreetData  # noqa: PLC0415 - as above
    from quartier_hil.street.street_run import StreetRun  # noqa: PLC0415 - as above
    from quartier_sim.load_series import standard_load  # noqa: PLC0415 - as above

    def series(seed: int) -> "LoadSeries":
        return standard_load.build_standard_series(street_scenario.START.date(), 2, seed)

    def street_at(rate: float, folder: Path) -> StreetRun:
        return StreetRun(
            folder,
            series,
            (lambda _: None) if quiet else _print_line,
            rate=rate,
            may_slow=True,
            page_port=page_port,
            with_public=with_public,
            broker_kind=broker,
        )

    street = street_at(rate, work)
    while True:
        try:
            verdicts = await street.perform()
            break
        except TooSlowError as error:
            rate = lower_speed_factor(rate)
            print(f"quartier-hil: {error}; it starts again at {rate:g} times", file=sys.stderr, flush=True)
            street = street_at(rate, work / f"{rate:g}")
    _write_results(street, verdicts, report)
    return StreetData(
        titles={home.names.edge: home.scenario.title for home in street.homes},
        limit_w=street.limit_w,
        moments=street.moments,
        alone_w=street_run.simulate_load_w([home.scenario for home in street.homes], series),
        verdicts=verdicts,
        rate=rate,
    )


def _print_line(line: str) -> None:
    print(line, flush=True)


def _write_results(street: "StreetRun", verdicts: "Sequence[Verdict]", folder: Path) -> None:
    """The verdicts for people, and all of it as JSON."""
    from quartier_hil.runner.live_view import RESULT_WORDS  # noqa: PLC0415 - as above

    for verdict in verdicts:
        print(f"{RESULT_WORDS[verdict.result]:10}{verdict.promised:64}  {verdict.words}")
    found = {
        "verdicts": [one.row for one in verdicts],
        "district": street.figures,
        "moments": [[one.at_s, one.powers_w, one.modes] for one in street.moments[::10]],
    }
    (folder / "street.json").write_text(json.dumps(found) + "\n")
