"""Defines the rights to change each key of the site file: on site, remotely, or loosening.

Failsafe.md section 1, rules 3, 4 and 7. A remote message is anything that came over the uplink, however well
it is signed, and a proposal of a person who is not at the gateway (SSH). A key that no row names needs a
person on site: keys of later versions are protected until a row says otherwise. Names give no protection: the
tables of buses, devices and assets must have the same entries with the same bus, device, unit and part.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from math import inf
from typing import Any, Literal

from pydantic import BaseModel

from quartier.config.checks.fault_text import FileFault, render_value
from quartier.config.sections.site_file import SiteFile
from quartier_drivers.device_profile.toml_positions import KeyPath


class ChangeRight(StrEnum):
    """The right of a remote message to change a key.

    FREE: change it, inside the row's bounds.  LOOSENS: tighten it at once; what loosens waits until FAILSAFE
    is left, and needs a heartbeat at most 60 s old and a synchronised clock.  ON_SITE: nothing.
    """

    FREE = "free"
    LOOSENS = "loosening waits"
    ON_SITE = "on site only"


@dataclass(frozen=True, slots=True)
class RightRow:
    """Keys of one right.

    A key is its path with dots; ``*`` stands for a name, ``**`` at the end for everything below.
    ``loosening_direction`` says in which direction a value loosens. Outside ``least`` and ``most`` only a
    person on site changes it; a present value beyond them stays allowed.
    """

    keys: tuple[str, ...]
    right: ChangeRight
    why: str
    loosening_direction: Literal["", "higher", "lower"] = ""
    least: float = -inf
    most: float = inf

    def covers(self, path: KeyPath) -> bool:
        """Return whether one of its keys is the key at ``path``."""
        return any(_matches(key.split("."), path) for key in self.keys)


def _join_keys(below: str, names: str) -> tuple[str, ...]:
    return tuple(f"{below}.{name}" for name in names.split())


_PLANNING_KEYS = """
    horizon_s step_s round_trip_pct wear_eur_per_wh co2_eur_per_g peak_eur_per_w peak_free_w peak_by_month
    day_peak_eur_per_w rule_bound history_min_s
"""
_TARIFF_KEYS = """
    contract off_peak off_peak_weekend off_peak_index export_eur_per_wh base_eur_per_wh off_peak_eur_per_wh
    peak_eur_per_wh blue_off_peak_eur_per_wh blue_peak_eur_per_wh white_off_peak_eur_per_wh
    white_peak_eur_per_wh red_off_peak_eur_per_wh red_peak_eur_per_wh normal_eur_per_wh mobile_peak_eur_per_wh
"""
_REQUEST_KEYS = "departure energy_wanted_wh evening dusk_offset_s preheat draw_w"
_PLACE_KEYS = "role device part switch_device switch_part curtail led"
_RATING_KEYS = """
    rated_w capacity_wh charge_max_w discharge_max_w ramp_max_w_per_s voltage_v current_min_a current_max_a
    phases_count l1_on normal_w run_w run_resumes tank_m3 tank_loss_w around_c heat_pct force_on shift_up_k
    shift_down_k pump_normal_pct pump_min_pct pump_step_pct supply_min_c supply_max_c return_min_c
    return_max_c speed_normal_pct speed_min_pct speed_step_pct co2_max_ppm dim_min_pct dim_step_pct
    start_import_w start_s duration_s frequency_period_s
