"""What needs two sections to be judged: names, references, parts, the tree, limits that contradict."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from quartier.config.contacts import flaws_of_contacts
from quartier.config.draft import Draft
from quartier.config.faults import Flaw
from quartier.config.model import Battery, DistrictLink, Ev, Limits, Load, Pv
from quartier.config.modes import MODED, Chp, Cooling, Heat, Substation, Ventilation
from quartier.config.nodes import ROOT
from quartier.config.parts import flaws_of_parts
from quartier.config.sharing import flaws_of_shares
from quartier.config.suggest import suggest
from quartier.config.supplies import flaws_of_supplies
from quartier.config.tariffs import flaws_of_planning
from quartier.config.tree import flaws_of_tree
from quartier_drivers.positions import Path
from quartier_drivers.profile import Profile
from quartier_drivers.registry import KINDS

# A Modbus unit has one octet; a kind of bus with larger ones says so itself.
_UNIT_MAX = 255
_DAY_MIN, _QUARTER_MIN = 1_440, 15
_RUN_MARGIN_MIN = 5


def cross_check(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """Everything that is wrong between sections; ``profiles`` by device, those that could be loaded."""
    for check in (_names, _references, _endpoints, _units, _one_grid, _limits, _link, _place):
        yield from check(draft)
    yield from _protocols(draft, profiles)
    yield from flaws_of_parts(draft, profiles)
    yield from flaws_of_contacts(draft, profiles)
    yield from flaws_of_supplies(draft, profiles)
    yield from flaws_of_tree(draft, profiles)
    yield from flaws_of_shares(draft, profiles)
    yield from flaws_of_planning(draft)
    for name, asset in draft.assets.items():
        yield from (Flaw(("assets", name, key), what) for key, what in _contradictions(asset))


def _names(draft: Draft) -> Iterator[Flaw]:
    # An asset keeps its name: control needs it more than a wire does.
    taken = dict.fromkeys(draft.meant("assets"), "an asset")
    for table, word in (
        ("contacts", "a contact"),
        ("supplies", "a supply"),
        ("devices", "a device"),
        ("buses", "a bus"),
        ("shares", "a share"),
    ):
        for name in draft.meant(table):
            if name in taken:
                yield Flaw((table, name), f"{name!r} is {taken[name]} too; expected a name of its own")
            taken.setdefault(name, word)
    for name in (name for name, node in draft.nodes.items() if node.device is not None and name in taken):
        what = f"{name!r} is {taken[name]} too; expected another name for a node with a meter"
        yield Flaw(("nodes", name, "device"), what)


def _endpoints(draft: Draft) -> Iterator[Flaw]:
    def endpoint(bus: Any) -> object:
        return tuple(getattr(bus, key, "") for key in ("host", "interface", "port", "chip"))

    for first, name in _repeated(draft.buses, endpoint):
        yield Flaw(("buses", name), f"is the same wire as {first!r}; expected one bus for its devices")


def _references(draft: Draft) -> Iterator[Flaw]:
    nodes = {ROOT: None, **draft.meant("nodes")}
    for table, key, word, known in (
        ("devices", "bus", "bus", draft.meant("buses")),
        ("shares", "bus", "bus", draft.meant("buses")),
        ("assets", "device", "device", draft.meant("devices")),
        ("assets", "switch_device", "device", draft.meant("devices")),
        ("contacts", "device", "device", draft.meant("devices")),
        ("supplies", "device", "device", draft.meant("devices")),
        ("nodes", "device", "device", draft.meant("devices")),
        ("assets", "node", "node", nodes),
        ("nodes", "under", "node", nodes),
    ):
        for name, said in draft.said(table, key):
            if said not in known:
                others = [one for one in known if one != name]
                help_ = suggest(said, others) if others else f"the file has no {'other ' * bool(known)}{word}"
                what = f"there is no {word} {said!r}; {help_}"
                yield Flaw((table, name, key), what)


def _units(draft: Draft) -> Iterator[Flaw]:
    for name, device in draft.devices.items():
        if device.unit == 0 and getattr(draft.buses.get(device.bus), "kind", "") == "modbus-rtu":
            yield Flaw(("devices", name, "unit"), "0 reaches every device of a serial line; expected 1..247")
        bus = draft.buses.get(device.bus)
        most = getattr(bus, "unit_max", _UNIT_MAX)
        if bus is not None and device.unit > most:
            yield Flaw(("devices", name, "unit"), f"{device.unit} is outside 0..{most}")
        misfit = getattr(bus, "misfit", None)
        if misfit is not None and (found := misfit(device.unit, device.address)):
            key, what = found
            yield Flaw(("devices", name, key), what)
    by_unit = {
        name: device
        for name, device in draft.devices.items()
        if getattr(draft.buses.get(device.bus), "has_units", True)
    }
    for first, name in _repeated(by_unit, lambda device: (device.bus, device.unit, device.address)):
        device = draft.devices[name]
        key, shown = ("address", device.address) if device.address else ("unit", str(device.unit))
        yield Flaw(("devices", name, key), f"{shown} is the {key} of {first!r} too; expected one of its own")


def _protocols(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    for name, profile in profiles.items():
        bus = draft.buses.get(draft.devices[name].bus) if name in draft.devices else None
        spoken = KINDS[bus.kind].protocols if bus is not None else (profile.protocol,)
        if profile.protocol not in spoken:
            known = " or ".join(spoken)
            what = f"{profile.name!r} speaks {profile.protocol}; expected a profile of the bus's {known}"
            yield Flaw(("devices", name, "profile"), what)


def _one_grid(draft: Draft) -> Iterator[Flaw]:
    grids = [name for name, raw in draft.meant("assets").items() if _role(raw) == "grid"]
    if not grids and "assets" in draft.raw:
        yield Flaw(("assets",), 'no asset has role = "grid"; expected exactly one, the connection meter')
    for name in grids[1:]:
        yield Flaw(("assets", name, "role"), f"is the grid like {grids[0]!r}; expected exactly one")


def _role(raw: object) -> object:
    return raw.get("role") if isinstance(raw, dict) else None


def _limits(draft: Draft) -> Iterator[Flaw]:
    limits: Limits | None = draft.fixed.get("limits")
    if limits is None:
        return
    pairs = (
        ("failsafe_import_w", limits.import_hard_w, "the hard import limit"),
        ("autonomous_import_w", limits.import_hard_w, "the hard import limit"),
        ("failsafe_export_w", limits.export_hard_w, "the hard export limit"),
        ("autonomous_export_w", limits.export_hard_w, "the hard export limit"),
    )
    for key, hard_w, word in pairs:
        value_w = getattr(limits, key)
        if value_w is not None and value_w > hard_w:
            yield Flaw(("limits", key), f"{value_w:g} is above {word}; expected at most {hard_w:g}")


def _link(draft: Draft) -> Iterator[Flaw]:
    link: DistrictLink | None = draft.fixed.get("district_link")
    if link is None:
        return
    twice = [url for place, url in enumerate(link.urls) if url in link.urls[:place]]
    if twice:
        yield Flaw(("district_link", "further_urls"), f"{twice[0]!r} stands twice; expected each broker once")
    pairs = (("user", "password_file"), ("cert_file", "key_file"))
    for one, other in (*pairs, *(pair[::-1] for pair in pairs)):
        if getattr(link, one) is not None and getattr(link, other) is None:
            yield Flaw(("district_link", other), f"is missing; {one} needs it")
    for key in ("ca_file", "cert_file"):
        if not link.tls and getattr(link, key) is not None:
            yield Flaw(("district_link", key), "does not fit mqtt://, which has no certificates")


def _place(draft: Draft) -> Iterator[Flaw]:
    building = draft.fixed.get("site")
    if building is None:
        return
    for one, other in (("latitude", "longitude"), ("longitude", "latitude")):
        if getattr(building, one) is not None and getattr(building, other) is None:
            yield Flaw(("site", other), f"is missing; {one} needs it")


_RISING: tuple[tuple[type, tuple[str, ...]], ...] = (
    (Battery, ("soc_min_pct", "reserve_soc_pct", "soc_max_pct")),
    (Ev, ("current_min_a", "current_max_a")),
    (Heat, ("comfort_min_c", "comfort_max_c")),
    (Cooling, ("comfort_min_c", "comfort_max_c")),
    (Substation, ("pump_min_pct", "pump_normal_pct")),
    (Substation, ("supply_min_c", "supply_max_c")),
    (Substation, ("return_min_c", "return_max_c")),
    (Ventilation, ("speed_min_pct", "speed_normal_pct")),
)


def _contradictions(asset: object) -> Iterator[tuple[str, str]]:
    if isinstance(asset, Battery):
        for key in ("charge_max_w", "discharge_max_w"):
            value_w = getattr(asset, key)
            if value_w is not None and value_w > asset.rated_w:
                yield key, f"{value_w:g} is above rated_w; expected at most {asset.rated_w:g}"
    elif isinstance(asset, Ev):
        if asset.phases_count == 1 and asset.l1_on is not None:
            yield "l1_on", "stands at a charger of one phase; expected phase"
        if asset.phases_count == 3 and asset.phase not in {None, "all"}:
            yield "phase", f"{asset.phase!r} stands at a charger of three phases; expected l1_on"
    elif isinstance(asset, Chp) and asset.led == "electricity" and asset.start_import_w is None:
        yield "start_import_w", 'is missing; led = "electricity" needs it'
    yield from _run(asset)
    yield from _stored(asset)
    yield from _rising(asset)
    if isinstance(asset, Pv | Load | MODED) and asset.switch_part and asset.switch_device is None:
        yield "switch_part", "stands without switch_device; expected both"


def _run(load: object) -> Iterator[tuple[str, str]]:
    if not isinstance(load, Load):
        return
    if load.run_w and max(load.run_w) > load.rated_w:
        yield "run_w", f"{max(load.run_w):g} is above rated_w; expected at most {load.rated_w:g}"
    if load.run_w and max(load.run_w) == 0.0:
        yield "run_w", "takes nothing; expected its power in each quarter of an hour"
    for key in ("window_start", "deadline"):
        if getattr(load, key) is not None and not load.run_w:
            yield key, "stands without run_w; expected both"
    if not load.run_resumes and not load.run_w:
        yield "run_resumes", "stands without run_w; expected both"
    run_min = _QUARTER_MIN * len(load.run_w)
    # as control begins it at the latest
    needed_min = run_min + max(0.1 * run_min, _RUN_MARGIN_MIN, load.min_off_s / 60)
    hours_min = _hours_min(load)
    if load.run_w and needed_min > hours_min:
        key = "run_w" if load.window_start is None else "deadline"
        what = f"a run of {run_min} min in {hours_min} min"
        yield key, f"{what} cannot be begun in time; expected {needed_min:g} min or more for it"


def _hours_min(load: Load) -> int:
    """How many minutes a run has, from its window's start to its deadline."""
    begin, end = (
        60 * int(text[:2]) + int(text[3:])
        for text in (load.window_start or "00:00", load.deadline or "00:00")
    )
    return _DAY_MIN if load.window_start is None else (end - begin) % _DAY_MIN or _DAY_MIN


