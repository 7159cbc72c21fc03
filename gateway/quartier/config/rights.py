"""Who may change what: the one table of what a remote message may change, loosen, or never change (pure).

Failsafe.md section 1, rules 3, 4 and 7.  A remote message is whatever came over the uplink, however well it
is signed, and what a person proposes who does not stand at the gateway (SSH).  A key that no row names
belongs to a person on site: what a later version adds is protected until a row says otherwise.  Names protect
nothing: the tables of buses, devices and assets must hold the same entries with the same bus, device, unit
and part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import inf
from typing import Any, Literal

from pydantic import BaseModel

from quartier.config.faults import Flaw, shown
from quartier.config.model import Site
from quartier_drivers.positions import Path


class Right(StrEnum):
    """What a remote message may do to a key.

    FREE: change it, inside the row's bounds.  LOOSENS: tighten it at once; what loosens waits until FAILSAFE
    is left, and needs a heartbeat at most 60 s old and a synchronised clock.  ON_SITE: nothing.
    """

    FREE = "free"
    LOOSENS = "loosening waits"
    ON_SITE = "on site only"


@dataclass(frozen=True, slots=True)
class Row:
    """Keys of one right.

    A key is its path with dots; ``*`` stands for a name, ``**`` at the end for everything below.  ``looser``
    says which way a value loosens.  Outside ``least`` and ``most`` a person on site changes it; a value that
    is further out already stays allowed up to itself.
    """

    keys: tuple[str, ...]
    right: Right
    why: str
    looser: Literal["", "higher", "lower"] = ""
    least: float = -inf
    most: float = inf

    def covers(self, path: Path) -> bool:
        """Whether one of its keys is the one at ``path``."""
        return any(_fits(key.split("."), path) for key in self.keys)


def _keys(below: str, names: str) -> tuple[str, ...]:
    return tuple(f"{below}.{name}" for name in names.split())


_PLANNING = """
    horizon_s step_s round_trip_pct wear_eur_per_wh co2_eur_per_g peak_eur_per_w peak_free_w peak_by_month
    day_peak_eur_per_w rule_bound history_min_s
"""
_TARIFF = """
    contract off_peak off_peak_weekend off_peak_index export_eur_per_wh base_eur_per_wh off_peak_eur_per_wh
    peak_eur_per_wh blue_off_peak_eur_per_wh blue_peak_eur_per_wh white_off_peak_eur_per_wh
    white_peak_eur_per_wh red_off_peak_eur_per_wh red_peak_eur_per_wh normal_eur_per_wh mobile_peak_eur_per_wh
"""
_WANTED = "departure energy_wanted_wh evening dusk_offset_s preheat draw_w"
_PLACES = "role device part switch_device switch_part curtail led"
_RATINGS = """
    rated_w capacity_wh charge_max_w discharge_max_w ramp_max_w_per_s voltage_v current_min_a current_max_a
    phases_count l1_on normal_w run_w run_resumes tank_m3 tank_loss_w around_c heat_pct force_on shift_up_k
    shift_down_k pump_normal_pct pump_min_pct pump_step_pct supply_min_c supply_max_c return_min_c
    return_max_c speed_normal_pct speed_min_pct speed_step_pct co2_max_ppm dim_min_pct dim_step_pct
    start_import_w start_s duration_s frequency_period_s
