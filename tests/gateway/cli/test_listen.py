"""``quartier listen`` says what is on a port and shows it."""

import io
import json
import os
import threading
import tty

import pytest
from rich.console import Console

from quartier.cli import main
from quartier.cli.listen import _page, site_lines
from quartier_drivers.meter.decode import Frame
from quartier_drivers.meter.listen import Found
from quartier_drivers.meter.seek import Setting
from quartier_drivers.meter.telegram import Group, Telegram


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


def test_a_meter_is_found_and_shown(linky, capsys):
    assert 0 == main(["listen", linky, "--count", "2"])

    out, err = capsys.readouterr()
    assert "tic at 9600 7E1, speaks" in err
    assert f'kind = "tic"\nport = "{linky}"' in err
    assert "a device's profile may be enedis/linky_standard or enedis/linky_two_modes" in err
    assert 2 == len([json.loads(line) for line in out.splitlines()])


def test_on_a_terminal_our_words_stand_beside_the_meters():
    telegram = Telegram("42", (Group("EAST", "003519702", "Wh"),), bad_count=2)
    console = Console(width=120, file=io.StringIO())
    console.print(
        _page(Found("tic", Setting(9600)), Frame(7, telegram, {"energy_import_wh": 3519702.0}), telegram)
    )

    page = console.file.getvalue()
    assert "tic 42, frame 7, 2 bad" in page
    assert "energy_import_wh" in page
    assert "3,519,702 Wh" in page
    assert "003519702 Wh" in page


def test_a_port_that_is_not_there_is_exit_1(capsys):
    assert 1 == main(["listen", "/dev/ttyNOWHERE"])
    assert capsys.readouterr().err.splitlines()[-1].startswith("/dev/ttyNOWHERE is not there")


def test_what_is_no_port_is_wrong_use(capsys):
    assert 2 == main(["listen", "ttyUSB0"])
    assert "quartier listen: 'ttyUSB0' is no port" in capsys.readouterr().err


def test_the_lines_for_the_site_file_say_what_is_not_usual():
    assert 'baud = 2400\nframing = "8N1"' in site_lines("usb:A", Found("dlms", Setting(2400)))
    assert 'mode = "d"' in site_lines("usb:A", Found("iec62056", Setting(2400, "7E1")))
    assert "baud" not in site_lines("tcp://host:1", Found("dlms", Setting(2400)))