"""
_FREE, _LOOSENS, _ON_SITE = ChangeRight.FREE, ChangeRight.LOOSENS, ChangeRight.ON_SITE
RIGHT_ROWS: tuple[RightRow, ...] = (
    # Control inside all limits
    RightRow(
        ("control.grid_target_w",), _FREE, "a request; caps come after it", least=-1_000_000, most=1_000_000
    ),
    RightRow(
        ("planning", *_join_keys("planning", _PLANNING_KEYS)), _FREE, "a plan is a request below all limits"
    ),
    RightRow(("tariff", *_join_keys("tariff", _TARIFF_KEYS)), _FREE, "prices lead plans, and no limit"),
    RightRow(
        _join_keys("assets.*", _REQUEST_KEYS), _FREE, "what people want of an asset, inside what it bears"
    ),
    RightRow(
        ("district_link.backfill_messages_per_s",),
        _FREE,
        "the pace of history; slower, a day of it takes hours",
        least=0.5,
        most=100,
    ),
    # Deadbands: the detail of history and district data. Control does not use them.
    RightRow(("store.deadbands.power_w",), _FREE, "one tenth to ten times the default", least=5, most=500),
    RightRow(("store.deadbands.power_pct",), _FREE, "up to five times the default", least=0, most=5),
    RightRow(("store.deadbands.power_period_s",), _FREE, "at most one sample a second", least=1, most=60),
    RightRow(("store.deadbands.voltage_v",), _FREE, "one tenth to five times the default", least=0.1, most=5),
    RightRow(("store.deadbands.current_a",), _FREE, "one tenth to ten times the default", least=0.05, most=5),
    RightRow(
        ("store.deadbands.frequency_hz",), _FREE, "half to five times the default", least=0.005, most=0.05
    ),
    RightRow(("store.deadbands.temperature_k",), _FREE, "half to five times the default", least=0.1, most=1),
    RightRow(("store.deadbands.soc_pct",), _FREE, "one fifth to four times the default", least=0.1, most=2),
    RightRow(("store.deadbands.counter_period_s",), _FREE, "up to a quarter of an hour", least=60, most=900),
    # Parameters of the fail-safe state
    RightRow(
        (
            *_join_keys(
                "limits", "failsafe_import_w failsafe_export_w autonomous_import_w autonomous_export_w"
            ),
        ),
        _LOOSENS,
        "never above the hard limits; higher is looser",
        loosening_direction="higher",
    ),
    RightRow(
        ("limits.failsafe_min_s",), _LOOSENS, "shorter is looser", loosening_direction="lower", least=7_200
    ),
    RightRow(("limits.hold_max_s",), _LOOSENS, "longer is looser", loosening_direction="higher", most=93_600),
    RightRow(
        ("limits.heartbeat_timeout_s",), _LOOSENS, "longer is looser", loosening_direction="higher", most=120
    ),
    # Keys that only a person on site changes, in either direction
    RightRow(("limits.**",), _ON_SITE, "contract, hard limits, main fuse and every other limit"),
    RightRow(("site.**",), _ON_SITE, "which building it is and where, and where its profiles lie"),
    RightRow(("buses.**",), _ON_SITE, "wires, hosts, ports, logins, encryption: who is measured and steered"),
    RightRow(
        ("devices.**",), _ON_SITE, "bus, unit, address, profile: what is read, with which scale and sign"
    ),
    RightRow(
        ("assets", "assets.*", *_join_keys("assets.*", _PLACE_KEYS)),
        _ON_SITE,
        "which assets there are, what measures and what switches them; the connection meter is one",
    ),
    RightRow(
        _join_keys("assets.*", _RATING_KEYS),
        _ON_SITE,
        "ratings: what an asset, its cable and its fuse bear, and how control counts it",
    ),
    RightRow(
        _join_keys("assets.*", "soc_min_pct soc_max_pct reserve_soc_pct"), _ON_SITE, "reserves of batteries"
    ),
    RightRow(
        _join_keys("assets.*", "tier comfort_min_c comfort_max_c window_start deadline"),
        _ON_SITE,
        "tiers, and what moves an asset to another one",
    ),
    RightRow(_join_keys("assets.*", "min_on_s min_off_s min_run_s min_rest_s"), _ON_SITE, "minimum times"),
    RightRow(
        _join_keys("assets.*", "node phase accept_no_fallback share"),
        _ON_SITE,
        "which fuse it counts at, whether its device forgets an order, what leaves the building",
    ),
    RightRow(("nodes.**",), _ON_SITE, "fuses and meters of the connection tree"),
    RightRow(("contacts.**",), _ON_SITE, "contacts that cap the building"),
    RightRow(("supplies.**",), _ON_SITE, "meters of the grid operator that cap the import"),
    RightRow(("shares.**",), _ON_SITE, "who else reads and writes on a bus"),
    RightRow(("control.cycle_s",), _ON_SITE, "how fast a limit is reached"),
    RightRow(
        ("district_link.**",), _ON_SITE, "whom the building trusts, where its secrets lie, loss contract"
    ),
    RightRow(("store.**",), _ON_SITE, "where the history lies, and how much of it is kept"),
    RightRow(("clock.**",), _ON_SITE, "when the clock and a heartbeat are believed"),
    RightRow(("recording.**",), _ON_SITE, "what of the wires is kept"),
)
"""The first row that covers a key applies."""


DEFAULT_RIGHT = RightRow((), ChangeRight.ON_SITE, "every key that no row names")
# Effective value of an absent key of the limits.
_EFFECTIVE_LIMITS = {
    "failsafe_import_w": "import_failsafe_w",
    "failsafe_export_w": "export_failsafe_w",
    "autonomous_import_w": "import_autonomous_w",
    "autonomous_export_w": "export_autonomous_w",
}
_NAMED_TABLES = ("buses", "devices", "assets", "nodes", "contacts", "supplies", "shares")
_KIND_KEYS = ("kind", "role")
_MISSING = object()
# Keys with secrets or brokers: their values are not shown.
_HIDDEN_KEYS = ("_file", "user", "url", "urls", "pki")


@dataclass(frozen=True, slots=True)
class ChangeDecision:
    """Effect of a remote site file.

    ``refused`` are the changes that need a person on site. ``loosened`` are the keys that loosen compared
    with the site in use. ``changed`` are all keys that differ from the site in use. ``tightened`` are the
    parameters that tighten compared with the site in use (see ``find_tighter_limits``).
    """

    refused: tuple[FileFault, ...]
    loosened: tuple[str, ...]
    changed: tuple[str, ...]
    tightened: Mapping[str, float] = field(default_factory=dict)


def find_right(path: KeyPath) -> RightRow:
    """Return the row that applies to the key at ``path``."""
    return _find_right_row((path[0], "*", *path[2:]) if path[0] in _NAMED_TABLES and len(path) > 1 else path)


@cache  # thousands of devices share one row per key
def _find_right_row(shape: KeyPath) -> RightRow:
    return next((row for row in RIGHT_ROWS if row.covers(shape)), DEFAULT_RIGHT)


def evaluate_remote_file(on_site: SiteFile, used: SiteFile, new: SiteFile) -> ChangeDecision:
    """Evaluate a remote site file.

    ``on_site`` is what a person at the gateway last approved, ``used`` the site in use: a remote file may
    have tightened it since.
    """
    changed = [path for path, _, _ in _find_changes(used, new)]
    loosened = [_join_path(path) for path in changed if _is_loosened(path, used, new)]
    return ChangeDecision(
        tuple(_find_refusals(on_site, new)),
        tuple(loosened),
        tuple(map(_join_path, changed)),
        find_tighter_limits(used, new),
    )


def make_tightest(one: SiteFile, other: SiteFile) -> SiteFile:
    """Return ``one`` with the tighter of both values for each parameter whose loosening waits."""
    return tighten_limits(one, find_tighter_limits(one, other))


def find_tighter_limits(used: SiteFile, new: SiteFile) -> dict[str, float]:
    """Return the parameters whose loosening waits and that are tighter in ``new``, with their values there.

    A key is a key of the section ``limits``; its value is the effective one, also where the file has none.
    """
    found: dict[str, float] = {}
    for key in _list_loosening_keys(used):
        before, after = _find_effective_limit(used, key), _find_effective_limit(new, key)
        if after != before and _choose_tighter(key, before, after) == after:
            found[key] = after
    return found


def tighten_limits(site: SiteFile, limits: Mapping[str, float]) -> SiteFile:
    """Return ``site`` with the tighter of both values for each parameter in ``limits`` whose loosening waits.

    Other keys of ``limits`` have no effect.
    """
    update: dict[str, Any] = {}
    for key in _list_loosening_keys(site):
        present = _find_effective_limit(site, key)
        if key in limits and (tighter := _choose_tighter(key, present, limits[key])) != present:
            update[key] = tighter
    return site.model_copy(update={"limits": site.limits.model_copy(update=update)}) if update else site


def combine_tighter_limits(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Return all parameters of both, each with the tighter value."""
    both = {key: _choose_tighter(key, one[key], other[key]) for key in one.keys() & other.keys()}
    return {**one, **other, **both}


