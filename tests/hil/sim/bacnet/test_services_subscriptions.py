import math

from quartier_sim.bacnet.objects import BacnetObject
from quartier_sim.bacnet.services import SubscriptionList

CLIENT = (("127.0.0.1", 47808), 7)


def made(increment=0.5, value=20.0):
    thing = BacnetObject("analog-input", 1, "Air", value=value, cov_increment=increment)
    return thing, {thing.key: thing}


def told(subscriptions, things, now_s=0.0):
    return [one.value for _, one in subscriptions.due(things, now_s)]


def test_whoever_subscribes_is_told_at_once_and_then_of_changes_by_the_increment():
    thing, things = made()
    wanted = SubscriptionList(5)
    wanted.put(CLIENT, thing.key, is_confirmed=False, ends_s=60)

    assert [20.0] == told(wanted, things)
    thing.show(20.4)
    assert [] == told(wanted, things)
    thing.show(20.5)
    assert [20.5] == told(wanted, things)


def test_a_fault_is_told_though_the_value_stands():
    thing, things = made()
    wanted = SubscriptionList(5)
    wanted.put(CLIENT, thing.key, is_confirmed=False, ends_s=60)
    told(wanted, things)
    thing.is_faulty = True

    assert [20.0] == told(wanted, things)


def test_a_subscription_ends_without_a_word():
    thing, things = made()
    wanted = SubscriptionList(5)
    wanted.put(CLIENT, thing.key, is_confirmed=False, ends_s=60)
    told(wanted, things)
    thing.show(30.0)

    assert [] == told(wanted, things, 60)
    assert 0 == len(wanted)


def test_asking_again_begins_anew_and_dropping_ends_it():
    thing, things = made()
    wanted = SubscriptionList(5)
    wanted.put(CLIENT, thing.key, is_confirmed=False, ends_s=60)
    told(wanted, things, 0)
    wanted.put(CLIENT, thing.key, is_confirmed=True, ends_s=90)
    assert [20.0] == told(wanted, things, 30)
    wanted.drop(CLIENT, thing.key)
    assert 0 == len(wanted)


def test_there_is_room_for_so_many():
    thing, _ = made()
    wanted = SubscriptionList(1)
    assert wanted.put(CLIENT, thing.key, is_confirmed=False, ends_s=60)
    assert not wanted.put((CLIENT[0], 8), thing.key, is_confirmed=False, ends_s=60)
    wanted.clear()
    assert wanted.put((CLIENT[0], 8), thing.key, is_confirmed=False, ends_s=60)


def test_the_seconds_that_are_left_are_told_and_none_without_an_end():
    thing, things = made(increment=None)
    wanted = SubscriptionList(5)
    wanted.put(CLIENT, thing.key, is_confirmed=False, ends_s=60)
    wanted.put((CLIENT[0], 8), thing.key, is_confirmed=False, ends_s=math.inf)

    assert [35, 0] == [one.left_s(25) for one, _ in wanted.due(things, 25)]
    assert [] == told(wanted, things, 26)
    thing.show(20.1)
    assert [20.1, 20.1] == told(wanted, things, 27)
