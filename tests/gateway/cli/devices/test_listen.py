"""``quartier listen`` says what is on a port and shows it."""

import contextlib
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
import tty

import pytest

from quartier.cli import main
from quartier.cli.devices.listen import MeterSheet, describe_frame, find_asked_advice, render_meter_lines
from quartier.config import loading
from quartier.config.loading import ReplacementText
from quartier_drivers.meter.connection.line_settings import LineSetting
from quartier_drivers.meter.discovery.capture_decoding import CaptureDecoder, CaptureFrame
from quartier_drivers.meter.discovery.listen import FoundMeter
from quartier_drivers.meter.telegrams import Telegram


def group(label, value):
    text = f"{label}\t{value}\t".encode()
    return b"\n" + text + bytes([(sum(text) & 0x3F) + 0x20]) + b"\r"


FRAME = (
    b"\x02"
    + group("ADSC", "041976000001")
    + b"".join(group(f"EASF0{place}", "003519702") for place in range(1, 7))
    + b"\x03"
)


@pytest.fixture
def linky():
    master, slave = os.openpty()
    tty.setraw(slave)
    enough = threading.Event()

    def talk():
        while not enough.wait(0.05):
            os.write(master, FRAME)

    thread = threading.Thread(target=talk)
    thread.start()
    yield os.ttyname(slave)
    enough.set()
    thread.join()
    os.close(master)
    os.close(slave)


SITE = """
site = { id = "b012", district = "issy" }
limits = { contract_import_w = 9000, contract_export_w = 6000 }
assets.grid = { role = "grid", device = "meter" }
"""


def test_a_meter_is_found_and_shown_and_its_lines_pass_the_check(linky, capsys, tmp_path):
    assert 0 == main(["listen", linky, "--count", "2"])

    out, err = capsys.readouterr()
    assert "tic at 9600 7E1, speaks" in err
    assert f'kind = "tic"\nport = "{linky}"' in err
    assert "profile enedis/linky_standard, sure: states ADSC" in err
    assert 'profile = "enedis/linky_standard"' in err
    assert 1 == err.count("profile enedis/"), "said once"
    printed = re.findall(r"^(?:\[.*\]|\w+ = .*)$", err, re.MULTILINE)
    site = ReplacementText("site.toml", SITE + "\n".join(printed))
    assert loading.check_site_file(tmp_path / "site.toml", site).profiles["meter"], (
        "the lines as they were printed"
    )
    lines = out.splitlines()
    assert ["frame 1", "frame 2"] == [line.partition(":")[0] for line in lines]
    assert "energy_import_t1_wh 3,519,702 Wh" in lines[1]


def test_a_frame_in_one_line_is_short_and_begins_with_power():
    points = {f"energy_import_t{number}_wh": 1.0 for number in range(1, 11)} | {
        "power_w": -356.24,
        "x_on": True,
    }

    assert (
        "frame 3: power_w -356.2 W, energy_import_t1_wh 1 Wh"
        == describe_frame(CaptureFrame(3, Telegram("", ()), points))[:51]
    )
    assert describe_frame(CaptureFrame(3, Telegram("", (), 2), points)).endswith("and 4 more; 2 bad")
    assert "frame 1: no points" == describe_frame(CaptureFrame(1, Telegram("", ()), {}))