"""
_FREE, _LOOSENS, _ON_SITE = Right.FREE, Right.LOOSENS, Right.ON_SITE
ROWS: tuple[Row, ...] = (
    # What steers, inside every limit
    Row(("control.grid_target_w",), _FREE, "a wish; caps come after it", least=-1_000_000, most=1_000_000),
    Row(("planning", *_keys("planning", _PLANNING)), _FREE, "a plan is a wish below all limits"),
    Row(("tariff", *_keys("tariff", _TARIFF)), _FREE, "prices lead plans, and no limit"),
    Row(_keys("assets.*", _WANTED), _FREE, "what people want of an asset, inside what it bears"),
    Row(
        ("district_link.backfill_messages_per_s",),
        _FREE,
        "the pace of history; slower, a day of it takes hours",
        least=0.5,
        most=100,
    ),
    # Deadbands: how much the history and the district see.  Control never looks at them.
    Row(("store.deadbands.power_w",), _FREE, "one tenth to ten times the default", least=5, most=500),
    Row(("store.deadbands.power_pct",), _FREE, "up to five times the default", least=0, most=5),
    Row(("store.deadbands.power_period_s",), _FREE, "at most one sample a second", least=1, most=60),
    Row(("store.deadbands.voltage_v",), _FREE, "one tenth to five times the default", least=0.1, most=5),
    Row(("store.deadbands.current_a",), _FREE, "one tenth to ten times the default", least=0.05, most=5),
    Row(("store.deadbands.frequency_hz",), _FREE, "half to five times the default", least=0.005, most=0.05),
    Row(("store.deadbands.temperature_k",), _FREE, "half to five times the default", least=0.1, most=1),
    Row(("store.deadbands.soc_pct",), _FREE, "one fifth to four times the default", least=0.1, most=2),
    Row(("store.deadbands.counter_period_s",), _FREE, "up to a quarter of an hour", least=60, most=900),
    # Parameters of the fail-safe state
    Row(
        (*_keys("limits", "failsafe_import_w failsafe_export_w autonomous_import_w autonomous_export_w"),),
        _LOOSENS,
        "never above the hard limits; higher is looser",
        looser="higher",
    ),
    Row(("limits.failsafe_min_s",), _LOOSENS, "shorter is looser", looser="lower", least=7_200),
    Row(("limits.hold_max_s",), _LOOSENS, "longer is looser", looser="higher", most=93_600),
    Row(("limits.heartbeat_timeout_s",), _LOOSENS, "longer is looser", looser="higher", most=120),
    # What only a person on site changes, in either direction
    Row(("limits.**",), _ON_SITE, "contract, hard limits, main fuse and every other limit"),
    Row(("site.**",), _ON_SITE, "which building it is and where, and where its profiles lie"),
    Row(("buses.**",), _ON_SITE, "wires, hosts, ports, logins, encryption: who is measured and steered"),
    Row(("devices.**",), _ON_SITE, "bus, unit, address, profile: what is read, with which scale and sign"),
    Row(
        ("assets", "assets.*", *_keys("assets.*", _PLACES)),
        _ON_SITE,
        "which assets there are, what measures and what switches them; the connection meter is one",
    ),
    Row(
        _keys("assets.*", _RATINGS),
        _ON_SITE,
        "ratings: what an asset, its cable and its fuse bear, and how control counts it",
    ),
    Row(_keys("assets.*", "soc_min_pct soc_max_pct reserve_soc_pct"), _ON_SITE, "reserves of batteries"),
    Row(
        _keys("assets.*", "tier comfort_min_c comfort_max_c window_start deadline"),
        _ON_SITE,
        "tiers, and what moves an asset to another one",
    ),
    Row(_keys("assets.*", "min_on_s min_off_s min_run_s min_rest_s"), _ON_SITE, "minimum times"),
    Row(
        _keys("assets.*", "node phase accept_no_fallback share"),
        _ON_SITE,
        "which fuse it counts at, whether its device forgets an order, what leaves the building",
    ),
    Row(("nodes.**",), _ON_SITE, "fuses and meters of the connection tree"),
    Row(("contacts.**",), _ON_SITE, "contacts that cap the building"),
    Row(("supplies.**",), _ON_SITE, "meters of the grid operator that cap the import"),
    Row(("shares.**",), _ON_SITE, "who else reads and writes on a bus"),
    Row(("control.cycle_s",), _ON_SITE, "how fast a limit is reached"),
    Row(("district_link.**",), _ON_SITE, "whom the building trusts, where its secrets lie, loss contract"),
    Row(("store.**",), _ON_SITE, "where the history lies, and how much of it is kept"),
    Row(("clock.**",), _ON_SITE, "when the clock and a heartbeat are believed"),
    Row(("recording.**",), _ON_SITE, "what of the wires is kept"),
)
"""The first row that covers a key holds for it."""
DEFAULT = Row((), Right.ON_SITE, "every key that no row names")

MESSAGES: tuple[tuple[str, str, str, str], ...] = (
    (
        "envelope",
        "tightens, in every state",
        "a fresh heartbeat and a synchronised clock; else min(old, new)",
        "above a hard limit, contact, fuse or subscribed power",
    ),
    (
        "failsafe",
        "tightens, in every state",
        "as a site file: FAILSAFE left, a fresh heartbeat, a synchronised clock",
        "above a hard limit; a minimum duration outside 2..24 h",
    ),
    (
        "schedule, signal",
        "wishes and prices, inside all caps",
        "–",
        "a cap, a reserve, a tier, a minimum time",
    ),
    (
        "command `shed`, `test_failsafe`",
        "takes more, or longer",
        "a weaker or shorter one: a fresh heartbeat and a synchronised clock",
        "a cap; a tier",
    ),
    (
        "command `setpoint`, `mode`",
        "–",
        "a fresh heartbeat, a synchronised clock, and a state in which the district leads",
        "a cap, a reserve, a person's order; never longer than 3600 s",
    ),
    ("command `release`", "–", "a fresh heartbeat and a synchronised clock", "a cap, a person's order"),
    ("command `ping`, `replay`, `reset_alarm`", "yes", "–", "a limit"),
    ("job `keys`", "a list that the offline root signed", "–", "the root itself (`district_link.root_keys`)"),
    ("job `config`", "keys of the right *free*", "keys of the right *loosening waits*", "all other keys"),
    ("Sparkplug NCMD, DCMD", "rebirth, next server, scan rate within 0..60 s", "–", "whatever moves power"),
)
"""What the other remote messages may do: freely, loosening only with what, and never."""

# What an absent key of the limits means.
_EFFECTIVE = {
    "failsafe_import_w": "import_failsafe_w",
    "failsafe_export_w": "export_failsafe_w",
    "autonomous_import_w": "import_autonomous_w",
    "autonomous_export_w": "export_autonomous_w",
}
_NAMED = ("buses", "devices", "assets", "nodes", "contacts", "supplies", "shares")
_KINDS = ("kind", "role")
_ENDPOINT = ("kind", "host", "port", "url", "chip", "interface")
_MISSING = object()
# Where a secret or a broker is told to nobody who does not know it.
_UNTOLD = ("_file", "user", "url", "urls", "pki")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a remote site file would do.

    ``refused`` are the changes that need a person on site, ``loosened`` the keys that loosen against what is
    in use, ``changed`` all keys that differ from what is in use.
    """

    refused: tuple[Flaw, ...]
    loosened: tuple[str, ...]
    changed: tuple[str, ...]


