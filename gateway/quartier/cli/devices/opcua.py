"""``quartier browse``, ``trust`` and ``read opcua``: nodes, certificates and values of OPC UA servers."""

import argparse
import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

from quartier.cli.rendering import output
from quartier_drivers.errors import LinkLost, WireError
from quartier_drivers.opcua import reader
from quartier_drivers.opcua.connection import credentials
from quartier_drivers.opcua.connection.server_access import REFUSED, TRUSTED, TrustEntry, TrustList

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from quartier_drivers.device_rows import DeviceRow
    from quartier_drivers.opcua.bus_section import OpcuaBus
    from quartier_drivers.opcua.profile import OpcuaProfile
    from quartier_drivers.opcua.reader import BrowsedNode


_LOGIN_KEYS = (
    "user",
    "password_file",
    "user_cert_file",
    "user_key_file",
    "policy",
    "mode",
    "insecure_policy",
    "timeout_s",
)


def run_browse(options: argparse.Namespace) -> int:
    """Print the tree of a server; exit 1 when it does not let us in, saying what helps."""
    found = _read_tree(options, everything=options.all, start=options.node, depth=options.depth)
    if found is None:
        return 1
    if options.json:
        output.print_json(asdict(found))
    else:
        output.make_console().print(_make_tree(found))
    return 0


def run_read_opcua(options: argparse.Namespace) -> int:
    """Print every variable of a server with its value, as ``quartier read sunspec`` does of models."""
    found = _read_tree(options, everything=False, start="", depth=16)
    if found is None:
        return 1
    variables = [(path, one) for path, one in found.flat() if one.kind == "Variable"]
    if options.json:
        output.print_json(
            [
                {"path": path, **{key: value for key, value in asdict(one).items() if key != "below"}}
                for path, one in variables
            ]
        )
        return 0
    cells = (
        (
            path.partition("/")[2],
            one.value,
            one.type_name,
            "writable" if one.writable else "",
            one.status,
            one.node,
        )
        for path, one in variables
    )
    output.make_console().print(
        output.make_table("", ("variable", ">value", "type", "", "status", "node"), cells)
    )
    return 0


def read_profile_rows(
    options: argparse.Namespace, profile: "OpcuaProfile"
) -> "Coroutine[Any, Any, list[DeviceRow]]":
    """Return a coroutine that reads the points of a profile."""
    return reader.read_once(make_section(options), profile)


def make_section(options: argparse.Namespace) -> "OpcuaBus":
    """Return what the command line says of the server and of who we are.  Raises ConfigError."""
    said = {key: getattr(options, key) for key in _LOGIN_KEYS if getattr(options, key) is not None}
    for key in ("password_file", "user_cert_file", "user_key_file"):
        if key in said:
            said[key] = _make_absolute(said[key])
    anonymous = options.anonymous or not {"user", "user_cert_file"} & said.keys()
    pki = str((options.state_dir / options.pki).absolute())
    return reader.make_section(options.url, {**said, "anonymous": anonymous, "pki": pki})


def _make_absolute(reference: str) -> str:
    return reference if reference.startswith("credential:") else str(Path(reference).absolute())


def _read_tree(
    options: argparse.Namespace, *, everything: bool, start: str, depth: int
) -> "BrowsedNode | None":
    try:
        return asyncio.run(reader.read_tree(make_section(options), start, depth, everything=everything))
    except WireError as error:
        print(error, file=sys.stderr)
        return None


def _make_tree(branch: "BrowsedNode") -> Tree:
    made = Tree(_render_label(branch), guide_style="dim")
    for one in branch.below:
        made.children.append(_make_tree(one))
    return made


def _render_label(branch: "BrowsedNode") -> Text:
    words = Text(branch.name or branch.node, style="bold" if branch.below else "")
    if branch.kind == "Variable":
        words.append(f" = {branch.value or '–'}", style="green" if not branch.status else "red")
        words.append(
            f"  {branch.type_name}{', writable' if branch.writable else ''}{_describe_status(branch)}",
            style="dim",
        )
    elif branch.kind != "Object":
        words.append(f"  {branch.kind}", style="dim")
    words.append(f"  {branch.node}", style="cyan")
    return words


def _describe_status(branch: "BrowsedNode") -> str:
    return f", {branch.status}" if branch.status else ""


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
                    {"state": one.state, "urls": list(one.urls), **_render_certificate(one.shown)}
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
            one.shown.subject,
            f"{one.shown.until:%Y-%m-%d}",
            credentials.group_digits(one.shown.fingerprint),
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
    known.accept(one.shown.fingerprint)
    print(f"trusted: {one.shown.subject}, SHA-256 {credentials.group_digits(one.shown.fingerprint)}")
    for other in found:
        if other.state == TRUSTED:
            print(f"the old one stays trusted too: quartier trust --remove {other.shown.fingerprint[:16]}")
    return 0


def _contact_server(known: TrustList, url: str) -> int:
    from quartier_drivers.opcua import reader  # noqa: PLC0415 - who only looks at the list needs no library

    prints = asyncio.run(reader.record_certificates(url, known.folder))
    if not prints:
        print(f"{url} shows no certificate: it offers no security", file=sys.stderr)
        return 1
    for entry in known.entries():
        if entry.shown.fingerprint in prints:
            _print_entry(entry)
    return 1


def _remove_certificate(known: TrustList, which: str) -> int:
    found = known.found(which)
    if not found:
        return _report_unknown(found, which)
    if len(found) > 1:
        return _report_ambiguous(found)
    known.remove(found[0].shown.fingerprint)
    print(f"no longer known: {found[0].shown.subject}")
    return 0


def _print_entry(one: TrustEntry) -> None:
    print(f"{one.state}: {one.shown.subject}, {one.shown.uri}, until {one.shown.until:%Y-%m-%d}")
    print(f"  SHA-256 {credentials.group_digits(one.shown.fingerprint)}")
    print(f"  SHA-1   {credentials.group_digits(one.shown.thumbprint)}")
    if one.state == REFUSED:
        print(
            f"compare it with what the server itself shows, then: quartier trust {one.shown.fingerprint[:16]}"
        )


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