def _list_loosening_keys(site: SiteFile) -> Iterator[str]:
    for key in type(site.limits).model_fields:
        if find_right(("limits", key)).right is ChangeRight.LOOSENS:
            yield key


def _choose_tighter(key: str, one: float, other: float) -> float:
    choose = min if find_right(("limits", key)).loosening_direction == "higher" else max
    return choose(one, other)


def _find_refusals(now: SiteFile, new: SiteFile) -> Iterator[FileFault]:
    for path, old, value in _find_changes(now, new):
        row = find_right(path)
        if row.right is ChangeRight.ON_SITE:
            yield FileFault(path, _explain_on_site(path, old, value, now, new))
        elif bounds := _find_broken_bounds(row, old, value):
            what = f"{value:g} is outside {bounds[0]:g}..{bounds[1]:g}; expected a person on site for it"
            yield FileFault(path, what)


def _explain_on_site(path: KeyPath, old: object, value: object, now: SiteFile, new: SiteFile) -> str:
    only = "by a person on site only"
    if len(path) == 2 and path[0] in _NAMED_TABLES:
        table, name = str(path[0]), str(path[1])
        if value is _MISSING:
            return f"is removed {only}"
        before, after = getattr(now, table), getattr(new, table)
        gone = (one for one in before if one not in after)
        twin = next((one for one in gone if _is_same_entry(now, new, table, one, name)), None)
        return f"is added {only}" if twin is None else f"is {twin!r}, which is renamed {only}"
    if old is _MISSING or str(path[-1]).endswith(_HIDDEN_KEYS) or path[0] == "district_link":
        return f"is changed {only}; expected the value in use at the gateway"
    return f"is changed {only}; expected {'it absent' if old is None else render_value(old)}"


