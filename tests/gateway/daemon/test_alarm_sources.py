"""What is wrong beside what control sees, on real wires; each loss is one alarm."""

import asyncio
import socket
from types import SimpleNamespace

import pytest

from quartier.commissioning.probe_results import ProbeResult
from quartier.control.limits.contacts import ContactState
from quartier.daemon import answers
from quartier.daemon.alarm_sources import FaultAlarms
from quartier.daemon.assembly import bus_specs, site_model

VIRTUAL_TIME = True

VIEW = {"mode": "CONTROLLED", "losses": [], "contacts": {}}


class Trouble:
    """What would be told of a fleet by a turn that sees ``view``."""

    def __init__(self, yard, loaded, **view):
        points = yard.fleet.points
        house = site_model.make_site(
            loaded.site, points, bus_specs.find_release_values(yard.fleet.wires, points)
        )
        self.turn = SimpleNamespace(site=house, view={**VIEW, **view}, uplink=None)
        self.safety = SimpleNamespace(fault="")
        self.loaded = loaded
        self.told = FaultAlarms(self.turn, yard.fleet, self.safety, lambda: self.loaded)

    def told_keys(self):
        return [alarm.key for alarm in self.told(None)]


async def trouble(found, *changes, **view):
    """Inside ``yard()``; the fleet runs."""
    return Trouble(found, await found.follow(*changes), **view)


async def test_a_house_that_is_well_has_none(yard):
    async with yard() as (found, _):
        made = await trouble(found)
        await found.until(lambda: found.seen("grid.power_w") is not None)

        assert [] == made.told_keys()


async def test_a_silent_device_is_told_unless_its_asset_its_contact_or_its_bus_is(yard):
    async with yard() as (found, devices):
        made = await trouble(found)
        relays = found.buses["board"].devices["relays"]
        await found.until(lambda: relays.known)
        devices["relays"].fault("silent")
        await found.until(lambda: relays.silent)
        assert [("device.silent", "relays")] == made.told_keys()

        made.turn.view["losses"] = [{"name": "load-silent", "of": "boiler"}]
        assert [] == made.told_keys(), "its asset has an alarm"
        made.turn.view["losses"] = []
        made.turn.view["contacts"] = {"boiler": {"why": ContactState.LOST}}
        assert [] == made.told_keys(), "its contact has one"
        made.turn.view["contacts"] = {}
        found.buses["board"].mark_down("")
        assert [] == made.told_keys(), "its bus has one"


async def test_a_sound_meter_that_belongs_to_nothing_is_not_read_and_no_alarm(yard):
    talks = []

    async def speak(_reader, writer):
        talks.append(asyncio.current_task())
        while not writer.is_closing():
            writer.write(b"\x02\nIINST 002 Y\r\x03")
            await asyncio.sleep(0.1)
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        spare = f'buses.tic = {{ kind = "tic", port = "tcp://127.0.0.1:{port}" }}\nbuses.board'
        linky = 'devices.linky = { bus = "tic", profile = "enedis/linky_standard" }\ndevices.gx'
        async with yard() as (found, _):
            made = await trouble(found, ("buses.board", spare), ("devices.gx", linky))
            await found.until(lambda: found.buses["tic"].counts.get("bytes_count", 0) > 100)
            end_ns = found.clock.now_ns() + 180_000_000_000
            await found.until(lambda: found.clock.now_ns() > end_ns)

            assert [] == made.told_keys()
            told = answers.render_buses(found.fleet, found.image.freeze(found.clock.now_ns()))
            assert {"lan": "", "tic": answers.NOT_READ, "board": ""} == {
                one["name"]: one["why"] for one in told
            }
        await asyncio.gather(*talks)


async def test_an_asset_without_fall_back_that_nobody_accepted_is_told(yard):
    async with yard() as (found, _):
        made = await trouble(
            found, (', accept_no_fallback = "the board has no watchdog, a boiler bears that"', "")
        )

        assert [("output.no_fallback", "boiler")] == made.told_keys()


