"""Check values of the catalogue of parametrised CRC algorithms, over "123456789"."""

from quartier_sim.meters import telegrams

NINE = b"123456789"


def test_crcs_have_the_values_of_the_catalogue():
    assert 0x906E == telegrams.compute_crc_x25(NINE)
    assert 0x2189 == telegrams.compute_crc_kermit(NINE)
    assert 0xBB3D == telegrams.compute_crc_arc(NINE)


def test_the_sum_of_m_bus_drops_its_carry():
    assert 0x08 == telegrams.compute_byte_sum(bytes.fromhex("08 ff 01"))


def test_the_block_check_of_a_break_is_that_of_the_standard():
    assert ord("q") == telegrams.compute_block_check(b"B0\x03")


def test_the_crc_of_a_published_telegram_holds(shared):
    for name, crc in (("v5", 0x6EEE), ("v42", 0x6796)):
        text = next(iter((shared / "p1").glob(f"*{name}*.txt")), None)
        body = text.read_bytes() if text is not None else b""
        if body.count(b"!") == 1:
            assert crc == telegrams.compute_crc_arc(body[: body.index(b"!") + 1])
