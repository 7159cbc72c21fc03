"""What the encoder of the tests makes is read alike by libsml's ``sml_server`` (Debian libsml-utils) and by us."""

import re
import shutil
import subprocess
from random import Random
from types import SimpleNamespace

import pytest

from quartier_drivers.meter.sml.push_decoder import make_decoder

FILES = 250
LABELS = [
    *(f"1-0:{c}.8.{e}" for c in (1, 2) for e in (0, 1, 2)),
    *(f"1-0:{c}.7.0" for c in (16, 36, 56, 76, 32, 52, 72, 31, 51, 71, 14)),
    "1-0:1.8.0*101",
]
UNITS = {30: "Wh", 27: "W", 35: "V", 33: "A", 44: "Hz"}
LINE = re.compile(r"(\d+-\d+:\d+\.\d+\.\d+)\*(\d+)#(-?\d+(?:\.\d+)?)#(.*)")


@pytest.fixture(scope="module")
def sml_server() -> str:
    program = shutil.which("sml_server")
    if program is None:
        pytest.skip("sml_server is not there: apt-get install libsml-utils")
    return program


def random_file(wire: SimpleNamespace, random: Random) -> bytes:
    entries = []
    for label in random.sample(LABELS, random.randint(1, len(LABELS))):
        size, scaler, unit = random.randint(1, 8), random.randint(-4, 2), random.choice(list(UNITS))
        bits = random.getrandbits(random.randint(1, 8 * size - 1))
        value = random.choice([wire.unsigned(bits, size), wire.signed(bits, size), wire.signed(-bits, size)])
        status = random.choice([wire.NOTHING, *(wire.unsigned(0x82, width) for width in (1, 2, 4, 8))])
        times = [wire.NOTHING, wire.sec_index(random.getrandbits(32)), wire.timestamp(random.getrandbits(31))]
        times.append(wire.unsigned(random.getrandbits(32), 4))  # as Holley has it
        entries.append(wire.entry(label, value, unit, scaler, status, random.choice(times)))
    key = wire.octets(random.randbytes(48))
    entries.append(wire.entry("129-129:199.130.5", key))
    return wire.frame(
        wire.server_id("ISK", random.randrange(10**8)),
        entries,
        name=wire.octets(bytes.fromhex("0100620affff")),
        sensor_time=wire.sec_index(random.getrandbits(32)),
    )


@pytest.mark.peer
def test_numbers_of_random_files_are_those_of_libsml(wire: SimpleNamespace, sml_server, tmp_path):
    random = Random(20261125)
    files = [random_file(wire, random) for _ in range(FILES)]
    (tmp_path / "capture").write_bytes(b"".join(files))
    with (tmp_path / "capture").open("rb") as capture:
        run = subprocess.run(
            [sml_server, "-"], stdin=capture, capture_output=True, text=True, timeout=60, check=False
        )

    theirs = [
        (label if storage == "255" else f"{label}*{storage}", float(number), unit)
        for label, storage, number, unit in LINE.findall(run.stdout)
    ]
    telegrams = make_decoder().feed(b"".join(files))
    ours = [
        (group.label, float(group.value), group.unit)
        for telegram in telegrams
        for group in telegram.groups
        if not isinstance(group.value, str)
    ]

    assert FILES == len(telegrams)
    assert [(label, unit) for label, _, unit in theirs] == [(label, unit) for label, _, unit in ours]
    assert [number for _, number, _ in theirs] == pytest.approx(
        [number for _, number, _ in ours], rel=1e-9, abs=1e-4
    )
