from itertools import pairwise

import pytest

from quartier.control.observe.observations import LastGood
from quartier.control.observe.totals import find_unanswered_assets
from quartier.control.orders.book import find_due_commands, find_release_commands, make_release_reason
from quartier.control.reason import NO_REASON, make_reason, make_text_reason
from quartier.control.records import DesiredValue, Order, OrderBook
from quartier.site.process_image import ProcessImage
from quartier_drivers.contract import Origin
from quartier_drivers.readings import Quality, Reading, make_readings

S = 1_000_000_000
EMPTY = ProcessImage().freeze(0)


def shows(value, t):
    image = ProcessImage()
    image.put(make_readings([Reading("bat1.setpoint_w", value, Quality.GOOD, 0)], t * S))
    return image.freeze(t * S)


def book(value=1000.0):
    return OrderBook({"bat1.setpoint_w": Order(value, 0, NO_REASON)})


def due(want_w, t, frozen=EMPTY, **more):
    _, commands = find_due_commands(
        book(), [DesiredValue("bat1.setpoint_w", want_w, NO_REASON, **more)], frozen, t * S
    )
    return len(commands) == 1


@pytest.mark.parametrize(
    ("want_w", "t", "deadband", "refresh_s", "expected"),
    [
        (1000, 19, 10, 20, False),
        (1000, 20, 10, 20, True),
        (1000, 100, 10, None, False),
        (1009, 1, 10, 20, False),
        (1011, 1, 10, 20, True),
        (1011, 1, 10, None, True),
    ],
)
def test_a_point_is_written_on_change_and_as_a_lease_every_20_s(want_w, t, deadband, refresh_s, expected):
    assert expected is due(want_w, t, deadband=deadband, refresh_s=refresh_s)


@pytest.mark.parametrize(
    ("shown_w", "t", "expected"), [(0, 4, False), (0, 6, True), (1040, 6, False), (1060, 6, True)]
)
def test_what_reads_back_otherwise_is_written_again_after_5_s(shown_w, t, expected):
    assert expected is due(1000, t, shows(shown_w, t))


def _run(wants, shows, upto_s, value=0.0):
    """The seconds at which a point that was ordered ``value`` is written, and what; by what a device shows."""
    found, told = OrderBook({"ev1.current_max_a": Order(value, 0, NO_REASON, since_ns=0)}), []
    for t in range(1, upto_s):
        image, shown = ProcessImage(), shows(t)
        if shown is not None:
            image.put(make_readings([Reading("ev1.current_max_a", shown, Quality.GOOD, 0)], t * S))
        found, commands = find_due_commands(found, [wants(t)], image.freeze(t * S), t * S)
        told += [(t, command.value) for command in commands]
    return told


def _car(value=0.0, **more):
    return lambda _t: DesiredValue("ev1.current_max_a", value, NO_REASON, tighter=-1, **more)


@pytest.mark.parametrize(("value", "back"), [(0.0, 16.0), (6.0, 16.0)])
def test_a_device_that_kept_its_order_and_comes_back_with_more_is_told_at_once(value, back):
    told = _run(_car(value), lambda t: back if t == 23 else value, 30, value=value)

    assert [(20, value), (23, value)] == told


def test_a_device_that_comes_back_with_less_is_given_its_time():
    assert [(20, 16.0), (25, 16.0)] == _run(_car(16.0), lambda t: 6.0 if t >= 23 else 16.0, 29, value=16.0)


def test_a_device_that_draws_against_its_order_is_told_at_once_whatever_it_shows():
    def wants(t):
        return DesiredValue("ev1.current_max_a", 0.0, NO_REASON, tighter=-1, obeys=t not in {23, 24})

    for shown in (0.0, None):
        assert [(20, 0.0), (23, 0.0)] == _run(wants, lambda _t, a=shown: a, 28)


@pytest.mark.parametrize(("more", "counts"), [({}, {6}), ({"refresh_s": None}, {6})])
def test_one_that_never_keeps_its_order_is_told_again_six_times_in_ten_minutes(more, counts):
    """A register that rounds, a device that is late or deaf: refreshes go on, and no more than that."""
    told = _run(_car(6.0, **more), lambda _t: 16.0, 590, value=6.0)
    gaps = [later - sooner for (sooner, _), (later, _) in pairwise(told)]

    assert counts == {gaps.count(5) + 1}
    assert {60.0 if more else 20.0} == set(gaps[5:])


def test_a_value_that_became_less_is_written_within_the_deadband_and_more_is_not():
    found = OrderBook({"pv1.generation_max_w": Order(1_000.0, 0, NO_REASON)})
    told = []
    for t, watts in enumerate([1_004.0, 996.0, 1_000.0, 1_020.0, 995.0, 1_026.0], 1):
        want = DesiredValue("pv1.generation_max_w", watts, NO_REASON, deadband=30.0, tighter=-1)
        found, commands = find_due_commands(found, [want], EMPTY, t * S)
        told += [command.value for command in commands]

    assert [996.0, 995.0, 1_026.0] == told


def test_a_refresh_of_a_limit_with_unchanged_need_keeps_the_value():
    def wants(t):
        return DesiredValue(
            "ev1.current_max_a", 1_000.0 + 4.0 * (t % 2), NO_REASON, deadband=10.0, tighter=-1
        )

    assert {1_000.0} == {value for _, value in _run(wants, lambda _t: None, 100, value=1_000.0)}


