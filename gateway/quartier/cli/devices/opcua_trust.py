"""``quartier trust``: the certificates of OPC UA servers that a person accepted or refused, and our own."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from rich.text import Text

from quartier.cli.rendering import output
from quartier_drivers.errors import LinkLost
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.server_access import REFUSED, TRUSTED, TrustEntry, TrustList

_STATE_STYLES = {TRUSTED: "green", REFUSED: "red"}


def run_trust(options: argparse.Namespace) -> int:
    """List what is known, accept one, or remove one; exit 1 where nothing, or more than one, is meant."""
    folder = options.state_dir / options.pki
    known = TrustList(folder)
    try:
        if options.which is None:
            return _print_list(known, options)
        return (
            _remove_certificate(known, options.which)
            if options.remove
            else _accept_certificate(known, options.which)
        )
    except LinkLost as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or folder}: {error.strerror}; ask with sudo", file=sys.stderr)
        return 1


def _print_list(known: TrustList, options: argparse.Namespace) -> int:
    entries = known.entries()
    mine = credentials.find_own_certificate(known.folder)
    if options.json:
        output.print_json(
            {
                "own": None if mine is None else {"file": str(mine[0]), **_render_certificate(mine[1])},
                "servers": [
                    {"state": one.state, "urls": list(one.urls), **_render_certificate(one.report)}
                    for one in entries
                ],
            }
        )
        return 0
    screen = output.make_console()
    if mine is None:
        screen.print(f"our own certificate is made when a server is first met, in {known.folder}")
    else:
        screen.print(output.make_table("", ("our own", ""), _make_own_rows(*mine)))
    if not entries:
        screen.print("no server is known yet: quartier trust opc.tcp://HOST:PORT looks at one")
        return 0
    screen.print()
    cells = [
        (
            Text(one.state, style=_STATE_STYLES[one.state]),
            ", ".join(one.urls),
            one.report.subject,
            f"{one.report.until:%Y-%m-%d}",
            credentials.group_digits(one.report.fingerprint),
        )
        for one in entries
    ]
    screen.print(output.make_table("", ("state", "seen at", "certificate of", "until", "SHA-256"), cells))
    return 0


def _make_own_rows(file: Path, shown: credentials.CertificateReport) -> list[tuple[str, str]]:
    return [
        ("file", str(file)),
        ("application", shown.uri),
        ("until", f"{shown.until:%Y-%m-%d}"),
        ("SHA-256", credentials.group_digits(shown.fingerprint)),
        ("SHA-1", credentials.group_digits(shown.thumbprint)),
    ]


def _render_certificate(shown: credentials.CertificateReport) -> dict[str, Any]:
    return {
        "fingerprint": shown.fingerprint,
        "thumbprint": shown.thumbprint,
        "subject": shown.subject,
        "uri": shown.uri,
        "until": shown.until.isoformat(),
    }


def _accept_certificate(known: TrustList, which: str) -> int:
    """Accept a certificate that was refused until now; one at a URL only after it was shown."""
    found = known.found(which)
    if not found and which.startswith("opc.tcp://"):
        return _contact_server(known, which)
    refused = [one for one in found if one.state == REFUSED]
    if not refused:
        return _report_unknown(found, which)
    if len(refused) > 1:
        return _report_ambiguous(refused)
    (one,) = refused
    known.accept(one.report.fingerprint)
    print(f"trusted: {one.report.subject}, SHA-256 {credentials.group_digits(one.report.fingerprint)}")
    for other in found:
        if other.state == TRUSTED:
            print(f"the old one stays trusted too: quartier trust --remove {other.report.fingerprint[:16]}")
    return 0


def _contact_server(known: TrustList, url: str) -> int:
    from quartier_drivers.opcua import reader  # noqa: PLC0415 - who only looks at the list needs no library

    prints = asyncio.run(reader.record_certificates(url, known.folder))
    if not prints:
        print(f"{url} shows no certificate: it offers no security", file=sys.stderr)
        return 1
    for entry in known.entries():
        if entry.report.fingerprint in prints:
            _print_entry(entry)
    return 1


def _remove_certificate(known: TrustList, which: str) -> int:
    found = known.found(which)
    if not found:
        return _report_unknown(found, which)
    if len(found) > 1:
        return _report_ambiguous(found)
    known.remove(found[0].report.fingerprint)
    print(f"no longer known: {found[0].report.subject}")
    return 0


def _print_entry(one: TrustEntry) -> None:
    print(f"{one.state}: {one.report.subject}, {one.report.uri}, until {one.report.until:%Y-%m-%d}")
    print(f"  SHA-256 {credentials.group_digits(one.report.fingerprint)}")
    print(f"  SHA-1   {credentials.group_digits(one.report.thumbprint)}")
    if one.state == REFUSED:
        print(f"compare it with what the server shows, then: quartier trust {one.report.fingerprint[:16]}")


def _report_unknown(found: list[TrustEntry], which: str) -> int:
    if found:
        print(f"{which} is trusted already", file=sys.stderr)
        return 0
    what = "quartier trust lists what is known, quartier trust opc.tcp://HOST:PORT looks at a server"
    print(f"nothing is known as {which!r}; {what}", file=sys.stderr)
    return 1


def _report_ambiguous(found: list[TrustEntry]) -> int:
    print("several are meant; name one by its fingerprint:", file=sys.stderr)
    for one in found:
        _print_entry(one)
    return 1
