import asyncio
import contextlib
import grp
import json
import os

import pytest
import structlog

from quartier.cli import main
from quartier.cli.operation import override as operation_override
from quartier.cli.operation import why_text
from quartier.cli.rendering import status_text
from quartier.cli.rendering.time_text import DisplayClock
from quartier.cli.top import page_content, table_lines
from quartier.cli.top.counter_rates import CounterRates
from quartier.control.observe.meter_check.causes import describe_evidence_with_faults
from quartier.runtime.local_socket.orders import OrderServer
from quartier.runtime.local_socket.questions import NotPermitted, QuestionServer


def test_who_may_not_open_the_socket_is_told_the_group(capsys):
    closed = NotPermitted("this user may not give orders to the daemon at /run/x: Permission denied")

    assert 77 == operation_override.report_no_operator_access(closed)
    assert "join the group quartier-operators, or use sudo" in capsys.readouterr().err


def test_maintenance_without_its_time_says_how_to_give_it_and_how_to_end_it(capsys):
    assert 2 == main(["maintenance", "bat1"])
    assert "expected --for 4h; to end it: quartier override bat1 --cancel" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "override bat1 2",
            "--for is missing: how long the order lasts, 24h at most; example: quartier override ",
        ),
        ("override bat1 2", "example: quartier override bat1 2 --for 2h\n"),
        ("override bat1", "the value for bat1 is missing; examples: quartier override bat1 2kW --for 2h, "),
        ("override bat1 --for 2h", "the value for bat1 is missing"),
        ("override bat1 5kW --for 30h", "--for: 30h: at most 24h for one order; order again before it ends"),
        ("maintenance bat1 --for 2d", "--for: 2d: at most 24h for one order; order again before it ends"),
        ("override bat1 5kW --for 24h1s", "--for: 24h1s: at most 24h for one order"),
    ],
)
def test_what_is_missing_or_too_long_in_an_order_is_told_with_the_next_step(words, said, capsys):
    with contextlib.suppress(SystemExit):
        assert 2 == main(words.split())
    assert said in capsys.readouterr().err


def test_an_order_of_a_whole_day_is_taken_to_the_daemon(tmp_path):
    assert 69 == main(["override", "bat1", "5kW", "--for", "24h", "--runtime-dir", str(tmp_path)])


OVERRIDE = {"point": "ev1.current_max_a", "requested": 10.0, "done": 6.0, "words": "by hand, anna"}
OVERRIDE |= {"held_by": None, "ramps": False}
CAP = {"held_by": {"text": "import cap 4000 W (envelope dso 1): charging slowed", "code": "cap.import"}}
CAR = {"name": "ev1", "role": "ev", "tier": "C", "state": "limited to 4140 W", "power_w": 4_100.0}
CAR |= {"quality": "good", "age_s": 0.4, "needs": None, "command": {"point": OVERRIDE["point"], "value": 6.0}}
CAR["command"]["reason"] = "by hand, anna"
UNREAD = {
    "state": "no order yet: its actual state is not known",
    "override": OVERRIDE | {"done": None},
    "command": None,
    "unread": {"point": OVERRIDE["point"], "read_back": False},
    "needs": [{"what": "spread", "left_s": 300.0}],
}


def test_the_answer_says_what_is_requested_what_is_done_and_which_limit_holds_it():
    def effect(**changes):
        return operation_override._describe_effect(CAR | {"override": OVERRIDE | changes})

    assert "set to 6 A, not yet 10 A" == effect()
    assert "set to 6 A, on its way to 10 A" == effect(ramps=True)
    assert "set to 10 A" == effect(done=10.0)
    assert "set to 6 A, not 10 A: import cap 4000 W (envelope dso 1): charging slowed" == effect(**CAP)
    waits = operation_override._describe_effect(CAR | UNREAD)
    assert waits.startswith(
        "no order is written yet: its actual state is not known; its device does not show"
    )
    assert waits.endswith("waits 5 min more, so that not all buildings come back together")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"outcome": "done", "shown": 0.0}, "bat1 is given back; 0 W read back"),
        ({"outcome": "done"}, "bat1 is given back"),
        ({}, "bat1 is being given back"),
        (
            {"outcome": "refused", "note": "illegal value"},
            "bat1 is being given back: refused (illegal value)",
        ),
        ({"cause": {"code": "free"}}, "bat1 gets no orders now"),
    ],
)
def test_the_answer_to_maintenance_says_how_far_the_release_came(row, words):
    cause = {"code": "output.given_back", "values": {}, "more": {"code": "hand.maintenance"}}
    made = {"boot": 7, "number": 1, "point": "bat1.setpoint_w", "why": "", "utc_ms": 0, "last_ms": 0}
    asset = {
        "name": "bat1",
        "override": OVERRIDE | {"requested": None},
        "ledger": [made | {"cause": cause} | row],
    }

    assert words == operation_override._describe_effect(asset)
    assert "bat1 gets no orders now" == operation_override._describe_effect(asset | {"ledger": []})


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "good"),
        (
            {"verdict": "unknown", "state": "lost", "age_s": 19.0},
            "unknown: the grid meter is lost, last read 19 s ago",
        ),
        (
            {"verdict": "unknown", "state": "never read", "age_s": None},
            "unknown: the grid meter is never read",
        ),
        (
            {
                "verdict": "suspect",
                "state": "lost",
                "age_s": 19.0,
                "causes": [{"code": "none", "value": 0.0}],
            },
            f"suspect: {describe_evidence_with_faults([('none', 0.0)])}; the grid meter is lost, last read 19 s ago",
        ),
        (
            {"verdict": "implausible", "state": "implausible", "age_s": 1.0},
            "implausible: last read 1.0 s ago",
        ),
    ],
)
def test_the_meter_is_described_with_its_loss_and_the_age_of_its_reading(told, words, capsys, monkeypatch):
    grid = {"verdict": "good", "state": "good", "age_s": 0.4, "causes": []} | told
    monkeypatch.setattr(operation_override, "ask", lambda *_: {"control": {"grid": grid}})

    assert 0 == main(["meter"])
    assert words == capsys.readouterr().out.strip()


