"""A bus tells of itself in numbers, and in words where its line has some."""

from quartier.runtime.bus.device_health import BusReport
from quartier_drivers.readings import Quality

S = 1_000_000_000


class Line:
    def __init__(self):
        self.stats = {"requests_count": 3.0}


class TalkingLine:
    def __init__(self):
        self.stats = {"bad_pct": 12.5, "silent_on": True}
        self.texts = {"advice_text": "look at the cable"}


def told(account, now_s):
    return {one.point: (one.value, one.quality) for one in account.report(now_s * S, online=True)}


def test_the_share_of_rest_and_the_longest_wait_are_told_per_report():
    account = BusReport("lan", Line(), {}, 0)
    account.add_idle_time(6 * S)
    account.late(2 * S)
    account.late(1 * S)

    assert {
        "lan.online_on": (True, Quality.GOOD),
        "lan.slack_pct": (60.0, Quality.GOOD),
        "lan.lateness_s": (2.0, Quality.GOOD),
        "lan.requests_count": (3, Quality.GOOD),
    } == told(account, 10)
    assert (0.0, 0.0) == (told(account, 20)["lan.slack_pct"][0], told(account, 30)["lan.lateness_s"][0])


def test_no_share_is_told_of_less_than_five_seconds():
    account = BusReport("lan", Line(), {}, 0)

    assert Quality.BAD is told(account, 4)["lan.slack_pct"][1]


def test_a_line_with_words_has_them_as_texts():
    account = BusReport("tic0", TalkingLine(), {}, 0)
    found = told(account, 10)

    assert ("look at the cable", Quality.GOOD) == found["tic0.advice_text"]
    assert (12.5, True) == (found["tic0.bad_pct"][0], found["tic0.silent_on"][0])
    assert account.points == tuple(found)
    assert "look at the cable" == account.advice
    assert "" == BusReport("lan", Line(), {}, 0).advice


def test_the_layout_stays():
    account = BusReport("lan", Line(), {}, 0)

    assert account.report(S, online=True).layout is account.report(2 * S, online=False).layout
