"""``quartier arm`` against simulated devices on real sockets."""

import asyncio
import json
import socket

import pytest

from quartier.cli import main
from quartier.daemon import state_files
from quartier.runtime import release
from quartier.runtime.bus.fallback_monitor import FallbackProof
from quartier_drivers.device_profile.loading import BUILT_IN_FOLDER
from quartier_sim.devices import catalog
from quartier_sim.modbus.endpoints import serve_tcp

SITE = """\
site = {{ id = "b012", district = "issy", profiles = ["profiles"] }}
limits = {{ contract_import_w = 12000, autonomous_import_w = 12000 }}
buses.lan = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {charger}, timeout_s = 5.0, retries_count = 0 }}
buses.board = {{ kind = "modbus-tcp", host = "127.0.0.1", port = {board}, timeout_s = 5.0, retries_count = 0 }}
devices.charger = {{ bus = "lan", profile = "quick/p30", unit = 255 }}
devices.relays = {{ bus = "board", profile = "waveshare/relay8", unit = 3 }}
devices.meter = {{ bus = "board", profile = "eastron/sdm630", unit = 1 }}
assets.grid = {{ role = "grid", device = "meter" }}
assets.ev1 = {{ role = "ev", device = "charger" }}
assets.boiler = {{ role = "load", device = "relays", part = "relay1", tier = "C", rated_w = 2000{accept} }}
"""
ACCEPT = ', accept_no_fallback = "the board has no watchdog and a boiler bears that"'


@pytest.fixture
async def site(tmp_path, quick_p30):
    """``await site("--check", accept=…)``: (exit code, output, errors); ``site.charger`` is the station."""
    charger = catalog.make_device("keba/p30", failsafe_a=16.0)
    board = [catalog.make_device("waveshare/relay8", unit=3), catalog.make_device("eastron/sdm630", unit=1)]
    async with await serve_tcp(charger) as first, await serve_tcp(board) as second:
        yield Site(tmp_path, charger, {"charger": first.port, "board": second.port}, quick_p30)


@pytest.fixture
def quick_p30():
    """The station's profile without the maker's pauses: the simulated one needs none."""
    text = (BUILT_IN_FOLDER / "keba/p30.toml").read_text(encoding="utf-8")
    assert "pause_s = 0.5" in text
    return text.replace("pause_s = 0.5", "pause_s = 0")


class Site:
    def __init__(self, folder, charger, ports, profile):
        self.folder = folder
        self.charger = charger
        self.ports = ports
        (folder / "profiles" / "quick").mkdir(parents=True)
        (folder / "profiles" / "quick" / "p30.toml").write_text(profile, encoding="utf-8")

    async def __call__(self, capsys, *words, accept=ACCEPT, config="site.toml"):
        (self.folder / "site.toml").write_text(SITE.format(accept=accept, **self.ports), encoding="utf-8")
        places = [f"--{name}-dir={self.folder / name}" for name in ("runtime", "state")]
        command = ["arm", f"--config={self.folder / config}", *places, *words]
        return await asyncio.to_thread(main, command), *capsys.readouterr()


def cells(text, begin):
    (found,) = [line for line in text.splitlines() if line.startswith(begin)]
    return " ".join(found.split())


async def test_each_fallback_is_written_read_back_and_shown(site, capsys):
    code, text, told = await site(capsys)

    assert 0 == code
    assert cells(text, "charger  ").startswith("charger ev1.current_max_a 0 A 60 s armed, not proven 20")
    assert (
        "charger ev1.current_max_a: its fallback was never seen to act; "
        "let it act once: quartier probe ev1 --watch-timer" in text
    )
    assert "relays boiler.relay_on accepted –" == cells(text, "relays  ")
    assert (
        "relays boiler.relay_on: has no fallback: the board has no watchdog: its relays stay as they were"
        in text
    )
    assert "accepted: the board has no watchdog and a boiler bears that" in text
    assert "1/1 charger on lan: written and read back\n" == told
    assert (0, 60) == (site.charger._failsafe_ma, site.charger._timeout_s)
    assert (0, 60) == site.charger._kept


