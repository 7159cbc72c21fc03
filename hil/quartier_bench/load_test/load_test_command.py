"""``quartier-hil fleet --wire`` and ``quartier-hil storm``: options, output and exit codes."""

import argparse
import datetime as dt
import json
import sys
import tempfile
from pathlib import Path

from quartier_bench.load_test.brokers import BrokerNode, MissingBrokerError, Mosquitto, RabbitMqCluster
from quartier_bench.load_test.fleet_run import FleetRun, PhaseFigures
from quartier_bench.load_test.process_group import LoadShape, ProcessGroup
from quartier_bench.load_test.storm import StormSize, measure_storm
from quartier_district.broker_access import CertificateAuthority

ALL_KEPT, BROKEN, NOT_RUN = 0, 1, 2
BROKER_KINDS = ("mosquitto", "rabbitmq")
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 - where a machine has it: what gateways keep is no matter of its disk


def add_wire_arguments(to: argparse.ArgumentParser) -> None:
    """Add the options of a load test to the parser of ``fleet``."""
    group = to.add_argument_group("over the wire")
    group.add_argument("--wire", type=int, metavar="GATEWAYS", help="so many of the product's own sessions")
    group.add_argument("--broker", choices=BROKER_KINDS, default="mosquitto", help="[%(default)s]")
    group.add_argument(
        "--period-s", type=float, default=10.0, help="between two samples of a point [%(default)g]"
    )
    group.add_argument("--steady-s", type=float, default=60.0, help="how long is measured [%(default)g]")
    group.add_argument("--down-s", type=float, default=15.0, help="how long a broker is away [%(default)g]")
    group.add_argument(
        "--begin-s", type=float, default=20.0, help="within so long all are switched on [%(default)g]"
    )
    group.add_argument(
        "--rate", type=float, default=1.0, help="seconds of the houses in a real one [%(default)g]"
    )
    group.add_argument("--tls", action="store_true", help="each with a certificate of its own, over TLS")
    group.add_argument("--hosts", type=int, default=2, help="processes that share the edges [%(default)s]")
    group.add_argument("--parks", type=int, default=2, help="processes that hold the gateways [%(default)s]")


def run_wire_fleet(options: argparse.Namespace) -> int:
    """Load test, print, judge."""
    place = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="quartier-load_test-", dir=place) as name:
        try:
            found = _run_fleet(options, Path(name))
        except MissingBrokerError as error:
            sys.stderr.write(f"quartier-hil: {error}\n")
            return NOT_RUN
        except RuntimeError as error:
            sys.stderr.write(f"quartier-hil: {error}\n")
            _print_logs(Path(name))
            return BROKEN
    if options.json:
        sys.stdout.write(json.dumps(found.phases, indent=1) + "\n")
    else:
        sys.stdout.write("".join(f"{row}\n" for row in render_phases(found)))
    return ALL_KEPT if found.holds else BROKEN


def _run_fleet(options: argparse.Namespace, folder: Path) -> PhaseFigures:
    now = dt.datetime.now(dt.UTC)
    authority = CertificateAuthority(folder / "authority", now) if options.tls else None
    broker = (
        Mosquitto(folder, authority) if options.broker == "mosquitto" else RabbitMqCluster(folder, authority)
    )
    nodes: list[BrokerNode] = [broker] if isinstance(broker, Mosquitto) else list(broker.nodes)
    shape = LoadShape(
        gateways=options.wire,
        parks=min(options.parks, options.wire),
        hosts=min(options.hosts, options.wire),
        period_s=options.period_s,
        begin_s=options.begin_s,
        shares=broker.shares,
        primary=broker.is_single_node,
        rate=options.rate,
    )
    try:
        broker.start()
        with ProcessGroup(folder, [node.port for node in nodes], shape, authority) as stand:
            return FleetRun(stand, nodes, options.steady_s, options.down_s, _report_progress).run()
    finally:
        broker.kill()


