import pytest

from quartier_sim.modbus.endpoints import serve_tcp
from quartier_sim.modbus.victron_gx import Gx

VEBUS, METER, PV, SYSTEM = 227, 30, 32, 100


def ask(gx, unit, text):
    return gx.answer(unit, bytes.fromhex(text)).pdu


def order(gx, text="06 0025 09C4"):
    assert bytes.fromhex(text)[:5] == ask(gx, VEBUS, text)


@pytest.mark.peer
async def test_mbpoll_reads_each_service_at_its_unit(poll):
    gx = Gx()
    gx.publish(
        {
            "grid.power_w": -1500.0,
            "grid.frequency_hz": 49.98,
            "grid.energy_import_wh": 1_100_000.0,
            "battery.power_w": 600.0,
            "battery.soc_pct": 85.0,
            "battery.voltage_v": 50.0,
            "pv.power_w": -3000.0,
            "pv.dc_power_w": -300.0,
        }
    )
    async with await serve_tcp(gx) as endpoint:
        grid = await poll(endpoint, SYSTEM, "4", 820, count=3)
        assert {820: "65036", 821: "65036", 822: "65036"} == {
            at: text.split()[0] for at, text in grid.values.items()
        }
        assert {840: "500", 841: "120", 842: "600", 843: "85", 844: "1"} == (
            await poll(endpoint, SYSTEM, "4", 840, count=5)
        ).values
        assert {850: "300"} == (await poll(endpoint, SYSTEM, "4", 850)).values
        assert {2634: "0x0001", 2635: "0xADB0"} == (
            await poll(endpoint, METER, "4:hex", 2634, count=2)
        ).values
        assert {2644: "4998"} == (await poll(endpoint, METER, "4", 2644)).values
        assert {1058: "0", 1059: "1000"} == (await poll(endpoint, PV, "4", 1058, count=2)).values


@pytest.mark.peer
async def test_mbpoll_orders_the_battery(poll):
    gx = Gx()
    async with await serve_tcp(gx) as endpoint:
        assert "Written 1 references." in (await poll(endpoint, VEBUS, "4", 37, write=(63036,))).said
        assert {37: "0xF63C"} == (await poll(endpoint, VEBUS, "4:hex", 37)).values

    assert -2500.0 == gx.orders()["battery.setpoint_w"]


@pytest.mark.peer
async def test_a_unit_that_is_not_there_gets_the_gateways_exception(poll):
    async with await serve_tcp(Gx()) as endpoint:
        assert "Target device failed to respond" in (await poll(endpoint, 5, "4", 820)).said


def test_a_register_of_another_service_has_no_way_there():
    assert bytes.fromhex("83 0A") == ask(Gx(), SYSTEM, "03 0025 0001")
    assert bytes.fromhex("83 02") == ask(Gx(), SYSTEM, "03 7000 0001")


def test_setpoint_of_external_control_holds_to_its_last_second_and_no_longer():
    gx = Gx()
    gx.tick(100.0)
    order(gx)

    gx.tick(159.0)
    assert 2500.0 == gx.orders()["battery.setpoint_w"]
    gx.tick(160.0)
    assert 0.0 == gx.orders()["battery.setpoint_w"]
    assert bytes.fromhex("03 02 0000") == ask(gx, VEBUS, "03 0025 0001")


def test_each_write_renews_the_timer_and_reading_does_not():
    gx = Gx()
    order(gx)
    gx.tick(50.0)
    order(gx)
    gx.tick(100.0)
    ask(gx, VEBUS, "03 0025 0001")

    gx.tick(109.0)
    assert 2500.0 == gx.orders()["battery.setpoint_w"]
    gx.tick(110.0)
    assert 0.0 == gx.orders()["battery.setpoint_w"]


def test_the_field_reports_shorter_timers_and_the_rig_can_too():
    gx = Gx(timer_s=10.0)
    order(gx)
    gx.tick(10.0)

    assert 0.0 == gx.orders()["battery.setpoint_w"]


def test_an_override_that_is_not_renewed_leaves_the_kept_setpoint_in_force():
    gx = Gx(override_timer_s=180.0)
    ask(gx, SYSTEM, "10 0A9C 0002 04 000007D0")
    gx.tick(179.0)
    assert 2000.0 == gx.orders()["grid.setpoint_w"]
    gx.tick(180.0)
    assert 50.0 == gx.orders()["grid.setpoint_w"]


def test_setpoints_of_three_phases_add_up_in_either_width():
    gx = Gx()
    order(gx, "10 0060 0006 0C 000003E8 000007D0 FFFFFC18")

    assert 2000.0 == gx.orders()["battery.setpoint_w"]
    assert bytes.fromhex("03 02 03E8") == ask(gx, VEBUS, "03 0025 0001")
    assert bytes.fromhex("03 02 07D0") == ask(gx, VEBUS, "03 0028 0001")


def test_without_external_control_nobody_orders_the_battery():
    gx = Gx(mode=1)
    order(gx)
    assert 0.0 == gx.orders()["battery.setpoint_w"]

    assert bytes.fromhex("06 0B56 0003") == ask(gx, SYSTEM, "06 0B56 0003")
    assert 2500.0 == gx.orders()["battery.setpoint_w"]


def test_override_of_the_grid_setpoint_is_lifted_by_zero_and_by_a_loss_of_power():
    gx = Gx()
    ask(gx, SYSTEM, "10 0A9C 0002 04 FFFF3CB0")
    assert -50_000.0 == gx.orders()["grid.setpoint_w"]

    ask(gx, SYSTEM, "10 0A9C 0002 04 00000000")
    assert 50.0 == gx.orders()["grid.setpoint_w"]

    ask(gx, SYSTEM, "10 0A9C 0002 04 FFFF3CB0")
    gx.fault("off")
    gx.clear()
    assert 50.0 == gx.orders()["grid.setpoint_w"]


@pytest.mark.parametrize("text", ["06 034A 0001", "06 0A9C 0001", "06 0B56 0009"])
def test_what_cannot_be_written_is_refused(text):
    assert bytes.fromhex("86 02") == ask(Gx(), SYSTEM, text)


def test_values_it_does_not_show_are_an_error():
    with pytest.raises(KeyError, match=r"grid\.soc_pct"):
        Gx().publish({"grid.soc_pct": 1.0})
