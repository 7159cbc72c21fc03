"""``quartier profiles``: what is listed, copied and found wrong."""

import json
from pathlib import Path

import pytest

from quartier.cli import main
from quartier.cli.devices import profiles
from quartier_drivers.device_profile.loading import BUILT_IN_FOLDER, list_profiles
from quartier_sim.devices import catalog

GOOD = """\
[profile]
protocol = "modbus"
maker = "ACME"
model = "Hy"
source = "Modbus manual rev. 4, tables 3 and 7"
tested = "firmware 2.11"

[points.power_w]
register = "holding:10"
type = "int32"
low = -10000
high = 10000
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "hy.toml").write_text(GOOD)
    return tmp_path


def listed(capsys, *words):
    code = main(["profiles", "list", *words, "--json"])
    return code, {row["profile"]: row for row in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize("command", [["profiles"], ["profiles", "list"]])
def test_every_profile_is_listed_by_its_whole_name(command, capsys):
    assert 0 == main(command)

    text = capsys.readouterr().out
    ours = {name for name in catalog.DEVICE_CLASSES if not name.startswith("rig/")}
    assert set() == {name for name in (*ours, *list_profiles()) if name not in text}


def test_a_row_tells_maker_model_points_orders_fall_back_and_source(capsys):
    code, rows = listed(capsys)

    assert 0 == code
    assert all(row["maker"] and row["model"] and row["source"] for row in rows.values())
    keba = rows["keba/p30"]
    assert ("KEBA", "modbus", ["current_max_a"], ["yes"]) == tuple(
        keba[key] for key in ("maker", "protocol", "orders", "falls_back")
    )
    assert "power_w" in keba["measures"]
    assert ["no"] == rows["waveshare/relay8"]["falls_back"]
    assert ["stays"] == rows["kaco/blueplanet"]["falls_back"]
    assert ([], []) == (rows["abb/b23"]["orders"], rows["abb/b23"]["falls_back"])


@pytest.mark.parametrize(
    ("words", "fits", "fits_not"),
    [
        (["abb", "terra"], "abb/terra_ac", "abb/b23"),
        (["--protocol", "sunspec"], "sunspec/pv", "keba/p30"),
        (["--point", "soc_pct"], "victron/gx", "abb/b23"),
        (["--orders"], "keba/p30", "abb/b23"),
    ],
)
def test_the_list_is_narrowed(words, fits, fits_not, capsys):
    code, rows = listed(capsys, *words)

    assert 0 == code
    assert fits in rows
    assert fits_not not in rows


def test_where_nothing_fits_it_is_exit_1(capsys):
    assert 1 == main(["profiles", "list", "no such maker"])
    assert "no profile fits" in capsys.readouterr().err


def test_own_profiles_are_listed_beside_and_a_faulty_one_with_its_first_fault(folder, capsys):
    (folder / "acme" / "broken.toml").write_text('[profile]\nprotocol = "modbus"\n')
    assert 0 == main(["profiles", "--profiles", str(folder)])

    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.startswith("acme/broken")]
    assert "fault" in line
    assert any(line.startswith("acme/hy") for line in lines)


def test_a_profile_is_printed_as_it_stands_for_a_copy_of_ones_own(capsys):
    assert 0 == main(["profiles", "show", "sunspec/battery", "--file"])
    assert (BUILT_IN_FOLDER / "sunspec" / "battery.toml").read_text(
        encoding="utf-8"
    ) == capsys.readouterr().out


def test_a_name_that_nobody_has_is_exit_78_with_the_nearest(capsys):
    assert 78 == main(["profiles", "show", "keba/p3"])
    assert "keba/p30" in capsys.readouterr().err


def test_show_without_a_name_is_wrong_use(capsys):
    assert 2 == main(["profiles", "show"])
    assert "quartier profiles list" in capsys.readouterr().err


def test_orders_of_a_point_are_those_that_are_taken_not_those_that_are_measured(capsys):
    _, rows = listed(capsys, "--orders", "--point", "power_w")
    assert {} == rows

    _, rows = listed(capsys, "--orders", "--point", "setpoint_w")
    assert rows
    assert all("setpoint_w" in row["orders"] for row in rows.values())


def test_lint_finds_nothing_in_what_is_shipped(capsys):
    assert 0 == main(["profiles", "lint"])

    said = capsys.readouterr()
    assert "" == said.out
    assert f"{len(list_profiles())} profiles, 0 faults, 0 findings" in said.err


def test_lint_of_a_file_names_it_with_line_and_key_and_is_exit_1(folder, capsys):
    file = folder / "acme" / "hy.toml"
    file.write_text(GOOD.replace("high = 10000\n", ""))
    assert 1 == main(["profiles", "lint", str(file)])

    assert f"{file}:8: points.power_w: has no high" in capsys.readouterr().out


def test_lint_of_a_name_takes_the_sites_own(folder, capsys):
    assert 0 == main(["profiles", "lint", "acme/hy", "--profiles", str(folder)])
    assert "1 profile, 0 faults" in capsys.readouterr().err


def test_what_cannot_be_loaded_or_read_is_exit_78_and_the_rest_is_looked_at(folder, capsys):
    file = folder / "acme" / "hy.toml"
    file.write_text(GOOD.replace("power_w", "power_kw"))
    (folder / "acme" / "latin.toml").write_bytes(b"# \xe9\n")
    others = [str(folder / "acme" / "none.toml"), str(folder / "acme" / "latin.toml"), "keba/p30"]
    assert 78 == main(["profiles", "lint", str(file), *others, "--json"])

    first, *more, sound = json.loads(capsys.readouterr().out)
    assert [(str(file), 8, "points.power_kw")] == [
        (one["file"], one["line"], one["key"]) for one in first["faults"]
    ]
    assert [["cannot be read: No such file or directory"], ["cannot be read: it is no UTF-8"]] == [
        [one["what"] for one in result["faults"]] for result in more
    ]
    assert [None, None, None] == [result["findings"] for result in (first, *more)]
    expected = {"profile": "keba/p30", "faults": [], "findings": [], "quality": "bronze"}
    assert expected | {"lacks": ["manual", "two sources"]} == sound


def test_findings_of_a_file_with_a_fault_are_not_called_none(folder, capsys):
    file = folder / "acme" / "hy.toml"
    file.write_text(GOOD.replace("high = 10000\n", "").replace("power_w", "power_kw"))
    assert 78 == main(["profiles", "lint", str(file)])
    said = capsys.readouterr().err

    assert "1 profile, 1 fault; findings of 1 profile are looked for when its faults are mended" in said
    assert "0 findings" not in said


def test_a_file_is_shown_by_its_path(folder, capsys):
    assert 0 == main(["profiles", "show", str(folder / "acme" / "hy.toml"), "--json"])

    (shown,) = json.loads(capsys.readouterr().out)
    assert ("acme/hy", "ACME", ["power_w"]) == (shown["profile"], shown["maker"], shown["measures"])


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    assert 78 == main(["profiles", "show", str(tmp_path / "no.toml")])

    assert f"{tmp_path / 'no.toml'}: file: cannot be read" in capsys.readouterr().err


def test_lint_names_a_misspelt_quantity_with_line_and_suggestion(folder, capsys):
    file = folder / "acme" / "hy.toml"
    file.write_text(GOOD.replace("points.power_w", "points.powr_w"))

    assert 1 == main(["profiles", "lint", str(file)])
    line = capsys.readouterr().out
    assert line.startswith(f"{file}:8: points.powr_w: is no known quantity; did you mean 'power_w'?")


def test_a_quantity_of_ones_own_is_no_finding(folder, capsys):
    file = folder / "acme" / "hy.toml"
    file.write_text(GOOD.replace("points.power_w", "points.x_oil_pressure_pa"))

    assert 0 == main(["profiles", "lint", str(file)]), capsys.readouterr().out


def test_quantities_are_found_by_words_of_their_name_or_meaning(capsys):
    assert 0 == main(["profiles", "quantities", "state of charge", "--json"])

    assert [
        {
            "quantity": "soc_pct",
            "unit": "%",
            "meaning": "state of charge",
            "lowest": 0.0,
            "highest": 100.0,
            "brick": "Level_Status",
        }
    ] == json.loads(capsys.readouterr().out)


def test_words_that_no_quantity_has_exit_1(capsys):
    assert 1 == main(["profiles", "quantities", "zeppelin"])

    assert "no quantity has these words" in capsys.readouterr().err


def test_the_committed_page_of_quantities_is_what_the_table_says():
    page = Path(__file__).parents[4] / "gateway" / "docs" / "quantities.md"

    assert page.read_text("utf-8") == profiles.render_quantity_page(), (
        "quartier profiles quantities --reference > gateway/docs/quantities.md"
    )