def row_of(path: Path) -> Row:
    """The row that holds for the key at ``path``."""
    return _row((path[0], "*", *path[2:]) if path[0] in _NAMED and len(path) > 1 else path)


@cache  # of thousands of devices, one row for each key
def _row(shape: Path) -> Row:
    return next((row for row in ROWS if row.covers(shape)), DEFAULT)


def judge(on_site: Site, used: Site, new: Site) -> Judgement:
    """Judge a remote site file.

    ``on_site`` is what a person at the gateway saw to last, ``used`` what the gateway runs with: a remote
    file may have tightened it since.
    """
    changed = [path for path, _, _ in _changes(used, new)]
    loosened = [_dotted(path) for path in changed if _loosens(path, used, new)]
    return Judgement(tuple(_refusals(on_site, new)), tuple(loosened), tuple(map(_dotted, changed)))


def tightest(one: Site, other: Site) -> Site:
    """``one`` with each parameter whose loosening waits at the tighter of both values."""
    update: dict[str, Any] = {}
    for key in type(one.limits).model_fields:
        row = row_of(("limits", key))
        if row.right is Right.LOOSENS:
            choose = min if row.looser == "higher" else max
            update[key] = choose(_effective(one, key), _effective(other, key))
    return one.model_copy(update={"limits": one.limits.model_copy(update=update)})


def _refusals(now: Site, new: Site) -> Iterator[Flaw]:
    for path, old, value in _changes(now, new):
        row = row_of(path)
        if row.right is Right.ON_SITE:
            yield Flaw(path, _why_on_site(path, old, value, now, new))
        elif bounds := _outside(row, old, value):
            what = f"{value:g} is outside {bounds[0]:g}..{bounds[1]:g}; expected a person on site for it"
            yield Flaw(path, what)


