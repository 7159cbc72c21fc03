"""Decoders of other projects read every capture at hand as ours do, value by value; each runs in its own process."""

import json
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import xor
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.builtin_profiles import VECTORS, list_names, load_builtin, load_vectors
from tests.hil.sim.meters.conftest import Judge, judge

from quartier_drivers.meter.profile import MeterProfile
from quartier_drivers.meter.protocols import make_decoder
from quartier_drivers.meter.telegrams import Group

__all__ = ["judge"]

pytestmark = pytest.mark.peer

Case = tuple[str, bytes, list[Group]]
"""Its name, its bytes and our groups."""
CAPTURES = tomllib.loads((Path(__file__).parents[1] / "captures.toml").read_text(encoding="utf-8"))["capture"]


def cases(protocol: str, shared: Path) -> list[Case]:
    """Each capture of the protocol once: published ones, the shared folder's, and the profiles' test vectors."""
    found = {
        data: (name, data, groups(protocol, data, profile)) for name, data, profile in raw(protocol, shared)
    }
    return list(found.values())


def raw(protocol: str, shared: Path) -> Iterator[tuple[str, bytes, str]]:
    for name in list_names(MeterProfile):
        if load_builtin(name).protocol == protocol and (VECTORS / f"{name}.toml").is_file():
            for one in load_vectors(name)["case"]:
                data = one["text"].encode("latin-1") if "text" in one else bytes.fromhex(one["capture"])
                yield f"{name}: {one['name']}", data, name
    for one in CAPTURES:
        if one["protocol"] == protocol:
            data = bytes.fromhex(one["hex"]) if "hex" in one else (shared / one["fixture"]).read_bytes()
            if protocol == "p1":
                data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            yield one["name"], data, one["profile"]
    if protocol == "mbus":
        for file in sorted((shared / "mbus/frames").glob("*.hex")):
            yield file.stem, bytes.fromhex(file.read_text()), "generic/mbus_heat"


def groups(protocol: str, data: bytes, profile: str) -> list[Group]:
    parser = make_decoder(protocol, load_builtin(profile).decoder, is_capture=True)
    return [group for telegram in (*parser.feed(data), *parser.end()) for group in telegram.groups]


def is_near(one: object, other: object) -> bool:
    return (
        isinstance(one, int | float)
        and isinstance(other, int | float)
        and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    )


P1_KINDS = {"fluvius": "belgium", "sagemcom": "luxembourg", "eon": "hungary", "swedenergy": "sweden"}


def test_p1_numbers_read_alike_in_dsmr_parser(judge: Judge, shared: Path) -> None:
    known = cases("p1", shared)
    rows = [
        {"kind": p1_kind(name, data), "hex": data.hex(), "sealed": "", "keys": ("", "")}
        for name, data, _ in known
    ]
    count = 0
    for (name, _, ours), told in zip(known, judge("p1", rows), strict=True):
        for label, number in told["numbers"]:
            # A counter that was never read stands without unit: a text here, 0 there.
            values = [
                float(one.value)
                for one in ours
                if one.label == label and re.match(r"[\d.]+$", str(one.value))
            ]
            assert any(is_near(value, number) for value in values), (name, label, number)
            count += 1

    assert count > 200


def p1_kind(name: str, data: bytes) -> str:
    maker = next((kind for word, kind in P1_KINDS.items() if word in name), "")
    version = re.search(rb"1-3:0\.2\.8\((\d)", data)
    return maker or {b"5": "5", b"4": "4.2"}.get(version[1] if version else b"", "3")


