"""Orders by hand on a running gateway, over its real socket and real wires; and what survives."""

import asyncio
import contextlib
import dataclasses
import getpass
import json
import signal
import time

import pytest
import structlog
from tests.gateway.control.conftest import HOUSE

from quartier.daemon import manual_overrides
from quartier.runtime.clock import SiteClock, find_boot_id
from quartier.runtime.local_socket.orders import send_order
from quartier.runtime.local_socket.presence import AskingProcess, Presence
from quartier.runtime.local_socket.questions import NoDaemon
from quartier.runtime.service_context import ServiceContext
from quartier.site.asset_types import Battery, ChargePointAsset, Load, OperationMode, OperationModeAsset, Pv
from quartier.site.records import Now
from quartier_drivers.contract import Origin

S = 1_000_000_000
NOW = Now(1_000 * S, 1_790_000_000_000, synced=True)


async def started(gateway):
    """A gateway that takes orders; slow enough for a busy machine."""
    gateway.rate = 10.0
    gateway.origin_s = gateway.origin_s or time.time()
    await gateway.start()
    while True:
        with contextlib.suppress(NoDaemon):
            return await asyncio.to_thread(send_order, gateway.runtime_dir, "list")
        assert gateway.process.returncode is None, gateway.log()
        await asyncio.sleep(0.01)


async def by_hand(gateway, *words):
    code, text, errors = await gateway.call(*words, "--runtime-dir", str(gateway.runtime_dir))
    return code, text.strip(), errors.strip()


@pytest.mark.daemon
async def test_a_battery_obeys_a_person_and_the_status_says_whom_until_it_is_ended(house):
    gateway, _ = house
    await started(gateway)
    await gateway.until(lambda status: status["control"]["assets"]["bat1"]["state"] == "controlled")
    done = await by_hand(gateway, "override", "bat1", "1kW", "--for", "2h", "--why", "capacity test")
    status = await gateway.until(
        lambda status: (status["control"]["assets"]["bat1"].get("command") or {}).get("value") == 1_000
    )
    listed = await by_hand(gateway, "override")
    ended = await by_hand(gateway, "override", "bat1", "--cancel")
    judged = await by_hand(gateway, "meter")
    from_afar = await by_hand(gateway, "meter", "--believe")
    await gateway.until(lambda status: "override" not in status["control"]["assets"]["bat1"])

    user = getpass.getuser()
    assert (0, True) == (done[0], done[2] in {"", "the order is given; waiting up to 3.5 s for its effect"})
    assert [f"bat1: 1000 W, for 2 h, by {user}"] == done[1].splitlines()[:1]
    assert "set to " in done[1].splitlines()[1]
    assert f"by hand, {user}: capacity test" == status["control"]["assets"]["bat1"]["command"]["reason"]
    assert "capacity test" in listed[1]
    assert (0, "good", "") == judged
    assert (1, "") == from_afar[:2]
    assert "a person at the console of the gateway is needed" in from_afar[2]
    assert (0, f"bat1: 1000 W, ended, by {user}", "") == ended
    assert 1 == gateway.log().count("override.begun")
    assert 1 == gateway.log().count("override.ended")


@pytest.mark.daemon
async def test_what_cannot_be_ordered_is_told_why(house):
    gateway, _ = house
    await started(gateway)
    refused = (
        (("override", "bat9", "1kW", "--for", "2h"), 1, "there is no asset 'bat9'; did you mean 'bat1'?"),
        (("override", "grid", "1kW", "--for", "2h"), 1, "grid is the grid meter, which takes no orders; "),
        (("override", "bat1", "99kW", "--for", "2h"), 1, "99000 W is outside"),
        (
            ("override", "bat1", "much", "--for", "2h"),
            1,
            "expected a power with its unit, W or kW: 2kW charges, -2kW discharges",
        ),
        (("override", "bat1", "1kW", "--for", "25h"), 2, "--for: 25h: at most 24h for one order; "),
        (("override", "bat1", "--cancel"), 1, "bat1 has no order by hand"),
        (("override", "bat1", "1kW"), 2, "--for 2h"),
    )
    for words, code, said in refused:
        found = await by_hand(gateway, *words)
        assert code == found[0], words
        assert said in found[2], words


@pytest.mark.daemon
async def test_maintenance_outlives_a_kill_and_ends_by_a_word(house):
    gateway, _ = house
    await started(gateway)
    await gateway.until(lambda status: status["control"]["assets"]["bat1"]["state"] == "controlled")
    begun = await by_hand(gateway, "maintenance", "bat1", "--for", "4h", "--json")
    await gateway.until(lambda status: "maintenance" in status["control"]["assets"]["bat1"]["state"])
    await gateway.stop(signal.SIGKILL)
    await started(gateway)
    status = await gateway.until(lambda status: "maintenance" in status["control"]["assets"]["bat1"]["state"])
    await by_hand(gateway, "override", "bat1", "--cancel")
    await gateway.until(lambda status: status["control"]["assets"]["bat1"]["state"] == "controlled")

    assert json.loads(begun[1])["kept"]
    assert status["control"]["assets"]["bat1"]["override"]["left_s"] <= 4 * 3600


