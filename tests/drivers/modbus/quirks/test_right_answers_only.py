"""Whatever a device does, an answer that is taken is the right one, and when it behaves all is well again."""

from pathlib import Path

import pytest
from tests.drivers.modbus.quirks.conftest import BABBLE_S, SLOW, Ours, Serve, asked, recovered, right

from quartier_drivers.modbus.frames import Answer, make_read
from quartier_sim.modbus.quirks import QUIRKS

# Questions of the same unit, function and count one after the other: whoever mistakes answers is caught.
QUESTIONS = [
    *(make_read(1, "holding", 10 * step, 4) for step in range(4)),
    make_read(1, "input", 7, 4),
    make_read(2, "holding", 70, 4),
    make_read(1, "coil", 3, 13),
    make_read(1, "coil", 9, 13),
    make_read(1, "discrete", 1, 9),
]
QUICK = {"late": 0.2, "byte-by-byte": 0.03, **BABBLE_S}
# What only a number can be wrong about, and what is said on a line between its masters.
NO_TUNNEL = {"old-number", "echo", "foreign-master", "foreign-twin", "foreign-babble"}
CASES = [
    pytest.param(name, wire, id=f"{name}-{wire}")
    for name, quirk in QUIRKS.items()
    for wire in (*quirk.wires, *(("tunnel",) if name not in NO_TUNNEL else ()))
]


@pytest.mark.parametrize(("name", "wire"), CASES)
async def test_no_wrong_answer_is_ever_taken(name: str, wire: str, served: Serve, line_to: Ours) -> None:
    server = await served(wire, name, seconds=QUICK.get(name))
    line = line_to(server, timeout_s=0.12, **SLOW.get(name, {}))

    for question in QUESTIONS:
        answer = await asked(line, question)
        assert isinstance(answer, str) or answer.exception or right(question) == answer.values


@pytest.mark.parametrize(("name", "wire"), CASES)
async def test_after_the_quirk_all_is_well(name: str, wire: str, served: Serve, line_to: Ours) -> None:
    server = await served(wire, name, left=3, seconds={**QUICK, "late": 0.4}.get(name))
    line = line_to(server, **SLOW.get(name, {}))
    for question in QUESTIONS[:3]:
        await asked(line, question)
    server.left = 0

    for question in QUESTIONS:
        assert await recovered(line, question)


@pytest.mark.parametrize("wire", ["tcp", "rtu", "tunnel"])
async def test_a_device_without_quirks_is_always_right(wire: str, served: Serve, line_to: Ours) -> None:
    line = line_to(await served(wire), timeout_s=5.0)

    for question in QUESTIONS:
        assert Answer(right(question)) == await asked(line, question)


def test_each_quirk_has_a_test_that_names_it() -> None:
    texts = [file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("test_*.py")]

    assert not [name for name in QUIRKS if not any(f'"{name}"' in text for text in texts)]
