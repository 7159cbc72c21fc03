"""A SunSpec device is polled by what its profile names and it has."""

import pytest
from tests.drivers.sunspec.conftest import chain_of

from quartier_drivers import registry
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading
from quartier_drivers.modbus.bus_section import TcpBus
from quartier_drivers.readings import Quality

COMMON = {"ID": 1, "Mn": "Solar Co", "Md": "X1", "SN": "1", "Vr": "1.0"}
OLD = {"ID": 103, "W": 1234, "W_SF": 0, "Hz": 5001, "Hz_SF": -2, "PhVphA": 2301, "V_SF": -1, "St": 4}
NEW = {"ID": 701, "W": 2468, "W_SF": 0, "Hz": 50010, "Hz_SF": -3, "TotWhInj": 123456789012, "TotWh_SF": 0}
SPEC = DeviceSpec("inverter", 1, {"": "pv1"})


@pytest.fixture
async def opened(inverter, clock):
    """Makes a driver of a profile for the device and reads all that it tells."""
    bus = TcpBus(
        kind="modbus-tcp", host="127.0.0.1", port=inverter.server.port, timeout_s=0.5, retries_count=0
    )
    factory = registry.load_factory("modbus-tcp", "sunspec")
    line = factory.line("lan", bus, clock)

    async def make(name="sunspec/inverter", spec=SPEC):
        driver = factory.driver(line, spec, loading.load_profile(name), clock)
        identity = await driver.open()
        return driver, identity

    yield make
    await line.close()


async def told(driver, reads=12):
    found = {}
    for _ in range(reads):
        found |= {reading.point: reading for reading in await driver.read()}
    return found


async def test_it_says_who_it_is(opened, inverter):
    inverter.words = chain_of([COMMON, OLD])

    _, identity = await opened()

    assert {"maker": "Solar Co", "model": "X1", "serial": "1", "firmware": "1.0"} == identity


@pytest.mark.parametrize(
    ("power_w", "models"), [(-1234.0, [COMMON, OLD]), (-2468.0, [COMMON, NEW]), (-2468.0, [COMMON, OLD, NEW])]
)
async def test_the_first_that_the_device_has_is_taken(opened, inverter, power_w, models):
    inverter.words = chain_of(models)
    driver, _ = await opened()

    assert power_w == (await told(driver))["pv1.power_w"].value


async def test_an_alternative_that_says_nothing_is_passed_over(opened, inverter):
    inverter.words = chain_of([COMMON, OLD, {"ID": 701, "W_SF": 0}])
    driver, _ = await opened()

    assert -1234.0 == (await told(driver))["pv1.power_w"].value


async def test_counters_of_64_bits_and_texts_come_through(opened, inverter):
    inverter.words = chain_of([COMMON, OLD, NEW])
    driver, _ = await opened()
    found = await told(driver)

    assert 123456789012.0 == found["pv1.energy_export_wh"].value
    assert "mppt" == found["pv1.inverter_text"].value
    assert 230.1 == found["pv1.voltage_l1_v"].value


async def test_what_the_device_has_not_comes_once_as_bad(opened, inverter):
    inverter.words = chain_of([COMMON, {"ID": 201, "W": 1, "W_SF": 0}])
    driver, _ = await opened("sunspec/inverter")

    first = await driver.read()

    assert set(driver.points) == {reading.point for reading in first}
    assert {Quality.BAD} == {reading.quality for reading in first}
    assert {"the device has none"} == {reading.raw for reading in first}
    assert 0 == len(await driver.read())


async def test_a_scale_factor_that_is_not_implemented_makes_its_point_bad(opened, inverter):
    inverter.words = chain_of([COMMON, {"ID": 103, "W": 12, "Hz": 5000, "Hz_SF": -2}])
    driver, _ = await opened()
    found = await told(driver)

    assert Quality.BAD is found["pv1.power_w"].quality
    assert 50.0 == found["pv1.frequency_hz"].value


async def test_a_device_that_refuses_long_reads_is_polled_in_short_ones(opened, inverter):
    inverter.words = chain_of([COMMON, OLD, NEW])
    inverter.longest = 20
    driver, _ = await opened()

    assert -2468.0 == (await told(driver, 40))["pv1.power_w"].value


async def test_points_are_known_without_the_wire(clock):
    driver = registry.load_factory("modbus-tcp", "sunspec").driver(
        registry.load_factory("modbus-tcp").line("x", TcpBus(kind="modbus-tcp", host="127.0.0.1"), clock),
        DeviceSpec("inverter", 7, {"": "pv1"}, {"": frozenset({"power_w"})}),
        loading.load_profile("sunspec/inverter"),
        clock,
    )

    assert ["pv1.power_w"] == list(driver.points)
    assert "7/701.W|103.W|" in driver.points["pv1.power_w"].address
    assert 1.0 == driver.points["pv1.power_w"].period_s


async def test_what_is_read_by_itself_is_told_with_the_same_layout_each_time(opened, inverter, clock):
    inverter.words = chain_of(
        [
            COMMON,
            OLD,
            {"ID": 121, "WMax": 5000, "WMax_SF": 0},
            {"ID": 123, "WMaxLimPct": 50, "WMaxLim_Ena": 1, "WMaxLimPct_SF": 0},
        ]
    )
    driver, _ = await opened("sunspec/pv")
    layouts = set()
    for _ in range(40):
        clock.move(1)
        readings = await driver.read()
        if [one.point for one in readings] == ["pv1.generation_max_w"]:
            assert 2500.0 == readings[0].value
            layouts.add(readings.layout)

    assert 1 == len(layouts)
