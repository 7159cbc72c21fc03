"""The native reader reads what the codec reads, for whatever a profile may say."""

import struct
from array import array
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.device_profile.schema import WIDTHS, Point
from quartier_drivers.native_fields import make_field, make_void_field
from quartier_drivers.readings import Quality
from quartier_drivers.register_codec import make_decoder
from quartier_native import BAD, ELSEWHERE, GOOD, LEFT, Registers

ORDERS = st.sampled_from(["high-first", "low-first"])
QUANTITIES = ["power_w", "start_count", "relay_on", "mode_text"]
WORDS = st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x1234, 0x7FC0, 0x7F80, 0x4049, 0x0FDB])


@st.composite
def points(draw: st.DrawFn) -> tuple[str, Point]:
    type_name = draw(st.sampled_from(sorted(WIDTHS)))
    keys: dict[str, Any] = {
        "register": "holding:0",
        "type": type_name,
        "words": draw(ORDERS),
        "bytes": draw(ORDERS),
        "scale": draw(st.sampled_from([1.0, 0.1, 0.01, 1000.0, 2.5, 1 / 3, 1e12])),
        "offset": draw(st.sampled_from([0.0, 0.0, -273.15, 40.0])),
        "sign": draw(st.sampled_from([1, -1])),
        "absent": draw(st.lists(st.sampled_from([0x8000, 0xFFFF]), max_size=2)),
        "low": draw(st.sampled_from([None, -100.0])),
        "high": draw(st.sampled_from([None, 1e6])),
        "sum_of": draw(st.sampled_from([1, 1, 3])),
    }
    if draw(st.booleans()) and type_name.startswith(("int", "uint")):
        keys |= {"bits": [draw(st.integers(0, 3)), draw(st.integers(4, 15))], "sum_of": 1}
    if type_name == "bool":
        keys["sum_of"] = 1
    quantity = draw(st.sampled_from(QUANTITIES))
    if quantity == "mode_text":
        keys |= {"type": "uint16", "values": {"0": "idle", "1": "charging"}, "sum_of": 1}
    return quantity, Point.model_validate(keys)


@given(points(), st.integers(-3, 3), st.data())
def test_the_native_reader_reads_what_the_codec_reads_or_leaves_it(
    named: tuple[str, Point], power: int, data: st.DataObject
) -> None:
    quantity, point = named
    words = data.draw(
        st.lists(st.one_of(WORDS, st.integers(0, 0xFFFF)), min_size=point.width, max_size=point.width)
    )
    answer = struct.pack(f">3H{len(words)}H", 1, 2, 3, *words)
    values, qualities = Registers([make_field(quantity, point, 3, power)]).read(answer, array("d", [7.0]))

    value, quality = make_decoder(quantity, point)(words, power)
    if qualities[0] == LEFT:
        assert [7.0] == list(values)
    elif quality is Quality.GOOD:
        assert (float(value or 0), GOOD) == (values[0], qualities[0])
    else:
        assert (7.0, BAD) == (values[0], qualities[0])


def test_only_texts_and_odd_floats_are_left_from_the_start() -> None:
    def left(quantity: str, **keys: Any) -> bool:
        point = Point.model_validate({"register": "holding:0"} | keys)
        return make_field(quantity, point, 0).form == ELSEWHERE

    assert left("name_text", type="string", length=4)
    assert left("temperature_c", type="float32", offset=-273.15)
    assert left("power_w", type="float64", scale=2.5)
    assert not left("power_w", type="float32", scale=1000.0, sign=-1)
    assert not left("power_w", type="float32", scale=2.5)
    assert not left("energy_import_wh", type="uint64", scale=0.1)
    assert not left("power_w", type="int16", sum_of=3, scale=0.1, offset=3.5)
    assert not left("relay_on", register="coil:4")


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.data())
def test_a_coil_is_the_bit_at_its_place(coils: list[bool], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(coils) - 1))
    packed = sum(coil << at for at, coil in enumerate(coils)).to_bytes(5, "little")
    relay = Point.model_validate({"register": "coil:100"})

    values, _ = Registers([make_field("relay_on", relay, place)]).read(packed, array("d", [7.0]))
    assert float(coils[place]) == values[0]


@given(st.binary(min_size=8, max_size=8))
def test_what_has_no_scale_factor_is_bad_whatever_stands_there(data: bytes) -> None:
    assert bytes([BAD]) == Registers([make_void_field(1)]).read(data, array("d", [3.0]))[1]