async def test_a_probe_that_found_something_is_told_until_the_next_is_good(yard):
    async with yard() as (found, _):
        made = await trouble(found)
        bad = ProbeResult(when_utc_ms=0, is_good=False, sentence="bat1 does the opposite")
        found.fleet.probes = {"bat1": bad, "gone": bad}
        assert [("probe.failed", "bat1")] == made.told_keys()

        found.fleet.probes = {"bat1": ProbeResult(when_utc_ms=0, is_good=True, sentence="")}
        assert [] == made.told_keys()


async def test_an_order_that_a_device_refuses_is_told_without_its_name_twice(yard):
    async with yard() as (found, _):
        made = await trouble(found)
        await found.until(lambda: found.seen("bat1.power_w") is not None)
        outcome = SimpleNamespace(verdict="refused", why="bat1.setpoint_w: illegal data value")
        found.buses["lan"].mailbox.outcomes["bat1.setpoint_w"] = outcome

        (alarm,) = made.told(None)
        assert (("output.refused", "bat1.setpoint_w"), "bat1.setpoint_w is refused: illegal data value") == (
            alarm.key,
            alarm,
        )


async def test_an_output_that_its_device_does_not_take_back_is_told(yard):
    async with yard() as (found, _):
        made = await trouble(found)
        found.buses["lan"]._relinquish_queue.refused = {"bat1.setpoint_w": "locked"}

        assert [("output.not_taken_back", "bat1.setpoint_w")] == made.told_keys()


async def test_safe_values_that_cannot_be_written_down_are_told(yard):
    async with yard() as (found, _):
        made = await trouble(found)
        made.safety.fault = "No space left on device"

        assert [("release.not_kept", "")] == made.told_keys()


async def test_what_a_site_file_puts_out_of_action_and_one_that_is_refused_are_told(yard):
    async with yard() as (found, _):
        made = await trouble(found, ('profile = "waveshare/relay8"', 'profile = "nobody/knows"'))
        made.told.refused = "site.toml:1: no"

        assert ("config.disabled", "devices.relays") in made.told_keys()
        assert ("config.refused", "") in made.told_keys()


@pytest.mark.parametrize(
    ("uplink", "mode", "told"),
    [
        (None, "AUTONOMOUS", ["district.off"]),
        ("there", "AUTONOMOUS", ["district.no_heartbeat"]),
        ("there", "FAILSAFE", []),
        ("there", "CONTROLLED", []),
    ],
)
async def test_a_district_that_is_wanted_and_not_heard_is_told(yard, uplink, mode, told):
    async with yard() as (found, _):
        link = ("buses.lan", 'district_link = { url = "mqtt://127.0.0.1:9" }\nbuses.lan')
        made = await trouble(found, link, mode=mode)
        made.turn.uplink = None if uplink is None else SimpleNamespace(expiring={})

        assert told == [code for code, _ in made.told_keys()]


async def test_a_share_that_cannot_listen_is_told(yard):
    async with yard() as (found, _):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            share = (
                f'shares.portal = {{ bus = "lan", listen = "{place}", clients = ["127.0.0.1"] }}\nbuses.lan'
            )
            made = await trouble(found, ("buses.lan", share))
            found.fleet.share(made.loaded.site)
            await found.until(found.fleet.shares.find_failed_shares)

            assert [("share.not_serving", "portal")] == [
                key for key in made.told_keys() if key[0] == "share.not_serving"
            ]


async def test_what_ends_soon_is_told_by_its_name_until_it_is_renewed(yard):
    async with yard() as (found, _):
        made = await trouble(found)
        made.loaded = found.read(("buses.lan", 'district_link = { url = "mqtts://x.example" }\nbuses.lan'))
        made.turn.uplink = SimpleNamespace(expiring={"key dso-1": "key dso-1 expires in 3 days"})
        assert ("district.expires", "key dso-1") in made.told_keys()
        made.turn.uplink.expiring = {}
        assert "district.expires" not in {code for code, _ in made.told_keys()}
