"""An order by hand that a limit holds back says what was requested, what is done, and which limit it is."""

from dataclasses import replace

import pytest
from tests.gateway.control.conftest import CAPS, HOUSE

from quartier.control.events.effects import GridEffects
from quartier.control.limits.active import ActiveLimits
from quartier.control.observe.meter_check.judge import MeterCheck, MeterVerdict
from quartier.control.observe.observations import LastGood
from quartier.control.participants import Participant
from quartier.control.reason import NO_REASON, make_reason, make_text_reason
from quartier.control.records import Order, Override, PowerRange
from quartier.control.requests import Requests
from quartier.control.supervise import override_report
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset, GridMeter, Load, OperationMode, OperationModeAsset
from quartier.site.site_layout import Node
from quartier_drivers.contract import OWN_RULE, Origin

S = 1_000_000_000
FREELY = SwitchState()
ANNA = Origin("person", "anna", "1001")
ASSETS = {asset.name: asset for asset in HOUSE.assets}
HEAT = OperationModeAsset(
    name="heat",
    rated_w=2_000,
    quantity="mode_index",
    modes=(OperationMode("normal", 1.0, 2_000.0), OperationMode("blocked", 0.0, 0.0)),
    normal=0,
)
APPARENT = replace(HOUSE, grid=GridMeter(name="grid", rated_w=17_000, is_apparent=True))
MINIMUM = make_reason("minimum_time.on")
CAP = make_text_reason("import cap 3000 W (dso)")


@pytest.fixture
def tell(make_inputs):
    """What is shown of one request; ``room`` is what a battery was left, ``done`` what it is told.

    ``aims`` is the next step that it wants, ``by_cycle`` the reason of that, ``moved`` the limit that moves it to
    ``done``, and ``total_w`` the power at the connection then.
    """

    def make(asset, value, done=0.0, reason=None, room=None, soc_pct=50.0, turn=FREELY, of=HOUSE, **more):
        here = make_inputs(of)
        memories = {} if soc_pct is None else {"bat1.soc_pct": LastGood(soc_pct, here.now_ns)}
        judge = MeterCheck(verdict=more.pop("verdict", MeterVerdict.GOOD))
        state = replace(here.state, last_good=memories, switch_states={asset.name: turn}, meter=judge)
        requested = Override(asset.name, value, here.now_ns + 60 * S, 0, ANNA)
        order = None if done is None else Order(done, here.now_ns, reason or requested.reason)
        participant = Participant(asset, 0.0, more.pop("aims", done), turn, headroom=room)
        participant.reason, total_w = more.pop("by_cycle", requested.reason), more.pop("total_w", 0.0)
        step = override_report.BatteryStep(participant, done, more.pop("moved", None), total_w, total_w)
        step = None if room is None else step
        return override_report.report_override(
            make_inputs(of, state=state, **more), asset, requested, order, step
        )

    return make


@pytest.mark.parametrize(
    ("room", "soc_pct", "requested", "more", "code"),
    [
        (PowerRange(-5e3, 0.0), 95.0, 5e3, {}, "battery.full"),
        (
            PowerRange(-5e3, 0.0),
            50.0,
            5e3,
            {"grid_effects": GridEffects(no_grid_charge=True)},
            "battery.grid_no_charge",
        ),
        (
            PowerRange(-5e3, 9e2),
            50.0,
            5e3,
            {"grid_effects": GridEffects(ceiling_w=900.0)},
            "battery.grid_no_charge",
        ),
        (PowerRange(-5e3, 0.0), 50.0, 5e3, {}, "battery.link_no_charge"),
        (PowerRange(0.0, 5e3), 5.0, -5e3, {}, "battery.empty"),
        (
            PowerRange(0.0, 5e3),
            50.0,
            -5e3,
            {"grid_effects": GridEffects(no_feed_in=True)},
            "battery.grid_no_feed_in",
        ),
        (
            PowerRange(0.0, 5e3),
            50.0,
            -5e3,
            {"requests": Requests(caps=replace(CAPS, no_battery_export=True))},
            "battery.link_no_export",
        ),
        (PowerRange(0.0, 5e3), 50.0, -5e3, {"of": APPARENT}, "meter.no_export"),
        (
            PowerRange(-1e3, 5e3),
            50.0,
            -5e3,
            {
                "active_limits": ActiveLimits(
                    import_w=1e4,
                    export_w=6e3,
                    generation_w=1e3,
                    sources={"generation": make_text_reason("district")},
                )
            },
            "cap.generation",
        ),
        (PowerRange(0.0, 5e3), 50.0, -5e3, {"verdict": MeterVerdict.SUSPECT}, "meter.suspect"),
        (PowerRange(0.0, 5e3), 50.0, -5e3, {}, "conflict.though"),
    ],
)
def test_a_battery_names_what_leaves_it_less_room(tell, room, soc_pct, requested, more, code):
    found = tell(ASSETS["bat1"], requested, room=room, soc_pct=soc_pct, **more)

    assert ("bat1.setpoint_w", requested, 0.0) == (found["point"], found["requested"], found["done"])
    assert code == found["held_by"]["code"]
    assert found["held_by"]["text"]


