"""What stands in a variable of each type arrives as the value, its quality and its age."""

import math

import pytest

from quartier_drivers.contract import Quality

pytestmark = pytest.mark.peer
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
