"""``quartier scan mbus``: who is on an M-Bus line, and the lines for the site file."""

import asyncio
import json
import threading
import tomllib
from contextlib import contextmanager

import pytest
from tests.drivers.meter.mbus.conftest import Line, Slave, on_tcp, overlaid

from quartier.cli import main
from quartier_drivers.meter.discovery.capture_decoding import list_protocol_profiles
from quartier_drivers.meter.mbus import scan_report
from quartier_drivers.meter.mbus.scan import MbusScanResult, parse_target
from quartier_drivers.meter.mbus.search import FoundMeter, SearchResult

QUICK = "?baud=38400&timeout_s=0.1"


@contextmanager
def serving(*slaves):
    """Slaves behind a serial server in a thread of its own; gives its URL."""
    ready, held = threading.Event(), []

    async def serve():
        async with on_tcp(Line(slaves, overlaid)) as where:
            held.extend([asyncio.get_running_loop(), asyncio.Event(), where])
            ready.set()
            await held[1].wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(60)
    try:
        yield held[2] + QUICK
    finally:
        held[0].call_soon_threadsafe(held[1].set)
        thread.join()


def test_meters_are_shown_with_all_that_tells_them_apart(capsys):
    with serving(Slave("01490378", medium=0x04, primary=5), Slave("12490378", "KAM", 3, 0x16)) as url:
        assert 0 == main(["scan", "mbus", url, "--secondary", "FFFFFFFF"])
    out, err = capsys.readouterr()

    assert "0149037877040E04" in out
    assert "ACW" in out
    assert "cold water" in out
    assert "searching by secondary address at 38400" in err


def test_the_lines_for_the_site_file_are_of_it(capsys):
    with serving(Slave("01490378", medium=0x04, primary=5), Slave("12490378", medium=0x16)) as url:
        assert 0 == main(["scan", "mbus", url, "--secondary", "FFFFFFFF", "--json"])
    told = json.loads(capsys.readouterr().out)
    site = tomllib.loads(told["site_file"])

    assert ("mbus", 38400) == (site["buses"]["mbus1"]["kind"], site["buses"]["mbus1"]["baud"])
    assert {"bus": "mbus1", "profile": "itron/cf", "unit": 5} == site["devices"]["m01490378"]
    assert "1249037877040E16" == site["devices"]["m12490378"]["address"]
    assert [(5, "01490378"), (0, "12490378")] == [(one["primary"], one["serial"]) for one in told["found"]]


MBUS = list_protocol_profiles("mbus")


@pytest.mark.parametrize(
    ("name", "maker", "medium"),
    [
        ("kamstrup/multical", "KAM", "heat_inlet"),
        ("landis-gyr/ultraheat", "LUG", "heat"),
        ("itron/cf", "SLB", "heat_cooling"),
        ("elster/f2", "SVM", "heat"),
        ("elster/falcon", "ELS", "cold_water"),
        ("abb/b23-mbus", "ABB", "electricity"),
        ("generic/mbus_electricity", "KAM", "electricity"),
        ("generic/mbus_gas", "QRT", "gas"),
        ("generic/mbus_cooling", "QRT", "cooling"),
        ("relay/padpuls", "REL", "gas"),
        ("", "QRT", "smoke_detector"),
    ],
)
def test_a_profile_is_proposed_by_maker_and_medium(name, maker, medium):
    found = FoundMeter(5, f"1149037877040E{0:02d}", "11490378", maker, medium)

    lines = scan_report.render_mbus_lines(
        [MbusScanResult(parse_target("/dev/ttyUSB0"), SearchResult([found]))]
    )
    assert name == tomllib.loads(lines)["devices"]["m11490378"]["profile"]
    assert [*([name] if name else [])] == [one.profile for one in scan_report.find_suggestions(found, MBUS)][
        :1
    ]


def test_why_a_profile_is_proposed_stands_beside_it():
    found = FoundMeter(5, "1149037877040E04", "11490378", "KAM", "heat")

    lines = scan_report.render_mbus_lines(
        [MbusScanResult(parse_target("/dev/ttyUSB0"), SearchResult([found]))]
    ).splitlines()
    assert 'profile = "kamstrup/multical"  # likely: maker is KAM; medium is heat; no value was read' in lines
    assert '# profile = "generic/mbus_heat"  # likely: medium is heat; no value was read' in lines


def test_meters_of_one_number_have_names_of_their_own():
    found = [FoundMeter(None, f"1149037877040E{medium}", "11490378", "ACW") for medium in ("04", "07")]
    result = MbusScanResult(parse_target("/dev/ttyUSB0?framing=8N1"), SearchResult(found))

    site = tomllib.loads(scan_report.render_mbus_lines([result]))
    assert {"m11490378", "m11490378_2"} == set(site["devices"])
    assert "8N1" == site["buses"]["mbus1"]["framing"]


def test_units_are_primary_addresses(capsys):
    with serving(Slave("11490378", primary=5)) as url:
        assert 0 == main(["scan", "mbus", url, "--units", "4-6"])
    out, err = capsys.readouterr()

    assert "11490378" in out
    assert "asking primary addresses" in err


def test_nobody_is_an_answer_with_advice(capsys):
    with serving() as url:
        assert 1 == main(["scan", "mbus", url, "--units", "1"])

    assert "no answer to 1 request; look at the level converter" in capsys.readouterr().err


def test_a_line_that_is_not_there_is_said(capsys, tmp_path):
    assert 1 == main(["scan", "mbus", f"{tmp_path}/nothing"])

    assert "is not there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "more"),
    [
        ("units: 251 is wrong, expected 0..250", ["--units", "1,251"]),
        ("secondary: '12' is no secondary address", ["--secondary", "12"]),
        ("bauds: fits serial lines only", ["--bauds", "300"]),
        ("parities: do not fit M-Bus", ["--parities", "E"]),
    ],
)
def test_wrong_use_is_said(said, more, capsys):
    assert 78 == main(["scan", "mbus", "tcp://127.0.0.1:1", *more])

    assert said in capsys.readouterr().err


def test_modbus_knows_no_secondary_addresses_and_no_slow_speeds(capsys):
    assert 78 == main(["scan", "modbus", "tcp://127.0.0.1", "--secondary", "12345678"])
    assert 78 == main(["scan", "modbus", "rtu:/dev/nothing", "--bauds", "300"])

    assert "300 is no speed of Modbus" in capsys.readouterr().err