def test_every_group_of_tic_reads_alike_in_pyteleinfo(judge: Judge, shared: Path) -> None:
    known = cases("tic", shared)
    frames = [re.findall(rb"\x02[^\x02\x03]*\x03", data) for _, data, _ in known]
    rows = [
        {"hex": frame.hex(), "mode": "historique" if b"ADCO" in data else "standard"}
        for (_, data, _), ones in zip(known, frames, strict=True)
        for frame in ones
    ]
    told = iter(judge("tic", rows))
    for (name, _, ours), ones in zip(known, frames, strict=True):
        theirs = [group for _ in ones for group in next(told)]
        assert [label for label, _ in theirs] == [one.label for one in ours], name
        for (label, text), one in zip(theirs, ours, strict=True):
            value = text.rpartition("\t")[2].strip()
            number = float(value) if value.isdigit() and isinstance(one.value, int | float) else value
            assert number == (one.value.strip() if isinstance(one.value, str) else one.value), (name, label)


def test_data_sets_of_iec_62056_21_read_alike_in_its_package(judge: Judge, shared: Path) -> None:
    # With parity in the bytes, which the package leaves to the port, nothing can be compared.
    known = [case for case in cases("iec62056", shared) if case[1].isascii()]
    told = judge("iec62056", ({"hex": d0_message(data).hex()} for _, data, _ in known))
    count = 0
    for (name, _, ours), sets in zip(known, told, strict=True):
        for code, text, unit in sets:
            if not code:
                continue  # the moment of the value before: its time here
            value, meant = text.partition("*")[0].strip(), {"m3ph": "m3/h"}.get(unit, unit)
            same = [one for one in ours if one.label.split("*")[0] in (code.split("*")[0], f"1-0:{code}")]
            assert any(
                (one.value if isinstance(one.value, str) else f"{one.value:g}").strip() == value
                or (not isinstance(one.value, str) and is_near(float(value), one.value) and one.unit == meant)
                for one in same
            ), (name, code, text, unit, same)
            count += 1

    assert count > 150


def d0_message(data: bytes) -> bytes:
    """The data message in the form of mode C, which alone the package reads; modes A and D have no block check."""
    begin = data.find(b"\x02")
    if begin >= 0:
        body = data[begin + 1 : data.rindex(b"\x03") + 1]
    else:
        lines = data.partition(b"\r\n")[2].removeprefix(b"\r\n")
        body = lines[: lines.rindex(b"!")] + b"!\r\n\x03"
    return b"\x02" + body + bytes([reduce(xor, body)])


SPANS = {"d": 86_400, "h": 3_600, "min": 60, "t": 1_000}
UNREAD = {
    "electricity-meter-1",
    "example_data_01",
    "sen_pollusonic_2",
    "generic/mbus_water: digits that are none",
}
"""pymbusparser gives no record of them; pyMeterBus reads the first two."""


def test_m_bus_numbers_read_alike_in_pymbusparser(judge: Judge, shared: Path) -> None:
    known = cases("mbus", shared)
    count = 0
    for (name, _, ours), told in zip(known, judge("mbus", (data.hex() for _, data, _ in known)), strict=True):
        mine = {one.label: one.value for one in ours}
        assert told["records"] or name in UNREAD, name
        for record in told["records"]:
            number = record["value"]
            # Not reals, whose power of ten it leaves out: pyMeterBus reads those.
            if record["kind"] == "decimal" and not isinstance(mine[str(record["index"])], str):
                scaled = float(number) * SPANS.get(record["unit"], 1)
                assert is_near(mine[str(record["index"])], scaled), (name, record)
                count += 1

    assert count > 350


def test_m_bus_numbers_read_alike_in_pymeterbus(judge: Judge, shared: Path) -> None:
    # It knows no telegrams of the fixed structure.
    known = [case for case in cases("mbus", shared) if case[0] != "sen_pollusonic_2"]
    count = 0
    for (name, _, ours), told in zip(
        known, judge("meterbus", (data.hex() for _, data, _ in known)), strict=True
    ):
        mine = {one.label: one for one in ours}
        for place, (number, unit) in enumerate(told):
            one = mine.get(str(place))
            if number is None or one is None or isinstance(one.value, str) or unit == "Reserved":
                continue
            assert math.isclose(one.value, number, rel_tol=1e-6, abs_tol=1e-9), (
                name,
                place,
                number,
                unit,
                one,
            )
            count += 1

    assert count > 400