def test_why_an_order_was_written_stays_known_until_it_is_written_again():
    first, now, later = (make_text_reason(words) for words in ("first", "now", "later"))
    found, seen = OrderBook(), []
    for t, reason in ((0, first), (1, now), (2, later), (20, later), (21, now), (22, later)):
        want = DesiredValue("ev1.current_max_a", 6.0, reason, refresh_s=20.0, holds=True)
        found, commands = find_due_commands(found, [want], EMPTY, t * S)
        order = found.orders["ev1.current_max_a"]
        seen.append((len(commands), str(order.reason), order.written_reason))

    assert [
        (1, "first", None),
        (0, "now", first),
        (0, "later", first),
        (1, "later", None),
        (0, "now", later),
        (0, "later", None),
    ] == seen


@pytest.mark.parametrize(("shown_w", "expected"), [(600, False), (1600, False), (399, True), (1601, True)])
def test_a_register_that_is_too_coarse_to_hold_it_is_not_written_again_and_again(shown_w, expected):
    steps = {"bat1.setpoint_w": 600.0}
    _, commands = find_due_commands(
        book(), [DesiredValue("bat1.setpoint_w", 1000, NO_REASON)], shows(shown_w, 6), 6 * S, steps
    )

    assert expected is bool(commands)


def test_a_command_carries_expiry_and_reason():
    _, commands = find_due_commands(
        OrderBook(), [DesiredValue("ev1.current_max_a", 6, make_text_reason("because"))], EMPTY, 7 * S
    )

    assert [("ev1.current_max_a", 6, 27 * S, "because")] == [
        (c.point, c.value, c.expires_ns, c.reason) for c in commands
    ]


def test_a_command_says_who_wants_it_and_until_when():
    words = make_text_reason("import cap", Origin("document", "dso", "12", 7), 9000)
    _, commands = find_due_commands(OrderBook(), [DesiredValue("ev1.current_max_a", 6, words)], EMPTY, 7 * S)

    assert [(words.who, 9000)] == [(c.who, c.until_utc_ms) for c in commands]


def test_giving_back_happens_once_until_it_is_wanted_again():
    lost = {"bat1.setpoint_w": make_text_reason("meter lost")}
    after, first, names = find_release_commands(book(), lost, {"bat1.setpoint_w": 0.0}, S)
    after, second, _ = find_release_commands(after, lost, {"bat1.setpoint_w": 0.0}, 2 * S)
    after, _ = find_due_commands(after, [DesiredValue("bat1.setpoint_w", 5, NO_REASON)], EMPTY, 3 * S)
    _, third, _ = find_release_commands(after, lost, {"bat1.setpoint_w": 0.0}, 4 * S)

    assert (["given back: meter lost"], (), [], 1) == ([c.reason for c in first], names, second, len(third))


def test_who_gave_an_order_gives_back_too_and_a_loss_is_the_gateways():
    anna = Origin("person", "anna", "1001")

    assert anna == make_release_reason(make_reason("hand.maintenance", anna, person="anna")).who
    assert Origin("release") == make_release_reason(make_reason("meter.lost")).who


def test_a_release_value_waits_an_hour_for_a_device_that_is_away():
    _, (command,), _ = find_release_commands(
        OrderBook(), {"bat1.setpoint_w": make_text_reason("x")}, {"bat1.setpoint_w": 0.0}, S
    )

    assert 3601 * S == command.expires_ns


def test_giving_back_without_a_value_names_the_point():
    _, commands, names = find_release_commands(OrderBook(), {"bat1.setpoint_w": make_text_reason("x")}, {}, S)

    assert ([], ("bat1.setpoint_w",)) == (commands, names)


def _raised(*values, refreshed_s=20):
    """The book after these orders, one each second, and a refresh."""
    found = OrderBook()
    for t, amperes in enumerate(values):
        found, _ = find_due_commands(
            found, [DesiredValue("ev1.current_max_a", amperes, NO_REASON)], EMPTY, t * S
        )
    found, _ = find_due_commands(
        found, [DesiredValue("ev1.current_max_a", values[-1], NO_REASON)], EMPTY, refreshed_s * S
    )
    return found


@pytest.mark.parametrize(
    ("values", "read_s", "now_s", "expected"),
    [
        ((6, 12), 0, 2, {"ev1"}),
        ((6, 12), 3, 5, {"ev1"}),  # it may not have risen by then
        ((6, 12), 4, 5, set()),
        ((6, 12), 0, 21, set()),  # so long it needs nobody's patience
        ((12, 6), 0, 2, set()),
        ((12,), 0, 2, set()),  # as it was met
        ((6, 12, 8), 0, 3, {"ev1"}),
    ],
)
def test_an_order_that_became_more_waits_for_a_reading_that_can_show_it(values, read_s, now_s, expected):
    memories = {"ev1.power_w": LastGood(4_000, read_s * S)}

    assert expected == find_unanswered_assets(_raised(*values), memories, now_s * S)
    assert set() == find_unanswered_assets(_raised(*values), {}, now_s * S)


@pytest.mark.parametrize(("point", "ordered", "shown"), [("d1.relay_on", 0, 1), ("hp1.sg_ready_state", 2, 3)])
def test_a_position_one_step_from_the_order_is_written_again(point, ordered, shown):
    kept = Order(ordered, 0, NO_REASON, since_ns=0)
    image = ProcessImage()
    image.put(make_readings([Reading(point, shown, Quality.GOOD, 0)], 6 * S))
    wants = [DesiredValue(point, ordered, NO_REASON, refresh_s=None)]
    _, commands = find_due_commands(
        OrderBook({point: kept}), wants, image.freeze(6 * S), 6 * S, steps={point: 1.0}
    )

    assert [ordered] == [command.value for command in commands]
