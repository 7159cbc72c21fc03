"""What is written arrives in the node's own type, stays in its range, and is read back."""

import pytest

from quartier_drivers.errors import Refused

pytestmark = pytest.mark.peer
WRITE = "[points.{}.write]\nlow = {}\nhigh = {}\non_release = {}"


def writable(quantity, name, low=-1e6, high=1e6, release=0.0):
    return {quantity: (name, WRITE.format(quantity, low, high, release))}


async def test_an_order_arrives_and_is_read_back(plant, shared, opened):
    async with opened(plant.url, shared, writable("pump_pct", "Pump", 0.0, 100.0, 100.0)) as ours:
        await ours.open()
        await ours.all("pump_pct")
        await ours.write("pump_pct", 55.0)
        await ours.until(lambda seen: seen["pump_pct"].value == 55.0)

    assert 55.0 == float(plant.ask("get Pump"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SByte", -5),
        ("Byte", 250),
        ("Int16", -30_000),
        ("UInt16", 60_000),
        ("Int32", -70_000),
        ("UInt32", 70_000),
        ("Int64", -(2**40)),
        ("UInt64", 2**40),
        ("Float", 2.5),
        ("Double", 2.5),
    ],
)
async def test_a_number_is_written_in_the_nodes_own_type(plant, shared, opened, name, value):
    quantity = "order_w" if name in ("Float", "Double") else "order_count"
    async with opened(plant.url, shared, writable(quantity, name, -1e15, 1e15)) as ours:
        await ours.open()
        await ours.all(quantity)
        await ours.write(quantity, value)
        await ours.until(lambda seen: seen[quantity].value == value)


async def test_a_switch_is_written_as_a_boolean(plant, shared, opened):
    async with opened(plant.url, shared, writable("run_on", "Boolean", 0, 1)) as ours:
        await ours.open()
        await ours.all("run_on")
        for value in (0.0, 1.0):
            await ours.write("run_on", value)
            await ours.until(lambda seen, value=value: seen["run_on"].value == bool(value))


@pytest.mark.parametrize("value", [9.9, 100.1])
async def test_what_the_nodes_range_forbids_never_reaches_the_server(plant, shared, opened, value):
    """The profile would let it through: the analog item says 10 to 100."""
    async with opened(plant.url, shared, writable("pump_pct", "Pump", 0.0, 1_000.0, 100.0)) as ours:
        await ours.open()
        await ours.all("pump_pct")
        before = plant.writes_count
        with pytest.raises(Refused, match=r"10\.\.100"):
            await ours.write("pump_pct", value)

    assert before == plant.writes_count


async def test_a_server_that_says_no_is_believed(plant, shared, opened):
    async with opened(plant.url, shared, writable("order_w", "Refuses")) as ours:
        await ours.open()
        await ours.all("order_w")
        with pytest.raises(Refused, match="BadOutOfRange"):
            await ours.write("order_w", 7.0)


async def test_what_can_only_be_read_is_refused(plant, shared, opened):
    async with opened(plant.url, shared, writable("order_w", "ReadOnly")) as ours:
        await ours.open()
        await ours.all("order_w")
        with pytest.raises(Refused):
            await ours.write("order_w", 7.0)


async def test_a_yes_that_changes_nothing_is_seen_by_the_next_read(plant, shared, opened):
    async with opened(plant.url, shared, writable("order_w", "Deaf")) as ours:
        await ours.open()
        await ours.all("order_w")
        await ours.write("order_w", 7.0)
        ours.readings.clear()
        seen = await ours.all("order_w")

    assert 5.0 == seen["order_w"].value


async def test_a_release_leaves_what_the_profile_says(plant, shared, opened):
    async with opened(plant.url, shared, writable("pump_pct", "Pump", 0.0, 100.0, 100.0)) as ours:
        await ours.open()
        await ours.all("pump_pct")
        await ours.write("pump_pct", 40.0)
        await ours.driver.release()

    assert 100.0 == float(plant.ask("get Pump"))
