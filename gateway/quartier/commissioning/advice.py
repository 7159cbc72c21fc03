"""Which line of which file cures a finding, with what stands there and what should (pure)."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quartier.commissioning.finding import Finding, Target
from quartier_drivers.errors import Fault
from quartier_drivers.place import Places

Path = tuple[str, ...]


class Paper:
    """A TOML file that may have to be changed; ``text`` is that of a file that was loaded before."""

    def __init__(self, file: str, text: str) -> None:
        self._places = Places(file, text)
        self._data = tomllib.loads(text)

    def value(self, path: Path) -> object:
        """What stands at ``path``; None where nothing does."""
        found: Any = self._data
        for step in path:
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
        return found

    def fault(self, path: Path, what: str) -> Fault:
        """``what`` is to be changed at ``path``; where the key is absent the line is its table's."""
        return self._places.fault(path, what)


@dataclass(frozen=True, slots=True)
class Papers:
    """The site file, and the profiles with their parts that read the asset, command it, and read the grid.

    ``built_in`` are profiles of the package: what is wrong there is mended in a file of the site's own.
    """

    asset_name: str
    site: Paper
    profiles: Mapping[str, tuple[Paper, str]]
    built_in: Mapping[str, str] = field(default_factory=dict)
    """The name of the profile by what it is for, where it is the package's."""


def lines(findings: Sequence[Finding], papers: Papers) -> list[Fault]:
    """One for each thing that is to be changed, in the order of the findings, none twice."""
    every = [fault for one in findings for target in one.targets for fault in _lines(target, papers)]
    return list(dict.fromkeys(every))


def overrides(findings: Sequence[Finding], papers: Papers) -> list[str]:
    """How a profile of the package that is to be changed is overridden, a sentence for each."""
    wanted = {target.where for one in findings for target in one.targets}
    names = dict.fromkeys(name for what, name in papers.built_in.items() if what in wanted)
    return [
        f"profile {name} is Quartier's own: copy it beside the site file with "
        f"quartier profiles show {name} --file > profiles/{name}.toml, change it there, and say "
        'profiles = ["profiles"] under [site]'
        for name in names
    ]


def _lines(target: Target, papers: Papers) -> Iterator[Fault]:
    if target.where == "site":
        path: Path = ("assets", papers.asset_name, target.key)
        stands = papers.site.value(path)
        if str(target.should) != str(stands):
            yield papers.site.fault(path, _change(stands, _toml(target.should)))
        return
    paper, part = papers.profiles[target.where]
    point: Path = ("parts", part, target.quantity) if part else ("points", target.quantity)
    if paper.value(point) is None:
        return
    table = (*point, "write") if target.where == "command" else point
    path = (*table, target.key) if paper.value((*table, target.key)) is not None else (*point, target.key)
    stands = paper.value(path)
    now = 1.0 if not isinstance(stands, int | float) else float(stands)
    assert isinstance(target.should, float)
    yield paper.fault(path, _change(stands, f"{now * target.should:g}", absent="1"))


def _change(stands: object, should: str, absent: str = "nothing") -> str:
    there = f"{absent} (the key is absent)" if stands is None else f"{stands!r}".replace("'", '"')
    return (
        f"{there} stands there, it should be {should}" if should else f"{there} stands there, which is not so"
    )


def _toml(value: float | str) -> str:
    if isinstance(value, float) or (isinstance(value, str) and value.isdecimal()):
        return f"{value}"
    return f'"{value}"' if value else ""
