"""``quartier profiles``: list device profiles, show one, compare it with other sources, find its mistakes.

``quartier profiles quantities`` lists the names that their points may have.
"""

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quartier.cli.rendering import output
from quartier.config.checks.similar_names import check_profile
from quartier.district.sparkplug.metric_catalog import find_brick_class
from quartier_drivers import quantities, ranges
from quartier_drivers.device_profile import loading, proof_check, proof_files
from quartier_drivers.device_profile.loading import Profile
from quartier_drivers.device_profile.proof_check import PROOF_LEVELS, Disagreement, Proof
from quartier_drivers.device_profile.proof_files import ProofRecord, ProofReview, ProofSource
from quartier_drivers.device_profile.quality import QUALITY_LEVELS, Quality, find_quality
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.points import parse_quantity

NO_VALUE = "–"
_LIST_COLUMNS = (
    "profile",
    "maker",
    "model",
    "protocol",
    "measures",
    "orders",
    "falls back",
    "quality",
    "proven",
    "tested",
    "source",
)
# What the units of points measure, in the words of a catalogue; kinds without a unit are told by none.
_QUANTITY_NAMES = {
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


def run_profiles(options: argparse.Namespace) -> int:
    """Run ``list``, ``show``, ``prove``, ``lint`` or ``quantities``; return the exit code."""
    verbs = {"list": _print_list, "lint": _run_lint, "prove": run_prove, "quantities": _print_quantities}
    return verbs.get(options.what, _print_profiles)(options)


def _print_profiles(options: argparse.Namespace) -> int:
    """Print the sheet of each profile, or its file."""
    if not options.names:
        print("name a profile or a file; quartier profiles list prints all names", file=sys.stderr)
        return 2
    for name in options.names:
        if not _is_file_name(name):
            check_profile(name, options.profiles)
    if options.file:
        return _print_files(options.names, options)
    from quartier.cli.devices import profile_sheet  # noqa: PLC0415 - nobody but this one needs it

    files = _load_proofs(options.profiles)
    shown = [_load_profile(name, options.profiles) for name in options.names]
    return profile_sheet.print_sheets(
        [(one, proof_check.prove_profile(one, files.get(one.name, ()))) for one in shown], options
    )


def _is_file_name(name: str) -> bool:
    return name.endswith(".toml")


def _load_profile(name: str, folders: Sequence[Path]) -> Profile:
    """Load a profile by its name or its file."""
    return (
        loading.load_profile_file(Path(name)) if _is_file_name(name) else loading.load_profile(name, folders)
    )


def _load_proofs(folders: Sequence[Path]) -> dict[str, list[ProofRecord]]:
    """Load the proof files that can be read; print what is wrong in others."""
    files, faults = proof_files.load_proofs(folders)
    for fault in faults:
        print(fault, file=sys.stderr)
    return files


def _print_files(names: Sequence[str], options: argparse.Namespace) -> int:
    for name in names:
        file = Path(name) if _is_file_name(name) else loading.find_profile_file(name, options.profiles)
        print(file.read_text(encoding="utf-8"), end="")
    return 0


def _print_list(options: argparse.Namespace) -> int:
    rows = [row for row in _list_rows(options.profiles) if _matches_filters(row, options)]
    if not rows:
        print("no profile fits; without filters quartier profiles names them all", file=sys.stderr)
    if options.json:
        output.print_json(rows)
    else:
        made = output.make_table("", _LIST_COLUMNS, map(_make_list_cells, rows))
        made.columns[0].no_wrap = True  # it is copied into a site file
        output.make_console().print(made)
    return 0 if rows else 1


def _list_rows(folders: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Each profile; one that cannot be loaded with its first fault for a source."""
    files = _load_proofs(folders)
    for name in loading.list_profiles(folders):
        try:
            one = loading.load_profile(name, folders)
            yield render_profile(one, proof_check.prove_profile(one, files.get(name, ())))
        except ConfigError as error:
            what = f"{output.format_count(len(error.faults), 'fault', 'faults')}: {error.faults[0]}"
            yield dict.fromkeys(("maker", "model", "protocol", "quality", "proven", "tested"), "") | {
                "lacks": [],
                "profile": name,
                "measures": [],
                "orders": [],
                "falls_back": [],
                "source": what,
            }


def render_profile(one: Profile, proven: Proof) -> dict[str, Any]:
    """Return a profile for a catalogue, JSON-ready; the points by their names, without the part."""
    points = [(quantity, point) for part in one.parts.values() for quantity, point in part.items()]
    orders = [(quantity, point) for quantity, point in points if point.writable]
    quality = find_quality(one, proven)
    return {
        "profile": one.name,
        "maker": one.head.maker,
        "model": one.head.model,
        "protocol": one.protocol,
        "measures": list(dict.fromkeys(quantity for quantity, point in points if not point.writable)),
        "orders": list(dict.fromkeys(quantity for quantity, _ in orders)),
        "falls_back": list(dict.fromkeys(describe_fallback_class(point.fallback) for _, point in orders)),
        "quality": quality.level,
        "lacks": [rule.name for rule in quality.lacks],
        "proven": proven.level,
        "tested": one.head.tested,
        "source": one.head.source,
    }


def describe_fallback_class(fallback: Any) -> str:
    """Return whether a device does something by itself when nobody writes: yes, no, or the order stays."""
    if fallback is None:
        return "no"
    return "stays" if fallback.after_s == math.inf else "yes"


def _matches_filters(row: dict[str, Any], options: argparse.Namespace) -> bool:
    words = f"{row['profile']} {row['maker']} {row['model']}".lower()
    points = row["orders"] if options.orders else [*row["measures"], *row["orders"]]
    return (
        all(name.lower() in words for name in options.names)
        and options.protocol in (None, row["protocol"])
        and (options.point is None or any(options.point in quantity for quantity in points))
        and (not options.orders or bool(row["orders"]))
    )


def _make_list_cells(row: dict[str, Any]) -> tuple[str, ...]:
    units = {parse_quantity(quantity).unit for quantity in row["measures"]}
    return (
        row["profile"],
        row["maker"] or NO_VALUE,
        row["model"] or NO_VALUE,
        row["protocol"] or NO_VALUE,
        ", ".join(what for unit, what in _QUANTITY_NAMES.items() if unit in units) or NO_VALUE,
        ", ".join(row["orders"]) or NO_VALUE,
        ", ".join(row["falls_back"]) or NO_VALUE,
        row["quality"] or NO_VALUE,
        row["proven"] or NO_VALUE,
        row["tested"] or "not yet",
        row["source"],
    )


_QUANTITY_COLUMNS = ("quantity", "unit", "meaning", ">lowest", ">highest", "Brick class")
_QUANTITY_PAGE_HEAD = """\
# Quantities

Made by `quartier profiles quantities --reference` from the table that `quartier profiles lint` checks with.

The points of a device have these names. The ending is the unit; the table has its UCUM code.
A value outside of its range is impossible: it is shown, and nothing is decided by it.
The district gets the class of [Brick](https://brickschema.org) 1.4 with each metric; for some quantities
the role of the asset makes it a narrower one.
A name of your own begins with `x_` and ends with a unit, such as `x_oil_temperature_c`. It is read, stored
and shown.

| quantity | unit | meaning | lowest | highest | Brick class |
| --- | --- | --- | --- | --- | --- |
"""


def list_quantity_rows() -> list[dict[str, Any]]:
    """Return each quantity with unit (UCUM, or empty), meaning, range and Brick class, JSON-ready."""
    rows: list[dict[str, Any]] = []
    for name, meaning in quantities.list_quantities().items():
        parsed, known = parse_quantity(name), ranges.find_range(name)
        low, high = (None, None) if known is None else (_make_finite(known.low), _make_finite(known.high))
        unit = parsed.ucum if parsed.unit else ""
        row = {"quantity": name, "unit": unit, "meaning": meaning, "lowest": low, "highest": high}
        rows.append(row | {"brick": find_brick_class("", name)})
    return rows


def _make_finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _make_quantity_cells(row: dict[str, Any]) -> tuple[str, ...]:
    bounds = (NO_VALUE if row[key] is None else f"{row[key]:,.10g}" for key in ("lowest", "highest"))
    return (row["quantity"], row["unit"] or NO_VALUE, row["meaning"], *bounds, row["brick"])


def render_quantity_page() -> str:
    """Return the page of all quantities, in Markdown."""
    lines = (
        f"| `{name}` | {' | '.join(cells)} |\n"
        for name, *cells in map(_make_quantity_cells, list_quantity_rows())
    )
    return "".join((_QUANTITY_PAGE_HEAD, *lines))


def _print_quantities(options: argparse.Namespace) -> int:
    """Exit 1 where no quantity has all the words in its name or meaning."""
    if options.reference:
        print(render_quantity_page(), end="")
        return 0
    rows = [
        row
        for row in list_quantity_rows()
        if all(name.lower() in f"{row['quantity']} {row['meaning']}".lower() for name in options.names)
    ]
    if options.json:
        output.print_json(rows)
    elif rows:
        made = output.make_table("", _QUANTITY_COLUMNS, map(_make_quantity_cells, rows))
        made.columns[0].no_wrap = True
        output.make_console().print(made)
    else:
        print("no quantity has these words; without words all are listed", file=sys.stderr)
    return 0 if rows else 1


def _run_lint(options: argparse.Namespace) -> int:
    """Exit 78 where a profile cannot be loaded, 1 where something is to be looked at, 0 where nothing is."""
    proofs = _load_proofs(options.profiles)
    results = [
        _lint_profile(name, options.profiles, proofs)
        for name in options.names or loading.list_profiles(options.profiles)
    ]
    if options.json:
        output.print_json([one.render() for one in results])
    else:
        for fault in (
            *(f for one in results for f in one.faults),
            *(f for one in results for f in one.findings or ()),
        ):
            print(fault)
        print(_describe_lint(results), file=sys.stderr)
    if any(one.faults for one in results):
        return EX_FILE_WRONG
    return int(any(one.findings for one in results))


@dataclass(frozen=True, slots=True)
class _LintResult:
    """The faults of a profile, its findings and its quality; None where faults must be mended first."""

    profile: str
    faults: Sequence[Fault]
    findings: Sequence[Fault] | None = None
    quality: Quality | None = None

    def render(self) -> dict[str, Any]:
        return {
            "profile": self.profile,
            "faults": [_render_fault(one) for one in self.faults],
            "findings": None if self.findings is None else [_render_fault(one) for one in self.findings],
            "quality": None if self.quality is None else self.quality.level,
            "lacks": None if self.quality is None else [rule.name for rule in self.quality.lacks],
        }


def _render_fault(one: Fault) -> dict[str, Any]:
    return {"file": one.file, "line": one.line, "key": one.key, "what": one.what}


def _describe_lint(results: Sequence[_LintResult]) -> str:
    faulty = [one for one in results if one.findings is None]
    counts = [
        output.format_count(len(results), "profile"),
        output.format_count(sum(len(one.faults) for one in results), "fault"),
    ]
    if len(faulty) < len(results):
        counts.append(output.format_count(sum(len(one.findings or ()) for one in results), "finding"))
        counts.append(_describe_quality([one.quality for one in results if one.quality is not None]))
    text = ", ".join(counts)
    if not faulty:
        return text
    mended = "when its faults are mended" if len(faulty) == 1 else "when their faults are mended"
    return f"{text}; findings of {output.format_count(len(faulty), 'profile')} are looked for {mended}"


def _describe_quality(found: Sequence[Quality]) -> str:
    """Return the quality of one profile and what it lacks, or the number of profiles of each level."""
    if len(found) == 1:
        return f"quality {found[0]}"
    levels = Counter(one.level for one in found)
    counts = (f"{levels[level]} {level}" for level in reversed(QUALITY_LEVELS) if levels[level])
    return f"quality {', '.join(counts)}"


def _lint_profile(
    name: str, folders: Sequence[Path], proofs: Mapping[str, Sequence[ProofRecord]]
) -> _LintResult:
    try:
        findings = _find_findings(name, folders)
        profile = _load_profile(name, folders)
    except ConfigError as error:
        return _LintResult(name, error.faults)
    proof = proof_check.prove_profile(profile, proofs.get(profile.name, ()))
    return _LintResult(name, (), findings, find_quality(profile, proof))


def _find_findings(name: str, folders: Sequence[Path]) -> list[Fault]:
    """Raise ConfigError where the profile cannot be loaded."""
    from quartier_drivers.device_profile import lint  # noqa: PLC0415 - nobody but this one needs it

    if not _is_file_name(name):
        check_profile(name, folders)
    file = Path(name) if _is_file_name(name) else loading.find_profile_file(name, folders)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise ConfigError([Fault(str(file), None, "file", f"cannot be read: {why}")]) from error
    return lint.find_findings(text, f"{file.absolute().parent.name}/{file.stem}", str(file))


_PROOF_COLUMNS = ("profile", "proven", ">points", "second reader", "lacks a second source", "sources")
EX_FILE_WRONG = 78
"""A profile or a proof file cannot be loaded."""


def run_prove(options: argparse.Namespace) -> int:
    """Exit 78 where a file cannot be loaded, 1 where a source disagrees without a reason, else 0."""
    files, faults = proof_files.load_proofs(options.profiles)
    proofs: list[Proof] = []
    for name in options.names or loading.list_profiles(options.profiles):
        try:
            check_profile(name, options.profiles)
            proofs.append(
                proof_check.prove_profile(loading.load_profile(name, options.profiles), files.get(name, ()))
            )
        except ConfigError as error:
            faults += error.faults
    wrong = [one for each in proofs for one in each.faults]
    if options.json:
        rendered_faults = [_render_fault(one) for one in faults]
        output.print_json(
            {
                "profiles": [{"profile": one.profile, **render_proof(one)} for one in proofs],
                "faults": rendered_faults,
            }
        )
    else:
        if proofs:
            made = output.make_table("", _PROOF_COLUMNS, map(_make_proof_cells, proofs))
            made.columns[0].no_wrap = True
            output.make_console().print(made)
        for line in (*faults, *wrong):
            print(line)
        print(_describe_proofs(proofs, len(wrong), len(faults)), file=sys.stderr)
    if faults:
        return EX_FILE_WRONG
    return int(bool(wrong))


def render_proof(one: Proof) -> dict[str, Any]:
    """Return a proof as it stands in JSON."""
    places = {source: number for number, source in enumerate(map(str, one.sources))}
    return {
        "level": one.level,
        "counted": list(one.counted),
        "weakest": list(one.list_weakest),
        "sources": [_render_source(source) for source in one.sources],
        "agree": {
            point: [places[str(source)] for source in ones] for point, ones in sorted(one.agree.items())
        },
        "disagreements": [_render_disagreement(each) for each in one.disagreements],
        "not_counted": dict(one.left_out),
        "checks": [_render_check(each) for each in one.checks],
    }


def _render_source(source: ProofSource) -> dict[str, str]:
    keys = ("kind", "document", "revision", "place", "note")
    return {key: getattr(source, key) for key in keys} | {"origin": source.whose}


def describe_check(one: ProofReview) -> str:
    """Return a second reader's check as a line for people."""
    text = f"{one.day}: {one.agree} of {one.points} points agreed with {'; '.join(one.sources)}"
    return f"{text}. {one.found}" if one.found else text


def _render_check(one: ProofReview) -> dict[str, Any]:
    keys = ("points", "agree", "differ", "not_found", "found")
    return {"day": one.day.isoformat(), "sources": list(one.sources)} | {
        key: getattr(one, key) for key in keys
    }


def _render_disagreement(one: Disagreement) -> dict[str, Any]:
    keys = ("point", "source", "field", "expected", "got", "reason", "file", "line")
    return {key: getattr(one, key) for key in keys}


def _make_proof_cells(one: Proof) -> tuple[str, ...]:
    return (
        one.profile,
        one.level,
        f"{len(one.counted) - len(one.list_weakest)}/{len(one.counted)}",
        ", ".join(f"{each.agree}/{each.points} on {each.day}" for each in one.checks) or "–",
        ", ".join(one.list_weakest) or "–",
        "; ".join(dict.fromkeys(source.document for source in one.sources)) or "–",
    )


def _describe_proofs(proofs: list[Proof], wrong: int, faults: int) -> str:
    levels = Counter(one.level for one in proofs)
    counts = ", ".join(f"{levels[level]} {level}" for level in reversed(PROOF_LEVELS) if levels[level])
    return (
        f"{output.format_count(len(proofs), 'profile')}: {counts or 'none'}; "
        f"{output.format_count(wrong, 'disagreement')}, {output.format_count(faults, 'fault')} in files"
    )
