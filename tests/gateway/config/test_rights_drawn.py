"""Remote site files that are drawn: renamed, moved, swapped, removed, added, retyped, scaled, or harmless."""

import copy
import tomllib
from functools import cache

import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.effort import examples
from tests.gateway.config.test_change_rights import SITE, site_of

from quartier.config.change_rights import evaluate_remote_file
from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.sections.connection_sections import ContactSection, NodeSection
from quartier.config.sections.site_file import DeviceSection, SiteFile
from quartier_drivers.registry import BUS_KINDS, load_section

FREE = {  # this test's own word of what a remote file may touch
    "control": {"grid_target_w"},
    "assets": {"departure", "energy_wanted_wh", "evening", "dusk_offset_s", "preheat", "draw_w"},
    "district_link": {"backfill_messages_per_s"},
}
LIMITS = ("failsafe_import_w", "failsafe_export_w", "autonomous_import_w", "autonomous_export_w")
TIMES = ("failsafe_min_s", "hold_max_s", "heartbeat_timeout_s")


def without(section, keys):
    return {key: value for key, value in section.items() if key not in keys}


def device_of(dump, name):
    """A device with the wire that it is on, whatever both are called."""
    device = dict(dump["devices"][name])
    return repr((dump["buses"][device.pop("bus")], device))


def protected(site):
    """What a person set up, whatever it is called: who is read and steered where, with which ratings."""
    dump = site.model_dump()
    found = [repr(dump["buses"][name]) for name in dump["buses"]] + [
        device_of(dump, name) for name in dump["devices"]
    ]
    for table in ("assets", "contacts", "supplies", "nodes"):
        for entry in dump[table].values():
            rest = without(entry, {"device", "switch_device", "node", "under"} | FREE.get(table, set()))
            places = [device_of(dump, entry[key]) for key in ("device", "switch_device") if entry.get(key)]
            fuse = dump["nodes"].get(entry.get("node") or entry.get("under"), {})
            found.append(repr((table, places, rest, fuse.get("fuse_a"))))
    found += [repr(dump[name]) for name in ("site", "clock", "recording", "shares")]
    found.append(repr(without(dump["limits"], {*LIMITS, *TIMES})))
    found.append(repr(without(dump["control"], FREE["control"])))
    found.append(repr(without(dump["store"], {"deadbands"})))
    found.append(repr(dump["district_link"] and without(dump["district_link"], FREE["district_link"])))
    return sorted(found)


def looser(old, new):
    """The limits that are higher, or hold later, in ``new``."""
    higher = ("import_hard_w", "export_hard_w", "import_failsafe_w", "export_failsafe_w")
    higher += ("import_autonomous_w", "export_autonomous_w", "hold_max_s", "heartbeat_timeout_s")
    found = {key for key in higher if getattr(new.limits, key) > getattr(old.limits, key)}
    return found | ({"failsafe_min_s"} if new.limits.failsafe_min_s < old.limits.failsafe_min_s else set())


NUMBERS = st.sampled_from([-1, 0, 1, 2, 6, 16, 50, 119, 121, 300, 600, 1e4, 5e4, 1e5, 172_800, 1e7])
WORDS = st.sampled_from(
    [
        *(
            "A",
            "B",
            "C",
            "D",
            "",
            "grid",
            "pv",
            "battery",
            "relay2",
            "in2",
            "l1",
            "local",
            "None",
            "/etc/shadow",
        ),
        *("eastron/sdm120", "victron/gx", "eastron/sdm630", "10.0.0.9", "6.6.6.6", "cellar", "gx", "meter"),
        *("opc.tcp://6.6.6.6:1", "mqtts://6.6.6.6", "link.a", "Asia/Tokyo", "load", "ev", "relays", "open"),
    ]
)
TEXTS = {
    "profile": ["eastron/sdm120", "victron/gx", "eastron/sdm630", "waveshare/relay8"],
    "host": ["10.0.0.9", "6.6.6.6"],
    "url": ["opc.tcp://6.6.6.6:1", "mqtts://6.6.6.6"],
    "bus": ["lan", "board"],
    "device": ["gx", "meter", "other", "inputs"],
    "switch_device": ["relays", "gx", "inputs"],
    "part": ["", "grid", "pv", "battery", "in2"],
    "switch_part": ["", "relay1", "relay2", "relay8"],
    "path": ["link.a", "/tmp/history.db"],
    "node": ["grid", "cellar"],
    "key_file": ["/etc/shadow"],
    "password_file": ["/etc/shadow"],
    "user": ["root"],
    "id": ["b013"],
    "time_zone": ["Asia/Tokyo"],
    "departure": ["06:00"],
}
VALUES = st.one_of(NUMBERS, WORDS, st.booleans())
NAMED = ("buses", "devices", "assets", "nodes", "contacts")
USES = {"buses": ("bus",), "devices": ("device", "switch_device"), "nodes": ("node", "under")}


