import pytest

from quartier_drivers.meter.tic.labels import HISTORIC, SIZES, STANDARD, UNKNOWN_LABEL

LABELS = [*STANDARD, *HISTORIC]


def test_no_label_ends_in_another_so_that_one_behind_noise_is_found_once():
    assert [] == [
        (long, short) for long in LABELS for short in LABELS if long != short and long.endswith(short)
    ]


def test_the_modes_share_no_label():
    assert set() == STANDARD.keys() & HISTORIC.keys()


def test_every_length_of_a_label_is_tried():
    assert {len(label) for label in LABELS} == set(SIZES)


# Label, what stands before the checksum, and whether the specification allows it.
SHAPES = [
    (STANDARD, b"EAST", b"003519702", True),
    (STANDARD, b"EAST", b"00351970", False),
    (STANDARD, b"EAST", b"00351970p", False),
    (STANDARD, b"STGE", b"003A0001", True),
    (STANDARD, b"STGE", b"003A000G", False),
    (STANDARD, b"NGTF", b"base            ", True),
    (STANDARD, b"NGTF", b"base", False),
    (STANDARD, b"NGTF", b"x" * 17, False),
    (STANDARD, b"MSG1", b"PAS DE          MESSAGE         ", True),
    (STANDARD, b"PJOURF+1", b"0000C001" + b" NONUTILE" * 10, True),
    (STANDARD, b"PJOURF+1", b"0000C001 NONUTILE", False),
    (STANDARD, b"PJOURF+1", b"0000C001 0000C01", False),
    (STANDARD, b"LTARF", b"HEURE `CREUSE", False),
    (STANDARD, b"DATE", b"", True),
    (HISTORIC, b"PTEC", b"HPJR", True),
    (HISTORIC, b"PTEC", b"HXJR", False),
    (HISTORIC, b"OPTARIF", b"BBR(", True),
    (HISTORIC, b"OPTARIF", b"BASE", True),
    (HISTORIC, b"DEMAIN", b"----", True),
    (HISTORIC, b"ADPS", b"035", True),
    (HISTORIC, b"ADCO", b"0200000000pp", False),
]


@pytest.mark.parametrize(("table", "label", "value", "fits"), SHAPES)
def test_a_value_has_the_width_and_the_letters_of_its_label(table, label, value, fits):
    assert fits == bool(table[label].fits(value))


@pytest.mark.parametrize(
    ("label", "fits"), [(b"EA_s", True), (b"U10MN", True), (b"IRMSq", False), (b"", False)]
)
def test_labels_of_larger_meters_are_let_through_but_none_with_a_flipped_bit(label, fits):
    assert fits == bool(UNKNOWN_LABEL(label))
