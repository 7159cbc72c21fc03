"""``quartier check`` as text and as JSON."""

import json
from pathlib import Path

import pytest

from quartier.cli import main
from quartier.config.sample import render_sample

SMALL = (
    'site = { id = "b1", district = "issy" }\nlimits = { contract_import_w = 9000 }\n'
    'buses.lan = { kind = "modbus-tcp", host = "gx" }\n'
    'devices.gx = { bus = "lan", profile = "victron/gx" }\n'
    'assets.grid = { role = "grid", device = "gx", part = "grid" }\n'
)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(render_sample(), encoding="utf-8")
    return path


@pytest.fixture
def bad(good: Path) -> Path:
    text = good.read_text(encoding="utf-8")
    good.write_text(
        text.replace('id = "b012"', 'id = "b.012"').replace("[limits]", "[limit]"), encoding="utf-8"
    )
    return good


def test_a_good_file_is_said_to_be_good(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["check", str(good)])
    assert "good. Building b012 of issy" in capsys.readouterr().out


def test_the_largest_excess_of_minimum_times_is_shown(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == main(["check", str(good)])
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "a new import limit" in line]
    assert said == (
        "minimum times: at most 7140 W above a new import limit for up to 300 s (ev1, heater);"
        " never above a fuse or breaker"
    )


def test_one_of_a_kind_is_counted_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = tmp_path / "small.toml"
    small.write_text(SMALL)

    assert 0 == main(["check", str(small)])
    assert "1 bus, 1 device, 1 asset." in capsys.readouterr().out


def test_every_fault_is_printed_and_the_exit_is_78(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 78 == main(["check", str(bad)])
    said = capsys.readouterr()
    assert 3 == len(said.out.splitlines())
    assert f"{bad}:8: site.id: 'b.012' is wrong" in said.out
    assert "limit: is an unknown section; did you mean 'limits'?" in said.out
    assert "3 faults\n" == said.err


def test_faults_are_also_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert 78 == main(["check", "--json", str(bad)])
    told = json.loads(capsys.readouterr().out)
    assert (str(bad), False, 3) == (told["file"], told["good"], len(told["faults"]))
    assert {"severity", "file", "line", "column", "key", "what"} == set(told["faults"][0])
    assert {"error"} == {fault["severity"] for fault in told["faults"]}
    assert "site.id" in {fault["key"] for fault in told["faults"]}


def test_json_has_the_same_keys_for_a_good_file_and_a_faulty_one(
    good: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["check", "--json", str(good)])
    keys = json.loads(capsys.readouterr().out).keys()
    good.write_text("[site]\n")

    assert 78 == main(["check", "--json", str(good)])
    assert keys == json.loads(capsys.readouterr().out).keys()


def test_json_tells_all_that_the_text_says(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = '[district_link]\nurl = "mqtts://broker.example"\n'
    good.write_text(good.read_text(encoding="utf-8") + link, encoding="utf-8")
    assert 0 == main(["check", str(good)])
    said = capsys.readouterr()
    assert 0 == main(["check", "--json", str(good)])
    told = json.loads(capsys.readouterr().out)

    building = told["building"]
    assert f"Building {building['id']} of {building['district']}: {building['buses']} buses" in said.out
    assert [
        f"warning: {one['file']}:{one['line']}: {one['key']}: {one['what']}" for one in told["warnings"]
    ] == [line for line in said.err.splitlines() if line.startswith("warning: ")]
    assert told["warnings"]
    assert [f"note: {text}" for text in told["notes"]] == [
        line for line in said.err.splitlines() if line.startswith("note: ")
    ]
    assert all(one["fault"] in said.out for one in told["meter_faults"])
    (excess,) = told["minimum_times"]
    assert (
        f"at most {excess['excess_w']:.0f} W above a new {excess['limit']} limit "
        f"for up to {excess['duration_s']:.0f} s ({', '.join(excess['assets'])})"
    ) in said.out


def test_json_names_what_reveals_a_fault_of_the_meter_and_what_is_missing(
    good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == main(["check", "--json", str(good)])
    told = json.loads(capsys.readouterr().out)
    faults = {one["fault"]: one for one in told["meter_faults"]}
    turned = faults["direction of the CTs reversed"]
    assert ("grid", True, "implausible", None) == (
        told["meter"],
        turned["detected"],
        turned["verdict"],
        turned["needs"],
    )
    assert "bat1" in turned["by"]

    small = tmp_path / "small.toml"
    small.write_text(SMALL)
    assert 0 == main(["check", "--json", str(small)])
    told = json.loads(capsys.readouterr().out)
    assert faults.keys() == {one["fault"] for one in told["meter_faults"]}
    assert not any(one["detected"] or one["by"] or one["verdict"] for one in told["meter_faults"])
    assert all(one["needs"] for one in told["meter_faults"])
    assert [] == told["minimum_times"]


def test_a_warning_is_printed_beside_the_good_word(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    link = '[district_link]\nurl = "mqtts://broker.example"\n'
    good.write_text(good.read_text(encoding="utf-8") + link, encoding="utf-8")

    assert 0 == main(["check", str(good)])
    said = capsys.readouterr()
    assert "good" in said.out
    assert "warning: " in said.err
    assert "district_link.issuers_file: is missing" in said.err


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ('"janitza/umg604"', ""),
        ('"janitza/umg604"|frequency_period_s = 2.0', "every 2 s: only one reading at or below 49 Hz acts"),
        ('"keba/p30"', "does not measure the frequency"),
    ],
)
def test_check_names_the_rows_of_the_grids_events_that_the_meter_is_too_slow_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], profile: str, said: str
) -> None:
    name, _, more = profile.partition("|")
    path = tmp_path / "site.toml"
    path.write_text(
        'site = { id = "b1", district = "issy" }\nlimits = { contract_import_w = 9000 }\n'
        'buses.lan = { kind = "modbus-tcp", host = "meter" }\n'
        f'devices.meter = {{ bus = "lan", profile = {name} }}\n'
        f'[assets.grid]\nrole = "grid"\ndevice = "meter"\n{more}\n'
    )

    assert 0 == main(["check", str(path)])
    found = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert bool(said) is bool(found)
    assert said in "".join(found)
    assert 0 == main(["check", "--json", str(path)])
    assert found == [f"note: {text}" for text in json.loads(capsys.readouterr().out)["notes"]]