STORM_DESCRIPTION = """\
Gateways that waited for their broker come back at once, each with a day of history: sessions of the
product's own code, and whole daemons among them.  The hosts store so many samples a second; one is killed
once, and one of two nodes where the broker has two.  Exit code 0: live data was at most 2 s old in 99 of 100
messages, no session was lost but by these, no sample was lost, at most 1 % came twice, and the hosts stored
80 % of what they can.
"""


def add_storm_arguments(to: argparse.ArgumentParser) -> None:
    """Add the options of a storm to an empty parser."""
    to.description, to.formatter_class = STORM_DESCRIPTION, argparse.RawDescriptionHelpFormatter
    size = StormSize()
    to.add_argument("gateways", nargs="?", type=int, default=size.gateways, help="sessions [%(default)s]")
    to.add_argument(
        "--daemons", type=int, default=size.daemons, help="whole daemons beside them [%(default)s]"
    )
    to.add_argument("--broker", choices=BROKER_KINDS, default="mosquitto", help="[%(default)s]")
    to.add_argument("--tls", action="store_true", help="each with a certificate of its own")
    to.add_argument(
        "--hosts", type=int, default=size.hosts, help="processes that share the edges [%(default)s]"
    )
    to.add_argument("--parks", type=int, default=size.parks, help="processes of gateways [%(default)s]")
    to.add_argument(
        "--past-s", type=float, default=size.past_s, help="history of each, a point each 40 s [%(default)g]"
    )
    to.add_argument(
        "--store-per-s",
        type=float,
        default=size.store_per_s,
        help="samples that the hosts store [%(default)g]",
    )
    to.add_argument(
        "--wait-s", type=float, default=size.wait_s, help="gateways wait for the broker so long [%(default)g]"
    )
    to.add_argument(
        "--fifo", action="store_true", help="hosts that store in the order of arrival, and say nothing"
    )
    to.add_argument("--json", action="store_true", help="print figures as JSON")
    to.set_defaults(command=run_storm, needed=())


def run_storm(options: argparse.Namespace) -> int:
    """Storm, print, judge."""
    names = ("gateways", "daemons", "hosts", "parks", "past_s", "store_per_s", "wait_s", "fifo")
    size = StormSize(**{name: getattr(options, name) for name in names})
    with tempfile.TemporaryDirectory(
        prefix="quartier-storm-", dir=MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None
    ) as name:
        try:
            found = measure_storm(Path(name), options.broker, size, _report_progress, tls=options.tls)
        except MissingBrokerError as error:
            sys.stderr.write(f"quartier-hil: {error}\n")
            return NOT_RUN
        except RuntimeError as error:
            sys.stderr.write(f"quartier-hil: {error}\n")
            _print_logs(Path(name))
            return BROKEN
    if options.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        figures = {name: value for name, value in found.items() if name != "promises"}
        sys.stdout.write(
            "".join(
                f"{name.replace('_', ' '):34} {_format_value(value)}\n" for name, value in figures.items()
            )
        )
        kept = found["promises"].items()
        sys.stdout.write("".join(f"{'kept  ' if holds else 'BROKEN'}  {name}\n" for name, holds in kept))
    return ALL_KEPT if all(found["promises"].values()) else BROKEN


def render_phases(found: PhaseFigures) -> list[str]:
    """For a person: a phase a paragraph."""
    made = []
    for phase, figures in found.phases.items():
        made.append(phase)
        made += [f"  {name.replace('_', ' '):34} {_format_value(value)}" for name, value in figures.items()]
    made.append("kept    nothing was lost" if found.holds else "BROKEN  something was lost")
    return made


def _format_value(value: object) -> str:
    return (
        f"{value:,.3g}"
        if isinstance(value, float) and abs(value) < 100
        else f"{value:,}"
        if isinstance(value, int | float)
        else str(value)
    )


def _print_logs(folder: Path) -> None:
    for path in sorted(folder.rglob("*.log")):
        tail = path.read_text("utf-8", "replace").splitlines()[-5:]
        sys.stderr.write("".join(f"{path.name}: {line}\n" for line in tail))


def _report_progress(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