def _why_on_site(path: Path, old: object, value: object, now: Site, new: Site) -> str:
    only = "by a person on site only"
    if len(path) == 2 and path[0] in _NAMED:
        table, name = str(path[0]), str(path[1])
        if value is _MISSING:
            return f"is taken away {only}"
        before, after = getattr(now, table), getattr(new, table)
        gone = (one for one in before if one not in after)
        twin = next((one for one in gone if _same(now, new, table, one, name)), None)
        return f"is added {only}" if twin is None else f"is {twin!r}, which is renamed {only}"
    if old is _MISSING or str(path[-1]).endswith(_UNTOLD) or path[0] == "district_link":
        return f"is changed {only}; expected it as it stands at the gateway"
    return f"is changed {only}; expected {'it absent' if old is None else shown(old)}"


def _same(now: Site, new: Site, table: str, one: str, other: str) -> bool:
    found = _identity(now, table, one)
    return found is not None and found == _identity(new, table, other)


def _identity(site: Site, table: str, name: str) -> tuple[object, ...] | None:
    """What a bus, a device, or the place of an entry on it, is: whatever it is called."""
    entry = getattr(site, table).get(name)
    if entry is None:
        return None
    if table == "buses":
        return tuple(
            getattr(entry, key, None) for key in ("kind", "host", "port", "url", "chip", "interface")
        )
    if table == "devices":
        return (_identity(site, "buses", entry.bus), entry.unit, entry.address)
    device = getattr(entry, "device", None)
    return None if device is None else (_identity(site, "devices", device), entry.part)


def _outside(row: Row, old: object, value: object) -> tuple[float, float] | None:
    """The bounds that a changed number breaks, widened to the value that stands already."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    stands = [float(old)] if isinstance(old, int | float) and not isinstance(old, bool) else []
    least, most = min([row.least, *stands]), max([row.most, *stands])
    return None if least <= value <= most else (least, most)


def _loosens(path: Path, used: Site, new: Site) -> bool:
    row = row_of(path)
    if row.right is not Right.LOOSENS:
        return False
    before, after = _effective(used, str(path[-1])), _effective(new, str(path[-1]))
    return after > before if row.looser == "higher" else after < before


def _effective(site: Site, key: str) -> float:
    value: float = getattr(site.limits, _EFFECTIVE.get(key, key))
    return value


def _changes(now: Site, new: Site) -> Iterator[tuple[Path, object, object]]:
    """Path, old and new value of each key that differs; an entry that comes, goes or changes kind is one."""
    before, after = dict(leaves(now)), dict(leaves(new))
    whole: set[Path] = set()
    for table in _NAMED:
        olds, news = getattr(now, table), getattr(new, table)
        for name in [*olds, *(name for name in news if name not in olds)]:
            if name not in olds or name not in news:
                whole.add((table, name))
                yield (table, name), olds.get(name, _MISSING), news.get(name, _MISSING)
    for path in [*before, *(path for path in after if path not in before)]:
        entry = path[:2]
        old, value = before.get(path, _MISSING), after.get(path, _MISSING)
        if entry in whole or old == value:
            continue
        kind = next((key for key in _KINDS if before.get((*entry, key)) != after.get((*entry, key))), None)
        if path[0] in _NAMED and kind is not None and path[-1] != kind:
            continue
        yield path, old, value


def leaves(section: BaseModel, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Every key of a site with its value, tables inside tables included."""
    for key in type(section).model_fields:
        yield from _leaves(getattr(section, key), (*path, key))


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    if isinstance(value, BaseModel):
        yield from leaves(value, path)
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _leaves(entry, (*path, name))
    else:
        yield path, value


def _fits(pattern: list[str], path: Path) -> bool:
    if pattern[-1] == "**":
        pattern = pattern[:-1]
        path = path[: len(pattern)]
    return len(pattern) == len(path) and all(
        word in ("*", part) for word, part in zip(pattern, path, strict=True)
    )


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
