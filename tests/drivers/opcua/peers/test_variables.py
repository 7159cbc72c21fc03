"""What stands in a variable arrives as its value, quality and age; what is written arrives in the node's own type."""

import math

import pytest

from quartier_drivers.errors import Refused
from quartier_drivers.readings import Quality

pytestmark = pytest.mark.peer
WRITE = "[points.{}.write]\nlow = {}\nhigh = {}\non_release = {}"
TYPED = {
    "boolean_on": ("Boolean", True),
    "sbyte_count": ("SByte", -8),
    "byte_count": ("Byte", 200),
    "int16_count": ("Int16", -1_600),
    "uint16_count": ("UInt16", 65_000),
    "int32_count": ("Int32", -2_000_000_000),
    "uint32_count": ("UInt32", 4_000_000_000),
    "int64_count": ("Int64", -(2**60) - 1),
    "uint64_count": ("UInt64", 2**63 + 1),
    "float_w": ("Float", 1.5),
    "double_w": ("Double", 2.25),
    "string_text": ("String", "grün"),
    "localized_text": ("LocalizedText", "running"),
    "third_count": (("Int32Array", "index = 2"), 3),
    "second_w": (("DoubleArray", "index = 1"), 1.5),
    "one_text": (("StringArray", "index = 0"), "one"),
}


async def test_every_type_arrives_as_its_value(plant, shared, opened):
    async with opened(plant.url, shared, {key: told for key, (told, _) in TYPED.items()}) as ours:
        await ours.open()
        seen = await ours.all(*TYPED)

    assert {key: value for key, (_, value) in TYPED.items()} == {key: one.value for key, one in seen.items()}
    assert {Quality.GOOD} == {one.quality for one in seen.values()}


@pytest.mark.parametrize(
    ("status", "quality"),
    [
        (0x00000000, Quality.GOOD),
        (0x00960000, Quality.GOOD),  # GoodLocalOverride
        (0x808C0000, Quality.BAD),  # BadSensorFailure
        (0x80310000, Quality.BAD),  # BadNoCommunication
    ],
)
async def test_a_status_code_decides_how_good_a_value_is(plant, shared, opened, status, quality):
    plant.put("Double", 7.0, status)
    try:
        async with opened(plant.url, shared, {"double_w": "Double"}) as ours:
            await ours.open()
            seen = await ours.all("double_w")
    finally:
        plant.put("Double", 2.25)

    assert quality == seen["double_w"].quality


async def test_a_value_that_is_no_number_is_bad(plant, shared, opened):
    plant.put("Double", math.nan)
    try:
        async with opened(plant.url, shared, {"double_w": "Double"}) as ours:
            await ours.open()
            seen = await ours.all("double_w")
    finally:
        plant.put("Double", 2.25)

    assert Quality.BAD == seen["double_w"].quality


@pytest.mark.parametrize(("age_s", "quality"), [(4.0, Quality.GOOD), (120.0, Quality.STALE)])
async def test_a_value_is_as_old_as_its_source_says_where_the_profile_goes_by_that(
    plant, shared, opened, age_s, quality
):
    """Each 0.1 s it should be new; more than ten seconds old it no longer counts."""
    plant.put("Double", 7.0, age_s=age_s)
    try:
        async with opened(plant.url, shared, {"double_w": ("Double", 'age_by = "source"')}) as ours:
            await ours.open()
            seen = (await ours.all("double_w"))["double_w"]
            found_s = (ours.clock.now_ns() - seen.taken_ns) / 1e9
    finally:
        plant.put("Double", 2.25)

    assert quality == seen.quality
    assert quality is Quality.STALE or found_s >= age_s


async def test_what_may_not_be_read_or_is_not_there_is_bad_and_the_others_come(plant, shared, opened):
    points = {"double_w": "Double", "hidden_w": "Hidden", "absent_w": "NoSuchVariable"}
    async with opened(plant.url, shared, points) as ours:
        await ours.open()
        seen = await ours.all(*points)

    assert (Quality.GOOD, Quality.BAD, Quality.BAD) == tuple(seen[key].quality for key in points)


async def test_what_changes_is_told(plant, shared, opened):
    async with opened(plant.url, shared, {"many_w": "Many0"}) as ours:
        await ours.open()
        first = (await ours.all("many_w"))["many_w"].value
        await ours.until(lambda seen: seen["many_w"].value > first)


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
