from quartier.cli import hands, reasons, sentences
from quartier.cli.times import Clock
from quartier.cli.top import page as page_of
from quartier.cli.top import sheet
from quartier.cli.top.rates import Rates
from quartier.runtime.local_socket.questions import NoDaemon


def test_who_may_not_open_the_socket_is_told_the_group(capsys):
    closed = NoDaemon("no daemon takes orders at /run/x: Permission denied")
    closed.__cause__ = PermissionError()

    assert 69 == hands.nobody(closed)
    assert "join the group quartier-operators, or use sudo" in capsys.readouterr().err


WISH = {"point": "ev1.current_max_a", "wished": 10.0, "done": 6.0, "words": "by hand, anna", "held_by": None}
CAP = {"held_by": {"text": "import cap 4000 W (envelope dso 1): charging slowed", "code": "cap.import"}}
CAR = {"name": "ev1", "role": "ev", "tier": "C", "state": "limited to 4140 W", "power_w": 4_100.0}
CAR |= {"quality": "good", "age_s": 0.4, "needs": None, "command": {"point": WISH["point"], "value": 6.0}}
CAR["command"]["reason"] = "by hand, anna"
UNREAD = {
    "state": "no order yet: its actual state is not known",
    "override": WISH | {"done": None},
    "command": None,
    "unread": {"point": WISH["point"], "read_back": False},
    "needs": [{"what": "spread", "left_s": 300.0}],
}


def test_the_answer_says_what_is_wished_what_is_done_and_which_limit_holds_it():
    def effect(**changes):
        return hands._effect(CAR | {"override": WISH | changes})

    assert "set to 6 A, on its way to 10 A" == effect()
    assert "set to 10 A" == effect(done=10.0)
    assert "" == effect(wished=None)
    assert "set to 6 A, not 10 A: import cap 4000 W (envelope dso 1): charging slowed" == effect(**CAP)
    waits = hands._effect(CAR | UNREAD)
    assert waits.startswith(
        "no order is written yet: its actual state is not known; its device does not show"
    )
    assert waits.endswith("waits 5 min more, so that not all buildings come back together")


def test_status_top_and_why_say_the_same(status):
    held = CAR | {"override": WISH | CAP}
    because = "import cap 4000 W (envelope dso 1): charging slowed; wished 10 A, by hand, anna"

    assert because == sentences.because(held)
    assert "no order yet: its actual state is not known; wished 10 A, by hand, anna" == sentences.because(
        CAR | UNREAD
    )
    status["control"]["assets"] = {"ev1": held}
    for columns in (46, 80):
        page = [
            line.plain
            for line in sheet.lines(page_of.house(status, Rates()).sheets[0].sifted("", "by name"), columns)
        ]
        assert "import ca" in page[1], page
    told = {"asset": held | {"ledger": []}}
    lines = {label: str(words) for label, words in reasons.head("ev1", told, (), Clock(0), "")}
    assert lines["wished"] == f"10 A, by hand, anna: set to 6 A, not 10 A: {CAP['held_by']['text']}"
    told = {"asset": CAR | UNREAD | {"ledger": []}}
    lines = {label: str(words) for label, words in reasons.head("ev1", told, (), Clock(0), "")}
    assert "its device does not show ev1.current_max_a" in lines["unknown"]
    assert "waits 5 min more" in lines["back"]
    read = UNREAD["unread"] | {"read_back": True}
    assert "`quartier points ev1` shows why" in sentences.unread(CAR | {"unread": read})
