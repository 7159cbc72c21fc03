"""The profile that is suggested first reads every capture as an independent decoder does: sign, unit, scale, phase."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.drivers.builtin_profiles import list_names, load_builtin, load_vectors
from tests.drivers.meter.test_vectors import capture

from quartier_drivers.meter.discovery.capture_decoding import CaptureDecoder
from quartier_drivers.meter.discovery.recognition import ProfileSuggestion
from quartier_drivers.meter.profile import MeterProfile

HERE = Path(__file__).parents[1]
CAPTURES: list[dict[str, Any]] = tomllib.loads((HERE / "captures.toml").read_text(encoding="utf-8"))[
    "capture"
]
JUDGED = (
    *(f"power_{phase}w" for phase in ("", "l1_", "l2_", "l3_")),
    *(
        f"{what}_l{phase}_{unit}"
        for what, unit in (("voltage", "v"), ("current", "a"))
        for phase in (1, 2, 3)
    ),
    *("energy_import_wh", "energy_export_wh", "energy_import_t1_wh", "energy_import_t2_wh"),
    *("reactive_power_var", "frequency_hz"),
)
# What libmbus calls a unit, and ours: the factor.
MBUS_UNITS = {
    "wh": {"Wh": 1.0},
    "m3": {"m^3": 1.0},
    "w": {"W": 1.0},
    "v": {"V": 1.0},
    "a": {"A": 1.0},
    "c": {"°C": 1.0, "\u00c2°C": 1.0},
    "m3_per_h": {"m^3/h": 1.0},
}


def suggested(protocol: str, data: bytes, step: int = 1 << 20) -> tuple[ProfileSuggestion | None, str]:
    capture = CaptureDecoder(protocol)
    for at in range(0, len(data), step):
        list(capture.feed(data[at : at + step]))
    list(capture.end())
    meter = capture.meters[0] if capture.meters else ""
    found = capture.suggestions(meter)
    return (found[0] if found else None), capture.identity(meter).text


def bytes_of(one: dict[str, Any], shared: Path) -> bytes:
    if "hex" in one:
        return bytes.fromhex(one["hex"])
    data = (shared / one["fixture"]).read_bytes()
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") if one["protocol"] == "p1" else data


@pytest.mark.parametrize("one", [pytest.param(one, id=one["name"]) for one in CAPTURES if "hex" in one])
def test_the_first_suggestion_reads_a_published_capture_as_others_do(one: dict[str, Any]) -> None:
    judge(one, bytes_of(one, Path()))


def test_the_first_suggestion_reads_each_recorded_telegram_as_others_do(shared: Path) -> None:
    for one in CAPTURES:
        if "fixture" in one:
            judge(one, bytes_of(one, shared))


def judge(one: dict[str, Any], data: bytes) -> None:
    first, _ = suggested(one["protocol"], data)

    assert first is not None, one["name"]
    assert one["profile"] == first.profile, one["name"]
    told = {name: value for name, value in first.points.items() if name in JUDGED and name in one["points"]}
    assert pytest.approx({name: one["points"][name] for name in told}, rel=1e-9) == told, one["name"]
    unknown = [name for name in first.points if name in JUDGED and name not in one["points"]]
    assert "hex" not in one or not unknown, f"{one['name']}: only we read {unknown}"
    missed = {"power_w", "energy_import_wh", "energy_export_wh"} & one["points"].keys() - told.keys()
    assert not missed, f"{one['name']}: {missed}"


def test_the_first_suggestion_reads_the_pushes_of_norway_as_amshan_does(shared: Path) -> None:
    for name, one in json.loads((shared / "dlms" / "han_apdus.json").read_text()).items():
        said = one["decoded_by_amshan_2_1_1"]
        first, _ = suggested("dlms", bytes.fromhex(one["hex"]))
        assert first is not None, name

        assert name.startswith(first.profile.partition("/")[0]), name
        points = first.points
        for quantity, ours in (("active_power", "power_w"), ("reactive_power", "reactive_power_var")):
            theirs = float(said[f"{quantity}_import"]) - float(said[f"{quantity}_export"])
            assert pytest.approx(theirs) == points.get(ours, theirs), f"{name}: {ours}"
        for phase in (1, 2, 3):
            for what, unit, error in (("current", "a", 0.05), ("voltage", "v", 0.0)):
                theirs = float(said.get(f"{what}_l{phase}", "nan"))
                ours = points.get(f"{what}_l{phase}_{unit}", theirs)
                assert ours == pytest.approx(theirs, abs=error, nan_ok=True), f"{name}: {what} {phase}"


def test_the_first_suggestion_reads_only_numbers_that_libmbus_reads(shared: Path) -> None:
    expected = json.loads((shared / "mbus" / "expected_numeric.json").read_text())
    judged_count = 0
    for name, theirs in expected.items():
        if theirs["manufacturer"] is None:  # fixed structure, which the other skips
            continue
        data = bytes.fromhex((shared / "mbus" / "frames" / f"{name}.hex").read_text())
        first, _ = suggested("mbus", data)
        for point, value in ({} if first is None else first.points).items():
            units = next((of for end, of in MBUS_UNITS.items() if point.endswith(f"_{end}")), None)
            if units is None or not isinstance(value, float):
                continue
            judged_count += 1
            numbers = [row[4] * units[row[3]] for row in theirs["numeric"] if row[3] in units]
            assert any(value == pytest.approx(one, rel=1e-6, abs=1e-6) for one in numbers), (
                name,
                point,
                value,
            )

    assert len(expected) == 38
    assert judged_count > 100


def test_the_same_is_suggested_however_the_bytes_come() -> None:
    for one in CAPTURES[::4]:
        if "hex" in one:
            data = bytes_of(one, Path())
            assert suggested(one["protocol"], data) == suggested(one["protocol"], data, step=5)


def test_the_first_suggestion_reads_the_vectors_of_every_profile_as_they_were_typed() -> None:
    judged_count = 0
    for name in list_names(MeterProfile):
        protocol = load_builtin(name).protocol
        for case in load_vectors(name)["case"]:
            first, _ = suggested(protocol, capture(case))
            points = {} if first is None else first.points
            told = {key: points[key] for key in JUDGED if key in points and key in case["expected"]}
            judged_count += bool(told)
            theirs = {key: case["expected"][key] for key in told}
            assert pytest.approx(theirs, rel=1e-9) == told, f"{name}: {case['name']}: {first}"

    assert judged_count > 60