def test_an_implausible_value_is_a_warning_that_only_strict_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SMALL.replace("9000", "36"))
    what = "36 W is less than any contract, probably kVA or kW typed as W; write 32400 for 36 kVA, 36000 for"
    line = f"warning: {path}:2: limits.contract_import_w: {what}"

    assert 0 == main(["check", str(path)])
    said = capsys.readouterr()
    assert line in said.err
    assert f"{path}: good. " in said.out
    assert 78 == main(["check", "--strict", str(path)])
    said = capsys.readouterr()
    assert line in said.err
    assert f"{path}: refused by --strict. " in said.out
    assert said.err.endswith("1 warning\n"), "its autonomous limit is no other fault"
    assert 78 == main(["check", "--strict", "--json", str(path)])
    told = json.loads(capsys.readouterr().out)
    assert (False, []) == (told["good"], told["faults"])
    assert ["warning"] == [one["severity"] for one in told["warnings"]]


def test_strict_passes_a_file_without_warnings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SMALL.replace("9000", "9000, autonomous_import_w = 9000"))

    assert 0 == main(["check", "--strict", str(path)])
    assert f"{path}: good. " in capsys.readouterr().out


def test_a_text_that_is_no_toml_is_told_with_column_and_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "site.toml"
    path.write_text("\ufeff[limits]\ncontract_import_w = 9000,5\n", encoding="utf-8")

    assert 78 == main(["check", str(path)])
    assert f"{path}:2:21: file: is not valid TOML: " in (said := capsys.readouterr().out)
    assert said.endswith("; write a decimal point, not a comma: 9000.5\n")
    path.write_text("[assets.pv1]\nrated_w = 5,5\nmain_fuse_a = 32\n", encoding="utf-8")
    assert 78 == main(["check", str(path)])
    assert "write a decimal point, not a comma: 5.5 for 5.5 W, 5500 for 5.5 kW\n" in capsys.readouterr().out
    path.write_text('limits = { "contract_import_w" = 9,5, contract_export_w = 0 }\n')
    assert 78 == main(["check", str(path)])
    said = capsys.readouterr().out
    assert said.startswith(f"{path}:1:34: file: ")
    assert said.endswith("; write a decimal point, not a comma: 9.5 for 9.5 W, 9500 for 9.5 kW\n")
    path.write_text("\ufeff[limits]\ncontract_import_w = 9000,5\n", encoding="utf-8")
    assert 78 == main(["check", "--json", str(path)])
    (fault,) = json.loads(capsys.readouterr().out)["faults"]
    assert (2, 21) == (fault["line"], fault["column"])