def test_a_shed_holds_back_what_the_district_ordered_and_not_what_a_person_did(tell):
    shed = {"room": PowerRange(-5e3, 0.0), "grid_effects": GridEffects(asked_no_grid_charge=True)}
    for who, code in (
        (ANNA, "battery.link_no_charge"),
        (Origin("document", "command", "c1", 1), "battery.grid_no_charge"),
    ):
        ordered = Requests(caps=CAPS, overrides={"bat1": Override("bat1", 5e3, 10**15, 0, who)})
        assert code == tell(ASSETS["bat1"], 5e3, requests=ordered, **shed)["held_by"]["code"]


def test_nothing_holds_what_is_done_on_its_way_or_not_known(tell):
    battery, wide = ASSETS["bat1"], PowerRange(-5e3, 5e3)

    assert tell(battery, 5e3, done=4_960.0, room=wide)["held_by"] is None
    assert tell(battery, 5e3, done=2_500.0, room=wide)["held_by"] is None, "its ramp"
    assert tell(battery, 5e3, room=PowerRange(-5e3, 0.0), soc_pct=None)["held_by"] is None
    assert tell(battery, 5e3)["held_by"] is None, "it is not steered"
    assert tell(battery, None)["held_by"] is None, "maintenance"
    assert tell(ASSETS["ev1"], 10.0, done=None) == {
        "point": "ev1.current_max_a",
        "requested": 10.0,
        "done": None,
        "held_by": None,
        "ramps": False,
    }
    assert tell(ASSETS["ev1"], 10.0, done=6.0, reason=NO_REASON)["held_by"] is None


def test_another_reason_than_the_request_is_the_limit(tell):
    assert "import cap 3000 W (dso)" == tell(ASSETS["ev1"], 16.0, 8.0, CAP)["held_by"]["text"]
    assert "import cap 3000 W (dso)" == tell(HEAT, 0.0, 0.0, CAP)["held_by"]["text"]
    assert tell(HEAT, 0.0, 1.0, CAP)["held_by"] is None, "a mode is compared by its value"


@pytest.mark.parametrize(
    "earlier",
    [
        Override("bat1", 2e3, 60 * S, 0, ANNA, "why").reason,
        Override("bat1", 2e3, 60 * S, 0, ANNA).reason,
        make_reason("document.orders", Origin("document", "dso"), program="dso", document="12"),
        make_reason("self_consumption").then(make_reason("grid.target", target_w=0)),
        make_reason("plan.leads").then(make_reason("plan.waits")),
    ],
)
def test_what_led_a_battery_before_the_order_by_hand_is_not_taken_for_the_limit(tell, earlier):
    held = tell(ASSETS["bat1"], 1.5e3, reason=earlier, room=PowerRange(-5e3, 0.0))["held_by"]

    assert "battery.link_no_charge" == held["code"]


@pytest.mark.parametrize(
    ("requested", "room", "words"),
    [
        (Override("bat1", 5e3, 60 * S, 0, ANNA), PowerRange(-5e3, 0.0), ": full at"),
        (Override("bat1", 5e3, 60 * S, 0, ANNA), PowerRange(-5e3, 5e3), ""),
        (Override("bat1", None, 60 * S, 0, ANNA), PowerRange(-5e3, 0.0), ""),
        (Override("bat1", 5e3, 60 * S, 0, OWN_RULE, because=CAP), PowerRange(-5e3, 0.0), ""),
    ],
)
def test_an_order_that_gets_less_than_the_request_names_the_limit_in_its_own_reason(
    make_inputs, requested, room, words
):
    here = make_inputs(HOUSE)
    state = replace(here.state, last_good={"bat1.soc_pct": LastGood(100.0, here.now_ns)})
    inputs = make_inputs(HOUSE, state=state, requests=Requests(caps=CAPS, overrides={"bat1": requested}))
    reason = override_report.explain_battery_order(inputs, ASSETS["bat1"], room)

    assert str(reason).startswith(f"{requested.reason}{words}")
    assert requested.who == reason.who
    assert bool(words) is (reason != requested.reason)


EXPORT = make_reason("cap.export", limit_w=0.0, source=make_text_reason("fail-safe value"))
NO_EXPORT = ActiveLimits(
    import_w=5e3,
    export_w=0.0,
    sources={"import": make_text_reason("dso"), "export": make_text_reason("fail-safe value")},
)
WIDE = PowerRange(-5e3, 5e3)


