"""Signals to all buildings: they expire, and only a level moves anything, without forcing."""

import json
from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import pytest
from tests.gateway.control.stepping import are_all_on, step_until
from tests.gateway.control.walk.sites import STREET, TANK

from quartier.control.orders import signals
from quartier.control.orders.signals import LevelInForce
from quartier.control.records import Override
from quartier.control.requests import Requests, Signal, SignalInterval
from quartier.site.asset_types import ChpUnit, OperationMode
from quartier.site.records import Now
from quartier_drivers.contract import Origin

EPOCH_MS = 1_790_000_000_000
CHP = ChpUnit(
    name="chp1",
    rated_w=5_000,
    tier="D",
    quantity="request_on",
    modes=(OperationMode("rest", 0, 0.0), OperationMode("asked to run", 1, -5_000)),
    start_import_w=3_000.0,
)


def signal(*levels, kind="level", seq=1, exp_s=10_000, nbf_s=-60, spans=None):
    return Signal(
        kind=kind,
        id=f"{kind}{seq}",
        seq=seq,
        nbf_utc_ms=EPOCH_MS + nbf_s * 1000,
        exp_utc_ms=EPOCH_MS + exp_s * 1000,
        start_utc_ms=EPOCH_MS,
        spans=spans or tuple(SignalInterval(100, {"level": level}) for level in levels),
    )


def ms(t):
    return EPOCH_MS + t * 1000


def test_the_newest_signal_of_a_kind_counts():
    now = Now(0, 0, synced=True)
    price = signal(kind="price", spans=(SignalInterval(100, {"import_eur_per_wh": 0.0002}),))
    held = signals.accept_signal(signals.accept_signal({}, signal(1, seq=5), now), price, now)

    assert held is signals.accept_signal(held, signal(2, seq=5), now)
    assert {"level": 6, "price": 1} == {
        k: s.seq for k, s in signals.accept_signal(held, signal(2, seq=6), now).items()
    }
    ahead = signals.accept_signal({}, signal(1, seq=2**63), now)
    assert 5 == signals.accept_signal(ahead, signal(2, seq=5), now)["level"].seq, "of no clock that was right"


def test_a_signal_expires():
    held = {"level": signal(1, exp_s=50)}

    assert held is signals.drop_expired_signals(held, ms(49))
    assert {} == signals.drop_expired_signals(held, ms(50))


def test_a_level_is_that_of_its_time_and_0_before_after_and_without():
    held = {"level": signal(1, 3, nbf_s=10)}

    assert [0, 1, 3, 0] == [signals.find_signalled_level(held, ms(t)) for t in (9, 10, 100, 200)]
    assert 0 == signals.find_signalled_level({}, ms(0))
    assert [1, 0] == [signals.find_signalled_level(held, ms(t), lost_ms=ms(50)) for t in (99, 101)]


def test_a_higher_level_is_in_force_at_once_and_a_lower_one_up_to_300_s_later():
    said = {"level": signal(2)}
    held = signals.update_level(LevelInForce(), said, 2, seed=7, now_ns=10**9)
    assert LevelInForce(2, 10**9, "level1", 1) == held
    assert held is signals.update_level(held, {}, 0, seed=7, now_ns=2 * 10**9)
    assert 3 == signals.update_level(held, said, 3, seed=7, now_ns=2 * 10**9).level
    assert LevelInForce(0, 302 * 10**9) == signals.update_level(held, {}, 0, seed=7, now_ns=302 * 10**9)


def test_buildings_leave_a_level_at_different_times():
    def left_s(seed):
        held = LevelInForce(2, 0)
        return next(t for t in range(302) if signals.update_level(held, {}, 0, seed, t * 10**9).level == 0)

    assert len({left_s(seed) for seed in range(20)}) > 10


