"""The own points of a bus: numbers, and texts where its line has some."""

from types import SimpleNamespace

from quartier.runtime.bus.device_health import BusReport, DeviceHealth
from quartier_drivers.contract import PointInfo
from quartier_drivers.readings import Quality, Reading

S = 1_000_000_000


class Line:
    def __init__(self):
        self.stats = {"requests_count": 3.0}


class TalkingLine:
    def __init__(self):
        self.stats = {"bad_pct": 12.5, "silent_on": True}
        self.texts = {"advice_text": "look at the cable"}


def find_points(account, now_s, *, online=True):
    return {one.point: (one.value, one.quality) for one in account.report(now_s * S, online=online)}


def test_each_report_has_the_idle_share_and_the_longest_delay():
    account = BusReport("lan", Line(), {}, 0)
    account.add_idle_time(6 * S)
    account.late(2 * S)
    account.late(1 * S)

    assert {
        "lan.online_on": (True, Quality.GOOD),
        "lan.slack_pct": (60.0, Quality.GOOD),
        "lan.lateness_s": (2.0, Quality.GOOD),
        "lan.requests_count": (3, Quality.GOOD),
    } == find_points(account, 10)
    assert (0.0, 0.0) == (
        find_points(account, 20)["lan.slack_pct"][0],
        find_points(account, 30)["lan.lateness_s"][0],
    )


def test_a_share_of_less_than_five_seconds_is_bad():
    account = BusReport("lan", Line(), {}, 0)

    assert Quality.BAD is find_points(account, 4)["lan.slack_pct"][1]


def test_time_without_a_line_does_not_count_as_busy_time():
    account = BusReport("lan", Line(), {}, 0)
    assert Quality.BAD is find_points(account, 10, online=False)["lan.slack_pct"][1]

    account.start_period(18 * S)
    account.add_idle_time(8 * S)
    assert Quality.BAD is find_points(account, 20)["lan.slack_pct"][1]
    assert (80.0, Quality.GOOD) == find_points(account, 28)["lan.slack_pct"]


def test_a_line_with_words_has_them_as_texts():
    account = BusReport("tic0", TalkingLine(), {}, 0)
    found = find_points(account, 10)

    assert ("look at the cable", Quality.GOOD) == found["tic0.advice_text"]
    assert (12.5, True) == (found["tic0.bad_pct"][0], found["tic0.silent_on"][0])
    assert account.points == tuple(found)
    assert "look at the cable" == account.advice
    assert "" == BusReport("lan", Line(), {}, 0).advice


def test_the_layout_stays():
    account = BusReport("lan", Line(), {}, 0)

    assert account.report(S, online=True).layout is account.report(2 * S, online=False).layout


INFOS = {
    "bat1.power_w": PointInfo("bat1.power_w", "float", "input:1", 5.0),
    "bat1.charge_state": PointInfo("bat1.charge_state", "int", "input:2", 2.0),
    "grid.relay_on": PointInfo("grid.relay_on", "bool", "coil:1", 10.0, writable=True, read_back=False),
}


def health(infos=INFOS, due_ns=70):
    return DeviceHealth("gx", SimpleNamespace(points=infos, due_ns=due_ns), probe_ns=50)


def test_a_device_knows_its_owners_and_its_fastest_points():
    found = health()

    assert (frozenset({"bat1", "grid"}), 2.0) == (found.owners, found.period_s)
    assert not found.is_unreadable
    assert health({"grid.relay_on": INFOS["grid.relay_on"]}).is_unreadable


def test_a_device_is_due_when_its_driver_says_so_and_at_its_probe_while_it_does_not_answer():
    found = health()
    assert (50, False) == (found.due_ns, found.reachable)
    found.known = True
    assert (70, True) == (found.due_ns, found.reachable)
    found.aside = True
    assert (50, False) == (found.due_ns, found.reachable)


def test_all_points_of_a_silent_device_are_bad_in_their_own_kinds_by_one_layout():
    found = health()

    assert [
        Reading("bat1.power_w", 0.0, Quality.BAD, 9),
        Reading("bat1.charge_state", 0, Quality.BAD, 9),
        Reading("grid.relay_on", False, Quality.BAD, 9),
    ] == list(found.make_bad_readings(9))
    assert found.make_bad_readings(9).layout is found.make_bad_readings(10).layout


def test_one_that_never_answered_is_set_aside_at_its_first_failure_and_an_answer_makes_all_well():
    found = health()
    found.note_failure("unit 1 is silent")
    assert (True, 1, 1, "unit 1 is silent") == (
        found.aside,
        found.failures_count,
        found.errors_count,
        found.why,
    )
    found.note_answer(9)
    assert (False, False, 0, 9, "") == (
        found.aside,
        found.silent,
        found.failures_count,
        found.since_good_ns,
        found.why,
    )
    assert 1 == found.errors_count, "errors are counted since the start"

    found.known = True
    found.note_failure("unit 1 is silent")
    assert not found.aside, "known devices get some patience"


class Followed:
    """A driver whose device also tells of changes by itself."""

    def __init__(self):
        self.points = {}
        self.due_ns = 0
        self.notification_ns = None
        self.wake = None

    def on_notification(self, wake):
        self.wake = wake


def test_who_tells_of_changes_is_heard_while_it_is_set_aside_and_probed_no_oftener():
    health = DeviceHealth("ahu", Followed(), probe_ns=60, aside=True)

    assert 60 == health.due_ns
    health.driver.notification_ns = 5
    assert 5 == health.due_ns


def test_whoever_speaks_unasked_wakes_the_bus():
    woken = []
    health = DeviceHealth("ahu", Followed())
    health.listen(lambda: woken.append("ahu"))
    health.driver.wake()

    assert ["ahu"] == woken
