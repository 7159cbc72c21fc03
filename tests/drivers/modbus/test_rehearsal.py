"""Lines without a wire, in the loop's own time: seconds here are milliseconds."""

import asyncio

import pytest
from tests.drivers.modbus.conftest import HandClock

from quartier_drivers.errors import NoReply
from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.modbus.rehearsal import NetworkRehearsalLine, SerialRehearsalLine, make_rehearsal_line
from quartier_drivers.rehearsal import SimulatedDevices, SimulatedExchange

RTU = RtuBus.model_validate(
    {"kind": "modbus-rtu", "port": "/dev/ttyS0", "baud": 115200, "timeout_s": 0.02, "pause_s": 0.001}
)
TCP = TcpBus.model_validate({"kind": "modbus-tcp", "host": "gx", "timeout_s": 0.02, "retries_count": 0})
TUNNEL = TcpBus.model_validate({"kind": "modbus-tcp", "host": "gx", "framing": "rtu"})
ASKED = make_read(7, "holding", 100, 2)


@pytest.mark.parametrize(
    ("bus", "kind"), [(RTU, SerialRehearsalLine), (TCP, NetworkRehearsalLine), (TUNNEL, SerialRehearsalLine)]
)
def test_each_kind_of_bus_has_the_line_that_treats_silence_as_its_own_does(
    bus: RtuBus | TcpBus, kind: type, clock: HandClock
) -> None:
    assert kind is type(make_rehearsal_line("rs1", bus, clock, SimulatedDevices()))


@pytest.mark.parametrize("bus", [RTU, TCP])
async def test_an_exchange_lasts_as_long_as_its_bytes_and_its_answer(
    bus: RtuBus | TcpBus, clock: HandClock
) -> None:
    told: list[SimulatedExchange] = []
    line = make_rehearsal_line(
        "rs1", bus, clock, SimulatedDevices(answer_s=0.01, report_exchange=told.append)
    )
    begun_s = asyncio.get_running_loop().time()

    answer = await line.exchange(ASKED)

    took_s = asyncio.get_running_loop().time() - begun_s
    assert 2 == len(answer.values)
    assert [(7, ASKED.pdu, True)] == [(one.unit, one.key, one.is_answered) for one in told]
    assert took_s >= line.takes_s(ASKED) - line._pause_s - line.simulated_units.pace.quiet_s - 1e-6
    assert 0.01 <= line.takes_s(ASKED)
    await line.close()


@pytest.mark.parametrize("bus", [RTU, TCP])
async def test_a_dead_unit_is_waited_for_and_so_is_one_that_is_slower_than_the_time_out(
    bus: RtuBus | TcpBus, clock: HandClock
) -> None:
    told: list[SimulatedExchange] = []
    line = make_rehearsal_line(
        "rs1",
        bus,
        clock,
        SimulatedDevices(answers_s={7: 0.001, 8: 0.03}, dead={7}, report_exchange=told.append),
    )

    for unit in (7, 8):
        with pytest.raises(NoReply):
            await line.exchange(make_read(unit, "holding", 0, 1))

    assert not any(one.is_answered for one in told)
    assert min(one.ended_s - one.begun_s for one in told) >= 0.02
    assert len(told) == line.stats["timeouts_count"]
    await line.close()


async def test_no_answer_looks_like_the_last_one_said_twice(clock: HandClock) -> None:
    line = make_rehearsal_line("rs1", TCP, clock, SimulatedDevices(answer_s=0.0))

    said = {(await line.exchange(make_read(7, "holding", at, 3))).values for at in range(50)}

    assert 50 == len(said)
    await line.close()


async def test_who_holds_registers_says_them_and_refuses_all_others(clock: HandClock) -> None:
    line = make_rehearsal_line(
        "rs1", TCP, clock, SimulatedDevices(answer_s=0.0, registers={7: {100: 5, 101: 6}})
    )

    assert (5, 6) == (await line.exchange(ASKED)).values
    assert 2 == (await line.exchange(make_read(7, "holding", 101, 2))).exception
    await line.close()


async def test_an_endpoint_that_never_says_a_word_is_connected_to_anew(clock: HandClock) -> None:
    bus = TCP.model_copy(update={"timeout_s": 0.001})
    line = make_rehearsal_line("lan", bus, clock, SimulatedDevices(dead={7}))

    for _ in range(6):
        with pytest.raises(NoReply):
            await line.exchange(ASKED)

    assert 2 == line.stats["connects_count"]
    await line.close()