def _is_same_entry(now: SiteFile, new: SiteFile, table: str, one: str, other: str) -> bool:
    found = _find_identity(now, table, one)
    return found is not None and found == _find_identity(new, table, other)


def _find_identity(site: SiteFile, table: str, name: str) -> tuple[object, ...] | None:
    """Return the identity of a bus, a device, or the place of an entry on it, independent of names."""
    entry = getattr(site, table).get(name)
    if entry is None:
        return None
    if table == "buses":
        return tuple(
            getattr(entry, key, None) for key in ("kind", "host", "port", "url", "chip", "interface")
        )
    if table == "devices":
        return (_find_identity(site, "buses", entry.bus), entry.unit, entry.address)
    device = getattr(entry, "device", None)
    return None if device is None else (_find_identity(site, "devices", device), entry.part)


def _find_broken_bounds(row: RightRow, old: object, value: object) -> tuple[float, float] | None:
    """Return the bounds that a changed number breaks, widened to the present value; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    stands = [float(old)] if isinstance(old, int | float) and not isinstance(old, bool) else []
    least, most = min([row.least, *stands]), max([row.most, *stands])
    return None if least <= value <= most else (least, most)


def _is_loosened(path: KeyPath, used: SiteFile, new: SiteFile) -> bool:
    row = find_right(path)
    if row.right is not ChangeRight.LOOSENS:
        return False
    before, after = _find_effective_limit(used, str(path[-1])), _find_effective_limit(new, str(path[-1]))
    return after > before if row.loosening_direction == "higher" else after < before


def _find_effective_limit(site: SiteFile, key: str) -> float:
    value: float = getattr(site.limits, _EFFECTIVE_LIMITS.get(key, key))
    return value


def _find_changes(now: SiteFile, new: SiteFile) -> Iterator[tuple[KeyPath, object, object]]:
    """Yield path, old and new value of each key that differs.

    An entry that is added, removed or changes its kind is one change.
    """
    before, after = dict(list_keys(now)), dict(list_keys(new))
    whole: set[KeyPath] = set()
    for table in _NAMED_TABLES:
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
        kind = next(
            (key for key in _KIND_KEYS if before.get((*entry, key)) != after.get((*entry, key))), None
        )
        if path[0] in _NAMED_TABLES and kind is not None and path[-1] != kind:
            continue
        yield path, old, value


def list_keys(section: BaseModel, path: KeyPath = ()) -> Iterator[tuple[KeyPath, object]]:
    """Yield every key of a site with its value, nested tables included."""
    for key in type(section).model_fields:
        yield from _list_value_keys(getattr(section, key), (*path, key))


def _list_value_keys(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, object]]:
    if isinstance(value, BaseModel):
        yield from list_keys(value, path)
    elif isinstance(value, Mapping):
        for name, entry in value.items():
            yield from _list_value_keys(entry, (*path, name))
    else:
        yield path, value


def _matches(pattern: list[str], path: KeyPath) -> bool:
    if pattern[-1] == "**":
        pattern = pattern[:-1]
        path = path[: len(pattern)]
    return len(pattern) == len(path) and all(
        word in ("*", part) for word, part in zip(pattern, path, strict=True)
    )


def _join_path(path: KeyPath) -> str:
    return ".".join(map(str, path))
