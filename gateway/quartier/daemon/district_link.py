"""Make the uplink of a site from its site file; imported only at a site with a district."""

import os
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from quartier.config.secret_files import find_secret_file
from quartier.config.sections.site_file import SiteFile
from quartier.daemon.assembly import site_settings
from quartier.daemon.gateway_parts import GatewayParts
from quartier.district.connection.mqtt_types import BrokerCredentials, BrokerServer
from quartier.district.records import Identity, Note, SessionRules
from quartier.district.sparkplug.metric_catalog import MetricCatalog, build_catalog
from quartier.district.uplink import SiteView, Uplink, UplinkSettings
from quartier.runtime.clock import SiteClock
from quartier.runtime.state_file import was_restored
from quartier.site.records import Now, RecordEvent
from quartier.store.deadband import Deadbands
from quartier.store.history_store import Store
from quartier_drivers.contract import PointInfo
from quartier_drivers.errors import ConfigError


def make_uplink(
    site: SiteFile,
    folder: Any,
    catalog: MetricCatalog,
    parts: GatewayParts,
    *,
    hear: RecordEvent = lambda *_event: None,
    flexibility: Callable[[], Mapping[str, Any] | None] = lambda: None,
    times: Callable[[Now], Iterable[int]] = lambda _now: (),
) -> Uplink | None:
    """Make the uplink, not yet running; None without a district or if its section cannot be used now.

    A secret that systemd did not provide is logged, and the site runs without the district.  ``hear`` also
    gets every note: code, text, data and time.  ``flexibility`` returns the flexibility report.  ``times``
    returns the UTC times that are possible after the clock was set.
    """
    asked = site.district_link
    if asked is None:
        return None
    clock, store, log = parts.clock, parts.store, parts.log
    try:
        files = {key: _find_credential(getattr(asked, key)) for key in _CREDENTIAL_FILES}
    except ConfigError as error:
        log.warning("district.off", why="; ".join(map(str, error.faults)))
        return None
    issuers_file = files.pop("issuers_file")
    if issuers_file is not None or asked.root_keys:
        import_module("quartier.district.documents.signatures")  # slow: import it now, where no cycle waits
    settings = UplinkSettings(
        servers=tuple(map(BrokerServer.read, asked.urls)),
        folder=folder,
        credentials=BrokerCredentials(user=asked.user, **files),
        issuers_file=issuers_file,
        roots=asked.root_keys,
    )
    rules = SessionRules(
        primary_host=asked.primary_host,
        watermark=asked.watermark,
        watermark_unsigned=asked.watermark_unsigned,
        aliases=asked.aliases,
        backfill_messages_per_s=asked.backfill_messages_per_s,
    )
    house = SiteView(
        outbox=store,
        clock=clock,
        latest=lambda: parts.image.freeze(clock.now_ns()),
        silent=parts.fleet.silent,
        report=_make_note_reporter(store, clock, log, hear),
        flexibility=flexibility,
        times=times,
        is_foreign_boot=_make_stranger_check(store, restored=was_restored(folder)),
    )
    uplink = Uplink(settings, Identity(site.site.district, site.site.id), catalog, rules, house)
    store.delivery = uplink.session
    return uplink


def _make_stranger_check(store: Store, *, restored: bool) -> Callable[[int], bool]:
    """Make a function that tells whether a boot number belongs to another machine.

    Such a boot is newer than our last one, and is not this one.  A gateway without a record of its own starts
    cannot tell.  A restored gateway took the place of another machine, so it never gives way to it.
    """

    def is_stranger(boot: int) -> bool:
        return not restored and 0 < store.stats["boot_before"] < boot != store.boot

    return is_stranger


_CREDENTIAL_FILES = ("password_file", "ca_file", "cert_file", "key_file", "issuers_file")


def make_catalog(site: SiteFile, infos: Mapping[str, PointInfo]) -> MetricCatalog:
    """Return the catalog of the births: every point with its owner and its deadband."""
    roles = {name: asset.role for name, asset in site.assets.items()}
    gates = Deadbands(site_settings.make_deadbands(site))
    return build_catalog(
        infos,
        roles,
        local=site_settings.list_local_assets(site),
        deadband=lambda point: gates.of(point).width,
    )


def _find_credential(reference: str | None) -> Any:
    return None if reference is None else find_secret_file(reference, os.environ)


def _make_note_reporter(
    store: Store, clock: SiteClock, log: Any, hear: RecordEvent
) -> Callable[[Note], None]:
    def report(note: Note) -> None:
        data: Mapping[str, Any] = {**note.data, **({"alarm": True} if note.alarm else {})}
        (log.warning if note.alarm else log.info)(note.code, text=note.text, **note.data)
        now = clock.now()
        store.event(note.code, note.text, data, now)
        hear(note.code, note.text, note.data, now)

    return report
