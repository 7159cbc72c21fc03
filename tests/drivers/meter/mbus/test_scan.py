"""The search on real ports: a pty and a TCP connection."""

import pytest
from tests.drivers.meter.mbus.conftest import Line, Slave, garbage, on_a_pty, on_tcp

from quartier_drivers.errors import ConfigError
from quartier_drivers.meter.mbus.header import parse_mask
from quartier_drivers.meter.mbus.scan import MbusScanTarget, parse_target, scan_line

# A pty carries no parity twice; waits are short, as the slaves answer at once.
QUICK = "?baud=38400&framing=8N1&timeout_s=0.25"


def slaves():
    return [Slave("11490378", primary=1), Slave("12490379", primary=2), Slave("92490379", primary=2)]


async def looked(url, quest, house_time, bauds=(None,)):
    results, told = [], []
    bus = parse_target(url)
    buses = [bus.model_copy(update={"baud": baud}) if baud else bus for baud in bauds]
    await scan_line(buses, quest, house_time, lambda _, what, count: told.append((what, count)), results)
    return results, told


async def test_meters_on_a_serial_line_are_found_by_both_addresses(plug, house_time):
    with on_a_pty(Line(slaves(), garbage), plug) as path:
        (result,), told = await looked(path + QUICK, MbusScanTarget(primary=range(4)), house_time)

    assert ["11490378", "12490379", "92490379"] == sorted(one.serial for one in result.survey.found)
    assert ["2 meters share address 2: read them by their secondary addresses"] == result.survey.notes
    assert (("secondary FFFFFFFF", 0), ("address 3", 3), "") == (told[0], told[-1], result.end_reason)


async def test_meters_behind_a_serial_server_are_found(house_time):
    async with on_tcp(Line(slaves(), garbage)) as where:
        (result,), _ = await looked(
            where + "?baud=38400&timeout_s=0.1",
            MbusScanTarget(parse_mask("9FFFFFFF"), primary=[1]),
            house_time,
        )

    assert ["92490379", "11490378"] == [one.serial for one in result.survey.found]


async def test_speeds_are_tried_until_somebody_answers(plug, house_time):
    with on_a_pty(Line([Slave("11490378", primary=1)]), plug) as path:
        results, _ = await looked(path + QUICK, MbusScanTarget(None, [9]), house_time, (4800, 9600))
        assert [[], []] == [one.survey.found for one in results]
        results, _ = await looked(path + QUICK, MbusScanTarget(None, [1]), house_time, (4800, 9600))
        assert [4800] == [one.bus.baud for one in results]


async def test_a_silent_line_is_not_asked_address_by_address(plug, house_time):
    line = Line([])
    with on_a_pty(line, plug) as path:
        (result,), told = await looked(path + QUICK, MbusScanTarget(), house_time)

    assert ([], "everybody") == (result.survey.found, told[-1][0])
    assert 3 + 3 == len(line.sent)


async def test_a_line_that_cannot_be_opened_is_told(house_time, tmp_path):
    (result,), _ = await looked(f"{tmp_path}/nothing", MbusScanTarget(), house_time)

    assert "is not there" in result.end_reason


async def test_a_line_that_is_lost_keeps_what_was_found(house_time):
    class Hasty(Line):
        def answer(self, request):
            if request[0] == 0x10 and request[2] == 1:
                raise ConnectionResetError
            return super().answer(request)

    async with on_tcp(Hasty([Slave("11490378")])) as where:
        (result,), _ = await looked(
            where + "?baud=38400&timeout_s=0.1", MbusScanTarget(primary=range(3)), house_time
        )

    assert ["11490378"] == [one.serial for one in result.survey.found]
    assert "closed the connection" in result.end_reason


@pytest.mark.parametrize(
    ("port", "url"),
    [
        ("/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("/dev/ttyUSB0", "rtu:/dev/ttyUSB0?baud=300"),
        ("/dev/ttyUSB0", "mbus:///dev/ttyUSB0"),
        ("usb:A50285BI", "usb:A50285BI?baud=2400"),
        ("tcp://10.0.0.1:10001", "tcp://10.0.0.1:10001"),
    ],
)
def test_a_url_names_a_port(port, url):
    assert port == parse_target(url).port


def test_keys_of_the_bus_may_follow():
    found = parse_target("/dev/ttyUSB0?baud=300&timeout_s=1.5&retries_count=0&framing=8N1")

    assert (300, 1.5, 0, "8N1") == (found.baud, found.timeout_s, found.retries_count, found.framing)


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("'foo' is unknown", "foo://x"),
        ("'meter.lan:3001' is unknown, expected tcp://HOST:PORT", "meter.lan:3001?baud=300"),
        ("baud: 77 is wrong, expected 300", "/dev/x?baud=77"),
        ("bauds: is an unknown key", "/dev/x?bauds=2400"),
        ("port: 'tcp://x' is no port", "tcp://x"),
        ("timeout_s: 'x' is wrong", "/dev/x?timeout_s=x"),
    ],
)
def test_a_url_that_is_wrong_is_refused_with_every_fault(said, url):
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        parse_target(url)
