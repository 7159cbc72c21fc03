"""Driver packages of third parties: Python packages with an entry point in the group ``quartier.drivers``.

The entry point is a ``DriverPackage``.  A package that cannot be used is refused with its reason; nothing of
it counts then, and everything else works on.  Most gateways have none, so they are looked for without
``importlib.metadata``, whose import costs 35 ms.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTRACT_VERSION = 1
"""Of ``contract``, ``abilities``, ``readings`` and ``protocol``: raised when a driver must change."""
GROUP = "quartier.drivers"
_MARK = f"[{GROUP}]".encode()


@dataclass(frozen=True, slots=True)
class ProtocolEntry:
    """The line of a protocol: its ``folder`` in ``package``, and the kinds of its buses with ``sections``.

    ``sections`` maps each kind to the name of its model in ``bus_section`` of the folder.  A protocol without
    a bus of its own is spoken ``on`` the buses of another one.  ``can_scan``: ``quartier scan`` looks for its
    devices.
    """

    folder: str
    sections: Mapping[str, str] = field(default_factory=dict)
    on: str = ""
    can_scan: bool = False
    package: str = "quartier_drivers"

    @property
    def module(self) -> str:
        """The module of the folder, or of the whole package where ``folder`` is empty."""
        return f"{self.package}.{self.folder}" if self.folder else self.package


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverPackage:
    """The content of a package: its protocols by name, and the version of the contract it was written for.

    Each entry names its own ``package``, which has ``protocol.PROTOCOLS`` and, for buses of its own, their
    models in ``bus_section``.
    """

    contract_version: int
    protocols: Mapping[str, ProtocolEntry]


@dataclass(frozen=True, slots=True)
class PackageReport:
    """A package that was found: distribution, version, protocols, and why it is refused ("": it is used)."""

    name: str
    version: str
    protocols: tuple[str, ...] = ()
    refusal: str = ""


def find_packages(
    own: Mapping[str, ProtocolEntry],
) -> tuple[dict[str, ProtocolEntry], tuple[PackageReport, ...]]:
    """Load every driver package; return the protocols of those that are used, and a report of each.

    ``own``: the protocols that come with Quartier.
    """
    found: dict[str, ProtocolEntry] = {}
    reports = []
    for name, version, load in _iterate_entry_points() if _is_any_installed() else ():
        try:
            package = load()
            _check_package(package, {**own, **found})
        except BaseException as error:  # code of others: whatever it raises, the gateway starts
            if isinstance(error, KeyboardInterrupt):
                raise
            text = str(error) if isinstance(error, RefusedPackage) else f"{type(error).__name__}: {error}"
            reports.append(PackageReport(name, version, refusal=text))
            continue
        found |= package.protocols
        reports.append(PackageReport(name, version, tuple(package.protocols)))
    return found, tuple(reports)


class RefusedPackage(Exception):  # noqa: N818 - its text is shown to a person
    """A package that cannot be used."""


def _is_any_installed() -> bool:
    for folder in sys.path:
        for file in Path(folder).glob("*.dist-info/entry_points.txt"):
            try:
                if _MARK in file.read_bytes():
                    return True
            except OSError:
                continue
    return False


def _iterate_entry_points() -> Iterator[tuple[str, str, Any]]:
    from importlib.metadata import entry_points  # noqa: PLC0415 - see above

    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        distribution = point.dist
        name = point.name if distribution is None else distribution.name
        yield name, "" if distribution is None else distribution.version, point.load


def _check_package(package: object, known: Mapping[str, ProtocolEntry]) -> None:
    """Raise RefusedPackage with the reason, or what its modules raise."""
    from importlib import import_module  # noqa: PLC0415 - most gateways have no package

    if not isinstance(package, DriverPackage):
        raise RefusedPackage(f"its entry point is {type(package).__name__}; expected a DriverPackage")
    if package.contract_version != CONTRACT_VERSION:
        raise RefusedPackage(
            f"was written for version {package.contract_version} of the contract of drivers; this Quartier "
            f"has version {CONTRACT_VERSION}: install a matching version of the package"
        )
    _check_entries(package, known)
    for name, entry in package.protocols.items():
        described = import_module(f"{entry.module}.protocol").PROTOCOLS
        if not hasattr(described.get(name), "load_factory"):
            raise RefusedPackage(f"{entry.module}.protocol.PROTOCOLS[{name!r}] is not a Protocol")
        for section in entry.sections.values():
            getattr(import_module(f"{entry.module}.bus_section"), section)


def _check_entries(package: DriverPackage, known: Mapping[str, ProtocolEntry]) -> None:
    """Raise RefusedPackage when an entry collides with one that is known, or refers to nothing."""
    kinds = {kind: name for name, entry in known.items() for kind in entry.sections}
    for name, entry in package.protocols.items():
        if name in known:
            raise RefusedPackage(f"its protocol {name!r} is there already")
        if entry.package.partition(".")[0] == "quartier_drivers":
            raise RefusedPackage(f"its protocol {name!r} names no package of its own")
        if entry.on and entry.on not in {*known, *package.protocols}:
            raise RefusedPackage(f"its protocol {name!r} is spoken on {entry.on!r}, which is not there")
        for kind in entry.sections:
            if kind in kinds:
                raise RefusedPackage(f"its kind of bus {kind!r} belongs to {kinds[kind]} already")
            kinds[kind] = name
