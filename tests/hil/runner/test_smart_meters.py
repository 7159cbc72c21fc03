import datetime as dt

import pytest

from quartier_hil.runner.smart_meters import SmartMeters
from quartier_hil.scenario.supply_contract import ContractCalendar, Tariff
from quartier_sim.meters.line_noise import GARBAGE_NOISE, LINE_QUALITIES
from quartier_sim.meters.mbus.slaves import MasterFrame
from quartier_sim.meters.tic.linky import find_subscription_kva

NOW = dt.datetime(2026, 6, 12, 12, tzinfo=dt.UTC)
ALL = ("tic", "p1", "mbus")


@pytest.fixture
async def metering(tmp_path):
    found = SmartMeters(ALL, tmp_path, contract_w=12_000, rate=20, seed=1)
    await found.serve()
    yield found
    await found.close()


@pytest.mark.parametrize(("contract_w", "kva"), [(2_700, 3), (12_000, 15), (15_000, 18), (99_000, 36)])
def test_the_subscription_never_caps_below_the_contract(contract_w, kva):
    assert kva == find_subscription_kva(contract_w)


async def test_each_meter_shows_its_part_of_the_house(metering):
    metering.publish({"grid.power_w": 2_300.0, "base.power_w": 1_000.0, "base.energy_import_wh": 500.0}, NOW)
    linky = {said.label: said.value for said in metering.linky.telegram().statements}
    flat1 = {said.label: said.value for said in metering.flat1.telegram().statements}
    flat2 = metering.flat2.answer(MasterFrame(0x7B, 7)).telegram.statements

    assert "02301" == linky["SINSTS"]  # three phases, each rounded
    assert (0.6, 0.3) == (flat1["1-0:1.7.0"], flat1["1-0:1.8.1"])
    assert [200, 0, 400] == [said.value for said in flat2]


async def test_a_pulled_adapter_is_gone_and_comes_back_at_its_place(metering):
    for name in ALL:
        port = metering.ports[name]
        await metering.plug(name, plugged=False)
        assert not port.path.exists()
        await metering.plug(name, plugged=True)
        assert port.path.exists()


async def test_lines_become_bad(metering):
    for name in ALL:
        metering.disturb(name, "awful")

    assert (
        LINE_QUALITIES["awful"]
        is metering.line.noise
        is metering.pushes["tic"].noise
        is metering.pushes["p1"].noise
    )


async def test_the_site_names_the_meters_that_are_there(metering, tmp_path):
    text = metering.site(0.1)

    assert all(str(tmp_path / f"meter-{name}") in text for name in ALL)
    assert 'profile = "enedis/linky_standard"' in text
    assert "timeout_s = 0.1" in text
    assert "" == SmartMeters((), tmp_path, contract_w=1, rate=1, seed=1).site(0.1)


async def test_the_linky_follows_its_supply_contract(tmp_path):
    tempo = Tariff(contract="tempo", colours=("white", "red"), mode="historique")
    calendar = ContractCalendar(tempo, dt.datetime(2026, 1, 19, 12))  # noqa: DTZ001 - legal time of the place
    found = SmartMeters(("tic",), tmp_path, contract_w=12_000, rate=20, seed=1, calendar=calendar)
    evening = dt.datetime(2026, 1, 19, 20, tzinfo=dt.UTC)
    told = []
    for hours in (0, 12):
        found.publish({"grid.power_w": 2_300.0}, evening + dt.timedelta(hours=hours))
        linky = {said.label: said.value for said in found.linky.telegram().statements}
        told.append((linky["PTEC"], linky["DEMAIN"]))

    assert [("HPJW", "ROUG"), ("HPJR", "----")] == told
    assert 'profile = "enedis/linky_historique"' in found.site(0.1)


async def test_a_line_that_was_bad_before_a_fault_is_as_bad_after_it(metering):
    metering.disturb("p1", "weak")
    metering.fault("p1", "garbage")
    assert GARBAGE_NOISE is metering.pushes["p1"].noise

    metering.clear("p1")
    assert LINE_QUALITIES["weak"] is metering.pushes["p1"].noise


async def test_without_supply_the_meters_are_silent_but_for_those_with_a_battery(metering):
    metering.supply(on=False, backed=("p1",))
    assert (True, False, True) == (
        metering.pushes["tic"].silent,
        metering.pushes["p1"].silent,
        metering.flat2.off,
    )

    metering.supply(on=True)
    assert (False, False) == (metering.pushes["tic"].silent, metering.flat2.off)


def test_a_linky_at_the_connection_is_a_supply_by_itself(metering):
    assert "[supplies.linky]" in metering.site(0.1)
    assert "[supplies.linky]" not in metering.site(0.1, is_grid=True)


def test_a_reversed_linky_shows_no_import_and_counts_on_when_it_is_well(metering):
    def tell(wh, now_s):
        values = {f"grid.power_l{phase}_w": 1_000.0 for phase in (1, 2, 3)}
        now = dt.datetime.fromtimestamp(now_s, dt.UTC)
        metering.publish(values | {"grid.power_w": 3_000.0, "grid.energy_import_wh": wh}, now)
        return metering.linky.state.drawn_va, sum(metering.linky.state.supply_wh)

    tell(0.0, 1_800_000_000)
    metering.fault("tic", "clamps", factor=-1.0)
    tell(0.0, 1_800_000_000)
    drawn_va, at_first_wh = tell(3_000.0, 1_800_003_600)
    assert ((0, 0, 0), 0) == (drawn_va, at_first_wh - tell(3_000.0, 1_800_003_600)[1])

    metering.clear("tic")
    assert ((1_000,) * 3, at_first_wh + 3_000) == tell(6_000.0, 1_800_007_200)