@pytest.mark.daemon
async def test_without_a_daemon_it_is_said_where_was_looked(house):
    gateway, _ = house
    code, _, errors = await by_hand(gateway, "override")

    assert 69 == code
    assert "operators.sock" in errors
    assert "systemctl start quartier" in errors


@pytest.fixture
def recall(tmp_path):
    def made(facts, now=NOW, *, outage=False):
        told = []
        log, clock = structlog.get_logger(), SiteClock()
        found = manual_overrides.ManualOverrides(
            tmp_path,
            lambda: HOUSE,
            ServiceContext(clock=clock, event=lambda *event: told.append(event[:2]), log=log),
        )
        found.recall(facts, now, outage=outage)
        return found, told

    return made


def kept(**changes):
    entry = {
        "asset": "bat1",
        "value": 900.0,
        "until_utc_ms": NOW.utc_ms + 60_000,
        "name": "anna",
        "id": "7",
        "why": "",
    }
    return {"overrides": [entry | changes]}


def test_what_was_kept_goes_on_for_the_rest_of_its_time_and_is_told_when_it_ends(recall):
    found, told = recall(kept())

    assert ["bat1"] == list(found.running(Now(NOW.ns + 59 * S, 0, synced=True), outage=False))
    assert {} == found.running(Now(NOW.ns + 60 * S, 0, synced=True), outage=False)
    assert [("override.ended", "bat1: no longer by hand, anna: its time is over")] == told


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "bat1: maintenance, anna: test"), ("1kW", "bat1: 1000 W by hand, anna: test")],
)
async def test_the_event_of_an_order_by_hand_names_it_once(recall, value, words):
    found, told = recall(None)
    request = {"asset": "bat1", "value": value, "for_s": 60, "why": "test"}
    await found.override(request, Origin("person", "anna", "7"))

    assert [("override.begun", words)] == told


@pytest.mark.parametrize("wall_s", [-3_600, 0, 86_400 * 3_650])
@pytest.mark.parametrize("synced", [False, True])
def test_while_the_machine_goes_on_no_wall_clock_changes_how_long_an_order_lasts(recall, wall_s, synced):
    facts = {**kept(until_ns=NOW.ns + 60 * S), "boot": find_boot_id()}
    found, _ = recall(facts, Now(NOW.ns, NOW.utc_ms + wall_s * 1000, synced))

    assert ["bat1"] == list(found.running(Now(NOW.ns + 59 * S, 0, synced=True), outage=False))
    assert {} == found.running(Now(NOW.ns + 60 * S, 0, synced=True), outage=False)


def test_an_outage_ends_every_order_by_hand(recall):
    found, told = recall(kept())

    assert {} == found.running(NOW, outage=True)
    assert "the grid is gone" in told[0][1]


@pytest.mark.parametrize(
    ("facts", "more"),
    [
        (kept(), {"outage": True}),
        (kept(), {"now": Now(NOW.ns, NOW.utc_ms, synced=False)}),
        (kept(until_utc_ms=NOW.utc_ms), {}),
        (kept(until_utc_ms=NOW.utc_ms + 86_401_000), {}),
        (kept(asset="gone"), {}),
        (kept(value=99_999.0), {}),
        (kept(value="x"), {}),
        ({"overrides": [7]}, {}),
        ({"overrides": [{}]}, {}),
        ({}, {}),
        (None, {}),
    ],
)
def test_what_may_no_longer_hold_is_not_taken_up_again(recall, facts, more):
    found, _ = recall(facts, **more)

    assert {} == found.running(NOW, outage=False)


async def test_a_disk_that_refuses_leaves_the_order_standing_and_says_so(tmp_path, recall):
    found, _ = recall(None)
    (tmp_path / "file").write_text("")
    found._path = tmp_path / "file" / "overrides"

    assert await asyncio.wait_for(found._keep(), 60) is False


@pytest.mark.parametrize(
    ("standing", "is_allowed"),
    [(Presence("the console tty1"), True), (Presence(why_not="the login came over the network"), False)],
)
async def test_only_a_person_at_the_console_restarts_the_check_of_the_grid_meter(
    tmp_path, standing, is_allowed
):
    told, asked = [], []

    def restart_meter_check(now):
        asked.append(now)
        return "implausible"

    desk = manual_overrides.ManualOverrides(
        tmp_path,
        lambda: HOUSE,
        ServiceContext(
            clock=SiteClock(), event=lambda *event: told.append(event), log=structlog.get_logger()
        ),
        restart_meter_check,
        lambda *_: standing,
    )
    answer = await desk.on_site_handlers["restart_meter_check"](
        {}, Origin("person", "anna", "1000"), AskingProcess(1)
    )

    assert (is_allowed, is_allowed) == (bool(asked), bool(told))
    assert (answer.get("done") == "implausible") is is_allowed
    assert ("network" in answer.get("error", "")) is not is_allowed