@pytest.mark.parametrize(
    ("level", "asked"),
    [
        (0, {}),
        (1, {"ev1": 6.0, "heat": 0.0}),
        (2, {"ev1": 6.0, "heat": 0.0, "pump": 0.0, "street": 5.0, "tank": 2.0}),
        (3, {"ev1": 6.0, "heat": 0.0, "pump": 0.0, "cold": 0.0, "street": 5.0, "tank": 2.0}),
    ],
)
def test_level_1_asks_d_2_c_and_d_3_b_c_and_d_and_a_is_never_asked(house, level, asked):
    house = replace(house, assets=(*house.assets, STREET, TANK, CHP))
    now = Now(0, EPOCH_MS, synced=True)
    found = signals.find_level_orders(LevelInForce(level, 0, "l1", 9), house, now, EPOCH_MS)

    assert asked == {name: one.value for name, one in found.items()}
    assert {(f"signal level {level}", "l1", 9)} >= {
        (one.who.name, one.who.id, one.who.seq) for one in found.values()
    }


@pytest.mark.parametrize(
    ("held", "given", "tightens"),
    [
        ((), (1, 2), True),
        ((2,), (2, 3), True),
        ((2,), (3, 1), False),
        ((0,), (0,), True),
    ],
)
def test_a_level_tightens_that_is_never_below_the_present_one(held, given, tightens):
    before = {"level": signal(*held)} if held else {}

    assert tightens == signals.only_tightens(before, signal(*given, seq=2), ms(1))


def test_other_signals_never_tighten():
    assert not signals.only_tightens(
        {}, signal(kind="alert", spans=(SignalInterval(9, {"code": "X"}),)), ms(1)
    )


def test_signals_are_shown_with_what_they_say_now():
    price = signal(kind="price", spans=(SignalInterval(100, {"import_eur_per_wh": 0.0002}),), exp_s=500)

    assert {
        "price": {
            "id": "price1",
            "import_eur_per_wh": 0.0002,
            "until_utc_ms": ms(100),
            "exp_utc_ms": ms(500),
        }
    } == signals.render_signals({"price": price}, ms(1))
    assert {"id": "price1", "until_utc_ms": None, "exp_utc_ms": ms(500)} == signals.render_signals(
        {"price": price}, ms(101)
    )["price"]


def test_signals_survive_json():
    held = {"level": signal(1, 2), "alert": signal(kind="alert", spans=(SignalInterval(9, {"code": "X"}),))}

    assert held == signals.load_signals(json.loads(json.dumps(signals.dump_signals(held))))


@pytest.mark.parametrize("data", [None, [None], [{}], [{"spans": [{}]}], [{"spans": []}]])
def test_what_is_kept_broken_is_left_out(data):
    assert {} == signals.load_signals(data)


@pytest.fixture
def signalled(plant):
    """A building in which a level is in force, and people order by hand."""

    class Signalled(plant):
        level: ClassVar = 0
        by_hand: ClassVar = {}

        def requests(self):
            now = self.now()
            asked = signals.find_level_orders(LevelInForce(self.level, 0, "l1"), self.house, now, now.utc_ms)
            return Requests(caps=self.caps, overrides={**asked, **self.by_hand})

    return Signalled


@pytest.mark.long
def test_a_level_stops_its_tiers_slows_cars_and_lets_all_return_one_by_one(signalled):
    p = signalled(loads_w={"heat": 2_000, "pump": 3_000, "cold": 1_000}, ev_wants_w=6_900).run(30)
    p.level = 2
    p.run(60)
    assert (0, 0, 6) == tuple(
        p.points[f"{n}"] for n in ("heat.relay_on", "pump.relay_on", "ev1.current_max_a")
    )
    assert 1 == p.points.get("cold.relay_on", 1)
    assert "signal level 2, l1" == str(p.state.book.orders["pump.relay_on"].reason)
    p.level, ended = 0, p.t
    step_until(p, lambda: are_all_on(p, "heat", "pump"), 900)
    back = sorted(
        next(t for t, value in p.written(f"{name}.relay_on", since=ended) if value == 1)
        for name in ("heat", "pump")
    )
    assert all(later - sooner >= 30 for sooner, later in pairwise(back))


def test_a_level_does_not_force_what_a_person_ordered(signalled):
    anna = Origin("person", "anna", "1001")
    p = signalled(loads_w={"heat": 2_000, "pump": 3_000}).run(30)
    p.level, p.by_hand = 2, {"pump": Override("pump", 1.0, 10**15, 0, anna)}
    p.run(60)

    assert 0 == p.points["heat.relay_on"]
    assert 1 == p.points.get("pump.relay_on", 1)