def test_dlms_numbers_stand_in_the_leaves_that_guruxs_translator_finds(judge: Judge, shared: Path) -> None:
    known = [case for case in cases("dlms", shared) if is_for_gurux(case[1])]
    count = 0
    for (name, _, ours), leaves in zip(
        known, judge("dlms", map(asked, (data for _, data, _ in known))), strict=True
    ):
        numbers = [(place, value) for place, (kind, value) in enumerate(leaves) if kind != "OctetString"]
        for one in ours:
            if isinstance(one.value, int | float):
                assert any(means(one.value, leaves, place) for place, _ in numbers), (name, one)
                count += 1

    assert count > 150


def is_for_gurux(data: bytes) -> bool:
    """Not for Kaifa's lists, which tag the time of a notification, nor for a push in blocks: it reads neither."""
    return (
        b"KFM_001" not in data[:40]
        and b"\x0f@\x00\x00\x00\x09\x0c" not in data
        and b"\xe0@\x00\x01" not in data
    )


def asked(data: bytes) -> dict[str, Any]:
    frames = []
    while data:
        size = ((data[1] & 7) << 8 | data[2]) + 2 if data[0] == 0x7E else data[1] + 6
        frames.append(data[:size].hex())
        data = data[size:]
    return {"frames": frames}


def means(value: float, leaves: Sequence[Sequence[Any]], place: int) -> bool:
    """Whether a leaf is the number, by the power of ten behind it, or by one of the maker's page where none stands there."""
    kind, number = leaves[place]
    if kind in ("String", "None"):
        return False
    behind = leaves[place + 1] if place + 1 < len(leaves) else ("", 0)
    powers = (int(behind[1]),) if behind[0] == "Int8" else range(-4, 4)
    return any(is_near(value, int(number) * 10.0**power) for power in powers)


HAN = {
    "active_power_import": "1.7.0",
    "active_power_export": "2.7.0",
    "reactive_power_import": "3.7.0",
    "reactive_power_export": "4.7.0",
    **{f"current_l{phase}": f"{10 + 20 * phase + 1}.7.0" for phase in (1, 2, 3)},
    **{f"voltage_l{phase}": f"{10 + 20 * phase + 2}.7.0" for phase in (1, 2, 3)},
    "active_power_import_total": "1.8.0",
    "active_power_export_total": "2.8.0",
    "reactive_power_import_total": "3.8.0",
    "reactive_power_export_total": "4.8.0",
}
# Segmented frames are left to the others: amshan takes each segment for a frame.
NORDIC = ("Kaifa", "Kamstrup", "aidon/", "kaifa/ma304", "kamstrup/", "Sweden")
# Two variants that amshan does not know: mA behind current transformers (type 685), counters in Wh in Sweden.
OTHER_SCALES = {"behind current transformers": ("current",), "kamstrup/omnipower_se": ("_total",)}


def test_pushes_of_nordic_meters_read_alike_in_amshan(judge: Judge, shared: Path) -> None:
    known = [
        case
        for case in cases("dlms", shared)
        if any(word in case[0] for word in NORDIC) and not case[1][1] & 8
    ]
    bare = json.loads((shared / "dlms/han_apdus.json").read_text())
    known += [(name, data, groups("dlms", data, "generic/dlms_meter")) for name, data in apdus(bare)]
    rows = [{"hdlc" if data[0] == 0x7E else "bare": data.hex()} for _, data, _ in known]
    count = 0
    for (name, _, ours), told in zip(known, judge("han", rows), strict=True):
        apart = [word for case, words in OTHER_SCALES.items() if case in name for word in words]
        for key, number in told.items():
            if key in HAN and not any(word in key for word in apart):
                mine = [one.value for one in ours if one.label.endswith(f":{HAN[key]}")]
                assert any(is_near(value, number) for value in mine), (name, key, number, mine)
                count += 1

    assert count > 150


def apdus(told: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, one in told.items():
        yield name, bytes.fromhex(one["hex"])