@pytest.mark.parametrize(
    ("name", "is_unused", "said"),
    [
        ("load", False, "load: the gateway only measures it, it has no output to order"),
        ("pv1", False, "serves no generation_max_w or relay_on to write; name the relay that cuts it off as"),
        ("pv1", True, 'pv1: assets.pv1.curtail = "none" forbids it; remove that key'),
    ],
)
async def test_what_is_measured_alone_takes_no_order(tmp_path, name, is_unused, said):
    assets = tuple(
        dataclasses.replace(one, curtail="none", is_output_unused=is_unused) if isinstance(one, Pv) else one
        for one in HOUSE.assets
    )
    bare = dataclasses.replace(HOUSE, assets=(*assets, Load(name="load", rated_w=2_000.0, measured=True)))
    taken = manual_overrides.ManualOverrides(
        tmp_path,
        lambda: bare,
        ServiceContext(clock=SiteClock(), event=lambda *_: None, log=structlog.get_logger()),
    )
    answer = await taken.override({"asset": name, "value": "off", "for_s": 60}, Origin("person", "x", "0"))

    assert said in answer["error"]
    assert ("only measures it, it has no output to order" in answer["error"]) is not is_unused


async def test_an_order_that_does_not_run_cannot_be_ended_and_those_that_run_are_named(recall):
    found, _ = recall(None)
    person = Origin("person", "x", "0")

    assert {"error": "bat1 has no order by hand"} == await found.cancel({"asset": "bat1"}, person)
    unknown = await found.cancel({"asset": "bat9"}, person)
    assert unknown["error"].startswith("there is no asset 'bat9'; did you mean 'bat1'?")
    await found.override({"asset": "bat1", "value": None, "for_s": 60}, person)
    other = await found.cancel({"asset": "pv1"}, person)
    assert "pv1 has no order by hand; an order by hand runs for bat1" == other["error"]


BAT = Battery(
    name="bat1",
    rated_w=5_000,
    capacity_wh=9_000,
    charge_max_w=5_000,
    discharge_max_w=5_000,
    ramp_max_w_per_s=100,
)
PV = Pv(name="pv1", rated_w=6_000, curtail="limit")
ROOF = Pv(name="pv2", rated_w=6_000, curtail="relay")
EV = ChargePointAsset(name="ev1", rated_w=11_000)
PUMP = Load(name="pump", rated_w=900, switchable=True)
LAMPS = OperationModeAsset(
    name="street",
    rated_w=900,
    quantity="dim_pct",
    modes=(OperationMode("100 % light", 100, 900), OperationMode("50 % light", 50, 450)),
)


@pytest.mark.parametrize(
    ("asset", "text", "value"),
    [
        (BAT, "-2kW", -2_000), (BAT, "2,5 kW", 2_500), (BAT, "300W", 300), (BAT, "0,125kW", 125), (PV, "1.5kw", 1_500),
        (ROOF, "off", 0), (EV, "10A", 10), (EV, "off", 0), (PUMP, "on", 1), (PUMP, " OFF ", 0),
        (LAMPS, "50 % light", 1), (LAMPS, "50%", 1), (LAMPS, "100", 0),
    ],
)  # fmt: skip
def test_each_asset_is_ordered_in_its_own_words(asset, text, value):
    assert value == manual_overrides.parse_ordered_value(asset, text)


@pytest.mark.parametrize(
    ("asset", "text", "said"),
    [
        (BAT, "2000", "expected a power with its unit, W or kW: 2kW charges, -2kW discharges"),
        (BAT, "nan kW", "expected a power"),
        (PV, "off", "W or kW, no sign: 2kW is the most that it may generate"),
        (ROOF, "1kW", "it can only be switched: expected on or off"),
        (EV, "11kW", "expected a current with its unit, 6A to 16A, or off"),
        (BAT, "1,500W", "'1,500 W' can be read in two ways; write 1500 W or 1.5 W"),
        (BAT, "-1.500 kW", "write -1500 kW or -1.5 kW"),
        (EV, "10.000A", "write 10000 A or 10 A"),
        (PUMP, "half", "it can only be switched: expected on or off"),
        (LAMPS, "dark", "expected 100 % light or 50 % light"),
    ],
)
def test_what_an_asset_does_not_understand_is_told_what_it_would(asset, text, said):
    with pytest.raises(ValueError, match=said):
        manual_overrides.parse_ordered_value(asset, text)


@pytest.mark.parametrize(
    ("asset", "value", "words"),
    [
        (BAT, -2_000.0, "-2000 W"), (PV, 0.0, "0 W"), (EV, 10.0, "10 A"), (EV, 0.0, "off"), (ROOF, 1.0, "on"),
        (PUMP, 0.0, "off"), (LAMPS, 1.0, "50 % light"), (PUMP, None, "maintenance"),
    ],
)  # fmt: skip
def test_an_order_is_told_as_a_person_would_say_it(asset, value, words):
    assert words == manual_overrides.render_ordered_value(asset, value)
