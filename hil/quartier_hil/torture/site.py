"""The site file of a tortured gateway: counting meters, deadbands of zero, every reading a sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quartier_hil.torture.counting import REGISTERS_PER_POINT

GROUP, EDGE = "issy", "b012"
PROFILE = "torture/meter"
_PROFILE = """\
[profile]
protocol = "modbus"
maker = "Torture"
model = "{points} points"
source = "made for a measurement: every point holds the number of the answer"

[scan]
fast = {period}
"""
_POINT = """
[points.{name}]
register = "holding:{at}"
type = "uint32"
scan = "fast"
"""
_SITE = """\
[site]
id = "{edge}"
district = "{group}"
simulated = true
profiles = ["profiles"]

[limits]
contract_import_w = 10000000.0
contract_export_w = 10000000.0

[store]
size_max_mb = {size_max_mb}

[store.deadbands]
power_w = 0.0
power_pct = 0.0
power_period_s = 0.0

[district_link]
url = "{url}"
backfill_messages_per_s = {backfill}
{more}
"""
_METER = """
[buses.bus{at}]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}

[devices.meter{at}]
bus = "bus{at}"
profile = "{profile}"
unit = 1

[assets.{asset}]
role = "{role}"
device = "meter{at}"
{rated}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Link of the gateway to its district; files by their keys of ``[district_link]``."""

    url: str
    files: tuple[tuple[str, Path], ...] = ()
    backfill_messages_per_s: float = 5.0

    @property
    def lines(self) -> str:
        """Further lines of the section."""
        return "\n".join(f'{key} = "{path}"' for key, path in self.files)


def write(
    folder: Path, ports: Sequence[int], points: int, link: Link, *, period_s: float, size_max_mb: int = 512
) -> Path:
    """Write site file and profile below ``folder``; the first meter is the grid's, the others are loads'."""
    place = folder / "profiles" / f"{PROFILE}.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    names = ["power_w", *(f"r{at}_w" for at in range(1, points))]
    rows = (_POINT.format(name=name, at=REGISTERS_PER_POINT * at) for at, name in enumerate(names))
    place.write_text(_PROFILE.format(points=points, period=period_s) + "".join(rows))
    parts = [
        _SITE.format(
            edge=EDGE,
            group=GROUP,
            size_max_mb=size_max_mb,
            url=link.url,
            backfill=link.backfill_messages_per_s,
            more=link.lines,
        )
    ]
    for at, port in enumerate(ports):
        asset, role, rated = asset_of(at), "load" if at else "grid", "rated_w = 1000.0\n" if at else ""
        parts.append(_METER.format(at=at, port=port, profile=PROFILE, asset=asset, role=role, rated=rated))
    file = folder / "site.toml"
    file.write_text("".join(parts))
    return file


def asset_of(place: int) -> str:
    """The asset of the meter at ``place``."""
    return f"load{place}" if place else "grid"
