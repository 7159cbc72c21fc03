import pytest

from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.keba_p30 import P30

UNIT = 255


def ask(station, text):
    return station.answer(UNIT, bytes.fromhex(text)).pdu


def write(station, register, value):
    pdu = bytes([6]) + register.to_bytes(2, "big") + value.to_bytes(2, "big")
    return station.answer(UNIT, pdu).pdu == pdu


@pytest.mark.peer
async def test_mbpoll_reads_the_manuals_registers(poll):
    station = P30()
    station.publish(
        {"power_w": 11_040.0, "plugged_on": 1.0, "session_energy_wh": 5432.1, "energy_import_wh": 123_456.7}
    )
    async with await serve_tcp(station) as endpoint:
        assert {1000: "0", 1001: "3"} == (await poll(endpoint, UNIT, "4", 1000, count=2)).values
        assert {1004: "0", 1005: "7"} == (await poll(endpoint, UNIT, "4", 1004, count=2)).values
        assert {1020: "0x00A8", 1021: "0x7500"} == (await poll(endpoint, UNIT, "4:hex", 1020, count=2)).values
        assert {1036: "0x0012", 1037: "0xD687"} == (await poll(endpoint, UNIT, "4:hex", 1036, count=2)).values
        assert {1502: "0x0000", 1503: "0xD431"} == (await poll(endpoint, UNIT, "4:hex", 1502, count=2)).values


@pytest.mark.peer
async def test_mbpoll_sets_the_current(poll):
    station = P30()
    async with await serve_tcp(station) as endpoint:
        assert "Written 1 references." in (await poll(endpoint, UNIT, "4", 5004, write=(16_000,))).said

    assert {"current_max_a": 16.0} == station.orders()


@pytest.mark.peer
async def test_mbpoll_gets_no_answer_at_another_unit(poll):
    async with await serve_tcp(P30()) as endpoint:
        assert "Connection timed out" in (await poll(endpoint, 1, "4", 1000, count=2, timeout_s=0.2)).said


@pytest.mark.parametrize(
    ("plugged", "power_w", "enable", "state"), [(0, 0, 1, 1), (1, 0, 1, 2), (1, 3000, 1, 3), (1, 0, 0, 5)]
)
def test_state_follows_from_plug_power_and_order(plugged, power_w, enable, state):
    station = P30()
    write(station, 5014, enable)
    station.publish({"plugged_on": plugged, "power_w": power_w})

    assert bytes([3, 4, 0, 0, 0, state]) == ask(station, "03 03E8 0002")


def test_each_value_is_asked_for_alone_with_function_3():
    assert bytes.fromhex("83 03") == ask(P30(), "03 03E8 0004")
    assert bytes.fromhex("83 02") == ask(P30(), "03 03E8 0001")
    assert bytes.fromhex("84 01") == ask(P30(), "04 03E8 0002")
    assert bytes.fromhex("90 01") == ask(P30(), "10 138C 0001 02 3E80")


def test_what_is_written_cannot_be_read():
    assert bytes.fromhex("83 02") == ask(P30(), "03 138C 0001")


@pytest.mark.parametrize(("register", "value"), [(5004, 0), (5004, 5_999), (5016, 1), (5018, 9), (5018, 601)])
def test_values_outside_the_manuals_ranges_are_refused(register, value):
    assert not write(P30(), register, value)


def test_without_a_time_out_the_order_stays():
    station = P30()
    write(station, 5004, 16_000)
    station.tick(1e6)

    assert {"current_max_a": 16.0} == station.orders()


@pytest.mark.parametrize("failsafe_a", [0.0, 6.0])
def test_falls_back_at_the_time_out_and_not_a_second_before(failsafe_a):
    station = P30(failsafe_a=failsafe_a)
    station.tick(1000.0)
    write(station, 5004, 16_000)
    write(station, 5018, 60)

    station.tick(1059.0)
    assert {"current_max_a": 16.0} == station.orders()
    station.tick(1060.0)
    assert {"current_max_a": failsafe_a} == station.orders()


@pytest.mark.parametrize(("register", "value"), [(5004, 16_000), (5014, 1), (5018, 60)])
def test_writing_either_register_renews_the_time_out_and_reading_does_not(register, value):
    station = P30()
    write(station, 5004, 16_000)
    write(station, 5018, 60)
    station.tick(50.0)
    write(station, register, value)
    station.tick(105.0)
    ask(station, "03 03FC 0002")

    station.tick(109.0)
    assert {"current_max_a": 16.0} == station.orders()
    station.tick(110.0)
    assert {"current_max_a": 0.0} == station.orders()


def test_a_loss_of_power_brings_back_the_rated_current_and_what_was_kept():
    station = P30()
    for register, value in ((5016, 6_000), (5018, 60), (5020, 1), (5014, 0)):
        write(station, register, value)
    station.fault("off")
    station.clear()

    assert {"current_max_a": 32.0} == station.orders()
    station.tick(60.0)
    assert {"current_max_a": 6.0} == station.orders()


def test_a_disabled_station_gives_nothing_until_it_is_enabled():
    station = P30()
    write(station, 5004, 10_000)
    write(station, 5014, 0)
    assert {"current_max_a": 0.0} == station.orders()

    write(station, 5014, 1)
    assert {"current_max_a": 10.0} == station.orders()


def test_a_paused_station_falls_back_to_its_fail_safe_current_too():
    station = P30(failsafe_a=6.0)
    write(station, 5018, 60)
    write(station, 5014, 0)
    station.tick(60.0)

    assert {"current_max_a": 6.0} == station.orders()


def test_a_station_that_fell_back_wants_current_and_enable_again():
    station = P30()
    write(station, 5018, 60)
    station.tick(60.0)

    write(station, 5004, 16_000)
    write(station, 5014, 1)

    assert {"current_max_a": 16.0} == station.orders()


def test_values_it_does_not_show_are_an_error():
    with pytest.raises(KeyError, match="soc_pct"):
        P30().publish({"soc_pct": 1.0})
