"""Two halves of lines that a checksum of six bits takes for one: the order of the frame before shows it."""

from tests.drivers.meter.tic.conftest import BLUE, LINKY, frame, historic, standard

from quartier_drivers.meter.telegrams import Group, Telegram
from quartier_drivers.meter.tic.groups import LineOrder
from quartier_drivers.meter.tic.labels import HISTORIC, STANDARD
from quartier_drivers.meter.tic.push_decoder import TicDecoder


def told(*labels: str, bad_count: int = 0, value: str = "1", meter: str = "041876097319") -> Telegram:
    return Telegram(meter, tuple(Group(label, value) for label in labels), bad_count)


def labels(telegram: Telegram) -> list[str]:
    return [group.label for group in telegram.groups]


def test_a_group_before_a_hole_that_nothing_explains_is_left_out_and_the_frame_is_not_whole() -> None:
    order = LineOrder()
    order.checked(told("ADSC", "IRMS1", "URMS1", "SINSTS"))
    spliced = order.checked(told("ADSC", "IRMS1", "SINSTS", value="2"))

    assert ["ADSC", "SINSTS"] == labels(spliced)
    assert (1, False) == (spliced.bad_count, spliced.is_whole)


def test_a_refused_line_explains_a_hole() -> None:
    order = LineOrder()
    order.checked(told("ADSC", "IRMS1", "URMS1", "SINSTS"))

    assert 3 == len(order.checked(told("ADSC", "IRMS1", "SINSTS", bad_count=1, value="2")).groups)


def test_a_group_that_says_what_it_said_stays() -> None:
    order = LineOrder()
    order.checked(told("ADSC", "IRMS1", "URMS1", "SINSTS"))

    assert ["ADSC", "IRMS1", "SINSTS"] == labels(order.checked(told("ADSC", "IRMS1", "SINSTS")))


def test_a_label_that_was_never_stated_is_the_splice_itself() -> None:
    order = LineOrder()
    order.checked(told("ADSC", "EASF06", "EASF07", "EASF08"))

    assert ["ADSC", "EASF06"] == labels(order.checked(told("ADSC", "EASF06", "EASF07SF08", value="2")))


def test_a_warning_that_is_over_costs_its_neighbour_one_frame_at_most() -> None:
    order = LineOrder()
    order.checked(told("ADCO", "IINST", "ADPS", "IMAX"))

    assert ["ADCO", "IMAX"] == labels(order.checked(told("ADCO", "IINST", "IMAX", value="2")))
    assert ["ADCO", "IINST", "IMAX"] == labels(order.checked(told("ADCO", "IINST", "IMAX", value="3")))
    short = told("ADIR1", "ADCO", "IINST1", value="4")
    assert short is order.checked(short), "the short frames of an over-current leave out most"


def test_another_meter_is_learnt_anew() -> None:
    order = LineOrder()
    order.checked(told("ADSC", "IRMS1", "URMS1", "SINSTS"))

    assert 2 == len(order.checked(told("ADSC", "IRMS1", value="2", meter="041876000000")).groups)


def test_a_line_that_lost_any_stretch_tells_only_what_was_said() -> None:
    for whole, known in (
        (frame(*LINKY, standard("EAIT", "000003626")), STANDARD),
        (frame(*BLUE, historic("MOTDETAT", "000000")), HISTORIC),
    ):
        said = {(group.label, group.value) for one in TicDecoder().feed(whole) for group in one.groups}
        for start in range(0, len(whole), 3):
            for size in (1, 8, 14, 15, 16, 17, 31, 40):
                decoder = TicDecoder()
                stream = whole + whole[:start] + whole[start + size :] + whole
                found = [*decoder.feed(stream), *decoder.end()]
                told = {(group.label, group.value) for one in found for group in one.groups}
                assert {(label, value) for label, value in told - said if label.encode() in known} == set()
