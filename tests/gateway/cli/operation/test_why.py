"""``quartier why`` at a real desk and beside a real history."""

import asyncio
import json
import time

import pytest
from tests.gateway.cli.estate import SITE

from quartier.cli import main
from quartier.site.ledger import LedgerEntry
from quartier.site.records import Now
from quartier.store.history_store import Store
from quartier_drivers.contract import Origin

DSO = Origin("document", "dso", "12", 3)
S = 1_000_000_000


def row(number, utc_ms, boot=7, point="boiler.relay_on", **more):
    made = {
        "value": 0.0,
        "low": 0.0,
        "high": 0.0,
        "outcome": "done",
        "who": DSO,
        "why": f"cap {number}",
    } | more
    return LedgerEntry(boot=boot, number=number, point=point, utc_ms=utc_ms, last_ms=utc_ms, **made)


@pytest.fixture
def now_ms():
    return time.time_ns() // 1_000_000


@pytest.fixture
def keep(tmp_path, now_ms):
    """Keep rows in a history that is closed well, or left as a killed process leaves it."""

    def kept(*entries, killed=False):
        store = Store(tmp_path / "history.db", tmp_path)
        store.open(Now(0, now_ms, synced=True))
        for entry in entries:
            store.write_down(entry, Now(S, now_ms, synced=True))
        if not killed:
            assert store.close(Now(2 * S, now_ms, synced=True), 10.0)

    return kept


@pytest.fixture
def ask(tmp_path, status, capsys, serving):
    """``await ask("boiler", live=rows)``: (exit code, output, errors); without ``live`` no daemon runs."""

    async def asks(*words, live=None):
        options = [
            "--runtime-dir",
            str(tmp_path),
            "--state-dir",
            str(tmp_path),
            "--config",
            str(tmp_path / "none"),
        ]

        def asset(name):
            found = status["control"]["assets"].get(name)
            data = [entry.data() for entry in reversed(live or ())]
            more = {"name": name, "needs": None, "until_ms": None, "ledger": data}
            return found and {
                "gateway": {**status["gateway"], "boot": 8, "utc_ms": time.time_ns() // 1_000_000},
                "asset": {**found, **more},
            }

        async def run():
            return await asyncio.to_thread(main, ["why", *words, *options])

        if live is None:
            code = await run()
        else:
            async with serving({"status": lambda: status}, {"asset": asset}):
                code = await run()
        return code, *capsys.readouterr()

    return asks


async def test_with_the_daemon_its_rows_and_older_ones_of_the_history_are_one_table(ask, keep, now_ms):
    keep(row(1, now_ms - 60_000, why="of yesterday", outcome="pending"))
    code, text, _ = await ask("boiler", live=[row(1, now_ms - 9000, boot=8, why="of today")])

    assert 0 == code
    assert "by       the district: program dso, document 12, seq 3" in text
    assert "because  of today" in text
    *table, zone = text.split("\n\n", 1)[1].splitlines()
    assert zone.startswith("times are in ")
    assert ["done of today", "unknown of yesterday"] == [" ".join(line.split()[-3:]) for line in table[1:]]
    assert all(len(line) <= 80 for line in text.splitlines())


async def test_a_killed_daemon_is_told_from_its_history_alone(ask, keep, now_ms):
    keep(row(1, now_ms - 60_000), row(2, now_ms - 5000, outcome="pending"), killed=True)
    code, text, _ = await ask("boiler")

    assert 0 == code
    assert "its present state is not known" in text
    assert "unknown (the gateway stopped before it was read back)" in " ".join(text.split())
    assert "cap 1" in text


async def test_the_last_ten_are_shown_or_all_or_those_since(ask, keep, now_ms):
    keep(*(row(number, now_ms - 3_600_000 * (40 - number)) for number in range(40)))

    async def count(*words):
        _, text, _ = await ask("boiler", *words, "--json")
        return len(json.loads(text)["rows"])

    assert [10, 40, 3] == [await count(), await count("--all"), await count("--since", "210min")]


async def test_json_tells_all_that_is_known_the_newest_first(ask, keep, now_ms):
    keep(row(1, now_ms - 9000), row(2, now_ms - 5000))
    _, text, _ = await ask("boiler", "--json", live=[])
    told = json.loads(text)

    assert ("boiler", "load", []) == (told["asset"], told["now"]["role"], told["missing"])
    assert [(2, "dso", "done"), (1, "dso", "done")] == [
        (entry["number"], entry["who"]["name"], entry["outcome"]) for entry in told["rows"]
    ]


async def test_json_has_the_code_of_a_reason_beside_its_text_and_an_older_row_its_text_alone(
    ask, keep, now_ms
):
    cause = {"code": "load.shed", "values": {"tier": "C"}}
    keep(row(1, now_ms - 9000), row(2, now_ms - 5000, why="shed, tier C", cause=cause))
    _, text, _ = await ask("boiler", "--json", live=[])
    told = [(one["why"], one["code"], one["values"]) for one in json.loads(text)["rows"]]

    assert [("shed, tier C", "load.shed", {"tier": "C"}), ("cap 1", "", {})] == told


async def test_an_unknown_asset_names_the_known_ones(ask):
    code, _, errors = await ask("nobody", live=[])
    assert (1, "no asset is called nobody; expected one of bat1, boiler\n") == (code, errors)


async def test_the_grid_asset_is_said_to_be_read_only_and_what_shows_it(ask, status):
    status["gateway"]["grid"] = "grid"
    code, text, _ = await ask("grid", live=[])
    assert (0, True) == (
        code,
        text.startswith("grid is the meter at the grid connection: it is read and never"),
    )
    assert "`quartier meter`" in text
    assert "`quartier points 'grid.*'`" in text
    assert "expected one of bat1, boiler, grid" in (await ask("nobody", live=[]))[2]
    assert [] == json.loads((await ask("grid", "--json", live=[]))[1])["rows"]


async def test_without_daemon_history_and_site_file_each_is_named_with_what_to_do(ask, tmp_path):
    code, text, errors = await ask("boiler")
    daemon, site, history = errors.splitlines()

    assert (69, "") == (code, text)
    assert daemon.startswith(f"no daemon answers at {tmp_path}")
    assert daemon.endswith("or name its --runtime-dir")
    assert site.startswith("no site file: ")
    assert site.endswith("cannot be read: No such file or directory; name it with --config")
    assert f"no history at {tmp_path}/history.db; is --state-dir where the daemon keeps it?" == history


async def test_without_daemon_a_history_without_the_asset_is_named(ask, keep, now_ms, tmp_path):
    keep(row(1, now_ms - 9000))
    code, _, errors = await ask("bat1")

    assert (69, f"no order of bat1 is written down in {tmp_path}/history.db") == (
        code,
        errors.splitlines()[2],
    )


async def test_without_daemon_the_site_file_names_the_assets_that_there_are(ask, tmp_path):
    (tmp_path / "none").write_text(SITE)
    code, _, errors = await ask("boilr")
    known = errors.split("'")[1]

    assert (1, True) == (code, errors.startswith("no asset is called boilr; did you mean 'boiler'?"))
    assert 0 == (await ask(known))[0]


async def test_a_time_that_cannot_be_read_is_wrong_use(ask):
    code, _, errors = await ask("boiler", "--since", "soon", live=[])
    assert (2, True) == (code, "expected" in errors)
