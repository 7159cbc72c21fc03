"""One bus, device, asset or owner is told with which run of the daemon says so."""

from types import SimpleNamespace

from quartier.daemon.questions import NamedQuestions
from quartier.daemon.reports.write_ledger import WriteLedger

VIEW = {
    "mode": "AUTONOMOUS",
    "why": "alone",
    "mode_age_s": 1.0,
    "assets": {"bat1": {"power_w": 5.0}},
    "caps": {},
}


def replies(yard):
    pages = SimpleNamespace(boot=7, write_down=lambda _entry, _now: None)
    turn = SimpleNamespace(view=VIEW, ledger=WriteLedger(pages), needs=lambda _: [], until_ms=lambda _: None)
    return NamedQuestions(lambda now: {"utc_ms": now.utc_ms}, turn, yard.fleet, yard.image, yard.clock)


async def test_what_is_there_is_told_with_the_run_and_its_mode(yard):
    async with yard() as (found, _):
        await found.follow()
        asked = replies(found)

        for kind, name in (("bus", "lan"), ("device", "gx"), ("asset", "bat1")):
            told = asked.about[kind](name)
            assert name == told[kind]["name"]
            assert {"mode": "AUTONOMOUS", "why": "alone", "mode_age_s": 1.0} == told["control"]
            assert {"utc_ms"} == set(told["gateway"])
        assert ([], None, []) == tuple(told["asset"][key] for key in ("needs", "until_ms", "ledger"))
        assert {point["point"].split(".")[0] for point in asked.about["points"]("bat1")} == {"bat1"}


async def test_what_is_not_there_is_none(yard):
    async with yard() as (found, _):
        await found.follow()

        assert [None] * 5 == [answer("nobody") for answer in replies(found).about.values()]
