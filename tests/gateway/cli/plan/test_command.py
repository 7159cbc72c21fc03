"""``quartier plan`` on a site file and a CSV."""

import json

import pytest

from quartier.cli import main

SITE = """\
site = { id = "b1", district = "issy" }
limits = { contract_import_w = 9000 }
buses.rs1 = { kind = "modbus-rtu", port = "/dev/ttyS0", baud = 19200 }
devices.m1 = { bus = "rs1", profile = "eastron/sdm630", unit = 1 }
devices.gx = { bus = "lan", profile = "victron/gx", unit = 227 }
buses.lan = { kind = "modbus-tcp", host = "127.0.0.1" }
assets.grid = { role = "grid", device = "m1" }
assets.bat1 = { role = "battery", device = "gx", part = "battery", rated_w = 1000, capacity_wh = 4000, soc_min_pct = 0, soc_max_pct = 100, reserve_soc_pct = 0 }
"""
SERIES = """\
time,load_w,pv_w,import_eur_per_kwh,export_eur_per_kwh
2026-06-12T12:00,1000,0,0.21,0
2026-06-12T13:00,1000,0,0.30,0
2026-06-12T14:00,1000,0,0.54,0
"""


@pytest.fixture
def call(tmp_path, capsys):
    site, series = tmp_path / "site.toml", tmp_path / "day.csv"
    site.write_text(SITE)

    def called(*options, text=SERIES):
        series.write_text(text)
        code = main(["plan", "--config", str(site), "--series", str(series), "--efficiency", "100", *options])
        out = capsys.readouterr()
        return code, out.out, out.err

    return called


def test_the_plan_says_what_each_step_does_and_why(call):
    code, out, err = call("--soc", "0")

    assert (0, "") == (code, err)
    assert "bat1  0.720 EUR, proven best; largest import 2000 W" in out
    assert "charges at 0.210, used from 14:00 (avoids an import at 0.540); a stored kWh is worth 0.300" in out
    assert "▁▃█" in out


def test_scripts_get_watts_and_wh(call):
    code, out, _ = call("--soc", "0", "--json")
    told = json.loads(out)

    assert (0, 3600, []) == (code, told["step_s"], told["given_up"])
    assert [1000.0, 0.0, -1000.0] == [step["battery_w"] for step in told["steps"]]
    assert "2026-06-12T12:00:00" == told["steps"][0]["time"]
    assert told["cost_eur"] == pytest.approx(0.72)


def test_a_page_is_written_beside_what_is_printed(call, tmp_path):
    code, out, err = call("--soc", "0", "--html", str(tmp_path / "plan.html"))
    text = (tmp_path / "plan.html").read_text()

    assert (0, "") == (code, err)
    assert "bat1  0.720 EUR, proven best" in out
    assert "0.72 EUR</b><span>cost</span>" in text
    assert "1.05 EUR</b><span>cost without the battery</span>" in text
    assert "<h1>Plan of bat1</h1>" in text


def test_a_page_tells_what_cannot_be_kept(call, tmp_path):
    code, _, _ = call("--soc", "0", "--target", "100", "--html", str(tmp_path / "plan.html"))

    assert 1 == code
    assert "<li>the target at the end is missed by 1000 Wh</li>" in (tmp_path / "plan.html").read_text()


def test_a_page_that_cannot_be_written_is_named(call, tmp_path):
    code, out, err = call("--html", str(tmp_path / "none" / "plan.html"))

    assert 2 == code
    assert "" == out
    assert "plan.html: cannot be written: No such file or directory" in err


def test_no_page_is_promised_of_the_plan_in_force(tmp_path, capsys):
    code = main(["plan", "--html", str(tmp_path / "plan.html")])

    assert 2 == code
    assert "--html: needs a --series" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_nothing_is_said_to_be_minus_zero(call):
    text = SERIES.replace("1000,0,0.21", "333.3,333.3000001,0.21")
    _, out, _ = call("--soc", "0", text=text)

    assert " -0 " not in out


def test_what_cannot_be_kept_ends_with_1_and_is_named(call):
    code, out, _ = call("--soc", "0", "--target", "100")

    assert 1 == code
    assert "given up: the target at the end is missed by 1000 Wh" in out


def test_the_price_of_each_days_peak_is_asked_for_anew_where_no_day_before_is_known(call, tmp_path):
    site = tmp_path / "site.toml"
    ahead = (
        'planning = { day_peak_eur_per_w = 0.0001 }\ntariff = { contract = "base", base_eur_per_wh = 2e-4 }\n'
    )
    site.write_text(SITE.replace('"issy" }', '"issy", time_zone = "Europe/Paris" }') + ahead)
    code, out, err = call("--soc", "0")

    assert (2, "") == (code, out)
    assert err.startswith(f"quartier plan: {site}: planning.day_peak_eur_per_w: what counts as a high import")
    assert "expected --peak EUR" in err
    told = [json.loads(call("--soc", "0", "--json", "--peak", peak)[1])["peak_w"] for peak in ("0", "9")]
    assert [2000.0, 1000.0] == [pytest.approx(one) for one in told]


def test_a_peak_that_costs_is_cut(call):
    _, cut, _ = call("--soc", "0", "--json", "--peak", "9")

    assert json.loads(cut)["peak_w"] == pytest.approx(1000.0)


def test_a_battery_that_is_not_there_is_asked_for(call):
    code, _, err = call("--battery", "bat9")

    assert (2, "quartier plan: which battery?  --battery bat1\n") == (code, err)


def test_numbers_that_no_plan_can_be_made_from_are_named(call):
    for option, given, expected in (
        ("--wear", "-1", "0 to 1000 EUR"),
        ("--efficiency", "150", "1 to 100 pct"),
        ("--worth", "nan", "-1000 to 1000 EUR"),
        ("--peak-free", "-2", "0 to 1e+06 kW"),
    ):
        code, out, err = call(option, given)

        assert (2, "", f"quartier plan: {option} {given}: expected {expected}\n") == (code, out, err)


def test_a_site_without_a_battery_says_so(call, tmp_path, capsys):
    call()
    (tmp_path / "none.toml").write_text("\n".join(line for line in SITE.splitlines() if "bat1" not in line))
    code = main(["plan", "--config", str(tmp_path / "none.toml"), "--series", str(tmp_path / "day.csv")])

    assert 2 == code
    assert "none.toml: there is nothing to plan" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "given"), [("--soc", "500"), ("--soc", "-1"), ("--target", "101")])
def test_a_share_of_more_than_all_is_refused(call, option, given):
    code, _, err = call(option, given)

    assert 2 == code
    assert f"{option} {given}: expected 0 to 100 pct" in err


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"time,load_w\n\x00,1\n"])
def test_a_series_that_is_no_text_is_named(call, tmp_path, capsys, text):
    call()
    (tmp_path / "bin.csv").write_bytes(text)
    code = main(["plan", "--config", str(tmp_path / "site.toml"), "--series", str(tmp_path / "bin.csv")])

    assert 2 == code
    assert "bin.csv" in capsys.readouterr().err


def test_a_series_that_is_not_there_is_named(call, tmp_path, capsys):
    call()
    code = main(["plan", "--config", str(tmp_path / "site.toml"), "--series", str(tmp_path / "no.csv")])

    assert 2 == code
    assert "no.csv: cannot be read: No such file" in capsys.readouterr().err
