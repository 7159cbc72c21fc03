import pytest

from quartier_sim.devices.simulated_device import SILENCE, Device, Reply
from quartier_sim.modbus.unit import Unit

READ, ANSWER = bytes.fromhex("0300000001"), bytes.fromhex("03020007")
WRITE = bytes.fromhex("0600000009")


class Plain(Device):
    """One register that shows ``power_w`` and takes any write."""

    def __init__(self):
        super().__init__()
        self.units = {1: Unit(accept=lambda _table, _address, words: self.taken.extend(words))}
        self.taken = []
        self.forgot = 0
        self.show({"power_w": 7})

    def show(self, values):
        self.units[1].put("holding", 0, [int(values["power_w"])])

    def forget(self):
        self.forgot += 1


@pytest.fixture
def device():
    return Plain()


def test_a_sound_device_answers_at_once(device):
    assert Reply(ANSWER) == device.answer(1, READ)


def test_off_is_silence_and_forgets(device):
    device.fault("off")

    assert device.off
    assert SILENCE == device.answer(1, READ)
    assert 1 == device.forgot
    device.clear()
    assert Reply(ANSWER) == device.answer(1, READ)


def test_a_silent_device_does_not_obey(device):
    device.fault("silent")

    assert SILENCE == device.answer(1, WRITE)
    assert [] == device.taken


def test_a_device_whose_answers_are_lost_obeys(device):
    device.fault("silent", acts=True)

    assert SILENCE == device.answer(1, WRITE)
    assert [9] == device.taken


def test_a_slow_device_answers_after_its_time(device):
    device.fault("slow", seconds=0.5)

    assert Reply(ANSWER, wait_s=0.5) == device.answer(1, READ)


def test_garbage_is_never_an_answer_to_the_question(device):
    device.fault("garbage")

    for _ in range(9):
        reply = device.answer(1, READ)
        assert reply.noise or reply.pdu[:2] != ANSWER[:2]


def test_garbage_is_the_same_in_every_run(device):
    twin = Plain()
    device.fault("garbage")
    twin.fault("garbage")

    assert [device.answer(1, READ) for _ in range(3)] == [twin.answer(1, READ) for _ in range(3)]


def test_stuck_values_stay_until_the_next_publish_after_it(device):
    device.fault("stuck")
    device.publish({"power_w": 8})
    assert Reply(ANSWER) == device.answer(1, READ)

    device.clear("stuck")
    device.publish({"power_w": 8})
    assert Reply(bytes.fromhex("03020008")) == device.answer(1, READ)


def test_a_wrong_value_is_off_by_its_factor(device):
    device.fault("wrong", factor=10)
    device.publish({"power_w": 7})

    assert Reply(bytes.fromhex("03020046")) == device.answer(1, READ)


def test_every_second_answer_is_late(device):
    device.fault("late", seconds=0.2, every=2)

    assert [Reply(ANSWER), Reply(ANSWER, 0.2, late=True)] == [device.answer(1, READ) for _ in range(2)]


def test_faults_stand_beside_each_other(device):
    device.fault("stuck")
    device.fault("slow", seconds=1)
    device.clear("slow")

    assert {"stuck"} == set(device.faults)


def test_plant_time_never_goes_back(device):
    device.tick(10.0)
    device.tick(9.0)

    assert 10.0 == device.now_s


def test_writes_that_were_taken_are_counted(device):
    device.answer(1, WRITE)
    device.answer(1, bytes.fromhex("0700000009"))

    assert 1 == device.writes_count


def test_an_unplugged_device_answers_nobody_and_lives_on():
    device = Plain()
    device.fault("unplugged")
    device.tick(59.0)

    assert SILENCE == device.answer(1, READ)
    assert (59.0, 0) == (device.now_s, device.forgot)
    device.clear()
    assert ANSWER == device.answer(1, READ).pdu


def test_a_delayed_device_tells_in_time_what_was_some_seconds_ago(device):
    device.fault("delayed", seconds=2)
    seen = []
    for now_s in range(1, 6):
        device.tick(now_s)
        device.publish({"power_w": now_s})
        seen.append(device.answer(1, READ).pdu[-1])

    assert [1, 1, 1, 2, 3] == seen
    device.clear()
    device.publish({"power_w": 9})
    assert 9 == device.answer(1, READ).pdu[-1]


def test_a_loose_contact_is_silent_and_deaf_and_then_well_again(device):
    device.fault("intermittent", seconds=3)
    assert SILENCE == device.answer(1, WRITE)
    device.tick(2.9)
    assert SILENCE == device.answer(1, READ)

    device.tick(3)
    assert Reply(ANSWER) == device.answer(1, READ)
    assert [] == device.taken
