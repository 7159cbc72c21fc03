"""pysunspec2's client reads the rig's images: every model of its files, every point, both generations."""

import math

import pytest

from quartier_sim.modbus.endpoints import serve_pty, serve_tcp
from quartier_sim.sunspec import model_layout, random_models
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.measurements import SunSpecMeter
from quartier_sim.sunspec.pv_inverter import SolarInverter
from quartier_sim.sunspec.sunspec_device import SunSpecDevice

pytestmark = pytest.mark.peer


def _alike(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9)
    return one == other


def differing(device, told):
    """Points that the client reads otherwise than they were put in, and models it complains of."""
    image = device.image
    complaints = [model for model in told["models"] if model[3]]
    wanted = {cell.path: image.get(cell.path) for cell in image}
    assert wanted.keys() == told["points"].keys()
    wrong = [
        (path, value, told["points"][path][0])
        for path, value in wanted.items()
        if not _alike(value, told["points"][path][0])
    ]
    for path, value in wanted.items():
        if isinstance(value, int) and (scaled := told["points"][path][1]) is not None:
            mine = image.number(path)
            # It rounds what it has scaled to the digits of the scale factor.
            if not math.isclose(mine, scaled, rel_tol=1e-12, abs_tol=1e-9):
                wrong.append((path, mine, scaled))
    return complaints + wrong


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "numbers", [random_models.FIRST_GENERATION, random_models.SECOND_GENERATION], ids=["1xx", "7xx"]
)
async def test_every_value_of_both_generations_reads_alike_on_tcp(sunspec_client, numbers, seed):
    device = SunSpecDevice(random_models.generate_models(numbers, seed))
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)

    assert [] == differing(device, client.told)
    assert list(numbers) == [model[0] for model in client.told["models"]]


@pytest.mark.parametrize(
    "numbers", [random_models.FIRST_GENERATION, random_models.SECOND_GENERATION], ids=["1xx", "7xx"]
)
async def test_every_value_reads_alike_on_a_serial_line(sunspec_client, numbers, tmp_path):
    device = SunSpecDevice(random_models.generate_models(numbers, 7), unit=9)
    async with await serve_pty(device, tmp_path / "rs485") as endpoint:
        client = await sunspec_client(endpoint, 9)

    assert [] == differing(device, client.told)


async def test_every_model_that_there_is_reads_alike(sunspec_client):
    numbers = [number for number in model_layout.list_models() if number != 1]
    device = SunSpecDevice(random_models.generate_models([1, *numbers], 3), habits=["base-0"])
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)

    assert [] == differing(device, client.told)
    assert 100 < len(client.told["models"])


@pytest.mark.parametrize(
    ("habits", "base"),
    [(["base-0"], 0), (["base-50000"], 50_000), (["short-common"], 40_000), (["end-without-length"], 40_000)],
)
async def test_the_client_finds_devices_at_each_base_and_with_old_heads(sunspec_client, habits, base):
    device = SunSpecDevice(random_models.generate_models(random_models.FIRST_GENERATION, 5), habits=habits)
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)

    assert base == client.told["base"]
    assert [] == differing(device, client.told)


async def test_a_device_that_refuses_long_reads_is_read_in_short_ones(sunspec_client):
    device = SunSpecDevice(
        random_models.generate_models(random_models.SECOND_GENERATION, 6), habits=["short-reads=20"]
    )
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint, words_max=20)

    assert [] == differing(device, client.told)


async def test_several_models_of_one_number_stand_apart(sunspec_client):
    device = SunSpecDevice(random_models.generate_models([1, 803, 804, 804, 804], 8))
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)

    assert [] == differing(device, client.told)
    assert client.told["points"]["804#2.SoC"][0] == device.image.get("804#2.SoC")


@pytest.mark.parametrize("generation", ["1xx", "7xx"])
@pytest.mark.parametrize("kind", [BatteryInverter, SolarInverter])
async def test_devices_with_behaviour_read_alike(sunspec_client, kind, generation):
    device = kind(generation)
    device.publish({"power_w": -1234.0, "energy_export_wh": 5_000_000_123.0})
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)

    assert [] == differing(device, client.told)
    ac = "701" if generation == "7xx" else "103"
    assert 1234 == client.told["points"][f"{ac}.W"][1]
    if generation == "7xx":
        assert 5_000_000_123 == client.told["points"]["701.TotWhInj"][1]


@pytest.mark.parametrize("number", [201, 203, 211, 213])
async def test_meters_show_import_as_plus(sunspec_client, number):
    device = SunSpecMeter(number)
    device.publish({"power_w": 3210.0, "energy_import_wh": 7654.0})
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)

    assert [] == differing(device, client.told)
    assert (3210, 7654) == tuple(client.told["points"][f"{number}.{name}"][1] for name in ("W", "TotWhImp"))


async def test_the_client_orders_a_battery_of_the_second_generation(sunspec_client):
    device = BatteryInverter("7xx")
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)
        told = await client.orders(
            [("704.WSet", -1500), ("704.WSetEnaRvrt", 1), ("704.WSetRvrtTms", 60), ("704.WSetEna", 1)]
        )

    assert (-1500, 60, 60) == tuple(
        told["points"][f"704.{name}"][1] for name in ("WSet", "WSetRvrtTms", "WSetRvrtRem")
    )
    assert 1500.0 == device.orders()["setpoint_w"]


async def test_the_client_orders_a_battery_of_the_first_generation(sunspec_client):
    device = BatteryInverter("1xx")
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)
        await client.orders(
            [("124.InWRte", -40), ("124.OutWRte", 40), ("124.InOutWRte_RvrtTms", 60), ("124.StorCtl_Mod", 3)]
        )

    assert -2000.0 == device.orders()["setpoint_w"]


async def test_what_the_map_does_not_let_write_is_refused(sunspec_client):
    device = BatteryInverter("7xx")
    async with await serve_tcp(device) as endpoint:
        client = await sunspec_client(endpoint)
        told = await client.orders([("704.WSetRvrtRem", 5)])

    assert "exception" in told["refused"].lower()