def test_scripts_get_a_json_line_a_frame(linky, capsys):
    assert 0 == main(["listen", linky, "--count", "1", "--json"])

    (frame,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ("enedis/linky_standard", "sure", "states ADSC") == (frame["profile"], frame["sure"], frame["why"])


def make_sheet():
    capture = CaptureDecoder("tic", is_capture=False)
    return capture, MeterSheet("/dev/ttyUSB0", FoundMeter("tic", LineSetting(9600, "7E1")), capture, 0.0)


def test_a_sheet_has_five_lines_with_the_age_of_what_is_not_of_the_last_frame():
    capture, sheet = make_sheet()
    assert "spoke  no frame, 0 bytes, 0 bad groups, for 3.0 s" in sheet.render_lines(3.0, 120)[1]

    for second in (10.0, 30.0):
        for frame in capture.feed(FRAME.replace(b"ADSC\t04", b"ADSC\t05") if second == 30.0 else FRAME):
            sheet.take(frame, second)
    sheet.take(CaptureFrame(2, Telegram("", ()), {"apparent_power_va": 1234.0}), 31.0)
    meter, spoke, values, *_ = lines = sheet.render_lines(32.0, 120)

    assert 5 == len(lines)
    assert meter.startswith("meter  Linky TIC, meter 041976000001, ")
    assert meter.endswith("Linky (Landis+Gyr, 2019), /dev/ttyUSB0, 9600 baud 7E1")
    assert "spoke  1.0 s ago, 2 frames, 1 bad group, 0 times out of step" in spoke
    assert values.startswith("values apparent_power 1,234 VA, energy_import_t1 3,519,702 Wh (2.0 s)")


@pytest.mark.parametrize(("columns", "shown_count"), [(46, 2), (120, 9)])
def test_a_sheet_shows_the_most_useful_values_whole_on_any_terminal(columns, shown_count):
    capture, sheet = make_sheet()
    for frame in capture.feed(FRAME):
        sheet.take(frame, 10.0)
    registers = {f"energy_import_t{number}_wh": 3_519_702.0 for number in range(1, 11)}
    others = {"breaker_state": "closed", "power_import_mean_before_w": 580.0}
    first = {"energy_import_wh": 35_197_020.0, "power_import_mean_w": 594.0, "voltage_l1_v": 233.0}
    sheet.take(CaptureFrame(2, Telegram("", ()), others | registers | first), 10.0)
    meter, spoke, *values = lines = sheet.render_lines(10.4, columns)
    text = " ".join(line.strip() for line in values).removeprefix("values ")

    assert 5 == len(lines)
    assert all(len(line) <= columns for line in lines)
    assert meter.startswith("meter  Linky TIC, meter 041976000001")
    assert spoke.startswith("spoke  0.4 s ago, 1 frame, 0 bad groups")
    assert text.startswith("power_import_mean 594 W, energy_import 35,197,020 Wh, ")
    assert text.endswith(f"and {16 - shown_count} more: --json")
    assert "…" not in "".join(lines)


def test_on_a_terminal_the_sheet_takes_the_place_of_the_frames(linky):
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 46, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    command = (sys.executable, "-m", "quartier.cli", "listen", linky, "--count", "3")
    subprocess.run(command, stdin=slave, stdout=slave, stderr=slave, env=env, check=True)
    os.close(slave)
    said = b""
    with contextlib.suppress(OSError):  # EIO: the end of a pty
        while data := os.read(master, 65536):
            said += data
    os.close(master)

    page = said.decode()
    assert "meter  Linky TIC" in page
    assert "values energy_import_t1 3,519,702 Wh" in page
    assert "\033[1A" in page, "it is drawn in place"
    assert "frame 1:" not in page
    assert "profile enedis/linky_standard, sure: states\r\n" in page, "a note breaks between words"
    assert all(len(re.sub("\033\\[[?0-9]*[A-Za-z]", "", line)) <= 46 for line in page.split("\r\n"))


def test_a_port_that_is_not_there_is_exit_1(capsys):
    assert 1 == main(["listen", "/dev/ttyNOWHERE"])
    assert capsys.readouterr().err.splitlines()[-1].startswith("/dev/ttyNOWHERE is not there")


def test_a_serial_server_that_refuses_is_told_in_words_with_what_to_look_at(capsys):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = f"tcp://127.0.0.1:{sock.getsockname()[1]}"
        assert 1 == main(["listen", port])

    last = capsys.readouterr().err.splitlines()[-1]
    assert f"{port}: Connection refused; look at address and port of the serial server" in last


@pytest.mark.parametrize("path", ["/dev/null", "/tmp"])
def test_what_is_no_serial_port_is_told_in_words_with_the_next_step(path, capsys):
    assert 1 == main(["listen", path])
    assert f"{path} is no serial port; `ls -l /dev/serial/by-id`" in capsys.readouterr().err


def test_what_is_no_port_is_wrong_use(capsys):
    assert 2 == main(["listen", "ttyUSB0"])
    assert "quartier listen: 'ttyUSB0' is no port" in capsys.readouterr().err


def test_a_meter_that_only_answers_is_known_by_its_identification():
    said = b"/?!\r\n/EMH5\\@2010LZQJL0014F\r\n"
    found = FoundMeter("iec62056", LineSetting(300, "7E1"), was_asked=True, answer=said)

    line, first, *_ = find_asked_advice(found)
    assert "it says EMH5" in line
    assert "profile emh/lzqj, sure: maker is EMH; identification is EMH5" in first
    assert [] == find_asked_advice(
        FoundMeter("mbus", LineSetting(2400, "8E1"), was_asked=True, answer=b"\xe5")
    )


def test_the_lines_for_the_site_file_say_what_is_not_usual():
    assert 'baud = 2400\nframing = "8N1"' in render_meter_lines(
        "usb:A", FoundMeter("dlms", LineSetting(2400))
    )
    assert 'mode = "d"' in render_meter_lines("usb:A", FoundMeter("iec62056", LineSetting(2400, "7E1")))
    assert "baud" not in render_meter_lines("tcp://host:1", FoundMeter("dlms", LineSetting(2400)))