@pytest.mark.parametrize(
    ("requested", "changes", "held", "ramps"),
    [
        # The order is from before the request, and stays: the cap keeps it where it was.
        (1e3, {"done": 2.3e3, "aims": 2.0e3, "moved": EXPORT}, EXPORT.code, False),
        (1e3, {"done": 2.3e3, "aims": 0.0, "moved": EXPORT}, EXPORT.code, False),  # beyond the request
        (5e3, {"done": 2.3e3, "aims": 250.0, "moved": EXPORT}, None, False),  # it helps
        (5e3, {"done": 2.3e3, "by_cycle": make_reason("inputs.stale")}, "inputs.stale", False),
        (5e3, {"done": 2.3e3, "aims": 2.5e3}, None, False),  # it waits until others have obeyed
        (5e3, {"done": 2.3e3, "by_cycle": None}, None, True),
        # The ramp goes on for now, and will end at a limit.
        (1e3, {"done": 2.3e3, "active_limits": NO_EXPORT, "total_w": 500.0}, EXPORT.code, False),
        (1e3, {"done": 2.3e3, "active_limits": NO_EXPORT, "total_w": 1_300.0}, None, True),
        (
            1e3,
            {"done": 2.3e3, "active_limits": NO_EXPORT, "grid_effects": GridEffects(holds=True)},
            None,
            True,
        ),
        (4e3, {"done": 2.3e3, "active_limits": NO_EXPORT, "total_w": 4e3}, "cap.import", False),
        (4e3, {"done": 2.3e3, "active_limits": NO_EXPORT, "total_w": 3e3}, None, True),
        (
            -1e3,
            {"done": -3e3, "active_limits": NO_EXPORT, "total_w": 4e3},
            None,
            True,
        ),  # cars may make the room
    ],
)
def test_a_ramp_is_told_from_a_limit_by_what_this_cycle_allocates(tell, requested, changes, held, ramps):
    earlier = make_reason("self_consumption").then(make_reason("grid.target", target_w=0))

    found = tell(ASSETS["bat1"], requested, reason=earlier, room=WIDE, **changes)

    assert (held, ramps) == ((found["held_by"] or {"code": None})["code"], found["ramps"])


def test_a_limit_that_holds_an_order_by_hand_is_named_in_the_first_cycle_and_on(plant):
    class Building(plant):
        ordered = False

        def requests(self):
            until_ns = (self.t + 60) * S
            orders = {"bat1": Override("bat1", 1e3, until_ns, 0, ANNA)} if self.ordered else {}
            return Requests(caps=self.caps, overrides=orders)

    p = Building(soc_pct=50)
    for base_w, seconds in ((-2_320, 60), (-2_300, 60), (-2_295, 6)):
        p.base_w = base_w
        p.run(seconds)
    # The order stands within its deadband, with the reason from before: the battery serves the building.
    assert "self-consumption" in p.view["assets"]["bat1"]["command"]["reason"]
    p.cap(export_max_w=0.0)
    p.ordered = True
    told = [p.step().view["assets"]["bat1"]["override"] for _ in range(30)]

    assert {"cap.export"} == {one["held_by"] and one["held_by"]["code"] for one in told}
    assert all("battery charges" in one["held_by"]["text"] and one["done"] > 1_500 for one in told)


def test_an_earlier_order_by_hand_limits_nothing_but_what_is_added_to_an_order_does(tell):
    earlier = Override("ev1", 8.0, 60 * S, 0, ANNA, "why").reason

    assert tell(ASSETS["ev1"], 16.0, 8.0, earlier)["held_by"] is None
    assert MINIMUM.code in str(tell(HEAT, 1.0, 1.0, earlier.then(MINIMUM))["held_by"])


def test_what_stays_on_for_its_minimum_time_says_so(tell):
    pump = Load(name="pump", rated_w=3_000, tier="C", switchable=True, min_on_s=300)

    held = tell(pump, 0.0, 1.0, NO_REASON, turn=SwitchState(on=True, since_ns=50 * S))["held_by"]
    assert "on for its minimum time" == held["text"]
    assert tell(pump, 0.0, 1.0, NO_REASON, turn=SwitchState(on=True))["held_by"] is None


def test_the_view_of_a_cycle_shows_it(plant):
    class Building(plant):
        def requests(self):
            until_ns = (self.t + 60) * S
            return Requests(caps=self.caps, overrides={"bat1": Override("bat1", 5e3, until_ns, 0, ANNA)})

    p = Building(base_w=1_500).cap(import_max_w=3_000)
    p.run(6)

    assert "import cap 3000 W" in p.view["assets"]["bat1"]["override"]["held_by"]["text"]


def test_of_cars_that_share_a_fuse_the_order_by_hand_names_the_fuse(board, car, house):
    points = tuple(
        ChargePointAsset(name=f"ev{n}", rated_w=11_040, node="park", l1_on="l1", falls_back=True)
        for n in range(2)
    )
    park = Node(name="park", fuse_a=20.0, measured=True, unmeasured_w=0.0)
    limits = replace(house.limits, import_hard_w=100_000)
    p = board(house=replace(house, assets=points, nodes=(park,), limits=limits)).cap(import_max_w=100_000)
    p.cars = {one.name: car(phases=3, max_a=16.0) for one in points}
    p.overrides = {"ev0": Override("ev0", 16.0, 1_000 * S, 0, ANNA)}
    for _ in range(90):
        p.step()

    shown = p.decision.view["assets"]["ev0"]
    assert 6.0 <= shown["override"]["done"] < 16.0
    assert "park, fuse 20 A" in shown["override"]["held_by"]["text"]
    assert "by hand" not in shown["command"]["reason"]