@pytest.fixture
def override(tmp_path, capsys):
    """``quartier override`` beside both desks of a daemon; ``looks`` answer one look after the other."""

    async def call(looks, *more):
        done = {"asset": "ev1", "order": "10 A", "left_s": 60.0, "by": "anna", "until_utc_ms": 7}

        async def taken(_request, _who):
            return {"done": done, "kept": True}

        answers = iter(looks)
        told = QuestionServer(tmp_path, {}, {"asset": lambda _name: next(answers)})
        orders = OrderServer(
            tmp_path, {"override": taken}, structlog.get_logger(), grp.getgrgid(os.getgid()).gr_name
        )
        words = ["override", "ev1", "10A", "--for", "60s", "--runtime-dir", str(tmp_path), *more]
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(one.run()) for one in (told, orders)]
            while len(list(tmp_path.glob("*.sock"))) < len(serving):  # noqa: ASYNC110 - all there is to see
                await asyncio.sleep(0)
            code = await asyncio.to_thread(main, words)
            for one in serving:
                one.cancel()
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def _car(**request):
    return {"asset": CAR | {"override": OVERRIDE | {"until_utc_ms": 7} | request}}


async def test_an_order_is_told_at_once_and_its_effect_when_it_is_known(override):
    given, set_to = "ev1: 10 A, for 60 s, by anna\n", "set to 10 A\n"
    waits = f"the order is given; waiting up to {operation_override.WAIT_MAX_S:g} s for its effect\n"

    assert (0, given + set_to, "") == await override([_car(done=10.0)])
    assert (0, given + set_to, waits) == await override([_car(), _car(done=10.0)])
    code, out, err = await override([_car(), _car(done=10.0)], "--json")
    assert (0, 10.0, "") == (code, json.loads(out)["effect"]["done"], err)


async def test_an_order_whose_effect_is_not_known_in_time_names_the_command_that_shows_it(
    override, monkeypatch
):
    monkeypatch.setattr(operation_override, "_POLL_S", 0.0)
    _, _, err = await override([_car(until_utc_ms=6)] * 14)

    assert err.endswith("\nwhat became of it is not known yet: quartier why ev1\n")


def test_the_help_says_how_long_an_order_waits_for_its_effect(capsys):
    with pytest.raises(SystemExit):
        main(["override", "--help"])
    assert f"waits up to {operation_override.WAIT_MAX_S:g} s" in " ".join(capsys.readouterr().out.split())


def test_status_top_and_why_say_the_same(status):
    held = CAR | {"override": OVERRIDE | CAP}
    because = "import cap 4000 W (envelope dso 1): charging slowed; requested 10 A, by hand, anna"

    assert because == status_text.explain_asset(held)
    assert (
        "no order yet: its actual state is not known; requested 10 A, by hand, anna"
        == status_text.explain_asset(CAR | UNREAD)
    )
    status["control"]["assets"] = {"ev1": held}
    for columns in (46, 80):
        page = [
            line.plain
            for line in table_lines.render_sheet(
                page_content.make_site_page(status, CounterRates()).sheets[0].filter_and_sort("", "by name"),
                columns,
            )
        ]
        assert "import ca" in page[1], page
    told = {"asset": held | {"ledger": []}}
    lines = {
        label: str(words) for label, words in why_text.list_head_lines("ev1", told, (), DisplayClock(0), "")
    }
    assert lines["requested"] == f"10 A, by hand, anna: set to 6 A, not 10 A: {CAP['held_by']['text']}"
    told = {"asset": CAR | UNREAD | {"ledger": []}}
    lines = {
        label: str(words) for label, words in why_text.list_head_lines("ev1", told, (), DisplayClock(0), "")
    }
    assert "its device does not show ev1.current_max_a" in lines["unknown"]
    assert "waits 5 min more" in lines["back"]
    read = UNREAD["unread"] | {"read_back": True}
    assert "`quartier points ev1` shows why" in status_text.describe_unread(CAR | {"unread": read})
