"""Findings of a probe, and which line of which file corrects them (pure)."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quartier_drivers.device_profile.toml_files import TomlPlaces
from quartier_drivers.errors import Fault

KeyPath = tuple[str, ...]


class CheckedFile:
    """A TOML file that may need a change; ``text`` is that of a file that was loaded before."""

    def __init__(self, file: str, text: str) -> None:
        self._places = TomlPlaces(file, text)
        self._data = tomllib.loads(text)

    def value(self, path: KeyPath) -> object:
        """Return the value at ``path``; None if there is none."""
        found: Any = self._data
        for step in path:
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
        return found

    def fault(self, path: KeyPath, what: str) -> Fault:
        """Return a fault with the text ``what`` at ``path``.

        Its line is that of the key, or of the table if the key is absent.
        """
        return self._places.fault(path, what)


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """The site file, and the profiles with their parts that read the asset, command it, and read the grid.

    ``built_in`` are profiles of the package: they are corrected in a file of the site.
    """

    asset_name: str
    site: CheckedFile
    profiles: Mapping[str, tuple[CheckedFile, str]]
    built_in: Mapping[str, str] = field(default_factory=dict)
    """Name of the profile by its use, if it belongs to the package."""


@dataclass(frozen=True, slots=True)
class CorrectionTarget:
    """Place of a correction: the profile line of a point (``asset``, ``command``, ``grid``) or the site file.

    ``key`` is ``sign`` or ``scale`` of the quantity, or a key of the asset's section of the site file. The
    new value is -1 for sign (invert it), the factor for scale, else the value itself.
    """

    where: str
    quantity: str
    key: str
    new_value: float | str


@dataclass(frozen=True, slots=True)
class ProbeFinding:
    """One finding; ``is_fault``: control of the asset is wrong until it is corrected."""

    code: str
    words: str
    is_fault: bool = True
    targets: Sequence[CorrectionTarget] = ()


def list_corrections(findings: Sequence[ProbeFinding], files: CheckedFiles) -> list[Fault]:
    """Return one fault per required change, in the order of the findings, without duplicates."""
    every = [
        fault
        for one in findings
        for target in one.targets
        for fault in _list_target_corrections(target, files)
    ]
    return list(dict.fromkeys(every))


def list_profile_overrides(findings: Sequence[ProbeFinding], files: CheckedFiles) -> list[str]:
    """Return a sentence for each profile of the package that must be overridden."""
    wanted = {target.where for one in findings for target in one.targets}
    names = dict.fromkeys(name for what, name in files.built_in.items() if what in wanted)
    return [
        f"profile {name} is Quartier's own: copy it beside the site file with "
        f"quartier profiles show {name} --file > profiles/{name}.toml, change it there, and say "
        'profiles = ["profiles"] under [site]'
        for name in names
    ]


def _list_target_corrections(target: CorrectionTarget, files: CheckedFiles) -> Iterator[Fault]:
    if target.where == "site":
        path: KeyPath = ("assets", files.asset_name, target.key)
        present_value = files.site.value(path)
        if str(target.new_value) != str(present_value):
            yield files.site.fault(path, _describe_change(present_value, _format_toml(target.new_value)))
        return
    file, part = files.profiles[target.where]
    point: KeyPath = ("parts", part, target.quantity) if part else ("points", target.quantity)
    if file.value(point) is None:
        return
    table = (*point, "write") if target.where == "command" else point
    path = (*table, target.key) if file.value((*table, target.key)) is not None else (*point, target.key)
    present_value = file.value(path)
    now = 1.0 if not isinstance(present_value, int | float) else float(present_value)
    assert isinstance(target.new_value, float)
    yield file.fault(path, _describe_change(present_value, f"{now * target.new_value:g}", absent="1"))


def _describe_change(present_value: object, should: str, absent: str = "nothing") -> str:
    there = (
        f"{absent} (the key is absent)" if present_value is None else f"{present_value!r}".replace("'", '"')
    )
    return f"{there} is set, it should be {should}" if should else f"{there} is set, which is wrong"


def _format_toml(value: float | str) -> str:
    if isinstance(value, float) or (isinstance(value, str) and value.isdecimal()):
        return f"{value}"
    return f'"{value}"' if value else ""