def tables(data):
    """Every table of a site's data that has keys of its own."""
    for table, body in data.items():
        yield from body.values() if table in NAMED else (body,)


def whole():
    """The site's data with every section of its own."""
    return {"store": {}, "clock": {}, "recording": {}, **tomllib.loads(SITE)}


@st.composite
def remote_files(draw):
    data = whole()
    for _ in range(draw(st.integers(1, 2))):
        draw(st.sampled_from([_rename, _move, _swap, _remove, _add, _retype, *[_set] * 8, _forget, _free]))(
            draw, data
        )
    return data


def _rename(draw, data):
    table = draw(st.sampled_from(NAMED))
    old = draw(st.sampled_from(sorted(data[table]) or ["none"]))
    if old in data[table]:
        data[table][f"{old}_2"] = data[table].pop(old)
        for body in tables(data):
            for key in USES.get(table, ()):
                if body.get(key) == old:
                    body[key] = f"{old}_2"
        if draw(st.booleans()):
            _set(draw, data, data[table][f"{old}_2"])


def _move(draw, data):
    asset = draw(st.sampled_from(sorted(data["assets"]) or ["none"]))
    if asset in data["assets"]:
        data["assets"][asset]["device"] = draw(st.sampled_from(sorted(data["devices"]) or ["none"]))
        data["assets"][asset]["part"] = draw(st.sampled_from(["", "grid", "pv", "battery"]))


def _swap(draw, data):
    table = draw(st.sampled_from(["assets", "devices", "buses"]))
    names = sorted(data[table])
    one, other = draw(st.sampled_from(names)), draw(st.sampled_from(names))
    keys = {"assets": ("device", "part"), "devices": ("unit", "profile", "bus"), "buses": ("host", "port")}[
        table
    ]
    for key in draw(st.sets(st.sampled_from(keys), min_size=1)):
        pair = data[table][one].get(key), data[table][other].get(key)
        for name, value in ((one, pair[1]), (other, pair[0])):
            data[table][name].pop(key, None)
            if value is not None:
                data[table][name][key] = value


def _remove(draw, data):
    table = draw(st.sampled_from([*NAMED, "district_link", "planning", "tariff", "control"]))
    if table not in NAMED:
        data.pop(table, None)
    elif data[table]:
        del data[table][draw(st.sampled_from(sorted(data[table])))]


def _add(draw, data):
    table = draw(st.sampled_from(NAMED))
    if data[table]:
        twin = copy.deepcopy(data[table][draw(st.sampled_from(sorted(data[table])))])
        data[table]["added"] = twin
        _set(draw, data, twin)


def _retype(draw, data):
    if data["assets"]:
        asset = data["assets"][draw(st.sampled_from(sorted(data["assets"])))]
        asset["role"] = draw(st.sampled_from(sorted(ASSET_SECTIONS)))
        for key in draw(st.sets(st.sampled_from(["tier", "min_off_s", "switch_device", "switch_part"]))):
            asset.pop(key, None)


def _set(draw, data, body=None):
    """Another value at some key of a table, most often one that the site file allows there."""
    body = draw(st.sampled_from([*tables(data)])) if body is None else body
    model = _model(data, body)
    known = sorted({*body, *(model.model_fields if model else ())} - {"role", "kind"})
    if known:
        key = draw(st.sampled_from(known))
        schema = _properties(model).get(key, {}) if model else {}
        body[key] = draw(st.one_of(*[st.sampled_from(_allowed(key, schema, body.get(key)))] * 5, VALUES))


def _model(data, body):
    """The model of a table, found by where it stands and by what it says of itself."""
    if "role" in body or "kind" in body:
        return ASSET_SECTIONS.get(body.get("role")) or (
            load_section(body["kind"]) if body.get("kind") in BUS_KINDS else None
        )
    models = {"devices": DeviceSection, "nodes": NodeSection, "contacts": ContactSection}
    named = (model for table, model in models.items() if any(body is entry for entry in data[table].values()))
    return next((FIXED_SECTIONS[name] for name in FIXED_SECTIONS if data.get(name) is body), None) or next(
        named, None
    )


