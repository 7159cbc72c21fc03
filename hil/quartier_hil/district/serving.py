"""``quartier-hil district``: the reference district as a process, of one building or of all in a file."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from quartier_hil.clock import RigClock
    from quartier_hil.district.fleet.office import Office
    from quartier_hil.district.fleet.opendata import Feed
    from quartier_hil.district.fleet.roster import Roster
    from quartier_hil.district.issuer import Key
    from quartier_hil.district.page.server import Page

_ABOUT = (
    "Of one building: signs heartbeats and envelopes, sends watermarks, counts samples by key. Takes "
    'orders as JSON lines on stdin ({"do": "caps", ...}, {"do": "heartbeat", "on": false}, {"do": "quit"}), '
    "prints its figures as JSON lines and logs all it hears. With --fleet of all buildings of a file: hears "
    "them, plans every quarter hour with HiGHS, sends each its envelope, and shows it on a page."
)
SHOWN_REAL_S = 0.5


def parser(made: argparse.ArgumentParser) -> None:
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
    made.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from quartier_hil.clock import RigClock  # noqa: PLC0415 - after the check of what is installed

    origin = time.time() if options.origin is None else options.origin
    clock = RigClock(origin, options.offset, options.rate)
    key = _key(options.key)
    return _one(options, key, clock) if options.fleet is None else _all(options, key, clock)


def _key(path: Path) -> "Key":
    """The key of a file; a new one with its list for the gateways where there is none."""
    from quartier_hil.district.issuer import TYPES, Key  # noqa: PLC0415 - as above

    if not path.exists():
        key = Key.fresh(path.stem)
        key.save(path.parent)
        path.with_suffix(".issuers.json").write_text(json.dumps([key.listing(TYPES)]))
    return Key.load(path)


def _one(options: argparse.Namespace, key: "Key", clock: "RigClock") -> int:
    from quartier_hil.district.process import Settings, run  # noqa: PLC0415 - as above
    from quartier_hil.district.session import Names  # noqa: PLC0415 - as above

    names = Names(options.group, options.edge)
    run(Settings(host=options.host, port=options.port, names=names, key=key, log=options.log, clock=clock))
    return 0


def _all(options: argparse.Namespace, key: "Key", clock: "RigClock") -> int:
    from quartier_hil.district.fleet import office, roster  # noqa: PLC0415 - as above
    from quartier_hil.district.fleet.opendata import Feed  # noqa: PLC0415 - as above
    from quartier_hil.district.optimum.solve import solved  # noqa: PLC0415 - as above
    from quartier_hil.district.process import stdin  # noqa: PLC0415 - as above

    try:
        found = roster.load(options.fleet)
    except roster.RosterError as error:
        print(error, file=sys.stderr)
        return 2
    feed = Feed()
    page = None if options.page is None else opened(options.page, found, feed)
    settings = office.Settings(
        host=options.host, port=options.port, roster=found, key=key, log=options.log, clock=clock
    )
    try:
        office.run(settings, solved, stdin, shower(page, feed))
    finally:
        if page is not None:
            page.close()
    return 0


def opened(port: int, roster: "Roster", feed: "Feed") -> "Page":
    """The live page with the open data, served from now on."""
    from quartier_hil.district.fleet.opendata import description  # noqa: PLC0415 - as above
    from quartier_hil.district.page.server import Page  # noqa: PLC0415 - as above

    def described() -> tuple[str, str]:
        return "application/ld+json", description(roster.group, page.url)

    page = Page(
        port,
        {
            "/open/load.csv": lambda: ("text/csv; charset=utf-8", feed.csv()),
            "/open/load.json": lambda: ("application/json", feed.json()),
            "/open/dcat.jsonld": described,
        },
    )
    page.open()
    print(json.dumps({"page": page.url}), flush=True)
    return page


def shower(
    page: "Page | None", feed: "Feed", real_s: Callable[[], float] = time.monotonic
) -> "Callable[[Office], None]":
    """Return a function for each tick of the office: it updates the feed, and the page at its own pace."""
    from quartier_hil.district.page import view  # noqa: PLC0415 - as above

    shown: list[float] = []

    def watch(office: "Office") -> None:
        now_ms = office.settings.clock.utc_ms()
        roster = office.settings.roster
        cohort = roster.cohort or tuple(place.edge for place in roster.buildings)
        feed.see(cohort, {member.place.edge: member.quarters for member in office.members}, now_ms)
        at_s = real_s()
        if page is None or (shown and at_s - shown[0] < SHOWN_REAL_S):
            return
        shown[:] = [at_s]
        said: dict[str, Any] = {"words": f"Open data: {feed.why}."}
        page.stage.show(
            view.state(
                office.members,
                office.council,
                office.trace,
                now_ms,
                connected=office.line.connected,
                heartbeat_on=office.heartbeat_on,
                feed=said,
            )
        )

    return watch
