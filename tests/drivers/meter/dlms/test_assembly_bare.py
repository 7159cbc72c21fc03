"""APDUs without frames are cut where they end."""

from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import LLC, array, notification, octets, sealed, structure, u32

from quartier_drivers.meter.dlms.assembly import BARE_KEPT_MAX, BareApduSplitter

APDUS = [notification(structure(u32(number), octets(bytes(number)))) for number in (1, 90, 200)]


def cut(data: bytes, size: int = 10_000) -> tuple[list[bytes], BareApduSplitter]:
    bare, made = BareApduSplitter(), []
    for at in range(0, len(data), size):
        bare.add(data[at : at + size])
        made += list(bare.take())
    return [*made, *bare.rest()], bare


@given(
    st.lists(st.sampled_from([*APDUS, sealed(b"\x0f", 1), array(u32(1))]), min_size=1, max_size=6),
    st.sampled_from([LLC, b""]),
    st.integers(1, 300),
)
def test_apdus_one_behind_the_other_are_parted(apdus: list[bytes], head: bytes, size: int) -> None:
    data = b"".join(head + apdu for apdu in apdus)

    assert apdus == cut(data, size)[0]


def test_one_that_is_cut_off_is_counted() -> None:
    made, bare = cut(APDUS[0] + APDUS[1][:-1])

    assert [APDUS[0]] == made
    assert 1 == bare.bad_count


def test_a_wrong_one_costs_what_is_there_up_to_the_next_head() -> None:
    wrong = LLC + APDUS[0][:6] + b"\xee" + APDUS[0][7:]

    assert [APDUS[1]] == cut(wrong + LLC + APDUS[1])[0]


def test_what_is_no_apdu_is_dropped() -> None:
    bare = BareApduSplitter()
    bare.add(b"hello" * 100)

    assert [] == list(bare.take())
    bare.add(bytes(100_000))
    assert not bare._kept


def test_an_apdu_that_never_ends_is_given_up() -> None:
    bare = BareApduSplitter()
    for _ in range(1000):
        bare.add(b"\x0f\0\0\0\0\0\x09\x83\xff\xff\xff" + bytes(245))
        list(bare.take())

    assert len(bare._kept) <= 2 * BARE_KEPT_MAX
