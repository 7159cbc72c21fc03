"""``quartier profiles prove``: compare each point of a profile with manuals and other projects' lists."""

import argparse
import sys
from collections import Counter
from typing import Any

from quartier.cli import output
from quartier.config.checks.similar_names import check_profile
from quartier_drivers.device_profile import loading, proof_check, proof_files
from quartier_drivers.device_profile.proof_check import PROOF_LEVELS, Disagreement, Proof
from quartier_drivers.device_profile.proof_files import ProofReview, ProofSource
from quartier_drivers.errors import ConfigError

_HEADS = ("profile", "proven", ">points", "second reader", "lacks a second source", "sources")
WRONG = 78
"""A profile or a proof file cannot be loaded."""


def prove(options: argparse.Namespace) -> int:
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
        told_faults = [{"file": f.file, "line": f.line, "key": f.key, "what": f.what} for f in faults]
        output.dump(
            {"profiles": [{"profile": one.profile, **as_json(one)} for one in proofs], "faults": told_faults}
        )
    else:
        if proofs:
            made = output.table("", _HEADS, map(_cells, proofs))
            made.columns[0].no_wrap = True
            output.console().print(made)
        for line in (*faults, *wrong):
            print(line)
        print(_summary(proofs, len(wrong), len(faults)), file=sys.stderr)
    if faults:
        return WRONG
    return int(bool(wrong))


def as_json(one: Proof) -> dict[str, Any]:
    """Return a proof as it stands in JSON."""
    places = {source: number for number, source in enumerate(map(str, one.sources))}
    return {
        "level": one.level,
        "counted": list(one.counted),
        "weakest": list(one.list_weakest),
        "sources": [_source(source) for source in one.sources],
        "agree": {
            point: [places[str(source)] for source in ones] for point, ones in sorted(one.agree.items())
        },
        "disagreements": [_disagreement(each) for each in one.disagreements],
        "not_counted": dict(one.left_out),
        "checks": [_check(each) for each in one.checks],
    }


def _source(source: ProofSource) -> dict[str, str]:
    keys = ("kind", "document", "revision", "place", "note")
    return {key: getattr(source, key) for key in keys} | {"origin": source.whose}


def describe_check(one: ProofReview) -> str:
    """Return a second reader's check as a line for people."""
    said = f"{one.day}: {one.agree} of {one.points} points agreed with {'; '.join(one.sources)}"
    return f"{said}. {one.found}" if one.found else said


def _check(one: ProofReview) -> dict[str, Any]:
    keys = ("points", "agree", "differ", "not_found", "found")
    return {"day": one.day.isoformat(), "sources": list(one.sources)} | {
        key: getattr(one, key) for key in keys
    }


def _disagreement(one: Disagreement) -> dict[str, Any]:
    keys = ("point", "source", "field", "expected", "got", "reason", "file", "line")
    return {key: getattr(one, key) for key in keys}


def _cells(one: Proof) -> tuple[str, ...]:
    return (
        one.profile,
        one.level,
        f"{len(one.counted) - len(one.list_weakest)}/{len(one.counted)}",
        ", ".join(f"{each.agree}/{each.points} on {each.day}" for each in one.checks) or "–",
        ", ".join(one.list_weakest) or "–",
        "; ".join(dict.fromkeys(source.document for source in one.sources)) or "–",
    )


def _summary(proofs: list[Proof], wrong: int, faults: int) -> str:
    levels = Counter(one.level for one in proofs)
    counts = ", ".join(f"{levels[level]} {level}" for level in reversed(PROOF_LEVELS) if levels[level])
    return (
        f"{output.counted(len(proofs), 'profile')}: {counts or 'none'}; "
        f"{output.counted(wrong, 'disagreement')}, {output.counted(faults, 'fault')} in files"
    )
