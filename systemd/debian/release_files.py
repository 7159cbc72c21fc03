"""Write the files beside the packages of a release: parts list, licences, checksums.

``python systemd/debian/release_files.py --wheelhouse FOLDER --dist FOLDER``.  The wheelhouse is what build.py
downloaded for the package.  The parts list (SBOM) is CycloneDX 1.6, JSON.  Exit code 1: a licence is not in
``ALLOWED_LICENCES``.
"""

import argparse
import csv
import datetime as dt
import email
import hashlib
import os
import re
import sys
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.contact import OrganizationalEntity
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ALLOWED_LICENCES = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "MIT",
        "MIT-0",
        "PSF-2.0",
        # Python files that anybody can replace in the installed tree.
        "LGPL-2.1-or-later",
        "LGPL-3.0-or-later",
    }
)
"""Licences whose works may be distributed together with ours (Apache-2.0), as SPDX identifiers."""

# What older packages state instead of an SPDX expression: a classifier, or free text.
_SPDX_BY_STATEMENT = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "MIT License": "MIT",
}
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122, appendix C: names that are URLs


@dataclass(frozen=True)
class WheelFacts:
    """Facts that a wheel states.  ``licence`` is an SPDX expression; empty if it states none that we know."""

    name: str
    version: str
    licence: str
    sha256: str


def main() -> int:
    """Write all files; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--wheelhouse", type=Path, required=True)
    parser.add_argument("--dist", type=Path, required=True)
    options = parser.parse_args()
    wheels = [read_wheel(path) for path in sorted(options.wheelhouse.glob("*.whl"))]
    if faults := list_licence_faults(wheels):
        print(*faults, sep="\n", file=sys.stderr)
        return 1
    ours = next(one for one in wheels if one.name == "quartier")
    moment = dt.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), dt.UTC)
    stem = f"quartier-{ours.version}"
    (options.dist / f"{stem}.cdx.json").write_text(render_sbom(wheels, moment), encoding="utf-8")
    write_licences(options.dist / f"{stem}-licences.csv", wheels)
    write_checksums(options.dist)
    return 0


def read_wheel(path: Path) -> WheelFacts:
    """Read the metadata of a wheel.  Raises ValueError if it has none, BadZipFile if it is no archive."""
    with zipfile.ZipFile(path) as archive:
        name = next((one for one in archive.namelist() if one.endswith(".dist-info/METADATA")), None)
        if name is None:
            raise ValueError(f"{path}: has no .dist-info/METADATA; expected a wheel")
        stated = email.message_from_bytes(archive.read(name))
    classifiers = [
        text.rpartition("::")[2].strip()
        for text in stated.get_all("Classifier", [])
        if text.startswith("License ::")
    ]
    statements = [*classifiers, (stated["License"] or "").strip()]
    known = (_SPDX_BY_STATEMENT[one] for one in statements if one in _SPDX_BY_STATEMENT)
    licence = stated["License-Expression"] or next(known, "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return WheelFacts(stated["Name"], stated["Version"], licence, digest)


def list_licence_faults(wheels: list[WheelFacts]) -> list[str]:
    """Return a line for each wheel whose licence is unknown or not allowed; of ``A OR B`` one is enough."""
    faults = []
    for wheel in wheels:
        choices = [re.split(r"\s+AND\s+", part.strip(" ()")) for part in re.split(r"\s+OR\s+", wheel.licence)]
        if not any(all(one.strip(" ()") in ALLOWED_LICENCES for one in choice) for choice in choices):
            stated = wheel.licence or "none that is known"
            faults.append(f"{wheel.name} {wheel.version}: licence {stated}; expected one of ALLOWED_LICENCES")
    return faults


def render_sbom(wheels: list[WheelFacts], moment: dt.datetime) -> str:
    """Return the parts list: the gateway, and each Python package in it with its hash and licence."""
    parts = {wheel.name: _make_component(wheel) for wheel in wheels}
    ours = parts.pop("quartier")
    bom = Bom(components=parts.values(), serial_number=_make_serial_number(wheels))
    bom.metadata.timestamp = moment
    bom.metadata.component = ours
    bom.register_dependency(ours, parts.values())
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _make_component(wheel: WheelFacts) -> Component:
    is_ours = wheel.name == "quartier"
    return Component(
        name=wheel.name,
        version=wheel.version,
        type=ComponentType.APPLICATION if is_ours else ComponentType.LIBRARY,
        bom_ref=f"{wheel.name}@{wheel.version}",
        purl=None
        if is_ours
        else PackageURL("pypi", None, wheel.name.lower().replace("_", "-"), wheel.version),
        supplier=OrganizationalEntity(name="The Quartier developers") if is_ours else None,
        licenses=[LicenseExpression(wheel.licence)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=wheel.sha256)],
    )


def _make_serial_number(wheels: list[WheelFacts]) -> uuid.UUID:
    """Return the same number for the same wheels."""
    return uuid.uuid5(_NAMESPACE, " ".join(wheel.sha256 for wheel in wheels))


def write_licences(path: Path, wheels: list[WheelFacts]) -> None:
    """Write a table of all packages with their licences."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["package", "version", "licence"])
        rows.writerows((wheel.name, wheel.version, wheel.licence) for wheel in wheels)


def write_checksums(dist: Path) -> None:
    """Write SHA256SUMS over all other files of the folder, as ``sha256sum --check`` reads it."""
    paths = sorted(path for path in dist.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (dist / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
