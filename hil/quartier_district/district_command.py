"""``quartier-hil district``: the reference district as a process, for one building or all of a district
file.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quartier_district.fleet.district_file import DistrictFile
    from quartier_district.fleet.fleet_process import FleetDistrict
    from quartier_district.fleet.open_data import OpenDataFeed
    from quartier_district.page.page_server import LivePage
    from quartier_district.signed_documents import SigningKey
    from quartier_sim.site_clock import RigClock

_ABOUT = (
    "Of one building: signs heartbeats and envelopes, sends watermarks, counts samples by key. Takes "
    'orders as JSON lines on stdin ({"do": "caps", ...}, {"do": "heartbeat", "on": false}, {"do": "quit"}), '
    "prints its figures as JSON lines and logs all it hears. With --fleet of all buildings of a file: hears "
    "them, plans every quarter hour with HiGHS, sends each its envelope, and shows it on a page."
)
PAGE_INTERVAL_REAL_S = 0.5


def add_arguments(made: argparse.ArgumentParser) -> None:
    """Its arguments."""
    made.description = _ABOUT
    made.add_argument("--host", default="127.0.0.1", help="broker [%(default)s]")
    made.add_argument("--port", type=int, default=1883, help="its port [%(default)s]")
    made.add_argument("--group", default="issy", help="name of the district [%(default)s]")
    made.add_argument("--edge", default="b012", help="name of the building [%(default)s]")
    made.add_argument("--key", type=Path, required=True, help="Ed25519 key (PEM); made when it is absent")
    made.add_argument("--log", type=Path, default=Path("district.jsonl"), help="[%(default)s]")
    made.add_argument("--fleet", type=Path, metavar="FILE", help="the district's file with all its buildings")
    made.add_argument("--page", type=int, metavar="PORT", help="of the live page on 127.0.0.1 (0: any)")
    made.add_argument("--origin", type=float, help="real Unix time at which the house's clock started")
    made.add_argument("--offset", type=float, default=0.0, help="how far it was ahead then, in s")
    made.add_argument("--rate", type=float, default=1.0, help="how fast it runs")
    made.set_defaults(command=_run_district)


def _run_district(options: argparse.Namespace) -> int:
    from quartier_sim.site_clock import RigClock  # noqa: PLC0415 - after the check of what is installed

    origin = time.time() if options.origin is None else options.origin
    clock = RigClock(origin, options.offset, options.rate)
    key = _load_key(options.key)
    return (
        _run_single_gateway(options, key, clock) if options.fleet is None else _run_fleet(options, key, clock)
    )


def _load_key(path: Path) -> "SigningKey":
    """The key of a file; a new one with its list for the gateways where there is none."""
    from quartier_district.signed_documents import DOCUMENT_TYPES, SigningKey  # noqa: PLC0415 - as above

    if not path.exists():
        key = SigningKey.fresh(path.stem)
        key.save(path.parent)
        path.with_suffix(".issuers.json").write_text(json.dumps([key.listing(DOCUMENT_TYPES)]))
    return SigningKey.load(path)


def _run_single_gateway(options: argparse.Namespace, key: "SigningKey", clock: "RigClock") -> int:
    from quartier_district.gateway_session import TopicNames  # noqa: PLC0415 - as above
    from quartier_district.single_gateway import DistrictSettings, run_district  # noqa: PLC0415 - as above

    names = TopicNames(options.group, options.edge)
    run_district(
        DistrictSettings(
            host=options.host, port=options.port, names=names, key=key, log=options.log, clock=clock
        )
    )
    return 0


def _run_fleet(options: argparse.Namespace, key: "SigningKey", clock: "RigClock") -> int:
    from quartier_district.fleet import district_file, fleet_process  # noqa: PLC0415 - as above
    from quartier_district.fleet.open_data import OpenDataFeed  # noqa: PLC0415 - as above
    from quartier_district.optimiser.solver import find_plan  # noqa: PLC0415 - as above
    from quartier_district.single_gateway import open_stdin  # noqa: PLC0415 - as above

    try:
        found = district_file.load_district_file(options.fleet)
    except district_file.DistrictFileError as error:
        print(error, file=sys.stderr)
        return 2
    feed = OpenDataFeed()
    page = None if options.page is None else open_page(options.page, found, feed)
    settings = fleet_process.FleetSettings(
        host=options.host, port=options.port, roster=found, key=key, log=options.log, clock=clock
    )
    try:
        fleet_process.run_fleet_district(settings, find_plan, open_stdin, make_page_updater(page, feed))
    finally:
        if page is not None:
            page.close()
    return 0


def open_page(port: int, roster: "DistrictFile", feed: "OpenDataFeed") -> "LivePage":
    """The live page with the open data, served from now on."""
    from quartier_district.fleet.open_data import describe_dataset  # noqa: PLC0415 - as above
    from quartier_district.page.page_server import LivePage  # noqa: PLC0415 - as above

    def describe() -> tuple[str, str]:
        return "application/ld+json", describe_dataset(roster.group, page.url)

    page = LivePage(
        port,
        {
            "/open/load.csv": lambda: ("text/csv; charset=utf-8", feed.csv()),
            "/open/load.json": lambda: ("application/json", feed.json()),
            "/open/dcat.jsonld": describe,
        },
    )
    page.open()
    print(json.dumps({"page": page.url}), flush=True)
    return page


def make_page_updater(
    page: "LivePage | None", feed: "OpenDataFeed", real_s: Callable[[], float] = time.monotonic
) -> "Callable[[FleetDistrict], None]":
    """Return a function for each tick of the office: it updates the feed, and the page at its own pace."""
    from quartier_district.page import page_data  # noqa: PLC0415 - as above

    shown: list[float] = []

    def watch(office: "FleetDistrict") -> None:
        now_ms = office.settings.clock.utc_ms()
        roster = office.settings.roster
        cohort = roster.cohort or tuple(place.edge for place in roster.buildings)
        feed.see(cohort, {member.place.edge: member.quarters for member in office.members}, now_ms)
        at_s = real_s()
        if page is None or (shown and at_s - shown[0] < PAGE_INTERVAL_REAL_S):
            return
        shown[:] = [at_s]
        feed_state: dict[str, Any] = {"words": f"Open data: {feed.why}."}
        page.stage.show(
            page_data.make_page_state(
                office.members,
                office.allocator,
                office.trace,
                now_ms,
                connected=office.line.connected,
                heartbeat_on=office.heartbeat_on,
                feed=feed_state,
            )
        )

    return watch