async def test_a_check_writes_nothing_and_names_what_stands_there(site, capsys):
    code, text, _ = await site(capsys, "--check")

    assert 1 == code
    assert "DIFFERENT" in cells(text, "charger  ")
    assert (
        "charger ev1.current_max_a: 0 is declared as its value, holding:1600 holds 16; run quartier arm"
        in text
    )
    assert (16_000, 0) == site.charger._kept


async def test_after_arming_a_check_is_well_and_all_of_it_can_be_had_as_json(site, capsys):
    await site(capsys)
    code, text, _ = await site(capsys, "--check", "--json")
    charger, boiler = json.loads(text)

    assert 0 == code
    assert ("armed", True, 0.0, 60.0) == (
        charger["state"],
        charger["ok"],
        charger["found_value"],
        charger["found_after_s"],
    )
    assert ("none", True, "lan", "board") == (boiler["state"], boiler["ok"], charger["bus"], boiler["bus"])


async def test_a_point_without_fallback_that_nobody_accepts_is_exit_1_with_what_to_do(site, capsys):
    code, text, told = await site(capsys, accept="")

    assert 1 == code
    assert "assets.boiler.accept_no_fallback" in text
    assert "assets.boiler.accept_no_fallback: is missing: waveshare/relay8 keeps its last" in told


async def test_a_device_that_does_not_answer_is_named_and_the_others_go_on(site, capsys):
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        site.ports["charger"] = gone.getsockname()[1]
        code, text, told = await site(capsys)

    assert 1 == code
    assert "no answer" in cells(text, "charger  ")
    assert "1/1 charger on lan: no answer: " in told
    assert "accepted" in cells(text, "relays  ")


async def test_what_was_found_is_kept_for_the_daemon(site, capsys):
    await site(capsys)
    look = state_files.load_fallbacks(site.folder / "state").of("ev1.current_max_a")

    assert (True, True, 60.0) == (look.is_as_declared, look.armed.is_verified, look.armed.after_s)


@pytest.mark.parametrize(("acts", "state", "exit_code"), [(True, "verified", 0), (False, "different", 1)])
async def test_what_a_probe_saw_of_the_timer_counts_from_then_on(site, capsys, acts, state, exit_code):
    await site(capsys)
    known = state_files.load_fallbacks(site.folder / "state")
    known.prove("ev1.current_max_a", FallbackProof(acts, 60.0, None, "ev1 ignores its timer of 60 s", 1))
    state_files.save_fallbacks(site.folder / "state", known)
    code, text, _ = await site(capsys, "--check", "--json")
    charger = json.loads(text)[0]

    assert (exit_code, state, "") == (code, charger["state"], charger["prove"])
    assert acts or "ev1 ignores its timer of 60 s" == charger["problem"]


async def test_while_a_daemon_runs_arming_is_exit_75_with_the_next_step(site, capsys):
    await site(capsys)
    with release.take_lock(site.folder / "runtime"):
        code, _, told = await site(capsys)
        silent = await site(capsys, "--check")

    assert 75 == code
    assert "systemctl stop quartier" in told
    assert "quartier arm --check" in told
    assert 69 == silent[0]


@pytest.mark.parametrize("words", [(), ("--check",)])
async def test_a_daemon_with_another_runtime_dir_is_exit_75_too(site, capsys, words):
    await site(capsys)
    with release.take_state_lock(site.folder / "state"):
        code, _, told = await site(capsys, *words)

    assert 75 == code
    assert f"{site.folder}/state is in use" in told


async def test_a_wrong_site_file_is_exit_78(site, capsys):
    code, _, told = await site(capsys, config="gone.toml")

    assert (78, True) == (code, "gone.toml: file: cannot be read" in told)


async def test_a_simulated_clock_arms_no_real_device(site, capsys, monkeypatch):
    monkeypatch.setenv("QUARTIER_CLOCK", "rate=60")
    code, _, told = await site(capsys)

    assert (78, True) == (code, "site.simulated: QUARTIER_CLOCK is set" in told)


async def test_a_device_with_a_fault_of_its_own_is_named_and_the_others_are_armed(site, capsys):
    site.ports["board"] = 0
    code, text, told = await site(capsys)

    assert 1 == code, "not all was asked"
    assert "warning: " in told
    assert "buses.board.port" in told
    assert "armed" in cells(text, "charger  ")
