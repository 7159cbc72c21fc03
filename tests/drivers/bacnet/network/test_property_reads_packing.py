"""Every property is asked for once, and neither request nor answer outgrows its APDU."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_drivers.bacnet.codec.answers import PreparedRead, Ref
from quartier_drivers.bacnet.codec.application_data import encode_element
from quartier_drivers.bacnet.codec.datagrams import encode_field, encode_object_field
from quartier_drivers.bacnet.network.property_reads import (
    ANSWER_HEAD,
    estimate_size,
    find_answer_size,
    pack_refs,
    split_refs,
)
from quartier_native.bacnet import REAL

PRESENT = [Ref(0, number, 85) for number in range(50)]
REFS = st.lists(
    st.builds(
        Ref,
        st.sampled_from([0, 2, 5, 8, 46]),
        st.integers(0, 5),
        st.sampled_from([85, 111, 77, 87, 76, 512, 28]),
        st.sampled_from([-1, -1, 0, 3, 70000]),
    ),
    unique=True,
    max_size=60,
)


def answer_size(refs):
    """An answer in which every value is as long as is likely."""
    size, before = ANSWER_HEAD, None
    for ref in refs:
        size += find_answer_size(ref, estimate_size(ref)) + (7 if ref[:2] != before else 0)
        before = ref[:2]
    return size


@given(
    REFS,
    st.sampled_from([50, 128, 206, 480, 1024, 1476]),
    st.sampled_from([50, 206, 1476]),
    st.sampled_from([0, 1, 7]),
)
def test_packs_hold_each_property_once_and_fit(refs, request_max, answer_max, refs_max):
    packs = pack_refs(refs, request_max=request_max, answer_max=answer_max, refs_max=refs_max)

    assert sorted(refs) == sorted(ref for pack in packs for ref in pack)
    for pack in packs:
        assert 1 == len(pack) or PreparedRead(pack).request.apdu_size <= request_max
        assert 1 == len(pack) or answer_size(pack) <= answer_max
        assert not refs_max or len(pack) <= refs_max


def test_fifty_values_take_one_request_of_a_large_device_and_a_few_of_a_small():
    assert 1 == len(pack_refs(PRESENT, request_max=1476, answer_max=1476))
    assert 5 == len(pack_refs(PRESENT, request_max=206, answer_max=206))
    assert 25 == len(pack_refs(PRESENT, request_max=50, answer_max=50))


def test_what_stands_in_an_answer_is_what_was_reckoned():
    value = encode_element(REAL, 1.5)
    told = b"".join(
        encode_object_field(0, ref)
        + b"\x1e"
        + encode_field(2, ref.property_id)
        + b"\x4e"
        + value
        + b"\x4f\x1f"
        for ref in PRESENT
    )

    assert answer_size(PRESENT) == ANSWER_HEAD + len(told)


def test_properties_of_one_object_stay_together_and_otherwise_in_their_order():
    refs = [Ref(0, 2, 85), Ref(0, 1, 85), Ref(0, 2, 111), Ref(0, 1, 111)]

    assert [(refs[0], refs[2], refs[1], refs[3])] == pack_refs(refs, request_max=1476, answer_max=1476)


@pytest.mark.parametrize(
    ("ref", "size"),
    [
        (Ref(0, 1, 85), 5),
        (Ref(5, 1, 85), 5),
        (Ref(46, 1, 85), 10),
        (Ref(2, 1, 87), 80),
        (Ref(2, 1, 87, 3), 5),
        (Ref(8, 1, 76), 35),
    ],
)
def test_a_value_is_reckoned_by_its_property_and_never_below_an_error(ref, size):
    assert size == estimate_size(ref)


def test_what_was_too_large_is_parted_until_one_is_left():
    assert [(1, 2), (3,)] == split_refs([1, 2, 3])
    assert [(1,)] == split_refs([1])
    assert [] == pack_refs([], request_max=50, answer_max=50)