def _stored(heat: object) -> Iterator[tuple[str, str]]:
    if not isinstance(heat, Heat):
        return
    if heat.tank_m3 is None:
        if heat.tank_loss_w is not None:
            yield "tank_loss_w", "stands without tank_m3; expected both"
        return
    for key in ("comfort_min_c", "comfort_max_c"):
        if getattr(heat, key) is None:
            yield key, "is missing; tank_m3 needs it"
    if heat.comfort_min_c is not None and heat.comfort_min_c < heat.around_c:
        what = f"{heat.comfort_min_c:g} is below around_c; expected at least {heat.around_c:g}"
        yield "comfort_min_c", what


def _rising(asset: object) -> Iterator[tuple[str, str]]:
    for kind, names in _RISING:
        for lower, upper in pairwise(names) if isinstance(asset, kind) else ():
            low, high = getattr(asset, lower), getattr(asset, upper)
            if None not in {low, high} and low > high:
                yield lower, f"{low:g} is above {upper} = {high:g}"


def _repeated(entries: Mapping[str, Any], key: Callable[[Any], object]) -> Iterator[tuple[str, str]]:
    """(first, other) for each entry whose key an earlier one has."""
    groups: dict[object, list[str]] = defaultdict(list)
    for name, entry in entries.items():
        groups[key(entry)].append(name)
    for first, *others in groups.values():
        yield from ((first, other) for other in others)


def owner(path: Path, tables: tuple[str, ...]) -> Path:
    """The entry or section that a path belongs to."""
    return path[:2] if path[0] in tables else path[:1]