@cache
def _properties(model):
    return model.model_json_schema()["properties"]


def _allowed(key, schema, old):
    """Values that may stand at a key, and differ from the one that stands there."""
    branches = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    found = [value for one in branches for value in one.get("enum", ())]
    for one in branches:
        if one.get("type") in {"number", "integer"}:
            low = one.get("minimum", one.get("exclusiveMinimum", 0))
            high = one.get("maximum", one.get("exclusiveMaximum", 1e6))
            found += [low + (high - low) * part / 100 for part in (1, 30, 70, 99)]
            found += [low, high, *(old * scale for scale in (10, 2, 0.5) if isinstance(old, int | float))]
            found = [round(value) for value in found] if one["type"] == "integer" else found
        elif one.get("type") == "boolean":
            found += [True, False]
    found += TEXTS.get(key, ())
    return [value for value in found if value != old] or ["x"]


def _forget(draw, data):
    body = draw(st.sampled_from([*tables(data)]))
    if body:
        del body[draw(st.sampled_from(sorted(body)))]


def _free(draw, data):
    """What a district may well do beside it."""
    data.setdefault("control", {})["grid_target_w"] = draw(st.sampled_from([-500, 0, 500]))
    data["limits"][draw(st.sampled_from([*LIMITS, *TIMES]))] = draw(NUMBERS)


BASE = site_of(SITE)
MAY_CHANGE = {"planning", "tariff", *(f"limits.{key}" for key in (*LIMITS, *TIMES))}


def test_every_key_alone_is_refused_with_every_other_value_unless_it_is_free():
    missed, tried = set(), 0
    for table, section_ in whole().items():
        for name in section_ if table in NAMED else [None]:
            model = _model(data := whole(), data[table][name] if name else data[table])
            for key in set(model.model_fields) - {"role", "kind", "deadbands"}:
                free = key in FREE.get(table, ()) or {table, f"{table}.{key}"} & MAY_CHANGE
                for value in [] if free else _allowed(key, _properties(model)[key], None):
                    data = whole()
                    (data[table][name] if name else data[table])[key] = value
                    try:
                        new = SiteFile.model_validate(data)
                    except ValidationError:
                        continue
                    tried += 1
                    if new != BASE and not evaluate_remote_file(BASE, BASE, new).refused:
                        missed.add(f"{table}.{name}.{key} = {value}")
    assert not missed
    assert tried > 500


@examples(250, deep=20_000)
@given(data=remote_files())
def test_no_remote_file_loosens_a_limit_or_changes_what_is_protected(data):
    try:
        new = SiteFile.model_validate(data)
        same = protected(new) == protected(BASE)
    except (ValidationError, KeyError):  # no site file, or one that names a device that is not there
        return
    judgement = evaluate_remote_file(BASE, BASE, new)
    if judgement.refused:
        return
    assert same, judgement.changed
    assert looser(BASE, new) == _meant(judgement.loosened)
    assert new.limits.heartbeat_timeout_s <= 120
    assert new.limits.hold_max_s <= 26 * 3600
    assert new.store.deadbands.power_w <= 500


def _meant(keys):
    """The limits that a loosened key of the file is about."""
    names = {key.removeprefix("limits.") for key in keys}
    words = {name: f"{name.split('_')[1]}_{name.split('_')[0]}_w" for name in LIMITS}
    return {words.get(name, name) for name in names}


@examples(50, deep=2000)
@given(
    target_w=st.integers(-10_000, 10_000),
    timeout_s=st.integers(60, 120),
    failsafe_w=st.integers(0, 5000),
    price=st.floats(0, 0.001),
)
def test_a_file_that_steers_and_tightens_is_taken(target_w, timeout_s, failsafe_w, price):
    data = tomllib.loads(SITE)
    data["control"]["grid_target_w"] = target_w
    data["limits"] |= {"heartbeat_timeout_s": timeout_s, "failsafe_import_w": failsafe_w}
    data["tariff"]["base_eur_per_wh"] = price
    new = site_of(tomli_w.dumps(data))
    judgement = evaluate_remote_file(BASE, BASE, new)

    assert ((), ()) == (judgement.refused, judgement.loosened)
