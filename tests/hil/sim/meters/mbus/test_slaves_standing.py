import datetime as dt

from quartier_sim.meters.mbus.slaves import ElectricitySlave, HeatSlave, MasterFrame

NOW = dt.datetime(2026, 1, 12, 12, tzinfo=dt.UTC)


def _told(slave):
    return {
        (said.more["quantity"], said.more["subunit"]): said.value
        for said in slave.answer(MasterFrame(0x7B, 0)).telegram.statements
    }


def test_electricity_follows_the_house():
    slave = ElectricitySlave(1)
    slave.tell({"power_w": -500.0, "energy_import_wh": 1234.0, "energy_export_wh": 77.0}, NOW)

    assert {("energy", 0): 1234, ("energy", 1): 77, ("power", 0): -500} == _told(slave)


def test_heat_has_volume_and_temperatures_to_its_energy():
    slave = HeatSlave(2)
    slave.tell({"heat_w": 7500.0, "heat_wh": 1_000_000.0}, NOW)

    told = _told(slave)
    assert (1_000_000, 7500, 50.0, 30.0) == (
        told["energy", 0], told["power", 0], told["flow_temperature", 0], told["return_temperature", 0],
    )  # fmt: skip
    assert abs(told["volume", 0] * 1.163 * 20 * 1000 - 1_000_000) < 1_000
