"""``quartier keys``: who may sign documents of the district, and whether a key list may be used."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any

from quartier.cli.operation.history import find_database
from quartier.cli.rendering import output, time_text
from quartier.config import stored_site_file
from quartier.config.secret_files import find_secret_file
from quartier.config.sections.connection_sections import DistrictLinkSection
from quartier.config.sections.site_file import SiteFile
from quartier.district.connection import credential_files
from quartier.district.documents.document_types import DISTRICT_DOCUMENT_TYPES, DOCUMENT_TYPES
from quartier.district.documents.keyring import Keyring
from quartier.district.documents.verification import WATERMARK_TYPE
from quartier.runtime import state_file
from quartier.runtime.clock import SiteClock
from quartier.runtime.local_socket.questions import NoDaemon, ask
from quartier_drivers.errors import ConfigError, Fault

# Issuers: for those who sign key lists; the gateway takes a list by its root alone.
_DOCUMENT_TYPES = {
    "heartbeat",
    "issuers",
    WATERMARK_TYPE,
    *(kind.name for kind in (*DOCUMENT_TYPES.values(), *DISTRICT_DOCUMENT_TYPES.values())),
}


def run_keys(options: argparse.Namespace) -> int:
    """Show the list in use, or check a file; exit 78 when it cannot be used."""
    if options.what == "check":
        return _check_list(options)
    try:
        found = ask(options.runtime_dir, "keys")
    except NoDaemon:
        found = _load_from_disk(options)
    if not found:
        print("this site has no district: its site file has no district_link", file=sys.stderr)
        return 1
    _print_keys(found, find_database(options.config, options.state_dir)[1], as_json=options.json)
    return 0


def _check_list(options: argparse.Namespace) -> int:
    """Judge a list as the daemon would take it now."""
    if options.file is None or bool(options.root) != bool(options.district):
        print("quartier keys check: expected a file, and --root together with --district", file=sys.stderr)
        return 2
    ring, now = _make_keyring(options), SiteClock().now()
    text = _read_text(options.file)
    found = ring.check_list(text, options.file.name)
    if found is not None:
        ring.take(found, text, "file")
    listed = ring.render_keys({}, now)
    for warning in _find_warnings(listed):
        print(f"warning: {warning}", file=sys.stderr)
    _print_keys(listed, find_database(options.config, options.state_dir)[1], as_json=options.json)
    return 0


def _find_warnings(listed: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings about a valid list: reasons that make it of little use."""
    valid = [key for key in listed["keys"] if key["state"] == "valid"]
    yield from (f"key {key['kid']} is {key['state']}" for key in listed["keys"] if key not in valid)
    for kind in ("heartbeat", "envelope"):
        if not any(kind in key["types"] for key in valid):
            yield f"no valid key may sign {kind}: the house would count the district as lost"
    if not any(WATERMARK_TYPE in key["types"] for key in valid):
        yield (
            "no valid key may sign watermark: nothing counts as delivered"
            " (but with district_link.watermark_unsigned or without watermarks)"
        )
    for key in listed["keys"]:
        if "job" in key["types"] and len(key["types"]) > 1:
            yield f"key {key['kid']} may sign jobs and more; expected a key of its own for jobs"
        if unknown := sorted(set(key["types"]) - _DOCUMENT_TYPES):
            yield f"key {key['kid']}: this version knows no {', '.join(unknown)}"


def _load_from_disk(options: argparse.Namespace) -> dict[str, Any]:
    """Return the key list with which a daemon would start; used if no daemon answers."""
    site = stored_site_file.load_site_file_in_force(options.config, options.state_dir).site
    link = site.district_link
    if link is None:
        return {}
    ring = _make_site_keyring(site, link, options.state_dir)
    if link.issuers_file is not None:
        path = find_secret_file(link.issuers_file, os.environ)
        text = _read_text(path)
        try:
            found = ring.check_list(text, path.name)
        except ConfigError as error:
            print(f"{path}: {'; '.join(map(str, error.faults))}", file=sys.stderr)
        else:
            if found is not None:
                ring.take(found, text, "file")
    kept = state_file.load_facts(options.state_dir / "district") or {}
    return ring.render_keys(kept.get("used") or {}, SiteClock().now())


def _make_keyring(options: argparse.Namespace) -> Keyring:
    if options.root:
        return Keyring(options.district, options.root)
    site = stored_site_file.load_site_file_in_force(options.config, options.state_dir).site
    link = site.district_link
    if link is None:
        what = "is missing; expected the section whose root_keys sign key lists"
        raise ConfigError([Fault(str(options.config), None, "district_link", what)])
    return _make_site_keyring(site, link, options.state_dir)


def _make_site_keyring(site: SiteFile, link: DistrictLinkSection, state_dir: Path) -> Keyring:
    return Keyring(
        site.site.district, link.root_keys, state_file.load_facts(state_dir / credential_files.KEYS_FILE)
    )


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigError([Fault(str(path), None, "file", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError(
            [Fault(str(path), None, "file", "is not UTF-8 text; expected a key list")]
        ) from None


def _print_keys(listed: Mapping[str, Any], zone: tzinfo | None, *, as_json: bool) -> None:
    if as_json:
        output.print_json(listed)
        return
    print(f"{_describe_list(listed)}; times are in {time_text.describe_zone(zone)}")
    heads = ("key", "may sign", "valid from", "valid until", "state", "last used", "fingerprint")
    output.make_console().print(
        output.make_table("", heads, (_make_row(key, zone) for key in listed["keys"]))
    )


def _describe_list(listed: Mapping[str, Any]) -> str:
    if not listed["keys"]:
        return "no key list: no document of the district is accepted"
    if listed["seq"] is None:
        return "a plain list, believed as it lies there: the site file names no root"
    return f"list {listed['seq']} from a {listed['source']}, signed by root {listed['signed_by']}"


def _make_row(key: Mapping[str, Any], zone: tzinfo | None) -> tuple[str, ...]:
    programs = "" if key["programs"] is None else f" of {', '.join(key['programs'])}"
    stamps = (_format_stamp(key[name], zone) for name in ("nbf_utc_ms", "exp_utc_ms"))
    return (
        key["kid"],
        ", ".join(key["types"]) + programs,
        *stamps,
        key["state"],
        _format_stamp(key["used_utc_ms"], zone),
        key["fingerprint"],
    )


def _format_stamp(utc_ms: int | None, zone: tzinfo | None) -> str:
    return "–" if utc_ms is None else time_text.format_stamp(utc_ms, zone)
