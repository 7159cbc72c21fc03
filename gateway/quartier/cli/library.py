"""``quartier profiles``: which devices are known, a sheet of each, its proof, and what is wrong in it."""

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from quartier.cli import output
from quartier.config.checks.similar_names import check_profile
from quartier_drivers.device_profile import loading, proof_check, proof_files
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.device_profile.proof_check import Proof
from quartier_drivers.device_profile.proof_files import ProofRecord
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.points import parse_quantity

NONE = "–"
_HEADS = (
    "profile",
    "maker",
    "model",
    "protocol",
    "measures",
    "orders",
    "falls back",
    "proven",
    "tested",
    "source",
)
# What the units of points measure, in the words of a catalogue; kinds without a unit are told by none.
_MEASURES = {
    "w": "power",
    "wh": "energy",
    "v": "voltage",
    "a": "current",
    "hz": "frequency",
    "var": "reactive power",
    "va": "apparent power",
    "c": "temperature",
    "pct": "percent",
    "m3": "volume",
    "m3_per_h": "flow",
    "pa": "pressure",
    "ppm": "air",
}


def profiles(options: argparse.Namespace) -> int:
    """Return what was asked for: ``list``, ``show``, ``prove`` or ``lint``."""
    if options.what == "lint":
        return _lint(options)
    if options.what == "prove":
        from quartier.cli import prove  # noqa: PLC0415 - nobody but this one needs it

        return prove.prove(options)
    if options.what == "list":
        return _list(options)
    if not options.names:
        print("show whom? quartier profiles list names them", file=sys.stderr)
        return 2
    for name in options.names:
        check_profile(name, options.profiles)
    if options.file:
        return _copied(options.names, options)
    from quartier.cli import sheet  # noqa: PLC0415 - nobody but this one needs it

    files = _proofs(options.profiles)
    shown = [loading.load_profile(name, options.profiles) for name in options.names]
    return sheet.show(
        [(one, proof_check.prove_profile(one, files.get(one.name, ()))) for one in shown], options
    )


def _proofs(folders: Sequence[Path]) -> dict[str, list[ProofRecord]]:
    """The proof files that can be read; what is wrong in others is told and stops nobody."""
    files, faults = proof_files.load_proofs(folders)
    for fault in faults:
        print(fault, file=sys.stderr)
    return files


def _copied(names: Sequence[str], options: argparse.Namespace) -> int:
    for name in names:
        print(loading.find_profile_file(name, options.profiles).read_text(encoding="utf-8"), end="")
    return 0


def _list(options: argparse.Namespace) -> int:
    rows = [row for row in _rows(options.profiles) if _fits(row, options)]
    if not rows:
        print("no profile fits; without filters quartier profiles names them all", file=sys.stderr)
    if options.json:
        output.dump(rows)
    else:
        made = output.table("", _HEADS, map(_cells, rows))
        made.columns[0].no_wrap = True  # it is copied into a site file
        output.console().print(made)
    return 0 if rows else 1


def _rows(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Each profile; one that cannot be loaded with its first fault for a source."""
    files = _proofs(folders)
    for name in loading.list_profiles(folders):
        try:
            one = loading.load_profile(name, folders)
            yield row(one, proof_check.prove_profile(one, files.get(name, ())))
        except ConfigError as error:
            what = f"{output.counted(len(error.faults), 'fault', 'faults')}: {error.faults[0]}"
            yield dict.fromkeys(("maker", "model", "protocol", "proven", "tested"), "") | {
                "profile": name,
                "measures": [],
                "orders": [],
                "falls_back": [],
                "source": what,
            }


def row(one: Profile, proven: Proof) -> dict[str, Any]:
    """A profile as a catalogue tells it; the points by their names, without the part."""
    points = [(quantity, point) for part in one.parts.values() for quantity, point in part.items()]
    orders = [(quantity, point) for quantity, point in points if point.writable]
    return {
        "profile": one.name,
        "maker": one.head.maker,
        "model": one.head.model,
        "protocol": one.protocol,
        "measures": list(dict.fromkeys(quantity for quantity, point in points if not point.writable)),
        "orders": list(dict.fromkeys(quantity for quantity, _ in orders)),
        "falls_back": list(dict.fromkeys(falls_back(point.fallback) for _, point in orders)),
        "proven": proven.level,
        "tested": one.head.tested,
        "source": one.head.source,
    }


def falls_back(fallback: Any) -> str:
    """Return whether a device does something by itself when nobody writes: yes, no, or the order stands."""
    if fallback is None:
        return "no"
    return "stands" if fallback.after_s == math.inf else "yes"


def _fits(row: dict[str, Any], options: argparse.Namespace) -> bool:
    words = f"{row['profile']} {row['maker']} {row['model']}".lower()
    said = [*row["measures"], *row["orders"]]
    return (
        all(name.lower() in words for name in options.names)
        and options.protocol in (None, row["protocol"])
        and (options.point is None or any(options.point in quantity for quantity in said))
        and (not options.orders or bool(row["orders"]))
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    units = {parse_quantity(quantity).unit for quantity in row["measures"]}
    return (
        row["profile"],
        row["maker"] or NONE,
        row["model"] or NONE,
        row["protocol"] or NONE,
        ", ".join(what for unit, what in _MEASURES.items() if unit in units) or NONE,
        ", ".join(row["orders"]) or NONE,
        ", ".join(row["falls_back"]) or NONE,
        row["proven"] or NONE,
        row["tested"] or "not yet",
        row["source"],
    )


def _lint(options: argparse.Namespace) -> int:
    """Exit 78 where a profile cannot be loaded, 1 where something is to be looked at, 0 where nothing is."""
    refused: list[Fault] = []
    found: list[Fault] = []
    names = options.names or loading.list_profiles(options.profiles)
    for name in names:
        try:
            found += _findings(name, options.profiles)
        except ConfigError as error:
            refused += error.faults
    told = [*refused, *found]
    if options.json:
        output.dump([{"file": f.file, "line": f.line, "key": f.key, "what": f.what} for f in told])
    else:
        for fault in told:
            print(fault)
        counts = (
            output.counted(len(names), "profile", "profiles"),
            output.counted(len(refused), "fault", "faults"),
            output.counted(len(found), "finding", "findings"),
        )
        print(", ".join(counts), file=sys.stderr)
    return 78 if refused else int(bool(found))


def _findings(name: str, folders: Sequence[Path]) -> list[Fault]:
    from quartier_drivers.device_profile import lint  # noqa: PLC0415 - nobody but this one needs it

    if not name.endswith(".toml"):
        check_profile(name, folders)
    file = Path(name) if name.endswith(".toml") else loading.find_profile_file(name, folders)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError([Fault(str(file), None, "file", f"cannot be read: {why}")]) from error
    return lint.find_findings(text, f"{file.absolute().parent.name}/{file.stem}", str(file))
