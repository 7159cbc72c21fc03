from datetime import datetime

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.building_controllers import RoomController, VentilationUnit
from quartier_sim.bacnet.objects import P
from quartier_sim.bacnet.services import Capabilities
from quartier_sim.devices.simulated_device import SILENCE

ME = ("127.0.0.1", 47900)
WHO_IS = bytes([0x10, encoding.WHO_IS])


def context(number, value):
    return encoding.encode_tagged(number, encoding.encode_whole(value), context=True)


def read(station, kind, instance, name, index=None):
    data = encoding.encode_tagged(0, encoding.pack_identifier(kind, instance), context=True) + context(
        1, P[name]
    )
    data += b"" if index is None else context(2, index)
    return station.answer_confirmed(bytes([0, 5, 1, encoding.READ_PROPERTY]) + data, ME)


def subscribe(station, kind, instance, confirmed=0, lasts_s=60):
    data = context(0, 7) + encoding.encode_tagged(1, encoding.pack_identifier(kind, instance), context=True)
    data += context(2, confirmed) + context(3, lasts_s)
    return station.answer_confirmed(bytes([0, 5, 1, encoding.SUBSCRIBE_COV]) + data, ME)


def test_it_says_who_it_is_to_whoever_means_it():
    room = RoomController(301, habits=Capabilities(apdu_max=206))
    everyone, mine, others = (
        WHO_IS,
        WHO_IS + context(0, 300) + context(1, 310),
        WHO_IS + context(0, 1) + context(1, 9),
    )

    assert (
        bytes.fromhex("1000 C40200012D 21CE 9103 2203E7")
        == room.answer_unconfirmed(everyone)
        == room.answer_unconfirmed(mine)
    )
    assert room.answer_unconfirmed(others) is None
    assert room.answer_unconfirmed(WHO_IS + b"\x0d") is None
    assert room.answer_unconfirmed(bytes([0x10, 6])) is None


def test_its_object_list_names_itself_and_all_it_has():
    room = RoomController(301, sensors_count=3)
    got = read(room, 8, 301, "object-list", 0).pdu

    assert encoding.encode_wrapped(3, encoding.encode_unsigned(7)) == got[-4:]
    assert encoding.encode_identifier(8, 301) in read(room, 8, 301, "object-list", 1).pdu


def test_its_clock_goes_with_the_plant():
    unit = VentilationUnit(epoch=datetime(2026, 6, 12, 15))  # noqa: DTZ001 - a device's local time
    unit.tick(90.0)

    assert datetime(2026, 6, 12, 15, 1, 30) == unit.local_time  # noqa: DTZ001 - the same


def test_changes_are_told_while_the_subscription_lasts():
    room = RoomController(301)
    subscribe(room, 0, 2)
    ((_, body),) = room.news()
    assert (
        encoding.encode_wrapped(
            4,
            context(0, 85)
            + encoding.encode_wrapped(2, encoding.encode_real(24.0))
            + context(0, 111)
            + encoding.encode_wrapped(2, encoding.encode_bits([0] * 4)),
        )
        in body
    )
    assert body.startswith(
        context(0, 7) + encoding.encode_tagged(1, encoding.pack_identifier(8, 301), context=True)
    )

    room.publish({"room_c": 25.0})
    assert 1 == len(list(room.news()))
    room.tick(60.0)
    room.publish({"room_c": 26.0})
    assert [] == list(room.news())
    assert 2 == room.notifications_count


def test_listeners_hear_of_what_the_plant_and_time_change():
    room = RoomController(301)
    heard = []
    room.listeners.append(lambda: heard.append(room.now_s))
    room.publish({"room_c": 25.0})
    room.tick(5.0)

    assert [0.0, 5.0] == heard


def test_without_power_or_with_its_cable_out_it_says_nothing_at_all():
    for kind in ("off", "unplugged", "silent"):
        room = RoomController(301)
        subscribe(room, 0, 2)
        room.fault(kind)

        assert SILENCE == read(room, 0, 1, "present-value")
        assert room.answer_unconfirmed(WHO_IS) is None
        assert [] == list(room.news())


def test_a_loss_of_power_takes_orders_and_subscriptions():
    unit = VentilationUnit()
    subscribe(unit, 0, 1)
    unit.limit.commands.put(40.0, 10, 0.0)
    unit.fault("off")

    assert 0 == len(unit.service.subscriptions)
    assert 100.0 == unit.orders()["speed_pct"]


def test_one_that_obeys_in_silence_takes_the_write():
    unit = VentilationUnit()
    unit.fault("silent", acts=True)
    data = (
        encoding.encode_tagged(0, encoding.pack_identifier(2, 2), context=True)
        + context(1, 85)
        + encoding.encode_wrapped(3, encoding.encode_real(40.0))
    )

    assert SILENCE == unit.answer_confirmed(bytes([0, 5, 1, encoding.WRITE_PROPERTY]) + data, ME)
    assert (40.0, 1) == (unit.orders()["speed_pct"], unit.writes_count)


def test_slow_late_and_garbage_are_as_with_every_device():
    room = RoomController(301)
    room.fault("slow", seconds=0.5)
    assert (0.5, False) == ((one := read(room, 0, 1, "present-value")).wait_s, one.late)
    room.clear()
    room.fault("late", seconds=0.5)
    assert (0.5, True) == ((one := read(room, 0, 1, "present-value")).wait_s, one.late)
    room.clear()
    room.fault("garbage")
    replies = [read(room, 0, 1, "present-value") for _ in range(3)]
    assert [False, False, True] != [one.noise for one in replies]
    assert 1 == sum(one.noise for one in replies)
    assert {1, 1 ^ 0x55} == {one.pdu[1] for one in replies if not one.noise}


def test_stuck_wrong_and_delayed_change_what_it_shows():
    room = RoomController(301)
    room.fault("wrong", factor=10.0)
    room.publish({"power_w": 50.0})
    assert 500.0 == room.power.value
    room.fault("stuck")
    room.publish({"power_w": 70.0})
    assert 500.0 == room.power.value
    room.clear()
    room.fault("delayed", seconds=10)
    room.publish({"power_w": 1.0})
    room.tick(5.0)
    room.publish({"power_w": 2.0})
    assert 1.0 == room.power.value
