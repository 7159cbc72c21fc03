"""A device with one quirk hears, keeps, forgets and settles as its quirk says."""

import asyncio

import pytest

from quartier_sim.modbus.quirks import QuirkyDevice, make_plain_unit, make_quirk

READ = bytes.fromhex("03 0010 0001")
WRITE = bytes.fromhex("06 0010 0007")


def pdus(odd: QuirkyDevice, pdu: bytes, unit: int = 1) -> list[str]:
    return [one.pdu.hex() for one in odd.hear(unit, pdu)]


async def test_registers_tell_their_own_address_and_keep_what_is_written() -> None:
    odd = QuirkyDevice({1: make_plain_unit()})

    assert ["03020010"] == pdus(odd, READ)
    assert ["060010" + "0007"] == pdus(odd, WRITE)
    assert ["03020007"] == pdus(odd, READ)
    assert ["8602"] == pdus(odd, bytes.fromhex("06 FFFF 0001"))
    assert [(1, READ), (1, WRITE), (1, READ)] == odd.asked[:3]


async def test_a_quirk_lasts_so_many_answers() -> None:
    odd = QuirkyDevice({1: make_plain_unit()}, make_quirk("busy"), left=2)

    assert [["8306"], ["8306"], ["03020010"]] == [pdus(odd, READ) for _ in range(3)]


async def test_who_answers_for_units_that_are_not_there() -> None:
    assert [] == pdus(QuirkyDevice({1: make_plain_unit()}), READ, unit=9)
    assert ["830b"] == pdus(QuirkyDevice({1: make_plain_unit()}, make_quirk("absent-answered")), READ, unit=9)
    assert ["8304"] == pdus(
        QuirkyDevice({1: make_plain_unit()}, make_quirk("absent-answered", code=4)), READ, unit=9
    )
    assert ["03020010"] == pdus(QuirkyDevice({1: make_plain_unit()}, make_quirk("every-unit")), READ, unit=9)


@pytest.mark.parametrize(("name", "first"), [("write-pause", WRITE), ("frame-pause", READ)])
async def test_a_device_that_needs_a_pause_is_deaf_until_then(name: str, first: bytes) -> None:
    odd = QuirkyDevice({1: make_plain_unit()}, make_quirk(name, seconds=3600))

    assert pdus(odd, first)
    assert [] == pdus(odd, READ)
    assert 1 == odd.deaf_count


async def test_a_write_shows_when_it_has_settled() -> None:
    odd = QuirkyDevice({1: make_plain_unit()}, make_quirk("settles-late", seconds=0.01))

    assert ["060010" + "0007"] == pdus(odd, WRITE)
    assert ["03020010"] == pdus(odd, READ)
    (settling,) = odd._settling
    await settling
    assert ["03020007"] == pdus(odd, READ)


async def test_what_has_not_settled_is_lost_at_the_end() -> None:
    odd = QuirkyDevice({1: make_plain_unit()}, make_quirk("settles-late", seconds=3600))
    pdus(odd, WRITE)
    (settling,) = odd._settling
    odd.quit()

    with pytest.raises(asyncio.CancelledError):
        await settling


def test_a_quirk_that_is_not_in_the_table_is_none() -> None:
    with pytest.raises(KeyError):
        make_quirk("wrong-mood")
